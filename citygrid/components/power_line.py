"""Cable between two nodes of the electric microgrid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.carriage import Line, formulate_carriage, replay_carriage
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Area,
    Length,
    Power,
    ResistancePerLength,
    Share,
    Voltage,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World

#: Resistivity [ohm m] at 20 degC: IEC 60889 (aluminium), IEC 60028 (copper). A conductor at 70 degC
#: has a fifth more.
RESISTIVITY = {"aluminium": 28.264e-9, "copper": 17.241e-9}


class PowerLine(Line):
    """Feeder between two nodes: ``arriving = (1 − share) · sent`` [kW], up to its capacity.

    The loss is a linear share of the power sent. It is written as ``loss_share``, or comes from the
    conductor: a three-phase cable of resistance ``R = ρ L / A`` loses ``R P² / V²``, and the share
    is the one that is exact at ``loss_loading`` of the capacity, ``R · loading · capacity / V²``.
    Below that loading the line then loses less than planned, above it more, at most
    ``capacity · share · (1 / loading − 1)`` at full load.
    """

    group = "power"
    memoryless = True
    capacity: Power = Field(description="thermal limit of the cable")
    loss_share: Share | None = Field(None, description="share of the power lost on the way")
    length: Length | None = Field(None, description="of the route; with cross-section and voltage")
    cross_section: Area | None = Field(None, description="of one conductor, e.g. 150 mm^2")
    voltage: Voltage | None = Field(None, description="between two phases, e.g. 400 V or 20 kV")
    conductor: Literal["aluminium", "copper"] = Field(
        "aluminium", description="metal of the conductor"
    )
    reactance: ResistancePerLength = Field(
        8e-5, description="per phase, for the check by power flow; 0.08 ohm/km is usual for cables"
    )
    loss_loading: Share = Field(
        0.5, gt=0, description="share of the capacity at which the linear loss is exact"
    )
    reversible: bool = Field(True, description="whether power may also flow from `to` to `from`")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> PowerLine:
        parts = {"length": self.length, "cross_section": self.cross_section,
                 "voltage": self.voltage}  # fmt: skip
        lacking = [f"`{name}`" for name, value in parts.items() if not value]
        if self.cross_section is None:
            return self
        if self.loss_share is None and lacking:
            raise ValueError(
                f"the loss of a cable needs {' and '.join(lacking)} beside its cross-section; add "
                "them, or write `loss_share`"
            )
        if self.loss_share is None and self.derived_share() >= 0.5:
            raise ValueError(
                f"the cable would lose {self.derived_share():.0%} of what it carries; check "
                "`length`, `cross_section`, `voltage` and `capacity`"
            )
        return self

    def derived_share(self) -> float:
        """Share lost at the loading where the linear loss is exact, from the conductor."""
        if self.cross_section is None or self.length is None or self.voltage is None:
            return 0.0
        resistance = RESISTIVITY[self.conductor] * self.length / self.cross_section
        return resistance * self.loss_loading * self.capacity * 1000.0 / self.voltage**2

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def prepare(specs: Mapping[str, PowerLine], world: World) -> dict[str, Parameter]:
    """Share and resistance of every cable; a cable has no fixed loss."""
    shares = [
        spec.derived_share() if spec.loss_share is None else spec.loss_share
        for spec in specs.values()
    ]
    resistance = [
        np.inf if not spec.cross_section else RESISTIVITY[spec.conductor] / spec.cross_section
        for spec in specs.values()
    ]
    worthless = [world.worthless("power", spec.from_) for spec in specs.values()]
    nothing = np.zeros((len(specs), len(world.horizon.time)))
    return {
        "loss": Parameter(("power_line", "time"), nothing, "kW"),
        "worthless": Parameter(("power_line", "time"), np.array(worthless)),
        "loss_share": Parameter(("power_line",), np.array(shares)),
        "resistance": Parameter(("power_line",), np.array(resistance), "ohm/m"),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Power sent, less the line's loss, arrives."""
    formulate_carriage(m, c, "power", worthless=c.flags("worthless"))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent."""
    replay_carriage(c, flows, log, "power", worthless=c["worthless"])
