"""Quantities over time as lines, several on one pair of axes, told apart by colour and dashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from citygrid.arrays import Floats
from citygrid.export.report.charts import (
    BOTTOM,
    TOP,
    Plot,
    edges,
    marks,
    nice,
    short,
    stairs,
    tick_text,
)
from citygrid.export.report.lines import LOOKS
from citygrid.export.windows import Window


@dataclass(frozen=True)
class Course:
    """One quantity: its line, and what it comes to in words."""

    name: str
    colour: str
    dashes: str
    path: str
    about: str


@dataclass(frozen=True)
class Courses:
    """Quantities of one unit over time."""

    title: str
    unit: str
    plot: Plot
    courses: list[Course]
    zero: float


def courses(
    title: str, unit: str, window: Window, series: Sequence[tuple[str, Floats]],
    height: float = 150.0, from_zero: bool = True,
) -> Courses | None:  # fmt: skip
    """Lines of means over the window's points; ``None`` where no series has a figure.

    series
        Name and values (T) in the unit; a step that has no figure (NaN) leaves a gap. A series
        without any is left out.
    """
    drawn = [(name, window.means(values)) for name, values in series]
    drawn = [(name, values) for name, values in drawn if np.isfinite(values).any()]
    if not drawn:
        return None
    low = min(float(np.nanmin(values)) for _, values in drawn)
    high = max(float(np.nanmax(values)) for _, values in drawn)
    low, high = (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)
    step = nice(max(high - low, 1e-6 * max(abs(high), 1.0)) / 3)
    low, high = step * np.floor(low / step + 1e-9), step * np.ceil(high / step - 1e-9)
    if high <= low:
        high = low + step
    room = height - TOP - BOTTOM

    def at(value: Floats) -> Floats:
        return np.asarray(TOP + room * (high - value) / (high - low))

    ticks = np.arange(round((high - low) / step) + 1) * step + low
    rows = [(float(at(tick)), tick_text(round(float(tick), 9))) for tick in ticks]
    lines = []
    for number, (name, values) in enumerate(drawn):
        colour, dashes, _ = LOOKS[number % len(LOOKS)]
        lines.append(Course(name, colour, dashes, _path(at(values), edges(window)),
                            _about(values, unit)))  # fmt: skip
    return Courses(title, unit, Plot(height, rows, marks(window)), lines, float(at(np.array(0.0))))


def _path(y: Floats, x: Floats) -> str:
    """Stairs over every stretch that has figures."""
    known = np.flatnonzero(np.isfinite(y))
    parts = []
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        first, last = int(run[0]), int(run[-1]) + 1
        parts.append(f"M{short(x[first])} {short(y[first])}"
                     + stairs(x[first + 1 : last + 1], y[first:last]))  # fmt: skip
    return "".join(parts)


def _about(values: Floats, unit: str) -> str:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spoken = f" {unit}" if unit not in ("", "1") else ""
    if f"{low:.3g}" == f"{high:.3g}":
        return f"{high:,.3g}{spoken}"
    return f"{low:,.3g} to {high:,.3g}{spoken}"
