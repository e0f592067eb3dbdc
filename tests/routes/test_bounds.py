"""What duals prove: a bound below every point, however rough they are; sharp ones a sharp one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from citygrid.model.form import Form
from citygrid.model.limits import tighten
from citygrid.model.reductions import relax
from citygrid.routes import milp
from citygrid.routes.bounds import dual_bound
from citygrid.routes.bounds.duals import prove
from citygrid.routes.contract import Options

INF = math.inf


@st.composite
def forms_with_a_point(draw, endless=0.3):
    """A random form, some sides of rows and columns without a limit, and a point that keeps it."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    width, height = draw(st.integers(1, 9)), draw(st.integers(0, 7))
    size = 10.0 ** draw(st.integers(-3, 6))
    matrix = generator.integers(-4, 5, (height, width)) * (generator.random((height, width)) < 0.5)
    point = np.round(generator.normal(size=width) * size)
    activity = matrix @ point

    def around(middle, sign):
        room = generator.integers(0, 3, len(middle)) * size
        return np.where(generator.random(len(middle)) < endless, sign * INF, middle + sign * room)

    form = Form(
        generator.normal(size=width), 2.5, sp.csr_array(matrix.astype(float)),
        around(activity, -1), around(activity, 1), around(point, -1), around(point, 1),
        generator.random(width) < 0.3, {}, {},
    )  # fmt: skip
    return form, point, generator


def exactly(form, x):
    """The cost of a point in exact arithmetic."""
    pairs = zip(form.cost.tolist(), x.tolist(), strict=True)
    return sum((Fraction(c) * Fraction(v) for c, v in pairs), Fraction(form.constant))


@given(forms_with_a_point())
def test_any_duals_prove_a_bound_that_no_point_goes_below(given_form):
    """Exactly: not by a last digit, for duals drawn at random, kept, or bent."""
    form, point, generator = given_form
    for _ in range(4):
        duals = generator.normal(size=len(form.row_lower)) * generator.integers(0, 3)
        proof = dual_bound(form, duals)
        assert proof is None or Fraction(proof) <= exactly(form, point)


@given(forms_with_a_point())
def test_duals_of_the_solver_prove_its_own_optimum(given_form):
    form, point, generator = given_form
    form = relax(form).form
    outcome, duals, _ = milp.relaxation(form, Options(), method="simplex")
    if outcome.status != "optimal":
        assert outcome.status == "unbounded"
        return
    assert outcome.bound == pytest.approx(outcome.objective, rel=1e-6, abs=1e-6)
    assert Fraction(outcome.bound) <= exactly(form, point)
    # Interior point stops a little off, on either side: what it proves is on the right one.
    rough = duals + generator.normal(size=len(duals)) * 1e-9
    proof = dual_bound(form, rough)
    if proof is not None:
        assert Fraction(proof) <= exactly(form, point)


def test_rough_duals_are_bent_where_a_column_has_no_bound_at_all(make):
    """Two lossy lines in a circle have no bound and imply none; a rough price proves still."""
    form = make([1.0, 0.0, 0.0], [[1, -1, 0.9], [0, 0.9, -1]], [1.0, 0.5], [1.0, 0.5],
                [0, 0, 0], [INF, INF, INF], [0, 0, 0])  # fmt: skip
    assert not np.isfinite(tighten(form)[1][1:]).all()
    outcome, duals, _ = milp.relaxation(form, Options())
    assert dual_bound(form, duals) == pytest.approx(outcome.objective, rel=1e-12)
    for off in (1e-9, -1e-9):
        proof = dual_bound(form, duals + np.array([off, -off]))
        assert proof is not None
        assert outcome.objective * (1 - 1e-7) <= proof <= outcome.objective


def test_duals_prove_nothing_where_the_cost_has_no_bound(make):
    endless = make([-1.0, 1.0], [[1, -1]], [-INF], [INF], [0, 0], [INF, INF], [0, 0])
    assert dual_bound(endless, np.array([0.0])) is None
    assert dual_bound(endless, np.array([5.0])) is None  # the row has no limit to be priced by


def test_interior_points_word_is_not_taken_for_a_bound(small_district):
    """Its objective may lie on either side of the optimum; the bound is the duals' own."""
    form = relax(small_district).form
    sharp = milp.relaxation(form, Options(), method="simplex")[0]
    rough, duals, _ = milp.relaxation(form, Options(), method="ipm", crossover=False)
    assert rough.bound == dual_bound(form, duals)
    assert rough.bound <= sharp.objective
    assert rough.bound == pytest.approx(sharp.objective, rel=1e-6)


def test_integers_do_not_hurt_the_proof(make):
    """A bound of the relaxation is one of the whole programme."""
    form = make([-3.0, -2.0], [[2, 2]], [-INF], [3], [0, 0], [1, 1], [1, 1])
    best = milp.solve(form, Options(gap=0.0))
    duals = milp.relaxation(form, Options())[1]
    proof = dual_bound(form, duals)
    assert proof == pytest.approx(-4.0) and best.objective == -3.0
    assert dual_bound(replace(form, constant=7.0), duals) == pytest.approx(3.0)


def test_a_bound_holds_where_rounding_takes_the_sign_of_a_reduced_cost(make):
    """Against exact fractions: a reduced cost of some 1e-16 of a column that may be 1e9."""
    lot = np.random.default_rng(0)
    for _ in range(300):
        rows, prices = lot.uniform(0.1, 3.0, 3), lot.uniform(0.1, 3.0, 3)
        form = make([float(rows @ prices)], rows[:, None], [0.0] * 3, [math.inf] * 3, [0.0], [1e9],
                    [0])  # fmt: skip
        proof = prove(form, prices)
        assert proof is not None
        pairs = zip(rows, proof.prices, strict=True)
        reduced = Fraction(float(form.cost[0])) - sum(
            Fraction(float(a)) * Fraction(float(y)) for a, y in pairs
        )
        assert Fraction(proof.bound) <= min(Fraction(0), reduced * 10**9)
