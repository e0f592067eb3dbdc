"""Window after window over one form: see, decide the first part, move on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from citygrid.arrays import Floats, Stamps, stamped
from citygrid.errors import Fault, InfeasibleError, NoPlanError
from citygrid.model.form import Form
from citygrid.model.windows import Calendar, shared_bounds, window
from citygrid.routes import solve
from citygrid.routes.contract import Clock, Options, Outcome
from citygrid.study.rolling.checkpoint import Checkpoint
from citygrid.study.rolling.outlook import Outlook, priced
from citygrid.study.rolling.spans import Spans

Say = Callable[[str], None]

#: Windows that may be decided anew where a later one has no plan.
BACK = 3


@dataclass
class Course:
    """What is decided so far: the point (n), bounds (n, n) that follow from it, notes by window."""

    x: Floats
    lower: Floats
    upper: Floats
    notes: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begin(cls, form: Form) -> Course:
        return cls(np.zeros(len(form.cost)), form.lower.copy(), form.upper.copy())

    def copy(self) -> Course:
        return Course(self.x.copy(), self.lower.copy(), self.upper.copy(), list(self.notes))


@dataclass(frozen=True)
class Roller:
    """One form, its calendar and outlook, and the route that decides every window."""

    form: Form
    when: Calendar
    time: Stamps
    step: float
    name: str
    spans: Spans
    route: str
    options: Options
    outlook: Outlook | None
    clock: Clock
    say: Say

    def run(self, checkpoint: Checkpoint, decided: int) -> Course:
        """Decide all windows after the first ones that are ``decided`` and kept.

        Raises :class:`InfeasibleError` where one has no plan at all.
        """
        course, count = Course.begin(self.form), len(self.spans.begins)
        #: What was decided before each of the last windows, to go back to.
        before: deque[Course] = deque(maxlen=BACK)
        for number in range(decided):
            if number >= decided - BACK:
                before.append(course.copy())
            columns, values, notes = checkpoint.read(number)
            course.x[columns] = values
            self._bounds(course, number)
            course.notes.append({**notes, "resumed": True})
        number, stuck, back = decided, -1, 0
        while number < count:
            kept = course.copy()
            self.say(self._where(number))
            # On the way back to a window that had no plan, each sees as far as that one did.
            if self._decide(course, number, max(stuck - number + 1, 1)):
                checkpoint.keep(number, *self._decided(course, number), course.notes[-1])
                before.append(kept)
                number += 1
                continue
            # What was decided before leaves no plan: decide that anew, each time from further back.
            stuck, back = (number, 1) if number > stuck else (stuck, back + 1)
            again = stuck - back
            if again < number - len(before):
                raise self._hopeless(kept, number, stuck)
            self.say(f"window {number + 1} has no plan; from window {again + 1} on once more, "
                     "seeing further")  # fmt: skip
            while number > again:
                course, number = before.pop(), number - 1
        return course

    def _decided(self, course: Course, number: int) -> tuple[Any, Floats]:
        first, until, _ = self.spans.sees(number)
        columns = np.flatnonzero((self.when.column >= first) & (self.when.column < until))
        return columns, course.x[columns]

    def _bounds(self, course: Course, number: int) -> None:
        first, until, _ = self.spans.sees(number)
        course.lower, course.upper = shared_bounds(
            self.form, self.when, course.x, course.lower, course.upper, first, until
        )

    def _decide(self, course: Course, number: int, longer: int) -> bool:
        """Solve a window and keep what it decides; ``False`` where it has no plan.

        A window without a plan is tried once more twice as long, for what it asked of its end may
        have been too early.
        """
        first, until, _ = self.spans.sees(number)
        began = time.perf_counter()
        for factor in (longer, 2 * longer):
            seen = min(first + factor * self.spans.window, self.spans.steps)
            part = window(self.form, self.when, first, seen, course.x, course.lower, course.upper)
            form = priced(part, self.form, self.when, self.outlook, course.x, first)
            built = time.perf_counter()
            left = len(self.spans.begins) - number
            outcome = solve(form, self.route, replace(
                self.options.quiet, start=None, time_limit=self.clock.share(2.0 / (left + 1)),
            ))  # fmt: skip
            if outcome.x is not None or seen == self.spans.steps:
                break
        if outcome.x is None:
            if outcome.status == "infeasible":
                return False
            raise self._stuck(outcome, number)
        self._keep(course, part.columns, outcome.x[: len(part.columns)], until)
        self._bounds(course, number)
        course.notes.append({
            "window": number + 1, "from": stamped(self.time[first]),
            "until": stamped(self.time[until - 1]), "steps": seen - first,
            "decided": until - first, "columns": len(part.columns),
            "binaries": int(form.integer.sum()), "status": outcome.status, "gap": outcome.gap,
            "milps": outcome.telemetry.get("milps"),
            "seconds": {"form": built - began, "solve": time.perf_counter() - built},
        })  # fmt: skip
        return True

    def _keep(self, course: Course, columns: Any, x: Floats, until: int) -> None:
        decided = self.when.column[columns] < until
        at = columns[decided]
        values = np.clip(x[decided], self.form.lower[at], self.form.upper[at])
        course.x[at] = np.where(self.form.integer[at], np.round(values), values)

    def _where(self, number: int) -> str:
        first, _, end = self.spans.sees(number)
        return f"window {number + 1} of {len(self.spans.begins)}, " \
               f"{stamped(self.time[first])} to {stamped(self.time[end - 1])}"  # fmt: skip

    def _stuck(self, outcome: Outcome, number: int) -> NoPlanError:
        why = outcome.status.replace("_", " ")
        return NoPlanError(Fault(
            self._where(number), f"found no plan ({why})", outcome.telemetry.get("message"),
            "allow more time, where --resume keeps the windows before it; or begin anew with a "
            "larger gap, a shorter window or another route",
        ))  # fmt: skip

    def _hopeless(self, course: Course, number: int, stuck: int) -> InfeasibleError:
        """Why window ``stuck`` has no plan, also from ``number`` on: what is missing and when."""
        from citygrid.routes.explain import explain
        from citygrid.routes.words import tell

        first, end = self.spans.sees(number)[0], self.spans.sees(stuck)[2]
        part = window(self.form, self.when, first, end, course.x, course.lower, course.upper)
        said = explain(part.form)
        place = self._where(stuck)
        if said.feasible:
            faults = [Fault(place, "has no plan after what was decided before", None,
                            "use a longer window or overlap")]  # fmt: skip
            return InfeasibleError(faults)
        told, document = tell(part.form, said, place, self.step)
        error = InfeasibleError([
            *told, Fault(place, "has no plan, also where windows before it are decided anew, "
                         "seeing further", None, "use a longer window or overlap, or plan without"),
        ])  # fmt: skip
        error.details = {**document, "window": stuck + 1}
        return error
