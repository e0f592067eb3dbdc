"""A map on which components are coloured by what a study found of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd

from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.export.gis.geometry import Geometry, locate
from citygrid.export.gis.geopackage import finishing, stamp_of, write_layer
from citygrid.export.gis.styles import LAYER_STYLES, marked_style
from citygrid.files import dated, whole


def marked_layers(table: pd.DataFrame, geometry: Geometry) -> dict[str, gpd.GeoDataFrame]:
    """``lines`` and ``points``: the rows of a table that have a place, by their ``name``."""
    layers = {}
    for layer, places in (("lines", geometry.lines), ("points", geometry.points)):
        part = table[table["name"].isin(list(places))]
        if len(part):
            shapes = [places[name] for name in part["name"]]
            layers[layer] = gpd.GeoDataFrame(part, geometry=shapes, crs=geometry.crs)
    return layers


def write_marked(
    case: Case, table: pd.DataFrame, path: Path, colours: Mapping[str, str], by: str
) -> None:
    """Write the rows of ``table`` (one per component, ``name``) as a styled GeoPackage.

    ``colours`` are value of the column ``by`` → colour (#rrggbb). Raises :class:`InputError` where
    the district has no positions.
    """
    geometry = locate(case)
    layers = marked_layers(table, geometry)
    if not layers:
        raise InputError(Fault(case.name, "no node has a position, so there is no map", None,
                               "give the nodes `at: [x, y]`"))  # fmt: skip
    stamp = stamp_of(case)
    with whole(Path(path)) as temporary, dated(stamp):
        temporary.unlink()
        for name, layer in layers.items():
            write_layer(layer, temporary, name)
        with closing(finishing(temporary)) as database, database:
            database.execute(LAYER_STYLES)
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
                "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', "
                "?, 0)", (stamp,),
            )  # fmt: skip
            for name in layers:
                database.execute(
                    "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                    "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                    "owner, ui, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', "
                    "NULL, ?)", (name, f"citygrid {name}", marked_style(name, by, colours), stamp),
                )  # fmt: skip
