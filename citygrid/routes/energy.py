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
that fits it best near its target, and a penalty ``P_g (1 − Σ_{c∈g} x_c)²`` per group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import dimod
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats
from citygrid.routes.assignment import Coupling, Groups, Positions, option_sizes

#: Price of overrunning a limit, in mean prices of load.
STEEP = 20.0


@dataclass(frozen=True)
class Energy:
    """The energy of choices among candidates; see the module's docstring.

    ``options`` (c) positions in ``groups.columns``, ``owner`` (c, ascending) their group,
    ``priced`` (c) in EUR, ``weights`` W (r × c). Tables: ``first``, ``step`` (r) in the unit of the
    row, ``table`` (r × points) in EUR, ``steep`` EUR per unit beyond the ends. Totals: ``total``
    (r) the t of each row or −1, ``stiffness`` κ (t), ``target`` (t). ``slope``, ``curve`` (r): the
    parabola ``slope L + ½ curve L²`` of each table. ``penalty`` P (g).
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
    penalty: Floats

    @property
    def groups(self) -> int:
        return len(self.penalty)

    def of(self, chosen: Positions) -> float:
        """Energy of a choice, one candidate per group (g), with the tables as they are."""
        load = np.asarray(self.weights[:, chosen].sum(axis=1), dtype=float).ravel()
        met = self.total >= 0
        totals = np.bincount(self.total[met], load[met], minlength=len(self.target))
        return float(
            self.priced[chosen].sum()
            + self.response(np.arange(len(load)), load).sum()
            + 0.5 * self.stiffness @ (totals - self.target) ** 2
        )

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
        margin = self.linear + 0.5 * self.quadratic.diagonal()
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

    def model(self) -> dimod.BinaryQuadraticModel:
        """The energy with parabolas as a binary quadratic model (c variables)."""
        alone = self.linear + 0.5 * self.quadratic.diagonal()
        # A group always takes one option: its cheapest may be the zero, which keeps P small.
        cheapest = np.full(self.groups, np.inf)
        np.minimum.at(cheapest, self.owner, alone)
        linear = alone - cheapest[self.owner] - self.penalty[self.owner]
        penalties = sp.diags_array(2.0 * self.penalty[self.owner]) @ _same_group(self.owner)
        pairs = sp.coo_array(sp.triu(self.quadratic + penalties, k=1))
        offset = float(self.penalty.sum() + cheapest.sum() + 0.5 * self.stiffness @ self.target**2)
        return dimod.BinaryQuadraticModel.from_numpy_vectors(
            linear, (pairs.row, pairs.col, pairs.data), offset, dimod.BINARY,
            variable_order=range(len(linear)),
        )  # fmt: skip

    def decode(self, sample: NDArray[np.int8]) -> tuple[Positions, int]:
        """One candidate per group (g) from a sample (c), and how many groups had to be repaired.

        A group with no or several options takes the one of lowest energy given the others; where
        several were on, one of these.
        """
        on = sample > 0
        count = np.bincount(self.owner[on], minlength=self.groups)
        chosen = np.full(self.groups, -1, dtype=np.int64)
        single = on & (count[self.owner] == 1)
        chosen[self.owner[single]] = np.flatnonzero(single)
        wrong = np.flatnonzero(count != 1)
        if not len(wrong):
            return chosen, 0
        alone = self.linear + 0.5 * self.quadratic.diagonal()
        field = np.asarray(self.quadratic @ single.astype(float))
        starts = np.searchsorted(self.owner, np.arange(self.groups + 1))
        for group in wrong:
            members = np.arange(starts[group], starts[group + 1])
            if count[group] > 1:
                members = members[on[members]]
            best = members[np.argmin(alone[members] + field[members])]
            chosen[group] = best
            field += self.quadratic[[best]].toarray().ravel()
        return chosen, len(wrong)


def energy(
    coupling: Coupling, groups: Groups, options: Positions, priced: Floats, prices: Floats,
    loads: Floats, tables: tuple[Floats, Floats, Floats], total: Positions, spare: float = 0.0,
    imitation: float = 1.0,
) -> Energy:  # fmt: skip
    """The energy of the candidates ``options`` for prices (m), target loads (r) and tables.

    ``tables`` are first, step and values of every row; ``spare`` narrows the limits by a part of
    the size of a typical option where parabolas let samples overrun them; ``imitation`` is the
    part of the mean price that the whole range of a total is worth.
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
    slope, curve = parabolas(first, step, table, steep, loads, size, spare)
    stiff, aim = np.append(stiffness, 0.0)[total], np.append(target, 0.0)[total]
    pull = np.abs(curve) + stiff, 0.25 * stiff * np.abs(aim)
    penalty = _penalties(len(groups), owner, cost, weights, slope + curve * loads, *pull)
    return Energy(
        options, owner, cost, weights, first, step, table, steep, total, stiffness, target,
        slope, curve, penalty,
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
    first: Floats, step: Floats, table: Floats, steep: float, loads: Floats, size: Floats,
    spare: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Slope and curve (r, r) of ``slope L + ½ curve L²`` fitted to every table.

    Weighted least squares over the table and one typical option beyond either end; weights fall
    with the distance from the target, because that is where the loads will be.
    """
    points = table.shape[1]
    grid = first[:, None] + step[:, None] * np.arange(points)
    extent = step * (points - 1)
    beyond = [grid[:, :1] - size[:, None], grid[:, -1:] + size[:, None]]
    # The tables' own steepness would bend the whole parabola; it rises as overruns are seen.
    rise = steep * (0.1 + spare) / STEEP * size[:, None]
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


def _penalties(
    count: int, owner: Positions, cost: Floats, weights: sp.csc_array, slope: Floats,
    curve: Floats, pull: Floats,
) -> Floats:  # fmt: skip
    """Per group: more than any of its options can save, and no more, or annealing freezes.

    Saved is the difference of marginal costs within the group, what an option's own size bends
    (``curve``, r), and what totals that are short of their target would give for it (``pull``, r).
    """
    margin = cost + weights.T @ slope
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, owner, margin)
    np.maximum.at(highest, owner, margin)
    own = np.zeros(count)
    np.maximum.at(own, owner, np.asarray(weights.power(2).T @ curve + abs(weights).T @ pull))
    span = np.where(np.isfinite(lowest), highest - lowest, 0.0)
    floor = float(np.median(span[span > 0])) if (span > 0).any() else 1.0
    return np.maximum(span, floor) + own


def _same_group(owner: Positions) -> sp.csr_array:
    member = sp.csr_array((np.ones(len(owner)), (np.arange(len(owner)), owner)))
    return sp.csr_array(member @ member.T)
