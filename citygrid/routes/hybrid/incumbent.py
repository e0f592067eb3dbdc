"""The best plan and the best bound of a search, which are never lost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.bounds.prover import Prover
from citygrid.routes.contract import (
    Clock,
    Journal,
    Options,
    Outcome,
    Status,
    proven,
    relative_gap,
)

#: Seconds that a prover may work where no time limit is given.
PROOF = 60.0
#: Plans that are kept.
POOL = 5


class Incumbent:
    """The best plan ``x`` with its ``objective``, a few more, and the best proven ``bound`` [EUR].

    A prover raises the bound in a process beside the search. Where no time limit is given, the
    search does not hear of it before the end: what it has shown by then depends on the clock, and
    the same seed must give the same plan.
    """

    def __init__(
        self, form: Form, options: Options, journal: Journal, clock: Clock, relaxed: Relaxed
    ) -> None:
        self._form, self._options, self._journal, self._clock = form, options, journal, clock
        self.x: Floats | None = None
        self.objective = math.inf
        self.bound = relaxed.bound
        self.proved_by = None if self.bound is None else "relaxation"
        self.pool: list[tuple[float, Floats]] = []
        #: What to say where there is no plan.
        self.verdict: Status = "time_limit"
        seconds = PROOF if clock.left is None else clock.left
        self._prover = Prover(form, replace(options, threads=1), seconds, relaxed)
        self._asked = False
        journal.trace(bound=self.bound)

    def prove(self) -> None:
        """Have the bound raised from now on, where there are processors for it."""
        if not self._asked and self._options.threads != 1 and self._form.integer.any():
            self._asked = True
            self._prover.start()

    def take(self, plan: Floats) -> bool:
        """Note a plan of the whole form; whether it is the best so far."""
        objective = self._form.objective(plan)
        self.pool = sorted([*self.pool, (objective, plan)], key=lambda entry: entry[0])[:POOL]
        self._journal.trace(objective)
        better = objective < self.objective
        if better:
            self.x, self.objective = plan, objective
        return better

    def hear(self, bound: float | None, by: str) -> None:
        """Note a proven bound."""
        if bound is not None and (self.bound is None or bound > self.bound):
            self.bound, self.proved_by = bound, by
            self._journal.trace(bound=bound)

    @property
    def gap(self) -> float | None:
        """Of the best plan to the best bound; ``None`` without either."""
        return None if self.x is None else relative_gap(self.objective, self.bound)

    @property
    def close(self) -> bool:
        """Whether the gap that was asked for is proven."""
        if self._clock.left is not None:
            self._listen()
        gap = self.gap
        return gap is not None and gap <= self._options.gap

    def _listen(self) -> None:
        shown = self._prover.poll()
        if shown is not None:
            self.hear(shown.value, shown.by)

    def fall_back(self, why: str) -> None:
        """Nothing led to a plan: HiGHS on the whole form with the time that is left."""
        form, options, journal = self._form, self._options, self._journal
        journal.figures["fell_back"] = f"{why}; the whole form by HiGHS"
        task = highs.Task.of(options, "fall back", options.gap, self._clock.left)
        found = milp.call(form, task, journal, options)
        self.verdict = found.status
        if found.x is not None:
            plan, _ = milp.complete(form, found.x, journal, options)
            self.take(found.x if plan is None else plan)
            self.hear(found.bound, "highs")

    def settle(self) -> None:
        """Leave the prover the time that is left to it, where the gap is not proven yet."""
        if self._asked and self._clock.left is None and self.x is not None and not self.close:
            self._prover.wait(PROOF)
        self._listen()

    def leave(self) -> None:
        """End the prover."""
        self._prover.stop()

    def outcome(self) -> Outcome:
        """What was found and proven, with all that the journal holds."""
        self._journal.figures["proved_by"] = self.proved_by
        if self.x is None:
            return Outcome(self.verdict, bound=self.bound, telemetry=self._journal.telemetry())
        bound = proven(self.objective, self.bound)
        gap = relative_gap(self.objective, bound)
        status: Any = "optimal" if gap is not None and gap <= self._options.gap else "feasible"
        return Outcome(status, self.x, self.objective, bound, self.pool,
                       self._journal.telemetry())  # fmt: skip
