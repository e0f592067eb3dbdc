"""Convex curves for routes that know only lines: solve, look, add tangents, solve again.

The rows of a form keep its curves by tangents, so a route's answer lies below the truth and its
bound is one of the truth. Around any route this does, until exact cost and bound meet the gap:

1. a few linear programmes, the relaxation, put tangents where solutions are;
2. the route solves the form with the tangents known so far: a bound, and integers;
3. with these integers linear programmes are solved, tangents added where the point lies below a
   curve, until it does no more: the exact best plan with these integers;
4. if it is not within the gap of the bound, from 2 again with all tangents and from this plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from citygrid.model.curves import exact, with_tangents
from citygrid.model.form import Floats, Form
from citygrid.routes import milp
from citygrid.routes.contract import Clock, Journal, Options, Outcome, Status, proven, relative_gap

Route = Callable[[Form, Options], Outcome]

#: Rounds of the route, and linear programmes before it and after each.
ROUNDS, LINEAR = 12, 30
#: Cost by which all curves together may be missed, relative to the whole cost; and as a share of
#: the gap where tangents are placed beforehand, and where a plan is made exact.
MISSED, MISSED_BEFORE, MISSED_AFTER = 1e-9, 0.05, 1e-3
#: Share of the gap that is left to the route; the rest is for the curves.
SHARE = 0.5


def solve(form: Form, options: Options, route: Route) -> Outcome:
    """Solve a form with curves by a route that takes linear forms.

    The outcome's point has its epigraphs on the curves; its objective is exact, its bound proven.
    """
    clock, journal = Clock(options.time_limit), Journal()
    working = _placed(replace(form, curves=()), form, options, journal, clock)
    best: Outcome | None = None
    bound: float | None = None
    last: Outcome | None = None
    rounds: list[dict[str, Any]] = []
    told: list[Mapping[str, Any]] = []
    begin = options.start
    for _ in range(ROUNDS):
        if last is not None and clock.over:
            break
        asked = replace(options, gap=SHARE * options.gap, time_limit=clock.left, start=begin)
        begun = journal.elapsed
        last = route(working, asked)
        told.append(last.telemetry)
        # Bounds on the way hold for the curves, too; costs on the way are too low for them.
        journal.follow(last.telemetry.get("trace", ()), begun)
        if last.bound is not None:
            bound = last.bound if bound is None else max(bound, last.bound)
        if last.x is None:
            break
        x, working = _settled(form, working, last.x, options, journal, clock)
        begin = x
        objective = form.objective(x)
        journal.trace(objective, bound)
        if best is None or best.objective is None or objective < best.objective:
            best = replace(last, x=x, objective=objective)
        gap = relative_gap(best.objective, bound)
        missed = objective - last.objective if last.objective is not None else None
        rounds.append({"objective": objective, "bound": bound, "missed": missed,
                       "tangents": len(working.row_lower) - len(form.row_lower)})  # fmt: skip
        if gap is None or gap <= max(options.gap, 2 * MISSED) or _idle(rounds):
            break
    assert last is not None
    telemetry = {**_together(told, journal), "curves": rounds}
    if best is None or best.x is None or best.objective is None:
        return replace(last, bound=bound, telemetry=telemetry)
    bound = proven(best.objective, bound)
    gap = relative_gap(best.objective, bound)
    status: Status = last.status if last.x is not None else "time_limit"
    if status == "optimal" and (gap is None or gap > 1.001 * options.gap + 1e-6):
        status = "feasible"
    pool = [(best.objective, best.x)]
    return Outcome(status, best.x, best.objective, bound, pool, telemetry)


def placed(form: Form, options: Options, journal: Journal) -> Form:
    """The form without its curves, with tangents of them where its relaxation's solutions are."""
    working = replace(form, curves=())
    return _placed(working, form, options, journal, Clock(options.time_limit))


def _together(told: list[Mapping[str, Any]], journal: Journal) -> dict[str, Any]:
    """One telemetry of all rounds and of the linear programmes between them."""
    parts = [*told, journal.telemetry()]
    calls = sorted((call for part in parts for call in part.get("calls", [])),
                   key=lambda call: str(call["queued_at"]))  # fmt: skip
    merged: dict[str, Any] = {}
    for part in [*parts[-1:], *told]:
        merged |= part
    seconds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for part in parts:
        seconds.update(part.get("seconds", {}))
        counts.update(part.get("counts", {}))
    return {
        **merged,
        "queued_at": calls[0]["queued_at"] if calls else None,
        "started_at": calls[0]["started_at"] if calls else None,
        "finished_at": max((str(call["finished_at"]) for call in calls), default=None),
        "queue": sum(part.get("queue", 0.0) for part in parts),
        "calls": calls,
        "seconds": {**seconds, "total": journal.elapsed},
        "counts": dict(counts),
        "milps": sum(part.get("milps", 0) for part in parts),
        "trace": journal.telemetry()["trace"],
    }


def _idle(rounds: list[dict[str, Any]]) -> bool:
    """Whether the last round changed neither the tangents nor the bound."""
    if len(rounds) < 2:
        return False
    before, now = rounds[-2:]
    return bool(before["tangents"] == now["tangents"] and before["bound"] == now["bound"])


def _placed(working: Form, form: Form, options: Options, journal: Journal, clock: Clock) -> Form:
    """Tangents where the relaxation's solutions are; a relaxation without solution adds none."""
    for _ in range(LINEAR):
        relaxed, _, _ = milp.relaxation(working, options, journal, time_limit=clock.share(0.1))
        if relaxed.x is None or relaxed.objective is None or clock.over:
            break
        working, added = _closer(working, form, relaxed.x, MISSED_BEFORE * options.gap)
        if not added:
            break
    return working


def _settled(
    form: Form, working: Form, x: Floats, options: Options, journal: Journal, clock: Clock
) -> tuple[Floats, Form]:
    """The exact best plan with the integers of ``x``, and the form with the tangents it took."""
    best = exact(form, x)
    for _ in range(LINEAR):
        working, added = _closer(working, form, x, MISSED_AFTER * options.gap)
        if not added or clock.over:
            break
        found, _ = milp.complete(working, x, journal, options, clock.left)
        if found is None:
            break
        x, point = found, exact(form, found)
        if form.objective(point) < form.objective(best):
            best = point
    return best, working


def _closer(working: Form, form: Form, x: Floats, missed: float) -> tuple[Form, int]:
    """Tangents where ``x`` misses more than its share of the cost that may be missed."""
    cells = max(sum(len(curve.epigraph) for curve in form.curves), 1)
    tolerance = max(missed, MISSED) * max(abs(form.objective(x)), 1.0) / cells
    return with_tangents(working, form.curves, x, tolerance)
