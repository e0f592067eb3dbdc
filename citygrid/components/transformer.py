"""Transformer between two nodes of different voltage: a limit, an idle loss and a load loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Flags
from citygrid.components.common.carriage import Line, formulate_carriage, replay_carriage
from citygrid.components.common.withdrawal import while_out
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Power, Share, Voltage
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Transformer(Line):
    """Transformer of two nodes: ``arriving = (1 − share) · sent`` [kW], up to its rating.

    The core is magnetised in every step, whatever flows: ``no_load_loss`` is drawn at ``from``.
    The windings lose ``load_loss · (P / capacity)²``; here a linear share of the power sent, exact
    at ``loss_loading`` of the capacity: ``share = loading · load_loss / capacity``.
    """

    group = "power"
    memoryless = True
    capacity: Power = Field(description="rating at the power factor of the district")
    from_voltage: Voltage = Field(description="between two phases at `from`, e.g. 20 kV")
    to_voltage: Voltage = Field(description="between two phases at `to`, e.g. 400 V")
    no_load_loss: Power = Field(0.0, description="lost in the core in every hour")
    load_loss: Power = Field(0.0, description="lost in the windings at full load")
    loss_loading: Share = Field(
        0.5, gt=0, description="share of the capacity at which the linear loss is exact"
    )
    short_circuit_voltage: Share = Field(
        0.06, gt=0, description="relative impedance, for the check by power flow"
    )
    reversible: bool = Field(True, description="whether power may also flow from `to` to `from`")

    @model_validator(mode="after")
    def _is_one(self) -> Transformer:
        if self.from_voltage == self.to_voltage:
            raise ValueError(
                f"has {self.to_voltage:g} V on both sides; write two voltages, or use a power_line"
            )
        if self.load_loss + self.no_load_loss > 0.2 * self.capacity:
            raise ValueError(
                f"would lose {self.load_loss + self.no_load_loss:g} kW of {self.capacity:g} kW; "
                "losses of transformers are below 5 % of their rating: check the units"
            )
        return self

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """Without voltage the core loses nothing."""
        return while_out(units, out, {"no_load_loss": 0.0})

    def ports(self, name: str) -> list[Port]:
        return self._ports("power")


def prepare(specs: Mapping[str, Transformer], world: World) -> dict[str, Parameter]:
    """Share of the power that the windings lose; the core's loss is drawn apart from it."""
    share = [
        spec.loss_loading * spec.load_loss / spec.capacity if spec.capacity else 0.0
        for spec in specs.values()
    ]
    worthless = [world.worthless("power", spec.from_) for spec in specs.values()]
    nothing = np.zeros((len(specs), len(world.horizon.time)))
    return {
        "loss": Parameter(("transformer", "time"), nothing, "kW"),
        "worthless": Parameter(("transformer", "time"), np.array(worthless)),
        "loss_share": Parameter(("transformer",), np.array(share)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Power sent, less the loss of the windings, arrives; the core draws its own."""
    formulate_carriage(m, c, "power", worthless=c.flags("worthless"))
    idle = c.no_load_loss.values
    core = (idle if idle.ndim == 2 else idle[:, None]) * np.ones(len(m.time))
    m.draw("power", c.text("from_"), c.known(core, c.axis, m.time))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent, and draw what the core takes."""
    replay_carriage(c, flows, log, "power", worthless=c["worthless"])
    core = np.broadcast_to(c["no_load_loss"], flows["flow"].shape)
    log.draws("power", c.places("from_"), core, beside=True)
    log.measure("transformer_idle_loss", core)
