"""Sale of hydrogen: a filling station, a pipeline or industry that buys it, perhaps by contract."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import Energy, HourlyPrice, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class HydrogenSale(Component):
    """Buyer of hydrogen at a node: ``0 ≤ sold ≤ max`` [kW] and ``Σ sold · Δt ≥ least`` [kWh].

    By the lower heating value, 33.33 kWh/kg: 6 EUR/kg are 0.18 EUR/kWh; a series in EUR/kg is taken
    with ``times: 0.03 kg/kWh``.
    """

    group = "demand"
    node: Node
    price: HourlyPrice = Field(description="paid per kWh of hydrogen (lower heating value)")
    max: Power | None = Field(None, description="largest take-off; left out, no limit")
    least: Energy = Field(0.0, description="to be delivered over the horizon, by contract")

    def ports(self, name: str) -> list[Port]:
        return [Port("hydrogen", "draw", self.node)]


def formulate(m: Speaker, c: Fleet) -> None:
    """Sell at a price, and at least what the contract says."""
    sold = m.variable("sold", c.axis, m.time, upper=c.max, about="hydrogen sold")
    m.draw("hydrogen", c.text("node"), sold)
    bound = c.axis.only(c.least.values > 0, "bound")
    if len(bound):
        delivered = (sold.only(bound) * c.step).sum("time")
        m.constrain("least", delivered >= c.least.only(bound), "delivered over the horizon")
    m.cost("revenue", sold * (-c.price) * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Add up what was delivered and paid."""
    sold = flows["sold"]
    log.within("take-off within its limit", sold, 0.0, c["max"])
    delivered = sold.sum(axis=1, keepdims=True) * c.step
    log.within("the contract is fulfilled", delivered, c["least"], unit="kWh")
    log.draws("hydrogen", c.places("node"), sold)
    log.pays("revenue", -sold * c["price"] * c.step)
    log.measure("hydrogen_sold", sold)


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """What is still to be delivered of a contract."""
    if step == 0:
        return {}
    left = c["least"].ravel() - flows["sold"][:, :step].sum(axis=1) * c.step
    return {"least": Parameter(("hydrogen_sale",), np.maximum(left, 0.0), "kWh")}


def open_end(c: Units, steps: int) -> dict[str, Parameter]:
    """A contract may be fulfilled later."""
    return {"least": Parameter(("hydrogen_sale",), np.zeros(len(c)), "kWh")}
