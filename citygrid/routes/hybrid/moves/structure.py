"""The on/off decisions of a form: which binaries are one unit's hours, and which switches hold it.

A unit is a row of a block of binaries over time (a boiler's ``on``, the direction of a pipe). What
follows from its schedule, starts, stops, minimum times, is read from the rows by asking them: hold
*off, then on* and pass bounds from row to row; the hours that come out on are those for which a
start keeps the unit. No kind of component is known here, nor what any row is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Positions
from citygrid.model.form import Block, Form
from citygrid.routes.hybrid.moves.propagation import switches

Schedule = NDArray[np.int8]

#: What a step costs that a calendar forbids, relative to all that a schedule could cost.
FENCE = 1e3


@dataclass(frozen=True)
class Unit:
    """One on/off decision over time.

    ``columns`` (t) of the form in order of time, ``hours`` (t) their steps, −1 where there is no
    time; ``least``, ``most`` (t) what its bounds allow. ``until`` (2 × t): a unit that switches to
    0 or 1 at a step keeps it at least until before this step; −1 where it cannot switch. At the
    first step, to switch means to begin so.
    """

    name: str
    columns: Positions
    hours: Positions
    least: Schedule
    most: Schedule
    until: Positions

    def __len__(self) -> int:
        return len(self.columns)

    def legal(self, schedules: Schedule) -> Flags:
        """Which schedules (k × t) keep bounds and minimum times."""
        count, steps = schedules.shape
        kept = np.asarray(((schedules >= self.least) & (schedules <= self.most)).all(axis=1))
        before = np.concatenate([np.full((count, 1), -1, np.int8), schedules[:, :-1]], axis=1)
        sums = np.zeros((count, steps + 1), dtype=np.int64)
        np.cumsum(schedules, axis=1, out=sums[:, 1:])
        for state in (0, 1):
            row, at = np.nonzero((schedules == state) & (before != state))
            end = self.until[state, at]
            on = sums[row, np.maximum(end, at)] - sums[row, at]
            kept[row[(end < 0) | (on != state * (end - at))]] = False
        return kept

    def cheapest(self, price: Floats) -> Schedule | None:
        """The legal schedule of least ``Σ price_t on_t``; ``None`` if there is none.

        A shortest path over switches: from a switch at ``t`` to the next one, at ``until`` or
        later, or never.
        """
        steps = len(self)
        fence = FENCE * (1.0 + float(np.abs(price).sum()))
        cost = np.stack([fence * (self.least > 0), price + fence * (self.most < 1)])
        sums = np.concatenate([np.zeros((2, 1)), np.cumsum(cost, axis=1)], axis=1)
        # Least cost from a step on, for a unit that switches to a state there.
        best = np.full((2, steps + 1), np.inf)
        best[:, steps] = 0.0
        follow = np.full((2, steps), steps, dtype=np.int64)
        for at in range(steps - 1, -1, -1):
            for state in (0, 1):
                end = self.until[state, at]
                if end >= 0:
                    tail = sums[state, end:] - sums[state, at] + best[1 - state, end:]
                    follow[state, at] = end + int(np.argmin(tail))
                    best[state, at] = tail.min()
        state = int(best[1, 0] < best[0, 0])
        if not best[state, 0] < 0.5 * fence:
            return None
        found, at = np.zeros(steps, dtype=np.int8), 0
        while at < steps:
            end = int(follow[state, at])
            found[at:end] = state
            at, state = end, 1 - state
        return found


def find_units(form: Form) -> list[Unit]:
    """The units of a form that have something left to decide, in its order."""
    binary = form.integer & (form.lower >= 0.0) & (form.upper <= 1.0)
    chains = [
        chain
        for block in form.columns.values() if binary[block.span].any()
        for chain in _chains(block)
        if binary[chain[1]].all() and (form.lower < form.upper)[chain[1]].any()
    ]  # fmt: skip
    if not chains:
        return []
    first = np.cumsum([0] + [len(columns) for _, columns, _ in chains])
    until = _until(form, first, np.concatenate([columns for _, columns, _ in chains]))
    least, most = np.ceil(form.lower - 0.5), np.floor(np.minimum(form.upper, 1.0) + 0.5)
    units = []
    for begin, end, (name, columns, hours) in zip(first[:-1], first[1:], chains, strict=True):
        ends = until[:, begin:end]
        units.append(Unit(
            name, columns, hours, least[columns].astype(np.int8), most[columns].astype(np.int8),
            np.where(ends < 0, -1, ends - begin),
        ))  # fmt: skip
    return units


def _chains(block: Block) -> Iterator[tuple[str, Positions, Positions]]:
    """Name, columns and steps of every row of a block over time; singles where it has no time."""
    if "time" not in block.dims:
        for column in block.index.ravel():
            yield block.label(int(column)), np.array([column]), np.array([-1])
        return
    axis = block.dims.index("time")
    rows = np.moveaxis(block.index, axis, -1).reshape(-1, block.shape[axis])
    for row in rows:
        place = list(np.unravel_index(int(row[0]) - block.start, block.shape))
        who = [str(block.coords[dim][i]) for k, (dim, i) in
               enumerate(zip(block.dims, place, strict=True)) if k != axis]  # fmt: skip
        yield f"{block.name}[{', '.join(who)}]", row, np.arange(len(row))


def _until(form: Form, first: Positions, columns: Positions) -> Positions:
    """Until when a switch holds (2 × k), asked of the rows between decisions and their parts.

    These are the rows in which all columns lie between 0 and 1: what a unit gives or takes is
    none of them, so that no answer depends on demand.
    """
    part = (form.lower >= 0.0) & (form.upper <= 1.0)
    matrix = sp.csr_array(form.matrix)
    height = len(form.row_lower)
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    outside = np.bincount(row, ~part[matrix.indices], minlength=height)
    logic = np.flatnonzero((outside == 0) & (np.diff(matrix.indptr) > 0))
    among = sp.csr_array(matrix[logic])
    across = sp.csc_array(among)
    return np.asarray(switches(
        first.astype(np.int64), columns.astype(np.int64), among.indptr.astype(np.int64),
        among.indices.astype(np.int64), among.data.astype(float), form.row_lower[logic],
        form.row_upper[logic], across.indptr.astype(np.int64), across.indices.astype(np.int64),
        form.lower.copy(), form.upper.copy(), form.integer,
    ))  # fmt: skip
