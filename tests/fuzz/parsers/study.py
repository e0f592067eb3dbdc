"""A study file beside its district: scenarios that are checked, and tasks they come down to."""

from __future__ import annotations

from pathlib import Path

from citygrid.study.scenarios.reading import read_study
from tests.random_districts import district

_DISTRICT = district(0)
_FUEL = next(line.split(":")[0].strip() for line in _DISTRICT.text.splitlines()
             if "kind: grid" in line)  # fmt: skip
SEEDS = [
    f"""name: prices
district: town.yaml
routes: [lp, {{route: milp, gap: 0.005, time_limit: 60 s}}]
vary:
  - grid: {{carbon_price: [85 EUR/t, 170 EUR/t], components.{_FUEL}.import.max: [1 MW, 2 MW]}}
limits: {{time: 5 min, memory: 2 GB}}
""".encode(),
    f"""name: samples
district: town.yaml
vary:
  - sample: {{method: sobol, count: 4, seed: 1, ranges: {{carbon_price: [0 EUR/t, 100 EUR/t]}}}}
  - scenarios: {{plain: {{}}, dear: {{components.{_FUEL}.import.price: 0.9 EUR/kWh}}}}
outputs: {{plans: true, tables: [dispatch, kpis]}}
""".encode(),
]


def read(data: bytes, folder: Path) -> None:
    _DISTRICT.write(folder)
    path = folder / "study.yaml"
    path.write_bytes(data)
    study = read_study(path)
    assert (
        len(study.scenarios) >= 1 and study.tasks and set(study.keys.values()) <= set(study.tasks)
    )
