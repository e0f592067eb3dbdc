"""Fleets in which units of one kind differ in every option: each plan must replay.

Blocks cover only the units that need them (a binary for the lossy store, none for the other), so
a slip in a selection moves one unit's numbers to another. In a fleet of one nothing would show.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citygrid.routes import Options
from tests.helpers import Solved, solve

HOURS = 4


#: What a unit that can be off may have, one at a time.
RULES = (
    "",
    ", minimum_load: 30 %",
    ", start_cost: 2 EUR",
    ", minimum_load: 40 %, start_cost: 1 EUR, initially_on: true",
    ", minimum_load: 30 %, minimum_up_time: 2 h, minimum_down_time: 2 h, shutdown_cost: 1 EUR, "
    "initial_hours: 1 h",
    ", minimum_load: 30 %, ramp_up: 40 %/h, ramp_down: 50 %/h, stop_ramp: 60 %, "
    "standby_cost: 1 EUR/h",
    ", start_cost: 1 EUR, cold_starts: [{after: 1 h, cost: 3 EUR}, {after: 2 h, cost: 4 EUR}], "
    "outages: [{after: 1 h, length: 1 h}]",
    ", variable_cost: 5 EUR/MWh, quadratic_cost: 200 EUR/MW^2/h, ramp_up: 60 %/h",
)
#: Efficiency by load: none, one straight line, two.
LOADS = (
    "",
    "part_load: [{load: 30 %, efficiency: 30 %}, {load: 100 %, efficiency: 40 %}]",
    "part_load: [{load: 40 %, efficiency: 30 %}, {load: 70 %, efficiency: 48 %}, "
    "{load: 100 %, efficiency: 44 %}]",
)


def plant(i: int, node: str, lot: np.random.Generator) -> list[str]:
    """A generator, a boiler and an engine under rules, and a reserve that two of them share."""
    rules = [str(rule) for rule in lot.choice(RULES, 3)]
    loads = [f", {load}" if load else "" for load in lot.choice(LOADS, 3)]
    # With efficiencies by load the minimum load is the first of them.
    rules = ["" if load and "minimum" in rule else rule
             for rule, load in zip(rules, loads, strict=True)]  # fmt: skip
    reserve = lot.choice(["true", "false", "plant"])
    return [
        f"block {i}: {{kind: generator, node: {node}, power: 80 kW{rules[0]}{loads[0]}, "
        f"reserve: {reserve}}}",
        f"kettle {i}: {{kind: boiler, node: {node}, heat: 60 kW{rules[1]}{loads[1]}}}",
        f"motor {i}: {{kind: chp, node: {node}, power: 40 kW{rules[2]}{loads[2]}, reserve: true}}",
        f"margin {i}: {{kind: reserve, node: {node}, required: {lot.uniform(0, 60):.3f} kW, "
        "missing_price: 0.3 EUR/kWh}",
        f"cold room {i}: {{kind: chiller, node: {node}, cooling: 90 kW{lot.choice(RULES[:4])}}}",
    ]


#: Ways of a turbine to give heat by extraction.
EXTRACTIONS = (
    "electric_efficiency: 30 %, extraction: {condensing_efficiency: 42 %}",
    "extraction: {condensing_efficiency: 45 %, heat: 20 kW, stack_loss: 8 %, condenser: 3 kW}",
    f"{LOADS[1]}, extraction: {{power_loss: 20 %}}",
    f"{LOADS[2]}, extraction: {{power_loss: 15 %, power_to_heat: 0.4}}",
)


def sources(i: int, node: str, lot: np.random.Generator) -> list[str]:
    """Turbine, electrodes, wind and sun, stores by their geometry, and hydrogen with its heat."""
    how, rule = str(lot.choice(EXTRACTIONS)), str(lot.choice(RULES[:4]))
    turbine = how if "part_load" in how else how + rule
    pumped = bool(lot.integers(2))
    ends = str(lot.choice(["", ", cyclic: false, initial_level: 50 %, final_level: 20 %"]))
    surfaces = "lid: {area: 90 m^2, transmission: 0.2 W/m^2/K}, walls: {area: 200 m^2, " \
               "transmission: 0.4 W/m^2/K}"  # fmt: skip
    parts = [
        f"turbine {i}: {{kind: chp, node: {node}, power: 50 kW, {turbine}}}",
        f"electrodes {i}: {{kind: electric_boiler, node: {node}, heat: 40 kW"
        f"{lot.choice(RULES[:4])}}}",
        f"mill {i}: {{kind: wind, node: {node}, turbine: DW100, hub_height: 30 m, wind: "
        f"{lot.uniform(2, 12):.2f} m/s, density_correction: {lot.choice(['true', 'false'])}}}",
        f"collectors {i}: {{kind: solar_thermal, node: {node}, area: 80 m^2, optical_efficiency: "
        "80 %, linear_loss: 3 W/m^2/K, quadratic_loss: 0.01 W/m^2/K^2, irradiance: {series: use, "
        "times: 900 W/m^2}}",
        f"pit {i}: {{kind: seasonal_store, node: {node}, construction: "
        f"{lot.choice(['pit', 'boreholes'])}, volume: 300 m^3, hot: 80 degC, cold: 40 degC, "
        f"charge: 30 kW, discharge: 20 kW, serves: {'heat pumps' if pumped else 'network'}, "
        f"{surfaces}{ends}}}",
        f"silo {i}: {{kind: heat_store, node: {node}, charge: 30 kW, discharge: 30 kW, tank: "
        f"{{volume: 5 m^3, diameter: 1.5 m, hot: 85 degC, cold: 45 degC, transmission: "
        f"{lot.uniform(0, 1):.2f} W/m^2/K}}{ends}}}",
        f"stack {i}: {{kind: electrolyser, node: {node}, power: 40 kW{lot.choice(RULES[:4])}}}",
        f"station {i}: {{kind: hydrogen_sale, node: {node}, price: {lot.uniform(0, 0.3):.2f} "
        f"EUR/kWh, least: {lot.uniform(0, 40):.1f} kWh}}",
        f"stack pump {i}: {{kind: heat_pump, source: stack {i}, sink: {node}, heat: 20 kW"
        f"{lot.choice(['', ', carnot_share: 50 %'])}}}",
    ]
    if pumped:
        parts.append(
            f"pit pump {i}: {{kind: heat_pump, source: pit {i}, sink: {node}, heat: 9 kW}}"
        )
    return parts


def fleet(seed: int) -> tuple[str, str]:
    """A district file with two or three units of every kind, by lot, and its table."""
    lot = np.random.default_rng(seed)

    def pick(*choices: str) -> str:
        return str(lot.choice(choices))

    def between(low: float, high: float) -> str:
        return f"{lot.uniform(low, high):.3f}"

    nodes = ("plant", "east", "west")
    parts = []
    for i, node in enumerate(nodes):
        both = ", minimum_load: 40 %, start_cost: 1 EUR, initially_on: true"
        commitment = pick("", ", minimum_load: 30 %", ", start_cost: 2 EUR", both)
        modes = (
            f", modes: [{{mode: hot, loop_supply: 65 degC, loop_return: 50 degC, fans: "
            f"{between(0, 0.1)}, rejects_at: {pick(*nodes)}}}, {{mode: cold, loop_supply: 25 degC, "
            f"loop_return: 20 degC, recoverable: 50 %}}]"
        )
        loss = pick("", ", charge_efficiency: 90 %", ", discharge_efficiency: 85 %")
        ends = pick("", ", cyclic: false, initial_level: 50 %, final_level: 20 %")
        dear = pick("", ", unserved_price: 5 EUR/kWh")
        parts += [
            f"grid {i}: {{kind: grid, node: {node}, import: {{price: {{series: buy, plus: "
            f"{between(-100, 100)} EUR/MWh}}, max: 900 kW, carbon: {between(0, 0.4)} kg/kWh}}, "
            f"export: {{price: {{series: sell}}, max: {between(0, 200)} kW}}, "
            f"peak_charge: {pick('0', '0.2')} EUR/kW}}",
            f"gas {i}: {{kind: fuel, node: {node}, price: {between(0.03, 0.1)} EUR/kWh}}",
            f"boiler {i}: {{kind: boiler, node: {node}, heat: 700 kW}}",
            f"old boiler {i}: {{kind: boiler, node: {node}, heat: 90 kW{commitment}}}",
            f"engine {i}: {{kind: chp, node: {node}, power: {between(20, 60)} kW{commitment}}}",
            f"cells {i}: {{kind: battery, node: {node}, capacity: {between(20, 90)} kWh, "
            f"charge: 30 kW, discharge: 25 kW, charge_efficiency: 1, discharge_efficiency: 1}}",
            f"lossy cells {i}: {{kind: battery, node: {node}, capacity: 50 kWh, charge: 30 kW, "
            f"discharge: 25 kW, standing_loss: {between(0, 0.1)} 1/h{ends}}}",
            f"tank {i}: {{kind: heat_store, node: {node}, capacity: 80 kWh, charge: 40 kW, "
            f"discharge: 40 kW{loss}{ends}}}",
            f"homes {i}: {{kind: heat_demand, node: {node}, load: {{series: use, times: "
            f"{between(50, 150)} kW}}{dear}}}",
            f"flats {i}: {{kind: power_demand, node: {node}, load: {between(5, 90)} kW{dear}}}",
            f"roof {i}: {{kind: pv, node: {node}, peak: {between(10, 90)} kW, output: "
            f"{{series: use}}}}",
            f"chiller {i}: {{kind: chiller, node: {node}, cooling: 900 kW}}",
            f"offices {i}: {{kind: cooling_demand, node: {node}, load: {between(5, 90)} kW{dear}}}",
            f"absorber {i}: {{kind: absorption_chiller, node: {node}, cooling: 30 kW"
            f"{pick('', ', driving: 85 degC')}, rejection_water: {between(0, 2)} l/kWh}}",
            f"wet absorber {i}: {{kind: absorption_chiller, node: {node}, cooling: 20 kW, "
            f"rejects_to: node}}",
            f"cooler {i}: {{kind: heat_rejection, node: {node}, capacity: {between(20, 90)} kW, "
            f"takes: {pick('cooling', 'heat')}, cooler: "
            f"{pick('dry', 'wet, water_price: 5 EUR/m^3')}}}",
            f"own cooler {i}: {{kind: heat_rejection, node: {node}, capacity: 60 kW, "
            f"takes: rejected_heat, power_node: {pick(*nodes)}}}",
            f"centre {i}: {{kind: data_center, node: {node}, capacity: 120 kW, load: 20 kW, "
            f"cooling: {pick('air', 'liquid', 'immersion')}"
            f"{pick('', modes, modes + ', pue_max: 1.4, cooling_power: 5 %')}}}",
            f"pump {i}: {{kind: heat_pump, source: {pick('air', 'ground', f'centre {i}')}, "
            f"sink: {node}, heat: 60 kW{commitment}{pick('', ', cop: 3')}}}",
        ]
    more = np.random.default_rng(seed + 1000)  # the lot above stays as it is
    for i, node in enumerate(nodes):
        parts += plant(i, node, more)
        parts += sources(i, node, more)
    for i, (start, end) in enumerate((("plant", "east"), ("east", "west"), ("west", "plant"))):
        parts += [
            f"cable {i}: {{kind: power_line, from: {start}, to: {end}, capacity: 80 kW, "
            f"loss_share: {pick('0', '3 %')}, reversible: {pick('true', 'false')}}}",
            f"fibre {i}: {{kind: data_link, from: {start}, to: {end}, capacity: 3 GB/h, latency: "
            f"{between(1, 9)} ms, price: {pick('0', '0.1')} EUR/GB}}",
            f"cold pipe {i}: {{kind: cooling_pipe, from: {start}, to: {end}, length: 80 m, dn: 80, "
            f"reversible: {pick('true', 'false')}{pick('', f', pump: {start}')}}}",
            f"pipe {i}: {{kind: heat_pipe, from: {start}, to: {end}, length: 80 m, dn: 80, "
            f"reversible: {pick('true', 'false')}}}",
        ]
    jobs = ", ".join(
        f"{{job: job {j}, power: {between(5, 30)} kW, duration: {pick('0.5', '1', '1.5')} h, "
        f"release: 2023-01-16T0{lot.integers(0, 2)}:{pick('00', '15')}Z, deadline: "
        f"2023-01-16T03:{pick('30', '45')}Z, preemptible: "
        f"{pick('true', 'false')}, sites: [{pick('centre 0', 'centre 0, centre 1')}]"
        f"{pick('', f', home: {pick(*nodes)}, data: {between(0, 0.7)} GB, latency: 30 ms')}}}"
        for j in range(4)
    )
    parts += [
        f"jobs: {{kind: job_pool, sites: [centre 0, centre 1], jobs: [{jobs}]}}",
        "cryostat: {kind: quantum_center, node: plant, cryogenics: 20 kW, active: 9 kW, "
        "duty: 30 %, maintenance: [{after: 1 h, length: 1 h}]}",
        "circuits: {kind: job_pool, sites: [cryostat], resource: quantum, jobs: [{job: anneal, "
        "power: 5 kW, duration: 2.5 h, release: 2023-01-16T00:00Z, deadline: 2023-01-16T04:00Z, "
        "preemptible: true}]}",
    ]
    rows = "".join(
        f"2023-01-16T0{hour}:00Z,{between(-150, 300)},{between(-150, 300)},{between(0, 1)},"
        f"{between(-10, 25)},8,"
        f"{between(0.3, 1)}\n"
        for hour in range(HOURS)
    )
    text = f"""name: fleet {seed}
