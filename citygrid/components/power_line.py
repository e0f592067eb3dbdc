"""Cable between two nodes of the electric microgrid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.components.common.carriage import Line, formulate_carriage, replay_carriage
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Power, Share
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class PowerLine(Line):
    """Feeder between two nodes: ``arriving = (1 − loss_share) · sent`` [kW], up to its capacity."""

    group = "power"
    capacity: Power = Field(description="thermal limit of the cable or transformer")
    loss_share: Share = Field(0.0, description="share of the power lost on the way")
    reversible: bool = Field(True, description="whether power may also flow from `to` to `from`")

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def prepare(specs: Mapping[str, PowerLine], world: World) -> dict[str, Parameter]:
    """A cable has no fixed loss."""
    nothing = np.zeros((len(specs), len(world.horizon.time)))
    return {"loss": Parameter(("power_line", "time"), nothing, "kW")}


def formulate(m: Speaker, c: Fleet) -> None:
    """Power sent, less the line's loss, arrives."""
    formulate_carriage(m, c, "power")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent."""
    replay_carriage(c, flows, log, "power")
