"""What a run of one or several routes leaves behind: plans, maps, a report, a table of routes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from citygrid.district.case import Case
from citygrid.files import refuse_unwritable, whole
from citygrid.gap import relative_gap
from citygrid.plan.compare import Comparison, Try, compare
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict, replayed

#: What a run writes of every plan: format → file.
PLAN_FILES = {"nc": "plan.nc", "gpkg": "plan.gpkg"}
#: What stands once in the folder of a run.
REPORT, ROUTES = "report.html", "routes.csv"


class Run(Protocol):
    """One case solved by one route, with or without a plan."""

    @property
    def route(self) -> str: ...
    @property
    def case(self) -> Case: ...
    @property
    def plan(self) -> Plan | None: ...
    @property
    def verdict(self) -> Verdict | None: ...
    @property
    def seconds(self) -> Mapping[str, float]: ...
    @property
    def size(self) -> Mapping[str, int]: ...
    @property
    def status(self) -> str: ...
    @property
    def bound(self) -> float | None: ...
    @property
    def telemetry(self) -> Mapping[str, Any]: ...
    @property
    def seed(self) -> int: ...
    @property
    def given(self) -> float | None: ...
    @property
    def tried(self) -> Try: ...


def write_runs(
    runs: Sequence[Run], folder: Path, say: Callable[[str], None] = lambda text: None
) -> dict[str, dict[str, str]]:
    """Write every route's plan and GeoPackage, one report, and the table of routes.

    A single route's files stand in ``folder`` itself, several have a folder each. Of several seeds
    the first one's plans are written; report and table speak of all. Returns route → what → path;
    a route without a plan has only the report and the table.
    """
    from citygrid.export import write
    from citygrid.export.report import Entry, write_report

    files: dict[str, dict[str, str]] = {run.route: {} for run in runs}
    entries = []
    for run in runs:
        if run.plan is None or run.verdict is None or run.seed != runs[0].seed:
            continue
        place = _place(folder, run.route, len(files))
        say(f"writing the plan by {run.route}")
        written = write(run.plan, PLAN_FILES, place, run.verdict)
        files[run.route] = {"plan": str(written["nc"]), "gpkg": str(written["gpkg"])}
        entries.append(Entry(run.route, run.case, run.plan, run.verdict, run.seconds, run.size))
    say("writing the report")
    report, table = folder / REPORT, folder / ROUTES
    write_report(entries, report, [run.tried for run in runs])
    write_routes(runs, table)
    for entry in files.values():
        entry |= {"report": str(report), "routes": str(table)}
    return files


def refuse_unwritable_runs(routes: Sequence[str], folder: Path) -> None:
    """Raise the ``OSError`` that :func:`write_runs` would meet, before anything is solved."""
    places = [_place(folder, route, len(routes)) for route in routes]
    for path in (*(place / name for place in places for name in PLAN_FILES.values()),
                 folder / REPORT, folder / ROUTES):  # fmt: skip
        refuse_unwritable(path)


def left_from_before(folder: Path, files: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Plans in the folder of a run that this run did not write, as paths.

    They are what an earlier run by other routes has left. They stay, for nobody can know whether
    somebody needs them, but neither report nor table speaks of them.
    """
    written = {Path(path).resolve() for each in files.values() for path in each.values()}
    found = sorted(
        path for name in PLAN_FILES.values()
        for path in (*folder.glob(name), *folder.glob(f"*/{name}"))
    )  # fmt: skip
    return [str(path) for path in found if path.resolve() not in written]


def _place(folder: Path, route: str, count: int) -> Path:
    """Where the plan of one of so many routes stands."""
    return folder if count == 1 else folder / route.translate(str.maketrans(":/.", "---"))


def write_routes(runs: Sequence[Run], path: Path) -> None:
    """Write the table of routes, one line each; what was not measured stays empty."""
    from citygrid.export.tables import safe_cell

    found = compare([run.tried for run in runs])
    rows = [_row(run, found) for run in runs]
    with whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({
            name: safe_cell(cell) if isinstance(cell, str) else cell for name, cell in row.items()
        } for row in rows)  # fmt: skip


def _row(run: Run, found: Comparison) -> dict[str, Any]:
    plan, verdict, tried = run.plan, run.verdict, run.tried
    says = {each.route: each.says for each in found.standings}
    return {
        "route": run.route,
        "seed": run.seed,
        "status": run.status,
        "objective_eur": None if plan is None else plan.objective,
        "bound_eur": run.bound,
        "gap": None if plan is None else plan.gap,
        "verified": None if verdict is None else verdict.ok,
        "largest_violation": None if verdict is None else verdict.largest,
        "feasibility_rate": run.telemetry.get("feasibility_rate"),
        "waste_heat_used_mwh": None if verdict is None else verdict.kpis["waste_heat_used_mwh"],
        "co2_kg": None if verdict is None else verdict.kpis["co2_kg"],
        "solve_seconds": run.seconds.get("solve"),
        "time_given_seconds": run.given,
        "time_used_seconds": tried.used,
        "gap_to_best_bound": relative_gap(tried.objective, found.bound),
        "beside_hybrid": says[run.route],
        "milps_by_highs": run.telemetry.get("milps"),
        "fell_back": run.telemetry.get("fell_back"),
    }


def report_stored(paths: Sequence[Path], out: Path) -> None:
    """Explain stored plans, verified anew, on one page."""
    from citygrid.export.report import Entry, write_report

    entries = []
    for path in paths:
        plan = Plan.load(path)
        size = json.loads(plan.dataset.attrs.get("form_size", "{}"))
        entries.append(Entry(plan.route, plan.case, plan, replayed(plan), {}, size))
    write_report(entries, out)
