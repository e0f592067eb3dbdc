"""The shipped districts are planned, verified, and agree between routes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.model.form import Form
from citygrid.plan.plan import Plan
from citygrid.routes.contract import Options

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def day() -> Form:
    return cg.formulate(cg.prepare(cg.load(MODELS / "frankfurt_day.yaml")))


def proved(form: Form, route: str, gap: float) -> Plan:
    plan = cg.solve(form, route, Options(gap=gap))
    verdict = cg.verify(plan.case, plan)
    assert verdict.ok, verdict.violations[:5]
    assert verdict.largest <= 1e-6
    assert plan.bound is not None and plan.bound <= plan.objective
    assert verdict.kpis["waste_heat_used_mwh"] > 1.0
    assert verdict.kpis["jobs_late"] == 0 and verdict.kpis["unserved_kwh"] == 0
    return plan


def test_the_day_is_planned_within_a_thousandth(day: Form) -> None:
    plan = proved(day, "milp", 1e-3)
    assert plan.gap is not None and plan.gap <= 1e-3


@pytest.mark.parametrize("sampler", ["onehot", pytest.param("neal", marks=pytest.mark.slow)])
def test_the_day_is_annealed_near_its_bound(day: Form, sampler: str) -> None:
    plan = cg.solve(day, "hybrid", Options(gap=1e-3, sampler=sampler))
    verdict = cg.verify(plan.case, plan)
    assert verdict.ok, verdict.violations[:5]
    assert plan.gap is not None and plan.gap <= 0.02
    assert 0.0 <= plan.telemetry["feasibility_rate"] <= 1.0


def test_one_percent_more_of_any_kind_is_found_on_the_day(day: Form) -> None:
    plan = proved(day, "milp", 1e-2)
    for kind in plan.case.units:
        names = [
            name for name in plan.dataset.data_vars
            if str(name).startswith(f"{kind}.") and np.abs(plan.dataset[name].values).max() > 1.0
        ] or [name for name in plan.dataset.data_vars if str(name).startswith(f"{kind}.")
              and np.abs(plan.dataset[name].values).max() > 0]  # fmt: skip
        for name in names:
            bent = plan.dataset.copy(deep=True)
            bent[name] = bent[name] * 1.01
            bent[name].attrs = plan.dataset[name].attrs
            assert not cg.verify(plan.case, Plan(plan.case, bent)).ok, name
        assert names or kind == "boiler", f"{kind} does nothing on the day"


def test_pyomo_finds_the_same_plan_of_the_day(day: Form) -> None:
    first, second = proved(day, "milp", 1e-3), proved(day, "pyomo:highs", 1e-3)
    assert second.objective == pytest.approx(first.objective, rel=1e-6)


@pytest.mark.slow
def test_pyomo_finds_the_same_optimum_of_the_day(day: Form) -> None:
    first, second = proved(day, "milp", 1e-6), proved(day, "pyomo:highs", 1e-6)
    assert second.objective == pytest.approx(first.objective, rel=2e-6)


@pytest.mark.slow
def test_the_week_is_planned_by_every_route() -> None:
    form = cg.formulate(cg.prepare(cg.load(MODELS / "frankfurt.yaml")))
    assert form.size["binaries"] >= 2000
    costs = {}
    for route, gap in (("milp", 1e-3), ("pyomo:highs", 1e-3), ("hybrid", 1e-3)):
        plan = proved(form, route, gap)
        assert plan.gap is not None and plan.gap <= 0.02
        costs[route] = plan.objective
    assert costs["pyomo:highs"] == pytest.approx(costs["milp"], rel=1e-6)


@pytest.mark.slow
def test_the_year_can_be_written() -> None:
    form = cg.formulate(cg.prepare(cg.load(MODELS / "frankfurt_year.yaml")))
    assert form.size["columns"] > 1_000_000
    assert form.size["nonzeros"] < 4 * form.size["columns"]
