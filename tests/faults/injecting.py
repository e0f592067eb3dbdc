"""Faults at single system calls of a command, and what its folder looks like afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
STAGE = Path(__file__).with_name("stage.py")

_LINE = re.compile(r"(\w+)\((.*)\)\s+= (.*)")
_PLACE = re.compile(r'"([^"]*)"|<([^>]*)>')
#: What an opening says that only reads.
_WRITES = re.compile(r"\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)\b")
#: No files: what a terminal, a pipe or another process hears.
_NO_FILE = ("/dev/", "/proc/", "pipe:", "socket:", "anon_inode:", "UNIX")


class Call(NamedTuple):
    """A system call that changes a file: its name, its number among those of its name, the files.

    ``done`` is what came of it, as strace writes it.
    """

    name: str
    number: int
    files: tuple[str, ...]
    done: str

    def __str__(self) -> str:
        return f"{self.name} no. {self.number} of {', '.join(self.files)}"


class Ran(NamedTuple):
    """A command that is over: its exit code, or minus the signal that ended it, and what it did."""

    code: int
    out: str
    err: str
    calls: tuple[Call, ...]

    @property
    def disturbed(self) -> list[Call]:
        """The calls that strace made fail."""
        return [call for call in self.calls if "INJECTED" in call.done]


def calls_of(trace: Path) -> Iterator[Call]:
    """The calls of a trace that change files, in their order."""
    numbers: Counter[str] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue  # a signal, or a call that never came back
        name, arguments, done = found.groups()
        numbers[name] += 1
        if name in ("open", "openat") and not _WRITES.search(arguments):
            continue
        files = tuple(
            quoted or opened for quoted, opened in _PLACE.findall(arguments) if quoted or opened
        )
        if name in ("openat", "mkdirat", "unlinkat", "renameat", "renameat2"):
            files = tuple(each for i, each in enumerate(files) if i or len(files) == 1)
        # What stands beside the trace is the test's own.
        if files and not files[0].startswith((*_NO_FILE, str(trace))):
            yield Call(name, numbers[name], files, done)


class Stage:
    """The process in whose forks commands run; see ``stage.py``."""

    def __init__(self, scratch: Path) -> None:
        self._trace = scratch / "trace"
        self._trash = scratch / "tmp"
        self._trash.mkdir()
        self.environment = {"HOME": str(scratch), "TMPDIR": str(self._trash)}
        self._process = subprocess.Popen(
            [sys.executable, str(STAGE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def run(self, arguments: Sequence[str], folder: Path, inject: str = "") -> Ran:
        """A command in a folder, with a registry there, and perhaps one call that fails."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked: dict[str, Any] = {
            "arguments": list(arguments), "folder": str(folder), "trace": str(self._trace),
            "inject": inject, "environment": {**self.environment, "CITYGRID_REGISTRY": ""},
        }  # fmt: skip
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        out, err = (Path(f"{self._trace}.{name}").read_text() for name in ("stdout", "stderr"))
        code = os.waitstatus_to_exitcode(status)
        return Ran(code, out, err, tuple(calls_of(self._trace)))

    def close(self) -> None:
        """No command comes any more."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def staged(scratch: Path) -> Iterator[Stage]:
    """A stage that is closed at the end."""
    stage = Stage(scratch)
    try:
        yield stage
    finally:
        stage.close()


def why_not() -> str | None:
    """Why faults cannot be injected here; ``None`` where they can."""
    if sys.platform != "linux":
        return "strace is of Linux"
    if shutil.which("strace") is None:
        return "strace is not there (Debian, Ubuntu: apt install strace)"
    tried = subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "-e", "inject=fsync:error=EIO:when=1", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


#: Calls that take a path and not an open file.
BY_PATH = frozenset((
    "open", "openat", "creat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir",
    "unlink", "unlinkat", "chmod", "fchmodat", "utimensat", "link", "linkat", "symlink",
))  # fmt: skip
FAULTS = ("full", "refused", "killed", "interrupted")


def injected(fault: str, call: Call) -> str:
    """What strace shall do to a call, in its words."""
    what = {
        "full": "error=ENOSPC", "killed": "signal=SIGKILL", "interrupted": "error=EINTR",
        "refused": "error=EROFS" if call.name in BY_PATH else "error=EIO",
    }[fault]  # fmt: skip
    return f"{call.name}:{what}:when={call.number}"


KILLED = -signal.SIGKILL


def tree(folder: Path) -> dict[str, Path]:
    """All files of a folder by their names in it."""
    return {str(path.relative_to(folder)): path
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def is_stray(name: str) -> bool:
    """Whether a name is one of a file that was being written."""
    return Path(name).name.startswith(".partial-")


def changed(before: Mapping[str, Path], after: Mapping[str, Path]) -> set[str]:
    """Names that came, went, or hold something else."""
    return {
        name for name in before.keys() | after.keys()
        if name not in before or name not in after
        or before[name].read_bytes() != after[name].read_bytes()
    }  # fmt: skip
