"""The law of reductions: cost and residuals of ``y`` are those of ``x = T y + t``."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.errors import FormulationError
from citygrid.model.form import Account, Block, Form, Lines
from citygrid.model.reductions import drop, elastic, fix, relax, scale


@st.composite
def forms(draw):
    """A random form with integers, fixed columns, half-open rows and a ledger line."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    width, height = draw(st.integers(1, 7)), draw(st.integers(0, 5))
    matrix = sp.csr_array(
        generator.integers(-3, 4, (height, width)) * (generator.random((height, width)) < 0.6),
        dtype=float,
    )
    lower = generator.integers(-3, 3, width).astype(float)
    upper = lower + generator.integers(0, 4, width)
    low = np.where(generator.random(height) < 0.3, -np.inf, generator.normal(size=height))
    high = np.where(generator.random(height) < 0.3, np.inf, np.abs(low) + 1.0)
    cost = generator.normal(size=width)
    split = int(generator.integers(0, width + 1))
    columns = {
        name: Block(name, ("unit",), {"unit": np.array([f"u{i}" for i in range(size)])}, start, "1")
        for name, start, size in (("a.x", 0, split), ("b.y", split, width - split)) if size
    }  # fmt: skip
    rows = {"a.r": Block("a.r", ("n",), {"n": np.arange(height)}, 0, "1")} if height else {}
    line = Account("a.cost", np.array(["a"]), {
        "money": Lines(sp.csr_array(cost[None]), np.zeros(1)),
        "carbon": Lines(sp.csr_array(cost[None] * 2), np.zeros(1)),
    })  # fmt: skip
    return Form(cost, 1.5, matrix, low, high, lower, upper, generator.random(width) < 0.5,
                columns, rows, {"a.cost": line})  # fmt: skip


def point(form, seed):
    return np.random.default_rng(seed).uniform(form.lower, form.upper)


def holds(original, reduction, y):
    """Cost, rows, bounds and ledger agree between a reduced point and the one it stands for."""
    x, form = reduction.restore(y), reduction.form
    assert form.objective(y) == pytest.approx(original.objective(x), abs=1e-9)
    activity, reduced = original.matrix @ x, form.matrix @ y
    sides = (original.row_lower, form.row_lower), (original.row_upper, form.row_upper)
    for bound, other in sides:
        finite = np.isfinite(bound)
        assert np.array_equal(finite, np.isfinite(other))
        assert (bound - activity)[finite] == pytest.approx((other - reduced)[finite], abs=1e-9)
    line, other = original.accounts["a.cost"], form.accounts["a.cost"]
    assert other.columns.keys() == line.columns.keys() == {"money", "carbon"}
    for column, amounts in line.columns.items():
        assert other.columns[column].at(y) == pytest.approx(amounts.at(x), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(form=forms(), seed=st.integers(0, 99))
def test_every_reduction_keeps_cost_rows_and_ledger(form, seed):
    generator = np.random.default_rng(seed)
    factors = np.where(form.integer, 1.0, generator.uniform(0.5, 4.0, len(form.cost)))
    chosen = np.flatnonzero(generator.random(len(form.cost)) < 0.5)
    for reduction in (
        relax(form), drop(form), scale(form, factors), fix(form, chosen, point(form, seed)[chosen]),
    ):  # fmt: skip
        holds(form, reduction, point(reduction.form, seed))
        x = reduction.restore(point(reduction.form, seed))
        assert (x >= form.lower - 1e-9).all() and (x <= form.upper + 1e-9).all()


@settings(deadline=None, max_examples=60)
@given(form=forms(), seed=st.integers(0, 99))
def test_a_chain_of_reductions_is_one_reduction(form, seed):
    chosen = np.flatnonzero(np.random.default_rng(seed).random(len(form.cost)) < 0.5)
    first = fix(form, chosen, np.round(point(form, seed))[chosen])
    second = drop(first.form)
    third = scale(second.form, np.where(second.form.integer, 1.0, 2.0))
    chain = first.then(second).then(third)
    y = point(third.form, seed)
    holds(form, chain, y)
    assert chain.restore(y) == pytest.approx(first.restore(second.restore(third.restore(y))))
    assert (form.lower[chosen] <= form.upper[chosen]).all()


@settings(deadline=None, max_examples=60)
@given(form=forms())
def test_dropped_columns_leave_named_blocks_that_cover_what_remains(form):
    reduction = drop(form)
    kept = np.flatnonzero(form.lower < form.upper)
    assert [form.column_label(i) for i in kept] == [
        reduction.form.column_label(i) for i in range(len(kept))
    ]
    assert sum(block.size for block in reduction.form.columns.values()) == len(kept)


def test_integers_are_not_scaled():
    form = Form(np.ones(1), 0.0, sp.csr_array((0, 1)), np.zeros(0), np.zeros(0), np.zeros(1),
                np.ones(1), np.ones(1, dtype=bool), {}, {})  # fmt: skip
    with pytest.raises(FormulationError, match="integers"):
        scale(form, np.array([2.0]))


@settings(deadline=None, max_examples=60)
@given(form=forms(), seed=st.integers(0, 99))
def test_elastic_rows_are_missed_by_exactly_their_slacks(form, seed):
    missed = elastic(form)
    x = point(form, seed)
    activity = form.matrix @ x
    short = np.maximum(form.row_lower - activity, 0.0)
    over = np.maximum(activity - form.row_upper, 0.0)
    stretched = np.concatenate([x, short, over])
    assert missed.form.residual(stretched) <= 1e-9
    assert missed.form.objective(stretched) == pytest.approx(short.sum() + over.sum())
    assert missed.amounts(stretched) == pytest.approx(short - over)


def test_elastic_rows_without_a_limit_cannot_be_missed_there():
    form = Form(np.zeros(1), 0.0, sp.csr_array([[1.0]]), np.array([-np.inf]), np.array([1.0]),
                np.zeros(1), np.ones(1), np.zeros(1, dtype=bool), {}, {})  # fmt: skip
    missed = elastic(form)
    assert missed.form.upper[missed.raised[0]] == 0.0
    assert missed.form.upper[missed.lowered[0]] == np.inf
