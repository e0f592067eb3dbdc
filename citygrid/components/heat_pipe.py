"""Pair of buried pipes that carries heat from one node to another and loses some to the ground."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.carriage import Line, formulate_carriage, replay_carriage
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import HeatLossPerLength, Length, Power, Speed
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World

#: DN → (U1, U2) [W/mK] of a pre-insulated pair, Logstor series 1.
LOSS_COEFFICIENTS = {
    20: (0.143, 0.0036), 50: (0.234, 0.0086), 100: (0.300, 0.0114), 150: (0.421, 0.0202),
    200: (0.458, 0.0210), 300: (0.505, 0.0206), 600: (0.613, 0.0203),
}  # fmt: skip

WATER_DENSITY = 983.0  # kg/m³ at 60 °C
WATER_HEAT = 4.186  # kJ/kgK


class HeatPipe(Line):
    """Supply and return pipe between two nodes.

    Loss ``L · [(U1 − U2)(T_s − T_g) + (U1 − U2)(T_r − T_g)]`` [W] for a pipe in use, supply and
    return together; capacity ``ρ c_p v_max A (T_s − T_r)`` [kW]. Temperatures are those of the heat
    network in each step, so both are hourly parameters and the model stays linear. A pipe here is
    always in use: it stays warm and pays its loss at zero flow, too.
    """

    group = "heat"
    length: Length
    dn: int = Field(gt=0, le=1200, description="nominal diameter in millimetres")
    velocity: Speed = Field(1.5, description="largest flow velocity")
    capacity: Power | None = Field(None, description="heat capacity, instead of the velocity's")
    loss_u1: HeatLossPerLength | None = Field(None, description="U1, instead of the catalogue's")
    loss_u2: HeatLossPerLength | None = Field(None, description="U2, instead of the catalogue's")

    @model_validator(mode="after")
    def _loss_is_known(self) -> HeatPipe:
        smallest, largest = min(LOSS_COEFFICIENTS), max(LOSS_COEFFICIENTS)
        given = self.loss_u1 is not None and self.loss_u2 is not None
        if not smallest <= self.dn <= largest and not given:
            raise ValueError(
                f"the catalogue of losses reaches from DN {smallest} to DN {largest}; "
                "give both `loss_u1` and `loss_u2`, or choose a diameter within it"
            )
        return self

    def ports(self, name: str) -> list[Port]:
        return self._ports("heat")


def catalogue_loss(dn: float) -> tuple[float, float]:
    """U1 and U2 [W/mK] of a diameter within the catalogue, linear between its rows."""
    sizes = np.array(sorted(LOSS_COEFFICIENTS))
    rows = np.array([LOSS_COEFFICIENTS[size] for size in sizes])
    return float(np.interp(dn, sizes, rows[:, 0])), float(np.interp(dn, sizes, rows[:, 1]))


def prepare(specs: Mapping[str, HeatPipe], world: World) -> dict[str, Parameter]:
    """Hourly heat loss and capacity of every pipe [kW]."""
    loss, capacity = [], []
    for name, pipe in specs.items():
        supply, back = world.supply_temperature(name), world.return_temperature(name)
        ground = world.ground_temperature(name)
        u1, u2 = catalogue_loss(pipe.dn)
        net = (u1 if pipe.loss_u1 is None else pipe.loss_u1) - (
            u2 if pipe.loss_u2 is None else pipe.loss_u2
        )
        loss.append(np.maximum(pipe.length * net * (supply + back - 2.0 * ground), 0.0) / 1000.0)
        area = np.pi / 4.0 * (pipe.dn / 1000.0) ** 2
        flow = WATER_DENSITY * area * pipe.velocity
        thermal = flow * WATER_HEAT * (supply - back)
        capacity.append(thermal if pipe.capacity is None else np.full_like(thermal, pipe.capacity))
        if (loss[-1] > capacity[-1]).any():
            world.refuse(name, "dn", "the pipe loses more heat than it can carry",
                         f"{loss[-1].max():.1f} kW of {capacity[-1].min():.1f} kW",
                         "shorten it, or choose a larger diameter")  # fmt: skip
    dims = ("heat_pipe", "time")
    return {
        "loss": Parameter(dims, np.array(loss), "kW"),
        "capacity": Parameter(dims, np.array(capacity), "kW"),
        "loss_share": Parameter(("heat_pipe",), np.zeros(len(specs))),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat sent, less the pipe's loss, arrives."""
    formulate_carriage(m, c, "heat")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent."""
    replay_carriage(c, flows, log, "heat")
