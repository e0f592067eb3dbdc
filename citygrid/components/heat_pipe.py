"""Pair of buried pipes that carries heat from one node to another and loses some to the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.buried import BuriedPipe, find_bore
from citygrid.components.common.carriage import (
    carry_carriage,
    formulate_carriage,
    replay_carriage,
)
from citygrid.components.common.held_water import (
    carry_water,
    formulate_water,
    replay_water,
    water_content,
)
from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT
from citygrid.components.common.pumping import (
    formulate_pumping,
    pumping_power,
    replay_pumping,
)
from citygrid.components.common.travel import travel, travel_parameters
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Power, TemperatureDifference
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class HeatPipe(BuriedPipe):
    """Supply and return pipe between two nodes.

    Loss ``L · (U1 − U2)(T_s + T_r − 2 T_g)`` [W] for a pipe in use, supply and return together;
    capacity ``ρ c_p v_max A (T_s − T_r)`` [kW]. Temperatures are those of the heat network in each
    step, so both are hourly parameters and the model stays linear. A pipe here is always in use: it
    stays warm and pays its loss at zero flow, too.

    Bore and losses come from a catalogue by ``dn``, or from ``inner`` and ``insulation``. Heat
    arrives whole steps later where the water travels longer than half a step at the ``design``
    flow. With a ``swing`` the water is a store, and with a ``pump`` its power is part of the plan.
    """

    group = "heat"
    design: Power | None = Field(
        None, gt=0, description="flow that decides how long heat travels; the capacity if left out"
    )
    swing: TemperatureDifference = Field(
        0.0, description="how far the supply may rise above the curve, to store heat in the water"
    )

    @model_validator(mode="after")
    def _holds_one_way(self) -> HeatPipe:
        if self.swing > 0 and self.reversible:
            raise ValueError("the water of a pipe that carries both ways is no store here; "
                             "leave `swing` or `reversible` out")  # fmt: skip
        return self

    def ports(self, name: str) -> list[Port]:
        return self._pipe_ports("heat")


def prepare(specs: Mapping[str, HeatPipe], world: World) -> dict[str, Parameter]:
    """Hourly heat loss, capacity and temperatures of every pipe; how long heat travels in it."""
    rows = [_derive(name, pipe, world) for name, pipe in specs.items()]
    hourly = {"loss": "kW", "capacity": "kW", "pump_full": "kW", "swing_share": "1",
              "supply": "degC", "back_temperature": "degC", "ground": "degC"}  # fmt: skip
    single = {"inner": "m", "loss_u1": "W/m/K", "loss_u2": "W/m/K", "water": "kWh",
              "water_kept": "1", "dn": "mm"}  # fmt: skip
    found = {
        name: Parameter(("heat_pipe", "time"), np.array([row[name] for row in rows]), unit)
        for name, unit in hourly.items()
    } | {
        name: Parameter(("heat_pipe",), np.array([row[name] for row in rows], dtype=float), unit)
        for name, unit in single.items()
    }
    found["delay"] = Parameter(("heat_pipe",), np.array([row["delay"] for row in rows]))
    found |= travel_parameters("heat_pipe", len(specs))
    found["water_before"] = Parameter(("heat_pipe",), np.zeros(len(specs)), "kWh")
    found["loss_share"] = Parameter(("heat_pipe",), np.zeros(len(specs)))
    pumps = [pipe.pump or "" for pipe in specs.values()]
    found["pump"] = Parameter(("heat_pipe",), np.array(pumps, dtype=object))
    return found


def _derive(name: str, pipe: HeatPipe, world: World) -> dict[str, Any]:
    supply, back = world.supply_temperature(name), world.return_temperature(name)
    ground, step = world.ground_temperature(name), world.horizon.step
    found = find_bore(name, pipe, world)
    is_known = found is not None
    inner, u1, u2 = found or (1.0, 1e-3, 0.0)  # harmless, so that further faults are found
    spread = supply - back
    loss = np.maximum(pipe.length * (u1 - u2) * (supply + back - 2.0 * ground), 0.0) / 1000.0
    full_flow = WATER_DENSITY * WATER_HEAT * np.pi / 4.0 * inner**2 * pipe.velocity  # kW/K
    capacity = full_flow * spread
    if pipe.capacity is not None:
        capacity = np.full_like(capacity, pipe.capacity)
    water = water_content(np.array(inner), np.array(pipe.length))  # kWh/K
    delay = 0
    if is_known and (loss <= capacity).all():
        hours = water * spread / (pipe.design or capacity)
        delay = _travel(name, pipe, float(hours.mean()), world)
    elif is_known:
        world.refuse(name, "dn", "the pipe loses more heat than it can carry",
                     f"{loss.max():.1f} kW of {capacity.min():.1f} kW",
                     "shorten it, or choose a larger diameter")  # fmt: skip
    return {
        "supply": supply, "back_temperature": back, "ground": ground,
        "loss": loss, "capacity": capacity,
        "inner": inner, "loss_u1": u1, "loss_u2": u2,
        "dn": pipe.dn if pipe.dn is not None else round(1000.0 * inner),
        "water": water * pipe.swing, "swing_share": pipe.swing / spread,
        "water_kept": np.exp(-u1 * pipe.length / 1000.0 * step / water),
        "delay": delay,
        "pump_full": pumping_power(capacity, spread, inner, pipe.length, pipe.roughness,
                                   pipe.pump_efficiency) if pipe.pump else np.zeros_like(loss),
    }  # fmt: skip


def _travel(name: str, pipe: HeatPipe, hours: float, world: World) -> int:
    """Whole steps that water travels, none where it is half a step or less."""
    steps = hours / world.horizon.step
    if len(world.horizon.time) == 1:
        return 0  # one step by itself stands still
    delay = int(np.floor(steps + 0.5)) if steps > 0.5 else 0
    if delay >= len(world.horizon.time):
        world.refuse(name, "design" if pipe.design else "length",
                     "heat travels longer than the horizon lasts", f"{hours:.1f} h",
                     "plan more hours, or raise the `design` flow")  # fmt: skip
        return 0
    return delay


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat sent, less the pipe's loss, arrives; pumps and the water's heat where there are any."""
    sent = formulate_carriage(m, c, "heat", travel(c))
    formulate_water(m, c, "heat", sent.along)
    formulate_pumping(m, c, sent.total)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Recompute what arrives from what was sent, and what pumping it takes."""
    replay_carriage(c, flows, log, "heat", travels=True)
    sent: Floats = flows["flow"]
    replay_water(c, flows, log, "heat", sent)
    replay_pumping(c, flows, log, sent + flows.spread("back", 0.0, sent.shape))


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The heat that is on its way, and what the water holds."""
    if step == 0 and not (c["circle"] & ((c["delay"] > 0) | (c["water"] > 0))).any():
        return {}
    return carry_carriage(c, flows, step) | carry_water(c, flows, step)


def open_end(c: Units, steps: int) -> dict[str, Parameter]:
    """What is sent in the last steps arrives after them."""
    return {"circle": Parameter(("heat_pipe",), np.zeros(len(c), dtype=bool))}
