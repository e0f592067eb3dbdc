"""Rows of yes and no, rounded: jobs come whole, so a sum of them does, too.

Where a pump that runs needs 40 kW of jobs and no job is smaller than 25 kW, it needs two of them,
or one large one; where a centre has room for 165 kW of jobs of 50 kW, it takes three. Such rows
follow from a sum of binaries by mixed-integer rounding (Nemhauser and Wolsey 1990), the demand
being that of the row, or the one that a binary's value implies (:mod:`.probing`):

``Σ a x ≥ d`` gives ``Σ G(a / δ) x ≥ ⌈d / δ⌉``, ``G(v) = ⌊v⌋ + min(1, (v − ⌊v⌋) / f)``, ``f`` the
part of ``d / δ`` after the point, for any ``δ > 0`` and with any of the binaries counted by what
lacks them to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.routes.bounds.probing import (
    SAFE,
    VIOLATED,
    Cuts,
    Places,
    Probes,
    none,
    spread,
    without_zeros,
)

#: Parts of a demand within which rounding is steep and numbers would be doubtful.
STEEP = 0.01
#: Divisors tried for one sum: sizes of members that the point splits, and parts of the demand.
SIZES, PARTS = 10, 3
#: Entries handled at once.
CHUNK = 4_000_000
#: A binary further than this from 0 and 1 is split.
SPLIT = 1e-3


@dataclass(frozen=True)
class _Sums:
    """Sums of binaries: row, sense (±1), demand, and under which value of which probe, or −1."""

    row: Places
    sense: Floats
    demand: Floats
    probe: Places
    value: Places

    def only(self, chosen: NDArray[np.bool_]) -> _Sums:
        return _Sums(self.row[chosen], self.sense[chosen], self.demand[chosen],
                     self.probe[chosen], self.value[chosen])  # fmt: skip


def rounded(form: Form, probes: Probes, x: Floats) -> Cuts:
    """The rounded row of every sum of binaries that ``x`` breaks most, if it breaks one."""
    lower, upper = probes.lower, probes.upper
    binary = form.integer & (lower == 0.0) & (upper == 1.0)
    split = binary & (x > SPLIT) & (x < 1.0 - SPLIT)
    matrix = without_zeros(form)
    sums = _sums(form, matrix, probes, binary, split)
    part = sp.csr_array(matrix, copy=True)
    part.data[~binary[part.indices]] = 0.0
    part.eliminate_zeros()
    if not len(sums.row):
        return none(len(x))
    sizes = np.diff(part.indptr)[sums.row] * (SIZES + PARTS)
    pieces = np.array_split(np.arange(len(sums.row)), max(int(sizes.sum() // CHUNK) + 1, 1))
    found = [_best(part, sums.only(_mask(piece, len(sums.row))), probes, split, x)
             for piece in pieces if len(piece)]  # fmt: skip
    return Cuts.together(found)


def _mask(positions: Places, count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, dtype=bool)
    mask[positions] = True
    return mask


def _sums(
    form: Form, matrix: sp.csr_array, probes: Probes, binary: NDArray[np.bool_],
    split: NDArray[np.bool_],
) -> _Sums:  # fmt: skip
    """What the binaries of each row add up to at least, always and under each probe's values.

    ``sense · Σ a x ≥ sense · (limit − what the rest adds at most)``.
    """
    height = matrix.shape[0]
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    column, weight = matrix.indices, matrix.data
    rest = ~binary[column]
    used = np.bincount(row, ~rest & split[column], height) > 0
    used &= np.bincount(row, ~rest, height) > 1
    by_column = sp.csc_array(matrix)
    found = []
    for sense, limit in ((1.0, form.row_lower), (-1.0, form.row_upper)):
        most = _end(sense * weight, probes.lower[column], probes.upper[column])
        endless = rest & ~np.isfinite(most)
        known = np.bincount(row, np.where(rest & ~endless, most, 0.0), height)
        size = np.bincount(row, np.where(rest & ~endless, np.abs(most), 0.0), height)
        lacking = np.bincount(row, endless, height)
        open_rows = used & np.isfinite(limit)
        target = np.where(np.isfinite(limit), sense * limit, 0.0)
        plain = np.flatnonzero(open_rows & (lacking == 0))
        demand = target - known
        found.append(_Sums(
            plain, np.full(len(plain), sense),
            demand[plain] - SAFE * np.maximum(1.0, size[plain] + np.abs(target[plain])),
            np.full(len(plain), -1), np.zeros(len(plain), dtype=np.int64),
        ))  # fmt: skip
        for value in (0, 1):
            low, high = probes.low[value], probes.high[value]
            wide_low, wide_high = probes.lower[probes.column], probes.upper[probes.column]
            closer = (low > wide_low) | (high < wide_high)
            closer &= ~binary[probes.column] & probes.usual[probes.probe]
            near = np.flatnonzero(closer)
            which, source = spread(by_column.indptr, probes.column[near])
            near = near[which]
            at, w = by_column.indices[source].astype(np.int64), sense * by_column.data[source]
            keep = open_rows[at]
            near, at, w = near[keep], at[keep], w[keep]
            before = _end(w, wide_low[near], wide_high[near])
            after = _end(w, low[near], high[near])
            gained = np.isfinite(after) & (after < before)
            near, at, w = near[gained], at[gained], w[gained]
            before, after = before[gained], after[gained]
            pair, group = np.unique(probes.probe[near] * height + at, return_inverse=True)
            count = len(pair)
            finite = np.isfinite(before)
            saved = np.bincount(group, np.where(finite, before, 0.0) - after, count)
            closed = np.bincount(group, ~finite, count)
            at = pair % height
            rise = demand[at] + saved
            doubt = SAFE * np.maximum(1.0, size[at] + np.abs(target[at]))
            doubt += np.bincount(group, probes.doubt[probes.probe[near]] * np.abs(w), count)
            better = (closed == lacking[at]) & ((saved > doubt) | (lacking[at] > 0))
            found.append(_Sums(
                at[better], np.full(int(better.sum()), sense), (rise - doubt)[better],
                (pair // height)[better], np.full(int(better.sum()), value),
            ))  # fmt: skip
    return _Sums(*(np.concatenate([getattr(part, name) for part in found])
                   for name in ("row", "sense", "demand", "probe", "value")))  # fmt: skip


def _end(weight: Floats, low: Floats, high: Floats) -> Floats:
    """The most that each term ``weight · column`` can be."""
    return np.asarray(weight * np.where(weight > 0, high, low))


def _best(
    part: sp.csr_array, sums: _Sums, probes: Probes, split: NDArray[np.bool_], x: Floats
) -> Cuts:
    """Of each sum the divisor whose rounding ``x`` breaks most."""
    which, source = spread(part.indptr, sums.row)
    column = part.indices[source]
    weight = sums.sense[which] * part.data[source]
    turned = x[column] > 0.5
    total = len(sums.row)
    demand = sums.demand - np.bincount(which, np.where(turned, weight, 0.0), total)
    weight = np.where(turned, -weight, weight)
    point = np.where(turned, 1.0 - x[column], x[column])
    starts = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=total))])
    tried, divisor = _divisors(which, weight, split[column], demand, total)
    scaled = demand[tried] / divisor
    fraction = scaled - np.floor(scaled)
    steady = (fraction > STEEP) & (np.abs(scaled) < 1e6)
    tried, divisor = tried[steady], divisor[steady]
    scaled, fraction = scaled[steady], fraction[steady]
    top = np.floor(scaled) + 1.0
    entry, place = spread(starts, tried)
    sized = _rounding(weight[place] / divisor[entry], fraction[entry])
    count = len(tried)
    # With the binary at its other value the row asks for no more than the members give anyway.
    least = np.bincount(entry, np.minimum(sized, 0.0), count)
    gate = np.where(sums.probe[tried] >= 0, top - least, 0.0)
    z = probes.binaries[np.maximum(sums.probe[tried], 0)]
    has = np.where(sums.value[tried] == 1, x[z], 1.0 - x[z])
    given = np.bincount(entry, sized * point[place], count)
    norm = np.sqrt(np.bincount(entry, sized**2, count) + gate**2)
    missed = (top - gate * (1.0 - has) - given) / np.maximum(norm, 1e-9)
    missed[(sums.probe[tried] >= 0) & (gate <= 0)] = -1.0
    order = np.lexsort((-missed, tried))
    first = order[np.r_[True, np.diff(tried[order]) > 0]] if count else order
    chosen = first[missed[first] > VIOLATED]
    kept, at = spread(starts, tried[chosen])
    value = _rounding(weight[at] / divisor[chosen][kept], fraction[chosen][kept])
    height = len(chosen)
    flipped = np.bincount(kept, np.where(turned[at], value, 0.0), height)
    one = sums.value[tried[chosen]] == 1
    low = top[chosen] - flipped - np.where(one, gate[chosen], 0.0)
    return Cuts.of(
        np.concatenate([kept, np.arange(height)]), np.concatenate([column[at], z[chosen]]),
        np.concatenate([np.where(turned[at], -value, value),
                        np.where(one, -1.0, 1.0) * gate[chosen]]),
        low, len(x),
    )  # fmt: skip


def _rounding(scaled: Floats, fraction: Floats) -> Floats:
    """``G`` of the module's text, a little more of it for the rounding of numbers."""
    whole = np.floor(scaled)
    rounded_up = whole + np.minimum(1.0, (scaled - whole) / fraction)
    return np.asarray(rounded_up + 1e-9 * (1.0 + np.abs(scaled)) * (scaled != 0.0))


def _divisors(
    which: Places, weight: Floats, split: NDArray[np.bool_], demand: Floats, total: int
) -> tuple[Places, Floats]:
    """Pairs of a sum and a divisor: different sizes of split members, parts of the demand."""
    size = np.round(np.abs(weight[split]), 9)
    pairs = np.unique(np.stack([which[split].astype(float), -size], axis=1), axis=0)
    owner = pairs[:, 0].astype(np.int64)
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = rank < SIZES
    tried, divisor = [owner[kept]], [-pairs[kept, 1]]
    asked = np.flatnonzero(demand > 0)
    for parts in range(1, PARTS + 1):
        tried.append(asked)
        # A trifle above, so that the part of the demand after the point is almost a whole.
        divisor.append(demand[asked] * (1.0 + 1e-7) / parts)
    return np.concatenate(tried), np.concatenate(divisor)
