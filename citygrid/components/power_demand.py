"""Electric demand of buildings at a node."""

from __future__ import annotations

from typing import Any

from citygrid.components.common.demand import Demand, formulate_demand, replay_demand
from citygrid.components.contract import Flows, Port, Units
from citygrid.components.log import Log


class PowerDemand(Demand):
    """Electric demand of a node: ``served + unserved = load`` in every step [kW]."""

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def formulate(m: Any, c: Any) -> None:
    """The load is served, or shed at its price."""
    formulate_demand(m, c, "power")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Compare what was served with the load."""
    replay_demand(c, flows, log, "power")
    log.measure("power_served", flows["served"])
