"""Jobs over time as coordinates: when and where each runs, in the window that it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from citygrid.arrays import Floats
from citygrid.export.report.charts import BOTTOM, LEFT, RIGHT, TOP, Plot, marks
from citygrid.export.windows import Window

#: Jobs have the whole page's width.
WIDE = 1280.0
#: Most jobs that get a line of their own.
LINED = 40


@dataclass(frozen=True)
class Bar:
    """A job's run: where it lies, the window it was given, and what to say of it."""

    x: float
    width: float
    y: float
    early: float
    late: float
    label: str
    about: str
    site: int


@dataclass(frozen=True)
class Gantt:
    """Jobs over time: each on its own line, or packed by site where there are many."""

    plot: Plot
    bars: list[Bar]
    sites: list[tuple[str, float, float]]
    thick: float
    lined: bool
    shown: int
    all: int


def gantt(jobs: pd.DataFrame, window: Window) -> Gantt | None:
    """When and where the jobs of a window run (see ``job_table``)."""
    case = window.case
    begin, end = case.time[window.first], case.ends[window.last - 1]
    here = jobs[(jobs["end"] > begin) & (jobs["start"] < end)]
    if here.empty:
        return None

    def at(stamps: Any) -> Floats:
        part = (stamps.to_numpy() - begin) / (end - begin)
        return np.asarray(LEFT + (WIDE - LEFT - RIGHT) * np.clip(part.astype(float), 0.0, 1.0))

    names = sorted(here["site"].unique())
    lined = here["job"].nunique() <= LINED
    thick, gap = (10.0, 14.0) if lined else (7.0, 9.0)
    start, stop = at(here["start"]), at(here["end"])
    early, late = at(here["release"]), at(here["deadline"])
    bars: list[Bar] = []
    bands = []
    y = TOP
    for number, site in enumerate(names):
        y += 16.0
        top = y
        lanes: list[float] = []
        line_of: dict[str, int] = {}
        for i in np.flatnonzero((here["site"] == site).to_numpy()):
            row = here.iloc[i]
            if lined:
                lane = line_of.setdefault(row["job"], len(line_of))
            else:
                lane = next(
                    (k for k, free in enumerate(lanes) if free <= start[i] + 0.01), len(lanes)
                )
                lanes[lane : lane + 1] = [stop[i]]
            about = (
                f"{row['job']} at {site}: {_when(window, row['start'])} to "
                f"{_when(window, row['end'])}, {row['power_kw']:,.6g} kW; allowed from "
                f"{_when(window, row['release'])} to {_when(window, row['deadline'])}"
            )
            bars.append(Bar(start[i], max(stop[i] - start[i], 1.0), top + lane * gap, early[i],
                            late[i], str(row["job"]), about, number))  # fmt: skip
        y = top + gap * (len(line_of) if lined else len(lanes)) + 4.0
        bands.append((site, top - 5.0, y))
    plot = Plot(y + BOTTOM, [], marks(window, WIDE), WIDE, right=WIDE - RIGHT)
    return Gantt(plot, bars, bands, thick, lined, here["job"].nunique(), jobs["job"].nunique())


def _when(window: Window, stamp: Any) -> str:
    local = pd.Timestamp(stamp).tz_localize("UTC").tz_convert(window.clock.tz)
    return str(local.strftime("%a %-d %b %H:%M"))
