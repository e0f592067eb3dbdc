"""A QGIS project that travels inside a GeoPackage: layers in order, styled, with time and relation.

QGIS lists it as *plan.gpkg › the district's name* and opens everything at once: pipes and cables
over the buildings, components in the colours of the report, the temporal controller set to the
plan's hours, and from every component a relation to its rows in ``dispatch``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from pyproj import CRS

from citygrid.export.gis.markup import escaped

#: Where QGIS keeps the projects of a GeoPackage.
PROJECTS = "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)"
#: Layers from the top of the map downwards, and what they are called there; the view of time is
#: there to be switched on.
TITLES = {
    "assets": "components", "asset_dispatch": "components through time", "nodes": "nodes",
    "data_links": "data links by use", "feeders": "cables by use", "heat_network": "pipes by use",
    "buildings": "buildings",
}  # fmt: skip
HIDDEN = ("asset_dispatch", "nodes")
#: Tables without a place that the project shows, too.
TABLES = {"dispatch": "dispatch, step by step", "kpis": "key figures", "routes": "routes"}


@dataclass(frozen=True)
class Frame:
    """What a project shows: ``file`` as it will be called, ``title``, and the plan's time."""

    file: str
    title: str
    crs: CRS | None
    begin: np.datetime64
    end: np.datetime64
    step_h: float


def project(
    frame: Frame, layers: Mapping[str, gpd.GeoDataFrame], styles: Mapping[str, str],
    tables: Sequence[str],
) -> bytes:  # fmt: skip
    """The zipped project of a GeoPackage with these layers, styles (QML) and tables.

    Renaming the file parts it from its project; the layers keep their styles.
    """
    shown = [name for name in TITLES if name in layers]
    extents = [layer.total_bounds for layer in layers.values() if layer.geometry.notna().any()]
    low, high = np.min([e[:2] for e in extents], axis=0), np.max([e[2:] for e in extents], axis=0)
    aside = 0.05 * max(*(high - low), 1e-9)
    box = (*(low - aside), *(high + aside))
    corners = ("xmin", "ymin", "xmax", "ymax")
    known = [name for name in TABLES if name in tables]
    srs = _srs(frame.crs)
    parts = [
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>",
        f'<qgis projectname="{escaped(frame.title)}" version="3.22.0">',
        f"<title>{escaped(frame.title)}</title>",
        f"<projectCrs>{srs}</projectCrs>",
        "<layer-tree-group><customproperties/>",
        *(_leaf(frame, name, TITLES[name], name not in HIDDEN) for name in shown),
        *(_leaf(frame, name, TABLES[name], True) for name in known),
        "</layer-tree-group>",
        '<mapcanvas name="theMapCanvas" annotationsVisible="1">'
        f"<units>{_units(frame.crs)}</units><extent>"
        + "".join(f"<{n}>{v:.6f}</{n}>" for n, v in
                  zip(corners, box, strict=True))
        + f"</extent><rotation>0</rotation><destinationsrs>{srs}</destinationsrs></mapcanvas>",
        "<relations>", _relation(known, shown), "</relations>",
        "<projectlayers>",
        *(_layer(frame, name, TITLES[name], _geometry(layers[name]), styles.get(name, ""))
          for name in shown),
        *(_layer(frame, name, TABLES[name], "No geometry", "") for name in known),
        "</projectlayers>",
        "<layerorder>" + "".join(f'<layer id="{identity(name)}"/>' for name in shown)
        + "</layerorder>",
        # Without the first of these QGIS ignores the coordinate system.
        '<properties><SpatialRefSys><ProjectionsEnabled type="int">1</ProjectionsEnabled>'
        '</SpatialRefSys><Paths><Absolute type="bool">false</Absolute></Paths></properties>',
        '<ProjectViewSettings UseProjectScales="0"><Scales/><DefaultViewExtent '
        + " ".join(f'{n}="{v:.6f}"' for n, v in zip(corners, box, strict=True))
        + f">{srs}</DefaultViewExtent></ProjectViewSettings>",
        f'<ProjectTimeSettings frameRate="2" timeStep="{60 * frame.step_h:g}" timeStepUnit="min" '
        'cumulativeTemporalRange="0"><TemporalRange>'
        f"<start>{_moment(frame.begin)}</start><end>{_moment(frame.end)}</end>"
        "</TemporalRange></ProjectTimeSettings>",
        "</qgis>",
    ]  # fmt: skip
    return _zipped("\n".join(parts))


