"""The shipped island: 30 villages with no grid and no data link, planned within one percent."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import citygrid as cg
from citygrid.routes.contract import Options

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "models" / "island.yaml"


def test_the_island_is_what_its_script_writes() -> None:
    path = REPOSITORY / "scripts" / "make_island.py"
    spec = importlib.util.spec_from_file_location("make_island", path)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.island() == MODEL.read_text("utf-8")


def test_the_island_has_30_nodes_and_no_link_to_anywhere() -> None:
    district = cg.load(MODEL)
    kinds = set(district.kind_of.values())
    assert len(district.spec.nodes) == 30
    assert {"pv", "wind", "battery", "generator", "data_center"} <= kinds
    assert not kinds & {"grid", "data_link"}
    for name, kind in district.kind_of.items():
        if kind == "job_pool":
            assert len(district.components[name].sites) == 1, "no link carries jobs elsewhere"


@pytest.mark.slow
def test_two_days_of_the_island_are_planned_within_one_percent() -> None:
    """Measured: 2,593 binaries, 0.3 % after some 15 s on one core."""
    form = cg.formulate(cg.prepare(cg.load(MODEL)))
    plan = cg.solve(form, "milp", Options(gap=0.01))
    verdict = cg.verify(plan.case, plan)
    assert verdict.ok, verdict.violations[:5]
    assert plan.gap is not None and plan.gap <= 0.01
    assert verdict.kpis["unserved_kwh"] == 0 and verdict.kpis["jobs_late"] == 0
    assert verdict.kpis["hours_against_each_other"] == 0
    assert plan.dataset["generator.power"].values.max() > 1.0
