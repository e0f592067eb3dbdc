"""The map: the report's drawing on matplotlib axes, for one hour or the mean of the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from citygrid.errors import Fault, InputError
from citygrid.export.assets import asset_table
from citygrid.export.drawing.picture import Picture, draw, use_class
from citygrid.export.drawing.plates import STEP, share_of_peak
from citygrid.export.figures.frame import (
    HATCHES,
    INK,
    axes,
    lacks,
    legend,
    plain,
    pyplot,
    title,
)
from citygrid.export.flows import Dispatch
from citygrid.export.gis.geometry import locate
from citygrid.export.palette import CLASSES, SHADES, SHADES_DATA, SHADES_POWER, Look, look
from citygrid.plan.plan import Plan
from citygrid.plan.verify import replayed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Size of a plate with a code, in the drawing's own pixels, and of its bar.
PLATE = (STEP[0] - 3.0, 13.0)
BAR = 4.0
#: Width of the map itself in a new figure [in].
MAP = 6.2
PAPER, GROUND, WALLS, DEMAND = "#FFFFFF", "#F6F3EE", "#D5CFC6", "#8B8680"


class Drawn(NamedTuple):
    """How the lines of a network are drawn: their word, shades from idle to full, dashes."""

    word: str
    shades: tuple[str, ...]
    dashes: Any


NETWORKS = {"heat": Drawn("Pipe", SHADES, "-"),
            "power": Drawn("Cable", SHADES_POWER, (0, (3, 1.2))),
            "data": Drawn("Data link", SHADES_DATA, (0, (0.8, 1.2)))}  # fmt: skip


def draw_map(plan: Plan, moved: Dispatch, hour: Any, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.map`."""
    case = plan.case
    geometry = locate(case)
    step = None if hour is None else _step(plan, hour)
    table = asset_table(case, replayed(plan), moved)
    picture = draw(case, geometry, moved, table)
    if picture is None:
        raise lacks(plan, "gives no node a position, so there is no map",
                    "write `at: [x, y]` at the district's nodes")  # fmt: skip
    pyplot()
    # Beside the map there is room for the legend, below it for a line of text.
    ax = axes(ax, MAP + 2.1, MAP * picture.height / picture.width + 0.55)
    ax.set_facecolor(GROUND)
    ax.set_aspect("equal", anchor="NW")
    ax.set_xlim(0.0, picture.width)
    ax.set_ylim(picture.height, 0.0)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    _backdrop(ax, picture)
    for line in picture.lines:
        drawn = NETWORKS[line.network]
        level = line.level if step is None else use_class(float(moved.use[line.row, step]))
        for part in _parts(line.course):
            ax.plot(*part.T, color=PAPER, linewidth=line.thick * 0.75 + 1.2, zorder=2,
                    solid_joinstyle="round")  # fmt: skip
            ax.plot(*part.T, color=drawn.shades[level], linewidth=line.thick * 0.75, zorder=2.1,
                    linestyle=drawn.dashes, solid_joinstyle="round",
                    solid_capstyle="round")  # fmt: skip
    _nodes(ax, picture)
    kinds = _plates(ax, picture, moved, step)
    _scale_bar(ax, picture)
    when, said = "mean over the horizon", "mean output"
    if step is not None:
        when = case.local(case.time[[step]])[0].strftime("%a %-d %b %Y, %H:%M")
        said = "output"
    left_out = f"\n{picture.left_out}." if picture.left_out else ""
    ax.set_xlabel(f"The bar under a plate is its {said} as a share of its largest; a store's is "
                  f"its level.{left_out}", fontsize="x-small", loc="left")  # fmt: skip
    title(ax, f"{case.name}: {when}")
    _legend(ax, picture, kinds, tuple(case.units))
    return ax


def _step(plan: Plan, hour: Any) -> int:
    """Number of the step that an hour names, by number or local stamp."""
    case = plan.case
    clock = case.local(case.time)
    repair = f"write 0 to {len(clock) - 1}, or a local stamp such as {clock[0]:%Y-%m-%d %H:%M}"
    if isinstance(hour, (int, np.integer)) and not isinstance(hour, bool):
        if not 0 <= hour < len(clock):
            raise InputError(Fault("hour", "is no step of this plan", hour, repair))
        return int(hour)
    try:
        stamp: Any = pd.Timestamp(hour)
        if stamp.tz is None:
            # Of an hour that a clock shows twice, the first; one that it leaves out is none.
            stamp = stamp.tz_localize(clock.tz, ambiguous=True, nonexistent="NaT")
    except (ValueError, TypeError) as error:
        raise InputError(Fault("hour", "is no step and no stamp", hour, repair)) from error
    length = pd.Timedelta(hours=case.step)
    if pd.isna(stamp) or not clock[0] <= stamp < clock[-1] + length:
        raise InputError(Fault("hour", "is outside the horizon", str(hour), repair))
    return int(clock.searchsorted(stamp, side="right")) - 1


