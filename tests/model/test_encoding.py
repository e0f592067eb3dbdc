"""Columns in bits: every value has its bits, every bit its value, and grids hold what rows ask."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.errors import FormulationError
from citygrid.model.encoding import ENCODINGS, choose_grid, encode
from citygrid.model.form import Block, Form


def form_of(lower, upper, integer, matrix=None, low=(), high=(), cost=None):
    width = len(lower)
    matrix = np.zeros((0, width)) if matrix is None else np.asarray(matrix, dtype=float)
    columns = {"unit.power": Block("unit.power", ("unit",), {"unit": np.arange(width)}, 0, "kW")}
    rows = {"r": Block("r", ("n",), {"n": np.arange(len(low))}, 0, "kW")} if len(low) else {}
    return Form(
        np.zeros(width) if cost is None else np.asarray(cost, dtype=float), 0.0,
        sp.csr_array(matrix), np.asarray(low, dtype=float), np.asarray(high, dtype=float),
        np.asarray(lower, dtype=float), np.asarray(upper, dtype=float),
        np.asarray(integer, dtype=bool), columns, rows,
    )  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(ENCODINGS), bits=st.integers(1, 4))
def test_values_come_back_from_their_bits(seed, name, bits):
    """Each point of the grid, written in bits, is that point again; the bits are in order."""
    generator = np.random.default_rng(seed)
    width = int(generator.integers(1, 6))
    integer = generator.random(width) < 0.5
    lower = np.where(integer, generator.integers(-5, 5, width), generator.normal(size=width))
    span = np.where(integer, generator.integers(0, 23, width), generator.uniform(0, 7, width))
    form = form_of(lower, lower + span, integer)
    encoded = encode(form, name, bits)
    grid = encoded.grid
    for _ in range(8):
        k = generator.integers(0, grid.steps + 1)
        x = grid.lower + grid.spacing * k
        b = encoded.bits(x)
        assert set(np.unique(b)) <= {0.0, 1.0}
        assert encoded.reduction.restore(b) == pytest.approx(x, abs=1e-9)
        assert encoded.in_order(b[None]).all()
    top = encoded.reduction.restore(encoded.bits(form.upper))
    assert top == pytest.approx(form.upper, abs=1e-9)
    assert (grid.steps[~integer] <= 2**bits - 1).all()


def test_any_bits_of_a_binary_encoding_stay_within_the_bounds_and_reach_every_value():
    """Thirteen steps in bits of 1, 2, 4 and a last one of 6: no value beyond, none left out."""
    form = form_of([2.0], [15.0], [True])
    encoded = encode(form)
    every = np.array([[(i >> j) & 1 for j in range(4)] for i in range(16)], dtype=float)
    values = {float(encoded.reduction.restore(b)[0]) for b in every}
    assert encoded.weight.tolist() == [1, 2, 4, 6]
    assert values == set(np.arange(2.0, 16.0))


def test_bits_out_of_order_are_seen():
    hot, wall = (encode(form_of([0.0], [3.0], [True]), name) for name in ("onehot", "domainwall"))
    assert hot.in_order(np.array([[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0.0]])).tolist() == [
        True, False, False,
    ]  # fmt: skip
    assert wall.in_order(np.array([[1, 1, 0], [0, 1, 0.0]])).tolist() == [True, False]


def test_grid_holds_what_its_rows_ask_for():
    """Units of 100 and 60 kW with minima of 40 and 20 kW and a demand of 90 kW: steps of 10 kW."""
    form = form_of(
        [0, 0, 0, 0], [100, 60, 1, 1], [0, 0, 1, 1],
        [[1, 1, 0, 0], [1, 0, -40, 0], [0, 1, 0, -20]], [90, 0, 0], [90, np.inf, np.inf],
    )  # fmt: skip
    grid = choose_grid(form)
    assert grid.spacing.tolist() == [10.0, 10.0, 1.0, 1.0] and grid.exact.all()


def test_grid_without_a_common_measure_is_even_and_said_to_be_rough():
    form = form_of([0.0, 0.0], [10.0, np.pi], [0, 0], [[1, 1]], [np.e], [np.e])
    grid = choose_grid(form, bits=3)
    assert not grid.exact.any() and grid.steps.tolist() == [7, 7]
    assert grid.spacing == pytest.approx([10 / 7, np.pi / 7])


def test_encodings_may_differ_by_block_and_are_checked():
    form = form_of([0.0, 0.0], [3.0, 1.0], [True, True])
    assert len(encode(form, {"unit.power": "onehot"}).owner) == 4 + 1
    for wrong in ("gray", {"unit.power": "gray"}, {"unit.heat": "onehot"}):
        with pytest.raises(FormulationError, match=r"choose"):
            encode(form, wrong)


def test_column_without_a_bound_is_named():
    with pytest.raises(FormulationError, match=r"unit\.power\[1\].*no bound"):
        encode(form_of([0.0, 0.0], [1.0, np.inf], [True, False]))


def test_bits_are_named_after_their_column():
    encoded = encode(form_of([0.0, 0.0], [3.0, 1.0], [True, True]))
    labels = [encoded.reduction.form.column_label(i) for i in range(3)]
    assert labels == ["unit.power[0#0]", "unit.power[0#1]", "unit.power[1]"]
