"""Figures of a race: gaps against time, ratios, and how controls stand at equal time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from citygrid.gap import relative_gap
from citygrid.plan.compare import CONTROL, HYBRID, dearer, percent
from citygrid.plan.traces import best_bound, ended, median, seconds_to, seconds_to_cost

Row = Mapping[str, Any]

#: Gaps to which times are measured, and the one of the ladder of sizes, which must be proven.
GAPS = (0.05, 0.02, 0.01, 0.006, 0.005, 0.002, 0.001)
PROVEN = 0.01


def label(gap: float) -> str:
    """A gap as it heads a column."""
    return f"{100 * gap:g} %"


def course(row: Row) -> list[dict[str, Any]]:
    """A row's trace up to its end; none where the route never began."""
    if row["used"] is None:
        return []
    return ended(row["trace"], row["used"], row["objective"], row["bound"])


def bounds(rows: Sequence[Row]) -> dict[str, tuple[float | None, str | None]]:
    """The best bound that any route proved, and which, by the hash of the form."""
    found = {}
    for form in dict.fromkeys(row["form_hash"] for row in rows):
        own = [row for row in rows if row["form_hash"] == form]
        found[form] = best_bound({row["route"]: row["bound"] for row in own},
                                 (row["objective"] for row in own))  # fmt: skip
    return found


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """All groups with all routes: medians over seeds, in which what was not reached is latest."""
    best = bounds(rows)
    names = list(dict.fromkeys(row["group"] for row in rows))
    return {
        "gap": "cost above the best bound that any route proved for the same district, of the cost",
        "own_gap": "cost above the bound that the route itself had proven by then, of the cost",
        "groups": {
            name: _group([row for row in rows if row["group"] == name], best) for name in names
        },
    }


def _group(rows: Sequence[Row], best: Mapping[str, Any]) -> dict[str, Any]:
    routes = {
        route: [row for row in rows if row["route"] == route]
        for route in dict.fromkeys(row["route"] for row in rows)
    }
    told = {route: _route(own, best) for route, own in routes.items()}
    hybrid, milp = routes.get(HYBRID, []), routes.get("milp", [])
    first = rows[0]
    return {
        "hours": first["hours"], "sites": first["sites"], "jobs": first["jobs"],
        "seeds": list(dict.fromkeys(row["seed"] for row in rows)),
        "binaries": median(row["size"]["binaries"] for row in rows),
        "columns": median(row["size"]["columns"] for row in rows),
        "proven_by": {str(row["seed"]): best[row["form_hash"]][1] for row in rows},
        "routes": told,
        "hybrid_over_milp": _ratios(told.get(HYBRID), told.get("milp")),
        "hybrid_reaches_milps_last_plan": _reaches(hybrid, milp),
        "controls": {
            route.removeprefix(CONTROL): beside(own, hybrid)
            for route, own in routes.items() if route.startswith(CONTROL) and hybrid
        },
    }  # fmt: skip


def _route(rows: Sequence[Row], best: Mapping[str, Any]) -> dict[str, Any]:
    """Medians of a route over the seeds."""
    common = [(course(row), best[row["form_hash"]][0]) for row in rows]

    def of_known(name: str) -> float | None:
        return median([row[name] for row in rows if row[name] is not None])

    def reached(gap: float, own: bool) -> float | None:
        return median(None if not own and bound is None else
                      seconds_to(trace, gap, None if own else bound)
                      for trace, bound in common)  # fmt: skip

    return {
        "seeds": len(rows), "plans": sum(row["objective"] is not None for row in rows),
        "given": of_known("given"), "used": of_known("used"),
        "gap": median(relative_gap(row["objective"], best[row["form_hash"]][0]) for row in rows),
        "own_gap": median(relative_gap(row["objective"], row["bound"]) for row in rows),
        "seconds_to_gap": {label(gap): reached(gap, False) for gap in GAPS},
        "seconds_to_own_gap": {label(gap): reached(gap, True) for gap in GAPS},
        "feasible": of_known("feasible"), "milps": of_known("milps"),
        "cpu_seconds": of_known("cpu_seconds"), "peak_mb": of_known("peak_mb"),
        "joules": of_known("joules"),
        "fell_back": sorted({row["fell_back"] for row in rows if row["fell_back"]}),
        "reasons": {str(row["seed"]): row["reason"] for row in rows if row["reason"]},
    }  # fmt: skip


