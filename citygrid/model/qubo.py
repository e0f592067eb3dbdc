"""A form as a quadratic unconstrained binary problem (QUBO).

``simplify`` → ``encode`` → ``equalise`` → ``penalise``: the form with what its rows settle taken
out, its columns in bits, one slack per inequality (also in bits), and every row as a penalty:

``E(b) = cᵀx(b) + k + Σ_r w_r ρ_r² + Σ_r g_r ρ_r + Σ_p w_p · literal · literal``, ``ρ = A b − rhs``.

The first sum are the rows; the second is zero but for rows kept without a slack (unbalanced
penalisation, Montañez-Barrera et al. 2022: ``−λ₁ h + λ₂ h²`` for ``h ≥ 0``); the third are the rows
that are pairs of bits, :mod:`citygrid.model.conflicts`, and what keeps one-hot groups and domain
walls in order. For bits that keep every row the last two are zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Positions
from citygrid.errors import Fault, FormulationError
from citygrid.model.conflicts import Conflicts, find_conflicts
from citygrid.model.encoding import BITS, Encoded, encode
from citygrid.model.form import Form
from citygrid.model.limits import activity
from citygrid.model.measures import measure
from citygrid.model.reductions import Reduction, equalise
from citygrid.model.simplify import loosen, simplify

#: Name of the penalty of one-hot groups and domain walls beside those of row blocks.
ORDER = "encoding"
#: How inequalities without a pair form are kept.
SLACKS = ("slack", "unbalanced")
#: Residual of a row that is met, relative to its smallest residual.
MET = 1e-3


@dataclass(frozen=True)
class Rows:
    """What penalties need to know of rows (m): ``smallest`` residual, floor, and who has none.

    ``smallest`` is the least that a missed row can be off, or the spacing of its slack;
    ``floor`` the square below which a row may be unable to get: D²/4 for a continuous slack on a
    spacing of D. ``tilt`` is ±1 for rows kept without a slack, with the sign of ρ beyond the limit
    turned; ``room`` how far these may be from their limit; ``change`` the largest change of the
    objective by one bit of the row, in EUR.
    """

    smallest: Floats
    floor: Floats
    tilt: Floats
    room: Floats
    change: Floats


@dataclass(frozen=True)
class Encoding:
    """A form in bits whose rows are equalities or pairs; all but the penalties of a QUBO.

    ``reduction.form`` has rows where the encoded form has them: equalities, and no limits where a
    row says nothing or is in ``conflicts``. ``plain`` is the form in bits before slacks were
    added, whose rows say what a sample keeps as it is; its bits are the first ones.
    """

    reduction: Reduction
    plain: Form
    columns: Encoded
    slacks: Encoded
    groups: Positions
    walls: Conflicts
    conflicts: Conflicts
    rows: Rows

    def met(self, bits: Floats) -> Flags:
        """Which rows (s × m) of the form bits (s × n) keep as they are, within the grid."""
        inner = bits[:, : len(self.plain.cost)]
        activity = np.asarray((self.plain.matrix @ inner.T).T)
        room = np.sqrt(self.rows.floor) + MET * self.rows.smallest
        return np.asarray((activity >= self.plain.row_lower - room)
                          & (activity <= self.plain.row_upper + room))  # fmt: skip

    def in_order(self, bits: Floats) -> Flags:
        """Which samples (s) keep one-hot groups and domain walls."""
        inner = bits[:, : len(self.columns.owner)]
        return self.columns.in_order(inner) & self.slacks.in_order(bits)


@dataclass(frozen=True)
class Qubo:
    """Minimise ``linear · b + Σ value · b_row · b_column + offset`` over bits b (n), in EUR.

    ``couplings`` are row, column, value with row < column, each pair once. ``labels`` name the
    bits; ``groups`` (n) is the one-hot group of each, or −1. ``reduction`` leads back to the form:
    ``x = T b + t``. ``penalties`` are EUR for the smallest residual of each row block;
    ``residual_floor`` per block is the squared residual that the grid may not get below.
    """

    linear: Floats
    couplings: tuple[Positions, Positions, Floats]
    offset: float
    labels: tuple[str, ...]
    reduction: Reduction
    groups: Positions
    residual_floor: Mapping[str, float]
    penalties: Mapping[str, float]
    encoding: Encoding

    @cached_property
    def matrix(self) -> sp.csr_array:
        """The couplings (n × n), upper triangle."""
        row, column, value = self.couplings
        size = len(self.linear)
        return sp.csr_array((value, (row, column)), shape=(size, size))

    def energy(self, bits: NDArray[np.generic]) -> Floats:
        """Energy of bits (n) or of many (s × n), in EUR."""
        b = np.asarray(bits, dtype=float)
        return np.asarray(
            b @ self.linear + (b * np.asarray((self.matrix @ b.T).T)).sum(axis=-1) + self.offset
        )

    def restore(self, bits: NDArray[np.generic]) -> Floats:
        """The point (n) of the original form that bits stand for."""
        return self.reduction.restore(np.asarray(bits, dtype=float))

    def residuals(self, bits: NDArray[np.generic]) -> Floats:
        """``A b − rhs`` of every row (m) or (s × m); 0 for rows without limits."""
        form = self.reduction.form
        limit = np.where(np.isfinite(form.row_lower), form.row_lower, 0.0)
        kept = np.isfinite(form.row_lower).astype(float)
        activity = np.asarray((form.matrix @ np.asarray(bits, dtype=float).T).T)
        return np.asarray((activity - limit) * kept)


def qubo(
    form: Form, encoding: str | Mapping[str, str] = "binary", bits: int = BITS,
    slack: str = "slack", penalties: Mapping[str, float] | None = None,
) -> Qubo:  # fmt: skip
    """The form as a QUBO: simplified, in bits, with slacks and penalties of usual size.

    encoding, bits
        See :func:`citygrid.model.encoding.encode`; blocks are those of the simplified form.
    slack
        ``slack``: a slack in bits per inequality; ``unbalanced``: none, see the module.
    penalties
        EUR per smallest residual of row blocks, and of ``encoding``, in place of the usual ones.

    Raises :class:`FormulationError` where a column has no bounds that bits could hold.
    """
    return penalise(in_bits(form, encoding, bits, slack), penalties)


def in_bits(
    form: Form, encoding: str | Mapping[str, str] = "binary", bits: int = BITS,
    slack: str = "slack",
) -> Encoding:  # fmt: skip
    """The form in bits with one slack per inequality that is not a matter of pairs."""
    if slack not in SLACKS:
        raise FormulationError(Fault("slack", "no such way to keep inequalities", slack,
                                     f"choose one of {', '.join(SLACKS)}"))  # fmt: skip
    simple = simplify(form)
    columns = encode(simple.form, encoding, bits)
    plain = loosen(columns.reduction.form)
    # One-hot bits of a column exclude each other, which pairs of single bits do not know; their
    # rows are found all the same where they hold for any bits.
    conflicts = find_conflicts(plain)
    rest = _without(plain, conflicts.rows)
    tilt, room = np.zeros(len(plain.row_lower)), np.zeros(len(plain.row_lower))
    if slack == "unbalanced":
        rest, tilt, room = _tilted(rest)
    equal = equalise(rest, steps=(1 << (bits + 3)) - 1, frugal=True)
    slacks = encode(equal.form, encoding if isinstance(encoding, str) else "binary", bits)
    chain = simple.then(columns.reduction).then(equal).then(slacks.reduction)
    groups = slacks.groups.copy()
    width = len(columns.owner)
    later = groups >= 0
    groups[later] += int(columns.groups.max(initial=-1)) + 1
    groups[:width] = columns.groups
    return Encoding(
        chain, plain, columns, slacks, groups, _walls(columns, slacks), conflicts,
        _rows(chain.form, equal.form, slacks, tilt, room),
    )  # fmt: skip


def penalise(encoding: Encoding, penalties: Mapping[str, float] | None = None) -> Qubo:
    """The QUBO of a form in bits under penalties, EUR per smallest residual of each row block.

    Blocks that ``penalties`` does not name get :func:`usual_penalties`.
    """
    chosen = {**usual_penalties(encoding), **(penalties or {})}
    form, rows = encoding.reduction.form, encoding.rows
    width, price = len(form.cost), price_rows(encoding, chosen)
    weight, tilt = weigh_rows(encoding, chosen)
    limit = np.where(np.isfinite(form.row_lower), form.row_lower, 0.0)
    A = form.matrix
    square = sp.csr_array(A.T @ (sp.diags_array(weight) @ A))
    linear = form.cost + A.T @ (tilt - 2.0 * weight * limit)
    offset = form.constant + float(weight @ limit**2 - tilt @ limit)
    pairs = encoding.conflicts
    parts = [
        pairs.quadratic(price[pairs.row], width),
        encoding.walls.quadratic(np.full(len(encoding.walls.row), chosen[ORDER]), width),
    ]
    options = _membership(encoding.groups)
    square = sp.csr_array(square + chosen[ORDER] * (options.T @ options))
    linear = linear - 2.0 * chosen[ORDER] * np.asarray(options.sum(axis=0)).ravel()
    offset += chosen[ORDER] * options.shape[0]
    both = sp.csr_array(square - sp.diags_array(square.diagonal()))
    upper = sp.csr_array(sp.triu(both, k=1)) * 2.0
    for more, couplings, constant in parts:
        linear, offset = linear + more, offset + constant
        upper = upper + couplings
    found = sp.coo_array(upper)
    found.sum_duplicates()
    seen = found.data != 0.0
    floors = {
        block.name: float(rows.floor[block.span].max(initial=0.0))
        for block in form.rows.values() if (rows.smallest[block.span] > 0.0).any()
    }  # fmt: skip
    return Qubo(
        np.asarray(linear + square.diagonal()),
        (found.row[seen].astype(np.int64), found.col[seen].astype(np.int64), found.data[seen]),
        offset, bit_labels(form), encoding.reduction, encoding.groups, floors, chosen, encoding,
    )  # fmt: skip


# penalties ---------------------------------------------------------------------------------------


def usual_penalties(encoding: Encoding) -> dict[str, float]:
    """First penalties of row blocks, in EUR per smallest residual (Verma & Lewis 2022).

    The largest change of the objective by one bit that a block's rows hold; for blocks that hold
    no bit with a cost, the median of the others. One-hot groups and domain walls get the largest.
    """
    form, change = encoding.reduction.form, encoding.rows.change
    penal = (encoding.rows.smallest > 0.0) | np.isin(
        np.arange(len(change)), encoding.conflicts.rows
    )
    found = {
        block.name: float(change[block.span][penal[block.span]].max())
        for block in form.rows.values() if penal[block.span].any()
    }  # fmt: skip
    priced = [value for value in found.values() if value > 0.0]
    usual = float(np.median(priced)) if priced else 1.0
    found = {name: value or usual for name, value in found.items()}
    largest = float(np.abs(form.cost).max(initial=0.0))
    return {**found, ORDER: max([usual, largest, *found.values()])}


def price_rows(encoding: Encoding, penalties: Mapping[str, float]) -> Floats:
    """The penalty of each row (m) in EUR; 0 where there is none.

    The dearest row of a block has the block's; others less, as far as one bit of theirs changes
    the objective less.
    """
    change = encoding.rows.change
    price = np.zeros(len(change))
    for block in encoding.reduction.form.rows.values():
        here = change[block.span]
        most = here.max(initial=0.0)
        share = np.where(here > 0.0, here / most, 1.0) if most > 0.0 else np.ones(len(here))
        price[block.span] = penalties.get(block.name, 0.0) * share
    return price


def weigh_rows(encoding: Encoding, penalties: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Weights w (m) of squared residuals and g (m) of residuals as they are."""
    rows = encoding.rows
    price = price_rows(encoding, penalties)
    scale = np.where(rows.tilt != 0.0, rows.room, rows.smallest)
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    return price * inverse**2, price * inverse * rows.tilt


