"""The least cost of a district under every limit of another measure, by epsilon constraints.

The ends come first: the least cost, then at that cost the least measure; the least measure, or what
is worth a high price of it, then under it the least cost. Between them limits are placed where the
relaxation's front bends most: its value is convex in the limit and its duals are tangents, so
between two neighbours it can deviate from their chord by no more than where their tangents meet
(the sandwich of Rote, 1992). Each limit is then planned from what is known (:mod:`.solving`)
against what is proven already (:mod:`.bounds`).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.errors import (
    Fault,
    InfeasibleError,
    InputError,
    NoPlanError,
    VerificationError,
)
from citygrid.gap import relative_gap
from citygrid.model.reductions import fix
from citygrid.routes import check, check_sampler, milp
from citygrid.routes.contract import Journal, Options, Outcome, proven
from citygrid.study.fronts.bounds import Bounds, Line
from citygrid.study.fronts.measures import Limited, Measure, limited, measure_of
from citygrid.study.fronts.points import Dropped, Front, Point, monotone
from citygrid.study.fronts.solving import (
    Found,
    Relaxation,
    Relaxed,
    Solver,
    line_of,
    value_of,
)
from citygrid.verbs import explain, formulate_under, verify
from citygrid.verbs.handover import plan_of

if TYPE_CHECKING:
    from citygrid.district.case import Case

#: Points that a front may have: below two it is none, beyond the last one a slip.
FEWEST, MOST = 2, 200
#: Limits at which the proven floor under the whole front is told.
FLOOR = 101
#: Room that the tightest limit leaves, relative, so that rounding does not forbid its own plan.
ROOM = 1e-7
#: Of a gap between two limits, where the next may be placed; weight of sheer width beside a bend.
INNER, WIDTH = 0.15, 0.02
#: At the tight end one unit may cost so many times the front's average; where its corner is not.
DEAR, CORNER = 2.0, 1e-3
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
    check(route, options)
    check_sampler([route], options)
    begun = time.perf_counter()
    say("writing the form")
    form = formulate_under(case, policies)
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
        free = self.relaxation.under(form, self.limited.row)
        relaxed = None if free is None else free.x
        bound = None if free is None else value_of(form, free)
        try:
            cheapest = solver.plan(form, bound, relaxed, ())
        except InfeasibleError:
            raise explain(self.case, form) from None
        bound = _better(bound, cheapest.bound)
        if not form.curves:
            cheapest = self._least_measure_at(cheapest)
        cheapest = replace(cheapest, x=self.limited.settled(cheapest.x))
        self.loosest = self.limited.value(cheapest.x)
        self.bounds.learn(None, bound)
        self.found.append((None, cheapest))

        say(f"the best {self.measure.title}")
        best = self._best(cheapest)
        value = self.limited.value(best)
        self.tightest = value + self.measure.sign * ROOM * max(1.0, abs(value))
        if self.range:
            say(f"the least cost with {self.measure.said(self.tightest)}")
            self.plan(self.look(self.tightest), extra=(self.limited.settled(best),),
                      whole=self.solver.options.gap <= 0.0)  # fmt: skip
        # With so little room there is one point, and it is the cheapest.

    def _best(self, cheapest: Found) -> Floats:
        """The plan (n) at the tight end, from the cheapest.

        Exactly the best of the measure where every point is exact, or nothing is whole. Otherwise
        the best that is worth its cost at a price far above what the front costs on average: the
        last kg is dear, hard to prove, and asked for by nobody, while cost and measure together
        are searched as soon as the cost alone. Their bound is a line under the whole front.
        """
        solver, aim, row = self.solver, self.limited.aim, self.limited.row
        target = self.relaxation.under(aim, row)
        proof = None if target is None else value_of(aim, target)
        known = () if self.limited.form.curves else (cheapest.x,)
        price = None if target is None else self._dear(target.value)
        if solver.options.gap > 0.0 and price is not None and self.limited.form.integer.any():
            priced = replace(
                self.limited.form, cost=self.limited.form.cost + price * aim.cost,
                constant=self.limited.form.constant + price * aim.constant,
            )  # fmt: skip
            both = self.relaxation.under(priced, row)
            floor = None if both is None else value_of(priced, both)
            found = solver.plan(priced, floor, None if both is None else both.x, (cheapest.x,),
                                known)  # fmt: skip
            floor = max((b for b in (floor, found.bound) if b is not None), default=None)
            if floor is not None:
                self.bounds.lines.append(Line(0.0, floor, -price * self.measure.sign))
            x = found.x
        else:
            best = solver.plan(aim, proof, None if target is None else target.x, (cheapest.x,),
                               known)  # fmt: skip
            proof = proven(best.cost, _better(proof, best.bound))
            x = best.x
        self.best = None if proof is None else self.measure.sign * proof
        return x

    def _dear(self, least: float) -> float | None:
        """A price of the measure [EUR per unit] far above the average of the relaxation's front.

        ``least`` is the relaxation's best, as less is better; ``None`` where nothing is between.
        """
        sign = self.measure.sign
        most = sign * self.loosest
        width = most - least
        if width <= 1e-6 * max(1.0, abs(most)):
            return None
        ends = [self.relaxation.under(self.limited.at(sign * limit), self.limited.row)
                for limit in (least + CORNER * width, most)]  # fmt: skip
        if ends[0] is None or ends[1] is None:
            return None
        return DEAR * max(ends[0].value - ends[1].value, 0.0) / width or None

    def _least_measure_at(self, plan: Found) -> Found:
        """The same integers at no more cost, with the measure as good as that allows."""
        form = self.limited.form
        aim = self.limited.aim
        most = plan.cost + 1e-9 * max(1.0, abs(plan.cost)) - form.constant
        held = fix(aim, form.integer, np.round(plan.x[form.integer])).form
        row = sp.csr_array(form.cost[None, :])
        held = replace(
            held, matrix=sp.csr_array(sp.vstack([held.matrix, row], format="csr")),
            row_lower=np.append(held.row_lower, -np.inf),
            row_upper=np.append(held.row_upper, most), rows={},
        )  # fmt: skip
        x, _ = milp.complete(held, plan.x, Journal(), self.solver.options.quiet)
        if x is None or form.objective(x) > plan.cost + 1e-6 * max(1.0, abs(plan.cost)):
            return plan
        return replace(plan, x=x, cost=form.objective(x))

    # between the ends -----------------------------------------------------------------------

    def between(self, points: int) -> None:
        """Place limits where the relaxation's front bends, and plan each from its neighbours."""
        self.solver.say("placing the limits along the front of the relaxation")
        loosest = self.look(self.loosest)
        places = [self.look(self.tightest), loosest]
        order: list[_Place] = []
        while len(order) < points - len(self.found):
            limit = next_limit(
                [(p.limit, p.relaxed.value, p.relaxed.price) for p in places], self.measure
            )
            if limit is None:
                break
            place = self.look(limit)
            order.append(place)
            places.append(place)
        for number, place in enumerate(order, 1):
            self.solver.say(f"point {number} of {len(order)}: {self.measure.said(place.limit)}")
            self.plan(place)

    def look(self, limit: float) -> _Place:
        """The relaxation under a limit; its duals prove a line under the whole front."""
        form = self.limited.at(limit)
        found = self.relaxation.under(form, self.limited.row)
        if found is None:
            raise NoPlanError(Fault("limit", "the relaxation has no solution under it, by rounding",
                                    self.measure.said(limit), "ask for a larger gap"))  # fmt: skip
        line = line_of(self.limited.at(self.loosest), found, self.limited.row)
        if line is not None:
            self.bounds.lines.append(Line(self.loosest, *line))
        self.prices[limit] = found.price
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
            form, self.bounds.at(limit), place.relaxed.x, starts, keep,
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


