"""A form by time: the step to which every column belongs, and the part of a form that is a window.

A window holds the columns of some steps and the rows that they stand in. What was decided before is
known and moves to the rows' bounds, so that every minimum time, level, job and peak is carried by
the rows themselves, whatever kind wrote them. What is decided later is unknown: a row that reaches
beyond the window is kept as far as any later decision could help it, and may be priced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Indices, Positions, Stamps
from citygrid.model.form import Block, Curve, Form

#: Blocks whose step is told by this dimension; its selections have it in front of their names.
TIME = "time"


@dataclass(frozen=True)
class Calendar:
    """When everything of a form happens: steps of columns (n), first and last steps of rows (m).

    A column over time belongs to its step. A choice without a time (a job's start) belongs to the
    first step that it touches, for there it is made. An amount without one (the peak of a month)
    ``runs``: from the first step that it touches (``begin``, n) it can grow until the last.
    """

    steps: int
    column: NDArray[np.int32]
    begin: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]

    @property
    def runs(self) -> Indices:
        """Positions of the columns that several steps share."""
        return np.flatnonzero(self.begin < self.column)


def calendar(form: Form, time: Stamps) -> Calendar:
    """The calendar of a form over ``time`` (T)."""
    height, width = form.matrix.shape
    own, exact = np.full(width, -1, np.int32), np.zeros(width, dtype=bool)
    for block in form.columns.values():
        at, whole = _label_steps(block, time)
        if at is not None:
            own[block.span], exact[block.span] = at, whole
    row = np.full(height, -1, np.int32)
    for block in form.rows.values():
        at, _ = _label_steps(block, time)
        if at is not None:
            row[block.span] = at
    least, most = _touched(form.matrix, row, np.flatnonzero(~exact), len(time))
    column, begin = own.copy(), own.copy()
    loose = np.flatnonzero(~exact)
    label, last_step = own[loose], np.int32(len(time) - 1)
    # What stands in no row of any step can wait; a selection of steps is told by its labels.
    idle = most < 0
    own_end = np.where(label < 0, last_step, label)
    least, most = np.where(idle, own_end, least), np.where(idle, own_end, most)
    told = (label >= 0) & (most <= label + 1)
    column[loose] = np.where(told, label, np.where(form.integer[loose], least, most))
    begin[loose] = np.where(told, label, least)
    begin = np.where(form.integer, column, begin).astype(np.int32)
    first, last = _spans(form.matrix, begin, column)
    return Calendar(len(time), column, begin, first, last)


def settled(form: Form, when: Calendar) -> Calendar:
    """The calendar in which a shared column belongs to the last step that it touches, alone."""
    first, last = _spans(form.matrix, when.column, when.column)
    return Calendar(when.steps, when.column, when.column, first, last)


def _label_steps(block: Block, time: Stamps) -> tuple[NDArray[np.int32] | None, bool]:
    """Steps of a block's members by their labels, and whether they stand over time itself."""
    for axis, dim in enumerate(block.dims):
        labels = block.coords[dim]
        if (dim == TIME or dim.startswith(f"{TIME}_")) and labels.dtype.kind == "M":
            at = np.searchsorted(time, labels).astype(np.int32)
            shape = [1] * len(block.shape)
            shape[axis] = len(at)
            return np.broadcast_to(at.reshape(shape), block.shape).ravel(), dim == TIME
    return None, False


def _touched(
    matrix: sp.csr_array, row: NDArray[np.int32], columns: Indices, steps: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last steps of the rows over time in which each of ``columns`` stands; −1: none."""
    number = np.full(matrix.shape[1], -1, np.int64)
    number[columns] = np.arange(len(columns))
    height = np.repeat(row, np.diff(matrix.indptr))
    place = number[matrix.indices]
    here = (place >= 0) & (height >= 0)
    least = np.full(len(columns), steps, np.int32)
    most = np.full(len(columns), -1, np.int32)
    np.minimum.at(least, place[here], height[here])
    np.maximum.at(most, place[here], height[here])
    return np.where(most < 0, -1, least).astype(np.int32), most


def _spans(
    matrix: sp.csr_array, begin: NDArray[np.int32], column: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last steps of the columns of every row; an empty row belongs to step 0.

    Columns that several steps share count only in rows that have no others.
    """
    height = matrix.shape[0]
    far = np.int32(np.iinfo(np.int32).max)
    runs = (begin < column)[matrix.indices]
    entry = np.repeat(np.arange(height), np.diff(matrix.indptr))
    alone = np.bincount(entry[~runs], minlength=height) == 0
    counts = ~runs | alone[entry]
    low = np.where(counts, begin[matrix.indices], far)
    high = np.where(counts, column[matrix.indices], -1)
    first, last = np.zeros(height, np.int32), np.zeros(height, np.int32)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    starts = matrix.indptr[filled]
    if len(filled):
        first[filled] = np.minimum.reduceat(low, starts)
        last[filled] = np.maximum.reduceat(high, starts)
    return first, last


def shared_bounds(
    form: Form, when: Calendar, x: Floats, lower: Floats, upper: Floats, first: int, last: int
) -> tuple[Floats, Floats]:
    """Bounds (n, n) with what the decided steps ``first`` to ``last − 1`` ask of shared columns.

    A peak is at least what was bought in a decided step. Rows in which two shared columns stand
    ask nothing of either.
    """
    shared = np.zeros(len(form.cost), dtype=bool)
    shared[when.runs] = True
    lower, upper = lower.copy(), upper.copy()
    rows = np.flatnonzero((when.last >= first) & (when.last < last))
    part = sp.csr_array(form.matrix[rows])
    entry = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
    here = shared[part.indices]
    single = np.bincount(entry[here], minlength=len(rows)) == 1
    known = np.bincount(entry[~here], part.data[~here] * x[part.indices[~here]], len(rows))
    at = here & single[entry]
    row, column, weight = entry[at], part.indices[at], part.data[at]
    ends = np.sort(np.stack([
        (form.row_lower[rows][row] - known[row]) / weight,
        (form.row_upper[rows][row] - known[row]) / weight,
    ]), axis=0)  # fmt: skip
    np.maximum.at(lower, column, ends[0])
    np.minimum.at(upper, column, ends[1])
    return lower, np.maximum(upper, lower)


@dataclass(frozen=True)
class Window:
    """A part of a form: its own form, where its columns and rows stand in the whole.

    ``open_rows`` are the positions, in the window, of the rows that later columns stand in too.
    """

    form: Form
    columns: Indices
    rows: Indices
    open_rows: Indices


def window(
    form: Form, when: Calendar, first: int, last: int, x: Floats, lower: Floats, upper: Floats
) -> Window:
    """The columns of steps ``first`` to ``last − 1`` of a form, and the rows that they stand in.

    x
        The whole point (n); only what was decided before ``first`` counts.
    lower, upper
        Bounds of the columns (n): what is known of them by now.

    Columns that several steps share belong to every window that they touch. A row with columns of
    later steps is kept as far as their bounds cannot do the rest; that costs nothing, so prices of
    what is left to them are the caller's.
    """
    inside = (when.begin < last) & (when.column >= first)
    columns = np.flatnonzero(inside)
    rows = np.flatnonzero((when.first < last) & (when.last >= first))
    part = sp.csr_array(form.matrix[rows])
    entry = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
    here = inside[part.indices]
    past = ~here & (when.column[part.indices] < first)
    later = ~here & ~past
    count = len(rows)
    known = np.bincount(entry[past], part.data[past] * x[part.indices[past]], count)
    low, high = _reach(entry[later], part.indices[later], part.data[later], lower, upper, count)
    number = np.zeros(len(form.cost), np.int64)
    number[columns] = np.arange(len(columns))
    used = np.bincount(entry[here], minlength=count) > 0
    order = np.cumsum(used) - 1
    matrix = sp.csr_array(
        (part.data[here], (order[entry[here]], number[part.indices[here]])),
        shape=(int(used.sum()), len(columns)),
    )
    kept = rows[used]
    found = Form(
        form.cost[columns], 0.0, matrix, (form.row_lower[rows] - known - high)[used],
        (form.row_upper[rows] - known - low)[used], lower[columns], upper[columns],
        form.integer[columns], _blocks(form.columns, columns), _blocks(form.rows, kept),
        curves=_curves(form.curves, inside, number),
    )  # fmt: skip
    reaching = np.bincount(entry[later], minlength=count) > 0
    return Window(found, columns, kept, np.flatnonzero(reaching[used]))


def _reach(
    entry: Indices, column: Indices, weight: Floats, lower: Floats, upper: Floats, rows: int
) -> tuple[Floats, Floats]:
    """Least and most (rows) that columns within their bounds can add to each row."""
    ends = np.sort(np.stack([weight * lower[column], weight * upper[column]]), axis=0)
    found = []
    for end in ends:
        endless = np.bincount(entry[~np.isfinite(end)], minlength=rows) > 0
        sums = np.bincount(entry, np.where(np.isfinite(end), end, 0.0), rows)
        found.append(np.where(endless, np.inf, sums))
    return np.where(np.isinf(found[0]), -np.inf, found[0]), found[1]


def _blocks(blocks: Mapping[str, Block], kept: Indices) -> dict[str, Block]:
    """The blocks of the members that remain, in the form's order.

    A block that keeps the same labels of one dimension for all others keeps its shape.
    """
    found: dict[str, Block] = {}
    start = 0
    for name, block in sorted(blocks.items(), key=lambda item: item[1].start):
        low, high = np.searchsorted(kept, [block.start, block.start + block.size])
        count = int(high - low)
        if not count:
            continue
        if count == block.size:
            found[name] = replace(block, start=start)
        else:
            found[name] = _sliced(block, kept[low:high] - block.start, start)
        start += count
    return found


def _sliced(block: Block, members: Indices, start: int) -> Block:
    mask = np.zeros(block.size, dtype=bool)
    mask[members] = True
    grid = mask.reshape(block.shape)
    for axis, dim in enumerate(block.dims):
        others = tuple(i for i in range(grid.ndim) if i != axis)
        along = grid.all(axis=others)
        if (grid.any(axis=others) == along).all():
            return replace(
                block, start=start, coords={**block.coords, dim: block.coords[dim][along]}
            )
    # Ragged: one flat list of numbers, for nobody needs a name of these.
    return replace(block, dims=("member",), coords={"member": members.astype(object)}, start=start)


def _curves(curves: tuple[Curve, ...], inside: Flags, number: Positions) -> tuple[Curve, ...]:
    found = []
    for curve in curves:
        here = inside[curve.epigraph]
        if here.any():
            gate = curve.gate[here]
            found.append(Curve(
                curve.name, number[curve.epigraph[here]], number[curve.argument[here]],
                np.where(gate >= 0, number[gate], -1), curve.weight[here],
            ))  # fmt: skip
    return tuple(found)
