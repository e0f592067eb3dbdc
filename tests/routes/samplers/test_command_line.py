"""Samplers that fail, from the command line: a verified plan or an exit code with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygrid.cli import main

TINY = str(Path(__file__).resolve().parents[3] / "models" / "tiny.yaml")
FAULTY = "tests.routes.samplers.faulty:"


def planned(tmp_path, sampler, *more):
    arguments = ["plan", TINY, "--route", "hybrid", "--sampler", sampler, "--out", str(tmp_path),
                 "--set", "hybrid.rounds=1", "--set", "hybrid.reads=4", "--set", "hybrid.sweeps=20",
                 "--set", "sampler.retries=0", "--json", *more]  # fmt: skip
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    "sampler", [f"{FAULTY}Crash,neal", f"{FAULTY}LyingEnergy", f"{FAULTY}TimeOut,noisy:onehot"]
)
def test_a_plan_is_found_and_verified_all_the_same(tmp_path, sampler):
    result = planned(tmp_path, sampler, "--set", "sampler.patience=4")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["verdict"]["ok"] and document["objective"] == pytest.approx(56.0)


@pytest.mark.parametrize(
    ("sampler", "code", "said"),
    [
        (f"{FAULTY}TimeOut", 4, "time-out"),
        (f"{FAULTY}Crash,{FAULTY}Empty", 4, "segment 7 is on fire"),
        (f"{FAULTY}Authentication", 2, "token not accepted"),
        ("neal,nael", 2, "no such sampler"),
    ],
)
def test_why_there_is_no_plan_is_told(tmp_path, sampler, code, said):
    result = planned(tmp_path, sampler, "--set", "sampler.patience=0.1")
    assert result.exit_code == code and isinstance(result.exception, SystemExit)
    assert said in result.stderr and json.loads(result.stdout)["error"]["exit_code"] == code


@pytest.mark.parametrize(
    ("setting", "said"),
    [("sampler.num_sweep=5", "num_sweeps"), ("sampler.patience=-1", "more than 0")],
)
def test_settings_of_samplers_are_checked_before_any_work(tmp_path, setting, said):
    result = planned(tmp_path, "neal", "--set", setting)
    assert result.exit_code == 2 and said in result.stderr


def test_the_own_annealer_of_the_route_and_routes_without_one_take_no_settings(tmp_path):
    result = planned(tmp_path, "onehot")
    assert result.exit_code == 2 and "own annealer" in result.stderr
    setting = ["--set", "sampler.num_sweeps=5"]
    result = CliRunner().invoke(main, ["plan", TINY, *setting, "--out", str(tmp_path)])
    assert result.exit_code == 2 and "asks no annealer" in result.stderr