def _better(one: float | None, other: float | None) -> float | None:
    return max((each for each in (one, other) if each is not None), default=None)


def next_limit(known: list[tuple[float, float, float]], measure: Measure) -> float | None:
    """The next limit to look at: where a convex front bends most between two that are known.

    ``known`` are (limit, value, slope). The deviation of two neighbours' chord from where their
    tangents meet is weighed against the whole range of values, with a little for sheer width, so
    that a straight front is divided evenly. ``None`` where nothing is left to divide.
    """
    known = sorted(known)
    range_ = known[-1][0] - known[0][0]
    values = [value for _, value, _ in known]
    height = max(max(values) - min(values), 1e-12)
    if range_ <= 0.0:
        return None
    best: tuple[float, float] | None = None
    for (a, va, sa), (b, vb, sb) in itertools.pairwise(known):
        width = b - a
        if width <= 1e-6 * range_:
            continue
        middle, bend = 0.5 * (a + b), 0.0
        if sb - sa > 1e-12 * max(1.0, abs(sa)):
            meet = (va - vb + sb * b - sa * a) / (sb - sa)
            meet = min(max(meet, a + INNER * width), b - INNER * width)
            chord = va + (vb - va) * (meet - a) / width
            tangent = max(va + sa * (meet - a), vb + sb * (meet - b))
            bend = max(chord - tangent, 0.0) / height
            if bend > 1e-6:
                middle = meet
        score = bend + WIDTH * (width / range_) ** 2
        if best is None or score > best[0]:
            best = (score, middle)
    return None if best is None else best[1]
