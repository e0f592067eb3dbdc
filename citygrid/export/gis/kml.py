"""KML: a plan on a globe.

Written here and not by GDAL, whose driver wraps names in CDATA sections: what a component is called
must neither end such a section nor be taken for HTML by a globe.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from citygrid.export.gis.layers import DECIMALS, plan_layers, said
from citygrid.export.gis.markup import inert
from citygrid.export.palette import CLASSES, SHADES, SHADES_DATA, SHADES_POWER
from citygrid.export.subject import Subject
from citygrid.files import whole

SPACE = "http://www.opengis.net/kml/2.2"
#: Layer of lines → its shades, from idle to full.
LINES = {"heat_network": SHADES, "feeders": SHADES_POWER, "data_links": SHADES_DATA}


def write_kml(subject: Subject, path: Path) -> None:
    """Write one KML 2.2 file: a folder per layer, lines coloured by use, figures as data.

    Places are longitude and latitude (WGS 84). Raises :class:`InputError` where the district has no
    positions, or none in a known system.
    """
    layers = plan_layers(subject, "KML", world=True)
    ElementTree.register_namespace("", SPACE)
    root = Element(f"{{{SPACE}}}kml")
    document = _add(root, "Document")
    _add(document, "name", subject.case.name)
    for layer, shades in LINES.items():
        if layer not in layers:
            continue
        for number, shade in enumerate(shades):
            style = _add(_add(document, "Style", id=f"{layer}-{number}"), "LineStyle")
            # A colour is alpha, blue, green, red.
            _add(style, "color", f"ff{shade[5:7]}{shade[3:5]}{shade[1:3]}".lower())
            _add(style, "width", "3")
    for name, layer in layers.items():
        folder = _add(document, "Folder")
        _add(folder, "name", name)
        columns = [column for column in layer.columns if column != layer.geometry.name]
        for row, shape in zip(layer[columns].to_dict("records"), layer.geometry, strict=True):
            _placemark(folder, name, said(row), shape)
    with whole(Path(path)) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)


def _add(parent: Element, tag: str, text: Any = None, **attributes: str) -> Element:
    child = SubElement(parent, f"{{{SPACE}}}{tag}", attributes)
    if text is not None:
        child.text = inert(str(text))
    return child


def _placemark(folder: Element, layer: str, figures: dict[str, Any], shape: BaseGeometry) -> None:
    mark = _add(folder, "Placemark")
    _add(mark, "name", figures.get("name", figures.get("node", "")))
    if layer in LINES:
        use = figures.get("mean_used")
        number = 0 if use is None else 1 + int(np.searchsorted(CLASSES, use))
        _add(mark, "styleUrl", f"#{layer}-{number}")
    data = _add(mark, "ExtendedData")
    for key, value in figures.items():
        _add(_add(data, "Data", name=inert(key)), "value", value)
    parts = list(_drawn(shape))
    holder = _add(mark, "MultiGeometry") if len(parts) > 1 else mark
    holder.extend(parts)


def _drawn(shape: BaseGeometry) -> Iterator[Element]:
    """Points, lines and areas of a shape."""
    for part in getattr(shape, "geoms", [shape]):
        if isinstance(part, (Point, LineString)):
            found = Element(f"{{{SPACE}}}{part.geom_type}")
            _add(found, "coordinates", _text(part.coords))
            yield found
        elif isinstance(part, Polygon):
            found = Element(f"{{{SPACE}}}Polygon")
            rings = [("outerBoundaryIs", part.exterior)]
            rings += [("innerBoundaryIs", hole) for hole in part.interiors]
            for name, ring in rings:
                _add(_add(_add(found, name), "LinearRing"), "coordinates", _text(ring.coords))
            yield found


def _text(coordinates: Any) -> str:
    return " ".join(f"{at[0]:.{DECIMALS}f},{at[1]:.{DECIMALS}f}" for at in coordinates)
