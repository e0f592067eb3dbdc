"""District files of any size for the benchmark: a regular one, and one with a crowded hub."""

from __future__ import annotations

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

#: Units at the hub, and nodes beside it with one unit each.
CROWD, LONELY = 200, 199


def heat_of(zone: int) -> int:
    """Heat demand of a zone [kW]."""
    return 150 + 5 * zone


def power_of(zone: int) -> int:
    """Power demand of a zone [kW]."""
    return 40 + zone


def regular_hours(columns: int) -> int:
    """Hours for which the regular district has about so many columns; a day at least."""
    return max(24, round(columns / (ZONES * PER_ZONE_HOUR)))


def regular_district(hours: int) -> str:
    """Zones alike, each with demands, a pump, a boiler, stores, sun, and a cable to the plant."""
    zones = range(1, ZONES + 1)
    nodes = "\n".join(f"  zone {z}: {{}}" for z in zones)
    parts = "".join(ZONE.format(z=z, heat=heat_of(z), power=power_of(z)) for z in zones)
    return (
        f"name: regular\nhorizon: {{start: 2023-01-01T00:00Z, length: {hours} h}}\n"
        f"nodes:\n  plant: {{}}\n{nodes}\ncomponents:\n"
        "  grid: {kind: grid, node: plant, import: {price: 200 EUR/MWh, max: 50 MW}}\n"
        f"{parts}"
    )


def unit_cost(unit: int) -> int:
    """What a kWh of the generator of that number costs [EUR/MWh]."""
    return 50 + unit % 97


def hub_hours(columns: int) -> int:
    """Hours for which the hub has about so many columns; a day at least."""
    return max(24, round(columns / (CROWD + 2 * LONELY + 1)))


def hub_district(hours: int) -> str:
    """One node with two hundred generators, and as many with one each: rows of unequal length."""
    nodes = ["hub", *(f"node {i}" for i in range(1, LONELY + 1))]
    at = ["hub"] * CROWD + nodes[1:]
    units = "\n".join(
        f"  unit {i}: {{kind: generator, node: {node}, power: 100 kW, "
        f"variable_cost: {unit_cost(i)} EUR/MWh}}"
        for i, node in enumerate(at)
    )
    loads = "\n".join(
        f"  load {i}: {{kind: power_demand, node: {node}, load: {hub_load(i)} kW}}"
        for i, node in enumerate(nodes)
    )
    return (
        f"name: hub\nhorizon: {{start: 2023-01-01T00:00Z, length: {hours} h}}\n"
        "nodes:\n" + "\n".join(f"  {node}: {{}}" for node in nodes)
        + f"\ncomponents:\n{units}\n{loads}\n"
    )  # fmt: skip


def hub_load(node: int) -> int:
    """Load of a node [kW], the hub being number 0."""
    return 12_000 if node == 0 else 20 + node % 60
