"""From integers to a plan: an LP over all rows of the form as it was, and repair where it has none.

Grids and penalties leave no trace in a plan. Where no sample's integers allow one, the elastic
relaxation names the rows that the best sample misses, the integers that could help are released,
and a small MILP decides these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats
from citygrid.model.form import Form
from citygrid.model.reductions import elastic, fix, relax
from citygrid.routes import highs, milp
from citygrid.routes.contract import Clock, Journal, Options, Status
from citygrid.routes.qubo.settings import Settings

#: Amount by which a row is missed, in its unit, above which it counts.
MISSED = 1e-6
#: Nodes of a repair's MILP where no time limit ends it.
NODES = 200


@dataclass
class Shop:
    """What a search works with: settings, options, journal, clock, and the cost that matters.

    ``whole``: its plans are plans of the whole form, and no window's.
    """

    settings: Settings
    options: Options
    journal: Journal
    clock: Clock
    tolerance: float
    whole: bool = True


@dataclass
class Found:
    """Plans of a form, best first, as ``(objective, x)``; whether the best had to be repaired."""

    plans: list[tuple[float, Floats]] = field(default_factory=list)
    repaired: bool = False
    status: Status = "no_plan"


def complete(form: Form, x: Floats, shop: Shop, found: Found) -> float | None:
    """Add the best plan with the integers of ``x`` to those found; its cost, or ``None``."""
    limit = None if shop.clock.left is None else max(1.0, shop.clock.left)
    clipped = np.clip(x, form.lower, form.upper)
    plan, _ = milp.complete(form, clipped, shop.journal, shop.options.quiet, limit)
    if plan is None:
        return None
    objective = form.objective(plan)
    found.plans.append((objective, plan))
    if shop.whole:
        shop.journal.trace(objective)
    return objective


def repair(form: Form, x: Floats, shop: Shop, found: Found) -> None:
    """A plan near integers that allow none: those that could help are decided anew."""
    whole = x.copy()
    whole[form.integer] = np.clip(np.round(x), form.lower, form.upper)[form.integer]
    free = np.zeros(len(form.cost), dtype=bool)
    touching = sp.csr_array((np.ones(form.matrix.nnz), form.matrix.indices, form.matrix.indptr),
                            shape=form.matrix.shape)  # fmt: skip
    near = _missed(form, whole, shop).astype(float)
    for widening in range(3):
        if widening == 2:
            free[:] = True
            shop.journal.figures["fell_back"] = "no sample allowed a plan; the whole form by HiGHS"
        else:
            # What stands in a missed row, then what shares a row with that.
            for _ in range(widening + 1):
                free |= touching.T @ near > 0.0
                near = (touching @ free.astype(float) > 0.0).astype(float)
        released = free & form.integer
        if not released.any():
            continue
        held = form.integer & ~free
        part = fix(form, held, whole[held]).form
        last = widening == 2
        task = highs.Task.of(
            shop.options, "repair", shop.options.gap, shop.clock.share(1.0 if last else 0.4, 1.0),
            nodes=NODES if shop.clock.left is None and not last else None,
        )  # fmt: skip
        shop.journal.count("repair_milps")
        result = milp.call(part, task, shop.journal, shop.options.quiet)
        if result.x is not None:
            found.repaired = True
            if complete(form, result.x, shop, found) is not None:
                found.status = "feasible"
                return
        elif last:
            found.status = result.status


def _missed(form: Form, x: Floats, shop: Shop) -> Flags:
    """Which rows the integers of a point must miss, by the elastic relaxation."""
    held = fix(form, form.integer, x[form.integer]).form
    slacked = elastic(relax(held).form)
    task = highs.Task.of(shop.options, "missed rows", time_limit=shop.clock.share(0.5, 1.0))
    result = milp.call(slacked.form, task, shop.journal, shop.options.quiet)
    if result.x is None:
        return np.ones(len(form.row_lower), dtype=bool)
    return np.asarray(np.abs(slacked.amounts(result.x)) > MISSED)
