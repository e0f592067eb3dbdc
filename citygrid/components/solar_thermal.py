"""Solar thermal collectors: heat from the sun at the network's temperature, curtailed if unused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from citygrid.arrays import Floats
from citygrid.components.common.available import formulate_available, replay_available
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Angle,
    Area,
    Efficiency,
    HeatLossPerArea,
    HourlyIrradiance,
    Node,
    QuadraticHeatLoss,
    Share,
    Temperature,
    TemperatureDifference,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class SolarThermal(Component):
    """Collector field of a node: ``0 ≤ produced ≤ area · max(0, q)`` [kW].

    ``q = η0 G − a1 (T_m − T_a) − a2 (T_m − T_a)²`` [W/m²] (EN ISO 9806, steady state) with the
    irradiance ``G`` behind the cover, the outdoor air ``T_a``, and the collector's mean temperature
    ``T_m``: that of the heat network, (supply + return) / 2, and the ``approach`` of the heat
    exchanger between. ``η0``, ``a1``, ``a2`` stand in the collector's test report and belong to
    the area that it names.
    """

    group = "renewable"
    memoryless = True
    node: Node
    area: Area = Field(description="of all collectors, as the test report counts it")
    optical_efficiency: Efficiency = Field(description="η0 of the test report")
    linear_loss: HeatLossPerArea = Field(description="a1 of the test report")
    quadratic_loss: QuadraticHeatLoss = Field(description="a2 of the test report; 0 if it has none")
    tilt: Angle = Field(35.0, description="slope of the collectors; 0 deg is flat")
    azimuth: Angle = Field(180.0, description="direction they face; 180 deg is south")
    incidence_loss: Share = Field(
        0.1, description="b0 of the incidence angle modifier 1 − b0 (1/cos θ − 1); flat plates"
    )
    approach: TemperatureDifference = Field(
        5.0, description="of the collectors above the network's mean temperature; assumed"
    )
    mean_temperature: Temperature | None = Field(
        None, description="T_m; left out, it follows the heat network"
    )
    irradiance: HourlyIrradiance | None = Field(
        None, description="on the collectors' plane; left out, computed from the weather"
    )

    def ports(self, name: str) -> list[Port]:
        return [Port("heat", "feed", self.node)]


def collector_heat(
    irradiance: Floats, air: Floats, mean: Floats, optical_efficiency: float, linear_loss: float,
    quadratic_loss: float,
) -> Floats:  # fmt: skip
    """Heat per area of a collector, never negative, shape (T,) [W/m^2].

    ``irradiance`` [W/m^2], temperatures ``air`` and ``mean`` [degC], shape (T,); see the kind. A
    collector that would cool is not run.
    """
    above = mean - air
    gained = optical_efficiency * irradiance - linear_loss * above - quadratic_loss * above**2
    # Below the air's temperature the square is no loss; the linear term still gains.
    gained = np.where(above < 0.0, gained + quadratic_loss * above**2, gained)
    return np.maximum(gained, 0.0)


def prepare(specs: Mapping[str, SolarThermal], world: World) -> dict[str, Parameter]:
    """Heat available in every step [kW], and the peak power of the collectors.

    That is ``area · η0`` at 1,000 W/m² and no difference of temperatures (EN ISO 9806).
    """
    available = []
    for name, spec in specs.items():
        if spec.irradiance is None:
            sun = world.collector_irradiance(
                spec.tilt, spec.azimuth, spec.incidence_loss, name
            )  # fmt: skip
        else:
            sun = world.hourly(spec.irradiance, "W/m^2", name, "irradiance")
        if spec.mean_temperature is None:
            water = world.supply_temperature(name) + world.return_temperature(name)
            mean = 0.5 * water + spec.approach
        else:
            mean = np.full(len(world.horizon.time), spec.mean_temperature)
        heat = collector_heat(sun, world.air_temperature(name), mean, spec.optical_efficiency,
                              spec.linear_loss, spec.quadratic_loss)  # fmt: skip
        available.append(spec.area * heat / 1000.0)
    peak = [spec.area * spec.optical_efficiency for spec in specs.values()]
    return {
        "available": Parameter(("solar_thermal", "time"), np.array(available), "kW"),
        "rated_heat": Parameter(("solar_thermal",), np.array(peak), "kW"),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Produce up to what the sun gives."""
    formulate_available(m, c, "heat")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """No more than the sun gives."""
    replay_available(c, flows, log, "heat", "sun", "solar_heat")