# parts -------------------------------------------------------------------------------------------


def _without(form: Form, rows: Positions) -> Form:
    low, high = form.row_lower.copy(), form.row_upper.copy()
    low[rows], high[rows] = -np.inf, np.inf
    return replace(form, row_lower=low, row_upper=high)


class _Tilted(NamedTuple):
    form: Form
    tilt: Floats
    room: Floats


def _tilted(form: Form) -> _Tilted:
    """Rows with one limit as equalities at it, with their tilt and the room on the good side."""
    least, most = activity(form)
    low, high = form.row_lower.copy(), form.row_upper.copy()
    above = np.isfinite(high) & ~np.isfinite(low)
    below = np.isfinite(low) & ~np.isfinite(high)
    tilt = above.astype(float) - below.astype(float)
    room = np.zeros(len(low))
    room[above], room[below] = (high - least)[above], (most - low)[below]
    low[above], high[below] = high[above], low[below]
    return _Tilted(replace(form, row_lower=low, row_upper=high), tilt, room)


def _rows(form: Form, equal: Form, slacks: Encoded, tilt: Floats, room: Floats) -> Rows:
    matrix = sp.csr_array(form.matrix)
    kept = np.isfinite(form.row_lower)
    row = np.repeat(np.arange(len(kept)), np.diff(matrix.indptr))
    least = np.full(len(kept), np.inf)
    np.minimum.at(least, row, np.abs(matrix.data))
    common = measure(form)
    smallest = np.where(common > 0.0, common, np.where(np.isfinite(least), least, 0.0))
    off = np.zeros(len(kept))
    exact = kept & (common > 0.0)
    # Where the limit itself is no multiple, the row is off by what is left.
    left = np.abs(form.row_lower[exact] / common[exact] - np.round(
        form.row_lower[exact] / common[exact]))  # fmt: skip
    off[exact] = np.where(left < 1e-7, 0.0, left * common[exact]) ** 2
    rough = kept & (common == 0.0)
    off[rough] = 0.25 * smallest[rough] ** 2
    # A continuous slack settles the row but for half a step of its own grid.
    width = slacks.grid.spacing
    loose = ~equal.integer & (width > 0.0)
    if loose.any():
        entries = sp.csc_array(equal.matrix)[:, np.flatnonzero(loose)]
        spacing = np.zeros(len(kept))
        np.maximum.at(spacing, entries.indices, np.repeat(width[loose], np.diff(entries.indptr)))
        own = kept & (spacing > 0.0)
        smallest[own], off[own] = spacing[own], 0.25 * spacing[own] ** 2
    smallest[~kept] = 0.0
    change = np.zeros(len(kept))
    np.maximum.at(change, row, np.abs(form.cost)[matrix.indices])
    return Rows(smallest, off, tilt, room, change)


def _walls(columns: Encoded, slacks: Encoded) -> Conflicts:
    """A later bit that is on with an earlier one that is off."""
    # Bits of columns stand first among all; each set of walls names its own bits.
    first = np.concatenate([columns.walls.later, slacks.walls.later])
    second = np.concatenate([columns.walls.earlier, slacks.walls.earlier])
    return Conflicts(first, second, np.ones(len(first), dtype=bool),
                     np.zeros(len(first), dtype=bool), np.full(len(first), -1))  # fmt: skip


def _membership(groups: Positions) -> sp.csr_array:
    member = np.flatnonzero(groups >= 0)
    shape = (int(groups.max(initial=-1)) + 1, len(groups))
    return sp.csr_array((np.ones(len(member)), (groups[member], member)), shape=shape)


def bit_labels(form: Form) -> tuple[str, ...]:
    """Names of all bits: ``heat_pump.on[…]``, and ``…[…]#3`` for bit 3 of several."""
    names = [form.column_label(bit) for bit in range(len(form.cost))]
    return tuple(re.sub(r"(#\d+)\]$", r"]\1", name) for name in names)
