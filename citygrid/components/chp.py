"""Combined heat and power: in a fixed ratio (back-pressure), or with heat by extraction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Flags, Floats
from citygrid.components.common.combustion import (
    Combustion,
    formulate_exhaust,
    replay_exhaust,
)
from citygrid.components.common.commitment import (
    PartLoaded,
    Reserving,
    carry_commitment,
    formulate_commitment,
    formulate_fuel,
    prepare_commitment,
    replay_commitment,
    replay_fuel,
)
from citygrid.components.common.commitment.spread import chosen, over_all
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Efficiency, Node, Power, Ratio, Share
from citygrid.components.log import Log
from citygrid.components.words import Axis, Fleet, Known, Speaker
from citygrid.inputs.world import World


class Extraction(BaseModel):
    """A turbine that takes steam out for heat, at the cost of some power."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    condensing_efficiency: Efficiency | None = Field(
        None, description="power out per fuel in without heat; or give `part_load`"
    )
    power_loss: Share | None = Field(
        None, description="β, power lost per heat taken; left out, (η_cond − η_el) / η_th"
    )
    power_to_heat: Ratio | None = Field(
        None, description="least power per heat; left out, η_el / η_th, with `part_load` 0"
    )
    heat: Power | None = Field(None, description="largest heat output; left out, no limit")
    stack_loss: Share = Field(0.0, description="of the fuel, lost with the flue gas")
    condenser: Power = Field(0.0, description="heat that the condenser has to take while on")


class CombinedHeatAndPower(PartLoaded, Reserving, Combustion, Noisy):
    """Engine or turbine of a node.

    In a fixed ratio: ``power = η_el · fuel`` and ``heat = η_th · fuel`` [kW].

    With ``extraction`` heat and power are chosen apart: ``η_cond · fuel = P + β Q``,
    ``P ≥ η_el / η_th · Q`` and, by the first law, ``P + Q + stack_loss · fuel + condenser · on ≤
    fuel``. Its output, which is held between minimum load and capacity and to which the
    efficiency at ``part_load`` and ``variable_cost`` belong, is ``P + β Q``: the power that it
    would give without heat. So are oemof.solph's ExtractionTurbineCHP and, with ``part_load`` of
    two points, its GenericCHP (Mollenhauer et al. 2016).
    """

    group = "heat"
    node: Node
    power: Power = Field(description="largest electric output")
    electric_efficiency: Efficiency = Field(0.38, description="power out per fuel in")
    thermal_efficiency: Efficiency = Field(0.48, description="heat out per fuel in")
    extraction: Extraction | None = Field(
        None, description="heat by extraction; left out, heat and power keep their ratio"
    )

    @model_validator(mode="after")
    def _first_law(self) -> CombinedHeatAndPower:
        total = self.electric_efficiency + self.thermal_efficiency
        # Condensing engines reach up to 1.08 of the lower heating value.
        if total > 1.08:
            raise ValueError(
                f"electric and thermal efficiency add up to {total:.3g}; together they can be at "
                "most 1.08 (lower heating value)"
            )
        return self

    @model_validator(mode="after")
    def _extraction_costs_power(self) -> CombinedHeatAndPower:
        extraction = self.extraction
        if extraction is None:
            return self
        condensing = extraction.condensing_efficiency
        if (condensing is None) == (not self.part_load):
            raise ValueError(
                "extraction needs one of `condensing_efficiency` and the unit's `part_load`; give "
                "one of them"
            )
        if condensing is None and extraction.power_loss is None:
            raise ValueError("with `part_load`, extraction needs its `power_loss`; add it")
        if condensing is not None and condensing < self.electric_efficiency:
            raise ValueError(
                f"a condensing efficiency of {condensing:.3g} is below the electric efficiency of "
                f"{self.electric_efficiency:.3g} with heat; taking heat cannot give power"
            )
        if self.beta >= 1.0:
            raise ValueError(
                f"a kWh of heat would cost {self.beta:.3g} kWh of power; raise the thermal or "
                "lower the condensing efficiency"
            )
        return self

    @property
    def beta(self) -> float:
        """Power lost per heat taken; 0 in a fixed ratio."""
        extraction = self.extraction
        if extraction is None:
            return 0.0
        if extraction.power_loss is not None:
            return extraction.power_loss
        assert extraction.condensing_efficiency is not None, "checked by the spec"
        lost = extraction.condensing_efficiency - self.electric_efficiency
        return lost / self.thermal_efficiency

    @property
    def sigma(self) -> float:
        """Least power per heat; not asked for in a fixed ratio."""
        if self.extraction is not None and self.extraction.power_to_heat is not None:
            return self.extraction.power_to_heat
        return 0.0 if self.part_load else self.electric_efficiency / self.thermal_efficiency

    def ports(self, name: str) -> list[Port]:
        return [
            Port("gas", "draw", self.node), Port("power", "feed", self.node),
            Port("heat", "feed", self.node), *self._reserve_ports(self.node),
        ]  # fmt: skip


