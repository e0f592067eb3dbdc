"""Many writers at once, and writers that are killed: nothing acknowledged is ever lost.

The small numbers run always; those of the promise are marked slow.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from citygrid.registry import Registry
from citygrid.registry.check import check

WRITER = Path(__file__).parent / "crash.py"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


def started(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), *map(str, words)], cwd=ROOT, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def assert_sound(folder: Path, acknowledged: set[str]) -> int:
    """The registry is whole and holds all that it said it held; gives the number of its runs."""
    with Registry(folder) as registry:
        report = check(registry)
        assert report.ok, report.faults
        held = {entry.id for entry in registry.entries()}
    assert acknowledged <= held, sorted(acknowledged - held)[:5]
    return len(held)


@pytest.mark.parametrize(
    ("writers", "runs"), [(4, 25), pytest.param(32, 200, marks=pytest.mark.slow)]
)
def test_many_writers_at_once_lose_nothing(tmp_path, writers, runs):
    """All begin in a folder that is not there yet, so that they also race to make it."""
    folder = tmp_path / "registry"
    at_work = [started("write", folder, f"w{number:02d}", runs) for number in range(writers)]
    said = [process.communicate() for process in at_work]
    assert [process.returncode for process in at_work] == [0] * writers, said[0][1]
    acknowledged = {line for out, _ in said for line in out.split()}
    assert len(acknowledged) == writers * runs
    assert assert_sound(folder, acknowledged) == writers * runs


@pytest.mark.parametrize("rounds", [10, pytest.param(500, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path, rounds):
    folder = tmp_path / "registry"
    killing = started("kill", folder, rounds)
    out, error = killing.communicate()
    assert killing.returncode == 0, error
    acknowledged = set(out.split())
    assert len(acknowledged) > rounds
    held = assert_sound(folder, acknowledged)
    contents = [path for path in (folder / "blobs").glob("??/*")
                if not path.name.startswith(".partial-")]  # fmt: skip
    assert len(contents) >= held
    assert [path for path in contents if not whole(path)] == []
    with Registry(folder) as registry:
        assert {entry.state for entry in registry.unfinished()} <= {"killed"}
    strays = len(list((folder / "blobs").glob("??/.partial-*")))
    print(f"{rounds} kills, {len(acknowledged)} acknowledged, {held} held, {strays} strays")


def whole(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name
