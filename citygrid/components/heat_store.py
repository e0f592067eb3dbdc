"""Heat store: a tank of hot water that loses heat through its wall."""

from __future__ import annotations

from collections.abc import Mapping

from citygrid.components.common.storage import (
    Storage,
    check_store,
    formulate_storage,
    replay_storage,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class HeatStore(Storage):
    """Hot-water tank of a node: ``E_t = E_{t−1}(1 − s Δt) + η_c c Δt − d Δt / η_d`` [kWh].

    A cubic metre of water holds 1.16 kWh per kelvin between supply and return.
    """

    group = "heat"

    def ports(self, name: str) -> list[Port]:
        return self._ports("heat")


def prepare(specs: Mapping[str, HeatStore], world: World) -> dict[str, Parameter]:
    """Nothing to derive; losses and levels are checked."""
    check_store(specs, world)
    return {}


def formulate(m: Speaker, c: Fleet) -> None:
    """Charge and discharge at the heat balance."""
    formulate_storage(m, c, "heat")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """March the level from charge and discharge."""
    replay_storage(c, flows, log, "heat")
