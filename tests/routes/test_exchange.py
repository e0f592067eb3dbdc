"""Exported problems read back equal, whatever the form; and they name what they hold."""

from __future__ import annotations

import json
import math
import re

import dimod
import highspy
import numpy as np
import pytest
import scipy.sparse as sp
from dimod.serialization import coo as dimods_coo
from hypothesis import given
from hypothesis import strategies as st

from citygrid.errors import InputError
from citygrid.model.form import Block, Form
from citygrid.model.writing import column_names
from citygrid.routes.exchange.bits import encoded
from citygrid.routes.exchange.coo import read_coo, write_coo
from citygrid.routes.exchange.decode import keeps
from citygrid.routes.exchange.problem import MOST_REAL, MOST_WHOLE, problem
from citygrid.routes.samplers.exchange import (
    constrained,
    read_bqm,
    read_cqm,
    write_bqm,
    write_cqm,
)
from citygrid.verbs.exchange import export_problem

INF = math.inf


@st.composite
def forms(draw):
    """Binaries, integers and reals, bounds open on any side, ranges, equalities, one-hot rows."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    width, height = draw(st.integers(1, 8)), draw(st.integers(0, 6))
    dense = generator.normal(size=(height, width)) * (generator.random((height, width)) < 0.6)
    integer = generator.random(width) < 0.6
    binary = integer & (generator.random(width) < 0.7)
    lower = np.round(generator.normal(size=width) * 3)
    upper = lower + generator.integers(0, 4, width)
    lower[~integer & (generator.random(width) < 0.3)] = -INF
    upper[~integer & (generator.random(width) < 0.3)] = INF
    lower[binary], upper[binary] = 0.0, 1.0
    low, high = np.sort(generator.normal(size=(2, height)) * 3, axis=0)
    kind = generator.integers(0, 5, height)
    low[kind == 0], high[kind == 1] = -INF, INF
    low[kind == 2] = high[kind == 2]
    low[kind == 3], high[kind == 3] = -INF, INF  # a row without limits
    if height and binary.sum() >= 2:
        dense[0], low[0], high[0] = binary, 1.0, 1.0
    labels = np.array([f"u {i}-" for i in range(width)], dtype=object)
    rows = {"a.r": Block("a.r", ("n",), {"n": np.arange(height)}, 0, "kW")} if height else {}
    return Form(
        generator.normal(size=width) * (generator.random(width) < 0.8), float(generator.normal()),
        sp.csr_array(dense.reshape(height, width)), low, high, lower, upper, integer,
        {"a.x": Block("a.x", ("unit",), {"unit": labels}, 0, "kW")}, rows,
    )  # fmt: skip


def same(first: Form, second: Form) -> bool:
    """All arrays and all names, without tolerance."""
    arrays = ("cost", "row_lower", "row_upper", "lower", "upper", "integer")
    return (
        all(np.array_equal(getattr(first, a), getattr(second, a)) for a in arrays)
        and first.constant == second.constant
        and np.array_equal(first.matrix.toarray(), second.matrix.toarray())
        and [first.column_label(i) for i in range(len(first.cost))]
        == [second.column_label(i) for i in range(len(second.cost))]
        and [first.row_label(i) for i in range(len(first.row_lower))]
        == [second.row_label(i) for i in range(len(second.row_lower))]
    )


@given(forms())
def test_cqm_reads_back_with_the_same_arrays_and_names(tmp_path_factory, form):
    path = tmp_path_factory.mktemp("cqm") / "problem.cqm"
    stated = problem(form)
    write_cqm(stated, path)
    assert same(read_cqm(path, list(stated.rows)), stated.form)


@given(forms(), st.integers(0, 10**6))
def test_cqm_has_the_forms_objective_and_feasible_points(form, seed):
    """Of points in and around its box, and of those that keep its rows by construction."""
    stated = problem(form)
    model = constrained(stated)
    generator = np.random.default_rng(seed)
    low = np.where(np.isfinite(form.lower), form.lower, np.minimum(-5.0, form.upper - 5.0))
    high = np.where(np.isfinite(form.upper), form.upper, np.maximum(5.0, low + 5.0))
    points = generator.uniform(low, high, (12, len(low)))
    points[:, form.integer] = np.round(points[:, form.integer])
    for x in points:
        sample = dict(zip(stated.columns, x.tolist(), strict=True))
        assert model.objective.energy(sample) == pytest.approx(form.objective(x), abs=1e-9)
        kept = keeps(form, x[None])[0]
        assert model.check_feasible(sample, rtol=1e-6, atol=1e-6) == kept
        if kept:  # no feasible point is outside the finite bounds
            assert (x >= stated.form.lower - 1e-9).all() and (x <= stated.form.upper + 1e-9).all()


def test_a_range_becomes_two_limits_and_an_equality_one(make):
    form = make([1, 1], [[1, -1], [1, 1], [1, 0]], [-2, 3, -INF], [1, 3, INF], [0] * 2, [5] * 2,
                [0, 1])  # fmt: skip
    stated = problem(form)
    assert list(stated.rows) == ["thing_limit_0", "thing_limit_0_low", "thing_limit_1"]
    model = constrained(stated)
    senses = {name: (c.sense.value, c.rhs) for name, c in model.constraints.items()}
    assert senses == {"thing_limit_0": ("<=", 1.0), "thing_limit_0_low": (">=", -2.0),
                      "thing_limit_1": ("==", 3.0)}  # fmt: skip


def test_open_bounds_are_what_rows_imply_or_the_largest_number_of_the_format(make):
    """x ≥ 0 with 2 x + y ≤ 8, y ≥ 0; a free z in no row, an integer without upper bound."""
    form = make([1, 1, 1, 1], [[2, 1, 0, 0]], [-INF], [8], [0, 0, -INF, 0], [INF] * 4, [0, 0, 0, 1])
    stated = problem(form)
    assert stated.form.upper[:2] == pytest.approx([4.0, 8.0], rel=1e-5)
    assert (stated.form.upper[:2] >= [4.0, 8.0]).all()  # rounding must not cut a plan off
    assert stated.form.lower[2] == -MOST_REAL and stated.form.upper[2] == MOST_REAL
    assert stated.form.upper[3] == MOST_WHOLE
    assert list(stated.open) == [False, False, True, True]
    kinds = constrained(stated)
    assert [kinds.vartype(v).name for v in kinds.variables] == ["REAL"] * 3 + ["INTEGER"]


def test_one_hot_rows_are_discrete_where_they_are_pure_and_share_nothing(make):
    matrix = [[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 2, 2],
              [0, 0, 0, 0, 0, 1]]  # fmt: skip
    right = [1, 1, 1, 2, 1]
    stated = problem(make([0] * 6, matrix, right, right, [0] * 6, [1] * 6, [1] * 6))
    assert list(stated.discrete) == [True, False, True, False, False]
    model = constrained(stated)
    assert set(model.discrete) == {"thing_limit_0", "thing_limit_2"}
    integer = problem(make([0] * 2, [[1, 1]], [1], [1], [0, 0], [1, 2], [1, 1]))
    assert not integer.discrete.any()


def test_names_hold_for_every_reader_and_stay_unique(district_maker):
    stated = problem(district_maker(jobs=2, sites=1, steps=2))
    for names in (stated.columns, stated.rows):
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-DF-Za-df-z_][A-Za-z0-9_]*", name) for name in names)


def test_a_low_side_never_takes_the_name_of_another_row(make):
    form = make([1], [[1], [1]], [-1, -INF], [1, 2], [0], [3], [0])
    labels = np.array(["a", "a_low"], dtype=object)
    rows = {"r": Block("r", ("n",), {"n": labels}, 0, "1")}
    stated = problem(Form(form.cost, 0.0, form.matrix, form.row_lower, form.row_upper, form.lower,
                          form.upper, form.integer, form.columns, rows))  # fmt: skip
    assert list(stated.rows) == ["r_a", "r_a_low_", "r_a_low"]


@pytest.mark.parametrize("content", [b"", b"DIMODCQM\x02\x00", b"PK not this", b"\x80\x04pickled"])
def test_files_that_hold_no_model_are_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    for read in (read_cqm, read_bqm):
        with pytest.raises(InputError, match="quadratic model"):
            read(tmp_path / "x")


def kept(model, path):
    with model.to_file() as stream:
        path.write_bytes(stream.read())


def test_models_that_are_no_linear_problem_are_refused(tmp_path):
    x, y = dimod.Binaries("xy")
    model = dimod.ConstrainedQuadraticModel()
    model.set_objective(x * y)
    kept(model, tmp_path / "x")
    with pytest.raises(InputError, match="not linear"):
        read_cqm(tmp_path / "x")
    spins = dimod.BinaryQuadraticModel({"a": 1.0}, {}, 0.0, "SPIN")
    kept(spins, tmp_path / "y")
    with pytest.raises(InputError, match="spins"):
        read_bqm(tmp_path / "y")


# binary models ------------------------------------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)


@st.composite
def binaries(draw, values=numbers):
    """Linear terms, couplings (row < column, each once) and an offset."""
    width = draw(st.integers(1, 6))
    pairs = [(i, j) for i in range(width) for j in range(i + 1, width)]
    chosen = sorted(draw(st.lists(st.sampled_from(pairs), unique=True))) if pairs else []
    linear = np.array(draw(st.lists(values, min_size=width, max_size=width)))
    value = np.array([draw(values) for _ in chosen], dtype=float)
    place = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return linear, (place[:, 0], place[:, 1], value), draw(values)


def equal(first, second):
    (a, (i, j, v), k), (b, (m, n, w), r) = first, second
    parts = zip((a, i, j, v), (b, m, n, w), strict=True)
    return all(np.array_equal(one, other) for one, other in parts) and k == r


@given(binaries())
def test_coo_reads_back_every_bit_of_every_number(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("coo") / "problem.coo"
    write_coo(*model, path, about=("anything = at all",))
    assert equal(read_coo(path), model)


@given(binaries(st.floats(-1e9, 1e9)))
def test_dimods_own_reader_takes_our_coo(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("coo") / "problem.coo"
    write_coo(*model, path)
    with path.open() as stream:
        found = dimods_coo.load(stream)
    linear, (row, column, value), _ = model
    assert found.vartype is dimod.BINARY
    assert [found.get_linear(i) for i in range(len(linear))] == linear.tolist()
    for i, j, weight in zip(row.tolist(), column.tolist(), value.tolist(), strict=True):
        assert found.get_quadratic(i, j) == weight


@given(binaries())
def test_bqm_reads_back_with_its_labels(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("bqm") / "problem.bqm"
    labels = tuple(f"bit_{i}" for i in range(len(model[0])))
    write_bqm(*model, labels, path)
    *found, stated = read_bqm(path)
    assert equal(found, model) and stated == labels


@pytest.mark.parametrize(
    ("text", "words"),
    [("0 0 x", ":1: expected"), ("# vartype=SPIN\n0 0 1", "bits"), ("0 1", ":1: expected"),
     ("# variables=1\n0 5 1.0", "another size"), ("# variables=9999999999999\n", "size"),
     ("# offset=none\n0 0 1", "no number"), ("0 0 nan", ":1: expected")],
)  # fmt: skip
def test_text_that_is_no_model_is_refused_with_its_line(tmp_path, text, words):
    (tmp_path / "x.coo").write_text(text)
    with pytest.raises(InputError, match=re.escape(words)):
        read_coo(tmp_path / "x.coo")


def test_map_says_what_every_variable_is(district_maker, tmp_path):
    form = district_maker(jobs=2, sites=1, steps=2)
    found = export_problem(form, ["cqm", "npz"], tmp_path)
    key = json.loads(found.key.read_text())
    assert key["form_hash"] == form.hash == Form.load(found.files["npz"]).hash
    with found.files["cqm"].open("rb") as stream:
        model = dimod.ConstrainedQuadraticModel.from_file(stream)
    assert list(key["variables"]) == list(model.variables)
    assert set(key["rows"]) == set(model.constraints)
    for at, (name, entry) in enumerate(key["variables"].items()):
        labels = ", ".join(entry["labels"].values())
        assert form.column_label(at) == f"{entry['block']}[{labels}]", name
        assert entry["scale"] == 1.0 and entry["offset"] == 0.0
        assert model.lower_bound(name) == entry["lower"]
        assert model.upper_bound(name) == entry["upper"]
        assert model.vartype(name).name == entry["kind"].upper()
    assert {name for name, row in key["rows"].items() if row["one_hot"]} == set(model.discrete)
    assert same(read_cqm(found.files["cqm"], list(key["rows"])), problem(form).form)


# the binary model of a form -----------------------------------------------------------------------


@pytest.fixture
def whole(make):
    """Integers with an inequality, an equality and a one-hot row: everything is kept exactly."""
    matrix = [[1, 1, 1, 0, 0], [0, 2, 0, 1, 1], [1, 0, 0, 1, -1]]
    return make([3, -1, 2, 1, -2], matrix, [1, -INF, 0], [1, 4, 0], [0] * 5, [1, 1, 1, 3, 3],
                [1] * 5, constant=0.5)  # fmt: skip


def test_files_of_the_binary_model_hold_one_and_the_same_model(whole, tmp_path):
    found = export_problem(whole, ["bqm", "coo"], tmp_path)
    binary = encoded(whole, {})
    *stored, names = read_bqm(found.files["bqm"])
    assert equal(tuple(stored), read_coo(found.files["coo"]))
    linear, (row, column, value), offset = stored
    bits = np.random.default_rng(0).integers(0, 2, (50, len(linear))).astype(float)
    energy = bits @ linear + offset + [value @ (b[row] * b[column]) for b in bits]
    assert energy == pytest.approx(binary.energy(bits), abs=1e-9)
    assert found.problems["bqm"]["variables"] == len(linear) == len(names)
    assert found.problems["coo"]["couplings"] == len(value)
    assert all(re.fullmatch(r"[A-DF-Za-df-z_][A-Za-z0-9_]*", name) for name in names)


def test_map_leads_from_bits_to_the_plans_variables(whole, tmp_path):
    """``x = Σ adds · bit + starts``, worked out from the file alone."""
    found = export_problem(whole, ["bqm"], tmp_path)
    key = json.loads(found.key.read_text())
    binary = encoded(whole, {})
    for bits in np.random.default_rng(1).integers(0, 2, (20, len(binary.linear))):
        point = dict.fromkeys(key["variables"], 0.0) | key["starts"]
        for entry, bit in zip(key["bits"].values(), bits.tolist(), strict=True):
            for name, weight in entry["adds"].items():
                point[name] += weight * bit
        assert list(point.values()) == pytest.approx(binary.restore(bits), abs=1e-9)
    assert [entry["index"] for entry in key["bits"].values()] == list(range(len(binary.linear)))


def test_options_of_the_binary_model_change_it_and_are_kept(whole, tmp_path):
    plain = export_problem(whole, ["bqm"], tmp_path / "a")
    other = export_problem(whole, ["bqm"], tmp_path / "b", {"encoding": "onehot"})
    assert other.problems["bqm"]["variables"] > plain.problems["bqm"]["variables"]
    keys = [json.loads(each.key.read_text())["bqm"] for each in (plain, other)]
    assert keys[0]["hash"] != keys[1]["hash"] and keys[1]["settings"] == {"encoding": "onehot"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"window": "6 h"}, "choose one of encoding, bits, slack"), ({"bits": "99"}, "at most 12"),
     ({"bits": "9" * 5000}, "at most 12"), ({"encoding": "gray"}, "domainwall")],
)  # fmt: skip
def test_options_that_the_binary_model_lacks_are_refused_and_nothing_is_written(
    whole, tmp_path, settings, words
):
    with pytest.raises(InputError, match=words):
        export_problem(whole, ["cqm", "bqm"], tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_options_of_a_model_that_is_not_asked_for_are_refused(whole, tmp_path):
    with pytest.raises(InputError, match="not asked for"):
        export_problem(whole, ["cqm"], tmp_path / "out", {"bits": "3"})


def test_a_form_too_large_for_bits_is_refused_with_the_number_but_not_as_cqm(
    whole, tmp_path, monkeypatch
):
    monkeypatch.setattr("citygrid.routes.exchange.bits.MOST_COUPLINGS", 3)
    with pytest.raises(InputError, match=r"bits and up to \d+ couplings, more than 3.*cqm"):
        export_problem(whole, ["cqm", "bqm"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export_problem(whole, ["cqm", "lp"], tmp_path / "out").files["cqm"].exists()


def test_a_column_that_no_bits_can_hold_is_named(make, tmp_path):
    form = make([-1, 1], [[1, 1]], [1], [INF], [0, 0], [INF, 1], [0, 1])
    with pytest.raises(InputError, match=r"no bound.*leave bqm and coo out"):
        export_problem(form, ["bqm"], tmp_path / "out")


@pytest.mark.parametrize("at", range(3))
def test_files_appear_all_or_none(whole, tmp_path, monkeypatch, at):
    """Whichever writer fails, the folder is as it was: older files stay, new ones do not show."""
    export_problem(whole, ["cqm", "lp", "npz"], tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    fails = ["citygrid.model.writing.write_mps", "citygrid.routes.exchange.coo.write_coo",
             "citygrid.routes.exchange.key.describe_rows"][at]  # fmt: skip

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fails, full)
    with pytest.raises(OSError, match="No space"):
        export_problem(whole, ["cqm", "lp", "mps", "coo"], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_stale_map_never_stays_beside_new_files(whole, make, tmp_path):
    export_problem(whole, ["cqm"], tmp_path)
    other = make([1], [[1]], [0], [1], [0], [1], [1])
    export_problem(other, ["lp"], tmp_path)
    key = json.loads((tmp_path / "map.json").read_text())
    assert key["form_hash"] == other.hash and set(key["files"]) == {"lp"}


@given(forms())
def test_mps_and_lp_read_back_with_the_same_numbers(tmp_path_factory, form):
    """By another solver's readers; MPS keeps a range by its width, LP as two rows."""
    found = export_problem(form, ["mps", "lp"], tmp_path_factory.mktemp("text"))
    limited = np.flatnonzero(np.isfinite(form.row_lower) | np.isfinite(form.row_upper))
    for kind, rows in (("mps", limited), ("lp", problem(form).given)):
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        assert solver.readModel(str(found.files[kind])) == highspy.HighsStatus.kOk
        read = solver.getLp()
        # Readers of LP files number columns as they meet them.
        at = [list(read.col_names_).index(name) for name in column_names(form)]
        assert np.array_equal(np.array(read.col_cost_)[at], form.cost)
        assert read.offset_ == form.constant
        assert np.array_equal(np.array(read.col_lower_)[at], form.lower)
        assert np.array_equal(np.array(read.col_upper_)[at], form.upper)
        if form.integer.any():
            integer = [read.integrality_[i] == highspy.HighsVarType.kInteger for i in at]
            assert integer == form.integer.tolist()
        matrix = sp.csc_array(
            (read.a_matrix_.value_, read.a_matrix_.index_, read.a_matrix_.start_),
            shape=(read.num_row_, read.num_col_),
        )
        assert np.array_equal(matrix.toarray()[:, at], form.matrix[rows].toarray())
        if kind == "mps":
            assert list(read.row_upper_) == pytest.approx(form.row_upper[rows].tolist())
            assert list(read.row_lower_) == pytest.approx(form.row_lower[rows].tolist())
