"""Styles that travel inside a GeoPackage, as QGIS reads them from ``layer_styles``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import geopandas as gpd

from citygrid.export.gis.markup import escaped
from citygrid.export.palette import CLASSES, SHADES, SHADES_DATA, SHADES_POWER, look

LAYER_STYLES = """
CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT,
f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT,
styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT,
update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
"""

#: QGIS shapes that tell groups apart without colour.
SHAPES = {"heat": "circle", "power": "square", "compute": "diamond", "demand": "triangle",
          "renewable": "star", "cooling": "hexagon", "fuel": "pentagon"}  # fmt: skip


def styles(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, str]:
    """QML for every layer that has a style of its own, and for the view of time."""
    found = {}
    if "buildings" in layers:
        found["buildings"] = _buildings(layers["buildings"])
    if "heat_network" in layers:
        found["heat_network"] = _graded(SHADES, 1.6, "solid", 0.0)
    if "feeders" in layers:
        # Beside the pipes that lie in the same street.
        found["feeders"] = _graded(SHADES_POWER, 0.7, "dash", 1.4)
    if "data_links" in layers:
        found["data_links"] = _graded(SHADES_DATA, 0.7, "dot", -1.4)
    if "nodes" in layers:
        found["nodes"] = _document(
            '<renderer-v2 type="singleSymbol" forceraster="0" symbollevels="0" enableorderby="0">'
            f"<symbols>{_marker('0', 'circle', '#FFFFFF', 1.8)}</symbols></renderer-v2>"
        )
    if "assets" in layers:
        pairs = dict.fromkeys(zip(layers["assets"]["kind"], layers["assets"]["group"], strict=True))
        found["assets"] = _categorised(pairs, "")
        # Played through time, a component is as large as its share of capacity in use.
        found["asset_dispatch"] = _categorised(
            pairs, "2 + 6 * coalesce(&quot;used&quot;, 0.3)", True
        )
    return found


def _document(renderer: str, extra: str = "") -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22.0" styleCategories="Symbology|Temporal">'
        f"{extra}{renderer}<blendMode>0</blendMode><layerOpacity>1</layerOpacity></qgis>"
    )


def _colour(text: str) -> str:
    return ",".join(str(int(text[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"


def _options(options: Mapping[str, str]) -> str:
    inner = "".join(
        f'<Option name="{name}" value="{escaped(value)}" type="QString"/>'
        for name, value in options.items()
    )
    return f'<Option type="Map">{inner}</Option>'


def _symbol(kind: str, name: str, layer: str, options: Mapping[str, str], size: str = "") -> str:
    properties = (
        '<data_defined_properties><Option type="Map">'
        '<Option name="name" value="" type="QString"/><Option name="properties" type="Map">'
        '<Option name="size" type="Map"><Option name="active" value="true" type="bool"/>'
        f'<Option name="expression" value="{size}" type="QString"/>'
        '<Option name="type" value="3" type="int"/></Option></Option>'
        '<Option name="type" value="collection" type="QString"/></Option>'
        "</data_defined_properties>"
        if size
        else ""
    )
    return (
        f'<symbol alpha="1" type="{kind}" name="{escaped(name)}" clip_to_extent="1" '
        f'force_rhr="0"><layer class="{layer}" enabled="1" locked="0" pass="0">'
        f"{_options(options)}{properties}</layer></symbol>"
    )


def _marker(name: str, shape: str, fill: str, millimetres: float, size: str = "") -> str:
    return _symbol("marker", name, "SimpleMarker", {
        "name": shape, "color": _colour(fill), "outline_color": "35,35,35,255",
        "outline_width": "0.3", "size": f"{millimetres:g}", "size_unit": "MM",
    }, size)  # fmt: skip


def _categorised(pairs: Iterable[tuple[str, str]], size: str, temporal: bool = False) -> str:
    pairs = list(pairs)
    known = tuple(kind for kind, _ in pairs)
    categories, symbols = "", ""
    for i, (kind, group) in enumerate(pairs):
        drawn = look(kind, known)
        categories += (f'<category value="{escaped(kind)}" symbol="{i}" '
                       f'label="{escaped(drawn.label)}" render="true" type="string"/>')  # fmt: skip
        symbols += _marker(str(i), SHAPES.get(group, "circle"), drawn.fill, 3.6, size)
    # A step of the table is an interval with a start and an end.
    moving = (
        '<temporal enabled="1" mode="2" startField="start_time" endField="end_time" '
        'startExpression="" endExpression="" durationField="" durationUnit="min" '
        'accumulate="0" fixedDuration="0" limitMode="0"/>'
        if temporal
        else ""
    )
    return _document(
        '<renderer-v2 type="categorizedSymbol" attr="kind" forceraster="0" symbollevels="0" '
        f'enableorderby="0"><categories>{categories}</categories>'
        f"<symbols>{symbols}</symbols></renderer-v2>", moving,
    )  # fmt: skip


def marked_style(layer: str, by: str, colours: Mapping[str, str]) -> str:
    """QML of a layer (``lines`` or points) with a colour per value of the column ``by``."""
    categories, symbols = "", ""
    for i, (value, colour) in enumerate(colours.items()):
        categories += (f'<category value="{escaped(value)}" symbol="{i}" '
                       f'label="{escaped(value)}" render="true" type="string"/>')  # fmt: skip
        symbols += _symbol("line", str(i), "SimpleLine", {
            "line_color": _colour(colour), "line_width": "1.2", "line_width_unit": "MM",
            "capstyle": "round", "joinstyle": "round",
        }) if layer == "lines" else _marker(str(i), "circle", colour, 3.6)  # fmt: skip
    return _document(
        f'<renderer-v2 type="categorizedSymbol" attr="{escaped(by)}" forceraster="0" '
        f'symbollevels="0" enableorderby="0"><categories>{categories}</categories>'
        f"<symbols>{symbols}</symbols></renderer-v2>"
    )


def _graded(shades: tuple[str, ...], width: float, dash: str, aside: float) -> str:
    ranges, symbols = "", ""
    low = 0.0
    for i, (high, shade) in enumerate(zip(CLASSES, shades[1:], strict=True)):
        top = min(high, 1e6)
        label = f"{low:.0%} to {high:.0%}" if high < 1 else f"above {low:.0%}"
        ranges += (f'<range lower="{low:.6f}" upper="{top:.6f}" symbol="{i}" '
                   f'label="{label}" render="true"/>')  # fmt: skip
        symbols += _symbol("line", str(i), "SimpleLine", {
            "line_color": _colour(shade), "line_width": f"{width:g}", "line_width_unit": "MM",
            "offset": f"{aside:g}", "offset_unit": "MM",
            "line_style": dash, "capstyle": "round", "joinstyle": "round",
        })  # fmt: skip
        low = top
    return _document(
        '<renderer-v2 type="graduatedSymbol" attr="mean_used" graduatedMethod="GraduatedColor" '
        f'forceraster="0" symbollevels="0" enableorderby="0"><ranges>{ranges}</ranges>'
        f"<symbols>{symbols}</symbols></renderer-v2>"
    )


def _buildings(layer: gpd.GeoDataFrame) -> str:
    if layer.geom_type.isin(["Point", "MultiPoint"]).any():
        symbol = _marker("0", "square", "#D8D3CB", 1.2)
    else:
        symbol = _symbol("fill", "0", "SimpleFill", {
            "color": _colour("#E4DFD7"), "outline_color": _colour("#B9B2A8"),
            "outline_width": "0.15", "style": "solid",
        })  # fmt: skip
    return _document(
        '<renderer-v2 type="singleSymbol" forceraster="0" symbollevels="0" enableorderby="0">'
        f"<symbols>{symbol}</symbols></renderer-v2>"
    )
