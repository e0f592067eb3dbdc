"""The least cost of a district under every limit of another measure, by epsilon constraints.

The ends come first (:mod:`.ends`), then limits between them where the relaxation's front bends most
(:mod:`.placing`). Each limit is planned from what is known (:mod:`.solving`) against what is proven
already (:mod:`.bounds`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError, NoPlanError, VerificationError
from citygrid.gap import relative_gap
from citygrid.routes.contract import Options, Outcome, proven
from citygrid.study.fronts.beginning import least, written
from citygrid.study.fronts.bounds import Bounds, Line
from citygrid.study.fronts.ends import best_of, least_measure_at
from citygrid.study.fronts.measures import Limited, Measure, limited, measure_of
from citygrid.study.fronts.placing import next_limit
from citygrid.study.fronts.points import SAME, Dropped, Front, Point, monotone
from citygrid.study.fronts.relaxing import Relaxation, Relaxed
from citygrid.study.fronts.solving import Found, Solver
from citygrid.verbs import verify
from citygrid.verbs.handover import plan_of

if TYPE_CHECKING:
    from citygrid.district.case import Case

#: Points that a front may have: below two it is none, beyond the last one a slip.
FEWEST, MOST = 2, 200
#: Limits at which the proven floor under the whole front is told.
FLOOR = 101
#: Room that the tightest limit leaves, relative, so that rounding does not forbid its own plan.
ROOM = 1e-7
#: Plans from either side whose integers are tried under a new limit.
NEIGHBOURS = 1


@dataclass(frozen=True)
class _Place:
    """A limit that was looked at: the relaxation there."""

    limit: float
    relaxed: Relaxed


def front(
    case: Case, of: str = "cost,carbon", points: int = 15, route: str = "milp",
    options: Options | None = None, say: Callable[[str], None] = lambda text: None,
    policies: Sequence[str | Path] = (),
) -> Front:  # fmt: skip
    """The front of a case: cost against ``carbon``, ``peak``, ``waste_heat`` or another measure.

    points
        How many limits are planned, both ends included; fewer where two have the same plan.
    options
        As any route takes them: ``gap`` is that of every point, ``time_limit`` of every search.
        A search of the route ``milp`` also ends after so many nodes (:data:`.solving.NODES`); each
        point tells its gap.
    policies
        Imposed on the form first, one after the other.

    Every point is a verified plan. Raises :class:`InputError` for a wrong measure or number,
    :class:`InfeasibleError` for a district without a plan, :class:`VerificationError` where a plan
    does not do what its row claims.
    """
    options = options or Options()
    measure = measure_of(of)
    if not FEWEST <= points <= MOST:
        raise InputError(Fault("--points", "is no number of points for a front", points,
                               f"choose {FEWEST} to {MOST}"))  # fmt: skip
    begun = time.perf_counter()
    form = written(case, route, options, say, policies)
    builder = _Builder(case, limited(form, measure), Solver(route, options, say))
    builder.ends()
    if builder.range > 0.0:
        builder.between(points)
    found = [builder.point(limit, each) for limit, each in builder.found]
    kept, dropped = monotone(found, measure)
    floor = tuple(
        (limit, bound) for limit in np.linspace(builder.tightest, builder.loosest, FLOOR).tolist()
        if (bound := builder.bounds.at(limit)) is not None
    )  # fmt: skip
    return Front(
        case.name, measure, route, options.gap, kept, (*builder.dropped, *dropped), builder.best,
        time.perf_counter() - begun, builder.solver.work.searches, floor,
    )  # fmt: skip


class _Builder:
    """A front while it is found; ``found`` holds (limit, plan), ``None`` is no limit."""

    def __init__(self, case: Case, limited: Limited, solver: Solver) -> None:
        self.case, self.limited, self.solver = case, limited, solver
        self.measure: Measure = limited.measure
        self.bounds = Bounds(limited.measure)
        self.relaxation = Relaxation(limited.form)
        self.found: list[tuple[float | None, Found]] = []
        self.dropped: list[Dropped] = []
        self.prices: dict[float, float] = {}
        self.best: float | None = None
        self.tightest = self.loosest = 0.0

    @property
    def range(self) -> float:
        """Width of the limits between the ends, in the measure's unit; 0 where both are one."""
        width = self.measure.sign * (self.loosest - self.tightest)
        return width if width > 1e-6 * max(1.0, abs(self.loosest)) else 0.0

    def ends(self) -> None:
        """Both ends: the least cost, and the least measure with the least cost that it allows."""
        say, solver, form = self.solver.say, self.solver, self.limited.form
        say("the least cost, without a limit")
        self.sharpen(0.0)
        cheapest = least(self.case, form, self.relaxation, solver)
        self.bounds.learn(None, cheapest.bound)
        if not form.curves:
            cheapest = least_measure_at(self.limited, cheapest, solver)
        cheapest = replace(cheapest, x=self.limited.settled(cheapest.x))
        self.loosest = self.limited.value(cheapest.x)
        self.found.append((None, cheapest))

        say(f"the best {self.measure.title}")
        best, self.best, line = best_of(self.limited, self.relaxation, solver, cheapest.x)
        if line is not None:
            self.bounds.lines.append(line)
        value = self.limited.value(best)
        self.tightest = value + self.measure.sign * ROOM * max(1.0, abs(value))
        if self.range:
            say(f"the least cost with {self.measure.said(self.tightest)}")
            self.plan(self.look(self.tightest), extra=(self.limited.settled(best),),
                      whole=self.solver.options.gap <= 0.0)  # fmt: skip
        # With so little room there is one point, and it is the cheapest.

    def sharpen(self, price: float) -> None:
        """Cut off what no plan does where the relaxation of cost and priced measure is.

        What is proven there is a line under the whole front. ``price`` in EUR per unit.
        """
        form, measure = self.limited.form, self.measure
        if not form.integer.any():
            return
        both = self.limited.priced(price)
        bound = self.relaxation.sharpen(both.cost, both.constant, self.solver.options)
        if bound is not None:
            self.bounds.lines.append(Line(0.0, bound, -price * measure.sign))

    # between the ends -----------------------------------------------------------------------

    def between(self, points: int) -> None:
        """Place limits where the relaxation's front bends, and plan each from its neighbours."""
        (_, free), (_, tight) = self.found
        self.solver.say("placing the limits along the front of the relaxation")
        self.sharpen(max(tight.cost - free.cost, 0.0) / self.range)
        places = [self.look(self.tightest), self.look(self.loosest)]
        order = self.place(places, points - len(self.found))
        for number, place in enumerate(order, 1):
            self.solver.say(f"point {number} of {len(order)}: {self.measure.said(place.limit)}")
            self.plan(place)
        # A plan near its bound may be worse than that of a tighter limit. Others take the places of
        # such points, below the cheapest plan's own measure, beyond which there is nothing to gain.
        for _ in range(points):
            kept = self.undominated()
            if len(kept) >= points:
                break
            below = [p for p in places if self.measure.sign * p.limit <= kept[-1]]
            more = self.place(below, 1) if len(below) > 1 else []
            if not more:
                break
            places.append(more[0])
            self.solver.say(f"point {len(kept) + 1} of {points}: "
                            f"{self.measure.said(more[0].limit)}")  # fmt: skip
            self.plan(more[0])

    def place(self, places: list[_Place], count: int) -> list[_Place]:
        """So many limits more, each where the relaxation's front bends most; added to ``places``.

        Fewer where nothing is left to divide.
        """
        order: list[_Place] = []
        for _ in range(count):
            limit = next_limit([
                (p.limit, p.relaxed.value, float(p.relaxed.duals[self.limited.row])) for p in places
            ])  # fmt: skip
            if limit is None:
                break
            order.append(self.look(limit))
            places.append(order[-1])
        return order

    def undominated(self) -> list[float]:
        """What the plans measure, less is better, that no other one is better than, sorted."""
        kept: list[float] = []
        least = 0.0
        for value, cost in sorted((self.measure.sign * self.limited.value(f.x), f.cost)
                                  for _, f in self.found):  # fmt: skip
            if not kept or cost < least - SAME * max(1.0, abs(least)):
                kept.append(value)
                least = cost
        return kept

    def look(self, limit: float) -> _Place:
        """The relaxation under a limit; its duals prove a line under the whole front."""
        form = self.limited.at(limit)
        found = self.relaxation.under(form)
        if found is None:
            raise NoPlanError(Fault("limit", "the relaxation has no solution under it, by rounding",
                                    self.measure.said(limit), "ask for a larger gap"))  # fmt: skip
        line = self.relaxation.line(self.limited.at(self.loosest), found, self.limited.row)
        if line is not None:
            self.bounds.lines.append(Line(self.loosest, *line))
        self.prices[limit] = float(found.duals[self.limited.row])
        return _Place(limit, found)

    def plan(self, place: _Place, extra: tuple[Floats, ...] = (), whole: bool = True) -> None:
        """The plan under a limit, from the plans on either side of it."""
        form, limit = self.limited.at(place.limit), place.limit
        values = [(self.measure.sign * self.limited.value(f.x), f.x) for _, f in self.found]
        values.sort(key=lambda pair: pair[0])
        own = self.measure.sign * limit
        keep = [x for value, x in values if value <= own]
        over = [x for value, x in values if value > own]
        starts = (*extra, *keep[-NEIGHBOURS:], *over[:NEIGHBOURS])
        # Off its curves a plan states too low a cost: it may be begun with, but not kept.
        keep += [] if form.curves else [*extra]
        found = self.solver.plan(
            form, self.bounds.at(limit), place.relaxed, starts, keep,
            self.measure.said(limit), whole or form.curves != (),
        )  # fmt: skip
        self.bounds.learn(limit, found.bound)
        self.found.append((limit, replace(found, x=self.limited.settled(found.x))))

    # handed out -----------------------------------------------------------------------------

    def point(self, limit: float | None, found: Found) -> Point:
        """A plan of the front as it is handed out, verified by its replay."""
        form = self.limited.form if limit is None else self.limited.at(limit)
        bound = proven(found.cost, self.bounds.at(limit))
        gap = relative_gap(found.cost, bound)
        near = gap is not None and gap <= self.solver.options.gap + 1e-9
        outcome = Outcome("optimal" if near else "feasible", found.x, found.cost, bound,
                          telemetry={"how": found.how,
                                     "seconds": {"total": found.seconds}})  # fmt: skip
        plan = plan_of(self.case, form, self.solver.route, self.solver.options, outcome)
        verdict = verify(self.case, plan)
        verdict.require()
        measured = float(verdict.kpis[self.measure.figure] or 0.0) * self.measure.per
        if limit is not None and not self.measure.keeps(measured, limit):
            raise VerificationError(Fault(
                self.measure.name, f"the row says {self.measure.said(limit)}, the replay counts",
                f"{measured:,.6g} {self.measure.unit}", "report this: it is a fault of the front",
            ))  # fmt: skip
        return Point(limit, measured, verdict.cost, bound,
                     None if limit is None else -self.measure.sign * self.prices[limit],
                     found.how, found.seconds, plan, verdict)  # fmt: skip
