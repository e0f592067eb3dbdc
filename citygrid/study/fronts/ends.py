"""Both ends of a front: the least measure at the least cost, and the best that a measure can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.model.reductions import fix
from citygrid.routes import milp
from citygrid.routes.contract import Journal, proven
from citygrid.study.fronts.bounds import Line, better
from citygrid.study.fronts.measures import Limited
from citygrid.study.fronts.relaxing import Relaxation
from citygrid.study.fronts.solving import Found, Solver

#: At the tight end one unit may cost so many times the front's average; where its corner is not.
DEAR, CORNER = 2.0, 1e-3


def least_measure_at(limited: Limited, plan: Found, solver: Solver) -> Found:
    """A plan's integers at no more cost, with the measure as good as that allows."""
    form = limited.form
    most = plan.cost + 1e-9 * max(1.0, abs(plan.cost)) - form.constant
    held = fix(limited.aim, form.integer, np.round(plan.x[form.integer])).form
    row = sp.csr_array(form.cost[None, :])
    held = replace(
        held, matrix=sp.csr_array(sp.vstack([held.matrix, row], format="csr")),
        row_lower=np.append(held.row_lower, -np.inf),
        row_upper=np.append(held.row_upper, most), rows={},
    )  # fmt: skip
    x, _ = milp.complete(held, plan.x, Journal(), solver.options.quiet)
    if x is None or form.objective(x) > plan.cost + 1e-6 * max(1.0, abs(plan.cost)):
        return plan
    return replace(plan, x=x, cost=form.objective(x))


def best_of(
    limited: Limited, relaxation: Relaxation, solver: Solver, cheapest: Floats
) -> tuple[Floats, float | None, Line | None]:
    """The plan (n) at the tight end, from the cheapest (n).

    With it the best that the measure is proven to be able to be, in its unit, and a line under the
    whole front where one was proven. The plan is exactly the best of the measure where every point
    is exact, or nothing is whole. Otherwise it is the best that is worth its cost at a price far
    above what the front costs on average: the last kg is dear, hard to prove, and asked for by
    nobody, while cost and measure together are searched as soon as the cost alone.
    """
    form, aim, sign = limited.form, limited.aim, limited.measure.sign
    target = relaxation.under(aim)
    proof = None if target is None else target.bound
    known = () if form.curves else (cheapest,)
    price = line = None
    if target is not None and solver.options.gap > 0.0 and form.integer.any():
        price = _dear(limited, relaxation, target.value, limited.value(cheapest))
    if price is None:
        best = solver.plan(aim, proof, target, (cheapest,), known, afresh=True)
        proof = proven(best.cost, better(proof, best.bound))
        return best.x, None if proof is None else sign * proof, None
    priced = limited.priced(price)
    relaxation.sharpen(priced.cost, priced.constant, solver.options)
    both = relaxation.under(priced)
    floor = None if both is None else both.bound
    best = solver.plan(priced, floor, both, (cheapest,), known, afresh=True)
    floor = better(floor, best.bound)
    if floor is not None:
        line = Line(0.0, floor, -price * sign)
    return best.x, None if proof is None else sign * proof, line


def _dear(
    limited: Limited, relaxation: Relaxation, tight: float, loosest: float
) -> float | None:  # fmt: skip
    """A price of the measure [EUR per unit] far above the average of the relaxation's front.

    ``tight`` is the relaxation's best, as less is better, ``loosest`` the measure of the cheapest
    plan; ``None`` where nothing is between.
    """
    sign = limited.measure.sign
    most = sign * loosest
    width = most - tight
    if width <= 1e-6 * max(1.0, abs(most)):
        return None
    ends = [relaxation.under(limited.at(sign * limit)) for limit in (tight + CORNER * width, most)]
    if ends[0] is None or ends[1] is None:
        return None
    return DEAR * max(ends[0].value - ends[1].value, 0.0) / width or None
