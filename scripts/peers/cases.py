"""The two districts that every tool plans: plain numbers, so that all are given the same.

``year``: the heat of Flensburg in 2019 from a gas boiler, a heat pump on waste heat, and a store; a
linear programme over 8,760 hours. ``week``: five generators with minimum loads and start costs on
one busbar over 168 hours, all of them off before; a mixed-integer programme. Minimum up and down
times are left out, because the tools differ in what they take for granted before the first hour.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data" / "flensburg_2019" / "heat_and_prices.csv"

#: Of the year [MW, MWh, 1]; gas and power pay these on top of their series [EUR/MWh].
BOILER, EFFICIENCY, GAS_EXTRA = 20.0, 0.95, 1.045
PUMP, COP, POWER_EXTRA, WASTE_HEAT = 10.0, 3.5, 4.2, 6.0
STORE, RATE, LOSS = 175.0, 175.0 / 24.0, 0.001

#: Of the week: most and least output [MW], cost [EUR/MWh], cost of a start [EUR].
UNITS = ((455.0, 150.0, 16.2, 4500.0), (300.0, 100.0, 17.3, 3000.0), (160.0, 40.0, 19.7, 900.0),
         (130.0, 25.0, 22.3, 560.0), (80.0, 20.0, 27.7, 170.0))  # fmt: skip
HOURS = 168
#: Relative gap of the week.
GAP = 1e-5


def year() -> tuple[list[float], list[float], list[float]]:
    """Heat [MW], price of gas and price of power [EUR/MWh] of every hour."""
    with DATA.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    heat, gas, spot = (
        [float(row[name]) for row in rows]
        for name in ("heat [MW]", "gas [EUR/MWh]", "spot [EUR/MWh]")
    )
    return heat, gas, spot


def load() -> list[float]:
    """Load of the week's hours [MW]: two peaks a day, less at the weekend."""
    found = []
    for hour in range(HOURS):
        day, clock = divmod(hour, 24)
        shape = 0.62 + 0.2 * math.sin((clock - 7) * math.pi / 12)
        shape += 0.12 * math.sin((clock - 3) * math.pi / 6)
        found.append(round(900.0 * shape * (0.8 if day >= 5 else 1.0) + 7.0 * (hour % 5), 3))
    return found
