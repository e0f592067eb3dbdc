"""What a study of outages says: a table in three forms, a map, and an offline page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.files import refuse_unwritable, together, write_document

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.study.resilience.dispatch import Result
    from citygrid.study.resilience.study import Study

#: What may become of a district, with the colour of its mark, the worst first.
COLOURS = {
    "critical load goes without": "#b2182b", "load goes without": "#ef8a62",
    "nobody goes without, but it costs": "#fddbc7", "nobody feels it": "#67a9cf",
    "no plan found": "#777777",
}  # fmt: skip
#: Extra cost [EUR] from which an outage is felt.
FELT = 0.01
FILES = {"table": "outages.csv", "document": "outages.json", "map": "outages.gpkg",
         "page": "outages.html"}  # fmt: skip


def mark_of(result: Result) -> str:
    """Which of :data:`COLOURS` an outage deserves."""
    marks = list(COLOURS)
    if result.survives is None:
        return marks[4]
    if not result.survives:
        return marks[0]
    if result.unserved or result.jobs_left_out:
        return marks[1]
    slack = 0.0 if result.objective is None else (result.gap or 0.0) * abs(result.objective)
    return marks[2] if (result.extra_cost or 0.0) > max(FELT, slack) else marks[3]


def worst_of(study: Study) -> dict[str, Result]:
    """Component → the worst of its single outages."""
    worst: dict[str, Result] = {}

    def bad(result: Result) -> tuple[float, ...]:
        rank = -list(COLOURS).index(mark_of(result))
        return (rank, result.of("critical"), result.of("normal"), result.extra_cost or 0.0)

    for result in study.results:
        if len(result.outage.components) == 1:
            name = result.outage.components[0]
            if name not in worst or bad(result) > bad(worst[name]):
                worst[name] = result
    return worst


def table_of(study: Study) -> pd.DataFrame:
    """One row per outage, flat."""
    import pandas as pd

    return pd.DataFrame([
        {
            "outage": r.outage.name, "components": " | ".join(r.outage.components),
            "begin": r.begin, "hours": r.hours, "what": mark_of(r), "survives": r.survives,
            "verified": r.verified, "status": r.status,
            **{f"unserved_{rank}_kwh": r.of(rank) for rank in ("critical", "normal", "deferrable")},
            "who": "; ".join(f"{lack.component} ({lack.priority} {lack.carrier}): "
                             f"{lack.energy:.1f} kWh" for lack in r.lacks[:5]),
            "jobs_left_out": r.jobs_left_out, "jobs_moved": r.jobs_moved,
            "extra_cost_eur": r.extra_cost, "extra_co2_kg": r.extra_co2, "gap": r.gap,
            "saved_by": r.saved_by, "message": r.message, "seconds": r.seconds,
        }
        for r in study.results
    ])  # fmt: skip


def refuse_unwritable_study(folder: Path) -> None:
    """Raise the ``OSError`` that writing would meet, before anything is solved."""
    for name in FILES.values():
        refuse_unwritable(Path(folder) / name)


def write_study(study: Study, folder: Path) -> dict[str, Path]:
    """Write table, document, page and, where the district has positions, the map: all or none."""
    from citygrid.export.gis.geometry import locate
    from citygrid.export.gis.marked import write_marked
    from citygrid.export.report.table_page import Table, draw_marked, write_table_page
    from citygrid.export.tables import write_table

    files = {name: Path(folder) / file for name, file in FILES.items()}
    worst = worst_of(study)
    marks = {name: (mark_of(r), f"{name}: {mark_of(r)}") for name, r in worst.items()}
    rows = [_cells(r) for r in [*study.lost, *study.unknown, *study.survived]]
    with together():
        write_table(table_of(study), files["table"])
        write_document(study.as_dict(), files["document"])
        write_table_page(
            files["page"], f"Outages of {study.case.name}", [*_says(study)],
            [Table("What each outage does", HEADS, rows, "The worst first. Cost and CO2 are "
                   "against the same hours without the outage; prices of lost load are left out.")],
            draw_marked(study.case, marks, COLOURS, "What is lost when a component fails"),
        )  # fmt: skip
        if worst and locate(study.case).known:
            write_marked(study.case, _map_table(study, worst), files["map"], COLOURS, "what")
        else:
            files.pop("map")
    return files


def _map_table(study: Study, worst: Mapping[str, Result]) -> pd.DataFrame:
    table = table_of(study).drop(columns=["components", "message", "seconds"])
    chosen = [study.results.index(result) for result in worst.values()]
    part = table.iloc[chosen].drop(columns="outage")
    part.insert(0, "name", [*worst])  # an island of one grid connection is an outage of that
    part.insert(1, "kind", [study.assets[name] for name in part["name"]])
    return part.astype({"survives": str, "verified": str})


HEADS = ("outage", "from", "what becomes of it", "critical", "normal", "deferrable",
         "jobs left out", "jobs moved", "extra cost", "extra CO2", "saved by")  # fmt: skip


def _cells(r: Result) -> list[str]:
    def amount(value: float | None, unit: str) -> str:
        return "–" if value is None else f"{value:,.1f} {unit}"

    return [
        r.outage.name, f"{r.begin}, {r.hours:g} h", mark_of(r),
        *(amount(r.of(rank) if r.verified else None, "kWh")
          for rank in ("critical", "normal", "deferrable")),
        str(r.jobs_left_out), str(r.jobs_moved), amount(r.extra_cost, "EUR"),
        amount(r.extra_co2, "kg"), r.saved_by or r.message or "–",
    ]  # fmt: skip


def _says(study: Study) -> list[str]:
    from citygrid.study.resilience.study import CRITERION

    count, hours = len(study.results), study.wish.length
    said = [f"{len(study.survived)} of {count} outages of {hours} are survived: {CRITERION}. "
            f"{len(study.lost)} are not, {len(study.unknown)} have no verified plan."]  # fmt: skip
    if study.lost:
        worst = study.lost[0]
        said.append(f"Worst: {worst.outage.name}, {worst.of('critical'):,.1f} kWh of critical load "
                    "go without.")  # fmt: skip
    return said


def print_study(study: Study, files: Mapping[str, Path]) -> str:
    """The study for a person: what is said first, then a line per outage that is felt."""
    lines = [f"{study.case.name}: {text}" if i == 0 else text
             for i, text in enumerate(_says(study))]  # fmt: skip
    shown: Sequence[Result] = [r for r in [*study.lost, *study.unknown, *study.survived]
                               if mark_of(r) != "nobody feels it"]  # fmt: skip
    if shown:
        cells: list[Any] = [("outage", "from", "critical", "normal", "deferrable kWh", "jobs out",
                             "moved", "EUR more", "kg CO2 more", "saved by")]  # fmt: skip
        cells += [
            (r.outage.name, r.begin[5:16], *(f"{r.of(rank):,.1f}" for rank in
                                             ("critical", "normal", "deferrable")),
             str(r.jobs_left_out), str(r.jobs_moved), *(
                "–" if v is None else f"{v:,.2f}" for v in (r.extra_cost, r.extra_co2)),
             r.saved_by or r.message or "–")
            for r in shown
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines += ["  ".join(text.ljust(width) if i in (0, 1, 9) else text.rjust(width)
                            for i, (text, width) in enumerate(zip(row, widths, strict=True))
                            ).rstrip() for row in cells]  # fmt: skip
    quiet = sum(mark_of(r) == "nobody feels it" for r in study.results)
    if quiet:
        lines.append(f"{quiet} more change nothing beyond the gap of {study.options.gap:g}.")
    return "\n".join([*lines, *(f"{name}: {path}" for name, path in files.items())])
