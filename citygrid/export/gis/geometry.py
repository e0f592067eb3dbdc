"""Where things are: nodes, drawn pipes and cables, footprints, and a place for every component."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import LineString, Point, shape
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

    Pipes and cables take their course from the district's drawn network (features that name their
    ``component``), and lead straight from node to node where it names none.
    """
    notes: list[str] = []
    nodes = {name: Point(at) for name, at in case.nodes.items() if np.isfinite(at).all()}
    if not nodes:
        note = "the district gives no node a position: nothing is drawn"
        return Geometry(None, {}, {}, {}, None, (note,))
    crs = _crs(case, notes)
    drawn, footprints = _drawn(case, crs)
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


def _drawn(case: Case, crs: CRS | None) -> tuple[dict[str, BaseGeometry], gpd.GeoDataFrame | None]:
    """Courses by component and footprints from the district's drawn network."""
    if not case.geometry:
        return {}, None
    features = json.loads(case.geometry)["features"]
    lines = {
        str(feature["properties"]["component"]): shape(feature["geometry"])
        for feature in features
        if feature["properties"]["layer"] == "lines"
    }
    rest = [feature for feature in features if feature["properties"]["layer"] == "footprints"]
    if not rest:
        return lines, None
    footprints = gpd.GeoDataFrame.from_features(rest, crs=crs).drop(columns="layer")
    return lines, footprints
