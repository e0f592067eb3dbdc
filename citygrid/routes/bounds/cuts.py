"""The relaxation with rows that integer points keep: a better bound for a few linear programmes.

Each round solves the relaxation, looks for rows that its point breaks (:mod:`.probing`,
:mod:`.rounding`), adds them and solves again. What a round proves is proved by its duals, as
anywhere (:func:`citygrid.routes.bounds.dual_bound`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats, Form
from citygrid.model.reductions import relax
from citygrid.routes.bounds.duals import dual_bound
from citygrid.routes.bounds.probing import Cuts, Probes
from citygrid.routes.bounds.rounding import rounded
from citygrid.routes.contract import Clock
from citygrid.routes.highs import Result

#: A form and a time limit to a result, with point and duals where the form is linear.
Solver = Callable[[Form, float | None], Result]

#: Rounds at most; share of all that was gained below which another is not worth its time.
ROUNDS, WORTH = 12, 0.03
#: Slack relative to a cut's size from which it does nothing, and is left out afterwards.
IDLE = 1e-3


@dataclass(frozen=True)
class Strengthened:
    """A form with further rows that its integer points keep anyway, and what it proves.

    ``form`` has ``cuts`` rows more than the original, behind its own; ``x`` (n) and ``duals`` (m +
    cuts) solve its relaxation. ``bound`` is one of the original's cost [EUR]; ``proving`` has the
    cuts as they hold beyond rounding, for whoever proves more with them.
    """

    form: Form
    proving: Form
    cuts: int
    bound: float | None
    x: Floats | None = None
    duals: Floats | None = None


def strengthen(
    form: Form, solver: Solver, clock: Clock, x: Floats | None = None,
    bound: float | None = None,
) -> Iterator[Strengthened]:  # fmt: skip
    """The form with more and more cuts, a better one in each step, until rounds gain little.

    ``x`` and ``bound`` of the relaxation, where they are known already, save its solution. A round
    that cannot finish in time gives nothing.
    """
    plain = replace(form, curves=())
    if x is None:
        found = solver(relax(plain).form, clock.left)
        if found.x is None or found.duals is None:
            return
        x, bound = found.x, dual_bound(plain, found.duals)
        yield Strengthened(plain, plain, 0, bound, x, found.duals)
    if clock.over or not form.integer.any():
        return
    probes = Probes.of(plain)
    whole = form.integer
    working = proving = replace(
        plain, lower=np.where(whole, probes.lower, form.lower),
        upper=np.where(whole, probes.upper, form.upper),
    )  # fmt: skip
    first, news = bound, bool(((x < working.lower) | (x > working.upper))[whole].any())
    for _ in range(ROUNDS):
        cuts = broken(plain, probes, x)
        if not (len(cuts) or news) or clock.over:
            return
        news = False
        working, proving = _with(working, cuts, 0.0), _with(proving, cuts, cuts.doubt)
        found = solver(relax(working).form, clock.left)
        if found.x is None or found.duals is None:
            return
        x, before = found.x, bound
        proof = dual_bound(proving, found.duals)
        bound = max((part for part in (bound, proof) if part is not None), default=None)
        yield Strengthened(working, proving, len(working.row_lower) - len(plain.row_lower), bound,
                           x, found.duals)  # fmt: skip
        if bound is None or before is None or first is None:
            continue
        if bound - before <= WORTH * (bound - first):
            return


def broken(form: Form, probes: Probes, x: Floats) -> Cuts:
    """All cuts of all families that a point breaks."""
    return Cuts.together(
        [probes.implied(x), probes.lifted(form, x), rounded(form, probes, x)]
    )  # fmt: skip


def binding(found: Strengthened) -> Form:
    """The form with those cuts alone that its point touches: fewer rows for the next solver."""
    own = len(found.form.row_lower) - found.cuts
    if found.x is None:
        return found.form
    activity, size = found.form.matrix @ found.x, abs(found.form.matrix) @ np.abs(found.x)
    idle = activity > found.form.row_lower + IDLE * np.maximum(1.0, size)
    idle[:own] = False
    kept = ~idle
    return replace(
        found.form, matrix=sp.csr_array(found.form.matrix[kept]), rows={},
        row_lower=found.form.row_lower[kept], row_upper=found.form.row_upper[kept],
    )  # fmt: skip


def _with(form: Form, cuts: Cuts, doubt: Floats | float) -> Form:
    """The form with cuts behind its rows; they have no names."""
    return replace(
        form, matrix=sp.csr_array(sp.vstack([form.matrix, cuts.matrix], format="csr")),
        row_lower=np.concatenate([form.row_lower, cuts.lower - doubt]),
        row_upper=np.concatenate([form.row_upper, np.full(len(cuts), np.inf)]),
    )  # fmt: skip
