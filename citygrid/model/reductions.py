"""Reductions: a form seen through an affine substitution ``x = T y + t``.

Relaxing, fixing, dropping and scaling columns are all of this kind, so the way back is the pair
``(T, t)`` and a chain of reductions is one sparse product. The law of every reduction: cost and
row residuals of ``y`` in the reduced form are those of ``x = T y + t`` in the original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from citygrid.arrays import Floats, Positions
from citygrid.errors import Fault, FormulationError
from citygrid.model.form import Block, Form, Lines
from citygrid.model.limits import activity
from citygrid.model.measures import RELATIVE, measure

#: Distance from a whole number within which a fixed integer counts as whole.
WHOLE = 1e-6


@dataclass(frozen=True)
class Reduction:
    """A reduced form with its way back, ``x = T y + t``."""

    form: Form
    T: sp.csr_array
    t: Floats

    def restore(self, y: Floats) -> Floats:
        """The point of the original form that ``y`` stands for."""
        return np.asarray(self.T @ y + self.t, dtype=float)

    def then(self, other: Reduction) -> Reduction:
        """This reduction followed by one of its form: ``x = T (T' z + t') + t``."""
        return Reduction(other.form, sp.csr_array(self.T @ other.T), self.T @ other.t + self.t)


def relax(form: Form) -> Reduction:
    """The linear relaxation: the same programme with no column integer."""
    return _same_columns(form, replace(form, integer=np.zeros_like(form.integer)))


def fix(form: Form, columns: ArrayLike, values: ArrayLike) -> Reduction:
    """Hold columns at values: ``lower = upper = value``.

    The columns stay in the form. A presolve removes them in one pass over their entries, while
    every name, label, row position and dual keeps its place; :func:`drop` takes them out where
    somebody has no presolve.

    columns
        Positions (k) or a mask (n).
    values
        Numbers (k), in the unit of each column.
    """
    positions = _positions(columns)
    lower, upper = form.lower.copy(), form.upper.copy()
    lower[positions] = upper[positions] = np.asarray(values, dtype=float)
    # A fixed integer is no decision any more; without the mark a solver sees an LP.
    integer = form.integer.copy()
    whole = np.abs(lower[positions] - np.round(lower[positions])) <= WHOLE
    integer[positions[whole]] = False
    return _same_columns(form, replace(form, lower=lower, upper=upper, integer=integer))


def forgo(form: Form, carrier: str) -> Form:
    """The form in which nobody gives or takes a carrier: every flow in its balances is zero.

    Where a flow must not be zero, the form has no solution, and a route says so.
    """
    block = form.rows[f"{carrier}.balance"]
    moved = np.unique(form.matrix[block.span].indices)
    lower, upper = form.lower.copy(), form.upper.copy()
    upper[moved] = 0.0
    # A flow that must be above zero keeps its bound, as a row that zero cannot meet.
    must = moved[lower[moved] > 0.0]
    lower[moved] = np.minimum(lower[moved], 0.0)
    limits = sp.csr_array(
        (np.ones(len(must)), (np.arange(len(must)), must)), shape=(len(must), len(form.cost))
    )
    rows = dict(form.rows)
    if len(must):
        name = f"{carrier}.forgone"
        labels = np.array([form.column_label(int(column)) for column in must], dtype=object)
        rows[name] = Block(name, ("flow",), {"flow": labels}, len(form.row_lower), block.unit,
                           "a flow that must not be zero")  # fmt: skip
    return replace(
        form, lower=lower, upper=upper, rows=rows,
        matrix=sp.csr_array(sp.vstack([form.matrix, limits], format="csr")),
        row_lower=np.concatenate([form.row_lower, form.lower[must]]),
        row_upper=np.concatenate([form.row_upper, np.full(len(must), np.inf)]),
    )  # fmt: skip


def drop(form: Form) -> Reduction:
    """Take columns that can only have one value (``lower = upper``) out of the form.

    Their cost goes into the constant, their part of every row into its bounds. A block that loses
    some members becomes one flat list of the labels that remain; one that loses all disappears.
    """
    held = form.lower == form.upper
    kept = np.flatnonzero(~held)
    T = sp.csr_array(
        (np.ones(len(kept)), (kept, np.arange(len(kept)))), shape=(len(held), len(kept))
    )
    t = np.where(held, form.lower, 0.0)
    reduced = substitute(
        form, T, t, form.lower[kept], form.upper[kept], form.integer[kept],
        _surviving(form.columns, ~held),
    )  # fmt: skip
    return Reduction(reduced, T, t)


def scale(form: Form, factors: Floats) -> Reduction:
    """Measure columns in other sizes, ``x = factor · y`` with positive factors (n).

    Integers keep a factor of 1: half an integer would be none.
    """
    factors = np.asarray(factors, dtype=float)
    if not (factors > 0).all() or (factors[form.integer] != 1.0).any():
        raise FormulationError(Fault("scale", "factors must be positive, and 1 for integers"))
    T, t = sp.diags_array(factors, format="csr"), np.zeros(len(factors))
    reduced = substitute(
        form, T, t, form.lower / factors, form.upper / factors, form.integer, form.columns
    )
    return Reduction(reduced, sp.csr_array(T), t)


def substitute(
    form: Form, T: sp.csr_array, t: Floats, lower: Floats, upper: Floats,
    integer: NDArray[np.bool_], columns: Mapping[str, Block],
) -> Form:  # fmt: skip
    """The form in ``y`` for ``x = T y + t``; the bounds of ``y`` are the caller's.

    Curves are left behind, their tangents are not: reduce the linear forms that refinement hands
    to routes. ``cost' = Tᵀ c``, ``k' = k + cᵀ t``, ``A' = A T``, row bounds less ``A t``; ledger
    likewise.
    """
    known = form.matrix @ t
    accounts = {
        name: replace(
            account,
            columns={
                column: Lines(sp.csr_array(lines.matrix @ T), lines.at(t))
                for column, lines in account.columns.items()
            },
        )
        for name, account in form.accounts.items()
    }
    return Form(
        np.asarray(T.T @ form.cost), float(form.constant + form.cost @ t),
        sp.csr_array(form.matrix @ T), form.row_lower - known, form.row_upper - known,
        lower, upper, integer, columns, form.rows, accounts,
    )  # fmt: skip


@dataclass(frozen=True)
class Elastic:
    """A form whose rows may be missed at a price, and where the two slacks of each row stand.

    ``raised`` adds to a row that lacks, ``lowered`` takes from one that has too much; both in the
    order of ``rows``.
    """

    form: Form
    rows: Positions
    raised: Positions
    lowered: Positions

    def amounts(self, x: Floats) -> Floats:
        """What each row lacks (positive) or has too much (negative), in the row's unit."""
        return np.asarray(x[self.raised] - x[self.lowered], dtype=float)


