"""Series of numbers over time, from any file to the steps of the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.inputs.sources import Source, open_source
from citygrid.inputs.stamps import changes_clocks
from citygrid.inputs.tables import Column, few, numbers
from citygrid.inputs.time import Horizon, show
from citygrid.units import DIMENSIONLESS, factor

Resample = Literal["refuse", "hold", "mean", "interpolate"]


@dataclass(frozen=True)
class SeriesSpec:
    """Where a series is and what its numbers mean.

    ``column`` may be left out when there is one; ``unit`` when the header has it
    (``price [EUR/MWh]``); ``time`` names the column of stamps (else an obvious name, the index, or
    the first column); ``timezone`` is for stamps without an offset; ``resample`` says what happens
    when the file has other steps than the horizon, see :func:`read_series`.
    """

    file: Path
    unit: str | None = None
    column: str | None = None
    time: str | None = None
    timezone: str | None = None
    resample: Resample | None = None


def read_series(spec: SeriesSpec, horizon: Horizon, canonical: str) -> Floats:
    """Read a series over the horizon: (T,) in the ``canonical`` unit.

    Files: CSV (``,``, ``;``, tab; ``#`` comments), Parquet, netCDF (a variable over time, other
    dimensions of length 1), EPW and PVGIS typical years (columns by pvlib's names: ``temp_air``,
    ``ghi``, ``wind_speed``, …). A stamp is the start of its interval.

    Steps. A file with the horizon's steps is taken as it is. Otherwise, by ``spec.resample``:

    * ``hold``: a coarser file's value holds through its interval, as rates and prices do. The
      default for coarser files.
    * ``mean``: each step gets the mean of the finer file's values in it. The default for finer
      files. (For a coarser file the same as ``hold``.)
    * ``interpolate``: values are readings at the stamps, joined by straight lines; each step
      gets the reading at its start. Also for stamps that lie between the horizon's. After the
      file's last stamp its reading holds.
    * ``refuse``: other steps are a fault.

    Steps that do not divide one another are refused unless they are interpolated.

    A typical year (EPW, PVGIS) is put on the horizon by month, day and hour in UTC, whatever its
    years; 29 February takes the values of 28 February.

    Raises :class:`InputError` with all faults: columns, units, stamps that are unreadable,
    unsorted, doubled or without a zone; gaps and missing numbers within the horizon; a series that
    does not cover it.
    """
    faults: list[Fault] = []
    source = open_source(Path(spec.file), faults, spec.time, spec.timezone, spec.column)
    readable = not faults
    column = choose_column(source, spec.column, faults)
    values = None
    if column is not None:
        scale, offset = conversion(source, column, spec.unit, canonical, faults)
        if readable:
            values = place_on(source, column, horizon, spec.resample, faults)
    if faults or values is None:
        raise InputError(faults)
    return values * scale + offset


def choose_column(source: Source, wanted: str | None, faults: list[Fault]) -> Column | None:
    """The column of values; a fault, with the columns there are, when it is not clear which."""
    others = [c for c in source.table.columns if c is not source.time and c.header]
    there = ", ".join(f'"{c.header}"' for c in others) or "none"
    file = str(source.table.file)
    if wanted is None:
        if len(others) == 1:
            return others[0]
        faults.append(Fault(file, "which column is meant is not said", None,
                            f"give `column`, one of {there}"))  # fmt: skip
        return None
    column = source.table.find(wanted)
    if column is None or column is source.time:
        faults.append(
            Fault(file, "there is no such column of values", wanted, f"use one of {there}")
        )
        return None
    return column


def conversion(
    source: Source, column: Column, unit: str | None, canonical: str, faults: list[Fault]
) -> tuple[float, float]:
    """Scale and offset from the unit of the file to ``canonical``."""
    place = f'{source.table.file}, column "{column.header}"'
    if unit is None and column.unit is None:
        if canonical == DIMENSIONLESS:
            return 1.0, 0.0
        repair = f"give `unit`, or write the header as {column.name} [{canonical}]"
        faults.append(Fault(place, "the numbers have no unit", None, repair))
        return 1.0, 0.0
    try:
        found = [factor(u, canonical) for u in (unit, column.unit) if u is not None]
    except ValueError as error:
        faults.append(Fault.of(error, place))
        return 1.0, 0.0
    if len(found) == 2 and not np.allclose(found[0], found[1], rtol=1e-9):
        faults.append(Fault(place, f'the header says "{column.unit}"', unit,
                            "leave `unit` out, or correct one of the two"))  # fmt: skip
    return found[0]


def place_on(
    source: Source, column: Column, horizon: Horizon, method: Resample | None, faults: list[Fault]
) -> Floats | None:
    """The column over the horizon (T) in its own unit; ``None`` when faults were added."""
    before = len(faults)
    stamps, rows = source.over(horizon, faults)
    if len(faults) > before:
        return None
    delta = usual_step(stamps, horizon)
    first, last = covered(source, stamps, delta, horizon, faults)
    if len(faults) > before:
        return None
    faults += _gaps(source, stamps, rows, delta, first, last, horizon.end)
    steps = _steps(source, stamps[first], delta, horizon, method)
    faults += steps
    if method == "interpolate" and last < len(stamps) and stamps[last] - stamps[last - 1] == delta:
        last += 1  # the line goes on to the reading after the last interval
    values, wrong = numbers(source.table, column, rows[first:last])
    faults += wrong
    if len(faults) > before:
        return None
    return resampled(values, stamps[first:last], delta, horizon, method)


def usual_step(stamps: NDArray[np.datetime64], horizon: Horizon) -> np.timedelta64:
    """The most frequent distance of two stamps; the horizon's step where there is one stamp."""
    if len(stamps) < 2:
        return horizon.delta
    distances, counts = np.unique(np.diff(stamps), return_counts=True)
    return np.timedelta64(distances[np.argmax(counts)])


