"""A long horizon by windows against one programme for all of it, to the same gap.

``units`` is the year of Flensburg with five units that are on or off; ``stores`` is a winter month
of it with a store ten times as large, in which windows have most to lose. Each is rolled, verified
as one plan, and then given to HiGHS whole for as long as five times what rolling took: the ratio of
times is to the moment at which HiGHS, too, had proven the gap that rolling ended with.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from citygrid.bench import Say, Wish
from citygrid.bench._measure import measure
from citygrid.errors import Fault, InputError

MODELS = Path(__file__).resolve().parents[2] / "models"
MODEL = MODELS / "flensburg_units.yaml"
#: Windows and the gap of each: what is told of both districts.
WINDOW, OVERLAP, GAP = "72 h", "24 h", 5e-3
#: How much longer than rolling HiGHS may take for the whole, and at most [s].
PATIENCE, LONGEST = 6.0, 900.0
#: What makes the month of the store-heavy district out of the year.
STORES = (
    ("length: 8760 h", "length: 744 h"),
    ("volume: 1200 m^3", "volume: 12000 m^3"),
    ("diameter: 10 m", "diameter: 25 m"),
)


def _case(path: str) -> Any:
    import citygrid
    import citygrid.routes.milp

    return citygrid.prepare(citygrid.load(path))


def _roll(case: Any) -> dict[str, Any]:
    import citygrid
    from citygrid.routes.contract import Options
    from citygrid.study.rolling import roll

    plan = roll(case, WINDOW, OVERLAP, options=Options(gap=GAP))
    verdict = citygrid.verify(case, plan)
    told = plan.telemetry
    return {
        "objective": plan.objective, "bound": plan.bound, "gap": plan.gap,
        "verified": verdict.ok, "windows": told["rolling"]["windows"],
        "relaxation_bound": told["rolling"].get("relaxation_bound"), "seconds": told["seconds"],
        "form_seconds": sum(each["seconds"]["form"] for each in told["rolling"]["each"]),
    }  # fmt: skip


def _whole(given: tuple[Any, float, float]) -> dict[str, Any]:
    import citygrid
    from citygrid.routes import solve
    from citygrid.routes.contract import Options

    case, gap, limit = given
    outcome = solve(citygrid.formulate(case), "milp", Options(gap=gap, time_limit=limit))
    trace = outcome.telemetry["trace"]
    return {"objective": outcome.objective, "bound": outcome.bound, "gap": outcome.gap,
            "status": outcome.status, "seconds": outcome.telemetry["seconds"]["total"],
            "trace": trace[-5:]}  # fmt: skip


def _with_limit(given: tuple[str, float, float]) -> tuple[Any, float, float]:
    return _case(given[0]), given[1], given[2]


def _both(path: str, say: Say) -> dict[str, Any]:
    """One district rolled and whole, each in a process of its own, one after the other."""
    say("by windows")
    rolled: dict[str, Any] = measure(_case, _roll, path).answer
    seconds = rolled["seconds"]["total"]
    limit = min(PATIENCE * seconds, LONGEST)
    say(f"as one programme, for at most {limit:.0f} s")
    whole: dict[str, Any] = measure(_with_limit, _whole, (path, rolled["gap"], limit)).answer
    reached = whole["gap"] is not None and whole["gap"] <= rolled["gap"] * (1 + 1e-9)
    best = whole["objective"]
    return {
        "rolling": rolled, "whole": whole, "whole_reached_the_gap": reached,
        # At least so much, where the whole did not reach the gap.
        "time_ratio": whole["seconds"] / seconds,
        "cost_ratio": None if best is None else rolled["objective"] / best,
    }  # fmt: skip


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Cost, gap and seconds of both districts, by windows and whole."""
    if not MODEL.is_file():
        raise InputError(Fault(str(MODEL), "is not there", None, "run from a checkout of citygrid"))
    say("the year of five units, which takes some minutes")
    found = {"units": _both(str(MODEL), say)}
    text = MODEL.read_text(encoding="utf-8").replace("../data", str(MODELS.parent / "data"))
    for old, new in STORES:
        assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {MODEL.name}"
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stores.yaml"
        path.write_text(text, encoding="utf-8")
        say("a month with a large store")
        found["stores"] = _both(str(path), say)
    return found
