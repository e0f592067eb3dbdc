"""Changes of an incumbent plan's on/off decisions that keep bounds and minimum times.

A move sets a unit's decisions over an interval: it is switched on or off, a start or a stop is
shifted, a pause is filled; or two units swap over an interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats, Positions
from citygrid.routes.hybrid.moves.structure import Schedule, Unit

#: Steps by which a whole run or pause is shifted at most.
SHIFT = 3


class Stretch(NamedTuple):
    """A unit's decisions from ``begin`` until before ``end`` set to ``value``."""

    unit: int
    begin: int
    end: int
    value: int


@dataclass(frozen=True)
class Move:
    """Stretches set together: ``columns`` (k) of the form that change, with their ``values``."""

    stretches: tuple[Stretch, ...]
    columns: Positions
    values: Floats


def stretches(
    unit: Unit, schedule: Schedule, longest: int, window: tuple[int, int] | None = None
) -> tuple[Positions, Positions, NDArray[np.int8], Schedule]:
    """All legal changes of one interval: begin, end, value (k), and the schedules (k × t).

    An interval begins and ends with a step that changes; what lies between is set alike. It has at
    most ``longest`` steps and lies within the steps of the ``window``.
    """
    steps = len(unit)
    first, last = window or (0, steps)
    timed = bool((unit.hours >= 0).all())
    inside = (unit.hours >= first) & (unit.hours < last) if timed else np.ones(steps, dtype=bool)
    found = []
    for value in (0, 1):
        turns = np.flatnonzero((schedule != value) & inside)
        begin, end = (part.ravel() for part in np.meshgrid(turns, turns, indexing="ij"))
        fits = (end >= begin) & (end - begin < longest)
        begin, end = begin[fits], end[fits] + 1
        at = np.arange(steps)
        changed = np.where((at >= begin[:, None]) & (at < end[:, None]), np.int8(value), schedule)
        kept = unit.legal(changed)
        found.append((begin[kept], end[kept], np.full(int(kept.sum()), value, np.int8),
                      changed[kept]))  # fmt: skip
    begin, end, value_of, schedules = (
        np.concatenate(part) for part in zip(*found, strict=True)
    )  # fmt: skip
    return begin, end, value_of, schedules


def shifts(
    unit: Unit, schedule: Schedule, window: tuple[int, int] | None = None
) -> tuple[list[tuple[Positions, Positions]], Schedule]:
    """All legal shifts of a run or a pause as it is by up to :data:`SHIFT` steps, either way.

    Gives the two intervals of each, as begins and ends of what is set to 0 and to 1, and the
    schedules (k × t).
    """
    steps = len(unit)
    first, last = window or (0, steps)
    turns = np.flatnonzero(np.diff(schedule)) + 1
    edges = np.concatenate([[0], turns, [steps]])
    spans, changed = [], []
    for place, (begin, end) in enumerate(pairwise(edges.tolist())):
        for far in (*range(-SHIFT, 0), *range(1, SHIFT + 1)):
            low, high = min(begin, begin + far), max(end, end + far)
            # The edges of the horizon are no switches: only what lies inside can be shifted, and
            # as far as the runs beside it reach.
            if begin == 0 or end == steps or low < max(first, 0) or high > min(last, steps):
                continue
            if low < edges[place - 1] + (edges[place - 1] > 0):
                continue
            if high > edges[place + 2] - (edges[place + 2] < steps):
                continue
            state = schedule[begin]
            shifted = schedule.copy()
            shifted[begin:end] = 1 - state
            shifted[begin + far : end + far] = state
            left = np.array([min(begin, begin + far), max(begin, begin + far)])
            right = np.array([min(end, end + far), max(end, end + far)])
            if abs(far) < end - begin:
                spans.append((left, right))
                changed.append(shifted)
    schedules = np.array(changed, dtype=np.int8).reshape(-1, steps)
    kept = unit.legal(schedules) if len(schedules) else np.zeros(0, dtype=bool)
    return [span for span, keep in zip(spans, kept, strict=True) if keep], schedules[kept]


@dataclass(frozen=True)
class Proposals:
    """Legal moves with what they cost at the incumbent's prices, a first and rough estimate."""

    moves: list[tuple[Stretch, ...]]
    estimate: Floats


