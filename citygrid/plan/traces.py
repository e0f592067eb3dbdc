"""How good a route's plan was after so many seconds: gaps along a trace, times to a gap, medians.

A trace is what a route's telemetry keeps: the best plan's ``objective`` and the best proven
``bound`` [EUR] since so many ``seconds``, an entry per improvement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from citygrid.gap import relative_gap

Trace = Sequence[Mapping[str, Any]]

#: Relative difference of costs below which two plans cost the same.
TIE = 1e-6
#: Relative size by which a bound may lie above a plan by the tolerances of solvers alone.
ROUNDING = 1e-5


def readable(told: Any) -> list[dict[str, Any]]:
    """The entries of a trace as a file may hold it; what is no entry in its order is left out."""
    found: list[dict[str, Any]] = []
    for news in told if isinstance(told, list) else []:
        entry = {name: news.get(name) for name in ("seconds", "objective", "bound")} if (
            isinstance(news, Mapping)
        ) else {}  # fmt: skip
        numbers = [value for value in entry.values() if value is not None]
        if any(not isinstance(v, (int, float)) or not math.isfinite(v) for v in numbers):
            continue
        if entry.get("seconds") is None or (found and entry["seconds"] < found[-1]["seconds"]):
            continue
        found.append(entry)
    return found


def ended(
    trace: Trace, seconds: float, objective: float | None, bound: float | None
) -> list[dict[str, Any]]:
    """The trace up to its end, where the plan and the bound that were handed out are known.

    A route that keeps no trace has this one entry. Costs on the way are a solver's own, within its
    tolerances; the last one is that of the clean plan.
    """
    known = [dict(news) for news in trace if news["seconds"] <= seconds]
    for news in known:
        # Nobody had a plan that was not handed out: not one that failed, nor the solver's point,
        # which may cost less than the clean plan by rounding.
        if news["objective"] is not None:
            news["objective"] = None if objective is None else max(news["objective"], objective)
    return [*known, {"seconds": seconds, "objective": objective, "bound": bound}]


def gaps(trace: Trace, bound: float | None = None) -> list[tuple[float, float]]:
    """Seconds and gap of every entry that has both a plan and a bound.

    The gap is to ``bound``, whoever proved it and when; without one, to what the route itself had
    proven by then.
    """
    found = []
    for news in trace:
        gap = relative_gap(news["objective"], news["bound"] if bound is None else bound)
        if gap is not None:
            found.append((float(news["seconds"]), gap))
    return found


def seconds_to(trace: Trace, gap: float, bound: float | None = None) -> float | None:
    """Seconds until the gap of :func:`gaps` was at most ``gap``; ``None`` where it never was."""
    return next((at for at, reached in gaps(trace, bound) if reached <= gap + 1e-12), None)


def seconds_to_cost(trace: Trace, cost: float) -> float | None:
    """Seconds until a plan cost at most ``cost`` [EUR], ties counted; ``None`` if none did."""
    most = cost + TIE * abs(cost)
    return next((float(news["seconds"]) for news in trace
                 if news["objective"] is not None and news["objective"] <= most), None)  # fmt: skip


def cost_at(trace: Trace, seconds: float) -> float | None:
    """What the best plan cost after ``seconds`` [EUR]; ``None`` while there was none."""
    before = [news["objective"] for news in trace if news["seconds"] <= seconds]
    return before[-1] if before else None


def gap_at(trace: Trace, seconds: float, bound: float | None = None) -> float | None:
    """The gap of :func:`gaps` after ``seconds``; ``None`` while there was none."""
    before = [gap for at, gap in gaps(trace, bound) if at <= seconds]
    return before[-1] if before else None


def quantile(values: Iterable[float | None], part: float = 0.5) -> float | None:
    """Quantile in which ``None`` is later, or dearer, than every number.

    Between two values it lies in proportion; where one of the two is ``None``, so is the quantile.
    """
    ordered = sorted(math.inf if value is None else value for value in values)
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if math.isinf(high) and place > math.floor(place):
        return None
    found = low if low == high else low + (place - math.floor(place)) * (high - low)
    return found if math.isfinite(found) else None


def median(values: Iterable[float | None]) -> float | None:
    """The middle value, in which ``None`` (not reached, no plan) is worse than every number."""
    return quantile(values, 0.5)


def best_bound(
    bounds: Mapping[str, float | None], objectives: Iterable[float | None]
) -> tuple[float | None, str | None]:
    """The highest bound that anybody proved, and who.

    A bound above the cheapest plan by more than rounding is refuted by that plan and left out; one
    above it by rounding is taken as that plan's cost.
    """
    costs = [cost for cost in objectives if cost is not None]
    least = min(costs) if costs else math.inf
    room = ROUNDING * max(1.0, abs(least)) if costs else math.inf
    known = {name: bound for name, bound in bounds.items()
             if bound is not None and bound <= least + room}  # fmt: skip
    if not known:
        return None, None
    name = max(known, key=lambda each: known[each])
    return min(known[name], least), name
