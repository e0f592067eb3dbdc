"""`citygrid study`, as a person or a program calls it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from citygrid.cli import main


@pytest.fixture
def study(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(
        f"name: small\ndistrict: {repository}/models/tiny.yaml\nroutes: [lp, milp]\n"
        "vary:\n  - grid: {components.boiler.heat: [120 kW, 80 kW]}\n"
    )
    return path


def call(*words, code=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def test_a_study_runs_by_its_file_alone_and_goes_on(study, tmp_path):
    first = json.loads(call("study", study, "--workers", 0, "--json").stdout)
    assert first["counts"] == {"relaxed": 2, "optimal": 2} and first["computed"] == 4
    assert first["folder"] == "out/small" and first["failed"] == []
    told = call("study", study, "--workers", 0, "--resume").stdout
    assert "4 known before, 0 computed" in told and first["digest"][:16] in told
    assert "relaxed: no plan but a bound" in told
    options_first = json.loads(call("study", "--workers", 0, "--json", study).stdout)
    assert options_first["digest"] == first["digest"]
    run = json.loads(call("study", "run", study, "--workers", 0, "--json").stdout)
    assert run["digest"] == first["digest"]


def test_show_and_report_tell_of_a_folder(study, tmp_path):
    digest = json.loads(call("study", study, "--workers", 0, "--json").stdout)["digest"]
    shown = json.loads(call("study", "show", "out/small", "--json").stdout)
    assert shown["digest"] == digest and len(shown["rows"]) == 4
    assert "boiler.heat=80 kW" in call("study", "show", "out/small").stdout
    question = "select route, count(*) as n from study group by route order by route"
    answer = json.loads(call("study", "show", "out/small", "--query", question, "--json").stdout)
    assert answer == {"columns": ["route", "n"], "rows": [["lp", 2], ["milp", 2]]}
    assert "lp     2" in call("study", "show", "out/small", "--query", question).stdout
    call("study", "show", "out/small", "--query", "drop table study", code=2)
    report = json.loads(call("study", "report", "out/small", "--json").stdout)
    assert (tmp_path / report["files"]["report"]).read_text().startswith("<!doctype html>")


def test_failed_scenarios_are_exit_code_6(study, monkeypatch):
    def fails(case):
        raise RuntimeError("boom")

    monkeypatch.setattr("citygrid.verbs.formulate", fails)
    result = call("study", study, "--workers", 0, "--json", code=6)
    document = json.loads(result.stdout)
    assert document["counts"] == {"failed": 4} and "boom" in document["failed"][0]["error"]


@pytest.mark.parametrize(
    "words",
    [
        ["missing.yaml"], ["small.yaml", "--workers", "-1"], ["small.yaml", "--resume"],
        ["small.yaml", "--workers", "1", "--scheduler", "tcp://127.0.0.1:1"],
        ["small.yaml", "--function", "nothing"], ["show", "nowhere"], ["report", "nowhere"],
    ],
)  # fmt: skip
def test_wrong_calls_are_one_message_and_exit_code_2(study, words, tmp_path):
    document = json.loads(call("study", *words, "--json", code=2).stdout)
    assert document["error"]["exit_code"] == 2 and document["error"]["faults"]
    assert not (tmp_path / "out").exists()


def test_the_schema_of_a_study_is_printed(tmp_path, monkeypatch):
    schema = json.loads(call("schema", "--study").stdout)
    assert schema["title"] == "citygrid study" and "vary" in schema["properties"]
    assert "components" in json.loads(call("schema").stdout)["properties"]


def test_help_names_the_exit_code():
    assert "6 a study finished with failed scenarios" in " ".join(call("--help").stdout.split())
    assert "STUDY.yaml" in call("study", "--help").stdout
