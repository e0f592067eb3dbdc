"""A heat network from a map: streets and consumers become nodes, pipes and peaks.

Consumers are snapped to the streets. Pipes follow a tree of ways from the source to all of them, or
are the lines of the map themselves; every consumer is a node of its own, joined to its street, or
consumers are grouped into zones. Everything that is wrong with the map is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import networkx as nx
from shapely.geometry import LineString, Point

from citygrid.errors import Fault, InputError
from citygrid.imports.gis import Map
from citygrid.imports.streets import (
    Snapped,
    along,
    route_tree,
    short_tree,
    street_graph,
)
from citygrid.imports.zones import zones_of

if TYPE_CHECKING:
    import geopandas as gpd

Edges = Literal["shortest", "steiner", "given"]
#: Pipes shorter than this [m] are none: their ends are one place.
SHORTEST = 0.1


@dataclass(frozen=True)
class Pipe:
    """A pair of pipes from ``start`` to ``end``, by its route or its length [m].

    ``consumers`` and ``peak`` [kW], the sum of their peaks, are all that lies behind it on the
    shortest way; ``dn``, or ``inner`` and ``insulation`` [m] with its ``conductivity`` [W/mK], are
    given where the source of the network says so.
    """

    name: str
    start: str
    end: str
    length: float
    route: LineString | None = None
    consumers: int = 0
    peak: float = 0.0
    dn: int | None = None
    inner: float | None = None
    insulation: float | None = None
    conductivity: float | None = None
    reversible: bool = False


@dataclass(frozen=True)
class Demand:
    """The heat of a node: how many consumers, the sum of their peaks [kW], energy a year [kWh]."""

    node: str
    consumers: int
    peak: float
    annual: float | None


@dataclass(frozen=True)
class Backdrop:
    """Footprints of buildings (``building``, ``height`` [m]), their file, and what was left out."""

    footprints: gpd.GeoDataFrame
    file: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """Nodes by name with their positions, the source's node, pipes outward, demands."""

    nodes: Mapping[str, tuple[float, float]]
    source: str
    pipes: tuple[Pipe, ...]
    demands: tuple[Demand, ...]
    crs: str | None = None
    #: Where consumers really are, and the node each belongs to.
    buildings: Mapping[str, tuple[Point, str]] = field(default_factory=dict)
    #: Files that it was read from.
    inputs: tuple[Path, ...] = ()
    #: Buildings around it, for its map.
    backdrop: Backdrop | None = None


def network_of(
    plan: Map, *, edges: Edges = "shortest", group: float | None = None, limit: float = 50.0
) -> Network:
    """The network of a map.

    edges
        ``"shortest"``: pipes along the shortest ways from the source; ``"steiner"``: a tree of
        little total length; ``"given"``: every line of the map is a pipe, loops included.
    group
        Peak load [kW] at which neighbouring consumers are closed as a zone with one node; each
        consumer is a node if left out. Not with given edges.
    limit
        How far a consumer, or the source, may be from its street [m].

    Raises :class:`InputError` naming every consumer that is too far away or cannot be reached.
    """
    if edges == "given" and group is not None:
        raise InputError(Fault("--group", "does not go with given edges", f"{group:g} kW",
                               "leave one of the two out"))  # fmt: skip
    points = {plan.source_name: plan.source, **{n: c.at for n, c in plan.consumers.items()}}
    snapped = street_graph(plan.streets, points)
    _check(plan, snapped, limit)
    if all(at.distance(plan.source) < SHORTEST for at in points.values()):
        raise InputError(Fault(plan.files["consumers"], "has every consumer at the source, so "
                               "there is no network to lay", None,
                               "move the source or the consumers"))  # fmt: skip
    load = {name: consumer.peak for name, consumer in plan.consumers.items()}
    names = list(plan.consumers)
    if edges == "given":
        part = nx.node_connected_component(snapped.graph, plan.source_name)
        return _by_consumer(plan, snapped, snapped.graph.subgraph(part))
    tree = {"shortest": route_tree, "steiner": short_tree}[edges](
        snapped.graph, plan.source_name, names
    )
    if group is not None:
        return _by_zone(plan, snapped, tree, load, group)
    return _by_consumer(plan, snapped, snapped.graph.edge_subgraph(tree.edges))


