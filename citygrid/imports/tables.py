"""A heat network from two tables, of nodes and of pipes, such as those of DESTEST."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError, choice
from citygrid.imports.network import Demand, Network, Pipe
from citygrid.inputs.tables import Column, Table, numbers, read_table
from citygrid.units import factor

#: Column → names that it goes by; the first that a table has is taken.
NODES = {"node": ("node", "name"), "x": ("x", "x-position"), "y": ("y", "y-position"),
         "peak": ("peak", "peak power", "peak load")}  # fmt: skip
PIPES = {
    "from": ("from", "beginning node"), "to": ("to", "ending node"), "length": ("length",),
    "dn": ("dn",), "inner": ("inner", "inner diameter"),
    "insulation": ("insulation", "insulation thickness"),
    # DESTEST calls the conductivity of the insulation a U-value.
    "conductivity": ("conductivity", "u-value"),
}  # fmt: skip
UNITS = {"x": "m", "y": "m", "peak": "kW", "length": "m", "dn": "1", "inner": "m",
         "insulation": "m", "conductivity": "W/m/K"}  # fmt: skip


class _Reader:
    """Columns of a table by what they mean, and all that is wrong with them."""

    def __init__(self, file: Path, known: dict[str, tuple[str, ...]]) -> None:
        self.table: Table = read_table(file)
        self.known = known
        self.faults: list[Fault] = []

    def _column(self, name: str, needed: bool) -> Column | None:
        for called in self.known[name]:
            column = self.table.find(called)
            if column is not None:
                return column
        if needed:
            repair = f'call it "{self.known[name][0]}"'
            self.faults.append(
                Fault(f"{self.table.file}, header", f"lacks {name}", self.table.names(), repair)
            )
        return None

    def texts(self, name: str) -> list[str]:
        column = self._column(name, needed=True)
        return [] if column is None else [str(value).strip() for value in column.values]

    def values(self, name: str, needed: bool = True) -> Floats | None:
        column = self._column(name, needed)
        if column is None:
            return None
        found, faults = numbers(self.table, column, np.arange(len(self.table.rows)))
        self.faults += faults
        unit = (column.unit or UNITS[name]).replace("W/mK", "W/m/K")
        try:
            scale, _ = factor(unit, UNITS[name])
        except ValueError as error:
            self.faults.append(Fault.of(error, f"{self.table.file}, header", column.header))
            return None
        return found * scale


def network_of_tables(
    nodes: Path, pipes: Path, source: str, crs: str | None = None
) -> Network:  # fmt: skip
    """Nodes, pipes and peaks of two tables.

    ``crs`` is the metric coordinate system of x and y, where it is known.

    Consumers are the nodes at the ends of branches: the peak of a node inside is that of what lies
    behind it. Pipes are turned outward from the source; those in loops may carry both ways.

    Raises :class:`InputError` with every fault: missing columns, unknown or doubled nodes, measures
    that are not above 0, nodes without a way to the source.
    """
    if crs is not None:
        _check_system(crs)
    ends, lines = _Reader(nodes, NODES), _Reader(pipes, PIPES)
    names = ends.texts("node")
    x, y, peak = (ends.values(name) for name in ("x", "y", "peak"))
    start, end = lines.texts("from"), lines.texts("to")
    length = lines.values("length")
    measures = {n: lines.values(n, False) for n in ("dn", "inner", "insulation", "conductivity")}
    if measures["dn"] is None and (measures["inner"] is None or measures["insulation"] is None):
        lines.faults.append(Fault(f"{pipes}, header", "lacks dn, or inner with insulation",
                                  lines.table.names(), "say how wide the pipes are"))  # fmt: skip
    if ends.faults or lines.faults:
        raise InputError([*ends.faults, *lines.faults])
    assert x is not None and y is not None and peak is not None and length is not None
    faults = _absurd(ends.table, names, lines.table, start, end, source)
    for name, values in (("length", length), *measures.items()):
        given = np.ones(0) if values is None else values
        faults += [
            Fault(lines.table.place(int(i)), f"{name} is not above 0",
                  f"{given[i]:g} {UNITS[name]}", "correct it")
            for i in np.flatnonzero(given <= 0)
        ]  # fmt: skip
    if faults:
        raise InputError(faults)
    graph: nx.MultiGraph = nx.MultiGraph()
    graph.add_nodes_from(names)
    for i, (a, b) in enumerate(zip(start, end, strict=True)):
        graph.add_edge(a, b, key=i, length=float(length[i]))
    lost = sorted(set(names) - nx.node_connected_component(graph, source))
    if lost:
        raise InputError([Fault(f"{nodes}: {name}", "no pipe leads there from the source", None,
                                "add its pipe, or leave it out") for name in lost])  # fmt: skip
    load = {name: float(peak[i]) for i, name in enumerate(names)
            if graph.degree(name) == 1 and name != source and peak[i] > 0}  # fmt: skip
    return Network(
        {name: (float(x[i]), float(y[i])) for i, name in enumerate(names)}, source,
        _outward(graph, source, load, length, measures),
        tuple(Demand(name, 1, kilowatt, None) for name, kilowatt in load.items()), crs,
        inputs=(nodes.resolve(), pipes.resolve()),
    )  # fmt: skip


def _check_system(crs: str) -> None:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        units = {axis.unit_name for axis in CRS.from_user_input(crs).axis_info[:2]}
    except CRSError as error:
        raise InputError(Fault("--crs", "is no coordinate system", crs,
                               "write one such as EPSG:25832")) from error  # fmt: skip
    if not units <= {"metre", "meter"}:
        raise InputError(Fault("--crs", "is not in metres, in which x and y are", crs,
                               "write one such as EPSG:25832"))  # fmt: skip


def _absurd(
    ends: Table, names: list[str], lines: Table, start: list[str], end: list[str], source: str
) -> list[Fault]:
    faults = [
        Fault(ends.place(i), "a node stands twice", name, "leave one out")
        for i, name in enumerate(names) if name in names[:i]
    ]  # fmt: skip
    known = set(names)
    faults += [
        Fault(lines.place(i), "unknown node", name, f"add it to {ends.file.name}")
        for column in (start, end) for i, name in enumerate(column) if name not in known
    ]  # fmt: skip
    faults += [
        Fault(lines.place(i), "leads from a node to itself", a, "name two nodes")
        for i, (a, b) in enumerate(zip(start, end, strict=True)) if a == b
    ]  # fmt: skip
    if source not in known:
        faults.append(Fault("--source", "is no node", source, choice(source, names)))
    return faults


def _outward(
    graph: nx.MultiGraph, source: str, load: dict[str, float], length: Floats,
    measures: dict[str, Floats | None],
) -> tuple[Pipe, ...]:  # fmt: skip
    """Pipes from the source outward, with what lies behind each on the shortest way."""
    distance, ways = nx.single_source_dijkstra(graph, source, weight="length")
    count, behind = dict.fromkeys(range(len(length)), 0), dict.fromkeys(range(len(length)), 0.0)
    for node, kilowatt in load.items():
        way = ways[node]
        for a, b in pairwise(way):
            i = min(graph[a][b], key=lambda key: graph[a][b][key]["length"])
            count[i] += 1
            behind[i] += kilowatt
    bridges = {frozenset(pair) for pair in nx.bridges(nx.Graph(graph))}
    pipes = []
    for a, b, i in sorted(graph.edges(keys=True), key=lambda e: (
        min(distance[e[0]], distance[e[1]]), e[2]
    )):  # fmt: skip
        near, far = (a, b) if distance[a] <= distance[b] else (b, a)
        alone = frozenset((a, b)) in bridges and graph.number_of_edges(a, b) == 1
        own = {name: None if values is None else float(values[i])
               for name, values in measures.items()}  # fmt: skip
        pipes.append(Pipe(
            f"pipe {near} {far}" if graph.number_of_edges(a, b) == 1 else f"pipe {near} {far} {i}",
            near, far, float(length[i]), None, count[i], behind[i],
            None if own["dn"] is None else int(own["dn"]), own["inner"], own["insulation"],
            own["conductivity"], reversible=not alone,
        ))  # fmt: skip
    return tuple(pipes)
