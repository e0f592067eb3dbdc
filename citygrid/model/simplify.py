"""The same programme in fewer columns and rows, for those who pay for every one of them.

A quadratic model pays for each column in bits and for each row in penalties. Much of a district
needs neither: gas is heat over an efficiency, what is bought is what the balance lacks. So columns
that an equality settles are written as what settles them, and a unit with a minimum load as its
minimum while on plus the rest. Every step is an affine substitution ``x = T y + t``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats
from citygrid.model.form import Form
from citygrid.model.limits import activity, tighten, useful
from citygrid.model.reductions import Reduction, drop, substitute

#: Width of a column's range, relative to its size, below which it has one value only.
NARROW = 1e-9
#: Coefficients and bounds below this, relative to the largest of their row, are rounding.
ROUNDING = 1e-11
#: Passes of bounds from row to row: each hour of a chain may need one.
PASSES = 30
#: Rounds of elimination.
ROUNDS = 3
#: Entries that one elimination may add.
FILL = 24


def simplify(form: Form) -> Reduction:
    """The form with tight bounds and without what its rows settle; the optimum stays.

    Points stay, too, but for those with more of a column without a bound than anybody asks for.
    Rows keep their places and names; one that says nothing any more has no limits.
    """
    tight = _tight(form)
    kept = tight.lower < tight.upper
    chain = _drop(tight)
    settled = eliminate(chain.form, form.lower[kept], form.upper[kept])
    if settled is not None:
        chain = chain.then(settled)
        chain = chain.then(_drop(_tight(chain.form)))
    lifted = lift(chain.form)
    if lifted is not None:
        chain = chain.then(lifted)
        chain = chain.then(_drop(_tight(chain.form)))
    return replace(chain, form=loosen(merge(chain.form)))


def _tight(form: Form) -> Form:
    lower, upper = tighten(form, PASSES)
    lower, upper = useful(replace(form, lower=lower, upper=upper))
    # Where a column has one value but for rounding, it has one value.
    narrow = upper - lower <= NARROW * np.maximum(1.0, np.abs(lower))
    middle = np.where(form.integer, np.round(lower), lower)
    return replace(form, lower=np.where(narrow, middle, lower) + 0.0,
                   upper=np.where(narrow, middle, upper) + 0.0)  # fmt: skip


def _drop(form: Form) -> Reduction:
    found = drop(form)
    return replace(found, form=_clean(found.form))


def loosen(form: Form) -> Form:
    """The form with no limit where a row cannot pass it anyway."""
    least, most = activity(form)
    size = np.where(np.isfinite(least), np.abs(least), 0.0)
    slack = ROUNDING * _size(form) + NARROW * np.maximum(size, 1.0)
    lower = np.where(least >= form.row_lower - slack, -np.inf, form.row_lower)
    upper = np.where(most <= form.row_upper + slack, np.inf, form.row_upper)
    # An equality that holds on one side only by its columns' bounds is still an equality.
    equal = form.row_lower == form.row_upper
    both = np.isinf(lower) & np.isinf(upper)
    keep = equal & ~both
    return replace(form, row_lower=np.where(keep, form.row_lower, lower),
                   row_upper=np.where(keep, form.row_upper, upper))  # fmt: skip


def merge(form: Form) -> Form:
    """The form in which of rows that are multiples of each other only the first has limits."""
    matrix = sp.csr_array(form.matrix)
    matrix.sort_indices()
    lower, upper = form.row_lower.copy(), form.row_upper.copy()
    seen: dict[bytes, tuple[int, float]] = {}
    filled = np.diff(matrix.indptr) > 0
    for row in np.flatnonzero(filled & (np.isfinite(lower) | np.isfinite(upper))):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        first = float(matrix.data[span][0])
        shape = np.round(matrix.data[span] / first, 9) + 0.0
        key = matrix.indices[span].tobytes() + shape.tobytes()
        if key not in seen:
            seen[key] = int(row), first
            continue
        kept, scale = seen[key][0], seen[key][1] / first
        ends = sorted((scale * lower[row], scale * upper[row]))
        lower[kept], upper[kept] = max(lower[kept], ends[0]), min(upper[kept], ends[1])
        lower[row], upper[row] = -np.inf, np.inf
    return replace(form, row_lower=lower, row_upper=upper)


def _size(form: Form) -> Floats:
    """The largest coefficient of every row (m), 1 where there is none."""
    matrix = sp.csr_array(form.matrix)
    size = np.zeros(len(form.row_lower))
    row = np.repeat(np.arange(len(size)), np.diff(matrix.indptr))
    np.maximum.at(size, row, np.abs(matrix.data))
    return np.maximum(size, 1e-300)


def _clean(form: Form) -> Form:
    """Without entries and limits that are left of rounding."""
    matrix = sp.csr_array(form.matrix.copy())
    size = np.repeat(_size(form), np.diff(matrix.indptr))
    matrix.data[np.abs(matrix.data) <= ROUNDING * size] = 0.0
    matrix.eliminate_zeros()
    return replace(form, matrix=matrix, row_lower=_rounded(form.row_lower),
                   row_upper=_rounded(form.row_upper))  # fmt: skip


def _rounded(values: Floats) -> Floats:
    """Values without the last digits that sums leave behind, ``0.30000000000000004``."""
    near = np.round(values, 9)
    with np.errstate(invalid="ignore"):
        rounding = np.abs(near - values) <= 1e-10 * np.maximum(1.0, np.abs(values))
    return np.asarray(np.where(rounding, near, values) + 0.0)


# what equalities settle --------------------------------------------------------------------------


def eliminate(form: Form, lower: Floats, upper: Floats) -> Reduction | None:
    """Continuous columns written as what an equality makes of the others; ``None`` if none is.

    ``x_j = (rhs − Σ a_k x_k) / a_j``. The row goes where it and the bounds of the others keep
    ``x_j`` within its own; elsewhere the bounds of ``x_j`` become the row's limits. A column that
    some row holds to a binary stays, because that row is cheap as it is.

    lower, upper
        Bounds (n) that columns must keep by themselves; those of the form may be tighter where
        rows imply them.
    """
    book = _Book(form, lower, upper)
    equal = np.flatnonzero(form.row_lower == form.row_upper)
    # What one elimination takes out of other rows may leave a column alone in its own.
    for _ in range(ROUNDS):
        before = len(book.settled)
        for row in equal[book.low[equal] == book.high[equal]]:
            book.settle(int(row))
        if len(book.settled) == before:
            break
    return book.reduction() if book.settled else None


class _Book:
    """A form as rows and columns of entries that change while columns are eliminated."""

    def __init__(self, form: Form, lower: Floats, upper: Floats) -> None:
        self.form, self.own_lower, self.own_upper = form, lower, upper
        matrix = sp.csr_array(form.matrix)
        self.rows: list[dict[int, float]] = [
            dict(zip(matrix.indices[a:b].tolist(), matrix.data[a:b].tolist(), strict=True))
            for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
        ]
        self.places: list[set[int]] = [set() for _ in form.cost]
        for row, entries in enumerate(self.rows):
            for column in entries:
                self.places[column].add(row)
        self.low, self.high = form.row_lower.copy(), form.row_upper.copy()
        self.settled: list[tuple[int, float, dict[int, float]]] = []

    def settle(self, row: int) -> None:
        """Eliminate the column of an equality row that adds least elsewhere, if there is one."""
        entries = self.rows[row]
        candidates = [
            (len(self.places[j]), j) for j in entries
            if not self.form.integer[j] and (len(self.places[j]) - 1) * (len(entries) - 2) <= FILL
        ]  # fmt: skip
        for _, column in sorted(candidates):
            if self._implied(row, column):
                self._substitute(row, column)
                return
        for _, column in sorted(candidates):
            if len(entries) > 1 and not self._gated(row, column):
                self._loosen(row, column)
                return

    def _implied(self, row: int, column: int) -> bool:
        """Whether the row and the bounds of the others keep a column within its bounds."""
        lower, upper = self.form.lower, self.form.upper
        weight, least, most = self.rows[row][column], self.low[row], self.low[row]
        for other, a in self.rows[row].items():
            if other != column:
                least -= max(a * lower[other], a * upper[other])
                most -= min(a * lower[other], a * upper[other])
        ends = sorted((least / weight, most / weight))
        own = self.own_lower[column], self.own_upper[column]
        slack = 1e-9 * max(1.0, abs(own[0]) if np.isfinite(own[0]) else 1.0)
        return bool(ends[0] >= own[0] - slack and ends[1] <= own[1] + slack)

    def _gated(self, row: int, column: int) -> bool:
        """Whether another row holds a column to a binary, which it would no longer do by itself."""
        return any(
            len(self.rows[other]) == 2 and any(self.form.integer[k] for k in self.rows[other])
            for other in self.places[column] - {row}
        )

    def _express(self, row: int, column: int) -> tuple[float, dict[int, float]]:
        weight = self.rows[row][column]
        others = {k: -a / weight for k, a in self.rows[row].items() if k != column}
        return self.low[row] / weight, others

    def _substitute(self, row: int, column: int) -> None:
        known, others = self._express(row, column)
        self._elsewhere(row, column, known, others)
        for k in others:
            self.places[k].discard(row)
        self.rows[row] = {}
        self.low[row], self.high[row] = -np.inf, np.inf
        self.places[column] = set()
        self.settled.append((column, known, others))

    def _elsewhere(self, row: int, column: int, known: float, others: dict[int, float]) -> None:
        """Write a column as the others in every row but its own."""
        for other in list(self.places[column] - {row}):
            entries = self.rows[other]
            weight = entries.pop(column)
            for k, a in others.items():
                total = entries.get(k, 0.0) + weight * a
                if abs(total) <= ROUNDING * abs(weight * a):
                    entries.pop(k, None)
                    self.places[k].discard(other)
                else:
                    entries[k] = total
                    self.places[k].add(other)
            self.low[other] -= weight * known
            self.high[other] -= weight * known

    def _loosen(self, row: int, column: int) -> None:
        """A column becomes the room that the row has: its bounds are the row's limits now."""
        known, others = self._express(row, column)
        self._elsewhere(row, column, known, others)
        weight = self.rows[row].pop(column)
        ends = weight * self.own_lower[column], weight * self.own_upper[column]
        limit = self.low[row]
        self.low[row], self.high[row] = limit - max(ends), limit - min(ends)
        self.places[column] = set()
        self.settled.append((column, known, others))

    def reduction(self) -> Reduction:
        form, width = self.form, len(self.form.cost)
        gone = {column for column, _, _ in self.settled}
        kept = np.array([j for j in range(width) if j not in gone], dtype=np.int64)
        # Backwards, so that what a column is written in is itself in columns that stay.
        known: dict[int, float] = {}
        written: dict[int, dict[int, float]] = {}
        for column, start, others in reversed(self.settled):
            total, entries = start, dict[int, float]()
            for k, a in others.items():
                for target, b in written.get(k, {k: 1.0}).items():
                    entries[target] = entries.get(target, 0.0) + a * b
                total += a * known.get(k, 0.0)
            known[column], written[column] = total, entries
        place = {int(j): i for i, j in enumerate(kept)}
        triplets = [(int(j), place[int(j)], 1.0) for j in kept] + [
            (column, place[k], a) for column, entries in written.items() for k, a in entries.items()
        ]
        row, at, value = (np.array(part) for part in zip(*triplets, strict=True)) if triplets else (
            np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0)
        )  # fmt: skip
        T = sp.csr_array((value.astype(float), (row, at)), shape=(width, len(kept)))
        t = np.zeros(width)
        t[list(known)] = list(known.values())
        # The blocks of what stays, as `drop` names them.
        keeping = np.isin(np.arange(width), kept)
        held = replace(form, lower=np.where(keeping, 0.0, 0.0), upper=keeping.astype(float))
        columns = drop(held).form.columns
        reduced = substitute(form, T, t, form.lower[kept], form.upper[kept], form.integer[kept],
                             columns)  # fmt: skip
        matrix = _matrix(self.rows, place, len(kept))
        reduced = replace(reduced, matrix=matrix, row_lower=self.low, row_upper=self.high)
        return Reduction(_clean(reduced), T, t)


