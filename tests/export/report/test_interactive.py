from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sys

import numpy as np
import pytest

from citygrid.errors import InputError
from citygrid.export.flows import dispatch
from citygrid.export.report import Entry
from citygrid.export.report.interactive import write_interactive
from citygrid.export.runs import report_stored
from citygrid.export.stacking import by_kind
from citygrid.plan.verify import verify
from tests.helpers import solve, variant


@pytest.fixture(scope="module")
def page(planned, tmp_path_factory):
    pytest.importorskip("plotly")
    case, plan, verdict = planned
    path = tmp_path_factory.mktemp("interactive") / "r.html"
    write_interactive([Entry("milp", case, plan, verdict)], path)
    return path.read_text("utf-8")


def drawn(text):
    """Title → data and layout of every chart."""
    titles = dict(re.findall(r'<h2 id="([\w-]+)-t">([^<]*)</h2>', text))
    found = re.findall(
        r'<script type="application/json" data-chart="([\w-]+)">(.*?)</script>', text, re.S
    )
    return {titles[key]: json.loads(chart) for key, chart in found}


def test_the_page_has_all_charts_at_full_resolution(page, planned):
    case, plan, verdict = planned
    charts = drawn(page)
    assert {"Heat", "Power", "Waste heat of computing centres", "Cooling", "Compute", "Fuel",
            "Levels of the stores, at the end of each step", "Gap over time",
            "Energy by kind and carrier, MWh over the horizon",
            "What pays for what, EUR over the horizon"} == set(charts)  # fmt: skip
    fed, taken = by_kind(dispatch(case, plan), "heat")
    traces = {trace["name"]: trace for trace in charts["Heat"]["data"]}
    np.testing.assert_allclose(traces["Boiler"]["y"], fed["boiler"], atol=0.005)
    np.testing.assert_allclose(traces["Heat demand, drawn"]["y"], -taken["heat_demand"], atol=0.005)
    assert traces["Boiler"]["x"][0] == "2023-01-16 00:00" and len(traces["Boiler"]["x"]) == 48
    # Told apart in black and white, too.
    shapes = [t["fillpattern"]["shape"] for t in charts["Heat"]["data"] if t["stackgroup"] == "fed"]
    assert len(set(shapes)) == len(shapes)
    links = charts["What pays for what, EUR over the horizon"]["data"][0]
    net = links["node"]["label"].index("Net cost")
    assert links["link"]["value"][links["link"]["source"].index(net)] == pytest.approx(verdict.cost)


def test_the_policy_allows_these_scripts_and_nothing_that_loads(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == 2 and "default-src 'none'" in policy
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert re.findall(r"\bsrc=|\b(?:https?|wss?):|<link", own) == []


def test_names_cannot_become_markup(make, tmp_path):
    pytest.importorskip("plotly")
    evil = "</script><script>alert(1)</script>"
    case, plan = make(hours=24, rename=lambda name: f"{evil}{name}")
    write_interactive([Entry(evil, case, plan, verify(case, plan))], tmp_path / "r.html")
    assert "<script>alert" not in (tmp_path / "r.html").read_text("utf-8")


def test_names_are_neither_links_nor_bold_in_a_chart(tmp_path):
    """plotly takes some tags in names for markup, links among them."""
    pytest.importorskip("plotly")
    name, route = '<a href="https://a.example">cells</a> & <b>more</b>', "<b>milp</b>"
    solved = solve(variant("battery", tmp_path, ("  cells:", f"  {json.dumps(name)}:")))
    write_interactive([Entry(route, solved.case, solved.plan, solved.verdict)], tmp_path / "r.html")
    charts = drawn((tmp_path / "r.html").read_text("utf-8"))
    stores = charts["Levels of the stores, at the end of each step"]["data"]
    assert [html.unescape(trace["name"]) for trace in stores] == [name]
    names = [trace.get("name", "") for chart in charts.values() for trace in chart["data"]]
    assert len(names) > 3 and not any("<" in each for each in names)


def test_without_plotly_it_says_what_to_install_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(InputError, match=r"pip install 'citygrid\[interactive\]'"):
        report_stored([tmp_path / "no plan.nc"], tmp_path / "r.html", interactive=True)
    assert list(tmp_path.iterdir()) == []


def test_a_stored_plan_is_reported_on_the_large_page(planned, tmp_path):
    pytest.importorskip("plotly")
    case, plan, _ = planned
    plan.save(tmp_path / "plan.nc")
    report_stored([tmp_path / "plan.nc"], tmp_path / "r.html", interactive=True)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "Plotly.newPlot" in text and case.name in text
