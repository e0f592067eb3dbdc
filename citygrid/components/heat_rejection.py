"""Dry cooler or cooling tower: leaves heat to the air, for the power of its fans and its water."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.common.rejection import (
    TOWER_WATER,
    formulate_water,
    replay_rejection,
)
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Node,
    Power,
    Share,
    Temperature,
    WaterPerEnergy,
    WaterPrice,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Opposition, Speaker
from citygrid.inputs.world import World

#: Outdoor temperature at which the capacity holds [degC]: air of a hot day, or its wet bulb.
DESIGN = {"dry": 35.0, "wet": 22.0}
#: Water into the cooler [degC]: from a warm loop, or from an absorption chiller on a hot day.
INLET = 40.0


class HeatRejection(Noisy):
    """Cooler of a node that leaves heat to the outdoor air.

    Its exchangers move heat in proportion to how much warmer the water is than the air (or, in a
    wet tower, than its wet bulb): ``capacity_t = capacity · min(1, r_t)`` with ``r_t = (inlet −
    T_t) / (inlet − design)``, and nothing where the air is as warm as the water. A kW takes air,
    and so power, in inverse proportion: ``power = fans / r_t · heat``, so that the fans are at full
    power, ``fans · capacity``, whenever the cooler gives its all in weather beyond the design.

    ``takes`` says whose heat: that of the node's computing centres (``cooling``: it feeds the
    carrier as a chiller does, free cooling at the temperature of the loop), what the heat network
    has too much of (``heat``), or what absorption chillers leave (``rejected_heat``). Loops of
    different temperature are different nodes, each with its own cooler.
    """

    group = "cooling"
    memoryless = True
    node: Node
    capacity: Power = Field(description="heat it moves at its design temperature")
    takes: Literal["cooling", "heat", "rejected_heat"] = Field(
        "cooling", description="carrier whose heat it leaves to the air"
    )
    cooler: Literal["dry", "wet"] = Field("dry", description="dry cooler, or tower with water")
    inlet: Temperature | None = Field(
        None, description="water into the cooler; of `heat`, the network's supply if left out"
    )
    design: Temperature | None = Field(
        None, description="outdoor air (wet: its wet bulb) at which the capacity holds"
    )
    fans: Share = Field(0.02, description="power of fans and pumps per heat at the design")
    water: WaterPerEnergy | None = Field(None, description="by the kind of cooler if left out")
    water_price: WaterPrice = Field(0.0, description="of water and waste water together")
    power_node: Node | None = Field(None, description="where its power is from, if not its node")
    may_burn: bool = Field(
        False, description="of `heat`: whether it may take heat that is made of worthless power"
    )

    @model_validator(mode="after")
    def _warmer_than_its_design(self) -> HeatRejection:
        warm = INLET if self.inlet is None else self.inlet
        # The heat network's supply is known later, hour by hour.
        known = self.takes != "heat" or self.inlet is not None
        if known and warm <= self.design_temperature():
            raise ValueError(
                f"water of {warm:g} degC is not warmer than the design's "
                f"{self.design_temperature():g} degC; give `inlet` and `design` so that it is"
            )
        return self

    def design_temperature(self) -> float:
        """Outdoor temperature of its capacity [degC], of the air or its wet bulb."""
        return DESIGN[self.cooler] if self.design is None else self.design

    def ports(self, name: str) -> list[Port]:
        direction: Literal["feed", "draw"] = "feed" if self.takes == "cooling" else "draw"
        return [Port(self.takes, direction, self.node),
                Port("power", "draw", self.power_node or self.node)]  # fmt: skip


def reach(inlet: Floats, outdoor: Floats, design: float) -> Floats:
    """How well it rejects against its design, shape (T,): ``(inlet − T) / (inlet − design)``, ≥ 0.

    All in degC; 1 at the design temperature, more when it is colder, 0 when it is as warm outside
    as the water.
    """
    return np.maximum(inlet - outdoor, 0.0) / (inlet - design)


def prepare(specs: Mapping[str, HeatRejection], world: World) -> dict[str, Parameter]:
    """Hourly capacity and power per heat, water and what it costs."""
    hours = len(world.horizon.time)
    capacity, share = np.zeros((len(specs), hours)), np.zeros((len(specs), hours))
    for i, (name, spec) in enumerate(specs.items()):
        dry = spec.cooler == "dry"
        outdoor = world.air_temperature(name) if dry else world.wet_bulb_temperature(name)
        inlet = np.full(hours, INLET if spec.inlet is None else spec.inlet)
        if spec.inlet is None and spec.takes == "heat":
            inlet = world.supply_temperature(name)
            if (inlet <= spec.design_temperature()).any():
                world.refuse(name, "takes", "the network is not warmer than the cooler's design",
                             f"{inlet.min():g} degC at {spec.design_temperature():g} degC outside",
                             "give `inlet` and `design` so that it is")  # fmt: skip
                continue
        good = reach(inlet, outdoor, spec.design_temperature())
        capacity[i] = spec.capacity * np.minimum(good, 1.0)
        share[i] = np.divide(spec.fans, good, out=np.zeros(hours), where=good > 0.0)
    litres = np.array([
        (TOWER_WATER if spec.cooler == "wet" else 0.0) if spec.water is None else spec.water
        for spec in specs.values()
    ])  # fmt: skip
    prices = np.array([spec.water_price for spec in specs.values()])
    dims = ("heat_rejection", "time")
    return {
        "capacity": Parameter(dims, capacity, "kW"),
        "power_share": Parameter(dims, share),
        "worthless": Parameter(dims, np.array([
            world.worthless("power", spec.power_node or spec.node) for spec in specs.values()])),
        "water": Parameter(("heat_rejection",), litres, "l/kWh"),
        "water_cost": Parameter(("heat_rejection",), litres * prices / 1000.0, "EUR/kWh"),
        "power_node": Parameter(("heat_rejection",), np.array(
            [spec.power_node or spec.node for spec in specs.values()], dtype=object)),
        "takes": Parameter(("heat_rejection",), np.array(
            [spec.takes for spec in specs.values()], dtype=object)),
    }  # fmt: skip


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat to the air for power and water, within what the weather allows."""
    heat = m.variable("heat", c.axis, m.time, upper=quiet_limit(c, c.capacity),
                      about="heat left to the air")  # fmt: skip
    taken = np.array(c.text("takes"))
    for carrier in sorted(set(taken)):
        here = c.axis.only(taken == carrier, carrier)
        if carrier == "cooling":
            m.feed(carrier, c.text("node", here), heat.only(here))
            continue
        opposed = None
        if carrier == "heat":
            at = here.positions
            opposed = Opposition("made", c.capacity.only(here), c.flags("worthless")[at],
                                 c.flags("may_burn")[at])  # fmt: skip
        m.draw(carrier, c.text("node", here), heat.only(here), opposed)
    m.draw("power", c.text("power_node"), heat * c.power_share)
    formulate_water(m, c, heat, c.water, c.water_cost)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Compare with what the weather lets it give; pay fans and water."""
    heat = flows["heat"]
    log.within("heat within what the weather allows", heat, 0.0, c["capacity"])
    replay_quiet(c, log, heat, c["capacity"])
    taken = c.places("takes")
    for carrier in sorted(set(taken)):
        here = taken == carrier
        move = log.feeds if carrier == "cooling" else log.draws
        move(carrier, c.places("node")[here], heat[here], np.array(c.names, dtype=object)[here])
    left = np.where((taken == "heat")[:, None] & ~c["may_burn"], heat, 0.0)
    log.opposes("heat", "made", c.places("node"), left, False, c["worthless"] & (left > 0.0))
    power = heat * c["power_share"]
    log.draws("power", c.places("power_node"), power)
    replay_rejection(c, log, heat, c["water"], c["water_cost"])
    log.measure("cooling_power", power[taken != "heat"])
