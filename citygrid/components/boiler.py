"""Boiler: heat from fuel."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from citygrid.components.common.combustion import (
    Combustion,
    formulate_exhaust,
    replay_exhaust,
)
from citygrid.components.common.commitment import (
    PartLoaded,
    carry_commitment,
    formulate_commitment,
    formulate_fuel,
    prepare_commitment,
    replay_commitment,
    replay_fuel,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Boiler(PartLoaded, Combustion):
    """Boiler of a node: ``heat = efficiency · fuel`` [kW], the efficiency by load if stated."""

    group = "heat"
    node: Node
    heat: Power = Field(description="largest heat output")
    efficiency: Efficiency = Field(0.92, description="heat out per fuel in")

    def ports(self, name: str) -> list[Port]:
        return [Port("gas", "draw", self.node), Port("heat", "feed", self.node)]


def prepare(specs: Mapping[str, Boiler], world: World) -> dict[str, Parameter]:
    """What commitment needs."""
    return prepare_commitment(specs, world, "boiler", "heat")


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat from fuel at the boiler's efficiency."""
    heat = m.variable("heat", c.axis, m.time, upper=c.usable, about="heat produced")
    gate = formulate_commitment(m, c, heat)
    m.feed("heat", c.text("node"), heat)
    fuel = formulate_fuel(m, c, heat, gate, c.efficiency)
    m.draw("gas", c.text("node"), fuel)
    formulate_exhaust(m, c, fuel)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Burn what the heat needs."""
    heat = flows["heat"]
    on = replay_commitment(c, flows, log, heat)
    log.feeds("heat", c.places("node"), heat)
    fuel = replay_fuel(c, flows, log, heat, on, c["efficiency"])
    log.draws("gas", c.places("node"), fuel)
    replay_exhaust(c, log, fuel)


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["heat"])
