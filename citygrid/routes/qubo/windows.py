"""A horizon that is too long for bits, cut into windows that are solved in turn.

A window has the columns and rows of its hours. What lies before it is held at what earlier windows
decided; what lies after it enters by its prices: rows beyond the window are not there, and what a
column does in them is paid at their duals in the relaxation, so that a store is worth filling and a
job's heat worth having. A one-hot group belongs to one window, where the relaxation has most of it.
Columns without an hour (a peak) are in every window, at the price of what they save elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Floats, Positions
from citygrid.errors import Fault, InputError, NoPlanError
from citygrid.model.form import Block, Form
from citygrid.model.groups import find_groups
from citygrid.model.reductions import Reduction, drop, fix
from citygrid.routes.qubo.completion import Found, Shop, complete, repair
from citygrid.routes.qubo.search import search

#: A place in time for what has none.
TIMELESS = -1


@dataclass(frozen=True)
class Windows:
    """Which window (0 …) every column (n) and row (m) belongs to, or :data:`TIMELESS`."""

    count: int
    columns: Positions
    rows: Positions


def solve(form: Form, shop: Shop, relaxed: Floats, duals: Floats) -> Found:
    """The windows' plans, stitched and completed over the whole form."""
    cut = split(form, shop.settings.window or (1, False), relaxed)
    shop.journal.figures["windows"] = cut.count
    x = relaxed.copy()
    for number in range(cut.count):
        if shop.clock.over:
            break
        part = window(form, cut, number, x, duals)
        if not part.form.integer.any():
            continue
        share = replace(shop, tolerance=shop.tolerance / cut.count, whole=False)
        try:
            found = search(part.form, share)
        except NoPlanError as unanswered:
            # Decided windows are not lost; without any, what became of the sampler is the answer.
            if number == 0:
                raise
            shop.journal.figures["sampler_failed"] = str(unanswered)
            break
        shop.journal.count("windows_repaired", int(found.repaired))
        here = cut.columns == number
        if found.plans:
            x[here] = part.restore(found.plans[0][1])[here]
        else:
            shop.journal.count("windows_without_plan")
    stitched = Found()
    if complete(form, x, shop, stitched) is None:
        repair(form, x, shop, stitched)
    if stitched.plans:
        stitched.status = "feasible"
    return stitched


def split(form: Form, size: tuple[int, bool], relaxed: Floats) -> Windows:
    """Windows of a number of steps, or of hours, over the form's time."""
    times = _times(form)
    steps, hours = size
    if hours and len(times) > 1:
        step = float((times[1] - times[0]) / np.timedelta64(1, "s")) / 3600.0
        steps = max(1, round(steps / step))
    column = _places(form.columns, times, len(form.cost))
    row = _places(form.rows, times, len(form.row_lower))
    _settle(form, column, row, relaxed)
    count = -(-len(times) // steps)
    return Windows(count, np.where(column >= 0, column // steps, TIMELESS),
                   np.where(row >= 0, row // steps, TIMELESS))  # fmt: skip


def _times(form: Form) -> NDArray[np.datetime64]:
    found = [block.coords["time"] for block in form.columns.values() if "time" in block.dims]
    if not found:
        raise InputError(Fault(
            "--set qubo.window", "the form has no time to cut", None, "leave it out",
        ))  # fmt: skip
    return np.asarray(max(found, key=len))


def _places(blocks: Mapping[str, Block], times: NDArray[np.datetime64], count: int) -> Positions:
    """The step of every member of blocks over time."""
    place = np.full(count, TIMELESS, dtype=np.int64)
    for block in blocks.values():
        if "time" in block.dims and block.size:
            axis = block.dims.index("time")
            at = np.searchsorted(times, block.coords["time"])
            shape = [1] * len(block.dims)
            shape[axis] = len(at)
            place[block.span] = np.broadcast_to(at.reshape(shape), block.shape).ravel()
    return place


def _settle(form: Form, column: Positions, row: Positions, relaxed: Floats) -> None:
    """Places for integers without an hour of their own, from the rows in which they stand.

    A choice among several hours belongs where the relaxation has the mean of it.
    """
    entries = sp.coo_array(form.matrix)
    timed = row[entries.row] >= 0
    first = np.full(len(column), np.iinfo(np.int64).max)
    np.minimum.at(first, entries.col[timed], row[entries.row[timed]])
    lost = (column < 0) & form.integer & (first < np.iinfo(np.int64).max)
    column[lost] = first[lost]
    groups = find_groups(form)
    if len(groups):
        at = column[groups.columns]
        weight = np.maximum(relaxed[groups.columns], 0.0) * (at >= 0)
        total = np.maximum(np.bincount(groups.owner, weight, len(groups)), 1e-12)
        mean = np.bincount(groups.owner, weight * at, len(groups)) / total
        column[groups.columns] = np.round(mean).astype(np.int64)[groups.owner]
        row[groups.rows] = np.round(mean).astype(np.int64)


def window(form: Form, cut: Windows, number: int, x: Floats, duals: Floats) -> Reduction:
    """The form of one window: its rows, its columns, everything else held at ``x`` or priced."""
    here = (cut.columns == number) | ((cut.columns == TIMELESS) & ~form.integer)
    inside = (cut.rows == number) | (cut.rows == TIMELESS) & _within(form, here)
    held = fix(form, ~here, x[~here])
    prices = np.where(inside, 0.0, duals)
    # What a column does in rows of other windows costs their duals, also where these are decided: a
    # job that begins before its group's mean hour. The last programme dispatches them anew.
    cost = np.where(here, form.cost - form.matrix.T @ prices, form.cost)
    low = np.where(inside, form.row_lower, -np.inf)
    high = np.where(inside, form.row_upper, np.inf)
    priced = replace(held.form, cost=cost, row_lower=low, row_upper=high)
    return drop(priced)


def _within(form: Form, here: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows whose columns are all in the window."""
    outside = abs(form.matrix) @ (~here).astype(float)
    return np.asarray(outside == 0.0)
