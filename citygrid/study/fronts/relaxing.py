"""One relaxation for all limits: solved from the last basis, sharpened by rows that all plans keep.

Under another limit or other costs only sides and costs differ, so the linear programme is handed
over once. What no plan does whatever it may emit or cost, such as a pump that runs by a tenth, is
cut off for all of them at once (:mod:`citygrid.routes.bounds.cuts`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.model.reductions import relax
from citygrid.routes import highs, milp
from citygrid.routes.bounds.cuts import binding, strengthen
from citygrid.routes.bounds.duals import prove
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.highs import Result, Task


@dataclass(frozen=True)
class Relaxed:
    """The relaxation of one form: its point (n), value [EUR], and the duals (m + cuts) of its rows.

    ``form`` is what was relaxed: the form's own rows, then the cuts.
    """

    x: Floats
    value: float
    duals: Floats
    form: Form

    @property
    def bound(self) -> float | None:
        """What the duals prove of the form's cost [EUR]."""
        proof = prove(self.form, self.duals)
        return None if proof is None else proof.bound


class Relaxation:
    """The relaxation of forms that differ in their costs and the sides of their rows alone."""

    def __init__(self, form: Form) -> None:
        self._rows = len(form.row_lower)
        self._open = replace(form, curves=())
        self._take(self._open)

    def _take(self, stronger: Form) -> None:
        self._stronger, self._cost = stronger, stronger.cost
        self._solver = highs.Repeated(relax(stronger).form)

    @property
    def cuts(self) -> int:
        """Rows that were added to the form's own."""
        return len(self._stronger.row_lower) - self._rows

    def stronger(self, form: Form) -> Form:
        """A form with the rows that were added, which cut off none of its plans."""
        own = self._rows
        return replace(
            self._stronger, cost=form.cost, constant=form.constant,
            row_lower=np.concatenate([form.row_lower, self._stronger.row_lower[own:]]),
            row_upper=np.concatenate([form.row_upper, self._stronger.row_upper[own:]]),
        )  # fmt: skip

    def sharpen(self, cost: Floats, constant: float, options: Options) -> float | None:
        """Add rows where the relaxation with these costs (n) breaks them.

        They are found under the sides with which this began, which must be the loosest, so that
        they hold under all. Returns what is then proven of these costs [EUR].
        """

        def solve(part: Form, limit: float | None) -> Result:
            task = Task.of(options, "relaxation", 0.0, limit, method=milp.method(part),
                           crossover=False, prove=False)  # fmt: skip
            return milp.call(part, task, Journal(), options.quiet)

        priced = replace(self._stronger, cost=cost, constant=constant)
        steps = deque(strengthen(priced, solve, Clock(options.time_limit)), maxlen=1)
        if not steps:
            return None
        (last,) = steps
        if last.cuts:
            self._take(binding(replace(last, form=last.proving)))
        return last.bound

    def under(self, form: Form) -> Relaxed | None:
        """The relaxation of a form; ``None`` where it has no solution."""
        own = replace(form, curves=())
        whole = self.stronger(own)
        self._solver.rows(whole.row_lower, whole.row_upper)
        if form.cost is not self._cost:
            self._solver.costs(form.cost)
            self._cost = form.cost
        found = self._solver.solve()
        if found is None:
            return None
        x, duals = found
        return Relaxed(x, form.objective(x), duals, whole)

    def line(self, loosest: Form, relaxed: Relaxed, row: int) -> tuple[float, float] | None:
        """What a relaxation's duals prove of the form with the loosest limit: bound and price.

        The proof may use bounds that rows imply, so it is made where these hold for every limit:
        the limit of ``loosest``, which must be finite.
        """
        proof = prove(self.stronger(replace(loosest, curves=())), relaxed.duals)
        return None if proof is None else (proof.bound, float(proof.prices[row]))
