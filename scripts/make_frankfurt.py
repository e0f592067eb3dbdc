"""Make the Frankfurt district: from a town's street network to the shipped network and models.

    python scripts/make_frankfurt.py RAW [--out REPOSITORY]

``RAW`` holds ``topotherm_district/`` (roads_connected, sinks and source as GeoPackages). Written
are ``data/frankfurt_2023/`` network.gpkg, heat.csv, power.csv, NETWORK.yaml and the three district
files ``models/frankfurt*.yaml``. ``weather.parquet`` must be there already.

What it does: consumers are snapped to the street network; the tree of shortest paths from the
source is cut into connected zones of like peak load; every zone is one heat node at the point of
its piece of the tree that its load is nearest to; a pipe follows the streets from each zone's hub
to its parent's. This script is provenance: whoever plans a district never needs it
(nor networkx, which only this script uses).
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import yaml
from frankfurt_models import DISTRIBUTION_LOSS, POWER_PER_HEAT, district_files
from shapely.geometry import LineString, Point
from shapely.ops import linemerge, substring

from citygrid.components.heat_pipe import WATER_DENSITY, WATER_HEAT
from citygrid.files import whole
from citygrid.inputs.demand import bdew_heat, bdew_power
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import read_weather

#: A piece of the tree is closed as a zone when its consumers' peak reaches this [kW]; a branch of
#: at least half of it may be closed alone, where streets meet.
ZONE_PEAK = 205.0
#: Largest flow velocity [m/s]; difference of supply and return [K] by the heating curve at 3 °C:
#: on such a morning the load is near its peak, but the supply is cooler than on the coldest day.
DESIGN_VELOCITY, DESIGN_SPREAD = 1.5, 32.0
DIAMETERS = (25, 32, 40, 50, 65, 80, 100, 125, 150, 200)
#: Share of that power with the BDEW profile of households; the rest is shops (g0).
HOUSEHOLDS = 0.75

ORIGIN = "jylambert/topotherm @515e21c6 : examples/generating_inputs/district/"
SOURCES = ("roads_connected.gpkg", "sinks.gpkg", "source.gpkg")
PLACE = {"latitude": 50.088, "longitude": 8.654, "altitude": 112.0}
YEAR = ("2023-01-01T00:00+01:00", "8760 h", "1 h")


@dataclass(frozen=True)
class Zone:
    """A heat zone: ``number`` counts from the plant, ``parent`` is a zone or 0 for the plant.

    ``peak`` and ``downstream`` (with every zone behind it) in kW, ``annual`` in kWh, all of the
    consumers' heat; ``route`` runs along the streets from the parent's hub to this one.
    """

    number: int
    parent: int
    hub: tuple[float, float]
    consumers: tuple[int, ...]
    peak: float
    downstream: float
    annual: float
    route: LineString
    dn: int

    @property
    def length(self) -> float:
        return float(self.route.length)


# streets and consumers ---------------------------------------------------------------------------


def street_graph(roads: gpd.GeoDataFrame, points: Mapping[str, Point]) -> nx.Graph:
    """Streets as a graph whose edges hold their ``line`` and ``length``; every point is a node.

    A point is snapped to the nearest edge, which is split there.
    """
    nearest = roads.sindex.nearest(list(points.values()), return_all=False)[1]
    on_edge: dict[int, list[tuple[float, str]]] = {}
    for name, edge in zip(points, nearest, strict=True):
        line = roads.geometry.iloc[edge]
        distance = float(line.project(points[name]))
        # A point at the end of an edge is there exactly: no sliver of a street is left over.
        place = next((e for e in (0.0, line.length) if abs(e - distance) < 1e-6), distance)
        on_edge.setdefault(int(edge), []).append((place, name))
    graph: nx.Graph = nx.Graph()
    for number, road in enumerate(roads.itertuples()):
        line = road.geometry
        stops = [(0.0, road.u), *sorted(on_edge.get(number, [])), (line.length, road.v)]
        for (begin, first), (end, second) in pairwise(stops):
            piece = substring(line, begin, end) if end > begin else LineString()
            graph.add_edge(first, second, length=end - begin, line=piece)
    return graph


def route_tree(graph: nx.Graph, source: str, consumers: list[str]) -> nx.DiGraph:
    """Union of the shortest paths from the source to every consumer, directed outward."""
    paths = nx.single_source_dijkstra_path(graph, source, weight="length")
    tree: nx.DiGraph = nx.DiGraph()
    for consumer in consumers:
        nx.add_path(tree, paths[consumer])
    return tree


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
    on_street = [n for n in nodes if tree.degree(n) > 2]
    effort = dict.fromkeys(on_street, 0.0)
    for consumer in (n for n in nodes if load.get(n, 0.0) > 0):
        away = nx.single_source_dijkstra_path_length(piece, consumer, weight="length")
        for node in on_street:
            effort[node] += load[consumer] * away[node]
    return min(on_street, key=lambda n: (effort[n], n))


def along(graph: nx.Graph, path: list[str], start: tuple[float, float]) -> LineString:
    """The line of a path through the streets, from ``start`` on."""
    pieces = [graph.edges[pair]["line"] for pair in pairwise(path)]
    line = linemerge([piece for piece in pieces if not piece.is_empty])
    return line if Point(start).distance(Point(line.coords[0])) < 1e-6 else line.reverse()


def diameter(heat: float) -> int:
    """The smallest nominal diameter that carries ``heat`` [kW] at the design's spread."""
    for dn in DIAMETERS:
        flow = WATER_DENSITY * np.pi / 4.0 * (dn / 1000.0) ** 2 * DESIGN_VELOCITY
        if flow * WATER_HEAT * DESIGN_SPREAD >= heat:
            return dn
    raise ValueError(f"{heat:.0f} kW need more than DN {DIAMETERS[-1]}")


