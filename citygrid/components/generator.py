"""Generator: power from fuel, or at a cost of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.combustion import (
    Combustion,
    formulate_exhaust,
    replay_exhaust,
)
from citygrid.components.common.commitment import (
    PartLoaded,
    Reserving,
    carry_commitment,
    formulate_commitment,
    formulate_fuel,
    prepare_commitment,
    replay_commitment,
    replay_fuel,
)
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import CarbonFactor, Efficiency, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Generator(PartLoaded, Reserving, Combustion, Noisy):
    """Generator of a node: an engine, a turbine, a block of a power station.

    With an ``efficiency`` (or a ``part_load`` list of them) it burns the node's fuel, ``fuel =
    power / efficiency`` [kW], which costs and emits what the fuel's supply says. Without one it
    draws none and its cost is its own: ``standby_cost + variable_cost · P + quadratic_cost · P²``
    [EUR/h] while on, or straight between ``cost_points``; its emissions are ``carbon · P``.
    """

    group = "power"
    node: Node
    power: Power = Field(description="largest electric output")
    efficiency: Efficiency | None = Field(
        None, description="power out per fuel in; left out, no fuel is drawn"
    )
    carbon: CarbonFactor = Field(0.0, description="emission factor of the output, besides fuel")

    @model_validator(mode="after")
    def _exhaust_of_fuel(self) -> Generator:
        if self.nox > 0 and not self.burns:
            raise ValueError("has `nox` per kWh of fuel and burns none; state an `efficiency`")
        return self

    @property
    def burns(self) -> bool:
        """Whether it draws fuel."""
        return self.efficiency is not None or bool(self.part_load)

    def ports(self, name: str) -> list[Port]:
        fuel = [Port("gas", "draw", self.node)] if self.burns else []
        return [Port("power", "feed", self.node), *fuel, *self._reserve_ports(self.node)]


def prepare(specs: Mapping[str, Generator], world: World) -> dict[str, Parameter]:
    """What commitment needs, and which generators burn fuel."""
    given = [1.0 if spec.efficiency is None else spec.efficiency for spec in specs.values()]
    return {
        **prepare_commitment(specs, world, "generator", "power"),
        "efficiency": Parameter(("generator",), np.array(given)),
        "burns": Parameter(("generator",), np.array([spec.burns for spec in specs.values()])),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Power at its cost, from fuel where it burns some."""
    power = m.variable("power", c.axis, m.time, upper=quiet_limit(c, c.usable),
                       about="power produced")  # fmt: skip
    gate = formulate_commitment(m, c, power)
    m.feed("power", c.text("node"), power)
    burning = c.axis.only(c.flags("burns"), "burning")
    if len(burning):
        fuel = formulate_fuel(m, c, power, gate, c.efficiency)
        m.draw("gas", c.text("node", burning), fuel.only(burning))
        formulate_exhaust(m, c, fuel)
    emitting = c.axis.only(c.carbon.values > 0, "emitting")
    if len(emitting):
        m.cost("carbon", carbon=power.only(emitting) * c.carbon.only(emitting) * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Burn what the power needs, pay for the rest."""
    power = flows["power"]
    on = replay_commitment(c, flows, log, power)
    replay_quiet(c, log, power, c["power"])
    log.feeds("power", c.places("node"), power)
    fuel = replay_fuel(c, flows, log, power, on, c["efficiency"])
    burns = c["burns"].ravel()
    if burns.any():
        owners = [name for name, burnt in zip(c.names, burns, strict=True) if burnt]
        log.draws("gas", c.places("node")[burns], fuel[burns], owners)
        replay_exhaust(c, log, fuel)
    if (c["carbon"] > 0).any():
        log.pays("carbon", carbon=power * c["carbon"] * c.step)


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["power"])
