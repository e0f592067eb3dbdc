"""Micro data centre: computes, draws power, and gives its heat to pumps or chillers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.cooling_loop import (
    check_loop,
    formulate_cooling_loop,
    loop_ports,
    replay_cooling_loop,
)
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyPower, Node, Power, Share, Temperature
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Cooling(NamedTuple):
    """What a way of cooling servers gives back: recoverable share of IT power, loop [degC]."""

    recoverable: float
    supply: float
    back: float


#: Typical loops: air 25–40 °C, direct liquid 45–60 °C, immersion in between; shares per PHYSICS.
COOLING = {
    "air": Cooling(0.70, 35.0, 25.0),
    "liquid": Cooling(0.85, 55.0, 45.0),
    "immersion": Cooling(0.92, 50.0, 40.0),
}


class DataCenter(Component):
    """Micro data centre of a node.

    IT power is ``idle + load + compute`` [kW], where ``compute`` is what job pools draw here
    (carrier ``compute`` at the centre itself). The centre draws ``(1 + loss_share) · IT +
    loss_fixed · capacity`` from the node; all of it leaves as heat, of which at most
    ``recoverable · IT`` can be recovered.
    """

    group = "compute"
    node: Node
    capacity: Power = Field(description="largest IT power")
    cooling: Literal["air", "liquid", "immersion"] = Field(
        description="how servers are cooled; decides temperatures and the recoverable share"
    )
    idle: Power = Field(0.0, description="IT power without any work")
    load: HourlyPower = Field(0.0, description="IT power of interactive work, per step")
    loss_share: Share = Field(0.03, description="losses of supply and distribution per IT power")
    loss_fixed: Share = Field(0.02, description="standing losses, as a share of capacity")
    recoverable: Share | None = Field(None, description="of IT power; by cooling if left out")
    loop_supply: Temperature | None = Field(None, description="warm side; by cooling if left out")
    loop_return: Temperature | None = Field(None, description="cool side; by cooling if left out")

    @model_validator(mode="after")
    def _loop_carries_heat(self) -> DataCenter:
        check_loop(*self.loop())
        return self

    def loop(self) -> tuple[float, float]:
        """Supply and return temperature of the heat loop [degC]."""
        usual = COOLING[self.cooling]
        supply = usual.supply if self.loop_supply is None else self.loop_supply
        return supply, usual.back if self.loop_return is None else self.loop_return

    def ports(self, name: str) -> list[Port]:
        return [
            Port("power", "draw", self.node),
            Port("compute", "feed", name),
            *loop_ports(name, self.node, self.loop()),
        ]


def prepare(specs: Mapping[str, DataCenter], world: World) -> dict[str, Parameter]:
    """Interactive load, checked against capacity, and the recoverable share."""
    loads = [world.hourly(spec.load, "kW", name, "load") for name, spec in specs.items()]
    for load, (name, spec) in zip(loads, specs.items(), strict=True):
        if (load + spec.idle > spec.capacity).any():
            world.refuse(name, "load", "idle and interactive load exceed the capacity",
                         f"{load.max() + spec.idle:.1f} kW of {spec.capacity:.1f} kW",
                         "raise the capacity or lower the load")  # fmt: skip
    shares = [
        COOLING[spec.cooling].recoverable if spec.recoverable is None else spec.recoverable
        for spec in specs.values()
    ]
    return {
        "load": Parameter(("data_center", "time"), np.array(loads), "kW"),
        "recoverable": Parameter(("data_center",), np.array(shares)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Work within capacity; power in, heat out."""
    room = c.capacity - c.idle - c.load
    compute = m.variable("compute", c.axis, m.time, upper=room, about="IT power of jobs")
    m.feed("compute", list(c.axis.labels), compute)
    it_power = compute + c.idle + c.load
    power = it_power * (1.0 + c.loss_share) + c.loss_fixed * c.capacity
    m.draw("power", c.text("node"), power)
    formulate_cooling_loop(m, c, power, it_power * c.recoverable)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Add up the IT power; what goes in as power comes out as heat."""
    compute = flows["compute"]
    it_power = c["idle"] + c["load"] + compute
    log.within("IT power within capacity", it_power, 0.0, c["capacity"])
    power = it_power + c["loss_share"] * it_power + c["loss_fixed"] * c["capacity"]
    log.feeds("compute", c.names, compute)
    log.draws("power", c.places("node"), power)
    replay_cooling_loop(c, log, flows["recovered"], flows["rejected"], power,
                        c["recoverable"] * it_power)  # fmt: skip
    log.measure("it_power", it_power)
    log.measure("center_power", power)
