"""A plan under a limit within the gap of what is proven, by as little work as that takes.

From the cheapest to the dearest, and no further than is needed:

1. the relaxation under the limit, from the last one's basis: a point, and a line under the front;
2. plans that are known and keep the limit;
3. the integers of the nearest plans held, the rest dispatched anew: one linear programme each;
4. the integers held in which the best of these agrees with the relaxation or with all its
   neighbours, the rest searched; then those in which it agrees with the relaxation alone;
5. the whole search: without a plan from nothing; with one for what is cheaper by more than the gap,
   in which all integers are held whose other value costs more by the relaxation's reduced costs.
   Where it finds nothing, the gap is proven.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.errors import Fault, InfeasibleError, NoPlanError
from citygrid.gap import relative_gap
from citygrid.model.form import Form
from citygrid.model.reductions import fix
from citygrid.routes import highs, milp
from citygrid.routes import solve as run_route
from citygrid.routes.bounds.front import Relaxed as Proof
from citygrid.routes.bounds.front import decided
from citygrid.routes.bounds.root import NO_PLANS
from citygrid.routes.contract import Journal, Options, proven
from citygrid.routes.highs import Task
from citygrid.study.fronts.relaxing import Relaxed

#: A column of the relaxation this near to a whole number agrees with a plan's integer.
WHOLE = 1e-6
#: Share of the gap that a search of a part leaves to itself, and nodes after which it is given up.
PART_GAP, PART_NODES = 0.3, 20
#: Nodes after which a whole search is given up and the gap told as it is: near the best that a
#: measure can be, relaxations prove little, and a search would take hours for a point of twenty.
NODES = 50
#: Share of the integers that must be held for a part to be a part, and integers left in it at most:
#: with more of them it takes as long as the whole.
HELD, LEFT = 0.5, 1000
#: A plan within so many gaps of the bound is a good one: what a search then lacks is the proof.
GOOD = 3.0


@dataclass
class Work:
    """What finding plans took: relaxations, dispatches with integers held, parts, searches."""

    relaxations: int = 0
    held: int = 0
    parts: int = 0
    searches: int = 0


@dataclass(frozen=True)
class Found:
    """A plan (n), its cost [EUR], what its search proved, and what it took."""

    x: Floats
    cost: float
    bound: float | None
    how: str
    seconds: float


@dataclass
class Solver:
    """Finds plans of forms that differ in one limit; ``options`` as any route takes them."""

    route: str
    options: Options
    say: Callable[[str], None] = lambda text: None
    work: Work = field(default_factory=Work)
    nodes: int | None = NODES
    #: Distance of cost and bound that is near enough, whatever their size.
    close: float = 0.0

    def near(self, cost: float, bound: float | None, times: float = 1.0) -> bool:
        """Whether a cost is within so many times the gap of a bound."""
        gap = relative_gap(cost, bound)
        if gap is not None and gap <= times * self.options.gap + 1e-9:
            return True
        return bound is not None and cost - bound <= times * self.close

    def plan(
        self, form: Form, bound: float | None, relaxed: Relaxed | None, starts: Sequence[Floats],
        known: Sequence[Floats] = (), limit: str = "", whole: bool = True, afresh: bool = False,
    ) -> Found:  # fmt: skip
        """The plan of a form from what is known.

        bound
            Proven lower bound of its cost [EUR].
        relaxed
            Its relaxation.
        starts, known
            Plans (n) whose integers may be near; plans that keep every limit of this form.
        limit
            The limit in words, for messages.
        whole
            Whether the whole may be searched where a plan is known that is not near enough.
        afresh
            Whether that search is for plans more than for a proof: where costs are others than
            those for which the known plans were found, there are better ones.

        Raises :class:`InfeasibleError` where no plan keeps the limit and :class:`NoPlanError` where
        none was found.
        """
        begun = time.perf_counter()
        best: Floats | None = min(known, key=form.objective, default=None)
        how = "known"

        def found(bound: float | None = None) -> Found:
            assert best is not None
            return Found(best, form.objective(best), bound, how, time.perf_counter() - begun)

        if not form.curves:
            for start in starts:
                x = self.dispatch(form, start)
                if x is not None and (best is None or form.objective(x) < form.objective(best)):
                    best, how = x, "held"
            if best is not None and self.near(form.objective(best), bound):
                return found()
            if self.route == "milp" and best is not None and relaxed is not None:
                for same in self.parts(form, best, relaxed, starts):
                    x = self.part(form, best, relaxed, bound, same)
                    if x is not None and form.objective(x) < form.objective(best):
                        best, how = x, "part"
                    if self.near(form.objective(best), bound):
                        return found()
        if best is not None and not whole:
            return found()
        x, proof, status = self.search(form, best, bound, None if afresh else relaxed)
        if x is not None and (best is None or form.objective(x) < form.objective(best)):
            best, how = x, "search"
        if best is None:
            if status == "infeasible":
                raise InfeasibleError(Fault("limit", "no plan keeps it", limit or None, "widen it"))
            raise NoPlanError(Fault(f"route {self.route}", "found no plan under a limit",
                                    limit or None, "allow more time or a larger gap"))  # fmt: skip
        return found(proof)

    def dispatch(self, form: Form, x: Floats) -> Floats | None:
        """The best plan with the integers of another; ``None`` where they allow none."""
        self.work.held += 1
        found, _ = milp.complete(form, x, Journal(), self.options.quiet)
        return found

    def parts(
        self, form: Form, best: Floats, relaxed: Relaxed, starts: Sequence[Floats]
    ) -> Iterator[Flags]:
        """Which integers (n) to hold as ``best`` has them, the smaller search first.

        Between two plans of a front lie mostly those that take some things from one and some from
        the other; where both have the same, and where the relaxation agrees, little is to be won.
        """
        whole, count = form.integer, int(form.integer.sum())
        agreed = whole & (np.abs(relaxed.x - np.round(best)) <= WHOLE)
        common = whole & np.all([np.round(start) == np.round(best) for start in starts], axis=0)
        held = agreed | common if len(starts) > 1 else agreed
        # Where neighbours add nothing to the relaxation, both searches would be one.
        for same in (held, agreed) if held.sum() > agreed.sum() else (agreed,):
            if count and same.sum() >= max(HELD * count, count - LEFT):
                yield same

    def part(
        self, form: Form, best: Floats, relaxed: Relaxed, bound: float | None, same: Flags
    ) -> Floats | None:
        """A plan with the integers (n) that are the same as those of ``best``."""
        self.work.parts += 1
        held = fix(relaxed.form, np.flatnonzero(same), np.round(best[same])).form
        task = Task.of(
            self.options, "part", PART_GAP * self.options.gap, self.options.time_limit,
            nodes=PART_NODES, settings=self._target(bound),
        )  # fmt: skip
        found = milp.call(held, task, Journal(), self.options.quiet, best)
        return None if found.x is None else self.dispatch(form, found.x)

    def search(
        self, form: Form, best: Floats | None, bound: float | None, relaxed: Relaxed | None
    ) -> tuple[Floats | None, float | None, str]:
        """The whole form by the route, begun from the best plan: point, proven bound, status."""
        self.work.searches += 1
        if self.route != "milp" or form.curves or not form.integer.any():
            outcome = run_route(form, self.route, replace(self.options, start=best))
            return outcome.x, outcome.bound, outcome.status
        settings = highs.settings(own_extras(self.options))
        if self.close > 0.0:
            settings["mip_abs_gap"] = repr(self.close)
        worth = None if best is None else self.worth(form.objective(best))
        if best is None or worth is None or relaxed is None:
            found = self._highs(form, settings | self._target(bound), best)
            proof, status = found.bound, found.status
        else:
            # Anything cheaper than `worth` keeps these integers; finding nothing proves `worth`.
            held = decided(relaxed.form, relaxed.form, None, Proof(relaxed.x, relaxed.duals), worth)
            settings["objective_bound"] = repr(worth)
            if self.near(form.objective(best), bound, GOOD):
                settings = NO_PLANS | settings
            found = self._highs(held, settings, None)
            proof = worth if found.status == "infeasible" else (
                None if found.bound is None else min(found.bound, worth))  # fmt: skip
            status = "feasible"
        if found.x is None:
            return None, proof, status
        clean = self.dispatch(form, found.x)
        x = found.x if clean is None else clean
        return x, proven(form.objective(x), proof), status

    def _highs(self, form: Form, settings: dict[str, str], start: Floats | None) -> highs.Result:
        task = Task.of(self.options, "milp", self.options.gap, self.options.time_limit,
                       nodes=self.nodes, settings=settings)  # fmt: skip
        return milp.call(form, task, Journal(), self.options.quiet, start)

    def worth(self, cost: float) -> float | None:
        """Below which cost a plan is worth looking for; ``None`` where any better one is.

        What a search that ends at a distance proves beyond it is of use: there any better one is.
        """
        gap = self.options.gap
        return cost - gap * abs(cost) if gap > 0.0 and not self.close else None

    def _target(self, bound: float | None) -> dict[str, str]:
        """Where a search may end: a cost within the gap of what is proven already."""
        gap = self.options.gap
        if bound is None or not 0.0 < gap < 1.0:
            return {}
        near = bound / (1.0 - gap) if bound > 0.0 else bound / (1.0 + gap)
        return {"objective_target": repr(max(near, bound + self.close))}


def own_extras(options: Options) -> dict[str, str]:
    """Further options that are meant for HiGHS, by its names."""
    found = {}
    for name, value in options.extras.items():
        owner, point, own = name.partition(".")
        if not point:
            found[name] = value
        elif owner == "milp":
            found[own] = value
    return found
