"""The report: one offline page that says what was asked, what came out, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from citygrid.district.case import Case
from citygrid.export.assets import asset_table
from citygrid.export.balance import Balance, energy, money
from citygrid.export.drawing.picture import draw, shown_by_hour
from citygrid.export.flows import Dispatch, dispatch
from citygrid.export.gis.geometry import locate
from citygrid.export.palette import CLASSES, look
from citygrid.export.report.bars import bars, mix
from citygrid.export.report.centers import centers
from citygrid.export.report.charts import levels, stacks
from citygrid.export.report.entries import Entry, by_case, tried
from citygrid.export.report.gantt import gantt
from citygrid.export.report.html import digest, policy, resource, script_json, template
from citygrid.export.report.network import heat_network
from citygrid.export.report.side_by_side import side_by_side
from citygrid.export.report.wording import NONE, number, power_of_ten, share
from citygrid.export.report.worths import prices, worths
from citygrid.export.stacking import carriers_of, name_of
from citygrid.export.tables import figure, job_table, kpi_table, provenance_table
from citygrid.export.windows import Window, local, windows
from citygrid.files import write_text
from citygrid.ledger import COLUMNS, STANDS_IN, Line, total, weights
from citygrid.plan.compare import Try, best_of
from citygrid.plan.verify import TOLERANCE, Verdict

#: Key figures that open the page.
HEADLINES = ("cost_eur", "co2_kg", "heat_delivered_mwh", "waste_heat_used_mwh",
             "energy_reuse_factor", "pue", "peak_import_kw", "unserved_kwh")  # fmt: skip


def write_report(runs: Sequence[Entry], path: Path, tries: Sequence[Try] = ()) -> None:
    """Write one HTML page about one or several plans, whole or not at all.

    Routes that planned the same case stand side by side, and the best verified plan among them is
    shown in full. The page needs no network and no other file; its content security policy lets
    nothing run or load but the style and script that it was made with. ``tries`` are all runs of
    the first case, those of other seeds or without a plan, too; left out, the plans speak.
    """
    parts = [
        _part(entries, f"p{i}", tries if i == 1 else ())
        for i, entries in enumerate(by_case(runs), 1)
    ]
    style, script = resource("report.css"), resource("report.js")
    filters = {"number": number, "share": share, "power10": power_of_ten}
    write_text(template("report.html.j2", filters).render(
        parts=parts, style=style, script=script, policy=policy(digest(style), [script]),
        classes=_class_labels(), dash=NONE, kinds=_kinds(entry.case for entry in runs),
    ), path)  # fmt: skip


def _class_labels() -> list[str]:
    tops = [f"{high:.0%}" for high in CLASSES[:-1]]
    return [f"up to {tops[0]}", *(f"to {top}" for top in tops[1:]), f"above {tops[-1]}"]


def _kinds(cases: Any) -> list[tuple[str, Any]]:
    known = tuple(dict.fromkeys(kind for case in cases for kind in case.units))
    return [(kind, look(kind, known)) for kind in known]


# a case and its routes --------------------------------------------------------------------------


def _part(entries: list[Entry], key: str, tries: Sequence[Try] = ()) -> dict[str, Any]:
    """Everything the page says about one case."""
    shown = best_of(entries)
    case, plan, verdict = shown.case, shown.plan, shown.verdict
    moved = dispatch(case, plan)
    geometry = locate(case)
    table = asset_table(case, verdict, moved)
    picture = draw(case, geometry, moved, table)
    overview, close = windows(case, moved)
    jobs = job_table(case, plan)
    drawn_stacks, stores = stacks(moved, close), levels(moved, close)
    views = [
        {"window": window, "stacks": drawn_stacks if window is close else stacks(moved, window),
         "levels": stores if window is close else levels(moved, window), "close": window is close,
         "centers": centers(case, moved, jobs, window),
         "network": heat_network(case, moved, window), "prices": prices(plan, window)}
        for window in (overview, close) if window is not None
    ]  # fmt: skip
    others = [(e.route, moved if e is shown else dispatch(e.case, e.plan)) for e in entries]
    kpis = {entry.route: entry.verdict.kpis for entry in entries}
    names = list(dict.fromkeys(name for figures in kpis.values() for name in figures))
    return {
        "key": key, "case": case, "plan": plan, "verdict": verdict, "shown": shown,
        "entries": entries, "routes": [_route(entry, shown, entries) for entry in entries],
        "beside": side_by_side(tries or [tried(entry) for entry in entries]),
        "sound": sum(entry.verdict.ok for entry in entries), "tolerance": TOLERANCE,
        "horizon": _horizon(case), "asked": _asked(case),
        "headlines": [(*figure(n), verdict.kpis[n]) for n in HEADLINES if n in verdict.kpis],
        "kpis": [(*figure(n), n, [kpis[e.route].get(n) for e in entries]) for n in names],
        "mixes": [m for m in (mix(c, others, case.step) for c in ("heat", "power")) if m],
        "picture": picture, "notes": geometry.notes, "close": close, "views": views,
        "lines": _records(table[table["to_node"].notna()]),
        "components": _components(case, table, moved),
        "energy": _flowing(energy(case, moved)), "money": _flowing(money(verdict, case.prices)),
        "gantt": gantt(jobs, close), "jobs": len(jobs),
        "ledger": _ledger(verdict, case), "worths": worths(case, plan),
        "provenance": provenance_table(case, plan, verdict).to_dict("records"),
        "data": _data(picture, moved, close, drawn_stacks, stores),
        "kpi_table": kpi_table(verdict),
    }  # fmt: skip


def _horizon(case: Case) -> dict[str, str]:
    first, last = local(case, np.array([case.time[0], case.ends[-1]]))
    same = first.date() == (last - pd.Timedelta(seconds=1)).date()
    begin, end = (t.strftime("%-d %B %Y, %H:%M") for t in (first, last))
    minutes = case.step * 60
    return {
        "short": first.strftime("%-d %B %Y") if same
        else f"{first.strftime('%-d %B %Y')} to "
             f"{(last - pd.Timedelta(seconds=1)).strftime('%-d %B %Y')}",
        "long": f"{begin} to {end}",
        "zone": str(first.tz),
        "steps": f"{len(case.time):,} steps of "
                 + (f"{case.step:g} h" if case.step >= 1 else f"{minutes:g} min"),
    }  # fmt: skip


def _asked(case: Case) -> list[tuple[str, int]]:
    """Components by kind, as many as there are of each."""
    known = tuple(case.units)
    return [(look(kind, known).label, len(units)) for kind, units in case.units.items()]


def _route(entry: Entry, shown: Entry, entries: list[Entry]) -> dict[str, Any]:
    """One row of the routes; what was not measured stays empty."""
    telemetry = entry.plan.telemetry
    own = telemetry.get("seconds")
    seconds = dict(entry.seconds) or (
        {"solve": own["total"]} if isinstance(own, dict) and "total" in own else {}
    )
    best = shown.plan.objective
    return {
        "name": entry.route,
        "control": entry.route.startswith("hybrid:"),
        "shown": entry is shown,
        "ok": entry.verdict.ok,
        "largest": entry.verdict.largest,
        "status": str(entry.plan.attributes.get("status", NONE)).replace("_", " "),
        "objective": entry.plan.objective,
        "best": entry.verdict.ok and entry.plan.objective <= best + 1e-9 * abs(best),
        "bound": entry.plan.bound,
        "gap": entry.plan.gap,
        "solve": seconds.get("solve"),
        "queue": seconds.get("queue", telemetry.get("queue")),
        "total": seconds.get("total"),
        "waste_heat": entry.verdict.kpis.get("waste_heat_used_mwh"),
        "carbon": entry.verdict.kpis.get("co2_kg"),
        "feasibility": telemetry.get("feasibility_rate"),
        "milps": telemetry.get("milps"),
        "fell_back": telemetry.get("fell_back"),
        "size": entry.size,
    }


def _flowing(balance: Balance) -> dict[str, Any] | None:
    """A balance as a diagram and, largest first, as a table; ``None`` where nothing flows."""
    picture = balance.sankey()
    if picture is None:
        return None
    flows = sorted((flow for flow in balance.flows if flow.amount > 0), key=lambda f: -f.amount)
    return {"picture": picture, "unit": balance.unit, "flows": flows}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _components(case: Case, table: pd.DataFrame, moved: Dispatch) -> dict[str, Any]:
    part = table[table["to_node"].isna()]
    known = tuple(case.units)
    carriers = [
        c for c in carriers_of(moved) if part[f"{c}_mwh"].abs().sum() > 0
    ]  # fmt: skip
    rows = [
        {**row, "label": look(row["kind"], known).label,
         "energy": [row[f"{c}_mwh"] for c in carriers]}
        for row in _records(part)
    ]  # fmt: skip
    return {"carriers": [name_of(c).split(" of ")[0] for c in carriers], "rows": rows}


#: Column of the ledger → its heading on the page and its unit.
HEADINGS = {
    "money": ("Money", "EUR"), "carbon": ("CO₂", "kg"),
    "marginal_carbon": ("CO₂, marginal", "kg"), "water": ("Water", "l"),
    "nox": ("Nitrogen oxides", "kg"),
}  # fmt: skip


def _ledger(verdict: Verdict, case: Case) -> dict[str, Any]:
    """Ledger by item, each with its components; below, what the district prices.

    A column that says nothing new (no water, marginal carbon that is the average) is left out.
    """
    items: dict[str, list[tuple[str, Line]]] = {}
    for (name, item), line in verdict.ledger.items():
        items.setdefault(item, []).append((name, line))
    sums = {item: total(line for _, line in lines) for item, lines in items.items()}
    whole = total(sums.values()) if sums else Line()
    shown = ["money", "carbon"]
    shown += [
        name for name in COLUMNS
        if name not in shown
        and any(getattr(line, name) != getattr(line, STANDS_IN.get(name, ""), 0.0)
                for line in verdict.ledger.values())
    ]  # fmt: skip
    rows = [
        {"item": _item(item), "amounts": [getattr(sums[item], name) for name in shown],
         "lines": [(name, [getattr(line, column) for column in shown]) for name, line in lines]}
        for item, lines in items.items()
    ]  # fmt: skip
    priced = [
        (*HEADINGS[column if column in shown else STANDS_IN.get(column, column)], price,
         price * getattr(whole, column))
        for column, price in weights(case.prices).items()
        if column != "money" and price
    ]  # fmt: skip
    amounts = [(_item(item), line.money) for item, line in sums.items()]
    amounts += [(label, amount) for label, _, _, amount in priced]
    return {
        "rows": rows, "bars": bars(amounts), "headings": [HEADINGS[name] for name in shown],
        "priced": priced, "cost": verdict.cost,
        "totals": [getattr(whole, name) for name in shown[1:]],
    }  # fmt: skip


def _item(item: str) -> str:
    """``heat_pump.start`` for people: Heat pump, start."""
    kind, _, rest = item.partition(".")
    label, rest = look(kind).label, rest.replace("_", " ")
    return label if rest == label.lower() else f"{label}, {rest}"


def _data(
    picture: Any, moved: Dispatch, window: Window, drawn: Sequence[Any], stores: Sequence[Any]
) -> str:
    """What the script shows by the hour, as JSON that cannot end its element."""
    found = {
        "times": window.labels,
        **shown_by_hour(picture, moved, window),
        "stacks": [
            {"unit": stack.unit, "values": [layer.values for layer in (*stack.fed, *stack.drawn)]}
            for stack in drawn
        ],
        "levels": [store.values for store in stores],
    }
    return script_json(found)
