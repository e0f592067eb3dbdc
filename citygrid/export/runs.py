"""What a run of one or several routes leaves behind: plans, maps, a report, a table of routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from citygrid.cards import counted
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError, VerificationError
from citygrid.files import refuse_unwritable, together
from citygrid.gap import relative_gap
from citygrid.plan.compare import Comparison, Try, best_of, compare, try_of_plan
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict, replayed

if TYPE_CHECKING:
    import pandas as pd

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
    the first one's plans are written; report and table speak of all. All files are there at once,
    and of two processes that write them into one folder all are of the same. Returns route → what →
    path; a route without a plan has only the report and the table.
    """
    from citygrid.export import write
    from citygrid.export.report import Entry, write_report
    from citygrid.export.tables import write_table

    table = route_table(runs)
    beside = table if len({run.route for run in runs}) > 1 else None
    files: dict[str, dict[str, str]] = {run.route: {} for run in runs}
    places = _places(folder, files)
    entries = []
    report, routes = folder / REPORT, folder / ROUTES
    with together():
        for run in runs:
            if run.plan is None or run.verdict is None or run.seed != runs[0].seed:
                continue
            say(f"writing the plan by {run.route}")
            written = write(run.plan, PLAN_FILES, places[run.route], run.verdict, beside)
            files[run.route] = {"plan": str(written["nc"]), "gpkg": str(written["gpkg"])}
            entries.append(Entry(run.route, run.case, run.plan, run.verdict, run.seconds, run.size))
        say("writing the report")
        write_report(entries, report, [run.tried for run in runs])
        write_table(table, routes)
    for entry in files.values():
        entry |= {"report": str(report), "routes": str(routes)}
    return files


def refuse_unwritable_runs(routes: Sequence[str], folder: Path) -> None:
    """Raise the ``OSError`` that :func:`write_runs` would meet, before anything is solved."""
    places = _places(folder, routes).values()
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


def _places(folder: Path, routes: Iterable[str]) -> dict[str, Path]:
    """Where the plan of each route stands: one by itself in the folder, several in one each.

    Routes may be called by files (``answer:FILE``), whose names can become one and then get a
    number.
    """
    names = list(dict.fromkeys(routes))
    if len(names) == 1:
        return {names[0]: folder}
    found: dict[str, str] = {}
    for route in names:
        plain = route.translate(str.maketrans(":/.", "---"))
        taken, name, count = {each.casefold() for each in found.values()}, plain, 1
        while name.casefold() in taken:
            count += 1
            name = f"{plain}-{count}"
        found[route] = name
    return {route: folder / name for route, name in found.items()}


def route_table(runs: Sequence[Run]) -> pd.DataFrame:
    """All runs side by side, one row each; what was not measured stays empty."""
    import pandas as pd

    found = compare([run.tried for run in runs])
    return pd.DataFrame([_row(run, found) for run in runs])


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


# stored plans -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stored:
    """A plan from a file as the run that made it: what it says of itself, verified anew."""

    plan: Plan
    verdict: Verdict

    @classmethod
    def load(cls, path: Path) -> Stored:
        """Read and verify. Raises what :meth:`Plan.load` and a replay raise."""
        plan = Plan.load(path)
        return cls(plan, replayed(plan))

    @property
    def route(self) -> str:
        return self.plan.route

    @property
    def case(self) -> Case:
        return self.plan.case

    @property
    def seconds(self) -> Mapping[str, float]:
        return {}

    @property
    def size(self) -> Mapping[str, int]:
        found: Mapping[str, int] = json.loads(self.plan.attributes.get("form_size", "{}"))
        return found

    @property
    def status(self) -> str:
        return str(self.plan.attributes.get("status", ""))

    @property
    def bound(self) -> float | None:
        return self.plan.bound

    @property
    def telemetry(self) -> Mapping[str, Any]:
        return self.plan.telemetry

    @property
    def seed(self) -> int:
        return int(self.plan.attributes.get("seed", 0))

    @property
    def given(self) -> float | None:
        limit = self.plan.attributes.get("time_limit")
        return None if limit is None else float(limit)

    @property
    def tried(self) -> Try:
        return try_of_plan(self.plan, self.verdict, self.route)


def report_stored(paths: Sequence[Path], out: Path, interactive: bool = False) -> list[Verdict]:
    """Explain stored plans, verified anew, on one page; the large one if ``interactive``.

    Returns the verdicts in the order of the paths. Raises :class:`InputError` where the page would
    be written over a plan, and where plotly is asked for and missing, before anything is read.
    """
    from citygrid.export.report import Entry, write_report

    if out.resolve() in {path.resolve() for path in paths}:
        raise InputError(Fault(str(out), "would be written over, and is a plan to report on", None,
                               "choose another file by --out"))  # fmt: skip

    write = write_report
    if interactive:
        from citygrid.export.report.interactive import plotly_script, write_interactive

        plotly_script()
        write = write_interactive
    with together(paths):
        stored = [Stored.load(path) for path in paths]
        write([Entry(s.route, s.case, s.plan, s.verdict, s.seconds, s.size) for s in stored], out)
    return [s.verdict for s in stored]


def export_stored(paths: Sequence[Path], to: Iterable[str], folder: Path) -> dict[str, Path]:
    """Write a stored plan in several formats; of several, the best one with the table of all.

    Raises :class:`InputError` for an unknown format, for a file that is no plan, and for plans of
    different cases, and :class:`VerificationError` where none of them holds, before anything is
    written.
    """
    from citygrid.export import known_formats, write

    names = known_formats(to)
    with together(paths):
        stored = [Stored.load(path) for path in paths]
        others = [path for path, each in zip(paths, stored, strict=True)
                  if each.case.hash != stored[0].case.hash]  # fmt: skip
        if others:
            raise InputError([
                Fault(str(path), f"is a plan of another case than {paths[0]}", None,
                      "export plans of the same case together, others on their own")
                for path in others
            ])  # fmt: skip
        best = best_of(stored)
        if not best.verdict.ok:
            raise VerificationError([
                Fault(str(path), f"breaks {counted(len(each.verdict.violations), 'rule')}, first: "
                      f"{each.verdict.violations[0]}", None,
                      f"plan the district anew; `citygrid verify {path}` says all")
                for path, each in zip(paths, stored, strict=True)
            ])  # fmt: skip
        routes = route_table(stored) if len(stored) > 1 else None
        return write(best.plan, names, folder, best.verdict, routes, paths)
