"""Streets, consumers and a source from GeoPackages (or what else GDAL reads), with all faults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from shapely.geometry import LineString, Point

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    import geopandas as gpd

#: Columns that are recognised, in this order: peak heat [kW], full-load hours [h], annual [kWh].
PEAKS = ("peak_kw", "peak", "ts_0")
HOURS = ("full_load_hours", "flh_0")
ANNUALS = ("annual_kwh", "annual")
NAMES = ("name", "id", "consumer")
SIZES = ("dn", "DN")


class Consumer(NamedTuple):
    """A building: where it is, its peak heat [kW], its heat of a year [kWh] if that is known."""

    at: Point
    peak: float
    annual: float | None


@dataclass(frozen=True)
class Map:
    """Streets in a metric system, consumers by name, and the source."""

    streets: gpd.GeoDataFrame
    consumers: Mapping[str, Consumer]
    source: Point
    source_name: str
    crs: str
    files: Mapping[str, str]

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files of the map, in full."""
        return tuple(_split(named)[0].resolve() for named in self.files.values())

    def file_of(self, name: str) -> str:
        """The file that a consumer, or the source, is from."""
        return self.files["source" if name == self.source_name else "consumers"]

    def size_at(self, route: LineString) -> int | None:
        """The nominal diameter that the map gives at the middle of a route, if it gives any."""
        column = next((name for name in SIZES if name in self.streets.columns), None)
        if column is None:
            return None
        middle = route.interpolate(0.5, normalized=True)
        nearest = self.streets.sindex.nearest([middle], return_all=False)[1][0]
        value = self.streets[column].iloc[nearest]
        return None if value is None or not np.isfinite(float(value)) else int(value)


def read_map(
    streets: str, consumers: str | None, source: str | None, peak: str | None = None,
    full_load_hours: float = 2000.0,
) -> Map:  # fmt: skip
    """Read a map.

    streets, consumers, source
        Files, or ``FILE:LAYER``; consumers and source are layers of those names in the streets'
        file if left out. The source may be ``"EASTING,NORTHING"``.
    peak
        Column with peak heat [kW], one of :data:`PEAKS` if left out.
    full_load_hours
        For a consumer whose file gives neither these [h] nor its energy of a year.

    Raises :class:`InputError` with every fault of the files.
    """
    faults: list[Fault] = []
    lines = _layer(streets, ("streets", "roads", "pipes"), faults)
    homes = _layer(consumers or streets, ("consumers", "sinks"), faults, consumers is None)
    crs = None if lines is None else _metric(streets, lines, faults)
    if lines is not None:
        kept = lines[lines.geom_type.isin(["LineString", "MultiLineString"])]
        if kept.empty:
            faults.append(
                Fault(streets, "has no lines", None, "name a layer of streets: FILE:LAYER")
            )
        lines = kept.explode(index_parts=False).reset_index(drop=True)
    given: dict[str, Consumer] = {}
    if homes is not None and crs is not None:
        given = _consumers(consumers or streets, homes.to_crs(crs), peak, full_load_hours, faults)
    spot = None
    if crs is not None:
        spot = _source(source, streets, crs, faults)
    if faults or lines is None or crs is None or spot is None:
        raise InputError(faults)
    name = next(n for n in ("source", "plant", "heat source") if n not in given)
    return Map(lines, given, spot, name, crs,
               {"streets": streets, "consumers": consumers or streets,
                "source": source or streets})  # fmt: skip