def elastic(form: Form, rows: ArrayLike | None = None) -> Elastic:
    """The form that misses rows by as little as possible: ``min Σ (s⁺ + s⁻)``.

    ``A x + s⁺ − s⁻`` takes the place of the chosen rows' activity, ``s ≥ 0``; the costs of the
    columns no longer count. Rows of different units weigh alike.

    rows
        Positions (k) of the rows that may be missed; all when left out.
    """
    height, width = form.matrix.shape
    chosen = np.arange(height) if rows is None else np.asarray(rows, dtype=np.int64)
    count = len(chosen)
    ones, at = np.ones(count), np.arange(count)
    slacks = sp.csr_array(
        (np.concatenate([ones, -ones]),
         (np.concatenate([chosen, chosen]), np.concatenate([at, at + count]))),
        shape=(height, 2 * count),
    )  # fmt: skip
    raised, lowered = width + at, width + count + at
    upper = np.full(2 * count, np.inf)
    # A side without a limit cannot be missed.
    upper[:count][~np.isfinite(form.row_lower[chosen])] = 0.0
    upper[count:][~np.isfinite(form.row_upper[chosen])] = 0.0
    labels = {"row": chosen}
    columns = dict(form.columns)
    for name, start in (("elastic.raised", width), ("elastic.lowered", width + count)):
        columns[name] = Block(name, ("row",), labels, start, "1", "amount by which a row is missed")
    missed = Form(
        np.concatenate([np.zeros(width), np.ones(2 * count)]), 0.0,
        sp.csr_array(sp.hstack([form.matrix, slacks], format="csr")),
        form.row_lower, form.row_upper,
        np.concatenate([form.lower, np.zeros(2 * count)]), np.concatenate([form.upper, upper]),
        np.concatenate([form.integer, np.zeros(2 * count, dtype=bool)]), columns, form.rows,
    )  # fmt: skip
    return Elastic(missed, chosen, raised, lowered)


