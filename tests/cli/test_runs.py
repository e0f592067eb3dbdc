"""Runs in the registry as a person or a script meets them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from citygrid.cli import main
from citygrid.registry import Registry, new_record, store
from citygrid.registry.blobs import Blobs
from citygrid.registry.check import check
from citygrid.registry.gathering import HIDDEN

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: object, code: int | None = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert code is None or result.exit_code == code, result.output + result.stderr
    return result


def answer(*arguments: object, code: int = 0) -> dict:
    return json.loads(run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a district of one's own, and its registry."""
    for folder in ("models", "data/tiny"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CITYGRID_REGISTRY")
    return tmp_path


MODEL = Path("models/tiny.yaml")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def last(index: int = 0) -> dict:
    return answer("runs", "show", f"last~{index}")["record"]


def test_a_plan_leaves_all_that_made_it(town):
    document = answer("plan", MODEL, "--out", "out")
    shown = answer("runs", "show", "last")
    record = shown["record"]
    assert (shown["state"], shown["sequence"], record["command"]) == ("done", 1, "plan")
    assert record["line"][:2] == ["plan", "models/tiny.yaml"]
    assert record["versions"].keys() >= {"citygrid", "python", "highs"}
    assert record["machine"].keys() == {"host", "system", "cpu", "cores", "memory_bytes"}
    for name in ("objective", "bound", "gap", "status", "model_hash", "form_hash", "kpis", "size"):
        assert record[name] == document[name], name
    assert record["verdict"]["ok"] and record["seconds"]["solve"] > 0
    assert record["calls"] and all(
        call[name] for call in record["calls"]
        for name in ("queued_at", "started_at", "finished_at")
    )  # fmt: skip
    roles = {each["role"]: each for each in record["inputs"]}
    assert roles["district"]["sha256"] == document["model_hash"]
    assert roles["data"]["name"] == "../data/tiny/series.csv"
    blobs = Blobs(town / ".citygrid" / "blobs")
    assert blobs.get(roles["district"]["sha256"]) == MODEL.read_bytes()
    assert blobs.get(roles["data"]["sha256"]) == Path("data/tiny/series.csv").read_bytes()
    assert {each["role"] for each in record["outputs"]} == {"plan", "gpkg", "report", "routes"}
    assert "optimal" in run("runs", "list").stdout and "56.00" in run("runs", "list").stdout
    told = run("runs", "show", shown["id"][:4]).stdout
    assert "verdict: verified" in told and "queued" in told
    run("runs", "check")


def test_a_comparison_leaves_a_run_and_one_per_route(town):
    run("compare", MODEL, "--routes", "milp,hybrid", "--out", "out")
    shown = answer("runs", "show", "last")
    assert shown["record"]["parts"] == {"runs": 2, "plans": 2, "verified": 2}
    assert [each["record"]["route"] for each in shown["parts"]] == ["milp", "hybrid"]
    assert all(each["record"]["plan_digest"] for each in shown["parts"])
    assert len(answer("runs", "list")["runs"]) == 1
    assert len(answer("runs", "list", "--all")["runs"]) == 3
    assert len(answer("runs", "list", "--route", "hybrid")["runs"]) == 1
    again = answer("runs", "rerun", "last")
    assert again["equal"] and [each["route"] for each in again["runs"]] == ["milp", "hybrid"]
    part = answer("runs", "rerun", shown["parts"][1]["id"])
    assert part["equal"] and [each["route"] for each in part["runs"]] == ["hybrid"]


def test_verify_and_export_leave_runs_too(town):
    run("plan", MODEL, "--out", "out")
    run("verify", "out/plan.nc")
    run("export", "out/plan.nc", "--to", "csv")
    exported, verified, planned = (last(index) for index in range(3))
    assert verified["plan_digest"] == planned["plan_digest"]
    assert verified["inputs"][0]["sha256"] == planned["outputs"][0]["sha256"]
    assert exported["command"] == "export" and exported["outputs"]


def test_a_run_that_fails_is_recorded_with_its_error(town):
    change(MODEL, "heat: 120 kW, efficiency", "heat: 10 kW, efficiency")
    change(MODEL, "sink: block, heat: 120 kW", "sink: block, heat: 10 kW")
    run("plan", MODEL, "--out", "out", code=3)
    record = last()
    assert (record["status"], record["state"], record["exit_code"]) == ("infeasible", "failed", 3)
    assert "kW" in " ".join(record["error"]) and record["details"]
    assert {each["role"] for each in record["inputs"]} == {"district", "data"}
    run("runs", "rerun", "last", code=3)
    assert last()["rerun_of"] == record["id"]
    change(MODEL, "kind: boiler", "kind: toaster")
    run("plan", MODEL, "--out", "out", code=2)
    refused = last()
    assert (refused["status"], refused["model"]) == ("refused", "tiny")
    assert refused["inputs"][0]["kept"] and "toaster" in refused["error"][0]
    assert len(answer("runs", "list", "--status", "infeasible")["runs"]) == 2
    assert len(answer("runs", "list", "--status", "failed")["runs"]) == 3


def test_a_solvers_log_is_kept_where_it_is_written(town):
    """In a process of its own, for what HiGHS prints goes past Python's own output."""
    words = [sys.executable, "-m", "citygrid", "plan", str(MODEL), "--out", "out", "--json"]
    for more in ([], ["--verbose"]):
        done = subprocess.run([*words, *more], capture_output=True, text=True, check=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
        assert json.loads(done.stdout)["objective"] == pytest.approx(56.0)
    assert "HiGHS" in done.stderr
    log = run("runs", "show", "last", "--log").stdout
    # On a busy machine words of progress come in between.
    told = re.sub(r"[ \d]{4}\.\d s  [^\n]*…\n", "", done.stderr.replace("\r", ""))
    assert "HiGHS" in log and log.strip() in told
    assert "has no log" in run("runs", "show", "last~1", "--log", code=2).stderr


# the same once more ------------------------------------------------------------------------------


def test_a_rerun_needs_nothing_but_the_registry(town):
    run("plan", MODEL, "--out", "out")
    before = last()
    change(MODEL, "carbon_price: 0.10", "carbon_price: 0.90")
    shutil.rmtree("data")
    again = answer("runs", "rerun", "last")
    assert again["equal"] and again["rerun_of"] == before["id"] and again["files"] == {"milp": {}}
    after = last()
    assert after["plan_digest"] == before["plan_digest"] and after["id"] == again["id"]
    assert after["inputs"] == before["inputs"]
    assert "the same plan" in run("runs", "rerun", after["id"], "--out", "new").stdout
    assert Path("new/plan.nc").is_file()


def test_a_rerun_with_another_plan_says_so_and_why(town):
    run("plan", MODEL, "--out", "out")
    record = last()
    old = {**record, "plan_digest": "0" * 64, "objective": 57.0,
           "versions": {**record["versions"], "highs": "0.1"}}  # fmt: skip
    limited = {**record["request"], "time_limit": 60.0}
    keep = {k: v for k, v in old.items() if k not in ("id", "command", "format", "request")}
    with Registry(town / ".citygrid", write=True) as registry:
        registry.add([new_record("plan", "older", **{**_facts(keep), "request": limited})])
        registry.add(
            [
                new_record(
                    "plan",
                    "plain",
                    **{
                        **_facts(keep),
                        "versions": record["versions"],
                        "request": record["request"],
                    },
                )
            ]
        )
    said = run("runs", "rerun", "older", code=5).stdout
    assert "ANOTHER PLAN: 57.00 EUR, now 56.00 EUR" in said
    assert "time limit" in said and "highs was 0.1" in said
    assert "nothing is known that would excuse it" in run("runs", "rerun", "plain", code=5).stdout


def _facts(body: dict) -> dict:
    return {name: value for name, value in body.items()
            if name not in ("folder", "parent", "machine")}  # fmt: skip


def test_code_that_a_registry_names_is_run_only_where_that_is_said(town):
    Path("rule.py").write_text(
        "import pathlib\npathlib.Path('ran').touch()\n\n\n"
        "def rule(model):\n    import pyomo.environ as pyo\n"
        "    model.cap = pyo.Constraint(expr=sum(model.boiler_heat.values()) <= 1000)\n"
    )
    run("plan", MODEL, "--out", "out", "--policy", "rule.py:rule")
    Path("ran").unlink()
    Path("rule.py").unlink()
    refused = run("runs", "rerun", "last", code=2)
    assert "--trust-code" in refused.stderr and not Path("ran").exists()
    planned = last()  # what is refused before it begins is no run
    assert planned["command"] == "plan"
    assert answer("runs", "rerun", planned["id"], "--trust-code")["equal"]
    assert Path("ran").exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "no district"),
        ([("district", "tiny.yaml", True), ("data", "../" * 80 + "x", True)], "too many folders"),
        ([("district", "tiny.yaml", False)], "is not there any more"),
        ([("district", "tiny.yaml", True), ("data", "/etc/hostname", True)], "/etc/hostname"),
    ],
)
def test_a_hostile_record_writes_nothing_and_reads_nothing_else(town, inputs, said):
    with Registry(town / ".citygrid", write=True) as registry:
        digest = registry.blobs.put(MODEL.read_bytes())
        request = {"routes": ["milp"], "seeds": [0], "settings": {}, "policies": [],
                   "controls": False, "gap": 0.001, "time_limit": None, "threads": None,
                   "sampler": "onehot"}  # fmt: skip
        registry.add([new_record("plan", "hostile", request=request, inputs=[
            {"role": role, "name": name, "path": str(town / "nowhere"), "sha256": digest,
             "bytes": 1, "kept": kept} for role, name, kept in inputs
        ])])  # fmt: skip
    assert said in run("runs", "rerun", "hostile", code=2).stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("routes", "milp"), ("routes", [1]), ("seeds", [True]), ("gap", "small"), ("settings", []),
     ("settings", {"a": 1}), ("sampler", None)],
)  # fmt: skip
def test_a_request_of_the_wrong_kind_is_refused(town, name, value):
    request = {"routes": ["milp"], "seeds": [0], "settings": {}, "policies": [], "controls": False,
               "gap": 0.001, "time_limit": None, "threads": None, "sampler": "onehot"}  # fmt: skip
    with Registry(town / ".citygrid", write=True) as registry:
        registry.add([new_record("plan", "hostile", request={**request, name: value})])
    assert f'is unsound (got "{name}")' in run("runs", "rerun", "hostile", code=2).stderr


