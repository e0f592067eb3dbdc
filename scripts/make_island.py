"""Make the island: 30 villages on one cable tree, with no grid and no data link.

    python scripts/make_island.py [--out REPOSITORY]

Written is ``models/island.yaml``. All of the island is invented, with one fixed seed; its weather
is Frankfurt's of 2023 from ``data/``, and its turbines' curve that of a real 100 kW machine. What
stands where, and why, is said in the head of the file that it writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from citygrid.files import whole

NODES = 30
SEED = 7
#: Village → plant in it. The harbour is the first village, the root of the cable tree.
TURBINES = {9: 1, 21: 1}
BATTERIES = {1: 600, 12: 300, 25: 300}
ENGINES = {1: (250, 34), 2: (160, 36), 18: (90, 33)}
CENTERS = {1: 60, 14: 40, 27: 40}

HEAD = """# yaml-language-server: $schema=district.schema.json
#
# An island of 30 villages with no cable to a grid and no data link: power comes from roofs, two
# wind turbines and three diesel engines, and each small data centre computes what is asked on its
# own site. Two calm days in January.
#
# Invented: the villages, their cables (10 kV aluminium, a tree), demands of 35 to 75 MWh a year by
# the standard profile of households, engines, batteries, centres and jobs. Real: the weather, which
# is Frankfurt's of 2023, and the power curve of the turbines. An island has more wind than
# Frankfurt: the shear of open water, hubs of 55 m.
#
# Written by scripts/make_island.py.
name: island
crs: EPSG:25832
timezone: Europe/Berlin
horizon: {start: 2023-01-24T00:00+01:00, length: 48 h, step: 1 h}
carbon_price: 80 EUR/t
weather: {file: ../data/frankfurt_2023/weather.parquet, latitude: 50.088, longitude: 8.654,
  altitude: 112 m}
"""


def villages(lot: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """Positions [m] and each village's parent: the nearest that is nearer to the harbour."""
    at = np.vstack([[0.0, 0.0], lot.uniform([-4000, 200], [4000, 7000], size=(NODES - 1, 2))])
    order = np.argsort(np.hypot(*at.T))
    at = at[order]
    parents = [-1]
    for i in range(1, NODES):
        parents.append(int(np.argmin(np.hypot(*(at[:i] - at[i]).T))))
    return at, parents


def island() -> str:
    """The district file."""
    lot = np.random.default_rng(SEED)
    at, parents = villages(lot)
    lines = [HEAD + "nodes:"]
    for i, (east, north) in enumerate(at + np.array([500_000.0, 5_990_000.0]), start=1):
        lines.append(f"  village {i}: {{at: [{east:.0f}, {north:.0f}]}}")
    lines.append("components:")
    for i in range(1, NODES):
        length = 1.2 * float(np.hypot(*(at[i] - at[parents[i]])))
        lines.append(
            f"  cable {i + 1}: {{kind: power_line, from: village {parents[i] + 1}, to: village "
            f"{i + 1}, capacity: 600 kW,\n    length: {length:.0f} m, cross_section: 50 mm^2, "
            "voltage: 10 kV}"
        )
    for i in range(1, NODES + 1):
        lines.append(
            f"  homes {i}: {{kind: power_demand, node: village {i}, "
            f"load: {{profile: h0, annual: {lot.uniform(35, 75):.0f} MWh}}}}"
        )
        if i % 2:
            lines.append(
                f"  roofs {i}: {{kind: pv, node: village {i}, peak: {lot.uniform(15, 45):.0f} kW, "
                f"tilt: 30 deg, azimuth: {lot.choice([135, 180, 225])} deg}}"
            )
    for i, count in TURBINES.items():
        lines.append(
            f"  turbines {i}: {{kind: wind, node: village {i}, turbine: DW100, turbines: {count}, "
            "hub_height: 55 m, shear: 0.2}"
        )
    for i, size in BATTERIES.items():
        lines.append(
            f"  battery {i}: {{kind: battery, node: village {i}, capacity: {size} kWh, "
            f"charge: {size // 2} kW,\n    discharge: {size // 2} kW, wear: 1 ct/kWh}}"
        )
    for i, (power, percent) in ENGINES.items():
        lines.append(
            f"  diesel {i}: {{kind: fuel, node: village {i}, price: 160 EUR/MWh, "
            "carbon: 266 kg/MWh}"
        )
        lines.append(
            f"  engine {i}: {{kind: generator, node: village {i}, power: {power} kW, "
            f"efficiency: {percent} %,\n    minimum_load: 30 %, start_cost: {power / 20:.0f} EUR, "
            "minimum_up_time: 2 h}"
        )
    for i, capacity in CENTERS.items():
        lines.append(
            f"  centre {i}: {{kind: data_center, node: village {i}, capacity: {capacity} kW, "
            f"load: {capacity // 4} kW, cooling: air}}"
        )
        lines.append(
            f"  chiller {i}: {{kind: chiller, node: village {i}, cooling: {capacity + 10} kW}}"
        )
        jobs = ",\n      ".join(
            f"{{job: job {i}-{j + 1}, power: {lot.integers(6, 14)} kW, "
            f"duration: {lot.integers(2, 6)} h, release: 2023-01-24T{8 * j:02d}:00+01:00,\n"
            f"       deadline: 2023-01-25T{min(6 + 8 * j, 23):02d}:00+01:00, "
            f"sites: [centre {i}]}}"
            for j in range(3)
        )
        lines.append(f"  jobs {i}: {{kind: job_pool, sites: [centre {i}],\n    jobs: [{jobs}]}}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    path = parser.parse_args().out / "models" / "island.yaml"
    with whole(path) as temporary:
        temporary.write_text(island(), encoding="utf-8")


if __name__ == "__main__":
    main()