def equalise(form: Form, steps: int = 255, frugal: bool = False) -> Reduction:
    """Every inequality as an equality with one bounded slack: ``A x + D s = limit``, ``s ≥ 0``.

    Where all columns of a row are integers and their coefficients multiples of one number D, the
    slack is an integer of at most ``steps`` steps of D and the limit the multiple that is next
    within it, so that the row can be met exactly; elsewhere the slack is continuous and D is 1 in
    the row's unit. A row that the columns' bounds keep in any case loses its limits; one with two
    different limits has one slack between them.

    steps
        Most steps of an integer slack; with more, it is continuous.
    frugal
        Leave no room to waste: where a column with a cost does nothing but give one row room
        (a start that is paid), no least-cost point has more room in that row than without it.

    Raises :class:`FormulationError` where a row has no bound on the side of its slack.
    """
    low, high, D = form.row_lower.copy(), form.row_upper.copy(), measure(form)
    least, most = activity(form)
    fine = RELATIVE * np.maximum(1.0, np.maximum(np.abs(_known(least)), np.abs(_known(most))))
    low[least >= low - fine] = -np.inf
    high[most <= high + fine] = np.inf
    equal = form.row_lower == form.row_upper
    low[equal], high[equal] = form.row_lower[equal], form.row_upper[equal]
    # Within a limit no multiple lies between it and the next one.
    whole = (D > 0.0) & ~equal
    low[whole] = D[whole] * np.ceil(low[whole] / D[whole] - RELATIVE)
    high[whole] = D[whole] * np.floor(high[whole] / D[whole] + RELATIVE)
    chosen = np.flatnonzero(~equal & (np.isfinite(low) | np.isfinite(high)))
    upward = ~np.isfinite(high[chosen])
    with np.errstate(invalid="ignore"):
        room = np.where(upward, most[chosen] - low[chosen], high[chosen] - least[chosen])
        between = high[chosen] - low[chosen]
    if frugal and len(chosen):
        room = _frugal(form, room, upward, chosen, D[chosen])
    room = np.minimum(room, between)
    endless = chosen[~np.isfinite(room)]
    if len(endless):
        raise FormulationError([
            Fault(form.row_label(int(row)), "has a column without bounds, so its slack has none",
                  None, "give the component a largest size") for row in endless[:5]
        ])  # fmt: skip
    counted = (D[chosen] > 0.0) & (room <= steps * D[chosen] * (1.0 + RELATIVE))
    unit = np.where(counted, D[chosen], 1.0)
    limit = np.where(upward, low[chosen], high[chosen])
    upper = np.where(counted, np.round(room / unit), room)
    width, count = len(form.cost), len(chosen)
    slacks = sp.csr_array(
        (np.where(upward, -unit, unit), (chosen, np.arange(count))),
        shape=(len(form.row_lower), count),
    )  # fmt: skip
    low[chosen] = high[chosen] = limit
    columns = dict(form.columns)
    start = width
    for block in sorted(form.rows.values(), key=lambda block: block.start):
        members = chosen[(chosen >= block.start) & (chosen < block.start + block.size)]
        if len(members):
            name, labels = f"{block.name}.slack", _flat_labels(block, members - block.start)
            columns[name] = Block(name, ("row",), {"row": labels}, start, block.unit,
                                  f"room in: {block.about}")  # fmt: skip
            start += len(members)
    accounts = {
        name: replace(account, columns={
            column: Lines(sp.csr_array(sp.hstack(
                [lines.matrix, sp.csr_array((lines.matrix.shape[0], count))], format="csr"
            )), lines.known)
            for column, lines in account.columns.items()
        })
        for name, account in form.accounts.items()
    }  # fmt: skip
    equalised = Form(
        np.concatenate([form.cost, np.zeros(count)]), form.constant,
        sp.csr_array(sp.hstack([form.matrix, slacks], format="csr")), low, high,
        np.concatenate([form.lower, np.zeros(count)]), np.concatenate([form.upper, upper]),
        np.concatenate([form.integer, counted]), columns, form.rows, accounts,
    )  # fmt: skip
    T = sp.csr_array(sp.eye_array(width, width + count, format="csr"))
    return Reduction(equalised, T, np.zeros(width))


