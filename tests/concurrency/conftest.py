"""Commands that run at once, and the towns that they plan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.test_injected import with_places

ROOT = Path(__file__).resolve().parents[2]


class Played(NamedTuple):
    """A command that is over: its exit code, or minus the signal that ended it; what it said."""

    code: int
    out: str
    err: str

    def fine(self) -> bool:
        """It ended well, or with one clear message."""
        if "Traceback" in self.err or "warning" in self.err:
            return False
        return self.code == 0 or (self.code == 2 and self.err.count("error: ") == 1)

    @property
    def said(self) -> Any:
        """Its JSON document."""
        return json.loads(self.out)


class Stage:
    """The process in whose forks commands run; see ``stage.py``."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._streams = scratch, dict[int, Path]()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.stage"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def _ask(self, asked: dict[str, Any]) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, *words: object, folder: Path, registry: str = "none") -> int:
        """Begin a command in a folder; gives its process id."""
        streams = self._scratch / str(len(list(self._scratch.iterdir())))
        streams.with_suffix(".begun").touch()
        pid = self._ask({
            "start": [word if isinstance(word, float) else str(word) for word in words],
            "folder": str(folder), "streams": str(streams),
            "environment": {"CITYGRID_REGISTRY": registry},
        })  # fmt: skip
        self._streams[pid] = streams
        return pid

    def wait(self, pid: int) -> Played:
        """What became of a command, once it is over."""
        status = self._ask({"wait": pid})
        streams = self._streams.pop(pid)
        out, err = (Path(f"{streams}.{name}").read_text() for name in ("stdout", "stderr"))
        return Played(os.waitstatus_to_exitcode(status), out, err)

    def run(self, *words: object, folder: Path, registry: str = "none") -> Played:
        """A command to its end."""
        return self.wait(self.start(*words, folder=folder, registry=registry))

    def is_at_work(self, pid: int) -> bool:
        """Whether a command is not over yet."""
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"

    def close(self) -> None:
        """No command comes any more."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


#: What the two districts cost, by their names [EUR].
COSTS = {"one": 56.0, "other": 60.0}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Two districts with places on a map that differ in their name and what carbon costs."""
    shutil.copytree(ROOT / "data" / "tiny", tmp_path / "data" / "tiny")
    (tmp_path / "models").mkdir()
    text = with_places((ROOT / "models" / "tiny.yaml").read_text(encoding="utf-8"))
    for name, price in (("one", "0.10"), ("other", "0.30")):
        changed = text.replace("name: tiny", f"name: {name}").replace(
            "carbon_price: 0.10", f"carbon_price: {price}"
        )
        (tmp_path / "models" / f"{name}.yaml").write_text(changed, encoding="utf-8")
    return tmp_path
