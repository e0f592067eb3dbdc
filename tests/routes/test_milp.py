"""HiGHS under contract: clean plans, hard limits, prices, and what an infeasible form lacks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from citygrid import routes
from citygrid.model import scaling
from citygrid.model.reductions import relax
from citygrid.model.scaling import is_badly_scaled
from citygrid.routes import highs, milp, watch
from citygrid.routes.contract import Journal, Options

INF = math.inf


def hard(make, count=400, rows=30, seed=2):
    """A multi-knapsack that keeps a search busy for far longer than any test.

    Thirty dense rows over hundreds of items of like worth are out of reach of branch and bound on
    any machine (sixty items are not: a fast one proves them within a second), while a plan is
    found at once, because taking nothing is one.
    """
    generator = np.random.default_rng(seed)
    weights = generator.integers(5, 100, (rows, count)).astype(float)
    return make(-generator.integers(5, 100, count).astype(float), weights, [-INF] * rows,
                weights.sum(axis=1) / 2, [0] * count, [1] * count, [1] * count)  # fmt: skip


def test_no_big_m_leak_reaches_the_plan(make):
    """Within a solver's integer tolerance 1e-6 · 1e6 kW would flow through a unit that is off."""
    form = make([1.0, 0.0, 2.0], [[1e6, -1, 0], [0, 1, 1]], [0, 0.5], [INF, INF], [0, 0, 0],
                [1, 1e6, 9], [1, 0, 0])  # fmt: skip
    outcome = milp.solve(form, Options(gap=0.0))
    assert outcome.objective == pytest.approx(1.0)
    assert form.residual(outcome.x) <= 1e-9
    assert outcome.x[0] in (0.0, 1.0)


def test_time_limit_returns_the_best_plan_with_its_gap(make):
    form = hard(make)
    heard = []
    outcome = milp.solve(form, Options(gap=0.0, time_limit=1.0, progress=heard.append))
    assert outcome.status == "time_limit"
    assert form.residual(outcome.x) <= 1e-9
    assert outcome.bound is not None and 0.0 < outcome.gap < 1.0
    assert any(news["objective"] is not None for news in heard)
    trace = outcome.telemetry["trace"]
    assert trace == heard and len(trace) > 1
    assert trace[-1]["objective"] == pytest.approx(outcome.objective)
    assert trace[-1]["bound"] == pytest.approx(outcome.bound)


def test_a_child_tells_its_plans_and_bounds_while_it_searches(make, monkeypatch):
    monkeypatch.setattr(milp, "SMALL", 0)
    outcome = milp.solve(hard(make), Options(gap=0.0, time_limit=2.0))
    assert outcome.telemetry["calls"][0]["process"] == "child"
    trace = outcome.telemetry["trace"]
    plans = [news for news in trace if news["objective"] is not None]
    assert len({news["objective"] for news in plans}) > 1
    # The last plan was not the first, and both were known before the search ended.
    assert plans[0]["seconds"] < trace[-1]["seconds"] <= outcome.telemetry["seconds"]["total"]
    assert all(news["bound"] <= outcome.objective for news in trace if news["bound"] is not None)


def test_plan_of_a_child_that_is_stopped_survives(make, monkeypatch):
    """A child that ignores its limit is killed, and what it had reported is the outcome."""
    form = hard(make)
    monkeypatch.setattr(watch, "grace", lambda limit: 1.5 - limit)
    ignorant = highs.Task("milp", gap=0.0, time_limit=600.0)
    found = watch.run(form, ignorant, lambda kind, news, x: None)
    # A very busy machine: give the child more time to begin.
    while found.x is None or found.bound is None:
        monkeypatch.setattr(watch, "grace", lambda limit: 6.0 - limit)
        found = watch.run(form, ignorant, lambda kind, news, x: None)
    assert (found.status, found.notes["stopped"]) == ("time_limit", True)
    assert form.residual(found.x) <= 1e-6
    assert found.bound <= found.objective


def test_long_linear_programme_is_solved_under_watch_and_proves_its_bound(make, monkeypatch):
    """A child that ignores the limit of an LP is killed as well; in time, it answers in full."""
    form = relax(hard(make)).form
    monkeypatch.setattr(milp, "SMALL_LP", 0)
    journal = Journal()
    inside = milp.call(form, highs.Task(), journal, Options())
    outside = milp.call(form, highs.Task(time_limit=60.0), journal, Options())
    assert "process" not in inside.notes and outside.notes["process"] == "child"
    assert np.array_equal(inside.x, outside.x) and np.array_equal(inside.duals, outside.duals)
    assert inside.bound == outside.bound == pytest.approx(inside.objective)
    monkeypatch.setattr(watch, "grace", lambda limit: -limit)
    late = milp.call(form, highs.Task(time_limit=60.0), journal, Options())
    assert (late.status, late.x, late.notes["stopped"]) == ("time_limit", None, True)


@pytest.mark.parametrize("route", ["milp", "hybrid", "pyomo:highs"])
def test_every_call_of_the_solver_takes_the_threads_that_were_asked_for(
    small_district, route, monkeypatch
):
    asked = []
    original = highs.run

    def noted(form, task, report, start=None):
        asked.append((task.purpose, task.threads))
        # HiGHS starts its threads once per process: this one must stay as it is for other tests.
        return original(form, replace(task, threads=None), report, start)

    monkeypatch.setattr(highs, "run", noted)
    monkeypatch.setattr(watch, "run", noted)
    routes.solve(small_district, route, Options(threads=3))
    assert asked and all(threads == 3 for _, threads in asked), asked


def test_child_and_own_process_give_the_same_plan(small_district, monkeypatch):
    journal = Journal()
    monkeypatch.setattr(milp, "SMALL", 0)
    inside = milp.call(small_district, highs.Task(), journal, Options())
    outside = milp.call(small_district, highs.Task(time_limit=60.0), journal, Options())
    assert outside.notes["process"] == "child"
    assert np.array_equal(inside.x, outside.x)
    assert inside.bound == outside.bound


@pytest.mark.parametrize(("method", "crossover"), [("simplex", True), ("ipm", False)])
def test_prices_and_reduced_costs_explain_the_cost_of_the_relaxation(
    small_district, method, crossover
):
    form = small_district
    outcome, duals, reduced = milp.relaxation(form, Options(), method=method, crossover=crossover)
    assert reduced == pytest.approx(form.cost - form.matrix.T @ duals, abs=1e-6)
    rows = np.where(duals > 0, form.row_lower, form.row_upper)
    columns = np.where(reduced > 0, form.lower, form.upper)
    held = np.abs(duals) > 1e-7, np.abs(reduced) > 1e-7
    dual = duals[held[0]] @ rows[held[0]] + reduced[held[1]] @ columns[held[1]]
    assert dual + form.constant == pytest.approx(outcome.objective, rel=1e-4)
    assert outcome.bound <= milp.solve(form, Options(gap=1e-6)).objective + 1e-6


def test_a_search_in_larger_sizes_gives_the_same_plan(small_district, monkeypatch):
    """Without it a plan found in other sizes could be handed out as if it were in kW."""
    plain = milp.solve(small_district, Options(gap=1e-6))
    assert not is_badly_scaled(small_district)
    monkeypatch.setattr(scaling, "SWITCHED", 0.0)
    assert is_badly_scaled(small_district)
    large = milp.solve(small_district, Options(gap=1e-6, start=plain.x))
    assert large.status == "optimal"
    assert large.objective == pytest.approx(plain.objective, rel=1e-5)
    assert large.bound <= large.objective
    assert small_district.residual(large.x) < 1e-6
