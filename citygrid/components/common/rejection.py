"""Heat to the air and the water that a wet cooler evaporates for it.

The water of a tower: a kWh evaporates 3600 kJ / 2430 kJ/kg = 1.48 l; at four cycles of
concentration a third of that is blown down, together 1.98 l/kWh.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.contract import Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Known, Speaker

#: Heat that a litre of water takes along [kJ/kg] at some 30 °C.
EVAPORATION_HEAT = 2430.0
#: How often a tower's water is thickened before it is let out.
CYCLES = 4.0
#: Water of a wet tower [l/kWh of heat].
TOWER_WATER = 3600.0 / EVAPORATION_HEAT * CYCLES / (CYCLES - 1.0)


def formulate_water(
    m: Speaker, c: Fleet, heat: Amount, water: Known, cost: Known | None = None
) -> None:
    """Enter the water [l] of heat left to the air [kW] in the ledger, and what it costs.

    ``water`` [l/kWh] and ``cost`` [EUR/kWh] are per heat, one number per component.
    """
    wet = c.axis.only(np.asarray(water.values > 0), "wet")
    if len(wet):
        heat = heat.only(wet)
        money = None if cost is None else heat * cost.only(wet) * c.step
        m.cost("water", money, water=heat * water.only(wet) * c.step)


def replay_rejection(c: Units, log: Log, heat: Floats, water: Floats, cost: Floats | float) -> None:
    """Count heat left to the air [kW], its water [l/kWh] and what that costs [EUR/kWh]."""
    log.measure("heat_rejected", heat)
    if (water > 0).any():
        log.pays("water", heat * cost * c.step, water=heat * water * c.step)
