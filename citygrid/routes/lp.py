"""The route ``lp``: the linear relaxation by HiGHS, for studies that ask a thousand times.

Where a form has no integers its relaxation is the form, and the answer an ordinary optimal plan.
Where it has, the answer is no plan: its status is ``relaxed``, it has a bound and no objective, and
its flows may start half a boiler. They say roughly how the district would run and what it costs at
least, and nobody may call them verified.
"""

from __future__ import annotations

from citygrid.model.form import Form
from citygrid.routes import highs
from citygrid.routes.contract import Journal, Options, Outcome, Status, proven
from citygrid.routes.highs import CLEAN, Task

#: The status of an answer that is a bound with flows, and no plan.
RELAXED: Status = "relaxed"


def solve(form: Form, options: Options) -> Outcome:
    """The least cost with every integer free within its bounds.

    Without integers an outcome like that of ``milp``. With them ``relaxed``: ``x`` is the relaxed
    point, ``objective`` is ``None``, and ``bound`` [EUR] is what the duals prove for the whole
    form, so that no plan is cheaper. ``options.extras`` are options of HiGHS. A form with curves
    is solved with its tangents, which lie below them, and those that the relaxation asks for.
    """
    from citygrid.model.reductions import relax
    from citygrid.routes.milp import call

    journal = Journal(options.progress)
    if form.curves:
        from citygrid.routes.refine import placed

        form = placed(form, options, journal)
    integers = bool(form.integer.any())
    task = Task.of(options, "relaxation", 0.0, options.time_limit, tolerance=CLEAN,
                   settings=highs.settings(options.extras))  # fmt: skip
    found = call(relax(form).form, task, journal, options, whole=not integers)
    if found.x is None or found.status not in ("optimal", "feasible", "time_limit"):
        journal.trace(bound=found.bound)
        return Outcome(found.status, bound=found.bound, telemetry=journal.telemetry())
    if integers:
        journal.trace(bound=found.bound)
        status = RELAXED if found.status == "optimal" else found.status
        x = found.x if status == RELAXED else None
        return Outcome(status, x, None, found.bound, telemetry=journal.telemetry())
    objective = form.objective(found.x)
    bound = proven(objective, found.bound)
    journal.trace(objective, bound)
    return Outcome(found.status, found.x, objective, bound, [(objective, found.x)],
                   journal.telemetry())  # fmt: skip
