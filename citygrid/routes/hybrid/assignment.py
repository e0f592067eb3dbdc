"""What couples the one-hot groups of a form, and which of their options are worth annealing.

What the options of groups (a job's starts) add up to in other rows, the load of a site in an hour,
is what couples them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats, Indices, Positions
from citygrid.model.form import Form
from citygrid.model.groups import Groups
from citygrid.model.limits import part_limits
from citygrid.model.steps import steps_of_rows

#: Part of a column in the relaxation that makes it a candidate whatever its price.
USED = 1e-6


@dataclass(frozen=True)
class Coupling:
    """The rows in which options of several groups meet, and how much they may add up to there.

    ``rows`` (r) of the form, ``weights`` (r × k) of the options in them, and ``least`` and ``most``
    (r) of their sum, each in the unit of its row; ``steps`` (r) of the rows in time, −1 for none.
    """

    rows: Positions
    weights: sp.csc_array
    least: Floats
    most: Floats
    steps: Positions


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
    weights = sp.csc_array(sp.csr_array(among)[rows])
    return Coupling(rows, weights, least, most, steps_of_rows(form)[rows])


def priced_cost(form: Form, groups: Groups, duals: Floats, without: Positions) -> Floats:
    """``cost − Aᵀ λ`` of every option (k), in EUR, but for the groups' own rows and ``without``."""
    prices = duals.copy()
    prices[groups.rows] = 0.0
    prices[without] = 0.0
    return np.asarray((form.cost - form.matrix.T @ prices)[groups.columns])


def candidates(
    groups: Groups, priced: Floats, used: Floats, budget: int, allowed: Flags
) -> Positions:
    """The options worth annealing: those the relaxation uses, then the cheapest up to a budget.

    priced, used
        Priced cost and value in the relaxation (or incumbent) of every option (k).
    allowed
        Which options (k) may be in a better plan than the best one.
    """
    dearer = beyond_cheapest(groups, priced)
    # Ranks within a group come before prices: as long as the budget allows, a group keeps two.
    order = np.lexsort((dearer, groups.owner))
    rank = np.empty(len(order), dtype=np.int64)
    starts = np.searchsorted(groups.owner[order], np.arange(len(groups)))
    rank[order] = np.arange(len(order)) - starts[groups.owner[order]]
    must = (used > USED) | (rank == 0)
    # What must be in stays even where it exceeds the budget; the rest by how dear it is.
    key = np.where(must, -1.0, np.where(allowed, np.where(rank <= 1, 0.0, dearer), np.inf))
    key = np.where(must | allowed, key, np.inf)
    best = np.lexsort((dearer, key))[: max(budget, int(must.sum()))]
    best = best[np.isfinite(key[best])]
    return best[np.lexsort((best, groups.owner[best]))]


def beyond_cheapest(groups: Groups, priced: Floats) -> Floats:
    """How much more than the cheapest of its group every option (k) costs, EUR."""
    cheapest = np.full(len(groups), np.inf)
    np.minimum.at(cheapest, groups.owner, priced)
    return np.asarray(priced - cheapest[groups.owner])


def option_sizes(coupling: Coupling) -> Floats:
    """The size of a typical option in every coupling row (r)."""
    rows = sp.csr_array(abs(coupling.weights))
    count = np.maximum(np.diff(rows.indptr), 1)
    return np.asarray(rows.sum(axis=1)).ravel() / count


def meeting(form: Form, coupling: Coupling, receiver: Indices, member: sp.csr_array) -> Positions:
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
