"""The benchmark's districts as a user of linopy writes them: the same rows, columns and numbers.

Each quantity is one variable over (zone × time) or (unit × time), each rule one vectorised
constraint; balances are sums over an axis or by group, which is linopy's own way. A test holds
sizes and optima against those of the form.
"""

from __future__ import annotations

from typing import Any

from citygrid.bench.build.districts import (
    CROWD,
    LONELY,
    ZONES,
    heat_of,
    hub_load,
    power_of,
    unit_cost,
)


def regular_model(hours: int) -> Any:
    """The regular district as a linopy model."""
    import linopy
    import numpy as np
    import pandas as pd
    import xarray as xr

    zone = pd.RangeIndex(1, ZONES + 1, name="zone")
    time = pd.RangeIndex(hours, name="time")
    place = pd.RangeIndex(0, ZONES + 1, name="place")  # the plant is 0
    model = linopy.Model()
    one = xr.DataArray(np.ones((ZONES, hours)), coords=[zone, time])

    def variable(name: str, upper: float = np.inf) -> Any:
        return model.add_variables(lower=0, upper=upper, coords=[zone, time], name=name)

    heat_load = xr.DataArray([float(heat_of(z)) for z in zone], coords=[zone]) * one
    power_load = xr.DataArray([float(power_of(z)) for z in zone], coords=[zone]) * one
    imported = model.add_variables(lower=0, upper=50_000, coords=[time], name="import")
    exported = model.add_variables(lower=0, upper=0, coords=[time], name="export")
    warm = model.add_variables(lower=heat_load, upper=heat_load, name="heat_served")
    powered = model.add_variables(lower=power_load, upper=power_load, name="power_served")
    pump, boiler = variable("pump", 300), variable("boiler", 400)
    on = model.add_variables(binary=True, coords=[zone, time], name="pump_on")
    gas = variable("gas")
    level, charge, discharge = variable("level", 1000), variable("charge", 200), variable(
        "discharge", 200)  # fmt: skip
    kept, taken, given = variable("kept", 200), variable("taken", 100), variable("given", 100)
    charging = model.add_variables(binary=True, coords=[zone, time], name="charging")
    sun = variable("sun", 30)
    flow, back = variable("flow", 1000), variable("back", 1000)
    stored = model.add_variables(binary=True, coords=[place, time], name="stored")

    model.add_constraints(pump - 300 * on <= 0, name="capacity")
    model.add_constraints(pump - 90 * on >= 0, name="minimum_load")
    model.add_constraints(level - level.roll(time=1) - charge + discharge == 0, name="tank")
    model.add_constraints(kept - kept.roll(time=1) - 0.96 * taken + given / 0.96 == 0, name="cells")
    model.add_constraints(taken - 100 * charging <= 0, name="charge_alone")
    model.add_constraints(given + 100 * charging <= 100, name="discharge_alone")
    here = stored.sel(place=slice(1, None)).rename(place="zone")
    plant = stored.sel(place=0)
    model.add_constraints(taken + 100 * here <= 100, name="takes")
    model.add_constraints(given - 100 * here <= 0, name="gives")
    model.add_constraints(flow - 1000 * here + 1000 * plant <= 1000, name="carried")
    model.add_constraints(back + 1000 * here - 1000 * plant <= 1000, name="carried_back")
    model.add_constraints(
        imported - exported - flow.sum("zone") + back.sum("zone") == 0, name="plant_power"
    )
    model.add_constraints(
        sun + given - taken + flow - back - pump / 3 - powered == 0, name="zone_power"
    )
    model.add_constraints(pump + boiler + discharge - charge - warm == 0, name="heat")
    model.add_constraints(gas - boiler / 0.95 == 0, name="gas_balance")
    model.add_objective(0.2 * imported.sum() + 0.07 * gas.sum())
    return model


def hub_model(hours: int) -> Any:
    """The district with a crowded hub as a linopy model."""
    import linopy
    import numpy as np
    import pandas as pd
    import xarray as xr

    unit = pd.RangeIndex(CROWD + LONELY, name="unit")
    node = pd.RangeIndex(LONELY + 1, name="node")
    time = pd.RangeIndex(hours, name="time")
    at = xr.DataArray([0] * CROWD + list(range(1, LONELY + 1)), coords=[unit], name="node")
    loads = xr.DataArray([float(hub_load(n)) for n in node], coords=[node])
    loads = loads * xr.DataArray(np.ones(hours), coords=[time])
    model = linopy.Model()
    power = model.add_variables(lower=0, upper=100, coords=[unit, time], name="power")
    served = model.add_variables(lower=loads, upper=loads, name="served")
    model.add_constraints(power.groupby(at).sum() - served == 0, name="balance")
    cost = xr.DataArray([unit_cost(u) / 1000 for u in unit], coords=[unit])
    model.add_objective((power * cost).sum())
    return model
