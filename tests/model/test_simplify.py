"""Fewer columns and rows, the same points and the same optimum."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

import citygrid as cg
from citygrid.model.form import Block, Form
from citygrid.model.limits import useful
from citygrid.model.simplify import simplify


def optimum(form):
    """Least cost and a point of it by another solver's interface; ``None`` without one."""
    found = milp(
        form.cost, integrality=form.integer.astype(int), bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.matrix, form.row_lower, form.row_upper)
        if len(form.row_lower) else (),
    )  # fmt: skip
    return (None, None) if found.x is None else (found.fun + form.constant, found.x)


def random_form(seed):
    """Mixed columns, equalities and limits, gates and minimum loads; feasible or not."""
    generator = np.random.default_rng(seed)
    width, height = int(generator.integers(2, 8)), int(generator.integers(1, 7))
    integer = generator.random(width) < 0.4
    A = generator.integers(-3, 4, (height, width)) * (generator.random((height, width)) < 0.5)
    lower = generator.integers(-2, 1, width).astype(float)
    upper = np.where(integer, lower + 1, lower + generator.integers(1, 6, width))
    inner = np.round(generator.uniform(lower, upper)) if generator.random() < 0.8 else upper + 1
    activity = A @ inner
    low = np.where(generator.random(height) < 0.5, activity, -np.inf)
    high = np.where(generator.random(height) < 0.4, low, activity + generator.integers(0, 3))
    high = np.where(np.isfinite(high), high, activity)
    columns = {"a": Block("a", ("i",), {"i": np.arange(width)}, 0, "1")}
    rows = {"r": Block("r", ("i",), {"i": np.arange(height)}, 0, "1")}
    return Form(generator.integers(-5, 6, width).astype(float), 2.0, sp.csr_array(A, dtype=float),
                low, np.maximum(high, low), lower, upper, integer, columns, rows)  # fmt: skip


def test_simplified_forms_keep_the_optimum_and_every_point_they_stand_for():
    kept = 0
    for seed in range(250):
        form = random_form(seed)
        before, _ = optimum(form)
        if before is None:
            continue
        kept += 1
        reduction = simplify(form)
        if len(reduction.form.cost):
            after, y = optimum(reduction.form)
        else:
            after, y = reduction.form.constant, np.zeros(0)
        assert after == pytest.approx(before, abs=1e-6), seed
        x = reduction.restore(y)
        assert form.residual(x) <= 1e-6, seed
        assert form.objective(x) == pytest.approx(after, abs=1e-6), seed
    assert kept > 150


def test_what_equalities_settle_needs_no_column_of_its_own():
    """Of the 36 columns of the tiny district three starts and three flows of heat are choices."""
    form = cg.formulate(cg.prepare(cg.load("models/tiny.yaml")))
    reduced = simplify(form).form
    assert len(reduced.cost) == 6 and reduced.integer.sum() == 3
    assert optimum(reduced)[0] == pytest.approx(56.0)
    limited = np.isfinite(reduced.row_lower) | np.isfinite(reduced.row_upper)
    assert limited.sum() == 3  # the job starts once; heat to recover in two of the hours


def test_minimum_load_becomes_a_bound():
    """``40 on ≤ p ≤ 100 on`` is ``p = 40 on + y``, ``0 ≤ y ≤ 60 on``: one row instead of two."""
    columns = {"p": Block("p", (), {}, 0, "kW"), "on": Block("on", (), {}, 1, "1")}
    rows = {"r": Block("r", ("i",), {"i": np.arange(2)}, 0, "kW")}
    form = Form(np.array([1.0, -50.0]), 0.0, sp.csr_array([[1.0, -100.0], [1.0, -40.0]]),
                np.array([-np.inf, 0.0]), np.array([0.0, np.inf]), np.zeros(2),
                np.array([100.0, 1.0]), np.array([False, True]), columns, rows)  # fmt: skip
    reduction = simplify(form)
    assert reduction.form.upper.tolist() == [60.0, 1.0]
    assert np.isfinite(reduction.form.row_upper).sum() == 1
    assert not np.isfinite(reduction.form.row_lower).any()
    assert reduction.restore(np.array([5.0, 1.0])).tolist() == [45.0, 1.0]


def test_a_peak_needs_no_more_room_than_its_rows_can_ask_for():
    """``peak ≥ x1``, ``peak ≥ 2 x2 − 3`` with ``x ≤ 5``: at most 7, although it has no bound."""
    columns = {"x": Block("x", ("i",), {"i": np.arange(2)}, 0, "kW"),
               "peak": Block("peak", (), {}, 2, "kW")}  # fmt: skip
    rows = {"r": Block("r", ("i",), {"i": np.arange(2)}, 0, "kW")}

    def form(cost, high=np.inf):
        return Form(np.array([-2.0, -9.0, cost]), 0.0, sp.csr_array([[-1.0, 0, 1], [0, -2, 1]]),
                    np.array([0.0, -3.0]), np.array([high, np.inf]), np.zeros(3),
                    np.array([5.0, 5.0, np.inf]), np.zeros(3) > 0, columns, rows)  # fmt: skip

    assert useful(form(4.0))[1].tolist() == [5.0, 5.0, 7.0]
    assert useful(form(0.0))[1][2] == 7.0
    # Where more of it earns, or a row allows only so much of it, nothing follows.
    assert useful(form(-1.0))[1][2] == np.inf
    assert useful(form(4.0, high=9.0))[1][2] == np.inf
    assert optimum(simplify(form(4.0)).form)[0] == pytest.approx(optimum(form(4.0))[0])
