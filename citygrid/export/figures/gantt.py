"""Jobs over time: when each runs, by site, and the window that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from citygrid.cards import short
from citygrid.export.figures.frame import (
    FAINT,
    INK,
    NAME,
    Days,
    axes,
    edges,
    fill_of,
    lacks,
    legend,
    period,
    plain,
    pyplot,
    time_axis,
    title,
)
from citygrid.export.palette import look
from citygrid.export.tables import job_table
from citygrid.export.windows import Window
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most lines whose jobs are named; more are packed, several on a line.
NAMED = 40


def draw_jobs(plan: Plan, days: Days, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.jobs`."""
    jobs = job_table(plan.case, plan)
    if jobs.empty:
        raise lacks(plan, "has no jobs", "add a job_pool to the district")
    steps = period(plan, days)
    window = Window(plan.case, "", steps.start, steps.stop, 1)
    pyplot()
    from matplotlib import dates

    bounds = edges(window)
    for name in ("start", "end", "release", "deadline"):
        jobs[name] = np.clip(dates.date2num(jobs[name].to_numpy()), bounds[0], bounds[-1])
    here = jobs[jobs["end"] > jobs["start"]]
    if here.empty:
        raise lacks(plan, "has no job that runs on these days", "show other days")
    named = len(here[["site", "job"]].drop_duplicates()) <= NAMED
    rows, names, sites = _lines(here, not named)
    ax = axes(ax, height=1.2 + (0.17 if named else 0.1) * max(len(names), 4))
    thick = 0.7
    if named:
        ax.barh(rows, here["deadline"] - here["release"], left=here["release"], height=thick,
                color=FAINT, linewidth=0)  # fmt: skip
    runs = ax.barh(rows, here["end"] - here["start"], left=here["start"], height=thick,
                   **fill_of(look("job_pool")))  # fmt: skip
    for site, (first, last) in sites.items():
        if first:
            ax.axhline(first - 0.5, color=INK, linewidth=0.6)
        plain([ax.annotate(short(site, NAME), (1.01, (first + last) / 2), va="center",
                           xycoords=("axes fraction", "data"), fontsize="small")])  # fmt: skip
    ax.set_ylim(len(names) - 0.4, -0.6)
    if named:
        ax.set_yticks(
            range(len(names)),
            [short(name, NAME) for name in names],
            fontsize="x-small",
            parse_math=False,
        )
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{here['job'].nunique():,} jobs", fontsize="small")
    time_axis(ax, window)
    title(ax, plan.case.name)
    handles: list[Any] = [runs]
    labels = ["Runs"]
    if named:
        from matplotlib.patches import Patch

        handles.append(Patch(facecolor=FAINT))
        labels.append("May run")
    legend(ax, handles, labels, above=True)
    return ax


def _lines(
    here: pd.DataFrame, packed: bool
) -> tuple[list[int], list[str], dict[str, tuple[int, int]]]:
    """Line of every run, name of every line, and first and last line of every site.

    Each job has a line at each site where it runs; packed, runs that do not overlap share one.
    """
    rows = dict.fromkeys(here.index, 0)
    names: list[str] = []
    sites = {}
    for site, runs in here.groupby("site", sort=True):
        first = len(names)
        ends: list[float] = []
        line_of: dict[str, int] = {}
        for at, job, start, end in zip(runs.index, runs["job"], runs["start"], runs["end"],
                                       strict=True):  # fmt: skip
            if packed:
                free = (k for k, until in enumerate(ends) if until <= start + 1e-9)
                line = next(free, len(ends))
                ends[line : line + 1] = [end]
            else:
                line = line_of.setdefault(str(job), len(line_of))
            rows[at] = first + line
        names += [""] * len(ends) if packed else list(line_of)
        sites[str(site)] = (first, len(names) - 1)
    return list(rows.values()), names, sites
