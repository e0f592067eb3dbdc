"""Line charts on logarithmic axes as coordinates; a template draws them, also as own files.

Lines differ in their dashes and marks as well as in colour, so that a black-and-white print can be
read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from citygrid.export.report.html import template
from citygrid.files import write_text

#: Colour, dashes and mark of each line in turn; the colours differ in lightness, too.
LOOKS = (
    ("#1b2126", "", "disc"), ("#0f5f94", "9 3", "square"), ("#c8511b", "2 3", "triangle"),
    ("#8f4a86", "9 3 2 3", "diamond"), ("#3c8d6e", "5 2", "cross"), ("#a0763c", "1 2", "plus"),
    ("#56616a", "12 4 2 4 2 4", "ring"), ("#77709e", "4 6", "bar"),
)  # fmt: skip
#: Look of a route, so that it is the same on every picture.
KNOWN = {"milp": 0, "hybrid": 1, "hybrid:greedy": 2, "hybrid:rounding": 3, "hybrid:random": 4,
         "hybrid:raw": 5, "qubo": 6}  # fmt: skip

WIDTH, HEIGHT = 700.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 172.0, 14.0, 46.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A line: its points, and perhaps a band (x, low, high) around it."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Line:
    """A line as it is drawn; ``marks`` are paths."""

    name: str
    colour: str
    dashes: str
    path: str
    marks: str
    band: str
    key: str
    key_mark: str
    label_y: float
    filled: bool


@dataclass(frozen=True)
class LineChart:
    """A chart as it is drawn: its frame, the marks of both axes and its lines."""

    title: str
    about: str
    across: str
    up: str
    rows: list[tuple[float, str]]
    columns: list[tuple[float, str]]
    lines: list[Line]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def line_chart(
    title: str, about: str, across: str, up: str, series: Sequence[Series], steps: bool = True,
    up_text: Callable[[float], str] = lambda value: f"{value:,g}",
) -> LineChart | None:  # fmt: skip
    """A chart of what is above 0 on both axes, both logarithmic; ``None`` where nothing is.

    With ``steps`` a value holds until the next point.
    """
    drawn = [(s, [p for p in s.points if p[0] > 0 and p[1] > 0]) for s in series]
    drawn = [(s, points) for s, points in drawn if points]
    if not drawn:
        return None
    x = _axis([at for _, points in drawn for at, _ in points], LEFT, WIDTH - RIGHT)
    y = _axis([v for _, points in drawn for _, v in points], HEIGHT - BOTTOM, TOP)
    lines = []
    others = len(KNOWN)
    for number, (each, points) in enumerate(drawn):
        if each.name not in KNOWN:
            others += 1
        look = KNOWN.get(each.name, others - 1) % len(LOOKS)
        colour, dashes, mark = LOOKS[look]
        places = [(x.at(a), y.at(b)) for a, b in points]
        label_y = TOP + 12 + 20 * number
        begin = WIDTH - RIGHT + 10
        lines.append(Line(
            each.name, colour, dashes, _course(places, steps),
            "".join(_mark(mark, *place) for place in _few(places)), _band(each.band, x, y, steps),
            f"M{begin:.1f} {label_y - 4:.1f}h34", _mark(mark, begin + 17, label_y - 4),
            label_y, mark in ("disc", "square", "triangle", "diamond"),
        ))  # fmt: skip
    return LineChart(title, about, across, up, [(y.at(v), up_text(v)) for v in y.ticks],
                     [(x.at(v), f"{v:,g}") for v in x.ticks], lines)  # fmt: skip


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    begin: float
    end: float
    ticks: list[float]

    def at(self, value: float) -> float:
        part = math.log(min(max(value, self.low), self.high) / self.low)
        return self.begin + (self.end - self.begin) * part / math.log(self.high / self.low)


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    low, high = min(values) / 1.15, max(values) * 1.15
    if high / low < 2:
        low, high = low / 1.5, high * 1.5
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    ticks = [round(m * 10.0**p, 12) for p in powers for m in steps]
    return _Axis(low, high, begin, end, [t for t in ticks if low <= t <= high])


def _course(places: Sequence[Point], steps: bool) -> str:
    if not steps:
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
    first, *rest = places
    return f"M{first[0]:.1f} {first[1]:.1f}" + "".join(f"H{a:.1f}V{b:.1f}" for a, b in rest)


def _band(band: Iterable[tuple[float, float, float]], x: _Axis, y: _Axis, steps: bool) -> str:
    known = [(x.at(a), y.at(low), y.at(high)) for a, low, high in band if a > 0]
    if len(known) < 2:
        return ""
    if steps:
        # Both edges as steps: every value holds until the next point.
        known = [known[0], *(
            place for before, now in itertools.pairwise(known)
            for place in ((now[0], before[1], before[2]), now)
        )]  # fmt: skip
    over = "L".join(f"{a:.1f} {low:.1f}" for a, low, _ in known)
    back = "L".join(f"{a:.1f} {high:.1f}" for a, _, high in reversed(known))
    return f"M{over}L{back}Z"


def _few(places: Sequence[Point], apart: float = 45.0) -> list[Point]:
    """Places of marks: the first, the last, and others that do not crowd."""
    found: list[Point] = []
    for place in places:
        if not found or math.dist(place, found[-1]) >= apart:
            found.append(place)
    return found if found[-1] == places[-1] else [*found, places[-1]]


def _mark(kind: str, x: float, y: float) -> str:
    paths = {
        "disc": f"M{x - 3:.1f} {y:.1f}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
        "ring": f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
        "square": f"M{x - 3:.1f} {y - 3:.1f}h6v6h-6z",
        "triangle": f"M{x:.1f} {y - 4:.1f}l4 7h-8z",
        "diamond": f"M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
        "cross": f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7",
        "plus": f"M{x - 4:.1f} {y:.1f}h8m-4 -4v8",
        "bar": f"M{x:.1f} {y - 5:.1f}v10",
    }
    return paths[kind]


def write_chart(chart: LineChart, path: Path) -> None:
    """Write a chart as an SVG file of its own."""
    write_text(template("line_chart.svg.j2").render(chart=chart), path)
