"""What all figures share: matplotlib itself, axes, the days shown, local time, looks of kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from citygrid.arrays import Floats
from citygrid.cards import short
from citygrid.errors import Fault, InputError, unknown
from citygrid.export.palette import Look
from citygrid.export.windows import WHOLE_DAYS, Window
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What of the horizon is shown: all, so many days, one day, or the first and the last of several.
Days = int | str | tuple[str, str] | None

INK = "#1B2126"
#: Most letters of a name in a figure; a longer one would leave no room to draw.
NAME = 40
FAINT = "#C9C5BF"
#: Hatching of the palette in matplotlib's words.
HATCHES = {"plain": None, "rise": "////", "fall": "\\\\\\\\", "dots": "...", "level": "---",
           "cross": "xxx"}  # fmt: skip
#: Lines differ in their dashes, too, for prints without colour.
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1)))


def pyplot() -> Any:
    """Matplotlib's pyplot.

    Raises :class:`InputError` where matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise InputError(Fault("plot", "needs matplotlib, which is not installed", None,
                               "pip install 'citygrid[plots]'")) from error  # fmt: skip
    return pyplot


def axes(ax: Axes | None, width: float = 7.2, height: float = 3.6) -> Axes:
    """The given axes, or those of a new figure of a page's width [in]."""
    plt = pyplot()
    if ax is None:
        ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
    assert ax is not None
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def lacks(plan: Plan, what: str, repair: str) -> InputError:
    """The one message where a plan has nothing of what a figure shows."""
    return InputError(Fault(f"plan of {plan.case.name}", what, None, repair))


def chosen(what: str, name: str, known: Iterable[str]) -> str:
    """A name that must be among those known.

    Raises :class:`InputError` that lists near names.
    """
    names = list(known)
    if name not in names:
        raise InputError(unknown(what, name, names))
    return name


def period(plan: Plan, days: Days) -> slice:
    """The steps that lie in the days asked for, by local time.

    Raises :class:`InputError` for what is no day, and for days outside the horizon.
    """
    case = plan.case
    steps = len(case.time)
    if days is None:
        return slice(0, steps)
    repair = 'write a number of days, "2023-01-16", or ("2023-01-16", "2023-01-18")'
    if isinstance(days, int) and not isinstance(days, bool):
        if days < 1:
            raise InputError(Fault("days", "is no number of days from 1 on", days, repair))
        return slice(0, min(steps, max(1, round(days * 24 / case.step))))
    pair: Any = (days, days) if isinstance(days, str) else days
    try:
        first, last = (pd.Timestamp(text).date() for text in pair)
    except (ValueError, TypeError) as error:
        raise InputError(Fault("days", "is no day and no pair of days", days, repair)) from error
    dates = case.local(case.time).date
    inside = np.flatnonzero((dates >= first) & (dates <= last))
    if not len(inside):
        held = f"the plan holds {dates[0]} to {dates[-1]}"
        raise InputError(Fault("days", "none of them is in the horizon", days, held))
    return slice(int(inside[0]), int(inside[-1]) + 1)


def view(plan: Plan, days: Days) -> Window:
    """The days asked for; more than two weeks are drawn as means of a day, which can be seen."""
    case = plan.case
    steps = period(plan, days)
    long = (steps.stop - steps.start) * case.step > 24 * WHOLE_DAYS
    return Window(case, "", steps.start, steps.stop, max(1, round(24 / case.step)) if long else 1)


def means_of(window: Window) -> str:
    """What is said of a figure whose points are no single steps."""
    return ", daily means" if window.block > 1 else ""


def edges(window: Window) -> Floats:
    """Edges of the drawn points in matplotlib's days."""
    from matplotlib import dates

    case = window.case
    stamps = case.time[window.first : window.last : window.block]
    stamps = np.append(stamps, case.ends[window.last - 1])
    return np.asarray(dates.date2num(stamps), dtype=float)


def time_axis(ax: Axes, window: Window) -> None:
    """Label the x axis with local time."""
    from matplotlib import dates

    case = window.case
    zone = case.local(case.time[:1]).tz
    locator = dates.AutoDateLocator(tz=zone, minticks=4, maxticks=9)
    form = dates.ConciseDateFormatter(locator, tz=zone, show_offset=False)
    # Days carry their month, so that no year or month is lost with the offset text.
    form.formats = ["%Y", "%b", "%-d %b", "%H:%M", "%H:%M", "%S"]
    form.zero_formats = ["", "%Y", "%b", "%-d %b", "%H:%M", "%H:%M"]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(form)
    bounds = edges(window)
    ax.set_xlim(bounds[0], bounds[-1])
    begin, end = case.local(case.time[[window.first, window.last - 1]])
    years = f"{begin.year}" if begin.year == end.year else f"{begin.year} to {end.year}"
    ax.set_xlabel(f"Local time ({zone}), {years}")


def fill_of(look: Look) -> dict[str, Any]:
    """How matplotlib fills an area of a kind; hatching is drawn in the colour of the edge."""
    return {"facecolor": look.fill, "hatch": HATCHES[look.hatch], "linewidth": 0.0,
            "edgecolor": "#FFFFFF99" if look.light_text else "#1B212666"}  # fmt: skip


def plain(texts: Iterable[Any]) -> None:
    """Names are the user's: a dollar sign in one begins no formula."""
    for text in texts:
        text.set_parse_math(False)


def legend(ax: Axes, handles: Sequence[Any], labels: Sequence[str], above: bool = False) -> None:
    """A legend to the right of the axes, in the order of a stack, or in a row above them."""
    # Matplotlib leaves out labels that begin with an underscore.
    shown = [short(f" {label}" if label.startswith("_") else label, NAME) for label in labels]
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    if above:
        where = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": len(labels)}
    drawn = ax.legend(handles, shown, frameon=False, fontsize="small", borderaxespad=0.1, **where)
    plain(drawn.get_texts())


def title(ax: Axes, text: str) -> None:
    """A title at the left, without formulas."""
    plain([ax.set_title(short(text, 2 * NAME), loc="left", fontsize="medium")])
