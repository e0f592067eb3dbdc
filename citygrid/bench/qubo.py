"""What becomes of the route ``qubo`` as a unit commitment grows: hours times units.

Every size is planned by HiGHS, by ``qubo`` with its usual annealer, and by ``qubo`` with random
bits in the annealer's place (the control: the same bits, penalties, completion and repair). Gaps
are to HiGHS's proven bound. ``sampled_gap`` is that of the best plan that samples gave by
themselves, ``None`` where none of them allowed a plan; ``gap`` is what the route hands out, which a
repair by HiGHS may have saved (``repaired``, ``milps``).
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.bench import Say, Wish
from citygrid.gap import relative_gap
from citygrid.plan.traces import quantile

if TYPE_CHECKING:
    from citygrid.export.report.lines import Series

#: Hours and units, in the order in which they are planned.
SIZES = ((3, 3), (6, 3), (12, 3), (6, 6), (24, 3), (12, 6), (24, 6))
#: Seconds that HiGHS may take for the bound of one size.
PATIENCE = 60.0
#: Who samples: the usual annealer and the control.
SAMPLERS = ("onehot", "random")
#: The smallest rate or gap that a logarithm shows.
LEAST = 1e-4
#: Largest output and least load in kW, start cost in EUR, cost per hour on and per MWh, in turn.
UNITS = (
    (100, 40, 20.0, 2.0, 50), (60, 20, 5.0, 1.0, 80), (40, 10, 1.0, 0.5, 140),
    (80, 30, 12.0, 1.6, 60), (50, 20, 4.0, 0.9, 90), (30, 10, 0.8, 0.4, 150),
)  # fmt: skip


def district(folder: Path, hours: int, units: int) -> Path:
    """A district of that size: a file of units and a demand that swings over the day, by 10 kW."""
    parts = [
        f"  unit {i}: {{kind: generator, node: yard, power: {top} kW, minimum_load: {low} kW, "
        f"start_cost: {start} EUR, standby_cost: {idle} EUR/h, variable_cost: {cost} EUR/MWh}}"
        for i in range(units)
        for top, low, start, idle, cost in [UNITS[i % len(UNITS)]]
    ]
    most = sum(UNITS[i % len(UNITS)][0] for i in range(units))
    swing = [0.55 - 0.35 * math.cos(2.0 * math.pi * (hour + 2) / 12.0) for hour in range(hours)]
    load = [round(most * part / 10.0) * 10 for part in swing]
    lines = [f"2023-01-{16 + h // 24:02d}T{h % 24:02d}:00Z,{kw}" for h, kw in enumerate(load)]
    (folder / "demand.csv").write_text("time,power\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "units.yaml"
    path.write_text(
        f"name: {units} units, {hours} hours\n"
        f"horizon: {{start: 2023-01-16T00:00Z, length: {hours} h, step: 1 h}}\n"
        "series:\n  demand: {file: demand.csv, column: power, unit: kW}\n"
        "nodes:\n  yard: {}\ncomponents:\n" + "\n".join(parts) + "\n"
        "  works: {kind: power_demand, node: yard, load: {series: demand}}\n",
        encoding="utf-8",
    )
    return path


def measure(hours: int, units: int, seeds: Sequence[int] = (0,)) -> list[dict[str, Any]]:
    """A row per sampler and seed for one size, see the module."""
    import citygrid
    from citygrid import routes
    from citygrid.routes.contract import Options

    with tempfile.TemporaryDirectory() as folder:
        path = district(Path(folder), hours, units)
        form = citygrid.formulate(citygrid.prepare(citygrid.load(path)))
    exact = routes.solve(form, "milp", Options(gap=0.0, time_limit=PATIENCE))
    rows = []
    for sampler, seed in itertools.product(SAMPLERS, seeds):
        begun = time.perf_counter()
        outcome = routes.solve(form, "qubo", Options(sampler=sampler, seed=seed))
        told = outcome.telemetry
        rows.append({
            "hours": hours, "units": units, "sampler": sampler, "seed": seed,
            "binaries": form.size["binaries"],
            "bits": told["qubo"]["bits"], "couplings": told["qubo"]["couplings"],
            "rounds": len(told["penalty_rounds"]), "raw_rate": told["raw_rate"],
            "feasibility_rate": told["feasibility_rate"],
            "sampled_gap": relative_gap(told.get("sampled_objective"), exact.bound),
            "gap": relative_gap(outcome.objective, exact.bound),
            "milp_gap": exact.gap, "repaired": told["repaired"], "milps": told["milps"],
            "seconds": time.perf_counter() - begun,
        })  # fmt: skip
    return rows


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Rows for all sizes and seeds, their medians by size and sampler, and the pictures of them."""
    measure(*SIZES[0])  # what compiles on its first call is no time of any size
    rows = []
    for hours, units in SIZES:
        say(f"planning {units} units over {hours} hours in bits, {len(wish.seeds)} seeds")
        rows += measure(hours, units, wish.seeds)
    return {"rows": rows, "medians": medians(rows), "files": _draw(rows, wish.folder("qubo"))}


