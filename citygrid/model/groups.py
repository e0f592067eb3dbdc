"""One-hot groups of a form: rows that say "exactly one of these binaries" (a job's starts)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats, Indices, Positions
from citygrid.model.form import Form


@dataclass(frozen=True)
class Groups:
    """One-hot groups: ``columns`` (k) of the form, ``owner`` (k) the group of each, rows (g)."""

    columns: Positions
    owner: Positions
    rows: Positions

    def __len__(self) -> int:
        return len(self.rows)


def find_groups(form: Form) -> Groups:
    """Equality rows with equal weights over binaries, ``a Σ x = a``; a column is in one at most.

    What is held at 0 already is no option; a row in which one is held at 1, or two are not left,
    has nothing to choose. Of rows that share options, the first is a group.
    """
    matrix = sp.csr_array(form.matrix)
    height, width = matrix.shape
    option = form.integer & (form.lower == 0.0) & (form.upper == 1.0)
    never = (form.lower == 0.0) & (form.upper == 0.0)
    count = np.diff(matrix.indptr)
    row = np.repeat(np.arange(height), count)
    first = np.ones(height)
    filled = count > 0
    first[filled] = matrix.data[matrix.indptr[:-1][filled]]
    fits = (option | never)[matrix.indices] & (matrix.data == first[row])
    whole = np.bincount(row, fits, height) == count
    several = np.bincount(row, option[matrix.indices], height) > 1
    exactly = (form.row_lower == form.row_upper) & (form.row_lower == first) & (first != 0.0)
    taken = np.zeros(width, dtype=bool)
    kept: list[int] = []
    columns: list[Positions] = []
    owners: list[Positions] = []
    for candidate in np.flatnonzero(whole & exactly & several):
        members = matrix.indices[matrix.indptr[candidate] : matrix.indptr[candidate + 1]]
        members = members[option[members]]
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


def first_of_each(owner: Indices, key: Floats, count: int) -> Positions:
    """The position of the least key (k) in every group (g), the first of equal ones."""
    order = np.lexsort((key, owner))
    return np.asarray(order[np.searchsorted(owner[order], np.arange(count))])
