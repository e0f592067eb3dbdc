"""Layout of a Sankey diagram: what flows from where to where, as coordinates for any renderer.

Nodes stand in layers, each one layer behind the last of those that feed it (longest path); an edge
that would close a circle is left out of that reckoning and drawn backwards. A band that passes a
layer has a place of its own in it, so that it runs beside the nodes there and not behind them. The
height of a node is the larger of what enters and what leaves it, and the width of a band its
amount, all on one scale. Labels are moved until none lies on another, nor on a node.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

#: Width of a node and height of a line of text, in the units of the picture.
NODE, LINE = 14.0, 14.0
#: Least distance of two layers: the room of a label between two nodes.
STEP = 118.0
#: Width of a letter of a label, on the safe side.
LETTER = 7.6
#: Room between a band that passes a layer and its neighbours.
BESIDE = 9.0
#: Room around a node into which no label reaches; its own keeps a little more.
CLEAR = 4.0
#: Share of the largest flow below which one is not drawn.
NOTHING = 1e-4
#: Rounds that bring nodes near to what they are connected with.
ROUNDS = 24


@dataclass(frozen=True)
class Flow:
    """An amount from one node to another; ``look`` is the kind that colours its band."""

    source: str
    target: str
    amount: float
    look: str = ""


@dataclass(frozen=True)
class Node:
    """A node as it is drawn, and its label: two lines, ``anchor`` is SVG's start or end."""

    name: str
    label: str
    look: str
    x: float
    y: float
    height: float
    amount: float
    label_x: float
    label_y: float
    anchor: str
    width: float = NODE

    @property
    def leader(self) -> tuple[float, float, float] | None:
        """A line that joins a label to its node where it had to move away: x, and both ends' y."""
        middle = self.y + self.height / 2
        if abs(self.label_y - middle) <= self.height / 2 + LINE:
            return None
        towards = 1.0 if self.label_y > middle else -1.0
        beside = self.x - 3.0 if self.anchor == "end" else self.x + self.width + 3.0
        return beside, middle, self.label_y - towards * LINE

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the label, as wide as its letters may be."""
        wide = _width(self.label)
        left = self.label_x if self.anchor == "start" else self.label_x - wide
        return left, self.label_y - LINE, left + wide, self.label_y + LINE


@dataclass(frozen=True)
class Band:
    """A flow as a closed path of SVG."""

    flow: Flow
    path: str
    thick: float


@dataclass(frozen=True)
class Sankey:
    """A diagram as it is drawn; ``left_out`` counts the flows too small to be seen."""

    nodes: list[Node]
    bands: list[Band]
    width: float
    height: float
    left_out: int


@dataclass
class _Place:
    """A node while it is being placed."""

    name: str
    into: list[int] = field(default_factory=list)
    out: list[int] = field(default_factory=list)
    layer: int = 0
    amount: float = 0.0
    y: float = 0.0
    passing: bool = False


def lay_out(
    flows: Iterable[Flow], labels: dict[str, str] | None = None,
    looks: dict[str, str] | None = None, width: float = 1240.0, margin: float = 168.0,
) -> Sankey | None:  # fmt: skip
    """Place nodes, bands and labels; ``None`` where nothing flows.

    Many layers make the diagram wider than ``width``, so that labels fit between them.

    labels
        Node → what stands beside it; its name where there is none.
    looks
        Node → kind that colours it.
    margin
        Room for labels beside the first and the last layer.
    """
    given = [flow for flow in flows if flow.amount > 0 and flow.source != flow.target]
    most = max((flow.amount for flow in given), default=0.0)
    shown = [flow for flow in given if flow.amount >= NOTHING * most]
    if not shown:
        return None
    places = _places(shown)
    _set_layers(places, shown)
    places, pieces, ways = _through(places, shown)
    layers: list[list[_Place]] = [[] for _ in range(1 + max(p.layer for p in places.values()))]
    for place in places.values():
        layers[place.layer].append(place)
    height = max(300.0, *(
        sum(2 * BESIDE if place.passing else 46.0 for place in layer) for layer in layers
    ))  # fmt: skip
    scale = min((height - sum(map(_gap, layer))) / sum(p.amount for p in layer)
                for layer in layers)  # fmt: skip
    _settle(layers, places, pieces, scale, height)
    step = max((width - 2 * margin - NODE) / max(len(layers) - 1, 1), STEP)
    if len(layers) > 1:
        width = max(width, 2 * margin + NODE + step * (len(layers) - 1))
    x = {name: margin + step * place.layer for name, place in places.items()}
    bands = _bands(shown, places, pieces, ways, x, scale)
    named, coloured = labels or {}, looks or {}
    nodes: list[Node] = []
    blocks = [(x[p.name] - CLEAR, p.y - CLEAR, x[p.name] + NODE + CLEAR,
               p.y + p.amount * scale + CLEAR) for p in _drawn(places)]  # fmt: skip
    for place in sorted(_drawn(places), key=lambda p: (p.layer, p.y)):
        # What ends somewhere has free space behind it, what begins has it in front.
        before = place.layer == 0 or not place.into
        label_x = x[place.name] - 6.0 if before else x[place.name] + NODE + 6.0
        node = Node(place.name, named.get(place.name, place.name), coloured.get(place.name, ""),
                    x[place.name], place.y, place.amount * scale, place.amount, label_x,
                    place.y + place.amount * scale / 2, "end" if before else "start")  # fmt: skip
        nodes.append(_apart(node, [*blocks, *(other.box for other in nodes)]))
    tall = max(height, *(node.box[3] + 2 for node in nodes), *(n.y + n.height for n in nodes))
    return Sankey(nodes, bands, width, tall + 6.0, len(given) - len(shown))


def _width(label: str) -> float:
    return LETTER * max(len(label), 11)


def _places(flows: Sequence[Flow]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for number, flow in enumerate(flows):
        places.setdefault(flow.source, _Place(flow.source)).out.append(number)
        places.setdefault(flow.target, _Place(flow.target)).into.append(number)
    for place in places.values():
        place.amount = max(sum(flows[i].amount for i in place.into),
                           sum(flows[i].amount for i in place.out))  # fmt: skip
    return places


def _drawn(places: dict[str, _Place]) -> list[_Place]:
    return [place for place in places.values() if not place.passing]


def _gap(place: _Place) -> float:
    """Room below a place: for the label of a node, or just for a band to be seen."""
    return BESIDE if place.passing else 2.2 * LINE


def _set_layers(places: dict[str, _Place], flows: Sequence[Flow]) -> None:
    """Every node one layer behind the last of those that feed it, sources before their first."""
    back = _backwards(places, flows)
    order = _sorted(places, flows, back)
    for name in order:
        for i in places[name].out:
            if i not in back:
                target = places[flows[i].target]
                target.layer = max(target.layer, places[name].layer + 1)
    for name in order:
        place = places[name]
        ahead = [places[flows[i].target].layer for i in place.out if i not in back]
        if ahead and not place.into:
            place.layer = max(min(ahead) - 1, 0)


def _through(
    places: dict[str, _Place], flows: Sequence[Flow]
) -> tuple[dict[str, _Place], list[Flow], list[list[int]]]:
    """Flows in pieces from layer to layer: the places with those passed, pieces, each flow's."""
    found = {name: _Place(name, layer=place.layer, amount=place.amount)
             for name, place in places.items()}  # fmt: skip
    pieces: list[Flow] = []
    ways: list[list[int]] = []
    for number, flow in enumerate(flows):
        way = [flow.source]
        for layer in range(found[flow.source].layer + 1, found[flow.target].layer):
            # No node is called so: names have no line feed before a number.
            name = f"\n{number}\n{layer}"
            found[name] = _Place(name, layer=layer, amount=flow.amount, passing=True)
            way.append(name)
        way.append(flow.target)
        ways.append(list(range(len(pieces), len(pieces) + len(way) - 1)))
        for begin, end in itertools.pairwise(way):
            found[begin].out.append(len(pieces))
            found[end].into.append(len(pieces))
            pieces.append(Flow(begin, end, flow.amount))
    return found, pieces, ways


