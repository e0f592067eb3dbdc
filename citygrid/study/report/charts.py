"""Charts of a study as coordinates: cost against what was varied, against CO2, and side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from citygrid.export.report.bars import bars
from citygrid.export.report.charts import BOTTOM, LEFT, TOP, WIDTH, Plot, nice, tick_text

#: Height of a chart of points, and marks on each of its axes.
HEIGHT, MARKS = 250.0, 5
#: Scenarios up to which each has a bar of its own, and points with a title of their own.
BARS, TITLED = 40, 150
#: Colours of routes, in turn: of the palette of kinds, apart in hue and in lightness.
COLOURS = ("#0F6CA8", "#C8511B", "#45AF8F", "#8F4A86", "#8C7A4F", "#3F3F8F")


@dataclass(frozen=True)
class Series:
    """One route's points: one path for all, and titles where there are few."""

    label: str
    colour: str
    path: str
    titled: list[tuple[float, float, str]]


@dataclass(frozen=True)
class Scatter:
    """Points over two quantities, a colour per route."""

    title: str
    across: str
    up: str
    plot: Plot
    series: list[Series]


def worth(row: Mapping[str, Any]) -> float | None:
    """What a row says of cost [EUR]: a plan's cost, or of a relaxation its bound."""
    found = row["bound_eur"] if row["status"] == "relaxed" else row["objective_eur"]
    return None if found is None else float(found)


def carbon(row: Mapping[str, Any]) -> float | None:
    """CO2 of a row's plan or relaxed flows [kg]."""
    found = row["kpis"].get("co2_kg")
    return None if found is None else float(found)


def scatter(
    title: str, across: str, up: str, points: Sequence[tuple[str, str, float | None, float | None]]
) -> Scatter | None:
    """Points ``(route, name, x, y)``; ``None`` where fewer than two have both."""
    sound = [
        (route, name, x, y)
        for route, name, x, y in points
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]
    if len(sound) < 2:
        return None
    marks, place_x = _axis([p[2] for p in sound], LEFT + 8.0, WIDTH - 14.0)
    rows, place_y = _axis([p[3] for p in sound], HEIGHT - BOTTOM - 6.0, TOP + 6.0)
    plot = Plot(
        HEIGHT, [(at, text) for at, text in rows], [(at, text, False) for at, text in marks]
    )
    series = []
    for number, route in enumerate(dict.fromkeys(p[0] for p in sound)):
        own = [(place_x(x), place_y(y), name, x, y) for r, name, x, y in sound if r == route]
        titled = [(x, y, f"{name}: {tick_text(float(f'{a:.4g}'))}, {tick_text(round(b, 2))}")
                  for x, y, name, a, b in own] if len(sound) <= TITLED else []  # fmt: skip
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y, *_ in own)
        series.append(Series(route, COLOURS[number % len(COLOURS)], path, titled))
    return Scatter(title, across, up, plot, series)


def _axis(values: Sequence[float], begin: float, end: float) -> Any:
    """Marks (position, text) of an axis from ``begin`` to ``end``, and what places a value."""
    low, high = float(np.min(values)), float(np.max(values))
    if high - low <= 1e-9 * max(abs(high), 1.0):
        low, high = low - max(abs(low) * 0.01, 0.5), high + max(abs(high) * 0.01, 0.5)
    step = nice((high - low) / MARKS)
    per = (end - begin) / (high - low)
    first = math.ceil(low / step - 1e-9)
    marks = [
        (begin + (k * step - low) * per, _mark(k * step))
        for k in range(first, math.floor(high / step + 1e-9) + 1)
    ]
    return marks, lambda value: begin + (value - low) * per


def _mark(value: float) -> str:
    return tick_text(float(f"{value:.6g}"))


def cost_bars(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Cost of every scenario of the first route as bars; nothing where there are too many."""
    first = rows[0]["route"] if rows else ""
    amounts = [(row["scenario"][:34], cost) for row in rows
               if row["route"] == first and (cost := worth(row)) is not None]  # fmt: skip
    return bars(amounts) if 1 < len(amounts) <= BARS else []
