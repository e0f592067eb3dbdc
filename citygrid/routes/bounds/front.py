"""The best lower bound of a form that a given time allows, and who proved it.

In order, each while there is time: the relaxation's duals; the relaxation with cuts; the
Lagrangian dual, where what it solves exactly is more than the relaxation sees; HiGHS on the form
with the cuts, for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp
from citygrid.routes.bounds.cuts import Strengthened, binding, strengthen
from citygrid.routes.bounds.root import root_task
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Report, Result, Task

Prover = Literal["relaxation", "cuts", "lagrangian", "root"]

#: Seconds below which no further step is begun.
LEAST = 0.2


@dataclass(frozen=True)
class Bound:
    """A proven lower bound of a form's cost [EUR], who proved it, and how it rose.

    ``trace`` has an entry (seconds since the begin, bound, who) for each time that it rose.
    """

    value: float
    by: Prover
    trace: tuple[tuple[float, float, Prover], ...] = ()


#: Hears of every better bound.
Told = Callable[[Bound], None]


class _Best:
    """The best bound so far; tells of each better one."""

    def __init__(self, journal: Journal, told: Told | None) -> None:
        self.bound: Bound | None = None
        self._clock, self._told, self._begun = journal, told, journal.elapsed

    def hear(self, value: float | None, by: Prover) -> None:
        if value is None or (self.bound is not None and value <= self.bound.value):
            return
        trace = self.bound.trace if self.bound is not None else ()
        seconds = self._clock.elapsed - self._begun
        self.bound = Bound(value, by, (*trace, (seconds, value, by)))
        if self._told is not None:
            self._told(self.bound)


def best_bound(
    form: Form, options: Options, journal: Journal | None = None,
    time_limit: float | None = None, relaxed: tuple[Floats, float | None] | None = None,
    told: Told | None = None, watched: bool = False,
) -> Bound | None:  # fmt: skip
    """The best bound within the time limit [s]; ``None`` where nothing was proven.

    Without a limit the root of HiGHS ends it, with one its tree takes what is left.

    relaxed
        Point and bound of the relaxation, where the caller has them already.
    told
        Hears of every better bound at once.
    watched
        Whether this process is stopped from outside when it overruns; otherwise a solver that could
        overrun runs in a child of its own.
    """
    journal = journal or Journal()
    clock, best = Clock(time_limit), _Best(journal, told)
    plain = replace(form, curves=())

    def solve(part: Form, limit: float | None) -> Result:
        for method in ("ipm", "simplex"):
            task = Task.of(options, "relaxation", 0.0, limit if limit is None else clock.left,
                           method=method, crossover=False, prove=False)  # fmt: skip
            found = _call(part, task, journal, options, None, watched)
            if found.status != "error" or clock.over:
                break
        return found

    x, known = relaxed if relaxed is not None else (None, None)
    best.hear(known, "relaxation")
    last: Strengthened | None = None
    for step in strengthen(plain, solve, clock, x, known):
        last = step
        best.hear(step.bound, "cuts" if step.cuts else "relaxation")
    left = clock.left
    if form.integer.any() and (left is None or left > LEAST):
        stronger = binding(last) if last is not None else plain

        def report(kind: str, news: dict[str, object], x: Floats | None) -> None:
            value = news.get("bound")
            best.hear(value if isinstance(value, float) else None, "root")

        task = root_task(options, left, 1 if left is None else None)
        found = _call(stronger, task, journal, options, report, watched)
        best.hear(found.bound, "root")
    return best.bound


def _call(
    form: Form, task: Task, journal: Journal, options: Options, report: Report | None,
    watched: bool,
) -> Result:  # fmt: skip
    """HiGHS, here where somebody watches this process, or as the route does."""
    if watched:
        return highs.run(form, task, report or (lambda kind, news, x: None))
    progress = None if report is None else lambda news: report("bound", news, None)
    return milp.call(form, task, journal, replace(options, progress=progress))
