"""Figures of lines: levels of stores, duration curves, prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from citygrid.export.figures.frame import (
    DASHES,
    INK,
    Days,
    axes,
    chosen,
    edges,
    lacks,
    legend,
    means_of,
    period,
    time_axis,
    title,
    view,
)
from citygrid.export.figures.stacks import moving
from citygrid.export.flows import Dispatch
from citygrid.export.palette import SPARE, look
from citygrid.export.stacking import NOTHING, by_kind, name_of, order, power_scale
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Lines of one colour each where kinds do not tell them apart.
COLOURS = (INK, "#0F6CA8", "#C8511B", "#8F4A86", "#2F8F9D", *SPARE)
#: Most lines that a legend can still tell apart.
MOST_LINES = len(COLOURS)


def draw_levels(
    plan: Plan, moved: Dispatch, components: str | Sequence[str] | None, days: Days,
    ax: Axes | None,
) -> Axes:  # fmt: skip
    """See :meth:`citygrid.export.figures.Plot.levels`."""
    stores = {
        asset.name: i for i, asset in enumerate(moved.assets)
        if moved.stores[i] and np.isfinite(moved.capacity[i]).any()
    }  # fmt: skip
    if not stores:
        raise lacks(plan, "has no store whose level could be drawn", "add a heat_store or battery")
    named = [components] if isinstance(components, str) else components
    names = list(stores) if named is None else [chosen("store", n, stores) for n in named]
    window = view(plan, days)
    ax = axes(ax)
    # A level holds at the end of its step; the one before the first is not part of a plan.
    at = edges(window)[1:]
    handles, labels = [], []
    for number, name in enumerate(names):
        capacity = float(np.nanmax(moved.capacity[stores[name]]))
        share = 100.0 * window.ends(moved.level[stores[name]]) / max(capacity, 1e-9)
        many = capacity >= 10_000
        size = f"{capacity / 1000:,.4g} MWh" if many else f"{capacity:,.4g} kWh"
        colour, dashes = COLOURS[number % MOST_LINES], DASHES[number % len(DASHES)]
        handles += ax.plot(at, share, color=colour, linestyle=dashes, linewidth=1.4,
                           marker="o" if len(share) == 1 else "")  # fmt: skip
        labels.append(f"{name} ({size})")
    ax.set_ylim(-2.0, 102.0)
    each = "day" if window.block > 1 else "step"
    ax.set_ylabel(f"Level at the end of each {each}\n[% of capacity]")
    time_axis(ax, window)
    title(ax, plan.case.name)
    legend(ax, handles, labels)
    return ax


def draw_duration_curve(
    plan: Plan, moved: Dispatch, carrier: str, days: Days, ax: Axes | None
) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.duration_curve`."""
    chosen("carrier", carrier, moving(moved))
    steps = period(plan, days)
    fed, drawn = ({k: v[steps] for k, v in side.items()} for side in by_kind(moved, carrier))
    total = sum(drawn.values(), np.zeros(steps.stop - steps.start))
    if total.max() <= 0:
        raise lacks(plan, f"moves no {carrier.replace('_', ' ')} on these days", "show other days")
    ax = axes(ax)
    scale, unit = power_scale(float(total.max()))
    at = np.arange(len(total) + 1) * plan.case.step
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    handles, labels = [], []

    def curve(values: np.ndarray, colour: str, dashes: object, width: float, label: str) -> None:
        handles.append(ax.stairs(np.sort(values)[::-1] / scale, at, baseline=None, color=colour,
                                 linestyle=dashes, linewidth=width))  # fmt: skip
        labels.append(label)

    curve(total, INK, "-", 2.0, "All that is drawn")
    shown = [kind for kind in sorted(fed, key=lambda k: order(k, known))
             if fed[kind].max() > NOTHING * total.max()]  # fmt: skip
    for number, kind in enumerate(shown):
        drawn_as = look(kind, known)
        curve(fed[kind], drawn_as.fill, DASHES[number % len(DASHES)], 1.6, drawn_as.label)
    ax.set_xlim(0.0, at[-1])
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("Hours with at least this much [h]")
    ax.set_ylabel(f"{name_of(carrier)} [{unit}]")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    title(ax, plan.case.name)
    legend(ax, handles, labels)
    return ax


def draw_prices(plan: Plan, carrier: str, days: Days, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.prices`."""
    held = {name: array for name, array in plan.prices.items() if "time" in array.dims}
    if not held:
        raise lacks(plan, "holds no prices", "plan it anew by a route that states them")
    array = held[chosen("carrier", carrier, held)].transpose(..., "time")
    window = view(plan, days)
    at = edges(window)
    values = window.means(array.values.reshape(-1, array.sizes["time"]))
    places = [str(label) for label in array[array.dims[0]].values] if array.ndim > 1 else [carrier]
    ax = axes(ax)
    # Places that pay the same share a line.
    alike: dict[bytes, list[int]] = {}
    for row, line in enumerate(np.round(values, 9)):
        alike.setdefault(line.tobytes(), []).append(row)
    handles, labels = [], []
    for number, rows in enumerate(alike.values()):
        handles.append(ax.stairs(values[rows[0]], at, baseline=None, linewidth=1.4,
                                 color=COLOURS[number % MOST_LINES],
                                 linestyle=DASHES[number % len(DASHES)]))  # fmt: skip
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        labels.append(f"{places[rows[0]]}{more}")
    unit = array.attrs.get("units", "EUR/kWh")
    ax.set_ylabel(f"Price of {carrier.replace('_', ' ')}{means_of(window)} [{unit}]")
    time_axis(ax, window)
    title(ax, plan.case.name)
    legend(ax, handles, labels)
    return ax
