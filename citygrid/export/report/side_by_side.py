"""Routes on one form for the page: standings, gap over time, and which of them to take here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citygrid.export.report.lines import LineChart, Series, line_chart
from citygrid.plan.compare import Comparison, Try, compare
from citygrid.plan.traces import gaps

#: The smallest gap that is drawn: a logarithm knows no zero.
LEAST = 1e-5


@dataclass(frozen=True)
class SideBySide:
    """What the page says of routes together; ``chart`` is of the first seed."""

    comparison: Comparison
    seeds: list[int]
    controls: bool
    chart: LineChart | None
    flat: list[str]


def side_by_side(tries: Sequence[Try]) -> SideBySide:
    """Standings and words of all tries, and the gaps over time of the first seed's."""
    found = compare(tries)
    seeds = list(dict.fromkeys(each.seed for each in tries))
    courses = courses_of(tries)
    # One mark alone says no more than the table of routes.
    chart = None if sum(map(len, courses.values())) < 2 else line_chart(
        "Gap over time", _about(found), "seconds since the route began", "gap",
        [Series(route, points) for route, points in courses.items()],
        up_text=lambda gap: f"{100 * gap:g} %",
    )  # fmt: skip
    controls = any(each.says is not None for each in found.standings)
    flat = [route for route, points in courses.items() if points and points[-1][1] <= LEAST]
    return SideBySide(found, seeds, controls, chart, flat)


def courses_of(tries: Sequence[Try]) -> dict[str, list[tuple[float, float]]]:
    """Route → seconds and gap to the best bound of all, of the first seed's runs."""
    bound = compare(tries).bound
    return {
        each.route: [(at, max(gap, LEAST)) for at, gap in gaps(each.course, bound)]
        for each in tries if each.seed == tries[0].seed
    }  # fmt: skip


def _about(found: Comparison) -> str:
    who = "nobody" if found.proven_by is None else found.proven_by
    return (f"How far each route's best plan was above the best bound, proven by {who}, after so "
            "many seconds")  # fmt: skip
