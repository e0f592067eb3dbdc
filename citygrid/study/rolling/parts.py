"""Look ahead part by part, where the relaxation of the whole horizon is too large to be solved.

The relaxation is cut into parts of some days. Each is solved seeing a little further than it keeps,
and begins where the part before it ended: a rolling horizon of linear programmes, whose duals price
levels, jobs and units that stay on as those of the whole would, but for what lies beyond sight.

What several parts share (the peak of a year) no part can see. Its size ``s`` is searched instead:
with that much free, and more of it at its cost, every part says by its duals what a free unit more
would save it, and at the best size all of them together save what a unit costs,

``c_s + Σ_p ∂C_p/∂s = 0``.

The duals on either side of that size are mixed so that the sum is met, which spreads the cost of a
peak over the hours that cause it.

Any duals prove a bound (``bound.py``) and a course is only aimed at, so what is lost by looking
ahead in parts is sharpness, never correctness. A limit on a sum over the whole horizon (a cap) gets
no price here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats
from citygrid.model.form import Form
from citygrid.model.windows import Calendar, shared_bounds, window
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Task
from citygrid.routes.milp import call
from citygrid.study.rolling.outlook import Outlook

#: Entries of a form up to which its relaxation is solved whole.
WHOLE = 1_000_000
#: Entries of a part, about, and how much further than it keeps it sees.
ENTRIES, FURTHER = 120_000, 0.25
#: Share of its cost at which a shared column is had at first: its size there is not below the best.
CHEAP = 0.1
#: Sizes that are tried at most, the first step down and the precision, relative to the first size.
ROUNDS, DOWN, KNOWN = 7, 0.1, 5e-3
#: Share of a cost that is rounding.
NOTHING = 1e-6


def look_ahead_by_parts(
    form: Form, when: Calendar, options: Options, limit: float | None, say: Callable[[str], None]
) -> Outlook | None:
    """Prices and a course of the whole horizon from its parts; ``None`` where a part has none.

    Shared columns whose size is not found within ``limit`` seconds keep the one that was.
    """
    cuts = cuts_of(form, when)
    count = len(cuts) - 1
    say(f"pricing what is left to later windows: the relaxation, {len(form.cost):,} columns "
        f"in {count} parts")  # fmt: skip
    journal = Journal()
    parts = _Parts(replace(form, integer=np.zeros_like(form.integer)), when, cuts, options,
                   Clock(limit))  # fmt: skip
    found = parts.first(say)
    if found is None:
        return None
    size, duals, x = found.need.max(axis=0, initial=-np.inf), found.duals, found.x
    if len(when.runs):
        size, duals, x = _searched(parts, found, size, say)
        x = x.copy()
        x[when.runs] = np.clip(size, form.lower[when.runs], form.upper[when.runs])
    return Outlook(x, duals, None, journal.elapsed, count)


def cuts_of(form: Form, when: Calendar) -> list[int]:
    """First steps of the parts, then the end; the last one may be half as long again."""
    length = max(2, round(when.steps * ENTRIES / max(form.matrix.nnz, 1)))
    return [*range(0, max(when.steps - length // 2, 1), length), when.steps]


@dataclass
class _State:
    """What all parts say at one size of the shared columns (k).

    ``duals`` (m) and ``x`` (n) put together from the parts; ``slope`` (p, k) what a unit more of
    each shared column changes each part's cost by [EUR]; ``need`` (p, k) how much of it they use.
    """

    duals: Floats
    x: Floats
    slope: Floats
    need: Floats

    def copy(self) -> _State:
        return _State(*(each.copy() for each in (self.duals, self.x, self.slope, self.need)))


@dataclass
class _Parts:
    """The relaxation in parts."""

    form: Form
    when: Calendar
    cuts: list[int]
    options: Options
    clock: Clock

    def __post_init__(self) -> None:
        self.shared = self.when.runs
        self._entries = sp.csr_array(sp.csc_array(self.form.matrix)[:, self.shared])
        first, last = self.when.begin[self.shared], self.when.column[self.shared] + 1
        # Share of its steps (p, k) that each part has of a shared column.
        begin, end = np.array(self.cuts[:-1])[:, None], np.array(self.cuts[1:])[:, None]
        within = np.clip(np.minimum(end, last) - np.maximum(begin, first), 0, None)
        self.share = within / np.maximum(last - first, 1)

    def first(self, say: Callable[[str], None]) -> _State | None:
        """All parts, one after the other, with shared columns free at a part of their cost."""
        count, width = len(self.cuts) - 1, len(self.shared)
        state = _State(np.zeros(len(self.form.row_lower)), np.zeros(len(self.form.cost)),
                       np.zeros((count, width)), np.zeros((count, width)))  # fmt: skip
        lower, upper = self.form.lower[self.shared], self.form.upper[self.shared]
        for part in range(count):
            say(f"looking ahead, part {part + 1} of {count}")
            cost = CHEAP * self.share[part] * self.form.cost[self.shared]
            if not self._solve(state, part, state.x, cost, lower, upper):
                return None
        # The low cost served to find sizes; it is no price.
        state.slope[:] = 0.0
        state.duals[np.diff(self._entries.indptr) > 0] = 0.0
        return state

    def at(self, size: Floats, known: _State, start: Floats, open_: Flags) -> _State | None:
        """The parts that are ``open_`` (p) once more, with ``size`` (k) of shared columns free.

        ``start`` (n) is the point whose states the parts begin with. ``None`` where time is over.
        """
        state = known.copy()
        cost, upper = self.form.cost[self.shared], self.form.upper[self.shared]
        for part in np.flatnonzero(open_):
            if not self._solve(state, int(part), start, cost, np.minimum(size, upper), upper):
                return None
        return state

    def _solve(
        self, state: _State, part: int, start: Floats, cost: Floats, lower: Floats, upper: Floats
    ) -> bool:
        form, when, shared = self.form, self.when, self.shared
        first, until = self.cuts[part], self.cuts[part + 1]
        seen = min(until + max(1, round(FURTHER * (until - first))), when.steps)
        low, high, whole = form.lower.copy(), form.upper.copy(), form.cost.copy()
        low[shared], high[shared], whole[shared] = lower, upper, cost
        found = window(form, when, first, seen, start, low, high)
        priced = replace(found.form, cost=whole[found.columns])
        task = Task.of(self.options, "outlook", 0.0, self.clock.left, method="ipm",
                       crossover=False, prove=False)  # fmt: skip
        result = call(priced, task, Journal(), self.options.quiet)
        if result.status != "optimal" or result.x is None or result.duals is None:
            return False
        inside = (when.column[found.columns] < until) & (when.begin[found.columns] >= first)
        state.x[found.columns[inside]] = result.x[inside]
        begun = (when.first[found.rows] >= first) & (when.first[found.rows] < until)
        rows = found.rows[begun]
        state.duals[rows] = result.duals[begun]
        state.slope[part] = -(self._entries[rows].T @ state.duals[rows])
        asked, _ = shared_bounds(form, when, state.x, form.lower, form.upper, first, until)
        state.need[part] = asked[shared]
        return True


def _searched(
    parts: _Parts, first: _State, size: Floats, say: Callable[[str], None]
) -> tuple[Floats, Floats, Floats]:
    """The best size (k) of the shared columns, and duals (m) and course (n) that go with it."""
    cost, lower = parts.form.cost[parts.shared], parts.form.lower[parts.shared]
    needs = (first.need - lower) * (parts.share > 0) > 0
    high, above = size.copy(), first
    low, below = lower.copy(), None
    down, whole = DOWN * (high - low), np.maximum(high - low, 1e-12)
    for number in range(ROUNDS):
        if ((high - low) <= KNOWN * whole).all():
            break
        tried = np.maximum((high + low) / 2, high - down)
        say(f"looking ahead, size {number + 1} of what is shared")
        # A part that used less at a low price, or for which more changed nothing, says the same.
        still = needs & (first.need > tried)
        if below is not None:
            still &= below.slope < 0.0
        found = parts.at(tried, above, first.x, still.any(axis=1))
        if found is None:
            break
        # Where one part alone pays the whole cost, it wants more than it has for nothing.
        missing = cost + found.slope.sum(axis=0) <= NOTHING * np.abs(cost)
        low = np.where(missing, tried, low)
        high = np.where(missing, high, tried)
        down = np.where(missing, down, 2 * down)
        if missing.any():
            below = found
        else:
            above = found
    if below is None:
        return high, above.duals, above.x
    least, most = cost + below.slope.sum(axis=0), cost + above.slope.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(most > least, -least / (most - least), 0.0)
    mix = float(np.clip(weight, 0.0, 1.0).mean())
    return high, (1.0 - mix) * below.duals + mix * above.duals, above.x
