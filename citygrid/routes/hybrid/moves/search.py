"""Commitment by moves: anneal changes of an incumbent's on/off decisions, take the best, repeat.

1. A start: the given plan, or the relaxation rounded to schedules that keep minimum times, mended
   by switching what the elastic dispatch asks for (:mod:`.first_plan`).
2. Around the incumbent, the moves that look cheap at its prices are valued exactly, and with the
   pairs that meet they become a binary quadratic model (:mod:`.model`). A sampler proposes
   combinations; the best that an exact dispatch confirms is taken.
3. Where nothing improves any more, a few moves are made by lot and the search goes on from there;
   the best plan is never lost.
4. What no combination of such moves mends (three units that trade their hours at once), HiGHS
   searches in a few hours, all units free there and everything else held: first those hours in
   which the plan lies furthest above the relaxation. It is counted apart (``sub_milps``).

The control ``greedy`` takes the best single move, over and over, from the same moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from citygrid.arrays import Floats, Positions
from citygrid.errors import NoPlanError
from citygrid.model.form import Form
from citygrid.model.reductions import fix
from citygrid.model.steps import stamps, steps_of
from citygrid.routes import highs, milp, samplers
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.moves.hours import Hours
from citygrid.routes.hybrid.moves.model import MoveModel, Valued, model
from citygrid.routes.hybrid.moves.proposals import Move, compatible
from citygrid.routes.hybrid.moves.redispatch import Redispatch
from citygrid.routes.hybrid.moves.structure import Schedule, Unit, find_units
from citygrid.routes.hybrid.moves.valuing import Effort, Window, schedules_of, value

#: Who anneals where no sampler was asked for by name: the groups of the own one are not there.
ANNEALER = "neal"
#: Entries of a part of the dispatch above which windows with the rest held are cheaper.
LARGE = 20_000
#: Decisions up to which all steps are searched at once; steps of a window, and around it.
WHOLE, WINDOW, MARGIN = 1200, 24, 24
#: Gain that counts, relative to the cost.
GAIN = 1e-9
#: Distance from the best, relative to it, within which the search goes on beside another plan.
NEAR = 3e-4
#: Whether enough is proven of a plan of that cost [EUR], or of a better one that is known.
Enough = Callable[[float], bool]


def improve(
    form: Form, x: Floats, options: Options, journal: Journal, clock: Clock,
    sampler: Any = None, kind: str = "anneal", effort: Effort | None = None,
    enough: Enough = lambda cost: False, relaxed: Floats | None = None,
    duals: Floats | None = None,
) -> Floats:  # fmt: skip
    """A plan at least as good as the plan ``x`` (n), which keeps all limits of the form.

    ``sampler`` is anything with dimod's ``sample(bqm)``; left out, the one that ``options`` name.
    Where none answers any more, single moves go on. ``enough`` of the best cost so far ends it.
    Where ``relaxed`` (n) and ``duals`` (m) of the relaxation are given, HiGHS is asked first about
    the hours in which the plan lies furthest above it; by lot otherwise.
    """
    known = None if relaxed is None or duals is None else (relaxed, duals)
    search = _Search(form, x, options, journal, clock, kind, effort or Effort(), sampler, known)
    if not search.units:
        return x
    with journal.stage("moves"):
        search.run(enough)
    found, _ = milp.complete(form, search.best, journal, options, clock.last)
    better = found is not None and form.objective(found) <= form.objective(x)
    return found if better and found is not None else x


def models(
    form: Form, x: Floats, options: Options, journal: Journal, clock: Clock,
    effort: Effort | None = None,
) -> Iterator[tuple[str, MoveModel]]:  # fmt: skip
    """The models of moves around a plan ``x`` (n), one per window, which is said in words."""
    search = _Search(form, x, options, journal, clock, "greedy", effort or Effort())
    for window in search.windows if search.units else ():
        search._open(window)
        if search.dispatch.total is None:
            continue
        valued = search.value(window)
        words = "all steps"
        if window is not None and search.stamps:
            last = min(window[1], len(search.stamps)) - 1
            words = f"{search.stamps[window[0]]} to {search.stamps[last]}"
        yield words, model(search.dispatch, search.units, search.schedules, valued,
                           search.effort.pairs, search.stamps, lambda: clock.over)  # fmt: skip


class _Search:
    """The incumbent, the best plan, and the dispatch around it."""

    def __init__(
        self, form: Form, x: Floats, options: Options, journal: Journal, clock: Clock, kind: str,
        effort: Effort, sampler: Any = None, relaxed: tuple[Floats, Floats] | None = None,
    ) -> None:  # fmt: skip
        self.form, self.options, self.journal, self.clock = form, options, journal, clock
        self.kind, self.effort = kind, effort
        self.units: list[Unit] = find_units(form)
        self.best, self.cost = x.copy(), form.objective(x)
        if not self.units:
            return
        name = ANNEALER if options.sampler == samplers.OWN else options.sampler
        if sampler is None and kind != "greedy":
            extras = options.extras if options.sampler != samplers.OWN else {}
            sampler = samplers.chain(name, extras)
        self.sampler = sampler
        self.lot = np.random.default_rng(options.seed)
        self.stamps, self.steps = stamps(form), steps_of(form)
        self.dispatch = Redispatch(form, x, valued=False)
        #: Whether only the steps around a window are dispatched anew, the rest held at ``point``.
        self.wide = self.dispatch.largest > LARGE
        self.point = self.best
        self.windows = self._windows()
        if self.wide:
            self._open(self.windows[0])
        else:
            self.dispatch.restart(x)
        self.valued: list[Valued] = []
        self.calls = 0
        each = float(self.dispatch.decision.sum()) / (int(self.steps.max(initial=0)) + 1)
        self.hours = Hours(form, round(effort.free / max(each, 1.0)), self.lot, relaxed)

    def _windows(self) -> list[Window]:
        steps = int(self.steps.max(initial=-1)) + 1
        count = sum(len(unit) for unit in self.units)
        if (count <= WHOLE and not self.wide) or steps <= WINDOW:
            return [None]
        begins = range(0, max(steps - WINDOW // 2, 1), WINDOW // 2)
        return [(begin, begin + WINDOW) for begin in begins]

    def _open(self, window: Window) -> None:
        """Dispatch anew around a window, if all at once is too much."""
        if not self.wide:
            return
        first, last = window or (0, int(self.steps.max(initial=0)) + 1)
        near = (self.steps >= first - MARGIN) & (self.steps < last + MARGIN)
        self.dispatch = Redispatch(self.form, self.point, near | (self.steps < 0))

    @property
    def schedules(self) -> list[Schedule]:
        return schedules_of(self.dispatch, self.units)

    def value(self, window: Window) -> list[Valued]:
        """Moves of a window with their exact costs; a step without a dispatch counts as dear."""
        missing = 1e-3 * max(abs(self.cost), 1.0)
        return value(self.dispatch, self.units, window, self.effort, missing,
                     lambda: self.clock.over)  # fmt: skip

    def run(self, enough: Enough) -> None:
        """Descend, and begin again beside the best, until nothing improves or time is over."""
        if self.dispatch.total is None:
            return
        idle = resorts = 0
        self._descend()
        base = self.best
        while not (self.clock.over or enough(self.cost)):
            if idle >= self.effort.kicks:
                if resorts >= self.effort.neighbourhoods and self.clock.left is None:
                    break
                resorts += 1
                idle = 0
                better = self._neighbourhood() if self.effort.neighbourhoods else False
                base = self.best
            else:
                before = self.cost
                self._kick(base)
                self._descend()
                better = self._gains(self.cost - before)
                total, here = self.dispatch.total, self._here()
                near = total is not None and total <= self.cost + NEAR * abs(self.cost)
                base = here if near else self.best
            idle, resorts = (0, 0) if better else (idle + 1, resorts)

    def _gains(self, change: float) -> bool:
        return change < -GAIN * max(abs(self.cost), 1.0)

    def _descend(self) -> None:
        """Take moves while any window has some that gain; keep the best plan."""
        still = 0
        place = 0
        while still < len(self.windows) and not self.clock.over:
            still = 0 if self._round(self.windows[place % len(self.windows)]) else still + 1
            place += 1
            self._keep()
        if self.wide and not self.clock.over:
            self._settle()

    def _settle(self) -> None:
        """Dispatch all steps of the present plan anew, after windows that held the rest."""
        found, _ = milp.complete(self.form, self.point, self.journal, self.options, self.clock.left)
        if found is not None and self._gains(self.form.objective(found) - self.cost):
            self.point = found
            self._take(found, self.form.objective(found))

    def _keep(self) -> None:
        total = self.dispatch.total
        if total is not None and self._gains(total - self.cost):
            self._take(self._here(), total)

    def _take(self, best: Floats, total: float) -> None:
        self.best, self.cost = best, total
        self.hours.forget()
        self.journal.figures.setdefault("incumbents", []).append(
            {"seconds": self.journal.elapsed, "objective": total}
        )
        self.journal.trace(total)

    def _round(self, window: Window) -> bool:
        """One model, or one look at all moves; whether the incumbent got better."""
        self._open(window)
        if self.dispatch.total is None:
            # What is held around the window was found within tolerances, and is off by them.
            return False
        self.valued = self.value(window)
        self.journal.count("moves_valued", len(self.valued))
        chosen = self.valued[:1]
        change = chosen[0].change.total if chosen else 0.0
        if self.kind != "greedy" and len(self.valued) > 1:
            for taken in self._answered():
                moves = [self.valued[i] for i in taken]
                joint = self._joint([v.move for v in moves])
                if joint is not None and joint < change:
                    chosen, change = moves, joint
        if not self._gains(change):
            return False
        self._make([v.move for v in chosen])
        return True

    def _answered(self) -> list[Positions]:
        """What a sampler proposes; whoever does not answer is not asked again."""
        try:
            return self._sampled()
        except NoPlanError as unanswered:
            self.journal.figures["sampler_failed"] = str(unanswered)
            self.kind = "greedy"
            return []

    def _sampled(self) -> list[Positions]:
        """Combinations of the valued moves that a sampler finds cheap, best first."""
        problem = model(self.dispatch, self.units, self.schedules, self.valued, self.effort.pairs,
                        self.stamps, lambda: self.clock.over)  # fmt: skip
        row, column, value = problem.couplings
        bqm = samplers.model(problem.linear, (row, column, value), problem.offset)
        size = {"variables": bqm.num_variables, "couplings": bqm.num_interactions}
        self.journal.figures["move_model"] = size
        self.journal.count("pairs", problem.exact)
        self.calls += 1
        wishes: dict[str, Any] = {
            "num_reads": self.effort.reads, "num_sweeps": self.effort.sweeps,
            "seed": (self.options.seed * 1009 + self.calls) % (2**31 - 1),
            "beta_range": self._betas(problem),
        }  # fmt: skip
        with self.journal.call(samplers.title(self.sampler), "sampling"):
            found = samplers.sample(self.sampler, bqm, self.journal, self.clock.left, **wishes)
        order = np.argsort(np.array(list(found.variables)))
        states, first = np.unique(found.record.sample[:, order], axis=0, return_index=True)
        best = np.argsort(found.record.energy[first], kind="stable")[: self.effort.confirmed]
        return [np.flatnonzero(states[i]) for i in best if states[i].any()]

    def _betas(self, problem: MoveModel) -> tuple[float, float]:
        """From where a typical move is as likely as not, to where a gain that counts is frozen."""
        typical = float(np.median(np.abs(problem.linear)))
        fine = max(1e-7 * abs(problem.offset), 1e-9)
        cold = math.log(100.0) / fine
        return min(math.log(2.0) / max(typical, 1e-9), 0.1 * cold), cold

    def _joint(self, moves: list[Move]) -> float | None:
        """The exact cost of moves made together; ``None`` where they allow no plan."""
        if not moves:
            return None
        columns = np.concatenate([move.columns for move in moves])
        values = np.concatenate([move.values for move in moves])
        if len(np.unique(columns)) < len(columns):
            return None
        self.journal.count("combinations")
        change = self.dispatch.change(columns, values)
        return change.total if change is not None and change.possible else None

    def _make(self, moves: list[Move]) -> None:
        self.dispatch.apply(
            np.concatenate([move.columns for move in moves]),
            np.concatenate([move.values for move in moves]),
        )
        if self.wide:
            self.point = self.dispatch.point()

    # beside the best ----------------------------------------------------------------------------

    def _here(self) -> Floats:
        """The present plan, as far as a search needs it to begin there again."""
        return self.point if self.wide else self.dispatch.decisions.copy()

    def _plan(self) -> Floats | None:
        """The present plan in full (n); ``None`` where the decisions allow none."""
        if self.wide:
            return self.point
        return None if self.dispatch.total is None else self.dispatch.point()

    def _kick(self, base: Floats) -> None:
        """A few moves by lot beside a plan, cheap ones rather than dear ones."""
        self.journal.count("kicks")
        window = self.windows[int(self.lot.integers(len(self.windows)))]
        self.point = base
        if self.wide:
            self._open(window)
        else:
            self.dispatch.restart(base)
        possible = self.valued = [] if self.dispatch.total is None else self.value(window)
        if not possible:
            return
        costs = np.array([v.change.total for v in possible])
        scale = max(float(np.median(costs) - costs.min()), 1e-9)
        chance = np.exp(-(costs - costs.min()) / scale)
        taken: list[Move] = []
        schedules = self.schedules
        wanted = int(self.lot.integers(2, 5))
        order = self.lot.choice(len(possible), min(4 * wanted, int((chance > 0).sum())),
                                replace=False, p=chance / chance.sum())  # fmt: skip
        for place in order:
            move = possible[int(place)].move
            if len(taken) >= wanted:
                break
            both = tuple(s for each in (*taken, move) for s in each.stretches)
            if compatible(both, self.units, schedules) and self._joint([*taken, move]) is not None:
                taken.append(move)
        if taken:
            self._make(taken)

    def _neighbourhood(self) -> bool:
        """HiGHS on all decisions of some steps, the others held."""
        form = self.form
        if not self.wide:
            self.dispatch.restart(self.best)
        self.point = self.best
        first, last = self.hours.next(self._plan())
        chosen = (self.steps >= first) & (self.steps < last)
        held = self.dispatch.decision & ~chosen
        small = fix(form, np.flatnonzero(held), self.best[held]).form
        self.journal.count("sub_milps")
        task = highs.Task.of(self.options, "neighbourhood", 1e-4, self.clock.share(0.2, 1.0),
                             nodes=200)  # fmt: skip
        found = milp.call(small, task, self.journal, self.options.quiet, self.best)
        if found.x is None:
            return False
        plan, _ = milp.complete(form, found.x, self.journal, self.options, self.clock.left)
        if plan is None or not self._gains(form.objective(plan) - self.cost):
            return False
        self._take(plan, form.objective(plan))
        self.point = plan
        if not self.wide:
            self.dispatch.restart(plan)
            self._descend()
        return True
