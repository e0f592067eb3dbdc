"""A form as a QUBO: its energy is cost plus weighted squares, and bits lead back to the form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from citygrid.errors import FormulationError
from citygrid.model.conflicts import find_conflicts
from citygrid.model.encoding import ENCODINGS, encode
from citygrid.model.form import Block, Form
from citygrid.model.qubo import ORDER, in_bits, penalise, qubo, weigh_rows
from citygrid.model.reductions import equalise


def form_of(cost, matrix, low, high, lower, upper, integer=None, constant=0.0):
    matrix = np.asarray(matrix, dtype=float).reshape(len(low), len(cost))
    columns = {"u.x": Block("u.x", ("u",), {"u": np.arange(len(cost))}, 0, "1")}
    rows, start = {}, 0
    # Two blocks of rows, so that penalties per block differ.
    for name, size in (("r.first", len(low) // 2), ("r.last", len(low) - len(low) // 2)):
        if size:
            rows[name] = Block(name, ("n",), {"n": np.arange(size)}, start, "1")
            start += size
    parts = [np.asarray(part, dtype=float) for part in (cost, low, high, lower, upper)]
    whole = np.ones(len(cost), dtype=bool) if integer is None else np.asarray(integer, dtype=bool)
    return Form(parts[0], constant, sp.csr_array(matrix), parts[1], parts[2], parts[3], parts[4],
                whole, columns, rows)  # fmt: skip


def random_form(seed, width=5, height=4, values=4):
    """A random integer form with limits on one side, on both, and equalities."""
    generator = np.random.default_rng(seed)
    n, m = int(generator.integers(1, width + 1)), int(generator.integers(0, height + 1))
    A = generator.integers(-3, 4, (m, n)) * (generator.random((m, n)) < 0.7)
    lower = generator.integers(-2, 2, n)
    upper = lower + generator.integers(0, values, n)
    inner = generator.integers(lower, upper + 1)
    activity = (A @ inner).astype(float)
    low = np.where(generator.random(m) < 0.5, activity - generator.integers(0, 3, m), -np.inf)
    high = np.where(generator.random(m) < 0.6, activity + generator.integers(0, 3, m), np.inf)
    equal = generator.random(m) < 0.25
    low, high = np.where(equal, activity, low), np.where(equal, activity, high)
    cost = generator.integers(-6, 7, n) / 2.0
    return form_of(cost, A, low, high, lower, upper, constant=1.5)


def every(width):
    return np.array(list(itertools.product((0.0, 1.0), repeat=width))).reshape(2**width, width)


def explained(model, bits):
    """The energy as the module states it: cost, rows, pairs, order, each worked out for itself."""
    encoding, form = model.encoding, model.reduction.form
    weight, tilt = weigh_rows(encoding, model.penalties)
    rho = model.residuals(bits)
    total = bits @ form.cost + form.constant + rho**2 @ weight + rho @ tilt
    pairs = encoding.conflicts
    for block in form.rows.values():
        here = np.isin(pairs.row, np.arange(block.start, block.start + block.size))
        change = encoding.rows.change[block.span]
        share = change[pairs.row[here] - block.start]
        most = change.max()
        share = np.where(share > 0, share / most, 1.0) if most > 0 else np.ones(here.sum())
        total += pairs.occurring(bits)[:, here] @ (model.penalties[block.name] * share) if (
            here.any()) else 0.0  # fmt: skip
    order = model.penalties[ORDER]
    for group in range(model.groups.max(initial=-1) + 1):
        total += order * (bits[:, model.groups == group].sum(axis=1) - 1.0) ** 2
    return total + order * encoding.walls.occurring(bits).sum(axis=1)


def test_energy_is_cost_plus_weighted_squares_on_a_thousand_random_integer_forms():
    generator = np.random.default_rng(1)
    for seed in range(1000):
        form = random_form(seed)
        model = qubo(form, ENCODINGS[seed % 3], slack=("slack", "unbalanced")[seed % 7 == 0])
        bits = generator.integers(0, 2, (6, len(model.linear))).astype(float)
        energy = model.energy(bits)
        assert energy == pytest.approx(explained(model, bits), abs=1e-6), seed
        assert model.energy(bits[0]) == pytest.approx(energy[0], abs=1e-9)
        assert model.restore(bits[0]) == pytest.approx(
            model.reduction.T @ bits[0] + model.reduction.t, abs=1e-12
        )
        x = (model.reduction.T @ bits.T).T + model.reduction.t
        assert x @ form.cost + form.constant == pytest.approx(
            bits @ model.reduction.form.cost + model.reduction.form.constant, abs=1e-8
        )
        row, column, value = model.couplings
        assert (row < column).all() and (value != 0.0).all()
        assert len(set(zip(row.tolist(), column.tolist(), strict=True))) == len(row)


def test_lowest_energy_is_the_optimum_where_penalties_are_large():
    """Over all bits; and what keeps rows and order as it is costs what the plan costs."""
    looked = 0
    for seed in range(2000, 2140):
        form = random_form(seed, width=4, height=2, values=3)
        encoding = in_bits(form, ENCODINGS[seed % 3])
        if len(encoding.reduction.form.cost) > 13:
            continue
        looked += 1
        model = penalise(encoding)
        model = penalise(encoding, dict.fromkeys(model.penalties, 100.0))
        bits = every(len(model.linear))
        points = np.array(list(itertools.product(*(
            np.arange(low, high + 1) for low, high in zip(form.lower, form.upper, strict=True)
        ))))  # fmt: skip
        activity = points @ form.matrix.toarray().T
        keeps = ((activity >= form.row_lower) & (activity <= form.row_upper)).all(axis=1)
        best = (points[keeps] @ form.cost).min() + form.constant
        energy = model.energy(bits)
        assert energy.min() == pytest.approx(best, abs=1e-6), seed
        assert form.residual(model.restore(bits[energy.argmin()])) <= 1e-9
        raw = encoding.met(bits).all(axis=1) & encoding.in_order(bits)
        for b in bits[raw][:50]:
            assert form.residual(model.restore(b)) <= 1e-9, seed
    assert looked > 60


def test_rows_that_are_pairs_are_their_pairs_exactly():
    """On random rows of binaries: no pair occurs where the row is kept, some pair where not."""
    found = 0
    generator = np.random.default_rng(5)
    for _ in range(400):
        n = int(generator.integers(1, 6))
        a = generator.integers(-3, 4, n).astype(float)
        high, low = float(generator.integers(-2, 4)), -np.inf
        if generator.random() < 0.5:
            low, high = -high, np.inf
        form = form_of(np.zeros(n), [a], [low], [high], np.zeros(n), np.ones(n))
        pairs = find_conflicts(form)
        bits = every(n)
        kept = (bits @ a >= low) & (bits @ a <= high)
        if not len(pairs.row):
            continue
        found += 1
        assert np.array_equal(kept, pairs.occurring(bits).sum(axis=1) == 0)
    assert found > 50


@pytest.mark.parametrize(
    ("row", "low", "high", "count"),
    [
        ([1, 1, 1], -np.inf, 1, 3),  # at most one
        ([1, -1, 0], -np.inf, 0, 1),  # only where
        ([1, 1, 0], 1, np.inf, 1),  # at least one of two
        ([10, 20, -30], -np.inf, 0, 2),  # no output while off
        ([1, 1, -1], -np.inf, 0, 3),  # starts within a minimum time, and the unit on
        ([1, -1, -1], -np.inf, 0, 0),  # a start: three at once, no matter of pairs
        ([2, 2, 3], -np.inf, 5, 0),  # a knapsack: any two fit, three do not
    ],
)
def test_what_is_a_matter_of_pairs(row, low, high, count):
    form = form_of(np.zeros(3), [row], [low], [high], np.zeros(3), np.ones(3))
    assert len(find_conflicts(form).row) == count


def test_slack_of_multiples_is_exact_and_another_has_a_floor():
    """30 kW and 20 kW under 70 kW need steps of 10 kW; √2 and 1 a grid, off by up to D/2."""
    exact = qubo(form_of([1, 1, 1], [[30, 20, 40]], [-np.inf], [75], [0] * 3, [1] * 3))
    assert exact.residual_floor == {"r.last": 0.0}
    assert sorted(exact.reduction.form.matrix.data.tolist()) == [10, 20, 20, 30, 40, 40]
    rough = qubo(form_of([1] * 4, [[2**0.5, 1, 1, 1]], [-np.inf], [2.5], [0] * 4, [1] * 4), bits=4)
    spacing = 2.5 / 15
    assert rough.residual_floor["r.last"] == pytest.approx(spacing**2 / 4)


def test_slack_of_an_inequality_lets_exactly_its_points_pass():
    for seed in range(300):
        form = random_form(seed)
        equal = equalise(form)
        assert not equal.restore(np.zeros(len(equal.form.cost))).any()
        generator = np.random.default_rng(seed)
        limited = np.isfinite(equal.form.row_lower)
        assert (equal.form.row_lower[limited] == equal.form.row_upper[limited]).all()
        slack = equal.form.matrix[:, len(form.cost) :]
        for _ in range(5):
            x = generator.integers(form.lower, form.upper + 1).astype(float)
            activity = form.matrix @ x
            kept = (activity >= form.row_lower) & (activity <= form.row_upper)
            # The one slack of a row, solved for.
            missing = equal.form.row_lower - activity
            size = np.asarray(slack.sum(axis=1)).ravel()
            room = np.zeros(len(activity))
            np.divide(missing, size, out=room, where=size != 0.0)
            upper = np.zeros(len(activity))
            entries = sp.coo_array(slack)
            upper[entries.row] = equal.form.upper[len(form.cost) + entries.col]
            passes = np.where(size != 0.0, (room >= -1e-9) & (room <= upper + 1e-9),
                              ~limited | (np.abs(missing) < 1e-9))  # fmt: skip
            assert np.array_equal(passes, kept), seed


def test_frugal_slack_gives_up_only_waste():
    """A start that is paid need not happen without need; the least cost stays what it was."""
    for seed in range(200):
        form = random_form(seed, width=4, height=2, values=2)
        best = []
        for frugal in (False, True):
            equal = equalise(form, frugal=frugal).form
            ranges = (np.arange(low, high + 1) for low, high in zip(
                equal.lower, equal.upper, strict=True))  # fmt: skip
            points = np.array(list(itertools.islice(itertools.product(*ranges), 200_000)))
            activity = points @ equal.matrix.toarray().T
            kept = ((activity >= equal.row_lower) & (activity <= equal.row_upper)).all(axis=1)
            best.append((points[kept] @ equal.cost).min())
        assert best[0] == best[1], seed


def test_a_start_needs_one_bit_of_slack():
    start = form_of([0, 0, 5], [[1, -1, -1]], [-np.inf], [0], [0] * 3, [1] * 3)
    assert equalise(start).form.upper[-1] == 2.0
    assert equalise(start, frugal=True).form.upper[-1] == 1.0


def test_row_that_any_values_keep_needs_no_slack():
    form = form_of([1, 1], [[1, 1]], [-np.inf], [2], [0, 0], [1, 1])
    assert len(equalise(form).form.cost) == 2


def test_endless_slack_is_refused_with_the_row():
    form = form_of([1.0], [[1.0]], [-np.inf], [2], [-np.inf], [9], [False])
    with pytest.raises(FormulationError, match=r"r\.last\[0\].*slack"):
        equalise(form)


def test_only_named_penalties_change():
    encoding = in_bits(form_of([1, -2, 3], [[1, 2, 1], [1, 1, 3]], [2, -np.inf], [2, 3],
                               [0] * 3, [2] * 3))  # fmt: skip
    usual = penalise(encoding)
    dearer = penalise(encoding, {"r.last": 1e4})
    assert dearer.penalties == {**usual.penalties, "r.last": 1e4}


def test_unbalanced_rows_need_no_bits_and_cost_more_beyond_their_limit_than_before_it():
    form = form_of([0, 0, 0], [[2, 2, 3]], [-np.inf], [5], [0] * 3, [1] * 3)
    with_slack, without = qubo(form), qubo(form, slack="unbalanced")
    assert len(without.linear) == 3 < len(with_slack.linear)
    bits = every(3)
    kept = bits @ [2, 2, 3] <= 5
    assert without.energy(bits)[~kept].min() > without.energy(bits)[kept].max()


def test_bits_carry_readable_names():
    model = qubo(form_of([1, 1], [[2, 3]], [-np.inf], [7], [0, 0], [3, 1]))
    assert model.labels[:3] == ("u.x[0]#0", "u.x[0]#1", "u.x[1]")
    assert len(set(model.labels)) == len(model.linear)


def test_unknown_ways_are_refused():
    form = form_of([1.0], np.zeros((0, 1)), [], [], [0], [1])
    with pytest.raises(FormulationError, match="unbalanced"):
        qubo(form, slack="none")


def test_encoded_rows_and_cost_are_those_of_the_form():
    form = random_form(11)
    encoded = encode(form)
    b = np.random.default_rng(0).integers(0, 2, len(encoded.owner)).astype(float)
    x = encoded.reduction.restore(b)
    assert encoded.reduction.form.objective(b) == pytest.approx(form.objective(x))
    activity, limit = encoded.reduction.form.matrix @ b, encoded.reduction.form.row_upper
    finite = np.isfinite(form.row_upper)
    assert (limit - activity)[finite] == pytest.approx((form.row_upper - form.matrix @ x)[finite])
