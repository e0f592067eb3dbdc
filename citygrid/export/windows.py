"""Which steps a page shows: all of a week, or daily means of a year and its hardest week."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citygrid.district.case import Case
from citygrid.export.flows import Dispatch

#: Most points in one chart; finer steps are drawn as means.
POINTS = 336
#: Horizons up to this many days are shown whole.
WHOLE_DAYS = 14.5


@dataclass(frozen=True)
class Window:
    """Steps ``first`` to ``last`` (exclusive), ``block`` of them drawn as one mean."""

    case: Case
    title: str
    first: int
    last: int
    block: int

    @property
    def points(self) -> int:
        return -(-(self.last - self.first) // self.block)

    @property
    def hours(self) -> float:
        """Length of one drawn point [h]."""
        return self.block * self.case.step

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means over the blocks, along the last axis."""
        part = values[..., self.first : self.last]
        edges = np.arange(0, part.shape[-1], self.block)
        counts = np.diff(np.append(edges, part.shape[-1]))
        return np.asarray(np.add.reduceat(part, edges, axis=-1) / counts)

    def ends(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at the ends of the blocks, along the last axis: for levels."""
        at = np.minimum(np.arange(1, self.points + 1) * self.block, self.last - self.first) - 1
        return values[..., self.first + at]

    @cached_property
    def clock(self) -> pd.DatetimeIndex:
        """Local starts of the points, and the end of the last."""
        stamps = self.case.time[self.first : self.last : self.block]
        return local(self.case, np.append(stamps, self.case.ends[self.last - 1]))

    @cached_property
    def labels(self) -> list[str]:
        """Every point's beginning, as people say it."""
        pattern = "%a %-d %b %Y" if self.hours >= 24 else "%a %-d %b, %H:%M"
        return [stamp.strftime(pattern) for stamp in self.clock[:-1]]

    def ticks(self) -> list[tuple[float, str, bool]]:
        """Marks on the time axis: position in 0…1, label, and whether it is a strong one."""
        begin, end = self.clock[0], self.clock[-1]
        span = (end - begin) / pd.Timedelta(hours=1)
        if span > 24 * 60:
            marks = _marks(begin, end, "MS")
            shown = [(m, m.strftime("%b"), m.month == 1) for m in marks]
        elif span > 24 * 15:
            marks = _marks(begin, end, "7D")
            shown = [(m, m.strftime("%-d %b"), True) for m in marks]
        elif span > 24 * 2.5:
            marks = _marks(begin, end, "D")
            pattern = "%a %-d" if span <= 24 * 8 else "%-d"
            shown = [(m, m.strftime(pattern), True) for m in marks]
        else:
            every = next(h for h in (1, 2, 3, 6, 12) if span / h <= 9)
            marks = _marks(begin, end, f"{every}h")
            shown = [(m, m.strftime("%a %-d" if m.hour == 0 else "%H:%M"), m.hour == 0)
                     for m in marks]  # fmt: skip
        length = (end - begin).total_seconds()
        places = [((m - begin).total_seconds() / length, text, strong) for m, text, strong in shown]
        return [place for place in places if -1e-9 <= place[0] <= 1 + 1e-9]


def _marks(begin: pd.Timestamp, end: pd.Timestamp, every: str) -> pd.DatetimeIndex:
    """Round times of a clock from the day of ``begin`` on; a clock that is put forward lacks some.

    They are counted on the clock's face: midnight stays midnight when the clock is changed, and of
    an hour that comes twice the first is meant.
    """
    face = pd.date_range(begin.tz_localize(None).normalize(), end.tz_localize(None), freq=every)
    marks = face.tz_localize(begin.tz, ambiguous=np.ones(len(face), dtype=bool), nonexistent="NaT")
    return marks[marks.notna()]


def local(case: Case, stamps: NDArray[np.datetime64]) -> pd.DatetimeIndex:
    """UTC stamps in the district's own time."""
    return case.local(stamps)


def windows(case: Case, moved: Dispatch) -> tuple[Window | None, Window]:
    """An overview in daily means where the horizon is long, and the window to look at closely."""
    steps = len(case.time)
    if steps * case.step <= WHOLE_DAYS * 24:
        return None, _close(case, "the whole horizon", 0, steps)
    day = max(1, round(24 / case.step))
    overview = Window(case, "daily means over the horizon", 0, steps, day)
    week = 7 * day
    strain = _strain(moved)
    totals = np.convolve(strain, np.ones(week), "valid")[::day]
    first = int(totals.argmax()) * day
    title = "the hardest week, with the most heat or power drawn by consumers"
    return overview, _close(case, title, first, min(first + week, steps))


def _close(case: Case, title: str, first: int, last: int) -> Window:
    block = -(-(last - first) // POINTS)
    if block > 1:
        minutes = block * case.step * 60
        title += f", as means over {minutes:g} min"
    return Window(case, title, first, last, block)


def _strain(moved: Dispatch) -> NDArray[np.float64]:
    """Heat (or, without any, power) that demands draw in every step [kW]."""
    demands = [i for i, asset in enumerate(moved.assets) if asset.group == "demand"]
    for carrier in ("heat", "power"):
        # A shortage, which is told among demands, feeds.
        drawn = np.nansum(np.maximum(-moved.carriers[carrier][demands], 0.0), axis=0)
        if drawn.any():
            return np.asarray(drawn)
    return np.asarray(np.nansum(np.abs(moved.carriers["power"]), axis=0))
