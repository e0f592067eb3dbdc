"""A plan near another one: decisions after an outage stay as they were, unless that costs too much.

What an outage changes, it changes mostly while it lasts. So a search in which later decisions are
held comes first: it is small. The relaxation of the whole programme says how much any plan costs at
least; where the small search meets that within the gap, it is done, and the bound is proven.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from citygrid import routes
from citygrid.gap import relative_gap
from citygrid.model.reductions import relax
from citygrid.routes.contract import Outcome, proven
from citygrid.study.resilience.emergency import is_penalty
from citygrid.verbs.handover import plan_of

if TYPE_CHECKING:
    from citygrid.arrays import Flags, Floats
    from citygrid.district.case import Case
    from citygrid.model.form import Form
    from citygrid.plan.plan import Plan
    from citygrid.routes.contract import Options

#: Hours after an outage in which decisions may still differ.
AFTER = 2.0


def near(
    case: Case, form: Form, like: Plan, steps: int, options: Options
) -> tuple[Plan | None, Floats | None]:  # fmt: skip
    """A plan of ``form`` within the gap, near the plan ``like`` it, and where a search may begin.

    ``steps`` are those of the outage. ``None`` where the small search does not meet the gap, or
    the form has curves or no decisions to hold.
    """
    if form.curves or not form.integer.any():
        return None, None
    least = routes.solve(relax(form).form, "milp", replace(options, gap=0.0))
    if least.x is None or least.bound is None or least.status != "optimal":
        return None, None
    lower, upper = _held(case, form, like, steps)
    found = routes.solve(replace(form, lower=lower, upper=upper), "milp", options)
    if found.x is None:
        return None, None
    objective = form.objective(found.x)
    bound = proven(objective, least.bound)
    gap = relative_gap(objective, bound)
    if gap is None or gap > options.gap:
        return None, found.x
    outcome = Outcome("optimal", found.x, objective, bound, [],
                      found.telemetry | {"search": "near the plan without the outage"})  # fmt: skip
    return plan_of(case, form, "milp", options, outcome), found.x


def _held(case: Case, form: Form, like: Plan, steps: int) -> tuple[Floats, Floats]:
    """Bounds that hold integers after the outage, and jobs that begin after it, as in ``like``."""
    lower, upper = form.lower.copy(), form.upper.copy()
    free = _penalised(form)
    stated = like.content.variables
    until = steps + math.ceil(AFTER / case.step)
    late_from = case.time[min(until, len(case.time) - 1)]
    for name, block in form.columns.items():
        if not form.integer[block.span].any() or name not in stated:
            continue
        if stated[name].values.shape != block.shape:
            continue
        value = np.round(like.flow(name).ravel())
        if "time" in block.dims:
            late = np.broadcast_to(block.coords["time"] >= late_from, block.shape).ravel()
        else:
            late = _late_starts(case, name, value, until)
        at = np.arange(block.start, block.start + block.size)[late & ~free[block.span]]
        upper[at] = np.minimum(upper[at], np.maximum(value[at - block.start], lower[at]))
        if "time" in block.dims:
            lower[at] = np.maximum(lower[at], np.minimum(value[at - block.start], upper[at]))
    return lower, upper


def _penalised(form: Form) -> Flags:
    """Columns (n) by which somebody goes without: these are never held."""
    found = np.zeros(len(form.cost), dtype=bool)
    for name, account in form.accounts.items():
        if is_penalty(name):
            for lines in account.columns.values():
                found[lines.matrix.indices] = True
    return found


def _late_starts(case: Case, name: str, value: Floats, until: int) -> Flags:
    """Starts of jobs that began from a step on, by the tables of the kind that has them."""
    kind, _, flow = name.partition(".")
    units = case.units.get(kind)
    if units is None or flow != "start" or "start_job" not in units.parameters:
        return np.zeros(len(value), dtype=bool)
    owner, begin = units["start_job"], units["start_step"]
    early = np.unique(owner[(value > 0.5) & (begin < until)])
    return ~np.isin(owner, early)
