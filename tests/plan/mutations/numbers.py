"""Operators on numbers: flows, levels."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from citygrid.plan.plan import Plan
from tests.plan.mutations.laws import Site
from tests.plan.mutations.tools import (
    Mutant,
    amount,
    any_flow,
    any_place,
    breaks,
    hourly,
    is_amount,
    of_a_flow,
    with_flow,
)

# flows and levels ---------------------------------------------------------------------------------


@breaks("balance of a carrier, or the unit's own equation")
@of_a_flow(is_amount)
def more_in_an_hour(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values).max()))
    values[place] += by
    return with_flow(site, rng, name, values, f"{by:+.3g} at {place}")


@breaks("balance of a carrier, or flows are not negative")
@of_a_flow(is_amount)
def less_in_an_hour(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values).max()))
    values[place] -= by
    return with_flow(site, rng, name, values, f"{-by:+.3g} at {place}")


@breaks("balance of a carrier in every hour")
@of_a_flow(lambda a: is_amount(a) and bool(np.abs(a.values).max() > 0))
def a_part_more_all_day(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row = any_place(rng, np.abs(values) > 0)[0]
    part = amount(rng, 1.0) * rng.choice([-1.0, 1.0])
    values[row] *= 1.0 + part
    return with_flow(site, rng, name, values, f"row {row} × {1 + part:.6g}")


@breaks("capacity of a unit")
@of_a_flow(is_amount)
def beyond_its_capacity(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    span = site.form.columns[name].span
    upper = site.form.upper[span].reshape(values.shape)
    if not np.isfinite(upper).any():
        return None
    place = any_place(rng, np.isfinite(upper))
    by = amount(rng, float(upper[place]))
    values[place] = upper[place] + by
    return with_flow(site, rng, name, values, f"{by:.3g} above its limit at {place}")


@breaks("balance of a carrier: a unit stands still that was needed")
@of_a_flow(lambda a: is_amount(a) and bool((np.abs(a.values) > 1e-3).any()))
def silenced_for_an_hour(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    place = any_place(rng, np.abs(values) > 1e-3)
    values[place] = 0.0
    return with_flow(site, rng, name, values, f"0 at {place}")


@breaks("what is done at one hour is done at another")
@of_a_flow(lambda a: hourly(a) and bool((np.ptp(a.values, axis=1) > 1e-3).any()))
def two_hours_swapped(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row = any_place(rng, np.ptp(values, axis=1) > 1e-3)[0]
    first, second = int(values[row].argmax()), int(values[row].argmin())
    if rng.random() < 0.5:
        first, second = (int(i) for i in rng.choice(values.shape[1], 2, replace=False))
    values[row, [first, second]] = values[row, [second, first]]
    return with_flow(site, rng, name, values, f"hours {first} and {second} of row {row} swapped")


@breaks("what is done at one hour is done at another")
@of_a_flow(lambda a: hourly(a) and bool((np.ptp(a.values, axis=1) > 1e-3).any()))
def a_step_late(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row = any_place(rng, np.ptp(values, axis=1) > 1e-3)[0]
    by = int(rng.choice([-1, 1]))
    values[row] = np.roll(values[row], by)
    return with_flow(site, rng, name, values, f"row {row} by {by:+d} steps")


@breaks("what one unit does another is said to do")
@of_a_flow(lambda a: a.shape[0] > 1)
def two_units_swapped(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    first, second = (int(i) for i in rng.choice(len(values), 2, replace=False))
    values[[first, second]] = values[[second, first]]
    return with_flow(site, rng, name, values, f"rows {first} and {second} swapped")


@breaks("levels follow what goes in and out")
@of_a_flow(lambda a: a.attrs["units"] == "kWh" and hourly(a))
def level_from_nowhere(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row, step = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values[row]).max())) * rng.choice([-1.0, 1.0])
    values[row, step:] += by
    return with_flow(site, rng, name, values, f"{by:+.3g} from step {step} of row {row} on")


@breaks("levels follow what goes in and out: a loss is left out or borne twice")
@of_a_flow(lambda a: a.attrs["units"] == "kWh" and hourly(a))
def a_store_that_does_not_leak(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row = int(rng.integers(len(values)))
    rate = amount(rng, 1.0) * rng.choice([-1.0, 1.0])
    values[row] *= (1.0 + rate) ** np.arange(values.shape[1])
    return with_flow(site, rng, name, values, f"row {row} grows by {rate:+.3g} a step")


@breaks("an equation that a change elsewhere was to hide")
def balanced_elsewhere(site: Site, rng: Generator) -> Mutant | None:
    """A flow is changed, and what its rows then lack is made up by others of the same rows.

    A liar who knows some of the laws: up to three equations are closed again, one after the other.
    """
    form, x = site.form, site.point(site.plan.dataset)
    name = any_flow(site, rng, is_amount)
    if name is None or not np.isfinite(x).all():
        return None
    block = form.columns[name]
    column = int(block.start + rng.integers(block.size))
    by = amount(rng, float(np.abs(x[block.span]).max())) * rng.choice([-1.0, 1.0])
    x[column] += by
    touched, columns = {column}, form.matrix.tocsc()
    for _ in range(int(rng.integers(1, 4))):
        rows = columns.indices[columns.indptr[column] : columns.indptr[column + 1]]
        equal = [int(row) for row in rows if form.row_lower[row] == form.row_upper[row]]
        if not equal:
            break
        row = equal[rng.integers(len(equal))]
        part = slice(form.matrix.indptr[row], form.matrix.indptr[row + 1])
        entries = form.matrix.indices[part], form.matrix.data[part]
        others = [(int(j), float(a)) for j, a in zip(*entries, strict=True)
                  if j not in touched and not form.integer[j] and not site.hidden[j]]  # fmt: skip
        if not others:
            break
        other, weight = others[rng.integers(len(others))]
        x[other] += (form.row_lower[row] - float(entries[1] @ x[entries[0]])) / weight
        touched.add(other)
        column = other
    dataset = site.plan.dataset.copy()
    for each in sorted({c.split("[")[0] for c in map(form.column_label, touched)}):
        span = form.columns[each]
        dataset[each] = dataset[each].copy(data=x[span.span].reshape(span.shape))
    cooked = site.cooked(dataset)
    names = " and ".join(map(form.column_label, sorted(touched)))
    return Mutant(Plan(site.case, cooked), f"{by:+.3g} in {names}", name.split(".")[0], False)
