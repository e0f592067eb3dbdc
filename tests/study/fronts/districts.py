"""Small districts whose fronts are worked out by hand."""

from __future__ import annotations

from pathlib import Path

import citygrid as cg
from citygrid.district.case import Case

TINY = Path(__file__).parents[3] / "models" / "tiny.yaml"

#: 100 kW of heat for two hours: gas at 0.05 EUR and 0.2 kg, or power at 0.10 EUR without carbon.
STRAIGHT = """
name: straight
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes: {block: {}}
components:
  grid:     {kind: grid, node: block, import: {price: 0.10 EUR/kWh, max: 200 kW}}
  gas:      {kind: fuel, node: block, price: 0.05 EUR/kWh, carbon: 0.2 kg/kWh}
  boiler:   {kind: boiler, node: block, heat: 120 kW, efficiency: 100 %}
  immersed: {kind: electric_boiler, node: block, heat: 120 kW, efficiency: 100 %}
  houses:   {kind: heat_demand, node: block, load: 100 kW}
"""


def straight(folder: Path, *changes: tuple[str, str]) -> Path:
    """The file of the straight district, with texts replaced."""
    text = STRAIGHT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "straight.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def case_of(path: Path) -> Case:
    return cg.prepare(cg.load(path))


def tiny_by_peak(limit: float) -> float:
    """The least cost of the three hours of `tiny` under a highest import [kW], by hand [EUR].

    With the job in hour 3 the pump may take less there: 4 kWh of heat by the boiler instead, at
    0.20 EUR, for a kWh of power at 0.20. With it in hour 1 at 62 EUR, 100 kW are enough there, and
    below that the pump's power in hour 1 is missed, at 0.10 EUR. A job in hour 2 costs more.
    """
    late = 56.0 + 0.6 * max(120.0 - limit, 0.0)
    early = 62.0 + 0.7 * max(100.0 - limit, 0.0)
    return min(late, early)
