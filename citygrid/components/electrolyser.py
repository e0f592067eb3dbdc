"""Electrolyser: hydrogen from power, with heat that pumps can use."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from citygrid.components.common.commitment import (
    Committed,
    carry_commitment,
    formulate_commitment,
    prepare_commitment,
    replay_commitment,
)
from citygrid.components.common.cooling_loop import (
    check_loop,
    formulate_cooling_loop,
    loop_ports,
    replay_cooling_loop,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Node, Power, Share, Temperature
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Electrolyser(Committed):
    """Electrolyser of a node: ``hydrogen = efficiency · power`` [kW], by the lower heating value.

    What does not become hydrogen leaves as heat: at most ``recoverable · power`` is offered to heat
    pumps whose ``source`` is the electrolyser, at the temperatures of its loop; the rest is left to
    the chillers and coolers of its node. A kilogram of hydrogen holds 33.33 kWh.
    """

    group = "fuel"
    node: Node
    power: Power = Field(description="largest electric input, with its auxiliaries")
    efficiency: Efficiency = Field(
        0.62, description="hydrogen (lower heating value) per power: 62 % are 54 kWh/kg; assumed"
    )
    recoverable: Share = Field(0.2, description="usable heat per power; assumed")
    loop_supply: Temperature = Field(65.0, description="warm side of its loop; assumed")
    loop_return: Temperature = Field(55.0, description="cool side of its loop; assumed")

    @model_validator(mode="after")
    def _energy_is_kept(self) -> Electrolyser:
        check_loop(self.loop_supply, self.loop_return)
        total = self.efficiency + self.recoverable
        if total > 1.0 + 1e-12:
            raise ValueError(
                f"hydrogen and heat add up to {total:.3g} of the power; "
                "lower `efficiency` or `recoverable`: together they are at most 1"
            )
        # By the higher heating value no electrolyser passes 1: by the lower one 33.33 / 39.41.
        if self.efficiency > 33.33 / 39.41:
            raise ValueError(
                f"an efficiency of {self.efficiency:.3g} passes the 0.846 that water allows "
                "without drawing heat; state it by the lower heating value"
            )
        return self

    def ports(self, name: str) -> list[Port]:
        return [
            Port("power", "draw", self.node), Port("hydrogen", "feed", self.node),
            *loop_ports(name, self.node, (self.loop_supply, self.loop_return)),
        ]  # fmt: skip


def prepare(specs: Mapping[str, Electrolyser], world: World) -> dict[str, Parameter]:
    """What commitment needs."""
    return prepare_commitment(specs, world, "electrolyser", "power")


def formulate(m: Speaker, c: Fleet) -> None:
    """Hydrogen and heat from power."""
    power = m.variable("power", c.axis, m.time, upper=c.usable, about="power taken")
    formulate_commitment(m, c, power)
    m.draw("power", c.text("node"), power)
    m.feed("hydrogen", c.text("node"), power * c.efficiency)
    formulate_cooling_loop(m, c.axis, power * (1.0 - c.efficiency), power * c.recoverable,
                           list(c.axis.labels), c.text("node"))  # fmt: skip


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Power goes in, hydrogen and heat come out."""
    power = flows["power"]
    replay_commitment(c, flows, log, power)
    hydrogen = c["efficiency"] * power
    log.draws("power", c.places("node"), power)
    log.feeds("hydrogen", c.places("node"), hydrogen)
    replay_cooling_loop(
        log, flows["recovered"], flows["rejected"], power - hydrogen, c["recoverable"] * power,
        c.names, c.places("node"), c.names, c.names, computing=False,
    )  # fmt: skip
    log.measure("hydrogen_produced", hydrogen)


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["power"])
