"""Time stamps of tables: from text and local clocks to UTC, with the rows that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Stamps
from citygrid.errors import Fault
from citygrid.inputs.tables import Column, Table, few
from citygrid.inputs.time import ahead, clock, is_fixed, read_timezone, show

if TYPE_CHECKING:
    import pandas as pd

_ISO = re.compile(
    r"^(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ]\s*(?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*"
    r"(?P<offset>Z|UTC|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?$"
)
_GERMAN = re.compile(
    r"^(?P<d>\d{2})\.(?P<m>\d{2})\.(?P<y>\d{4})(?:\s+(?P<clock>\d{2}:\d{2}(?::\d{2})?))?$"
)
#: A stamp that there is not.
_NONE = "NaT"
_EXAMPLE = "write ISO 8601 such as 2023-01-16T00:00+01:00"


def read_stamps(table: Table, column: Column, zone_name: str | None) -> tuple[Stamps, list[Fault]]:
    """Starts of the intervals in UTC (N), and all that is wrong with them.

    Stamps are ISO 8601 with an offset or ``Z``, or without one (also ``16.01.2023 00:00``); then
    ``zone_name`` says whose clock it is. On a clock that changes, an hour that is passed twice in
    autumn is told by the order of the rows, and an hour that clocks leap over in spring is refused.
    The stamps must rise from row to row.
    """
    wall, offset, readable = _parsed(column)
    place = f'{table.file}, column "{column.header}"'
    faults = [
        Fault(table.place(int(i)), "cannot read the time stamp", str(column.values[i]), _EXAMPLE)
        for i in np.flatnonzero(~readable)
    ]
    if faults:
        return wall, few(faults, "unreadable stamps")
    aware = ~np.isnan(offset)
    if aware.any() and not aware.all():
        odd = int(np.flatnonzero(aware != aware[0])[0])
        return wall, [Fault(table.place(odd), "some stamps have an offset from UTC and some do not",
                            str(column.values[odd]), "write all in one way")]  # fmt: skip
    zone, faults = _zone(zone_name, place)
    if faults:
        return wall, faults
    if aware.all():
        utc = wall - (offset * 60.0).astype("timedelta64[s]")
        return utc, _contradictions(table, utc, wall, zone, zone_name) or _disorder(table, utc)
    if zone is None:
        repair = "give `timezone`: UTC, an offset such as +01:00, or Europe/Berlin"
        reason = "the stamps do not say their offset from UTC"
        return wall, [Fault(place, reason, str(column.values[0]), repair)]
    utc, leapt = local_to_utc(wall, zone)
    faults = [
        Fault(table.place(int(i)), f"this local time does not exist in {zone_name}, where clocks "
              "leap over it", str(column.values[i]),
              "remove the row, or give the offset that the stamps really keep (`timezone: +01:00`)")
        for i in np.flatnonzero(leapt)
    ]  # fmt: skip
    return utc, few(faults, "hours that do not exist") or _disorder(table, utc)


def local_to_utc(wall: Stamps, zone: tzinfo) -> tuple[Stamps, Flags]:
    """Clock readings (N) in row order as UTC, and which of them the clocks leap over.

    A reading that occurs twice is the earlier of both until the clock jumps back, then the later.
    Where it stands in the rows only once, it is the one that keeps its distance to the rows before
    and after even, in doubt the earlier; the hour that then is missing shows as a gap.
    """
    if is_fixed(zone):
        return wall - ahead(zone), np.zeros(len(wall), dtype=bool)
    import pandas as pd

    index = pd.DatetimeIndex(wall)
    early = _localised(index, zone, first=True)
    late = _localised(index, zone, first=False)
    leapt = np.isnat(early)
    utc = early.copy()
    for a, b in _runs(~leapt & (early != late)):
        back = np.flatnonzero(wall[a + 1 : b] <= wall[a : b - 1])
        if len(back):
            utc[a + 1 + back[0] : b] = late[a + 1 + back[0] : b]
        elif b < len(utc) and (a == 0 or _is_evener(late, early, a, b, utc)):
            utc[a:b] = late[a:b]
    return utc, leapt


def _is_evener(one: Stamps, other: Stamps, a: int, b: int, utc: Stamps) -> bool:
    """Whether ``one`` lies more evenly between the rows before and after than ``other``."""
    first, last = (abs((x[a] - utc[a - 1]) - (utc[b] - x[b - 1])) for x in (one, other))
    return bool(first < last)


def changes_clocks(zone_name: str | None, before: np.datetime64, after: np.datetime64) -> bool:
    """Whether the zone sets its clocks back between two moments (UTC)."""
    if zone_name is None:
        return False
    zone = read_timezone(zone_name)
    if is_fixed(zone):
        return False
    wall = clock(np.array([before, after]), zone)
    return bool(wall[1] - wall[0] < after - before)


def _localised(index: pd.DatetimeIndex, zone: tzinfo, first: bool) -> Stamps:
    flags = np.full(len(index), first)
    local = index.tz_localize(zone, ambiguous=flags, nonexistent="NaT")
    return local.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]")


def _runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """Begin and end of every stretch of true flags."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    yield from zip(
        np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True
    )


