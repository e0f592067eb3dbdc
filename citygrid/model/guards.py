"""Guards of a balance: what one component gives may not be undone by another.

Two components can burn energy against each other where energy is worth less than nothing: one
battery fills another, power runs in a ring of lossy cables, heat made of power is left to the air.
Each such pair is declared with its ``feed`` and ``draw``; here the pairs meet over the network.

**Labels.** For every rule a place is either one that a giving flow may reach (1) or one where a
taking flow may run (0). A line carries from a place of label 1 to one of label 0 in no step:
``flow ≤ most · (1 − label_from + label_to)``. So no path of flows leads from a giver to a taker.

**Order.** In a ring of lines places are ordered anew in every step and lines carry upwards alone:
``order_to ≥ order_from + 1 − n (1 − carries)``. So nothing runs in a circle.

Only places between a giver and another's taker get a label, only rings with losses an order, and
only steps that the components name a binary; they name those in which the carrier may be worth
nothing or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from citygrid.arrays import Flags
from citygrid.model.algebra import Linear
from citygrid.model.labelled import Axis, Data, counted

if TYPE_CHECKING:
    from citygrid.model.builder import Model


class _Side(NamedTuple):
    """Flows of a kind that give or take under a rule."""

    kind: str
    places: list[str]
    flow: Linear
    gives: bool
    most: Data
    hours: Flags
    bound: Flags

    def owners(self, gives: bool) -> list[tuple[str, str, str]]:
        """(place, kind, component) of those that give, or take, and may not burn."""
        if self.gives != gives:
            return []
        labels = self.flow.dims[0].labels
        return [(self.places[i], self.kind, str(labels[i]))
                for i in np.flatnonzero(self.bound)]  # fmt: skip


class _Carried(NamedTuple):
    """Flows of lines of a kind, in one direction."""

    kind: str
    start: list[str]
    end: list[str]
    flow: Linear
    most: Data
    lossy: Flags
    hours: Flags


class Guards:
    """Collects what components declare, and writes the rows when the form is closed."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, str], list[_Side]] = {}
        self._lines: dict[str, list[_Carried]] = {}

    def opposes(
        self, kind: str, carrier: str, places: Sequence[str], flow: Linear, gives: bool, what: Any
    ) -> None:
        """Note flows that give or take under a rule."""
        bound = ~np.ravel(what.may_burn)
        if bound.any():
            side = _Side(kind, list(places), flow, gives, what.most, what.hours, bound)
            self._sides.setdefault((carrier, what.rule), []).append(side)

    def carries(
        self, kind: str, carrier: str, places: Sequence[str], flow: Linear, what: Any
    ) -> None:
        """Note flows that a line takes on to another place."""
        line = _Carried(kind, list(places), list(what.to), flow, what.most, what.lossy, what.hours)
        self._lines.setdefault(carrier, []).append(line)

    def close(self, model: Model) -> None:
        """Write all labels and orders that are needed."""
        for (carrier, rule), sides in self._sides.items():
            _label(model, f"{carrier}.{rule}", sides, self._lines.get(carrier, []))
        for carrier, lines in self._lines.items():
            _order(model, carrier, lines)


# labels -------------------------------------------------------------------------------------------


def _label(model: Model, name: str, sides: list[_Side], lines: list[_Carried]) -> None:
    onward = _arcs(lines)
    givers = [owner for side in sides for owner in side.owners(gives=True)]
    takers = [owner for side in sides for owner in side.owners(gives=False)]
    between = _between(givers, takers, onward)
    hours = np.any([side.hours[side.bound].any(axis=0) for side in sides], axis=0)
    if not between or not hours.any():
        return
    places = Axis(f"place_{name}", np.array(sorted(between), dtype=object))
    time = _steps(model, hours, name)
    label = model.add_columns(name, (places, time), 0.0, 1.0, "1",
                              "a giver's energy may be here, and no taker's", True)  # fmt: skip
    for i, side in enumerate(sides):
        rows = side.flow.dims[0].only(
            np.isin(side.places, places.labels.astype(str)) & side.bound, f"{name}_{i}"
        )
        if len(rows) == 0:
            continue
        flow, most = side.flow.only(rows).only(time), side.most.only(rows).only(time)
        here = _at(label, rows, time, [side.places[i] for i in rows.positions], places)
        rule = flow <= here * most if side.gives else flow + here * most <= most
        word = "gives" if side.gives else "takes"
        model.add_rows(f"{name}_{word}.{side.kind}", rule, f"{word} only where the label says so")
    for i, line in enumerate(lines):
        rows = line.flow.dims[0].only(
            np.isin(line.start, places.labels.astype(str))
            & np.isin(line.end, places.labels.astype(str)), f"{name}_{i}",
        )  # fmt: skip
        if len(rows) == 0:
            continue
        flow, most = line.flow.only(rows).only(time), line.most.only(rows).only(time)
        start, end = (
            _at(label, rows, time, [ends[i] for i in rows.positions], places)
            for ends in (line.start, line.end)
        )
        way = "" if i == 0 else f"_{i}"
        model.add_rows(f"{name}_carried{way}.{line.kind}",
                       flow + start * most - end * most <= most,
                       "a line carries no giver's energy to a taker")  # fmt: skip


