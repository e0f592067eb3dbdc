"""The law of scaling: cost and residuals are the form's, in other sizes, without rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.model.form import Form
from citygrid.model.scaling import Scaling, is_badly_scaled, scaled
from tests.model.test_reductions import forms, point


def stretched(form: Form, seed: int) -> Form:
    """The form with rows, columns and money of sizes that have nothing to do with each other."""
    lot = np.random.default_rng(seed)
    columns = np.where(form.integer, 1.0, 10.0 ** lot.uniform(-6, 8, len(form.cost)))
    rows = 10.0 ** lot.uniform(-5, 6, len(form.row_lower))
    matrix = sp.csr_array(sp.diags_array(rows) @ form.matrix @ sp.diags_array(1.0 / columns))
    return replace(form, cost=form.cost / columns * 10.0 ** lot.uniform(-9, 9), matrix=matrix,
                   row_lower=form.row_lower * rows, row_upper=form.row_upper * rows,
                   lower=form.lower * columns, upper=form.upper * columns)  # fmt: skip


@settings(max_examples=100)
@given(forms(), st.integers(0, 10**6))
def test_cost_rows_bounds_and_duals_are_those_of_the_form(form: Form, seed: int) -> None:
    original = stretched(form, seed)
    scaling = scaled(original)
    y = point(scaling.form, seed)
    x = scaling.restore(y)
    np.testing.assert_array_equal(scaling.reduce(x), y)  # powers of two: to the last bit
    turnover = np.abs(original.cost * x).sum() + abs(original.constant)
    cost = scaling.cost(scaling.form.objective(y))
    assert cost == pytest.approx(original.objective(x), abs=1e-12 * turnover)
    terms = abs(original.matrix) @ np.abs(x) + 1e-300
    for bound, other in ((original.row_lower, scaling.form.row_lower),
                         (original.row_upper, scaling.form.row_upper)):  # fmt: skip
        some = np.isfinite(bound)
        np.testing.assert_array_equal(some, np.isfinite(other))
        missed = (bound - original.matrix @ x)[some]
        told = ((other - scaling.form.matrix @ y) / scaling.rows)[some]
        assert (np.abs(missed - told) <= 1e-12 * (terms + np.abs(bound))[some]).all()
    np.testing.assert_array_equal(scaling.form.lower * scaling.sizes, original.lower)
    np.testing.assert_array_equal(scaling.form.upper * scaling.sizes, original.upper)
    assert (scaling.sizes[original.integer] == 1.0).all()
    duals = np.random.default_rng(seed).normal(size=len(scaling.rows))
    told = scaling.reduced(scaling.form.cost - scaling.form.matrix.T @ duals)
    priced = original.cost - original.matrix.T @ scaling.duals(duals)
    size = np.abs(original.cost) + abs(original.matrix).T @ np.abs(scaling.duals(duals)) + 1e-300
    assert (np.abs(told - priced) <= 1e-12 * size).all()


@given(forms(), st.integers(0, 10**6))
def test_every_factor_is_a_power_of_two(form: Form, seed: int) -> None:
    scaling = scaled(stretched(form, seed))
    assert isinstance(scaling, Scaling)
    for factors in (scaling.sizes, scaling.rows, np.array([scaling.money])):
        mantissa, _ = np.frexp(factors)
        assert (mantissa == 0.5).all()


@pytest.mark.parametrize(
    ("change", "badly"),
    [
        ({}, False), ({"cost": np.array([1e-9, 3e-9])}, True), ({"cost": np.zeros(2)}, False),
        ({"upper": np.array([5e6, 1.0])}, True), ({"row_upper": np.array([1e7])}, True),
        ({"upper": np.array([1e-4, 1e-3]), "row_upper": np.array([1e-3])}, True),
        ({"matrix": sp.csr_array([[1e8, 1.0]])}, True), ({"upper": np.full(2, np.inf)}, False),
    ],
)  # fmt: skip
def test_only_forms_that_need_it_are_scaled(change: dict[str, object], badly: bool) -> None:
    form = Form(np.array([0.1, 0.2]), 0.0, sp.csr_array([[1.0, 1.0]]), np.array([-np.inf]),
                np.array([70.0]), np.zeros(2), np.array([50.0, 90.0]), np.zeros(2, dtype=bool),
                {}, {})  # fmt: skip
    assert is_badly_scaled(replace(form, **change)) == badly  # type: ignore[arg-type]


def test_scaled_numbers_are_of_like_size() -> None:
    """By hand: 5 GW of 1e-9 EUR/kWh and 4 W of 1 EUR/kWh that serve 2 W."""
    form = Form(np.array([1e-9, 1.0]), 0.0, sp.csr_array([[1.0, 1.0]]), np.array([0.002]),
                np.array([0.002]), np.zeros(2), np.array([5e6, 0.004]), np.zeros(2, dtype=bool),
                {}, {})  # fmt: skip
    scaling = scaled(form)
    # No more of either can be used than 2 W, and that is the size of both: 2^-9 kW.
    np.testing.assert_array_equal(scaling.sizes, 2.0**-9)
    np.testing.assert_array_equal(scaling.form.matrix.toarray(), 1.0)
    assert scaling.form.row_lower[0] == pytest.approx(1.024)
    assert 0.7 <= np.abs(scaling.form.cost).max() <= 1.5
