"""The text of the Frankfurt district files: what stands where, and how large it is.

Only make_frankfurt.py uses this; its lines are as long as those of the YAML it writes. Everything
that is assumed about the district's plant, data centres and roofs stands here as a table; lengths,
diameters and loads come from the network.
"""

# ruff: noqa: E501
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

#: Heat that house connections and pipes inside a zone lose, per heat of its consumers: 5.9 km at
#: 17.5 W/m all year are 15 % of 6.25 GWh.
DISTRIBUTION_LOSS = 0.15
#: Power that a zone's households and shops use per heat: 5,000 kWh a year for an average consumer.
POWER_PER_HEAT = 0.16
#: Hours in which the power of a year would be used if it were always at its peak.
POWER_HOURS = 2500.0
#: Capacities of cables and transformers [kW].
FEEDERS = (100, 160, 250, 400, 630, 1000, 1600, 2500, 4000)


class ZoneLike(Protocol):
    """What is needed of a zone; see make_frankfurt.Zone."""

    number: int
    parent: int
    hub: tuple[float, float]
    annual: float
    dn: int

    @property
    def length(self) -> float: ...


class Center(NamedTuple):
    """A data centre: zone, cooling, IT power, and the pump that lifts its heat."""

    name: str
    zone: int
    cooling: str
    capacity: int
    idle: int
    interactive: int
    pump: int


CENTERS = (
    Center("south", 1, "liquid", 400, 60, 140, 320),
    Center("harbour", 2, "air", 400, 60, 140, 280),
    Center("east", 7, "liquid", 400, 60, 140, 320),
    Center("campus", 9, "immersion", 400, 60, 140, 320),
    Center("west", 10, "air", 400, 60, 140, 280),
    Center("north", 11, "immersion", 400, 60, 140, 320),
)
QUANTUM_ZONE = 9
#: Loops of liquid and immersion cooling return at 40 degC or more, so their dry coolers serve them alone
#: on all but the hottest days. Not where the chiller also cools the quantum computer's loop.
WARM_COOLING = ("liquid", "immersion")
WARM_CHILLER = "chilled_water: 40 degC,\n    free_cooling_full: 28 degC, free_cooling_off: 38 degC"
#: Zones whose pump may give more than the zones behind need: their pipe carries both ways.
REVERSIBLE = (7, 11)
#: Zone → (peak power [kW], azimuth [deg]) of its roofs: 8 to 10 kW per consumer.
ROOFS = {2: (130, 180), 3: (130, 180), 5: (120, 225), 8: (100, 135), 12: (150, 180), 14: (110, 200)}


class Horizon(NamedTuple):
    """What differs between the files."""

    title: str
    start: str
    length: str
    jobs: str | None
    peak_charge: str
    note: str


HORIZONS = {
    "frankfurt_day.yaml": Horizon(
        "Frankfurt, one day", "2023-01-16T00:00+01:00", "24 h", "jobs_day.csv", "0.27 EUR/kW",
        "Monday, 16 January 2023: the first day of frankfurt.yaml, with the jobs that fit into it.",
    ),
    "frankfurt.yaml": Horizon(
        "Frankfurt, one week", "2023-01-16T00:00+01:00", "168 h", "jobs.csv", "1.92 EUR/kW",
        "A cold week: Monday, 16 January, to Sunday, 22 January 2023.",
    ),
    "frankfurt_year.yaml": Horizon(
        "Frankfurt, one year", "2023-01-01T00:00+01:00", "8760 h", None, "100 EUR/kW",
        "The year 2023, local time. It is meant to be solved relaxed, as a linear programme, so there is\n"
        "# no pool of jobs: their average power, 80 kW a site, is added to the interactive load instead.",
    ),
    "frankfurt_year_jobs.yaml": Horizon(
        "Frankfurt, one year with jobs", "2023-01-01T00:00+01:00", "8760 h", "jobs_year.parquet",
        "100 EUR/kW",
        "The year 2023, local time, with a pool of jobs in every week. As one programme it is too large\n"
        "# for most machines; it is meant to be planned by windows, as docs/how/rolling.md shows.",
    ),
}  # fmt: skip


def district_files(plant: tuple[float, float], zones: Sequence[ZoneLike]) -> dict[str, str]:
    """The district files by their name."""
    return {name: _district(horizon, plant, zones) for name, horizon in HORIZONS.items()}


