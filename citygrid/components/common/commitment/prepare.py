"""From what a file says of commitment to hourly parameters, with everything that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats
from citygrid.components.common.calendar import touched
from citygrid.components.common.commitment.needs import CLOSE, needs
from citygrid.components.common.commitment.spec import Committed, reserve_place
from citygrid.components.contract import Parameter
from citygrid.components.fields import Absolute
from citygrid.inputs.world import World


def prepare_commitment(
    specs: Mapping[str, Committed], world: World, kind: str, capacity: str
) -> dict[str, Parameter]:
    """Parameters of commitment for all units of a kind; ``capacity`` names the field of theirs.

    ``full_output`` and ``usable`` [kW] are the capacity and what of it can be used in a step,
    ``minimum_load``, ``start_ramp``, ``stop_ramp`` are in kW, ramps in kW/h (infinite where there
    is none); ``output_before_most`` and ``…_least`` enclose the output before the first step.
    Parameters that do not change over time have one number per unit.
    """
    units = [_Unit(name, spec, world, float(getattr(spec, capacity)), capacity)
             for name, spec in specs.items()]  # fmt: skip
    hourly = {
        "usable": ("kW", [unit.usable for unit in units]),
        "minimum_load": ("kW", [unit.minimum for unit in units]),
        "ramp_up": ("kW/h", [unit.ramp("ramp_up") for unit in units]),
        "ramp_down": ("kW/h", [unit.ramp("ramp_down") for unit in units]),
        "start_ramp": ("kW", [unit.edge("start_ramp", "ramp_up") for unit in units]),
        "stop_ramp": ("kW", [unit.edge("stop_ramp", "ramp_down") for unit in units]),
        "must_run": ("1", [unit.must_run for unit in units]),
        "outages": ("1", [unit.out for unit in units]),
    }
    single = {
        "full_output": ("kW", [unit.capacity for unit in units]),
        "standby_cost": ("EUR/h", [unit.standby for unit in units]),
        "cold_starts": ("1", [len(spec.cold_starts) for spec in specs.values()]),
        "output_before_most": ("kW", [unit.before[0] for unit in units]),
        "output_before_least": ("kW", [unit.before[1] for unit in units]),
        "cost_points": ("1", [len(unit.costs) for unit in units]),
        "part_load": ("1", [len(unit.fuels) for unit in units]),
    }
    for unit in units:
        unit.check_state()
    found = {name: _compact(kind, rows, unit) for name, (unit, rows) in hourly.items()}
    for name, (unit_, values) in single.items():
        found[name] = Parameter((kind,), np.array(values, dtype=float), unit_)
    found["initially_on"] = Parameter((kind,), np.array([unit.on_before for unit in units]))
    found |= _cold_starts(kind, specs, world)
    _unknown_output(found, units, world.horizon.step)
    found |= _points(kind, "cost", "EUR/h", [unit.costs for unit in units])
    found |= _points(kind, "fuel", "kW", [unit.fuels for unit in units])
    places = [reserve_place(spec, getattr(spec, "node", "")) for spec in specs.values()]
    found["reserve"] = Parameter((kind,), np.array([place != "" for place in places]))
    found["reserve_place"] = Parameter((kind,), np.array(places, dtype=object))
    return found


def _unknown_output(found: dict[str, Parameter], units: Sequence[_Unit], step: float) -> None:
    """A unit that is never off and of which nothing is said may have had any output before."""

    def of(name: str) -> NDArray[Any]:
        if name in found:
            return found[name].values
        return np.array([getattr(unit.spec, name) for unit in units])

    stated = [unit.spec.initially_on is not None or unit.spec.initial_output is not None
              for unit in units]  # fmt: skip
    free = ~needs(of, step).on & ~np.array(stated)
    found["output_before_most"].values[free] = found["full_output"].values[free]


def _compact(kind: str, rows: Sequence[Floats | Flags], unit: str) -> Parameter:
    values = np.array(rows)
    if (values == values[:, :1]).all():
        return Parameter((kind,), values[:, 0], unit)
    return Parameter((kind, "time"), values, unit)


def _points(
    kind: str, what: str, unit: str, lists: Sequence[Sequence[tuple[float, float]]]
) -> dict[str, Parameter]:
    """``<what>_output_k`` and ``<what>_rate_k`` of every point; a short list repeats its last."""
    longest = max(len(points) for points in lists)
    found = {}
    for k in range(longest):
        at = [points[min(k, len(points) - 1)] if points else (0.0, 0.0) for points in lists]
        found[f"{what}_output_{k}"] = Parameter((kind,), np.array([x for x, _ in at]), "kW")
        found[f"{what}_rate_{k}"] = Parameter((kind,), np.array([y for _, y in at]), unit)
    return found


def _cold_starts(
    kind: str, specs: Mapping[str, Committed], world: World
) -> dict[str, Parameter]:  # fmt: skip
    """``cold_after_k`` [h] and ``cold_cost_k`` [EUR]; infinite and the dearest where it lacks."""
    longest = max(len(spec.cold_starts) for spec in specs.values())
    after = np.full((longest, len(specs)), np.inf)
    cost = np.zeros((longest, len(specs)))
    for i, (name, spec) in enumerate(specs.items()):
        hours, paid = 0.0, spec.start_cost
        for k, cold in enumerate(spec.cold_starts):
            if cold.after < hours or (k and cold.after == hours):
                world.refuse(name, "cold_starts", "entries must be listed by rising `after`",
                             f"{cold.after:g} h after {hours:g} h", "sort them")  # fmt: skip
            if cold.cost <= paid:
                world.refuse(name, "cold_starts", "a colder start must cost more than a warmer one",
                             f"{cold.cost:g} EUR after {paid:g} EUR",
                             "raise it, or leave the entry out")  # fmt: skip
            hours, paid = cold.after, cold.cost
            after[k, i] = cold.after
        last = paid
        cost[:, i] = [*(cold.cost for cold in spec.cold_starts),
                      *[last] * (longest - len(spec.cold_starts))]  # fmt: skip
    return {
        f"cold_{what}_{k + 1}": Parameter((kind,), values[k], unit)
        for what, values, unit in (("after", after, "h"), ("cost", cost, "EUR"))
        for k in range(longest)
    }


class _Unit:
    """One unit on its way to parameters; what is wrong with it is refused on the way."""

    def __init__(
        self, name: str, spec: Committed, world: World, capacity: float, field: str
    ) -> None:  # fmt: skip
        self.name, self.spec, self.world, self.capacity = name, spec, world, capacity
        self.hours = len(world.horizon.time)
        self.step = world.horizon.step
        self.field = field
        available = world.hourly(spec.availability, "1", name, "availability")
        if (available > 1.0 + CLOSE).any():
            self.refuse("availability", "is more than the whole capacity", f"{available.max():g}",
                        "write shares of at most 100 %")  # fmt: skip
        self.out = touched(spec.outages, world, name, "outages")
        self.usable = np.where(self.out, 0.0, capacity * available)
        self.standby = spec.standby_cost
        self.fuels = self._fuels()
        self.costs = self._costs()
        self.minimum = self._minimum()
        if isinstance(spec.must_run, bool):
            self.must_run = np.full(self.hours, spec.must_run)
        else:
            self.must_run = touched(spec.must_run, world, name, "must_run")
        self.on_before = spec.initially_on
        if self.on_before is None:
            self.on_before = bool(self.must_run.all() or spec.initial_output)
        self.before = self._before()

    def refuse(self, field: str, reason: str, value: object, repair: str) -> None:
        self.world.refuse(self.name, field, reason, value, repair)

    def _scaled(self, value: Any, field: str, unit: str) -> Floats:
        """A share of the capacity, or an amount, in every step."""
        if isinstance(value, Absolute):
            return np.full(self.hours, value.value)
        return self.capacity * self.world.hourly(value, unit, self.name, field)

    # output -----------------------------------------------------------------------------------

    def _minimum(self) -> Floats:
        minimum = self._scaled(self.spec.minimum_load, "minimum_load", "1")
        if (minimum > self.capacity * (1 + CLOSE)).any():
            self.refuse("minimum_load", f"lies above the capacity of {self.capacity:g} kW",
                        f"{minimum.max():g} kW", f"lower it, or raise `{self.field}`")  # fmt: skip
        for field, points in (("part_load", self.fuels), ("cost_points", self.costs)):
            if not points:
                continue
            first = points[0][0]
            if "minimum_load" not in self.spec.model_fields_set:
                minimum = np.maximum(minimum, first)
            elif (minimum < first * (1 - CLOSE) - CLOSE).any():
                self.refuse(field, f"begins at {first:g} kW, above the minimum load",
                            f"{minimum.min():g} kW", "add a point at the minimum load")  # fmt: skip
        return minimum

    def _fuels(self) -> list[tuple[float, float]]:
        points = [(point.load * self.capacity, point.load * self.capacity / point.efficiency)
                  for point in getattr(self.spec, "part_load", ())]  # fmt: skip
        return self._checked("part_load", points)

    def _costs(self) -> list[tuple[float, float]]:
        spec = self.spec
        points = self._checked("cost_points", [(p.output, p.cost) for p in spec.cost_points])
        stated = {"variable_cost", "quadratic_cost"} & spec.model_fields_set
        if points and stated:
            self.refuse("cost_points", f"stand beside `{stated.pop()}`", None,
                        "state the cost by one of them")  # fmt: skip
        if points and points[0][0] == 0.0 and points[0][1] != 0.0:
            # What running without output costs is a cost of standing by.
            idle = points[0][1]
            if idle < 0:
                self.refuse("cost_points", "running without output must not earn",
                            f"{idle:g} EUR/h",
                            "begin at the minimum load")  # fmt: skip
            self.standby += idle
            points = [(output, cost - idle) for output, cost in points]
        return points

    def _checked(self, field: str, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if not points:
            return []
        outputs = [output for output, _ in points]
        if any(later <= earlier for earlier, later in pairwise(outputs)):
            self.refuse(field, "points must be listed by rising output, each once",
                        ", ".join(f"{output:g} kW" for output in outputs), "sort them")  # fmt: skip
            points = sorted(dict(points).items())
        if len(points) < 2:
            self.refuse(field, "has too few points", None, "list two or more")
        elif abs(max(outputs) - self.capacity) > 1e-6 * max(self.capacity, 1.0):
            self.refuse(field, f"does not end at the capacity of {self.capacity:g} kW",
                        f"{max(outputs):g} kW", "let the last point be the capacity")  # fmt: skip
        return points

    # ramps ------------------------------------------------------------------------------------

    def ramp(self, field: str) -> Floats:
        """Fastest change [kW/h] in every step, infinite where the file says nothing."""
        stated = getattr(self.spec, field)
        return np.full(self.hours, np.inf) if stated is None else self._scaled(stated, field, "1/h")

    def edge(self, field: str, ramp: str) -> Floats:
        """Highest output beside a step off [kW]: as stated, or what the ramp allows from zero."""
        stated = getattr(self.spec, field)
        limit = self.ramp(ramp) * self.step if stated is None else self._scaled(stated, field, "1")
        low = limit < self.minimum * (1 - CLOSE) - CLOSE
        always_on = self.on_before and self.must_run.all()
        if low.any() and not always_on:
            which = ramp if stated is None else field
            act = "start" if field == "start_ramp" else "stop"
            self.refuse(which, f"is too small for the minimum load of {self.minimum.max():g} kW: "
                        f"no {act} is possible", f"{limit[low].min():g} kW in a step",
                        f"state `{field}`, or lower the minimum load")  # fmt: skip
        return np.minimum(limit, self.capacity)

    # before the first step --------------------------------------------------------------------

    def _before(self) -> tuple[float, float]:
        """Output before the first step, at most and at least: unknown, it may be anything."""
        stated = self.spec.initial_output
        if not self.on_before:
            if stated:
                self.refuse("initial_output", "the unit is off before the first step",
                            f"{stated:g} kW",
                            "write `initially_on: true`, or leave it out")  # fmt: skip
            return 0.0, 0.0
        if stated is None:
            return self.capacity, 0.0
        low, high = float(self.minimum[0]), self.capacity
        if not low * (1 - CLOSE) - CLOSE <= stated <= high * (1 + CLOSE):
            self.refuse("initial_output",
                        f"lies outside the output while on, {low:g} to {high:g} kW",
                        f"{stated:g} kW", "correct it, or leave it out")  # fmt: skip
        return stated, stated

    def check_state(self) -> None:
        """What must run can run, and what is still held on or off is not asked for the opposite."""
        spec = self.spec
        held_on, held_off = held_before(
            np.array([self.on_before]),
            np.array([np.inf if spec.initial_hours is None else spec.initial_hours]),
            np.array([spec.minimum_up_time]), np.array([spec.minimum_down_time]),
            self.step, self.hours,
        )  # fmt: skip
        on, off = self.must_run | held_on[0], self.out | held_off[0]
        clash = np.flatnonzero(on & off)
        if len(clash):
            reasons = [
                ("must_run" if self.must_run[clash[0]] else "minimum_up_time"),
                ("outages" if self.out[clash[0]] else "minimum_down_time"),
            ]
            self.refuse(reasons[1], f"the unit has to be off in a step in which `{reasons[0]}` "
                        "has it on", f"{clash[0] * self.step:g} h after the start",
                        f"correct `{reasons[0]}`, `{reasons[1]}` or `initial_hours`")  # fmt: skip
        weak = np.flatnonzero(on & ~off & (self.usable < self.minimum * (1 - CLOSE) - CLOSE))
        if len(weak):
            self.refuse("availability", "leaves less than the minimum load in a step in which the "
                        "unit has to be on", f"{weak[0] * self.step:g} h after the start",
                        "raise it, or let the unit be off")  # fmt: skip


def held_before(
    on: Flags, hours: Floats, up: Floats, down: Floats, step: float, count: int
) -> tuple[Flags, Flags]:
    """Steps (n, count) in which units are still held on, or off, by what they did before.

    ``on`` (n) before the first step, for ``hours`` (n) [h]; minimum times ``up``, ``down`` (n) [h].
    """
    begin = np.arange(count) * step
    on = on[:, None]
    short = hours[:, None] + begin < np.where(on, up[:, None], down[:, None]) - CLOSE
    return short & on, short & ~on
