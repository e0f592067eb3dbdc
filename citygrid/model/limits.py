"""What the rows of a form imply about its columns.

A site's job load may have no bound of its own and still be limited, through a balance, by the
capacity of its centre. Passing bounds from row to row finds such limits without any solver.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form

#: Changes smaller than this, relative to the bound, are not worth another pass.
WORTH = 1e-6

#: Implied bounds are widened by this, relative to their size, before they prove anything.
WIDER = 1e-6


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
        least, most = others_activity(row, column, weight, up, lower, upper, len(form.row_lower))
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


def useful(form: Form) -> tuple[Floats, Floats]:
    """Bounds (n, n) for columns that have none and of which more would only cost.

    A peak may be as high as one likes, and no least-cost plan has it above what some row asks for:
    where all limited rows of a column ask for at least so much of it and it costs, or costs
    nothing, the most that any of them can ask for is enough. Alike for the other direction.
    """
    matrix = sp.coo_array(form.matrix)
    row, column, weight = matrix.row, matrix.col, matrix.data
    up = weight > 0
    height = len(form.row_lower)
    least, most = others_activity(row, column, weight, up, form.lower, form.upper, height)
    bounds = []
    for own, cost, far, sign in (
        (form.upper, form.cost, form.lower, 1.0), (form.lower, -form.cost, form.upper, -1.0)
    ):  # fmt: skip
        # For more of the column: rows with a positive weight must have no upper limit, and so on.
        rising = up if sign > 0 else ~up
        low, high = form.row_lower[row], form.row_upper[row]
        against = np.where(rising, np.isfinite(high), np.isfinite(low))
        free = np.bincount(column, against, len(cost)) == 0
        scale = np.abs(form.cost).max(initial=0.0)
        chosen = ~np.isfinite(own) & free & (cost >= -1e-12 * scale)
        with np.errstate(invalid="ignore"):
            asked = np.where(rising, low - least, high - most) / weight
        asked = np.where(np.isnan(asked), sign * np.inf, asked)
        limited = np.where(rising, np.isfinite(low), np.isfinite(high))
        need = np.where(np.isfinite(far), far, -sign * np.inf)
        if sign > 0:
            np.maximum.at(need, column[limited], asked[limited])
        else:
            np.minimum.at(need, column[limited], asked[limited])
        bounds.append(np.where(chosen & np.isfinite(need), need, own))
    return bounds[1], bounds[0]


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


def activity(form: Form) -> tuple[Floats, Floats]:
    """Least and most activity of every row (m, m) within the columns' bounds."""
    matrix = sp.csr_array(form.matrix)
    height = len(form.row_lower)
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    up = matrix.data > 0
    ends = []
    for first, second, endless in (
        (form.lower, form.upper, -np.inf), (form.upper, form.lower, np.inf)
    ):  # fmt: skip
        part = matrix.data * np.where(up, first[matrix.indices], second[matrix.indices])
        known = np.isfinite(part)
        total = np.bincount(row, np.where(known, part, 0.0), height)
        ends.append(np.where(np.bincount(row, ~known, height) > 0, endless, total))
    return ends[0], ends[1]


def others_activity(
    row: NDArray[np.integer], column: NDArray[np.integer], weight: Floats, up: NDArray[np.bool_],
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