def identity(name: str) -> str:
    """The id of a layer in the project; relations break where one has ten characters or fewer."""
    return f"citygrid_{name}"


def _zipped(text: str) -> bytes:
    """The project as QGIS stores it; the same text gives the same bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("plan.qgs", (1980, 1, 1, 0, 0, 0)), text,
                         zipfile.ZIP_DEFLATED)  # fmt: skip
    return held.getvalue()


def _source(frame: Frame, name: str) -> str:
    return escaped(f"./{frame.file}|layername={name}")


def _leaf(frame: Frame, name: str, title: str, checked: bool) -> str:
    return (
        f'<layer-tree-layer id="{identity(name)}" name="{escaped(title)}" '
        f'checked="Qt::{"Checked" if checked else "Unchecked"}" expanded="0" providerKey="ogr" '
        f'source="{_source(frame, name)}"><customproperties/></layer-tree-layer>'
    )


def _layer(frame: Frame, name: str, title: str, geometry: str, style: str) -> str:
    srs = "" if geometry == "No geometry" else f"<srs>{_srs(frame.crs)}</srs>"
    return (
        f'<maplayer type="vector" geometry="{geometry}" styleCategories="AllStyleCategories">'
        f"<id>{identity(name)}</id><datasource>{_source(frame, name)}</datasource>"
        f'<layername>{escaped(title)}</layername>{srs}<provider encoding="UTF-8">ogr</provider>'
        f"{_inside(style)}</maplayer>"
    )


def _inside(style: str) -> str:
    """What a QML document says of its layer."""
    found = re.search(r"<qgis [^>]*>(.*)</qgis>", style, re.DOTALL)
    return found[1] if found else ""


def _relation(tables: Sequence[str], layers: Sequence[str]) -> str:
    if "dispatch" not in tables or "assets" not in layers:
        return ""
    return (
        '<relation id="citygrid_steps" name="dispatch of the component" strength="Association" '
        f'referencingLayer="{identity("dispatch")}" referencedLayer="{identity("assets")}">'
        '<fieldRef referencingField="asset_id" referencedField="asset_id"/></relation>'
    )


def _geometry(layer: gpd.GeoDataFrame) -> str:
    """The word by which QGIS knows a layer's geometry."""
    kinds = {str(kind).removeprefix("Multi") for kind in layer.geom_type.dropna()}
    words = {"Point": "Point", "LineString": "Line", "Polygon": "Polygon"}
    return words.get(next(iter(kinds)), "Point") if len(kinds) == 1 else "Point"


def _srs(crs: CRS | None) -> str:
    if crs is None:
        return "<spatialrefsys><wkt></wkt></spatialrefsys>"
    authority = crs.to_authority()
    code = "" if authority is None else (
        f"<srid>{escaped(authority[1])}</srid><authid>{escaped(':'.join(authority))}</authid>"
    )  # fmt: skip
    return (
        f"<spatialrefsys><wkt>{escaped(crs.to_wkt())}</wkt>{code}"
        f"<description>{escaped(crs.name)}</description></spatialrefsys>"
    )


def _units(crs: CRS | None) -> str:
    return "degrees" if crs is not None and crs.is_geographic else "meters"


def _moment(stamp: np.datetime64) -> str:
    return f"{stamp.astype('datetime64[s]')}Z"
