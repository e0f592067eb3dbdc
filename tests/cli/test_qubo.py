"""`citygrid qubo` and `--route answer:FILE` as a person or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import dimod
import numpy as np
import pytest
from click.testing import CliRunner, Result

from citygrid.cli import main
from citygrid.model.form import Form

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "models" / "tiny.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("exported")
    result = run("qubo", TINY, "--to", "cqm,bqm,lp,mps,coo,npz,moves", "--out", folder, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), folder


@pytest.fixture(scope="module")
def answered(exported: tuple[dict, Path]) -> Path:
    """Every state of the eight bits, as an enumeration elsewhere would give them."""
    _, folder = exported
    with (folder / "problem.bqm").open("rb") as stream:
        bqm = dimod.BinaryQuadraticModel.from_file(stream)
    found = dimod.ExactSolver().sample(bqm).truncate(20)
    (folder / "samples.json").write_text(json.dumps(found.to_serializable()))
    return folder / "samples.json"


def test_one_document_names_every_file_with_size_and_hash(exported):
    document, folder = exported
    assert set(document["problems"]) == {
        "cqm", "bqm", "lp", "mps", "coo", "npz", "moves-1",
    }  # fmt: skip
    assert set(document["files"]) == {*document["problems"], "map"}
    for name, problem in document["problems"].items():
        assert problem["variables"] > 0 and len(problem["sha256"]) == 64
        assert Path(document["files"][name]).stat().st_size == problem["bytes"]
    assert document["problems"]["cqm"]["one_hot"] == 1
    assert Form.load(folder / "problem.npz").hash == document["form_hash"]
    assert json.loads((folder / "map.json").read_text())["model_hash"] == document["model_hash"]
    assert not list(folder.glob(".partial-*"))


def test_people_read_what_was_written_and_what_comes_next(tmp_path):
    result = run("qubo", TINY, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "problem.cqm: 36 variables, 28 constraints" in result.stdout
    assert "answer:FILE" in result.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["map.json", "problem.cqm"]


def test_files_of_an_earlier_export_are_named_and_kept(tmp_path):
    run("qubo", TINY, "--to", "lp,cqm", "--out", tmp_path)
    again = run("qubo", TINY, "--to", "cqm", "--out", tmp_path)
    assert f"not in this map: {tmp_path / 'problem.lp'}" in again.stdout
    assert (tmp_path / "problem.lp").exists()


def test_an_answer_becomes_a_verified_plan(answered, tmp_path):
    result = run("plan", TINY, "--route", f"answer:{answered}", "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["verdict"]["ok"] and document["objective"] == pytest.approx(56.0)
    assert document["bound"] <= document["objective"] and document["gap"] <= 1e-3
    assert document["telemetry"]["samples"] == 20 and document["telemetry"]["milps"] == 0


def test_people_read_what_the_samples_were_worth(answered, tmp_path):
    result = run("plan", TINY, "--route", f"answer:{answered}", "--out", tmp_path)
    assert "20 samples of the BQM" in result.stdout and "the plan is theirs" in result.stdout


def test_an_answer_is_compared_with_the_other_routes(answered, tmp_path):
    comma = answered.with_name("first, second.json")  # the names of files are the user's
    comma.write_text(answered.read_text())
    route = f"answer:{comma}"
    result = run("compare", TINY, "--routes", f'milp,"{route}"', "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["routes"]
    assert second["route"] == route and second["verdict"]["ok"]
    assert second["objective"] == pytest.approx(first["objective"])
    assert Path(second["files"]["plan"]).is_file()


def test_an_answer_without_its_policy_is_refused_before_it_is_solved(answered, tmp_path):
    """The exported form had no policy; with one it is another form."""
    (tmp_path / "rules.py").write_text(
        "import pyomo.environ as pyo\n"
        "def rest(model):\n"
        "    busy = model.data_center_compute['data centre', '2023-01-16T02:00Z']\n"
        "    model.rest = pyo.Constraint(expr=busy <= 0)\n"
    )
    policy = tmp_path / "rules.py"
    result = run("plan", TINY, "--route", f"answer:{answered}", "--policy", policy,
                 "--out", tmp_path / "out")  # fmt: skip
    assert result.exit_code == 2 and "another form" in result.output
    again = run("qubo", TINY, "--policy", policy, "--out", tmp_path / "new", "--json")
    assert json.loads(again.stdout)["policies"][0]["rows"] == ["policy.rest"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "cqm,qasm"], ["no such format", "qasm", "cqm, bqm"]),
        (["--to", ","], ["names no format"]),
        (["--to", "bqm", "--set", "window=6 h"], ["no such option", "window"]),
        (["--to", "bqm", "--set", "bits=0"], ["at least 1", "at most 12"]),
        (["--to", "lp", "--set", "bits=4"], ["not asked for"]),
        (["--to", "bqm", "--set", "bits"], ["NAME=VALUE"]),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path, arguments, words):
    result = run("qubo", TINY, *arguments, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit)
    message = " ".join(json.loads(result.stdout)["error"]["faults"])
    assert all(word in message for word in words), message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("blocked", ["out", "out/problem.cqm/x", "out/map.json/x"])
def test_folders_that_cannot_be_written_are_refused_and_stay_as_they_are(tmp_path, blocked):
    (tmp_path / blocked).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / blocked).write_text("mine")
    result = run("qubo", TINY, "--to", "lp,cqm", "--out", tmp_path / "out")
    assert result.exit_code == 2 and "name another file or folder" in result.stderr
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / blocked]


@pytest.mark.parametrize("content", ["", "{}", '{"type": "SampleSet"}', "[1, 2"])
def test_a_wrong_answer_is_one_message_and_exit_2(tmp_path, monkeypatch, content):
    (tmp_path / "bad.json").write_text(content)
    monkeypatch.setattr("citygrid.verbs.load", lambda *given: pytest.fail("read for nothing"))
    result = run("plan", TINY, "--route", f"answer:{tmp_path / 'bad.json'}",
                 "--out", tmp_path / "out", "--json")  # fmt: skip
    assert result.exit_code == 2 and "Traceback" not in result.output
    (fault,) = json.loads(result.stdout)["error"]["faults"]
    assert "bad.json" in fault and not (tmp_path / "out").exists()


def test_an_exported_cqm_is_what_any_reader_of_dimods_files_gets(exported):
    """Of the plan of another route every limit holds in the CQM, and the cost is the same."""
    import citygrid as cg
    from citygrid import routes

    _, folder = exported
    with (folder / "problem.cqm").open("rb") as stream:
        cqm = dimod.ConstrainedQuadraticModel.from_file(stream)
    form = cg.formulate(cg.prepare(cg.load(TINY)))
    best = routes.solve(form, "milp")
    sample = dict(zip(cqm.variables, np.asarray(best.x).tolist(), strict=True))
    assert cqm.check_feasible(sample, atol=1e-6)
    assert cqm.objective.energy(sample) == pytest.approx(56.0)
