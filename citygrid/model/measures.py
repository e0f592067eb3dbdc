"""In which steps rows move.

Rows whose quantities are all multiples of one number, 10 kW, can be met exactly by columns on a
grid; others only nearly.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats, Positions
from citygrid.model.form import Form

#: Rounding of sums, relative to their parts.
RELATIVE = 1e-9
#: A common measure is at least this part of the largest of its multiples.
FINEST = 1e-5


def measure(form: Form) -> Floats:
    """The largest number (m) of which all that a row's columns can add are multiples.

    0 for rows with a continuous column, with coefficients that have no common measure, and for
    empty rows.
    """
    matrix = sp.csr_array(form.matrix)
    row = np.repeat(np.arange(len(form.row_lower)), np.diff(matrix.indptr))
    found = measures(row, matrix.data, len(form.row_lower))
    mixed = np.bincount(row, ~form.integer[matrix.indices], len(found)) > 0
    return np.where(mixed, 0.0, found)


def measures(owner: Positions, values: Floats, count: int, lost: Flags | None = None) -> Floats:
    """Greatest common measure of the values of each owner; 0 where they have none, or ``lost``."""
    order = np.argsort(owner, kind="stable")
    sizes = np.abs(values)[order]
    begin = np.searchsorted(owner[order], np.arange(count + 1))
    found = np.zeros(count)
    # Euclid on all owners at once: each round adds one value of every owner to its measure.
    length = np.diff(begin)
    largest = np.zeros(count)
    np.maximum.at(largest, owner, np.abs(values))
    for place in range(int(length.max(initial=0))):
        here = np.flatnonzero(length > place)
        found[here] = _euclid(found[here], sizes[begin[here] + place], largest[here])
    found[found < FINEST * largest] = 0.0
    if lost is not None:
        found[lost] = 0.0
    return found


def _euclid(a: Floats, b: Floats, largest: Floats) -> Floats:
    """Common measures of pairs of reals, where remainders below rounding are none."""
    a, b = np.maximum(a, b), np.minimum(a, b)
    while (going := b > 1e-8 * largest).any():
        rest = np.abs(a[going] - b[going] * np.round(a[going] / b[going]))
        a[going], b[going] = b[going], rest
        # The nearest multiple may lie above, so the rest is at most half of the divisor.
    return a
