"""Make the Frankfurt district: from a town's street network to the shipped network and models.

    python scripts/make_frankfurt.py RAW [--out REPOSITORY]

``RAW`` holds ``topotherm_district/`` (roads_connected, sinks and source as GeoPackages). Written
are ``data/frankfurt_2023/`` streets.gpkg, network.gpkg, heat.csv, power.csv, their entries in
``data/MANIFEST.yaml``, and the district files ``models/frankfurt*.yaml``.
``weather.parquet`` must be there already.

What it does: consumers are snapped to the street network; the tree of shortest paths from the
source is cut into connected zones of like peak load; every zone is one heat node at the point of
its piece of the tree that its load is nearest to; a pipe follows the streets from each zone's hub
to its parent's (``citygrid.imports``). This script is provenance: whoever plans a district never
needs it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
from frankfurt_models import DISTRIBUTION_LOSS, POWER_PER_HEAT, district_files
from origins import enter
from shapely.geometry import LineString

from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT
from citygrid.files import whole
from citygrid.imports.streets import along, route_tree, street_graph
from citygrid.imports.zones import zones_of
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


# zones -------------------------------------------------------------------------------------------


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
    graph = street_graph(roads, points).graph
    load = dict(zip(names, sinks.ts_0.to_numpy(float), strict=True))
    tree = route_tree(graph, "plant", names)
    found = zones_of(graph, tree, "plant", load, ZONE_PEAK)
    undirected = graph.edge_subgraph(tree.edges)
    zone_of = {name: n for n, (_, _, nodes) in enumerate(found, 1) for name in nodes}
    parents = {n: parent for n, (_, parent, _) in enumerate(found, 1)}
    hub_by_number = {0: "plant", **{n: hub for n, (hub, _, _) in enumerate(found, 1)}}
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


def write_streets(path: Path, raw: Path) -> None:
    """GeoPackage with ``streets``, ``consumers`` and ``source``, for `citygrid import network`."""
    folder = raw / "topotherm_district"
    roads, sinks, source = (
        gpd.read_file(folder / f"{name}.gpkg") for name in ("roads_connected", "sinks", "source")
    )
    consumers = gpd.GeoDataFrame(
        {"name": [f"house {i}" for i in range(1, len(sinks) + 1)],
         "peak_kw": sinks.ts_0.round(3), "full_load_hours": sinks.flh_0.round(1)},
        geometry=sinks.geometry, crs=sinks.crs,
    )  # fmt: skip
    layers = {"streets": roads[["Road_ID", "geometry"]], "consumers": consumers,
              "source": source[["geometry"]]}  # fmt: skip
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2023-01-01T00:00:00.000Z"})
    with whole(path) as temporary:
        temporary.unlink()
        for layer, frame in layers.items():
            frame.to_file(temporary, layer=layer, driver="GPKG", engine="pyogrio")


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
    """Enter where the four files come from and what is real in them."""
    demand = {f"zone {zone.number} [kW]": "mean power over the hour" for zone in zones}
    stamp = {"time": "start of the hour, UTC"}
    licence = "MIT (topotherm) for the data set; CC BY 4.0 for the street network"
    attribution = (
        "(c) 2025 Lambert, Ceruti (topotherm); streets: Bayerische Vermessungsverwaltung, "
        "www.geodaten.bayern.de, ATKIS Basis-DLM, CC BY 4.0, changed"
    )
    origin = f"{ORIGIN} {', '.join(SOURCES)}"
    entries = {
        "streets.gpkg": {
            "origin": origin, "licence": licence, "attribution": attribution,
            "real": "the streets, the places of the 200 consumers and of the heat source, and each "
            "consumer's peak heat and full-load hours, as topotherm publishes them for a small "
            "town in Bavaria",
            "changed": "columns renamed, consumers numbered",
            "assumed": "nothing in the file",
            "columns": {
                "streets": "Road_ID, LineString EPSG:25832",
                "consumers": "name, peak_kw [kW], full_load_hours [h], Point EPSG:25832",
                "source": "Point EPSG:25832",
            },
        },
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
    enter(folder.parent, {f"{folder.name}/{name}": entry for name, entry in entries.items()})


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
    write_streets(data / "streets.gpkg", arguments.raw)
    write_network(data / "network.gpkg", zones, consumers)
    write_series(data, zones)
    write_manifest(data, zones)
    for name, text in district_files(plant, zones).items():
        with whole(models / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
