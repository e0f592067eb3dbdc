from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from citygrid.export.flows import dispatch
from citygrid.export.report import Entry, write_report
from citygrid.export.report.centers import centers
from citygrid.export.report.courses import courses
from citygrid.export.report.network import heat_network
from citygrid.export.tables import job_table
from citygrid.export.windows import windows


@pytest.fixture(scope="module")
def seen(planned):
    case, plan, verdict = planned
    moved = dispatch(case, plan)
    return case, plan, verdict, moved, windows(case, moved)[1]


def test_centres_together_are_the_districts_key_figures(seen):
    case, plan, verdict, moved, close = seen
    found = centers(case, moved, job_table(case, plan), close)
    assert [c.name for c in found] == ["dc east", "dc north"]
    it, energy, used = (sum(getattr(c, name) for c in found)
                        for name in ("it", "energy", "waste_heat"))  # fmt: skip
    assert energy / it == pytest.approx(verdict.kpis["pue"])
    assert used / energy == pytest.approx(verdict.kpis["energy_reuse_factor"])
    assert used == pytest.approx(verdict.kpis["waste_heat_used_mwh"])


def test_a_centres_figures_are_its_own(seen):
    case, plan, _, moved, close = seen
    east, north = centers(case, moved, job_table(case, plan), close)
    data = plan.dataset
    jobs = float(data["data_center.compute"].sel(data_center="dc east").sum()) / 1000.0
    base = 40.0 * 48 + float(case.units["data_center"]["load"][0].sum())
    assert east.jobs == pytest.approx(jobs)
    assert east.it == pytest.approx(jobs + base / 1000.0)
    # Its chiller takes 8 % of the cold that it draws, and 3 % + 2 % of capacity are lost.
    rejected = float(data["data_center.rejected"].sel(data_center="dc east").sum()) / 1000.0
    drawn = 1.03 * east.it + 0.02 * 400.0 * 48 / 1000.0
    assert east.energy == pytest.approx(drawn + 0.08 * rejected)
    assert east.pue == pytest.approx(east.energy / east.it) and east.capacity == 400.0
    assert north.waste_heat == 0.0 and north.reuse == 0.0 and east.job_count == 5


def test_figures_of_the_network_are_the_plans(seen):
    case, plan, verdict, moved, close = seen
    found = heat_network(case, moved, close)
    assert found.pipes == 3 and found.lost == pytest.approx(verdict.kpis["heat_loss_mwh"])
    flow = plan.dataset["heat_pipe.flow"].values
    pipe, _ = np.unravel_index(flow.argmax(), flow.shape)
    assert found.most_use == pytest.approx(flow.max() / 800.0)
    assert found.most_pipe == ["pipe east", "pipe west", "pipe north"][pipe]
    assert found.mean_use == pytest.approx(flow.mean() / 800.0)
    # What boiler, pump and store feed at the pipes' ends.
    data = plan.dataset
    fed = sum(float(data[name].sum()) for name in ("boiler.heat", "heat_pump.heat",
                                                   "heat_store.discharge"))  # fmt: skip
    assert found.fed == pytest.approx(fed / 1000.0)
    assert found.loss_share == pytest.approx(found.lost / found.fed)


def test_temperatures_that_the_case_does_not_tell_are_a_dash(seen, tmp_path):
    case, plan, verdict, moved, close = seen
    found = heat_network(case, moved, close)
    assert found.supply is None and found.back is None and found.warmth is None
    write_report([Entry("milp", case, plan, verdict)], tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert re.search(r"<dt>Supply temperature</dt><dd>\s*–\s*</dd>", text)


def test_a_case_without_pipes_or_centres_has_neither_page(seen):
    case, plan, _, moved, close = seen
    others = [a if a.kind != "heat_pipe" else a._replace(kind="other") for a in moved.assets]
    bare = replace(moved, assets=tuple(others), measures={})
    assert heat_network(case, bare, close) is None
    assert centers(case, bare, job_table(case, plan), close) == []


def test_lines_have_gaps_where_there_is_no_figure(seen):
    *_, close = seen
    values = np.ones(48)
    values[10:20] = np.nan
    drawn = courses("ratio", "1", close, [("one", values), ("none", np.full(48, np.nan))])
    assert [line.name for line in drawn.courses] == ["one"]
    assert drawn.courses[0].path.count("M") == 2 and drawn.courses[0].about == "1"
    assert courses("nothing", "1", close, [("none", np.full(48, np.nan))]) is None


def test_the_axis_holds_all_of_a_negative_line(seen):
    *_, close = seen
    drawn = courses("t", "°C", close, [("ground", np.linspace(-3.2, 4.1, 48))])
    tops = [y for y, _ in drawn.plot.rows]
    heights = [float(y) for y in re.findall(r"V([\d.]+)", drawn.courses[0].path)]
    assert min(tops) <= min(heights) and max(heights) <= max(tops)
