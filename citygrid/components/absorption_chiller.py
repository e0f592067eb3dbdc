"""Absorption chiller: makes cold out of heat, where heat is cheaper than power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from citygrid.arrays import Floats
from citygrid.components.common.carnot import KELVIN
from citygrid.components.common.rejection import (
    formulate_water,
    replay_rejection,
)
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Node,
    Number,
    Power,
    Ratio,
    Share,
    Temperature,
    TemperatureDifference,
    WaterPerEnergy,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Machine(BaseModel):
    """Characteristic equation of a machine, in its own kW; by default Kühn's of 10 kW.

    ``Δt' = t_G − a · t_AC + e · t_E``, cooling ``s_cooling · Δt' + r_cooling`` and driving heat
    ``s_heat · Δt' + r_heat`` [kW], with the external mean temperatures of generator, absorber and
    condenser, and evaporator [degC].

    Source: A. Kühn and F. Ziegler, "Operational results of a 10 kW absorption chiller and
    adaptation of the characteristic equation", Int. Conf. Solar Air Conditioning, 2005; table of
    oemof.thermal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    a: Ratio = 2.5
    e: Ratio = 1.8
    s_cooling: Number = Field(0.42, gt=0, description="kW per K")
    r_cooling: Number = Field(0.9, description="kW")
    s_heat: Number = Field(0.51, gt=0, description="kW per K")
    r_heat: Number = Field(2.0, description="kW")
    rated: Power = Field(10.0, gt=0, description="cooling that the machine is named after")


class AbsorptionChiller(Component):
    """Single-effect absorption chiller of a node, driven by the heat network.

    Capacity and heat per cooling follow the characteristic equation of a ``machine``, scaled to
    the ``cooling`` wished, from hourly temperatures: the network's supply less half the glide
    drives it, the air above ``cooling_water_least`` decides what it rejects to, the chilled water
    what it serves. Below ``driving_least`` it gives nothing. Part load keeps the hour's COP.

    All it takes up is rejected, ``cooling + heat``: by a cooler of its own, for
    ``rejection_power`` and ``rejection_water`` per heat, or at its node to components that draw
    ``rejected_heat``.
    """

    group = "cooling"
    memoryless = True
    node: Node
    cooling: Power = Field(description="cooling of the machine at its rating, as it is named")
    machine: Machine = Field(Machine(), description="coefficients of the characteristic equation")
    driving: Temperature | None = Field(
        None, description="supply of the driving heat; that of the heat network if left out"
    )
    driving_glide: TemperatureDifference = Field(
        10.0, description="by which the driving water is cooled"
    )
    driving_least: Temperature = Field(70.0, description="supply below which it does not work")
    chilled_water: Temperature = Field(15.0, description="mean temperature of the cold side")
    cooling_water: Temperature | None = Field(
        None, description="mean temperature it rejects at; by the outdoor air if left out"
    )
    approach: TemperatureDifference = Field(10.0, description="cooling water above outdoor air")
    cooling_water_least: Temperature = Field(
        27.0, description="below which cooling water is not let, lest the salt crystallises"
    )
    auxiliary: Share = Field(0.02, description="power of its own pumps per cooling")
    rejects_to: Literal["air", "node"] = Field(
        "air", description="a cooler of its own, or components that draw `rejected_heat`"
    )
    rejection_power: Share = Field(0.02, description="power of its own cooler per heat rejected")
    rejection_water: WaterPerEnergy = Field(0.0, description="water of its own cooler")

    def ports(self, name: str) -> list[Port]:
        ports = [Port("heat", "draw", self.node), Port("power", "draw", self.node),
                 Port("cooling", "feed", self.node)]  # fmt: skip
        if self.rejects_to == "node":
            ports.append(Port("rejected_heat", "feed", self.node))
        return ports


class Performance(NamedTuple):
    """What a machine does at given temperatures: cooling and driving heat [kW], shape (T,)."""

    cooling: Floats
    heat: Floats


def characteristic_difference(
    driving: Floats, rejecting: Floats, chilled: Floats, a: float, e: float
) -> Floats:
    """``Δt' = t_G − a · t_AC + e · t_E`` [K] from external mean temperatures, shape (T,) [degC]."""
    return np.asarray(driving - a * rejecting + e * chilled)


def characteristic_performance(
    machine: Machine, driving: Floats, rejecting: Floats, chilled: Floats
) -> Performance:
    """Cooling and driving heat of a machine by its characteristic equation.

    driving, rejecting, chilled
        External mean temperatures of generator, absorber and condenser, and evaporator, shape (T,)
        [degC].

    Returns both in the machine's own kW, shape (T,); they may be negative where it does not work.
    """
    difference = characteristic_difference(driving, rejecting, chilled, machine.a, machine.e)
    return Performance(machine.s_cooling * difference + machine.r_cooling,
                       machine.s_heat * difference + machine.r_heat)  # fmt: skip


