"""Fronts against cases by hand: cost, monotony, bounds, and what the command line says."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.errors import InfeasibleError, InputError
from citygrid.export.report.html import digest
from citygrid.plan.plan import Plan
from citygrid.routes import Options
from citygrid.study.fronts import bounds as shared
from citygrid.study.fronts.frontier import front
from citygrid.study.fronts.measures import MEASURES, limited, measure_of
from citygrid.study.fronts.placing import next_limit
from citygrid.study.fronts.points import monotone
from tests.helpers import DISTRICTS, EXACT
from tests.study.fronts.districts import TINY, case_of, straight, tiny_by_peak


def test_a_peak_costs_what_it_does_by_hand() -> None:
    """Power is replaced hour by hour at 0.6 or 0.7 EUR a kW, and the job moves at 110 kW."""
    found = front(case_of(TINY), "cost,peak", 7, options=EXACT)
    assert len(found.points) >= 5
    for point in found.points:
        at = point.measured if point.limit is None else point.limit
        assert point.cost == pytest.approx(tiny_by_peak(at), abs=1e-4), point.limit
        assert point.bound == pytest.approx(point.cost, rel=1e-6)
        assert point.verdict.ok
    assert found.points[-1].cost == pytest.approx(56.0)
    assert found.best == pytest.approx(90.0, abs=1e-4)


def test_no_point_is_worse_than_another_in_both() -> None:
    found = front(case_of(TINY), "cost,peak", 12, options=EXACT)
    costs = [point.cost for point in found.points]
    peaks = [point.measured for point in found.points]
    assert costs == sorted(costs, reverse=True) and len(set(costs)) == len(costs)
    assert peaks == sorted(peaks) and len(set(peaks)) == len(peaks)
    for point in found.points:
        assert point.limit is None or point.measured <= point.limit * (1 + 1e-6)


def test_the_floor_lies_under_every_plan_there_is() -> None:
    """Also between the points, where nothing was solved; and it is no trivial one."""
    found = front(case_of(TINY), "cost,peak", 5, options=EXACT)
    assert len(found.floor) > 50
    for limit, bound in found.floor:
        assert bound <= tiny_by_peak(limit) + 1e-6
    assert max(bound for _, bound in found.floor) > 62.0


def test_a_straight_front_is_divided_evenly_and_its_price_is_the_slope(tmp_path: Path) -> None:
    """A kg less costs (0.10 − 0.05) / 0.2 = 0.25 EUR: 10 EUR at 40 kg to 20 EUR at none."""
    found = front(case_of(straight(tmp_path)), "cost,carbon", 5, options=EXACT)
    carbon = np.array([point.measured for point in found.points])
    cost = np.array([point.cost for point in found.points])
    assert carbon == pytest.approx([0.0, 10.0, 20.0, 30.0, 40.0], abs=1e-4)
    assert cost == pytest.approx(20.0 - 0.25 * carbon, abs=1e-4)
    prices = [point.price for point in found.points[1:-1]]
    assert prices == pytest.approx([0.25] * 3)


def test_more_waste_heat_is_a_least_amount(tmp_path: Path) -> None:
    """Power so dear in hour 3 that the boiler is cheaper: using the heat there costs."""
    text = TINY.read_text(encoding="utf-8").replace("../data", str(TINY.parents[1] / "data"))
    path = tmp_path / "dear.yaml"
    path.write_text(text.replace("cop: 4", "cop: 1.2"), encoding="utf-8")
    found = front(case_of(path), "cost,waste_heat", 5, options=EXACT)
    used = [point.measured for point in found.points]
    costs = [point.cost for point in found.points]
    assert len(found.points) >= 3
    assert used == sorted(used, reverse=True) and costs == sorted(costs, reverse=True)
    for point in found.points:
        assert point.limit is None or point.measured >= point.limit * (1 - 1e-6)


def test_hybrid_finds_the_same_front() -> None:
    found = front(case_of(TINY), "cost,peak", 4, "hybrid", EXACT)
    for point in found.points:
        at = point.measured if point.limit is None else point.limit
        assert point.cost == pytest.approx(tiny_by_peak(at), abs=1e-3)


def test_where_nothing_is_to_be_traded_off_there_is_one_point(tmp_path: Path) -> None:
    """Gas alone can heat: no limit of carbon lies below what the district emits anyway."""
    path = straight(tmp_path, ("heat: 120 kW, efficiency: 100 %}\n  houses",
                               "heat: 0 kW, efficiency: 100 %}\n  houses"))  # fmt: skip
    found = front(case_of(path), "cost,carbon", 5, options=EXACT)
    (only,) = found.points
    assert only.measured == pytest.approx(40.0) and only.limit is None


def test_a_plan_keeps_its_limit_as_a_rule_that_its_verdict_checks(tmp_path: Path) -> None:
    found = front(case_of(straight(tmp_path)), "cost,carbon", 3, options=EXACT)
    point = found.points[1]
    point.plan.save(tmp_path / "plan.nc")
    plan = Plan.load(tmp_path / "plan.nc")
    assert cg.verify(plan.case, plan).ok
    (policy,) = json.loads(plan.dataset.attrs["policies"])
    assert policy["function"] == "CO2 emitted at most 20 kg"
    # More gas in the plan breaks the rule, and the verdict says so.
    changed = plan.dataset.copy(deep=True)
    changed["fuel.supplied"].values[:] += 50.0
    verdict = cg.verify(plan.case, Plan(plan.case, changed))
    assert any(v.rule == "policy.limit is kept" for v in verdict.violations)


def test_policies_hold_along_the_front(tmp_path: Path) -> None:
    """At least 30 kW of heat from gas in each hour: the front ends at 12 kg, not at none."""
    policy = tmp_path / "rules.py"
    policy.write_text(
        "import pyomo.environ as pyo\n\n\ndef some_gas(model):\n"
        "    model.some_gas = pyo.Constraint(list(model.boiler_heat), rule=lambda m, *at: "
        "m.boiler_heat[at] >= 30.0)\n", encoding="utf-8"
    )  # fmt: skip
    found = front(case_of(straight(tmp_path)), "cost,carbon", 3, options=EXACT,
                  policies=[f"{policy}:some_gas"])  # fmt: skip
    assert [point.measured for point in found.points] == pytest.approx([12.0, 26.0, 40.0])


def test_curves_leave_costs_exact() -> None:
    """A generator with a quadratic cost: every point's cost is what the replay pays."""
    found = front(case_of(DISTRICTS / "generator.yaml"), "cost,carbon", 3)
    for point in found.points:
        assert point.verdict.ok and point.plan.objective == pytest.approx(point.verdict.cost)


