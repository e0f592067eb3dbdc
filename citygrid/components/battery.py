"""Battery: electric storage with losses on the way in and out."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from citygrid.components.common.storage import (
    Storage,
    check_store,
    formulate_storage,
    replay_storage,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Energy
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Battery(Storage):
    """Battery of a node: ``E_t = E_{t−1}(1 − s Δt) + η_c c Δt − d Δt / η_d`` [kWh]."""

    group = "power"
    capacity: Energy = Field(description="usable energy")
    charge_efficiency: Efficiency = Field(0.96, description="energy stored per energy taken in")
    discharge_efficiency: Efficiency = Field(0.96, description="energy given per energy released")

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def prepare(specs: Mapping[str, Battery], world: World) -> dict[str, Parameter]:
    """Nothing to derive; losses and levels are checked."""
    check_store(specs, world)
    return {}


def formulate(m: Speaker, c: Fleet) -> None:
    """Charge and discharge at the power balance."""
    formulate_storage(m, c, "power")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """March the level from charge and discharge."""
    replay_storage(c, flows, log, "power")
