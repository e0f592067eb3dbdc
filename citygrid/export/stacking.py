"""What stacks, bars and curves are made of: kinds by carrier, in one order and under one name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from citygrid.arrays import Floats
from citygrid.export.flows import Dispatch
from citygrid.export.palette import LOOKS

#: Carrier → what it is called in a heading; they come in this order.
CARRIERS = {"heat": "Heat", "power": "Power", "waste_heat": "Waste heat of computing centres",
            "cooling": "Cooling", "compute": "Compute", "quantum": "Quantum compute",
            "gas": "Fuel", "hydrogen": "Hydrogen"}  # fmt: skip
#: Share of the largest power below which a kind is not drawn.
NOTHING = 1e-6


def carriers_of(moved: Dispatch) -> list[str]:
    """All carriers of a dispatch, the usual ones first."""
    usual = [carrier for carrier in CARRIERS if carrier in moved.carriers]
    return [*usual, *(carrier for carrier in moved.carriers if carrier not in CARRIERS)]


def name_of(carrier: str) -> str:
    """A carrier as a heading says it."""
    return CARRIERS.get(carrier, carrier.replace("_", " ").capitalize())


def by_kind(moved: Dispatch, carrier: str) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """What every kind fed and drew of a carrier in every step (T) [kW], both positive."""
    amounts = np.nan_to_num(moved.carriers[carrier])
    fed: dict[str, Floats] = {}
    drawn: dict[str, Floats] = {}
    for i, asset in enumerate(moved.assets):
        for target, part in ((fed, np.maximum(amounts[i], 0)), (drawn, np.maximum(-amounts[i], 0))):
            if part.any():
                target[asset.kind] = target.get(asset.kind, 0.0) + part
    return fed, drawn


def order(kind: str, known: Sequence[str]) -> int:
    """Demands next to the axis, losses outermost, the rest as in the palette."""
    ends = {"heat_demand": -2, "power_demand": -1, "heat_pipe": 98, "power_line": 99}
    place = list(LOOKS).index(kind) if kind in LOOKS else 50 + list(known).index(kind)
    return ends.get(kind, place)


def power_scale(largest: float) -> tuple[float, str]:
    """What a power [kW] is divided by to be read well, and the unit that it then has."""
    return (1000.0, "MW") if largest >= 10_000 else (1.0, "kW")
