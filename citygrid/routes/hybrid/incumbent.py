"""The best plan and the best bound of a search, which are never lost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.bounds.prover import Prover
from citygrid.routes.bounds.root import root_task
from citygrid.routes.contract import (
    POOL,
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
#: Integers up to which a tree of so many nodes is asked for a bound first, in a form that simplex
#: solves: it comes to the same each time, and a search that knows it ends where it may.
FEW, NODES = 100, 1000


class Incumbent:
    """The best plan ``x`` with its ``objective``, a few more, and the best proven ``bound`` [EUR].

    A prover raises the bound in a process beside the search; where a plan is known when it begins,
    its tree of HiGHS looks for better ones, too, which are counted apart (``tree_plans``). Where no
    time limit is given, the search does not hear of it before the end, and of no plans at all: what
    it has found by then depends on the clock, and the same seed must give the same plan.
    """

    def __init__(
        self, form: Form, options: Options, journal: Journal, clock: Clock, relaxed: Relaxed
    ) -> None:
        self._form, self._options, self._journal, self._clock = form, options, journal, clock
        self.x: Floats | None = None
        self.objective = math.inf
        self.bound = relaxed.bound
        self.proved_by = None if self.bound is None else "relaxation"
        #: Who found the best plan: the ``search``, the ``tree`` of HiGHS beside it, or ``highs`` on
        #: the whole form where the search came to nothing.
        self.found_by: str | None = None
        self.pool: list[tuple[float, Floats]] = []
        #: What to say where there is no plan.
        self.verdict: Status = "time_limit"
        free = form.integer & (form.lower < form.upper)
        self._is_small = 0 < int(free.sum()) <= FEW and milp.method(form) != "ipm"
        self._asked = False
        self._relaxed = relaxed
        self._prover: Prover | None = None
        self._heard: Floats | None = None
        journal.trace(bound=self.bound)

    def prove(self) -> None:
        """Have the bound raised from now on, where there are processors for it."""
        if self._is_small and not self._asked and self._clock.left is None:
            self._asked = True
            task = replace(root_task(self._options, None, NODES), gap=self._options.gap)
            plain = replace(self._form, curves=())
            # A call, and no search behind the plan: those are counted.
            with self._journal.stage("proof"), self._journal.call("highs", task.purpose) as record:
                found = milp.call(plain, task, Journal(), self._options)
                record.notes["status"] = found.status
            self.hear(found.bound, "root")
        if self.close:
            return
        if self._options.threads == 1:
            self._journal.figures["prover"] = "none beside the search: one thread"
        elif self._prover is None and self._form.integer.any():
            left = self._clock.left
            self._prover = Prover(
                self._form, replace(self._options, threads=1), PROOF if left is None else left,
                self._relaxed, None if left is None else self.x,
            ).start()  # fmt: skip

    def take(self, plan: Floats) -> bool:
        """Note a plan of the whole form; whether it is the best so far."""
        objective = self._form.objective(plan)
        if not any(np.array_equal(known, plan) for _, known in self.pool):
            self.pool = sorted([*self.pool, (objective, plan)], key=lambda entry: entry[0])[:POOL]
        self._journal.trace(objective)
        better = objective < self.objective
        if better:
            self.x, self.objective, self.found_by = plan, objective, "search"
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
        self.listen()
        gap = self.gap
        return gap is not None and gap <= self._options.gap

    def listen(self) -> None:
        """Hear what the prover has found by now, where the clock may have a say."""
        if self._clock.left is not None:
            self._hear_prover()

    def enough(self, cost: float) -> bool:
        """Whether the gap that was asked for is proven of a plan of that cost, or of the best."""
        self.listen()
        gap = relative_gap(min(cost, self.objective), self.bound)
        return gap is not None and gap <= self._options.gap

    def _hear_prover(self) -> None:
        if self._prover is None:
            return
        shown, met = self._prover.poll(), self._prover.plan()
        if shown is not None:
            self.hear(shown.value, shown.by)
        if met is not None and met is not self._heard:
            self._heard = met
            self._meet(met)

    def _meet(self, met: Floats) -> None:
        """Take a plan of the prover's, cleaned, if it is better."""
        if self._form.objective(met) >= self.objective:
            return
        plan, _ = milp.complete(self._form, met, self._journal, self._options.quiet,
                                self._clock.last)  # fmt: skip
        if plan is not None and self.take(plan):
            self._journal.count("tree_plans")
            self.found_by = "tree"

    def fall_back(self, why: str) -> None:
        """Nothing led to a plan: HiGHS on the whole form with the time that is left."""
        form, options, journal = self._form, self._options, self._journal
        journal.figures["fell_back"] = f"{why}; the whole form by HiGHS"
        task = highs.Task.of(options, "fall back", options.gap, self._clock.left)
        found = milp.call(form, task, journal, options, whole=True)
        self.verdict = found.status
        self.hear(found.bound, "highs")
        if found.x is not None:
            plan, _ = milp.complete(form, found.x, journal, options, self._clock.last)
            if self.take(found.x if plan is None else plan):
                self.found_by = "highs"

    def settle(self) -> None:
        """Where no time is given, let the prover end; in any case hear what it has found."""
        waits = self._clock.left is None and self.x is not None and not self.close
        if self._prover is not None and waits:
            with self._journal.stage("proof"):
                self._prover.wait(PROOF)
        self._hear_prover()

    def leave(self) -> None:
        """End the prover."""
        if self._prover is not None:
            self._prover.stop()

    def outcome(self) -> Outcome:
        """What was found and proven, with all that the journal holds."""
        self._journal.figures.update(proved_by=self.proved_by, found_by=self.found_by)
        if self.found_by == "tree":
            # Every table says so: it is no merit of whoever chooses in this route.
            self._journal.figures["fell_back"] = (
                "its last plan was found by the tree of HiGHS beside the search"
            )
        if self.x is None:
            return Outcome(self.verdict, bound=self.bound, telemetry=self._journal.telemetry())
        bound = proven(self.objective, self.bound)
        gap = relative_gap(self.objective, bound)
        status: Any = "optimal" if gap is not None and gap <= self._options.gap else "feasible"
        return Outcome(status, self.x, self.objective, bound, self.pool,
                       self._journal.telemetry())  # fmt: skip
