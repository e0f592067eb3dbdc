"""Files of the corpus that git should not keep: binary, large, deep, or no files at all.

Each function writes one file at the path that it is given; what stands in the table under the same
family and name is what is wrong with it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import sqlite3
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

HOSTS = Path(__file__).resolve().parent / "hosts"

Maker = Callable[[Path], None]
MAKERS: dict[tuple[str, str], Maker] = {}
#: Steps of the hosts' horizon, and the values of a series over it.
HOURS = [f"2023-01-16T0{hour}:00" for hour in range(3)]
VALUES = [10.0, 20.0, 30.0]


def of(family: str, name: str) -> Maker | None:
    """What makes a case, where it is made."""
    return MAKERS.get((family, name))


def made(*names: str) -> Callable[[Maker], Maker]:
    """Register a maker under ``family/name``."""

    def register(maker: Maker) -> Maker:
        for name in names:
            family, _, file = name.partition("/")
            MAKERS[family, file] = maker
        return maker

    return register


def with_values(maker: Callable[..., None], family: str, **values: Any) -> None:
    """Register one maker under several names, each with its value."""
    for name, value in values.items():
        file = name.replace("__", ".")
        MAKERS[family, file] = partial(maker, value=value)


# what is no file --------------------------------------------------------------------------------


@made("district/pipe.yaml", "series/pipe.csv", "weather/pipe.epw", "jobs/pipe.csv",
      "map/pipe.geojson", "geometry/pipe.geojson", "answer/pipe.json", "plan/pipe.nc",
      "esdl/pipe.esdl", "pandapipes/pipe.json", "pypsa/pipe.nc")  # fmt: skip
def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@made("district/circle.yaml", "series/circle.csv")
def a_link_in_circles(path: Path) -> None:
    path.symlink_to(path)


@made("district/nothing.yaml")
def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere.yaml")


@made("district/folder.yaml", "series/folder.csv", "map/folder.gpkg", "plan/folder.nc")
def a_folder(path: Path) -> None:
    path.mkdir()


@made("district/socket.yaml")
def a_socket(path: Path) -> None:
    # A socket's own path must be short, and that of a test's folder is not.
    with tempfile.TemporaryDirectory() as short:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"{short}/s")
        shutil.move(f"{short}/s", path)


@made("series/gigabyte.csv", "weather/gigabyte.epw", "map/gigabyte.geojson")
def a_gigabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"time,load [kW]\n" if path.suffix == ".csv" else b"{")
        file.truncate(2**30)


# texts that are too much ------------------------------------------------------------------------


@made("district/depth_5000.yaml")
def deep_yaml(path: Path) -> None:
    path.write_text("name: " + "[" * 5000 + "]" * 5000 + "\n")


@made("district/too_large.yaml")
def large_yaml(path: Path) -> None:
    path.write_text("name: corpus\n# " + "x" * 11_000_000 + "\n")


@made("district/many_values.yaml")
def many_values(path: Path) -> None:
    path.write_text("name: corpus\nnodes: [" + "1, " * 200_000 + "1]\n")


@made("series/many_rows.csv")
def many_rows(path: Path) -> None:
    path.write_text("time,load [kW]\n" + "2023-01-16T00:00Z,1\n" * 1_100_000)


@made("series/many_columns.csv")
def many_columns(path: Path) -> None:
    path.write_text("time" + ",load" * 20_000 + "\n2023-01-16T00:00Z" + ",1" * 20_000 + "\n")


@made("weather/deep.json", "answer/deep.json")
def deep_json(path: Path) -> None:
    path.write_text("[" * 100_000 + "]" * 100_000)


@made("map/deep.geojson")
def deep_geojson(path: Path) -> None:
    inner = "[" * 100_000 + "]" * 100_000
    path.write_text('{"type": "FeatureCollection", "features": ' + inner + "}")


@made("esdl/deep.esdl")
def deep_xml(path: Path) -> None:
    path.write_text('<?xml version="1.0"?>' + "<area>" * 100_000 + "</area>" * 100_000)


# Parquet ----------------------------------------------------------------------------------------


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names, arrays = zip(*columns.items(), strict=True)
    pq.write_table(pa.table(list(arrays), names=[name.strip("'") for name in names]), path,
                   **options)  # fmt: skip


def stamps(zone: str | None = "UTC") -> Any:
    import pyarrow as pa

    moments = [datetime.fromisoformat(hour).replace(tzinfo=UTC) for hour in HOURS]
    return pa.array(moments, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone))


@made("series/bomb.parquet", "jobs/bomb.parquet")
def many_equal_rows(path: Path) -> None:
    """Equal values take no room: 16 million rows of two columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 2_000_000
    table = pa.table({"time": pa.array(np.zeros(rows, "datetime64[us]")),
                      "load [kW]": pa.array(np.zeros(rows))})  # fmt: skip
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(8):
            writer.write_table(table)


