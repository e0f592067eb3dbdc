"""The layers of a plan's map, the same in every format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.export.gis.geometry import Geometry
from citygrid.export.subject import Subject

#: Longitude and latitude, as web maps and globes want them.
WORLD = CRS.from_epsg(4326)
#: Decimals of a degree, as RFC 7946 advises: about ten centimetres.
DECIMALS = 6
#: Coordinates beyond which there is no earth in any system [m, deg].
FURTHEST = 1e8
#: Layer of lines → the group of its kinds; lines of other groups (cooling) are pipes, too.
NETWORKS = (("heat_network", "heat"), ("feeders", "power"), ("data_links", "compute"))


def plan_layers(subject: Subject, what: str, world: bool = False) -> dict[str, gpd.GeoDataFrame]:
    """The layers of a plan for a format that holds places and no tables beside them.

    What has no place (jobs, say) is left out. ``what`` is the format's name for messages;
    ``world`` asks for longitude and latitude. Raises :class:`InputError` where the district has no
    positions, or where they are in no known coordinate system and ``world`` is asked for.
    """
    case, geometry = subject.case, subject.geometry
    if not geometry.known:
        raise InputError(Fault(case.name, f"{what} shows places, and no node has a position", None,
                               "give the nodes `at: [x, y]`, or export gpkg, csv or "
                               "parquet"))  # fmt: skip
    if world:
        refuse_unplaced(case, geometry, what)
    layers = layers_of(case, geometry, subject.assets)
    placed = {name: layer[layer.geometry.notna()] for name, layer in layers.items()}
    if world:
        return {name: layer.to_crs(WORLD) for name, layer in placed.items()}
    return placed


def refuse_unplaced(case: Case, geometry: Geometry, what: str) -> None:
    """Raise :class:`InputError` where positions are in no known system, or nowhere on the earth."""
    if not geometry.known:
        return
    if geometry.crs is None:
        raise InputError(Fault(case.name, f"{what} is in WGS 84, and the positions of the nodes "
                               "are in no known coordinate system", case.crs,
                               "add `crs: EPSG:25832` (or yours) to the district"))  # fmt: skip
    placed = {**geometry.nodes, **geometry.lines}
    drawn = gpd.GeoSeries(list(placed.values()), crs=geometry.crs)
    edges = drawn.to_crs(WORLD).bounds
    # Some projections wind what is too far around the earth.
    on_earth = (drawn.bounds.abs() <= FURTHEST).all(axis=1)
    on_earth &= (edges[["minx", "maxx"]].abs() <= 180).all(axis=1)
    on_earth &= (edges[["miny", "maxy"]].abs() <= 90).all(axis=1)
    lost = [name for name, there in zip(placed, on_earth, strict=True) if not there]
    if lost:
        others = f" and {len(lost) - 1} others" if len(lost) > 1 else ""
        raise InputError(Fault(f"{case.name}: {lost[0]}{others}", f"{what} is in WGS 84, where "
                               f"this is nowhere by the coordinate system {case.crs}",
                               placed[lost[0]].wkt[:60],
                               "correct the positions or `crs` in the district"))  # fmt: skip


def layers_of(case: Case, geometry: Geometry, table: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Every layer by name, the backdrop first, in the district's coordinate system.

    ``buildings`` (footprints, if given), ``heat_network``, ``feeders`` and ``data_links`` (lines),
    ``nodes``, and ``assets``, one row per other component of ``table`` (:func:`.asset_table`) with
    its figures.
    """
    crs = geometry.crs
    layers: dict[str, gpd.GeoDataFrame] = {}
    if geometry.footprints is not None:
        layers["buildings"] = _plain(geometry.footprints)
    linear = table["to_node"].notna()
    point_only = ["mean_kw", "max_kw", "capacity_kw", "loss_mwh", "dn", "to_node"]
    line_only = [name for name in table.columns if name.endswith("_mwh") and name != "loss_mwh"]
    for name, group in NETWORKS:
        others = ~table["group"].isin([g for _, g in NETWORKS]) & (name == NETWORKS[0][0])
        part = table[linear & ((table["group"] == group) | others)].drop(columns=line_only)
        part = part[part["name"].isin(list(geometry.lines))].rename(columns={"node": "from_node"})
        if len(part):
            shapes = [geometry.lines[n] for n in part["name"]]
            layers[name] = gpd.GeoDataFrame(part, geometry=shapes, crs=crs)
    names = list(geometry.nodes)
    layers["nodes"] = gpd.GeoDataFrame(
        {"node": names, "assets": [sum(n in (a.node, a.to) for a in case.assets) for n in names]},
        geometry=list(geometry.nodes.values()), crs=crs,
    )  # fmt: skip
    part = table[~linear].drop(columns=point_only)
    layers["assets"] = gpd.GeoDataFrame(
        part, geometry=[geometry.points.get(name) for name in part["name"]], crs=crs
    )
    return layers


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Footprints without columns that a GeoPackage keeps for itself."""
    kept = [name for name in frame.columns if str(name).lower() not in ("fid", "ogc_fid", "geom")]
    return frame[kept]


def geometry_type(frame: gpd.GeoDataFrame) -> str:
    """The one type of geometry in a layer, or ``Unknown`` where there are several."""
    types = set(frame.geom_type.dropna())
    return next(iter(types)) if len(types) == 1 else "Unknown"


def said(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What a row says, as plain values: texts and numbers; what does not apply is left out."""
    found = {str(key): getattr(value, "item", lambda value=value: value)()
             for key, value in row.items()}  # fmt: skip
    return {
        key: value if isinstance(value, (str, int, float, bool)) else str(value)
        for key, value in found.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
