"""Streets, consumers and a source from GeoPackage, GeoJSON or Shapefile, with all faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import shapely
from shapely.geometry import LineString, Point

from citygrid.errors import Fault, InputError
from citygrid.imports.layers import (
    column_of,
    columns_of,
    metric_system,
    number_of,
    placed,
    read_layer,
    refuse_elsewhere,
    split_layer,
)

if TYPE_CHECKING:
    import geopandas as gpd

#: Columns that are recognised, in this order: peak heat [kW], full-load hours [h], annual [kWh].
PEAKS = ("peak_kw", "peak", "ts_0")
HOURS = ("full_load_hours", "flh_0")
ANNUALS = ("annual_kwh", "annual")
NAMES = ("name", "id", "consumer")
SIZES = ("dn",)
#: Peak heat [kW] beyond which a number is a slip.
MOST_PEAK = 1e7
LINES = ("LineString", "MultiLineString")
PLACES = ("Point", "MultiPoint", "Polygon", "MultiPolygon")


class Consumer(NamedTuple):
    """A building: where it is, its peak heat [kW], its heat of a year [kWh] if that is known."""

    at: Point
    peak: float
    annual: float | None


@dataclass(frozen=True)
class Map:
    """Streets in a metric system, consumers by name, and the source.

    ``notes`` say what of the files was left out, and why.
    """

    streets: gpd.GeoDataFrame
    consumers: Mapping[str, Consumer]
    source: Point
    source_name: str
    crs: str
    files: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files of the map, in full."""
        return tuple(split_layer(named)[0].resolve() for named in self.files.values())

    def file_of(self, name: str) -> str:
        """The file that a consumer, or the source, is from."""
        return self.files["source" if name == self.source_name else "consumers"]

    def size_at(self, route: LineString) -> int | None:
        """The nominal diameter that the map gives at the middle of a route, if it gives any."""
        column = column_of(self.streets, SIZES)
        if column is None:
            return None
        middle = route.interpolate(0.5, normalized=True)
        nearest = self.streets.sindex.nearest([middle], return_all=False)[1][0]
        size = _size(self.streets[column].iloc[nearest])
        return None if size is None else int(size)


