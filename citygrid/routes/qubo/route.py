"""The route itself: bound, samples of the whole form or of its windows, one outcome."""

from __future__ import annotations

from dataclasses import replace

from citygrid.model.form import Form
from citygrid.routes import milp
from citygrid.routes.contract import (
    POOL,
    Clock,
    Journal,
    Options,
    Outcome,
    Status,
    proven,
    relative_gap,
)
from citygrid.routes.qubo import windows
from citygrid.routes.qubo.completion import Found, Shop
from citygrid.routes.qubo.search import search
from citygrid.routes.qubo.settings import check


def solve(form: Form, options: Options) -> Outcome:
    """Solve the form as a QUBO, whole or window by window."""
    settings = check(options)
    if not form.integer.any():
        # Nothing to choose, and the telemetry says so.
        outcome = milp.solve(form, replace(options, extras={}))
        note = {"fell_back": "nothing to choose, no integers; the whole form by HiGHS"}
        return replace(outcome, telemetry={**outcome.telemetry, **note})
    journal, clock = Journal(options.progress), Clock(options.time_limit)
    relaxed, duals, _ = milp.relaxation(form, options, journal, time_limit=clock.share(0.5))
    if relaxed.x is None or duals is None:
        return Outcome(relaxed.status, bound=relaxed.bound, telemetry=journal.telemetry())
    journal.trace(bound=relaxed.bound)
    tolerance = max(options.gap * abs(relaxed.objective or 1.0), 1e-6)
    shop = Shop(settings, options, journal, clock, tolerance)
    if settings.window is None:
        found = search(form, shop)
    else:
        found = windows.solve(form, shop, relaxed.x, duals)
    return _outcome(form, found, relaxed.bound, options, journal)


def _outcome(
    form: Form, found: Found, bound: float | None, options: Options, journal: Journal
) -> Outcome:
    counts = journal.counts
    if counts.get("samples"):
        journal.figures["raw_rate"] = counts.get("samples_raw", 0) / counts["samples"]
    if counts.get("samples_completed"):
        journal.figures["feasibility_rate"] = (
            counts.get("samples_feasible", 0) / counts["samples_completed"]
        )
    journal.figures["repaired"] = found.repaired
    if found.repaired:
        journal.figures["fell_back"] = (
            "no sample allowed a plan; HiGHS decided anew what keeps the nearest one from it"
        )
    elif counts.get("windows_repaired"):
        journal.figures["fell_back"] = (
            f"no sample of {counts['windows_repaired']} of {journal.figures['windows']} windows "
            "allowed a plan; HiGHS repaired the nearest ones"
        )
    if not found.plans:
        return Outcome(found.status, bound=bound, telemetry=journal.telemetry())
    objective, plan = found.plans[0]
    bound = proven(objective, bound)
    gap = relative_gap(objective, bound)
    status: Status = "optimal" if gap is not None and gap <= options.gap else "feasible"
    return Outcome(status, plan, objective, bound, found.plans[:POOL], journal.telemetry())
