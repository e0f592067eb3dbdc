"""Prices from the relaxation, discrete choices from an annealer, everything else exact.

1. The LP relaxation gives a bound, a point and the prices of all rows. A prover raises the bound in
   a process beside the search (:mod:`citygrid.routes.bounds.prover`).
2. Priced by these, what stands behind every load answers at least cost, settings of its binaries
   and their changes from hour to hour included (:mod:`.responses`, :mod:`.chains`).
3. The one-hot groups of the form (which start each job takes) are chosen by the annealer, a sampler
   of binary quadratic models, or a control in its place (:mod:`.choosers`).
4. The best choices are worked out with the settings that follow from them: what is left of the
   binaries is a small search by HiGHS, counted and shown apart, then one LP over all rows gives the
   plan; a choice that allows none is mended (:mod:`.commitment`).
5. Prices and loads of the plan, averaged with the old ones, make the next round's energy.

The best plan and the bound are never lost. Without a time limit the same seed gives the same plan.
A form without groups has nothing to assign: its units are committed by moves (:mod:`.move_search`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp, samplers
from citygrid.routes.bounds.prover import Prover
from citygrid.routes.contract import (
    Clock,
    Journal,
    Options,
    Outcome,
    Positions,
    Status,
    proven,
    relative_gap,
)
from citygrid.routes.hybrid.assignment import (
    candidates,
    find_coupling,
    find_groups,
    meeting,
    priced_cost,
)
from citygrid.routes.hybrid.blocks import entered, find_blocks
from citygrid.routes.hybrid.chains import find_chains
from citygrid.routes.hybrid.choosers import Chooser
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.energy import OVERRUN, Energy, energy, limits
from citygrid.routes.hybrid.responses import respond

#: Nonzeros above which interior point without crossover prices faster than simplex.
LARGE = 60_000
#: Rounds without a time limit, and rounds without a better plan after which the search then ends.
ROUNDS, PATIENCE = 8, 3
#: Rounds under a time limit: as many as it allows.
ENDLESS = 10_000
#: Seconds that a prover may work where no time limit is given.
PROOF = 60.0

#: Largest number that makes sense for any effort.
MOST = 1_000_000
#: Binaries up to which they are all committed anew beside a choice, settings included.
BINARIES = 1000
#: Guesses of how far a total moves its own price, in turn: how stiff totals really are is not known
#: beforehand.
IMITATION = (0.3, 1.0, 3.0)
#: How far prices and aims follow the last plan.
STEP = 0.3

#: What a user may set; ``None`` depends on the rest.
_DEFAULTS: dict[str, int | None] = {
    "variables": 2500, "reads": 4, "sweeps": None, "rounds": None, "plans": 2,
}  # fmt: skip


def solve(form: Form, options: Options, chooser: str = "anneal") -> Outcome:
    """Solve the form by prices, annealing and exact completion.

    ``chooser`` is ``anneal`` or a control in its place: ``random``, ``greedy``, ``rounding``,
    ``raw``. ``options.extras`` may set ``variables``, ``reads``, ``sweeps``, ``rounds`` and
    ``plans``, and with the prefix ``sampler.`` what the sampler takes.
    """
    effort = check(options)
    journal, clock = Journal(options.progress), Clock(options.time_limit)
    journal.figures["chooser"] = chooser
    journal.figures["sampler"] = options.sampler if chooser in ("anneal", "raw") else None
    groups = find_groups(form)
    journal.figures.update(groups=len(groups), options=len(groups.columns))
    if not len(groups):
        return _without_groups(form, options, journal)
    large = form.matrix.nnz > LARGE
    method = "ipm" if large else "choose"
    journal.figures["pricing"] = "interior point" if large else "simplex"
    relaxed, duals, reduced = milp.relaxation(
        form, options, journal, method, clock.share(0.7), crossover=not large
    )
    if relaxed.x is None or duals is None or reduced is None:
        return Outcome(relaxed.status, telemetry=journal.telemetry())
    with journal.stage("coupling"):
        coupling = find_coupling(form, groups)
    shop = Workshop(form, groups, coupling, options, journal, clock, method)
    seconds = PROOF if clock.left is None else clock.left
    prover = Prover(form, options, seconds, (relaxed.x, relaxed.bound))
    beside = options.threads != 1 and form.integer.any()
    if beside and large:
        prover.start()
    try:
        search = _Search(shop, duals, relaxed.x, relaxed.bound, prover)
        picker = Chooser.named(
            chooser, options.sampler, effort.reads, effort.sweeps,
            _tolerance(options.gap, relaxed.objective, len(groups)), options.threads,
            options.extras,
        )  # fmt: skip
        rounds = effort.rounds or (ROUNDS if clock.left is None else ENDLESS)
        for number in range(1 if chooser == "rounding" else rounds):
            if number and (clock.over or search.done):
                break
            search.round(number, picker, effort)
            if beside and not prover.running and number == 0 and not (large or search.done):
                prover.start()
        if search.best is None and not clock.over:
            search.give_up() if chooser == "raw" else search.fall_back()
        search.wait()
    finally:
        prover.stop()
    return search.outcome()


class _Search:
    """The best plan so far, and the prices and loads that the next round aims at."""

    def __init__(
        self, shop: Workshop, duals: Floats, relaxed: Floats, bound: float | None, prover: Prover
    ) -> None:
        self.shop, self.bound, self.prover = shop, bound, prover
        self.proved_by = None if bound is None else "relaxation"
        self.prices, self.relaxed = duals, relaxed
        self.targets = shop.loads(relaxed)
        with shop.journal.stage("blocks"):
            self.blocks = find_blocks(shop.form, shop.groups, shop.coupling)
            self.chains = find_chains(shop.form, self.blocks)
            self.total = meeting(shop.form, shop.coupling, self.blocks.receiver,
                                 entered(shop.form, self.blocks))  # fmt: skip
        taken = int((self.blocks.receiver >= 0).sum())
        shop.journal.figures["blocks"] = {
            "tabulated": taken, "rows": len(shop.coupling.rows),
            "chains": len(self.chains.first) - 1, "settings": self.chains.settings,
        }  # fmt: skip
        self.best: Floats | None = None
        self.objective = math.inf
        self.idle = 0
        self.pool: list[tuple[float, Floats]] = []
        self.tried: set[bytes] = set()
        shop.journal.trace(bound=bound)

    @property
    def done(self) -> bool:
        """Whether the gap is reached or, where no clock ends the search, nothing more is found."""
        if self.shop.clock.left is not None:
            # What a prover has shown by now depends on the clock, and so may all that follows.
            self._hear()
        elif self.idle >= PATIENCE:
            return True
        gap = relative_gap(self.objective, self.bound) if self.best is not None else None
        return gap is not None and gap <= self.shop.options.gap

    def _hear(self) -> None:
        """Take over what the prover has shown so far."""
        shown = self.prover.poll()
        if shown is not None and (self.bound is None or shown.value > self.bound):
            self.bound, self.proved_by = shown.value, shown.by
            self.shop.journal.trace(bound=self.bound)

    def wait(self) -> None:
        """Leave the prover the time that is left to it, where the gap is not yet proven."""
        gap = relative_gap(self.objective, self.bound) if self.best is not None else None
        if self.shop.clock.left is None and gap is not None and gap > self.shop.options.gap:
            self.prover.wait(PROOF)
        self._hear()
        self.shop.journal.figures["proved_by"] = self.proved_by

    def round(self, number: int, picker: Chooser, effort: Effort) -> None:
        shop, groups = self.shop, self.shop.groups
        coupling = shop.coupling
        with shop.journal.stage("responses"):
            ends = limits(coupling, self.targets)
            answers = respond(shop.form, self.blocks, self.chains, coupling, self.prices, *ends)
        priced = priced_cost(shop.form, groups, self.prices, coupling.rows)
        plain = priced_cost(shop.form, groups, self.prices, coupling.rows[:0])
        used = np.maximum(self.relaxed[groups.columns],
                          0.0 if self.best is None else self.best[groups.columns])  # fmt: skip
        worth = None if self.best is None or self.bound is None else self.objective - self.bound
        budget = len(groups.columns) if picker.sampler is None else effort.variables
        options = candidates(groups, plain, used, budget, worth)
        start = None if self.best is None else np.searchsorted(options, shop.read(self.best))
        imitation = IMITATION[number % len(IMITATION)]
        model = energy(coupling, groups, options, priced, self.prices, self.targets,
                       self.chains, answers, ends, self.total, imitation)  # fmt: skip
        seed = (shop.options.seed * 1009 + number) % (2**31 - 1)
        choices = picker.choose(model, used[options], seed, start, shop.journal, shop.clock,
                                2 ** (number // 2))  # fmt: skip
        choices = self._within_limits_first(model, choices)
        before, worked = self.objective, 0
        for choice in choices:
            if worked >= effort.plans or (self.best is not None and shop.clock.over):
                break
            key = self._key(options[choice])
            if key in self.tried:
                continue
            self.tried.add(key)
            worked += 1
            self._commit(options[choice], self._settings(model, choice), picker.kind != "raw",
                         worked == 1)  # fmt: skip
        improved = self.objective < before - 1e-9 * abs(self.objective)
        self.idle = 0 if improved else self.idle + 1

    def _settings(self, model: Energy, choice: Positions) -> tuple[Positions, Floats]:
        """Binaries of the blocks that the chains hold, and their values at a choice's loads."""
        blocks, chains = self.blocks, self.chains
        setting = np.full(blocks.count, -1, dtype=np.int64)
        held = chains.block >= 0
        setting[chains.block[held]] = model.settings(choice)[held]
        at = np.flatnonzero((blocks.bit >= 0) & (setting[blocks.of_column] >= 0))
        values = (setting[blocks.of_column[at]] >> blocks.bit[at]) & 1
        return blocks.columns[at], values.astype(float)

    def _fresh(self, choices: list[Positions]) -> list[Positions]:
        """Those not tried yet, of equal ones the first."""
        first = {self._key(positions): positions for positions in reversed(choices)}
        keys = dict.fromkeys(map(self._key, choices))
        return [first[key] for key in keys if key not in self.tried]

    def _key(self, positions: Positions) -> bytes:
        """What the rest of the form sees of a choice: like jobs that swap places change nothing."""
        shop = self.shop
        load = np.asarray(shop.coupling.weights[:, positions].sum(axis=1)).ravel()
        cost = shop.form.cost[shop.groups.columns[positions]].sum()
        return (np.round(np.append(load, cost), 6) + 0.0).tobytes()

    def _within_limits_first(self, model: Energy, choices: list[Positions]) -> list[Positions]:
        """Choices that overrun no limit before those that do, each best first."""
        over = np.array([self._overruns(model, choice) for choice in choices], dtype=bool)
        self.shop.journal.count("choices", len(choices))
        self.shop.journal.count("choices_within_limits", int((~over).sum()))
        return [choices[i] for i in np.argsort(over, kind="stable")]

    def _overruns(self, model: Energy, choice: Positions) -> bool:
        load = np.asarray(model.weights[:, choice].sum(axis=1)).ravel()
        coupling = self.shop.coupling
        return bool(((load > coupling.most + OVERRUN) | (load < coupling.least - OVERRUN)).any())

    def _commit(
        self, positions: Positions, settings: tuple[Positions, Floats], mend: bool, aim: bool
    ) -> None:
        """Work a choice out to a plan; with ``aim`` its prices and loads are the next aims."""
        shop, journal = self.shop, self.shop.journal
        journal.count("choices_valued")
        plan, duals = shop.commit(positions, settings)
        if plan is None:
            journal.count("choices_infeasible")
            if not mend:
                return
            plan, duals = shop.commit(positions)
            if plan is None:
                repaired = shop.repair(positions)
                if repaired is not None:
                    positions = repaired
                    plan, duals = shop.commit(positions)
        if plan is None:
            journal.count("choices_without_plan")
            return
        self._take(plan)
        binaries = shop.binaries
        if binaries <= BINARIES and not shop.clock.over:
            better, more = shop.commit(positions)
            if better is not None and shop.form.objective(better) < shop.form.objective(plan):
                plan, duals = better, more
                self._take(plan)
        if aim and duals is not None:
            self.prices = (1.0 - STEP) * self.prices + STEP * duals
            self.targets = (1.0 - STEP) * self.targets + STEP * shop.loads(plan)

    def _take(self, plan: Floats) -> None:
        objective = self.shop.form.objective(plan)
        self.pool = sorted([*self.pool, (objective, plan)], key=lambda entry: entry[0])[:5]
        self.shop.journal.trace(objective, self.bound)
        if objective < self.objective:
            self.best, self.objective = plan, objective

    def fall_back(self) -> None:
        """No choice led to a plan: HiGHS on the whole form with the time that is left."""
        shop = self.shop
        shop.journal.figures["fell_back"] = "no choice allowed a plan; the whole form by HiGHS"
        task = highs.Task.of(shop.options, "fall back", shop.options.gap, shop.clock.left)
        found = milp.call(shop.form, task, shop.journal, shop.options)
        self.verdict = found.status
        if found.x is None:
            return
        plan, _ = milp.complete(shop.form, found.x, shop.journal, shop.options)
        self.best = found.x if plan is None else plan
        self.objective = shop.form.objective(self.best)
        self.pool = [(self.objective, self.best)]
        if found.bound is not None:
            self.bound = max(found.bound, self.bound or -math.inf)

    def give_up(self) -> None:
        """No choice led to a plan, and this control has no other way to one."""
        self.verdict = "no_plan"
        self.shop.journal.figures["message"] = "no sample allowed a plan as it was"

    verdict: Status = "time_limit"

    def outcome(self) -> Outcome:
        journal, options = self.shop.journal, self.shop.options
        counts = journal.counts
        if counts.get("samples"):
            # The package's own annealer cannot leave a group, so the figure says little of it.
            journal.figures["one_hot_rate"] = counts["samples_valid"] / counts["samples"]
        if counts.get("choices_valued"):
            # Choices that allowed a plan as they were sampled, before any repair.
            infeasible = counts.get("choices_infeasible", 0)
            journal.figures["feasibility_rate"] = 1.0 - infeasible / counts["choices_valued"]
        if counts.get("choices"):
            journal.figures["within_limits_rate"] = (
                counts["choices_within_limits"] / counts["choices"]
            )
        if self.best is None:
            return Outcome(self.verdict, bound=self.bound, telemetry=journal.telemetry())
        bound = proven(self.objective, self.bound)
        gap = relative_gap(self.objective, bound)
        status: Any = "optimal" if gap is not None and gap <= options.gap else "feasible"
        return Outcome(status, self.best, self.objective, bound, self.pool, journal.telemetry())


