"""Heat store: a tank of hot water that loses heat through its wall."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.storage import (
    Storage,
    carry_storage,
    check_store,
    formulate_storage,
    open_storage,
    replay_storage,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Energy,
    HeatConductivity,
    HeatLossPerArea,
    Length,
    StoreVolume,
    Temperature,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World

#: Water at 80 degC: density [kg/m^3] and heat capacity [J/kg/K], as in oemof.thermal.
DENSITY = 971.803
HEAT_CAPACITY = 4195.52
#: J of a kWh.
JOULE = 3.6e6


class Wall(BaseModel):
    """Insulation of a tank; inside and outside films are those of still water and air."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thickness: Length
    conductivity: HeatConductivity = Field(description="0.04 W/m/K for mineral wool")
    inside: HeatLossPerArea = Field(500.0, gt=0, description="film of the water; assumed")
    outside: HeatLossPerArea = Field(10.0, gt=0, description="film of the air; assumed")


class Tank(BaseModel):
    """Geometry of an upright, cylindrical, fully stratified tank: hot above, cold below."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    volume: StoreVolume = Field(gt=0, description="of the water between hot and cold")
    diameter: Length = Field(gt=0)
    hot: Temperature = Field(description="of the hot zone")
    cold: Temperature = Field(description="of the cold zone")
    transmission: HeatLossPerArea | None = Field(None, description="U value of the wall")
    wall: Wall | None = Field(None, description="its layers, instead of `transmission`")
    around: Temperature | None = Field(
        None, description="temperature around the tank; left out, that of the outdoor air"
    )

    @model_validator(mode="after")
    def _holds_heat(self) -> Tank:
        if self.hot <= self.cold:
            raise ValueError(
                f"the hot zone of {self.hot:g} degC is not warmer than the cold one of "
                f"{self.cold:g} degC; swap or correct them"
            )
        if (self.transmission is None) == (self.wall is None):
            raise ValueError("the tank's losses need one of `transmission` and `wall`; give one")
        return self


class HeatStore(Storage):
    """Hot-water tank of a node: ``E_t = E_{t−1}(1 − s Δt) − l Δt + η_c c Δt − d Δt / η_d`` [kWh].

    Either by ``capacity`` and ``standing_loss`` s, or by the geometry of its ``tank``, from which
    follow capacity and losses of a stratified tank: s through the wall of the hot part, and l, what
    the whole tank loses at cold temperature and through its lid and bottom. A tank that is empty
    still loses l, and has to be charged with it.

    A cubic metre of water holds 1.13 (at 80 degC) to 1.16 kWh per kelvin between hot and cold.
    """

    group = "heat"
    capacity: Energy | None = Field(None, description="usable energy; or give the `tank`")
    tank: Tank | None = Field(None, description="geometry, instead of capacity and standing loss")

    @model_validator(mode="after")
    def _one_size(self) -> HeatStore:
        if (self.capacity is None) == (self.tank is None):
            raise ValueError("a heat store needs one of `capacity` and `tank`; give one of them")
        if self.tank is not None and self.standing_loss > 0:
            raise ValueError("the standing loss follows from the `tank`; leave `standing_loss` out")
        return self

    def ports(self, name: str) -> list[Port]:
        return self._ports("heat")


class TankLosses(NamedTuple):
    """Losses of a tank: share of the level [1/h], and fixed ones [kW] (T)."""

    share: float
    relative: Floats
    absolute: Floats


def transmission(thickness: float, conductivity: float, inside: float, outside: float) -> float:
    """U value of a wall [W/m²K]: ``1 / (1/α_i + s/λ + 1/α_o)``; s [m], λ [W/mK], α [W/m²K]."""
    return 1.0 / (1.0 / inside + thickness / conductivity + 1.0 / outside)


def tank_capacity(volume: float, hot: float, cold: float) -> float:
    """Heat [kWh] in ``volume`` [m³] of water between two temperatures [degC]: ``V ρ c ΔT``."""
    return volume * DENSITY * HEAT_CAPACITY * (hot - cold) / JOULE


def tank_losses(
    transmission: float, volume: float, diameter: float, hot: float, cold: float, around: Floats
) -> TankLosses:
    """What a stratified tank loses.

    The wall of the hot part loses ``β = 4U / (d ρ c)`` of the level above the cold temperature; the
    whole wall at cold temperature ``γ Q_N = 4U (T_C − T_0) / (d ρ c ΔT) · Q_N``; lid and bottom
    ``δ = U π d²/4 (T_H + T_C − 2 T_0)``.

    transmission
        U [W/m²K]; volume [m³], diameter [m], hot, cold [degC]; around [degC], shape (T,).

    Source: oemof.thermal, ``stratified_thermal_storage`` (calculate_losses).
    """
    share = 4.0 * transmission / (diameter * DENSITY * HEAT_CAPACITY) * 3600.0
    capacity = tank_capacity(volume, hot, cold)
    relative = share * (cold - around) / (hot - cold) * capacity
    absolute = 0.25 * transmission * pi * diameter**2 * (hot + cold - 2.0 * around) / 1000.0
    return TankLosses(share, relative, absolute)


def prepare(specs: Mapping[str, HeatStore], world: World) -> dict[str, Parameter]:
    """Capacity, standing loss and fixed loss; the standing loss is checked against the step."""
    capacity, share, loss = [], [], []
    for name, spec in specs.items():
        tank = spec.tank
        if tank is None:
            capacity.append(spec.capacity)
            share.append(spec.standing_loss)
            loss.append(np.zeros(len(world.horizon.time)))
            continue
        if tank.around is None:
            around = world.air_temperature(name)
        else:
            around = np.full(len(world.horizon.time), tank.around)
        wall = tank.wall
        value = tank.transmission if wall is None else transmission(
            wall.thickness, wall.conductivity, wall.inside, wall.outside
        )  # fmt: skip
        assert value is not None, "checked by the spec"
        losses = tank_losses(value, tank.volume, tank.diameter, tank.hot, tank.cold, around)
        capacity.append(tank_capacity(tank.volume, tank.hot, tank.cold))
        share.append(losses.share)
        loss.append(losses.relative + losses.absolute)
    check_store(specs, world, share)
    return {
        "capacity": Parameter(("heat_store",), np.array(capacity), "kWh"),
        "standing_loss": Parameter(("heat_store",), np.array(share), "1/h"),
        "loss": Parameter(("heat_store", "time"), np.array(loss), "kW"),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Charge and discharge at the heat balance."""
    formulate_storage(m, c, "heat", c.loss)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """March the level from charge and discharge."""
    replay_storage(c, flows, log, "heat", c["loss"])


def carry(units: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The level, and that the rent is paid."""
    return carry_storage(units, flows, step)


def open_end(units: Units, steps: int) -> dict[str, Parameter]:
    """Nothing is asked of the level where the horizon goes on."""
    return open_storage(units)
