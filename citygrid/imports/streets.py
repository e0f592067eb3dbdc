"""Streets as a graph: consumers snapped to them, ways from a source to all, courses of pipes.

Nodes of the graph are texts: a place (``"x y"``) where streets meet, or the name of a point that
was snapped. Every edge holds its ``line`` and ``length`` [m].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from shapely.geometry import LineString, Point
from shapely.ops import linemerge, substring

if TYPE_CHECKING:
    import geopandas as gpd

#: Ends of streets that are so near to each other, or to another street, meet there [m].
TOUCHING = 0.1


@dataclass(frozen=True)
class Snapped:
    """Streets with points on them: the graph, where its nodes are, how far points were away [m]."""

    graph: nx.Graph
    at: Mapping[str, tuple[float, float]]
    distance: Mapping[str, float]


def place_of(x: float, y: float) -> str:
    """The name of a place where streets meet, to a centimetre."""
    return f"{x:.2f} {y:.2f}"


def street_graph(streets: gpd.GeoDataFrame, points: Mapping[str, Point]) -> Snapped:
    """Streets as a graph in which every point is a node.

    A point is snapped to the nearest street, which is split there. Streets meet where their ends
    do, and where an end touches another street.
    """
    lines = [line for line in streets.geometry.explode(index_parts=False) if line.length > 0]
    names = list(points)
    pieces = streets.iloc[:0].geometry.__class__(lines, crs=streets.crs)
    nearest = pieces.sindex.nearest(list(points.values()), return_all=False)[1]
    stops: dict[int, list[tuple[float, str]]] = {}
    distance, on_street = {}, {}
    for name, edge in zip(names, nearest, strict=True):
        line = lines[edge]
        along = float(line.project(points[name]))
        # A point at the end of a street is there exactly: no sliver of it is left over.
        stop = next((e for e in (0.0, line.length) if abs(e - along) < 1e-6), along)
        stops.setdefault(int(edge), []).append((stop, name))
        distance[name] = float(line.distance(points[name]))
        on_street[name] = line.interpolate(stop).coords[0][:2]
    for number, stop, place in _touching(lines, pieces):
        stops.setdefault(number, []).append((stop, place))
    graph: nx.Graph = nx.Graph()
    for number, line in enumerate(lines):
        first, last = (place_of(*line.coords[i][:2]) for i in (0, -1))
        ways = [(0.0, first), *sorted(stops.get(number, [])), (line.length, last)]
        for (begin, one), (end, other) in pairwise(ways):
            if one != other:
                _connect(graph, one, other, line, begin, end)
    return Snapped(graph, {**_places(graph), **on_street}, distance)


def _places(graph: nx.Graph) -> dict[str, tuple[float, float]]:
    """Where streets meet: the ends of lines, as exactly as they are drawn."""
    found: dict[str, tuple[float, float]] = {}
    for one, other, line in graph.edges(data="line"):
        for x, y in () if line.is_empty else (line.coords[0][:2], line.coords[-1][:2]):
            if place_of(x, y) in (one, other):
                found.setdefault(place_of(x, y), (x, y))
    return found


def _connect(
    graph: nx.Graph, one: str, other: str, line: LineString, begin: float, end: float
) -> None:
    """An edge along a piece of a line; a second way between two nodes gets a node of its own."""
    if graph.has_edge(one, other):
        middle = (begin + end) / 2.0
        point = line.interpolate(middle)
        between = place_of(point.x, point.y)
        if between not in (one, other) and not graph.has_node(between):
            _connect(graph, one, between, line, begin, middle)
            _connect(graph, between, other, line, middle, end)
            return
        if graph.edges[one, other]["length"] <= end - begin:
            return
    piece = substring(line, begin, end) if end > begin else LineString()
    graph.add_edge(one, other, length=end - begin, line=piece)


def _touching(lines: Sequence[LineString], pieces: Any) -> Iterable[tuple[int, float, str]]:
    """Ends of streets that lie on another street between its ends: (street, distance, place)."""
    ends = sorted({line.coords[i][:2] for line in lines for i in (0, -1)})
    spots = [Point(end) for end in ends]
    for spot, number in zip(*pieces.sindex.query(spots, predicate="dwithin", distance=TOUCHING),
                            strict=True):  # fmt: skip
        line = lines[number]
        along = float(line.project(spots[spot]))
        apart = min(np.hypot(*np.subtract(ends[spot], line.coords[i][:2])) for i in (0, -1))
        if TOUCHING < along < line.length - TOUCHING and apart > TOUCHING:
            yield int(number), along, place_of(*ends[spot])


def route_tree(graph: nx.Graph, source: str, consumers: list[str]) -> nx.DiGraph:
    """Union of the shortest paths from the source to every consumer, directed outward."""
    paths = nx.single_source_dijkstra_path(graph, source, weight="length")
    tree: nx.DiGraph = nx.DiGraph()
    tree.add_node(source)
    for consumer in consumers:
        nx.add_path(tree, paths[consumer])
    return tree


def short_tree(graph: nx.Graph, source: str, consumers: list[str]) -> nx.DiGraph:
    """A tree of little total length from the source to every consumer, directed outward.

    Source: K. Mehlhorn, "A faster approximation algorithm for the Steiner problem in graphs",
    Inf. Process. Lett. 27 (1988); at most twice as long as the shortest of all.
    """
    part = graph.subgraph(nx.node_connected_component(graph, source))
    found = nx.algorithms.approximation.steiner_tree(
        part, [source, *consumers], weight="length", method="mehlhorn"
    )
    tree: nx.DiGraph = nx.DiGraph()
    tree.add_node(source)
    tree.add_edges_from(nx.bfs_edges(found, source))
    return tree


def along(graph: nx.Graph, path: Sequence[str], start: tuple[float, float]) -> LineString:
    """The line of a path through the streets, from ``start`` on."""
    pieces = [graph.edges[pair]["line"] for pair in pairwise(path)]
    line = linemerge([piece for piece in pieces if not piece.is_empty])
    if not isinstance(line, LineString):  # pieces that miss each other by less than they may
        line = LineString([xy for piece in _headed(pieces, start) for xy in piece])
    return line if Point(start).distance(Point(line.coords[0])) < 1e-6 else line.reverse()


def _headed(pieces: Sequence[LineString], start: tuple[float, float]) -> Iterable[list[Any]]:
    """Coordinates of each piece, turned so that it goes on where the one before ended."""
    here = Point(start)
    for piece in pieces:
        if piece.is_empty:
            continue
        coords = list(piece.coords)
        if here.distance(Point(coords[-1])) < here.distance(Point(coords[0])):
            coords.reverse()
        here = Point(coords[-1])
        yield coords