@made("series/cut.parquet")
def half_a_parquet(path: Path) -> None:
    parquet(path, {"time": stamps(), "load [kW]": VALUES})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@made("series/not.parquet", "series/not.nc", "map/not.gpkg", "plan/text.nc")
def plain_words(path: Path) -> None:
    path.write_text("hello\n" * 100)


def parquet_of(path: Path, value: Callable[[Any], dict[str, Any]]) -> None:
    import pyarrow as pa

    parquet(path, value(pa))


with_values(
    parquet_of, "series",
    lists__parquet=lambda pa: {"time": stamps(), "load [kW]": pa.array([[1.0], [2.0], [3.0]])},
    texts__parquet=lambda pa: {"time": stamps(), "load [kW]": pa.array(["few", "some", "many"])},
    doubled_columns__parquet=lambda pa: {
        "time": stamps(), "load [kW]": pa.array(VALUES), "load [kW]'": pa.array(VALUES)},
    nulls__parquet=lambda pa: {"time": stamps(), "load [kW]": pa.array([None, None, None])},
    nans__parquet=lambda pa: {"time": stamps(), "load [kW]": pa.array([1.0, float("nan"), 3.0])},
    pickles__parquet=lambda pa: {
        "time": stamps(), "load [kW]": pa.array([b"cposix\nsystem\n(S'true'\ntR."] * 3)},
    huge_integers__parquet=lambda pa: {
        "time": pa.array([1673827200, 1673830800, 1673834400]), "load [kW]": pa.array(VALUES)},
    naive__parquet=lambda pa: {"time": stamps(None), "load [kW]": pa.array(VALUES)},
    aware__parquet=lambda pa: {"time": stamps("Asia/Kolkata"), "load [kW]": pa.array(VALUES)},
    integers__parquet=lambda pa: {"time": stamps(), "load [MW]": pa.array([0, 1, 0])},
)  # fmt: skip


# netCDF -----------------------------------------------------------------------------------------


def netcdf(path: Path, value: Callable[[Any], None]) -> None:
    """A file with three hours and a load, which ``value`` then changes."""
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        value(file)


def series_in(group: Any, unit: str | None = "kW", time: str = "hours since 2023-01-16",
              calendar: str = "standard", values: Any = VALUES) -> Any:  # fmt: skip
    group.createDimension("time", 3)
    axis = group.createVariable("time", "f8", ("time",))
    axis.units, axis.calendar, axis[:] = time, calendar, [0.0, 1.0, 2.0]
    load = group.createVariable("load", "f8", ("time",), fill_value=-1.0)
    if unit is not None:
        load.units = unit
    load[:] = values
    return load


def _bomb(file: Any) -> None:
    file.createDimension("time", 10**9)
    for name, unit in (("time", "hours since 2023-01-16"), ("load", "kW")):
        file.createVariable(name, "f8", ("time",), zlib=True).units = unit


def _words(file: Any) -> None:
    series_in(file)
    words = file.createVariable("words", str, ("time",))
    words[:] = np.array(["few", "some", "many"], dtype=object)
    file.renameVariable("load", "other")
    file.renameVariable("words", "load")


def _wide(file: Any) -> None:
    file.createDimension("place", 2)
    series_in(file)
    file.renameVariable("load", "other")
    file.createVariable("load", "f8", ("time", "place")).units = "kW"


def _timeless(file: Any) -> None:
    file.createDimension("row", 3)
    file.createVariable("load", "f8", ("row",))[:] = VALUES


def _two_times(file: Any) -> None:
    series_in(file)
    file.createDimension("reference", 3)
    axis = file.createVariable("reference", "f8", ("reference",))
    axis.units, axis[:] = "hours since 2023-01-16", [0.0, 1.0, 2.0]


def _scaled(file: Any) -> None:
    series_in(file).scale_factor = float("nan")


