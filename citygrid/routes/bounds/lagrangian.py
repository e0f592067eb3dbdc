"""The Lagrangian dual in which units fall apart: coupling rows priced, each component exact.

With the rows that couple everything priced, what is left falls into components, a unit's hours for
instance:

``L(y) = k + Σ_i y_i r_i + Σ_c min {(c − Aᵀy)_c x_c : the component's rows, bounds and integers}``,
``r`` the lower limit of a row where ``y > 0`` and the upper where ``y < 0``. Every ``y`` proves
``L(y)``; the best one proves as much as the convex hulls of all components together, which is
never less than the relaxation, and no more where the components' relaxations are whole by
themselves: then linear programmes are all that is solved here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from citygrid.model.form import Floats, Form
from citygrid.model.limits import tighten
from citygrid.model.reductions import relax
from citygrid.routes.bounds.cuts import Solver
from citygrid.routes.bounds.duals import UNIT, dual_bound
from citygrid.routes.contract import Clock

#: Steps of the prices; first aim above the best value, and the last, relative to it.
STEPS, AIM, LAST_AIM = 40, 2e-3, 1e-5
#: Steps without a better value after which the aim is halved; halvings without one that end it.
PATIENCE, RESIGNED = 3, 5
#: Growth of the aim after a step that reached half of it.
FURTHER = 2.0
#: Distance from whole numbers at which a component's relaxation is exact.
WHOLE = 1e-6
#: Share of the form's integers in one component from which little falls apart.
LUMP = 0.5
#: Implied bounds are widened by this, relative to their size.
WIDER = 1e-6


@dataclass(frozen=True)
class LagrangianBound:
    """The best value [EUR] and the prices (m; zero beside the coupling rows) that prove it."""

    bound: float
    prices: Floats
    trace: tuple[float, ...]


@dataclass(frozen=True)
class _Part:
    """A component: its columns in the form, and its programme without costs."""

    columns: NDArray[np.int64]
    form: Form


def coupling(form: Form) -> NDArray[np.bool_]:
    """Rows (m) that couple units: the balances, which alone link components of a district."""
    found = np.zeros(len(form.row_lower), dtype=bool)
    for name, block in form.rows.items():
        if name.endswith(".balance"):
            found[block.span] = True
    return found


class Lagrangian:
    """The dual function of a form with some rows (m) priced."""

    def __init__(self, form: Form, priced: NDArray[np.bool_], solver: Solver) -> None:
        self.form, self.priced, self._solver = form, priced, solver
        #: Components so far whose relaxation was not whole.
        self.split = 0
        lower, upper = tighten(form)
        wide = WIDER * np.maximum(1.0, np.abs(lower)), WIDER * np.maximum(1.0, np.abs(upper))
        self._lower = np.where(np.isfinite(form.lower), form.lower, lower - wide[0])
        self._upper = np.where(np.isfinite(form.upper), form.upper, upper + wide[1])
        self._shared = sp.csr_array(form.matrix[priced])
        self._low, self._high = form.row_lower[priced], form.row_upper[priced]
        self._parts, self._loose = self._split()
        ends = np.maximum(np.abs(self._lower), np.abs(self._upper))
        self._reach = np.where(np.isfinite(ends), ends, 0.0)
        entries = np.bincount(self._shared.indices, minlength=len(form.cost)) + 2.0
        self._rounding = UNIT * entries * self._reach

    @property
    def lump(self) -> float:
        """Share of the free integers that the largest component holds."""
        sizes = [int(part.form.integer.sum()) for part in self._parts]
        total = int((self.form.integer & (self._lower < self._upper)).sum())
        return max(sizes, default=0) / max(total, 1)

    def signed(self, prices: Floats) -> Floats:
        """Prices of the coupling rows without those on a side that has no limit."""
        limit = np.where(prices > 0, self._low, self._high)
        return np.where(np.isfinite(limit) & np.isfinite(prices), prices, 0.0)

    def at(self, prices: Floats, clock: Clock) -> tuple[float, Floats] | None:
        """``L`` at signed prices, less its rounding, and a point that has it; ``None``: no end."""
        reduced = self.form.cost - self._shared.T @ prices
        limit = np.where(prices > 0, self._low, self._high)
        held = prices != 0.0
        terms = [*(prices[held] * limit[held]), self.form.constant]
        size = np.abs(self.form.cost) + abs(self._shared).T @ np.abs(prices)
        x = np.where(reduced > 0, self._lower, self._upper)
        x[reduced == 0.0] = np.clip(0.0, self._lower, self._upper)[reduced == 0.0]
        loose = self._loose
        if not np.isfinite(x[loose]).all():
            return None
        terms += [*(reduced[loose] * x[loose])]
        for part in self._parts:
            if clock.over:
                return None
            found = self._least(part, reduced[part.columns], clock)
            if found is None:
                return None
            terms.append(found[0])
            x[part.columns] = found[1]
        lost = float(self._rounding @ size) + 2.0 * UNIT * float(np.abs(terms).sum())
        return math.fsum(terms) - lost, x

    def slope(self, prices: Floats, x: Floats) -> Floats:
        """A supergradient: what the priced rows lack (positive) or have too much."""
        activity = self._shared @ x
        below, above = self._low - activity, self._high - activity
        free = np.where(below > 0, below, np.where(above < 0, above, 0.0))
        return np.where(prices > 0, below, np.where(prices < 0, above, free))

    def _least(self, part: _Part, cost: Floats, clock: Clock) -> tuple[float, Floats] | None:
        """A component's least cost, proven, and a point of it.

        The relaxation where it is whole; else HiGHS, whose bound holds if it is cut short.
        """
        priced = replace(part.form, cost=cost)
        linear = self._solver(relax(priced).form, clock.left)
        if linear.x is None or linear.duals is None:
            return None
        value = dual_bound(priced, linear.duals)
        if value is None:
            return None
        split = np.abs(linear.x - np.round(linear.x))[part.form.integer]
        if not (split > WHOLE).any():
            return value, linear.x
        self.split += 1
        exact = self._solver(priced, clock.left)
        if exact.bound is not None:
            value = max(value, exact.bound - WIDER * abs(exact.bound))
        return value, linear.x if exact.x is None else exact.x

    def _split(self) -> tuple[list[_Part], NDArray[np.int64]]:
        form, free = self.form, self._lower < self._upper
        own = sp.csr_array(form.matrix[~self.priced])
        height = own.shape[0]
        low, high = form.row_lower[~self.priced], form.row_upper[~self.priced]
        known = own @ np.where(free, 0.0, self._lower)
        links = sp.csr_array(own, copy=True)
        links.data[~free[links.indices]] = 0.0
        links.eliminate_zeros()
        both = sp.coo_array(links)
        size = height + len(free)
        graph = sp.coo_array((both.data, (both.row, height + both.col)), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        of_row, of_column = label[:height], label[height:]
        met = np.bincount(links.indices, minlength=len(free)) > 0
        parts = []
        for name in np.unique(of_column[free & met]):
            columns = np.flatnonzero(free & (of_column == name))
            rows = np.flatnonzero(of_row == name)
            parts.append(_Part(columns, Form(
                form.cost[columns], 0.0, sp.csr_array(sp.csr_array(own[rows])[:, columns]),
                low[rows] - known[rows], high[rows] - known[rows], self._lower[columns],
                self._upper[columns], form.integer[columns], {}, {},
            )))  # fmt: skip
        return parts, np.flatnonzero(~(free & met))


def lagrangian_bound(
    form: Form, duals: Floats, solver: Solver, clock: Clock,
    priced: NDArray[np.bool_] | None = None, steps: int = STEPS,
) -> LagrangianBound | None:  # fmt: skip
    """The best of ``L`` from the relaxation's duals (m) on, by steps along its slope.

    Steps aim a little above the best value (Polyak) and turn away from zigzags (Camerini, Fratta
    and Maffioli 1975); without time limit they are the same each time. ``None`` where nothing falls
    apart, or nothing was proven. Where the first components' relaxations are all whole, no step is
    taken: their value is the relaxation's own. ``priced`` (m) are the coupling rows, see
    :func:`coupling`.
    """
    priced = coupling(form) if priced is None else priced
    if not priced.any():
        return None
    dual = Lagrangian(replace(form, curves=()), priced, solver)
    if dual.lump > LUMP:
        return None
    prices = dual.signed(duals[: len(priced)][priced])
    found = dual.at(prices, clock)
    if found is None:
        return None
    best, best_prices, best_x = found[0], prices, found[1]
    trace, aim, waited, idle = [best], AIM, 0, 0
    direction = dual.slope(prices, found[1])
    for _ in range(steps):
        length = float(direction @ direction)
        if not dual.split or clock.over or aim < LAST_AIM or idle >= RESIGNED or length <= 0.0:
            break
        value = trace[-1]
        step = (best + aim * abs(best) - value) / length
        prices = dual.signed(prices + step * direction)
        found = dual.at(prices, clock)
        if found is None or found[0] <= best:
            waited += 1
        else:
            aim *= FURTHER if found[0] - best >= aim * abs(best) / 2 else 1.0
            best, best_prices, best_x, waited, idle = found[0], prices, found[1], 0, 0
        trace.append(best if found is None else found[0])
        if found is None or waited >= PATIENCE:
            prices, aim, waited, idle = best_prices, aim / 2, 0, idle + 1
            direction = dual.slope(prices, best_x)
            trace[-1] = best
            continue
        slope = dual.slope(prices, found[1])
        turn = max(-1.5 * float(direction @ slope) / length, 0.0)
        direction = slope + turn * direction
    whole = np.zeros(len(form.row_lower))
    whole[priced] = best_prices
    return LagrangianBound(best, whole, tuple(trace))
