"""CityJSON 2.0: a plan among the buildings of a city model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from citygrid.district.case import Case
from citygrid.export.gis.layers import plan_layers, said
from citygrid.export.subject import Subject
from citygrid.files import whole

#: Size of the last digit that is kept: a millimetre, or a centimetre in degrees.
METRIC, DEGREES = 1e-3, 1e-7
#: What the layers are in a city model. It has no word for pipes and cables, which are furniture of
#: the street; nodes say nothing that the components do not say, and stay out.
FURNITURE = "CityFurniture"
CLASSES = {"buildings": "Building", "heat_network": FURNITURE, "feeders": FURNITURE,
           "data_links": FURNITURE, "assets": FURNITURE}  # fmt: skip
#: Column of the footprints that says how high a building is [m]; with it the building is a block.
HEIGHT = "height"
#: A corner, as it goes in; its number among the vertices, as it comes out.
Number = Callable[[tuple[float, float], float], int]


def write_cityjson(subject: Subject, path: Path) -> None:
    """Write one CityJSON 2.0 file: buildings, components, pipes and cables with their figures.

    A component is a point, a line its course, both of level of detail 0; a building is its
    footprint, or a block (level 1) where the district's drawing has its ``height`` [m]. Ground is
    at 0, since a district knows no terrain. Raises :class:`InputError` where the district has no
    positions.
    """
    layers = plan_layers(subject, "CityJSON")
    crs = next(iter(layers.values())).crs
    scale = DEGREES if crs is not None and crs.is_geographic else METRIC
    corners: dict[tuple[int, int, int], int] = {}
    extents = [each.total_bounds for each in layers.values() if len(each)]
    low = np.floor(np.min([extent[:2] for extent in extents], axis=0))

    def number(at: tuple[float, float], height: float) -> int:
        corner = (round((at[0] - low[0]) / scale), round((at[1] - low[1]) / scale),
                  round(height / METRIC))  # fmt: skip
        return corners.setdefault(corner, len(corners))

    objects = {
        f"{name}-{i}": {"type": _class(kind, shape), "attributes": attributes, "geometry": shape}
        for name, kind in CLASSES.items() if name in layers
        for i, (attributes, shape) in enumerate(_objects(layers[name], number), 1)
    }  # fmt: skip
    document: dict[str, Any] = {
        "type": "CityJSON", "version": "2.0",
        "transform": {"scale": [scale, scale, METRIC], "translate": [*map(float, low), 0.0]},
        "metadata": _metadata(subject.case, layers["nodes"]),
        "CityObjects": objects, "vertices": [list(corner) for corner in corners],
    }  # fmt: skip
    with whole(Path(path)) as temporary:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _class(kind: str, shape: list[dict[str, Any]]) -> str:
    """A building has surfaces; a consumer that is drawn as a point is a thing in the street."""
    flat = any(each["type"] in ("MultiPoint", "MultiLineString") for each in shape)
    return FURNITURE if flat else kind


def _metadata(case: Case, layer: gpd.GeoDataFrame) -> dict[str, Any]:
    """Title, first day of the plan, and the coordinate system where it has a number."""
    found: dict[str, Any] = {
        "title": case.name, "referenceDate": str(case.time[0].astype("datetime64[D]")),
    }  # fmt: skip
    authority = None if layer.crs is None else layer.crs.to_authority()
    if authority is not None:
        name, code = authority
        found["referenceSystem"] = f"https://www.opengis.net/def/crs/{name}/0/{code}"
    return found


def _objects(
    layer: gpd.GeoDataFrame, number: Number
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Attributes and geometry of every feature."""
    names = [name for name in layer.columns if name != layer.geometry.name]
    for row, shape in zip(layer[names].to_dict("records"), layer.geometry, strict=True):
        drawn = None if shape.is_empty else _shape(shape, row.get(HEIGHT), number)
        yield said(row), [] if drawn is None else [drawn]


def _shape(shape: BaseGeometry, height: Any, number: Number) -> dict[str, Any] | None:
    parts = list(getattr(shape, "geoms", [shape]))
    if all(isinstance(part, Point) for part in parts):
        return {"type": "MultiPoint", "lod": "0",
                "boundaries": [number(part.coords[0][:2], 0.0) for part in parts]}  # fmt: skip
    if all(isinstance(part, LineString) for part in parts):
        lines = [[number(at[:2], 0.0) for at in part.coords] for part in parts]
        return {"type": "MultiLineString", "lod": "0", "boundaries": lines}
    if not all(isinstance(part, Polygon) for part in parts):
        return None
    if isinstance(height, (int, float, np.number)) and 0.0 < float(height) < np.inf:
        blocks = [_block(part, float(height), number) for part in parts]
        if len(blocks) == 1:
            return {"type": "Solid", "lod": "1", "boundaries": blocks}
        # A building is one solid or surfaces; the standard has no building of several solids.
        return {"type": "MultiSurface", "lod": "1",
                "boundaries": [surface for block in blocks for surface in block]}  # fmt: skip
    return {"type": "MultiSurface", "lod": "0",
            "boundaries": [_rings(part, 0.0, number) for part in parts]}  # fmt: skip


def _rings(part: Polygon, height: float, number: Number) -> list[list[int]]:
    """The rings of a surface that looks upwards, none of them closed by its first corner."""
    turned = orient(part)
    return [
        [number(at[:2], height) for at in ring.coords[:-1]]
        for ring in (turned.exterior, *turned.interiors)
    ]


def _block(part: Polygon, height: float, number: Number) -> list[list[list[int]]]:
    """Floor, roof and walls of a building; every surface looks outwards."""
    below, above = _rings(part, 0.0, number), _rings(part, height, number)
    walls = [
        [[low[i], low[i + 1 - len(low)], high[i + 1 - len(low)], high[i]]]
        for low, high in zip(below, above, strict=True) for i in range(len(low))
    ]  # fmt: skip
    return [[ring[::-1] for ring in below], above, *walls]
