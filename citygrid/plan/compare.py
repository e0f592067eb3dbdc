"""Routes side by side in words and numbers: who is better, by how much, at what time.

Controls of ``hybrid`` get the time that ``hybrid`` took, and the same seed; where one of them ties
or wins, that is said. Everything is a median over seeds, in which no plan is worse than any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from citygrid.gap import relative_gap
from citygrid.plan.traces import (
    TIE,
    Trace,
    best_bound,
    cost_at,
    ended,
    median,
    readable,
    seconds_to_cost,
)

if TYPE_CHECKING:
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

#: Nobody's advantage; and seconds so few that nobody waits for them.
TIED, SOON = "tie", 0.5
#: The route that controls are measured by, and what their names begin with.
HYBRID, CONTROL = "hybrid", "hybrid:"


@dataclass(frozen=True)
class Try:
    """One route on one form with one seed: its verified plan, its bound and its time.

    ``objective`` [EUR] is missing where there is no plan, or one that fails its verification;
    ``given`` and ``used`` in s; ``feasible`` is the share of samples that allowed a plan; ``asked``
    the relative gap at which the route was to stop; ``helped``: HiGHS found the last plan of a
    route that is to find its own.
    """

    route: str
    seed: int
    objective: float | None
    bound: float | None
    used: float | None
    given: float | None = None
    feasible: float | None = None
    trace: Trace = field(default_factory=list)
    asked: float | None = None
    helped: bool = False

    @property
    def course(self) -> list[dict[str, Any]]:
        """The trace up to the end."""
        return ended(self.trace, self.used or 0.0, self.objective, self.bound)


@dataclass(frozen=True)
class Standing:
    """A route over all seeds: medians, its gaps, and how it stands beside ``hybrid`` in words.

    ``gap`` is to the best bound that any route of the table proved for the same form, ``own_gap``
    to what the route itself proved.
    """

    route: str
    seeds: int
    plans: int
    given: float | None
    used: float | None
    objective: float | None
    bound: float | None
    gap: float | None
    own_gap: float | None
    feasible: float | None
    says: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """All standings, the best proven bound and who proved it, and how to decide here."""

    standings: list[Standing]
    bound: float | None
    proven_by: str | None
    decision: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"best_bound": self.bound, "proven_by": self.proven_by, "decision": self.decision,
                "standings": [each.as_dict() for each in self.standings]}  # fmt: skip


def try_of(
    route: str, seed: int, objective: float | None, bound: float | None,
    telemetry: Mapping[str, Any], given: float | None = None, solve: float | None = None,
) -> Try:  # fmt: skip
    """A try from what a route told; ``solve`` [s] is taken where it told no time of its own."""
    own = telemetry.get("seconds")
    used = own.get("total") if isinstance(own, Mapping) else None
    # Older plans of hybrid hold their incumbents alone.
    trace = readable(telemetry.get("trace") or telemetry.get("incumbents"))
    asked = telemetry.get("gap_asked")
    helped = route.startswith(HYBRID) and telemetry.get("found_by") in ("tree", "highs")
    return Try(route, seed, objective, bound, solve if used is None else used, given,
               telemetry.get("feasibility_rate"), trace,
               asked if isinstance(asked, float) else None, helped)  # fmt: skip


def try_of_plan(plan: Plan, verdict: Verdict, route: str, solve: float | None = None) -> Try:
    """What a plan says of its route's run; one that breaks rules is no plan."""
    attributes = plan.attributes
    limit = attributes.get("time_limit")
    return try_of(
        route, int(attributes.get("seed", 0)), plan.objective if verdict.ok else None, plan.bound,
        plan.telemetry, None if limit is None else float(limit), solve,
    )  # fmt: skip


class Verified(Protocol):
    """A plan and what was found of it."""

    @property
    def plan(self) -> Plan: ...
    @property
    def verdict(self) -> Verdict: ...


V = TypeVar("V", bound=Verified)


def best_of(plans: Iterable[V]) -> V:
    """The cheapest plan that holds; where none does, the cheapest. Of equal ones the first."""
    return min(plans, key=lambda each: (not each.verdict.ok, each.plan.objective))


