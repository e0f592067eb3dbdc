"""Rows that link the binaries of several blocks in time, such as the cost of a start.

``start_t ≥ on_t − on_{t−1}`` belongs to no single hour, and its dual is a poor price: whether a
start is paid depends on the neighbours. Where such a row links blocks that follow each other, its
cost belongs to the passage from one setting to the next (:mod:`.chains`).
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


def find_links(form: Form, cut: NDArray[np.bool_]) -> Links:
    """Those of the rows ``cut`` (m) that make changes of binaries cost by a column of their own."""
    matrix = sp.csr_array(form.matrix)
    height, width = matrix.shape
    uses = np.bincount(matrix.indices, minlength=width)
    own = (uses == 1) & ~form.integer & (form.cost > 0) & (form.lower == 0.0)
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    column, weight = matrix.indices, matrix.data
    binary = (form.integer & (form.lower >= 0.0) & (form.upper <= 1.0))[column]
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
