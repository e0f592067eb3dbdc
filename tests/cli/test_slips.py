"""Slips of the annealing routes' users: one message, exit code 2, nothing left behind."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from citygrid.cli import main

TINY = "models/tiny.yaml"


def refused(*arguments: str) -> str:
    """What is said, once."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture(autouse=True)
def from_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository)


@pytest.mark.parametrize("option", ["--time-limit", "--gap"])
def test_infinity_is_no_limit(option, tmp_path):
    said = refused("plan", TINY, option, "inf", "--out", str(tmp_path / "o"))
    assert "finite" in said and not (tmp_path / "o").exists()


def test_a_hundred_thousand_threads_are_a_slip():
    assert "256" in refused("plan", TINY, "--threads", "100000")


@pytest.mark.parametrize(
    ("setting", "said"),
    [("qubo.windoow=3", "--set qubo.windoow"), ("hybrid.round=3", "--set hybrid.round"),
     ("milp.presolv=off", "--set milp.presolv")],
)  # fmt: skip
def test_an_option_of_another_route_is_spelt_right_too(setting, said):
    assert said in refused("compare", TINY, "--routes", "pyomo:highs", "--set", setting)


@pytest.mark.parametrize(
    ("sampler", "setting"),
    [("neal", "num_reads=0"), ("neal", "num_reads=1e9"), ("neal", "beta_range=x"),
     ("noisy:neal", "bit_flip=2"), ("tabu", "timeout=-5")],
)  # fmt: skip
def test_a_setting_that_the_sampler_does_not_take_is_named(sampler, setting, tmp_path):
    said = refused("plan", TINY, "--route", "qubo", "--sampler", sampler, "--set",
                   f"sampler.{setting}", "--out", str(tmp_path))  # fmt: skip
    assert f"--set sampler.{setting.partition('=')[0]}" in said


def test_a_sampler_lies_in_the_folder_of_the_call(repository, tmp_path, monkeypatch):
    (tmp_path / "my_machine.py").write_text(
        "import dimod\nclass Machine(dimod.RandomSampler):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [part for part in __import__("sys").path if part])
    model = str(repository / TINY)
    result = CliRunner().invoke(main, ["plan", model, "--route", "qubo", "--sampler",
                                       "my_machine:Machine", "--out", "o"])  # fmt: skip
    assert result.exit_code == 0, result.output


def test_damaged_shapes_in_an_answer_are_told(tmp_path):
    done = CliRunner().invoke(main, ["qubo", TINY, "--to", "bqm", "--out", str(tmp_path)])
    assert done.exit_code == 0
    import dimod

    with (tmp_path / "problem.bqm").open("rb") as file:
        bqm = dimod.BinaryQuadraticModel.from_file(file)
    answer = dimod.SampleSet.from_samples_bqm([dict.fromkeys(bqm.variables, 0)], bqm)
    document = answer.to_serializable(pack_samples=False)
    for name, value in (("num_rows", 7), ("variable_labels", [["a"]] * len(bqm.variables))):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**document, name: value}))
        assert str(path) in refused("plan", TINY, "--route", f"answer:{path}")


def test_synth_leaves_nothing_where_it_cannot_write_all(tmp_path):
    (tmp_path / "town_jobs.csv").mkdir()
    refused("synth", "--class", "S", "--out", str(tmp_path / "town.yaml"))
    assert [each.name for each in tmp_path.iterdir()] == ["town_jobs.csv"]
    for out in (".", "", str(tmp_path)):
        refused("synth", "--class", "S", "--out", out)
    refused("synth", "--class", "S", "--hours", "10" * 10, "--out", str(tmp_path / "a.yaml"))


@pytest.mark.parametrize("name", ["a b: #c.yaml", "Ü{x}.yaml", 'it\'s "q".yaml'])
def test_synth_writes_any_name_of_a_file(name, tmp_path):
    path = tmp_path / name
    size = ("--hours", "6", "--sites", "1", "--jobs", "2")
    assert CliRunner().invoke(main, ["synth", *size, "--out", str(path)]).exit_code == 0
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\x00", b'{"objective": NaN}', b'{"objective": "abc"}', b"null"]
)
def test_a_file_of_runs_that_is_none_is_named(line, tmp_path):
    (tmp_path / "runs.jsonl").write_bytes(line + b"\n")
    said = refused("bench", "anneal", "--size", "6x1x2", "--seeds", "1", "--routes", "milp",
                   "--time", "1", "--out", str(tmp_path))  # fmt: skip
    assert "runs.jsonl:1" in said


def test_the_qubo_route_says_what_its_samples_were_worth(tmp_path):
    result = CliRunner().invoke(main, ["plan", TINY, "--route", "qubo", "--out", str(tmp_path)])
    assert result.exit_code == 0 and "allowed a plan as it was" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "check", "--head", "zz"], "is no hash"),
        (["outages", TINY, "--route", "qubo"], "any amount may be missing"),
        (["break-even", TINY, "carbon_price", "--between", "1 EUR/t", "2 EUR/t",
          "--other", "components.x"], "neither a file nor PATH=VALUE"),
        (["break-even", TINY, "", "--between", "1 EUR/t", "2 EUR/t",
          "--other", "carbon_price=3 EUR/t"], "path: "),
    ],
)  # fmt: skip
def test_a_slip_in_a_question_is_one_message(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert said in result.stderr and len(result.stderr.strip().splitlines()) == 1
