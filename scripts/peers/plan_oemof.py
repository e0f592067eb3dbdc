"""The districts in oemof-solph, by Pyomo and HiGHS."""

from __future__ import annotations

import sys

import cases
import pandas as pd
from oemof import solph


def year() -> solph.EnergySystem:
    heat_load, gas_price, spot = cases.year()
    hours = pd.date_range("2019-01-01", periods=len(heat_load) + 1, freq="h")
    system = solph.EnergySystem(timeindex=hours, infer_last_interval=False)
    heat, gas, power, waste = (solph.Bus(label=n) for n in ("heat", "gas", "power", "waste"))
    flow = solph.Flow
    system.add(
        heat, gas, power, waste,
        solph.components.Source(label="gas grid", outputs={gas: flow(
            variable_costs=[g + cases.GAS_EXTRA for g in gas_price])}),
        solph.components.Source(label="power grid", outputs={power: flow(
            variable_costs=[s + cases.POWER_EXTRA for s in spot])}),
        solph.components.Source(label="centre", outputs={waste: flow(
            nominal_capacity=cases.WASTE_HEAT)}),
        solph.components.Converter(
            label="boiler", inputs={gas: flow()},
            outputs={heat: flow(nominal_capacity=cases.BOILER)},
            conversion_factors={gas: 1.0 / cases.EFFICIENCY},
        ),
        solph.components.Converter(
            label="pump", inputs={power: flow(), waste: flow()},
            outputs={heat: flow(nominal_capacity=cases.PUMP)},
            conversion_factors={power: 1.0 / cases.COP, waste: 1.0 - 1.0 / cases.COP},
        ),
        solph.components.GenericStorage(
            label="store", nominal_capacity=cases.STORE, loss_rate=cases.LOSS,
            inputs={heat: flow(nominal_capacity=cases.RATE)},
            outputs={heat: flow(nominal_capacity=cases.RATE)},
        ),
        solph.components.Sink(label="town", inputs={heat: flow(
            nominal_capacity=1.0, fix=heat_load)}),
    )  # fmt: skip
    return system


def week() -> solph.EnergySystem:
    hours = pd.date_range("2023-01-02", periods=cases.HOURS + 1, freq="h")
    system = solph.EnergySystem(timeindex=hours, infer_last_interval=False)
    bus = solph.Bus(label="bus")
    system.add(bus)
    system.add(solph.components.Sink(label="city", inputs={bus: solph.Flow(
        nominal_capacity=1.0, fix=cases.load())}))  # fmt: skip
    for i, (most, least, cost, start) in enumerate(cases.UNITS):
        system.add(solph.components.Source(label=f"unit {i}", outputs={bus: solph.Flow(
            nominal_capacity=most, minimum=least / most, variable_costs=cost,
            nonconvex=solph.NonConvex(startup_costs=start, initial_status=0))}))  # fmt: skip
    return system


def main(case: str) -> None:
    system = year() if case == "year" else week()
    model = solph.Model(system)
    model.solve(solver="highs", solve_kwargs={"tee": False},
                cmdline_options={"mip_rel_gap": cases.GAP})  # fmt: skip
    print(model.objective())


main(sys.argv[1])
