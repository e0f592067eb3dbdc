"""Chiller with free cooling: takes heat out of a node's cooling loop and rejects it outdoors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.carnot import KELVIN
from citygrid.components.common.commitment import (
    Committed,
    carry_commitment,
    formulate_commitment,
    prepare_commitment,
    replay_commitment,
)
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Efficiency,
    Node,
    Power,
    Share,
    Temperature,
    TemperatureDifference,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Chiller(Committed, Noisy):
    """Compression chiller and dry cooler of a node.

    Per kW of cooling it takes ``auxiliary + (1 − free_t) / COP_t`` kW of power, where the free
    share is ``clip((T_off − T_air) / (T_off − T_full), 0, 1)`` and
    ``COP = η T_c / (T_h − T_c)`` in kelvin between chilled water and condenser.
    """

    group = "cooling"
    node: Node
    cooling: Power = Field(description="largest cooling output")
    efficiency: Efficiency = Field(0.35, description="share of the Carnot COP")
    chilled_water: Temperature = Field(18.0, description="temperature of the cold side")
    approach: TemperatureDifference = Field(12.0, description="condenser above outdoor air")
    free_cooling_full: Temperature = Field(10.0, description="air below which all cooling is free")
    free_cooling_off: Temperature = Field(18.0, description="air above which no cooling is free")
    auxiliary: Share = Field(0.03, description="power of fans and pumps per cooling")

    @model_validator(mode="after")
    def _ordered(self) -> Chiller:
        if self.free_cooling_off <= self.free_cooling_full:
            raise ValueError("free_cooling_off must be warmer than free_cooling_full")
        return self

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "draw", self.node), Port("cooling", "feed", self.node)]


def power_per_cooling(spec: Chiller, air: Floats) -> Floats:
    """Power per cooling, shape (T,) [kW/kW], from outdoor air [degC]; never less when warmer."""
    span = spec.free_cooling_off - spec.free_cooling_full
    free = np.clip((spec.free_cooling_off - air) / span, 0.0, 1.0)
    cold = spec.chilled_water + KELVIN
    # A compressor's lift has a floor: at equal temperatures Carnot would promise free work.
    lift = np.maximum(air + spec.approach - spec.chilled_water, 5.0)
    return spec.auxiliary + (1.0 - free) * lift / (spec.efficiency * cold)


def prepare(specs: Mapping[str, Chiller], world: World) -> dict[str, Parameter]:
    """Hourly power per cooling."""
    shares = [power_per_cooling(spec, world.air_temperature(name)) for name, spec in specs.items()]
    return {
        **prepare_commitment(specs, world, "chiller", "cooling"),
        "power_share": Parameter(("chiller", "time"), np.array(shares)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Cooling for power, by the hour's share."""
    cooling = m.variable(
        "cooling", c.axis, m.time, upper=quiet_limit(c, c.usable), about="heat rejected"
    )
    formulate_commitment(m, c, cooling)
    m.feed("cooling", c.text("node"), cooling)
    m.draw("power", c.text("node"), cooling * c.power_share)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Pay power for every kW rejected."""
    cooling = flows["cooling"]
    replay_commitment(c, flows, log, cooling)
    replay_quiet(c, log, cooling, c["cooling"])
    log.feeds("cooling", c.places("node"), cooling)
    log.draws("power", c.places("node"), cooling * c["power_share"])
    log.measure("heat_rejected", cooling)
    log.measure("cooling_power", cooling * c["power_share"])


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["cooling"])