def covered(
    source: Source, stamps: NDArray[np.datetime64], delta: np.timedelta64, horizon: Horizon,
    faults: list[Fault],
) -> tuple[int, int]:  # fmt: skip
    """First and one past the last row whose interval meets the horizon."""
    if stamps[0] > horizon.start or stamps[-1] + delta < horizon.end:
        faults.append(Fault(
            str(source.table.file), "does not cover the horizon "
            f"{show(horizon.start)} to {show(horizon.end)}",
            f"{show(stamps[0])} to {show(stamps[-1] + delta)}",
            "move or shorten the horizon, or lengthen the file",
        ))  # fmt: skip
    first = int(np.searchsorted(stamps, horizon.start, side="right")) - 1
    last = int(np.searchsorted(stamps, horizon.end, side="left"))
    return max(first, 0), last


def _gaps(
    source: Source, stamps: NDArray[np.datetime64], rows: NDArray[np.int64],
    delta: np.timedelta64, first: int, last: int, end: np.datetime64,
) -> list[Fault]:  # fmt: skip
    """Rows within the horizon that are not one step after the row before."""
    faults = []
    # The row after the last one, too: it tells whether the last interval is whole.
    inside = stamps[first : last + 1]
    for i in np.flatnonzero(np.diff(inside) != delta):
        before, after = inside[i], inside[i + 1]
        if i + 1 == last - first and after - before > delta and before + delta >= end:
            continue  # a gap that begins after the last interval, at or after the horizon's end
        repair = "fill the gap, or write a regular step"
        if changes_clocks(source.timezone, before, after):
            repair = (
                f"clocks of {source.timezone} are set back here: write that hour twice, or give "
                "the offset that the stamps really keep"
            )
        faults.append(Fault(
            source.table.place(int(rows[first + i + 1])),
            f"comes {_hours(after - before)} after the row before, others {_hours(delta)}",
            show(after), repair,
        ))  # fmt: skip
    return few(faults, "gaps")


def _steps(
    source: Source, first: np.datetime64, delta: np.timedelta64, horizon: Horizon,
    method: Resample | None,
) -> list[Fault]:  # fmt: skip
    """What is wrong with the file's steps for this horizon."""
    file, zero = str(source.table.file), np.timedelta64(0, "ns")
    finer, coarser = delta < horizon.delta, delta > horizon.delta
    small, large = min(delta, horizon.delta), max(delta, horizon.delta)
    fits = large % small == zero and (horizon.start - first) % small == zero
    said = f"steps of {_hours(delta)} from {show(first)}"
    wanted = f"the horizon's are {_hours(horizon.delta)} from {show(horizon.start)}"
    if method == "refuse" and (finer or coarser or not fits):
        return [Fault(file, f"has other steps: {wanted}", said,
                      "allow `resample`: hold, mean or interpolate")]  # fmt: skip
    if finer and method in ("hold", "interpolate"):
        return [Fault(file, f"is finer than the horizon, so `{method}` would drop values", said,
                      "use `resample: mean`")]  # fmt: skip
    if not fits and method != "interpolate":
        return [Fault(file, f"has steps that do not fit: {wanted}", said,
                      "write the file with steps that divide or are divided by the horizon's, or "
                      "use `resample: interpolate`")]  # fmt: skip
    return []


def resampled(
    values: Floats, stamps: NDArray[np.datetime64], delta: np.timedelta64, horizon: Horizon,
    method: Resample | None,
) -> Floats:  # fmt: skip
    """Values (N) of intervals ``delta`` from ``stamps`` on the horizon's steps (T).

    The stamps are regular and cover the horizon; steps fit as :func:`read_series` says.
    """
    if method == "interpolate":
        seconds = (stamps - stamps[0]) / np.timedelta64(1, "s")
        at = (horizon.time - stamps[0]) / np.timedelta64(1, "s")
        return np.interp(at, seconds, values)
    if delta < horizon.delta:
        parts = round(horizon.delta / delta)
        return values[: parts * len(horizon)].reshape(len(horizon), parts).mean(axis=1)
    return values[np.searchsorted(stamps, horizon.time, side="right") - 1]


def _hours(delta: np.timedelta64) -> str:
    minutes = float(delta / np.timedelta64(1, "m"))
    return f"{minutes / 60:g} h" if minutes % 60 == 0 else f"{minutes:g} min"