def compare(tries: Sequence[Try]) -> Comparison:
    """Standings of all routes in the order in which they come, and the words that follow."""
    bounds: dict[str, float] = {}
    for each in tries:
        if each.bound is not None:
            bounds[each.route] = max(each.bound, bounds.get(each.route, each.bound))
    bound, prover = best_bound(bounds, (each.objective for each in tries))
    by_route: dict[str, list[Try]] = {}
    for each in tries:
        by_route.setdefault(each.route, []).append(each)
    hybrid = by_route.get(HYBRID, [])
    found = [_standing(name, own, bound, hybrid) for name, own in by_route.items()]
    return Comparison(found, bound, prover, decide(by_route.get("milp", []), hybrid))


def _standing(
    route: str, own: Sequence[Try], bound: float | None, hybrid: Sequence[Try]
) -> Standing:
    says = beside_hybrid(own, hybrid) if route.startswith(CONTROL) and hybrid else None
    objective = median(each.objective for each in own)
    return Standing(
        route, len(own), sum(each.objective is not None for each in own),
        _median_of_known(each.given for each in own), _median_of_known(each.used for each in own),
        objective, max((e.bound for e in own if e.bound is not None), default=None),
        median(relative_gap(each.objective, bound) for each in own),
        median(relative_gap(each.objective, each.bound) for each in own),
        _median_of_known(each.feasible for each in own), says,
    )  # fmt: skip


def _median_of_known(values: Iterable[float | None]) -> float | None:
    """Of figures that a route may not have, such as a rate: the median of those it has."""
    return median([value for value in values if value is not None])


def dearer(cost: float, other: float, tie: float = TIE) -> float:
    """By which share of ``other`` a plan costs more; 0 within a ``tie``."""
    if abs(cost - other) <= tie * abs(other):
        return 0.0
    return (cost - other) / abs(other) if other else float("inf") if cost > 0 else float("-inf")


def _tie(*tries: Try) -> float:
    """The relative difference of costs that tells nothing: that at which they were to stop."""
    return max(TIE, *(each.asked or 0.0 for each in tries))


def percent(part: float) -> str:
    """A share with two digits that tell something, such as 0.02 % or 13 %."""
    value = abs(100.0 * part)
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def beside_hybrid(control: Sequence[Try], hybrid: Sequence[Try]) -> str:
    """How a control stands beside ``hybrid`` at equal time and seeds, in words."""
    name, tie = control[0].route.removeprefix(CONTROL), _tie(*control, *hybrid)
    cost, other = (median(each.objective for each in tries) for tries in (control, hybrid))
    if cost is None:
        said = f"{name} found no plan" + (", nor did hybrid" if other is None else "")
    elif other is None:
        said = f"{name} is better: hybrid found no plan"
    else:
        more = dearer(cost, other, tie)
        said = (f"{name} ties{_by_a_hair(cost, other, tie)}" if more == 0 else
                f"{name} is {'better' if more < 0 else 'worse'} by {percent(more)}")  # fmt: skip
    helped = sum(each.helped for each in control)
    if len(control) == 1:
        return said + (", with a plan of HiGHS" if helped else "")
    own = {each.seed: each.objective for each in hybrid}
    pairs = [(each.objective, own[each.seed]) for each in control if each.seed in own]
    better = sum(_cheaper(a, b, tie) for a, b in pairs)
    ties = sum(not _cheaper(a, b, tie) and not _cheaper(b, a, tie) for a, b in pairs)
    worse = len(pairs) - better - ties
    by_highs = f"; {helped} of {len(control)} plans are HiGHS'" if helped else ""
    return f"{said} (seed by seed: better {better}, ties {ties}, worse {worse}{by_highs})"


def _by_a_hair(cost: float, other: float, tie: float) -> str:
    """What a tie within the gap asked for is in figures; nothing for one to all digits."""
    more = dearer(cost, other)
    if more == 0:
        return ""
    word = "dearer" if more > 0 else "cheaper"
    return f" ({percent(more)} {word}, within the {percent(tie)} asked for)"


def _cheaper(cost: float | None, other: float | None, tie: float) -> bool:
    """Whether the first plan costs less than the second; no plan is dearer than any."""
    if cost is None or other is None:
        return cost is not None and other is None
    return dearer(cost, other, tie) < 0


# milp or hybrid ----------------------------------------------------------------------------------


