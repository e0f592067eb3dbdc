"""ESDL: an energy system as an importer reads it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from citygrid.export.gis.esdl import write_esdl
from citygrid.export.subject import Subject
from citygrid.imports.draft import Frame, Prices
from citygrid.imports.esdl.mapping import draft_of_esdl
from tests.helpers import solve

_DISTRICT = """name: town
crs: EPSG:25832
horizon: {start: 2023-01-16T00:00Z, length: 2 h}
nodes: {plant: {at: [500000, 5500000]}, east: {at: [500800, 5500100]}}
components:
  grid: {kind: grid, node: plant, import: {price: 0.2 EUR/kWh, max: 900 kW}}
  gas: {kind: fuel, node: plant, price: 60 EUR/MWh, max: 2 MW}
  boiler: {kind: boiler, node: plant, heat: 700 kW, efficiency: 90 %}
  tank: {kind: heat_store, node: plant, capacity: 900 kWh, charge: 200 kW, discharge: 250 kW}
  battery: {kind: battery, node: east, capacity: 80 kWh, charge: 40 kW, discharge: 40 kW}
  houses: {kind: heat_demand, node: plant, load: 300 kW}
  lights: {kind: power_demand, node: east, load: 50 kW}
  feeder: {kind: power_line, from: plant, to: east, capacity: 600 kW, loss_share: 1 %}
"""


def _written() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "town.yaml").write_text(_DISTRICT, encoding="utf-8")
        found = solve(folder / "town.yaml")
        write_esdl(Subject(found.plan, found.verdict), folder / "town.esdl")
        return (folder / "town.esdl").read_bytes()


SEEDS = [_written()]


def read(data: bytes, folder: Path) -> None:
    path = folder / "town.esdl"
    path.write_bytes(data)
    draft, frame = draft_of_esdl(path, Prices(), Frame())
    assert isinstance(draft.components, dict) and frame.supply > frame.back