def _parsed(column: Column) -> tuple[Stamps, NDArray[np.float64], Flags]:
    """Clock readings, their offset [min] (NaN: none is written), and which could be read."""
    values = column.values
    if values.dtype.kind == "M":
        wall = values.astype("datetime64[ns]")
        return wall, np.full(len(wall), 0.0 if column.utc else np.nan), ~np.isnat(wall)
    texts, offset = [_NONE] * len(values), np.full(len(values), np.nan)
    for i, value in enumerate(values):
        text = _as_text(value)
        if (iso := _ISO.match(text)) is not None:
            texts[i] = f"{iso['date']}T{iso['clock'] or '00:00'}"
            offset[i] = _minutes(iso["offset"])
        elif (german := _GERMAN.match(text)) is not None:
            year, month, day, clock = german.group("y", "m", "d", "clock")
            texts[i] = f"{year}-{month}-{day}T{clock or '00:00'}"
    wall = _to_datetime(texts)
    return wall, offset, ~np.isnat(wall)


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _to_datetime(texts: Sequence[str]) -> Stamps:
    """Stamps of ISO texts; none where a text is no day or time that there is."""
    try:
        return _read(texts)
    except ValueError:
        return np.concatenate([_read_one(text) for text in texts])


def _read_one(text: str) -> Stamps:
    try:
        return _read([text])
    except ValueError:
        return _read([_NONE])


def _read(texts: Sequence[str]) -> Stamps:
    stamps = np.array(texts, dtype="datetime64[ns]")
    # Years that nanoseconds do not reach would be others instead.
    stamps[stamps.astype("datetime64[s]") != np.array(texts, dtype="datetime64[s]")] = _NONE
    return stamps


def _minutes(text: str | None) -> float:
    """``+01:00`` → 60, ``Z`` → 0, nothing → NaN."""
    if text is None:
        return np.nan
    if text in ("Z", "UTC"):
        return 0.0
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = 60.0 * int(digits[:2]) + int(digits[2:])
    return -size if text[0] == "-" else size


def _zone(zone_name: str | None, place: str) -> tuple[tzinfo | None, list[Fault]]:
    if zone_name is None:
        return None, []
    try:
        return read_timezone(zone_name), []
    except ValueError as error:
        return None, [Fault.of(error, place)]


def _contradictions(
    table: Table, utc: Stamps, wall: Stamps, zone: tzinfo | None, zone_name: str | None
) -> list[Fault]:
    """Stamps whose own offset is not that of the zone they are said to be in."""
    if zone is None:
        return []
    odd = np.flatnonzero(clock(utc, zone) != wall)
    if not len(odd):
        return []
    shift = int((wall[odd[0]] - utc[odd[0]]) / np.timedelta64(1, "m"))
    sign, size = "-" if shift < 0 else "+", abs(shift)
    return [Fault(
        table.place(int(odd[0])), f"the stamp has an offset that is not that of {zone_name}",
        f"{sign}{size // 60:02d}:{size % 60:02d}", "leave `timezone` out, or correct the stamps",
    )]  # fmt: skip


def _disorder(table: Table, utc: Stamps) -> list[Fault]:
    """Stamps that do not rise."""
    difference = np.diff(utc)
    zero = np.timedelta64(0, "ns")
    faults = []
    for i in np.flatnonzero(difference <= zero):
        if difference[i] == zero:
            reason, repair = "the stamp stands here a second time", "keep one of both rows"
        else:
            reason, repair = "the stamp is earlier than the one before it", "sort the rows by time"
        faults.append(Fault(table.place(int(i) + 1), reason, show(utc[i + 1]), repair))
    return few(faults, "stamps that do not rise")
