"""One part of a dispatch: a small linear programme that hears of some decisions.

It is solved warm, once for every pattern of its decisions; where rows alone say what its columns
are, as of a unit's starts and stops, no programme is solved at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats, Positions
from citygrid.model.form import Form
from citygrid.model.reductions import elastic
from citygrid.routes.highs import Dispatcher
from citygrid.routes.hybrid.moves.propagation import settle

#: Violation of a row of decisions alone, in its unit, that still counts as kept.
KEPT = 1e-6


@dataclass
class Part:
    """One linear programme that decisions leave: columns of its own and the decisions it hears of.

    ``form`` has the own columns (f) first, then the decisions (d), whose cost is left out.
    """

    form: Form
    own: Positions
    decided: Positions
    values: dict[bytes, float | None] = field(default_factory=dict)
    prices: dict[bytes, Floats] = field(default_factory=dict)
    lacks: dict[bytes, tuple[float, Floats]] = field(default_factory=dict)
    #: Whether rows alone have said it all so far, so that no programme had to be solved.
    plain: bool = True
    _solver: Dispatcher | None = None
    _elastic: Dispatcher | None = None
    _slack: Floats = field(default_factory=lambda: np.zeros(0))

    def value(self, decisions: Floats) -> float | None:
        """Least cost [EUR] at the decisions (d); ``None`` if they allow no dispatch."""
        if len(self.own) == 1:
            return self._alone(decisions)
        if self.plain:
            known, value = self._follow(decisions)
            if known:
                return value
            self.plain = False
        return self._dispatcher.at(*self._bounds(decisions))

    @property
    def _dispatcher(self) -> Dispatcher:
        if self._solver is None:
            self._solver = Dispatcher(self.form)
        return self._solver

    def _follow(self, decisions: Floats) -> tuple[bool, float | None]:
        """Whether rows alone say it all, and the value: starts and stops follow from a schedule.

        With every column at the cheaper end of what the rows leave it, nothing can be cheaper; if
        that keeps all rows, it is the best.
        """
        lower, upper = self._bounds(decisions)
        possible: Any = settle
        if not possible(*self._by_row, lower, upper):
            return True, None
        cost = self.form.cost
        point = np.where(cost < 0.0, upper, lower)
        if not np.isfinite(point).all():
            return False, None
        sums = self.form.matrix @ point
        kept = (sums >= self.form.row_lower - KEPT) & (sums <= self.form.row_upper + KEPT)
        return bool(kept.all()), float(cost @ point)

    @cached_property
    def _by_row(self) -> tuple[Any, ...]:
        matrix, form = self.form.matrix, self.form
        across = sp.csc_array(matrix)
        return (
            matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data,
            form.row_lower, form.row_upper, across.indptr.astype(np.int64),
            across.indices.astype(np.int64),
        )  # fmt: skip

    def price(self, decisions: Floats) -> Floats:
        """What one more of every decision (d) would change in the part's value, to first order."""
        if self._dispatcher.at(*self._bounds(decisions)) is None:
            return np.zeros(len(self.decided))
        return self._slope(self._dispatcher)

    def lack(self, decisions: Floats) -> tuple[float, Floats]:
        """By how much the rows are missed at least, and what one more of a decision (d) changes."""
        if self._elastic is None:
            missed = elastic(self.form).form
            self._slack = missed.upper[len(self.form.cost) :]
            self._elastic = Dispatcher(missed)
        lower, upper = self._bounds(decisions)
        total = self._elastic.at(
            np.concatenate([lower, np.zeros(len(self._slack))]),
            np.concatenate([upper, self._slack]),
        )
        if total is None:
            return np.inf, np.zeros(len(self.decided))
        return total, self._slope(self._elastic)

    def _slope(self, solved: Dispatcher) -> Floats:
        _, duals = solved.solution()
        return -np.asarray(self.form.matrix.T @ duals)[len(self.own) :]

    def point(self, decisions: Floats) -> Floats:
        """The own columns (f) of a dispatch at the decisions, which allow one."""
        self._dispatcher.at(*self._bounds(decisions))
        return self._dispatcher.solution()[0][: len(self.own)]

    def _bounds(self, decisions: Floats) -> tuple[Floats, Floats]:
        lower, upper = self.form.lower.copy(), self.form.upper.copy()
        lower[len(self.own) :] = upper[len(self.own) :] = decisions
        return lower, upper

    def _alone(self, decisions: Floats) -> float | None:
        """A single column needs no solver: it stands at an end of what its rows leave it."""
        form = self.form
        weight = form.matrix[:, [0]].toarray().ravel()
        rest = form.matrix[:, 1:] @ decisions if len(decisions) else 0.0
        ends = np.stack([(form.row_lower - rest) / weight, (form.row_upper - rest) / weight])
        low = max(float(ends.min(axis=0).max(initial=-np.inf)), float(form.lower[0]))
        high = min(float(ends.max(axis=0).min(initial=np.inf)), float(form.upper[0]))
        if low > high + KEPT:
            return None
        cost = float(form.cost[0])
        at = low if cost > 0 else high if cost < 0 else 0.0
        return cost * at if np.isfinite(at) else None