def prepare(specs: Mapping[str, CombinedHeatAndPower], world: World) -> dict[str, Parameter]:
    """What commitment needs, and the numbers of extraction."""
    units = list(specs.values())
    extractions = [unit.extraction or Extraction() for unit in units]
    full = [
        unit.electric_efficiency if each.condensing_efficiency is None
        else each.condensing_efficiency
        for unit, each in zip(units, extractions, strict=True)
    ]  # fmt: skip
    most = [np.inf if each.heat is None else each.heat for each in extractions]

    def single(values: list[float], unit: str = "1") -> Parameter:
        return Parameter(("chp",), np.array(values, dtype=float), unit)

    return {
        **prepare_commitment(specs, world, "chp", "power"),
        "extracts": Parameter(("chp",), np.array([unit.extraction is not None for unit in units])),
        "full_efficiency": single(full),
        "power_loss": single([unit.beta for unit in units]),
        "power_to_heat": single([unit.sigma for unit in units]),
        "heat": single(most, "kW"),
        "stack_loss": single([each.stack_loss for each in extractions]),
        "condenser": single([each.condenser for each in extractions], "kW"),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Power and heat from fuel, in a fixed ratio or by extraction."""
    most = quiet_limit(c, c.usable)
    power = m.variable("power", c.axis, m.time, upper=most, about="power produced")
    extracting = c.axis.only(c.flags("extracts"), "extracting")
    fixed = c.axis.only(~c.flags("extracts"), "fixed")
    output, heat = power, None
    if len(extracting):
        heat = m.variable("heat", extracting, m.time, upper=c.heat.only(extracting),
                          about="heat extracted")  # fmt: skip
        output = power + over_all(heat * c.power_loss.only(extracting), (extracting,), m.time)
    gate = formulate_commitment(m, c, output)
    fuel = formulate_fuel(m, c, output, gate, c.full_efficiency)
    m.feed("power", c.text("node"), power)
    m.draw("gas", c.text("node"), fuel)
    formulate_exhaust(m, c, fuel)
    if len(fixed):
        m.feed("heat", c.text("node", fixed), (fuel * c.thermal_efficiency).only(fixed))
    if heat is None:
        return
    m.feed("heat", c.text("node", extracting), heat)
    m.constrain("steam", output.only(extracting) <= most.only(extracting),
                "power and what heat takes of it")  # fmt: skip
    least = heat * c.power_to_heat.only(extracting)
    m.constrain("back_pressure", power.only(extracting) >= least, "heat brings power with it")
    lossy = extracting.only(_lossy(c.power_to_heat, c.stack_loss, c.condenser, extracting), "lossy")
    if len(lossy):
        path = (extracting, lossy)
        kept = chosen(fuel, *path) * (1.0 - chosen(c.stack_loss, *path))
        left = kept - gate.only(extracting).only(lossy) * chosen(c.condenser, *path)
        m.constrain("first_law", chosen(power, *path) + heat.only(lossy) <= left,
                    "fuel is power, heat, flue gas and cooling water")  # fmt: skip


def _lossy(power_to_heat: Known, stack_loss: Known, condenser: Known, units: Axis) -> Flags:
    """Where the first law can bind: with losses of its own, or without a least power."""
    ratio, stack, water = (
        each.only(units).values.ravel() for each in (power_to_heat, stack_loss, condenser)
    )
    return np.asarray((ratio == 0.0) | (stack > 0.0) | (water > 0.0))


def _output(c: Units, flows: Flows) -> Floats:
    """Power [kW] (n, T), and what the heat that is extracted takes of it."""
    power = flows["power"]
    taken = np.where(c["extracts"], flows.spread("heat", 0.0, power.shape), 0.0)
    return np.asarray(power + c["power_loss"] * taken)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Burn what power and heat need, and hand over the heat."""
    power, extracts = flows["power"], c["extracts"]
    taken = np.where(extracts, flows.spread("heat", 0.0, power.shape), 0.0)
    output = _output(c, flows)
    on = replay_commitment(c, flows, log, output)
    replay_quiet(c, log, output, c["power"])
    fuel = replay_fuel(c, flows, log, output, on, c["full_efficiency"])
    heat = np.where(extracts, taken, fuel * c["thermal_efficiency"])
    log.within("heat within what is extracted at most", taken, 0.0, c["heat"])
    log.within("heat brings power with it", power, low=c["power_to_heat"] * taken)
    left = fuel - c["stack_loss"] * fuel - c["condenser"] * on
    bound = extracts & (
        (c["power_to_heat"] == 0.0) | (c["stack_loss"] > 0.0) | (c["condenser"] > 0.0)
    )
    log.within("the fuel's energy is not exceeded", np.where(bound, power + taken, 0.0),
               high=np.where(bound, left, 0.0))  # fmt: skip
    log.measure("output", output)
    log.feeds("power", c.places("node"), power)
    log.feeds("heat", c.places("node"), heat)
    log.draws("gas", c.places("node"), fuel)
    replay_exhaust(c, log, fuel)


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: _output(c, flows))
