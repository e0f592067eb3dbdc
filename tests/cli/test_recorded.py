"""Every command that works leaves a run: studies, fronts, outages, layouts, periods, windows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from citygrid.cli import main
from citygrid.registry import Registry
from citygrid.registry.check import check
from tests.study.aggregation.test_aggregation import PRICE, REST, WORK, days
from tests.study.layouts.test_layouts import written

ROOT = Path(__file__).resolve().parents[2]
MODEL = "models/tiny.yaml"


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


def answer(*words: object, code: int = 0) -> dict:
    return json.loads(run(*words, "--json", code=code).stdout)


@pytest.fixture(autouse=True)
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a district of one's own, and its registry."""
    for folder in ("models", "data/tiny"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CITYGRID_REGISTRY")
    return tmp_path


STUDY = """name: small
district: models/tiny.yaml
routes: [lp, milp]
vary:
  - grid: {components.boiler.heat: [120 kW, 80 kW, 10 W]}
"""


def test_a_study_leaves_a_run_and_a_part_per_scenario_and_route(town: Path) -> None:
    Path("small.yaml").write_text(STUDY)
    done = answer("study", "small.yaml", "--workers", 0)
    shown = answer("runs", "show", "last")
    record, parts = shown["record"], [each["record"] for each in shown["parts"]]
    assert record["command"] == "study" and record["results_digest"] == done["digest"]
    assert record["parts"] == {"runs": 6, "new": 6, "plans": 2, "verified": 2}
    roles = [(each["role"], each["kept"]) for each in record["inputs"]]
    assert roles == [("study", True), ("district", True), ("data", True)]
    assert [(p["part"], p["route"]) for p in parts] == [
        (f"boiler.heat={heat}", route) for heat in ("120 kW", "80 kW", "10 W")
        for route in ("lp", "milp")
    ]  # fmt: skip
    assert {part["command"] for part in parts} == {"study part"}
    for part in parts:
        (call,) = part["calls"]
        assert record["began"] <= call["queued_at"] <= call["started_at"] <= call["finished_at"]
        assert (part["plan_digest"] is not None) == (part["status"] == "optimal")
    assert record["outputs"] and all(each["sha256"] for each in record["outputs"])
    run("runs", "check")
    # The plan of a scenario is that of its district, planned by itself.
    text = Path(MODEL).read_text()
    assert text.count("heat: 120 kW, efficiency") == 1
    Path("models/other.yaml").write_text(text.replace("heat: 120 kW, eff", "heat: 80 kW, eff"))
    run("plan", "models/other.yaml", "--out", "out")
    planned = answer("runs", "show", "last")["record"]
    assert planned["objective"] == parts[3]["objective"]


def test_a_study_that_goes_on_adds_what_is_new_and_nothing_twice(town: Path) -> None:
    Path("small.yaml").write_text(STUDY.replace(", 10 W]", "]"))
    run("study", "small.yaml", "--workers", 0)
    run("study", "small.yaml", "--workers", 0)
    assert answer("runs", "show", "last")["record"]["parts"]["new"] == 0
    Path("small.yaml").write_text(STUDY.replace("10 W", "100 kW"))
    run("study", "small.yaml", "--workers", 0)
    shown = answer("runs", "show", "last")
    assert shown["record"]["parts"] == {"runs": 6, "new": 2, "plans": 3, "verified": 3}
    assert [each["record"]["part"] for each in shown["parts"]] == ["boiler.heat=100 kW"] * 2
    # What a study acknowledged that was killed before it was recorded is not lost.
    shutil.rmtree(".citygrid")
    run("study", "small.yaml", "--workers", 0)
    assert len(answer("runs", "show", "last")["parts"]) == 6


def test_a_study_that_is_interrupted_records_what_it_has(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citygrid.study.execution.compute import Computer

    Path("small.yaml").write_text(STUDY)
    compute, count = Computer.compute, iter(range(9))

    def interrupted(self: Computer, task: dict) -> dict:
        if next(count) == 2:
            raise KeyboardInterrupt
        return compute(self, task)

    monkeypatch.setattr(Computer, "compute", interrupted)
    run("study", "small.yaml", "--workers", 0, code=130)
    shown = answer("runs", "show", "last")
    assert (shown["state"], shown["record"]["status"]) == ("failed", "interrupted")
    assert len(shown["parts"]) == 2


def test_a_study_is_what_it_is_without_a_registry(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("small.yaml").write_text(STUDY)
    one = answer("study", "small.yaml", "--workers", 0, "--registry", "none", "--out", "one")
    two = answer("study", "small.yaml", "--workers", 0, "--out", "two")
    assert one["digest"] == two["digest"]

    def full(self: Registry, records: object) -> list[str]:
        raise OSError("no more room")

    monkeypatch.setattr(Registry, "add", full)
    three = run("study", "small.yaml", "--workers", 0, "--out", "three", "--json")
    assert json.loads(three.stdout)["digest"] == one["digest"]
    assert "recorded in part only" in three.stderr


@pytest.mark.parametrize(("words", "parts"), [
    (["front", MODEL, "--of", "cost,peak", "--points", "3"], 3),
    (["alternatives", MODEL, "--number", "2"], 3),
    (["sensitivity", MODEL], 0),
    (["break-even", MODEL, "components.gas.price", "--between", "0 EUR/kWh", "1 EUR/kWh",
      "--other", "components.boiler.heat=110 kW"], 0),
    (["outages", MODEL, "--for", "1h", "--only", "boiler"], 2),
    (["qubo", MODEL, "--to", "cqm"], 0),
])  # fmt: skip
def test_a_command_leaves_its_run_with_its_plans(words: list[str], parts: int) -> None:
    assert "warning" not in run(*words).stderr
    shown = answer("runs", "show", "last")
    record = shown["record"]
    assert (shown["state"], record["command"]) == ("done", words[0])
    assert [each["role"] for each in record["inputs"]] == ["district", "data"]
    assert all(each["kept"] for each in record["inputs"]) and record["case_hash"]
    assert len(shown["parts"]) >= parts and bool(shown["parts"]) == bool(parts)
    for each in shown["parts"]:
        assert each["record"]["command"] == f"{words[0]} part" and each["record"]["part"]
    if parts:
        assert shown["parts"][0]["record"]["plan_digest"]
        assert shown["parts"][0]["record"]["verdict"]["ok"]
    for each in record.get("outputs") or []:
        assert each["sha256"], each
    assert words[0] == "break-even" or record["outputs"]
    refused = run("runs", "rerun", "last", code=2).stderr
    assert refused.count("error: ") == 1 and f"one of `{words[0]}`" in refused
    with Registry(Path(".citygrid")) as registry:
        assert check(registry).ok


def test_a_report_leaves_its_run() -> None:
    run("plan", MODEL, "--out", "out")
    run("report", "out/plan.nc", "--out", "page.html")
    shown = answer("runs", "show", "last")
    assert shown["record"]["command"] == "report"
    assert [each["role"] for each in shown["record"]["outputs"]] == ["report"]
    assert [each["role"] for each in shown["record"]["inputs"]] == ["plan"]


def test_a_command_that_is_refused_leaves_its_error() -> None:
    run("front", MODEL, "--of", "cost,beauty", code=2)
    record = answer("runs", "show", "last")["record"]
    assert record["status"] == "refused" and "beauty" in record["error"][0]


def test_a_plan_by_windows_is_repeated_by_windows() -> None:
    words = ["plan", MODEL, "--out", "out", "--window", "2h", "--overlap", "1h"]
    planned = answer(*words)
    record = answer("runs", "show", "last")["record"]
    assert (record["request"]["window"], record["request"]["overlap"]) == ("2h", "1h")
    assert {each["role"] for each in record["inputs"]} == {"district", "data"}
    again = answer("runs", "rerun", "last")
    assert again["equal"] and again["runs"][0]["objective_now"] == planned["objective"]
    repeated = answer("runs", "show", "last")["record"]
    assert repeated["telemetry"]["rolling"]["windows"] > 1
    assert "window" not in answer("runs", "show", "last")["record"].get("size", {})
    run("plan", MODEL, "--out", "out")
    assert "window" not in answer("runs", "show", "last")["record"]["request"]


def test_layouts_leave_a_part_each(town: Path) -> None:
    path = written(town)
    assert "warning" not in run("compare-layouts", path, "--shares", "0.5").stderr
    shown = answer("runs", "show", "last")
    assert [each["record"]["part"] for each in shown["parts"]] == [
        "distributed", "central", "hybrid"]  # fmt: skip
    assert all(each["record"]["plan_digest"] for each in shown["parts"])
    assert shown["record"]["inputs"][0]["kept"] and shown["record"]["outputs"]


def test_typical_periods_leave_their_plan(town: Path) -> None:
    heat = np.concatenate([WORK, REST])
    path = days(town, heat, np.tile(PRICE, 2))
    assert "warning" not in run("aggregate", path, "--periods", "2", "--out", "out").stderr
    shown = answer("runs", "show", "last")
    (part,) = shown["parts"]
    assert part["record"]["plan_digest"] == shown["record"]["plan_digest"] is not None
    assert "error" in shown["record"]["figures"]
    assert {each["role"] for each in shown["record"]["outputs"]} == {"plan", "json"}
