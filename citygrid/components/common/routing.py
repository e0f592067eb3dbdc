"""Ways that data take through a network of links: the one with the least delay."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from citygrid.inputs.world import DataWay


class Route(NamedTuple):
    """How data get somewhere: delay [ms] and the ways they take, by their number."""

    latency: float
    ways: tuple[int, ...]


def fastest_routes(ways: Sequence[DataWay], start: str) -> dict[str, Route]:
    """The route of least delay from a node to every node that its data can reach.

    Dijkstra's algorithm; of routes with one delay the one with fewer links, then the one whose
    links stand first in the file, so that the answer does not depend on chance.
    """
    leaving: dict[str, list[int]] = {}
    for number, way in enumerate(ways):
        leaving.setdefault(way.start, []).append(number)
    found: dict[str, Route] = {}
    open_routes: list[tuple[float, int, tuple[int, ...], str]] = [(0.0, 0, (), start)]
    while open_routes:
        latency, count, taken, node = heapq.heappop(open_routes)
        if node in found:
            continue
        found[node] = Route(latency, taken)
        for number in leaving.get(node, ()):
            way = ways[number]
            further = (latency + way.latency, count + 1, (*taken, number), way.end)
            heapq.heappush(open_routes, further)
    return found