def decide(milp: Sequence[Try], hybrid: Sequence[Try]) -> str | None:
    """Which of ``milp`` and ``hybrid`` to take here, from what was measured; ``None`` if not both.

    The two are compared twice: when the first of them had ended, and at the end of both. A tie is
    ``milp``'s, which needs no second method.
    """
    theirs = {each.seed: each for each in hybrid}
    pairs = [(each, theirs[each.seed]) for each in milp if each.seed in theirs]
    if not pairs:
        return None
    words = Counter(_winners(*pair) for pair in pairs)
    (early, late), count = words.most_common(1)[0]
    if early is None and late is None:
        return "Neither milp nor hybrid has a plan here; allow more time."
    shown = [pair for pair in pairs if _winners(*pair) == (early, late)]
    text = _together(early, late, shown)
    if len(pairs) == 1:
        return text
    return f"{text} So on {count} of {len(pairs)} seeds; the figures are medians of these."


def _ends(milp: Try, hybrid: Try) -> tuple[float, float]:
    """Seconds at which the first and the last of the two had ended."""
    used = milp.used or 0.0, hybrid.used or 0.0
    return min(used), max(used)


def _winners(milp: Try, hybrid: Try) -> tuple[str | None, str | None]:
    """Who had the better plan when the first had ended, and when both had.

    Of a tie at one end the other end decides, and of two ties the method that is there anyway.
    """
    found: list[str | None] = []
    tie, ends = _tie(milp, hybrid), _ends(milp, hybrid)
    for at in ends:
        ours, theirs = cost_at(milp.course, at), cost_at(hybrid.course, at)
        if ours is None and theirs is None:
            found.append(None)
        elif _cheaper(theirs, ours, tie):
            found.append("hybrid")
        else:
            found.append("milp" if _cheaper(ours, theirs, tie) else TIED)
    early, late = found
    if late == TIED:
        late = "milp" if early in (TIED, None) or ends[1] - ends[0] < SOON else early
    if early == TIED or ends[1] - ends[0] < SOON:
        early = late
    return early, late


def _together(early: str | None, late: str | None, pairs: Sequence[tuple[Try, Try]]) -> str:
    """The sentence of pairs that went alike."""
    assert late is not None, "who has a plan early has one in the end"
    first, last = (_seconds(median(_ends(*pair)[k] for pair in pairs)) for k in (0, 1))
    gap = median(relative_gap(each.objective, each.bound) for pair in pairs for each in pair
                 if each.route == late)  # fmt: skip
    proof = f"; the gap that it proves itself is {percent(gap)}" if gap is not None else ""
    if late == HYBRID and any(hybrid.helped for _, hybrid in pairs):
        proof += "; its last plan was found by the tree of HiGHS beside it"
    end = f"in the end ({last}) {_ahead(late, pairs, 1)}{proof}"
    if early is None:
        return f"Here {late} is the better choice: after {first} neither had a plan, {end}."
    then = f"{_ahead(early, pairs, 0)} after {first}, when the first of the two had ended"
    if early == late:
        return f"Here {late} is the better choice: its plan {then}, and {end}."
    overtakes = median(_overtakes(late, *pair) for pair in pairs)
    when = f", from {_seconds(overtakes)} on" if overtakes is not None else ""
    return (f"Here it depends on the time: {early} is the better choice for an early answer (its "
            f"plan {then}), {late} with more time{when} (its plan {end}).")  # fmt: skip


def _seconds(value: float | None) -> str:
    if value is None:
        return "an unknown time"
    return f"{value:.2g} s" if value < 1 else f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def _ahead(winner: str, pairs: Sequence[tuple[Try, Try]], end: int) -> str:
    """How the winner's plan stands beside the other's at one of the two ends, in words."""
    shares: list[float | None] = []
    for pair in pairs:
        at = _ends(*pair)[end]
        costs = {each.route: cost_at(each.course, at) for each in pair}
        own, other = costs[winner], costs["hybrid" if winner == "milp" else "milp"]
        shares.append(None if own is None or other is None else dearer(own, other))
    share, tie = median(shares), max(_tie(*pair) for pair in pairs)
    if share is None:
        return "is the only one"
    if share == 0:
        return "costs the same"
    within = f", which is within the {percent(tie)} asked for" if abs(share) <= tie else ""
    return f"costs {percent(share)} {'less' if share < 0 else 'more'}{within}"


def _overtakes(winner: str, milp: Try, hybrid: Try) -> float | None:
    """Seconds at which the later winner's plan was as good as the other's last one."""
    own, other = (milp, hybrid) if winner == "milp" else (hybrid, milp)
    return None if other.objective is None else seconds_to_cost(own.course, other.objective)
