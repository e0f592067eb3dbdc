"""Prices from the relaxation, discrete choices from an annealer, everything else exact.

1. The LP relaxation gives a bound, a point and the prices of all rows.
2. Priced by these, the one-hot groups of the form (which start each job takes) become a binary
   quadratic model, see :mod:`citygrid.routes.hybrid.assignment`.
3. A sampler, or a control in its place, chooses; samples are decoded to one option per group.
4. The best choices are valued by an LP, repaired where they allow no plan, and the remaining
   binaries are decided by HiGHS (:mod:`citygrid.routes.hybrid.commitment`).
5. Prices and loads of the best plan, averaged with the old ones, make the next round's model.

The best plan and the bound are never lost. Without a time limit the same seed gives the same plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from citygrid.errors import Fault, InputError, NoPlanError
from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp, samplers
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
from citygrid.routes.hybrid.choosers import Chooser
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.energy import OVERRUN, Energy, axes, energy
from citygrid.routes.hybrid.responses import POINTS, entered, find_blocks, tabulate

#: Nonzeros above which interior point without crossover prices faster than simplex.
LARGE = 60_000
#: Rounds without a time limit, and rounds without a better plan after which the search ends.
ROUNDS, PATIENCE = 4, 3
#: Rounds under a time limit: as many as it allows.
ENDLESS = 10_000

#: Largest number that makes sense for any effort.
MOST = 1_000_000
#: Binaries that may be committed in a round beyond those of its best choice.
BINARIES = 1000
#: Guesses of how far a total moves its own price, in turn.
IMITATION = (2.0, 10.0, 0.5, 30.0)

#: What a user may set; ``None`` depends on the rest.
_DEFAULTS: dict[str, int | None] = {
    "variables": 2500, "reads": 12, "sweeps": None, "rounds": None, "plans": 2,
}  # fmt: skip


def solve(form: Form, options: Options, chooser: str = "anneal") -> Outcome:
    """Solve the form by prices, annealing and exact completion.

    ``chooser`` is ``anneal`` or a control in its place: ``random``, ``greedy``, ``rounding``,
    ``raw``. ``options.extras`` may set ``variables``, ``reads``, ``sweeps``, ``rounds`` and
    ``plans``.
    """
    effort = check(options)
    journal, clock = Journal(), Clock(options.time_limit)
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
    bound = relaxed.bound
    with journal.stage("coupling"):
        coupling = find_coupling(form, groups)
    shop = Workshop(form, groups, coupling, options, journal, clock, method)
    search = _Search(shop, duals, relaxed.x, bound)
    search.know_commitment()
    picker = Chooser.named(
        chooser, options.sampler, effort.reads, effort.sweeps,
        _tolerance(options.gap, relaxed.objective, len(groups)), options.threads, options.extras,
    )  # fmt: skip
    rounds = effort.rounds or (ROUNDS if clock.left is None else ENDLESS)
    for number in range(1 if chooser == "rounding" else rounds):
        if number and (clock.over or search.done):
            break
        try:
            search.round(number, picker, effort)
        except NoPlanError as unanswered:
            # The best plan is never lost; without one, what became of the sampler is the answer.
            if search.best is None:
                raise
            journal.figures["sampler_failed"] = str(unanswered)
            break
    if search.best is None and not clock.over:
        search.give_up() if chooser == "raw" else search.fall_back()
    return search.outcome()


class _Search:
    """The best plan so far, and the prices and loads that the next round aims at."""

    def __init__(self, shop: Workshop, duals: Floats, relaxed: Floats, bound: float | None) -> None:
        self.shop, self.bound = shop, bound
        self.prices, self.relaxed = duals, relaxed
        self.targets = shop.loads(relaxed)
        with shop.journal.stage("blocks"):
            self.blocks = find_blocks(shop.form, shop.groups, shop.coupling)
            self.total = meeting(shop.form, shop.coupling, self.blocks.receiver,
                                 entered(shop.form, self.blocks))  # fmt: skip
        taken = int((self.blocks.receiver >= 0).sum())
        shop.journal.figures["blocks"] = {"tabulated": taken, "rows": len(shop.coupling.rows)}
        self.best: Floats | None = None
        self.near: Floats | None = None
        self.objective = math.inf
        self.idle = 0
        self.pool: list[tuple[float, Floats]] = []
        self.tried: set[bytes] = set()

    def know_commitment(self) -> None:
        """Take prices, loads and bound from a relaxation that keeps the other binaries whole."""
        point, duals, bound = self.shop.relax_choices()
        if bound is not None:
            self.bound = max(bound, -math.inf if self.bound is None else self.bound)
        if point is not None and duals is not None:
            self.prices, self.relaxed, self.near = duals, point, point
            self.targets = self.shop.loads(point)

    @property
    def done(self) -> bool:
        gap = relative_gap(self.objective, self.bound) if self.best is not None else None
        return self.idle >= PATIENCE or (gap is not None and gap <= self.shop.options.gap)

    def round(self, number: int, picker: Chooser, effort: Effort) -> None:
        shop, groups = self.shop, self.shop.groups
        coupling = shop.coupling
        with shop.journal.stage("tables"):
            first, step = axes(coupling, self.targets, POINTS)
            table = tabulate(shop.form, self.blocks, coupling, self.prices, first, step, self.near)
        priced = priced_cost(shop.form, groups, self.prices, coupling.rows)
        plain = priced_cost(shop.form, groups, self.prices, coupling.rows[:0])
        used = np.maximum(self.relaxed[groups.columns],
                          0.0 if self.best is None else self.best[groups.columns])  # fmt: skip
        worth = None if self.best is None or self.bound is None else self.objective - self.bound
        budget = len(groups.columns) if picker.sampler is None else effort.variables
        options = candidates(groups, plain, used, budget, worth)
        start = None if self.best is None else np.searchsorted(options, shop.read(self.best))

        # How stiff totals really are is not known beforehand: every round tries another guess.
        imitation = IMITATION[number % len(IMITATION)]

        model = energy(coupling, groups, options, priced, self.prices, self.targets,
                       (first, step, table), self.total, imitation)  # fmt: skip
        seed = (shop.options.seed * 1009 + number) % (2**31 - 1)
        choices = picker.choose(model, used[options], seed, start, shop.journal, shop.clock)
        choices = self._within_limits_first(model, choices)
        fresh = self._fresh([options[choice] for choice in choices])
        # Where little is left to commit, the choice that looks best need not be taken on trust.
        cheap = min(BINARIES // max(shop.binaries, 1), effort.reads)
        fresh = fresh[: max(effort.plans, cheap)]
        self.tried.update(map(self._key, fresh))
        ranked = [self._valued(positions, picker.kind != "raw") for positions in fresh]
        plans = sorted((r for r in ranked if r is not None), key=lambda r: r[0])
        before = self.objective
        for value, positions in plans[: max(1, cheap)]:
            # A value is a bound of its plans: other binaries are relaxed in it.
            if self.best is None or value < self.objective:
                self._commit(positions)
        self.idle = 0 if self.objective < before * (1.0 - 1e-9 * math.copysign(1, before)) else (
            self.idle + 1
        )  # fmt: skip

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

    def _valued(self, positions: Positions, mend: bool) -> tuple[float, Positions] | None:
        value, _ = self.shop.value(positions)
        self.shop.journal.count("choices_valued")
        if value is None:
            self.shop.journal.count("choices_infeasible")
            repaired = self.shop.repair(positions) if mend else None
            if repaired is None:
                return None
            positions = repaired
            value, _ = self.shop.value(positions)
        return None if value is None else (value, positions)

    def _commit(self, positions: Positions) -> None:
        plan, duals = self.shop.commit(positions)
        if plan is None:
            self.shop.journal.count("choices_without_plan")
            return
        objective = self.shop.form.objective(plan)
        self.pool = sorted([*self.pool, (objective, plan)], key=lambda entry: entry[0])[:5]
        if duals is not None:
            self.prices = 0.5 * (self.prices + duals)
            self.targets = 0.5 * (self.targets + self.shop.loads(plan))
        if objective < self.objective:
            self.best, self.objective, self.near = plan, objective, plan
            self.shop.journal.figures.setdefault("incumbents", []).append(
                {"seconds": self.shop.journal.elapsed, "objective": objective}
            )
            self._tell()

    def _tell(self) -> None:
        progress = self.shop.options.progress
        if progress is not None:
            progress({"seconds": self.shop.journal.elapsed, "objective": self.objective,
                      "bound": self.bound})  # fmt: skip

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
