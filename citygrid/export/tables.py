"""Plans as tables: dispatch, key figures, ledger, jobs; as CSV and as Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from citygrid.components.contract import Flows, Units
from citygrid.district.case import Case
from citygrid.export.subject import Subject
from citygrid.files import whole
from citygrid.plan.plan import Plan
from citygrid.plan.policies import policies
from citygrid.plan.verify import Verdict

#: Key figure → what it is called, and its unit.
FIGURES = {
    "cost_eur": ("Cost, carbon priced in", "EUR"),
    "co2_kg": ("CO₂ emitted", "kg"),
    "co2_marginal_kg": ("CO₂ by marginal factors", "kg"),
    "saved_eur": ("Saved against no waste-heat use", "EUR"),
    "saved_eur_proven": ("Proven to be saved by it", "EUR"),
    "saved_co2_kg": ("CO₂ saved against no waste-heat use", "kg"),
    "saved_co2_marginal_kg": ("The same by marginal factors", "kg"),
    "heat_delivered_mwh": ("Heat delivered", "MWh"),
    "waste_heat_used_mwh": ("Waste heat used", "MWh"),
    "heat_rejected_mwh": ("Heat rejected outdoors", "MWh"),
    "heat_loss_mwh": ("Heat lost in pipes", "MWh"),
    "energy_reuse_factor": ("Energy reuse factor", "1"),
    "pue": ("Power usage effectiveness", "1"),
    "energy_reuse_effectiveness": ("Energy reuse effectiveness", "1"),
    "cooling_delivered_mwh": ("Cold delivered", "MWh"),
    "water_m3": ("Water for cooling", "m³"),
    "nox_kg": ("Nitrogen oxides", "kg"),
    "pv_self_consumption": ("Solar power used here", "1"),
    "renewable_curtailed_mwh": ("Renewable power not taken", "MWh"),
    "grid_import_mwh": ("Power bought", "MWh"),
    "grid_export_mwh": ("Power sold", "MWh"),
    "peak_import_kw": ("Highest import", "kW"),
    "hours_against_each_other": ("Hours of units against each other", "h"),
    "unserved_kwh": ("Demand not served", "kWh"),
    "data_carried_gb": ("Data carried, per link", "GB"),
    "jobs_late": ("Jobs late", "jobs"),
}

#: Column of the ledger → its name in tables, which says the unit.
LEDGER = {"money": "eur", "carbon": "co2_kg", "marginal_carbon": "co2_marginal_kg",
          "water": "water_l", "nox": "nox_kg"}  # fmt: skip

#: Endings that say the unit of a figure that is not listed above.
ENDINGS = ("eur", "kg", "mwh", "kwh", "kw", "h")
UNITS = {"eur": "EUR", "mwh": "MWh", "kwh": "kWh", "kw": "kW"}

#: What a formula begins with, and what begins so and is none.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)

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
    """What the replay found to be spent: ``component``, ``item``, ``eur``, ``co2_kg``, …

    ``co2_kg`` is by average factors, ``co2_marginal_kg`` by marginal ones; then come ``water_l``
    and ``nox_kg``.
    """
    rows = [(name, item, *line) for (name, item), line in verdict.ledger.items()]
    return pd.DataFrame(rows, columns=["component", "item", *LEDGER.values()])


def job_table(case: Case, plan: Plan) -> pd.DataFrame:
    """When and where jobs run: ``job``, ``site``, ``start``, ``end`` (UTC), ``power_kw``.

    ``release`` and ``deadline`` are the window that the job was given. A job that may be
    interrupted has one row per stretch of equal power.
    """
    rows = [
        row for units in case.units.values() if "job" in units.parameters
        for row in _runs(units, plan.flows(units))
    ]  # fmt: skip
    columns = ["job", "site", "start", "end", "power_kw", "release", "deadline"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end", "release", "deadline"):
        hours = table[name].to_numpy(float)
        table[name] = case.time[0] + np.round(hours * 3.6e12).astype("timedelta64[ns]")
    return table.sort_values(["site", "start", "job"], ignore_index=True)


def _runs(
    units: Units, flows: Flows
) -> Iterator[tuple[str, str, float, float, float, float, float]]:
    """Every stretch in which a job of these pools runs, in hours from the first step."""
    names, sites = units["job"], units["job_site"]
    release, deadline = units["job_release"], units["job_deadline"]
    if "start" in flows:
        for i in np.flatnonzero(flows["start"] > 0.5):
            job, site = units["start_job"][i], units["start_site"][i]
            begin = float(units["start_step"][i]) * units.step
            end = begin + float(units["job_duration"][job])
            yield (str(names[job]), str(sites[site]), begin, end, float(units["job_power"][job]),
                   float(release[job]), float(deadline[job]))  # fmt: skip
    if "run" in flows:
        jobs, places, steps = units["slot_job"], units["slot_site"], units["slot_step"]
        run = flows["run"]
        busy = np.flatnonzero(run > IDLE * units["job_power"][jobs])
        busy = busy[np.lexsort((steps[busy], places[busy], jobs[busy]))]
        same = (
            (np.diff(jobs[busy]) == 0) & (np.diff(places[busy]) == 0)
            & (np.diff(steps[busy]) == 1) & (np.abs(np.diff(run[busy])) <= 1e-6 * run[busy][:-1])
        )  # fmt: skip
        for stretch in np.split(busy, np.flatnonzero(~same) + 1) if len(busy) else []:
            first, last = stretch[0], stretch[-1]
            job = jobs[first]
            yield (str(names[job]), str(sites[places[first]]), float(steps[first]) * units.step,
                   float(steps[last] + 1) * units.step, float(run[first]),
                   float(release[job]), float(deadline[job]))  # fmt: skip


def provenance_table(case: Case, plan: Plan, verdict: Verdict, *notes: str) -> pd.DataFrame:
    """Where a plan comes from, as ``name`` and ``value``: hashes, versions, seed, verdict."""
    attributes = plan.attributes
    rows: dict[str, Any] = {"case": case.name, "case_hash": case.hash}
    known = ("model", "model_hash", "form_hash", "route", "status", "seed", "time_limit",
             "objective", "bound", "citygrid_version", "python_version", "form_size")  # fmt: skip
    rows |= {name: attributes[name] for name in known if name in attributes}
    other = json.loads(str(attributes.get("counterfactual", "{}")))
    rows |= {
        f"{other['name']}: {name}": other[name]
        for name in ("objective", "bound", "saved_eur", "saved_co2_kg", "error")
        if other.get(name) is not None
    }
    files: Mapping[str, str] = json.loads(str(attributes.get("file_hashes", "{}")))
    rows |= {f"file {name}": digest for name, digest in files.items()}
    rows |= {
        f"policy {each['file']}:{each['function']}": f"{', '.join(each['rows'])}; "
        f"SHA-256 {each['sha256']}; its stored rows are checked, not its file"
        for each in policies(plan)
    }
    rows["verified"] = "yes" if verdict.ok else "no"
    rows["largest_violation"] = verdict.largest
    rows["first_step"] = f"{case.time[0].astype('datetime64[s]')}Z"
    rows["step_h"] = case.step
    rows["steps"] = len(case.time)
    pairs = [(name, str(value)) for name, value in rows.items()]
    pairs += [("note", note) for note in notes]
    return pd.DataFrame(pairs, columns=["name", "value"])


# files ------------------------------------------------------------------------------------------


def tables(subject: Subject) -> dict[str, pd.DataFrame]:
    """All tables of a plan by name: ``jobs`` where the case has jobs, ``routes`` if given."""
    found = {
        "dispatch": subject.steps,
        "kpis": kpi_table(subject.verdict),
        "ledger": ledger_table(subject.verdict),
    }
    if any("job" in units.parameters for units in subject.case.units.values()):
        found["jobs"] = job_table(subject.case, subject.plan)
    if subject.routes is not None:
        found["routes"] = subject.routes
    return found


def write_csv(subject: Subject, folder: Path) -> list[Path]:
    """Write ``dispatch.csv``, ``kpis.csv``, ``ledger.csv``, with jobs ``jobs.csv``, ``routes.csv``.

    Times are UTC in ISO 8601; no cell that is text can be taken for a formula.
    """
    paths = []
    for name, table in tables(subject).items():
        path = Path(folder) / f"{name}.csv"
        write_table(table, path)
        paths.append(path)
    return paths


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write one table as CSV, safe for spreadsheets, whole or not at all."""
    with whole(path) as temporary:
        _safe(table).to_csv(temporary, index=False, lineterminator="\n",
                            date_format="%Y-%m-%dT%H:%M:%SZ")  # fmt: skip


