"""The route ``qubo``: samples of the whole dispatch in bits, completed exactly."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid import routes
from citygrid.errors import InputError
from citygrid.model.encoding import encode
from citygrid.model.simplify import simplify
from citygrid.routes.contract import Options
from citygrid.routes.milp import relaxation
from citygrid.routes.qubo.settings import check
from citygrid.routes.qubo.windows import TIMELESS, split, window

HERE = Path(__file__).parent
QUICK = {"reads": "64", "sweeps": "500", "rounds": "1"}


def formulated(path):
    return cg.formulate(cg.prepare(cg.load(path)))


@pytest.fixture(scope="module")
def tiny():
    return formulated("models/tiny.yaml")


@pytest.fixture(scope="module")
def three_units():
    return formulated(HERE / "districts" / "three_units.yaml")


def discretised(form):
    """The optimum of the form whose columns are on the grid of the QUBO, by HiGHS."""
    grid = encode(simplify(form).form).reduction.form
    return routes.solve(grid, "milp", Options(gap=0.0)).objective


def reached(form, best, seeds):
    """How many seeds find a plan of that cost among their samples, without any repair."""
    hits = 0
    for seed in seeds:
        outcome = routes.solve(form, "qubo", Options(seed=seed))
        assert not outcome.telemetry["repaired"]
        assert form.residual(outcome.x) <= 1e-7
        hits += outcome.objective <= best * (1 + 1e-9)
    return hits


def test_tiny_district_is_solved_to_the_optimum_of_its_grid(tiny):
    assert discretised(tiny) == pytest.approx(56.0)
    assert reached(tiny, 56.0, range(10)) >= 9


def test_unit_commitment_of_six_hours_is_solved_to_the_optimum_of_its_grid(three_units):
    """Three units with minimum loads and start costs; nine of ten seeds must find the optimum."""
    best = discretised(three_units)
    assert best == pytest.approx(routes.solve(three_units, "milp", Options(gap=0.0)).objective)
    assert reached(three_units, best, range(10)) >= 9


def test_plan_passes_the_replay_of_physics():
    case = cg.prepare(cg.load(HERE / "districts" / "three_units.yaml"))
    plan = cg.solve(cg.formulate(case), "qubo", Options(extras=QUICK))
    assert cg.verify(case, plan).ok


def test_telemetry_states_bits_rates_floors_and_penalties(three_units):
    telemetry = routes.solve(
        three_units, "qubo", Options(extras={**QUICK, "rounds": "3"})
    ).telemetry
    assert telemetry["qubo"]["bits"] > telemetry["qubo"]["slack_bits"] > 0
    assert telemetry["qubo"]["couplings"] > 0
    assert 0.0 <= telemetry["raw_rate"] <= telemetry["feasibility_rate"] <= 1.0
    assert telemetry["residual_floor"]["power.balance"] == 0.0
    assert telemetry["milps"] == 0


def test_only_penalties_of_blocks_that_most_samples_break_rise(three_units):
    options = Options(extras={**QUICK, "rounds": "5"})
    told = routes.solve(three_units, "qubo", options).telemetry["penalty_rounds"]
    assert 2 <= len(told) <= 5
    for before, after in itertools.pairwise(told):
        for name, penalty in before["penalties"].items():
            factor = 10.0 if before["broken"].get(name, 0.0) > 0.5 else 1.0
            assert after["penalties"][name] == pytest.approx(factor * penalty)
    assert max(told[-1]["broken"].values(), default=0.0) <= 0.5 or len(told) == 5


def test_rough_grids_state_the_residual_that_they_cannot_get_below(small_district):
    telemetry = routes.solve(small_district, "qubo", Options(extras=QUICK)).telemetry
    assert telemetry["residual_floor"]["heat.balance"] > 0.0


@pytest.mark.parametrize("setting", [
    {"encoding": "onehot"}, {"encoding": "domainwall"}, {"slack": "unbalanced"}, {"bits": "3"},
])  # fmt: skip
def test_other_encodings_find_plans_too(three_units, setting):
    outcome = routes.solve(three_units, "qubo", Options(extras={**QUICK, **setting}))
    assert three_units.residual(outcome.x) <= 1e-7
    assert not outcome.telemetry["repaired"]


def test_enumeration_and_any_sampler_by_name_take_the_problem(tiny):
    for sampler in ("exact", "tabu", "dimod:ExactSolver"):
        outcome = routes.solve(tiny, "qubo", Options(sampler=sampler, extras=QUICK))
        assert outcome.objective == pytest.approx(56.0)


def test_random_samples_on_the_same_pipeline_keep_fewer_rows(three_units):
    """The control: the same bits, penalties and completion, without annealing."""
    rates = [
        routes.solve(three_units, "qubo", Options(sampler=sampler, extras=QUICK)).telemetry
        for sampler in ("neal", "random")
    ]
    assert rates[0]["raw_rate"] > rates[1]["raw_rate"]
    assert rates[0]["feasibility_rate"] > rates[1]["feasibility_rate"]


def test_samples_that_allow_no_plan_are_repaired_and_that_is_said(make):
    """A single random sample of a job per worker and task cannot be expected to be a matching."""
    count = 6
    cost = np.random.default_rng(1).integers(1, 40, (count, count)).astype(float)
    worker, task = (part.ravel() for part in np.indices(cost.shape))
    matrix = np.zeros((2 * count, count * count))
    matrix[worker, np.arange(count**2)] = matrix[count + task, np.arange(count**2)] = 1.0
    form = make(cost.ravel(), matrix, np.ones(12), np.ones(12), np.zeros(36), np.ones(36),
                np.ones(36))  # fmt: skip
    options = Options(sampler="random", extras={"reads": "1", "rounds": "1"})
    outcome = routes.solve(form, "qubo", options)
    assert outcome.telemetry["repaired"] and outcome.telemetry["feasibility_rate"] == 0.0
    assert outcome.telemetry["milps"] >= 1
    assert form.residual(outcome.x) <= 1e-7


def test_form_without_integers_is_solved_as_it_is(make):
    form = make([1, 2], [[1, 1]], [3], [np.inf], [0, 0], [2, 9], [0, 0])
    outcome = routes.solve(form, "qubo")
    assert outcome.objective == pytest.approx(4.0) and "fell_back" in outcome.telemetry


def test_too_many_bits_are_refused_with_the_window_that_helps(three_units):
    with pytest.raises(InputError, match=r"needs more bits.*qubo\.window"):
        routes.solve(three_units, "qubo", Options(extras={"variables": "20"}))


# windows ------------------------------------------------------------------------------------------


def test_horizon_in_windows_takes_fewer_bits_at_once_and_gives_one_plan(three_units):
    whole = routes.solve(three_units, "qubo", Options(extras=QUICK))
    cut = routes.solve(three_units, "qubo", Options(extras={**QUICK, "window": "3 h"}))
    assert cut.telemetry["windows"] == 2
    assert cut.telemetry["qubo"]["bits"] < whole.telemetry["qubo"]["bits"]
    assert three_units.residual(cut.x) <= 1e-7
    best = routes.solve(three_units, "milp", Options(gap=0.0)).objective
    assert best - 1e-6 <= cut.objective <= 1.2 * best


def test_window_holds_the_past_and_pays_for_the_future(three_units):
    """Its rows and columns only; with a step that is over, that unit's start is known."""
    relaxed, duals, _ = relaxation(three_units, Options())
    cut = split(three_units, (2, False), relaxed.x)
    assert cut.count == 3
    part = window(three_units, cut, 1, relaxed.x, duals)
    y = np.random.default_rng(0).uniform(part.form.lower, part.form.upper)
    x = part.restore(y)
    outside = cut.columns != 1
    assert x[outside] == pytest.approx(relaxed.x[outside])
    limited = np.isfinite(part.form.row_lower) | np.isfinite(part.form.row_upper)
    assert set(cut.rows[limited]) == {1}
    # What a unit that still runs saves in the first hour after the window is in its cost.
    names = [part.form.column_label(i) for i in range(len(part.form.cost))]
    base = three_units.columns["generator.on"]
    late = names.index(base.label(base.start + 3))
    rows = cut.rows[rows_of(three_units, base.start + 3)]
    assert set(rows) == {1, 2}
    column = rows_of(three_units, base.start + 3)[rows == 2]
    weight = three_units.matrix[column, base.start + 3].toarray().ravel() if len(column) else 0
    expected = three_units.cost[base.start + 3] - float(np.dot(duals[column], weight))
    assert part.form.cost[late] == pytest.approx(expected)