def read_map(
    streets: str, consumers: str | None, source: str | None, peak: str | None = None,
    full_load_hours: float = 2000.0, crs: str | None = None,
) -> Map:  # fmt: skip
    """Read a map.

    streets, consumers, source
        Files, or ``FILE:LAYER``; consumers and source are layers of those names in the streets'
        file if left out. The source may be ``"EASTING,NORTHING"`` in the district's system.
    peak
        Column with peak heat [kW], one of :data:`PEAKS` if left out.
    full_load_hours
        For a consumer whose file gives neither these [h] nor its energy of a year.
    crs
        Metric system of the district, that of the streets if left out. Every layer is projected
        to it from its own.

    Raises :class:`InputError` with every fault of the files.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    lines = read_layer(streets, ("streets", "roads", "pipes"), faults)
    homes = read_layer(consumers or streets, ("consumers", "sinks"), faults, consumers is None)
    system = None if lines is None else metric_system(streets, lines, crs, faults)
    if lines is not None:
        kept = _lines(streets, lines, faults, notes)
        lines = kept if system is None else kept.to_crs(system)
    given: dict[str, Consumer] = {}
    if homes is not None and system is not None and lines is not None and len(lines):
        refuse_elsewhere(consumers or streets, homes, streets, lines, system, faults)
        given = _consumers(
            consumers or streets, homes.to_crs(system), peak, full_load_hours, faults
        )
    spot = None
    if system is not None:
        spot = _source(source, streets, system, faults)
    if faults or lines is None or system is None or spot is None:
        raise InputError(dict.fromkeys(faults))  # one file may hold several layers
    name = next(n for n in ("source", "plant", "heat source") if n not in given)
    return Map(lines, given, spot, name, system,
               {"streets": streets, "consumers": consumers or streets,
                "source": source or streets}, tuple(notes))  # fmt: skip


def _lines(
    named: str, frame: gpd.GeoDataFrame, faults: list[Fault], notes: list[str]
) -> gpd.GeoDataFrame:
    """The lines of a layer, one row each."""
    kept = frame[frame.geom_type.isin(LINES) & (shapely.length(frame.geometry.values) > 0)]
    if kept.empty:
        points = " that are longer than 0" if frame.geom_type.isin(LINES).any() else ""
        faults.append(Fault(named, f"has no lines{points}", _types(frame),
                            "name a layer of streets: FILE:LAYER"))  # fmt: skip
    elif len(kept) < len(frame):
        notes.append(f"{named}: {len(frame) - len(kept)} of {len(frame)} features are no lines, "
                     "or have no length, and were left out")  # fmt: skip
    column = column_of(kept, SIZES)
    for row, value in () if column is None else kept[column].items():
        empty = value is None or value != value or value == ""
        if not empty and ((size := _size(value)) is None or size <= 0 or size % 1):
            faults.append(Fault(f"{named}: row {row + 1}", "has no nominal diameter in "
                                f"{column}", value, "write a whole number of mm, "
                                "or leave it empty"))  # fmt: skip
    return kept.explode(index_parts=False).reset_index(drop=True)


def _size(value: object) -> float | None:
    """A nominal diameter: ``65``, or ``DN 65``."""
    text = value.strip().upper().removeprefix("DN") if isinstance(value, str) else value
    return number_of(text)


def _types(frame: gpd.GeoDataFrame) -> str:
    return ", ".join(sorted(set(frame.geom_type.dropna())))


def _consumers(
    named: str, frame: gpd.GeoDataFrame, peak: str | None, hours: float, faults: list[Fault]
) -> dict[str, Consumer]:
    column = column_of(frame, (peak,) if peak else PEAKS)
    if column is None:
        faults.append(Fault(named, "has no column with peak heat in kW", peak,
                            f"name it by --peak; there is {columns_of(frame)}"))  # fmt: skip
        return {}
    full, energy = column_of(frame, HOURS), column_of(frame, ANNUALS)
    named_by = column_of(frame, NAMES)
    found: dict[str, Consumer] = {}
    for i, row in enumerate(frame.to_dict("records")):
        name = f"consumer {i + 1}" if named_by is None else str(row[named_by]).strip()
        place = f"{named}: {name}"
        load, shape = number_of(row[column]), row[frame.geometry.name]
        if load is None or load <= 0:
            faults.append(Fault(place, f"has no peak heat above 0 in {column}", row[column],
                                "correct it, or leave the consumer out"))  # fmt: skip
            continue
        if load > MOST_PEAK:
            faults.append(Fault(place, f"has a peak heat beyond {MOST_PEAK / 1e6:g} GW in {column}",
                                f"{load:g} kW", "write it in kW"))  # fmt: skip
            continue
        if name in found or not name:
            faults.append(Fault(place, "has the name of another consumer, or none", name,
                                "name each consumer once"))  # fmt: skip
            continue
        if shape is None or shape.is_empty or shape.geom_type not in PLACES:
            drawn = None if shape is None else shape.geom_type
            faults.append(Fault(place, "is neither a point nor an area", drawn,
                                "draw it as one, or leave the consumer out"))  # fmt: skip
            continue
        annual = None if energy is None else number_of(row[energy])
        if annual is None:
            used = None if full is None else number_of(row[full])
            annual = load * (hours if used is None else used)
        found[name] = Consumer(shape.centroid, load, annual)
    return found


def _source(source: str | None, streets: str, crs: str, faults: list[Fault]) -> Point | None:
    east, comma, north = (source or "").partition(",")
    x, y = number_of(east), number_of(north)
    if comma and x is not None and y is not None:
        return Point(x, y)
    frame = read_layer(source or streets, ("source", "sources"), faults, source is None)
    if frame is None:
        return None
    frame = placed(frame)
    if len(frame) != 1:
        faults.append(Fault(source or streets, f"has {len(frame)} sources", None,
                            "give one: a layer with one point, or EASTING,NORTHING"))  # fmt: skip
        return None
    if frame.geom_type.iloc[0] not in PLACES:
        faults.append(Fault(source or streets, "the source is neither a point nor an area",
                            _types(frame), "draw it as one, or give EASTING,NORTHING"))  # fmt: skip
        return None
    return frame.to_crs(crs).geometry.iloc[0].centroid