def make_zones(raw: Path) -> tuple[tuple[float, float], list[Zone], gpd.GeoDataFrame]:
    """Plant's position, zones by their number, and the consumers with their zone."""
    folder = raw / "topotherm_district"
    roads, sinks, source = (
        gpd.read_file(folder / f"{name}.gpkg") for name in ("roads_connected", "sinks", "source")
    )
    names = [f"consumer {i}" for i in range(len(sinks))]
    points = {"plant": source.geometry.iloc[0], **dict(zip(names, sinks.geometry, strict=True))}
    graph = street_graph(roads, points)
    load = dict(zip(names, sinks.ts_0.to_numpy(float), strict=True))
    tree = route_tree(graph, "plant", names)
    pieces = cut_into_zones(tree, load, ZONE_PEAK)
    undirected = graph.edge_subgraph(tree.edges)
    distance = nx.single_source_dijkstra_path_length(undirected, "plant", weight="length")
    hubs = [hub_of(graph, tree, nodes, load) for _, nodes in pieces]
    piece_of = {node: i for i, (_, nodes) in enumerate(pieces) for node in nodes}
    outward: nx.DiGraph = nx.DiGraph()
    for i, (top, _) in enumerate(pieces):
        outward.add_node(i)
        outward.add_edges_from((piece_of[above], i) for above in tree.predecessors(top))
    # Zones are counted outward: a parent before its children, near ones before far ones.
    order = list(nx.lexicographical_topological_sort(outward, key=lambda i: distance[hubs[i]]))
    number = {i: n for n, i in enumerate(order, 1)}
    zone_of = {name: number[piece_of[name]] for name in names}
    parents = {number[i]: next((number[j] for j in outward.predecessors(i)), 0) for i in order}
    hub_by_number = {0: "plant", **{number[i]: hubs[i] for i in order}}
    peak = dict.fromkeys(parents, 0.0)
    for name, kilowatt in load.items():
        peak[zone_of[name]] += kilowatt
    behind = dict(peak)
    for n in reversed(parents):
        if parents[n]:
            behind[parents[n]] += behind[n]
    energy = (sinks.ts_0 * sinks.flh_0).to_numpy(float)
    zones = []
    plant = (points["plant"].x, points["plant"].y)
    positions = {0: plant}
    for n in parents:
        path = nx.shortest_path(undirected, hub_by_number[parents[n]], hub_by_number[n], "length")
        route = along(graph, path, positions[parents[n]])
        positions[n] = (float(route.coords[-1][0]), float(route.coords[-1][1]))
        mine = tuple(i for i, name in enumerate(names) if zone_of[name] == n)
        zones.append(Zone(
            n, parents[n], positions[n], mine, peak[n], behind[n], float(energy[list(mine)].sum()),
            route, diameter(behind[n] * (1.0 + DISTRIBUTION_LOSS)),
        ))  # fmt: skip
    consumers = gpd.GeoDataFrame(
        {"zone": [f"zone {zone_of[name]}" for name in names],
         "peak_kw": sinks.ts_0.round(3), "full_load_hours": sinks.flh_0.round(1)},
        geometry=sinks.geometry, crs=sinks.crs,
    )  # fmt: skip
    return plant, zones, consumers


# what is written ---------------------------------------------------------------------------------


def write_network(path: Path, zones: list[Zone], consumers: gpd.GeoDataFrame) -> None:
    """GeoPackage with ``pipes`` and ``cables`` by the component's name, and the consumers."""
    routes = [zone.route for zone in zones]
    ends = [(f"zone {z.parent}" if z.parent else "plant", f"zone {z.number}") for z in zones]
    pipes = gpd.GeoDataFrame(
        {"component": [f"pipe {z.number}" for z in zones], "from": [a for a, _ in ends],
         "to": [b for _, b in ends], "dn": [z.dn for z in zones],
         "length_m": [round(z.length, 1) for z in zones]},
        geometry=routes, crs=consumers.crs,
    )  # fmt: skip
    cables = pipes[["from", "to", "length_m", "geometry"]].copy()
    cables.insert(0, "component", [f"cable {z.number}" for z in zones])
    # The same bytes at every run: GeoPackage notes when a layer was changed last.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2023-01-01T00:00:00.000Z"})
    with whole(path) as temporary:
        temporary.unlink()
        for layer, frame in (("pipes", pipes), ("cables", cables), ("footprints", consumers)):
            frame.to_file(temporary, layer=layer, driver="GPKG", engine="pyogrio")


