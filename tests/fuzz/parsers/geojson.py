"""GeoJSON as a district's drawing and as a layer of an imported map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from citygrid.district.drawing import read_drawing
from citygrid.errors import InputError
from citygrid.imports.layers import read_layer


def _feature(sort: str, at: Any, **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": said, "geometry": {"type": sort, "coordinates": at}}


SEEDS = [
    json.dumps({"type": "FeatureCollection", "features": features}).encode() for features in (
        [_feature("LineString", [[8.6, 50.1], [8.7, 50.1]], component="main"),
         _feature("Polygon", [[[8.6, 50.1], [8.7, 50.1], [8.7, 50.2], [8.6, 50.1]]], height=9)],
        [_feature("Point", [8.6, 50.1], heat=3, name="a"),
         _feature("MultiLineString", [[[8.6, 50.1], [8.7, 50.1, 3.0]]], component=None)],
    )
]  # fmt: skip


def read(data: bytes, folder: Path) -> None:
    path = folder / "map.geojson"
    path.write_bytes(data)
    refusal: InputError | None = None
    try:
        drawn = json.loads(read_drawing(path, "EPSG:25832"))
        assert drawn["type"] == "FeatureCollection"
    except InputError as refused:
        refusal = refused
    faults: list[Any] = []
    frame = read_layer(str(path), ("streets",), faults)
    assert (frame is None) == bool(faults)
    if frame is None:
        raise InputError(faults)
    if refusal is not None:
        raise refusal
