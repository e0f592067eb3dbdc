"""Heat demand of buildings at a node of the heat network."""

from __future__ import annotations

from collections.abc import Mapping

from citygrid.components.common.demand import (
    Demand,
    formulate_demand,
    prepare_demand,
    replay_demand,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class HeatDemand(Demand):
    """Heat demand of a node: ``served + unserved = load`` in every step [kW]."""

    memoryless = True

    def ports(self, name: str) -> list[Port]:
        return self._ports("heat")


def prepare(specs: Mapping[str, HeatDemand], world: World) -> dict[str, Parameter]:
    """The load of every step."""
    return prepare_demand(specs, world, "heat_demand", "heat")


def formulate(m: Speaker, c: Fleet) -> None:
    """The load is served, or shed at its price."""
    formulate_demand(m, c, "heat")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Compare what was served with the load."""
    replay_demand(c, flows, log, "heat")
    log.measure("heat_delivered", flows["served"])