# what differs ------------------------------------------------------------------------------------


def test_a_difference_is_told_in_words(town):
    run("plan", MODEL, "--out", "out")
    change(MODEL, "carbon_price: 0.10", "carbon_price: 0.90")
    run("plan", MODEL, "--out", "out", "--seed", "7", "--gap", "0.5")
    found = answer("runs", "diff", "last~1", "last")
    (district,) = found["inputs"]
    assert district["role"] == "district" and district["change"] == "changed"
    assert "+carbon_price: 0.90 EUR/kg" in district["lines"]
    assert {each["name"] for each in found["options"]} == {"seeds", "gap"}
    assert found["plans"] == "different" and found["versions"] == []
    said = run("runs", "diff", "last~1", "last").stdout
    assert "-carbon_price: 0.10 EUR/kg" in said and "options, gap: 0.001 → 0.5" in said
    assert "objective: 56 → " in said and "more" in said and "plans: different" in said
    same = run("runs", "diff", "last", "last").stdout
    assert "inputs: the same" in same and "plans: equal" in same


def test_secrets_are_not_recorded(town):
    with Registry(town / ".citygrid", write=True):
        pass
    run("plan", MODEL, "--route", "hybrid", "--set", "sampler.token=s3cret", code=None)
    record = last()
    assert "s3cret" not in json.dumps(record)
    assert HIDDEN in json.dumps(record["arguments"]) and HIDDEN in json.dumps(record["line"])