def _ratios(hybrid: Row | None, milp: Row | None) -> dict[str, float | None] | None:
    """Hybrid's median time to each gap over milp's; ``None`` where one of them never had it."""
    if hybrid is None or milp is None:
        return None
    found = {}
    for gap, ours in hybrid["seconds_to_gap"].items():
        theirs = milp["seconds_to_gap"][gap]
        found[gap] = ours / theirs if ours is not None and theirs else None
    return found


def _reaches(hybrid: Sequence[Row], milp: Sequence[Row]) -> dict[str, Any] | None:
    """When ``hybrid`` had a plan as good as the one that ``milp`` had at its end."""
    ours = {row["seed"]: row for row in hybrid}
    pairs = [(ours[row["seed"]], row) for row in milp
             if row["seed"] in ours and row["objective"] is not None]  # fmt: skip
    if not pairs:
        return None
    seconds = [seconds_to_cost(course(own), theirs["objective"]) for own, theirs in pairs]
    return {
        "seconds": median(seconds), "reached": sum(each is not None for each in seconds),
        "seeds": len(pairs), "milp_seconds": median(theirs["used"] for _, theirs in pairs),
    }  # fmt: skip


# controls ----------------------------------------------------------------------------------------


def beside(control: Sequence[Row], hybrid: Sequence[Row]) -> dict[str, Any]:
    """How a control stands beside ``hybrid`` on the same districts, at equal time and seeds.

    ``dearer`` is the median over the seeds of its cost above hybrid's, of hybrid's; blocks are EUR
    above the bound, where routes tell them.
    """
    ours = {row["seed"]: row for row in hybrid}
    pairs = [(row, ours[row["seed"]]) for row in control if row["seed"] in ours]
    shares = [_share(own["objective"], other["objective"]) for own, other in pairs]
    known = [share for share in shares if share is not None]
    middle = _middle(known)
    name = control[0]["route"].removeprefix(CONTROL)
    better, ties = sum(share < 0 for share in known), sum(share == 0 for share in known)
    blocks = dict.fromkeys(
        block for pair in pairs for row in pair for block in row["by_block"] or ()
    )
    return {
        "says": _says(name, middle),
        "dearer": middle if middle is not None and math.isfinite(middle) else None,
        "better": better, "ties": ties, "worse": len(known) - better - ties,
        "neither": len(pairs) - len(known),
        "by_block": {
            block: {"control": _of_block(block, [own for own, _ in pairs]),
                    "hybrid": _of_block(block, [other for _, other in pairs])}
            for block in blocks
        } or None,
    }  # fmt: skip


def _share(cost: float | None, other: float | None) -> float | None:
    """By which share of ``other`` a plan is dearer; no plan is dearer than any, by all."""
    if cost is None or other is None:
        return None if cost is None and other is None else math.inf if cost is None else -math.inf
    return dearer(cost, other)


def _middle(shares: Sequence[float]) -> float | None:
    """The median, between two of which the one nearer to nothing is taken if one has no end."""
    if not shares:
        return None
    ordered = sorted(shares)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if math.isinf(low) or math.isinf(high):
        return min(low, high, key=abs)
    return 0.5 * (low + high)


def _says(name: str, share: float | None) -> str:
    if share is None:
        return f"{name} found no plan, nor did hybrid"
    if share == 0:
        return f"{name} ties"
    if math.isinf(share):
        return f"{name} found no plan" if share > 0 else f"{name} is better: hybrid found no plan"
    return f"{name} is {'better' if share < 0 else 'worse'} by {percent(share)}"


def _of_block(block: str, rows: Iterable[Row]) -> float | None:
    return median([
        row["by_block"][block] for row in rows
        if row["by_block"] and row["by_block"].get(block) is not None
    ])  # fmt: skip
