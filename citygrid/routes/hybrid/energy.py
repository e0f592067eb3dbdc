"""The energy of a choice: one option per group, priced by an LP.

With ``L_r`` what the options add up to in a coupling row (the load of a site in an hour), it is, in
EUR,

``E(x) = Σ priced_c x_c + Σ_r φ_r(L_r) + Σ_t ½ κ_t (Σ_{r∈t} L_r − target_t)²``

where ``L = W x``, ``priced = cost − Aᵀ λ`` over the rows that are neither groups nor coupling,
``φ`` the tabulated best response of what stands behind a coupling row (:mod:`.responses`), steep
beyond the limits, and a weak quadratic that keeps the totals of loads that meet in one balance
near the relaxation's, because prices alone let everybody choose the same hour. κ follows from the
prices: a total that leaves its target by its whole range moves the marginal price by a multiple
of itself.

Samplers of binary quadratic models get the same energy with every ``φ_r`` replaced by the parabola
that fits it best near its target, see :mod:`.quadratic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import Coupling, Groups, option_sizes

#: Overrun of a limit, in the unit of the row, above which it counts.
OVERRUN = 1e-6
#: Price of overrunning a limit, in mean prices of load.
STEEP = 20.0


@dataclass(frozen=True)
class Energy:
    """The energy of choices among candidates; see the module's docstring.

    ``options`` (c) positions in ``groups.columns``, ``owner`` (c, ascending) their group,
    ``priced`` (c) in EUR, ``weights`` W (r × c). Tables: ``first``, ``step`` (r) in the unit of the
    row, ``table`` (r × points) in EUR, ``steep`` EUR per unit beyond the ends. Totals: ``total``
    (r) the t of each row or −1, ``stiffness`` κ (t), ``target`` (t). ``slope``, ``curve`` (r): the
    parabola ``slope L + ½ curve L²`` of each table, ``size`` (r) that of a typical option.
    """

    options: Positions
    owner: Positions
    priced: Floats
    weights: sp.csc_array
    first: Floats
    step: Floats
    table: Floats
    steep: float
    total: Positions
    stiffness: Floats
    target: Floats
    slope: Floats
    curve: Floats
    size: Floats

    @cached_property
    def groups(self) -> int:
        """Number of groups (g)."""
        return int(self.owner.max(initial=-1)) + 1

    def of(self, chosen: Positions) -> float:
        """Energy of a choice, one candidate per group (g), with the tables as they are."""
        return float(self.of_each(chosen[:, None])[0])

    def of_each(self, chosen: Positions) -> Floats:
        """Energies (n) of choices (g × n)."""
        size, count = chosen.shape
        shape, begin = (len(self.owner), count), np.arange(count + 1) * size
        taken = sp.csc_array((np.ones(size * count), chosen.T.ravel(), begin), shape=shape)
        load = (self.weights @ taken).toarray()
        rows = np.broadcast_to(np.arange(len(load))[:, None], load.shape)
        gaps = (self.gathered @ taken).toarray() - self.target[:, None]
        return np.asarray(
            self.priced[chosen].sum(axis=0) + self.response(rows, load).sum(axis=0)
            + 0.5 * self.stiffness @ gaps**2
        )  # fmt: skip

    def response(self, rows: Positions, load: Floats) -> Floats:
        """``φ`` of loads at rows (any equal shapes): the tables, linear between, steep beyond."""
        last = self.table.shape[1] - 1
        place = (load - self.first[rows]) / self.step[rows]
        inner = np.clip(place, 0.0, last)
        low = np.minimum(inner.astype(np.int64), last - 1)
        part = inner - low
        base = self.table[rows, low]
        return np.asarray(
            base + part * (self.table[rows, low + 1] - base)
            + self.steep * self.step[rows] * np.abs(place - inner)
        )  # fmt: skip

    @property
    def spread(self) -> float:
        """How much the options of a typical group differ when loads are at their targets, EUR."""
        # The diagonal of `quadratic`, without its millions of couplings.
        own = self.weights.power(2).T @ self.curve + self.gathered.power(2).T @ self.stiffness
        margin = self.linear + 0.5 * own
        count = np.maximum(np.bincount(self.owner, minlength=self.groups), 1)
        mean = np.bincount(self.owner, margin, minlength=self.groups) / count
        square = np.bincount(self.owner, (margin - mean[self.owner]) ** 2, minlength=self.groups)
        return float(np.median(np.sqrt(square / count)))

    @cached_property
    def gathered(self) -> sp.csr_array:
        """``G W`` (t × c): what every option adds to the totals."""
        met = np.flatnonzero(self.total >= 0)
        shape = (len(self.target), len(self.total))
        return sp.csr_array(
            sp.csr_array((np.ones(len(met)), (self.total[met], met)), shape=shape) @ self.weights
        )

    @cached_property
    def quadratic(self) -> sp.csr_array:
        """How options weigh on each other in the parabolas: ``Wᵀ diag(curve) W`` and totals."""
        own = self.weights.T @ (sp.diags_array(self.curve) @ self.weights)
        totals = self.gathered.T @ (sp.diags_array(self.stiffness) @ self.gathered)
        return sp.csr_array(own + totals)

    @cached_property
    def linear(self) -> Floats:
        """What every option costs alone in the parabolas, without its weight on itself."""
        pull = self.weights.T @ self.slope - self.gathered.T @ (self.stiffness * self.target)
        return np.asarray(self.priced + pull)

    def overrun(self, chosen: Positions) -> Floats:
        """How far the loads (r) of a choice lie beyond the ends of the tables."""
        load = np.asarray(self.weights[:, chosen].sum(axis=1), dtype=float).ravel()
        last = self.first + self.step * (self.table.shape[1] - 1)
        over = np.maximum(load - last, self.first - load)
        return np.where(over > OVERRUN, over, 0.0)


def energy(
    coupling: Coupling, groups: Groups, options: Positions, priced: Floats, prices: Floats,
    loads: Floats, tables: tuple[Floats, Floats, Floats], total: Positions, imitation: float = 1.0,
) -> Energy:  # fmt: skip
    """The energy of the candidates ``options`` for prices (m), target loads (r) and tables.

    ``tables`` are first, step and values of every row; ``imitation`` is the part of the mean price
    that the whole range of a total is worth.
    """
    owner, cost = groups.owner[options], priced[options]
    weights = sp.csc_array(coupling.weights[:, options])
    first, step, table = tables
    size = option_sizes(coupling)
    steep = STEEP * float(np.abs(table).max(initial=0.0) / max(
        float((step * (table.shape[1] - 1)).mean()) if len(step) else 1.0, 1e-9
    )) + 1e-6  # fmt: skip
    met = total >= 0
    count = int(total.max(initial=-1)) + 1
    target = np.asarray(np.bincount(total[met], loads[met], minlength=count), dtype=float)
    reach = np.bincount(total[met], (step * (table.shape[1] - 1))[met], minlength=count)
    level = float(np.abs(prices[coupling.rows]).mean()) if len(coupling.rows) else 0.0
    stiffness = imitation * level / np.maximum(reach, 1e-9)
    slope, curve = parabolas(first, step, table, steep, loads, size)
    return Energy(
        options, owner, cost, weights, first, step, table, steep, total, stiffness, target,
        slope, curve, size,
    )  # fmt: skip


def axes(coupling: Coupling, loads: Floats, points: int) -> tuple[Floats, Floats]:
    """First load and step (r, r) of tables that reach from nothing to the limit."""
    rows = coupling.weights
    most_possible = np.asarray(rows.maximum(0).sum(axis=1)).ravel()
    least_possible = np.asarray(rows.minimum(0).sum(axis=1)).ravel()
    size = option_sizes(coupling)
    # Where no limit is implied, twice the target is as far as a sensible choice goes.
    top = np.where(np.isfinite(coupling.most), coupling.most, 2.0 * np.maximum(loads, 0) + size)
    bottom = np.where(
        np.isfinite(coupling.least), coupling.least, 2.0 * np.minimum(loads, 0) - size
    )
    last = np.minimum(top, most_possible)
    first = np.minimum(np.maximum(bottom, least_possible), last)
    return first, np.maximum((last - first) / (points - 1), 1e-9)


def parabolas(
    first: Floats, step: Floats, table: Floats, steep: float, loads: Floats, size: Floats
) -> tuple[Floats, Floats]:  # fmt: skip
    """Slope and curve (r, r) of ``slope L + ½ curve L²`` fitted to every table.

    Weighted least squares over the table and one typical option beyond either end; weights fall
    with the distance from the target, because that is where the loads will be.
    """
    points = table.shape[1]
    grid = first[:, None] + step[:, None] * np.arange(points)
    extent = step * (points - 1)
    beyond = [grid[:, :1] - size[:, None], grid[:, -1:] + size[:, None]]
    # The tables' own steepness would bend the whole parabola.
    rise = 0.1 * steep / STEEP * size[:, None]
    x = np.concatenate([beyond[0], grid, beyond[1]], axis=1)
    y = np.concatenate([table[:, :1] + rise, table, table[:, -1:] + rise], axis=1)
    width = 0.5 * extent + size
    weight = np.exp(-0.5 * ((x - loads[:, None]) / np.maximum(width, 1e-9)[:, None]) ** 2) + 1e-3
    centre = (x - loads[:, None]) / np.maximum(width, 1e-9)[:, None]
    powers = np.stack([np.ones_like(centre), centre, 0.5 * centre**2], axis=-1)
    normal = np.einsum("rp,rpi,rpj->rij", weight, powers, powers) + 1e-9 * np.eye(3)
    right = np.einsum("rp,rpi,rp->ri", weight, powers, y)
    found = np.linalg.solve(normal, right[..., None])[..., 0]
    curve = found[:, 2] / np.maximum(width, 1e-9) ** 2
    slope = found[:, 1] / np.maximum(width, 1e-9) - curve * loads
    return slope, curve
