"""GeoJSON (RFC 7946): components and networks for web maps, in WGS 84."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS
from shapely.geometry import mapping

from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.export.assets import asset_table
from citygrid.export.flows import dispatch
from citygrid.export.geometry import Geometry, locate
from citygrid.files import whole
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict

WORLD = CRS.from_epsg(4326)
#: Decimals of a degree: about a centimetre.
DECIMALS = 7


def write_geojson(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> list[Path]:
    """Write ``assets.geojson`` (points) and ``network.geojson`` (pipes and cables).

    Coordinates are longitude and latitude in WGS 84, as RFC 7946 demands. What has no place on the
    map keeps its figures and has the geometry ``null``.

    Raises :class:`InputError` where the nodes have positions and no coordinate system.
    """
    geometry = locate(case)
    if geometry.known and geometry.crs is None:
        raise InputError(Fault(case.name, "GeoJSON is in WGS 84, and the positions of the nodes "
                               "are in no known coordinate system", case.crs,
                               "add `crs: EPSG:25832` (or yours) to the district"))  # fmt: skip
    table = asset_table(case, verdict, dispatch(case, plan))
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
        {"type": "Feature", "id": int(row["asset_id"]), "geometry": _shape(shape),
         "properties": {str(key): _plain(value) for key, value in row.items()
                        if key != "asset_id" and not _empty(value)}}
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


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