def _without_groups(form: Form, options: Options, journal: Journal) -> Outcome:
    """Nothing to anneal: the binaries, if any, are decided by HiGHS, and the telemetry says so."""
    outcome = milp.solve(form, replace(options, extras={}))
    note = {
        **journal.figures,
        "fell_back": "nothing to choose, no one-hot groups; the whole form by HiGHS",
    }
    return replace(outcome, telemetry={**outcome.telemetry, **note})


def _tolerance(gap: float, objective: float | None, groups: int) -> float:
    """EUR that one group may cost too much while the plan as a whole stays within the gap."""
    return max(gap * abs(objective or 1.0) / groups, 1e-6)


@dataclass(frozen=True)
class Effort:
    """How much is searched: candidates, reads and sweeps of the sampler, rounds, plans a round."""

    variables: int
    reads: int
    sweeps: int | None
    rounds: int | None
    plans: int


def check(options: Options) -> Effort:
    """The effort that the options ask for. Raises :class:`InputError` where there is no such thing.

    The sampler must exist, and the further options must be ours.
    """
    effort = dict(_DEFAULTS)
    own = options.sampler == samplers.OWN
    faults = []
    for name, text in options.extras.items():
        if name.startswith(samplers.PREFIX):
            if own:
                faults.append(Fault(f"--set {name}", "hybrid's own annealer has no such option",
                                    text, "set reads or sweeps, or name a sampler"))  # fmt: skip
        elif name not in effort:
            faults.append(Fault(f"--set {name}", "hybrid has no such option", text,
                                f"choose one of {', '.join(effort)}"))  # fmt: skip
        elif not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
            faults.append(Fault(f"--set {name}", "expected a whole number of at least 1", text,
                                f"write one of at most {MOST:,}"))  # fmt: skip
        else:
            effort[name] = int(text)
    try:
        samplers.chain(options.sampler, {} if own else options.extras)
    except InputError as refused:
        faults += refused.faults
    if faults:
        raise InputError(faults)
    return Effort(**effort)  # type: ignore[arg-type]