# parts ------------------------------------------------------------------------------------------


def test_a_bound_holds_for_tighter_limits_and_a_line_for_all() -> None:
    bounds = shared.Bounds(MEASURES["carbon"])
    bounds.learn(None, 5.0)
    bounds.learn(10.0, 8.0)
    bounds.lines.append(shared.Line(20.0, 6.0, -0.5))
    assert bounds.at(None) == 5.0
    assert bounds.at(30.0) == 5.0  # the line says 1, the level of 10 nothing
    assert bounds.at(10.0) == 11.0
    assert bounds.at(19.0) == 6.5
    more = shared.Bounds(MEASURES["waste_heat"])
    more.learn(10.0, 8.0)
    assert more.at(12.0) == 8.0 and more.at(9.0) is None


def test_dominated_plans_are_dropped_and_named(tmp_path: Path) -> None:
    (a, b, *_) = front(case_of(straight(tmp_path)), "cost,carbon", 3, options=EXACT).points
    worse = replace(b, cost=a.cost + 1.0)
    kept, dropped = monotone([a, worse, a], MEASURES["carbon"])
    assert kept == (a,)
    assert [each.why.split(" costs")[0] for each in dropped] == [
        "the same plan as another point's", f"a plan with {a.measured:,.6g} kg"
    ]  # fmt: skip


