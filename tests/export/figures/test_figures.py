"""Figures for papers: what they show is the plan's, in local time, with units, by any name."""

from __future__ import annotations

import io
import itertools
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import dates
from matplotlib import pyplot as plt

from citygrid.district.case import Case
from citygrid.errors import InputError
from citygrid.export.balance import energy
from citygrid.export.figures.frame import legend
from citygrid.export.figures.place import _step
from citygrid.export.figures.sankey import path_of
from citygrid.export.flows import dispatch
from citygrid.export.palette import look
from citygrid.export.stacking import by_kind
from citygrid.export.tables import job_table
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict
from tests.helpers import solve, solved, variant

Planned = tuple[Case, Plan, Verdict]
ALL = ("dispatch", "levels", "duration_curve", "jobs", "map", "sankey")


@pytest.fixture(autouse=True)
def without_windows() -> Iterator[None]:
    mpl.use("Agg")
    yield
    plt.close("all")


def svg(ax: object) -> str:
    """The figure as text, with names as names and not as outlines."""
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        ax.figure.savefig(out, format="svg")  # type: ignore[attr-defined]
    return out.getvalue()


def heights(area: object, steps: int) -> np.ndarray:
    """Height of an area of a stack in the middle of every step."""
    points = area.get_paths()[0].vertices  # type: ignore[attr-defined]
    x = np.unique(points[:, 0])
    middles = (x[:-1] + x[1:]) / 2
    assert len(middles) == steps
    found = []
    for at in middles:
        left, right = points[:-1], points[1:]
        over = (np.minimum(left[:, 0], right[:, 0]) < at) & (
            np.maximum(left[:, 0], right[:, 0]) > at
        )
        levels = left[over][:, 1]
        found.append(levels.max() - levels.min())
    return np.array(found)


@pytest.mark.parametrize("figure", ALL)
def test_every_figure_draws_on_the_axes_it_is_given(planned: Planned, figure: str) -> None:
    _, ax = plt.subplots()
    assert getattr(planned[1].plot, figure)(ax=ax) is ax
    assert planned[0].name in svg(ax)


def test_a_stack_is_as_high_as_what_kinds_feed_and_draw(planned: Planned) -> None:
    case, plan, _ = planned
    ax = plan.plot.dispatch("heat")
    fed, drawn = by_kind(dispatch(case, plan), "heat")
    for side in (fed, drawn):
        for kind, values in side.items():
            areas = [
                area for area in ax.collections
                if mpl.colors.to_hex(area.get_facecolor()[0]).upper() == look(kind).fill
            ]  # fmt: skip
            matching = [heights(a, len(values)) for a in areas]
            assert any(np.allclose(each, values, atol=1e-6) for each in matching), kind
    assert "[kW]" in ax.get_ylabel()


def test_neighbours_differ_in_hatching_as_in_the_palette(planned: Planned) -> None:
    ax = planned[1].plot.dispatch("heat")
    hatches = {mpl.colors.to_hex(a.get_facecolor()[0]).upper(): a.get_hatch()
               for a in ax.collections}  # fmt: skip
    assert hatches[look("boiler").fill] == "////" and hatches[look("heat_pump").fill] is None


def test_time_is_the_districts_own(planned: Planned) -> None:
    ax = planned[1].plot.dispatch("heat", days="2023-01-16")
    begin, end = ax.get_xlim()
    # The local day begins an hour before that of UTC.
    assert dates.num2date(begin).strftime("%d %H:%M") == "15 23:00"
    assert dates.num2date(end).strftime("%d %H:%M") == "16 23:00"
    assert "Europe/Berlin" in ax.get_xlabel() and "2023" in ax.get_xlabel()
    ax.figure.canvas.draw()
    assert ax.get_xticklabels()[0].get_text() == "16 Jan"


@pytest.mark.parametrize(
    ("days", "hours"), [(None, 48), (1, 24), (9, 48), (("2023-01-16", "2023-01-17"), 48)]
)
def test_days_choose_what_is_shown(planned: Planned, days: object, hours: int) -> None:
    begin, end = planned[1].plot.dispatch("heat", days=days).get_xlim()  # type: ignore[arg-type]
    assert (end - begin) * 24 == pytest.approx(hours)