def _between(
    givers: Iterable[tuple[str, str, str]], takers: Iterable[tuple[str, str, str]],
    onward: Mapping[str, set[str]],
) -> set[str]:  # fmt: skip
    """Places on a way from a giver to a taker that is another component."""
    backward: dict[str, set[str]] = {}
    for start, ends in onward.items():
        for end in ends:
            backward.setdefault(end, set()).add(start)
    found: set[str] = set()
    reach = {place: _reached(place, onward) for place, _, _ in givers}
    source = {place: _reached(place, backward) for place, _, _ in takers}
    for at, kind, name in givers:
        for to, other_kind, other in takers:
            if (kind, name) != (other_kind, other) and to in reach[at]:
                found |= reach[at] & source[to]
    # A dead end without giver or taker lies on no way that does not turn back.
    kept = {place for place, _, _ in (*givers, *takers)}
    while True:
        ends = {
            place for place in found - kept
            if len((onward.get(place, set()) | backward.get(place, set())) & found) < 2
        }  # fmt: skip
        if not ends:
            return found
        found -= ends


def _reached(place: str, onward: Mapping[str, set[str]]) -> set[str]:
    found, new = {place}, [place]
    while new:
        for end in onward.get(new.pop(), set()) - found:
            found.add(end)
            new.append(end)
    return found


# order --------------------------------------------------------------------------------------------


def _order(model: Model, carrier: str, lines: list[_Carried]) -> None:
    """Rings of lines in which some line has losses: no flow in a circle."""
    rings = [_in_ring(line, lines) for line in lines]
    guarded = [line.hours.any(axis=1) & ring for line, ring in zip(lines, rings, strict=True)]
    if not any(flags.any() for flags in guarded):
        return
    places = sorted({
        place for line, flags in zip(lines, rings, strict=True)
        for i in np.flatnonzero(flags) for place in (line.start[i], line.end[i])
    })  # fmt: skip
    hours = np.any(
        [line.hours[ring].any(axis=0) for line, ring in zip(lines, rings, strict=True)], axis=0
    )
    axis = Axis(f"place_{carrier}.order", np.array(places, dtype=object))
    time = _steps(model, hours, f"{carrier}.order")
    size = float(len(places))
    order = model.add_columns(f"{carrier}.order", (axis, time), 0.0, size - 1.0, "1",
                              "place in the order by which lines carry", False)  # fmt: skip
    for i, (line, ring) in enumerate(zip(lines, rings, strict=True)):
        rows = line.flow.dims[0].only(ring, f"{carrier}.order_{i}")
        if len(rows) == 0:
            continue
        way = f"{i}.{line.kind}"
        carries = model.add_columns(f"{carrier}.carries_{way}", (rows, time), 0.0, 1.0, "1",
                                    "the line carries this way", True)  # fmt: skip
        flow, most = line.flow.only(rows).only(time), line.most.only(rows).only(time)
        start, end = (
            _at(order, rows, time, [ends[i] for i in rows.positions], axis)
            for ends in (line.start, line.end)
        )
        model.add_rows(f"{carrier}.carried_{way}", flow <= carries * most, "only if it carries")
        model.add_rows(f"{carrier}.upwards_{way}", end - start - carries * size >= 1.0 - size,
                       "from a lower place to a higher one")  # fmt: skip


def _in_ring(line: _Carried, lines: list[_Carried]) -> Flags:
    """Lines by which flow can come back to where it started, with a loss on the way."""
    found = np.zeros(len(line.start), dtype=bool)
    for i, (start, end) in enumerate(zip(line.start, line.end, strict=True)):
        others = _arcs(lines, but=(line.kind, str(line.flow.dims[0].labels[i])))
        back = _reached(end, others)
        if start not in back:
            continue
        together = back & _reached(start, _arcs(lines))
        found[i] = bool(line.lossy[i]) or any(
            bool(other.lossy[j]) and {other.start[j], other.end[j]} <= together
            for other in lines for j in range(len(other.start))
        )  # fmt: skip
    return found


# what both share ----------------------------------------------------------------------------------


def _arcs(lines: list[_Carried], but: tuple[str, str] | None = None) -> dict[str, set[str]]:
    """Where each place's lines lead, leaving out one line."""
    onward: dict[str, set[str]] = {}
    for line in lines:
        for start, end, label in zip(line.start, line.end, line.flow.dims[0].labels, strict=True):
            if (line.kind, str(label)) != but:
                onward.setdefault(start, set()).add(end)
    return onward


def _steps(model: Model, hours: Flags, name: str) -> Axis:
    return model.time if hours.all() else model.time.only(hours, f"while_{name}")


def _at(block: Linear, rows: Axis, time: Axis, places: list[str], axis: Axis) -> Linear:
    """A block over (place × steps) as seen from each row's place."""
    position = {str(place): i for i, place in enumerate(axis.labels)}
    at = np.array([position[place] for place in places])
    cells = (at[:, None] * len(time) + np.arange(len(time))[None, :]).ravel()
    return block.mapped((rows, time), counted(0, cells.size), cells, np.ones(cells.size))