def _district(horizon: Horizon, plant: tuple[float, float], zones: Sequence[ZoneLike]) -> str:
    parts = [_head(horizon), _series(), _nodes(plant, zones), _plant(horizon),
             _centers(horizon), _quantum(horizon), _roofs(), _zones(zones)]  # fmt: skip
    return "\n".join(parts)


def _head(h: Horizon) -> str:
    jobs = "" if h.jobs is None else ";\n# their jobs come from a real log, bundled and scaled"
    if h.length == "8760 h" and h.jobs is not None:
        jobs += ": one week of it on every week of the year"
    return f"""\
# yaml-language-server: $schema=district.schema.json
#
# {h.note}
#
# Real: the streets, the 200 consumers with their peak heat and full-load hours, and the heat source
# are those of a small German town (EPSG:25832). Weather, spot prices and carbon intensity are those
# of Frankfurt and Germany in 2023. The centres' load follows real traces of CPU use{jobs}.
#
# Assumed: the town lies under Frankfurt's weather and prices. Its consumers are grouped into 14
# zones; pipes follow the streets from hub to hub, and house connections lose 15 % of a zone's heat.
# Hourly demands are standard profiles, and power is 16 % of heat. The data centres, their names,
# the quantum computer, the plant and the roofs are invented. See data/MANIFEST.yaml.

name: {h.title}
description: A German town's heat network under Frankfurt's weather and prices of 2023, with six micro
  data centres and a quantum computer that are invented.
crs: EPSG:25832
timezone: Europe/Berlin
horizon: {{start: {h.start}, length: {h.length}, step: 1 h}}
weather:
  {{file: ../data/frankfurt_2023/weather.parquet, latitude: 50.088, longitude: 8.654, altitude: 112 m}}
heat_network:
  supply: [{{air: -10 degC, water: 90 degC}}, {{air: 15 degC, water: 75 degC}}]
  return: 50 degC
carbon_price: 85 EUR/t  # European allowances in 2023; counts for gas and imported power
geometry: ../data/frankfurt_2023/network.gpkg
"""


def _series() -> str:
    files = ("spot", "carbon", "it_load", "heat", "power")
    columns = {"spot": ", column: price", "carbon": ", column: direct"}
    rows = [
        f"{name.replace('_', ' ')}: {{file: ../data/frankfurt_2023/{name}.csv{columns.get(name, '')}}}"
        for name in files
    ]
    return "series:\n" + "".join(f"  {row}\n" for row in rows)


def _nodes(plant: tuple[float, float], zones: Sequence[ZoneLike]) -> str:
    places = [("plant", plant), *((f"zone {z.number}", z.hub) for z in zones)]
    rows = [f"  {name}: {{at: [{at[0]:.1f}, {at[1]:.1f}]}}\n" for name, at in places]
    return "nodes:\n" + "".join(rows)


def _plant(h: Horizon) -> str:
    return f"""\
components:
  # The plant. Taxes, network charges and levies add 120 EUR/MWh to the spot price; of the demand
  # charge of 100 EUR/kW a year, the part is taken that belongs to the horizon.
  grid:
    kind: grid
    node: plant
    import: {{price: {{series: spot, plus: 120 EUR/MWh}}, max: 4 MW, carbon: {{series: carbon}}}}
    export: {{price: {{series: spot, times: 0.95}}, max: 2 MW}}
    peak_charge: {h.peak_charge}
  gas: {{kind: fuel, node: plant, price: 60 EUR/MWh, carbon: 201 kg/MWh}}
  engine: {{kind: chp, node: plant, power: 400 kW, minimum_load: 50 %, start_cost: 15 EUR,
    initially_on: true}}
  boiler 1: {{kind: boiler, node: plant, heat: 1200 kW, efficiency: 95 %, minimum_load: 15 %,
    start_cost: 5 EUR}}
  boiler 2: {{kind: boiler, node: plant, heat: 2 MW, efficiency: 90 %, minimum_load: 15 %,
    start_cost: 5 EUR}}
  tank: {{kind: heat_store, node: plant, capacity: 6 MWh, charge: 1500 kW, discharge: 1500 kW,
    standing_loss: 0.1 %/h}}
  battery: {{kind: battery, node: plant, capacity: 600 kWh, charge: 300 kW, discharge: 300 kW}}
"""