def _parts(course: str) -> list[np.ndarray]:
    """The strokes of a drawn course, as points."""
    return [
        np.array([point.split() for point in part.removesuffix("Z").split("L")], dtype=float)
        for part in course.split("M") if part
    ]  # fmt: skip


def _backdrop(ax: Axes, picture: Picture) -> None:
    from matplotlib.collections import PolyCollection

    if picture.areas:
        ax.add_collection(PolyCollection(_parts(picture.areas), facecolors=WALLS, zorder=1))
    if picture.dots:
        x, y = zip(*picture.dots, strict=True)
        ax.scatter(x, y, s=5, marker="s", color=WALLS, linewidths=0, zorder=1)


def _nodes(ax: Axes, picture: Picture) -> None:
    from matplotlib.patches import Circle

    for place in picture.places:
        ax.add_patch(Circle((place.x, place.y), place.radius, zorder=3, linewidth=0.8,
                            facecolor=DEMAND if place.demand else PAPER,
                            edgecolor=PAPER if place.demand else INK))  # fmt: skip


def _plates(ax: Axes, picture: Picture, moved: Dispatch, step: int | None) -> list[str]:
    """Draw what stands at every node; the kinds that are drawn."""
    from matplotlib.patches import Rectangle

    kinds: dict[str, None] = {}
    for cluster in picture.clusters:
        if cluster.plates:
            x0, y0, x1, y1 = cluster.leader
            ax.plot((x0, x1), (y0, y1), color=INK, linewidth=0.6, zorder=2.9)
        weight = "bold" if cluster.plates else "normal"
        plain([ax.text(cluster.x, cluster.y, cluster.node, fontsize=7, zorder=5,
                       color=INK, fontweight=weight, va="baseline", clip_on=True)])  # fmt: skip
        for plate in cluster.plates:
            kinds[plate.kind] = None
            share = plate.share
            if step is not None:
                share = float(share_of_peak(moved, plate.row)[step])
            _plate(ax, plate.look, plate.x, plate.y)
            wide, tall = PLATE
            frame: dict[str, Any] = {"linewidth": 0.5, "edgecolor": INK, "zorder": 4}
            ax.add_patch(Rectangle((plate.x, plate.y + tall), wide, BAR, facecolor=PAPER, **frame))
            ax.add_patch(Rectangle((plate.x, plate.y + tall), wide * min(max(share, 0.0), 1.0),
                                   BAR, facecolor=INK, **frame))  # fmt: skip
    return list(kinds)


def _plate(ax: Axes, drawn: Look, x: float, y: float) -> None:
    from matplotlib.patches import Rectangle

    wide, tall = PLATE
    ax.add_patch(Rectangle((x, y), wide, tall, facecolor=drawn.fill, edgecolor=INK, linewidth=0.5,
                           zorder=4))  # fmt: skip
    ax.text(x + wide / 2, y + tall / 2, drawn.code, fontsize=5.5, ha="center", va="center_baseline",
            color=PAPER if drawn.light_text else INK, zorder=5, fontweight="bold",
            clip_on=True)  # fmt: skip


def _scale_bar(ax: Axes, picture: Picture) -> None:
    if picture.scale is None:
        return
    length, label = picture.scale
    x, y = 14.0, picture.height - 14.0
    ax.plot((x, x, x + length, x + length), (y - 5, y, y, y - 5), color=INK, linewidth=1.0)
    ax.text(x + length + 6, y, label, fontsize=7, va="center", color=INK)


def _legend(ax: Axes, picture: Picture, kinds: list[str], known: tuple[str, ...]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    labels: list[str] = []
    tops = ["up to 20 %", "to 40 %", "to 60 %", "to 80 %", "above 80 %"]
    assert len(tops) == len(CLASSES)
    for network, drawn_as in NETWORKS.items():
        if any(line.network == network for line in picture.lines):
            for text, colour in zip(tops, drawn_as.shades[1:], strict=True):
                handles.append(Line2D([], [], color=colour, linewidth=3, linestyle=drawn_as.dashes))
                labels.append(f"{drawn_as.word}, {text} in use" if text == tops[0] else text)
    for kind in kinds:
        drawn = look(kind, known)
        handles.append(Patch(facecolor=drawn.fill, edgecolor=INK, linewidth=0.5,
                             hatch=HATCHES["plain"]))  # fmt: skip
        labels.append(f"{drawn.code}  {drawn.label}")
    if handles:
        legend(ax, handles, labels)
