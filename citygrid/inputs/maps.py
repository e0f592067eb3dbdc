"""Files of maps: a GeoPackage, GeoJSON or Shapefile, and nothing else that GDAL would open.

GDAL takes a file for what its first bytes say, whatever it is called. Some of what it knows
(virtual formats, services) names further files and addresses on the network, and a GeoPackage is a
database whose views and generated columns are computed while they are read. None of that is a map,
so it is refused before GDAL sees it, or before it reads the rows.
"""

from __future__ import annotations

import glob
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.inputs.tables import MOST_BYTES, check_file, guarded

if TYPE_CHECKING:
    import geopandas as gpd

T = TypeVar("T")

FORMATS = "a GeoPackage, GeoJSON or Shapefile (.shp or .zip)"
#: Coordinates [m] beyond which there is no earth in any system of coordinates.
FURTHEST = 1e8
#: First bytes of what is read.
SQLITE, SHAPEFILE, ZIP = b"SQLite format 3\0", b"\x00\x00\x27\x0a", b"PK\x03\x04"
#: What a zipped Shapefile is made of.
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qmd", ".qpj", ".xml")
#: Tables of R*Trees, which index geometries, are the only virtual ones that a map needs.
_COMPUTED = re.compile(r"\bVIRTUAL\s+TABLE\b(?!.*\bUSING\s+rtree\b)|\bAS\s*\(", re.I | re.S)


def layers_of(path: Path) -> list[str]:
    """Names of the layers of a map.

    Raises ``ValueError`` as "reason; repair" for a file that is none of :data:`FORMATS`, is too
    large, holds what is computed while it is read, or cannot be read.
    """
    import pyogrio

    _check(path)
    return [str(name) for name in _opened(lambda: pyogrio.list_layers(path)[:, 0])]


def read_layer_of(path: Path, layer: str) -> gpd.GeoDataFrame:
    """One layer of a map that :func:`layers_of` has passed; raises ``ValueError`` as that does."""
    import geopandas as gpd

    with np.errstate(invalid="ignore"):  # places that are no numbers are told by who reads them
        frame: gpd.GeoDataFrame = _opened(
            lambda: gpd.read_file(path, layer=layer, engine="pyogrio"), " and a layer in it"
        )
    return frame


def misplaced(named: str, frame: gpd.GeoDataFrame) -> Fault | None:
    """What is drawn where nothing can be: no number, beyond the earth, or degrees that are none."""
    import shapely

    at, shape = shapely.get_coordinates(frame.geometry.values, return_index=True)
    lost = np.unique(shape[~(np.abs(at) <= FURTHEST).all(axis=1)])
    if len(lost):
        row = int(lost[0])
        others = f", and so are {len(lost) - 1} others" if len(lost) > 1 else ""
        return Fault(f"{named}: row {row + 1}", f"is drawn where nothing can be{others}",
                     frame.geometry.iloc[row].wkt[:60],
                     "draw it anew, or leave it out")  # fmt: skip
    west, south, east, north = frame.total_bounds
    degrees = frame.crs is not None and frame.crs.is_geographic
    if degrees and (west < -361 or east > 361 or south < -91 or north > 91):
        return Fault(named, f"says that it is in degrees ({frame.crs.name}), and is not",
                     f"{east:.0f}, {north:.0f}",
                     "state its coordinate system: GeoJSON without a member `crs` "
                     "is WGS 84")  # fmt: skip
    return None


def _opened(read: Callable[[], T], more: str = "") -> T:
    """What GDAL reads; whatever it or a library behind it objects to is one ``ValueError``.

    What it only warns of, such as points without a place, is told by who reads the rows.
    """

    def refusal(said: str) -> ValueError:
        short = " ".join(said.split()).replace(";", ",")[:80]
        return ValueError(f"cannot be read ({short}); name {FORMATS}{more}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return guarded(read, refusal)


def _check(path: Path) -> None:
    try:
        check_file(path, MOST_BYTES)
    except InputError as error:
        raise ValueError(f"{error.faults[0].reason}; name {FORMATS}") from None
    for beside in path.parent.glob(glob.escape(path.stem) + "*"):
        if beside.exists() and not beside.is_file() and not beside.is_dir():
            raise ValueError(f"{beside.name} beside it is no ordinary file; remove it")
    with path.open("rb") as stream:
        begin = stream.read(1024)
    if begin.startswith(ZIP):
        _check_zip(path)
    elif begin.startswith(SQLITE):
        _check_tables(path)
    elif not (begin.startswith(SHAPEFILE) or _is_json(begin)):
        raise ValueError(f"cannot be read (it begins like none of these); name {FORMATS}")


def _is_json(begin: bytes) -> bool:
    return begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def _check_zip(path: Path) -> None:
    """A zipped Shapefile: nothing but its parts, of a size that can be unpacked."""
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ValueError(f"cannot be read ({error}); name {FORMATS}") from error
    others = [each.filename for each in members
              if not each.is_dir() and not each.filename.lower().endswith(PARTS)]  # fmt: skip
    if others:
        raise ValueError(f"holds more than a Shapefile: {others[0][:60]!r}; zip its parts alone")
    if sum(each.file_size for each in members) > MOST_BYTES:
        raise ValueError(f"unpacks to more than {MOST_BYTES // 2**20} MiB; "
                         "name a map of the district alone")  # fmt: skip


def _check_tables(path: Path) -> None:
    """A GeoPackage: its tables hold what is read, and compute nothing."""
    import pyogrio

    ask = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')"
    tables = _opened(lambda: pyogrio.read_dataframe(path, sql=ask, read_geometry=False))
    for kind, name, sql in zip(tables["type"], tables["name"], tables["sql"], strict=True):
        if kind == "view" or _COMPUTED.search(str(sql)):
            raise ValueError(f"computes {str(name)[:60]!r} while it is read (a view, or a "
                             "generated column); store its rows as a plain table")  # fmt: skip
