"""Energy over the days shown as a Sankey diagram; the layout is the report's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from citygrid.export.balance import energy
from citygrid.export.figures.frame import INK, Days, axes, fill_of, lacks, period, plain, title
from citygrid.export.flows import Dispatch
from citygrid.export.palette import look
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Width of the diagram in the units of its own picture, for which letters of so many pt are sized.
WIDTH, LETTERS = 1240.0, 7.0
CARRIER = "#1B2126"


def draw_sankey(plan: Plan, moved: Dispatch, days: Days, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.sankey`."""
    drawn = energy(plan.case, moved, period(plan, days)).sankey(WIDTH)
    if drawn is None:
        raise lacks(plan, "moves no energy on these days", "show other days")
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    ax = axes(ax, 10.0, 10.0 * drawn.height / drawn.width + 0.4)
    from matplotlib.patches import PathPatch, Rectangle

    for band in drawn.bands:
        fill = look(band.flow.look, known).fill if band.flow.look else CARRIER
        ax.add_patch(PathPatch(path_of(band.path), facecolor=fill, alpha=0.5, edgecolor=INK,
                               linewidth=0.3))  # fmt: skip
    labels = []
    for node in drawn.nodes:
        style = fill_of(look(node.look, known)) if node.look else {"facecolor": CARRIER}
        ax.add_patch(Rectangle((node.x, node.y), node.width, node.height, zorder=3,
                               **{"edgecolor": INK, "linewidth": 0.5, **style}))  # fmt: skip
        if node.leader is not None:
            x, begin, end = node.leader
            ax.plot((x, x), (begin, end), color=INK, linewidth=0.6, zorder=3.5)
        labels.append(ax.text(
            node.label_x, node.label_y, f"{node.label}\n{node.amount:,.1f} MWh",
            fontsize=LETTERS * WIDTH / drawn.width,
            ha="left" if node.anchor == "start" else "right", va="center", zorder=4, color=INK,
        ))  # fmt: skip
    plain(labels)
    ax.set_xlim(0.0, drawn.width)
    ax.set_ylim(drawn.height, 0.0)
    ax.axis("off")
    title(ax, plan.case.name)
    return ax


def path_of(text: str) -> Any:
    """A path of SVG (M, C, L, v, Z) as one of matplotlib."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for word, numbers in re.findall(r"([MCLvZ])([^MCLvZ]*)", text):
        values = [float(each) for each in re.findall(r"-?[\d.]+", numbers)]
        if word == "Z":
            points.append(points[0])
            codes.append(Path.CLOSEPOLY)
            continue
        if word == "v":
            values = [points[-1][0], points[-1][1] + values[0]]
        points += zip(values[::2], values[1::2], strict=True)
        code = {"M": Path.MOVETO, "C": Path.CURVE4}.get(word, Path.LINETO)
        codes += [code] * (len(values) // 2)
    return Path(points, codes)
