"""What a district file may say of a unit that can be on or off."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from citygrid.arrays import Flags
from citygrid.components.common.calendar import Window
from citygrid.components.common.withdrawal import full_swing, while_out
from citygrid.components.contract import Component, Parameter, Port, Units
from citygrid.components.fields import (
    CostRate,
    Duration,
    Efficiency,
    HourlyLoad,
    HourlyPrice,
    HourlyRamp,
    HourlyShare,
    Load,
    Money,
    Power,
    Share,
    quantity,
)

RESERVE = "spinning_reserve"


class _Entry(BaseModel):
    """One entry of a list in a spec."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColdStart(_Entry):
    """What a start costs once the unit has been off for long."""

    after: Duration = Field(description="off for longer than this, the start is a cold one")
    cost: Money = Field(ge=0, description="cost of such a start, in place of `start_cost`")


class CostPoint(_Entry):
    """Cost of running at one output."""

    output: Power
    cost: CostRate


class LoadPoint(_Entry):
    """Efficiency at one load."""

    load: Share = Field(gt=0, description="output as a share of the capacity")
    efficiency: Efficiency


class Committed(Component):
    """Fields of a unit that can be on or off; its output is what its kind produces [kW].

    On, the output lies between ``minimum_load`` and the capacity. Cost is ``start_cost`` (or that
    of the last of ``cold_starts`` whose ``after`` the unit has been off for longer than), plus
    ``shutdown_cost``, plus ``standby_cost`` for every hour on, plus ``variable_cost · output +
    quadratic_cost · output²`` or, in their place, the straight lines between ``cost_points``.
    """

    minimum_load: HourlyLoad = Field(
        0.0, description="lowest output while on, as a share of capacity or as power; with "
        "`cost_points` or `part_load` it is at least the first of them"
    )  # fmt: skip
    availability: HourlyShare = Field(1.0, description="share of the capacity that can be used")
    start_cost: Money = Field(0.0, ge=0, description="wear and fuel of one start")
    cold_starts: tuple[ColdStart, ...] = Field(
        (), description="dearer starts after longer standstill, e.g. [{after: 13 h, cost: 9 kEUR}]"
    )
    shutdown_cost: Money = Field(0.0, ge=0, description="cost of one shut-down")
    standby_cost: CostRate = Field(0.0, ge=0, description="cost of every hour on, at any output")
    variable_cost: HourlyPrice = Field(0.0, description="cost per kWh of output, besides fuel")
    quadratic_cost: quantity("EUR/kW^2/h", minimum=None) = Field(  # type: ignore[valid-type]
        0.0, description="cost per hour and squared output"
    )
    cost_points: tuple[CostPoint, ...] = Field(
        (), description="cost at outputs from the minimum load to the capacity, straight between"
    )
    minimum_up_time: Duration = Field(0.0, description="a start is followed by so many hours on")
    minimum_down_time: Duration = Field(0.0, description="a stop is followed by so many hours off")
    ramp_up: HourlyRamp | None = Field(None, description="fastest rise, e.g. 50 %/h or 30 MW/h")
    ramp_down: HourlyRamp | None = Field(None, description="fastest fall")
    start_ramp: Load | None = Field(
        None, description="highest output in the first step on; left out, what `ramp_up` allows"
    )
    stop_ramp: Load | None = Field(
        None, description="highest output in the last step on; left out, what `ramp_down` allows"
    )
    must_run: bool | tuple[Window, ...] = Field(
        False, description="whether, or in which windows, the unit has to be on"
    )
    outages: tuple[Window, ...] = Field((), description="windows in which the unit is off")
    initially_on: bool | None = Field(
        None, description="whether the unit runs before the first step; left out, one that always "
        "must run or has an `initial_output` does, one that only ramps may, and others do not"
    )  # fmt: skip
    initial_hours: Duration | None = Field(
        None, description="hours on (or off) before the first step; left out, long enough"
    )
    initial_output: Power | None = Field(
        None, description="output before the first step, for ramps; left out, whatever fits"
    )

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """A unit that fails is off at once, whatever its minimum times, ramps and calendar say."""
        failed = out.any(axis=1)
        free = full_swing(units, out)
        hours = units.parameters["initial_hours"]
        return {
            **while_out(units, out, {"usable": 0.0, "minimum_load": 0.0, "must_run": 0.0,
                                     "outages": 1.0}),
            **while_out(units, out, {"ramp_down": free / units.step, "stop_ramp": free}),
            "initial_hours": hours._replace(values=np.where(failed, np.inf, hours.values)),
        }  # fmt: skip

    @field_validator("quadratic_cost")
    @classmethod
    def _convex(cls, value: float) -> float:
        if value < 0:
            raise ValueError("a negative quadratic cost is not convex; state it by `cost_points`")
        return value


class PartLoaded(Committed):
    """A unit that turns fuel into its output, at an efficiency that may depend on the load."""

    part_load: tuple[LoadPoint, ...] = Field(
        (), description="efficiency at loads from the minimum load to 100 %; the fuel is straight "
        "between them"
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_efficiency(self) -> PartLoaded:
        constant = {"efficiency", "electric_efficiency"} & self.model_fields_set
        if self.part_load and constant:
            raise ValueError(f"has `part_load` and `{constant.pop()}`; state one of them")
        return self


class Reserving(Committed):
    """A unit that can hold back part of its capacity while it runs."""

    reserve: bool | str = Field(
        False, description="whether the unit feeds spinning reserve at its node; or the node of "
        "another requirement"
    )  # fmt: skip

    def _reserve_ports(self, node: str) -> list[Port]:
        place = reserve_place(self, node)
        return [Port(RESERVE, "feed", place)] if place else []


def reserve_place(spec: Any, node: str) -> str:
    """Where a unit's reserve is fed; empty where it gives none."""
    stated = getattr(spec, "reserve", False)
    return stated if isinstance(stated, str) else node if stated else ""
