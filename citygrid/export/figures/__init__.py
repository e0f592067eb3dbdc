"""Figures for papers, by matplotlib: what a plan holds, drawn with units and in local time.

``plan.plot.dispatch("heat")`` and its neighbours. Every method returns the matplotlib ``Axes`` that
it drew on, which are new unless ``ax`` is given, so that a paper can change what it does not like.
Colours, codes and hatching of kinds are those of the map, the report and the GIS.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from citygrid.export.figures.frame import Days
    from citygrid.export.flows import Dispatch
    from citygrid.plan.plan import Plan


class Plot:
    """The figures of one plan.

    ``days`` chooses what is shown of the horizon: a number of days from its beginning, one local
    day (``"2023-01-16"``), or the first and the last of several as a pair. Without it all is shown.

    Every method raises :class:`~citygrid.errors.InputError` where the plan lacks what the figure
    shows, where a name is unknown, and where matplotlib is not installed.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @cached_property
    def _moved(self) -> Dispatch:
        from citygrid.export.flows import dispatch

        return dispatch(self._plan.case, self._plan)

    def dispatch(self, carrier: str = "heat", days: Days = None, ax: Axes | None = None) -> Axes:
        """What every kind feeds (above the axis) and draws (below it) of a carrier [kW or MW].

        Means over the steps, stacked; a line counts with its loss. Both sides are equally high in
        every step, because a carrier is balanced.
        """
        from citygrid.export.figures.stacks import draw_dispatch

        return draw_dispatch(self._plan, self._moved, carrier, days, ax)

    def levels(
        self, components: str | Sequence[str] | None = None, days: Days = None,
        ax: Axes | None = None,
    ) -> Axes:  # fmt: skip
        """Levels of the stores at the ends of the steps, as a share of their capacity [%]."""
        from citygrid.export.figures.lines import draw_levels

        return draw_levels(self._plan, self._moved, components, days, ax)

    def duration_curve(
        self, carrier: str = "heat", days: Days = None, ax: Axes | None = None
    ) -> Axes:
        """For how many hours a carrier is drawn, and fed by each kind, at so much or more [kW].

        Each line is sorted by itself, so lines do not add up hour by hour.
        """
        from citygrid.export.figures.lines import draw_duration_curve

        return draw_duration_curve(self._plan, self._moved, carrier, days, ax)

    def prices(self, carrier: str = "power", days: Days = None, ax: Axes | None = None) -> Axes:
        """Prices of a carrier at its places, where the plan holds them (``price.<carrier>``)."""
        from citygrid.export.figures.lines import draw_prices

        return draw_prices(self._plan, carrier, days, ax)

    def jobs(self, days: Days = None, ax: Axes | None = None) -> Axes:
        """When each job runs, on a line of its own by site, and the window that it was given."""
        from citygrid.export.figures.gantt import draw_jobs

        return draw_jobs(self._plan, days, ax)

    def map(self, hour: Any = None, ax: Axes | None = None) -> Axes:
        """The district: pipes and cables by use of their capacity, and what stands where.

        ``hour`` is a step of the plan, as a local stamp (``"2023-01-16 18:00"``) or its number from
        0; without it the mean over the horizon is shown.
        """
        from citygrid.export.figures.place import draw_map

        return draw_map(self._plan, self._moved, hour, ax)

    def sankey(self, days: Days = None, ax: Axes | None = None) -> Axes:
        """Energy over the horizon [MWh], from what comes in to what is used or lost.

        Bands lead from kinds to carriers and from carriers to kinds, as in the report; a store
        charges on one side and discharges on the other.
        """
        from citygrid.export.figures.sankey import draw_sankey

        return draw_sankey(self._plan, self._moved, days, ax)
