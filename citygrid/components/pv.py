"""Photovoltaic modules on roofs: power from the sun, curtailed when nobody takes it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.arrays import Flags
from citygrid.components.common.available import formulate_available, replay_available
from citygrid.components.common.withdrawal import while_out
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import Angle, HourlyShare, Node, Power
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Photovoltaic(Component):
    """Photovoltaic generator: ``0 ≤ produced ≤ peak · yield`` [kW].

    What nobody takes is curtailed, unless the generator cannot be: ``produced = peak · yield``.
    The yield [kW per kW peak] comes from the district's weather by pvlib, or from a series.
    """

    group = "renewable"
    memoryless = True
    node: Node
    peak: Power = Field(description="power under standard test conditions")
    tilt: Angle = Field(30.0, description="slope of the modules; 0 deg is flat")
    azimuth: Angle = Field(180.0, description="direction they face; 180 deg is south")
    output: HourlyShare | None = Field(
        None, description="output per peak power; left out, it is computed from the weather"
    )

    curtailable: bool = Field(
        True, description="whether it can be turned down; otherwise all it gives must be taken"
    )

    def least_value(self, carrier: str, name: str, world: World) -> float:
        """Nothing, while it may be turned down instead."""
        return 0.0 if self.curtailable else -np.inf

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """Panels that are cut off give nothing that would have to be taken."""
        return while_out(units, out, {"available": 0.0})

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "feed", self.node)]


def prepare(specs: Mapping[str, Photovoltaic], world: World) -> dict[str, Parameter]:
    """Power available in every step [kW]."""
    available = [
        pv.peak * (
            world.photovoltaic_yield(pv.tilt, pv.azimuth, name)
            if pv.output is None
            else world.hourly(pv.output, "1", name, "output")
        )
        for name, pv in specs.items()
    ]  # fmt: skip
    return {"available": Parameter(("pv", "time"), np.array(available), "kW")}


def formulate(m: Speaker, c: Fleet) -> None:
    """Produce up to what the sun gives, or all of it."""
    forced = np.where(c.flags("curtailable")[:, None], 0.0, c.available.values)
    formulate_available(m, c, "power", least=c.known(forced, c.axis, m.time))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """No more than the sun gives, and no less where it cannot be turned down."""
    forced = np.where(c["curtailable"], 0.0, c["available"])
    replay_available(c, flows, log, "power", "sun", "renewable", least=forced)
