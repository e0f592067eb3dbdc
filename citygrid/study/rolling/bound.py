"""A proven bound of the whole horizon, window by window: the Lagrangian dual at one point.

Cut at window boundaries, the rows that cross one are priced by the duals of the relaxation, and
what is left falls apart:

``L(y) = k + Σ_r y_r b_r + Σ_w min {(c − Aᵀy)_w x_w : the window's own rows, bounds and integers}``,

``b_r`` the lower limit of a crossing row where ``y > 0`` and the upper where ``y < 0``. Every ``y``
proves ``L(y)``; with the duals of the relaxation it is never below it but for rounding, and above
it wherever integers cost something within a window. Each minimum is replaced by what was proven:
first by that of the window's relaxation, which takes little, then window by window by its integers,
so that there is a bound whenever the time is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats
from citygrid.model.form import Form
from citygrid.model.windows import Calendar, settled, window
from citygrid.routes.bounds.root import root_bound
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Task
from citygrid.routes.milp import call

#: Rounding of sums, and what a solver's tolerance may have lost, relative to all that was added.
LOST = 1e-9
#: A price that would let a shared column pay without end is lowered to this share of its cost.
WITHIN = 1.0 - 1e-12
#: Entries of a window above which its tree is not searched.
TALL = 60_000


@dataclass
class Proved:
    """What the windows proved so far [EUR each]: all relaxed first, then the first ones whole."""

    relaxed: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    @property
    def best(self) -> list[float]:
        """The better of the two, by window."""
        sharper = self.whole + [-math.inf] * (len(self.relaxed) - len(self.whole))
        return [max(pair) for pair in zip(self.relaxed, sharper, strict=True)]


def bound_by_windows(
    form: Form, when: Calendar, duals: Floats, cuts: Sequence[int], options: Options,
    clock: Clock, course: Floats, proved: Proved | None = None,
    heard: Callable[[Proved], None] = lambda proved: None,
    enough: Callable[[float], bool] = lambda bound: False,
) -> float | None:  # fmt: skip
    """What windows between ``cuts`` (first steps, then the end) prove of a form's cost [EUR].

    course
        A point (n) near the best plan, so that a window's gap is one of what it costs and not of
        what its prices leave of that.
    proved, heard
        What windows proved in an earlier try, gone on from; hears all of it after every window.
    enough
        Whether a bound is as good as is wanted, so that no further window is sharpened.

    ``None`` where a window's relaxation proves nothing, as on a time limit.
    """
    proved = Proved() if proved is None else proved
    own = settled(form, when)
    crossing = _crossing(own, cuts)
    prices = _within(form, when, _signed(form, duals, crossing), crossing)
    limit = np.where(prices > 0, form.row_lower, form.row_upper)
    held = prices != 0.0
    terms = [form.constant, *(prices[held] * limit[held]).tolist()]
    paid = np.asarray(form.matrix.T @ prices)
    bare = replace(form, cost=form.cost - paid, constant=0.0, accounts={}, curves=(), policies=(),
                   source=None)  # fmt: skip

    def alone(begin: int) -> Iterator[tuple[Form, float]]:
        """Windows from number ``begin`` on, with what the prices take of the course there."""
        for first, last in list(pairwise(cuts))[begin:]:
            found = window(bare, own, first, last, np.zeros(len(paid)), form.lower, form.upper)
            known = float(paid[found.columns] @ course[found.columns])
            yield replace(_alone(found.form, crossing[found.rows]), constant=known), known

    def bound() -> float:
        parts = terms + proved.best
        return math.fsum(parts) - LOST * float(np.abs(parts).sum())

    for part, known in alone(len(proved.relaxed)):
        value = _relaxed(part, options, clock)
        if value is None:
            return None
        proved.relaxed.append(value - known)
        heard(proved)
    if form.integer.any() and not enough(bound()):
        for part, known in alone(len(proved.whole)):
            value = _whole(part, options, clock)
            if value is None:
                break
            proved.whole.append(value - known)
            heard(proved)
            if enough(bound()):
                break
    return bound()


def _crossing(when: Calendar, cuts: Sequence[int]) -> Flags:
    """Rows (m) whose columns belong to more than one window, shared columns to their last."""
    ends = np.asarray(cuts[1:-1])
    first, last = (np.searchsorted(ends, at, side="right") for at in (when.first, when.last))
    return np.asarray(first != last)


def _signed(form: Form, duals: Floats, crossing: Flags) -> Floats:
    limit = np.where(duals > 0, form.row_lower, form.row_upper)
    return np.where(crossing & np.isfinite(limit) & np.isfinite(duals), duals, 0.0)


def _within(form: Form, when: Calendar, prices: Floats, crossing: Flags) -> Floats:
    """Prices under which no column without a bound earns on crossing rows alone."""
    matrix = sp.csc_array(form.matrix)
    prices = prices.copy()
    for column in when.runs:
        span = slice(matrix.indptr[column], matrix.indptr[column + 1])
        rows, weight = matrix.indices[span], matrix.data[span]
        earned = prices[rows] * weight
        if np.isfinite(form.upper[column]) or earned.sum() <= form.cost[column]:
            continue
        gives = rows[earned > 0]
        lost = earned[earned < 0].sum()
        share = max(form.cost[column] - lost, 0.0) / earned[earned > 0].sum()
        prices[gives] *= min(share, 1.0) * WITHIN
    return prices


def _alone(form: Form, crossing: Flags) -> Form:
    """Without the rows that were priced."""
    low, high = form.row_lower.copy(), form.row_upper.copy()
    low[crossing], high[crossing] = -np.inf, np.inf
    return replace(form, row_lower=low, row_upper=high)


def _relaxed(form: Form, options: Options, clock: Clock) -> float | None:
    """What a window costs at least [EUR], its integers free."""
    if clock.over:
        return None
    free = replace(form, integer=np.zeros_like(form.integer))
    task = Task.of(options, "bound", time_limit=clock.left)
    return call(free, task, Journal(), options.quiet).bound


def _whole(form: Form, options: Options, clock: Clock) -> float | None:
    """What a window costs at least [EUR], with integers: at the root alone where its tree is tall.

    There cuts prove most of it, and a plan, which a tree needs to end, is not what is looked for.
    """
    if clock.over:
        return None
    if form.matrix.nnz > TALL:
        return root_bound(form, options.quiet, Journal(), clock.left).bound
    task = Task.of(options, "bound", options.gap, clock.left)
    return call(form, task, Journal(), options.quiet).bound
