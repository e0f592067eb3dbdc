"""GeoJSON (RFC 7946): components and networks for web maps, in WGS 84."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry import mapping

from citygrid.export.gis.geometry import Geometry
from citygrid.export.gis.layers import DECIMALS, WORLD, refuse_unplaced, said
from citygrid.export.subject import Subject
from citygrid.files import whole


def write_geojson(subject: Subject, folder: Path) -> list[Path]:
    """Write ``assets.geojson`` (points) and ``network.geojson`` (pipes and cables).

    Coordinates are longitude and latitude in WGS 84, as RFC 7946 demands. What has no place on the
    map keeps its figures and has the geometry ``null``.

    Raises :class:`InputError` where the nodes have positions and no coordinate system.
    """
    geometry, table = subject.geometry, subject.assets
    refuse_unplaced(subject.case, geometry, "GeoJSON")
    linear = table["to_node"].notna()
    paths = []
    for name, part in (("assets", table[~linear]), ("network", table[linear])):
        path = Path(folder) / f"{name}.geojson"
        with whole(path) as temporary:
            temporary.write_text(_collection(part, geometry), encoding="utf-8")
        paths.append(path)
    return paths


def _collection(table: pd.DataFrame, geometry: Geometry) -> str:
    places = {**geometry.points, **geometry.lines}
    shapes = gpd.GeoSeries([places.get(name) for name in table["name"]], crs=geometry.crs or WORLD)
    shapes = shapes.to_crs(WORLD)
    features = [
        {"type": "Feature", "id": int(row.pop("asset_id")), "geometry": _shape(shape),
         "properties": said(row)}
        for row, shape in zip(table.to_dict("records"), shapes, strict=True)
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False,
                      allow_nan=False) + "\n"  # fmt: skip


def _shape(shape: Any) -> dict[str, Any] | None:
    if shape is None or shape.is_empty:
        return None
    found = mapping(shape)
    return {"type": found["type"], "coordinates": _rounded(found["coordinates"])}


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates, (tuple, list)):
        return [_rounded(part) for part in coordinates]
    return round(float(coordinates), DECIMALS)
