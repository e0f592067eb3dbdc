"""A stored plan: what is read is verified, and is right or broken, never anything else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import citygrid as cg
from citygrid.plan.plan import Plan
from tests.helpers import solved


def _plan() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.nc"
        solved("boiler").plan.save(path)
        return path.read_bytes()


SEEDS = [_plan()]


def read(data: bytes, folder: Path) -> None:
    path = folder / "plan.nc"
    path.write_bytes(data)
    plan = Plan.load(path)
    verdict = cg.verify(plan.case, plan)
    assert verdict.ok == (verdict.largest <= 1e-6) and (verdict.ok or verdict.violations)
