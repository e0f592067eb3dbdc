"""One offline page about a study: sentences, a map coloured by what was found, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citygrid.district.case import Case
from citygrid.export.gis.geometry import locate
from citygrid.export.report.html import digest, policy, resource, template, write_text

WIDTH, MARGIN, TALLEST = 760.0, 24.0, 640.0


@dataclass(frozen=True)
class Table:
    """A table of texts; the first cell of a row names it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Drawing:
    """Lines and places of a district in the pixels of a picture, each with a colour and a text."""

    title: str
    width: float
    height: float
    legend: Sequence[tuple[str, str]]
    lines: list[dict[str, str]] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)


def draw_marked(
    case: Case, marks: Mapping[str, tuple[str, str]], colours: Mapping[str, str], title: str
) -> Drawing | None:
    """The district with components coloured; ``marks`` are component → (class, what to say).

    ``None`` where no node has a position.
    """
    geometry = locate(case)
    if not geometry.known:
        return None
    points = [(point.x, point.y) for point in (*geometry.nodes.values(), *geometry.points.values())]
    points += [xy for line in geometry.lines.values() for part in getattr(line, "geoms", [line])
               for xy in part.coords]  # fmt: skip
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    scale = min((WIDTH - 2 * MARGIN) / max(east - west, 1e-9),
                (TALLEST - 2 * MARGIN) / max(north - south, 1e-9))  # fmt: skip

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - west) * scale, MARGIN + (north - y) * scale

    drawing = Drawing(title, WIDTH, 2 * MARGIN + (north - south) * scale, list(colours.items()))
    for name, line in geometry.lines.items():
        if name in marks:
            mark, about = marks[name]
            for part in getattr(line, "geoms", [line]):
                pixels = " ".join("{:.1f},{:.1f}".format(*at(*xy[:2])) for xy in part.coords)
                drawing.lines.append({"points": pixels, "colour": colours[mark], "about": about})
    for name, point in geometry.points.items():
        if name in marks:
            mark, about = marks[name]
            x, y = at(point.x, point.y)
            drawing.dots.append({"x": x, "y": y, "colour": colours[mark], "about": about})
    return drawing


def write_table_page(
    path: Path, title: str, says: Sequence[str], tables: Sequence[Table],
    drawing: Drawing | None = None,
) -> None:  # fmt: skip
    """Write one HTML page that needs no network and no script, whole or not at all."""
    style = resource("report.css")
    page = template("table.html.j2").render(
        title=title, says=says, tables=tables, drawing=drawing, style=style,
        policy=policy(digest(style), []),
    )  # fmt: skip
    write_text(page, path)
