"""Plans as tables: dispatch, key figures, ledger, jobs; CSV for spreadsheets, Parquet for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from citygrid.district.case import Case
from citygrid.export.flows import component_flows
from citygrid.files import whole
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict

#: Key figure → what it is called, and its unit.
FIGURES = {
    "cost_eur": ("Cost, carbon priced in", "EUR"),
    "co2_kg": ("CO2 emitted", "kg"),
    "heat_delivered_mwh": ("Heat delivered", "MWh"),
    "waste_heat_used_mwh": ("Waste heat used", "MWh"),
    "heat_rejected_mwh": ("Heat rejected outdoors", "MWh"),
    "heat_loss_mwh": ("Heat lost in pipes", "MWh"),
    "energy_reuse_factor": ("Energy reuse factor", "1"),
    "pue": ("Power usage effectiveness", "1"),
    "pv_self_consumption": ("Solar power used here", "1"),
    "grid_import_mwh": ("Power bought", "MWh"),
    "grid_export_mwh": ("Power sold", "MWh"),
    "peak_import_kw": ("Highest import", "kW"),
    "unserved_kwh": ("Demand not served", "kWh"),
    "jobs_late": ("Jobs late", "jobs"),
}

#: Endings that say the unit of a figure that is not listed above.
ENDINGS = ("eur", "kg", "mwh", "kwh", "kw", "h")
UNITS = {"eur": "EUR", "mwh": "MWh", "kwh": "kWh", "kw": "kW"}

#: Share of a job's power below which it is not running.
IDLE = 1e-6


def figure(name: str) -> tuple[str, str]:
    """What a key figure is called, and its unit."""
    if name in FIGURES:
        return FIGURES[name]
    head, _, ending = name.rpartition("_")
    if head and ending in ENDINGS:
        return head.replace("_", " ").capitalize(), UNITS.get(ending, ending)
    return name.replace("_", " ").capitalize(), "1"


def kpi_table(verdict: Verdict) -> pd.DataFrame:
    """Key figures: ``name``, ``label``, ``value`` (empty where it does not apply), ``unit``."""
    rows = [(name, *figure(name), value) for name, value in verdict.kpis.items()]
    table = pd.DataFrame(rows, columns=["name", "label", "unit", "value"])
    table["value"] = table["value"].astype(float)
    return table[["name", "label", "value", "unit"]]


def ledger_table(verdict: Verdict) -> pd.DataFrame:
    """What the replay found to be spent: ``component``, ``item``, ``eur``, ``co2_kg``."""
    rows = [(name, item, *amounts) for (name, item), amounts in verdict.ledger.items()]
    return pd.DataFrame(rows, columns=["component", "item", "eur", "co2_kg"])


def job_table(case: Case, plan: Plan) -> pd.DataFrame:
    """When and where jobs run: ``job``, ``site``, ``start``, ``end`` (UTC), ``power_kw``.

    ``release`` and ``deadline`` are the window that the job was given. A job that may be
    interrupted has one row per stretch of equal power.
    """
    columns = ["job", "site", "start", "end", "power_kw", "release", "deadline"]
    rows: list[tuple[Any, ...]] = []
    for kind, units in case.units.items():
        if "job" not in units.parameters:
            continue
        flows = plan.flows(units)
        names, sites = units["job"], units["job_site"]
        if "start" in flows:
            for i in np.flatnonzero(flows["start"] > 0.5):
                job = units["start_job"][i]
                begin = float(units["start_step"][i]) * units.step
                rows.append((job, units["start_site"][i], begin,
                             begin + units["job_duration"][job], units["job_power"][job], kind))  # fmt: skip
        if "run" in flows:
            rows += _stretches(units, flows["run"], kind)
        rows = [
            (str(names[job]), str(sites[site]), begin, end, float(power),
             float(units["job_release"][job]), float(units["job_deadline"][job]))
            if owner == kind else (job, site, begin, end, power, *owner)
            for job, site, begin, end, power, *owner_ in rows
            for owner in [owner_[0] if len(owner_) == 1 else owner_]
        ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end", "release", "deadline"):
        hours = table[name].to_numpy(float)
        table[name] = case.time[0] + np.round(hours * 3.6e12).astype("timedelta64[ns]")
    return table.sort_values(["site", "start", "job"], ignore_index=True)
