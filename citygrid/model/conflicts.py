"""Rows over binaries that say no more than which pairs of them exclude each other.

"Never both", "only while the unit is on", "at most one of these": such a row needs no slack in a
quadratic model, because each forbidden pair is one product of two literals (a binary, or one minus
it) that is 1 where the pair occurs and 0 where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats, Positions
from citygrid.model.form import Form

#: Slack on a row's limit, relative to it, within which a sum keeps it.
WITHIN = 1e-9


@dataclass(frozen=True)
class Conflicts:
    """Pairs (k) of literals that must not both be true.

    ``first``, ``second`` are positions of binaries; a literal is the binary itself where
    ``first_on`` or ``second_on`` is true, and one minus it elsewhere; ``row`` is what forbids it.
    """

    first: Positions
    second: Positions
    first_on: Flags
    second_on: Flags
    row: Positions

    @property
    def rows(self) -> Positions:
        """The rows (r) that are pairs."""
        return np.unique(self.row)

    def occurring(self, bits: Floats) -> Floats:
        """Which pairs occur (s × k) in points (s × n): 1 or 0."""
        one, other = bits[..., self.first], bits[..., self.second]
        return np.asarray(
            np.where(self.first_on, one, 1.0 - one) * np.where(self.second_on, other, 1.0 - other)
        )

    def quadratic(self, weight: Floats, width: int) -> tuple[Floats, sp.csr_array, float]:
        """``Σ weight · literal · literal`` as linear terms, couplings (row < column) and offset."""
        s, u = np.where(self.first_on, 1.0, -1.0), np.where(self.first_on, 0.0, 1.0)
        v, w = np.where(self.second_on, 1.0, -1.0), np.where(self.second_on, 0.0, 1.0)
        linear = np.bincount(self.first, weight * s * w, width) + np.bincount(
            self.second, weight * u * v, width
        )
        row, column = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        pairs = sp.csr_array((weight * s * v, (row, column)), shape=(width, width))
        return np.asarray(linear, dtype=float), pairs, float((weight * u * w).sum())


def find_conflicts(form: Form) -> Conflicts:
    """The pairs of all rows over binaries that are nothing but pairs.

    With literals of positive weight a row is ``Σ a l ≤ room``. Two literals exclude each other
    where their weights exceed the room, and the row is its pairs exactly if every set without
    such a pair fits. Of sets with ``m`` as the heaviest member, the largest takes all that are no
    heavier and fit beside it, so one look at each ``m`` decides.
    """
    matrix = sp.csr_array(form.matrix)
    one_sided = np.isfinite(form.row_lower) != np.isfinite(form.row_upper)
    binary = form.integer & (form.lower == 0.0) & (form.upper == 1.0)
    strange = np.asarray(abs(matrix) @ (~binary).astype(float)) > 0
    found: list[tuple[Positions, Positions, Flags, Flags, Positions]] = []
    for row in np.flatnonzero(one_sided & ~strange):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        column, a = matrix.indices[span].astype(np.int64), matrix.data[span]
        room = form.row_upper[row]
        if not np.isfinite(room):
            a, room = -a, -form.row_lower[row]
        on = a > 0
        room -= a[~on].sum()
        weight = np.abs(a)
        pairs = _pairs(weight, room)
        if pairs is None:
            continue
        i, j = pairs
        found.append((column[i], column[j], on[i], on[j], np.full(len(i), row)))
    if not found:
        none, no = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        return Conflicts(none, none, no, no, none)
    return Conflicts(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _pairs(weight: Floats, room: float) -> tuple[Positions, Positions] | None:
    """Pairs of members that together exceed the room, if the row says nothing else."""
    limit = room + WITHIN * max(1.0, abs(room))
    order = np.argsort(-weight, kind="stable")
    sorted_weight = weight[order]
    if not len(weight) or sorted_weight[0] > limit:
        return None
    # Sum of the lightest k members, for k = 0 …
    tail = np.concatenate([[0.0], np.cumsum(sorted_weight[::-1])])
    for m, heaviest in enumerate(sorted_weight):
        # Members after m that fit beside it: they stand at the end of the order.
        light = int(np.searchsorted(sorted_weight[m + 1 :][::-1], limit - heaviest, "right"))
        if heaviest + tail[light] > limit:
            return None
    i, j = np.nonzero(np.triu(weight[:, None] + weight[None, :] > limit, k=1))
    return (i, j) if len(i) else None
