"""The discrete choices that an annealer can take, read from the form alone.

A group is an equality row with equal weights over binaries of which exactly one is 1 (a job's
starts). What the options add up to in other rows, the load of a site in an hour, is what couples
the groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats, Form
from citygrid.model.limits import part_limits
from citygrid.routes.contract import Positions

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


def option_sizes(coupling: Coupling) -> Floats:
    """The size of a typical option in every coupling row (r)."""
    rows = sp.csr_array(abs(coupling.weights))
    count = np.maximum(np.diff(rows.indptr), 1)
    return np.asarray(rows.sum(axis=1)).ravel() / count


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
