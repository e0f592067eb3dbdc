"""Boiler: heat from fuel."""

from __future__ import annotations

from pydantic import Field

from citygrid.components.common.combustion import (
    Combustion,
    formulate_exhaust,
    replay_exhaust,
)
from citygrid.components.common.commitment import (
    Committed,
    formulate_commitment,
    replay_commitment,
)
from citygrid.components.contract import Flows, Port, Units
from citygrid.components.fields import Efficiency, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class Boiler(Committed, Combustion):
    """Boiler of a node: ``heat = efficiency · fuel`` [kW]."""

    group = "heat"
    node: Node
    heat: Power = Field(description="largest heat output")
    efficiency: Efficiency = Field(0.92, description="heat out per fuel in")

    def ports(self, name: str) -> list[Port]:
        return [Port("gas", "draw", self.node), Port("heat", "feed", self.node)]


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat from fuel at the boiler's efficiency."""
    heat = m.variable("heat", c.axis, m.time, upper=c.heat, about="heat produced")
    formulate_commitment(m, c, heat, c.heat)
    m.feed("heat", c.text("node"), heat)
    m.draw("gas", c.text("node"), heat / c.efficiency)
    formulate_exhaust(m, c, heat / c.efficiency)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Burn what the heat needs."""
    heat = flows["heat"]
    replay_commitment(c, flows, log, heat, c["heat"])
    log.feeds("heat", c.places("node"), heat)
    log.draws("gas", c.places("node"), heat / c["efficiency"])
    replay_exhaust(c, log, heat / c["efficiency"])
