"""Consumers of a tree of streets grouped into connected zones of like peak load."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx


def cut_into_zones(
    tree: nx.DiGraph, load: Mapping[str, float], target: float
) -> list[tuple[str, list[str]]]:
    """Connected pieces of the tree, each with the node nearest the source: ``(top, nodes)``.

    From the leaves inward loads are added up; where they reach the target, branches that hold half
    of it or more become zones of their own, largest first, and then what is left does.
    """
    held: dict[str, float] = {}
    nodes: dict[str, list[str]] = {}
    zones = []
    for node in reversed(list(nx.topological_sort(tree))):
        branches = sorted(tree.successors(node), key=lambda n: -held[n])
        total = load.get(node, 0.0) + sum(held[n] for n in branches)
        mine = [node]
        for branch in branches:
            if total >= target and held[branch] >= 0.5 * target:
                zones.append((branch, nodes[branch]))
                total -= held[branch]
            else:
                mine += nodes[branch]
        if total >= target or tree.in_degree(node) == 0:
            zones.append((node, mine))
            total, mine = 0.0, []
        held[node], nodes[node] = total, mine
    return zones


def hub_of(graph: nx.Graph, tree: nx.DiGraph, nodes: list[str], load: Mapping[str, float]) -> str:
    """The node of a zone, on a street, from which its load is nearest along the streets."""
    piece = graph.edge_subgraph(tree.subgraph(nodes).edges)
    # A zone of one street has no crossing: any of its nodes will do.
    on_street = [n for n in nodes if tree.degree(n) > 2] or list(nodes)
    effort = dict.fromkeys(on_street, 0.0)
    for consumer in (n for n in nodes if load.get(n, 0.0) > 0 and n in piece):
        away = nx.single_source_dijkstra_path_length(piece, consumer, weight="length")
        for node in on_street:
            effort[node] += load[consumer] * away.get(node, 0.0)
    return min(on_street, key=lambda n: (effort[n], n))


def zones_of(
    graph: nx.Graph, tree: nx.DiGraph, source: str, load: Mapping[str, float], target: float
) -> list[tuple[str, int, list[str]]]:
    """Hub, parent and nodes of every zone, counted outward.

    The parent is the number (from 1) of the zone that a zone hangs on, or 0 for the source.
    """
    pieces = cut_into_zones(tree, load, target)
    undirected = graph.edge_subgraph(tree.edges)
    distance = nx.single_source_dijkstra_path_length(undirected, source, weight="length")
    hubs = [hub_of(graph, tree, nodes, load) for _, nodes in pieces]
    piece_of = {node: i for i, (_, nodes) in enumerate(pieces) for node in nodes}
    outward: nx.DiGraph = nx.DiGraph()
    for i, (top, _) in enumerate(pieces):
        outward.add_node(i)
        outward.add_edges_from((piece_of[above], i) for above in tree.predecessors(top))
    # Zones are counted outward: a parent before its children, near ones before far ones.
    order = list(nx.lexicographical_topological_sort(outward, key=lambda i: distance[hubs[i]]))
    number = {i: n for n, i in enumerate(order, 1)}
    return [
        (hubs[i], next((number[j] for j in outward.predecessors(i)), 0), pieces[i][1])
        for i in order
    ]  # fmt: skip
