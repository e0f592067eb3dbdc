"""One offline page about a study: sentences, a map coloured by what was found, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely.affinity import affine_transform

from citygrid.district.case import Case
from citygrid.export.drawing.projection import WIDTH, projection
from citygrid.export.gis.geometry import locate
from citygrid.export.report.html import digest, policy, resource, template
from citygrid.files import write_text


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
    to_pixels, height, _ = projection(
        [*geometry.nodes.values(), *geometry.points.values(), *geometry.lines.values()],
        geometry.crs,
    )
    drawing = Drawing(title, WIDTH, height, list(colours.items()))
    for name, line in geometry.lines.items():
        if name in marks:
            mark, about = marks[name]
            flat = affine_transform(line, to_pixels)
            for part in getattr(flat, "geoms", [flat]):
                pixels = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in part.coords)
                drawing.lines.append({"points": pixels, "colour": colours[mark], "about": about})
    for name, point in geometry.points.items():
        if name in marks:
            mark, about = marks[name]
            flat = affine_transform(point, to_pixels)
            drawing.dots.append({"x": flat.x, "y": flat.y, "colour": colours[mark], "about": about})
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
