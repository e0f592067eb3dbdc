"""Numbers of like size for solvers whose tolerances are absolute.

A solver that stops at reduced costs of 1e-9 sees no difference between prices of 1e-9 and
3e-9 EUR/kWh, and one that closes rows to 1e-9 cannot close a row of gigawatts written in kW: 64-bit
floats of that size have no such digits. So columns are measured by what they may be at most, rows
by their largest term, and money by the largest cost: ``x = T y``, every row and the cost times a
number. All of these are powers of two, so nothing is rounded on the way there and back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.model.limits import tighten
from citygrid.model.reductions import Reduction, scale

#: Costs whose largest is within these, and limits and coefficients within these, stay as they are.
CHEAPEST, DEAREST = 2.0**-10, 2.0**30
SMALLEST, LARGEST = 2.0**-7, 2.0**22
#: What one integer may switch in a row. The tolerances of cuts are absolute, too: HiGHS takes 3.1 s
#: for a week of five units of 80 to 455 MW in kW, and 0.2 s in sizes of their own.
SWITCHED = 2.0**17
#: A row is never measured so that its tolerance grows by more than the first of these, or falls
#: by more than the second; nor a column in smaller or larger sizes than these.
LOOSEST, STRICTEST = 2.0**-10, 2.0**20
FINEST, COARSEST = 2.0**-20, 2.0**40


@dataclass(frozen=True)
class Scaling(Reduction):
    """A form in other sizes: ``x = T y``, row ``i`` times ``rows[i]``, the cost times ``money``.

    ``rows`` (m) and ``money`` are powers of two, and so are the entries of ``T``.
    """

    rows: Floats
    money: float

    @property
    def sizes(self) -> Floats:
        """What one unit of every column (n) stands for in the original form."""
        return np.asarray(self.T.diagonal(), dtype=float)

    def reduce(self, x: Floats) -> Floats:
        """The scaled point (n) of a point of the original form."""
        return np.asarray(x / self.sizes, dtype=float)

    def cost(self, value: float) -> float:
        """A cost or bound of the scaled form in EUR."""
        return value / self.money

    def duals(self, duals: Floats) -> Floats:
        """Duals of the original rows (m), EUR per unit of the row."""
        return np.asarray(duals * self.rows / self.money, dtype=float)

    def reduced(self, reduced: Floats) -> Floats:
        """Reduced costs of the original columns (n), EUR per unit of the column."""
        return np.asarray(reduced / (self.sizes * self.money), dtype=float)


def is_badly_scaled(form: Form) -> bool:
    """Whether costs are all tiny, or numbers so large or all so small that tolerances mislead."""
    return _costs_mislead(form) or _sizes_mislead(form)


def _costs_mislead(form: Form) -> bool:
    dearest = float(np.abs(form.cost).max(initial=0.0))
    return dearest > 0.0 and not CHEAPEST <= dearest <= DEAREST


def _sizes_mislead(form: Form) -> bool:
    ends = (form.lower, form.upper, form.row_lower, form.row_upper)
    largest = max(float(np.abs(end[np.isfinite(end)]).max(initial=0.0)) for end in ends)
    weight = float(np.abs(form.matrix.data).max(initial=0.0))
    switched = np.abs(form.matrix.data[form.integer[form.matrix.indices]]).max(initial=0.0)
    too_large = max(largest, weight) > LARGEST or float(switched) > SWITCHED
    return too_large or 0.0 < largest < SMALLEST


def scaled(form: Form) -> Scaling:
    """The form in numbers of like size; integers stay in ones.

    A column's size is the most that rows and bounds let it be. A row's is its largest term. Where
    only costs mislead, nothing but money is measured anew, so that no limit is kept less closely.
    """
    lower, upper = tighten(replace(form, curves=()))
    most = np.maximum(*(np.where(np.isfinite(end), np.abs(end), 0.0) for end in (lower, upper)))
    as_they_are = form.integer | (not _sizes_mislead(form))
    sizes = np.where(as_they_are, 1.0, np.clip(_power(most), FINEST, COARSEST))
    columns = scale(form, sizes)
    matrix = columns.form.matrix
    terms = np.zeros(matrix.shape[0])
    np.maximum.at(terms, np.repeat(np.arange(len(terms)), np.diff(matrix.indptr)),
                  np.abs(matrix.data))  # fmt: skip
    rows = np.ones(len(terms))
    if _sizes_mislead(form):
        rows = np.clip(1.0 / _power(terms), LOOSEST, STRICTEST)
    money = 1.0 / float(_power(np.array([np.abs(columns.form.cost).max(initial=0.0)]))[0])
    inner = columns.form
    changed = replace(
        inner, cost=inner.cost * money, constant=inner.constant * money,
        matrix=sp.csr_array(sp.diags_array(rows) @ matrix), row_lower=inner.row_lower * rows,
        row_upper=inner.row_upper * rows,
    )  # fmt: skip
    return Scaling(changed, columns.T, columns.t, rows, money)


def _power(values: Floats) -> Floats:
    """The nearest power of two of every number; 1 where it is 0."""
    with np.errstate(divide="ignore"):
        exponent = np.where(values > 0.0, np.round(np.log2(values)), 0.0)
    return np.asarray(np.exp2(np.clip(exponent, -1000, 1000)), dtype=float)