# a registry that fails ---------------------------------------------------------------------------


def warned(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("warning: ")]


def test_without_a_registry_nothing_is_written_and_nothing_said(town):
    result = run("plan", MODEL, "--out", "out", "--registry", "none")
    assert not Path(".citygrid").exists() and not warned(result)
    assert "switched off" in run("runs", "list", "--registry", "none", code=2).stderr
    assert "there is no registry" in run("runs", "list", code=2).stderr
    assert not Path(".citygrid").exists()


def test_a_registry_that_cannot_be_made_costs_a_warning_and_no_plan(town):
    Path("file").write_text("x")
    result = run("plan", MODEL, "--out", "out", "--registry", "file", "--json")
    assert json.loads(result.stdout)["objective"] == pytest.approx(56.0)
    (line,) = warned(result)
    assert "this plan is not recorded" in line and "file" in line


def test_a_registry_that_is_locked_costs_a_warning_and_no_plan(town, monkeypatch):
    with Registry(town / ".citygrid", write=True):
        pass
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    holder = sqlite3.connect(town / ".citygrid" / "runs.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        result = run("plan", MODEL, "--out", "out")
    finally:
        holder.close()
    assert "56.00" in result.stdout and "locked" in "".join(warned(result))
    assert len(warned(result)) == 1 and Path("out/plan.nc").is_file()


def test_a_disk_that_fills_up_on_the_way_costs_a_warning_and_no_plan(town, monkeypatch):
    def full(self: Blobs, data: bytes) -> str:
        raise OSError(28, "No space left on device", "blobs")

    with monkeypatch.context() as patched:
        patched.setattr(Blobs, "put", full)
        result = run("plan", MODEL, "--out", "out")
    assert "56.00" in result.stdout and "not recorded" in "".join(warned(result))
    assert len(warned(result)) == 1 and "No space left" in warned(result)[0]
    put, times = Blobs.put, iter([True, False])
    with monkeypatch.context() as patched:
        patched.setattr(Blobs, "put", lambda *a: (put if next(times) else full)(*a))
        result = run("plan", MODEL, "--out", "out")
    assert "56.00" in result.stdout and "in part only" in "".join(warned(result))
    assert last()["state"] == "done" and "No space left" in last()["incomplete"]


def test_a_failing_registry_does_not_hide_a_failing_plan(town, monkeypatch):
    Path("file").write_text("x")
    result = run("plan", "nowhere.yaml", "--registry", "file", code=2)
    assert "nowhere.yaml" in result.stderr and len(warned(result)) == 1


# tidying and handing on --------------------------------------------------------------------------


def test_tidying_says_first_what_would_go(town):
    for _ in range(3):
        run("verify", MODEL, "--json", code=2)
    assert "would remove 2 runs" in run("runs", "gc", "--keep", "1").stdout
    assert len(answer("runs", "list")["runs"]) == 3
    assert "removed 2 runs" in run("runs", "gc", "--keep", "1", "--apply").stdout
    assert [each["record"]["command"] for each in answer("runs", "list")["runs"]] == [
        "runs gc", "verify"]  # fmt: skip
    report = answer("runs", "check")
    assert report["ok"] and report["removed"] == 2
    assert answer("runs", "check", "--head", report["head"])["ok"]
    assert not answer("runs", "check", "--head", "f" * 64, code=5)["ok"]


def test_an_export_takes_the_parts_along(town):
    with Registry(town / ".citygrid", write=True) as registry:
        registry.add([new_record("compare", "whole"), new_record("x", "part", parent="whole"),
                      new_record("plan", "other")])  # fmt: skip
    assert answer("runs", "export", "whole", "--out", "a.zip")["runs"] == 2
    assert answer("runs", "export", "part", "--out", "b.zip")["runs"] == 2
    assert answer("runs", "export", "--all", "--out", "c.zip")["runs"] == 3
    run("runs", "export", "--out", "d.zip", code=2)
    assert not Path("d.zip").exists()


def test_what_a_record_says_cannot_steer_a_terminal(town):
    with Registry(town / ".citygrid", write=True) as registry:
        registry.add([new_record("plan", "evil", model="\x1b[2J\x07", status="\r\nfake",
                                 error=["\x1b]0;x\x07"], kpis={"\x1b[31m": "\x9b1m"})])  # fmt: skip
        assert check(registry).ok
    for words in (("list",), ("show", "evil"), ("diff", "evil", "evil")):
        said = run("runs", *words).stdout
        assert all(c.isprintable() or c == "\n" for c in said), repr(said)
        assert "\nfake" not in said