with_values(
    netcdf, "series",
    bomb__nc=_bomb, texts__nc=_words, wide__nc=_wide, timeless__nc=_timeless,
    two_times__nc=_two_times, scaled_to_nan__nc=_scaled, good__nc=series_in,
    calendar_360__nc=partial(series_in, calendar="360_day"),
    missing_values__nc=partial(series_in, values=[10.0, -1.0, 30.0]),
    no_unit__nc=partial(series_in, unit=None), wrong_unit__nc=partial(series_in, unit="kWh"),
    groups__nc=lambda file: series_in(file.createGroup("inside")),
    time_units__nc=partial(series_in, time="fortnights since yesterday"),
)  # fmt: skip
with_values(netcdf, "pypsa", bomb__nc=_bomb)
with_values(netcdf, "plan", another_netcdf__nc=series_in)


@made("series/cut.nc", "pypsa/cut.nc")
def half_a_netcdf(path: Path) -> None:
    netcdf(path, series_in)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@made("series/hdf.nc")
def a_signature_alone(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n")


@made("plan/empty.nc")
def nothing(path: Path) -> None:
    path.write_bytes(b"")


# weather ----------------------------------------------------------------------------------------


def epw_lines(air: str = "5.0", sun: str = "100", month: int = 1) -> list[str]:
    """A typical year of EnergyPlus; ``air`` and ``sun`` are those of 16 January or of a month."""
    head = ["LOCATION,Corpus,-,DEU,corpus,0,50.1,8.7,0.0,112.0", "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0",
            "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0", "COMMENTS 1,made", "COMMENTS 2,made",
            "DATA PERIODS,1,1,Data,Sunday,1/1,12/31"]  # fmt: skip
    first = datetime(2001, 1, 1)
    for hour in range(8760):
        at = first + timedelta(hours=hour)
        own = (at.month, at.day) == (month, 16)
        head.append(
            f"2001,{at.month},{at.day},{at.hour + 1},60,?9,{air if own else '5.0'},1.0,75,101325,0,"
            f"0,300,{sun if own else '100'},50,80,0,0,0,0,180,3.0,5,5,10,77777,9,999999999,100,0.1,"
            "0,88,0.2,0,1"
        )
    return head


def epw(path: Path, value: Callable[[], list[str]]) -> None:
    path.write_text("\n".join(value()) + "\n")


with_values(
    epw, "weather", good__epw=epw_lines, cut__epw=lambda: epw_lines()[:104],
    letters__epw=partial(epw_lines, air="warm"), missing_air__epw=partial(epw_lines, air="99.9"),
    missing_sun__epw=partial(epw_lines, sun="9999"),
    missing_elsewhere__epw=partial(epw_lines, air="99.9", month=7),
)  # fmt: skip


def tmy3(path: Path, value: str) -> None:
    """A typical year of the NREL with an air temperature for 16 January."""
    names = ["Date (MM/DD/YYYY)", "Time (HH:MM)", "GHI (W/m^2)", "DNI (W/m^2)", "DHI (W/m^2)",
             "TotCld (tenths)", "Dry-bulb (C)", "Dew-point (C)", "RHum (%)", "Pressure (mbar)",
             "Wdir (degrees)", "Wspd (m/s)"]  # fmt: skip
    lines = ['724666,"CORPUS",CO,0.0,50.1,8.7,112', ",".join(names)]
    first = datetime(2001, 1, 1)
    for hour in range(8760):
        at = first + timedelta(hours=hour)
        air = value if (at.month, at.day) == (1, 16) else "5.0"
        lines.append(f"{at:%m/%d/%Y},{at.hour + 1:02d}:00,100,50,80,5,{air},1.0,75,1013,180,3.0")
    path.write_text("\n".join(lines) + "\n")


with_values(tmy3, "weather", good__tmy3__csv="5.0", missing__tmy3__csv="-9900")


@made("weather/tilted.csv")
def a_tilted_plane(path: Path) -> None:
    lines = ["Latitude (decimal degrees):\t50.100", "Longitude (decimal degrees):\t8.700",
             "Elevation (m):\t112", "Radiation database:\tPVGIS-SARAH3", "Slope: 35 deg.",
             "Azimuth: 0 deg.", "", "time,Gb(i),Gd(i),Gr(i),H_sun,T2m,WS10m,Int"]  # fmt: skip
    lines += [f"20230116:{hour:02d}10,1.0,2.0,0.0,5.0,3.0,2.0,0.0" for hour in range(24)]
    path.write_text("\n".join([*lines, "", "Gb(i): Beam"]) + "\n")


# maps -------------------------------------------------------------------------------------------


def _frames() -> dict[str, Any]:
    import geopandas as gpd
    import shapely

    at = [(500100.0, 5500010.0), (500190.0, 5500010.0)]
    crs = "EPSG:25832"
    return {
        "streets": gpd.GeoDataFrame(
            {"dn": [50]}, geometry=[shapely.LineString([(500000, 5500000), (500200, 5500000)])],
            crs=crs),
        "consumers": gpd.GeoDataFrame({"name": ["a", "b"], "peak_kw": [10.0, 20.0]},
                                      geometry=[shapely.Point(p) for p in at], crs=crs),
        "source": gpd.GeoDataFrame({"name": ["s"]}, geometry=[shapely.Point(500000, 5500000)],
                                   crs=crs),
    }  # fmt: skip


@cache
def _geopackage() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.gpkg"
        for layer, frame in _frames().items():
            frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
        return path.read_bytes()


def geopackage(path: Path, value: str) -> None:
    """A sound GeoPackage, then statements that its author would not give."""
    path.write_bytes(_geopackage())
    with closing(sqlite3.connect(path)) as base:
        base.executescript("PRAGMA trusted_schema=OFF;\n" + value)


_TRIGGERS = """
    DELETE FROM gpkg_ogr_contents;
    DELETE FROM gpkg_extensions;
"""
_VIEW = (
    _TRIGGERS
    + """
    DROP TRIGGER rtree_consumers_geom_insert;
    CREATE TABLE old AS SELECT * FROM consumers;
    DROP TABLE consumers;
    CREATE VIEW consumers AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
        SELECT x AS fid, geom, name, peak_kw FROM n, old;
"""
)
with_values(
    geopackage, "map", view__gpkg=_VIEW,
    generated__gpkg="ALTER TABLE streets ADD COLUMN bomb AS (zeroblob(1000000000))",
    virtual__gpkg="CREATE VIRTUAL TABLE words USING fts5(body)",
    no_layers__gpkg="DELETE FROM gpkg_geometry_columns; DELETE FROM gpkg_contents",
    empty_layer__gpkg=_TRIGGERS + "".join(
        f"DROP TRIGGER IF EXISTS {name};" for name in (
            "rtree_streets_geom_delete", "trigger_delete_feature_count_streets")
    ) + "DELETE FROM streets",
    unknown_system__gpkg="UPDATE gpkg_spatial_ref_sys SET definition='nowhere', organization="
    "'NONE', organization_coordsys_id=1 WHERE srs_id=25832",
    wal__gpkg="PRAGMA journal_mode=WAL",
)  # fmt: skip
with_values(geopackage, "geometry", view__gpkg=_VIEW)


@made("map/cut.gpkg", "geometry/cut.gpkg")
def half_a_geopackage(path: Path) -> None:
    path.write_bytes(_geopackage()[: len(_geopackage()) // 2])


def shapefile(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _frames()["streets"].to_file(path, engine="pyogrio")


@made("map/no_prj.shp")
def a_shapefile_without_system(path: Path) -> None:
    shapefile(path)
    path.with_suffix(".prj").unlink()


@made("map/alone.shp")
def a_shapefile_alone(path: Path) -> None:
    shapefile(path)
    for ending in (".shx", ".dbf", ".prj", ".cpg"):
        path.with_suffix(ending).unlink(missing_ok=True)


@made("map/cut.shp")
def half_a_shapefile(path: Path) -> None:
    shapefile(path)
    path.write_bytes(path.read_bytes()[:120])


@made("map/pipe_beside.shp")
def a_pipe_beside(path: Path) -> None:
    shapefile(path)
    path.with_suffix(".dbf").unlink()
    os.mkfifo(path.with_suffix(".dbf"))


def zipped(path: Path, value: Callable[[], dict[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in value().items():
            with file.open(name, "w", force_zip64=True) as member:
                member.write(data)


_VIRTUAL = b"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/vsizip/x</SrcDataSource>" \
           b"</OGRVRTLayer></OGRVRTDataSource>"  # fmt: skip
with_values(
    zipped,
    "map",
    traversal__zip=lambda: {"../../outside.txt": b"outside", "streets.shp": b"\0\0\x27\x0a"},
    virtual__zip=lambda: {"streets.vrt": _VIRTUAL},
)


@made("map/bomb.zip")
def a_zip_of_zeros(path: Path) -> None:
    """Parts of a Shapefile that say that they are of a gigabyte each."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("streets.shp", b"\0" * 1_000_000)
    raw = bytearray(data.getvalue())
    claim = (2**31 - 1).to_bytes(4, "little")
    for begin, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        raw[raw.index(begin) + at : raw.index(begin) + at + 4] = claim
    path.write_bytes(raw)


@made("map/cut.zip")
def half_a_zip(path: Path) -> None:
    zipped(path, lambda: {"streets.shp": os.urandom(1000)})
    path.write_bytes(path.read_bytes()[:600])


# plans ------------------------------------------------------------------------------------------


@cache
def _plan() -> bytes:
    """The plan of the host `also.yaml`, as it is stored."""
    import citygrid as cg

    with tempfile.TemporaryDirectory() as folder:
        for name in ("also.yaml", "also.csv"):
            shutil.copy(HOSTS / name, folder)
        plan = cg.solve(cg.formulate(cg.prepare(cg.load(Path(folder) / "also.yaml"))))
        plan.save(Path(folder) / "plan.nc")
        return (Path(folder) / "plan.nc").read_bytes()


def plan(path: Path, value: Callable[[Any], None]) -> None:
    """A sound plan, then edited as somebody may who has netCDF alone."""
    import netCDF4

    path.write_bytes(_plan())
    with netCDF4.Dataset(path, "a") as file:
        value(file)


def attribute(name: str, value: Any, group: str | None = None) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        (file if group is None else file[group]).setncattr(name, value)

    return edit


def drawing(geometry: dict[str, Any]) -> Callable[[Any], None]:
    """Put a drawing into the case."""

    def edit(file: Any) -> None:
        features = [{"properties": {"layer": "footprints"}, "geometry": geometry}]
        text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
        case = file["case"]
        case.renameVariable("geometry", "former")
        case.createDimension("letter", len(text))
        case.createVariable("geometry", "u1", ("letter",))[:] = np.frombuffer(text, np.uint8)

    return edit


def number(name: str, value: float) -> Callable[[Any], None]:
    """Add to the first number of a variable, or put what is not finite there."""

    def edit(file: Any) -> None:
        values = file[name][:]
        first = (0,) * values.ndim
        values[first] = values[first] + value
        file[name][:] = values

    return edit


def _bomb_beside(file: Any) -> None:
    file.createDimension("bomb", 10**9)
    file.createVariable("bomb", "f8", ("bomb",), zlib=True)


def _renamed(file: Any) -> None:
    file["power_demand"][0] = "somebody else"


def _price(file: Any) -> None:
    prices = file["case/grid"].variables
    name = next(each for each in prices if "import_price" in each or each == "price")
    prices[name][:] = prices[name][:] * 0.5


def _megawatts(file: Any) -> None:
    flow = file["grid.import"]
    flow[:] = flow[:] / 1000.0
    flow.units = "MW"


with_values(
    plan, "plan", good__nc=lambda file: None, older__nc=attribute("citygrid_format", 2),
    newer__nc=attribute("citygrid_format", 99),
    word_as_version__nc=attribute("citygrid_format", "three"), bomb__nc=_bomb_beside,
    no_ledger__nc=lambda file: file.renameVariable("ledger.money", "ledger.lost"),
    no_case__nc=lambda file: file.renameGroup("case", "lost"),
    objective_word__nc=attribute("objective", "cheap"),
    case_time__nc=lambda file: file["case/time"].__setitem__(1, file["case/time"][1] + 1),
    case_json__nc=attribute("assets", "{", "case"),
    crs_word__nc=attribute("nodes", json.dumps({"plant": ["east", "north"]}), "case"),
    drawing_words__nc=drawing({"type": "Point", "coordinates": ["east", "north"]}),
    drawing_kind__nc=drawing({"type": "Blob", "coordinates": [1, 2]}),
    load_edited__nc=number("grid.import", 0.5), import_nan__nc=number("grid.import", float("nan")),
    cost_edited__nc=number("ledger.money", 1.0), objective_edited__nc=attribute("objective", 1.0),
    bound_above__nc=attribute("bound", 1e6),
    flow_missing__nc=lambda file: file.renameVariable("grid.import", "grid.lost"),
    unit_edited__nc=lambda file: file["grid.import"].setncattr("units", "MW"),
    hours_edited__nc=lambda file: file["time"].__setitem__(slice(None), file["time"][:] + 86_400),
    renamed__nc=_renamed, negative__nc=number("grid.import", -1000.0), price_edited__nc=_price,
    megawatts__nc=_megawatts,
)  # fmt: skip


@made("plan/cut.nc")
def half_a_plan(path: Path) -> None:
    path.write_bytes(_plan()[: len(_plan()) // 2])
