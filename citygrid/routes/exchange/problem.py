"""A form as files for annealers state it: limits on one side, finite bounds, plain names.

Annealers search boxes, so a bound that the form leaves open is what the rows imply about it, and
where they imply nothing, the largest number that such files allow. No feasible point is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats, Positions
from citygrid.model.form import Block, Form
from citygrid.model.groups import find_groups
from citygrid.model.limits import WIDER, tighten
from citygrid.model.writing import Names, column_names, row_names

#: Largest real number and largest whole number that dimod's files allow.
MOST_REAL, MOST_WHOLE = 1e30, float(2**53 - 1)


@dataclass(frozen=True)
class Problem:
    """What a file states: ``form`` with one limit per row, ``columns`` (n) and ``rows`` (m) named.

    ``binary`` (n): integers between exactly 0 and 1; ``discrete`` (m): rows that say "exactly one
    of these binaries" and share none with another such row; ``given`` (m): the row of the original
    form that each was made from; ``open`` (n): variables whose bound no row implies.
    """

    form: Form
    columns: Names
    rows: Names
    given: Positions
    binary: Flags
    discrete: Flags
    open: Flags


def problem(form: Form) -> Problem:
    """The form as a file states it.

    A row ``lo ≤ a x ≤ hi`` becomes ``a x ≤ hi`` and ``a x ≥ lo``, the latter with ``_low`` behind
    its name; an equality stays one row, and one without limits disappears.
    """
    lower, upper, still_open = _finite(form)
    low, high = form.row_lower, form.row_upper
    equal, below, above = low == high, np.isfinite(high), np.isfinite(low)
    ranged = below & above & ~equal
    # Both parts of a range stand side by side: position, then which part.
    given = np.concatenate([np.flatnonzero(below | above), np.flatnonzero(ranged)])
    second = np.concatenate([np.zeros((below | above).sum(), bool), np.ones(ranged.sum(), bool)])
    order = np.lexsort((second, given))
    given, second = given[order], second[order]
    names = row_names(form)[given]
    taken = set(names[~second].tolist())
    for at in np.flatnonzero(second):
        name = f"{names[at]}_low"
        while name in taken:
            name += "_"
        taken.add(name)
        names[at] = name
    split = ranged[given]
    columns = column_names(form)
    stated = replace(
        form, matrix=sp.csr_array(sp.csr_array(form.matrix)[given]), lower=lower, upper=upper,
        row_lower=np.where(split & ~second, -np.inf, low[given]),
        row_upper=np.where(second, np.inf, high[given]),
        rows=flat("limit", names), columns=flat("amount", columns), accounts={}, curves=(),
        policies=(), source=None,
    )  # fmt: skip
    binary = form.integer & (lower == 0.0) & (upper == 1.0)
    return Problem(stated, columns, names, given, binary, _one_hot(stated, binary), still_open)


def flat(name: str, labels: Names) -> dict[str, Block]:
    """One block of all columns or rows, by their names in a file."""
    return {name: Block(name, ("name",), {"name": labels}, 0, "1")} if len(labels) else {}


def _finite(form: Form) -> tuple[Floats, Floats, Flags]:
    """Bounds (n, n) that files can hold, and which variables (n) are open for all we know."""
    lower, upper = form.lower.copy(), form.upper.copy()
    down, up = ~np.isfinite(lower), ~np.isfinite(upper)
    if (down | up).any():
        least, most = tighten(form)
        # Rounding must not cut a feasible point off.
        lower[down] = (least - WIDER * np.maximum(1.0, np.abs(least)))[down]
        upper[up] = (most + WIDER * np.maximum(1.0, np.abs(most)))[up]
        whole = form.integer
        lower[down & whole] = np.ceil(lower[down & whole])
        upper[up & whole] = np.floor(upper[up & whole])
    most_of = np.where(form.integer, MOST_WHOLE, MOST_REAL)
    still_open = (lower < -most_of) | (upper > most_of)
    return np.clip(lower, -most_of, most_of), np.clip(upper, -most_of, most_of), still_open


def _one_hot(form: Form, binary: Flags) -> Flags:
    """Rows ``Σ x = 1`` over at least two binaries, disjoint from each other, the first wins."""
    matrix = sp.csr_array(form.matrix)
    found = np.zeros(len(form.row_lower), dtype=bool)
    rows = find_groups(form).rows
    row = np.repeat(np.arange(len(found)), np.diff(matrix.indptr))
    # A file has no word for an option that is held, nor for a row that counts in other units.
    odd = np.bincount(row, ~binary[matrix.indices] | (matrix.data != 1.0), len(found))
    found[rows] = odd[rows] == 0
    return found
