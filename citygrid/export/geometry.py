"""Where things are: nodes, drawn pipes and cables, footprints, and a place for every component."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from citygrid.district.case import Asset, Case

#: Distance [m] between components that stand at one node, so that each can be clicked.
SPREAD = 12.0
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Geometry:
    """The district on the map, in its ``crs``.

    ``nodes`` hold the nodes that have a position, ``lines`` the course of pipes and cables by
    component, ``points`` the place of every other component that has one; ``footprints`` are
    buildings or consumers, as points or areas. ``notes`` say what could not be drawn, and why.
    """

    crs: CRS | None
    nodes: dict[str, Point]
    lines: dict[str, BaseGeometry]
    points: dict[str, Point]
    footprints: gpd.GeoDataFrame | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def known(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.nodes)


def locate(case: Case) -> Geometry:
    """Find a place for everything in a case.

    Pipes and cables take their course from the district's geometry file (layers with a column
    ``component``), and lead straight from node to node where it names none.
    """
    notes: list[str] = []
    nodes = {name: Point(at) for name, at in case.nodes.items() if np.isfinite(at).all()}
    if not nodes:
        note = "the district gives no node a position: nothing is drawn"
        return Geometry(None, {}, {}, {}, None, (note,))
    crs = _crs(case, notes)
    drawn, footprints = _drawn(case, crs, notes)
    unplaced = sorted(set(case.nodes) - set(nodes))
    if unplaced:
        notes.append(f"nodes without a position are not drawn: {', '.join(unplaced)}")
    lines = {
        asset.name: drawn.get(asset.name, LineString([nodes[asset.node], nodes[asset.to]]))
        for asset in case.assets
        if asset.to and asset.node in nodes and asset.to in nodes
    }
    return Geometry(crs, nodes, lines, _fan_out(case.assets, nodes, crs), footprints, tuple(notes))


def _crs(case: Case, notes: list[str]) -> CRS | None:
    if not case.crs:
        notes.append("the district names no coordinate system")
        return None
    try:
        return CRS.from_user_input(case.crs)
    except CRSError:
        notes.append(f'unknown coordinate system "{case.crs}"')
        return None


def _fan_out(
    assets: tuple[Asset, ...], nodes: dict[str, Point], crs: CRS | None
) -> dict[str, Point]:
    """Components of a node on a circle around it; a single one stands at the node itself."""
    east, north = 1.0, 1.0
    if crs is not None and crs.is_geographic and nodes:
        latitude = np.radians(np.mean([point.y for point in nodes.values()]))
        east, north = 1 / (METRES_PER_DEGREE * np.cos(latitude)), 1 / METRES_PER_DEGREE
    here: dict[str, list[str]] = {}
    for asset in assets:
        if not asset.to and asset.node in nodes:
            here.setdefault(asset.node, []).append(asset.name)
    points = {}
    for node, names in here.items():
        radius = 0.0 if len(names) == 1 else max(SPREAD, SPREAD * len(names) / (2 * np.pi))
        for i, name in enumerate(names):
            angle = 2 * np.pi * i / len(names)
            points[name] = Point(nodes[node].x + radius * east * np.sin(angle),
                                 nodes[node].y + radius * north * np.cos(angle))  # fmt: skip
    return points


def _drawn(
    case: Case, crs: CRS | None, notes: list[str]
) -> tuple[dict[str, BaseGeometry], gpd.GeoDataFrame | None]:
    """Courses by component and footprints from the district's geometry file."""
    if not case.geometry:
        return {}, None
    path = Path(case.geometry)
    if not path.is_file():
        notes.append(f"the geometry file {path.name} is not there: lines are drawn straight")
        return {}, None
    lines: dict[str, BaseGeometry] = {}
    footprints = None
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        for layer in layers:
            frame = gpd.read_file(path, layer=layer, engine="pyogrio")
            if not isinstance(frame, gpd.GeoDataFrame):
                continue
            frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
            if crs is not None and frame.crs is not None:
                frame = frame.to_crs(crs)
            linear = frame.geom_type.isin(["LineString", "MultiLineString"])
            if "component" in frame.columns:
                named = frame[linear & frame["component"].notna()]
                lines |= dict(zip(named["component"].astype(str), named.geometry, strict=True))
            rest = frame[~linear]
            if len(rest) and (layer.lower() in ("footprints", "buildings") or len(layers) == 1):
                footprints = rest.reset_index(drop=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        notes.append(f"the geometry file {path.name} cannot be read ({str(error)[:80]})")
    return lines, footprints
