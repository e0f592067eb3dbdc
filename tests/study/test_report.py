"""The report of a study: offline, safe, and small for a thousand scenarios."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from citygrid.study.report.charts import scatter
from citygrid.study.report.page import write_study_report
from citygrid.study.store import Store


def fill(folder, rows, routes=("lp",), name="many", error=None):
    """A study's folder as if so many scenarios had been computed."""
    with Store.conducting(folder) as store:
        named = [{"route": r, "label": r, "seed": 0, "gap": 0.001, "time_limit": None,
                  "threads": 1, "sampler": "onehot", "settings": {}} for r in routes]  # fmt: skip
        store.ask({"name": name, "routes": json.dumps(named), "file": "s.yaml",
                   "district": "d.yaml", "version": "0"},
                  [(f"scenario {i}", {"components.battery.capacity": f"{i} kWh",
                                      "carbon_price": f"{i % 7} EUR/kg"}) for i in range(rows)],
                  [(i, r, f"{r}-{i}") for i in range(rows) for r in range(len(routes))],
                  )  # fmt: skip
        for i in range(rows):
            for r in range(len(routes)):
                store.note(f"{r}-{i}", 1, {
                    "status": "failed" if error and i == 0 else "optimal",
                    "verified": None if error and i == 0 else True,
                    "objective_eur": 1000.0 + (i * 37) % 101, "bound_eur": 990.0, "gap": 0.01,
                    "kpis": {"co2_kg": 50.0 + i, "waste_heat_used_mwh": 1.0, "cost_eur": 1.0},
                    "error": error if i == 0 else None, "seconds": {"total": 0.5},
                })  # fmt: skip
    return folder


def test_a_page_of_a_thousand_scenarios_is_small_and_needs_nothing(tmp_path):
    folder = fill(tmp_path / "out", 1000)
    write_study_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text()
    assert len(page.encode()) < 1_500_000
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import|<script", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy and style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"sha256-{digest}" in policy[1].replace("&#39;", "'")
    assert "default-src" in policy[1] and "unsafe" not in policy[1]
    assert page.count("<tr>") > 1000 and "scenario 999" in page
    assert "Cost against components.battery.capacity [kWh]" in page


def test_what_users_write_is_text_and_never_markup(tmp_path):
    evil = "<script>alert(1)</script>\" onload='x'"
    folder = fill(tmp_path / "out", 3, name=evil, error=evil)
    write_study_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "What failed" in page and "1 of 3 failed" in page


def test_an_unfinished_study_says_so(write, run, tmp_path):
    folder = fill(tmp_path / "out", 4)
    with Store.conducting(folder) as store:
        store.forget(["0-1"])
    write_study_report(folder, folder / "report.html")
    assert "1 are still to be computed" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("routes", "said", "unsaid"),
    [
        ("[lp]", "2 relaxed: no plan, but a bound", "found right"),
        ("[milp]", "2 plans were replayed by physics and found right", "relaxed: no plan"),
        ("[lp, milp]", "found right. 2 relaxed: no plan", "No plan was replayed"),
    ],
)
def test_the_page_says_what_was_verified_and_what_was_not(write, run, tmp_path, routes, said,
                                                          unsaid):  # fmt: skip
    run(write("- grid: {carbon_price: [0 EUR/kg, 0.1 EUR/kg]}", routes=routes))
    write_study_report(tmp_path / "out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert said in page and unsaid not in page


def test_points_lie_where_their_values_say():
    chart = scatter("t", "x", "y", [("lp", "a", 0.0, 10.0), ("lp", "b", 5.0, 20.0),
                                    ("lp", "c", 10.0, 30.0), ("lp", "d", None, 3.0)])  # fmt: skip
    points = chart.series[0].titled
    assert len(points) == 3
    (x0, y0, _), (x1, y1, _), (x2, y2, _) = points
    assert x0 < x1 < x2 and y0 > y1 > y2
    assert x1 - x0 == pytest.approx(x2 - x1) and y0 - y1 == pytest.approx(y1 - y2)
    assert scatter("t", "x", "y", [("lp", "a", 1.0, 2.0)]) is None
    assert scatter("t", "x", "y", [("lp", "a", 1.0, 2.0), ("lp", "b", 1.0, 2.0)]) is not None


def test_values_stand_as_they_are_written(tmp_path):
    """A key `values` would be the method of the dict that holds it."""
    folder = fill(tmp_path / "out", 3)
    write_study_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text()
    assert "<td>0 kWh, 1 kWh, 2 kWh</td>" in page
    assert "built-in method" not in page
