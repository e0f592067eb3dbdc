"""Components that work against each other: energy that one gives and another undoes.

Where energy is worth less than nothing, losing it pays: one store fills another, power runs in a
ring of lossy cables, heat made of power is left to the air. What replays declare as opposed is
followed here over the plan's own lines, step by step: the **widest path** from what gives to what
takes, or from a line's end back to its start, is the flow that is undone. Where the kinds say that
it could have paid it is a breach; everywhere it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from citygrid.arrays import Flags, Floats, Indices
from citygrid.components.log import Breach, Carried, Log, Opposed

#: What is undone counts from here [kW]; below it is a solver's rounding.
NEGLIGIBLE = 0.01

RULES = {
    "stored": "no store fills another",
    "made": "no heat made of power is left to the air",
}


class Undone(NamedTuple):
    """Breaches, and the steps (T) in which anything is undone, forbidden or not."""

    breaches: list[Breach]
    hours: Flags


class _Arcs(NamedTuple):
    """All lines of a carrier, one row per line and direction."""

    start: Indices
    end: Indices
    flow: Floats
    lossy: Flags
    guarded: Flags
    owner: list[str]


def working_against(logs: Sequence[Log], steps: int) -> Undone:
    """Find what components of a plan undo of each other, and of themselves."""
    hours = np.zeros(steps, dtype=bool)
    breaches: list[Breach] = []
    for log in logs:
        for flow in log.undone:
            hours |= (flow > NEGLIGIBLE).any(axis=0)
    opposed = [side for log in logs for side in log.opposed]
    carried = [line for log in logs for line in log.carried]
    for carrier in sorted({side.carrier for side in opposed} | {line.carrier for line in carried}):
        sides = [side for side in opposed if side.carrier == carrier]
        lines = [line for line in carried if line.carrier == carrier]
        names = [side.places for side in sides] + [line.start for line in lines]
        names += [line.end for line in lines]
        places = np.unique(np.concatenate([name.astype(str) for name in names]))
        arcs = _arcs(lines, places, steps)
        for rule in sorted({side.rule for side in sides}):
            size, guarded = _met([s for s in sides if s.rule == rule], arcs, places, steps)
            hours |= (size > NEGLIGIBLE).any(axis=0)
            breaches.append(_breach(carrier, RULES.get(rule, rule), places, size, guarded))
        size, guarded = _rings(arcs, len(places))
        if size.size:
            hours |= (size > NEGLIGIBLE).any(axis=0)
            rule = "nothing runs in a ring of lines"
            breaches.append(_breach(carrier, rule, np.array(arcs.owner), size, guarded))
    return Undone(breaches, hours)


def _breach(carrier: str, rule: str, labels: np.ndarray, size: Floats, guarded: Flags) -> Breach:
    forbidden = np.where(guarded & (size > NEGLIGIBLE), size, 0.0)
    return Breach(carrier, rule, labels, forbidden, np.maximum(size, 1.0), "kW")


def _arcs(lines: list[Carried], places: np.ndarray, steps: int) -> _Arcs:
    def at(names: np.ndarray) -> Indices:
        return np.searchsorted(places, names.astype(str))

    if not lines:
        none = np.zeros(0, dtype=np.int64)
        empty = np.zeros((0, steps))
        return _Arcs(none, none, empty, none.astype(bool), empty.astype(bool), [])
    return _Arcs(
        np.concatenate([at(line.start) for line in lines]),
        np.concatenate([at(line.end) for line in lines]),
        np.concatenate([line.flow for line in lines]),
        np.concatenate([line.lossy for line in lines]),
        np.concatenate([line.guarded for line in lines]),
        [str(owner) for line in lines for owner in line.owners],
    )


def _widest(width: Floats, arcs: _Arcs, but: Flags | None = None) -> Floats:
    """How much of what starts with ``width`` (place × step) can have come to every place."""
    kept = np.ones(len(arcs.start), dtype=bool) if but is None else ~but
    start, end, flow = arcs.start[kept], arcs.end[kept], arcs.flow[kept]
    while True:
        grown = width.copy()
        np.maximum.at(grown, end, np.minimum(width[start], flow))
        if np.array_equal(grown, width):
            return width
        width = grown


def _met(
    sides: list[Opposed], arcs: _Arcs, places: np.ndarray, steps: int
) -> tuple[Floats, Flags]:  # fmt: skip
    """What of the giving flows may have met the taking ones at every place and step [kW]."""
    given, taken = np.zeros((len(places), steps)), np.zeros((len(places), steps))
    guarded = np.zeros(steps, dtype=bool)
    for side in sides:
        at = np.searchsorted(places, side.places.astype(str))
        np.maximum.at(given if side.gives else taken, at, side.flow)
        guarded |= side.guarded.any(axis=0)
    if not given.any() or not taken.any():
        return np.zeros_like(given), np.broadcast_to(guarded, given.shape)
    return np.minimum(_widest(given, arcs), taken), np.broadcast_to(guarded, given.shape)


def _rings(arcs: _Arcs, places: int) -> tuple[Floats, Flags]:
    """What comes back to the start of every line over others, with a loss on the way [kW]."""
    size = np.zeros_like(arcs.flow)
    owners = np.array(arcs.owner, dtype=object)
    for i in np.flatnonzero(arcs.flow.any(axis=1) & bool(arcs.lossy.any())):
        begin = np.zeros((places, arcs.flow.shape[1]))
        begin[arcs.end[i]] = np.inf
        back = _widest(begin, arcs, but=owners == owners[i])[arcs.start[i]]
        size[i] = np.minimum(back, arcs.flow[i])
    if not size.any():
        return size, arcs.guarded
    # A ring without any loss is no harm: flows in it cancel.
    lossy = size[arcs.lossy].max(axis=0, initial=0.0) > 0.0
    return np.where(lossy, size, 0.0), arcs.guarded
