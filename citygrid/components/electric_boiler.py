"""Electric boiler: heat from power, by electrodes or heating rods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.components.common.commitment import (
    Committed,
    carry_commitment,
    formulate_commitment,
    prepare_commitment,
    replay_commitment,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Opposition, Speaker
from citygrid.inputs.world import World


class ElectricBoiler(Committed):
    """Electrode or resistance boiler of a node: ``heat = efficiency · power`` [kW]."""

    group = "heat"
    node: Node
    heat: Power = Field(description="largest heat output")
    efficiency: Efficiency = Field(0.99, description="heat out per power in")

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "draw", self.node), Port("heat", "feed", self.node)]


def prepare(specs: Mapping[str, ElectricBoiler], world: World) -> dict[str, Parameter]:
    """What commitment needs, and the steps in which heating the air with power could pay."""
    hours = np.array([world.worthless("power", spec.node) for spec in specs.values()])
    found = prepare_commitment(specs, world, "electric_boiler", "heat")
    return found | {"worthless": Parameter(("electric_boiler", "time"), hours)}


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat from power at the boiler's efficiency."""
    heat = m.variable("heat", c.axis, m.time, upper=c.usable, about="heat produced")
    formulate_commitment(m, c, heat)
    made = Opposition("made", c.heat, c.flags("worthless"), np.zeros(len(c), dtype=bool))
    m.feed("heat", c.text("node"), heat, made)
    m.draw("power", c.text("node"), heat / c.efficiency)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Take the power that the heat needs."""
    heat = flows["heat"]
    replay_commitment(c, flows, log, heat)
    log.feeds("heat", c.places("node"), heat)
    log.opposes("heat", "made", c.places("node"), heat, True, c["worthless"])
    log.draws("power", c.places("node"), heat / c["efficiency"])


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["heat"])
