"""`--profile` says where the time went, and does not touch the answer."""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygrid.cli import profiling
from citygrid.cli.commands import main

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.mark.parametrize(
    ("file", "name", "worker"),
    [
        ("/home/me/citygrid/citygrid/plan/verify.py", "verify", "citygrid plan"),
        ("/home/me/citygrid/citygrid/units/__init__.py", "parse", "citygrid units"),
        ("/home/me/citygrid/citygrid/files.py", "whole", "citygrid files"),
        ("/opt/x/lib/python3.11/site-packages/pandas/core/frame.py", "__init__", "pandas"),
        ("/opt/citygrid/.venv/lib/python3.11/site-packages/xarray/x.py", "open", "xarray"),
        ("<frozen importlib._bootstrap>", "_find_and_load", "import of modules"),
        ("~", "<built-in method marshal.loads>", "import of modules"),
        ("~", "<built-in method highspy._core.run>", "highspy"),
        ("~", "<method 'append' of 'list' objects>", "Python"),
    ],
)
def test_work_is_given_to_who_did_it(file: str, name: str, worker: str) -> None:
    assert profiling.at_work(file, name) == worker


def test_no_second_is_lost_or_counted_twice() -> None:
    """Builtins are given to their callers; the sum stays what was measured."""
    profile = cProfile.Profile()
    profile.enable()
    sorted(str(number) for number in range(20_000))
    time.sleep(0.01)
    profile.disable()
    stats = pstats.Stats(profile)
    text = profiling.table(stats)
    shares = [line.split() for line in text.split("\n\n")[0].splitlines()[1:]]
    told = sum(float(words[-2]) for words in shares)
    assert told == pytest.approx(stats.total_tt, abs=0.01)  # type: ignore[attr-defined]


def test_a_profiled_command_answers_as_ever() -> None:
    model = str(MODELS / "tiny.yaml")
    plain = CliRunner().invoke(main, ["check", model, "--json"])
    asked = CliRunner().invoke(main, ["check", model, "--json", "--profile"])
    assert json.loads(asked.stdout) == json.loads(plain.stdout)
    assert "profile: " not in plain.stderr
    assert "citygrid district" in asked.stderr and "cli/commands.py" in asked.stderr
