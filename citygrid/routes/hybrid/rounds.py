"""Rounds of choosing: prices, the energy of choices, the annealer, and plans from what it chose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citygrid.errors import NoPlanError
from citygrid.model.form import Floats
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import candidates, meeting, priced_cost
from citygrid.routes.hybrid.blocks import entered, find_blocks
from citygrid.routes.hybrid.chains import find_chains
from citygrid.routes.hybrid.choosers import Chooser
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.energy import Energy, energy, limits
from citygrid.routes.hybrid.incumbent import Incumbent
from citygrid.routes.hybrid.responses import respond

#: Rounds without a time limit, and rounds without a better plan after which the search then ends.
ROUNDS, PATIENCE = 8, 3
#: Binaries up to which they are all committed anew beside a choice, settings included.
BINARIES = 1000
#: Guesses of how far a total moves its own price, in turn: how stiff totals really are is not known
#: beforehand.
IMITATION = (0.3, 1.0, 3.0)
#: How far prices and aims follow the last plan.
STEP = 0.3


@dataclass(frozen=True)
class Effort:
    """How much is searched: candidates, reads and sweeps of the sampler, rounds, plans a round."""

    variables: int = 2500
    reads: int = 4
    sweeps: int | None = None
    rounds: int | None = None
    plans: int = 2


class Rounds:
    """Prices and loads that the next round aims at, and the structure that all rounds share."""

    def __init__(
        self, shop: Workshop, incumbent: Incumbent, duals: Floats, relaxed: Floats
    ) -> None:
        self.shop, self.incumbent = shop, incumbent
        self.prices, self.relaxed = duals, relaxed
        self.targets = shop.loads(relaxed)
        with shop.journal.stage("blocks"):
            self.blocks = find_blocks(shop.form, shop.groups, shop.coupling)
            self.chains = find_chains(shop.form, self.blocks)
            self.total = meeting(shop.form, shop.coupling, self.blocks.receiver,
                                 entered(shop.form, self.blocks))  # fmt: skip
        shop.journal.figures["blocks"] = {
            "rows": len(shop.coupling.rows), "answered": int((self.blocks.receiver >= 0).sum()),
            "chains": len(self.chains.first) - 1, "settings": self.chains.settings,
        }  # fmt: skip
        self.idle = 0
        self.tried: set[bytes] = set()

    def run(self, picker: Chooser, effort: Effort) -> None:
        """Rounds until the gap is proven, the time is over, or nothing better is found."""
        clock, incumbent = self.shop.clock, self.incumbent
        number = 0
        while number == 0 or not (clock.over or incumbent.close or self._done(number, effort)):
            try:
                self.round(number, picker, effort)
            except NoPlanError as unanswered:
                # The best plan is never lost; without one, what became of the sampler is told.
                if incumbent.x is None:
                    raise
                self.shop.journal.figures["sampler_failed"] = str(unanswered)
                break
            number += 1
            if not incumbent.close:
                incumbent.prove()
            if picker.kind == "rounding":
                break
        self.shop.journal.count("rounds", number)
        if incumbent.x is None and not clock.over:
            self.give_up() if picker.kind == "raw" else incumbent.fall_back(
                "no choice allowed a plan"
            )

    def _done(self, number: int, effort: Effort) -> bool:
        """Whether enough was tried where no clock ends the search."""
        if effort.rounds is not None:
            return number >= effort.rounds
        return self.shop.clock.left is None and (number >= ROUNDS or self.idle >= PATIENCE)

    def round(self, number: int, picker: Chooser, effort: Effort) -> None:
        """One round; every second one is twice as long as the two before."""
        shop, incumbent = self.shop, self.incumbent
        model = self._energy(number, picker, effort)
        start = None
        if incumbent.x is not None:
            start = np.searchsorted(model.options, shop.read(incumbent.x))
        used = self._used()[model.options]
        seed = (shop.options.seed * 1009 + number) % (2**31 - 1)
        choices = picker.choose(model, used, seed, start, shop.journal, shop.clock,
                                2 ** (number // 2))  # fmt: skip
        before, worked = incumbent.objective, 0
        for choice in self._within_limits_first(model, choices):
            if worked >= effort.plans or (incumbent.x is not None and shop.clock.over):
                break
            positions = model.options[choice]
            key = self._key(positions)
            if key in self.tried:
                continue
            self.tried.add(key)
            worked += 1
            self._work_out(positions, self._settings(model, choice), picker.kind != "raw",
                           worked == 1)  # fmt: skip
        improved = incumbent.objective < before - 1e-9 * abs(incumbent.objective)
        self.idle = 0 if improved else self.idle + 1

    def _energy(self, number: int, picker: Chooser, effort: Effort) -> Energy:
        """What choices cost at the present prices, over the options that are worth a look."""
        shop, incumbent = self.shop, self.incumbent
        groups, coupling = shop.groups, shop.coupling
        with shop.journal.stage("responses"):
            ends = limits(coupling, self.targets)
            answers = respond(shop.form, self.blocks, self.chains, coupling, self.prices, *ends)
        priced = priced_cost(shop.form, groups, self.prices, coupling.rows)
        plain = priced_cost(shop.form, groups, self.prices, coupling.rows[:0])
        # An option that is dearer than its like by more than the gap is in no better plan.
        known = incumbent.x is not None and incumbent.bound is not None
        worth = incumbent.objective - (incumbent.bound or 0.0) if known else None
        budget = len(groups.columns) if picker.sampler is None else effort.variables
        options = candidates(groups, plain, self._used(), budget, worth)
        return energy(
            coupling, groups, options, priced, self.prices, self.targets, self.chains, answers,
            ends, self.total, IMITATION[number % len(IMITATION)],
        )  # fmt: skip

    def _used(self) -> Floats:
        """How much of every option the relaxation or the best plan takes (k)."""
        columns, best = self.shop.groups.columns, self.incumbent.x
        relaxed = self.relaxed[columns]
        return relaxed if best is None else np.maximum(relaxed, best[columns])

    def _settings(self, model: Energy, choice: Positions) -> tuple[Positions, Floats]:
        """Binaries of the blocks that the chains hold, and their values at a choice's loads."""
        blocks, chains = self.blocks, self.chains
        setting = np.full(blocks.count, -1, dtype=np.int64)
        held = chains.block >= 0
        setting[chains.block[held]] = model.settings(choice)[held]
        at = np.flatnonzero((blocks.bit >= 0) & (setting[blocks.of_column] >= 0))
        values = (setting[blocks.of_column[at]] >> blocks.bit[at]) & 1
        return blocks.columns[at], values.astype(float)

    def _key(self, positions: Positions) -> bytes:
        """What the rest of the form sees of a choice: like jobs that swap places change nothing."""
        shop = self.shop
        load = np.asarray(shop.coupling.weights[:, positions].sum(axis=1)).ravel()
        cost = shop.form.cost[shop.groups.columns[positions]].sum()
        return (np.round(np.append(load, cost), 6) + 0.0).tobytes()

    def _within_limits_first(self, model: Energy, choices: list[Positions]) -> list[Positions]:
        """Choices that overrun no limit before those that do, each best first."""
        over = np.array([model.overrun(choice).any() for choice in choices], dtype=bool)
        self.shop.journal.count("choices", len(choices))
        self.shop.journal.count("choices_within_limits", int((~over).sum()))
        return [choices[i] for i in np.argsort(over, kind="stable")]

    def _work_out(
        self, positions: Positions, settings: tuple[Positions, Floats], mend: bool, aim: bool
    ) -> None:
        """Work a choice out to a plan; with ``aim`` its prices and loads are the next aims."""
        shop, journal = self.shop, self.shop.journal
        journal.count("choices_valued")
        plan, duals = shop.commit(positions, settings)
        if plan is None:
            journal.count("choices_infeasible")
            if mend:
                plan, duals, positions = self._mended(positions)
        if plan is None:
            journal.count("choices_without_plan")
            return
        self.incumbent.take(plan)
        if shop.binaries <= BINARIES and not shop.clock.over:
            better, more = shop.commit(positions)
            if better is not None and shop.form.objective(better) < shop.form.objective(plan):
                plan, duals = better, more
                self.incumbent.take(plan)
        if aim and duals is not None:
            self.prices = (1.0 - STEP) * self.prices + STEP * duals
            self.targets = (1.0 - STEP) * self.targets + STEP * shop.loads(plan)

    def _mended(self, positions: Positions) -> tuple[Floats | None, Floats | None, Positions]:
        """The plan of a choice whose settings allow none: with others, or some groups moved."""
        plan, duals = self.shop.commit(positions)
        if plan is None:
            repaired = self.shop.repair(positions)
            if repaired is not None:
                positions = repaired
                plan, duals = self.shop.commit(positions)
        return plan, duals, positions

    def give_up(self) -> None:
        """No choice led to a plan, and this control has no other way to one."""
        self.incumbent.verdict = "no_plan"
        self.shop.journal.figures["message"] = "no sample allowed a plan as it was"
