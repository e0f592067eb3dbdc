"""Pictures of a race: gap against time for every group, time to a proven gap against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.bench.anneal.figures import PROVEN, bounds, course, label
from citygrid.export.report.lines import LineChart, Series, line_chart, write_chart
from citygrid.plan.traces import gap_at, quantile

#: Times at which medians over seeds are drawn, and the smallest gap that a logarithm shows.
POINTS, LEAST = 120, 1e-5


def draw(
    rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any], folder: Path, scale: bool
) -> dict[str, Path]:
    """Write an SVG per group, and one of the ladder of sizes where that was asked for."""
    files = {}
    for name in found["groups"]:
        chart = gap_chart(name, [row for row in rows if row["group"] == name], bounds(rows))
        if chart is not None:
            files[f"gap {name}"] = folder / f"gap_{name}.svg"
            write_chart(chart, files[f"gap {name}"])
    chart = scale_chart(found["groups"]) if scale else None
    if chart is not None:
        files["scale"] = folder / "scale.svg"
        write_chart(chart, files["scale"])
    return files


def gap_chart(
    name: str, rows: Sequence[Mapping[str, Any]], best: Mapping[str, Any]
) -> LineChart | None:
    """Median gap to the best proven bound against time; the band holds the middle half."""
    series = []
    for route in dict.fromkeys(row["route"] for row in rows):
        own = [(course(row), best[row["form_hash"]][0]) for row in rows if row["route"] == route]
        ends = [trace[-1]["seconds"] for trace, _ in own if trace]
        starts = [news["seconds"] for trace, _ in own for news in trace
                  if news["objective"] is not None and news["seconds"] > 0]  # fmt: skip
        if not starts:
            continue
        points, band = [], []
        for at in np.geomspace(min(starts), max(max(ends), 1.01 * min(starts)), POINTS).tolist():
            # The last instant may fall short of itself by rounding.
            now = [None if bound is None else gap_at(trace, at * (1 + 1e-9), bound)
                   for trace, bound in own]  # fmt: skip
            middle = quantile(now)
            if middle is None:
                continue
            points.append((at, max(middle, LEAST)))
            low, high = quantile(now, 0.25), quantile(now, 0.75)
            if low is not None and high is not None and len(own) > 1:
                band.append((at, max(low, LEAST), max(high, LEAST)))
        series.append(Series(route, points, band))
    first = rows[0]
    return line_chart(
        f"{name}: {first['hours']} h, {first['sites']} sites, {first['jobs']} jobs",
        "Median gap over the seeds to the best bound that any route proved; bands hold the middle "
        "half of the seeds.", "seconds since the route began", "gap to the best proven bound",
        series, up_text=label,
    )  # fmt: skip


def scale_chart(groups: Mapping[str, Any]) -> LineChart | None:
    """Median time until a route itself had proven the ladder's gap, against binaries."""
    routes = list(dict.fromkeys(route for group in groups.values() for route in group["routes"]))
    series = []
    for route in routes:
        points = [
            (float(group["binaries"]), group["routes"][route]["seconds_to_own_gap"][label(PROVEN)])
            for group in groups.values() if route in group["routes"]
        ]  # fmt: skip
        points = sorted((a, b) for a, b in points if b is not None)
        series.append(Series(route, points))
    return line_chart(
        f"Time to a proven {label(PROVEN)}",
        "Median seconds until a route had a plan and a proof of its own within the gap; a route "
        "ends where it no longer came so near within its limit.",
        "binaries", "seconds", series, steps=False,
    )  # fmt: skip
