"""Limits of a form that cannot hold together: an irreducible infeasible subsystem.

Leave out any one of its limits and the others can be met. Every set given here was shown to be
infeasible by a solver of its own call; ``irreducible`` says whether each of its limits is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.model.form import Block, Form
from citygrid.routes import highs, milp
from citygrid.routes.contract import Clock, Journal, Options

#: Dual values below which a limit plays no part in a proof.
PART = 1e-9

#: Seconds spent on leaving out limits that a conflict does not need.
IRREDUCIBLE = 3.0

#: Steps on either side of the worst one in which a conflict is looked for before all are.
WIDTHS = (0, 3, 12)
#: Largest shortage [in a row's unit] at which limits count as met.
LEAST = 1e-6
#: Limits up to which leaving out one after the other is worth its time.
FEW = 200

Flags = NDArray[np.bool_]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Sides:
    """Which limits of a form are asked for: lower and upper of rows (m) and of columns (n)."""

    row_lower: Flags
    row_upper: Flags
    lower: Flags
    upper: Flags

    def of(self, form: Form) -> Form:
        """The form with these limits alone, and nothing to minimise."""
        low, high = -np.inf, np.inf
        return replace(
            form, cost=np.zeros_like(form.cost), constant=0.0,
            row_lower=np.where(self.row_lower, form.row_lower, low),
            row_upper=np.where(self.row_upper, form.row_upper, high),
            lower=np.where(self.lower, form.lower, low),
            upper=np.where(self.upper, form.upper, high),
        )  # fmt: skip


@dataclass(frozen=True)
class Conflict:
    """Limits in conflict; ``whole`` where they conflict only for whole numbers of integers."""

    sides: Sides
    irreducible: bool
    whole: bool = False


def crossed(form: Form) -> Conflict | None:
    """Columns or rows whose lower limit lies above the upper one."""
    columns, rows = form.lower > form.upper, form.row_lower > form.row_upper
    if not (columns.any() or rows.any()):
        return None
    return Conflict(Sides(rows, rows, columns, columns), True)


def of_relaxation(
    form: Form, rows: Positions, worst: int | None, missed: highs.Result, clock: Clock,
    options: Options,
) -> Conflict | None:  # fmt: skip
    """A conflict in a form without integers, from the duals of its least shortage.

    The duals are a proof by themselves: the weighted sum of the rows that have one contradicts the
    bounds that have one. Those of the least *total* tell of everything that is short; those of the
    least *largest* shortage, one number for all of ``rows``, of the few rows where it is worst. So
    the latter are asked first, and first in the step of the ``worst`` row alone, then near it.
    """
    height = len(form.row_lower)
    for window in _windows(form, worst):
        if clock.over:
            break
        narrow, inside = window.of(form), rows[(window.row_lower | window.row_upper)[rows]]
        task = highs.Task("conflict", 0.0, clock.left, options.seed, options.threads,
                          tolerance=highs.CLEAN)  # fmt: skip
        found = milp.call(_evened(narrow, inside), task, Journal(), options)
        if found.duals is None or found.reduced is None or (found.objective or 0.0) <= LEAST:
            continue
        upper = found.duals[:height].copy()
        upper[_both(narrow, inside)] = found.duals[height:]
        conflict = _from_duals(narrow, found.duals[:height], upper, found.reduced, clock)
        if conflict is not None:
            return conflict
    if missed.duals is None or missed.reduced is None:
        return None
    return _from_duals(form, missed.duals, missed.duals, missed.reduced, clock)


def _windows(form: Form, worst: int | None) -> Iterator[Sides]:
    """Limits of one step, of some steps around it, and of all; those of no step are in each."""
    every = _all(form)
    steps = [_steps(form.rows, len(form.row_lower)), _steps(form.columns, len(form.cost))]
    if worst is not None and steps[0][worst] >= 0:
        for width in WIDTHS:
            row, column = ((step < 0) | (np.abs(step - steps[0][worst]) <= width) for step in steps)
            yield Sides(every.row_lower & row, every.row_upper & row,
                        every.lower & column, every.upper & column)  # fmt: skip
    yield every


def _steps(blocks: Mapping[str, Block], size: int) -> Positions:
    """The step of every row or column; −1 where it belongs to none."""
    steps = np.full(size, -1)
    for block in blocks.values():
        if "time" in block.dims:
            axis = block.dims.index("time")
            counted = np.arange(block.shape[axis])
            shape = [-1 if i == axis else 1 for i in range(len(block.dims))]
            steps[block.span] = np.broadcast_to(counted.reshape(shape), block.shape).ravel()
    return steps


def _both(form: Form, rows: Positions) -> Positions:
    """Those of the rows that have two sides, which can both be missed."""
    return rows[np.isfinite(form.row_lower[rows]) & np.isfinite(form.row_upper[rows])]


def _evened(form: Form, rows: Positions) -> Form:
    """The form that misses every one of the rows by at most one number, and that by least."""
    height, width = form.matrix.shape
    # An equation stands twice, for it can be missed on either side.
    twice = _both(form, rows)
    sign = np.zeros(height)
    sign[rows] = np.where(np.isfinite(form.row_lower[rows]), 1.0, -1.0)
    column = sp.csr_array(np.concatenate([sign, -np.ones(len(twice))])[:, None])
    matrix = sp.hstack([sp.vstack([form.matrix, form.matrix[twice]]), column], format="csr")
    upper = form.row_upper.copy()
    upper[twice] = np.inf
    return Form(
        np.append(np.zeros(width), 1.0), 0.0, sp.csr_array(matrix),
        np.concatenate([form.row_lower, np.full(len(twice), -np.inf)]),
        np.concatenate([upper, form.row_upper[twice]]),
        np.append(form.lower, 0.0), np.append(form.upper, np.inf),
        np.zeros(width + 1, dtype=bool), {}, {},
    )  # fmt: skip


def _from_duals(
    form: Form, row_lower: Floats, row_upper: Floats, reduced: Floats, clock: Clock
) -> Conflict | None:
    """The limits that have a dual, as few of them as are needed."""
    reduced = reduced[: len(form.cost)]
    largest = max(float(np.abs(part).max(initial=0.0)) for part in (row_lower, row_upper))
    scale = PART * max(largest, 1.0)
    proof = Sides(
        (row_lower > scale) & np.isfinite(form.row_lower),
        (row_upper < -scale) & np.isfinite(form.row_upper),
        (reduced > scale) & np.isfinite(form.lower),
        (reduced < -scale) & np.isfinite(form.upper),
    )
    part, rows, columns = _part(form, proof)
    width = sum(int(_flags(_all(part), side).sum()) for side in range(4))
    if not highs.contradicts(part):
        return None
    least = highs.irreducible(part, IRREDUCIBLE)
    if least is not None:
        needed = Sides(*least)
        if highs.contradicts(needed.of(part)):
            return Conflict(_back(form, needed, rows, columns), True)
    if width > FEW:
        return Conflict(_back(form, _all(part), rows, columns), False)
    groups = [_single(part, i, side) for side in range(4)
              for i in np.flatnonzero(_flags(_all(part), side))]  # fmt: skip
    short = Clock(min(IRREDUCIBLE, clock.left or 0.0))
    kept, done = _needed(
        groups, lambda chosen: highs.contradicts(_union(part, chosen).of(part)), short
    )
    return Conflict(_back(form, _union(part, kept), rows, columns), done)


def of_integers(form: Form, worst: int | None, clock: Clock, options: Options) -> Conflict | None:
    """A conflict that exists for whole numbers alone, by leaving out component after component.

    Integers keep their bounds. As in :func:`of_relaxation` the step of the ``worst`` row is asked
    first. The limits of a block are left out for one component at a time, in
    all hours, and then, within what is needed, hour by hour. ``None`` where time was too short to
    show even the whole form infeasible.
    """

    def contradicts(chosen: list[Sides]) -> bool:
        left = clock.left
        if left is not None and left <= 0.0:
            return False
        smaller = _union(form, chosen).of(form)
        held = replace(smaller, lower=np.where(form.integer, form.lower, smaller.lower),
                       upper=np.where(form.integer, form.upper, smaller.upper))  # fmt: skip
        task = highs.Task("conflict", 0.0, left, options.seed, options.threads)
        return highs.run(held, task, lambda kind, news, x: None).status == "infeasible"

    for window in _windows(form, worst):
        groups = _by_component(form, window)
        if not contradicts(groups):
            continue
        kept, done = _needed(groups, contradicts, clock)
        finer = [single for group in kept for single in _split(group)]
        if done and len(finer) > len(kept):
            kept, done = _needed(finer, contradicts, clock)
        # Out of time with next to nothing left out, there is nothing to show.
        if done or len(kept) < len(groups) / 2:
            return Conflict(_union(form, kept), done, whole=True)
        return None
    return None


def _needed(
    groups: list[Sides], contradicts: Callable[[list[Sides]], bool], clock: Clock
) -> tuple[list[Sides], bool]:
    """Groups of limits of which none can be left out, and whether that was shown for each.

    QuickXplain (Junker 2004): halves are tried together, so that a small conflict in a large form
    takes few solves.
    """

    def least(background: list[Sides], added: bool, asked: list[Sides]) -> list[Sides]:
        if added and contradicts(background):
            return []
        if len(asked) == 1 or clock.over:
            return asked
        half = len(asked) // 2
        second = least(background + asked[:half], True, asked[half:])
        first = least(background + second, bool(second), asked[:half])
        return first + second

    return least([], False, groups), not clock.over


# sets of limits -----------------------------------------------------------------------------------


def _all(form: Form) -> Sides:
    return Sides(np.isfinite(form.row_lower), np.isfinite(form.row_upper),
                 np.isfinite(form.lower), np.isfinite(form.upper))  # fmt: skip


def _flags(sides: Sides, number: int) -> Flags:
    return (sides.row_lower, sides.row_upper, sides.lower, sides.upper)[number]


def _none(form: Form) -> list[Flags]:
    height, width = form.matrix.shape
    return [np.zeros(size, dtype=bool) for size in (height, height, width, width)]


def _single(form: Form, position: Any, side: int) -> Sides:
    flags = _none(form)
    flags[side][position] = True
    return Sides(*flags)


def _union(form: Form, chosen: list[Sides]) -> Sides:
    flags = _none(form)
    for sides in chosen:
        for number in range(4):
            flags[number] |= _flags(sides, number)
    return Sides(*flags)


def _by_component(form: Form, every: Sides) -> list[Sides]:
    """The limits, in one set per block and first label (a component, a place, a job)."""
    groups = []
    for number, blocks in ((0, form.rows), (2, form.columns)):
        for block in blocks.values():
            if number == 2 and form.integer[block.span].any():
                continue
            rows = block.index.reshape(block.shape[0] if block.shape else 1, -1)
            for row in rows:
                flags = _none(form)
                for side in (number, number + 1):
                    flags[side][row] = _flags(every, side)[row]
                if flags[number].any() or flags[number + 1].any():
                    groups.append(Sides(*flags))
    return groups


def _split(group: Sides) -> list[Sides]:
    """Every limit of a set by itself; both sides of an equation together."""
    parts = []
    for low, high, is_row in (
        (group.row_lower, group.row_upper, True), (group.lower, group.upper, False)
    ):  # fmt: skip
        for position in np.flatnonzero(low | high):
            one = [np.zeros_like(flags) for flags in (low, high)]
            one[0][position], one[1][position] = low[position], high[position]
            none = [np.zeros_like(group.lower if is_row else group.row_lower)] * 2
            parts.append(Sides(*one, *none) if is_row else Sides(*none, *one))
    return parts


def _part(form: Form, sides: Sides) -> tuple[Form, Positions, Positions]:
    """The rows that are asked for and the columns in them, as a small form; and where they stood.

    A column without a limit that stands in one of the rows stays, and is free.
    """
    rows = np.flatnonzero(sides.row_lower | sides.row_upper)
    matrix = sp.csr_array(form.matrix[rows])
    columns = np.union1d(matrix.indices, np.flatnonzero(sides.lower | sides.upper)).astype(np.int64)
    small = sides.of(form)
    part = Form(
        np.zeros(len(columns)), 0.0, sp.csr_array(matrix[:, columns]), small.row_lower[rows],
        small.row_upper[rows], small.lower[columns], small.upper[columns],
        np.zeros(len(columns), dtype=bool), {}, {},
    )  # fmt: skip
    return part, rows, columns


def _back(
    form: Form, sides: Sides, rows: Positions, columns: Positions
) -> Sides:  # fmt: skip
    flags = _none(form)
    for number, places in enumerate((rows, rows, columns, columns)):
        flags[number][places] = _flags(sides, number)
    return Sides(*flags)
