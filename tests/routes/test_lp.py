"""The route ``lp``: a plan where nothing is whole, and elsewhere a bound with flows."""

from __future__ import annotations

import numpy as np
import pytest

import citygrid as cg
from citygrid import routes
from citygrid.errors import InputError, NoPlanError
from citygrid.routes.contract import Options

INF = np.inf
SHARP = Options(gap=1e-7)


def test_without_integers_it_is_an_optimal_plan_like_milps(make):
    form = make([1, 2], [[1, 1]], [3], [INF], [0, 0], [2, 9], [0, 0], constant=5.0)
    outcome = routes.solve(form, "lp", SHARP)
    assert (outcome.status, outcome.objective) == ("optimal", pytest.approx(9.0))
    assert outcome.bound == pytest.approx(9.0) and outcome.gap == pytest.approx(0.0)
    assert form.residual(outcome.x) <= 1e-9
    assert outcome.telemetry["trace"][-1]["objective"] == pytest.approx(9.0)


def test_with_integers_it_is_relaxed_a_bound_and_no_plan(make):
    """Two of three items fit; by halves one and a half of weight 2 in 3 are worth 6, not 4."""
    form = make([-4, -4], [[2, 2]], [-INF], [3], [0, 0], [1, 1], [1, 1])
    outcome = routes.solve(form, "lp", SHARP)
    assert (outcome.status, outcome.objective, outcome.gap) == ("relaxed", None, None)
    assert outcome.bound == pytest.approx(-6.0)
    assert form.matrix @ outcome.x <= 3 + 1e-9
    assert routes.solve(form, "milp", SHARP).objective == pytest.approx(-4.0)


def test_its_bound_never_lies_above_a_plan(district_maker):
    for seed in range(3):
        form = district_maker(jobs=5, sites=2, steps=4, seed=seed)
        bound = routes.solve(form, "lp", SHARP).bound
        assert bound <= routes.solve(form, "milp", SHARP).objective + 1e-6


def test_what_has_no_relaxed_point_is_infeasible_and_what_falls_without_end_unbounded(make):
    sums = make([1, 1], [[1, 1]], [5], [INF], [0, 0], [2, 2], [1, 1])
    falling = make([-1, 0], [[1, -1]], [-INF], [2], [0, 0], [INF, INF], [1, 1])
    assert routes.solve(sums, "lp").status == "infeasible"
    outcome = routes.solve(falling, "lp")
    assert (outcome.status, outcome.x) == ("unbounded", None)


def test_the_verb_calls_a_relaxation_no_plan_and_keeps_its_bound():
    form = cg.formulate(cg.prepare(cg.load("models/tiny.yaml")))
    with pytest.raises(NoPlanError, match=r"relaxed.*whole numbers") as refused:
        cg.solve(form, route="lp")
    assert refused.value.status == "relaxed"
    assert refused.value.bound == pytest.approx(56.0)


def test_a_curve_is_relaxed_by_its_tangents():
    """Losses of a cable grow with the square of what it carries; a tangent lies below them."""
    form = cg.formulate(cg.prepare(cg.load("tests/components/districts/power_line.yaml")))
    bound = routes.solve(form, "lp", SHARP).bound
    best = routes.solve(form, "milp", Options(gap=1e-4)).objective
    assert bound <= best + 1e-6


def test_its_options_are_those_of_highs():
    routes.check("lp", Options(extras={"presolve": "off"}))
    with pytest.raises(InputError, match="no such option"):
        routes.check("lp", Options(extras={"rounds": "1"}))
    with pytest.raises(InputError, match="choose one"):
        routes.check("lp:highs")
