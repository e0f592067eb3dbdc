"""Bounds: what the rows imply about columns, and what duals prove about the cost.

A site's job load may have no bound of its own and still be limited, through a balance, by the
capacity of its centre. Passing bounds from row to row finds such limits without any solver; and any
vector of duals, however roughly it was found, proves a lower bound of the cost.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import lsqr

from citygrid.model.form import Floats, Form

#: Changes smaller than this, relative to the bound, are not worth another pass.
WORTH = 1e-6
#: Implied bounds are widened by this, relative to their size, before they prove anything.
WIDER = 1e-6
#: Rounding of one addition or product, relative.
UNIT = float(np.finfo(float).eps)
#: Attempts to bend duals until no column without a bound pulls the proof to minus infinity.
BENDS = 12


def tighten(form: Form, passes: int = 6) -> tuple[Floats, Floats]:
    """Bounds (n, n) of the columns that every feasible point keeps, at most as wide as the form's.

    For a row ``lo ≤ Σ a x ≤ hi`` and a column with ``a > 0``:
    ``x ≤ (hi − least activity of the others) / a``, and alike for the other cases.
    """
    matrix = sp.coo_array(form.matrix)
    row, column, weight = matrix.row, matrix.col, matrix.data
    up = weight > 0
    lower, upper = form.lower.copy(), form.upper.copy()
    for _ in range(passes):
        least, most = _activity(row, column, weight, up, lower, upper, len(form.row_lower))
        with np.errstate(invalid="ignore"):
            room_above = (form.row_upper[row] - least) / weight
            room_below = (form.row_lower[row] - most) / weight
        above, below = np.where(up, room_above, room_below), np.where(up, room_below, room_above)
        new_upper, new_lower = upper.copy(), lower.copy()
        np.minimum.at(new_upper, column, np.where(np.isfinite(above), above, np.inf))
        np.maximum.at(new_lower, column, np.where(np.isfinite(below), below, -np.inf))
        whole = form.integer
        new_upper[whole] = np.floor(new_upper[whole] + WORTH)
        new_lower[whole] = np.ceil(new_lower[whole] - WORTH)
        # Never cross by rounding: a bound that would pass the other stays where it was.
        crossed = new_lower > new_upper
        new_lower[crossed], new_upper[crossed] = lower[crossed], upper[crossed]
        moved = _moved(upper, new_upper) or _moved(lower, new_lower)
        lower, upper = new_lower, new_upper
        if not moved:
            break
    return lower, upper


def part_limits(
    form: Form, rows: NDArray[np.int64], columns: NDArray[np.bool_], passes: int = 6
) -> tuple[Floats, Floats]:
    """Least and most that the given columns may add up to in each of the rows (k, k).

    ``lo − most of the others ≤ Σ_chosen a x ≤ hi − least of the others``.
    """
    lower, upper = tighten(form, passes)
    others = sp.csr_array(form.matrix[rows]).copy()
    others.data[columns[others.indices]] = 0.0
    others.eliminate_zeros()
    rest = sp.coo_array(others)
    low, high = (
        np.where(rest.data > 0, lower[rest.col], upper[rest.col]),
        np.where(rest.data > 0, upper[rest.col], lower[rest.col]),
    )
    least, most = np.zeros(len(rows)), np.zeros(len(rows))
    np.add.at(least, rest.row, rest.data * low)
    np.add.at(most, rest.row, rest.data * high)
    return form.row_lower[rows] - most, form.row_upper[rows] - least


def dual_bound(form: Form, duals: Floats) -> float | None:
    """A lower bound of the form's cost that the duals (m) prove, in EUR; ``None`` if they do not.

    The Lagrangian value: for any ``y`` and all ``x`` that keep rows and bounds

    ``cᵀx + k ≥ k + Σ_i (y_i lo_i or y_i hi_i) + Σ_j min(r_j l_j, r_j u_j)``, ``r = c − Aᵀy``,

    with ``lo`` where ``y_i > 0`` and ``hi`` where it is negative. The solver's tolerances do not
    enter: duals that are a little off prove a little less. Where a column has no bound on the side
    that it would take, its implied bound counts (:func:`tighten`, widened a little), and where
    there is none, the duals are bent until the column's reduced cost has the other sign. Rounding
    of the sums is taken off, so that the figure holds in floating point, too; a reduced cost whose
    sign is lost in the rounding of its own sum counts as zero for a column without a bound.
    """
    prices = _signed(form, duals)
    proof = _lagrangian(form, prices, form.lower, form.upper)
    if proof is not None:
        return proof
    lower, upper = tighten(form)
    wide = WIDER * np.maximum(1.0, np.abs(lower)), WIDER * np.maximum(1.0, np.abs(upper))
    lower = np.where(np.isfinite(form.lower), form.lower, lower - wide[0])
    upper = np.where(np.isfinite(form.upper), form.upper, upper + wide[1])
    for _ in range(BENDS):
        proof = _lagrangian(form, prices, lower, upper)
        if proof is not None:
            return proof
        prices = _bent(form, prices, lower, upper)
    return None


def _signed(form: Form, duals: Floats) -> Floats:
    """Duals (m) without those that point to a side where their row has no limit."""
    limit = np.where(duals > 0, form.row_lower, form.row_upper)
    return np.where(np.isfinite(limit) & np.isfinite(duals), duals, 0.0)


def _reduced(form: Form, prices: Floats) -> tuple[Floats, Floats]:
    """Reduced costs (n) and how far rounding may have moved them."""
    entries = np.bincount(form.matrix.indices, minlength=len(form.cost)) + 2.0
    size = np.abs(form.cost) + abs(form.matrix).T @ np.abs(prices)
    return np.asarray(form.cost - form.matrix.T @ prices), np.asarray(UNIT * entries * size)


def _lagrangian(form: Form, prices: Floats, lower: Floats, upper: Floats) -> float | None:
    """The Lagrangian value of signed prices less its rounding; ``None`` for minus infinity."""
    reduced, doubt = _reduced(form, prices)
    side = np.where(reduced > 0, lower, upper)
    endless = ~np.isfinite(side)
    if (np.abs(reduced[endless]) > doubt[endless]).any():
        return None
    side = np.where(endless, 0.0, side)
    limit = np.where(prices > 0, form.row_lower, form.row_upper)
    held = prices != 0.0
    terms = np.concatenate([prices[held] * limit[held], reduced * side, [form.constant]])
    lost = float(doubt @ np.abs(side)) + 2.0 * UNIT * float(np.abs(terms).sum())
    value = math.fsum(terms) - lost
    return value if math.isfinite(value) else None


def _bent(form: Form, prices: Floats, lower: Floats, upper: Floats) -> Floats:
    """Prices nearby under which endless columns have the sign they need, by least squares."""
    reduced, doubt = _reduced(form, prices)
    down, up = ~np.isfinite(lower), ~np.isfinite(upper)
    wrong = (up & (reduced < -doubt)) | (down & (reduced > doubt))
    # Where the column has one bound, the reduced cost may pass zero by as much as it was wrong.
    wanted = np.where(up & down, reduced, 2.0 * reduced)[wrong]
    columns = np.flatnonzero(wrong)
    part = sp.csc_array(form.matrix)[:, columns]
    step = lsqr(part.T, wanted, atol=1e-15, btol=1e-15)[0]
    return _signed(form, prices + step)


def _activity(
    row: NDArray[np.int32], column: NDArray[np.int32], weight: Floats, up: NDArray[np.bool_],
    lower: Floats, upper: Floats, height: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Per entry: least and most activity of the row's other entries."""
    found = []
    for first, second in ((lower, upper), (upper, lower)):
        part = weight * np.where(up, first[column], second[column])
        endless = ~np.isfinite(part)
        known = np.where(endless, 0.0, part)
        total = np.bincount(row, known, height)[row] - known
        count = np.bincount(row, endless, height)[row] - endless
        found.append(np.where(count > 0.5, -np.inf if first is lower else np.inf, total))
    return found[0], found[1]


def _moved(before: Floats, after: Floats) -> bool:
    with np.errstate(invalid="ignore"):
        change = np.abs(after - before)
    scale = np.where(np.isfinite(before), np.maximum(np.abs(before), 1.0), 1.0)
    return bool((np.nan_to_num(change, nan=0.0, posinf=np.inf) > WORTH * scale).any())
