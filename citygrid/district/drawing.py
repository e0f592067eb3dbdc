"""The drawn network of a district: the courses of its lines and its footprints, as GeoJSON text.

The text travels in the case, so that a plan is drawn on its real streets on every machine.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.inputs.maps import layers_of, misplaced, read_layer_of

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


def read_drawing(path: Path, crs: str | None, place: str = "geometry") -> str:
    """The parts of a GeoPackage or GeoJSON file that a map of the district needs.

    Lines that name their ``component``, and areas or points of a layer of footprints (or of the
    only layer), in the district's ``crs`` where both are known. Returns a FeatureCollection whose
    features say their ``layer``. Raises :class:`InputError` where the file cannot be read.
    """
    import geopandas as gpd
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
        layers = layers_of(path)
        for layer in layers:
            frame = read_layer_of(path, layer)
            if not isinstance(frame, gpd.GeoDataFrame):
                continue
            frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
            if fault := misplaced(path.name, frame):
                raise InputError(fault.within(place))
            if target is not None and frame.crs is not None:
                frame = frame.to_crs(target)
            linear = frame.geom_type.isin(["LineString", "MultiLineString"])
            if "component" in frame.columns:
                named = frame[linear & frame["component"].notna()]
                features += _features(named[["component", "geometry"]], "lines")
            if layer.lower() in FOOTPRINTS or len(layers) == 1:
                features += _features(frame[~linear], "footprints")
    except ValueError as error:
        raise InputError(Fault.of(error, place, str(path))) from error
    return json.dumps({"type": "FeatureCollection", "features": features})


def _features(frame: Any, layer: str) -> list[dict[str, Any]]:
    found = json.loads(frame.to_json(default=str))["features"] if len(frame) else []
    return [
        {"type": "Feature", "properties": {**f["properties"], "layer": layer},
         "geometry": f["geometry"]}
        for f in found
    ]  # fmt: skip
