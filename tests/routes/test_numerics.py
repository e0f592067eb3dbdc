"""Districts whose numbers are far apart, alike, or at odd times: the plan is right all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import citygrid as cg
from citygrid.errors import InfeasibleError, NoPlanError
from citygrid.model.form import Form
from citygrid.model.scaling import is_badly_scaled
from citygrid.routes import highs
from citygrid.routes.highs import Task
from tests.helpers import EXACT, Solved, solve

FRAME = """name: numbers
timezone: Europe/Berlin
horizon: {{start: {start}, length: {length}, step: {step}}}
nodes: {{near: {{}}, far: {{}}}}
components:
"""
CHEAP = """\
  dear: {kind: generator, node: near, power: 100 kW, variable_cost: 3e-9 EUR/kWh,
    minimum_load: 30 %}
  cheap: {kind: generator, node: near, power: 100 kW, variable_cost: 1e-9 EUR/kWh,
    minimum_load: 50 %}
  town: {kind: power_demand, node: near, load: 80 kW}
"""
WIDE = """\
  tiny: {kind: generator, node: near, power: 1 W, variable_cost: 0.05 EUR/kWh, minimum_load: 40 %}
  dear: {kind: generator, node: near, power: 5 GW, variable_cost: 0.3 EUR/kWh, minimum_load: 10 %}
  cheap: {kind: generator, node: near, power: 2 GW, variable_cost: 0.1 EUR/kWh, minimum_load: 10 %}
  cable: {kind: power_line, from: near, to: far, capacity: 3 GW, loss_share: 3 %}
  town: {kind: power_demand, node: far, load: 2.5 GW}
  lamp: {kind: power_demand, node: near, load: 0.7 W}
"""
ALIKE = "".join(
    f"  unit {i}: {{kind: generator, node: near, power: 50 kW, variable_cost: 0.1 EUR/kWh, "
    "minimum_load: 40 %, start_cost: 2 EUR}\n" for i in range(6)
) + "  town: {kind: power_demand, node: near, load: 110 kW}\n"  # fmt: skip


def planned(
    folder: Path, parts: str, start: str = "2023-01-16T00:00Z", length: str = "3 h",
    step: str = "1 h", route: str = "milp",
) -> Solved:  # fmt: skip
    path = folder / "numbers.yaml"
    path.write_text(FRAME.format(start=start, length=length, step=step) + parts, encoding="utf-8")
    found = solve(path, EXACT, route)
    assert found.verdict.ok, found.verdict.violations[:3]
    return found


@pytest.mark.parametrize("step", ["5 min", "1 h", "6 h"])
def test_prices_below_the_solvers_tolerance_still_decide(tmp_path: Path, step: str) -> None:
    """80 kW of 1e-9 EUR/kWh; the dear unit costs three times as much."""
    hours = {"5 min": 0.25, "1 h": 3.0, "6 h": 18.0}[step]
    found = planned(tmp_path, CHEAP, length=f"{hours * 60:g} min", step=step)
    assert found.plan.objective == pytest.approx(80 * hours * 1e-9, rel=1e-9)
    assert found.plan.bound == pytest.approx(found.plan.objective, rel=1e-6)
    assert (found.flow("generator.power", "dear") == 0.0).all()
    assert all(call["scaled"] for call in found.plan.telemetry["calls"])


def test_without_scaling_highs_calls_a_threefold_cost_optimal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the scaling is for: its reduced costs are all below 1e-9, so any corner is as good."""
    monkeypatch.setattr(highs, "is_badly_scaled", lambda form: False)
    found = planned(tmp_path, CHEAP)
    assert found.plan.dataset.attrs["status"] == "optimal"
    assert found.plan.objective > 2 * 80 * 3 * 1e-9


@pytest.mark.parametrize("route", ["milp", "hybrid"])
def test_watts_beside_gigawatts(tmp_path: Path, route: str) -> None:
    """2.5 GW through a cable that loses 3 %: 2 GW cheap, the rest dear; the lamp's 0.7 W beside."""
    found = planned(tmp_path, WIDE, route=route)
    sent = 2.5e6 / 0.97
    expected = 3 * (2e6 * 0.1 + (sent - 2e6) * 0.3)
    assert found.plan.objective == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("route", ["milp", "pyomo:highs", "hybrid"])
def test_units_that_are_all_alike_cost_what_three_of_them_do(tmp_path: Path, route: str) -> None:
    found = planned(tmp_path, ALIKE, route=route)
    assert found.plan.objective == pytest.approx(3 * 110 * 0.1 + 3 * 2.0)