def test_limits_stand_where_the_front_bends() -> None:
    """Two lines that meet at 2: the bend is looked at first, then nothing but width is left."""
    known = [(0.0, 10.0, -4.0), (10.0, 2.0, 0.0)]
    assert next_limit(known) == pytest.approx(2.0)
    assert next_limit([(0.0, 10.0, -1.0), (10.0, 0.0, -1.0)]) == 5.0
    assert next_limit([(3.0, 1.0, 0.0), (3.0, 1.0, 0.0)]) is None


def test_the_measure_of_a_form_is_the_replayed_figure() -> None:
    """Each measure of the shipped day as its row and as its key figure."""
    case = case_of(TINY.parent / "frankfurt_day.yaml")
    form = cg.formulate(case)
    plan = cg.solve(form, options=Options(gap=0.05))
    verdict = cg.verify(case, plan)
    x = np.concatenate([plan.dataset[name].values.ravel() for name in form.columns])
    for name in ("carbon", "marginal_carbon", "peak", "waste_heat"):
        measure = MEASURES[name]
        row = limited(form, measure)
        point = np.append(x, np.zeros(len(row.form.cost) - len(x)))
        counted = verdict.kpis[measure.figure]
        assert row.value(point) == pytest.approx((counted or 0.0) * measure.per, rel=1e-6), name


# wrong inputs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "of", ["cost", "carbon", "cost,cost", "carbon,peak", "cost,beauty", "", "cost,carbon,peak"]
)
def test_only_the_cost_and_one_measure_can_be_asked_for(of: str) -> None:
    with pytest.raises(InputError) as refused:
        measure_of(of)
    (fault,) = refused.value.faults
    assert "carbon" in fault.repair


@pytest.mark.parametrize("points", [1, 0, -3, 100000])
def test_a_front_has_at_least_two_points(points: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--points"):
        front(case_of(straight(tmp_path)), "cost,carbon", points)


def test_what_no_plan_changes_cannot_be_limited(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="waste_heat"):
        front(case_of(straight(tmp_path)), "cost,waste_heat", 3)


def test_a_district_without_a_plan_says_what_lacks(tmp_path: Path) -> None:
    path = straight(tmp_path, ("load: 100 kW", "load: 500 kW"))
    with pytest.raises(InfeasibleError, match="heat"):
        front(case_of(path), "cost,carbon", 3)


# files ------------------------------------------------------------------------------------------


def test_the_command_writes_table_picture_page_and_plans(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [
        "front", str(straight(tmp_path)), "--of", "cost,carbon", "--points", "3", "--gap", "0",
        "--plans", "--json", "--out", str(tmp_path / "out"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [round(p["cost_eur"], 3) for p in document["points"]] == [20.0, 15.0, 10.0]
    table = pd.read_csv(document["files"]["csv"])
    assert list(table["carbon"].round(3)) == [0.0, 20.0, 40.0] and "pue" in table
    ElementTree.parse(document["files"]["svg"])
    page = Path(document["files"]["html"]).read_text("utf-8")
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert style is not None and policy is not None and "unsafe" not in page
    assert digest(style[1]) in html.unescape(policy[1]) and "style=" not in page
    for number in (1, 2, 3):
        plan = Plan.load(document["files"][f"plan {number}"])
        assert cg.verify(plan.case, plan).ok


def test_the_command_refuses_in_one_message(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["front", str(straight(tmp_path)), "--of", "cost,beauty",
                                     "--out", str(tmp_path / "out")])  # fmt: skip
    assert done.exit_code == 2 and "beauty" in done.output and not (tmp_path / "out").exists()
