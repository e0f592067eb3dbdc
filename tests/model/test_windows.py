"""A window of a form: what a whole plan does in it is a plan of it, and it knows the past."""

from __future__ import annotations

import numpy as np
import pytest

from citygrid.components.contract import kinds
from citygrid.model.form import Form
from citygrid.model.windows import calendar, settled, shared_bounds, window
from tests.helpers import Solved, solved

KINDS = sorted(kinds())
CLOSE = 1e-6


def point(result: Solved) -> np.ndarray:
    """The plan as a point of its form; labels of guards, which a plan leaves out, follow."""
    from citygrid.routes import Options, solve

    found = solve(result.form, "milp", Options(gap=0.0))
    assert found.x is not None
    return found.x


def residual(form: Form, x: np.ndarray) -> float:
    return form.residual(x) / max(1.0, float(np.abs(x).max(initial=0.0)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_plan_is_a_plan_of_every_window(kind: str) -> None:
    """Without this, a window could have no plan although its horizon has one."""
    result = solved(kind)
    form, steps = result.form, len(result.case.time)
    when, x = calendar(form, result.case.time), point(result)
    for first in range(steps):
        lower, upper = form.lower, form.upper
        if first:
            lower, upper = shared_bounds(form, when, x, lower, upper, 0, first)
        assert (x >= lower - CLOSE).all() and (x <= upper + CLOSE).all()
        for last in range(first + 1, steps + 1):
            part = window(form, when, first, last, x, lower, upper)
            assert residual(part.form, x[part.columns]) <= CLOSE, (first, last)
            assert part.form.matrix.shape == (len(part.rows), len(part.columns))
            shapes = [block.size for block in part.form.columns.values()]
            assert sum(shapes) == len(part.columns)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_of_one_step_and_their_past_are_the_whole(kind: str) -> None:
    """Every row is checked in the window of its last step, where nothing of it is open."""
    result = solved(kind)
    form, steps = result.form, len(result.case.time)
    when, x = calendar(form, result.case.time), point(result)
    closed = np.zeros(len(form.row_lower), dtype=bool)
    for step in range(steps):
        part = window(form, when, step, step + 1, x, form.lower, form.upper)
        done = np.setdiff1d(np.arange(len(part.rows)), part.open_rows)
        closed[part.rows[done]] = True
    idle = np.diff(form.matrix.indptr) == 0
    circles = when.first == 0  # a circle's first rows stand on its last step, too
    assert (closed | idle | circles).all()


def test_choices_belong_to_where_they_are_made_and_peaks_to_all() -> None:
    result = solved("job_pool")
    form, case = result.form, result.case
    when = calendar(form, case.time)
    block, pool = form.columns["job_pool.start"], case.units["job_pool"]
    assert list(when.column[block.span]) == list(pool["start_step"])
    grid = solved("grid")
    when = calendar(grid.form, grid.case.time)
    peak = grid.form.columns["grid.peak"].span
    assert (when.begin[peak] == 0).all() and (when.column[peak] == len(grid.case.time) - 1).all()
    assert set(range(len(when.column))[peak]) <= set(when.runs)
    alone = settled(grid.form, when)
    assert not len(alone.runs)


def test_what_was_bought_is_the_least_peak() -> None:
    result = solved("grid")
    form, x = result.form, point(result)
    when = calendar(form, result.case.time)
    lower, _ = shared_bounds(form, when, x, form.lower, form.upper, 0, 2)
    peak = form.columns["grid.peak"]
    names = list(peak.coords[peak.dims[0]])
    bought = x[form.columns["grid.import"].span].reshape(len(result.case.units["grid"]), -1)
    rows = [result.case.units["grid"].names.index(name) for name in names]
    assert lower[peak.span] == pytest.approx(bought[rows, :2].max(axis=1))


def test_blocks_keep_their_shape() -> None:
    """Routes read a form by its blocks: a window's are those of the whole, shorter."""
    result = solved("battery")
    when = calendar(result.form, result.case.time)
    part = window(result.form, when, 1, 3, point(result), result.form.lower, result.form.upper)
    whole, block = result.form.columns["battery.level"], part.form.columns["battery.level"]
    assert block.dims == whole.dims
    assert block.shape == (whole.shape[0], 2)
    assert list(block.coords["time"]) == list(result.case.time[1:3])
    assert [part.form.column_label(int(i)) for i in block.index.ravel()] == [
        result.form.column_label(int(i)) for i in part.columns[block.index.ravel()]
    ]
