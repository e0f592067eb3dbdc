"""The Lagrangian dual: equal to enumeration, never below the relaxation nor above the optimum."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import citygrid as cg
from citygrid.model.form import Form
from citygrid.model.reductions import fix
from citygrid.routes import highs, milp
from citygrid.routes.bounds.lagrangian import Lagrangian, coupling, lagrangian_bound
from citygrid.routes.contract import Clock, Options
from citygrid.routes.highs import Task

INF = math.inf
MODELS = Path(__file__).parents[2] / "models"


def solver(form, limit):
    task = Task("component", time_limit=limit, method="simplex", tolerance=1e-9)
    return highs.run(form, task, lambda kind, news, x: None)


@st.composite
def coupled_forms(draw):
    """Units of three yes or no and a flow with rows of their own, and balances across them."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    units, width = draw(st.integers(1, 2)), 4
    size = units * width
    rows, low, high = [], [], []
    for unit in range(units):
        own = np.zeros((2, size))
        own[:, unit * width : (unit + 1) * width] = generator.integers(-3, 4, (2, width))
        point = np.append(generator.integers(0, 2, 3), generator.uniform(0, 5))
        reached = own[:, unit * width : (unit + 1) * width] @ point
        rows += list(own)
        low += list(reached - generator.uniform(0, 1.5, 2))
        high += list(np.where(generator.random(2) < 0.5, INF, reached + 0.5))
    for _ in range(2):
        line = generator.uniform(0, 3, size)
        rows.append(line)
        low.append(0.4 * float(line.sum()) * generator.random())
        high.append(INF)
    integer = np.tile([True, True, True, False], units)
    form = Form(generator.normal(size=size) + 1.0, 3.0, sp.csr_array(np.array(rows)),
                np.array(low), np.array(high), np.zeros(size), np.where(integer, 1.0, 5.0),
                integer, {}, {})  # fmt: skip
    priced = np.zeros(len(rows), dtype=bool)
    priced[-2:] = True
    return form, priced


def enumerated(form, priced, prices):
    """``L`` at prices, all choices of all integers together tried out."""
    shared = form.matrix[priced]
    reduced = form.cost - shared.T @ prices
    known = form.constant + float(prices @ np.where(prices > 0, form.row_lower[priced], 0.0))
    rest = replace(form, cost=reduced, constant=known, matrix=sp.csr_array(form.matrix[~priced]),
                   row_lower=form.row_lower[~priced], row_upper=form.row_upper[~priced],
                   rows={})  # fmt: skip
    whole, best = np.flatnonzero(form.integer), INF
    for choice in itertools.product((0.0, 1.0), repeat=len(whole)):
        held = fix(rest, whole, choice).form
        reached = held.matrix[:, whole] @ np.array(choice)
        flow = held.matrix[:, np.flatnonzero(~form.integer)]
        spread = np.asarray(abs(flow).sum(axis=1)).ravel() * 5.0
        if ((reached + spread < held.row_lower - 1e-9)
                | (reached - spread > held.row_upper + 1e-9)).any():  # fmt: skip
            continue
        found = solver(held, None)
        if found.status == "optimal":
            best = min(best, found.objective)
    return best


@settings(max_examples=8)
@given(coupled_forms(), st.integers(0, 10**6))
def test_the_dual_function_is_what_enumeration_finds(given_form, seed):
    form, priced = given_form
    prices = np.random.default_rng(seed).uniform(0, 1.5, 2)
    value, _ = Lagrangian(form, priced, solver).at(prices, Clock(None))
    assert value == pytest.approx(enumerated(form, priced, prices), rel=1e-5, abs=2e-5)


@settings(max_examples=25)
@given(coupled_forms())
def test_it_lies_between_relaxation_and_optimum(given_form):
    form, priced = given_form
    best = milp.solve(form, Options(gap=0.0))
    relaxed, duals, _ = milp.relaxation(form, Options(), method="simplex")
    if best.objective is None:
        return
    found = lagrangian_bound(form, duals, solver, Clock(None), priced)
    if found is None:  # one unit holds more than half of the integers: nothing falls apart
        return
    assert relaxed.bound - 1e-5 <= found.bound <= best.objective + 1e-5
    assert found.bound == pytest.approx(max(found.trace))
    # The prices prove it: the dual function at them is the bound.
    again, _ = Lagrangian(form, priced, solver).at(found.prices[priced], Clock(None))
    assert again == pytest.approx(found.bound)


def test_steps_of_the_prices_close_what_the_first_ones_leave(make):
    """Five sites have room for 3 and take batches of 2: each relaxation splits one, none may.

    Four batches in all, at costs 1 to 5 by site. Whole: 1 + 2 + 3 + 4; split: 1.5 at the first
    and second, 1 at the third.
    """
    sites = 5
    rows = np.zeros((sites + 1, 2 * sites))
    for site in range(sites):
        rows[site, 2 * site : 2 * site + 2] = 2
    rows[-1] = 1
    cost = np.repeat(np.arange(1.0, sites + 1), 2)
    form = make(cost, rows, [-INF] * sites + [4], [3] * sites + [INF], [0] * 2 * sites,
                [1] * 2 * sites, [1] * 2 * sites)  # fmt: skip
    priced = np.array([False] * sites + [True])
    relaxed, duals, _ = milp.relaxation(form, Options())
    assert relaxed.bound == pytest.approx(1.5 * 1 + 1.5 * 2 + 3)
    found = lagrangian_bound(form, duals, solver, Clock(None), priced)
    assert found.bound == pytest.approx(10.0, rel=1e-4)
    assert found.bound > found.trace[0] + 0.1
    again = lagrangian_bound(form, duals, solver, Clock(None), priced)
    assert again.trace == found.trace and np.array_equal(again.prices, found.prices)


def test_nothing_is_proved_where_nothing_falls_apart(make):
    form = make([1.0, 1.0], [[1, 1], [1, 2]], [1, 1], [INF, INF], [0, 0], [1, 1], [1, 1])
    duals = milp.relaxation(form, Options())[1]
    assert lagrangian_bound(form, duals, solver, Clock(None)) is None  # no row is a balance
    priced = np.array([True, False])
    assert lagrangian_bound(form, duals, solver, Clock(None), priced) is None  # one lump


def test_units_of_the_thermal_benchmark_fall_apart_and_are_whole_by_themselves():
    """Kazarlis' ten units: each unit's relaxation is whole, so the dual is the relaxation's."""
    form = cg.formulate(cg.prepare(cg.load(MODELS / "kazarlis10.yaml")))
    form = replace(form, curves=())
    relaxed, duals, _ = milp.relaxation(form, Options(), method="simplex")
    dual = Lagrangian(form, coupling(form), solver)
    value, _ = dual.at(dual.signed(duals[coupling(form)]), Clock(None))
    assert dual.split == 0 and dual.lump == pytest.approx(0.1)
    assert value == pytest.approx(relaxed.bound, rel=1e-7)
    assert 0.99 * 563_937.6875 < value < 563_937.6875
