"""Every route keeps the same promises on the same small forms."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import InputError
from citygrid.routes.contract import Journal, Options, Outcome, proven

EXACT = ["milp", "pyomo:highs"]
CHOOSING = ["hybrid", "hybrid:random", "hybrid:greedy", "hybrid:rounding", "hybrid:raw"]
EVERY = [*EXACT, *CHOOSING, "qubo"]
SHARP = Options(gap=1e-7)
INF = math.inf


def assignment(make, count=6, seed=1):
    """Workers to tasks at least cost: groups by worker, at most one worker per task."""
    cost = np.random.default_rng(seed).integers(1, 40, (count, count)).astype(float)
    worker, task = (part.ravel() for part in np.indices(cost.shape))
    matrix = np.zeros((2 * count, count * count))
    matrix[worker, np.arange(count**2)] = 1.0
    matrix[count + task, np.arange(count**2)] = 1.0
    low = np.r_[np.ones(count), np.full(count, -INF)]
    return make(cost.ravel(), matrix, low, np.ones(2 * count), np.zeros(count**2),
                np.ones(count**2), np.ones(count**2))  # fmt: skip


@pytest.fixture(scope="module")
def forms(make, small_district):
    return {
        "linear": make([1, 2], [[1, 1]], [3], [INF], [0, 0], [2, 9], [0, 0], constant=5.0),
        "district": small_district,
        "knapsack": make([-5, -4, -3, -7], [[2, 3, 1, 4]], [-INF], [5], [0] * 4, [1] * 4, [1] * 4),
        "assignment": assignment(make),
        "no rows": make([1, -1], np.zeros((0, 2)), [], [], [-1, 0], [4, 2], [0, 1]),
        "empty row": make([1.0], [[0.0]], [-1], [1], [2], [3], [0]),
        "equalities": make([1, 1, 1], [[1, 2, 0], [0, 1, 1]], [4, 3], [4, 3], [0] * 3, [9] * 3,
                           [1, 0, 0]),
        "range": make([1, 1], [[1, -1]], [-2], [1], [-INF, -3], [INF, 5], [0, 1]),
    }  # fmt: skip


OPTIMA = {"linear": 5 + 2 + 2, "knapsack": -10.0, "no rows": -3.0, "empty row": 2.0,
          "equalities": 3.0, "range": -8.0}  # fmt: skip


@pytest.mark.parametrize("route", EVERY)
@pytest.mark.parametrize("name", [
    "linear", "district", "knapsack", "assignment", "no rows", "empty row", "equalities", "range",
])  # fmt: skip
def test_plan_keeps_every_row_and_no_bound_lies_above_its_cost(forms, name, route):
    form = forms[name]
    outcome = routes.solve(form, route, SHARP)
    assert outcome.status in ("optimal", "feasible")
    assert form.residual(outcome.x) <= 1e-7
    assert np.array_equal(outcome.x[form.integer], np.round(outcome.x[form.integer]))
    assert outcome.objective == pytest.approx(form.objective(outcome.x), rel=1e-12)
    assert outcome.bound is not None and outcome.bound <= outcome.objective
    assert outcome.gap >= 0.0
    if name in OPTIMA and route in EXACT:
        assert outcome.objective == pytest.approx(OPTIMA[name], abs=1e-6)
    if outcome.status == "optimal":
        best = routes.solve(form, "milp", SHARP).objective
        assert outcome.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["district", "assignment"])
def test_exact_routes_find_the_same_optimum(forms, name):
    first, second = (routes.solve(forms[name], route, SHARP) for route in EXACT)
    assert first.status == second.status == "optimal"
    assert second.objective == pytest.approx(first.objective, rel=1e-6)


def test_hybrid_comes_near_the_optimum_of_a_district_and_beats_random_choices(district_maker):
    form = district_maker(jobs=12, sites=2, steps=8, seed=3)
    exact = routes.solve(form, "milp", Options(gap=1e-5)).objective
    found = {route: routes.solve(form, route, Options(gap=1e-5)) for route in CHOOSING}
    assert found["hybrid"].objective <= 1.05 * exact
    assert found["hybrid"].objective <= found["hybrid:random"].objective
    assert all(outcome.objective >= exact * (1 - 1e-6) for outcome in found.values())


@pytest.mark.parametrize("route", EVERY)
def test_infeasible_forms_are_called_infeasible(make, route):
    sums = make([1, 1], [[1, 1]], [5], [INF], [0, 0], [2, 2], [0, 0])
    parity = make([1, 1], [[2, 2]], [3], [3], [0, 0], [5, 5], [1, 1])
    crossed = make([1.0], [[1.0]], [0], [9], [3], [2], [0])
    hollow = make([1.0], [[0.0]], [1], [1], [0], [1], [0])
    for form in (sums, parity, crossed, hollow):
        outcome = routes.solve(form, route)
        assert (outcome.status, outcome.x, outcome.objective, outcome.gap) == (
            "infeasible", None, None, None,
        )  # fmt: skip


@pytest.mark.parametrize("route", EVERY)
def test_unbounded_forms_are_called_unbounded(make, route):
    linear = make([-1, 0], [[1, -1]], [-INF], [2], [0, 0], [INF, INF], [0, 0])
    whole = make([-1, 0], [[1, -1]], [-INF], [2], [0, 0], [INF, INF], [1, 1])
    for form in (linear, whole):
        outcome = routes.solve(form, route)
        assert (outcome.status, outcome.x) == ("unbounded", None)


@pytest.mark.parametrize("route", [r for r in CHOOSING if r != "hybrid:rounding"] + ["qubo"])
def test_same_seed_gives_the_same_plan(small_district, route):
    first, second = (routes.solve(small_district, route, Options(seed=7)) for _ in range(2))
    assert np.array_equal(first.x, second.x)


@pytest.mark.parametrize("route", EVERY)
def test_every_backend_call_says_when_it_was_asked_began_and_ended(forms, route):
    telemetry = routes.solve(forms["district"], route, Options(time_limit=4.0)).telemetry
    json.dumps(telemetry)
    assert telemetry["calls"]
    for call in telemetry["calls"]:
        assert call["queued_at"] <= call["started_at"] <= call["finished_at"]
    assert telemetry["queue"] >= 0.0


def test_annealing_telemetry_states_how_often_samples_were_valid(forms):
    telemetry = routes.solve(forms["district"], "hybrid", Options()).telemetry
    assert 0.0 <= telemetry["feasibility_rate"] <= 1.0
    assert telemetry["counts"]["samples"] > 0


def test_form_without_groups_is_committed_by_moves_and_one_without_binaries_left_to_highs(forms):
    moved, linear, chosen = (
        routes.solve(forms[name], "hybrid").telemetry for name in ("knapsack", "linear", "district")
    )
    assert moved["groups"] == 0 and moved["counts"]["moves_valued"] > 0
    assert "nothing to choose" in linear["fell_back"] and linear["milps"] == 0
    assert "fell_back" not in moved and "fell_back" not in chosen


def test_searches_by_highs_are_counted_whichever_route_they_serve(forms):
    """Those of units, repairs and commitments in hybrid, of mixed choices; one elsewhere."""
    found = {route: routes.solve(forms["district"], route).telemetry for route in EVERY}
    for route in EXACT:
        assert found[route]["milps"] == 1
    for route in CHOOSING:
        purposes = [call["purpose"] for call in found[route]["calls"]]
        parts = ("mixed choices", "repair", "units", "commitment", "fall back")
        assert found[route]["milps"] == sum(purposes.count(part) for part in parts) >= 1


def test_option_for_one_kind_of_route_does_not_reach_another(forms):
    """``rounds`` is no option of HiGHS and ``presolve`` none of hybrid; both are refused alike."""
    both = Options(extras={"hybrid.rounds": "1", "milp.presolve": "off"})
    for route in ("milp", "hybrid", "pyomo:highs"):
        assert routes.solve(forms["district"], route, both).x is not None
    for route, name in (("milp", "rounds"), ("hybrid", "presolve"), ("pyomo:highs", "rounds")):
        with pytest.raises(InputError, match=name):
            routes.check(route, Options(extras={name: "1"}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mip_heuristics_effort", "0.5", "mip_heuristic_effort"),
        ("mip_heuristic_effort", "7", "a number within its limits"),
        ("mip_max_nodes", "12.5", "a whole number"),
        ("presolve", "perhaps", "one of its words"),
        ("mip_rel_gap", "0.1", "--gap"),
        ("time_limit", "3", "--time-limit"),
        ("write_model_file", "x.lp", "no such option"),
    ],
)
def test_options_that_highs_does_not_take_are_refused_with_the_repair(name, value, words):
    with pytest.raises(InputError, match=words) as refused:
        routes.check("milp", Options(extras={name: value}))
    assert name in str(refused.value)


def test_options_of_highs_reach_it(forms):
    """Stopped before the first node, it proves no more than the root does."""
    stopped = Options(gap=0.0, extras={"mip_max_nodes": "0", "presolve": "off"})
    outcome = routes.solve(forms["knapsack"], "milp", stopped)
    assert outcome.telemetry["calls"][0]["nodes"] == 0


def test_rounds_that_a_user_asks_for_are_kept_under_a_time_limit_too(district_maker):
    form = district_maker(jobs=12, sites=2, steps=8, seed=3)
    asked = Options(gap=0.0, time_limit=60.0, extras={"rounds": "1"})
    telemetry = routes.solve(form, "hybrid", asked).telemetry
    assert telemetry["counts"]["rounds"] == 1


@pytest.mark.parametrize("route", ["miilp", "pyomo:", "pyomo:nosuch", "hybrid:best", "pyomo:glpkk"])
def test_unknown_routes_are_refused_with_a_choice(forms, route):
    with pytest.raises(InputError, match="choose one"):
        routes.solve(forms["linear"], route)


def test_unknown_sampler_and_effort_are_refused_with_a_choice(forms):
    with pytest.raises(InputError, match="neal, tabu, greedy"):
        routes.solve(forms["district"], "hybrid", Options(sampler="nael"))
    with pytest.raises(InputError, match="sweeps"):
        routes.solve(forms["district"], "hybrid", Options(extras={"sweep": "5"}))


def test_gap_is_none_without_bound_and_zero_at_the_bound():
    assert Outcome("feasible", objective=4.0).gap is None
    assert Outcome("feasible", objective=4.0, bound=3.0).gap == pytest.approx(0.25)
    assert Outcome("optimal", objective=0.0, bound=0.0).gap == 0.0
    assert Outcome("feasible", objective=-4.0, bound=-5.0).gap == pytest.approx(0.25)


def test_a_bound_above_the_objective_is_dropped_unless_by_rounding():
    assert proven(100.0, 100.0 + 1e-7) == 100.0
    assert proven(100.0, 101.0) is None
    assert proven(100.0, -INF) is None


def test_trace_keeps_the_best_of_each_and_an_entry_per_improvement():
    heard = []
    journal = Journal(heard.append)
    journal.trace(bound=90.0)
    journal.trace(110.0)
    journal.trace(120.0, 80.0)  # both are worse
    journal.trace(105.0, 80.0)
    journal.trace(math.inf, math.nan)
    journal.trace(120.0, 95.0)
    told = [(news["objective"], news["bound"]) for news in journal.telemetry()["trace"]]
    assert told == [(None, 90.0), (110.0, 90.0), (105.0, 90.0), (105.0, 95.0)]
    assert heard == journal.telemetry()["trace"]
    seconds = [news["seconds"] for news in heard]
    assert seconds == sorted(seconds) and seconds[0] >= 0.0


def test_journal_follows_bounds_of_another_trace_in_its_own_time():
    journal = Journal()
    journal.trace(110.0, 90.0)
    journal.follow([{"seconds": 1.0, "objective": 50.0, "bound": 80.0},
                    {"seconds": 2.5, "objective": 50.0, "bound": 97.0}], 10.0)  # fmt: skip
    assert journal.telemetry()["trace"][1:] == [
        {"seconds": 12.5, "objective": 110.0, "bound": 97.0}
    ]


@pytest.mark.parametrize("route", EXACT)
@pytest.mark.parametrize("name", ["linear", "district", "knapsack", "assignment"])
def test_trace_ends_with_the_plan_and_bound_that_are_handed_out(forms, name, route):
    outcome = routes.solve(forms[name], route, SHARP)
    trace = outcome.telemetry["trace"]
    json.dumps(trace)
    assert trace[-1]["objective"] == pytest.approx(outcome.objective, rel=1e-6)
    assert trace[-1]["bound"] == pytest.approx(outcome.bound, rel=1e-6)
    seconds = [news["seconds"] for news in trace]
    assert seconds == sorted(seconds)
    assert seconds[-1] <= outcome.telemetry["seconds"]["total"]
    for before, after in itertools.pairwise(trace):
        assert before["objective"] is None or after["objective"] <= before["objective"]
        assert before["bound"] is None or after["bound"] >= before["bound"]
