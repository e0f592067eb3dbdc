"""The best lower bound of a form that a given time allows, and who proved it.

In order, each while there is time: the relaxation's duals; the relaxation with cuts; the
Lagrangian dual, where what it solves exactly is more than the relaxation sees; HiGHS on the form
with the cuts, for the rest. Where a plan is known, an integer whose reduced cost is more than the
plan lies above the bound keeps its value in every better plan, and is fixed there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp
from citygrid.routes.bounds.cuts import Strengthened, binding, strengthen
from citygrid.routes.bounds.duals import prove
from citygrid.routes.bounds.lagrangian import lagrangian_bound
from citygrid.routes.bounds.root import root_task
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Report, Result, Task

#: Who proved a bound.
By = Literal["relaxation", "cuts", "lagrangian", "root"]

#: Entries from which interior point is quicker than simplex.
SMALL = 2_000
#: Ways to solve a linear programme, the next where one comes to no end: interior point stalls on
#: some that a presolve has left without an interior.
WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("ipm", {}), ("ipm", {"presolve": "off"}), ("simplex", {}),
)  # fmt: skip
#: Where a large form's interior point ends, relative: a bound that is lower by less, after three
#: quarters of the time.
ACCURACY = 1e-4
#: Share of the time left for the Lagrangian dual, where it applies.
LAGRANGIAN = 0.3
#: Seconds below which no further step is begun.
LEAST = 0.2
#: What a reduced cost must exceed the distance of plan and bound by, relative to the plan's cost.
ROUND = 1e-6


@dataclass(frozen=True)
class Relaxed:
    """What is known of the relaxation: its point (n), duals of the rows (m), proven bound [EUR]."""

    x: Floats
    duals: Floats | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Bound:
    """A proven lower bound of a form's cost [EUR], who proved it, and how it rose.

    ``trace`` has an entry (seconds since the begin, bound, who) for each time that it rose.
    """

    value: float
    by: By
    trace: tuple[tuple[float, float, By], ...] = ()


#: Hears of every better bound.
Told = Callable[[Bound], None]
#: Hears of every plan (n) that HiGHS comes across, which costs no bound anything.
Met = Callable[[Floats], None]


class _Best:
    """The best bound so far; tells of each better one."""

    def __init__(self, journal: Journal, told: Told | None) -> None:
        self.bound: Bound | None = None
        self._journal, self._told, self._begun = journal, told, journal.elapsed

    def hear(self, value: float | None, by: By) -> None:
        if value is None or (self.bound is not None and value <= self.bound.value):
            return
        trace = self.bound.trace if self.bound is not None else ()
        seconds = self._journal.elapsed - self._begun
        self.bound = Bound(value, by, (*trace, (seconds, value, by)))
        if self._told is not None:
            self._told(self.bound)


def best_bound(
    form: Form, options: Options, journal: Journal | None = None,
    time_limit: float | None = None, relaxed: Relaxed | None = None, told: Told | None = None,
    priced: NDArray[np.bool_] | None = None, watched: bool = False, plan: Floats | None = None,
    met: Met | None = None, rest: Callable[[], None] = lambda: None,
) -> Bound | None:  # fmt: skip
    """The best bound within the time limit [s]; ``None`` where nothing was proven.

    Without a limit the root of HiGHS ends it, with one its tree takes what is left.

    relaxed
        The relaxation's solution, where the caller has it already.
    told
        Hears of every better bound at once.
    priced
        Rows (m) for the Lagrangian dual; left out, the balances by their names.
    watched
        Whether this process is stopped from outside when it overruns; otherwise a solver that could
        overrun runs in a child of its own.
    plan
        A plan (n) of the form: no better bound than its cost is looked for.
    met
        Hears of better plans on the way, which are looked for only then; where ``watched``.
    rest
        Called before HiGHS gets the form for the time that is left.
    """
    journal = journal or Journal()
    clock, best = Clock(time_limit), _Best(journal, told)
    plain = replace(form, curves=())

    def solve(part: Form, limit: float | None) -> Result:
        own = Clock(limit)
        if part.integer.any():
            task = Task.of(options, "component", 0.0, limit)
            return _call(part, task, journal, options, None, watched)
        large = part.matrix.nnz > SMALL
        accuracy = ACCURACY if milp.method(part) == "ipm" else None
        for method, extras in WAYS if large else WAYS[-1:]:
            task = Task.of(options, "relaxation", 0.0, own.left,
                           method=method, crossover=False, prove=False,
                           accuracy=accuracy, settings=extras)  # fmt: skip
            found = _call(part, task, journal, options, None, watched)
            if found.status != "error" or own.over:
                break
        return found

    known = relaxed or Relaxed(np.zeros(0))
    best.hear(known.bound, "relaxation")
    duals, last = known.duals, None
    for step in strengthen(plain, solve, clock, known.x if relaxed else None, known.bound):
        last = step
        duals = step.duals if duals is None else duals
        best.hear(step.bound, "cuts" if step.cuts else "relaxation")
    if duals is not None and form.integer.any() and not clock.over:
        dual = lagrangian_bound(plain, duals, solve, Clock(clock.share(LAGRANGIAN)), priced)
        best.hear(dual.bound if dual is not None else None, "lagrangian")
    left = clock.left
    if form.integer.any() and (left is None or left > LEAST):
        stronger = binding(last) if last is not None else plain
        most = math.inf
        if plan is not None:
            most = form.objective(plan)
            stronger = decided(stronger, plain, last, known, most)
        rest()

        def report(kind: str, news: dict[str, object], x: Floats | None) -> None:
            value = news.get("bound")
            # Beyond the plan's cost nothing is proven: what was fixed holds for better ones alone.
            best.hear(min(value, most) if isinstance(value, float) else None, "root")
            if x is not None and met is not None:
                met(x)

        task = root_task(options, left, 1 if left is None else None, met is not None)
        found = _call(stronger, task, journal, options, report, watched, plan)
        best.hear(None if found.bound is None else min(found.bound, most), "root")
    return best.bound


def decided(
    stronger: Form, plain: Form, last: Strengthened | None, known: Relaxed, most: float
) -> Form:
    """``stronger`` with those integers fixed whose other values only dearer plans than ``most``
    have.

    An integer at its lower bound with reduced cost ``r`` costs ``r`` more per unit above it, so
    that with ``bound + r > most`` it stays there (and likewise at its upper bound).
    """
    lower, upper = stronger.lower.copy(), stronger.upper.copy()
    proofs = [(plain, known.duals)]
    if last is not None:
        proofs.append((last.form, last.duals))
    for form, duals in proofs:
        proof = None if duals is None else prove(form, duals)
        if proof is None:
            continue
        # The reduced costs of the very prices that prove the bound: they may differ from the duals.
        reduced = np.asarray(form.cost - form.matrix.T @ proof.prices)
        apart = most - proof.bound + ROUND * max(1.0, abs(most))
        open_ = plain.integer & (form.lower == 0.0) & (form.upper == 1.0)
        upper[open_ & (reduced > apart)] = 0.0
        lower[open_ & (reduced < -apart)] = 1.0
    return replace(stronger, lower=np.maximum(lower, stronger.lower),
                   upper=np.minimum(upper, stronger.upper))  # fmt: skip


def _call(
    form: Form, task: Task, journal: Journal, options: Options, report: Report | None,
    watched: bool, start: Floats | None = None,
) -> Result:  # fmt: skip
    """HiGHS, here where somebody watches this process, or as the route does."""
    if watched:
        return highs.run(form, task, report or (lambda kind, news, x: None), start)
    progress = None if report is None else lambda news: report("bound", news, None)
    return milp.call(form, task, journal, replace(options, progress=progress), start)