horizon: {{start: 2023-01-16T00:00Z, length: {HOURS} h, step: 1 h}}
carbon_price: 50 EUR/t
weather: {{file: fleet.csv, latitude: 50.1, longitude: 8.7}}
heat_network: {{supply: [{{air: -10 degC, water: 85 degC}}, {{air: 15 degC, water: 70 degC}}],
  return: 45 degC}}
series:
  buy: {{file: fleet.csv, column: buy, unit: EUR/MWh}}
  sell: {{file: fleet.csv, column: sell, unit: EUR/MWh}}
  use: {{file: fleet.csv, column: use, unit: "1"}}
nodes: {{plant: {{}}, east: {{}}, west: {{}}}}
components:
"""
    weather = "temperature [degC],ground temperature [degC],relative humidity [1]"
    table = f"time,buy,sell,use,{weather}\n{rows}"
    return text + "".join(f"  {part}\n" for part in parts), table


@pytest.fixture(scope="module", params=range(4))
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Solved:
    folder: Path = tmp_path_factory.mktemp("fleet")
    text, table = fleet(request.param)
    (folder / "fleet.yaml").write_text(text, encoding="utf-8")
    (folder / "fleet.csv").write_text(table, encoding="utf-8")
    return solve(folder / "fleet.yaml", Options(gap=0.05))


def test_the_plan_of_a_mixed_fleet_replays(mixed: Solved) -> None:
    assert mixed.verdict.ok, "\n".join(map(str, mixed.verdict.violations))
    assert mixed.verdict.cost == pytest.approx(mixed.plan.objective, abs=1e-5)


def test_recovered_heat_never_exceeds_what_loops_give(mixed: Solved) -> None:
    """Q_hp − P_hp ≤ η_rec · P_IT, and the reuse factor never exceeds one."""
    reuse = mixed.verdict.kpis["energy_reuse_factor"]
    assert reuse is not None and 0.0 <= reuse <= 1.0
    pue = mixed.verdict.kpis["pue"]
    assert pue is not None and pue >= 1.0