@pytest.mark.parametrize(
    ("start", "length", "step", "count"),
    [
        ("2023-03-26T00:00+01:00", "23 h", "1 h", 23),
        ("2023-10-29T00:00+02:00", "25 h", "1 h", 25),
        ("2023-03-26T01:30+01:00", "1 h", "5 min", 12),
        ("2024-02-28T00:00+01:00", "3 d", "6 h", 12),
        ("2024-12-31T18:00+01:00", "12 h", "6 h", 2),
    ],
)  # fmt: skip
def test_cost_goes_by_real_hours_whatever_clocks_do(
    tmp_path: Path, start: str, length: str, step: str, count: int
) -> None:
    """80 kW at 1e-3 EUR/kWh for as many hours as there are."""
    parts = CHEAP.replace("1e-9", "1e-3").replace("3e-9", "3e-3")
    found = planned(tmp_path, parts, start, length, step)
    assert len(found.case.time) == count
    assert (np.diff(found.case.time) > np.timedelta64(0)).all()
    assert found.plan.objective == pytest.approx(80 * count * found.case.step * 1e-3)


@pytest.mark.parametrize("unit", [2_000.0, 300_000.0])
def test_amounts_of_money_in_highs_own_options_are_in_euro(unit: float) -> None:
    """Engines of about 2 MW, and of 300 MW, which are solved in other sizes: sold at a profit."""
    lot = np.random.default_rng(3)
    count = 14
    power = unit * lot.uniform(0.5, 1.5, count)
    most = np.hstack([np.eye(count), -np.diag(power)])
    least = np.hstack([np.eye(count), -np.diag(0.6 * power)])
    sold = np.repeat([1.0, 0.0], count)
    rows = np.vstack([most, least, sold])
    none = np.full(count, np.inf)
    form = Form(
        np.concatenate([-0.05 * lot.uniform(0.8, 1.2, count), 0.012 * power]), 0.0,
        sp.csr_array(rows), np.concatenate([-none, np.zeros(count), [-np.inf]]),
        np.concatenate([np.zeros(count), none, [0.37 * power.sum()]]), np.zeros(2 * count),
        np.concatenate([power, np.ones(count)]), np.repeat([False, True], count), {}, {},
    )  # fmt: skip
    assert is_badly_scaled(form) == (unit > 2e5)

    def run(**settings: float) -> highs.Result:
        asked = {name: repr(value) for name, value in settings.items()}
        return highs.run(form, Task(settings=asked), lambda kind, news, x: None)

    best = run().objective
    assert best is not None and best < -0.1 * unit
    assert run(objective_bound=best + 1e-3 * abs(best)).objective == pytest.approx(best)
    near = run(mip_abs_gap=0.5 * abs(best))
    assert near.objective is not None and near.bound is not None
    assert near.bound <= best + 1e-6 * abs(best) <= near.objective + 2e-6 * abs(best)
    first = run(objective_target=0.5 * best).objective
    assert first is not None and first <= 0.5 * best


def test_a_plan_states_the_tolerances_it_was_made_with(tmp_path: Path) -> None:
    calls = planned(tmp_path, WIDE).plan.telemetry["calls"]
    assert [call["tolerance"] for call in calls] == [1e-7, 1e-9]
    assert all(call["scaled"] for call in calls)


def test_what_a_solver_leaves_is_told_with_its_place(tmp_path: Path) -> None:
    """A watt too few in one hour is 1e-3 kW; the verdict and the form name balance and hour."""
    found = planned(tmp_path, CHEAP.replace("e-9", "e-2"))
    dataset = found.plan.dataset.copy(deep=True)
    dataset["generator.power"].loc[{"generator": "cheap", "time": found.case.time[1]}] -= 1e-3
    verdict = cg.verify(found.case, cg.plan.plan.Plan(found.case, dataset))
    assert not verdict.ok
    assert any(v.where == "power near" and v.time == "2023-01-16T01:00Z"
               and v.size == pytest.approx(1e-3) for v in verdict.violations)  # fmt: skip
    x = np.concatenate([dataset[name].values.ravel() if name in dataset else np.zeros(block.size)
                        for name, block in found.form.columns.items()])  # fmt: skip
    assert found.form.residual(x) == pytest.approx(1e-3)
    assert found.form.worst(x) == "power.balance[near, 2023-01-16T01:00Z] [kW]"


def test_a_district_that_misses_by_a_hair_is_told_so(tmp_path: Path) -> None:
    """A load 1e-4 kW above all that is there has no plan; one 1e-12 kW above has, by rounding."""
    with pytest.raises((InfeasibleError, NoPlanError)):
        planned(tmp_path, CHEAP.replace("load: 80 kW", "load: 200.0001 kW"))
    assert planned(tmp_path, CHEAP.replace("load: 80 kW", "load: 200.000000000001 kW"))
