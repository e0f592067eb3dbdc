"""How long and how much memory it takes to write a form, beside a Pyomo model of the same form.

The district is regular: zones with a heat pump, a boiler, stores, demands, sun and a cable, over as
many hours as the asked number of columns needs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from citygrid.bench import Say, Wish
from citygrid.bench._measure import measure

ZONES = 20

ZONE = """
  demand {z}: {{kind: heat_demand, node: zone {z}, load: {heat} kW}}
  homes {z}: {{kind: power_demand, node: zone {z}, load: {power} kW}}
  pump {z}: {{kind: heat_pump, source: air, sink: zone {z}, heat: 300 kW, cop: 3,
    minimum_load: 30 %}}
  boiler {z}: {{kind: boiler, node: zone {z}, heat: 400 kW}}
  gas {z}: {{kind: fuel, node: zone {z}, price: 70 EUR/MWh, carbon: 201 kg/MWh}}
  tank {z}: {{kind: heat_store, node: zone {z}, capacity: 1 MWh, charge: 200 kW,
    discharge: 200 kW}}
  cells {z}: {{kind: battery, node: zone {z}, capacity: 200 kWh, charge: 100 kW,
    discharge: 100 kW}}
  roof {z}: {{kind: pv, node: zone {z}, peak: 100 kW, output: 30 %}}
  cable {z}: {{kind: power_line, from: plant, to: zone {z}, capacity: 1 MW}}
"""

#: Columns per zone and hour of the text above.
PER_ZONE_HOUR = 16


def regular_district(columns: int) -> str:
    """A district file whose form has about this many columns."""
    hours = max(24, round(columns / (ZONES * PER_ZONE_HOUR)))
    zones = range(1, ZONES + 1)
    nodes = "\n".join(f"  zone {z}: {{}}" for z in zones)
    parts = "".join(ZONE.format(z=z, heat=150 + 5 * z, power=40 + z) for z in zones)
    return (
        f"name: regular\nhorizon: {{start: 2023-01-01T00:00Z, length: {hours} h}}\n"
        f"nodes:\n  plant: {{}}\n{nodes}\ncomponents:\n"
        "  grid: {kind: grid, node: plant, import: {price: 200 EUR/MWh, max: 50 MW}}\n"
        f"{parts}"
    )


def _case(path: str) -> Any:
    import citygrid

    return citygrid.prepare(citygrid.load(path))


def _build_form(case: Any) -> Any:
    import citygrid

    return citygrid.formulate(case)


def _form(path: str) -> Any:
    import citygrid.routes.pyomo  # noqa: F401  (its import is not what is measured)

    return _build_form(_case(path))


def _build_pyomo(form: Any) -> int:
    from citygrid.routes.pyomo import build

    # Kept alive until the peak has been read.
    _build_pyomo.model = build(form)  # type: ignore[attr-defined]
    return len(form.cost)


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Ratios of time and memory, ours over Pyomo's, for one form of about the asked columns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regular.yaml"
        path.write_text(regular_district(wish.columns), encoding="utf-8")
        say(f"writing a form of about {wish.columns:,} columns")
        ours = measure(_case, _build_form, str(path))
        say("building the Pyomo model of the same form")
        theirs = measure(_form, _build_pyomo, str(path))
    return {
        "size": ours.answer,
        "seconds": {"form": ours.seconds, "pyomo": theirs.seconds},
        "memory_mb": {"form": ours.memory / 1e6, "pyomo": theirs.memory / 1e6},
        "time_ratio": ours.seconds / theirs.seconds,
        "memory_ratio": ours.memory / theirs.memory,
    }
