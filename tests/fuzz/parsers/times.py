"""Stamps, time zones, horizons and windows of a timetable."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.inputs.time import read_horizon, read_stamp, read_timezone, show
from citygrid.inputs.timetable import inside

_DAY = read_horizon("2023-03-26T00:00+01:00", "23 h", "15 min", "Europe/Berlin")
SEEDS = [b"2023-01-16T00:00+01:00|24 h|15 min|Europe/Berlin", b"2024-02-29T00:00Z|2 d|6 h|UTC",
         b"2023-03-26T03:00|1 week|1 h|Europe/Berlin", b"2023-10-29T02:30+02:00|5 h|5 min|+01:00",
         b"Mo-Fr, Su|08:00-20:00, 22:00-06:00|Nov-Feb|"]  # fmt: skip


def read(data: bytes, folder: Path) -> None:
    start, length, step, zone = (data.decode(errors="replace").split("|") + [""] * 4)[:4]
    refusals, done = [], 0
    for reading in (
        lambda: read_stamp(start), lambda: read_timezone(zone),
        lambda: read_horizon(start, length, step, zone or None),
        lambda: inside(_DAY, start or None, length or None, step or None),
    ):  # fmt: skip
        try:
            found = reading()
        except ValueError as error:
            refusals.append(Fault.of(error, "time", start))
            continue
        done += 1
        if isinstance(found, np.datetime64) and found == found.astype("datetime64[s]"):
            assert read_stamp(show(found)) == found
    if not done:
        raise InputError(refusals)