def propose(
    units: Sequence[Unit], schedules: Sequence[Schedule], price: Floats, longest: int,
    window: tuple[int, int] | None, most: int,
    known: Callable[[Positions, Floats], Floats] | None = None,
) -> Proposals:  # fmt: skip
    """Moves of single units, and swaps of two units, the cheapest ``most`` of each by price.

    price
        What one more of every decision (n) costs to first order, EUR.
    known
        What settings (k × t) of columns (t) cost beyond that, as far as it is known at once.
    """

    def estimated(unit: Unit, old: Schedule, new: Schedule) -> Floats:
        rough = np.asarray((new - old.astype(float)) @ price[unit.columns])
        return rough if known is None else rough + known(unit.columns, new.astype(float))

    singles: list[Stretch] = []
    estimates: list[Floats] = []
    shifted: list[tuple[Stretch, ...]] = []
    shifting: list[Floats] = [np.zeros(0)]
    for number, unit in enumerate(units):
        begin, end, value, changed = stretches(unit, schedules[number], longest, window)
        estimates.append(estimated(unit, schedules[number], changed))
        singles += [
            Stretch(number, *each) for each in
            zip(begin.tolist(), end.tolist(), value.tolist(), strict=True)
        ]  # fmt: skip
        pieces, moved = shifts(unit, schedules[number], window)
        shifting.append(estimated(unit, schedules[number], moved))
        shifted += [
            tuple(Stretch(number, int(a), int(b), int(after[a])) for a, b in (left, right))
            for (left, right), after in zip(pieces, moved, strict=True)
        ]  # fmt: skip
    alone = np.concatenate(estimates) if estimates else np.zeros(0)
    order = np.argsort(alone, kind="stable")
    pairs, together = _swaps(units, singles, alone, order, most)
    # On and off apart: what looks cheap to switch off is often what the plan cannot do without.
    state = np.array([single.value for single in singles], dtype=np.int64)[order]
    kept = np.concatenate([order[state == value][:most] for value in (0, 1)])
    far = np.concatenate(shifting)
    near = np.argsort(far, kind="stable")[:most]
    moves = [*((singles[i],) for i in kept), *pairs, *(shifted[i] for i in near)]
    return Proposals(moves, np.concatenate([alone[kept], together, far[near]]))


def _swaps(
    units: Sequence[Unit], singles: list[Stretch], estimate: Floats, order: Positions, most: int
) -> tuple[list[tuple[Stretch, ...]], Floats]:
    """Two units over the same steps, one switched on and one off, the cheapest by price."""
    here: dict[tuple[int, int, int], list[int]] = {}
    for i in order.tolist():
        single = singles[i]
        hours = units[single.unit].hours
        span = int(hours[single.begin]), int(hours[single.end - 1])
        here.setdefault((*span, single.value), []).append(i)
    found: list[tuple[float, int, int]] = []
    for (first, last, value), ons in here.items():
        if value == 1:
            for off in here.get((first, last, 0), ()):
                found += [(float(estimate[on] + estimate[off]), on, off) for on in ons
                          if singles[on].unit != singles[off].unit]  # fmt: skip
    found = sorted(found)[:most]
    return (
        [(singles[on], singles[off]) for _, on, off in found],
        np.array([cost for cost, _, _ in found]),
    )


def make(units: Sequence[Unit], parts: tuple[Stretch, ...], decisions: Floats) -> Move:
    """The move of these stretches; columns that stay as they are are left out."""
    columns = np.concatenate([units[s.unit].columns[s.begin : s.end] for s in parts])
    values = np.concatenate([np.full(s.end - s.begin, float(s.value)) for s in parts])
    changes = decisions[columns] != values
    return Move(parts, columns[changes], values[changes])


def compatible(
    parts: Sequence[Stretch], units: Sequence[Unit], schedules: Sequence[Schedule]
) -> bool:
    """Whether stretches can be set together: none twice, and minimum times are kept."""
    for number in {s.unit for s in parts}:
        own = sorted(s for s in parts if s.unit == number)
        if any(a.end > b.begin for a, b in pairwise(own)):
            return False
        if len(own) > 1:
            schedule = schedules[number].copy()
            for stretch in own:
                schedule[stretch.begin : stretch.end] = stretch.value
            if not units[number].legal(schedule[None])[0]:
                return False
    return True


def label(units: Sequence[Unit], move: Move, stamps: Sequence[str]) -> str:
    """A move in words: ``generator.on[unit 3] off 2023-01-16T02:00Z to 05:00Z``."""
    words = []
    for stretch in move.stretches:
        unit = units[stretch.unit]
        state = "on" if stretch.value else "off"
        first, last = unit.hours[stretch.begin], unit.hours[stretch.end - 1]
        when = f" {stamps[first]} to {stamps[last]}" if stamps and first >= 0 else ""
        words.append(f"{unit.name} {state}{when}")
    return ", ".join(words)
