"""What `plan` and `compare` write and print."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from citygrid.files import whole
from citygrid.verbs import Run

STAGES = ("load", "prepare", "formulate", "queue", "solve", "verify", "total")


def _folder_name(route: str) -> str:
    return route.replace(":", "-").replace("/", "-").replace(".", "-")


def write_runs(
    runs: Sequence[Run], folder: Path, say: Callable[[str], None]
) -> dict[str, dict[str, str]]:
    """Write every route's plan and GeoPackage, one report, and the table of routes."""
    from citygrid.export.geopackage import write_geopackage

    files: dict[str, dict[str, str]] = {run.route: {} for run in runs}
    for run in runs:
        if run.plan is None or run.verdict is None:
            continue
        place = folder if len(runs) == 1 else folder / _folder_name(run.route)
        say(f"writing the plan by {run.route}")
        run.plan.save(place / "plan.nc")
        write_geopackage(run.case, run.plan, run.verdict, place / "plan.gpkg")
        files[run.route] |= {"plan": str(place / "plan.nc"), "gpkg": str(place / "plan.gpkg")}
    say("writing the report")
    report = folder / "report.html"
    _report(runs, report)
    table = folder / "routes.csv"
    with whole(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        rows = [_row(run) for run in runs]
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for entry in files.values():
        entry |= {"report": str(report), "routes": str(table)}
    return files


def _report(runs: Sequence[Run], path: Path) -> None:
    from citygrid.export.report import Entry, write_report

    write_report(
        [Entry(run.route, run.case, run.plan, run.verdict, run.seconds, run.form.size)
         for run in runs if run.plan is not None and run.verdict is not None],
        path,
    )  # fmt: skip


def report_stored(paths: Sequence[Path], out: Path) -> None:
    """A report of stored plans, verified anew."""
    import json

    from citygrid.export.report import Entry, write_report
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import verify

    entries = []
    for path in paths:
        plan = Plan.load(path)
        size = json.loads(plan.dataset.attrs.get("form_size", "{}"))
        entries.append(Entry(plan.route, plan.case, plan, verify(plan.case, plan), {}, size))
    write_report(entries, out)


def _status(run: Run) -> str:
    """The route's own word; the verdict stands beside it."""
    if run.plan is not None:
        return str(run.plan.dataset.attrs["status"])
    return "error" if run.error is None else run.error.status


def _bound(run: Run) -> float | None:
    """What was proven, also by a route that found no plan."""
    if run.plan is not None:
        return run.plan.bound
    return None if run.error is None else run.error.bound


def _telemetry(run: Run) -> dict[str, Any]:
    if run.plan is not None:
        return run.plan.telemetry
    return {} if run.error is None else dict(run.error.telemetry)


def _row(run: Run) -> dict[str, Any]:
    """One line of the table of routes; what was not measured stays empty."""
    plan, verdict = run.plan, run.verdict
    telemetry = _telemetry(run)
    return {
        "route": run.route,
        "status": _status(run),
        "objective_eur": None if plan is None else plan.objective,
        "bound_eur": _bound(run),
        "gap": None if plan is None else plan.gap,
        "verified": None if verdict is None else verdict.ok,
        "largest_violation": None if verdict is None else verdict.largest,
        "feasibility_rate": telemetry.get("feasibility_rate"),
        "waste_heat_used_mwh": None if verdict is None else verdict.kpis["waste_heat_used_mwh"],
        "co2_kg": None if verdict is None else verdict.kpis["co2_kg"],
        "solve_seconds": run.seconds.get("solve"),
    }


def describe_run(run: Run, files: dict[str, str]) -> dict[str, Any]:
    """The JSON document of one plan."""
    plan, verdict = run.plan, run.verdict
    return {
        "model": run.case.name,
        "model_hash": run.case.provenance.get("model_hash"),
        "form_hash": run.form.hash,
        "route": run.route,
        "seed": None if plan is None else int(plan.dataset.attrs["seed"]),
        "status": _status(run),
        "objective": None if plan is None else plan.objective,
        "bound": _bound(run),
        "gap": None if plan is None else plan.gap,
        "size": run.form.size,
        "seconds": {stage: run.seconds.get(stage) for stage in STAGES},
        "verdict": None if verdict is None else verdict.as_dict(),
        "kpis": None if verdict is None else verdict.kpis,
        "telemetry": _telemetry(run),
        "files": files,
        "error": None if run.error is None else str(run.error),
    }


def describe_runs(runs: Sequence[Run], files: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The JSON document of a comparison: the frame once, one entry per route."""
    first = runs[0]
    return {
        "model": first.case.name,
        "model_hash": first.case.provenance.get("model_hash"),
        "form_hash": first.form.hash,
        "size": first.form.size,
        "routes": [describe_run(run, files[run.route]) for run in runs],
        "files": {"report": files[first.route]["report"], "routes": files[first.route]["routes"]},
    }


def print_run(run: Run, files: dict[str, str]) -> str:
    """One plan for a person: verdict first, then figures, then files."""
    return print_runs([run], {run.route: files})


def _shown(value: Any, pattern: str = "{:,.2f}") -> str:
    return "–" if value is None else pattern.format(value)


def print_runs(runs: Sequence[Run], files: dict[str, dict[str, str]]) -> str:
    """The table of routes, the verdicts and where the files are."""
    first = runs[0]
    size = first.form.size
    lines = [
        f"{first.case.name}: {len(first.case.time)} steps of {first.case.step:g} h, "
        f"{size['columns']:,} columns, {size['rows']:,} rows, {size['binaries']:,} binaries",
        "",
        f"{'route':<16} {'verdict':<10} {'cost EUR':>13} {'bound EUR':>13} {'gap':>8} "
        f"{'waste heat MWh':>15} {'CO2 t':>8} {'solve s':>8}",
    ]
    for run in runs:
        plan, verdict = run.plan, run.verdict
        if plan is None or verdict is None:
            lines.append(f"{run.route:<16} {'no plan':<10} {'–':>13} {_shown(_bound(run)):>13}"
                         f"   {run.error}")  # fmt: skip
            continue
        carbon = verdict.kpis["co2_kg"]
        lines.append(
            f"{run.route:<16} {'verified' if verdict.ok else 'BROKEN':<10} "
            f"{plan.objective:>13,.2f} {_shown(plan.bound):>13} {_shown(plan.gap, '{:.3%}'):>8} "
            f"{_shown(verdict.kpis['waste_heat_used_mwh']):>15} "
            f"{_shown(None if carbon is None else carbon / 1000):>8} {run.seconds['solve']:>8.1f}"
        )
        lines += [f"    {violation}" for violation in verdict.violations[:5]]
    lines.append("")
    for run in runs:
        for name in ("plan", "gpkg"):
            if name in files[run.route]:
                label = {"plan": "plan", "gpkg": "GeoPackage"}[name]
                lines.append(f"{label} ({run.route}): {files[run.route][name]}")
    lines.append(f"report: {files[first.route]['report']}")
    lines.append(f"table of routes: {files[first.route]['routes']}")
    return "\n".join(lines)
