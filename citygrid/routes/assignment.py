"""The discrete choices that an annealer can take: one option per group, priced by an LP.

Read from the form alone: a group is an equality row with equal weights over binaries of which
exactly one is 1 (a job's starts). What the options add up to in other rows (the load of a site in
an hour) is what couples the groups. The energy of a choice, in EUR, is

``E(x) = Σ priced_c x_c + Σ_r ½ κ_r (Σ_c a_rc x_c − target_r)² + Σ_g P_g (1 − Σ_{c∈g} x_c)²``

with ``priced = cost − Aᵀ λ`` over all rows but the groups' own, targets from the relaxation, and κ
from the slope of the prices: a load that leaves its target by its whole range changes the marginal
price by as much as prices differ within the horizon. Where a target lies at a limit, κ is higher
and the target lower, because beyond a limit there is no plan at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import dimod
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.routes.limits import part_limits

Positions = NDArray[np.int64]

#: Share of the price spread that a load's whole range is worth; 1 lets imitation rule prices.
IMITATION = 0.5
#: How much dearer leaving the target is where the target lies at a limit.
AT_LIMIT = 8.0
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
    kept, columns, owners = [], [], []
    for candidate in rows:
        members = matrix.indices[matrix.indptr[candidate] : matrix.indptr[candidate + 1]]
        if taken[members].any():
            continue  # overlapping groups: the later row stays an ordinary row
        taken[members] = True
        owners.append(np.full(len(members), len(kept)))
        columns.append(members.astype(np.int64))
        kept.append(candidate)
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

    ``options`` (c) positions in ``groups.columns``, ``owner`` (c) their group, ``priced`` (c) in
    EUR, ``weights`` (r × c), ``stiffness`` κ (r), ``target`` (r), ``penalty`` P (g).
    """

    options: Positions
    owner: Positions
    priced: Floats
    weights: sp.csc_array
    stiffness: Floats
    target: Floats
    penalty: Floats

    def of(self, chosen: Positions) -> float:
        """Energy of a choice, one candidate per group (g)."""
        load = np.asarray(self.weights[:, chosen].sum(axis=1)).ravel()
        return float(
            self.priced[chosen].sum() + 0.5 * self.stiffness @ (load - self.target) ** 2
        )

    def quadratic(self) -> sp.csr_array:
        """``Wᵀ diag(κ) W``: how options weigh on each other."""
        scaled = sp.diags_array(self.stiffness) @ self.weights
        return sp.csr_array(self.weights.T @ scaled)

    def model(self, quadratic: sp.csr_array) -> dimod.BinaryQuadraticModel:
        """The energy as a binary quadratic model, less a constant per group."""
        cheapest = np.full(len(self.penalty), np.inf)
        np.minimum.at(cheapest, self.owner, self.priced)
        linear = self.priced - cheapest[self.owner]
        linear = linear + 0.5 * quadratic.diagonal()
        linear -= self.weights.T @ (self.stiffness * self.target)
        linear -= self.penalty[self.owner]
        same = _same_group(self.owner)
        penalties = sp.diags_array(2.0 * self.penalty[self.owner]) @ same
        pairs = sp.coo_array(sp.triu(quadratic + penalties, k=1))
        offset = float(
            self.penalty.sum() + cheapest[np.isfinite(cheapest)].sum()
            + 0.5 * self.stiffness @ self.target**2
        )  # fmt: skip
        return dimod.BinaryQuadraticModel.from_numpy_vectors(
            linear, (pairs.row, pairs.col, pairs.data), offset, dimod.BINARY,
            variable_order=range(len(linear)),
        )  # fmt: skip

    def raised(self, rows: NDArray[np.bool_], by: Floats) -> Energy:
        """The energy with overrun rows dearer and their targets lower by the overrun."""
        return replace(
            self, stiffness=np.where(rows, 3.0 * self.stiffness, self.stiffness),
            target=self.target - np.where(rows, 0.5 * by, 0.0),
        )  # fmt: skip

    def decode(
        self, sample: NDArray[np.int8], quadratic: sp.csr_array
    ) -> tuple[Positions, int]:
        """One candidate per group (g) from a sample (c), and how many groups had to be repaired.

        A group with no or several options takes the one of lowest energy given the others; where
        several were on, one of these.
        """
        groups = len(self.penalty)
        on = sample > 0
        count = np.bincount(self.owner[on], minlength=groups)
        chosen = np.full(groups, -1, dtype=np.int64)
        single = on & (count[self.owner] == 1)
        chosen[self.owner[single]] = np.flatnonzero(single)
        wrong = np.flatnonzero(count != 1)
        if not len(wrong):
            return chosen, 0
        pull = self.priced + 0.5 * quadratic.diagonal()
        pull -= self.weights.T @ (self.stiffness * self.target)
        field = np.asarray(quadratic @ single.astype(float))
        starts = np.searchsorted(self.owner, np.arange(groups + 1))
        for group in wrong:
            members = np.arange(starts[group], starts[group + 1])
            if count[group] > 1:
                members = members[on[members]]
            best = members[np.argmin(pull[members] + field[members])]
            chosen[group] = best
            field += quadratic[[best]].toarray().ravel()
        return chosen, len(wrong)


