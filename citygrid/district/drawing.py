"""The drawn network of a district: the courses of its lines and its footprints, as GeoJSON text.

The text travels in the case, so that a plan is drawn on its real streets on every machine.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError

#: Layers whose areas and points are footprints; a file of one layer may call it as it likes.
FOOTPRINTS = ("footprints", "buildings")


@cache
def is_known(crs: str) -> bool:
    """Whether a text names a coordinate system."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(crs)
    except CRSError:
        return False
    return True


def unreadable() -> tuple[type[Exception], ...]:
    """What geopandas, its engine and its geometry raise for a layer that is damaged."""
    from pyogrio import errors
    from pyproj.exceptions import CRSError
    from shapely.errors import ShapelyError

    return (errors.DataSourceError, errors.DataLayerError, errors.FieldError, errors.FeatureError,
            errors.GeometryError, ShapelyError, CRSError, ValueError)  # fmt: skip


def read_drawing(path: Path, crs: str | None, place: str = "geometry") -> str:
    """The parts of a GeoPackage or GeoJSON file that a map of the district needs.

    Lines that name their ``component``, and areas or points of a layer of footprints (or of the
    only layer), in the district's ``crs`` where both are known. Returns a FeatureCollection whose
    features say their ``layer``. Raises :class:`InputError` where the file cannot be read.
    """
    import geopandas as gpd
    import pyogrio
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if not path.is_file():
        raise InputError(Fault(place, "no such file", str(path), "name a GeoPackage or GeoJSON"))
    features: list[dict[str, Any]] = []
    try:
        target = None if crs is None else CRS.from_user_input(crs)
    except CRSError:
        target = None  # a fault of the district's own
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        for layer in layers:
            frame = gpd.read_file(path, layer=layer, engine="pyogrio")
            if not isinstance(frame, gpd.GeoDataFrame):
                continue
            frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
            if target is not None and frame.crs is not None:
                frame = frame.to_crs(target)
            linear = frame.geom_type.isin(["LineString", "MultiLineString"])
            if "component" in frame.columns:
                named = frame[linear & frame["component"].notna()]
                features += _features(named[["component", "geometry"]], "lines")
            if layer.lower() in FOOTPRINTS or len(layers) == 1:
                features += _features(frame[~linear], "footprints")
    except unreadable() as error:
        raise InputError(Fault(place, f"cannot be read ({str(error)[:80]})", str(path),
                               "name a GeoPackage or GeoJSON")) from error  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features})


def _features(frame: Any, layer: str) -> list[dict[str, Any]]:
    found = json.loads(frame.to_json(default=str))["features"] if len(frame) else []
    return [
        {"type": "Feature", "properties": {**f["properties"], "layer": layer},
         "geometry": f["geometry"]}
        for f in found
    ]  # fmt: skip