@pytest.mark.parametrize("days", [0, -1, True, "soon", "2024-01-01", ("2023-01-16",), 1.5, b"x"])
def test_days_that_are_none_are_refused(planned: Planned, days: object) -> None:
    with pytest.raises(InputError) as caught:
        planned[1].plot.dispatch("heat", days=days)  # type: ignore[arg-type]
    assert caught.value.faults[0].place == "days" and len(caught.value.faults) == 1


def test_an_unknown_carrier_is_told_near_names(planned: Planned) -> None:
    for figure in (planned[1].plot.dispatch, planned[1].plot.duration_curve):
        with pytest.raises(InputError, match='did you mean "heat"'):
            figure("haet")
    with pytest.raises(InputError, match='did you mean "tank"'):
        planned[1].plot.levels("tnk")


def test_levels_are_shares_of_capacity_at_the_ends_of_steps(planned: Planned) -> None:
    case, plan, _ = planned
    ax = plan.plot.levels()
    moved = dispatch(case, plan)
    stores = [i for i in range(len(case.assets)) if np.isfinite(moved.level[i]).all()]
    assert len(ax.lines) == len(stores) > 0
    for line, i in zip(ax.lines, stores, strict=True):
        share = 100 * moved.level[i] / moved.capacity[i].max()
        assert line.get_ydata() == pytest.approx(share)
        last = dates.num2date(line.get_xdata()[-1])
        assert last.strftime("%d %H:%M") == "17 23:00"


def test_a_duration_curve_falls_and_keeps_the_energy(planned: Planned) -> None:
    case, plan, _ = planned
    ax = plan.plot.duration_curve("heat")
    drawn = by_kind(dispatch(case, plan), "heat")[1]
    total = ax.patches[0].get_data()  # type: ignore[attr-defined]
    assert (np.diff(total.values) <= 1e-9).all()
    assert total.values.sum() == pytest.approx(sum(v.sum() for v in drawn.values()))


def test_a_sankey_has_a_label_for_every_node_and_shows_the_days_asked(planned: Planned) -> None:
    case, plan, _ = planned
    balance = energy(case, dispatch(case, plan), slice(0, 24))
    ax = plan.plot.sankey(days=1)
    shown = {text.get_text() for text in ax.texts}
    heat = balance.amounts()["Heat"]
    assert f"Heat\n{heat:,.1f} MWh" in shown
    assert heat < energy(case, dispatch(case, plan)).amounts()["Heat"]
    assert len(shown) == len(balance.sankey().nodes)  # type: ignore[union-attr]


def test_a_band_is_the_same_path_for_matplotlib() -> None:
    path = path_of("M1 2C3 4 5 6 7 8v2C9 10 11 12 1 4Z")
    assert [tuple(p) for p in path.vertices[:5]] == [(1, 2), (3, 4), (5, 6), (7, 8), (7, 10)]
    assert tuple(path.vertices[-1]) == (1, 2) and len(path.codes) == 9


def test_the_map_shows_an_hour_by_its_local_stamp(planned: Planned) -> None:
    plot = planned[1].plot
    assert plot.map("2023-01-16 18:00").get_title("left").endswith("Mon 16 Jan 2023, 18:00")
    assert plot.map(18).get_title("left").endswith("Mon 16 Jan 2023, 18:00")
    assert plot.map().get_title("left").endswith("mean over the horizon")
    for hour in (48, -1, "2022-01-01", "noon or so", True, 3.5):
        with pytest.raises(InputError) as caught:
            plot.map(hour)
        assert caught.value.faults[0].place == "hour"


def test_an_hour_that_the_clock_leaves_out_is_refused(planned: Planned) -> None:
    """In Berlin nothing begins at 2:30 of 26 March 2023."""
    case, plan, _ = planned
    start = np.datetime64("2023-03-25T23:00", "ns")
    spring = Plan(replace(case, time=case.time - case.time[0] + start), plan.dataset)
    assert _step(spring, "2023-03-26 03:30") == 2
    with pytest.raises(InputError, match="outside the horizon"):
        _step(spring, "2023-03-26 02:30")


def test_a_long_horizon_is_drawn_by_day(make: Callable[..., tuple[Case, Plan]]) -> None:
    case, plan = make(hours=20 * 24)
    ax = plan.plot.dispatch("heat")
    assert "daily means" in ax.get_ylabel()
    drawn = by_kind(dispatch(case, plan), "heat")[0]["boiler"].reshape(20, 24).mean(axis=1)
    areas = [a for a in ax.collections
             if mpl.colors.to_hex(a.get_facecolor()[0]).upper() == look("boiler").fill]  # fmt: skip
    assert heights(areas[0], 20) == pytest.approx(drawn)
    moved, tank = dispatch(case, plan), [asset.name for asset in case.assets].index("tank")
    shares = 100 * moved.level[tank] / moved.capacity[tank]
    assert plan.plot.levels("tank").lines[0].get_ydata() == pytest.approx(shares[23::24])


