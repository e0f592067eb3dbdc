"""The route ``milp``: mixed-integer and linear programmes by HiGHS.

The other routes use ``relaxation`` for prices and bounds and ``complete`` for the clean plan that
belongs to a choice of integers.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.model.reductions import fix, relax
from citygrid.routes import highs
from citygrid.routes.contract import Journal, Options, Outcome, proven, relative_gap
from citygrid.routes.highs import CLEAN, Result, Task, settings

#: Entries of free columns up to which a step of HiGHS is short, so that its own limit holds: in a
#: search, and in a linear programme, which has shorter steps.
SMALL, SMALL_LP = 25_000, 250_000
#: Entries above which interior point without crossover prices rows sooner than simplex.
LARGE = 60_000


def solve(form: Form, options: Options) -> Outcome:
    """Solve the form to the gap, or as far as the time limit allows, and clean the plan.

    ``options.extras`` are options of HiGHS by their names there, see :func:`settings`.
    After the search the integers are rounded and fixed and one LP over all rows gives the rest,
    so that no tolerance of the search leaks through large coefficients into the plan.
    """
    journal = Journal(options.progress)
    integers = bool(form.integer.any())
    task = Task.of(
        options, "milp" if integers else "lp", options.gap, options.time_limit,
        tolerance=1e-7 if integers else CLEAN, settings=settings(options.extras),
    )  # fmt: skip
    found = call(form, task, journal, options, options.start, whole=True)
    if found.x is None:
        journal.trace(bound=found.bound)
        return Outcome(found.status, bound=found.bound, telemetry=journal.telemetry())
    x, objective, status = found.x, found.objective, found.status
    if integers:
        limit = None if options.time_limit is None else max(5.0, 0.1 * options.time_limit)
        clean, _ = complete(form, x, journal, options, limit)
        if clean is None:
            journal.figures["completion"] = "no completion; the solver's own point is kept"
            journal.figures["residual"] = form.residual(x)
            journal.figures["residual_at"] = form.worst(x)
        else:
            journal.figures["completion_change"] = form.objective(clean) - form.objective(x)
            x = clean
    objective = form.objective(x)
    bound = proven(objective, found.bound)
    journal.trace(objective, bound)
    gap = relative_gap(objective, bound)
    if status == "optimal" and integers and (gap is None or gap > 1.001 * options.gap + 1e-6):
        status = "feasible"
    return Outcome(status, x, objective, bound, [(objective, x)], journal.telemetry())


def call(
    form: Form, task: Task, journal: Journal, options: Options, start: Floats | None = None,
    whole: bool = False,
) -> Result:  # fmt: skip
    """One recorded call of HiGHS, in this process or, if it could overrun a limit, in a child.

    ``whole`` says that ``form`` is the one that the route was given, so that plans and bounds on
    the way are the route's own and go into its trace.
    """
    hard = task.time_limit is not None and _large(form)
    begun = time.perf_counter()

    def report(kind: str, news: dict[str, Any], x: Floats | None) -> None:
        if whole:
            journal.trace(news.get("objective"), news.get("bound"))
        elif options.progress is not None:
            options.progress({"seconds": time.perf_counter() - begun, **news})

    with journal.call("highs", task.purpose) as record:
        if hard or highs.other_threads(task):
            from citygrid.routes import watch

            found = watch.run(form, task, report, start)
        else:
            found = highs.run(form, task, report, start)
        record.started_at = found.notes.pop("started_at", record.started_at)
        record.notes.update(found.notes, status=found.status)
    journal.count("lps" if not form.integer.any() else "milps")
    return found


def _large(form: Form) -> bool:
    """Whether enough is left to decide for a step between two looks at the clock to be long."""
    free = int((form.lower < form.upper)[form.matrix.indices].sum())
    return free > (SMALL if form.integer.any() else SMALL_LP)


def complete(
    form: Form, x: Floats, journal: Journal, options: Options, time_limit: float | None = None
) -> tuple[Floats | None, Floats | None]:
    """The best plan with the integers of ``x``, and the duals of its rows: one LP over all rows.

    ``None`` twice where the rounded integers allow no plan.
    """
    whole = np.round(x[form.integer])
    held = fix(form, form.integer, whole)
    task = Task.of(options, "completion", 0.0, time_limit, tolerance=CLEAN, prove=False)
    found = call(held.form, task, journal, options)
    if found.status != "optimal" or found.x is None:
        return None, None
    clean = held.restore(np.clip(found.x, held.form.lower, held.form.upper))
    clean[form.integer] = whole
    return clean, found.duals


def method(form: Form) -> str:
    """How a relaxation that need not end in a corner is solved soonest: ``ipm`` or ``choose``."""
    return "ipm" if form.matrix.nnz > LARGE else "choose"


def relaxation(
    form: Form, options: Options, journal: Journal | None = None, method: str = "choose",
    time_limit: float | None = None, crossover: bool = True, prove: bool = True,
) -> tuple[Outcome, Floats | None, Floats | None]:  # fmt: skip
    """The linear relaxation: outcome, duals of the rows (m) and reduced costs of the columns (n).

    A dual is the change of the least cost per unit of the row's bounds, EUR per unit of the row;
    ``reduced = cost − Aᵀ duals``. The outcome's bound is what the duals prove, not the solver's
    word, and missing where ``prove`` is off. ``method`` is ``choose``, ``simplex`` or ``ipm``.
    """
    journal = journal or Journal()
    task = Task.of(options, "relaxation", 0.0, time_limit, method=method, crossover=crossover,
                   prove=prove)  # fmt: skip
    found = call(relax(form).form, task, journal, options)
    outcome = Outcome(found.status, found.x, found.objective, found.bound,
                      telemetry=journal.telemetry())  # fmt: skip
    return outcome, found.duals, found.reduced
