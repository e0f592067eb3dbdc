"""The discrete choices that an annealer can take: one option per group, priced by an LP.

Read from the form alone: a group is an equality row with equal weights over binaries of which
exactly one is 1 (a job's starts). What the options add up to in other rows, the load ``L_r`` (of a
site in an hour), is what couples the groups. The energy of a choice, in EUR, is

``E(x) = Σ priced_c x_c + Σ_r φ_r(L_r) + Σ_t ½ κ_t (Σ_{r∈t} L_r − target_t)²``

with ``L = W x``, ``priced = cost − Aᵀ λ`` over the rows that are neither groups nor coupling, ``φ``
the tabulated best response of what stands behind a coupling row (:mod:`.responses`), steep beyond
the limits, and a weak quadratic that keeps the totals of loads that meet in one balance near the
relaxation's, because prices alone let everybody choose the same hour. κ follows from the prices: a
total that leaves its target by its whole range moves the marginal price by a multiple of itself.

Samplers of binary quadratic models get the same energy with every ``φ_r`` replaced by the parabola
that fits it best near its target, and a penalty ``P_g (1 − Σ_{c∈g} x_c)²`` per group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dimod
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.routes.limits import part_limits

Positions = NDArray[np.integer[Any]]

#: Price of overrunning a limit, in mean prices of load.
STEEP = 20.0
#: Part of a column in the relaxation that makes it a candidate whatever its price.
USED = 1e-6


@dataclass(frozen=True)
class Groups:
    """One-hot groups: ``columns`` (k) of the form, ``owner`` (k) the group of each, rows (g)."""

    columns: Positions
    owner: Positions
    rows: Positions

    def __len__(self) -> int:
        return len(self.rows)


def find_groups(form: Form) -> Groups:
    """Rows that say "exactly one of these binaries"; a column belongs to its first such row."""
    matrix = sp.csr_array(form.matrix)
    height, width = matrix.shape
    binary = form.integer & (form.lower >= 0.0) & (form.upper <= 1.0)
    count = np.diff(matrix.indptr)
    row = np.repeat(np.arange(height), count)
    first = np.ones(height)
    filled = count > 0
    first[filled] = matrix.data[matrix.indptr[:-1][filled]]
    fits = binary[matrix.indices] & (matrix.data == first[row])
    whole = np.bincount(row, fits, height) == count
    exactly = (form.row_lower == form.row_upper) & (form.row_lower == first) & (first != 0.0)
    rows = np.flatnonzero(whole & exactly & (count > 1))
    taken = np.zeros(width, dtype=bool)
    kept: list[int] = []
    columns: list[Positions] = []
    owners: list[Positions] = []
    for candidate in rows:
        members = matrix.indices[matrix.indptr[candidate] : matrix.indptr[candidate + 1]]
        if taken[members].any():
            continue  # overlapping groups: the later row stays an ordinary row
        taken[members] = True
        owners.append(np.full(len(members), len(kept), dtype=np.int64))
        columns.append(members.astype(np.int64))
        kept.append(int(candidate))
    empty = np.zeros(0, dtype=np.int64)
    return Groups(
        np.concatenate(columns) if columns else empty,
        np.concatenate(owners) if owners else empty, np.array(kept, dtype=np.int64),
    )  # fmt: skip


@dataclass(frozen=True)
class Coupling:
    """The rows in which options of several groups meet, and how much they may add up to there."""

    rows: Positions
    weights: sp.csc_array
    least: Floats
    most: Floats


def find_coupling(form: Form, groups: Groups) -> Coupling:
    """Rows other than the groups' own that the options enter, with implied limits (r)."""
    chosen = np.zeros(len(form.cost), dtype=bool)
    chosen[groups.columns] = True
    among = sp.csc_array(form.matrix)[:, groups.columns]
    touched = np.zeros(len(form.row_lower), dtype=bool)
    touched[among.indices] = True
    touched[groups.rows] = False
    rows = np.flatnonzero(touched)
    least, most = part_limits(form, rows, chosen)
    return Coupling(rows, sp.csc_array(sp.csr_array(among)[rows]), least, most)


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
        load = np.asarray(self.weights[:, chosen].sum(axis=1)).ravel()
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
        offset = float(
            self.penalty.sum() + cheapest.sum() + 0.5 * self.stiffness @ self.target**2
        )
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


def priced_cost(form: Form, groups: Groups, duals: Floats, without: Positions) -> Floats:
    """``cost − Aᵀ λ`` of every option (k), in EUR, but for the groups' own rows and ``without``."""
    prices = duals.copy()
    prices[groups.rows] = 0.0
    prices[without] = 0.0
    return np.asarray((form.cost - form.matrix.T @ prices)[groups.columns])


def candidates(
    groups: Groups, priced: Floats, used: Floats, budget: int, worth: float | None
) -> Positions:
    """The options worth annealing: those the relaxation uses, then the cheapest up to a budget.

    priced, used
        Priced cost and value in the relaxation (or incumbent) of every option (k).
    worth
        Distance from the group's cheapest in EUR above which an option is out; ``None``: no limit.
    """
    cheapest = np.full(len(groups), np.inf)
    np.minimum.at(cheapest, groups.owner, priced)
    dearer = priced - cheapest[groups.owner]
    # Ranks within a group come before prices, so that every group keeps at least two options.
    order = np.lexsort((dearer, groups.owner))
    rank = np.empty(len(order), dtype=np.int64)
    starts = np.searchsorted(groups.owner[order], np.arange(len(groups)))
    rank[order] = np.arange(len(order)) - starts[groups.owner[order]]
    must = (used > USED) | (rank == 0)
    allowed = np.ones(len(priced), dtype=bool) if worth is None else dearer <= worth
    # What must be in stays even where it exceeds the budget; the rest by how dear it is.
    key = np.where(must, -1.0, np.where(allowed, np.where(rank <= 1, 0.0, dearer), np.inf))
    key = np.where(must | allowed, key, np.inf)
    best = np.lexsort((dearer, key))[: max(budget, int(must.sum()))]
    best = best[np.isfinite(key[best])]
    return best[np.lexsort((best, groups.owner[best]))]


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
    target = np.bincount(total[met], loads[met], minlength=count)
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


def option_sizes(coupling: Coupling) -> Floats:
    """The size of a typical option in every coupling row (r)."""
    rows = sp.csr_array(abs(coupling.weights))
    count = np.maximum(np.diff(rows.indptr), 1)
    return np.asarray(rows.sum(axis=1)).ravel() / count


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


def meeting(form: Form, coupling: Coupling, receiver: Positions, member: sp.csr_array) -> Positions:
    """Which coupling rows (r) meet in one balance: the t of each, or −1.

    ``member`` (blocks × m) says which priced rows the block behind a coupling row enters. Of the
    equality rows that several blocks enter, each block follows the one that the most others share.
    """
    equal = form.row_lower == form.row_upper
    shared = np.asarray((member > 0).sum(axis=0)).ravel() * equal
    total = np.full(len(receiver), -1, dtype=np.int64)
    rows, at = sp.coo_array(member).row, sp.coo_array(member).col
    keep = shared[at] > 1
    order = np.lexsort((at[keep], -shared[at[keep]], rows[keep]))
    blocks, first = np.unique(rows[keep][order], return_index=True)
    follows = dict(zip(blocks.tolist(), at[keep][order][first].tolist(), strict=True))
    for place, block in enumerate(receiver):
        total[place] = follows.get(int(block), -1)
    _, numbered = np.unique(total[total >= 0], return_inverse=True)
    total[total >= 0] = numbered
    return total


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
