"""What one yes or no implies nearby, and the rows that follow from it.

A heat pump that runs takes its minimum of a centre's heat, so that the centre computes at least so
much; one that is off leaves all of it to the chillers. The relaxation sees none of this: a pump
that runs by a tenth takes its tenth from the load that is there anyway. Setting every binary to 0
and to 1 and passing bounds along the short rows around it finds such limits, and with them rows
that all integer points keep (implied bounds, and rows lifted by the binary).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.model.limits import WORTH, others_activity, tighten

Places = NDArray[np.int64]

#: Free entries up to which a row counts as short: longer ones tell a binary's neighbours little.
SHORT = 8
#: Steps from row to row that a binary's word is passed on.
HOPS = 4
#: Passes of bounds along these rows; neighbours beyond which nobody asks further, all together.
PASSES, NEIGHBOURS = 6, 3_000_000
#: Bounds that prove something are widened by this, relative to their size, against rounding.
SAFE = 1e-9
#: Violation from which a row is worth having, relative to the point's activity.
VIOLATED = 1e-4


@dataclass(frozen=True)
class Cuts:
    """Rows ``matrix x ≥ lower`` that every integer point of the form keeps but for rounding.

    Beyond doubt is ``matrix x ≥ lower − doubt``; a solver is better served by the plain numbers,
    since it sees which rows are one and the same.
    """

    matrix: sp.csr_array
    lower: Floats
    doubt: Floats

    @classmethod
    def of(
        cls, rows: Places, columns: Places, values: Floats, lower: Floats, width: int,
        doubt: Floats | None = None,
    ) -> Cuts:  # fmt: skip
        """From entries; what falls on the same place adds up."""
        matrix = sp.csr_array((values, (rows, columns)), shape=(len(lower), width))
        matrix.eliminate_zeros()
        return cls(matrix, lower, np.zeros(len(lower)) if doubt is None else doubt)

    @classmethod
    def together(cls, parts: list[Cuts]) -> Cuts:
        return cls(
            sp.csr_array(sp.vstack([part.matrix for part in parts], format="csr")),
            np.concatenate([part.lower for part in parts]),
            np.concatenate([part.doubt for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.lower)


@dataclass(frozen=True)
class Probes:
    """Binaries (P) and the bounds that each of their values implies for their neighbours.

    A neighbour (k) is a pair of a probe and a column; ``low`` and ``high`` (2, k) hold its bounds
    where the binary is 0 and where it is 1, but for rounding below the probe's ``doubt``. A copy
    (r) is a pair of a probe and a row, with entries (e) at neighbours. ``shut`` (2, P) marks values
    that no feasible point has.
    """

    lower: Floats
    upper: Floats
    binaries: Places
    doubt: Floats
    probe: Places
    column: Places
    low: Floats
    high: Floats
    shut: NDArray[np.bool_]
    copy_probe: Places
    copy_row: Places
    entry_copy: Places
    entry_place: Places
    entry_weight: Floats

    @classmethod
    def of(cls, form: Form) -> Probes:
        """Ask every binary that meets another column in a short row."""
        lower, upper = tighten(form)
        lower = np.where(lower > form.lower, lower - _doubt(lower), form.lower)
        upper = np.where(upper < form.upper, upper + _doubt(upper), form.upper)
        whole = form.integer
        lower[whole], upper[whole] = np.round(lower[whole]), np.round(upper[whole])
        free = lower < upper
        matrix = without_zeros(form)
        open_entries = np.bincount(
            np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)),
            free[matrix.indices], matrix.shape[0],
        )  # fmt: skip
        rows = np.flatnonzero((open_entries > 1) & (open_entries <= SHORT))
        short = sp.csr_array(matrix[rows])
        pattern = _ones(short)
        pattern.data[~free[pattern.indices]] = 0.0
        pattern.eliminate_zeros()
        met = np.bincount(pattern.indices, minlength=len(free)) > 0
        yes_no = form.integer & free & met & (lower == 0.0) & (upper == 1.0)
        binaries = np.flatnonzero(yes_no).astype(np.int64)
        near = _one_each(binaries, len(free))
        for _ in range(HOPS):
            wider = _ones(near @ sp.csr_array(pattern.T) @ pattern)
            if wider.nnz > NEIGHBOURS:
                break
            near = wider
        copies = sp.coo_array(_ones(near @ sp.csr_array(pattern.T)))
        beside = sp.coo_array(_ones(sp.csr_array(copies) @ _ones(short)))
        key = np.sort(beside.row.astype(np.int64) * len(free) + beside.col)
        probe, column = key // len(free), key % len(free)
        copy, source = spread(short.indptr, copies.col)
        place = np.searchsorted(
            key, copies.row[copy].astype(np.int64) * len(free) + short.indices[source]
        )
        asked = _Asked(
            form, lower, upper, column, copy, place, short.data[source], rows[copies.col],
            np.searchsorted(key, np.arange(len(binaries)) * len(free) + binaries),
        )  # fmt: skip
        answers = [asked.answer(value) for value in (0.0, 1.0)]
        low = np.stack([answer[0] for answer in answers])
        high = np.stack([answer[1] for answer in answers])
        crossed: NDArray[np.bool_] = low > high + WORTH * np.maximum(1.0, np.abs(high))
        shut = np.stack([np.bincount(probe, side, len(binaries)) > 0 for side in crossed])
        # Rounding of a bound is of the size of what it was passed on from.
        ends = np.abs(np.concatenate([low, high]))
        size = np.where(np.isfinite(ends), ends, 0.0).max(axis=0, initial=0.0)
        doubt = np.full(len(binaries), 1.0)
        np.maximum.at(doubt, probe, size)
        return cls(
            lower, upper, binaries, SAFE * doubt, probe, column, low, high, shut,
            copies.row.astype(np.int64), rows[copies.col].astype(np.int64), copy, place,
            short.data[source],
        )  # fmt: skip

    @property
    def usual(self) -> NDArray[np.bool_]:
        """Probes (P) of which both values may be."""
        return np.asarray(~self.shut.any(axis=0))

    def implied(self, x: Floats) -> Cuts:
        """Bounds of columns by a binary that ``x`` breaks.

        ``column ≥ low₀ + (low₁ − low₀) binary``, and alike below ``high``.
        """
        at = self.binaries[self.probe]
        usual = self.usual[self.probe] & (self.column != at)
        parts = []
        for (off, on), sign in ((self.low, 1.0), (self.high, -1.0)):
            known = usual & np.isfinite(off) & np.isfinite(on)
            off, on = np.where(known, off, 0.0), np.where(known, on, 0.0)
            missed = sign * (off + (on - off) * x[at] - x[self.column])
            found = np.flatnonzero(known & (missed > _worth(x[self.column])))
            count = len(found)
            parts.append(Cuts.of(
                np.tile(np.arange(count), 2), np.concatenate([self.column[found], at[found]]),
                np.concatenate([np.full(count, sign), -sign * (on - off)[found]]),
                sign * off[found], len(x), self.doubt[self.probe[found]],
            ))  # fmt: skip
        return Cuts.together([*parts, self._decided(x)])

    def _decided(self, x: Floats) -> Cuts:
        """Binaries of which one value leaves no point: they have the other."""
        parts = []
        for value, sign in ((0, 1.0), (1, -1.0)):
            found = self.binaries[self.shut[value]]
            found = found[np.abs(x[found] - (1.0 - value)) > VIOLATED]
            count = len(found)
            low = np.full(count, sign * (1.0 - value))
            parts.append(Cuts.of(np.arange(count), found, np.full(count, sign), low, len(x)))
        return Cuts.together(parts)

    def lifted(self, form: Form, x: Floats) -> Cuts:
        """Rows that leave room where a binary has one value, tightened by it, if ``x`` breaks them.

        Where ``a x ≤ b`` and ``a x ≤ most`` already holds with the binary at a value, ``a x ≤ b −
        (b − most) · (the binary has it)``.
        """
        matrix = without_zeros(form)
        count, weight = len(self.copy_row), self.entry_weight
        reached = (matrix @ x)[self.copy_row]
        at = self.binaries[self.copy_probe]
        usual = self.usual[self.copy_probe]
        part = np.abs(weight * x[self.column[self.entry_place]])
        size = np.asarray(np.bincount(self.entry_copy, part, count), dtype=float)
        parts = []
        heaviest = np.ones(count)
        np.maximum.at(heaviest, self.entry_copy, np.abs(weight))
        slack = self.doubt[self.copy_probe] * heaviest
        for value in (0, 1):
            has = x[at] if value else 1.0 - x[at]
            low, high = self.low[value][self.entry_place], self.high[value][self.entry_place]
            for sign, limits in ((1.0, form.row_upper), (-1.0, form.row_lower)):
                limit = limits[self.copy_row]
                end = np.where(sign * weight > 0, high, low)
                most = np.bincount(self.entry_copy, weight * end, count)
                known = usual & np.isfinite(limit) & np.isfinite(most)
                room = np.where(known, sign * (np.where(known, limit, 0.0) - most), 0.0)
                missed = sign * (reached - np.where(known, limit, 0.0)) + room * has
                found = np.flatnonzero(known & (room > 100 * slack) & (missed > _worth(size)))
                if not len(found):
                    continue
                row, source = spread(matrix.indptr, self.copy_row[found])
                # −sign · a x ∓ room · binary ≥ −sign · b (+ room where the value is 0)
                parts.append(Cuts.of(
                    np.concatenate([row, np.arange(len(found))]),
                    np.concatenate([matrix.indices[source], at[found]]),
                    np.concatenate([-sign * matrix.data[source],
                                    (-room if value else room)[found]]),
                    (-sign * limit + (0.0 if value else room))[found], len(x), slack[found],
                ))  # fmt: skip
        return Cuts.together(parts) if parts else none(len(x))


def none(width: int) -> Cuts:
    """No rows at all."""
    return Cuts(sp.csr_array((0, width)), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class _Asked:
    """The neighbourhoods of all probes as one system of rows side by side."""

    form: Form
    lower: Floats
    upper: Floats
    column: Places
    copy: Places
    place: Places
    weight: Floats
    row: Places
    own: Places

    def answer(self, value: float) -> tuple[Floats, Floats]:
        """Bounds of all neighbours (k, k) with every binary at a value, up to rounding."""
        low, high = self.lower[self.column], self.upper[self.column]
        low[self.own] = high[self.own] = value
        whole, up = self.form.integer[self.column], self.weight > 0
        floor, ceiling = self.form.row_lower[self.row], self.form.row_upper[self.row]
        for _ in range(PASSES):
            least, most = others_activity(self.copy, self.place, self.weight, up, low, high,
                                          len(self.row))  # fmt: skip
            with np.errstate(invalid="ignore"):
                under = (ceiling[self.copy] - least) / self.weight
                over = (floor[self.copy] - most) / self.weight
            above, below = np.where(up, under, over), np.where(up, over, under)
            new_high, new_low = np.full(len(high), np.inf), np.full(len(low), -np.inf)
            np.minimum.at(new_high, self.place, np.where(np.isfinite(above), above, np.inf))
            np.maximum.at(new_low, self.place, np.where(np.isfinite(below), below, -np.inf))
            new_high[whole] = np.floor(new_high[whole] + WORTH)
            new_low[whole] = np.ceil(new_low[whole] - WORTH)
            low, high = np.maximum(low, new_low), np.minimum(high, new_high)
        return low, high


def without_zeros(form: Form) -> sp.csr_array:
    """A copy of the matrix without entries that say nothing."""
    matrix = sp.csr_array(form.matrix, copy=True)
    matrix.eliminate_zeros()
    return matrix


def _doubt(bound: Floats) -> Floats:
    return SAFE * np.maximum(1.0, np.abs(np.where(np.isfinite(bound), bound, 0.0)))


def _worth(size: Floats) -> Floats:
    return np.asarray(VIOLATED * np.maximum(1.0, np.abs(size)))


def _one_each(columns: Places, width: int) -> sp.csr_array:
    count = len(columns)
    return sp.csr_array((np.ones(count), (np.arange(count), columns)), shape=(count, width))


def _ones(matrix: sp.csr_array) -> sp.csr_array:
    """The pattern of a matrix."""
    pattern = sp.csr_array(matrix, copy=True)
    pattern.data[:] = 1.0
    return pattern


def spread(starts: NDArray[np.integer], rows: NDArray[np.integer]) -> tuple[Places, Places]:
    """All entries of some rows of a CSR matrix: which of the rows, and where the entry stands."""
    sizes = np.diff(starts)[rows].astype(np.int64)
    which = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return which, starts[rows].astype(np.int64)[which] + within
