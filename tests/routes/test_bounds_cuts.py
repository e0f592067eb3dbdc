"""Cuts: rows that every integer point keeps and the relaxation does not."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.model.form import Form
from citygrid.model.reductions import fix
from citygrid.routes import highs, milp
from citygrid.routes.bounds.cuts import binding, broken, strengthen
from citygrid.routes.bounds.front import Relaxed, best_bound, decided
from citygrid.routes.bounds.probing import Probes
from citygrid.routes.bounds.root import root_bound
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Task

INF = math.inf
#: Violation by less than this is rounding.
CLOSE = 1e-6


def silent(kind, news, x):
    pass


def relaxed(form, limit):
    return highs.run(form, Task("lp", time_limit=limit, method="simplex"), silent)


@st.composite
def small_forms(draw):
    """Yes or no in front of flows with minimum and most, jobs that load a site, and balances."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    units, jobs = draw(st.integers(1, 3)), draw(st.integers(0, 5))
    width = 3 * units + jobs  # on, heat, load; jobs
    on, heat, load = (np.arange(units) + part * units for part in range(3))
    job = 3 * units + np.arange(jobs)
    rows, low, high = [], [], []

    def row(pairs, least, most):
        line = np.zeros(width)
        for column, weight in pairs:
            line[column] += weight
        rows.append(line)
        low.append(least)
        high.append(most)

    for k in range(units):
        most = generator.uniform(50, 100)
        row([(heat[k], 1), (on[k], -most)], -INF, 0)
        row([(heat[k], 1), (on[k], -generator.uniform(0.2, 0.8) * most)], 0, INF)
        row([(heat[k], 1), (load[k], -generator.uniform(0.5, 2))], -INF, generator.uniform(0, 20))
        taken = job[generator.random(jobs) < 0.7]
        sizes = generator.integers(5, 40, len(taken)) * 1.5
        row([(load[k], 1), *zip(taken, -sizes, strict=True)], 0, 0)
    row([(k, 1) for k in heat], generator.uniform(0, 40) * units, INF)
    if jobs:
        row([(k, 1) for k in job], generator.integers(0, jobs + 1), INF)
    cost = generator.normal(size=width) + np.where(np.arange(width) < units, 20.0, 0.3)
    upper = np.concatenate([np.ones(units), np.full(units, INF), np.full(units, 90.0),
                            np.ones(jobs)])  # fmt: skip
    integer = np.zeros(width, dtype=bool)
    integer[on] = integer[job] = True
    return Form(cost, 1.0, sp.csr_array(np.array(rows)), np.array(low), np.array(high),
                np.zeros(width), upper, integer, {}, {})  # fmt: skip


def integer_points(form, generator):
    """For every choice of the integers two extreme points, if it has any."""
    whole = np.flatnonzero(form.integer)
    for choice in itertools.product((0.0, 1.0), repeat=len(whole)):
        held = fix(form, whole, choice).form
        for _ in range(2):
            aim = replace(held, cost=generator.normal(size=len(form.cost)))
            found = highs.run(aim, Task("lp", method="simplex", tolerance=1e-9), silent)
            if found.status == "optimal":
                yield found.x


@settings(max_examples=12)
@given(small_forms(), st.integers(0, 10**6))
def test_no_integer_point_breaks_a_cut(form, seed):
    generator = np.random.default_rng(seed)
    probes = Probes.of(form)
    cuts = [broken(form, probes, generator.random(len(form.cost)) * np.minimum(form.upper, 60.0))
            for _ in range(3)]  # fmt: skip
    for x in integer_points(form, generator):
        for part in cuts:
            missed = part.lower - part.doubt - part.matrix @ x
            size = 1.0 + abs(part.matrix) @ np.abs(x)
            assert (missed <= CLOSE * size).all()


@settings(max_examples=25)
@given(small_forms())
def test_every_step_proves_more_and_never_more_than_the_optimum(form):
    best = milp.solve(form, Options(gap=0.0))
    values = [step.bound for step in strengthen(form, relaxed, Clock(None))]
    if best.status == "infeasible":
        return
    assert values == sorted(values)
    assert values[-1] <= best.objective + CLOSE * abs(best.objective)