def _matrix(rows: list[dict[int, float]], place: dict[int, int], width: int) -> sp.csr_array:
    counts = np.array([len(entries) for entries in rows], dtype=np.int64)
    indices = np.array([place[k] for entries in rows for k in entries], dtype=np.int64)
    data = np.array([a for entries in rows for a in entries.values()], dtype=float)
    begin = np.concatenate([[0], np.cumsum(counts)])
    matrix = sp.csr_array((data, indices, begin), shape=(len(rows), width))
    matrix.sort_indices()
    return matrix


# minimum loads -----------------------------------------------------------------------------------


def lift(form: Form) -> Reduction | None:
    """Columns with a minimum while on, written as that minimum and the rest: ``x = m · on + y``.

    Where rows say ``x ≥ m · on`` and ``x ≤ M · on`` with ``x ≥ 0``, the first is ``y ≥ 0`` and the
    second ``y ≤ (M − m) · on``, which a quadratic model keeps without a slack. ``None`` if none is.
    """
    width = len(form.cost)
    shift, gate = np.zeros(width), np.full(width, -1, dtype=np.int64)
    capped = dict[tuple[int, int], float]()
    least = dict[tuple[int, int], float]()
    for x, on, ratio, above in zip(*_gated(form), strict=True):
        pair = (int(x), int(on))
        if above:
            capped[pair] = min(ratio, capped.get(pair, np.inf))
        else:
            least[pair] = max(ratio, least.get(pair, 0.0))
    for (x, on), minimum in least.items():
        fits = (x, on) in capped and 0.0 < minimum <= min(capped[x, on], form.upper[x])
        if fits and form.lower[x] == 0.0 and gate[x] < 0:
            shift[x], gate[x] = minimum, on
    chosen = np.flatnonzero(gate >= 0)
    if not len(chosen):
        return None
    T = sp.csr_array(
        (np.concatenate([np.ones(width), shift[chosen]]),
         (np.concatenate([np.arange(width), chosen]),
          np.concatenate([np.arange(width), gate[chosen]]))), shape=(width, width),
    )  # fmt: skip
    t = np.zeros(width)
    reduced = substitute(form, T, t, form.lower, form.upper - shift, form.integer, form.columns)
    return Reduction(_clean(reduced), T, t)


def _gated(form: Form) -> tuple[Floats, Floats, Floats, Flags]:
    """Rows that hold one continuous column to a multiple of one binary.

    Positions of both, the multiple, and whether it is an upper limit.
    """
    matrix = sp.csr_array(form.matrix)
    two = np.flatnonzero(np.diff(matrix.indptr) == 2)
    at = matrix.indptr[two][:, None] + np.arange(2)
    column, weight = matrix.indices[at], matrix.data[at]
    binary = form.integer[column] & (form.lower[column] == 0.0) & (form.upper[column] == 1.0)
    mixed = (binary.sum(axis=1) == 1) & (~form.integer[column]).any(axis=1)
    two, column, weight, binary = (part[mixed] for part in (two, column, weight, binary))
    rest, gate = column[~binary], column[binary]
    a, b = weight[~binary], weight[binary]
    found = []
    for limit, side in ((form.row_upper[two], 1.0), (form.row_lower[two], -1.0)):
        here = limit == 0.0
        found.append((rest[here], gate[here], (-b / a)[here], (side * a > 0)[here]))
    x, on, ratio, above = (np.concatenate(part) for part in zip(*found, strict=True))
    return x, on, ratio, above
