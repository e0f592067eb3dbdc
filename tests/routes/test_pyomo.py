"""The open door: whatever solver stands behind Pyomo, what it claims is not taken on trust."""

from __future__ import annotations

import math

import pyomo.environ as pyo
import pytest

from citygrid.routes import milp, pyomo
from citygrid.routes.contract import Options
from citygrid.routes.pyomo import route

INF = math.inf


class Boaster:
    """A solver that states its objective as its bound, as GLPK's door in Pyomo does."""

    def __init__(self):
        self.options = {}

    def solve(self, model, **settings):
        results = pyo.SolverFactory("highs").solve(model, load_solutions=False)
        results.problem.lower_bound = results.problem.upper_bound
        return results


@pytest.fixture
def knapsack(make):
    return make([-5, -4, -3, -7], [[2, 3, 1, 4]], [-INF], [6], [0] * 4, [1] * 4, [1] * 4)


def test_bound_of_a_solver_that_states_its_objective_is_not_believed(knapsack, monkeypatch):
    monkeypatch.setattr(route, "_driver", lambda solver: Boaster())
    outcome = pyomo.solve(knapsack, Options(gap=1e-6), "glpk")
    relaxed = milp.relaxation(knapsack, Options())[0]
    assert outcome.objective == pytest.approx(-12.0)
    assert outcome.bound == pytest.approx(relaxed.bound) == pytest.approx(-13.25)
    assert outcome.status == "feasible"
    assert outcome.telemetry["bound_by"] == "duals of the relaxation"


@pytest.mark.parametrize(("solver", "told"), [("glpk", 5), ("cbc", 4.5)])
def test_a_limit_of_time_is_told_as_the_solver_takes_it(knapsack, monkeypatch, solver, told):
    """GLPK ends at once with "Invalid time limit '4.5'"."""
    heard = []

    class Listener(Boaster):
        def solve(self, model, **settings):
            heard.append(settings["timelimit"])
            return super().solve(model, **settings)

    monkeypatch.setattr(route, "_driver", lambda solver: Listener())
    assert pyomo.solve(knapsack, Options(time_limit=4.5), solver).objective == pytest.approx(-12.0)
    assert heard == [told]


def test_a_program_that_does_not_end_is_killed_and_said_to_have_had_its_time(
    knapsack, monkeypatch, tmp_path
):
    """A CBC that sleeps: Pyomo kills it some seconds after its limit, and says so by an error."""
    program = tmp_path / "cbc"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(route.shellcmd, "SUBPROCESS_TIMEOUT_ABS_ADJUST", 0.2)
    driver = pyo.SolverFactory("cbc", executable=str(program))
    monkeypatch.setattr(route, "_driver", lambda solver: driver)
    outcome = pyomo.solve(knapsack, Options(time_limit=0.3), "cbc")
    assert (outcome.status, outcome.x) == ("time_limit", None)


@pytest.mark.parametrize("solver", ["highs", "appsi_highs"])
def test_bound_of_highs_is_its_own(knapsack, solver):
    outcome = pyomo.solve(knapsack, Options(gap=1e-6), solver)
    assert outcome.bound == pytest.approx(-12.0)
    assert (outcome.status, outcome.telemetry["bound_by"]) == ("optimal", solver)


def test_linear_forms_are_proven_by_their_own_duals(make, monkeypatch):
    linear = make([1, 2], [[1, 1]], [3], [INF], [0, 0], [2, 9], [0, 0])
    monkeypatch.setattr(route, "_driver", lambda solver: Boaster())
    outcome = pyomo.solve(linear, Options(), "glpk")
    assert outcome.bound == pytest.approx(4.0) and outcome.bound <= outcome.objective
    assert outcome.telemetry["bound_by"] == "duals of the completion"