def test_a_pump_that_runs_by_a_tenth_asks_for_its_minimum_load(make):
    """Heat is worth 3, load costs 4; a pump needs 40 of it for its minimum, and 30 are there.

    Columns on, heat, load; ``40 on ≤ heat ≤ 100 on``, ``heat ≤ load``, load from 30.
    The relaxation runs the pump by three tenths on what is there; a pump runs at 40 or not.
    """
    form = make([10.0, -3.0, 4.0], [[-40, 1, 0], [-100, 1, 0], [0, 1, -1]], [0, -INF, -INF],
                [INF, 0, 0], [0, 0, 30], [1, 100, 100], [1, 0, 0])  # fmt: skip
    plain, *_, last = strengthen(form, relaxed, Clock(None))
    assert plain.bound == pytest.approx(120 - 90 + 3)  # 0.3 on
    assert last.bound == pytest.approx(50.0)  # on, heat 40, load 40: 10 − 120 + 160
    assert binding(last).matrix.shape[0] <= last.form.matrix.shape[0]


def test_jobs_come_whole(make):
    """A demand of 30 from jobs of 20 at 1 each takes two, not one and a half."""
    form = make([1.0] * 4, [[20] * 4], [30], [INF], [0] * 4, [1] * 4, [1] * 4)
    plain, *_, last = strengthen(form, relaxed, Clock(None))
    assert plain.bound == pytest.approx(1.5)
    assert last.bound == pytest.approx(2.0)


def test_a_binary_that_cannot_be_is_not(make):
    """A minimum of 50 behind 40 of room: the unit never runs, and earns nothing."""
    form = make([-1.0, 0.0], [[-50, 1], [-100, 1], [0, 1]], [0, -INF, -INF], [INF, 0, 40],
                [0, 0], [1, 100], [1, 0])  # fmt: skip
    *_, last = strengthen(form, relaxed, Clock(None))
    assert last.bound == pytest.approx(0.0, abs=1e-9)


def test_the_front_proves_more_than_the_relaxation_and_says_who(small_district):
    best = milp.solve(small_district, Options(gap=1e-6, time_limit=60.0))
    weak = milp.relaxation(small_district, Options())[0].bound
    told = []
    bound = best_bound(small_district, Options(), Journal(), told=told.append)
    assert weak < bound.value <= best.objective * (1 + 1e-6)
    assert [entry[1] for entry in bound.trace] == sorted(entry[1] for entry in bound.trace)
    assert bound.trace[0][2] == "relaxation" and bound.by == bound.trace[-1][2]
    assert told[-1] == bound


def test_an_over_clock_leaves_what_was_known(small_district):
    known, duals, _ = milp.relaxation(small_district, Options())
    relaxed = Relaxed(known.x, duals, known.bound)
    bound = best_bound(small_district, Options(), time_limit=0.0, relaxed=relaxed)
    assert (bound.value, bound.by) == (known.bound, "relaxation")


@pytest.mark.parametrize("seed", range(12))
def test_what_a_plan_decides_no_better_plan_decides_otherwise(district_maker, seed):
    """Fixed by reduced cost against a plan that is not the best: the best one is still there."""
    form = district_maker(jobs=4, sites=2, steps=4, seed=seed, start_cost=0.5)
    best = milp.solve(form, Options(gap=0.0)).objective
    known, duals, _ = milp.relaxation(form, Options())
    *_, last = strengthen(form, relaxed, Clock(None), known.x, known.bound)
    less = decided(binding(last), form, last, Relaxed(known.x, duals, known.bound), best * 1.0005)
    assert milp.solve(less, Options(gap=0.0)).objective == pytest.approx(best, rel=1e-6)
    fixed = (less.lower == less.upper) & form.integer
    assert fixed.sum() >= ((form.lower == form.upper) & form.integer).sum()


def test_with_a_plan_the_front_looks_for_better_ones(small_district):
    poor = milp.solve(small_district, Options(gap=0.5)).x
    best = milp.solve(small_district, Options(gap=1e-6)).objective
    met = []
    bound = best_bound(small_district, Options(gap=0.0), plan=poor, met=met.append, watched=True,
                       time_limit=20.0)  # fmt: skip
    cost = min([small_district.objective(x) for x in met] + [small_district.objective(poor)])
    assert cost == pytest.approx(best, rel=1e-5)
    assert bound.value <= best * (1 + 1e-6)


def test_the_root_of_highs_proves_more_than_the_relaxation(small_district):
    weak = milp.relaxation(small_district, Options())[0].bound
    assert root_bound(small_district, Options()).bound >= weak - CLOSE * abs(weak)