def _backwards(places: dict[str, _Place], flows: Sequence[Flow]) -> set[int]:
    """Flows that close a circle, met by going along the flows from where they begin."""
    back: set[int] = set()
    done: set[str] = set()
    starts = sorted(places, key=lambda name: len(places[name].into))
    for start in starts:
        if start in done:
            continue
        path, on_path = [(start, iter(places[start].out))], {start}
        while path:
            name, rest = path[-1]
            i = next(rest, None)
            if i is None:
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif flows[i].target in on_path:
                back.add(i)
            elif flows[i].target not in done:
                path.append((flows[i].target, iter(places[flows[i].target].out)))
                on_path.add(flows[i].target)
    return back


def _sorted(places: dict[str, _Place], flows: Sequence[Flow], back: set[int]) -> list[str]:
    """Names so that what feeds comes before what it feeds (Kahn)."""
    waits = {name: sum(i not in back for i in place.into) for name, place in places.items()}
    ready = [name for name, count in waits.items() if not count]
    order = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for i in places[name].out:
            if i not in back:
                waits[flows[i].target] -= 1
                if not waits[flows[i].target]:
                    ready.append(flows[i].target)
    return order


def _settle(
    layers: list[list[_Place]], places: dict[str, _Place], flows: Sequence[Flow], scale: float,
    height: float,
) -> None:  # fmt: skip
    """Heights of the nodes: near the middle of what they are connected with, none on another."""
    for layer in layers:
        layer.sort(key=lambda place: -place.amount)
        _spread(layer, scale, height)
    for number in range(ROUNDS):
        forth = number % 2 == 0
        for layer in layers if forth else layers[::-1]:
            for place in layer:
                # The last rounds look both ways, the others at what came before.
                ways = place.into + place.out if number > ROUNDS - 6 else (
                    place.into if forth else place.out
                )  # fmt: skip
                ends = [(flows[i].source if i in place.into else flows[i].target, flows[i].amount)
                        for i in ways]  # fmt: skip
                weight = sum(amount for _, amount in ends)
                if weight:
                    middle = sum((places[name].y + places[name].amount * scale / 2) * amount
                                 for name, amount in ends) / weight  # fmt: skip
                    place.y = middle - place.amount * scale / 2
            layer.sort(key=lambda place: place.y + place.amount * scale / 2)
            _spread(layer, scale, height)


