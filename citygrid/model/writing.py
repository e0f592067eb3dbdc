"""The form as LP and MPS text, for solvers and people elsewhere.

Names are the labels with everything but letters, digits and underscores replaced, and never begin
with a digit or an ``e``, which readers of LP files take for numbers. Numbers keep all digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Floats, stamped
from citygrid.files import whole
from citygrid.model.form import Block, Form

Names = NDArray[np.object_]

#: Longest name that all readers of LP files accept is 255.
LONGEST = 200


def column_names(form: Form) -> Names:
    """One name per column (n), unique, fit for LP and MPS files."""
    return _names(form.columns, len(form.cost), "x")


def row_names(form: Form) -> Names:
    """One name per row (m), unique, fit for LP and MPS files."""
    return _names(form.rows, len(form.row_lower), "r")


def plain_names(labels: Iterable[str], letter: str) -> Names:
    """One name per label, unique, fit for LP and MPS files; ``letter`` heads bad beginnings."""
    return _unique(np.array([_plain(label) for label in labels], dtype=object), letter)


def write_lp(form: Form, path: Path) -> None:
    """Write the form in the LP format; rows without limits are left out."""
    columns, rows = column_names(form), row_names(form)
    matrix = sp.csr_array(form.matrix)
    entry = _terms(matrix.data) + " " + columns[matrix.indices]
    priced = np.flatnonzero(form.cost)
    first = columns[0] if len(columns) else "nothing"
    lines: list[str] = ["Minimize", " cost:"]
    lines += list(_terms(form.cost[priced]) + " " + columns[priced]) or [f" 0 {first}"]
    if form.constant:
        lines.append(f" {form.constant:+.17g}")
    lines.append("Subject To")
    starts = matrix.indptr
    low, high = form.row_lower, form.row_upper
    for row in np.flatnonzero(np.isfinite(low) | np.isfinite(high)):
        body = list(entry[starts[row] : starts[row + 1]]) or [f" 0 {first}"]
        lines += _row(rows[row], body, float(low[row]), float(high[row]))
    lines.append("Bounds")
    lines += list(_lp_bounds(columns, form.lower, form.upper))
    if form.integer.any():
        lines.append("General")
        lines += [f" {name}" for name in columns[form.integer]]
    lines.append("End")
    _write(path, lines)


def write_mps(form: Form, path: Path) -> None:
    """Write the form in the free MPS format."""
    columns, rows = column_names(form), row_names(form)
    low, high = form.row_lower, form.row_upper
    equal, below, above = low == high, np.isfinite(high), np.isfinite(low)
    kind = np.select([equal, below, above], ["E", "L", "G"], "N")
    lines = ["NAME citygrid", "ROWS", " N cost"]
    lines += list(np.char.add(" ", kind).astype(object) + " " + rows) if len(rows) else []
    lines.append("COLUMNS")
    lines += _mps_columns(form, columns, rows)
    lines.append("RHS")
    if form.constant:
        lines.append(f" RHS cost {-form.constant:.17g}")  # the objective is cᵀx less this
    right = np.where(below, high, np.where(above, low, 0.0))
    stated = right != 0.0
    lines += list(" RHS " + rows[stated] + " " + _numbers(right[stated]))
    lines.append("RANGES")
    ranged = above & below & ~equal
    lines += list(" RNG " + rows[ranged] + " " + _numbers((high - low)[ranged]))
    lines.append("BOUNDS")
    lines += _mps_bounds(columns, form.lower, form.upper, form.integer)
    lines.append("ENDATA")
    _write(path, lines)


def _row(name: str, body: list[str], low: float, high: float) -> list[str]:
    """A row in LP; one with two limits is written twice, which every reader understands."""
    if low == high:
        return [f" {name}:", *body, f" = {high:.17g}"]
    lines: list[str] = []
    both = np.isfinite(low) and np.isfinite(high)
    if np.isfinite(high):
        lines += [f" {name}:", *body, f" <= {high:.17g}"]
    if np.isfinite(low):
        lines += [f" {name}_low:" if both else f" {name}:", *body, f" >= {low:.17g}"]
    return lines


def _lp_bounds(columns: Names, lower: Floats, upper: Floats) -> Iterable[str]:
    endless_low, endless_high = ~np.isfinite(lower), ~np.isfinite(upper)
    left = np.where(endless_low, "-inf", _numbers(lower))
    right = np.where(endless_high, "+inf", _numbers(upper))
    free = endless_low & endless_high
    yield from " " + columns[free] + " free"
    yield from " " + left[~free] + " <= " + columns[~free] + " <= " + right[~free]


def _mps_columns(form: Form, columns: Names, rows: Names) -> list[str]:
    """Entries by column with the cost first; integer runs stand between markers."""
    matrix = sp.coo_array(form.matrix)
    width = len(form.cost)
    every = np.arange(width)
    # Every column is named by its cost, zero or not, so that no column gets lost.
    column = np.concatenate([every, matrix.col])
    row = np.concatenate([np.full(width, -1), matrix.row])
    value = np.concatenate([form.cost, matrix.data])
    order = np.lexsort((row, column))
    column, row, value = column[order], row[order], value[order]
    named = np.append(rows, "cost")  # −1 picks the last
    lines = " " + columns[column] + " " + named[row] + " " + _numbers(value)
    change = np.flatnonzero(np.diff(form.integer.astype(np.int8), prepend=0, append=0))
    at = np.searchsorted(column, change)
    marks = [f" MARKER{i} 'MARKER' '{'INTORG' if i % 2 == 0 else 'INTEND'}'"
             for i in range(len(change))]  # fmt: skip
    return list(np.insert(lines, at, np.array(marks, dtype=object))) if len(marks) else list(lines)


def _mps_bounds(
    columns: Names, lower: Floats, upper: Floats, integer: NDArray[np.bool_]
) -> list[str]:
    fixed = lower == upper
    free = ~np.isfinite(lower) & ~np.isfinite(upper)
    rest = ~fixed & ~free
    low = rest & (lower != 0.0) & np.isfinite(lower)
    minus = rest & ~np.isfinite(lower)
    high = rest & np.isfinite(upper)
    # Without an upper bound readers disagree about integers between markers; say it.
    plus = rest & ~np.isfinite(upper) & integer
    return [
        *(" FX BND " + columns[fixed] + " " + _numbers(lower[fixed])),
        *(" FR BND " + columns[free]), *(" MI BND " + columns[minus]),
        *(" LO BND " + columns[low] + " " + _numbers(lower[low])),
        *(" UP BND " + columns[high] + " " + _numbers(upper[high])),
        *(" PL BND " + columns[plus]),
    ]  # fmt: skip


def _terms(values: Floats) -> Names:
    return np.array([f" {value:+.17g}" for value in values.tolist()], dtype=object)


def _numbers(values: Floats) -> Names:
    return np.array([f"{value:.17g}" for value in values.tolist()], dtype=object)


def _names(blocks: Mapping[str, Block], total: int, letter: str) -> Names:
    names = np.array([f"{letter}{i}" for i in range(total)], dtype=object)
    for block in blocks.values():
        parts = np.array(_plain(block.name), dtype=object)
        for place, dim in enumerate(block.dims):
            labels = np.array([_plain(_text(v)) for v in block.coords[dim]], dtype=object)
            shape = [1] * len(block.dims)
            shape[place] = len(labels)
            parts = parts + ("_" + labels).reshape(shape)
        names[block.span] = np.broadcast_to(parts, block.shape).ravel()
    return _unique(names, letter)


def _unique(names: Names, letter: str) -> Names:
    """Long names are cut, bad beginnings get a letter, and doubles their position."""
    names = np.array([
        (f"{letter}_{name}" if name[:1] in "0123456789eE" else name)[:LONGEST] for name in names
    ], dtype=object)  # fmt: skip
    if len(names) == 0:
        return names
    _, inverse, count = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    double = np.flatnonzero(count[inverse] > 1)
    taken = set(names.tolist())
    for position in double:
        name = f"{names[position]}_{position}"
        while name in taken:
            name += "_"
        taken.add(name)
        names[position] = name
    return names


def _text(value: Any) -> str:
    if isinstance(value, np.datetime64):
        return stamped(value)
    return str(value)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _write(path: Path, lines: list[str]) -> None:
    with whole(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii")
