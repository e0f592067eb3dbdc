"""The heat network of a plan in one hour, as if the hour stood still: flows and temperatures.

The plan says how much heat goes through every pipe; flows and temperatures follow by closed forms:
a consumer takes ``ṁ = Q / (c (T_s − T_r))``, water is neither made nor lost where pipes meet, and
along a pipe it cools as :func:`citygrid.components.common.piping.temperature_along` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from citygrid.arrays import Flags, Floats, Indices
from citygrid.components.common.piping import WATER_HEAT, temperature_along
from citygrid.components.contract import Units
from citygrid.district.case import Case
from citygrid.plan.beside import exchanged
from citygrid.plan.plan import Plan

KIND = "heat_pipe"
#: Share of its capacity below which a pipe's delivery counts as nothing: it is closed.
CLOSED = 1e-6
#: Flows and temperatures depend on each other; so many rounds bring both together.
ROUNDS = 60

#: What stays the same at a consumer: its return's temperature, or the difference to its supply.
Consumers = Literal["return", "spread"]


@dataclass(frozen=True)
class Snapshot:
    """A heat network in one hour of a plan.

    Pipes are turned so that all carry along their direction; ``start`` and ``end`` are indices of
    ``nodes``, ``turned`` says which were turned. ``sent``, ``loss`` and ``delivered`` [kW] are the
    plan's, of what arrives in this hour: heat that travels for hours or waits in the water counts
    when it comes out. ``demand`` and ``supply`` (nodes) [kW] are what others draw and feed there;
    where a pipe is closed (``open`` is false) what it keeps warm with is demand at its beginning.
    Temperatures [degC] are those of the curve; ``spread`` is their difference [K].
    """

    names: tuple[str, ...]
    nodes: tuple[str, ...]
    start: Indices
    end: Indices
    turned: Flags
    open: Flags
    sent: Floats
    loss: Floats
    delivered: Floats
    demand: Floats
    supply: Floats
    supply_temperature: float
    return_temperature: float
    ground: Floats
    pipes: Units

    @property
    def source(self) -> float:
        """Heat [kW] that open pipes and who is on them take, by the plan's account."""
        return float(self.demand[self.met].sum() + self.loss[self.open].sum())

    @property
    def met(self) -> Indices:
        """Nodes at the ends of open pipes."""
        return np.union1d(self.start[self.open], self.end[self.open])

    @property
    def spread(self) -> float:
        return self.supply_temperature - self.return_temperature

    def loss_coefficients(self) -> tuple[Floats, Floats]:
        """What supply and return pipe lose per their own distance from the ground [W/mK].

        ``U1 − U2 (T_r − T_g)/(T_s − T_g)`` and the same with both exchanged: the neighbour's warmth
        counted in, so that each pipe can be looked at alone.
        """
        u1, u2 = (self.pipes[name].ravel() for name in ("loss_u1", "loss_u2"))
        above = self.supply_temperature - self.ground
        beside = self.return_temperature - self.ground
        # In ground as warm as the return, that pipe takes heat rather than losing it.
        floor = 1e-3
        return (
            u1 - u2 * beside / np.maximum(above, floor),
            np.where(beside > floor, u1 - u2 * above / np.maximum(beside, floor), 0.0),
        )


def drawn_and_fed(case: Case, plan: Plan) -> tuple[tuple[str, ...], Floats, Floats]:
    """Nodes of the heat network; the heat that all but pipes draw and feed there (nodes × T)."""
    pipes = case.units[KIND]
    nodes = tuple(sorted({*pipes.places("from_"), *pipes.places("to")}))
    net = exchanged(case, plan, "heat", nodes, {(KIND, name) for name in pipes.names})
    return nodes, np.maximum(-net, 0.0), np.maximum(net, 0.0)


def snapshots(case: Case, plan: Plan, steps: Iterable[int] | None = None) -> dict[int, Snapshot]:
    """The network of a plan in each of the steps; without any, where consumers draw most."""
    nodes, demand, supply = drawn_and_fed(case, plan)
    if steps is None:
        steps = [int(demand.sum(axis=0).argmax())]
    return {step: _snapshot(case, plan, step, nodes, demand, supply) for step in steps}


def _snapshot(
    case: Case, plan: Plan, step: int, nodes: tuple[str, ...], demand: Floats, supply: Floats
) -> Snapshot:
    pipes = case.units[KIND]
    flows = plan.flows(pipes)
    shape = flows["flow"].shape
    rows = np.arange(shape[0])
    left = (step - pipes.parameters["delay"].values) % shape[1]
    forward, back = flows["flow"][rows, left], flows.spread("back", 0.0, shape)[rows, left]
    forward = forward + flows.spread("discharge", 0.0, shape)[:, step]
    at = {node: i for i, node in enumerate(nodes)}
    start, end = (np.array([at[n] for n in pipes.places(side)]) for side in ("from_", "to"))
    turned = back > forward
    start, end = np.where(turned, end, start), np.where(turned, start, end)
    sent = np.abs(forward - back)
    loss = pipes["loss"][:, step]
    delivered = np.maximum(sent - loss, 0.0)
    capacity = np.broadcast_to(pipes["capacity"], shape)[:, step]
    is_open = delivered > CLOSED * capacity
    drawn = demand[:, step].copy()
    # A closed pipe is kept warm by a trickle through its valve: a demand where it begins.
    np.add.at(drawn, start[~is_open], sent[~is_open])
    return Snapshot(
        pipes.names, nodes, start, end, turned, is_open, sent, loss, delivered,
        drawn, supply[:, step].copy(),
        float(pipes["supply"][0, step]), float(pipes["back_temperature"][0, step]),
        pipes["ground"][:, step], pipes,
    )  # fmt: skip


