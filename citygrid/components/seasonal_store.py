"""Seasonal heat store: a pit of water or a field of boreholes that keeps summer heat for winter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.components.common.storage import (
    Storage,
    carry_storage,
    check_store,
    formulate_level,
    open_storage,
    replay_level,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Area,
    HeatLossPerArea,
    StoreVolume,
    Temperature,
    VolumetricHeatCapacity,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World

#: Construction → heat capacity [kWh/m³/K]: water at 80 degC (1.133), moist soil and rock with the
#: tubes' water, 2.5 MJ/m³K, as for the ground around pipes.
HEAT_CAPACITY = {"pit": 971.803 * 4195.52 / 3.6e6, "boreholes": 2.5 / 3.6}


class Surface(BaseModel):
    """A surface through which the store loses heat."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    area: Area
    transmission: HeatLossPerArea = Field(description="U value of insulation and film")


class SeasonalStore(Storage):
    """Pit or borehole store of a node, between a cold and a hot temperature.

    ``E_t = E_{t−1}(1 − s Δt) − l_t Δt + η_c c Δt − d Δt / η_d`` [kWh], ``0 ≤ E ≤ V C (T_H − T_C)``.
    Its mean temperature is ``T = T_C + (T_H − T_C) E / (V C (T_H − T_C))``; it loses
    ``U_lid A_lid (T − T_air) + U_walls A_walls (T − T_ground)``, of which
    ``s = (U_lid A_lid + U_walls A_walls) / (V C)`` follows the level and
    ``l = U_lid A_lid (T_C − T_air) + U_walls A_walls (T_C − T_ground)`` does not. Where the store's
    cold side is colder than what surrounds it, l is negative: it gains. Where it is warmer, an
    empty store still loses l and has to be charged with it.

    It gives its heat to the node, or, with ``serves: heat pumps``, to pumps whose ``source`` is
    the store; they see a loop between the middle and the cold temperature. A store cold enough for
    pumps, given to the network directly, would promise heat that is not hot enough.
    """

    group = "heat"
    construction: Literal["pit", "boreholes"] = Field(description="decides the heat capacity")
    volume: StoreVolume = Field(
        gt=0, description="of the water, or of the ground between boreholes"
    )
    hot: Temperature = Field(description="mean temperature when full")
    cold: Temperature = Field(description="mean temperature when empty")
    lid: Surface = Field(description="the surface to the outdoor air")
    walls: Surface = Field(description="the surfaces to the ground: sides and bottom")
    heat_capacity: VolumetricHeatCapacity | None = Field(
        None, gt=0, description="of the volume; by construction if left out"
    )
    serves: Literal["network", "heat pumps"] = Field(
        "network", description="whether it heats the network directly or through heat pumps"
    )

    @model_validator(mode="after")
    def _holds_heat(self) -> SeasonalStore:
        if self.hot <= self.cold:
            raise ValueError(
                f"the store is not warmer when full, {self.hot:g} degC, than when empty, "
                f"{self.cold:g} degC; swap or correct them"
            )
        if self.standing_loss > 0:
            raise ValueError(
                "the standing loss follows from `lid` and `walls`; leave `standing_loss` out"
            )
        return self

    def loop(self) -> tuple[float, float]:
        """Temperatures [degC] between which heat pumps take its heat."""
        return 0.5 * (self.hot + self.cold), self.cold

    def ports(self, name: str) -> list[Port]:
        charged = Port("heat", "draw", self.node)
        if self.serves == "heat pumps":
            return [charged, Port("waste_heat", "feed", name, self.loop())]
        return [charged, Port("heat", "feed", self.node)]


def prepare(specs: Mapping[str, SeasonalStore], world: World) -> dict[str, Parameter]:
    """Capacity, the loss that follows the level, and the one that follows the weather."""
    capacity, share, loss, to_pumps = [], [], [], []
    for name, spec in specs.items():
        usual = HEAT_CAPACITY[spec.construction]
        per_kelvin = spec.volume * (usual if spec.heat_capacity is None else spec.heat_capacity)
        lid, walls = (
            surface.area * surface.transmission / 1000.0 for surface in (spec.lid, spec.walls)
        )
        capacity.append(per_kelvin * (spec.hot - spec.cold))
        share.append((lid + walls) / per_kelvin)
        loss.append(lid * (spec.cold - world.air_temperature(name))
                    + walls * (spec.cold - world.ground_temperature(name)))  # fmt: skip
        to_pumps.append(spec.serves == "heat pumps")
    check_store(specs, world, share)
    return {
        "capacity": Parameter(("seasonal_store",), np.array(capacity), "kWh"),
        "standing_loss": Parameter(("seasonal_store",), np.array(share), "1/h"),
        "loss": Parameter(("seasonal_store", "time"), np.array(loss), "kW"),
        "to_pumps": Parameter(("seasonal_store",), np.array(to_pumps)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Charge from the network; discharge to it, or at the store itself to heat pumps."""
    charge, discharge = formulate_level(m, c, c.loss)
    m.draw("heat", c.text("node"), charge)
    direct, lifted = c.axis.only(~c.flags("to_pumps"), "direct"), c.axis.only(
        c.flags("to_pumps"), "lifted"
    )  # fmt: skip
    if len(direct):
        m.feed("heat", c.text("node", direct), discharge.only(direct))
    if len(lifted):
        m.feed("waste_heat", list(lifted.labels), discharge.only(lifted))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """March the level; hand the heat to the network or to the pumps."""
    charge, discharge = replay_level(c, flows, log, c["loss"])
    log.draws("heat", c.places("node"), charge)
    to_pumps = c.places("to_pumps")
    names = np.array(c.names, dtype=object)
    log.feeds("heat", c.places("node")[~to_pumps], discharge[~to_pumps], names[~to_pumps])
    log.feeds("waste_heat", names[to_pumps], discharge[to_pumps], names[to_pumps])


def carry(units: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The level, and that the rent is paid."""
    return carry_storage(units, flows, step)


def open_end(units: Units, steps: int) -> dict[str, Parameter]:
    """Nothing is asked of the level where the horizon goes on."""
    return open_storage(units)
