"""Combined heat and power: an engine that gives both in a fixed ratio (back-pressure)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from citygrid.components.common.combustion import (
    Combustion,
    formulate_exhaust,
    replay_exhaust,
)
from citygrid.components.common.commitment import (
    PartLoaded,
    Reserving,
    formulate_commitment,
    formulate_fuel,
    prepare_commitment,
    replay_commitment,
    replay_fuel,
)
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class CombinedHeatAndPower(PartLoaded, Reserving, Combustion, Noisy):
    """Engine of a node: ``power = η_el · fuel`` and ``heat = η_th · fuel`` [kW]."""

    group = "heat"
    node: Node
    power: Power = Field(description="largest electric output")
    electric_efficiency: Efficiency = Field(0.38, description="power out per fuel in")
    thermal_efficiency: Efficiency = Field(0.48, description="heat out per fuel in")

    @model_validator(mode="after")
    def _first_law(self) -> CombinedHeatAndPower:
        total = self.electric_efficiency + self.thermal_efficiency
        # Condensing engines reach up to 1.08 of the lower heating value.
        if total > 1.08:
            raise ValueError(
                f"electric and thermal efficiency add up to {total:.3g}; together they can be at "
                "most 1.08 (lower heating value)"
            )
        return self

    def ports(self, name: str) -> list[Port]:
        return [
            Port("gas", "draw", self.node), Port("power", "feed", self.node),
            Port("heat", "feed", self.node), *self._reserve_ports(self.node),
        ]  # fmt: skip


def prepare(specs: Mapping[str, CombinedHeatAndPower], world: World) -> dict[str, Parameter]:
    """What commitment needs."""
    return prepare_commitment(specs, world, "chp", "power")


def formulate(m: Speaker, c: Fleet) -> None:
    """Power and heat from fuel in a fixed ratio."""
    power = m.variable(
        "power", c.axis, m.time, upper=quiet_limit(c, c.usable), about="power produced"
    )
    gate = formulate_commitment(m, c, power)
    fuel = formulate_fuel(m, c, power, gate, c.electric_efficiency)
    m.feed("power", c.text("node"), power)
    m.feed("heat", c.text("node"), fuel * c.thermal_efficiency)
    m.draw("gas", c.text("node"), fuel)
    formulate_exhaust(m, c, fuel)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Burn what the power needs and hand over the heat that comes with it."""
    power = flows["power"]
    on = replay_commitment(c, flows, log, power)
    replay_quiet(c, log, power, c["power"])
    fuel = replay_fuel(c, flows, log, power, on, c["electric_efficiency"])
    log.feeds("power", c.places("node"), power)
    log.feeds("heat", c.places("node"), fuel * c["thermal_efficiency"])
    log.draws("gas", c.places("node"), fuel)
    replay_exhaust(c, log, fuel)
