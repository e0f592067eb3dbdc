"""Pair of buried pipes that carries cold to another node and takes heat from the ground."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.buried import BuriedPipe, find_bore
from citygrid.components.common.carriage import formulate_carriage, replay_carriage
from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT
from citygrid.components.common.pumping import (
    formulate_pumping,
    pumping_power,
    replay_pumping,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Temperature
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class CoolingPipe(BuriedPipe):
    """Supply and return pipe of a cold network between two nodes.

    Cold that arrives is what is sent less the heat that the ground gives, ``L · (U1 − U2)(2 T_g −
    T_s − T_r)`` [W], supply and return together, never less than nothing; capacity ``ρ c_p v_max A
    (T_r − T_s)`` [kW]. Like a heat pipe it is always in use: water that is not asked for warms up,
    too. Bore, insulation and pumping are those of heat pipes; the water is reckoned at 60 °C, whose
    density is 2 % less than that of cold water.
    """

    group = "cooling"
    memoryless = True
    supply: Temperature = Field(6.0, description="water to the customers")
    return_: Temperature = Field(12.0, alias="return", description="water from the customers")

    @model_validator(mode="after")
    def _carries_cold(self) -> CoolingPipe:
        if self.supply >= self.return_:
            raise ValueError(
                f"cold water of {self.supply:g} degC returns with {self.return_:g} degC and has "
                "taken no heat; give `supply` and a warmer `return`"
            )
        return self

    def ports(self, name: str) -> list[Port]:
        return self._pipe_ports("cooling")


def prepare(specs: Mapping[str, CoolingPipe], world: World) -> dict[str, Parameter]:
    """Hourly heat from the ground, capacity and full pumping power of every pipe [kW]."""
    hours = len(world.horizon.time)
    gain, capacity, pumping = (np.zeros((len(specs), hours)) for _ in range(3))
    for i, (name, pipe) in enumerate(specs.items()):
        ground, found = world.ground_temperature(name), find_bore(name, pipe, world)
        if found is None:
            continue
        inner, u1, u2 = found
        spread = pipe.return_ - pipe.supply
        warmer = np.maximum(2.0 * ground - pipe.supply - pipe.return_, 0.0)
        gain[i] = pipe.length * (u1 - u2) * warmer / 1000.0
        flow = WATER_DENSITY * WATER_HEAT * np.pi / 4.0 * inner**2 * pipe.velocity  # kW/K
        capacity[i] = flow * spread if pipe.capacity is None else pipe.capacity
        if (gain[i] > capacity[i]).any():
            world.refuse(name, "dn", "the ground takes more cold than the pipe can carry",
                         f"{gain[i].max():.1f} kW of {capacity[i].min():.1f} kW",
                         "shorten it, or choose a larger diameter")  # fmt: skip
        if pipe.pump is not None:
            pumping[i] = pumping_power(capacity[i], np.full(hours, spread), inner, pipe.length,
                                       pipe.roughness, pipe.pump_efficiency)  # fmt: skip
    dims = ("cooling_pipe", "time")
    pumps = [pipe.pump or "" for pipe in specs.values()]
    return {
        "loss": Parameter(dims, gain, "kW"),
        "capacity": Parameter(dims, capacity, "kW"),
        "pump_full": Parameter(dims, pumping, "kW"),
        "pump": Parameter(("cooling_pipe",), np.array(pumps, dtype=object)),
        "loss_share": Parameter(("cooling_pipe",), np.zeros(len(specs))),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Cold sent, less what the ground takes, arrives; pumps where there are any."""
    sent = formulate_carriage(m, c, "cooling")
    formulate_pumping(m, c, sent.total)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent, and what pumping it takes."""
    replay_carriage(c, flows, log, "cooling")
    sent = flows["flow"]
    replay_pumping(c, flows, log, sent + flows.spread("back", 0.0, sent.shape))
