"""Blocks: what stays connected within one hour once the rows that couple everything have a price.

With balances of many units, shared limits, the assignment itself and the rows that span hours
taken out, a form falls apart into small pieces: one centre with its pump in one hour. Each takes
one load from the assignment, or none, and has few binaries. They are found in the form alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from citygrid.model.form import Floats, Form
from citygrid.model.groups import Groups
from citygrid.model.limits import tighten
from citygrid.model.steps import steps_of
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import Coupling
from citygrid.routes.hybrid.links import find_links

#: Largest block that is worked out: binaries (all settings are tried) and columns.
BINARIES, COLUMNS = 3, 80


@dataclass(frozen=True)
class Blocks:
    """Blocks of the form: ``rows`` kept, ``columns`` inside, ``of_row`` and ``of_column`` the
    block of each, ``bit`` the place of a column among the binaries of its block, or −1;
    ``receiver`` (r) the block that takes the load of each coupling row, or −1; ``hour`` and
    ``binaries`` of each block; ``cut`` (m) marks the rows that are priced instead; ``lower`` and
    ``upper`` the implied bounds of the columns.
    """

    rows: Positions
    columns: Positions
    of_row: Positions
    of_column: Positions
    bit: Positions
    receiver: Positions
    hour: Positions
    binaries: Positions
    cut: NDArray[np.bool_]
    lower: Floats
    upper: Floats

    @property
    def count(self) -> int:
        return len(self.hour)

    @property
    def settings(self) -> Positions:
        """Settings of the binaries of every block."""
        return np.asarray(2**self.binaries, dtype=np.int64)


def find_blocks(form: Form, groups: Groups, coupling: Coupling) -> Blocks:
    """Cut rows, widest first, until every block takes one load and has few binaries.

    Blocks without a load count where their binaries are linked in time to those of one with a load.
    """
    height, width = form.matrix.shape
    inside = np.ones(width, dtype=bool)
    inside[groups.columns] = False
    entries = sp.coo_array(form.matrix)
    local = inside[entries.col]
    row, column = entries.row[local], entries.col[local]
    degree = np.bincount(row, minlength=height)
    hour = steps_of(form)
    takes = np.zeros(height, dtype=bool)
    takes[coupling.rows] = True
    cut = _spans_hours(hour, row, column, height) & ~takes
    cut[groups.rows] = True
    while True:
        member, of_row, of_column = _components(row, column, cut, height, width)
        loads = np.bincount(of_row[takes], minlength=member)
        binaries = np.bincount(of_column[inside & form.integer], minlength=member)
        columns = np.bincount(of_column[inside], minlength=member)
        large = (loads > 1) | (binaries > BINARIES) | (columns > COLUMNS)
        offending = large & (loads > 0)
        able = ~takes & ~cut & (degree > 1) & offending[of_row]
        if not able.any():
            break
        widest = np.zeros(member, dtype=np.int64)
        np.maximum.at(widest, of_row[able], degree[able])
        cut = cut | (able & (degree == widest[of_row]))
    # A setting is a pattern of bits: a block with other integers is not worked out.
    other = form.integer & ((form.lower < 0.0) | (form.upper > 1.0))
    counted = np.bincount(of_column[inside & other], minlength=member)
    good = ~large & (columns > 0) & (counted == 0) & ((loads == 1) | (binaries > 0))
    good &= _reached(form, cut, np.where(inside, of_column, -1), good, loads == 1)
    number = np.where(good, np.cumsum(good) - 1, -1)
    rows = np.flatnonzero((number[of_row] >= 0) & ~cut)
    kept = np.flatnonzero(inside & (number[of_column] >= 0))
    block = number[of_column[kept]]
    when = np.full(int(good.sum()), -1, dtype=np.int64)
    np.maximum.at(when, block, hour[kept])
    lower, upper = (part[kept] for part in tighten(form))
    return Blocks(
        rows, kept, number[of_row[rows]], block, _bits(form.integer[kept], block),
        number[of_row[coupling.rows]], when, binaries[good], cut, lower, upper,
    )  # fmt: skip


def entered(form: Form, blocks: Blocks) -> sp.csr_array:
    """Entries (blocks × m) of every block in the priced rows."""
    entries = sp.coo_array(sp.csc_array(form.matrix)[:, blocks.columns])
    priced = blocks.cut[entries.row]
    place = (blocks.of_column[entries.col[priced]], entries.row[priced])
    shape = (blocks.count, len(form.row_lower))
    return sp.csr_array((np.ones(int(priced.sum())), place), shape=shape)


def _bits(binary: NDArray[np.bool_], block: Positions) -> Positions:
    """Numbers 0, 1, … of the binaries within their block; −1 for other columns."""
    found = np.full(len(block), -1, dtype=np.int64)
    at = np.flatnonzero(binary)
    at = at[np.argsort(block[at], kind="stable")]
    found[at] = np.arange(len(at)) - np.searchsorted(block[at], block[at])
    return found


def _reached(
    form: Form, cut: NDArray[np.bool_], of_column: Positions, good: NDArray[np.bool_],
    loaded: NDArray[np.bool_],
) -> NDArray[np.bool_]:  # fmt: skip
    """Which pieces take a load or are linked in time, over any number of hours, to one that does.

    of_column
        The piece of every column (n), or −1.
    """
    links = find_links(form, cut)
    piece = of_column[links.column]
    within = (piece >= 0) & good[np.maximum(piece, 0)]
    count = len(good)
    pairs = sp.coo_array(
        (np.ones(int(within.sum())), (piece[within], count + links.row[within])),
        shape=(count + len(links.rows), count + len(links.rows)),
    )
    label = connected_components(pairs, directed=False)[1]
    reached = np.zeros(int(label.max(initial=-1)) + 1, dtype=bool)
    reached[label[:count][good & loaded]] = True
    return np.asarray(reached[label[:count]])


def _spans_hours(
    hour: Positions, row: Positions, column: Positions, height: int
) -> NDArray[np.bool_]:
    """Rows (m) that link columns of different hours."""
    timed = hour[column] >= 0
    first, last = np.full(height, np.iinfo(np.int64).max), np.full(height, -1)
    np.minimum.at(first, row[timed], hour[column[timed]])
    np.maximum.at(last, row[timed], hour[column[timed]])
    return (last >= 0) & (first < last)


def _components(
    row: Positions, column: Positions, cut: NDArray[np.bool_], height: int, width: int
) -> tuple[int, Positions, Positions]:
    kept = ~cut[row]
    links = sp.coo_array(
        (np.ones(int(kept.sum())), (row[kept], height + column[kept])),
        shape=(height + width, height + width),
    )
    member, label = connected_components(links, directed=False)
    return member, label[:height].astype(np.int64), label[height:].astype(np.int64)
