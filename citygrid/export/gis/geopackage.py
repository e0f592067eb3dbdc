"""GeoPackage: a plan as layers and tables in one styled file that QGIS and ArcGIS open."""

from __future__ import annotations

import json
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from citygrid.district.case import Case
from citygrid.export.gis.layers import geometry_type, layers_of
from citygrid.export.gis.project import PROJECTS, Frame, project
from citygrid.export.gis.styles import LAYER_STYLES, styles
from citygrid.export.subject import Subject
from citygrid.export.tables import job_table, kpi_table, ledger_table, provenance_table
from citygrid.files import dated, whole

#: GeoPackage 1.2 is what the GDAL of long-term QGIS reads without a warning.
DATASET_OPTIONS = {"VERSION": "1.2"}
LAYER_OPTIONS = {"DATETIME_PRECISION": "MILLISECOND"}

#: The view that QGIS's temporal controller plays: a component's place with its every step.
VIEW = """
CREATE VIEW asset_dispatch AS
SELECT d.fid AS fid, a.geom AS geom, d.asset_id AS asset_id, a.name AS name, a.kind AS kind,
       a."group" AS "group", d.start_time AS start_time, d.end_time AS end_time,
       {figures}
FROM dispatch d JOIN assets a ON a.asset_id = d.asset_id WHERE a.geom IS NOT NULL
"""


def write_geopackage(subject: Subject, path: Path) -> None:
    """Write ``plan.gpkg``, whole or not at all; the same plan gives the same bytes.

    Layers in the district's coordinate system: ``buildings`` (footprints, if given),
    ``heat_network``, ``feeders``, ``data_links``, ``nodes``, ``assets`` (components of one node a
    few metres apart). Tables: ``dispatch`` (one row per component and step; an interval ends a
    millisecond before the next begins, so that a map shows one step at a time), ``kpis``,
    ``ledger``, ``jobs``, ``provenance`` and, of a comparison, ``routes``. ``asset_dispatch`` joins
    places and steps for a player of time, and a QGIS project that shows it all is inside
    (:mod:`.project`), for the file's own name. Without positions only the tables are written, and
    ``provenance`` says so.
    """
    case, plan, verdict = subject.case, subject.plan, subject.verdict
    geometry = subject.geometry
    steps = subject.steps.assign(end_time=subject.steps["end_time"] - np.timedelta64(1, "ms"))
    rows = {
        "dispatch": _texts(steps),
        "kpis": kpi_table(verdict),
        "ledger": ledger_table(verdict),
        "provenance": provenance_table(case, plan, verdict, *geometry.notes),
    }
    jobs = job_table(case, plan)
    if len(jobs):
        rows["jobs"] = jobs
    if subject.routes is not None:
        rows["routes"] = _typed(subject.routes)
    layers = layers_of(case, geometry, subject.assets) if geometry.known else {}
    with whole(Path(path)) as temporary, dated(stamp_of(case)):
        temporary.unlink()
        for name, layer in layers.items():
            write_layer(layer, temporary, name)
        for name, table in rows.items():
            write_layer(table, temporary, name)
        with closing(finishing(temporary)) as database, database:
            _finish(database, case, layers, steps, Path(path).name, list(rows))


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Categories as texts, which is what a GeoPackage holds."""
    return table.astype({
        name: object for name in table.columns
        if isinstance(table[name].dtype, pd.CategoricalDtype)
    })  # fmt: skip


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """A column in which nothing is known as numbers, which are all that it could hold."""
    return table.astype({
        name: float for name in table.columns if table[name].isna().all()
    })  # fmt: skip


def write_layer(frame: pd.DataFrame, path: Path, layer: str) -> None:
    """Add a table, or a layer if it has places, to a GeoPackage; times are UTC."""
    stamps = frame.columns[frame.dtypes == "datetime64[ns]"]
    frame = frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in stamps})
    with warnings.catch_warnings():
        # A district may have positions in a plane of its own.
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        warnings.filterwarnings("ignore", "A geometry of type", RuntimeWarning)
        pyogrio.write_dataframe(
            frame, path, layer=layer, driver="GPKG", append=path.exists(),
            use_arrow=len(frame) > 0, dataset_options=DATASET_OPTIONS,
            layer_options=LAYER_OPTIONS,
            **({"geometry_type": geometry_type(frame)} if isinstance(frame, gpd.GeoDataFrame)
               else {}),
        )  # fmt: skip


def stamp_of(case: Case) -> str:
    """The first step as a GeoPackage writes instants."""
    return f"{case.time[0].astype('datetime64[ms]')}Z"


# styles and the view of time --------------------------------------------------------------------


def finishing(path: Path) -> sqlite3.Connection:
    """A GeoPackage that is being made, for what GDAL does not write; see :func:`dated`."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database


def _finish(
    database: sqlite3.Connection, case: Case, layers: dict[str, gpd.GeoDataFrame],
    steps: pd.DataFrame, file: str, tables: list[str],
) -> None:  # fmt: skip
    """Add indices, styles, the view and the project that the writer of layers knows nothing of."""
    database.execute("CREATE INDEX dispatch_asset ON dispatch (asset_id, start_time)")
    stamp = stamp_of(case)
    if "assets" in layers and layers["assets"].geometry.notna().any():
        figures = ", ".join(
            f'd."{name}"' for name in steps.columns
            if name.endswith(("_kw", "_kwh")) or name == "used"
        )  # fmt: skip
        database.execute(VIEW.format(figures=figures))
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, min_x, min_y, max_x, max_y, srs_id) SELECT 'asset_dispatch', "
            "'features', 'asset_dispatch', 'components with their every step', ?, min_x, min_y, "
            "max_x, max_y, srs_id FROM gpkg_contents WHERE table_name = 'assets'", (stamp,),
        )  # fmt: skip
        database.execute(
            "INSERT INTO gpkg_geometry_columns SELECT 'asset_dispatch', column_name, "
            "geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns "
            "WHERE table_name = 'assets'"
        )
    if not layers:
        return
    database.execute(LAYER_STYLES)
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, "
        "srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)", (stamp,),
    )  # fmt: skip
    drawn = styles(layers)
    _add_project(database, case, layers, drawn, file, tables)
    for layer, qml in drawn.items():
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
            "ui, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', NULL, ?)",
            (layer, f"citygrid {layer}", qml, stamp),
        )


def _add_project(
    database: sqlite3.Connection, case: Case, layers: dict[str, gpd.GeoDataFrame],
    drawn: dict[str, str], file: str, tables: list[str],
) -> None:  # fmt: skip
    """The QGIS project, as QGIS stores one: name, time of change, a zip in hexadecimals."""
    shown = dict(layers)
    if "assets" in layers and layers["assets"].geometry.notna().any():
        shown["asset_dispatch"] = layers["assets"]
    frame = Frame(file, case.name, next(iter(layers.values())).crs, case.time[0], case.ends[-1],
                  case.step)  # fmt: skip
    changed = json.dumps({"last_modified_time": stamp_of(case), "last_modified_user": "citygrid"})
    database.execute(PROJECTS)
    database.execute("INSERT INTO qgis_projects VALUES (?, ?, ?)",
                     (case.name, changed, project(frame, shown, drawn, tables).hex()))  # fmt: skip
