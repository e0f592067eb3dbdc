"""A run that is killed leaves whole files or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from citygrid.plan.plan import Plan

ROOT = Path(__file__).resolve().parents[2]

# One process loads the libraries; every child of it plans and kills itself at the k-th time that a
# file is about to be flushed to disk.
KILLED_AT_EACH_WRITE = """
import os, signal, sys
from pathlib import Path
import citygrid.export.runs, citygrid.district.prepare, citygrid.export.gis.geopackage
import citygrid.export.report, citygrid.plan.verify
from citygrid import files
from citygrid.cli import main

model, out = sys.argv[1], Path(sys.argv[2])
real, left = os.fsync, 0

def fsync(handle):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)

files.os.fsync = fsync
for attempt in range(1, 100):
    child = os.fork()
    if child == 0:
        left = attempt
        main(["plan", model, "--out", str(out / str(attempt))])
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, status
        print(attempt)
        break
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_a_plan_killed_at_any_write_leaves_only_whole_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_WRITE, ROOT / "models" / "tiny.yaml", tmp_path],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    attempts = int(done.stdout.split()[-1])
    assert attempts > 4, "a plan writes at least its netCDF, GeoPackage, report and table"
    complete = {path.name: path for path in (tmp_path / str(attempts)).iterdir()}
    for attempt in range(1, attempts):
        for path in (tmp_path / str(attempt)).iterdir():
            if path.name.startswith(".partial-"):
                continue
            if path.name == "plan.nc":
                assert Plan.load(path).objective == pytest.approx(56.0)
            else:
                # Whole means as long as the one from the run that was let live, give or take
                # figures of time.
                assert path.stat().st_size > 0.95 * complete[path.name].stat().st_size
