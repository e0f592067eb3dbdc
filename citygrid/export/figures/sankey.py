"""Energy over the days shown, as ribbons from kinds to carriers and on to kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from citygrid.export.figures.frame import INK, Days, axes, lacks, period, plain, title
from citygrid.export.figures.stacks import carriers_of, name_of
from citygrid.export.flows import Dispatch
from citygrid.export.palette import look
from citygrid.export.report.charts import by_kind
from citygrid.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Carriers that are no energy that goes on: room to compute, and power that is held back.
NO_ENERGY = ("compute", "quantum", "spinning_reserve")
#: Ribbons thinner than this part of the largest are not drawn.
THIN = 2e-3
#: Width of a node and of the room between two columns; room between nodes as a part of all.
NODE, GAP = 0.1, 0.05
CARRIER = "#1B2126"
#: Cooling that is drawn is heat that leaves: energy flows against it.
AGAINST = ("cooling",)
#: What carriers are called here where their heading would be too long or say the contrary.
SHORT = {"waste_heat": "Waste heat", "cooling": "Heat removed"}


class Node(NamedTuple):
    """A kind, its taking side where it also gives the same carrier, or a carrier."""

    what: str
    name: str


Ribbons = dict[tuple[Node, Node], float]


def ribbons(moved: Dispatch, steps: slice, step: float) -> Ribbons:
    """(from, to) → energy [MWh] over the steps, where there is any to speak of."""
    stores = {a.kind for i, a in enumerate(moved.assets) if np.isfinite(moved.level[i]).any()}
    found: Ribbons = {}
    for carrier in carriers_of(moved):
        if carrier in NO_ENERGY:
            continue
        fed, drawn = (
            {kind: float(values[steps].sum()) * step / 1000.0 for kind, values in side.items()}
            for side in by_kind(moved, carrier)
        )
        if carrier in AGAINST:
            fed, drawn = drawn, fed
        middle = Node("carrier", carrier)
        for kind in stores & {*fed, *drawn}:
            net = fed.get(kind, 0.0) - drawn.get(kind, 0.0)
            fed[kind], drawn[kind] = max(net, 0.0), max(-net, 0.0)
        for kind, energy in fed.items():
            found[Node("kind", kind), middle] = energy
        for kind, energy in drawn.items():
            both = fed.get(kind, 0.0) > 0 and energy > 0
            found[middle, Node("taking" if both else "kind", kind)] = energy
    most = max(found.values(), default=0.0)
    return {ends: energy for ends, energy in found.items() if energy > THIN * most}


def columns_of(flows: Ribbons) -> dict[Node, int]:
    """Every node's column: right of all that flows to it; ends stand in the last column.

    Where energy goes in a circle (power, cooling, waste heat, heat, cooling) the ribbon that closes
    it leads back.
    """
    nodes = list(dict.fromkeys(node for ends in flows for node in ends))
    onward: dict[Node, list[Node]] = {node: [] for node in nodes}
    for start, end in flows:
        onward[start].append(end)
    ordered: list[Node] = []
    state: dict[Node, int] = {}
    backward: set[tuple[Node, Node]] = set()

    def visit(node: Node) -> None:
        state[node] = 1
        for end in onward[node]:
            if state.get(end) == 1:
                backward.add((node, end))
            elif end not in state:
                visit(end)
        state[node] = 2
        ordered.append(node)

    targets = {end for _, end in flows}
    for node in sorted(nodes, key=lambda n: n in targets):
        if node not in state:
            visit(node)
    column = dict.fromkeys(nodes, 0)
    for node in reversed(ordered):
        for end in onward[node]:
            if (node, end) not in backward:
                column[end] = max(column[end], column[node] + 1)
    last = max(column.values(), default=0)
    for node in nodes:
        if not onward[node]:
            column[node] = last
    # What nothing flows to stands right before what it feeds first.
    for node in nodes:
        if node not in targets and onward[node]:
            column[node] = max(0, min(column[end] for end in onward[node]) - 1)
    return column


@dataclass
class Layout:
    """Where nodes stand: column, lower end and height [MWh], and how high all is."""

    column: dict[Node, int]
    low: dict[Node, float]
    height: dict[Node, float]
    total: float


def layout(flows: Ribbons) -> Layout:
    """Place the nodes so that few ribbons cross: each near the middle of what it is bound to."""
    column = columns_of(flows)
    into, out = dict.fromkeys(column, 0.0), dict.fromkeys(column, 0.0)
    for (start, end), energy in flows.items():
        out[start] += energy
        into[end] += energy
    height = {node: max(into[node], out[node]) for node in column}
    stacks: dict[int, list[Node]] = {}
    for node in sorted(column, key=lambda n: -height[n]):
        stacks.setdefault(column[node], []).append(node)
    sums = [sum(height[n] for n in stack) for stack in stacks.values()]
    room = GAP * max(sums)
    total = max(s + room * (len(stack) - 1) for s, stack in zip(sums, stacks.values(), strict=True))
    low: dict[Node, float] = {}

    def stand(stack: list[Node]) -> None:
        free = total - sum(height[n] for n in stack) - room * (len(stack) - 1)
        at = free / 2
        for node in stack:
            low[node] = at
            at += height[node] + room

    for stack in stacks.values():
        stand(stack)
    for _ in range(8):
        for stack in stacks.values():
            middle = {node: _pull(node, flows, low, height) for node in stack}
            stack.sort(key=middle.__getitem__)
            stand(stack)
    return Layout(column, low, height, total)


def _pull(
    node: Node, flows: Ribbons, low: Mapping[Node, float], height: Mapping[Node, float]
) -> float:
    """Mean middle of all neighbours, by what flows between."""
    pulls = [
        (energy, low[other] + height[other] / 2) for ends, energy in flows.items() if node in ends
        for other in ends if other != node
    ]  # fmt: skip
    return sum(energy * at for energy, at in pulls) / sum(energy for energy, _ in pulls)


def draw_sankey(plan: Plan, moved: Dispatch, days: Days, ax: Axes | None) -> Axes:
    """See :meth:`citygrid.export.figures.Plot.sankey`."""
    flows = ribbons(moved, period(plan, days), plan.case.step)
    if not flows:
        raise lacks(plan, "moves no energy on these days", "show other days")
    placed = layout(flows)
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    ax = axes(ax, 9.0, 4.8)
    from matplotlib.patches import Rectangle

    # At every node ribbons lie in the order of the nodes that they lead to.
    given = dict(placed.low)
    taken = dict(placed.low)
    begins = {}
    ends = {}
    for pair in sorted(flows, key=lambda p: placed.low[p[1]]):
        begins[pair] = given[pair[0]]
        given[pair[0]] += flows[pair]
    for pair in sorted(flows, key=lambda p: placed.low[p[0]]):
        ends[pair] = taken[pair[1]]
        taken[pair[1]] += flows[pair]
    for pair, energy in flows.items():
        start, end = pair
        kind = start if start.what != "carrier" else end
        left, right = placed.column[start] + NODE, float(placed.column[end])
        _ribbon(ax, left, right, begins[pair], ends[pair], energy, look(kind.name, known).fill)
    last = max(placed.column.values())
    lines = {asset.kind for asset in moved.assets if asset.to}
    names = []
    for node, column in placed.column.items():
        low, tall = placed.low[node], placed.height[node]
        fill = CARRIER if node.what == "carrier" else look(node.name, known).fill
        ax.add_patch(Rectangle((column, low), NODE, tall, facecolor=fill, edgecolor=INK,
                               linewidth=0.5, zorder=3))  # fmt: skip
        name = look(node.name, known).label
        if node.what == "carrier":
            name = SHORT.get(node.name, name_of(node.name))
        if node.what == "taking":
            name += ", taken"
        elif node.name in lines and not any(pair[0] == node for pair in flows):
            name += " losses"
        names.append((column, low + tall / 2, f"{name}\n{tall:,.1f} MWh"))
    _label(ax, names, 0.075 * placed.total)
    ax.set_xlim(-0.05, last + NODE + 0.75)
    ax.set_ylim(-0.02 * placed.total, 1.02 * placed.total)
    ax.axis("off")
    title(ax, plan.case.name)
    return ax


def _ribbon(
    ax: Axes, left: float, right: float, begin: float, end: float, tall: float, colour: str
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    bend = (right - left) / 2 if right > left else 0.35
    points = [
        (left, begin), (left + bend, begin), (right - bend, end), (right, end),
        (right, end + tall), (right - bend, end + tall), (left + bend, begin + tall),
        (left, begin + tall), (left, begin),
    ]  # fmt: skip
    curve, to = Path.CURVE4, Path.LINETO
    codes = [Path.MOVETO, curve, curve, curve, to, curve, curve, curve, Path.CLOSEPOLY]
    ax.add_patch(PathPatch(Path(points, codes), facecolor=colour, alpha=0.5, linewidth=0.3,
                           edgecolor=INK, zorder=1))  # fmt: skip


def _label(ax: Axes, names: list[tuple[int, float, str]], apart: float) -> None:
    """Names right of their nodes; in a column they keep apart, and so do not hide each other."""
    from matplotlib.patheffects import withStroke

    ends = dict.fromkeys((column for column, _, _ in names), -np.inf)
    for column, middle, text in sorted(names):
        y = max(middle, ends[column] + apart)
        ends[column] = y
        label = ax.text(column + NODE + 0.03, y, text, fontsize=7.5, va="center", color=INK,
                        zorder=4, linespacing=1.1)  # fmt: skip
        label.set_path_effects([withStroke(linewidth=2.2, foreground="white", alpha=0.85)])
        plain([label])
