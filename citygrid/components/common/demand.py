"""A demand that must be met, or shed at a price where the district names one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyDemand, Node, Priority, ShortfallPrice
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Demand(Component):
    """Fields of a demand."""

    group = "demand"
    node: Node
    load: HourlyDemand = Field(description="demand per step, or a standard profile")
    unserved_price: ShortfallPrice | None = Field(
        None, description="what a kWh not served costs; without it, every kWh must be served"
    )

    priority: Priority = Field(
        "normal", description="what is shed first when there is not enough for all: in studies of "
        "outages, which put a price on every kWh not served"
    )  # fmt: skip

    @classmethod
    def soften(cls, units: Units, prices: Mapping[str, float]) -> dict[str, Parameter]:
        """Every kWh may be shed, at the price of its priority or its own if that is higher."""
        return {"unserved_price": shed_price(units, "unserved_price", prices)}

    def _ports(self, carrier: str) -> list[Port]:
        return [Port(carrier, "draw", self.node)]


def shed_price(units: Units, name: str, prices: Mapping[str, float]) -> Parameter:
    """The price [EUR/kWh] of each priority (n), or the one that the file states if it is higher."""
    stated = units.parameters[name].values
    least = np.array([prices[priority] for priority in units.places("priority")])
    return Parameter((units.kind,), np.where(np.isfinite(stated), np.maximum(stated, least), least),
                     "EUR/kWh")  # fmt: skip


def prepare_demand(
    specs: Mapping[str, Demand], world: World, kind: str, carrier: str
) -> dict[str, Parameter]:
    """The load of every step [kW], from a series or a standard profile."""
    loads = [world.demand(spec.load, carrier, name, "load") for name, spec in specs.items()]
    return {"load": Parameter((kind, "time"), np.array(loads), "kW")}


def formulate_demand(m: Speaker, c: Fleet, carrier: str) -> None:
    """``served + unserved = load``; unserved load exists only where it has a price."""
    may_shed = np.isfinite(c.unserved_price.values)
    sheddable = c.axis.only(may_shed, "sheddable")
    least = c.known(np.where(may_shed[:, None], 0.0, c.load.values), c.axis, m.time)
    served = m.variable("served", c.axis, m.time, lower=least, upper=c.load, about="load served")
    m.draw(carrier, c.text("node"), served)
    if len(sheddable):
        load = c.load.only(sheddable)
        unserved = m.variable("unserved", sheddable, m.time, upper=load, about="load not served")
        m.constrain("load", served.only(sheddable) + unserved == load, "served or paid for")
        m.cost("unserved", unserved * c.unserved_price.only(sheddable) * c.step)


def replay_demand(c: Units, flows: Flows, log: Log, carrier: str) -> None:
    """What is not served is missing, and has to be paid for where that is allowed."""
    served = flows["served"]
    missing = c["load"] - served
    may_shed = np.isfinite(c["unserved_price"])
    log.within("served is at most the load", served, 0.0, c["load"])
    log.equal("load is served", np.where(may_shed, 0.0, served), np.where(may_shed, 0.0, c["load"]))
    log.equal("unserved is what is missing", flows.spread("unserved", 0.0, served.shape),
              np.where(may_shed, missing, 0.0), scale=c["load"])  # fmt: skip
    if may_shed.any():
        price = np.where(may_shed, c["unserved_price"], 0.0)
        log.pays("unserved", np.where(may_shed, missing, 0.0) * price * c.step)
    log.measure("unserved", np.maximum(missing, 0.0))
    log.sheds(carrier, c.places("priority"), missing)
    log.draws(carrier, c.places("node"), served)