def write_series(folder: Path, zones: list[Zone]) -> None:
    """Heat and power of every zone's consumers over the year, scaled to their annual energy."""
    horizon = read_horizon(*YEAR, "Europe/Berlin")
    weather = read_weather(folder / "weather.parquet", horizon, **PLACE, timezone=None)
    heat, power = {}, {}
    for zone in zones:
        head = f"zone {zone.number} [kW]"
        heat[head] = bdew_heat("EFH", zone.annual, weather.air_temperature, horizon)
        annual = POWER_PER_HEAT * zone.annual
        power[head] = bdew_power("h0", HOUSEHOLDS * annual, horizon) + bdew_power(
            "g0", (1.0 - HOUSEHOLDS) * annual, horizon
        )
    stamps = np.datetime_as_string(horizon.time.astype("datetime64[m]"), timezone="UTC")
    for name, columns in (("heat.csv", heat), ("power.csv", power)):
        frame = pd.DataFrame({"time": stamps, **{k: np.round(v, 2) for k, v in columns.items()}})
        with whole(folder / name) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")


def write_manifest(folder: Path, zones: list[Zone]) -> None:
    """NETWORK.yaml: where the three files come from, what is real in them, and their checksums."""
    demand = {f"zone {zone.number} [kW]": "mean power over the hour" for zone in zones}
    stamp = {"time": "start of the hour, UTC"}
    licence = "MIT (topotherm) for the data set; CC BY 4.0 for the street network"
    attribution = (
        "(c) 2025 Lambert, Ceruti (topotherm); streets: Bayerische Vermessungsverwaltung, "
        "www.geodaten.bayern.de, ATKIS Basis-DLM, CC BY 4.0, changed"
    )
    origin = f"{ORIGIN} {', '.join(SOURCES)}"
    entries = {
        "network.gpkg": {
            "origin": origin, "licence": licence, "attribution": attribution,
            "real": "the streets, the places of the 200 consumers and of the heat source, and each "
            "consumer's peak heat and full-load hours, as topotherm publishes them for a small "
            "town in Bavaria",
            "changed": "consumers belong to zones; the ways of pipes are merged from street edges",
            "assumed": "the zones and their hubs, that pipes and cables follow the shortest way "
            "along the streets from hub to hub, and the diameters (1.5 m/s at 32 K); there was no "
            "heat network to copy. Where the ways of two pipes share a street, both lie in it",
            "columns": {
                "pipes": "component, from, to, dn [mm], length_m [m], LineString EPSG:25832",
                "cables": "component, from, to, length_m [m], LineString EPSG:25832",
                "footprints": "zone, peak_kw [kW], full_load_hours [h], Point EPSG:25832",
            },
        },
        "heat.csv": {
            "origin": origin + "; hourly shape: demandlib (BDEW standard profile EFH) with the "
            "temperatures of weather.parquet",
            "licence": licence,
            "attribution": attribution + "; weather data by Open-Meteo.com, CC BY 4.0",
            "real": "the annual heat of a zone: peak heat times full-load hours of its consumers",
            "changed": "annual energies are spread over the hours of 2023",
            "assumed": "that all of them live like single-family houses of the standard profile, "
            "under the weather of Frankfurt in 2023",
            "columns": stamp | demand,
        },
        "power.csv": {
            "origin": origin + "; hourly shape: demandlib (BDEW standard profiles h0 and g0)",
            "licence": licence, "attribution": attribution,
            "real": "nothing but the places: no power demand of the consumers is published",
            "changed": "annual heat becomes annual power, spread over the hours of 2023",
            "assumed": f"power is {POWER_PER_HEAT:.0%} of annual heat, about 5,000 kWh a consumer; "
            f"{HOUSEHOLDS:.0%} of it with the profile of households, the rest of shops",
            "columns": stamp | demand,
        },
    }  # fmt: skip
    for name, entry in entries.items():
        if name.endswith(".csv"):
            entry["rows"] = len(pd.read_csv(folder / name))
        entry["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    head = "# Written by scripts/make_frankfurt.py; the other files are in ../MANIFEST.yaml.\n"
    text = yaml.safe_dump(
        {"files": {f"{folder.name}/{name}": entry for name, entry in entries.items()}},
        sort_keys=False, allow_unicode=True, width=100,
    )  # fmt: skip
    with whole(folder / "NETWORK.yaml") as temporary:
        temporary.write_text(head + text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the Frankfurt district.")
    parser.add_argument("raw", type=Path, help="folder that holds topotherm_district/")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="repository to write into (default: this one)")  # fmt: skip
    arguments = parser.parse_args()
    plant, zones, consumers = make_zones(arguments.raw)
    data, models = arguments.out / "data" / "frankfurt_2023", arguments.out / "models"
    data.mkdir(parents=True, exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)
    write_network(data / "network.gpkg", zones, consumers)
    write_series(data, zones)
    write_manifest(data, zones)
    for name, text in district_files(plant, zones).items():
        with whole(models / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