def write_parquet(subject: Subject, folder: Path) -> list[Path]:
    """Write the same tables as Parquet (zstd), times with their zone."""
    paths = []
    for name, table in tables(subject).items():
        path = Path(folder) / f"{name}.parquet"
        zoned = {
            column: table[column].dt.tz_localize("UTC")
            for column in table.columns[table.dtypes == "datetime64[ns]"]
        }
        with whole(path) as temporary:
            table.assign(**zoned).to_parquet(temporary, compression="zstd", index=False)
        paths.append(path)
    return paths


def write_netcdf(subject: Subject, path: Path) -> None:
    """Write the plan itself, its case inside; the verdict is not part of it."""
    subject.plan.save(path)


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: ``'`` before ``= + - @``, tab, line end.

    Numbers stay as they are. Some spreadsheets take the wide signs of East Asian fonts for the
    narrow ones.
    """
    harmless = not text.startswith(FORMULA) or NUMBER.fullmatch(text)
    return text if harmless else f"'{text}"


def _safe(table: pd.DataFrame) -> pd.DataFrame:
    made: dict[Any, Any] = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts = [safe_cell(str(label)) for label in column.cat.categories]
            made[name] = np.array(texts, dtype=object)[column.cat.codes]
        elif column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            # Texts are objects to pandas 2 and of a type of their own to pandas 3.
            made[name] = [safe_cell(v) if isinstance(v, str) else v for v in column]
        else:
            made[name] = column
    return pd.DataFrame(made).rename(columns=lambda head: safe_cell(str(head)))
