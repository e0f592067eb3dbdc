"""Laws of the algebra: what it says in sparse terms is what dense numpy says, or it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.errors import FormulationError
from citygrid.model.algebra import Linear, Term
from citygrid.model.labelled import Axis, Data, data

UNITS = Axis("unit", np.array(["a", "b", "c"], dtype=object))
HOURS = Axis("time", np.arange(4))
ZONES = Axis("zone", np.array(["x", "y"], dtype=object))

Axes = tuple[Axis, ...]


def shape(dims: Axes) -> tuple[int, ...]:
    return tuple(len(axis) for axis in dims)


def block(dims: Axes, start: int = 0, unit: str = "kW") -> Linear:
    """A block of variables, one column per cell."""
    columns = np.arange(start, start + int(np.prod(shape(dims)))).reshape(shape(dims))
    return Linear(dims, unit, (Term(None, columns, np.ones(())),))


#: The variables: over unit × time and over zone × unit.
flows, shares = block((UNITS, HOURS)), block((ZONES, UNITS), start=12)
points = st.lists(st.integers(-9, 9), min_size=18, max_size=18).map(
    lambda numbers: np.array(numbers, dtype=float)
)
numbers = st.integers(-5, 5)


def arrays(*dims: Axis) -> st.SearchStrategy[Data]:
    size = int(np.prod(shape(dims)))
    return st.lists(numbers, min_size=size, max_size=size).map(
        lambda values: Data(np.array(values, dtype=float).reshape(shape(dims)), dims)
    )


def value(expression: Linear, x: np.ndarray) -> np.ndarray:
    """What an expression is worth at a point, from the triplets that it emits."""
    rows, columns, weights = expression.triplets()
    found = expression.known().astype(float).copy()
    np.add.at(found, rows, weights * x[columns])
    return found.reshape(expression.shape)


def p_of(x: np.ndarray) -> np.ndarray:
    return x[:12].reshape(3, 4)


def q_of(x: np.ndarray) -> np.ndarray:
    return x[12:].reshape(2, 3)


# arithmetic ---------------------------------------------------------------------------------------


@given(points, arrays(UNITS, HOURS), arrays(UNITS), arrays())
def test_products_and_sums_are_those_of_numpy(
    x: np.ndarray, matrix: Data, column: Data, single: Data
) -> None:
    p = p_of(x)
    expected = (p * matrix.values + column.values[:, None] - p) * single.values
    kw = Data(column.values, column.dims, "kW")
    assert value((flows * matrix + kw - flows) * single, x) == pytest.approx(expected)
    assert value(2.0 * flows + kw, x) == pytest.approx(2 * p + column.values[:, None])
    assert value(kw - flows, x) == pytest.approx(column.values[:, None] - p)
    assert value(-flows / 4.0, x) == pytest.approx(-p / 4)


@given(points, arrays(HOURS))
def test_axes_meet_by_name_and_not_by_place(x: np.ndarray, hourly: Data) -> None:
    """unit × time plus zone × unit is one number per unit, time and zone."""
    both = flows * hourly + shares
    found = value(both, x)
    names = [axis.name for axis in both.dims]
    expected = np.einsum("ut,t->ut", p_of(x), hourly.values)[:, :, None] + q_of(x).T[:, None, :]
    order = [["unit", "time", "zone"].index(name) for name in names]
    assert found == pytest.approx(expected.transpose(order))


@given(points, arrays(ZONES))
def test_a_sum_repeats_over_further_axes(x: np.ndarray, weight: Data) -> None:
    """Sparse terms spread like plain ones: the total of the units, weighed zone by zone."""
    total = flows.sum("unit") * weight
    by_name = dict(zip([axis.name for axis in total.dims], range(2), strict=True))
    found = value(total, x).transpose(by_name["zone"], by_name["time"])
    assert found == pytest.approx(np.outer(weight.values, p_of(x).sum(axis=0)))


@given(arrays(UNITS), arrays(UNITS, HOURS))
def test_known_numbers_follow_numpy(column: Data, matrix: Data) -> None:
    spread = column.values[:, None]
    assert (column * matrix).values == pytest.approx(spread * matrix.values)
    assert (1.0 - matrix).values == pytest.approx(1 - matrix.values)
    assert (matrix - column + 2.0).values == pytest.approx(matrix.values - spread + 2)
    assert (-matrix / 2.0).values == pytest.approx(-matrix.values / 2)


def test_units_multiply_and_divide() -> None:
    step = Data(np.asarray(0.5), (), "h")
    price = Data(np.asarray(0.2), (), "EUR/kWh")
    assert (flows * step).unit == "kWh"
    assert (flows * step * price).unit == "EUR"
    assert (flows / Data(np.asarray(2.0), (), "kW")).unit == "1"
    assert (flows * (step * price)).unit == "EUR"


# what does not fit is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "combine",
    [
        lambda: flows + Data(np.asarray(1.0), (), "kWh"),
        lambda: flows + 1.0,
        lambda: flows - Data(np.asarray(1.0), (), "h"),
        lambda: flows <= Data(np.asarray(1.0), (), "EUR"),
        lambda: flows == block((UNITS, HOURS), unit="kWh"),
        lambda: flows.previous(Data(np.zeros(3), (UNITS,), "kWh")),
        lambda: Data(np.asarray(1.0), (), "kW") + Data(np.asarray(1.0), (), "h"),
        lambda: Data(np.asarray(1.0), (), "kW") - 1.0,
    ],
)
def test_different_units_are_not_added(combine: Any) -> None:
    """kW and kWh differ by a step that is 1 h in most examples: no test by numbers finds it."""
    with pytest.raises(FormulationError, match=r"cannot|in kWh"):
        combine()


OTHER_UNITS = Axis("unit", np.array(["a", "c", "b"], dtype=object))
FEWER_HOURS = Axis("time", np.arange(3))


@pytest.mark.parametrize(
    "combine",
    [
        lambda: flows + block((OTHER_UNITS, HOURS)),
        lambda: flows * Data(np.ones(3), (OTHER_UNITS,)),
        lambda: flows + block((FEWER_HOURS,)),
        lambda: Data(np.ones(3), (UNITS,)) * Data(np.ones(3), (OTHER_UNITS,)),
        lambda: flows <= Data(np.ones(3), (FEWER_HOURS,), "kW"),
    ],
)
def test_labels_that_differ_are_never_aligned(combine: Any) -> None:
    """The same three names in another order would otherwise swap two units in silence."""
    with pytest.raises(FormulationError, match="labels differ"):
        combine()


def test_equal_labels_are_equal_axes_wherever_they_come_from() -> None:
    again = Axis("unit", np.array(["a", "b", "c"], dtype=object))
    assert again == UNITS and hash(again) == hash(UNITS)
    assert (flows + block((again, HOURS))).shape == (3, 4)


def test_a_sum_over_an_axis_that_is_not_there_is_refused() -> None:
    with pytest.raises(FormulationError, match="no such axis"):
        flows.sum("zone")


# selections, shifts, maps -------------------------------------------------------------------------

flags = st.lists(st.booleans(), min_size=3, max_size=3).map(lambda keep: np.array(keep))


@given(points, flags, arrays(UNITS))
def test_a_selection_keeps_its_rows(x: np.ndarray, keep: np.ndarray, column: Data) -> None:
    some = UNITS.only(keep, "some")
    assert list(some.labels) == list(UNITS.labels[keep])
    expected = (p_of(x) * column.values[:, None])[keep]
    assert value((flows * column).only(some), x) == pytest.approx(expected)
    assert value(flows.only(some) * column.only(some), x) == pytest.approx(expected)


@given(points, flags)
def test_a_selection_of_a_selection(x: np.ndarray, keep: np.ndarray) -> None:
    some = UNITS.only(keep, "some")
    first = some.only(np.arange(len(some)) < 1, "first")
    assert value(flows.only(some).only(first), x) == pytest.approx(p_of(x)[keep][:1])


@given(points, arrays(UNITS), flags)
def test_the_previous_step(x: np.ndarray, initial: Data, cyclic: np.ndarray) -> None:
    """Where a store is cyclic the last level comes before the first, elsewhere the given one."""
    start = Data(initial.values, initial.dims, "kW")
    p = p_of(x)
    expected = np.roll(p, 1, axis=1)
    expected[~cyclic, 0] = initial.values[~cyclic]
    assert value(flows.previous(start, cyclic), x) == pytest.approx(expected)


@given(points, flags, arrays(UNITS), flags)
def test_the_previous_step_of_sums(
    x: np.ndarray, keep: np.ndarray, initial: Data, cyclic: np.ndarray
) -> None:
    """Of a unit's own flow and, for some, what is added: heat to a turbine's power."""
    some = UNITS.only(keep, "some")
    rows = (some.positions[:, None] * len(HOURS) + np.arange(len(HOURS))).ravel()
    more = flows.only(some).mapped((UNITS, HOURS), rows, np.arange(len(rows)), np.ones(len(rows)))
    start = Data(initial.values, initial.dims, "kW")
    p = p_of(x) * (1.0 + keep[:, None])
    expected = np.roll(p, 1, axis=1)
    expected[~cyclic, 0] = initial.values[~cyclic]
    assert value((flows + more).previous(start, cyclic), x) == pytest.approx(expected)


@given(points)
def test_the_previous_step_of_a_total(x: np.ndarray) -> None:
    total = p_of(x).sum(axis=0)
    found = value(flows.sum("unit").previous(Data(np.asarray(7.0), (), "kW")), x)
    assert found == pytest.approx([7.0, *total[:-1]])


@given(points)
def test_sums_over_one_and_all_axes(x: np.ndarray) -> None:
    p = p_of(x)
    assert value(flows.sum("time"), x) == pytest.approx(p.sum(axis=1))
    assert value(flows.sum("unit"), x) == pytest.approx(p.sum(axis=0))
    assert value(flows.sum("unit", "time"), x) == pytest.approx(p.sum())
    assert value(flows.sum("unit").sum("time"), x) == pytest.approx(p.sum())


entries = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 11), numbers), max_size=20)


@given(points, entries, entries)
def test_a_map_is_a_matrix_and_maps_chain(x: np.ndarray, first: Any, second: Any) -> None:
    """Entries may repeat, skip and come in any order; a map of a map is the product."""

    def matrix(listed: Any, width: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        rows, cells, weights = (np.array([entry[i] for entry in listed], dtype=kind)
                                for i, kind in enumerate((np.int64, np.int64, float)))  # fmt: skip
        cells = cells % width
        dense = np.zeros((2, width))
        np.add.at(dense, (rows, cells), weights)
        return dense, (rows, cells, weights)

    dense, listed = matrix(first, 12)
    again, listed_again = matrix(second, 2)
    constant = Data(np.arange(12.0).reshape(3, 4), (UNITS, HOURS), "kW")
    flat = (p_of(x) + constant.values).ravel()
    mapped = (flows + constant).mapped((ZONES,), *listed)
    assert value(mapped, x) == pytest.approx(dense @ flat)
    assert value(mapped.mapped((ZONES,), *listed_again), x) == pytest.approx(again @ dense @ flat)


def test_a_ragged_hub_is_not_padded() -> None:
    """200 units at one node and one at another are 201 entries an hour, and not 2 · 200."""
    many = Axis("unit", np.arange(201))
    flow = block((many, HOURS))
    at = np.where(np.arange(201) < 200, 0, 1)
    rows = (at[:, None] * 4 + np.arange(4)).ravel()
    hub = flow.mapped((ZONES, HOURS), rows, np.arange(rows.size), np.ones(rows.size))
    assert len(hub.triplets().rows) == 201 * 4


def test_a_coefficient_of_zero_is_no_entry() -> None:
    assert len((flows * Data(np.array([1.0, 0.0, 2.0]), (UNITS,))).triplets().rows) == 8


# relations ----------------------------------------------------------------------------------------


def test_relations_keep_their_direction() -> None:
    ten = Data(np.asarray(10.0), (), "kW")
    for relation, low, high in (
        (flows <= ten, -np.inf, 0.0), (flows >= ten, 0.0, np.inf),
        (flows == ten, 0.0, 0.0), (ten >= flows, -np.inf, 0.0),
    ):  # fmt: skip
        assert (relation.lower, relation.upper) == (low, high)
        assert (relation.expression.known() == -10.0).all()


def test_a_plain_number_has_no_unit() -> None:
    assert data(3.0).unit == "1" and data(data(3.0, "kW")).unit == "kW"
