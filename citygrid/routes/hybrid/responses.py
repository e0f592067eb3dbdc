"""Best responses of priced blocks: what a load costs where it lands, minimum loads and all.

With the rows that couple everything (balances of many units, rows that span hours) replaced by
their prices, the rest of the form falls apart into small blocks: one centre with its pump in one
hour. Each takes one load ``L`` from the assignment and answers at least cost,

``φ(L) = min priced cost of the block's columns, subject to the block's rows with L put in``,

over all settings of its few binaries. ``φ`` is piecewise linear and not convex: below a pump's
minimum load heat is worth nothing, above it suddenly something. A linear relaxation cannot see
that. The blocks are found in the form alone, and all of them are tabulated together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from citygrid.model.form import Floats, Form
from citygrid.model.reductions import elastic
from citygrid.routes import highs
from citygrid.routes.bounds import tighten
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import Coupling, Groups
from citygrid.routes.hybrid.links import Links, find_links

#: Largest block that is tabulated: binaries (all settings are tried) and columns.
BINARIES, COLUMNS = 3, 80
#: Loads at which a response is tabulated.
POINTS = 16
#: Price of missing a block's row against the largest price there is.
DEAR = 20.0


@dataclass(frozen=True)
class Blocks:
    """Blocks of the form: ``rows`` kept, ``columns`` inside, ``of_row`` and ``of_column`` the
    block of each, ``receiver`` (r) the block that takes the load of each coupling row, or −1;
    ``cut`` (m) marks the rows that are priced instead.
    """

    rows: Positions
    columns: Positions
    of_row: Positions
    of_column: Positions
    receiver: Positions
    cut: NDArray[np.bool_]

    @property
    def count(self) -> int:
        return int(self.receiver.max(initial=-1)) + 1


def find_blocks(form: Form, groups: Groups, coupling: Coupling) -> Blocks:
    """Cut rows, widest first, until every block takes one load and has few binaries."""
    height, width = form.matrix.shape
    inside = np.ones(width, dtype=bool)
    inside[groups.columns] = False
    entries = sp.coo_array(form.matrix)
    local = inside[entries.col]
    row, column = entries.row[local], entries.col[local]
    degree = np.bincount(row, minlength=height)
    takes = np.zeros(height, dtype=bool)
    takes[coupling.rows] = True
    cut = _spans_hours(form, row, column, height) & ~takes
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
    good = (loads == 1) & ~large & (columns > 0)
    number = np.where(good, np.cumsum(good) - 1, -1)
    rows = np.flatnonzero((number[of_row] >= 0) & ~cut)
    kept = np.flatnonzero(inside & (number[of_column] >= 0))
    return Blocks(rows, kept, number[of_row[rows]], number[of_column[kept]],
                  number[of_row[coupling.rows]], cut)  # fmt: skip


def entered(form: Form, blocks: Blocks) -> sp.csr_array:
    """Entries (blocks × m) of every block in the priced rows."""
    entries = sp.coo_array(sp.csc_array(form.matrix)[:, blocks.columns])
    priced = blocks.cut[entries.row]
    place = (blocks.of_column[entries.col[priced]], entries.row[priced])
    shape = (blocks.count, len(form.row_lower))
    return sp.csr_array((np.ones(int(priced.sum())), place), shape=shape)


def tabulate(
    form: Form, blocks: Blocks, coupling: Coupling, prices: Floats, start: Floats, step: Floats,
    near: Floats | None = None,
) -> Floats:  # fmt: skip
    """Best responses (r × POINTS) in EUR at loads ``start + step · i`` of every coupling row.

    A coupling row without a block has its price instead, ``−λ L``. A load that a block cannot take
    costs a multiple of the dearest price for every unit by which it is missed. ``near`` (n) is a
    plan whose binaries the other blocks keep: changes that are paid for in rows between hours then
    cost what they cost.
    """
    grid = start[:, None] + step[:, None] * np.arange(POINTS)
    table = -prices[coupling.rows][:, None] * grid
    taking = np.flatnonzero(blocks.receiver >= 0)
    if not len(taking):
        return table
    links = find_links(form, blocks.cut)
    if near is not None:
        prices = prices.copy()
        prices[links.rows] = 0.0
    local, lower, upper, scale = _priced(form, blocks, prices)
    receiving = np.searchsorted(blocks.rows, coupling.rows[taking])
    bounds = []
    for i in range(POINTS):
        low, high = local.row_lower.copy(), local.row_upper.copy()
        load = start[taking] + step[taking] * i
        low[receiving] -= load
        high[receiving] -= load
        bounds.append((low, high))
    best = np.full((blocks.count, POINTS), np.inf)
    settings = _settings(form, blocks, lower, upper)
    more = _deviations(form, blocks, links, settings, near)
    owner = np.concatenate([blocks.of_column, blocks.of_row, blocks.of_row])
    for j, i, y in highs.series(local, bounds, settings):
        cost = np.bincount(owner, local.cost * y, minlength=blocks.count)
        best[:, i] = np.minimum(best[:, i], cost * scale + more[j])
    found = best[blocks.receiver[taking]]
    if np.isfinite(found).all():
        table[taking] = found
    return table


def _priced(form: Form, blocks: Blocks, prices: Floats) -> tuple[Form, Floats, Floats, float]:
    """All blocks as one LP with the cut rows priced and every row elastic, and its cost scale."""
    outside = prices.copy()
    outside[blocks.rows] = 0.0
    cost = (form.cost - form.matrix.T @ outside)[blocks.columns]
    lower, upper = (part[blocks.columns] for part in tighten(form))
    matrix = sp.csr_array(sp.csr_array(form.matrix[blocks.rows])[:, blocks.columns])
    zeros = np.zeros(len(blocks.columns))
    plain = Form(
        zeros, 0.0, matrix, form.row_lower[blocks.rows], form.row_upper[blocks.rows],
        lower, upper, zeros.astype(bool), {}, {},
    )  # fmt: skip
    soft = elastic(plain).form
    scale = max(float(np.abs(prices).max(initial=0.0)), 1e-9)
    dear = np.full(len(soft.cost) - len(cost), DEAR)
    priced = np.concatenate([cost / scale, dear])
    local = Form(
        priced, 0.0, soft.matrix, soft.row_lower, soft.row_upper, soft.lower, soft.upper,
        soft.integer, {}, {},
    )  # fmt: skip
    return local, soft.lower, soft.upper, scale


def _settings(
    form: Form, blocks: Blocks, lower: Floats, upper: Floats
) -> list[tuple[Floats, Floats]]:
    """Column bounds for every setting of the blocks' binaries, the k-th of each block at once."""
    binary = np.flatnonzero(form.integer[blocks.columns])
    owner = blocks.of_column[binary]
    order = np.argsort(owner, kind="stable")
    binary, owner = binary[order], owner[order]
    bit = np.arange(len(owner)) - np.searchsorted(owner, owner)
    settings = []
    for pattern in range(2 ** int(bit.max(initial=-1) + 1)):
        low, high = lower.copy(), upper.copy()
        value = np.clip((pattern >> bit) & 1, low[binary], high[binary])
        low[binary] = high[binary] = value
        settings.append((low, high))
    return settings


def _deviations(
    form: Form, blocks: Blocks, links: Links, settings: list[tuple[Floats, Floats]],
    near: Floats | None,
) -> list[Floats]:  # fmt: skip
    """What each setting costs every block in the rows between hours, against the plan ``near``."""
    if near is None:
        return [np.zeros(blocks.count) for _ in settings]
    owner = np.full(len(form.cost), -1)
    owner[blocks.columns] = blocks.of_column
    binary = form.integer[blocks.columns]
    found = []
    for low, _ in settings:
        values = near.copy()
        values[blocks.columns[binary]] = low[: len(blocks.columns)][binary]
        found.append(links.deviations(owner, values, near, blocks.count))
    return found


def _spans_hours(form: Form, row: Positions, column: Positions, height: int) -> NDArray[np.bool_]:
    """Rows (m) that link columns of different hours."""
    hour = np.full(len(form.cost), -1)
    for block in form.columns.values():
        if "time" in block.dims:
            place = np.indices(block.shape)[block.dims.index("time")]
            hour[block.span] = place.ravel()
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
