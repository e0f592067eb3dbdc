"""How long it takes to write a year of the Frankfurt district, beside HiGHS's time to solve it.

The year is relaxed to a linear programme and given to HiGHS's interior point method without
crossover, its fastest way by far on this size; both are measured in one process, one after the
other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from citygrid.bench import Say, Wish
from citygrid.bench._measure import measure
from citygrid.errors import Fault, InputError

MODEL = Path(__file__).resolve().parents[2] / "models" / "frankfurt_year.yaml"


def _case(path: str) -> Any:
    import citygrid
    import citygrid.routes.milp

    return citygrid.prepare(citygrid.load(path))


def _build_and_solve(case: Any) -> dict[str, Any]:
    import time

    import citygrid
    from citygrid.routes.contract import Options
    from citygrid.routes.milp import relaxation

    began = time.perf_counter()
    form = citygrid.formulate(case)
    built = time.perf_counter()
    outcome, _, _ = relaxation(form, Options(), method="ipm", crossover=False)
    solved = time.perf_counter()
    return {
        "size": form.size, "status": outcome.status, "objective": outcome.objective,
        "seconds": {"form": built - began, "highs": solved - built},
        "time_ratio": (built - began) / (solved - built),
    }  # fmt: skip


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Seconds to build and to solve the year's LP, and their ratio."""
    if not MODEL.is_file():
        raise InputError(Fault(str(MODEL), "is not there", None, "run from a checkout of citygrid"))
    say("building and solving the year, which takes some minutes")
    found: dict[str, Any] = measure(_case, _build_and_solve, str(MODEL)).answer
    return found
