"""Supply of a fuel (natural gas, biomethane) at a node, with its price and carbon."""

from __future__ import annotations

from pydantic import Field

from citygrid.components.contract import Component, Flows, Port, Units
from citygrid.components.fields import CarbonFactor, HourlyPrice, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class Fuel(Component):
    """Fuel supplied to the boilers and engines of a node (carrier ``gas``).

    Cost is ``Σ_t price · supplied · Δt`` [EUR], carbon ``Σ_t factor · supplied · Δt`` [kg], both
    per kWh of the same heating value as the units' efficiencies.
    """

    group = "fuel"
    memoryless = True
    node: Node
    price: HourlyPrice = Field(description="price per kWh of fuel, all charges included")
    carbon: CarbonFactor = Field(0.0, description="emission factor of the fuel")
    max: Power | None = Field(None, description="capacity of the supply; left out, no limit")

    def ports(self, name: str) -> list[Port]:
        return [Port("gas", "feed", self.node)]


def formulate(m: Speaker, c: Fleet) -> None:
    """Supply at a price."""
    supplied = m.variable("supplied", c.axis, m.time, upper=c.max, about="fuel supplied")
    m.feed("gas", c.text("node"), supplied)
    m.cost("fuel", supplied * c.price * c.step, carbon=supplied * c.carbon * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Pay for what was supplied."""
    supplied = flows["supplied"]
    log.within("supply within its capacity", supplied, 0.0, c["max"])
    log.pays("fuel", supplied * c["price"] * c.step, carbon=supplied * c["carbon"] * c.step)
    log.feeds("gas", c.places("node"), supplied)
