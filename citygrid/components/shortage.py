"""What a node lacks, or has too much of, at a price: the last resort of a plan."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from citygrid.components.contract import Component, Flows, Port, Units
from citygrid.components.fields import Label, Node, Priority, ShortfallPrice
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class Shortage(Component):
    """A carrier that a node may lack: ``lacking`` [kW] is fed, for ``price`` a kWh.

    What is fed does not exist: it stands for loads that go without. So the price is that of lost
    load, dear enough that nothing is short that could be served. With a ``surplus_price`` the node
    may also have too much, which is vented, run to earth or thrown away.
    """

    group = "demand"
    memoryless = True
    node: Node
    carrier: Label = Field(description="what may be short: power, heat, cooling, gas, …")
    price: ShortfallPrice = Field(description="of a kWh that is missing")
    surplus_price: ShortfallPrice | None = Field(
        None, description="of a kWh too much; without it, all that is fed must be drawn"
    )
    priority: Priority = Field("critical", description="of the loads that go without")

    def ports(self, name: str) -> list[Port]:
        surplus = [] if self.surplus_price is None else [Port(self.carrier, "draw", self.node)]
        return [Port(self.carrier, "feed", self.node), *surplus]


def formulate(m: Speaker, c: Fleet) -> None:
    """Feed what lacks and draw what is too much, each at its price."""
    lacking = m.variable("lacking", c.axis, m.time, about="demand that goes without")
    m.cost("lacking", lacking * c.price * c.step)
    spilling = c.axis.only(np.isfinite(c.surplus_price.values), "spilling")
    surplus = None
    if len(spilling):
        surplus = m.variable("surplus", spilling, m.time, about="what is thrown away")
        m.cost("surplus", surplus * c.surplus_price.only(spilling) * c.step)
    for carrier in sorted(set(c.text("carrier"))):
        here = c.axis.only(np.array([each == carrier for each in c.text("carrier")]), carrier)
        m.feed(carrier, c.text("node", here), lacking.only(here))
        if surplus is None:
            continue
        too = spilling.only(np.isin(spilling.positions, here.positions), carrier)
        if len(too):
            m.draw(carrier, c.text("node", too), surplus.only(too))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Pay for what lacks and for what is too much, and say who goes without."""
    lacking = flows["lacking"]
    surplus = flows.spread("surplus", 0.0, lacking.shape)
    spills = np.isfinite(c["surplus_price"])
    log.within("what lacks is not negative", lacking, low=0.0)
    log.within("too much only where that has a price", surplus, 0.0, np.where(spills, np.inf, 0.0))
    log.pays("lacking", lacking * c["price"] * c.step)
    if spills.any():
        log.pays("surplus", surplus * np.where(spills, c["surplus_price"], 0.0) * c.step)
    carriers, names = c.places("carrier"), np.array(c.names, dtype=object)
    for carrier in sorted(set(carriers)):
        here = carriers == carrier
        log.feeds(carrier, c.places("node")[here], lacking[here], names[here])
        log.sheds(carrier, c.places("priority")[here], lacking[here], names[here])
        too = here & spills.ravel()
        if too.any():
            log.draws(carrier, c.places("node")[too], surplus[too], names[too])
    log.measure("unserved", lacking)