def _layer(
    named: str, known: tuple[str, ...], faults: list[Fault], must_be_known: bool = False
) -> Any:
    """A layer of a file: the one after the colon, the only one, or one of a known name."""
    import geopandas as gpd
    import pyogrio

    path, layer = _split(named)
    if not path.is_file():
        faults.append(Fault(named, "no such file", None, "name a GeoPackage, FILE or FILE:LAYER"))
        return None
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is None:
            fitting = [name for name in layers if name.lower() in known]
            if not fitting and len(layers) == 1 and not must_be_known:
                fitting = layers
            if len(fitting) != 1:
                faults.append(Fault(named, f"has no one layer of {known[0]}", ", ".join(layers),
                                    f"name it: {path.name}:LAYER"))  # fmt: skip
                return None
            layer = fitting[0]
        frame = gpd.read_file(path, layer=layer, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        faults.append(Fault(named, f"cannot be read ({str(error)[:80]})", None,
                            "name a GeoPackage and a layer in it"))  # fmt: skip
        return None
    if not isinstance(frame, gpd.GeoDataFrame) or frame.geometry.isna().all():
        faults.append(Fault(named, "has no geometry", layer, "name another layer"))
        return None
    if frame.crs is None:
        faults.append(Fault(named, "does not say its coordinate system", layer,
                            "set it in the file, such as EPSG:25832"))  # fmt: skip
        return None
    return frame[frame.geometry.notna() & ~frame.geometry.is_empty].reset_index(drop=True)


def _split(named: str) -> tuple[Path, str | None]:
    match = re.fullmatch(r"(.+\.\w+):([^/\\]+)", named)
    return (Path(match[1]), match[2]) if match else (Path(named), None)


def _metric(named: str, frame: gpd.GeoDataFrame, faults: list[Fault]) -> str | None:
    system = frame.crs
    if system.is_geographic or any(
        a.unit_name not in ("metre", "meter") for a in system.axis_info[:2]
    ):
        faults.append(Fault(named, "is not in metres", str(system.name),
                            "project the streets, for instance to EPSG:25832"))  # fmt: skip
        return None
    code = system.to_epsg()
    return f"EPSG:{code}" if code else str(system.to_wkt())


def _consumers(
    named: str, frame: gpd.GeoDataFrame, peak: str | None, hours: float, faults: list[Fault]
) -> dict[str, Consumer]:
    if frame.empty:
        faults.append(Fault(named, "has no consumer", None, "name another layer"))
    column = _column(frame, (peak,) if peak else PEAKS)
    if column is None:
        there = ", ".join(str(name) for name in frame.columns if name != "geometry")
        faults.append(Fault(named, "has no column with peak heat in kW", peak,
                            f"name it by --peak; there is {there}"))  # fmt: skip
        return {}
    full, energy = _column(frame, HOURS), _column(frame, ANNUALS)
    named_by = _column(frame, NAMES)
    found: dict[str, Consumer] = {}
    for i, row in enumerate(frame.to_dict("records")):
        name = f"consumer {i + 1}" if named_by is None else str(row[named_by]).strip()
        place = f"{named}: {name}"
        load = _number(row[column])
        if load is None or load <= 0:
            faults.append(Fault(place, f"has no peak heat above 0 in {column}", row[column],
                                "correct it, or leave the consumer out"))  # fmt: skip
            continue
        if name in found or not name:
            faults.append(Fault(place, "has the name of another consumer, or none", name,
                                "name each consumer once"))  # fmt: skip
            continue
        annual = None if energy is None else _number(row[energy])
        if annual is None:
            used = None if full is None else _number(row[full])
            annual = load * (hours if used is None else used)
        found[name] = Consumer(row["geometry"].centroid, load, annual)
    return found


def _column(frame: gpd.GeoDataFrame, known: tuple[str, ...]) -> str | None:
    return next((name for name in known if name in frame.columns), None)


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _source(source: str | None, streets: str, crs: str, faults: list[Fault]) -> Point | None:
    if source is not None and re.fullmatch(r"\s*[-\d.]+\s*,\s*[-\d.]+\s*", source):
        east, north = (float(part) for part in source.split(","))
        return Point(east, north)
    frame = _layer(source or streets, ("source", "sources"), faults, source is None)
    if frame is None:
        return None
    if len(frame) != 1:
        faults.append(Fault(source or streets, f"has {len(frame)} sources", None,
                            "give one: a layer with one point, or EASTING,NORTHING"))  # fmt: skip
        return None
    return frame.to_crs(crs).geometry.iloc[0].centroid
