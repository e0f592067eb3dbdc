"""Columns written in bits: ``x = T b + t`` with every ``b`` 0 or 1.

An integer takes the whole numbers between its bounds, a continuous column the points of a grid,
``lower + spacing · k`` for ``k = 0 … steps``. Three encodings write k in bits:

* ``binary``: weights 1, 2, 4, …, and a last one trimmed so that all bits together are ``steps``;
* ``onehot``: one bit per value, of which exactly one is 1;
* ``domainwall``: one bit per step, and ones stand before zeros, ``k = Σ b``.

Grids are chosen so that they hold what the rows ask for: where all quantities of a column's rows
are multiples of one number, so are its values, and rows can be kept exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Positions
from citygrid.errors import Fault, FormulationError
from citygrid.model.form import Block, Form
from citygrid.model.measures import measures
from citygrid.model.reductions import Reduction, substitute

#: Encodings by name.
ENCODINGS = ("binary", "onehot", "domainwall")
#: Bits for the grid of a continuous column.
BITS = 5
#: Passes in which grids of columns that share rows agree.
AGREE = 4


@dataclass(frozen=True)
class Grid:
    """Values that columns (n) may take: ``lower + spacing · k``, ``k = 0 … steps``.

    ``exact`` says which spacings divide all that the column's rows ask for.
    """

    lower: Floats
    spacing: Floats
    steps: Positions
    exact: Flags

    def nearest(self, x: Floats) -> Positions:
        """The k (n) of the grid's points nearest to ``x``."""
        wide = self.spacing > 0
        k = np.zeros(len(x))
        k[wide] = np.round((x - self.lower)[wide] / self.spacing[wide])
        return np.clip(k, 0, self.steps).astype(np.int64)


class Walls(NamedTuple):
    """Neighbours in domain walls: ``later`` may be 1 only where ``earlier`` is."""

    earlier: Positions
    later: Positions


@dataclass(frozen=True)
class Encoded:
    """A form in bits, with what keeps the bits of one column in order.

    ``owner`` (b) is the column behind every bit and ``part`` (b) its number there; ``groups`` (b)
    the one-hot group of a bit or −1; ``method`` (n) the encoding of every column.
    """

    reduction: Reduction
    grid: Grid
    owner: Positions
    part: Positions
    weight: Positions
    groups: Positions
    walls: Walls
    method: NDArray[np.object_]

    def bits(self, x: Floats) -> Floats:
        """The bits (b) of the grid's points nearest to ``x`` (n)."""
        k = self.grid.nearest(x)[self.owner]
        method = self.method[self.owner]
        found = np.where(method == "onehot", k == self.part, k > self.part)
        binary = np.flatnonzero(method == "binary")
        # From the heaviest bit down: the trimmed last one first, then plain binary digits.
        rest = self.grid.nearest(x)
        for number in sorted(set(self.part[binary].tolist()), reverse=True):
            here = binary[self.part[binary] == number]
            owner = self.owner[here]
            top = number == _digits(self.grid.steps[owner]) - 1
            takes = np.where(top, rest[owner] >= (1 << number), rest[owner] >= self.weight[here])
            takes &= rest[owner] >= self.weight[here]
            found[here] = takes
            rest[owner] -= self.weight[here] * takes
        return found.astype(float)

    def in_order(self, bits: Floats) -> Flags:
        """Whether bits (s × b) keep every one-hot group and domain wall."""
        count = bits @ self.group_rows.T
        walls = bits[:, self.walls.later] * (1.0 - bits[:, self.walls.earlier])
        return np.asarray((np.abs(count - 1.0) < 0.5).all(axis=1) & (walls < 0.5).all(axis=1))

    @property
    def group_rows(self) -> sp.csr_array:
        """Which bits (g × b) are options of each one-hot group."""
        member = np.flatnonzero(self.groups >= 0)
        shape = (int(self.groups.max(initial=-1)) + 1, len(self.groups))
        return sp.csr_array((np.ones(len(member)), (self.groups[member], member)), shape=shape)


def encode(form: Form, encoding: str | Mapping[str, str] = "binary", bits: int = BITS) -> Encoded:
    """Every column of the form in bits; those with one value only take none.

    encoding
        Name of an encoding for all columns, or by block of columns (others: ``binary``). A column
        of two values is one bit in any case.
    bits
        Largest number of bits, in ``binary``, for a continuous column.

    Raises :class:`FormulationError` where a column has no bounds or an encoding does not exist.
    """
    grid = choose_grid(form, bits)
    method = _methods(form, encoding)
    method[grid.steps <= 1] = "binary"
    count = np.where(method == "binary", _digits(grid.steps),
                     np.where(method == "onehot", grid.steps + 1, grid.steps))  # fmt: skip
    owner = np.repeat(np.arange(len(count)), count)
    part = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    kind, steps = method[owner], grid.steps[owner]
    power = np.left_shift(1, np.minimum(part, 62))
    last = part == count[owner] - 1
    trimmed = np.where(last, steps - (power - 1), power)
    weight = np.where(kind == "binary", trimmed, np.where(kind == "onehot", part, 1))
    shape = (len(count), len(owner))
    # Options of value nothing stand in no row.
    T = sp.csr_array((grid.spacing[owner] * weight, (owner, np.arange(len(owner)))), shape=shape)
    T.eliminate_zeros()
    width = len(owner)
    reduced = substitute(form, T, grid.lower, np.zeros(width), np.ones(width),
                         np.ones(width, dtype=bool), _blocks(form, count))  # fmt: skip
    hot = kind == "onehot"
    groups = np.full(width, -1, dtype=np.int64)
    groups[hot] = np.unique(owner[hot], return_inverse=True)[1]
    inner = np.flatnonzero((kind == "domainwall") & ~last)
    return Encoded(Reduction(reduced, T, grid.lower), grid, owner, part, weight, groups,
                   Walls(inner, inner + 1), method)  # fmt: skip


