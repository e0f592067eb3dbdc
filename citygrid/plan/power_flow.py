"""The outside check of a plan's cables and transformers: chosen hours through pandapower.

pandapower solves voltages, currents and losses of the three-phase network without knowing anything
of the linear model: Newton's method on the full equations. What the plan says of each line stands
beside what pandapower finds, and where the two differ by more than five percent the linear model is
said to be off. Needs the extra ``networks``; this is the only module that imports pandapower.

A line takes part when the district states its conductor (length, cross-section, voltage); what
other lines carry is drawn and fed at their ends as the plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from citygrid.arrays import Floats, stamped
from citygrid.components.contract import Units
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.plan.beside import TOLERANCE, Difference, chosen_steps, exchanged
from citygrid.plan.plan import Plan

#: What a line carries or loses counts from here [kW].
NEGLIGIBLE = 0.05
#: Band of the voltage that EN 50160 allows, per unit.
BAND = (0.9, 1.1)


class Branch(NamedTuple):
    """A cable or transformer of the network, with what pandapower needs to know of it.

    Voltages in V at either end; ``resistance`` and ``reactance`` [ohm] of a cable; of a transformer
    the losses [kW] at full load and at none and the relative impedance.
    """

    name: str
    kind: str
    start: str
    end: str
    voltages: tuple[float, float]
    capacity: float
    resistance: float = 0.0
    reactance: float = 0.0
    load_loss: float = 0.0
    idle_loss: float = 0.0
    impedance: float = 0.0


@dataclass(frozen=True)
class GridHour:
    """One hour of a plan beside pandapower; ``failure`` says why nothing was found."""

    time: str
    differences: tuple[Difference, ...]
    voltages: Mapping[str, float]
    loadings: Mapping[str, float]
    loss: tuple[float, float]
    failure: str | None = None

    @property
    def off(self) -> tuple[Difference, ...]:
        """Where the linear model is off by more than the tolerance, most kW first."""
        worst = sorted(self.differences, key=lambda d: -abs(d.plan - d.found))
        return tuple(difference for difference in worst if difference.off)

    @property
    def strained(self) -> tuple[str, ...]:
        """Nodes beyond the band of the voltage and lines beyond their limit, in words."""
        low, high = BAND
        nodes = [f"{node}: voltage {value:.3f} of nominal, beyond {low:g} to {high:g}"
                 for node, value in self.voltages.items() if not low <= value <= high]  # fmt: skip
        lines = [f"{line}: loaded to {value:.0%} by pandapower"
                 for line, value in self.loadings.items() if value > 1.0 + 1e-6]  # fmt: skip
        return tuple(nodes + lines)

    def as_dict(self) -> dict[str, Any]:
        """The hour as it stands in the JSON document."""
        if self.failure is not None:
            return {"time": self.time, "converged": False, "reason": self.failure}
        return {
            "time": self.time, "converged": True,
            "loss_kw": {"plan": self.loss[0], "found": self.loss[1]},
            "voltages_pu": dict(self.voltages), "loadings": dict(self.loadings),
            "lines": [
                {"line": d.name, "quantity": d.quantity, "unit": "kW", "plan": d.plan,
                 "found": d.found, "relative": d.relative, "off": d.off}
                for d in self.differences
            ],
            "strained": list(self.strained),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """The hour in words, what is off and what is strained last."""
        if self.failure is not None:
            yield f"{self.time}: pandapower finds no flow: {self.failure}"
            return
        values, loads = list(self.voltages.values()), list(self.loadings.values())
        yield (
            f"{self.time}: losses {self.loss[0]:.2f} kW in the plan, {self.loss[1]:.2f} kW by "
            f"pandapower; voltages {min(values):.4f} to {max(values):.4f} of nominal; highest "
            f"loading {max(loads):.0%}; {len(loads)} lines"
        )
        if not self.off:
            yield f"  every flow and loss within {TOLERANCE:.0%}"
        yield from (f"  off by more than {TOLERANCE:.0%}: {d}" for d in self.off)
        yield from (f"  strained: {text}" for text in self.strained)


def check_grid(
    case: Case, plan: Plan, hours: str = "peak", power_factor: float = 1.0
) -> list[GridHour]:
    """Solve chosen hours of a plan's electric network with pandapower and compare.

    hours
        ``"peak"`` (the hour in which lines carry most of their capacity), ``"all"``, or stamps.
    power_factor
        Of what is drawn; the plan knows active power alone.

    Raises :class:`InputError` without pandapower, without lines of known conductor, for unknown
    hours, or where lines of different voltage meet.
    """
    pandapower = _pandapower()
    branches = _branches(case)
    if not branches:
        raise InputError(Fault(
            case.name, "has no line whose conductor is known", None,
            "state `length`, `cross_section` and `voltage` of its power lines",
        ))  # fmt: skip
    voltages = _voltages(branches)
    sent, arrived = _planned(case, plan, branches)
    own = {(branch.kind, branch.name) for branch in branches}
    injected = exchanged(case, plan, "power", list(voltages), own)
    steps = [_peak(branches, sent)] if hours == "peak" else chosen_steps(case, hours)
    grids = set() if "grid" not in case.units else set(case.units["grid"].places("node"))
    return [
        _check(pandapower, case, branches, voltages, sent[:, :, t], arrived[:, :, t],
               injected[:, t], injected.max(axis=1), grids, t, power_factor)
        for t in steps
    ]  # fmt: skip


def unchecked_lines(case: Case) -> list[str]:
    """Cables of unknown conductor: neither their voltages nor their losses are checked."""
    if "power_line" not in case.units:
        return []
    known = {branch.name for branch in _branches(case)}
    return [name for name in case.units["power_line"].names if name not in known]


def _pandapower() -> Any:
    try:
        import pandapower
    except ImportError as error:
        raise InputError(Fault(
            "--grid", "needs pandapower, which is not installed", None,
            "pip install 'citygrid[networks]'",
        )) from error  # fmt: skip
    return pandapower


# the plan's network -----------------------------------------------------------------------------


def _branches(case: Case) -> list[Branch]:
    """Cables of known conductor, and all transformers."""
    found = []
    if "power_line" in case.units:
        units = case.units["power_line"]
        length, volts, ohms, reactance, capacity = (
            units[name].ravel()
            for name in ("length", "voltage", "resistance", "reactance", "capacity")
        )
        known = np.isfinite(length) & np.isfinite(volts) & np.isfinite(ohms)
        for i in map(int, np.flatnonzero(known)):
            found.append(Branch(
                units.names[i], "power_line", *_ends(units, i), (volts[i], volts[i]),
                float(capacity[i]), float(ohms[i] * length[i]), float(reactance[i] * length[i]),
            ))  # fmt: skip
    if "transformer" in case.units:
        units = case.units["transformer"]
        names = ("from_voltage", "to_voltage", "capacity", "load_loss", "no_load_loss",
                 "short_circuit_voltage")  # fmt: skip
        rows = np.array([units[name].ravel() for name in names]).T
        for i, (first, second, capacity_, load, idle, impedance) in enumerate(rows):
            found.append(Branch(
                units.names[i], "transformer", *_ends(units, i), (first, second), capacity_,
                load_loss=load, idle_loss=idle, impedance=impedance,
            ))  # fmt: skip
    return found


def _ends(units: Units, row: int) -> tuple[str, str]:
    return str(units.places("from_")[row]), str(units.places("to")[row])


def _voltages(branches: list[Branch]) -> dict[str, float]:
    """Nominal voltage [V] of every node, from the lines that meet there."""
    stated: dict[str, dict[float, str]] = {}
    for branch in branches:
        for node, volts in zip((branch.start, branch.end), branch.voltages, strict=True):
            stated.setdefault(node, {}).setdefault(float(volts), branch.name)
    faults = [
        Fault(f"node {node}", "is reached by lines of different voltage",
              ", ".join(f"{name} at {volts:g} V" for volts, name in found.items()),
              "give it one voltage, or put a transformer between two nodes")
        for node, found in stated.items() if len(found) > 1
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    return {node: next(iter(found)) for node, found in stated.items()}


def _planned(case: Case, plan: Plan, branches: list[Branch]) -> tuple[Floats, Floats]:
    """What every branch sends and what arrives, along and against: (branch × way × step) [kW]."""
    sent = np.zeros((len(branches), 2, len(case.time)))
    arrived = np.zeros_like(sent)
    for kind in {branch.kind for branch in branches}:
        units = case.units[kind]
        flows = plan.flows(units)
        along = flows["flow"]
        ways = np.stack([along, flows.spread("back", 0.0, along.shape)], axis=1)
        kept = 1.0 - units["loss_share"][:, :, None]
        at = [i for i, branch in enumerate(branches) if branch.kind == kind]
        rows = [units.names.index(branches[i].name) for i in at]
        sent[at], arrived[at] = ways[rows], (ways * kept)[rows]
    return sent, arrived


def _peak(branches: list[Branch], sent: Floats) -> int:
    capacity = np.array([max(branch.capacity, 1e-9) for branch in branches])
    return int((sent.sum(axis=1) / capacity[:, None]).sum(axis=0).argmax())


# pandapower -------------------------------------------------------------------------------------


def _check(
    pandapower: Any, case: Case, branches: list[Branch], voltages: Mapping[str, float],
    sent: Floats, arrived: Floats, injected: Floats, largest: Floats, grids: set[Any], step: int,
    power_factor: float,
) -> GridHour:  # fmt: skip
    stamp = stamped(case.time[step])
    nodes = list(voltages)
    net = pandapower.create_empty_network()
    bus = {node: pandapower.create_bus(net, vn_kv=volts / 1000.0, name=node)
           for node, volts in voltages.items()}  # fmt: skip
    made = [_lay(pandapower, net, branch, bus) for branch in branches]
    for island in _islands(branches, nodes):
        # What holds the voltage: the connection to the grid, or the node that can feed most.
        held = [node for node in island if node in grids] or island
        main = max(held, key=lambda node: largest[nodes.index(node)])
        pandapower.create_ext_grid(net, bus[main], vm_pu=1.0)
        for node in set(island) - {main}:
            power = float(injected[nodes.index(node)]) / 1000.0
            reactive = -min(power, 0.0) * np.tan(np.arccos(power_factor))
            if abs(power) > 0:
                pandapower.create_load(net, bus[node], p_mw=-power, q_mvar=reactive)
    try:
        pandapower.runpp(net, numba=False, calculate_voltage_angles=True, init="dc")
    except pandapower.LoadflowNotConverged:
        return GridHour(stamp, (), {}, {}, (np.nan, np.nan), "Newton's method does not converge")
    differences, loadings = [], {}
    for branch, (table, index), away, come in zip(branches, made, sent, arrived, strict=True):
        row = net[f"res_{table}"].loc[index]
        first, second = ("p_from_mw", "p_to_mw") if table == "line" else ("p_hv_mw", "p_lv_mw")
        if table == "trafo" and branch.voltages[0] < branch.voltages[1]:
            first, second = second, first
        ends = 1000.0 * np.array([row[first], row[second]])
        # Into the line at `from` and at `to`; the plan draws a core's loss at `from`.
        planned = np.array([away[0] - come[1] + branch.idle_loss, away[1] - come[0]])
        loadings[branch.name] = float(row["loading_percent"]) / 100.0
        strongest = (float(max(planned, key=abs)), float(max(ends, key=abs)))
        lost = (float(planned.sum()), float(ends.sum()))
        differences += [
            Difference(branch.name, quantity, said, solved, "kW", "pandapower", NEGLIGIBLE)
            for quantity, (said, solved) in (("power", strongest), ("loss", lost))
        ]
    losses = [d for d in differences if d.quantity == "loss"]
    found = {node: float(net.res_bus.vm_pu.at[bus[node]]) for node in nodes}
    total = (sum(d.plan for d in losses), sum(d.found for d in losses))
    return GridHour(stamp, tuple(differences), found, loadings, total)


def _lay(
    pandapower: Any, net: Any, branch: Branch, bus: Mapping[str, int]
) -> tuple[str, int]:  # fmt: skip
    """Create a branch; gives pandapower's table and row."""
    if branch.kind == "power_line":
        current = branch.capacity / (np.sqrt(3.0) * branch.voltages[0])
        return "line", pandapower.create_line_from_parameters(
            net, bus[branch.start], bus[branch.end], length_km=1.0, r_ohm_per_km=branch.resistance,
            x_ohm_per_km=branch.reactance, c_nf_per_km=0.0, max_i_ka=max(current, 1e-9),
        )  # fmt: skip
    ends = [(branch.voltages[0], branch.start), (branch.voltages[1], branch.end)]
    (high, high_node), (low, low_node) = sorted(ends, reverse=True)
    resistive = 100.0 * branch.load_loss / branch.capacity
    return "trafo", pandapower.create_transformer_from_parameters(
        net, bus[high_node], bus[low_node], sn_mva=branch.capacity / 1000.0, vn_hv_kv=high / 1000.0,
        vn_lv_kv=low / 1000.0, vkr_percent=resistive,
        vk_percent=max(100.0 * branch.impedance, resistive), pfe_kw=branch.idle_loss,
        i0_percent=100.0 * branch.idle_loss / branch.capacity,
    )  # fmt: skip


def _islands(branches: list[Branch], nodes: list[str]) -> list[list[str]]:
    """Nodes that branches join."""
    group = {node: {node} for node in nodes}
    for branch in branches:
        if group[branch.start] is not group[branch.end]:
            joined = group[branch.start] | group[branch.end]
            for node in joined:
                group[node] = joined
    unique = {id(members): members for members in group.values()}
    return [sorted(members) for members in unique.values()]
