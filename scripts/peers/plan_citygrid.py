"""The districts in citygrid, from the district file to the verified plan."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cases

import citygrid
from citygrid.routes.contract import Options

YEAR = Path(__file__).resolve().parents[2] / "tests" / "cases" / "flensburg_tutorial.yaml"


def week(folder: Path) -> Path:
    stamps = [f"2023-01-{2 + h // 24:02d}T{h % 24:02d}:00Z" for h in range(cases.HOURS)]
    rows = ["time,load [MW]", *(f"{t},{v}" for t, v in zip(stamps, cases.load(), strict=True))]
    (folder / "load.csv").write_text("\n".join(rows) + "\n")
    units = "\n".join(
        f"  unit {i}: {{kind: generator, node: bus, power: {most} MW, minimum_load: {least} MW, "
        f"variable_cost: {cost} EUR/MWh, start_cost: {start} EUR, initially_on: false}}"
        for i, (most, least, cost, start) in enumerate(cases.UNITS)
    )
    path = folder / "week.yaml"
    path.write_text(
        f"name: week\nhorizon: {{start: 2023-01-02T00:00Z, length: {cases.HOURS} h}}\n"
        "series: {load: {file: load.csv}}\nnodes: {bus: {}}\ncomponents:\n"
        "  city: {kind: power_demand, node: bus, load: {series: load}}\n" + units + "\n"
    )
    return path


def main(case: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = YEAR if case == "year" else week(Path(folder))
        prepared = citygrid.prepare(citygrid.load(path))
        options = Options(gap=cases.GAP)
        plan = citygrid.solve(citygrid.formulate(prepared), "milp", options)
        citygrid.verify(prepared, plan).require()
    print(plan.objective)


main(sys.argv[1])