def choose_grid(form: Form, bits: int = BITS) -> Grid:
    """The grid of every column: whole numbers, or at most ``2^bits − 1`` even steps.

    A continuous column gets the coarsest spacing that divides its range and, by way of each row,
    all that the row asks for, if it has that many steps at most; else as many steps as it may have.
    """
    bad = np.flatnonzero(~np.isfinite(form.lower) | ~np.isfinite(form.upper))
    if len(bad):
        raise FormulationError([
            Fault(form.column_label(int(column)), "has no bound, so no bits can hold it", None,
                  "give the component a largest size")
            for column in bad[:5]
        ])  # fmt: skip
    span = form.upper - form.lower
    most = (1 << bits) - 1
    unit = np.where(form.integer, 1.0, span)
    loose = ~form.integer & (span > 0)
    for _ in range(AGREE):
        before = unit.copy()
        # Once lost, a column asks nothing of the others any more.
        unit = np.where(loose & (unit > 0.0), common_measure(form, unit), unit)
        if np.array_equal(before, unit):
            break
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(span > 0, np.round(span / unit), 0.0)
    exact = form.integer | (span <= 0) | ((unit > 0) & (steps <= most))
    steps = np.where(exact, steps, most).astype(np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        spacing = np.where(steps > 0, span / np.maximum(steps, 1), 0.0)
    return Grid(form.lower.copy(), np.asarray(spacing), steps, exact)


def common_measure(form: Form, unit: Floats) -> Floats:
    """The largest spacing (n) that divides what a column's rows ask for; 0 where there is none.

    ``unit`` (n) is the step in which each column moves now, 0 for those that have no such step. A
    row asks for its limits less what its columns are at their lower bounds, and for what each
    column adds in a step.
    """
    matrix = sp.csr_array(form.matrix)
    row = np.repeat(np.arange(len(form.row_lower)), np.diff(matrix.indptr))
    base = matrix @ form.lower
    with np.errstate(invalid="ignore"):
        limits = np.concatenate([form.row_lower - base, form.row_upper - base])
    places = np.tile(np.arange(len(base)), 2)
    known = np.isfinite(limits)
    bound = np.isfinite(form.row_lower) | np.isfinite(form.row_upper)
    counts = bound[row]
    measure = measures(
        np.concatenate([row[counts], places[known]]),
        np.concatenate([matrix.data[counts] * unit[matrix.indices[counts]], limits[known]]),
        len(base),
    )  # fmt: skip
    columns = matrix.indices[counts]
    # A row without a measure is lost for its columns.
    return measures(
        np.concatenate([columns, np.arange(len(unit))]),
        np.concatenate([measure[row[counts]] / matrix.data[counts], unit]), len(unit),
        lost=np.bincount(columns, measure[row[counts]] == 0.0, len(unit)) > 0,
    )  # fmt: skip


def _digits(steps: Positions) -> Positions:
    """Binary digits of whole numbers (n)."""
    return np.ceil(np.log2(np.asarray(steps, dtype=float) + 1.0) - 1e-12).astype(np.int64)


def _methods(form: Form, encoding: str | Mapping[str, str]) -> NDArray[np.object_]:
    by_block = {"": encoding} if isinstance(encoding, str) else dict(encoding)
    faults = [
        Fault(f"encoding {block}".rstrip(), "no such encoding", name,
              f"choose one of {', '.join(ENCODINGS)}")
        for block, name in by_block.items() if name not in ENCODINGS
    ] + [
        Fault(f"encoding {block}", "the form has no such block of columns", None,
              f"choose from {', '.join(form.columns)}")
        for block in by_block if block and block not in form.columns
    ]  # fmt: skip
    if faults:
        raise FormulationError(faults)
    method = np.full(len(form.cost), by_block.get("", "binary"), dtype=object)
    for block, name in by_block.items():
        if block:
            method[form.columns[block].span] = name
    return method


def _blocks(form: Form, count: Positions) -> dict[str, Block]:
    """Blocks of the bits: a column's own name where it is one bit, ``…#3`` for bit 3 of several."""
    blocks: dict[str, Block] = {}
    start = 0
    for name, block in sorted(form.columns.items(), key=lambda item: item[1].start):
        sizes = count[block.span]
        if (sizes == 1).all():
            blocks[name] = replace(block, start=start)
        elif sizes.any():
            labels = [
                _inner(block, member) + (f"#{part}" if sizes[member] > 1 else "")
                for member in range(block.size) for part in range(sizes[member])
            ]  # fmt: skip
            blocks[name] = replace(
                block, dims=("bit",), coords={"bit": np.array(labels, dtype=object)}, start=start,
                unit="1",
            )  # fmt: skip
        start += int(sizes.sum())
    return blocks


def _inner(block: Block, member: int) -> str:
    return block.label(block.start + member)[len(block.name) + 1 : -1]
