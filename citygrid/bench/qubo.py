"""What becomes of the route ``qubo`` as a unit commitment grows: hours times units.

Every size is planned by HiGHS, by ``qubo`` with its usual annealer, and by ``qubo`` with random
bits in the annealer's place (the control: the same bits, penalties, completion and repair). Gaps
are to HiGHS's proven bound. ``sampled_gap`` is that of the best plan that samples gave by
themselves, ``None`` where none of them allowed a plan; ``gap`` is what the route hands out, which a
repair by HiGHS may have saved (``repaired``, ``milps``).
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

from citygrid.bench import Say
from citygrid.gap import relative_gap

#: Hours and units, in the order in which they are planned.
SIZES = ((3, 3), (6, 3), (12, 3), (6, 6), (24, 3), (12, 6), (24, 6))
#: Seconds that HiGHS may take for the bound of one size.
PATIENCE = 60.0
#: Who samples: the usual annealer and the control.
SAMPLERS = ("onehot", "random")
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


def measure(hours: int, units: int, seed: int = 0) -> list[dict[str, Any]]:
    """A row per sampler for one size, see the module."""
    import citygrid
    from citygrid import routes
    from citygrid.routes.contract import Options

    with tempfile.TemporaryDirectory() as folder:
        path = district(Path(folder), hours, units)
        form = citygrid.formulate(citygrid.prepare(citygrid.load(path)))
    exact = routes.solve(form, "milp", Options(gap=0.0, time_limit=PATIENCE))
    rows = []
    for sampler in SAMPLERS:
        begun = time.perf_counter()
        outcome = routes.solve(form, "qubo", Options(sampler=sampler, seed=seed))
        told = outcome.telemetry
        rows.append({
            "hours": hours, "units": units, "sampler": sampler, "binaries": form.size["binaries"],
            "bits": told["qubo"]["bits"], "couplings": told["qubo"]["couplings"],
            "rounds": len(told["penalty_rounds"]), "raw_rate": told["raw_rate"],
            "feasibility_rate": told["feasibility_rate"],
            "sampled_gap": relative_gap(told.get("sampled_objective"), exact.bound),
            "gap": relative_gap(outcome.objective, exact.bound),
            "milp_gap": exact.gap, "repaired": told["repaired"], "milps": told["milps"],
            "seconds": time.perf_counter() - begun,
        })  # fmt: skip
    return rows


def run(columns: int, say: Say) -> dict[str, Any]:
    """Rows for all sizes; ``columns`` is not used."""
    measure(*SIZES[0])  # what compiles on its first call is no time of any size
    rows = []
    for hours, units in SIZES:
        say(f"planning {units} units over {hours} hours in bits")
        rows += measure(hours, units)
    return {"rows": rows}
