"""Rows that link the binaries of several blocks in time, such as the cost of a start.

``start_t ≥ on_t − on_{t−1}`` belongs to no single hour, and its dual is a poor price: whether a
start is paid depends on the neighbours. Given a plan to keep near, it is known exactly what a block
saves or pays there when it alone changes its binaries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.routes.contract import Positions


@dataclass(frozen=True)
class Links:
    """Rows ``lo ≤ Σ a·binary + a_s s`` with a continuous ``s ≥ 0`` of their own that costs.

    ``rows`` (h); entries: ``row`` (e) among these, ``column`` (e) of the form, ``weight`` (e);
    ``need`` (h) the ``lo``, ``unit`` (h) cost of one missing unit, ``cost_s / a_s`` in EUR.
    """

    rows: Positions
    row: Positions
    column: Positions
    weight: Floats
    need: Floats
    unit: Floats

    def deviations(self, owner: Positions, values: Floats, near: Floats, count: int) -> Floats:
        """What each block (count) pays more in these rows when it alone takes its ``values``.

        owner
            Block of every column (n), −1 for none.
        values, near
            Binaries (n) of the setting and of the plan that the others keep.
        """
        base = np.bincount(self.row, self.weight * near[self.column], minlength=len(self.rows))
        block = owner[self.column]
        inside = block >= 0
        change = self.weight[inside] * (values - near)[self.column[inside]]
        key = self.row[inside] * count + block[inside]
        pairs, place = np.unique(key, return_inverse=True)
        moved = np.bincount(place, change, minlength=len(pairs))
        at = pairs // count
        need, unit = self.need[at], self.unit[at]
        more = unit * (np.maximum(need - base[at] - moved, 0.0) - np.maximum(need - base[at], 0.0))
        return np.asarray(np.bincount(pairs % count, more, minlength=count), dtype=float)


def find_links(form: Form, cut: NDArray[np.bool_]) -> Links:
    """Those of the rows ``cut`` (m) that make changes of binaries cost by a column of their own."""
    matrix = sp.csr_array(form.matrix)
    height, width = matrix.shape
    uses = np.bincount(matrix.indices, minlength=width)
    own = (uses == 1) & ~form.integer & (form.cost > 0) & (form.lower == 0.0)
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    column, weight = matrix.indices, matrix.data
    binary = form.integer[column]
    slack = own[column] & (weight > 0)
    fits = np.bincount(row, binary | slack, height) == np.diff(matrix.indptr)
    one = np.bincount(row, slack, height) == 1
    some = np.bincount(row, binary, height) > 0
    rows = np.flatnonzero(cut & fits & one & some & np.isfinite(form.row_lower)
                          & ~np.isfinite(form.row_upper))  # fmt: skip
    number = np.full(height, -1)
    number[rows] = np.arange(len(rows))
    here = (number[row] >= 0) & slack
    unit = np.zeros(len(rows))
    unit[number[row[here]]] = form.cost[column[here]] / weight[here]
    inside = (number[row] >= 0) & binary
    return Links(rows, number[row[inside]], column[inside].astype(np.int64), weight[inside],
                 form.row_lower[rows], unit)  # fmt: skip