def _frugal(
    form: Form, room: Floats, upward: NDArray[np.bool_], chosen: Positions, step: Floats
) -> Floats:
    """The room (k) of rows without what only columns add that cost and do no more."""
    matrix = sp.csc_array(form.matrix)
    limited = np.isfinite(form.row_lower) | np.isfinite(form.row_upper)
    owner = np.repeat(np.arange(len(form.cost)), np.diff(matrix.indptr))
    rows = np.bincount(owner, limited[matrix.indices], len(form.cost))
    span = form.upper - form.lower
    alone = (rows == 1) & (form.cost > 0.0) & np.isfinite(span)
    part = sp.csr_array(form.matrix)[chosen]
    signed = sp.csr_array(sp.diags_array(np.where(upward, 1.0, -1.0)) @ part).maximum(0)
    given = signed @ np.where(alone, span, 0.0)
    # An integer may have to give more than is asked, but by less than one of its steps.
    chunk = (signed @ sp.diags_array((alone & form.integer).astype(float))).max(axis=1)
    surplus = np.maximum(np.asarray(chunk.toarray(), dtype=float).ravel() - step, 0.0)
    return np.minimum(room, np.maximum(room - given, surplus))


def _known(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)


def _same_columns(original: Form, reduced: Form) -> Reduction:
    width = len(original.cost)
    return Reduction(reduced, sp.csr_array(sp.eye_array(width, format="csr")), np.zeros(width))


def _positions(columns: ArrayLike) -> Positions:
    chosen = np.asarray(columns)
    if chosen.dtype == bool:
        return np.flatnonzero(chosen)
    return chosen.astype(np.int64).ravel()


def _surviving(blocks: Mapping[str, Block], kept: NDArray[np.bool_]) -> dict[str, Block]:
    """The blocks of the columns that remain, in the form's order."""
    survivors: dict[str, Block] = {}
    start = 0
    for name, block in sorted(blocks.items(), key=lambda item: item[1].start):
        here = kept[block.span]
        if here.all():
            survivors[name] = replace(block, start=start)
        elif here.any():
            labels = _flat_labels(block, np.flatnonzero(here))
            survivors[name] = replace(
                block, dims=("member",), coords={"member": labels}, start=start
            )
        start += int(here.sum())
    return survivors


def _flat_labels(block: Block, members: Positions) -> NDArray[np.object_]:
    parts: Sequence[str] = [
        block.label(block.start + int(member))[len(block.name) + 1 : -1] for member in members
    ]
    return np.array(parts, dtype=object)
