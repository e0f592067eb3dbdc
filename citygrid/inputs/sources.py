"""Files with time: each becomes a table, its stamps in UTC, and whether it is a typical year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.errors import Fault, InputError
from citygrid.inputs.claims import longest_series
from citygrid.inputs.stamps import read_stamps
from citygrid.inputs.tables import (
    Column,
    Table,
    check_cells,
    check_file,
    opened,
    read_table,
    split_header,
)
from citygrid.inputs.time import Horizon

#: Names of a column of stamps, in lower case.
TIME_NAMES = ("time", "timestamp", "datetime", "date_time", "date", "utc", "zeit", "snapshot")

NETCDF = (".nc", ".nc4", ".cdf")


@dataclass(frozen=True)
class Source:
    """A table with time.

    ``stamps`` (N) are the starts of the intervals in UTC; ``time`` is the column they came from;
    ``typical`` marks a typical year, whose own years mean nothing; ``meta`` is what the file says
    about its place.
    """

    table: Table
    stamps: NDArray[np.datetime64]
    time: Column | None
    timezone: str | None
    typical: bool = False
    meta: dict[str, float] | None = None

    def over(
        self, horizon: Horizon, faults: list[Fault]
    ) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
        """Stamps and the rows that hold for them; a typical year is laid over the horizon.

        A typical year is matched by month, day and hour in UTC; 29 February takes 28 February.
        """
        if not self.typical:
            return self.stamps, np.arange(len(self.stamps))
        import pandas as pd

        hour = np.timedelta64(1, "h")
        begin = horizon.start.astype("datetime64[h]").astype("datetime64[ns]") - hour
        wanted = np.arange(begin, horizon.end + 2 * hour, hour)
        row_of = pd.Series(np.arange(len(self.stamps)), index=_month_day_hour(self.stamps))
        row_of = row_of[~row_of.index.duplicated()]
        rows = row_of.reindex(_month_day_hour(wanted)).to_numpy(np.float64)
        missing = np.flatnonzero(np.isnan(rows))
        if len(missing):
            at = pd.Timestamp(wanted[missing[0]])
            faults.append(Fault(
                str(self.table.file), "the typical year has no such hour", f"{at:%d %B %H:00} UTC",
                "use a file with all 8760 hours",
            ))  # fmt: skip
            rows = np.nan_to_num(rows)
        return wanted, rows.astype(np.int64)


def all_told(file: Path, stamps: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """The stamps as they are. Raises :class:`InputError` where a row has none."""
    lacking = np.flatnonzero(np.isnat(stamps))
    if len(lacking):
        raise InputError(Fault(str(file), f"has no time in row {lacking[0] + 1} of its data", None,
                               "complete the row, or take it away"))  # fmt: skip
    return stamps


def _month_day_hour(stamps: NDArray[np.datetime64]) -> NDArray[np.int64]:
    import pandas as pd

    index = pd.DatetimeIndex(stamps)
    month, day, hour = (np.asarray(part) for part in (index.month, index.day, index.hour))
    day = np.where((month == 2) & (day == 29), 28, day)
    return (month * 100 + day) * 100 + hour


def open_source(
    file: Path, faults: list[Fault], time: str | None = None, timezone: str | None = None,
    column: str | None = None,
) -> Source:  # fmt: skip
    """Open a file by its ending (``.parquet``, ``.nc``, ``.epw``) or, for text, by how it begins.

    ``time`` names the column of stamps, ``timezone`` the zone of stamps without an offset,
    ``column`` the variable wanted from a netCDF file. What is wrong with stamps is added to
    ``faults``; a file that cannot be read at all raises :class:`InputError`.
    """
    check_file(file)
    state = file.stat()
    version = (file.absolute(), state.st_ino, state.st_mtime_ns, state.st_size)
    variable = column if file.suffix.lower() in NETCDF else None
    source, wrong = _opened(file, version, time, timezone, variable)
    faults += wrong
    return source


@lru_cache(maxsize=8)
def _opened(
    file: Path,
    version: tuple[Path, int, int, int],
    time: str | None,
    timezone: str | None,
    column: str | None,
) -> tuple[Source, tuple[Fault, ...]]:
    """The last few files, in the version they have: districts read many columns of one."""
    ending = file.suffix.lower()
    faults: list[Fault] = []
    if ending in NETCDF:
        table = opened(file, lambda path: _netcdf(path, time, column), "netCDF")
        source = dated(table, table.columns[0].header, timezone or "UTC", faults)
    elif (station := _station(file, ending)) is not None:
        source = station
    else:
        source = dated(read_table(file), time, timezone, faults)
    return source, tuple(faults)


def _station(file: Path, ending: str) -> Source | None:
    """A file of weather whose format says its own columns and stamps, if it is one."""
    from citygrid.inputs.stations import epw, is_pvgis, is_tmy3, pvgis, tmy3

    # What a damaged file does to the reader of its format is told like what it does to pvlib.
    if ending == ".epw":
        return opened(file, epw, "EPW")
    if ending == ".csv" and is_pvgis(file):
        return opened(file, pvgis, "PVGIS")
    return opened(file, tmy3, "TMY3") if ending == ".csv" and is_tmy3(file) else None


def dated(table: Table, time: str | None, timezone: str | None, faults: list[Fault]) -> Source:
    """A table with the stamps of its column of time."""
    column = _time_column(table, time)
    stamps, wrong = read_stamps(table, column, timezone)
    faults += wrong
    return Source(table, stamps, column, timezone)


def _time_column(table: Table, wanted: str | None) -> Column:
    if wanted is not None:
        found = table.find(wanted)
        if found is None:
            raise InputError(Fault(str(table.file), "there is no such column of stamps", wanted,
                                   f"columns are {table.names()}"))  # fmt: skip
        return found
    for column in table.columns:
        if column.name.casefold() in TIME_NAMES:
            return column
    first = table.columns[0]
    if first.values.dtype.kind in "fiub":
        raise InputError(Fault(str(table.file), "no column of time stamps is found", None,
                               f"name it in `time`; columns are {table.names()}"))  # fmt: skip
    return first


# netCDF -----------------------------------------------------------------------------------------


def _netcdf(file: Path, time: str | None, wanted: str | None) -> Table:
    """Variables over time alone (other dimensions of length 1), with their units."""
    import xarray as xr

    check_cells(file, longest_series(file))
    with xr.open_dataset(file, engine="netcdf4") as dataset:
        dims = [str(d) for d in dataset.dims if _is_time(dataset, str(d))]
        other = [axis.encoding["calendar"] for axis in dataset.coords.values()
                 if axis.dtype.kind == "O" and "calendar" in axis.encoding]  # fmt: skip
        if other and not dims:
            reason = "counts its days by a calendar that no clock keeps"
            repair = "convert it to the standard calendar"
            raise InputError(Fault(str(file), reason, str(other[0]), repair))
        if time is not None:
            dims = [d for d in dims if d == time]
        if len(dims) != 1:
            raise InputError(Fault(
                str(file), "which dimension is time is not clear", time,
                f"give `time`; dimensions are {', '.join(map(str, dataset.dims)) or 'none'}",
            ))  # fmt: skip
        dim = dims[0]
        stamps = dataset[dim].values
        columns = [Column(dim, dim, None, stamps)]
        wide = []
        for name, variable in dataset.data_vars.items():
            if dim not in variable.dims:
                continue
            spread = {str(d): n for d, n in variable.sizes.items() if d != dim and n > 1}
            if spread:
                wide.append((str(name), spread))
                continue
            label, bracket = split_header(str(name))
            unit = _cf_unit(variable.attrs.get("units")) or bracket
            columns.append(Column(str(name), label, unit, variable.squeeze().values.reshape(-1)))
    for name, spread in wide:
        if name == wanted:
            shown = ", ".join(f"{d}: {n}" for d, n in spread.items())
            raise InputError(Fault(f"{file}, variable {name}", "has more than one value per time",
                                   shown, "select one beforehand"))  # fmt: skip
    return Table(file, tuple(columns), np.arange(1, len(stamps) + 1, dtype=np.int64))


def _is_time(dataset: Any, dim: str) -> bool:
    return dim in dataset.coords and dataset[dim].dtype.kind == "M"


def _cf_unit(unit: str | None) -> str | None:
    """``W m-2`` as CF writes it → ``W * m^-2``."""
    if unit is None or not re.search(r"[A-Za-z]-?\d|[A-Za-z]\s+[A-Za-z]", unit):
        return unit
    return re.sub(r"\s+", " * ", re.sub(r"([A-Za-z])(-?\d+)", r"\1^\2", unit.strip()))
