"""The stack of a carrier: what kinds feed above the axis, what they draw below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.export.figures.frame import (
    INK,
    Days,
    axes,
    chosen,
    edges,
    fill_of,
    lacks,
    legend,
    means_of,
    time_axis,
    title,
    view,
)
from citygrid.export.flows import Dispatch
from citygrid.export.palette import look
from citygrid.export.stacking import NOTHING, by_kind, carriers_of, name_of, order, power_scale
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def moving(moved: Dispatch) -> list[str]:
    """Carriers that move at all, in the usual order."""
    return [c for c in carriers_of(moved) if np.nan_to_num(moved.carriers[c]).any()]


def draw_dispatch(plan: Plan, moved: Dispatch, carrier: str, days: Days, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.dispatch`."""
    chosen("carrier", carrier, moving(moved))
    window = view(plan, days)
    sides = [
        {kind: window.means(values) for kind, values in side.items()}
        for side in by_kind(moved, carrier)
    ]
    most = max((float(v.max()) for side in sides for v in side.values()), default=0.0)
    if most <= 0:
        raise lacks(plan, f"moves no {carrier.replace('_', ' ')} on these days", "show other days")
    ax = axes(ax)
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    lines = moved.leading(carrier)
    peak = max(float(sum(side.values(), np.zeros(1)).max()) for side in sides)
    scale, unit = power_scale(peak)
    at = edges(window)
    handles: list[list[Any]] = [[], []]
    labels: list[list[str]] = [[], []]
    for number, (sign, side) in enumerate(zip((1.0, -1.0), sides, strict=True)):
        base = np.zeros(len(at) - 1)
        for kind in sorted(side, key=lambda k: order(k, known)):
            values = side[kind] / scale
            if values.max() <= NOTHING * most / scale:
                continue
            drawn = look(kind, known)
            inner, outer = sign * base, sign * (base + values)
            handles[number].append(ax.fill_between(
                at, np.append(inner, inner[-1]), np.append(outer, outer[-1]), step="post",
                **fill_of(drawn),
            ))  # fmt: skip
            labels[number].append(f"{drawn.label} losses" if kind in lines else drawn.label)
            base = base + values
    ax.axhline(0.0, color=INK, linewidth=0.8)
    said = f"{name_of(carrier)}, fed above and drawn below 0"
    ax.set_ylabel(f"{said}{means_of(window)} [{unit}]", fontsize="small")
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,g}")
    time_axis(ax, window)
    title(ax, plan.case.name)
    # From top to bottom as they lie in the stack: the outermost kind of the upper side first.
    legend(ax, [*handles[0][::-1], *handles[1]], [*labels[0][::-1], *labels[1]])
    return ax