def rows_of(form, column):
    return np.flatnonzero(form.matrix[:, [column]].toarray().ravel())


def test_group_of_starts_belongs_to_one_window(tiny):
    relaxed, _, _ = relaxation(tiny, Options())
    cut = split(tiny, (1, False), relaxed.x)
    starts = cut.columns[tiny.columns["job_pool.start"].span]
    assert len(set(starts)) == 1 and starts[0] != TIMELESS
    outcome = routes.solve(tiny, "qubo", Options(extras={**QUICK, "window": "1"}))
    assert tiny.residual(outcome.x) <= 1e-7


def test_window_without_time_is_refused(make):
    form = make([-5, -4], [[2, 3]], [-np.inf], [4], [0, 0], [1, 1], [1, 1])
    with pytest.raises(InputError, match="no time to cut"):
        routes.solve(form, "qubo", Options(extras={"window": "3"}))


# options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("encoding", "gray", "binary, onehot, domainwall"),
        ("slack", "none", "slack, unbalanced"),
        ("reads", "0", "at least 1"),
        ("rounds", "6", "at most 5"),
        ("window", "6 days", "6 h"),
        ("window", "0", "6 h"),
        ("sweep", "5", "no such option"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, value, words):
    with pytest.raises(InputError, match=words):
        routes.check("qubo", Options(extras={name: value}))


def test_options_for_qubo_alone_reach_it():
    kind, _, options = routes._read("qubo", Options(extras={"qubo.window": "6 h", "milp.x": "1"}))
    assert kind == "qubo" and check(options).window == (6, True)


def test_a_sampler_may_be_chosen_for_qubo():
    routes.check_all(["qubo"], Options(sampler="tabu"))


def test_time_limit_ends_the_rounds(small_district):
    options = Options(time_limit=1.0, extras={"reads": "100000", "sweeps": "2000"})
    outcome = routes.solve(small_district, "qubo", options)
    assert outcome.telemetry["seconds"]["total"] < 20.0
    assert small_district.residual(outcome.x) <= 1e-7


def test_bound_is_that_of_the_relaxation(three_units):
    outcome = routes.solve(three_units, "qubo", Options(extras=QUICK))
    relaxed, _, _ = relaxation(three_units, Options())
    assert outcome.bound == pytest.approx(relaxed.bound)
    assert replace(outcome, bound=None).gap is None
