"""A proven bound of the whole horizon, window by window: the Lagrangian dual at one point.

Cut at window boundaries, the rows that cross one are priced by the duals of the relaxation, and
what is left falls apart:

``L(y) = k + Σ_r y_r b_r + Σ_w min {(c − Aᵀy)_w x_w : the window's own rows, bounds and integers}``,

``b_r`` the lower limit of a crossing row where ``y > 0`` and the upper where ``y < 0``. Every ``y``
proves ``L(y)``; with the duals of the relaxation it is never below it but for rounding, and above
it wherever integers cost something within a window. Each minimum is replaced by what was proven:
first by that of the window's relaxation, which takes little, then window by window by its integers,
so that there is a bound whenever the time is over. Windows far from each other come first: what
they gain tells what the others will.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
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
#: Windows after whose integers it is judged what those of the others are worth, at least and as a
#: share of all; how many times more than these the others are hoped to gain; and the share of the
#: distance to the plan that is too little to go on for.
SEEN, SHARE, HOPE, LITTLE = 4, 0.1, 3.0, 0.1


@dataclass
class Proved:
    """What the windows proved so far [EUR each]: all relaxed, in their order, then sharpened.

    Sharpened, with their integers, they come in the order of :func:`spread`.
    """

    relaxed: list[float] = field(default_factory=list)
    sharpened: list[float] = field(default_factory=list)

    @property
    def best(self) -> Floats:
        """The better of the two, by window."""
        best = np.array(self.relaxed)
        asked = spread(len(best))[: len(self.sharpened)]
        best[asked] = np.maximum(best[asked], self.sharpened)
        return best

    def is_worth_going_on(self, distance: float) -> bool:
        """Whether the integers of the windows left may close some of the distance [EUR] to a plan.

        They are hoped to gain more than those that were looked at, and not all at once.
        """
        count, done = len(self.relaxed), len(self.sharpened)
        if done < max(SEEN, SHARE * count):
            return True
        gained = float(np.sum(self.best - self.relaxed))
        return HOPE * gained / done * (count - done) >= LITTLE * distance


def spread(count: int) -> list[int]:
    """Numbers below ``count``, each far from those shortly before it: their bits turned round."""
    bits = max(count - 1, 0).bit_length()
    turned = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    return [number for number in turned if number < count]


def bound_by_windows(
    form: Form, when: Calendar, duals: Floats, cuts: Sequence[int], options: Options,
    clock: Clock, course: Floats, proved: Proved | None = None,
    heard: Callable[[Proved], None] = lambda proved: None,
    enough: Callable[[float], bool] = lambda bound: False, cost: float = math.inf,
) -> float | None:  # fmt: skip
    """What windows between ``cuts`` (first steps, then the end) prove of a form's cost [EUR].

    course
        A point (n) near the best plan, so that a window's gap is one of what it costs and not of
        what its prices leave of that.
    proved, heard
        What windows proved in an earlier try, gone on from; hears all of it after every window.
    enough
        Whether a bound is as good as is wanted, so that no further window is sharpened.
    cost
        Of the plan that the bound is for [EUR]: where the integers of many windows have hardly
        brought it nearer, those of the others are left.

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

    spans = [*pairwise(cuts)]

    def alone(numbers: Iterable[int]) -> Iterator[tuple[Form, float]]:
        """Windows with these numbers, with what the prices take of the course there."""
        for first, last in (spans[number] for number in numbers):
            found = window(bare, own, first, last, np.zeros(len(paid)), form.lower, form.upper)
            known = float(paid[found.columns] @ course[found.columns])
            yield replace(_alone(found.form, crossing[found.rows]), constant=known), known

    def bound(proved: Proved = proved) -> float:
        parts = terms + proved.best.tolist()
        return math.fsum(parts) - LOST * float(np.abs(parts).sum())

    for part, known in alone(range(len(proved.relaxed), len(spans))):
        value = _relaxed(part, options, clock)
        if value is None:
            return None
        proved.relaxed.append(value - known)
        heard(proved)
    best = bound()
    if form.integer.any() and not enough(best):
        for part, known in alone(spread(len(spans))[len(proved.sharpened) :]):
            if math.isfinite(cost) and not proved.is_worth_going_on(cost - best):
                break
            value = _whole(part, options, clock)
            if value is None:
                break
            if clock.over:  # it counts, and is not kept: with more time the window proves more
                cut = Proved(proved.relaxed, [*proved.sharpened, value - known])
                return max(best, bound(cut))
            proved.sharpened.append(value - known)
            heard(proved)
            best = bound()
            if enough(best):
                break
    return best


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