def _centers(h: Horizon) -> str:
    text = (
        "  # Six micro data centres: idle power, interactive work, jobs, and what takes their heat. Liquid\n"
        "  # loops return at 45 degC and immersion's at 40, so their chillers make warm water and a dry cooler\n"
        "  # mostly serves alone. Not on the campus: its chiller also cools the quantum computer's loop, which\n"
        "  # returns at 24 degC, and so keeps the usual 18 degC, as those of the air-cooled centres do.\n"
    )
    for c in CENTERS:
        load = f"series: it load, column: dc {c.name}, times: {c.interactive} kW"
        if h.jobs is None:
            load += ", plus: 80 kW"
        cooling = math.ceil(1.05 * c.capacity / 10) * 10 + (60 if c.zone == QUANTUM_ZONE else 0)
        warm = c.cooling in WARM_COOLING and c.zone != QUANTUM_ZONE
        water = f", {WARM_CHILLER}" if warm else ""
        text += f"""\
  dc {c.name}: {{kind: data_center, node: zone {c.zone}, cooling: {c.cooling}, capacity: {c.capacity} kW,
    idle: {c.idle} kW, load: {{{load}}}}}
  pump {c.name}: {{kind: heat_pump, source: dc {c.name}, sink: zone {c.zone}, heat: {c.pump} kW,
    minimum_load: 35 %, start_cost: 3 EUR}}
  chiller {c.name}: {{kind: chiller, node: zone {c.zone}, cooling: {cooling} kW{water}}}
"""
    if h.jobs is not None:
        sites = ", ".join(f"dc {c.name}" for c in CENTERS)
        text += f"""\
  jobs: {{kind: job_pool, file: ../data/frankfurt_2023/{h.jobs},
    sites: [{sites}]}}
"""
    return text


def _quantum(h: Horizon) -> str:
    return f"""\
  # A quantum computer: its cryostat never stops. Small beside the data centres.
  quantum:
    kind: quantum_center
    node: zone {QUANTUM_ZONE}
    cryogenics: 25 kW
    control_idle: 3 kW
    host_idle: 4 kW
    active: 12 kW
    duty: 60 %
    maintenance: [{{after: 9 h, length: 4 h}}]
  pump quantum: {{kind: heat_pump, source: quantum, sink: zone {QUANTUM_ZONE}, heat: 35 kW,
    minimum_load: 30 %, start_cost: 2 EUR}}
"""


def _roofs() -> str:
    rows = "".join(
        f"  roofs {zone}: {{kind: pv, node: zone {zone}, peak: {peak} kW, tilt: 30 deg, "
        f"azimuth: {azimuth} deg}}\n"
        for zone, (peak, azimuth) in ROOFS.items()
    )
    return f"  # Roofs.\n{rows}"


def _zones(zones: Sequence[ZoneLike]) -> str:
    text = (
        "  # Zones, outward from the plant: demand, and the pipe and cable along the street. Two pumps can\n"
        "  # give more heat than the zones behind them need: their pipes (7 and 11) carry both ways.\n"
    )
    feeder = _feeders(zones)
    for z in zones:
        parent = f"zone {z.parent}" if z.parent else "plant"
        both = ", reversible: true" if z.number in REVERSIBLE else ""
        text += f"""\
  heat {z.number}: {{kind: heat_demand, node: zone {z.number}, load: {{series: heat, column: zone {z.number}, times: {1 + DISTRIBUTION_LOSS:g}}}}}
  power {z.number}: {{kind: power_demand, node: zone {z.number}, load: {{series: power, column: zone {z.number}}}}}
  pipe {z.number}: {{kind: heat_pipe, from: {parent}, to: zone {z.number}, length: {z.length:.0f} m, dn: {z.dn}{both}}}
  cable {z.number}: {{kind: power_line, from: {parent}, to: zone {z.number}, capacity: {feeder[z.number]} kW}}
"""
    return text


def _feeders(zones: Sequence[ZoneLike]) -> dict[int, int]:
    """Capacity of every zone's cable [kW]: the next above all that can be drawn behind it."""
    drawn = {z.number: z.annual * POWER_PER_HEAT / POWER_HOURS for z in zones}
    given = {z.number: float(ROOFS.get(z.number, (0, 0))[0]) for z in zones}
    for c in CENTERS:
        # Losses of 5 %, and 30 % for the pump or, on a hot day, the chiller.
        drawn[c.zone] += 1.35 * c.capacity
    drawn[QUANTUM_ZONE] += 60.0
    for z in reversed(zones):  # outermost first
        if z.parent:
            drawn[z.parent] += drawn[z.number]
            given[z.parent] += given[z.number]
    return {
        number: next(size for size in FEEDERS if size >= max(drawn[number], given[number]))
        for number in drawn
    }
