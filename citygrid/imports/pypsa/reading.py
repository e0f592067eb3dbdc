"""A network of PyPSA, from netCDF or a folder of CSV files, read without PyPSA.

Both hold a table per sort of component with what differs from PyPSA's defaults, and tables over the
snapshots of what varies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.imports.draft import SECOND
from citygrid.imports.layers import number_of
from citygrid.inputs.claims import check_whole
from citygrid.inputs.tables import MOST_BYTES, check_file, opened

#: Sorts of components that PyPSA writes.
SORTS = ("buses", "generators", "loads", "storage_units", "stores", "lines", "links",
         "transformers", "carriers", "global_constraints", "shunt_impedances",
         "processes")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One component: what its table says, and what varies, by name."""

    name: str
    said: Mapping[str, Any]
    series: Mapping[str, Floats]
    #: Everything that was asked for of this sort, so that what nobody reads can be listed.
    asked: set[str]

    def _get(self, key: str) -> Any:
        self.asked.add(key)
        return self.said.get(key)

    def varies(self, key: str) -> bool:
        """Whether a figure varies over the snapshots."""
        self.asked.add(key)
        return key in self.series

    def text(self, key: str, usual: str = "") -> str:
        """A text, or the default."""
        value = self._get(key)
        return usual if value is None or value != value else str(value)

    def number(self, key: str, usual: float = 0.0) -> float:
        """A figure that does not vary; infinite is infinite, and what is none is the default."""
        value = self._get(key)
        try:
            number = float(usual if value is None else value)
        except (TypeError, ValueError):
            return usual
        return usual if np.isnan(number) else number

    def flag(self, key: str) -> bool:
        """A truth value, false where nothing is said."""
        return str(self._get(key)).casefold() in ("true", "1", "1.0")

    def stated(self, key: str) -> float | None:
        """A figure that is stated and finite."""
        return number_of(self._get(key))


@dataclass(frozen=True)
class Pypsa:
    """Tables by sort, the snapshots, and how much each of them weighs [h]."""

    file: Path
    rows: Mapping[str, list[Row]]
    start: np.datetime64
    step: float
    weights: Floats
    dated: bool

    def unread(self) -> dict[str, list[str]]:
        """By sort, the columns and series that nobody has asked for."""
        return {
            sort: sorted({key for row in rows for key in (*row.said, *row.series)} - rows[0].asked)
            for sort, rows in self.rows.items() if rows
        }  # fmt: skip

    def sort(self, name: str) -> list[Row]:
        """All components of a sort."""
        return self.rows.get(name, [])


def read_pypsa(file: Path) -> Pypsa:
    """Read a netCDF file or a folder of CSV files.

    Raises :class:`InputError` where it is none of PyPSA, has several investment periods or
    scenarios, or snapshots that are not evenly spaced.
    """
    if not file.exists():
        raise InputError(Fault(str(file), "there is no such file or folder", None,
                               "name a netCDF file, or a folder of CSV files"))  # fmt: skip
    if not file.is_dir():
        check_file(file, MOST_BYTES)
    read = _folder if file.is_dir() else _netcdf
    static, series, snapshots = opened(file, read, "a network of PyPSA")
    if "buses" not in static:
        raise InputError(Fault(str(file), "is no network of PyPSA: there are no buses", None,
                               "use what `network.export_to_netcdf` or `export_to_csv_folder` "
                               "wrote"))  # fmt: skip
    if "period" in snapshots:
        raise InputError(Fault(str(file), "has several investment periods", None,
                               "export one of them"))  # fmt: skip
    start, step, dated = _clock(file, snapshots)
    count = max(len(snapshots), 1)
    faults = [
        Fault(f"{file}: {sort} {key}", f"has {len(frame)} rows for {count} snapshots", None,
              "export the network again")
        for (sort, key), frame in series.items() if len(frame) != count
    ]  # fmt: skip
    faults += [
        Fault(f"{file}: {sort} {key} of {name}", "has values that are no numbers", None,
              "fill the gaps in PyPSA")
        for (sort, key), frame in series.items() for name in frame.columns
        if len(frame) == count
        and not np.isfinite(pd.to_numeric(frame[name], errors="coerce")).all()
    ]  # fmt: skip
    weights = snapshots.get("objective", snapshots.get("weightings"))
    if weights is not None:
        weights = pd.to_numeric(weights, errors="coerce")
        if not np.isfinite(weights).all() or (weights < 0).any():
            faults.append(Fault(f"{file}: snapshots", "has weightings that are no numbers from 0 "
                                "on", None, "correct them in PyPSA"))  # fmt: skip
    if faults:
        raise InputError(faults)
    rows = {sort: _rows(sort, frame, series) for sort, frame in static.items()}
    held = np.full(count, step) if weights is None else weights.to_numpy(np.float64)
    return Pypsa(file, rows, start, step, held, dated)


