"""The districts in PyPSA, by linopy and HiGHS."""

from __future__ import annotations

import sys

import cases
import pypsa


def year() -> pypsa.Network:
    heat, gas, spot = cases.year()
    network = pypsa.Network()
    network.set_snapshots(range(len(heat)))
    for bus in ("heat", "gas", "power", "waste"):
        network.add("Bus", bus)
    network.add("Generator", "gas", bus="gas", p_nom=1e3,
                marginal_cost=[g + cases.GAS_EXTRA for g in gas])  # fmt: skip
    network.add("Generator", "grid", bus="power", p_nom=1e3,
                marginal_cost=[s + cases.POWER_EXTRA for s in spot])  # fmt: skip
    network.add("Generator", "waste heat", bus="waste", p_nom=cases.WASTE_HEAT)
    network.add("Link", "boiler", bus0="gas", bus1="heat", efficiency=cases.EFFICIENCY,
                p_nom=cases.BOILER / cases.EFFICIENCY)  # fmt: skip
    network.add("Link", "pump", bus0="power", bus1="heat", bus2="waste", efficiency=cases.COP,
                efficiency2=1.0 - cases.COP, p_nom=cases.PUMP / cases.COP)  # fmt: skip
    network.add("StorageUnit", "store", bus="heat", p_nom=cases.RATE,
                max_hours=cases.STORE / cases.RATE, standing_loss=cases.LOSS,
                cyclic_state_of_charge=True)  # fmt: skip
    network.add("Load", "town", bus="heat", p_set=heat)
    return network


def week() -> pypsa.Network:
    network = pypsa.Network()
    network.set_snapshots(range(cases.HOURS))
    network.add("Bus", "bus")
    network.add("Load", "city", bus="bus", p_set=cases.load())
    for i, (most, least, cost, start) in enumerate(cases.UNITS):
        network.add("Generator", f"unit {i}", bus="bus", p_nom=most, p_min_pu=least / most,
                    marginal_cost=cost, start_up_cost=start, committable=True,
                    up_time_before=0, down_time_before=1)  # fmt: skip
    return network


def main(case: str) -> None:
    network = year() if case == "year" else week()
    status, how = network.optimize(
        solver_name="highs", mip_rel_gap=cases.GAP, output_flag=False, log_to_console=False
    )
    assert (status, how) == ("ok", "optimal"), (status, how)
    print(network.objective + getattr(network, "objective_constant", 0.0))


main(sys.argv[1])