def priced_cost(form: Form, groups: Groups, duals: Floats) -> Floats:
    """``cost − Aᵀ λ`` of every option (k) without the groups' own rows, in EUR."""
    prices = duals.copy()
    prices[groups.rows] = 0.0
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
    coupling: Coupling, groups: Groups, options: Positions, priced: Floats, duals: Floats,
    loads: Floats,
) -> Energy:  # fmt: skip
    """The energy of the candidates ``options`` for prices (m duals) and target loads (r)."""
    owner, cost = groups.owner[options], priced[options]
    weights = sp.csc_array(coupling.weights[:, options])
    size = np.abs(weights).sum(axis=1) / np.maximum(np.diff(sp.csr_array(weights).indptr), 1)
    size = np.asarray(size).ravel()
    prices = duals[coupling.rows]
    spread = float(np.std(prices)) if len(prices) else 0.0
    if spread == 0.0:
        # Equal prices everywhere: what differs between options is then only their own cost.
        spread = float(np.std(cost)) / max(float(size.mean()) if len(size) else 1.0, 1e-9)
    top = np.maximum(np.abs(loads), size)
    reach = np.where(np.isfinite(coupling.most), np.abs(coupling.most), np.inf)
    back = np.where(np.isfinite(coupling.least), np.abs(coupling.least), np.inf)
    extent = np.maximum(np.where(np.isfinite(np.minimum(reach, back)), np.maximum(
        np.where(np.isfinite(reach), reach, 0.0), np.where(np.isfinite(back), back, 0.0)
    ), top), 1e-9)  # fmt: skip
    stiffness = IMITATION * spread / extent
    above = loads > coupling.most - size
    below = loads < coupling.least + size
    target = np.where(above, coupling.most - 0.5 * size, loads)
    target = np.where(below, coupling.least + 0.5 * size, target)
    stiffness = np.where(above ^ below, AT_LIMIT * stiffness, stiffness)
    target = np.where(above & below, loads, target)
    return Energy(options, owner, cost, weights, stiffness, target,
                  _penalties(len(groups), owner, cost, weights, stiffness))  # fmt: skip


def _penalties(
    count: int, owner: Positions, cost: Floats, weights: sp.csc_array, stiffness: Floats
) -> Floats:
    """Per group: more than any of its options can save, and no more, or annealing freezes."""
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, owner, cost)
    np.maximum.at(highest, owner, cost)
    own = np.zeros(count)
    np.maximum.at(own, owner, 0.5 * np.asarray(weights.power(2).T @ stiffness))
    span = np.where(np.isfinite(lowest), highest - lowest, 0.0)
    floor = float(np.median(span[span > 0])) if (span > 0).any() else 1.0
    return np.maximum(span, floor) + 2.0 * own


def _same_group(owner: Positions) -> sp.csr_array:
    member = sp.csr_array((np.ones(len(owner)), (np.arange(len(owner)), owner)))
    return sp.csr_array(member @ member.T)
