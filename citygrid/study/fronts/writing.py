"""A front on disk: table, document, picture, one offline page, and its plans when asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from citygrid.export.report.charts import nice, tick_text
from citygrid.export.report.html import digest, policy, resource, template
from citygrid.export.report.wording import number, share
from citygrid.export.tables import safe_cell
from citygrid.files import refuse_unwritable, together, whole, write_document, write_text
from citygrid.study.fronts.points import Front

if TYPE_CHECKING:
    import pandas as pd

TEMPLATES = Path(__file__).parent / "templates"
#: What a front leaves in its folder; plans of points are numbered from the tightest limit.
FILES = {"csv": "front.csv", "json": "front.json", "svg": "front.svg", "html": "front.html"}
PLAN = "point_{:02d}.nc"
#: Size of the picture, and its margins: left, right, top, bottom.
WIDTH, HEIGHT, MARGINS = 760.0, 420.0, (84.0, 20.0, 16.0, 52.0)


def refuse_unwritable_front(folder: Path) -> None:
    """Raise the ``OSError`` that writing a front would meet, before the work."""
    for name in FILES.values():
        refuse_unwritable(folder / name)


def write_front(
    front: Front, folder: Path, plans: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:  # fmt: skip
    """Write a front's files, all of them or none; returns what → path."""
    say("writing the front")
    files = {kind: folder / name for kind, name in FILES.items()}
    if plans:
        files |= {f"plan {n}": folder / PLAN.format(n) for n in range(1, len(front.points) + 1)}
    table = front.table()
    table["how"] = [safe_cell(str(each)) for each in table["how"]]
    picture = drawn(front)
    style = resource("report.css")
    page = picture | {"style": style, "policy": policy(digest(style), [])}
    with together():
        with whole(files["csv"]) as temporary:
            table.to_csv(temporary, index=False)
        write_document(front.as_dict(), files["json"])
        write_text(_rendered("front.svg.j2", picture), files["svg"])
        write_text(_rendered("front.html.j2", page), files["html"])
        for place, point in enumerate(front.points if plans else (), 1):
            say(f"writing {files[f'plan {place}']}")
            point.plan.save(files[f"plan {place}"])
    return {kind: str(path) for kind, path in files.items()}


class Tabled(Protocol):
    """Something with a table and a document."""

    def table(self) -> pd.DataFrame: ...
    def as_dict(self) -> dict[str, Any]: ...


def refuse_unwritable_table(folder: Path, name: str) -> None:
    """Raise the ``OSError`` that :func:`write_table` would meet, before the work."""
    for ending in ("csv", "json"):
        refuse_unwritable(folder / f"{name}.{ending}")


def write_table(found: Tabled, folder: Path, name: str) -> dict[str, str]:
    """Write a table and its document, both or none; returns what → path."""
    paths = {ending: folder / f"{name}.{ending}" for ending in ("csv", "json")}
    table = found.table()
    for column in table.select_dtypes(object).columns:
        table[column] = [safe_cell(v) if isinstance(v, str) else v for v in table[column]]
    with together():
        with whole(paths["csv"]) as temporary:
            table.to_csv(temporary, index=False)
        write_document(found.as_dict(), paths["json"])
    return {ending: str(path) for ending, path in paths.items()}


def _rendered(name: str, context: dict[str, Any]) -> str:
    return template(name, {"number": number, "share": share}, TEMPLATES).render(**context)


def drawn(front: Front) -> dict[str, Any]:
    """A front as coordinates: steps of what is achieved, a line of what is proven, marks."""
    points = [(point.measured, point.cost) for point in front.points]
    floor = [pair for pair in front.floor if pair[1] <= max(cost for _, cost in points)]
    left, right, top, bottom = MARGINS
    across = _Scale([m for m, _ in points + list(floor)], left, WIDTH - right)
    low = min([cost for _, cost in points] + [b for _, b in floor])
    up = _Scale([low, *(cost for _, cost in points)], HEIGHT - bottom, top)
    path = ""
    # A plan keeps every looser limit, too: between two points the tighter one's cost is achieved.
    for place, (measured, cost) in enumerate(points):
        x, y = across.at(measured), up.at(cost)
        path += f"M{x:.1f} {y:.1f}" if place == 0 else f"H{x:.1f}V{y:.1f}"
    proven = " ".join(f"{across.at(m):.1f},{up.at(b):.1f}" for m, b in floor)
    return {
        "front": front, "width": WIDTH, "height": HEIGHT, "left": left, "right": WIDTH - right,
        "top": top, "bottom": HEIGHT - bottom, "steps": path, "floor": proven,
        "rows": [(up.at(v), tick_text(v)) for v in up.ticks],
        "columns": [(across.at(v), tick_text(v)) for v in across.ticks],
        "marks": [(across.at(p.measured), up.at(p.cost), p) for p in front.points],
    }  # fmt: skip


class _Scale:
    """A linear axis with round marks; ``begin`` and ``end`` in the picture's units."""

    def __init__(self, values: list[float], begin: float, end: float) -> None:
        low, high = min(values), max(values)
        room = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
        self._low, self._high, self._begin, self._end = low - room, high + room, begin, end

    def at(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._begin + share * (self._end - self._begin)

    @property
    def ticks(self) -> list[float]:
        step = nice((self._high - self._low) / 6.0)
        first = int(-(-self._low // step))
        return [step * i for i in range(first, int(self._high // step) + 1)]
