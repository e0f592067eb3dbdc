"""The map that is written beside an imported district."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import LineString

from citygrid.files import dated
from citygrid.imports.network import Backdrop, Network

if TYPE_CHECKING:
    import geopandas as gpd


def draw(network: Network, path: Path) -> None:
    """A GeoPackage with the courses of the pipes, by component, the consumers, and buildings.

    A consumer that stands in a building is said of the building, and is no point of its own.
    """
    import geopandas as gpd

    drawn = [pipe for pipe in network.pipes if pipe.route is not None]
    pipes = gpd.GeoDataFrame(
        {"component": [p.name for p in drawn], "from": [p.start for p in drawn],
         "to": [p.end for p in drawn], "dn": [p.dn for p in drawn],
         "length_m": [round(p.length, 1) for p in drawn], "peak_kw": [p.peak for p in drawn]},
        geometry=[p.route for p in drawn], crs=network.crs,
    )  # fmt: skip
    homes = gpd.GeoDataFrame(
        {"consumer": list(network.buildings), "node": [n for _, n in network.buildings.values()]},
        geometry=[at for at, _ in network.buildings.values()], crs=network.crs,
    )  # fmt: skip
    layers = {"pipes": pipes, "footprints": homes}
    if network.backdrop is not None:
        layers["buildings"], layers["footprints"] = _housed(network.backdrop.footprints, homes)
    _write(layers, path)


def draw_courses(
    courses: Mapping[str, LineString], crs: str | None, path: Path,
    backdrop: Backdrop | None = None,
) -> None:  # fmt: skip
    """A GeoPackage with the courses of lines, by component, and buildings."""
    import geopandas as gpd

    layers = {"lines": gpd.GeoDataFrame(
        {"component": list(courses)}, geometry=list(courses.values()), crs=crs
    )}  # fmt: skip
    if backdrop is not None:
        layers["buildings"] = backdrop.footprints
    _write(layers, path)


def _write(layers: Mapping[str, gpd.GeoDataFrame], path: Path) -> None:
    path.unlink(missing_ok=True)
    with dated("2023-01-01T00:00:00.000Z"):
        for layer, frame in layers.items():
            if len(frame):
                frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")


def _housed(
    buildings: gpd.GeoDataFrame, homes: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Buildings with the consumers in them, and the consumers that stand in none."""
    inside, building = buildings.sindex.query(homes.geometry, predicate="within")
    housed = buildings.copy()
    for column in homes.columns.drop("geometry"):
        said: dict[int, list[str]] = {}
        for home, house in zip(inside, building, strict=True):
            said.setdefault(int(house), []).append(str(homes[column].iloc[home]))
        housed[column] = [
            ", ".join(dict.fromkeys(said[i])) if i in said else None for i in range(len(housed))
        ]
    return housed, homes[~np.isin(np.arange(len(homes)), inside)]