def medians(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per size and sampler the median of every figure over the seeds.

    A gap that no plan of half of the seeds has is ``None``; ``repaired`` counts seeds.
    """
    kept = ("raw_rate", "feasibility_rate", "sampled_gap", "gap", "seconds")
    found = []
    for (bits, sampler), own in _grouped(rows).items():
        known = {name: quantile([row[name] for row in own]) for name in kept}
        size = {name: own[0][name] for name in ("hours", "units", "binaries")}
        found.append({**size, "bits": bits, "sampler": sampler, "seeds": len(own), **known,
                      "repaired": sum(bool(row["repaired"]) for row in own)})  # fmt: skip
    return found


def _grouped(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], list[Mapping[str, Any]]]:
    found: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["bits"], row["sampler"]), []).append(row)
    return found


def _draw(rows: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """Rates and gaps against bits as SVG files: medians, and the middle half of the seeds."""
    from citygrid.export.report.lines import line_chart, write_chart

    rates, gaps = charts(rows)
    about = "Medians over the seeds; bands hold the middle half of them."
    files = {}
    for name, title, up, series in (
        (
            "rates",
            "Samples that keep all rows, and that allow a plan",
            "part of the samples",
            rates,
        ),
        (
            "gaps",
            "Plans as they were sampled, and once HiGHS has repaired them",
            "gap to the bound of HiGHS",
            gaps,
        ),
    ):
        chart = line_chart(title, about, "bits", up, series, steps=False,
                           up_text=lambda value: f"{100 * value:g}%")  # fmt: skip
        if chart is not None:
            path = folder / f"{name}.svg"
            write_chart(chart, path)
            files[name] = str(path)
    return files


def charts(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Series], list[Series]]:
    """Lines of the rates and of the gaps, for every sampler that has any."""
    from citygrid.export.report.lines import Series

    found: tuple[list[Series], list[Series]] = ([], [])
    lines = (
        (0, "raw_rate", "kept"), (0, "feasibility_rate", "allowed"),
        (1, "sampled_gap", "sampled"), (1, "gap", "repaired"),
    )  # fmt: skip
    for (which, figure, said), sampler in itertools.product(lines, SAMPLERS):
        points, band = [], []
        for (bits, whose), own in _grouped(rows).items():
            values = [None if row[figure] is None else max(row[figure], LEAST) for row in own]
            low, middle, high = (quantile(values, part) for part in (0.25, 0.5, 0.75))
            if whose != sampler or middle is None:
                continue
            points.append((float(bits), middle))
            if low is not None and high is not None and len(own) > 1:
                band.append((float(bits), low, high))
        name = said if sampler == SAMPLERS[0] else f"{said}, {sampler}"
        found[which].append(Series(name, points, band))
    return found
