"""Rounds of choosing: prices, the energy of choices, the annealer, and plans from what it chose.

A round is one course of the annealer from hot to cold, in parts. After every part the rest of the
form answers to the present choice (:mod:`.recourse`), and prices and aims go a step towards its
answer, so that what is chosen and what it costs cool together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citygrid.errors import NoPlanError
from citygrid.model.form import Floats
from citygrid.routes.contract import Clock, Positions
from citygrid.routes.hybrid.assignment import (
    beyond_cheapest,
    candidates,
    meeting,
    priced_cost,
)
from citygrid.routes.hybrid.blocks import entered, find_blocks
from citygrid.routes.hybrid.chains import find_chains
from citygrid.routes.hybrid.choosers import WHOLE, Chooser, Part
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.energy import Energy, energy, limits
from citygrid.routes.hybrid.incumbent import Incumbent
from citygrid.routes.hybrid.recourse import Recourse, Settings
from citygrid.routes.hybrid.responses import Responder

#: Rounds without a time limit, and rounds without a better plan after which the search then ends.
ROUNDS, PATIENCE = 8, 3
#: Binaries up to which they are all committed anew beside a choice, settings included.
BINARIES = 1000
#: Guesses of how far a total moves its own price, in turn: how stiff totals really are is not known
#: beforehand.
IMITATION = (1.0, 0.5, 0.25)
#: Part of the gap that is left to which a choice is committed.
FINER = 0.1
#: How far prices and aims follow an answer.
STEP = 0.15
#: How far prices follow units that are newly committed.
FOLLOW = 0.5
#: Parts of the courses, in turn, the last for all that follow: a quick one for a first plan (with
#: fewer sweeps), a patient one, and more. From the second on they begin beside the best plan,
#: between hot (0) and cold (1), with other units committed near it.
PARTS, WARM = (4, 12, 8), 0.4
#: Part of the time left that a course may take before there is a plan, and after.
FIRST_SHARE, SHARE = 0.4, 0.5
#: Part of the time left after which no further plan of a course is worked out.
PLANS = 0.05


@dataclass(frozen=True)
class Effort:
    """How much is searched: candidates, reads and sweeps of the sampler, rounds, plans a round.

    ``window``: the most candidates in one model of a dimod sampler; all at once when ``None``.
    """

    variables: int = 2500
    reads: int = 2
    sweeps: int | None = None
    rounds: int | None = None
    plans: int = 2
    window: int | None = None


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
            member = entered(shop.form, self.blocks)
            self.total = meeting(shop.form, shop.coupling, self.blocks.receiver, member)
        shop.journal.figures["blocks"] = {
            "rows": len(shop.coupling.rows), "answered": int((self.blocks.receiver >= 0).sum()),
            "chains": len(self.chains.first) - 1, "settings": self.chains.settings,
        }  # fmt: skip
        self.responder = Responder(shop.form, self.blocks, self.chains, shop.coupling)
        self.recourse = Recourse(shop, self.blocks, self.chains, member)
        #: What an option costs beyond the cheapest of its group at the prices that prove the
        #: relaxation's bound, EUR, and that bound.
        self.beyond = beyond_cheapest(
            shop.groups, priced_cost(shop.form, shop.groups, duals, shop.coupling.rows[:0])
        )
        self.proven = incumbent.bound
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
            if picker.kind == "raw":
                self.give_up()
            else:
                incumbent.fall_back("no choice allowed a plan")

    def _done(self, number: int, effort: Effort) -> bool:
        """Whether enough was tried where no clock ends the search."""
        if effort.rounds is not None:
            return number >= effort.rounds
        return self.shop.clock.left is None and (number >= ROUNDS or self.idle >= PATIENCE)

    def round(self, number: int, picker: Chooser, effort: Effort) -> None:
        """One course and plans from its end; each second one is twice as long as those before."""
        shop, incumbent = self.shop, self.incumbent
        course = Clock(shop.clock.share(FIRST_SHARE if incumbent.x is None else SHARE, 0.5))
        parts = PARTS[min(number, len(PARTS) - 1)] if picker.patient else 1
        improving = picker.patient and number > 0 and incumbent.x is not None
        best: tuple[float, Positions, Settings] | None = None
        start: Positions | None = None
        if incumbent.x is not None:
            start = shop.read(incumbent.x)
            if improving:
                self._commit(start, self._held_in(incumbent.x))
        hot = WARM if improving else 0.0
        part = -1
        while True:
            # Where time runs out, parts are left out and not the cold end.
            part = min(max(part + 1, int(course.spent * parts)), parts - 1)
            begin, end = (hot + (1.0 - hot) * edge / parts for edge in (part, part + 1))
            limit, share = shop.clock, WHOLE
            if picker.patient:
                limit = Clock(course.share(1.0 / (parts - part), 0.1))
                share = Part(begin, end, 1.0 / max(parts, PARTS[-1]))
            used = self._used(start)
            model = self._energy(number, picker, effort, used)
            choices = picker.choose(
                model, used[model.options], self._seed(number, part),
                None if start is None else np.searchsorted(model.options, start), shop.journal,
                limit, 2 ** (number // 2), share,
            )  # fmt: skip
            if part == parts - 1 or not choices:
                break
            start = model.options[choices[0]]
            settings = self._settings(model, choices[0])
            cost = self._follow(start, settings, end)
            incumbent.listen()
            if cost is not None and (best is None or cost < best[0]):
                best = cost, start, settings
        ends = [(model.options[choice], self._settings(model, choice))
                for choice in self._within_limits_first(model, choices)]  # fmt: skip
        if best is not None:
            ends.insert(1, best[1:])
        self._work_out_best(ends, picker, effort)

    def _seed(self, number: int, part: int) -> int:
        return (self.shop.options.seed * 1009 + number + 7919 * part) % (2**31 - 1)

    def _follow(self, positions: Positions, settings: Settings, cold: float) -> float | None:
        """Prices and aims go a step towards the rest's answer to a choice; what it costs there."""
        with self.shop.journal.stage("recourse"):
            answer = self.recourse.answer(positions, settings, self.prices, cold)
        if answer is None:
            return None
        self._step(answer.prices, answer.point)
        return answer.cost

    def _step(self, duals: Floats, point: Floats) -> None:
        self.prices = (1.0 - STEP) * self.prices + STEP * duals
        self.targets = (1.0 - STEP) * self.targets + STEP * self.shop.loads(point)

    def _commit(self, positions: Positions, settings: Settings) -> None:
        """Other units get schedules that suit a choice and its like, and prices follow them."""
        with self.shop.journal.stage("units"):
            prices = self.recourse.commit(positions, settings, self.prices)
        if prices is not None:
            self.prices = (1.0 - FOLLOW) * self.prices + FOLLOW * prices

    def _work_out_best(
        self, ends: list[tuple[Positions, Settings]], picker: Chooser, effort: Effort
    ) -> None:
        """Plans from the first of a course's ends that were not tried before."""
        incumbent = self.incumbent
        before, worked = incumbent.objective, 0
        enough = Clock(self.shop.clock.share(PLANS))
        for positions, settings in ends:
            if worked >= effort.plans or (incumbent.x is not None and enough.over):
                break
            key = self._key(positions)
            if key in self.tried:
                continue
            self.tried.add(key)
            worked += 1
            self._work_out(positions, settings, picker)
        improved = incumbent.objective < before - 1e-9 * abs(incumbent.objective)
        self.idle = 0 if improved else self.idle + 1

    def _energy(self, number: int, picker: Chooser, effort: Effort, used: Floats) -> Energy:
        """What choices cost at the present prices, over the options that are worth a look."""
        shop, incumbent = self.shop, self.incumbent
        groups, coupling = shop.groups, shop.coupling
        with shop.journal.stage("responses"):
            ends = limits(coupling, self.targets)
            answers = self.responder.respond(self.prices, *ends)
        priced = priced_cost(shop.form, groups, self.prices, coupling.rows)
        plain = priced_cost(shop.form, groups, self.prices, coupling.rows[:0])
        # An option that is dearer than its like by more than the plan lies above what these very
        # prices prove is in no better plan.
        allowed = np.ones(len(groups.columns), dtype=bool)
        if incumbent.x is not None and self.proven is not None:
            allowed = self.beyond <= incumbent.objective - self.proven
        budget = len(groups.columns) if picker.sampler is None else effort.variables
        options = candidates(groups, plain, used, budget, allowed)
        return energy(
            coupling, groups, options, priced, self.prices, self.targets, self.chains, answers,
            ends, self.total, IMITATION[number % len(IMITATION)],
        )  # fmt: skip

    def _used(self, start: Positions | None) -> Floats:
        """How much of an option (k) the relaxation, the best plan or the present choice takes."""
        columns, best = self.shop.groups.columns, self.incumbent.x
        used = self.relaxed[columns]
        if best is not None:
            used = np.maximum(used, best[columns])
        if start is not None:
            used = used.copy()
            used[start] = 1.0
        return used

    def _held_in(self, x: Floats) -> Settings:
        """Binaries of the blocks that the chains hold, and their values in a plan (n)."""
        blocks, chains = self.blocks, self.chains
        held = np.isin(blocks.of_column, chains.block[chains.block >= 0])
        columns = blocks.columns[held & (blocks.bit >= 0)]
        return columns, np.round(x[columns])

    def _settings(self, model: Energy, choice: Positions) -> Settings:
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

    def _work_out(self, positions: Positions, settings: Settings, picker: Chooser) -> None:
        """Work a choice out to a plan; what is ``raw`` is taken as it is or not at all."""
        shop, journal = self.shop, self.shop.journal
        journal.count("choices_valued")
        # What is left to prove of the best plan says how closely another is worth a search.
        close = FINER * (self.incumbent.gap or 0.0)
        plan, duals = shop.commit(positions, settings, close)
        freed = plan is None
        if freed:
            # Settings follow from prices and are no part of what was chosen.
            plan, duals = shop.commit(positions)
        if plan is None:
            journal.count("choices_infeasible")
            repaired = None if picker.kind == "raw" else shop.repair(positions)
            if repaired is not None:
                positions = repaired
                plan, duals = shop.commit(positions)
        if plan is None:
            journal.count("choices_without_plan")
            return
        self.incumbent.take(plan)
        if not freed and shop.binaries <= BINARIES and not shop.clock.over:
            better, more = shop.commit(positions)
            if better is not None and shop.form.objective(better) < shop.form.objective(plan):
                plan, duals = better, more
                self.incumbent.take(plan)
        # A course in parts has learnt its prices on the way, and from units that are held.
        if duals is not None and not (picker.patient and len(self.recourse.others)):
            self._step(duals, plan)

    def give_up(self) -> None:
        """No choice led to a plan, and this control has no other way to one."""
        self.incumbent.verdict = "no_plan"
        self.shop.journal.figures["message"] = "no sample allowed a plan as it was"
