"""Layers of GeoPackage, GeoJSON and Shapefile (zipped or not), with their faults in clear words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.district.drawing import unreadable
from citygrid.errors import Fault

if TYPE_CHECKING:
    import geopandas as gpd

FORMATS = "a GeoPackage, GeoJSON or Shapefile (.shp or .zip)"
#: dBASE, in which Shapefiles keep their columns, cuts names after so many characters.
NAME_LENGTH = 10
#: Coordinates [m] beyond which there is no earth in any system of coordinates.
FURTHEST = 1e8


def split_layer(named: str) -> tuple[Path, str | None]:
    """``FILE:LAYER`` or ``FILE`` as the file and the layer, if one is named."""
    match = re.fullmatch(r"(.+\.\w+):([^/\\]+)", named)
    return (Path(match[1]), match[2]) if match else (Path(named), None)


def read_layer(
    named: str, known: tuple[str, ...], faults: list[Fault], must_be_known: bool = False
) -> gpd.GeoDataFrame | None:
    """A layer of a file: the one after the colon, the only one, or one of a known name.

    Rows without a geometry stay. ``None``, and a fault, where there is no such layer, it is empty,
    has no geometry at all, does not say its coordinate system or says a wrong one.
    """
    import geopandas as gpd
    import pyogrio

    path, layer = split_layer(named)
    if not path.is_file():
        faults.append(Fault(named, "no such file", None, f"name {FORMATS}, FILE or FILE:LAYER"))
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
        with np.errstate(invalid="ignore"):  # a place that is no number is told below
            frame = gpd.read_file(path, layer=layer, engine="pyogrio")
    except unreadable() as error:
        said = " ".join(str(error).split())
        faults.append(Fault(named, f"cannot be read ({said[:80]})", None,
                            f"name {FORMATS} and a layer in it"))  # fmt: skip
        return None
    fault = _unfit(named, layer, frame)
    if fault is None:
        frame = frame.set_geometry(frame.geometry.force_2d())  # districts are flat
    if fault is not None:
        faults.append(fault)
        return None
    return frame


def _unfit(named: str, layer: str, frame: Any) -> Fault | None:
    """What makes a layer useless as a whole, if anything does."""
    import geopandas as gpd

    if isinstance(frame, gpd.GeoDataFrame) and frame.empty:
        return Fault(named, "the layer is empty", layer, "name another layer")
    if not isinstance(frame, gpd.GeoDataFrame) or frame.geometry.isna().all():
        return Fault(named, "has no geometry", layer, "name another layer")
    if frame.crs is None:
        shapefile = split_layer(named)[0].suffix.lower() in (".shp", ".zip")
        lacks = ": its .prj file is missing" if shapefile else ""
        repair = "put the .prj beside the .shp" if shapefile else "set it in the file"
        return Fault(named, f"does not say its coordinate system{lacks}", layer,
                     f"{repair}, such as that of EPSG:25832")  # fmt: skip
    lost = no_places(frame.geometry)
    if lost.any():
        row = int(np.flatnonzero(lost)[0])
        others = f"; so are {int(lost.sum()) - 1} others" if lost.sum() > 1 else ""
        return Fault(f"{named}: row {row + 1}", f"is drawn where nothing can be{others}",
                     frame.geometry.iloc[row].wkt[:60],
                     "draw it anew, or leave it out")  # fmt: skip
    west, south, east, north = frame.total_bounds
    if frame.crs.is_geographic and (west < -361 or east > 361 or south < -91 or north > 91):
        return Fault(named, f"says that it is in degrees ({frame.crs.name}), and is not",
                     f"{east:.0f}, {north:.0f}",
                     "state its coordinate system: GeoJSON without a member `crs` "
                     "is WGS 84")  # fmt: skip
    return None


def no_places(shapes: gpd.GeoSeries) -> np.ndarray:
    """Which shapes have a coordinate that is no number or further than :data:`FURTHEST`."""
    import shapely

    at, shape = shapely.get_coordinates(shapes.values, return_index=True)
    lost = np.zeros(len(shapes), dtype=bool)
    lost[shape[~(np.abs(at) <= FURTHEST).all(axis=1)]] = True
    return lost


def placed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows that have a geometry."""
    return frame[frame.geometry.notna() & ~frame.geometry.is_empty].reset_index(drop=True)


def metric_system(
    named: str, frame: gpd.GeoDataFrame, wanted: str | None, faults: list[Fault]
) -> str | None:
    """The metric coordinate system of a district: ``wanted``, or that of the layer."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    place, system = named, frame.crs
    if wanted is not None:
        place = "--crs"
        try:
            system = CRS.from_user_input(wanted)
        except CRSError:
            faults.append(Fault("--crs", "is no coordinate system", wanted,
                                "write one such as EPSG:25832"))  # fmt: skip
            return None
    if system.is_geographic or any(
        a.unit_name not in ("metre", "meter") for a in system.axis_info[:2]
    ):
        fitting = frame.estimate_utm_crs().to_epsg()
        faults.append(Fault(place, "is not in metres", str(system.name),
                            f"add --crs EPSG:{fitting}, or another system in metres"))  # fmt: skip
        return None
    code = system.to_epsg()
    return f"EPSG:{code}" if code else str(system.to_wkt())


def column_of(frame: gpd.GeoDataFrame, known: tuple[str, ...]) -> str | None:
    """The first of the known columns that a layer has.

    Capitals do not matter, and a name that a Shapefile cut is the name, unless two names became one
    and were numbered (``peak_loa_1``), for then which is which is not known.
    """
    there = [str(name) for name in frame.columns if name != frame.geometry.name]
    for wanted in known:
        name = wanted.casefold()
        for same in (
            [column for column in there if column == wanted],
            [column for column in there if column.casefold() == name],
            [column for column in there if column.casefold() == name[:NAME_LENGTH]],
        ):
            if len(same) == 1 and not (same[0].casefold() != name and _numbered(there, name)):
                return same[0]
    return None


def _numbered(there: list[str], name: str) -> bool:
    cut = re.escape(name[: NAME_LENGTH - 2])
    return any(re.fullmatch(rf"{cut}_\d", column.casefold()) for column in there)


def columns_of(frame: gpd.GeoDataFrame) -> str:
    """The columns of a layer, for a message."""
    return ", ".join(str(c) for c in frame.columns if c != frame.geometry.name) or "none"


def number_of(value: object) -> float | None:
    """A cell as a finite number, if it is one."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def refuse_elsewhere(
    named: str, frame: gpd.GeoDataFrame, streets: str, lines: gpd.GeoDataFrame, crs: str,
    faults: list[Fault], most: float = 20_000.0,
) -> None:  # fmt: skip
    """One fault for a layer that lies somewhere else altogether, as with a wrong system.

    ``most`` is the distance [m] between the extents up to which the layers may belong together.
    """
    from shapely.geometry import box

    bounds = frame.to_crs(crs).total_bounds
    known = bool(np.isfinite(bounds).all())
    away = box(*bounds).distance(box(*lines.to_crs(crs).total_bounds)) if known else np.inf
    if away > most:
        said = f"{frame.crs.name} here, {lines.crs.name} there"
        faults.append(Fault(named, f"lies {away / 1000:.0f} km from {streets}" if known
                            else f"cannot lie near {streets}", said,
                            "correct the coordinate system that one of the files "
                            "states"))  # fmt: skip
