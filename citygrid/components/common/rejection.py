"""Heat to the air and the water that a wet cooler evaporates for it.

The water of a tower: a kWh evaporates 3600 kJ / 2430 kJ/kg = 1.48 l; at four cycles of
concentration a third of that is blown down, together 1.98 l/kWh.
"""

from __future__ import annotations

from citygrid.arrays import Floats
from citygrid.components.log import Log

#: Heat that a litre of water takes along [kJ/kg] at some 30 °C.
EVAPORATION_HEAT = 2430.0
#: How often a tower's water is thickened before it is let out.
CYCLES = 4.0
#: Water of a wet tower [l/kWh of heat].
TOWER_WATER = 3600.0 / EVAPORATION_HEAT * CYCLES / (CYCLES - 1.0)


def measure_rejection(log: Log, heat: Floats, water: Floats) -> None:
    """Count heat [kW] left to the air, and its water [l/kWh] as ``water`` [l/h]."""
    log.measure("heat_rejected", heat)
    log.measure("water", heat * water)