def _spread(layer: list[_Place], scale: float, height: float) -> None:
    """Push nodes apart downwards, then up again from the bottom."""
    floor = 4.0
    for place in layer:
        place.y = max(place.y, floor)
        floor = place.y + place.amount * scale + _gap(place)
    ceiling = height
    for place in reversed(layer):
        place.y = min(place.y, ceiling - place.amount * scale - _gap(place))
        ceiling = place.y


def _bands(
    flows: Sequence[Flow], places: dict[str, _Place], pieces: Sequence[Flow],
    ways: Sequence[Sequence[int]], x: dict[str, float], scale: float,
) -> list[Band]:  # fmt: skip
    """Bands from the right of their source to the left of their target, in the order of both."""
    top: dict[tuple[int, bool], float] = {}
    for place in places.values():
        for leaving, ends in ((True, place.out), (False, place.into)):
            y = place.y
            for i in sorted(ends, key=lambda i: places[
                    pieces[i].target if leaving else pieces[i].source].y):  # fmt: skip
                top[i, leaving] = y
                y += pieces[i].amount * scale
    bands = []
    for flow, way in zip(flows, ways, strict=True):
        thick = max(flow.amount * scale, 0.6)
        over, under = "", ""
        for i in way:
            begin, end = x[pieces[i].source] + NODE, x[pieces[i].target]
            bend = max(abs(end - begin) / 2, 40.0)
            y0, y1 = top[i, True], top[i, False]
            over += (f"{'L' if over else 'M'}{begin:.1f} {y0:.1f}C{begin + bend:.1f} {y0:.1f} "
                     f"{end - bend:.1f} {y1:.1f} {end:.1f} {y1:.1f}")  # fmt: skip
            under = (f"C{end - bend:.1f} {y1 + thick:.1f} {begin + bend:.1f} {y0 + thick:.1f} "
                     f"{begin:.1f} {y0 + thick:.1f}"
                     + (f"L{x[pieces[i].source]:.1f} {y0 + thick:.1f}" if under or i != way[0]
                        else "") + under)  # fmt: skip
        bands.append(Band(flow, f"{over}v{thick:.1f}{under}Z", thick))
    return sorted(bands, key=lambda band: -band.thick)


def _apart(node: Node, taken: Sequence[tuple[float, float, float, float]]) -> Node:
    """The node with its label moved by as little as keeps it off what is there already."""

    def free(y: float) -> bool:
        left, top, right, bottom = _moved(node, y).box
        return top >= 0 and all(
            left >= box[2] or right <= box[0] or top >= box[3] or bottom <= box[1] for box in taken
        )

    offsets = (sign * step * 3.0 for step in range(400) for sign in (1, -1))
    return _moved(node, next((node.label_y + d for d in offsets if free(node.label_y + d)),
                             node.label_y))  # fmt: skip


def _moved(node: Node, label_y: float) -> Node:
    return replace(node, label_y=label_y)
