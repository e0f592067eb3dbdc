"""A form that is written reads back as the same programme, and equal forms have equal hashes."""

from __future__ import annotations

import re
from dataclasses import replace

import highspy
import numpy as np
import pytest
import scipy.sparse as sp

from citygrid.model.form import Block, Form
from citygrid.model.writing import column_names, row_names, write_lp, write_mps


@pytest.fixture
def form():
    """Free, negative, fixed, integer and unbounded columns; all kinds of rows; a constant."""
    time = np.array(["2023-01-16T00:00", "2023-01-16T01:00"], dtype="datetime64[ns]")
    columns = {
        "pump.heat": Block("pump.heat", ("pump", "time"),
                           {"pump": np.array(["east é", "east e"], dtype=object), "time": time},
                           0, "kW", "heat"),
        "e.1": Block("e.1", (), {}, 4, "1"),
        "2nd.on": Block("2nd.on", ("unit",), {"unit": np.array(["a", "b", "c"])}, 5, "1"),
    }  # fmt: skip
    rows = {"heat.balance": Block("heat.balance", ("n",), {"n": np.arange(5)}, 0, "kW")}
    inf = np.inf
    matrix = sp.csr_array(np.array([
        [1, 1, 0, 0, 0, -2, 0, 0], [0, 1, -1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0, 3, 0],
        [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 1],
    ], dtype=float))  # fmt: skip
    return Form(
        np.array([1, 2, -1, 0.1, 0.5, 3, -4, 1]), 12.25, matrix,
        np.array([0, -inf, -2, -1, 1.5]), np.array([0, 4, 5, 1, inf]),
        np.array([-inf, 0, -3, 0, 2, 0, 0, -2]), np.array([5, inf, 1, 7, 2, 4, 1, inf]),
        np.array([0, 0, 0, 0, 0, 1, 1, 1], dtype=bool), columns, rows,
    )  # fmt: skip


def optimum(solver):
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getInfo().objective_function_value


def direct(form):
    from citygrid.routes import Options, solve

    return solve(form, "milp", Options(gap=0.0)).objective


@pytest.mark.parametrize(("write", "ending"), [(write_lp, "lp"), (write_mps, "mps")])
def test_written_programme_has_the_same_optimum(form, tmp_path, write, ending):
    path = tmp_path / f"form.{ending}"
    write(form, path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    assert solver.getNumCol() == len(form.cost)
    assert optimum(solver) == pytest.approx(direct(form), rel=1e-9)


@pytest.mark.parametrize(("write", "ending"), [(write_lp, "lp"), (write_mps, "mps")])
def test_written_columns_keep_their_names_and_bounds(form, tmp_path, write, ending):
    path = tmp_path / f"form.{ending}"
    write(form, path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.readModel(str(path))
    model = solver.getLp()
    order = [list(column_names(form)).index(name) for name in model.col_names_]
    assert sorted(order) == list(range(len(form.cost)))
    assert np.array_equal(np.array(model.col_lower_), form.lower[order])
    assert np.array_equal(np.array(model.col_upper_), form.upper[order])
    assert np.array_equal(np.array(model.col_cost_), form.cost[order])


def test_names_suit_lp_files_and_are_unique(form):
    names = [*column_names(form), *row_names(form)]
    assert all(re.fullmatch(r"[A-DF-Za-df-z_][A-Za-z0-9_]*", name) for name in names)
    assert len(set(column_names(form))) == len(form.cost)
    assert "pump_heat_east_e_2023_01_16T00_00Z" in set(column_names(form))


def test_stored_form_is_equal_and_has_the_same_hash(form, tmp_path):
    form.save(tmp_path / "form.npz")
    read = Form.load(tmp_path / "form.npz")
    assert read.hash == form.hash
    assert read.text() == form.text()
    assert (read.matrix != form.matrix).nnz == 0


def test_hash_sees_every_part_of_the_programme(form):
    changes = [
        replace(form, cost=form.cost + 1e-9), replace(form, constant=0.0),
        replace(form, row_upper=form.row_upper + 1), replace(form, integer=~form.integer),
        replace(form, upper=form.upper * 2), replace(form, matrix=form.matrix * 2),
        replace(form, rows={"heat.other": replace(form.rows["heat.balance"], name="heat.other")}),
    ]  # fmt: skip
    assert len({form.hash, *(change.hash for change in changes)}) == len(changes) + 1


def test_reading_a_hash_leaves_the_order_of_entries_alone(form):
    shuffled = form.matrix.copy()
    span = slice(shuffled.indptr[0], shuffled.indptr[1])
    shuffled.indices[span] = shuffled.indices[span][::-1].copy()
    shuffled.data[span] = shuffled.data[span][::-1].copy()
    shuffled.has_sorted_indices = False
    before = shuffled.indices.copy()
    assert replace(form, matrix=shuffled).hash == form.hash
    assert np.array_equal(shuffled.indices, before)