def _check(plan: Map, snapped: Snapped, limit: float) -> None:
    faults = [
        Fault(f"{plan.file_of(name)}: {name}", f"is {distance:.0f} m from the nearest street",
              None, f"move it, draw its street, or raise --snap-limit above {limit:g} m")
        for name, distance in snapped.distance.items() if distance > limit
    ]  # fmt: skip
    reached = nx.node_connected_component(snapped.graph, plan.source_name)
    faults += [
        Fault(f"{plan.file_of(name)}: {name}", "no street leads there from the source", None,
              "join the streets where they meet (ends within "
              "0.1 m of each other or of another street)")
        for name, distance in snapped.distance.items()
        if distance <= limit and name not in reached
    ]  # fmt: skip
    if faults:
        raise InputError(faults)


# every consumer a node ---------------------------------------------------------------------------


def _by_consumer(plan: Map, snapped: Snapped, streets: nx.Graph) -> Network:
    """Nodes are the source, consumers, and crossings; chains between them are pipes."""
    graph = nx.Graph(streets)
    at, home = dict(snapped.at), dict.fromkeys(plan.consumers, "")
    for name, consumer in plan.consumers.items():
        x, y = at[name]
        if snapped.distance[name] <= SHORTEST:
            home[name] = name
            continue
        home[name], at[f"house {name}"] = f"house {name}", (consumer.at.x, consumer.at.y)
        line = LineString([(x, y), (consumer.at.x, consumer.at.y)])
        graph.add_edge(name, f"house {name}", length=line.length, line=line)
    merged = _merged(graph, plan.source_name, set(home.values()))
    graph = nx.relabel_nodes(graph, merged, copy=True)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    home = {name: merged.get(node, node) for name, node in home.items()}
    kept = {plan.source_name, *home.values()} | {n for n in graph if graph.degree(n) != 2}
    distance = nx.single_source_dijkstra_path_length(graph, plan.source_name, weight="length")
    chains = _chains(graph, kept, distance)
    labels = _labels(plan, home, kept, distance)
    pipes = _pipes(plan, graph, at, home, chains, labels)
    demands: dict[str, Demand] = {}
    for name, node in home.items():
        consumer, held = plan.consumers[name], demands.get(node)
        annual = consumer.annual
        if held is not None and held.annual is not None and annual is not None:
            annual += held.annual
        demands[node] = Demand(
            labels[node], 1 + (held.consumers if held else 0),
            consumer.peak + (held.peak if held else 0.0), annual,
        )  # fmt: skip
    used = {plan.source_name} | {node for chain in chains for node in (chain[0], chain[-1])}
    return Network(
        {labels[node]: at[node] for node in labels if node in used}, labels[plan.source_name],
        pipes, tuple(demands.values()), plan.crs,
        {name: (plan.consumers[name].at, labels[node]) for name, node in home.items()},
        plan.inputs,
    )  # fmt: skip


def _merged(graph: nx.Graph, source: str, homes: set[str]) -> dict[str, str]:
    """Node → the node that stands for it, where edges are too short to be pipes."""
    short = nx.Graph()
    short.add_edges_from((a, b) for a, b, length in graph.edges(data="length") if length < SHORTEST)
    chosen: dict[str, str] = {}
    for group in nx.connected_components(short):
        first = min(group, key=lambda node: (node != source, node not in homes, node))
        chosen |= {node: first for node in group if node != first}
    return chosen


def _chains(graph: nx.Graph, kept: set[str], distance: Mapping[str, float]) -> list[list[str]]:
    """Paths between kept nodes over nodes that are not, each from its end nearer the source."""
    chains, seen = [], set()
    for node in sorted(kept, key=lambda n: (distance[n], n)):
        for neighbour in sorted(graph.neighbors(node)):
            path = [node, neighbour]
            while path[-1] not in kept:
                path.append(next(n for n in graph.neighbors(path[-1]) if n != path[-2]))
            key = frozenset({(min(a, b), max(a, b)) for a, b in pairwise(path)})
            if key not in seen and path[-1] != node:
                seen.add(key)
                chains.append(path)
    return chains


