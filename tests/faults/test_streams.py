"""Standard streams that are closed, full, or that nobody reads: no traceback, a clear exit code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

#: The program as a word of the shell, wherever it lies.
PROGRAM = 'citygrid() { "$python" -m citygrid "$@"; }; '


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of the shell; ``citygrid`` is the program."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", PROGRAM + line], cwd=folder, capture_output=True,
        text=True, env={**os.environ, "python": sys.executable, "PYTHONPATH": str(REPOSITORY)},
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


MODEL = shlex.quote(str(REPOSITORY / "models" / "tiny.yaml"))


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("citygrid check {model} >&-", 0, ""),
        ("citygrid check {model} <&-", 0, ""),
        ("citygrid check {model} 2>&-", 0, ""),
        ("citygrid check {model} <&- >&- 2>&-", 0, ""),
        ("citygrid check nothing.yaml >&-", 2, "nothing.yaml"),
        ("citygrid check {model} > /dev/full", 2, "standard output: No space left"),
        ("citygrid schema > /dev/full", 2, "standard output: No space left"),
        ("citygrid check {model} --json 2> /dev/full", 0, ""),
        ("citygrid schema | head -c 1 | grep -q .", (0, 141), ""),
    ],
)
def test_streams_that_are_closed_or_full(tmp_path, line, code, said):
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = shell(line.format(model=MODEL), tmp_path)
    # A reader may be gone before the writer is done, or after.
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_plan_with_all_streams_closed_is_whole(tmp_path):
    """What libraries print goes nowhere, and not into a file that got the number of stdout."""
    from citygrid.plan.plan import Plan

    done = shell(f"citygrid plan {MODEL} --out out --registry reg <&- >&- 2>&-", tmp_path)
    assert done.returncode == 0
    assert Plan.load(tmp_path / "out" / "plan.nc").objective == pytest.approx(56.0)
    assert shell("citygrid runs check --registry reg", tmp_path).returncode == 0
