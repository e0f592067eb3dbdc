"""Spinning reserve: capacity that units of a node must hold back together while they run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyPower, Node, ShortfallPrice
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class Reserve(Component):
    """Requirement of a node: ``held + missing = required`` in every step [kW].

    It draws the carrier ``spinning_reserve``, which the node's units with ``reserve: true`` feed:
    what is left of the capacity of a unit that runs, above its output and within its ramp.
    """

    group = "demand"
    memoryless = True
    node: Node
    required: HourlyPower = Field(description="capacity to be held back")
    missing_price: ShortfallPrice | None = Field(
        None, description="what an hour without a kW costs; without it, all must be held"
    )

    @classmethod
    def soften(cls, units: Units, prices: Mapping[str, float]) -> dict[str, Parameter]:
        """In an emergency what is held back for one may be missing."""
        stated = units.parameters["missing_price"].values
        least = np.where(np.isfinite(stated), stated, prices["deferrable"])
        return {"missing_price": Parameter((units.kind,), least, "EUR/kWh")}

    def ports(self, name: str) -> list[Port]:
        return [Port("spinning_reserve", "draw", self.node)]


def formulate(m: Speaker, c: Fleet) -> None:
    """The requirement is held, or missed at its price."""
    may_miss = np.isfinite(c.missing_price.values)
    least = c.known(np.where(may_miss[:, None], 0.0, c.required.values), c.axis, m.time)
    held = m.variable("held", c.axis, m.time, lower=least, upper=c.required, about="reserve held")
    m.draw("spinning_reserve", c.text("node"), held)
    priced = c.axis.only(may_miss, "priced")
    if len(priced):
        required = c.required.only(priced)
        missing = m.variable("missing", priced, m.time, upper=required, about="reserve not held")
        m.constrain("required", held.only(priced) + missing == required, "held or paid for")
        m.cost("missing", missing * c.missing_price.only(priced) * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """What is not held is missing, and has to be paid for where that is allowed."""
    held = flows["held"]
    may_miss = np.isfinite(c["missing_price"])
    missing = np.where(may_miss, c["required"] - held, 0.0)
    least = np.where(may_miss, 0.0, c["required"])
    log.within("reserve held is what is required", held, least, c["required"])
    log.equal("missing reserve is what is not held", flows.spread("missing", 0.0, held.shape),
              missing, scale=c["required"])  # fmt: skip
    if may_miss.any():
        price = np.where(may_miss, c["missing_price"], 0.0)
        log.pays("missing", missing * price * c.step)
    log.draws("spinning_reserve", c.places("node"), held)
