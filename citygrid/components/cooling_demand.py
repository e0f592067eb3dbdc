"""Cooling demand of buildings at a node: server rooms, offices, cold stores, hospitals."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from citygrid.components.common.demand import (
    Demand,
    formulate_demand,
    prepare_demand,
    replay_demand,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyPower
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class CoolingDemand(Demand):
    """Cold that a node asks for: ``served + unserved = load`` in every step [kW].

    Drawn from the carrier ``cooling``, as centres do, so that chillers, absorption chillers and
    cold pipes serve both. There is no standard profile of cold: the load is a number or a series.
    """

    memoryless = True
    load: HourlyPower = Field(description="cold asked for per step")

    def ports(self, name: str) -> list[Port]:
        return self._ports("cooling")


def prepare(specs: Mapping[str, CoolingDemand], world: World) -> dict[str, Parameter]:
    """The load of every step."""
    return prepare_demand(specs, world, "cooling_demand", "cooling")


def formulate(m: Speaker, c: Fleet) -> None:
    """The load is served, or shed at its price."""
    formulate_demand(m, c, "cooling")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Compare what was served with the load."""
    replay_demand(c, flows, log, "cooling")
    log.measure("cooling_delivered", flows["served"])
