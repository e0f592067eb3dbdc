"""Blocks one hour after another, and what it costs when a block does not go on as the one before.

A start is paid where a pump is on and was off an hour ago. So the blocks of one site belong
together: with the settings of their binaries as states, the hours of a site are a chain, and the
cheapest settings of all its hours follow from the loads by dynamic programming over pairs of hours.
Chains are read from the form: rows between hours that make changes of binaries cost
(:mod:`.links`) are the edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from citygrid.model.form import Floats, Form
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.blocks import Blocks
from citygrid.routes.hybrid.links import Links, find_links


@dataclass(frozen=True)
class Chains:
    """Positions (q): every coupling row and every block that stands between them in time.

    ``first`` (chains + 1) the first position of each chain; ``row`` (q) the coupling row whose load
    a position takes, or −1; ``at`` (r) the position of every coupling row; ``block`` (q) or −1;
    ``change`` (q × s × s) what it costs to be in a setting after that one of the position before;
    ``entry`` (q × s) what a setting costs by itself in rows between hours, infinite where there is
    no such setting [EUR]; ``linked`` (m) the rows that the chains account for.
    """

    first: Positions
    row: Positions
    at: Positions
    block: Positions
    change: Floats
    entry: Floats
    linked: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.row)

    @property
    def settings(self) -> int:
        """Settings (s) that a position has at most."""
        return int(self.entry.shape[1])


def find_chains(form: Form, blocks: Blocks) -> Chains:
    """The chains of a form's blocks."""
    receiver = blocks.receiver
    links = find_links(form, blocks.cut)
    owner = np.full(len(form.cost), -1, dtype=np.int64)
    owner[blocks.columns] = blocks.of_column
    used, edges = _edges(form, blocks, links, owner)
    label = _joined(edges, blocks.count)
    wanted = np.zeros(int(label.max(initial=-1)) + 1, dtype=bool)
    wanted[label[receiver[receiver >= 0]]] = True
    inside = np.flatnonzero(wanted[label]) if blocks.count else np.zeros(0, dtype=np.int64)
    inside = inside[np.lexsort((blocks.hour[inside], label[inside]))]
    alone = np.flatnonzero(receiver < 0)
    block = np.concatenate([inside, np.full(len(alone), -1, dtype=np.int64)])
    place = np.full(blocks.count, -1, dtype=np.int64)
    place[inside] = np.arange(len(inside))
    row = np.full(len(block), -1, dtype=np.int64)
    taking = np.flatnonzero(receiver >= 0)
    row[place[receiver[taking]]] = taking
    row[len(inside) :] = alone
    at = np.empty(len(receiver), dtype=np.int64)
    at[row[row >= 0]] = np.flatnonzero(row >= 0)
    lengths = np.bincount(label[inside], minlength=1)
    lengths = np.concatenate([lengths[lengths > 0], np.ones(len(alone), dtype=np.int64)])
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    counts = np.ones(len(block), dtype=np.int64)
    counts[: len(inside)] = blocks.settings[inside]
    change, entry = _costs(blocks, links, used, owner, place, counts)
    linked = np.zeros(len(form.row_lower), dtype=bool)
    linked[links.rows[used]] = True
    return Chains(first, row, at, block, change, entry, linked)


def _edges(
    form: Form, blocks: Blocks, links: Links, owner: Positions
) -> tuple[NDArray[np.bool_], Positions]:
    """Links that only concern one block, or two that follow each other; the pairs (e × 2)."""
    count = len(links.rows)
    if not blocks.count:
        return np.zeros(count, dtype=bool), np.zeros((0, 2), dtype=np.int64)
    block = owner[links.column]
    outside = np.bincount(links.row, block < 0, count) > 0
    low, high = np.full(count, blocks.count), np.full(count, -1)
    np.minimum.at(low, links.row, np.where(block < 0, blocks.count, block))
    np.maximum.at(high, links.row, block)
    middle = np.bincount(links.row, (block != low[links.row]) & (block != high[links.row]), count)
    used = ~outside & (middle == 0) & (high >= 0)
    pairs = np.stack([low, high], axis=1)
    # A block follows at most one other, an hour later; what else links it keeps its price.
    order = np.argsort(blocks.hour[np.where(used[:, None], pairs, 0)], axis=1, kind="stable")
    pairs = np.take_along_axis(pairs, order, axis=1)
    double = used & (low != high)
    gap = np.zeros(count)
    gap[double] = blocks.hour[pairs[double, 1]] - blocks.hour[pairs[double, 0]]
    used &= ~double | (gap == 1)
    double &= used
    for side in (0, 1):
        other = 1 - side
        fits = _agreed(pairs[:, side], pairs[:, other], double)
        used &= fits | ~double
        double &= used
    return used, np.unique(pairs[double], axis=0)


def _agreed(here: Positions, there: Positions, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pairs go from ``here`` to the one ``there`` that is the least of all from ``here``."""
    least: dict[int, int] = {}
    for a, b in zip(here[among].tolist(), there[among].tolist(), strict=True):
        least[a] = min(least.get(a, b), b)
    fits = among.copy()
    fits[among] = [
        least[a] == b for a, b in zip(here[among].tolist(), there[among].tolist(), strict=True)
    ]
    return fits


def _joined(edges: Positions, count: int) -> Positions:
    """The chain (count) that every block belongs to."""
    if not count:
        return np.zeros(0, dtype=np.int64)
    graph = sp.coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _costs(
    blocks: Blocks, links: Links, used: NDArray[np.bool_], owner: Positions, place: Positions,
    counts: Positions,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What changes (q × s × s) and settings by themselves (q × s) cost in the rows of links."""
    most = int(counts.max(initial=1))
    change = np.zeros((len(counts), most, most))
    entry = np.where(np.arange(most)[None, :] < counts[:, None], 0.0, np.inf)
    for column in np.flatnonzero((blocks.bit >= 0) & (blocks.lower == blocks.upper)):
        # A decision that is no longer open leaves the settings that agree with it.
        at = place[blocks.of_column[column]]
        if at >= 0:
            wanted = (np.arange(most) >> blocks.bit[column]) & 1
            entry[at, wanted != blocks.lower[column]] = np.inf
    bit = np.full(len(owner), -1, dtype=np.int64)
    bit[blocks.columns] = blocks.bit
    order = np.argsort(links.row, kind="stable")
    begin = np.searchsorted(links.row[order], np.arange(len(links.rows) + 1))
    for link in np.flatnonzero(used):
        members = order[begin[link] : begin[link + 1]]
        columns, weights = links.column[members], links.weight[members]
        spot = place[owner[columns]]
        last = int(spot.max())
        if last < 0:
            continue  # of units that take no load: not part of a chain
        here = spot == last
        now = _activity(bit[columns[here]], weights[here], most)
        then = _activity(bit[columns[~here]], weights[~here], most)
        missing = np.maximum(links.need[link] - then[:, None] - now[None, :], 0.0)
        if here.all():
            entry[last] += links.unit[link] * missing[0]
        else:
            change[last] += links.unit[link] * missing
    return change, entry


def _activity(bits: Positions, weights: Floats, settings: int) -> Floats:
    """``Σ weight · binary`` in every setting."""
    pattern = np.arange(settings)
    return np.asarray(((pattern[:, None] >> bits[None, :]) & 1) @ weights, dtype=float)