def _labels(
    plan: Map, home: Mapping[str, str], kept: set[str], distance: Mapping[str, float]
) -> dict[str, str]:
    """Names of nodes: the source's, the (first) consumer's, and junctions counted outward."""
    labels = {plan.source_name: plan.source_name}
    for name, node in home.items():
        labels.setdefault(node, name)
    taken, count = set(labels.values()), 0
    for node in sorted(kept - set(labels), key=lambda n: (distance[n], n)):
        count += 1
        while f"junction {count}" in taken:
            count += 1
        labels[node] = f"junction {count}"
    return labels


def _pipes(
    plan: Map, graph: nx.Graph, at: Mapping[str, tuple[float, float]], home: Mapping[str, str],
    chains: list[list[str]], labels: Mapping[str, str],
) -> tuple[Pipe, ...]:  # fmt: skip
    """Chains as pipes, with the consumers and peaks behind each on the shortest way."""
    net: nx.MultiGraph = nx.MultiGraph()
    for i, chain in enumerate(chains):
        length = nx.path_weight(graph, chain, "length")
        net.add_edge(chain[0], chain[-1], key=i, length=length)
    ways = nx.single_source_dijkstra_path(net, plan.source_name, weight="length")
    count, peak = [0] * len(chains), [0.0] * len(chains)
    for name, node in home.items():
        for a, b in pairwise(ways[node]):
            i = min(net[a][b], key=lambda key: net[a][b][key]["length"])
            count[i] += 1
            peak[i] += plan.consumers[name].peak
    bridges = set(nx.bridges(nx.Graph(net))) if len(net) > 1 else set()
    pipes = []
    for i, chain in enumerate(chains):
        a, b = chain[0], chain[-1]
        alone = net.number_of_edges(a, b) == 1 and ((a, b) in bridges or (b, a) in bridges)
        route = along(graph, chain, at[a])
        pipes.append(Pipe(
            f"pipe {i + 1}", labels[a], labels[b], float(net[a][b][i]["length"]), route,
            count[i], peak[i], plan.size_at(route), reversible=not alone,
        ))  # fmt: skip
    return tuple(pipes)


# zones -------------------------------------------------------------------------------------------


def _by_zone(
    plan: Map, snapped: Snapped, tree: nx.DiGraph, load: Mapping[str, float], target: float
) -> Network:
    """One node per zone; a pipe from each zone's hub to the hub of the zone that it hangs on."""
    found = zones_of(snapped.graph, tree, plan.source_name, load, target)
    if not any(name in plan.consumers for name in found[0][2]):
        # What is left around the source has no consumer: its zones hang on the source itself.
        found = [(hub, max(parent - 1, 0), nodes) for hub, parent, nodes in found[1:]]
    ways = snapped.graph.edge_subgraph(tree.edges)
    names = {0: plan.source_name, **{n: f"zone {n}" for n in range(1, len(found) + 1)}}
    hubs = {0: plan.source_name, **{n: hub for n, (hub, _, _) in enumerate(found, 1)}}
    members = {
        n: [name for name in nodes if name in plan.consumers]
        for n, (_, _, nodes) in enumerate(found, 1)
    }
    behind = {n: list(mine) for n, mine in members.items()}
    for n, (_, parent, _) in reversed(list(enumerate(found, 1))):
        if parent:
            behind[parent] += behind[n]
    pipes, demands = [], []
    for n, (hub, parent, _) in enumerate(found, 1):
        path = nx.shortest_path(ways, hubs[parent], hub, "length")
        length = nx.path_weight(ways, path, "length")
        if length < SHORTEST:
            # The zone around the source: a service pipe of a metre joins its hub.
            route, length = None, 1.0
        else:
            route = along(ways, path, snapped.at[hubs[parent]])
        pipes.append(Pipe(f"pipe {n}", names[parent], names[n], length, route, len(behind[n]),
                          sum(load[name] for name in behind[n])))  # fmt: skip
        if members[n]:
            annual = [plan.consumers[name].annual for name in members[n]]
            known = [energy for energy in annual if energy is not None]
            demands.append(Demand(
                names[n], len(members[n]), sum(load[name] for name in members[n]),
                sum(known) if len(known) == len(annual) else None,
            ))  # fmt: skip
    nodes = {names[n]: snapped.at[hub] for n, hub in hubs.items()}
    buildings = {name: (plan.consumers[name].at, names[n])
                 for n, mine in members.items() for name in mine}  # fmt: skip
    return Network(nodes, plan.source_name, tuple(pipes), tuple(demands), plan.crs, buildings,
                   plan.inputs)  # fmt: skip
