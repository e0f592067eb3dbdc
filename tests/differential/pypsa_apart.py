"""PyPSA as a reference: a process of its own, with the Python that ``CITYGRID_PYPSA`` names.

PyPSA is not among what this project installs: its Python is somebody's own environment, and talks
to us in lines of JSON.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from functools import cache
from pathlib import Path

from citygrid.district.case import Case
from citygrid.district.load import District
from tests.differential.references import INFEASIBLE, Answer, none
from tests.differential.translation import Untranslatable, translated

#: Names the Python that has PyPSA.
PYTHON = "CITYGRID_PYPSA"
MISSING = f"{PYTHON} names no Python that has PyPSA"


def by_pypsa(district: District, case: Case) -> Answer:
    """The district as a network of PyPSA, solved by its own call of HiGHS."""
    python = os.environ.get(PYTHON)
    if not python:
        return none(MISSING)
    try:
        told = translated(district, case)
    except Untranslatable as lacking:
        return none(str(lacking))
    child = _child(python)
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps(told) + "\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"PyPSA ended without an answer, exit {child.wait()}; see above")
    answer = json.loads(line)
    if answer["said"] == "optimal":
        return Answer("optimal", answer["cost"], abs(answer["cost"]))
    return INFEASIBLE if answer["said"] == "infeasible" else none(answer["said"])


@cache
def _child(python: str) -> subprocess.Popen[str]:
    """The one process for all districts, since to import PyPSA takes seconds."""
    child = subprocess.Popen(
        [python, "-W", "ignore", str(Path(__file__).with_name("with_pypsa.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(child.kill)
    return child
