"""The report of a study: what was varied, what came out, and what failed, on one offline page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from citygrid.export.report.html import digest as digest_of
from citygrid.export.report.html import policy, resource, template
from citygrid.export.report.wording import NONE, number, share
from citygrid.export.tables import figure
from citygrid.files import write_text
from citygrid.study.conduct import is_failure, stored
from citygrid.study.report.charts import carbon, cost_bars, scatter, worth
from citygrid.study.table import OPEN, varied_columns

TEMPLATES = Path(__file__).parent / "templates"
#: Rows of the table of scenarios, of failures, and charts of what was varied.
MOST_ROWS, MOST_FAILURES, MOST_CHARTS = 1500, 100, 12
#: Key figures that the table of scenarios shows beside cost.
SHOWN = ("co2_kg", "waste_heat_used_mwh", "peak_import_kw")


def write_study_report(folder: Path, path: Path) -> None:
    """Write the page about the study in a folder, whole or not at all.

    It needs no network and no other file, and nothing in it runs: its content security policy
    allows its own style and nothing else. Raises :class:`InputError` where there is no study.
    """
    facts, rows, digest = stored(folder)
    style = resource("report.css") + resource("study.css", TEMPLATES)
    page = template("study.html.j2", {"number": number, "share": share}, TEMPLATES).render(
        style=style, policy=policy(digest_of(style), []), dash=NONE, digest=digest,
        facts=facts, **_parts(facts, rows),
    )  # fmt: skip
    write_text(page, path)


def _parts(facts: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that the page says."""
    failed = [row for row in rows if is_failure(row)]
    plans = [row for row in rows if row["verified"]]
    cheapest = min(plans, key=lambda row: row["objective_eur"], default=None)
    columns = varied_columns([row["varied"] for row in rows])
    known = [name for name in SHOWN if any(row["kpis"].get(name) is not None for row in rows)]
    charts = [
        scatter(
            "Cost against CO₂",
            "CO₂ [kg]",
            "EUR",
            [(r["route"], r["scenario"], carbon(r), worth(r)) for r in rows],
        )
    ]
    for name, values in columns.items():
        if any(isinstance(value, str) for value in values):
            continue
        charts.append(scatter(
            f"Cost against {name}", name, "EUR",
            [(r["route"], r["scenario"], x, worth(r)) for r, x in zip(rows, values, strict=True)],
        ))  # fmt: skip
    return {
        "rows": [_row(row, known) for row in rows[:MOST_ROWS]], "more": len(rows) - MOST_ROWS,
        "number_of_rows": len(rows), "scenarios": len({row["scenario"] for row in rows}),
        "routes": [_route(route) for route in json.loads(facts["routes"])],
        "counts": Counter(row["status"].replace("_", " ") for row in rows),
        "plans": len(plans), "cheapest": cheapest,
        "relaxed": sum(row["status"] == "relaxed" for row in rows),
        "open": sum(row["status"] == OPEN for row in rows),
        "failed": failed[:MOST_FAILURES], "number_of_failed": len(failed),
        "infeasible": [row for row in rows if row["status"] == "infeasible"][:MOST_FAILURES],
        "varied": [_varied(name, values) for name, values in columns.items()
                   if not name.endswith("]")],
        "charts": [chart for chart in charts if chart is not None][:MOST_CHARTS],
        "bars": cost_bars(rows), "headings": [figure(name) for name in known],
    }  # fmt: skip


def _row(row: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    return {
        "scenario": row["scenario"], "route": row["route"], "ok": row["verified"],
        "status": row["status"].replace("_", " "), "objective": row["objective_eur"],
        "bound": row["bound_eur"], "gap": row["gap"],
        "kpis": [row["kpis"].get(name) for name in known], "seconds": row["seconds"]["total"],
    }  # fmt: skip


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("gap", "time_limit", "seed", "threads", "sampler", "settings")
    words = ", ".join(f"{name.replace('_', ' ')} {route[name]}" for name in kept
                      if route[name] not in (None, {}))  # fmt: skip
    return {"label": route["label"], "options": words}


def _varied(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """A path, how many values it has, and the first and last of them as they are written."""
    different = list(dict.fromkeys(value for value in values if value is not None))
    shown = different if len(different) <= 6 else [*different[:3], "…", *different[-2:]]
    return {"path": name, "number": len(different), "written": ", ".join(map(str, shown))}
