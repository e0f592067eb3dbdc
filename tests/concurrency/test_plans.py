"""Plans that are made, exported and read at once: what lies there is whole, and of one run."""

from __future__ import annotations

import csv
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from citygrid.plan.plan import Plan
from tests.concurrency.conftest import COSTS

ROUNDS = [1, pytest.param(8, marks=pytest.mark.slow)]
#: Seconds for which somebody writes while others read.
LONG = 20.0


def towns_in(folder: Path) -> dict[str, str]:
    """File → the district that it tells of, by its cost or its name."""
    names = {cost: name for name, cost in COSTS.items()}
    plan = Plan.load(folder / "plan.nc")
    assert COSTS[plan.case.name] == pytest.approx(plan.objective)
    found = {"plan.nc": plan.case.name, "plan.gpkg": cost_in(folder / "plan.gpkg")}
    with (folder / "routes.csv").open(newline="") as table:
        found["routes.csv"] = names[round(float(next(csv.DictReader(table))["objective_eur"]), 6)]
    page = (folder / "report.html").read_text(encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title and page.rstrip().endswith("</html>")
    found["report.html"] = next(name for name in COSTS if re.search(rf"\b{name}\b", title[1]))
    return found


def cost_in(geopackage: Path) -> str:
    names = {cost: name for name, cost in COSTS.items()}
    with closing(sqlite3.connect(geopackage)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ask = "SELECT value FROM kpis WHERE name = 'cost_eur'"
        return names[round(database.execute(ask).fetchone()[0], 6)]


def drafts(folder: Path) -> list[Path]:
    return [*folder.rglob(".partial-*")]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_two_plans_into_one_folder_leave_the_files_of_one(stage, town, rounds):
    for _ in range(rounds):
        both = [stage.start("plan", f"models/{name}.yaml", "--out", "out", folder=town)
                for name in COSTS]  # fmt: skip
        ended = [stage.wait(each) for each in both]
        assert [each.code for each in ended] == [0, 0], ended
        assert all(each.fine() for each in ended), ended
        assert len(set(towns_in(town / "out").values())) == 1, towns_in(town / "out")
        assert sorted(each.name for each in (town / "out").iterdir()) == [
            "plan.gpkg", "plan.nc", "report.html", "routes.csv"]  # fmt: skip


@pytest.mark.slow
def test_two_comparisons_into_one_folder_leave_the_files_of_one(stage, town):
    for _ in range(3):
        both = [stage.start("compare", f"models/{name}.yaml", "--routes", "milp,hybrid:rounding",
                            "--out", "out", folder=town) for name in COSTS]  # fmt: skip
        ended = [stage.wait(each) for each in both]
        assert all(each.fine() and each.code == 0 for each in ended), ended
        found = {Plan.load(path).case.name for path in (town / "out").glob("*/plan.nc")}
        found |= {cost_in(path) for path in (town / "out").glob("*/plan.gpkg")}
        assert len(found) == 1 and not drafts(town)


@pytest.mark.slow
def test_exports_and_plans_at_once_leave_whole_files_of_one_plan(stage, town):
    """An export beside a plan that is another meanwhile is refused, and says so."""
    for name in COSTS:
        assert stage.run("plan", f"models/{name}.yaml", "--out", name, folder=town).code == 0
    refused = 0
    writing = stage.start("!", "plans", "out", "one/plan.nc", "other/plan.nc", LONG, folder=town)
    while not (town / "out" / "plan.nc").exists():
        assert stage.is_at_work(writing)
    while stage.is_at_work(writing):
        both = [stage.start("export", "out/plan.nc", "--to", "gpkg,csv,geojson", folder=town)
                for _ in range(2)]  # fmt: skip
        elsewhere = stage.run("export", "out/plan.nc", "--to", "gpkg", "--out", "gis", folder=town)
        assert elsewhere.fine() and elsewhere.code == 0, elsewhere
        assert cost_in(town / "gis" / "plan.gpkg") in COSTS
        for each in map(stage.wait, both):
            assert each.fine(), each
            assert each.code == 0 or "run this command again" in each.err
            refused += each.code == 2
    written = stage.wait(writing)
    assert written.code == 0, written
    assert len(set(towns_in(town / "out").values())) == 1
    print(f"{int(written.out)} plans written, {refused} exports refused")
    assert not drafts(town)


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["verify", "report"])
def test_who_reads_a_plan_that_is_written_over_and_over_reads_a_whole_one(stage, town, reader):
    for name in COSTS:
        assert stage.run("plan", f"models/{name}.yaml", "--out", name, folder=town).code == 0
    writing = stage.start("!", "plans", "out", "one/plan.nc", "other/plan.nc", LONG, folder=town)
    while not (town / "out" / "plan.nc").exists():
        assert stage.is_at_work(writing)
    reads = 0
    while stage.is_at_work(writing):
        words = ["--out", "page.html"] if reader == "report" else []
        told = stage.run(reader, "out/plan.nc", *words, "--json", folder=town)
        assert told.code == 0 and told.fine(), told
        if reader == "verify":
            assert COSTS[told.said["model"]] == pytest.approx(told.said["kpis"]["cost_eur"])
        reads += 1
    written = stage.wait(writing)
    assert written.code == 0, written
    print(f"{int(written.out)} plans written, {reads} read")