def test_many_jobs_are_packed_and_none_is_lost(make: Callable[..., tuple[Case, Plan]]) -> None:
    case, plan = make(hours=20 * 24)
    ax = plan.plot.jobs()
    jobs = job_table(case, plan)
    bars = [patch for patch in ax.patches if patch.get_width() > 0]  # type: ignore[attr-defined]
    assert len(bars) == len(jobs) > 40 and f"{len(jobs)} jobs" in ax.get_ylabel()
    lines: dict[float, list[tuple[float, float]]] = {}
    for bar in bars:
        left, width = bar.get_x(), bar.get_width()  # type: ignore[attr-defined]
        lines.setdefault(bar.get_y(), []).append((left, left + width))  # type: ignore[attr-defined]
    for runs in lines.values():
        runs.sort()
        assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(runs))


def test_what_a_plan_lacks_is_said_in_one_message(make: Callable[..., tuple[Case, Plan]]) -> None:
    nowhere = make(places=False)[1]
    with pytest.raises(InputError, match="no node a position"):
        nowhere.plot.map()
    with pytest.raises(InputError, match="holds no prices"):
        nowhere.plot.prices()
    with pytest.raises(InputError, match="has no jobs"):
        make(jobs=False)[1].plot.jobs()
    with pytest.raises(InputError, match="has no store"):
        solved("fuel").plan.plot.levels()


def test_prices_are_drawn_where_a_plan_holds_them(planned: Planned) -> None:
    case, plan, _ = planned
    cost = np.linspace(0.1, 0.3, len(case.time))
    held = plan.dataset.assign(
        {"price.power": (("place", "time"), np.array([cost, cost, cost * 2]),
                         {"units": "EUR/kWh"})}
    ).assign_coords(place=["a", "b", "c"])  # fmt: skip
    ax = Plan(case, held).plot.prices("power")
    assert "[EUR/kWh]" in ax.get_ylabel()
    legend = ax.get_legend()
    assert legend and [t.get_text() for t in legend.get_texts()] == ["a and 1 more", "c"]
    with pytest.raises(InputError, match='did you mean "power"'):
        Plan(case, held).plot.prices("powr")


def test_without_matplotlib_the_command_to_install_it_is_said(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for figure in ALL:
        with pytest.raises(InputError, match=r"pip install 'citygrid\[plots\]'"):
            getattr(planned[1].plot, figure)()


@pytest.mark.parametrize("name", [r"$\frac{", "_hidden", "<script>alert(1)</script>", "a\nb$x$"])
def test_names_are_no_formulas_and_no_markup(
    make: Callable[..., tuple[Case, Plan]], name: str
) -> None:
    case, plan = make(rename=lambda usual: f"{name}{usual}")
    named = replace(case, name=name)
    for figure in ALL:
        text = svg(getattr(Plan(named, plan.dataset).plot, figure)())
        said = "".join(ET.fromstring(text).itertext())
        assert all(part in said for part in name.split("\n")), figure
        assert "<script" not in text


def test_long_names_leave_room_to_draw(planned: Planned, tmp_path: Path) -> None:
    text = "x" * 300
    path = variant("battery", tmp_path, ("cells:", f"? {text}\n  :"))
    long = solve(path).plan
    case, plan, _ = planned
    axes = [getattr(Plan(replace(case, name=text), plan.dataset).plot, figure)() for figure in ALL]
    for ax in [*axes, long.plot.levels()]:
        ax.figure.canvas.draw()  # warns, and so fails, where there is no room for the axes
        assert ax.get_position().width > 0.3
        assert "xxx" in svg(ax) and "x" * 100 not in svg(ax)


def test_a_store_whose_name_begins_with_an_underscore_is_in_the_legend() -> None:
    _, ax = plt.subplots()
    handles = ax.plot([0, 1])
    legend(ax, handles, ["_tank $1$"])
    drawn = ax.get_legend()
    assert drawn and drawn.get_texts()[0].get_text() == " _tank $1$"
    assert "_tank $1$" in svg(ax)
