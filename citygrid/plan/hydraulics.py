"""The outside check of a plan's heat network: chosen hours through pandapipes, beside the plan.

pandapipes solves pressures, flows and temperatures of supply and return without knowing anything of
the linear model. What the plan says of each pipe stands beside what pandapipes finds, and where the
two differ by more than five percent the linear model is said to be off. Each hour is taken as if it
stood still. Needs the extra ``networks``; this is the only module that imports pandapipes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats, Indices, stamped
from citygrid.components.common.piping import WATER_HEAT
from citygrid.components.common.pumping import pumping_power
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.plan.beside import TOLERANCE, Difference, chosen_steps
from citygrid.plan.heat_network import (
    KIND,
    Consumers,
    Snapshot,
    State,
    closed_form,
    parts,
    snapshots,
)
from citygrid.plan.plan import Plan

BY = "pandapipes"
KELVIN = 273.15
#: Pressures of the source [bar]: far above what friction takes, so that every consumer throttles.
PRESSURE, LIFT = 30.0, 25.0
#: Friction models, tried in this order until Newton's method converges.
FRICTION = ("colebrook", "swamee-jain", "nikuradse")
SECTIONS = 4


@dataclass(frozen=True)
class HourCheck:
    """One hour of a plan beside pandapipes.

    ``found`` is pandapipes' state and ``linear`` the plan's own by closed forms; ``source`` is the
    heat [kW] that the network takes in by the plan's account. ``failure`` says why there is no
    ``found``.
    """

    time: str
    now: Snapshot
    linear: State
    source: float
    pump_power: float
    found: State | None
    found_pump_power: float | None
    differences: tuple[Difference, ...]
    failure: str | None = None

    @property
    def off(self) -> tuple[Difference, ...]:
        """Where the linear model is off by more than the tolerance, worst first."""
        return tuple(sorted((d for d in self.differences if d.off), key=lambda d: -abs(d.relative)))

    @property
    def temperature_gap(self) -> float:
        """Largest difference [K] of the closed forms' temperatures from pandapipes', at nodes."""
        if self.found is None:
            return np.nan
        met = self.now.met
        return float(max(
            np.abs(self.linear.supply[met] - self.found.supply[met]).max(initial=0.0),
            np.abs(self.linear.back[met] - self.found.back[met]).max(initial=0.0),
        ))  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The hour as it stands in the JSON document."""
        if self.found is None:
            return {"time": self.time, "converged": False, "reason": self.failure}
        nodes = [
            {"node": node, "supply_c": float(self.found.supply[i]),
             "return_c": float(self.found.back[i]), "plan_supply_c": float(self.linear.supply[i]),
             "plan_return_c": float(self.linear.back[i])}
            for i, node in enumerate(self.now.nodes)
        ]  # fmt: skip
        return {
            "time": self.time, "converged": True,
            "source_kw": {"plan": self.source, "found": self.found.source},
            "pump_power_kw": {"plan": self.pump_power, "found": self.found_pump_power},
            "largest_temperature_difference_k": self.temperature_gap,
            "pipes": [
                {"pipe": d.name, "quantity": d.quantity, "unit": d.unit, "plan": d.plan,
                 "found": d.found, "relative": d.relative, "off": d.off}
                for d in self.differences
            ],
            "closed": [n for n, is_open in zip(self.now.names, self.now.open, strict=True)
                       if not is_open],
            "nodes": nodes,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """The hour in words, the pipes where the linear model is off last."""
        if self.found is None or self.found_pump_power is None:
            yield f"{self.time}: pandapipes finds no flow: {self.failure}"
            return
        yield (
            f"{self.time}: source {self.source:.1f} kW in the plan, {self.found.source:.1f} kW by "
            f"pandapipes ({self.source / self.found.source - 1:+.2%}); temperatures within "
            f"{self.temperature_gap:.2f} K; pumping {self.pump_power:.2f} and "
            f"{self.found_pump_power:.2f} kW; {int(self.now.open.sum())} pipes open, "
            f"{int((~self.now.open).sum())} closed"
        )
        if not self.off:
            yield f"  every flow, loss and pump within {TOLERANCE:.0%}"
        yield from (f"  off by more than {TOLERANCE:.0%}: {d}" for d in self.off)


def check_hydraulics(
    case: Case, plan: Plan, hours: str = "peak", consumers: Consumers = "return"
) -> list[HourCheck]:
    """Solve chosen hours of a plan's heat network with pandapipes and compare.

    hours
        ``"peak"`` (the hour in which consumers draw most), ``"all"``, or stamps (UTC unless they
        say an offset) separated by commas.
    consumers
        See :func:`citygrid.plan.heat_network.closed_form`; holds for both sides.

    Raises :class:`InputError` without pandapipes, without heat pipes, or for unknown hours.
    """
    _pandapipes()
    if KIND not in case.units:
        raise InputError(Fault(case.name, "has no heat pipes to check", None,
                               "check a plan with a heat network"))  # fmt: skip
    steps = None if hours == "peak" else chosen_steps(case, hours)
    return [_check(case, plan, step, now, consumers)
            for step, now in snapshots(case, plan, steps).items()]  # fmt: skip


def _pandapipes() -> Any:
    try:
        import pandapipes
    except ImportError as error:
        raise InputError(Fault(
            "--hydraulics", "needs pandapipes, which is not installed", None,
            "pip install 'citygrid[networks]'",
        )) from error  # fmt: skip
    return pandapipes


def _check(case: Case, plan: Plan, step: int, now: Snapshot, consumers: Consumers) -> HourCheck:
    linear = closed_form(now, consumers)
    stamp = stamped(case.time[step])
    pump = _pumping(now, plan, step)
    source = now.source
    try:
        found, found_pump = solve(now, linear, consumers)
    except _NoFlow as error:
        return HourCheck(stamp, now, linear, source, float(pump.sum()), None, None, (), str(error))
    told = []
    for i in np.flatnonzero(now.open):
        name = now.names[i]
        told += [
            Difference(name, "heat", float(now.sent[i]), float(found.heat[i]), "kW", BY),
            Difference(name, "loss", float(now.loss[i]), float(found.loss[i]), "kW", BY),
            Difference(name, "flow", float(now.sent[i] / (WATER_HEAT * now.spread)),
                       float(found.mass_flow[i]), "kg/s", BY),
            Difference(name, "pumping", float(pump[i]), float(found_pump[i]), "kW", BY),
        ]  # fmt: skip
    return HourCheck(stamp, now, linear, source, float(pump[now.open].sum()), found,
                     float(found_pump[now.open].sum()), tuple(told))  # fmt: skip


def _pumping(now: Snapshot, plan: Plan, step: int) -> Floats:
    """Power of pumping in each pipe [kW]: as planned, or by the cube's law where none is."""
    flows = plan.flows(now.pipes)
    # What flows now was sent, and pumped, a while before: see `_snapshot`.
    shape = flows["flow"].shape
    sent = (step - now.pipes.parameters["delay"].values) % shape[1]
    planned = flows.spread("pump_power", np.nan, shape)[np.arange(shape[0]), sent]
    inner, length, rough, efficiency = (
        now.pipes[name].ravel() for name in ("inner", "length", "roughness", "pump_efficiency")
    )
    by_law = np.array([
        float(pumping_power(now.sent[i : i + 1], np.array(now.spread), inner[i], length[i],
                            rough[i], efficiency[i])[0])
        for i in range(len(now.names))
    ])  # fmt: skip
    return np.where(np.isnan(planned), by_law, planned)


# pandapipes -------------------------------------------------------------------------------------


class _NoFlow(Exception):
    """pandapipes found no steady flow."""


def solve(now: Snapshot, linear: State, consumers: Consumers = "return") -> tuple[State, Floats]:
    """Pressures, flows and temperatures of an hour by pandapipes; pumping power by pipe [kW].

    Supply and return are two junctions per node; the largest source of each connected part holds
    the pressure, further ones give the flow that their heat has by ``linear``. Closed pipes are
    left out.
    """
    pandapipes = _pandapipes()
    net = pandapipes.create_empty_network(fluid="water")
    hot, cold = now.supply_temperature + KELVIN, now.return_temperature + KELVIN
    used = [part for part in parts(now) if len(part) > 1]
    if not used:
        raise _NoFlow("nothing flows in this hour")
    inside = np.concatenate(used)
    supply = {
        int(i): pandapipes.create_junction(net, pn_bar=PRESSURE, tfluid_k=hot) for i in inside
    }
    back = {int(i): pandapipes.create_junction(net, pn_bar=PRESSURE, tfluid_k=cold) for i in inside}
    rows = np.flatnonzero(now.open)
    forward, returning = (_lay(pandapipes, net, now, rows, at, which)
                          for which, at in enumerate((supply, back)))  # fmt: skip
    for part in used:
        _connect(pandapipes, net, now, linear, part, supply, back, consumers)
    _converge(pandapipes, net)
    return _state(net, now, linear, rows, forward, returning, supply, back)


def _lay(
    pandapipes: Any, net: Any, now: Snapshot, rows: Indices, at: dict[int, int], which: int
) -> list[int]:
    """Pipes of the supply (``which`` 0) or of the return (1), in the direction of the water."""
    inner, length, rough = (now.pipes[name].ravel() for name in ("inner", "length", "roughness"))
    coefficient = np.maximum(now.loss_coefficients()[which], 0.0)
    laid = []
    for i in rows:
        ends = (at[int(now.start[i])], at[int(now.end[i])])
        begin, end = ends if which == 0 else ends[::-1]
        laid.append(pandapipes.create_pipe_from_parameters(
            net, begin, end, length_km=length[i] / 1000.0, inner_diameter_mm=1000.0 * inner[i],
            k_mm=1000.0 * rough[i], sections=SECTIONS, text_k=now.ground[i] + KELVIN,
            u_w_per_m2k=coefficient[i] / (np.pi * inner[i]),
        ))  # fmt: skip
    return laid


def _connect(
    pandapipes: Any, net: Any, now: Snapshot, linear: State, part: Indices, supply: dict[int, int],
    back: dict[int, int], consumers: Consumers,
) -> None:  # fmt: skip
    """Sources and consumers of one connected part."""
    hot = now.supply_temperature + KELVIN
    main = int(part[np.argmax(now.supply[part])])
    pandapipes.create_circ_pump_const_pressure(
        net, back[main], supply[main], p_flow_bar=PRESSURE, plift_bar=LIFT, t_flow_k=hot
    )
    for i in (int(node) for node in part):
        if i != main and now.supply[i] > 0:
            pandapipes.create_circ_pump_const_mass_flow(
                net, back[i], supply[i], p_flow_bar=None, t_flow_k=hot, type="t",
                mdot_flow_kg_per_s=float(linear.injected[i]),
            )  # fmt: skip
        if now.demand[i] > 0:
            cooled = (
                {"treturn_k": now.return_temperature + KELVIN}
                if consumers == "return" else {"deltat_k": now.spread}
            )  # fmt: skip
            pandapipes.create_heat_consumer(
                net, supply[i], back[i], qext_w=1000.0 * now.demand[i], **cooled
            )


def _converge(pandapipes: Any, net: Any) -> None:
    reason = ""
    for friction in FRICTION:
        try:
            pandapipes.pipeflow(
                net, mode="bidirectional", friction_model=friction, max_iter_bidirect=100,
                max_iter_hyd=200, max_iter_therm=200,
            )  # fmt: skip
        except Exception as error:  # Newton fails in many ways, not one family
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            continue
        return
    raise _NoFlow(reason)


def _state(
    net: Any, now: Snapshot, linear: State, rows: Indices, forward: list[int], returning: list[int],
    supply: dict[int, int], back: dict[int, int],
) -> tuple[State, Floats]:  # fmt: skip
    count = len(now.names)

    def by_node(at: dict[int, int]) -> Floats:
        warmth = np.full(len(now.nodes), np.nan)
        warmth[list(at)] = net.res_junction.t_k.loc[list(at.values())].to_numpy() - KELVIN
        return warmth

    def by_pipe(column: str, laid: list[int]) -> Floats:
        values = np.full(count, np.nan)
        values[rows] = net.res_pipe[column].loc[laid].to_numpy()
        return values

    flow = by_pipe("mdot_from_kg_per_s", forward)
    ends = [by_pipe("t_outlet_k", laid) - KELVIN for laid in (forward, returning)]
    begins = [by_pipe("t_from_k", laid) - KELVIN for laid in (forward, returning)]
    heat = _heat_capacity(net, (now.supply_temperature + now.return_temperature) / 2.0)
    loss = np.abs(flow) * heat * sum(b - e for b, e in zip(begins, ends, strict=True))
    friction = [
        np.abs((by_pipe("p_from_bar", laid) - by_pipe("p_to_bar", laid))
               * by_pipe("vdot_m3_per_s", laid)) * 100.0  # bar · m³/s → kW
        for laid in (forward, returning)
    ]  # fmt: skip
    given = sum(float(getattr(net, f"res_{table}").qext_w.sum())
                for table in ("circ_pump_pressure", "circ_pump_mass")
                if table in net and len(net[table])) / 1000.0  # fmt: skip
    state = State(flow, linear.injected, by_node(supply), by_node(back), ends[0], ends[1],
                  np.abs(flow) * heat * (begins[0] - ends[1]), loss, given)  # fmt: skip
    efficiency: NDArray[Any] = now.pipes["pump_efficiency"].ravel()
    return state, sum(friction) / efficiency


def _heat_capacity(net: Any, temperature: float) -> float:
    """Heat capacity of pandapipes' water [kJ/kgK]."""
    return float(net.fluid.get_heat_capacity(temperature + KELVIN)) / 1000.0
