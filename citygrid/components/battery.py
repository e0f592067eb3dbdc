"""Battery: electric storage with losses on the way in and out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.components.common.storage import (
    Storage,
    carry_storage,
    check_store,
    formulate_storage,
    open_storage,
    replay_storage,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Energy, Price
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Battery(Storage):
    """Battery of a node: ``E_t = E_{t−1}(1 − s Δt) + η_c c Δt − d Δt / η_d`` [kWh]."""

    group = "power"
    capacity: Energy = Field(description="usable energy")
    charge_efficiency: Efficiency = Field(0.96, description="energy stored per energy taken in")
    discharge_efficiency: Efficiency = Field(0.96, description="energy given per energy released")

    wear: Price = Field(0.0, ge=0, description="ageing that a discharged kWh costs")

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def prepare(specs: Mapping[str, Battery], world: World) -> dict[str, Parameter]:
    """Steps in which burning power in the battery could pay; losses and levels are checked.

    Of a kWh that is charged and discharged at once ``1 − η`` are lost (η both efficiencies), and
    its wear is paid: burning pays below a price of ``−wear · η / (1 − η)``.
    """
    check_store(specs, world)
    worthless = []
    for spec in specs.values():
        kept = spec.charge_efficiency * spec.discharge_efficiency
        margin = spec.wear * kept / (1.0 - kept) if kept < 1.0 else 0.0
        worthless.append(world.worthless("power", spec.node, margin))
    return {"worthless": Parameter(("battery", "time"), np.array(worthless))}


def formulate(m: Speaker, c: Fleet) -> None:
    """Charge and discharge at the power balance, and pay the wear."""
    discharge = formulate_storage(m, c, "power", worthless=c.flags("worthless"))
    wearing = c.axis.only(c.wear.values > 0, "wearing")
    if len(wearing):
        m.cost("wear", discharge.only(wearing) * c.wear.only(wearing) * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """March the level from charge and discharge."""
    replay_storage(c, flows, log, "power", worthless=c["worthless"])
    if (c["wear"] > 0).any():
        log.pays("wear", flows["discharge"] * c["wear"] * c.step)


def carry(units: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The level, and that the rent is paid."""
    return carry_storage(units, flows, step)


def open_end(units: Units, steps: int) -> dict[str, Parameter]:
    """Nothing is asked of the level where the horizon goes on."""
    return open_storage(units)