def ideal_cop(driving: Floats, rejecting: Floats, chilled: Floats) -> Floats:
    """Cooling per driving heat of a reversible machine between three temperatures [degC], (T,)."""
    hot, middle, cold = (np.asarray(t) + KELVIN for t in (driving, rejecting, chilled))
    lift = middle - cold
    ideal = (1.0 - middle / hot) * cold / np.where(lift > 0.0, lift, np.nan)
    return np.where(lift > 0.0, ideal, np.inf)


def prepare(specs: Mapping[str, AbsorptionChiller], world: World) -> dict[str, Parameter]:
    """Hourly capacity [kW] and driving heat per cooling."""
    hours = len(world.horizon.time)
    capacity, share = np.zeros((len(specs), hours)), np.zeros((len(specs), hours))
    for i, (name, spec) in enumerate(specs.items()):
        supply = (world.supply_temperature(name) if spec.driving is None
                  else np.full(hours, spec.driving))  # fmt: skip
        if spec.cooling_water is None:
            air = world.air_temperature(name)
            water = np.maximum(air + spec.approach, spec.cooling_water_least)
        else:
            water = np.full(hours, spec.cooling_water)
        streams = supply - 0.5 * spec.driving_glide, water, np.full(hours, spec.chilled_water)
        cooling, heat = characteristic_performance(spec.machine, *streams)
        hot = supply >= spec.driving_least
        works = hot & (cooling > 0.0) & (heat > 0.0)
        if not hot.any():
            world.refuse(name, "driving", "the driving heat is never warm enough",
                         f"{supply.max():g} degC of {spec.driving_least:g} degC",
                         "raise the supply temperature, or use a chiller")  # fmt: skip
        elif not works.any():
            world.refuse(name, "machine", "gives no cold at any of its temperatures",
                         f"{cooling.max():.2f} kW", "warm the driving or chilled water, or cool "
                         "the cooling water")  # fmt: skip
        elif (cooling > heat * ideal_cop(*streams))[works].any():
            world.refuse(name, "machine", "gives more cold per heat than a reversible machine",
                         f"COP {(cooling / heat)[works].max():.2f}",
                         "correct the coefficients or the temperatures")  # fmt: skip
        scale = spec.cooling / spec.machine.rated
        capacity[i] = np.where(works, scale * cooling, 0.0)
        share[i] = np.divide(heat, cooling, out=np.zeros(hours), where=works)
    dims = ("absorption_chiller", "time")
    outdoors = [spec.rejects_to == "air" for spec in specs.values()]
    return {
        "capacity": Parameter(dims, capacity, "kW"),
        "heat_share": Parameter(dims, share),
        "outdoors": Parameter(("absorption_chiller",), np.array(outdoors)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Cold for heat by the hour's COP, and all of it rejected."""
    cooling = m.variable("cooling", c.axis, m.time, upper=c.capacity, about="cold made")
    m.feed("cooling", c.text("node"), cooling)
    m.draw("heat", c.text("node"), cooling * c.heat_share)
    rejected = cooling * (1.0 + c.heat_share)
    outdoors = c.flags("outdoors")
    fans = c.known(np.where(outdoors, c.rejection_power.values, 0.0), c.axis, unit="1")
    m.draw("power", c.text("node"), cooling * c.auxiliary + rejected * fans)
    litres = c.known(np.where(outdoors, c.rejection_water.values, 0.0), c.axis, unit="l/kWh")
    formulate_water(m, c, rejected, litres)
    inside = c.axis.only(~outdoors, "inside")
    if len(inside):
        m.feed("rejected_heat", c.text("node", inside), rejected.only(inside))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """First law: what goes in as heat and cold comes out as rejected heat."""
    cooling = flows["cooling"]
    log.within("cooling within what the temperatures allow", cooling, 0.0, c["capacity"])
    heat = cooling * c["heat_share"]
    rejected = cooling + heat
    to_air = np.where(c["outdoors"], rejected, 0.0)
    power = cooling * c["auxiliary"] + to_air * c["rejection_power"]
    log.feeds("cooling", c.places("node"), cooling)
    log.draws("heat", c.places("node"), heat)
    log.draws("power", c.places("node"), power)
    inside = ~c["outdoors"].ravel()
    if inside.any():
        log.feeds("rejected_heat", c.places("node")[inside], rejected[inside],
                  np.array(c.names, dtype=object)[inside])  # fmt: skip
    replay_rejection(c, log, to_air, c["rejection_water"] * c["outdoors"], 0.0)
    log.measure("cooling_power", power)
