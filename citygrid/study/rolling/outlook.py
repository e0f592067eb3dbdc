"""What later steps are worth: prices and a course of the whole horizon from its relaxation.

The linear relaxation of the whole horizon sees every season at once. Its duals price whatever a
window leaves to later steps (a level, a job, a unit that stays on, what is left under a cap), and
its course says how much of each it would leave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.model.form import Block, Form
from citygrid.model.windows import Calendar, Window
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.milp import relaxation

#: By how much more than its price a kWh costs that a level lacks of its course at the end of a
#: window, and by how much less one is worth that it has too much, relative to the price.
MARGIN = 0.05
#: Seconds after which simplex gives way to interior point.
PATIENCE = 180.0


@dataclass(frozen=True)
class Outlook:
    """Point (n) and duals (m) of the relaxation, and what they prove of the cost [EUR].

    In more than one of ``parts`` (``parts.py``) they are nearly those, and prove nothing yet.
    """

    x: Floats
    duals: Floats
    bound: float | None
    seconds: float
    parts: int = 1


def look_ahead(
    form: Form, options: Options, limit: float | None, say: Callable[[str], None]
) -> Outlook | None:
    """The relaxation of the whole horizon; ``None`` where ``limit`` seconds do not suffice."""
    say(f"pricing what is left to later windows: the relaxation, {len(form.cost):,} columns")
    journal, clock = Journal(), Clock(limit)
    # Simplex ends soonest where stores alone link the steps, interior point in large networks.
    for method, seconds in (("simplex", PATIENCE), ("ipm", np.inf)):
        left = min(seconds, np.inf if clock.left is None else clock.left)
        outcome, duals, _ = relaxation(
            form, options.quiet, journal, method, float(left) if np.isfinite(left) else None,
            crossover=False,
        )  # fmt: skip
        if outcome.status == "optimal" and outcome.x is not None and duals is not None:
            return Outlook(outcome.x, duals, outcome.bound, journal.elapsed)
        if clock.over or outcome.status not in ("time_limit", "error", "feasible"):
            break
    return None


def priced(
    window: Window, form: Form, when: Calendar, outlook: Outlook | None, x: Floats, first: int
) -> Form:
    """A window's form with what it leaves to later steps at the outlook's prices.

    ``c_j − Σ_r y_r A_rj`` over the rows that reach beyond; around the course of the relaxation a
    level is worth a little less above and a little more below. A peak is free up to that of the
    relaxation. ``x`` (n) is what was decided before ``first``.
    """
    if outlook is None:
        return window.form
    part = window.form
    rows = window.rows[window.open_rows]
    prices = outlook.duals[rows]
    cost = part.cost - part.matrix[window.open_rows].T @ prices
    lower = part.lower.copy()
    shared = np.flatnonzero(when.begin[window.columns] < when.column[window.columns])
    course = outlook.x[window.columns[shared]]
    lower[shared] = np.clip(course, part.lower[shared], part.upper[shared])
    # So that a gap is one of what the window costs, and not of what its prices leave of it.
    known = float((part.cost - cost) @ outlook.x[window.columns])
    part = replace(part, cost=np.asarray(cost), lower=lower, constant=part.constant + known)
    return _held_near(part, window, form, when, outlook, x, first)


def _held_near(
    part: Form, window: Window, form: Form, when: Calendar, outlook: Outlook, x: Floats, first: int
) -> Form:
    """Two more columns for every open equality of amounts: how far it is from its course."""
    open_rows, rows = window.open_rows, window.rows[window.open_rows]
    prices = np.abs(outlook.duals[rows])
    amounts = abs(part.matrix[open_rows]) @ (~part.integer).astype(float) > 0
    equal = form.row_lower[rows] == form.row_upper[rows]
    chosen = np.flatnonzero(equal & amounts & (prices > 0.0))
    if not len(chosen):
        return part
    count, width = len(chosen), len(part.cost)
    inside = part.matrix[open_rows[chosen]]
    whole = sp.csr_array(form.matrix[rows[chosen]])
    entry = np.repeat(np.arange(count), np.diff(whole.indptr))
    past = when.column[whole.indices] < first
    gone = (whole.data * (outlook.x[whole.indices] - x[whole.indices]))[past]
    course = inside @ outlook.x[window.columns] + np.bincount(entry[past], gone, count)
    ones = sp.eye_array(count, format="csr")
    height, margin = len(part.row_lower), MARGIN * prices[chosen]
    labels = {"row": np.arange(count).astype(object)}
    columns = dict(part.columns)
    for name, start in (("window.above", width), ("window.below", width + count)):
        columns[name] = Block(name, ("row",), labels, start, "1", "distance from the course")
    known = Block("window.course", ("row",), labels, height, "1", "course of the relaxation")
    return replace(
        part, cost=np.concatenate([part.cost, margin, margin]),
        matrix=sp.csr_array(sp.vstack([
            sp.hstack([part.matrix, sp.csr_array((height, 2 * count))]),
            sp.hstack([inside, -ones, ones]),
        ], format="csr")),
        row_lower=np.concatenate([part.row_lower, course]),
        row_upper=np.concatenate([part.row_upper, course]),
        lower=np.concatenate([part.lower, np.zeros(2 * count)]),
        upper=np.concatenate([part.upper, np.full(2 * count, np.inf)]),
        integer=np.concatenate([part.integer, np.zeros(2 * count, dtype=bool)]),
        columns=columns, rows={**part.rows, "window.course": known},
    )  # fmt: skip


def says(outlook: Outlook | None) -> dict[str, Any]:
    """What the telemetry tells of it."""
    if outlook is None:
        return {"prices": "none: the relaxation was not solved in its time"}
    prices = "relaxation of the whole horizon"
    if outlook.parts > 1:
        prices += f", in {outlook.parts} parts"
    return {"prices": prices, "relaxation_bound": outlook.bound,
            "relaxation_seconds": outlook.seconds}  # fmt: skip
