"""A form whose flows are equal in like steps: one substitution of columns, and no row twice.

``x = T y``: every flow of a cell of steps is one column of ``y``, which thereby costs as often as
it occurs, so that weights of periods come out by themselves. Levels of stores, and what is started
or stopped, remain columns of their own in every step: a level at the end of a period depends on all
periods before it. That is the linking of periods of Kotzur et al., *Time series aggregation for
energy system design: modeling seasonal storage* (Applied Energy 213, 2018), with levels kept in
every step instead of being put together from two, so that limits and losses hold exactly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Block, Form
from citygrid.model.reductions import Reduction, substitute

#: Quantities that depend on what was before.
OWN = ("level", "start", "stop")
#: Numbers by which equal rows are told: two independent sums over their entries.
SEED = 20180301


def share(form: Form, time: NDArray[np.datetime64], cell: NDArray[np.int64]) -> Reduction:
    """The form with one column for all steps of a cell.

    time, cell
        The steps (T) and the number of each one's cell.

    The reduced form has its columns in flat blocks and its rows, each once, without names.
    """
    place = _places(form, time, cell)
    kept, at = np.unique(place, return_inverse=True)
    width = len(kept)
    T = sp.csr_array((np.ones(len(place)), (np.arange(len(place)), at)), shape=(len(place), width))
    lower, upper = np.full(width, -np.inf), np.full(width, np.inf)
    np.maximum.at(lower, at, form.lower)
    np.minimum.at(upper, at, form.upper)
    integer = np.zeros(width, dtype=bool)
    np.logical_or.at(integer, at, form.integer)
    columns = {"shared": Block("shared", ("column",), {"column": kept}, 0, "1", "shared columns")}
    found = substitute(form, T, np.zeros(len(place)), lower, upper, integer, columns)
    return Reduction(_once(found), T, np.zeros(len(place)))


def _places(form: Form, time: NDArray[np.datetime64], cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """The column (n) that stands for each column: the first of its component and cell."""
    place = np.arange(len(form.cost))
    order = np.argsort(time)
    for name, block in form.columns.items():
        dim = block.dims[-1] if block.dims else ""
        if not dim.startswith("time") or name.rpartition(".")[2] in OWN:
            continue
        stamps = block.coords[dim]
        if stamps.dtype.kind != "M":
            continue
        step = order[np.searchsorted(time[order], stamps.astype(time.dtype))]
        rows = block.index.reshape(-1, len(stamps))
        _, first, back = np.unique(cell[step], return_index=True, return_inverse=True)
        place[rows] = rows[:, first[back]]
    return place


def _once(form: Form) -> Form:
    """The form without rows that it has already; sides of equal rows that differ both count."""
    numbers = np.random.default_rng(SEED).standard_normal((form.matrix.shape[1], 2))
    matrix = form.matrix.copy()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    key = np.column_stack([matrix @ numbers, np.diff(matrix.indptr)])
    _, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
    back = back.ravel()
    lower, upper = np.full(len(first), -np.inf), np.full(len(first), np.inf)
    np.maximum.at(lower, back, form.row_lower)
    np.minimum.at(upper, back, form.row_upper)
    return replace(form, matrix=sp.csr_array(matrix[first]), row_lower=lower, row_upper=upper,
                   rows={}, accounts={}, curves=())  # fmt: skip
