"""What every component moved in every step, from the plan alone: the ground of all exports.

The same replay that verifies a plan says what each component fed and drew; a component's figure is
the sum of both, so that every carrier's column adds up to zero over the district in every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.components.common.commitment.spec import RESERVE
from citygrid.components.contract import Flows, Units, kinds
from citygrid.components.log import Log
from citygrid.district.case import Asset, Case
from citygrid.plan.plan import Plan
from citygrid.plan.verify import MISSHAPEN
from citygrid.units import carrier_unit

#: Carriers that always have a column, in the order in which people ask for them.
USUAL = ("heat", "power", "gas", "cooling", "waste_heat")

#: Carriers that jobs draw at a centre: work and no further energy.
WORK = ("compute", "quantum")

#: Carriers that are no further energy: that work, and power that is held back and not made.
NO_ENERGY = (*WORK, RESERVE)

#: Parameter that states what a component can do at most, and the carrier that it limits.
RATINGS = (("heat", "heat"), ("power", "power"), ("cooling", "cooling"), ("peak", "power"),
           ("rated_power", "power"), ("rated_heat", "heat"), ("import_max", "power"),
           ("max", "gas"))  # fmt: skip


class Meeting(NamedTuple):
    """Where a component (its place in the case's order) meets a carrier, and which way."""

    component: int
    carrier: str
    feeds: bool
    place: str


@dataclass(frozen=True)
class Dispatch:
    """Movements of all components, (component × time), in the order of the case's assets.

    ``carriers`` hold what a component feeds (+) less what it draws (−) [kW]; a line's own figure is
    minus its loss, what it takes beside (a core, pumps) and what is on its way. ``level`` [kWh] is
    at the end of the step. ``flow`` [kW] is what a line sends, negative against its direction,
    ``arrived`` [kW] what comes out, ``loss`` [kW] what is lost on the way; ``capacity`` is that of
    lines [kW] and stores [kWh]; ``use`` is the share of capacity in use.
    A line that carries no energy, such as a data link, has a share of capacity in use alone.
    ``rated`` (component) is the most that a component can do in any step, in the unit of what
    limits it: kWh for stores, kW for everything else. Where a figure does not apply it is NaN.
    ``meetings`` say at which places components meet which carriers. ``measures`` are what replays
    report beside (``it_power``, ``waste_heat_recovered``, …), NaN for who reports none of his own.
    """

    assets: tuple[Asset, ...]
    carriers: dict[str, Floats]
    level: Floats
    flow: Floats
    arrived: Floats
    loss: Floats
    capacity: Floats
    use: Floats
    rated: Floats
    meetings: tuple[Meeting, ...]
    measures: dict[str, Floats] = field(default_factory=dict)

    @property
    def stores(self) -> NDArray[np.bool_]:
        """Whose level is what they are told by: not pipes, whose water may hold heat as well."""
        held = np.isfinite(self.level).any(axis=1)
        return np.asarray(held & ~np.isfinite(self.flow).any(axis=1))

    @property
    def lines(self) -> NDArray[np.intp]:
        """Positions of the components that lead from one node to another."""
        return np.flatnonzero([bool(asset.to) for asset in self.assets])

    def leading(self, carrier: str) -> set[str]:
        """Kinds that lead a carrier from node to node: what they keep of it is their loss."""
        ends = (met for met in self.meetings if met.carrier == carrier and met.feeds)
        return {self.assets[met.component].kind for met in ends if self.assets[met.component].to}


def dispatch(case: Case, plan: Plan) -> Dispatch:
    """Replay the plan component by component.

    A kind whose flows the plan lacks stays NaN: the verdict says so, and an export must not stop
    at it.
    """
    shape = (len(case.assets), len(case.time))
    row = {asset.name: i for i, asset in enumerate(case.assets)}
    carriers = {carrier: np.full(shape, np.nan) for carrier in USUAL}
    level, flow, arrived, loss, capacity, use = (np.full(shape, np.nan) for _ in range(6))
    rated, meetings = np.full(len(case.assets), np.nan), dict[Meeting, None]()
    measures: dict[str, Floats] = {}
    for kind, units in case.units.items():
        for name, log, part, flows in _replays(plan, kind, units):
            at = row.get(name)
            if at is None:
                continue
            for carrier, moved in _moved(log, name).items():
                target = carriers.setdefault(carrier, np.full(shape, np.nan))
                target[at] = moved
            asset = case.assets[at]
            if asset.to:
                flow[at], arrived[at], loss[at] = _carried(log, asset)
            if "level" in flows and flows["level"].shape == (1, shape[1]):
                level[at] = flows["level"][0]
            capacity[at], use[at], rated[at] = _use(part, log, level[at], flow[at])
            meetings |= dict.fromkeys(_meetings(log, name, at))
            if len(log.names) == 1:  # what several report together is nobody's own
                for measure, amount in log.measures.items():
                    if amount.shape == shape[1:]:
                        measures.setdefault(measure, np.full(shape, np.nan))[at] = amount
    return Dispatch(case.assets, carriers, level, flow, arrived, loss, capacity, use, rated,
                    tuple(meetings), measures)  # fmt: skip


def _replays(plan: Plan, kind: str, units: Units) -> Iterator[tuple[str, Log, Units, Flows]]:
    """Every component's own replay: its name, log, parameters and flows."""
    flows = plan.flows(units)
    # Where a kind has tables of its own (the jobs of a pool) its components are replayed together.
    together = None if units.separable else _replay(kind, units, flows)
    for name in units.names:
        part = units.of(name) if units.separable else units
        mine = flows.of(name) if units.separable else flows
        log = _replay(kind, part, mine) if units.separable else together
        if log is not None:
            yield name, log, part, mine


def _replay(kind: str, units: Units, flows: Flows) -> Log | None:
    log = Log(kind, units.names)
    try:
        kinds()[kind].replay(units, flows, log)
    except MISSHAPEN:
        return None
    return log


def _moved(log: Log, name: str) -> dict[str, Floats]:
    """What one component fed less what it drew, by carrier."""
    moved: dict[str, Floats] = {}
    for movement in log.movements:
        rows = np.flatnonzero(movement.owners == name)
        if len(rows):
            if carrier_unit(movement.carrier) != "kW":
                continue  # data are no power and have no place among its columns
            total = movement.sign * movement.flow[rows].sum(axis=0)
            moved[movement.carrier] = moved.get(movement.carrier, 0.0) + total
    return moved


def _meetings(log: Log, name: str, at: int) -> Iterator[Meeting]:
    """Places, carriers and directions of one component, in the order of its replay."""
    for movement in log.movements:
        for row in np.flatnonzero(movement.owners == name):
            yield Meeting(at, movement.carrier, movement.sign > 0, str(movement.places[row]))


def _carried(log: Log, asset: Asset) -> tuple[Floats, Floats, Floats]:
    """What a line sent (against its direction: negative), what arrived, what was lost [kW].

    NaN where what travels along it is no power, such as data.
    """
    sent, received = 0.0, 0.0
    signed: Any = 0.0
    # What a line draws and never feeds, such as its pump's power, does not travel along it.
    carried = {movement.carrier for movement in log.movements
               if movement.sign > 0 and carrier_unit(movement.carrier) == "kW"}  # fmt: skip
    if not carried:
        nothing = np.asarray(np.nan)
        return nothing, nothing, nothing
    for movement in log.movements:
        if movement.carrier not in carried or movement.beside:
            continue
        amount = movement.flow[0]
        if movement.sign > 0:
            received = received + amount
        else:
            sent = sent + amount
            signed = signed + (amount if str(movement.places[0]) == asset.node else -amount)
    # Where it takes a while, what arrives now was sent before: a line knows better what it loses.
    lost = log.measures.get("heat_line_loss", sent - received)
    return signed, np.asarray(received), np.asarray(lost)


def _use(units: Units, log: Log, level: Floats, flow: Floats) -> tuple[Floats, Floats, float]:
    """Capacity of a line or store and the share in use, of other units the share alone; rating."""
    nothing = np.full(level.shape, np.nan)
    if len(units) != 1:
        return nothing, nothing, np.nan
    limit = _limit(units, "capacity")
    if limit is not None and units.parameters["capacity"].unit not in ("kW", "kWh"):
        # Each direction of a data link may be full by itself.
        ways = [m.flow[0] for m in log.movements if m.sign > 0]
        share = np.max(ways, axis=0) / np.maximum(limit, 1e-9) if ways else nothing
        return nothing, share, np.nan
    if limit is not None:
        limit = np.broadcast_to(limit, level.shape)
        held = (level,) if units.parameters["capacity"].unit == "kWh" else ()
        for amount in (*held, np.abs(flow), log.measures.get("it_power", nothing)):
            if np.isfinite(amount).any():
                return limit, amount / np.maximum(limit, 1e-9), float(limit.max())
        return nothing, nothing, float(limit.max())
    if "output" in log.measures and (limit := _limit(units, "power")) is not None:
        return nothing, log.measures["output"] / np.maximum(limit, 1e-9), float(limit.max())
    for name, carrier in RATINGS:
        limit = _limit(units, name)
        met = [m for m in log.movements if m.carrier == carrier]
        ways = [m.flow[0] for m in met if m.sign > 0] or [m.flow[0] for m in met]
        if limit is not None and ways:
            share = np.sum(ways, axis=0) / np.maximum(limit, 1e-9)
            return nothing, share, float(limit.max())
    return nothing, nothing, np.nan


def _limit(units: Units, name: str) -> Floats | None:
    if name not in units.parameters or units.parameters[name].values.dtype.kind != "f":
        return None
    limit = np.asarray(units[name], dtype=float).reshape(-1)
    return limit if np.isfinite(limit).all() and (limit > 0).any() else None


# as a table -------------------------------------------------------------------------------------


def component_flows(case: Case, plan: Plan, moved: Dispatch | None = None) -> pd.DataFrame:
    """One row per component and step, as all tables and layers show it.

    Columns ``asset_id`` (from 1, in the case's order), ``asset``, ``kind``, ``group``, ``node``,
    ``start_time``, ``end_time`` (UTC, without zone; the end is the next start), one ``…_kw`` per
    carrier (fed positive, drawn negative), ``level_kwh`` (end of the step), ``flow_kw``,
    ``arrived_kw``, ``loss_kw`` of lines, and ``used`` (share of the capacity). Empty where a figure
    does not apply.
    """
    moved = dispatch(case, plan) if moved is None else moved
    steps, count = len(case.time), len(case.assets)

    def each(values: Sequence[Any]) -> pd.Categorical:
        known = list(dict.fromkeys(values))
        codes = np.repeat([known.index(value) for value in values], steps)
        return pd.Categorical.from_codes(codes, pd.Index(known))

    columns: dict[str, Any] = {
        "asset_id": np.repeat(np.arange(1, count + 1, dtype=np.int32), steps),
        "asset": each([asset.name for asset in case.assets]),
        "kind": each([asset.kind for asset in case.assets]),
        "group": each([asset.group for asset in case.assets]),
        "node": each([asset.node for asset in case.assets]),
        "start_time": np.tile(case.time, count),
        "end_time": np.tile(case.ends, count),
    }
    columns |= {f"{carrier}_kw": array.ravel() for carrier, array in moved.carriers.items()}
    columns |= {"level_kwh": moved.level.ravel(), "flow_kw": moved.flow.ravel(),
                "arrived_kw": moved.arrived.ravel(), "loss_kw": moved.loss.ravel(),
                "used": moved.use.ravel()}  # fmt: skip
    return pd.DataFrame(columns)