def _rows(
    sort: str, frame: pd.DataFrame, series: Mapping[tuple[str, str], pd.DataFrame]
) -> list[Row]:
    varying = {key: table for (of, key), table in series.items() if of == sort}
    asked: set[str] = set()
    return [
        Row(str(name), {str(key): value for key, value in said.items()},
            {key: table[name].to_numpy(np.float64) for key, table in varying.items()
             if name in table.columns}, asked)
        for name, said in zip(frame.index, frame.to_dict("records"), strict=True)
    ]  # fmt: skip


Tables = tuple[dict[str, pd.DataFrame], dict[tuple[str, str], pd.DataFrame], pd.DataFrame]


def _folder(folder: Path) -> Tables:
    """``generators.csv`` and ``generators-p_max_pu.csv``, the latter with one row per snapshot."""
    static, series = {}, {}
    for sort in SORTS:
        if (folder / f"{sort}.csv").exists():
            static[sort] = _table(folder / f"{sort}.csv", index_col=0)
            static[sort].index = static[sort].index.astype(str)
        for file in sorted(folder.glob(f"{sort}-*.csv")):
            table = _table(file, index_col=0)
            table.columns = table.columns.astype(str)
            series[sort, file.stem.removeprefix(f"{sort}-")] = table
    snapshots = pd.DataFrame()
    if (folder / "snapshots.csv").exists():
        snapshots = _table(folder / "snapshots.csv")
        # Stamps are the column `snapshot`, or, in old files, the first.
        known = next((c for c in ("snapshot", "timestep") if c in snapshots), snapshots.columns[0])
        snapshots = snapshots.rename(columns={known: "snapshot"})
    return static, series, snapshots


def _table(file: Path, **options: Any) -> pd.DataFrame:
    """One of the folder's files: an ordinary one, of a size that can be read."""
    check_file(file)
    return pd.read_csv(file, **options)


def _netcdf(file: Path) -> Tables:
    """``generators_p_nom`` over ``generators_i``; ``generators_t_p_max_pu`` over snapshots."""
    import xarray as xr

    static: dict[str, pd.DataFrame] = {}
    series: dict[tuple[str, str], pd.DataFrame] = {}
    check_whole(file, MOST_BYTES)
    with xr.open_dataset(file, engine="netcdf4") as dataset:
        if "scenarios" in dataset.dims or "scenario" in dataset.dims:
            raise InputError(Fault(str(file), "has several scenarios", None,
                                   "export one of them"))  # fmt: skip
        for sort in SORTS:
            if f"{sort}_i" not in dataset.coords:
                continue
            frame = pd.DataFrame(index=[str(name) for name in dataset[f"{sort}_i"].values])
            for variable in map(str, dataset.data_vars):
                if variable.startswith(f"{sort}_t_"):
                    over = dataset[variable].transpose("snapshots", ...)
                    names = [str(name) for name in over[over.dims[-1]].values]
                    series[sort, variable.removeprefix(f"{sort}_t_")] = pd.DataFrame(
                        over.values, columns=names
                    )
                elif variable.startswith(f"{sort}_") and dataset[variable].dims == (f"{sort}_i",):
                    frame[variable.removeprefix(f"{sort}_")] = dataset[variable].values
            static[sort] = frame
        snapshots = pd.DataFrame({
            name.removeprefix("snapshots_"): dataset[name].values
            for name in map(str, dataset.data_vars)
            if name.startswith("snapshots_") and dataset[name].dims == ("snapshots",)
        })  # fmt: skip
        if "snapshot" not in snapshots and "snapshots" in dataset.coords:
            snapshots["snapshot"] = dataset["snapshots"].values
    return static, series, snapshots


def _clock(file: Path, snapshots: pd.DataFrame) -> tuple[np.datetime64, float, bool]:
    """The first snapshot (UTC), the step [h], and whether the snapshots are moments at all."""
    usual = np.datetime64("2023-01-16T00:00:00"), 1.0, False
    if "snapshot" not in snapshots or snapshots["snapshot"].dtype.kind in "iufb":
        return usual  # counted, or the one snapshot "now"
    stamps = pd.to_datetime(snapshots["snapshot"], errors="coerce", utc=True, format="mixed")
    if stamps.isna().all():
        return usual
    if stamps.isna().any():
        wrong = snapshots["snapshot"][stamps.isna()].iloc[0]
        raise InputError(Fault(f"{file}: snapshots", "has a stamp that is no moment", wrong,
                               "correct it in PyPSA"))  # fmt: skip
    moments = stamps.dt.tz_localize(None).to_numpy("datetime64[s]")
    if len(moments) == 1:
        return moments[0], 1.0, True
    steps = np.diff(moments) / SECOND
    if steps.min() <= 0 or np.ptp(steps) > 0:
        raise InputError(Fault(f"{file}: snapshots", "are not evenly spaced",
                               f"{steps.min() / 3600:g} to {steps.max() / 3600:g} h",
                               "export an unbroken period"))  # fmt: skip
    return moments[0], float(steps[0]) / 3600.0, True
