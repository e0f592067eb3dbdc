"""The districts in flixOpt, by linopy and HiGHS."""

from __future__ import annotations

import sys

import cases
import flixopt as fx
import numpy as np
import pandas as pd


def _system(start: str, hours: int, *buses: str) -> fx.FlowSystem:
    system = fx.FlowSystem(pd.date_range(start, periods=hours, freq="h"))
    system.add_elements(fx.Effect("costs", "EUR", "Costs", is_standard=True, is_objective=True),
                        *(fx.Bus(bus) for bus in buses))  # fmt: skip
    return system


def year() -> fx.FlowSystem:
    heat, gas, spot = (np.array(series) for series in cases.year())
    system = _system("2019-01-01", len(heat), "heat", "gas", "power", "waste")
    rate = cases.RATE
    system.add_elements(
        fx.Source("gas grid", outputs=[fx.Flow("gas", bus="gas", size=1e3,
            effects_per_flow_hour=gas + cases.GAS_EXTRA)]),
        fx.Source("power grid", outputs=[fx.Flow("power", bus="power", size=1e3,
            effects_per_flow_hour=spot + cases.POWER_EXTRA)]),
        fx.Source("centre", outputs=[fx.Flow("waste", bus="waste", size=cases.WASTE_HEAT)]),
        fx.LinearConverter("boiler", inputs=[fx.Flow("gas", bus="gas", size=1e3)],
            outputs=[fx.Flow("heat", bus="heat", size=cases.BOILER)],
            conversion_factors=[{"gas": cases.EFFICIENCY, "heat": 1.0}]),
        fx.LinearConverter("pump", inputs=[fx.Flow("power", bus="power", size=1e3),
                                           fx.Flow("waste", bus="waste", size=1e3)],
            outputs=[fx.Flow("heat", bus="heat", size=cases.PUMP)],
            conversion_factors=[{"power": cases.COP, "heat": 1.0},
                                {"waste": 1.0, "heat": 1.0 - 1.0 / cases.COP}]),
        fx.Storage("store", charging=fx.Flow("in", bus="heat", size=rate),
            discharging=fx.Flow("out", bus="heat", size=rate), capacity_in_flow_hours=cases.STORE,
            initial_charge_state="equals_final", relative_loss_per_hour=cases.LOSS,
            prevent_simultaneous_charge_and_discharge=False),
        fx.Sink("town", inputs=[fx.Flow("heat", bus="heat", size=1.0,
            fixed_relative_profile=heat)]),
    )  # fmt: skip
    return system


def week() -> fx.FlowSystem:
    system = _system("2023-01-02", cases.HOURS, "bus")
    system.add_elements(fx.Sink("city", inputs=[fx.Flow(
        "load", bus="bus", size=1.0, fixed_relative_profile=np.array(cases.load()))]))  # fmt: skip
    for i, (most, least, cost, start) in enumerate(cases.UNITS):
        system.add_elements(fx.Source(f"unit {i}", outputs=[fx.Flow(
            "power", bus="bus", size=most, relative_minimum=least / most,
            effects_per_flow_hour=cost, previous_flow_rate=0.0,
            status_parameters=fx.StatusParameters(effects_per_startup=start))]))  # fmt: skip
    return system


def main(case: str) -> None:
    system = year() if case == "year" else week()
    system.optimize(fx.solvers.HighsSolver(mip_gap=cases.GAP, log_to_console=False))
    print(float(system.solution["objective"]))


main(sys.argv[1])