@dataclass(frozen=True)
class State:
    """Water in the network: mass flows [kg/s] by pipe, temperatures [degC] by node and pipe end.

    ``injected`` [kg/s] is what sources heat and push into the supply, by node. ``supply`` and
    ``back`` are the temperatures of supply and return where pipes meet; ``supply_end`` and
    ``back_end`` those of the water that leaves each pipe, NaN where it is closed. ``heat`` [kW] is
    what each pipe takes in and ``loss`` what it loses, ``source`` what the sources give together.
    """

    mass_flow: Floats
    injected: Floats
    supply: Floats
    back: Floats
    supply_end: Floats
    back_end: Floats
    heat: Floats
    loss: Floats
    source: float


def closed_form(now: Snapshot, consumers: Consumers = "return") -> State:
    """Flows and temperatures of the plan by closed forms, without friction.

    consumers
        ``"return"``: every consumer cools its water to the network's return temperature; where
        supply arrives cooler, more water flows. ``"spread"``: it cools its water by as much as the
        curve's two temperatures differ.
    """
    curve = np.full(len(now.nodes), now.supply_temperature)
    cooled = np.full(len(now.nodes), now.return_temperature)
    supply, back = curve, cooled
    flow = np.zeros(0)
    for _ in range(ROUNDS):
        taken = now.demand / (WATER_HEAT * np.maximum(supply - cooled, 1.0))
        given = now.supply / (WATER_HEAT * np.maximum(curve - back, 1.0))
        before, (flow, injected) = flow, _flows(now, taken, given)
        supply, supply_end = _mixed(now, flow, injected, curve, forward=True)
        if consumers == "spread":
            cooled = supply - now.spread
        back, back_end = _mixed(now, flow, taken, cooled, forward=False)
        if len(before) and np.allclose(flow, before, rtol=1e-10, atol=1e-9):
            break
    carried = WATER_HEAT * flow
    lost = carried * (supply[now.start] - supply_end + back[now.end] - back_end)
    return State(
        flow, injected, supply, back, supply_end, back_end,
        carried * (supply[now.start] - back_end), np.where(now.open, lost, np.nan),
        float((WATER_HEAT * injected * (now.supply_temperature - back)).sum()),
    )  # fmt: skip


def _flows(now: Snapshot, taken: Floats, given: Floats) -> tuple[Floats, Floats]:
    """Mass flow of every pipe, and into supply at every node [kg/s].

    ``taken`` and ``given`` (nodes) are the consumers' and sources' flows. Near the plan's heat and
    exactly balanced where pipes meet: in a tree there is one such flow. The largest source of each
    connected part gives what the others do not.
    """
    guess = np.where(now.open, now.delivered / (WATER_HEAT * now.spread), 0.0)
    given = given.copy()
    meeting = np.zeros((len(now.nodes), len(now.names)))
    meeting[now.end, np.arange(len(now.names))] += 1.0
    meeting[now.start, np.arange(len(now.names))] -= 1.0
    open_ = np.flatnonzero(now.open)
    for part in parts(now):
        main = part[np.argmax(now.supply[part])]
        given[main] += (taken - given)[part].sum()
    lacking = taken - given - meeting[:, open_] @ guess[open_]
    guess[open_] += np.linalg.lstsq(meeting[:, open_], lacking, rcond=None)[0]
    return guess, given


def parts(now: Snapshot) -> list[Indices]:
    """Nodes that open pipes connect, part by part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(now.nodes)
    ends = (now.start[now.open], now.end[now.open])
    links = coo_array((np.ones(len(ends[0])), ends), shape=(size, size))
    count, label = connected_components(links, directed=False)
    return [np.flatnonzero(label == i) for i in range(count)]


def _mixed(
    now: Snapshot, flow: Floats, injected: Floats, warmth: Floats, forward: bool
) -> tuple[Floats, Floats]:
    """Temperatures of nodes, and of the water at each pipe's end, in supply or return.

    At every node the water that comes in mixes: ``T · Σ ṁ = Σ ṁ T_in``. ``injected`` [kg/s] comes
    in there at ``warmth`` [degC].
    """
    coefficient = now.loss_coefficients()[0 if forward else 1]
    carrying = np.flatnonzero(now.open & (np.abs(flow) > 0))
    ahead = (flow > 0) == forward
    begin, end = np.where(ahead, now.start, now.end), np.where(ahead, now.end, now.start)
    length = now.pipes["length"].ravel()
    kept = temperature_along(1.0, 0.0, coefficient, length, np.abs(flow))
    size = len(now.nodes)
    matrix, right = np.zeros((size, size)), injected * warmth
    amount = np.abs(flow[carrying])
    np.add.at(matrix, (end[carrying], begin[carrying]), -amount * kept[carrying])
    np.add.at(right, end[carrying], amount * now.ground[carrying] * (1.0 - kept[carrying]))
    total = injected.copy()
    np.add.at(total, end[carrying], amount)
    still = total <= 0
    np.fill_diagonal(matrix, matrix.diagonal() + np.where(still, 1.0, total))
    right = np.where(still, warmth, right)
    nodes = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    ends: Floats = np.full(len(now.names), np.nan)
    ends[carrying] = (
        now.ground[carrying] + (nodes[begin[carrying]] - now.ground[carrying]) * (kept[carrying])
    )
    return nodes, ends
