"""`citygrid doctor`: what it tells is so, what is wrong has an exit code, and it leaves nothing."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import citygrid
from citygrid.cli import main
from citygrid.doctor import facts, trial
from citygrid.doctor.facts import MEMORY, requirements
from citygrid.doctor.findings import Finding
from citygrid.errors import NoPlanError, VerificationError
from citygrid.registry import Registry, place


def run(*words: object):
    return CliRunner().invoke(main, ["doctor", *map(str, words)])


def test_a_sound_machine_is_told_so_and_nothing_is_left(tmp_path, monkeypatch):
    trash, home = tmp_path / "trash", tmp_path / "home"
    trash.mkdir()
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setattr(tempfile, "tempdir", str(trash))
    done = run("--registry", home / "registry", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["ok"] and told["citygrid"]["version"] == citygrid.__version__
    assert told["memory_bytes"]["free"] > 0 and told["disk_bytes"]["here"] > 0
    assert told["registry"]["folder"] == str(home / "registry") and not told["registry"]["there"]
    found = {each["name"]: each for each in told["findings"]}
    for name in ("route milp", "route hybrid", "route pyomo:highs"):
        assert found[name]["said"] == "56.00 EUR, verified", found[name]
    assert found["stored plan"]["ok"] and found["sampler onehot"]["ok"]
    assert not list(trash.iterdir()) and not list(home.iterdir())


def test_looking_alone_is_quick_and_tells_extras_with_their_repair(monkeypatch):
    monkeypatch.setattr(sys.modules["citygrid.doctor.facts"], "installed", lambda name: None)
    done = run("--no-trial", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 2 and told["findings"] == []  # what it needs is missing
    esdl = told["extras"]["esdl"]
    assert {name.lower(): version for name, version in esdl["libraries"].items()} == {
        "pyesdl": None
    }
    assert not esdl["present"] and esdl["install"] == "pip install 'citygrid[esdl]'"
    assert "dev" not in told["extras"] and set(told["libraries"]) == set(requirements()[0])
    assert "missing     " in run("--no-trial").output


@pytest.mark.parametrize(
    ("error", "code"),
    [(NoPlanError, 4), (VerificationError, 5), (OSError, 2), (RuntimeError, 2)],
)
def test_what_fails_is_told_and_decides_the_exit_code(monkeypatch, error, code):
    def broken():
        raise error("it is broken") if error in (OSError, RuntimeError) else error(
            citygrid.errors.Fault("here", "it is broken")
        )  # fmt: skip

    monkeypatch.setattr(
        "citygrid.doctor.try_all", lambda wish: iter([trial._tried("a part", broken)])
    )
    done = run()
    assert done.exit_code == code
    assert "FAILED  a part:" in done.output and "it is broken" in done.output
    assert "1 not as it should be" in done.output


def test_little_room_is_no_room():
    assert trial._room("memory", 1 << 20, trial.LEAST_MEMORY).exit_code == 2
    assert trial._room("memory", None, trial.LEAST_MEMORY).ok
    assert trial._room("disk", 1 << 40, trial.LEAST_DISK).ok


def test_the_registry_is_looked_at_and_a_network_file_system_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "registry"
    assert "will be made" in trial._registry(str(folder))
    Registry(folder, write=True).close()
    assert "can be read and written, 0 runs" in trial._registry(str(folder))
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/home {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    told = facts(str(folder))["registry"]
    assert told["network"] is True and told["file_system"] == "nfs4"
    found = trial._tried("registry", lambda: trial._registry(str(folder)))
    assert found.exit_code == 2 and "network file system" in found.said
    (folder / "runs.db").write_text("no database")
    monkeypatch.undo()
    found = trial._tried("registry", lambda: trial._registry(str(folder)))
    assert found.exit_code == 2 and "runs.db" in found.said


def test_a_temporary_folder_that_cannot_be_written_ends_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    found = list(trial.try_all("none"))
    assert found[-1].name == "temporary folder" and found[-1].exit_code == 2
    assert "TMPDIR" in found[-1].said


def test_a_plan_of_another_cost_is_wrong(tmp_path, monkeypatch):
    """The figure by hand bites: with a dearer hour no route may be called fine."""
    monkeypatch.setattr(trial, "TABLE", trial.TABLE.replace("0.30", "0.31"))
    monkeypatch.setattr("citygrid.routes.pyomo.solvers", list)
    found = {each.name: each for each in trial._routes(tmp_path)}
    assert found["route milp"].exit_code == 5 and "by hand it is 56" in found["route milp"].said
    assert "stored plan" not in found


def test_memory_is_unknown_where_nobody_says(monkeypatch, tmp_path):
    assert Path("/proc/meminfo") == MEMORY
    monkeypatch.setattr(sys.modules["citygrid.doctor.facts"], "MEMORY", tmp_path / "none")
    assert facts("none")["memory_bytes"]["free"] is None
    assert Finding("a", "b").as_dict() == {"name": "a", "said": "b", "exit_code": 0,
                                           "seconds": None, "ok": True}  # fmt: skip
