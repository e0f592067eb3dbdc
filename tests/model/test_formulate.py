"""The builder: balances close, costs are money, blocks have names, and equal cases equal forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import citygrid as cg
from citygrid.errors import FormulationError
from citygrid.model import assembly
from citygrid.model.builder import Model
from citygrid.model.fleet import Fleet
from citygrid.model.form import Form
from citygrid.model.formulate import Speaker, formulate
from citygrid.model.labelled import Axis, Data

TIME = np.datetime64("2023-01-16T00:00", "ns") + np.arange(2) * np.timedelta64(30, "m")


class Numbers(NamedTuple):
    dims: tuple[str, ...]
    values: Any
    unit: str = "1"


@dataclass
class Units:
    kind: str
    names: tuple[str, ...]
    parameters: dict[str, Numbers]
    coords: dict[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    """A case of two half hours as formulation sees it."""

    units: dict[str, Units]
    prices: dict[str, float] = field(default_factory=lambda: {"carbon": 0.1})
    time: Any = field(default_factory=lambda: TIME)
    step: float = 0.5
    caps: dict[str, float] = field(default_factory=dict)
    out: dict[str, tuple[int, int]] = field(default_factory=dict)


def source(nodes: tuple[str, ...] = ("n",), price: float = 0.2, unit: str = "EUR/kWh") -> Units:
    names = tuple(f"source {i}" for i in range(len(nodes)))
    return Units("source", names, {
        "node": Numbers(("source",), np.array(nodes, dtype=object)),
        "price": Numbers(("source",), np.full(len(nodes), price), unit),
        "carbon": Numbers(("source",), np.full(len(nodes), 0.3), "kg/kWh"),
        "max": Numbers(("source",), np.full(len(nodes), 9.0), "kW"),
    })  # fmt: skip


def sink(nodes: tuple[str, ...] = ("n",)) -> Units:
    names = tuple(f"sink {i}" for i in range(len(nodes)))
    load = np.array([[3.0, 5.0]] * len(nodes))
    return Units("sink", names, {
        "node": Numbers(("sink",), np.array(nodes, dtype=object)),
        "load": Numbers(("sink", "time"), load, "kW"),
    })  # fmt: skip


def give(m: Speaker, c: Fleet) -> None:
    flow = m.variable("flow", c.axis, m.time, upper=c.max, about="given")
    m.feed("power", c.text("node"), flow)
    m.cost("energy", flow * c.price * c.step, carbon=flow * c.carbon * c.step)


def take(m: Speaker, c: Fleet) -> None:
    m.draw("power", c.text("node"), c.load)


KINDS = {"source": give, "sink": take}


def built(*units: Units, **kinds: Any) -> Form:
    return formulate(Case({part.kind: part for part in units}), {**KINDS, **kinds})


def speaker() -> tuple[Model, Speaker, Axis]:
    model = Model(TIME, 0.5)
    return model, Speaker(model, "thing"), Axis("thing", np.array(["a", "b"], dtype=object))


# balances and ledger ------------------------------------------------------------------------------


def test_a_balance_closes_per_place_and_hour() -> None:
    form = built(source(("n", "n", "m")), sink(("m", "n")))
    balance = form.rows["power.balance"]
    assert list(balance.coords["place"]) == ["m", "n"] and balance.unit == "kW"
    assert form.row_lower[balance.span].tolist() == form.row_upper[balance.span].tolist()
    # what is given is what is taken: 3 and 5 kW at each of the two nodes
    assert form.row_lower[balance.span].tolist() == [3.0, 5.0, 3.0, 5.0]
    x = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 5.0])
    assert form.matrix @ x == pytest.approx(form.row_lower)


def test_a_hub_of_many_units_is_not_padded() -> None:
    form = built(source(("hub",) * 200 + ("edge",)), sink(("hub",)))
    assert form.size["nonzeros"] == 201 * 2


def test_a_carrier_that_nobody_takes_cannot_be_given() -> None:
    form = built(source(("n",)))
    assert (form.row_lower == 0).all() and (form.row_upper == 0).all()


def test_objective_is_ledger_plus_carbon_price() -> None:
    """Half hours: 4 kW and 6 kW are 5 kWh, 1 EUR, 1.5 kg, 0.15 EUR of carbon."""
    form = built(source(), sink())
    x = np.array([4.0, 6.0])
    account = form.accounts["source.energy"]
    assert account.labels.tolist() == ["source 0"]
    assert account.columns["money"].at(x) == pytest.approx([1.0])
    assert account.columns["carbon"].at(x) == pytest.approx([1.5])
    assert form.objective(x) == pytest.approx(1.15)


def test_what_is_known_to_cost_is_in_the_constant() -> None:
    def fee(m: Speaker, c: Fleet) -> None:
        give(m, c)
        flow = m.variable("other", c.axis, m.time, about="other")
        amount = (flow + Data(np.asarray(2.0), (), "kW")) * c.price * c.step
        m.cost("fee", amount, carbon=amount * (c.carbon / c.price))

    form = built(source(), sink(), source=fee)
    # two half hours of 2 kW: 2 kWh at 0.2 EUR and 0.3 kg at 0.1 EUR
    assert form.constant == pytest.approx(0.4 + 0.06)


# what a component may not say ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda m, x, a: m.cost("energy", x), "expected EUR"),
        (lambda m, x, a: m.cost("energy", carbon=x * m.step), "expected kg"),
        (lambda m, x, a: m.cost("energy"), "needs an amount in some column"),
        (lambda m, x, a: m.feed("power", ["n", "n"], x * m.step), "flows are in kW"),
        (lambda m, x, a: m.feed("power", ["n"], x), "one place each"),
        (lambda m, x, a: m.feed("power", ["n", "n"], x.sum("time")), "component × time"),
        (lambda m, x, a: m.draw("power", ["n", "n"], Data(np.ones(2), (a,), "kW")), "component"),
        (lambda m, x, a: m.variable("flow", a, about=""), "exists already"),
        (lambda m, x, a: m.variable("y", a, upper=Data(np.ones(2), (a,), "h"), about=""),
         "bound in h, variable in kW"),
        (lambda m, x, a: m.variable("y", a, upper=Data(np.array([1, np.nan]), (a,), "kW"),
                                    about=""), "NaN"),
        (lambda m, x, a: m.variable("y", upper=Data(np.ones(2), (a,), "kW"), about=""),
         "axes that the variable lacks"),
        (lambda m, x, a: m.constrain("limit", True), "takes a relation"),
        (lambda m, x, a: m.constrain("limit", x * np.nan <= x), "not a finite number"),
        (lambda m, x, a: (m.constrain("l", x <= x), m.constrain("l", x <= x)), "exists already"),
    ],
)  # fmt: skip
def test_mathematics_that_does_not_fit_is_refused(wrong: Any, reason: str) -> None:
    _, m, axis = speaker()
    x = m.variable("flow", axis, m.time, about="")
    with pytest.raises(FormulationError, match=reason):
        wrong(m, x, axis)


def test_a_price_per_power_is_no_price_of_energy() -> None:
    with pytest.raises(FormulationError, match=r"source\.energy: expected EUR"):
        built(source(unit="EUR/kW"), sink())


def test_a_parameter_that_is_not_there_is_named() -> None:
    with pytest.raises(FormulationError, match=r'source: no such parameter \(got "colour"\)'):
        built(source(), sink(), source=lambda m, c: c.colour)


# blocks, hash and text ----------------------------------------------------------------------------


def test_bounds_stand_with_their_labels() -> None:
    _, m, axis = speaker()
    upper = Data(np.array([[1.0, 2.0], [3.0, 4.0]]), (m.time, axis), "kW")
    m.variable("flow", axis, m.time, lower=-1.0, upper=upper, about="")
    m.binary("on", axis, about="")
    form = m._model.form()
    assert form.upper.tolist() == [1.0, 3.0, 2.0, 4.0, 1.0, 1.0]
    assert form.lower.tolist() == [-1.0] * 4 + [0.0] * 2
    assert form.integer.tolist() == [False] * 4 + [True] * 2


def test_members_have_readable_names() -> None:
    form = built(source(("n", "m")), sink())
    assert form.column_label(3) == "source.flow[source 1, 2023-01-16T00:30Z]"
    assert form.row_label(1) == "power.balance[m, 2023-01-16T00:30Z]"


def test_equal_cases_give_equal_forms() -> None:
    assert built(source(), sink()).hash == built(source(), sink()).hash


@pytest.mark.parametrize(
    "other",
    [
        lambda: built(source(price=0.21), sink()),
        lambda: built(source(("n", "n")), sink()),
        lambda: built(source(("m",)), sink(("m",))),
        lambda: formulate(
            Case({"source": source(), "sink": sink()}, prices={"carbon": 0.2}), KINDS
        ),
        lambda: formulate(Case({"source": source(), "sink": sink()}, step=1.0), KINDS),
        lambda: formulate(
            Case({"source": source(), "sink": sink()}, time=TIME + np.timedelta64(1, "h")), KINDS
        ),
    ],
)
def test_what_differs_has_another_hash(other: Any) -> None:
    assert other().hash != built(source(), sink()).hash


def test_a_form_reads_as_text() -> None:
    """The whole programme by eye, as golden texts show it."""
    text = built(source(), sink()).text().replace("2023-01-16T", "")
    assert (
        text
        == """\
minimise
  +0.115 source.flow[source 0, 00:00Z] +0.115 source.flow[source 0, 00:30Z] + 0
power.balance [kW] all power fed at a place is drawn there
  [n, 00:00Z]: +1 source.flow[source 0, 00:00Z] = 3
  [n, 00:30Z]: +1 source.flow[source 0, 00:30Z] = 5
source.flow [kW] continuous; given
  0 <= [source 0, 00:00Z] <= 9
  0 <= [source 0, 00:30Z] <= 9
"""
    )


@pytest.mark.parametrize("portion", [1, 500])
def test_rows_written_in_small_portions_make_the_same_form(
    portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it a form too large for one portion could have entries in other rows than its own."""
    path = Path(__file__).resolve().parents[2] / "models" / "frankfurt_day.yaml"
    case = cg.prepare(cg.load(path))
    whole = cg.formulate(case)
    monkeypatch.setattr(assembly, "PORTION", portion)
    parts = cg.formulate(case)
    assert parts.hash == whole.hash
    assert parts.matrix.has_canonical_format
