"""Charts as coordinates: stacks per carrier and storage levels; the template draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citygrid.arrays import Floats
from citygrid.export.flows import Dispatch
from citygrid.export.palette import Look, look
from citygrid.export.stacking import NOTHING, by_kind, carriers_of, name_of, order, power_scale
from citygrid.export.windows import Window

#: Width of a chart and the room around its plot, in the units of its own picture.
WIDTH = 620.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 6.0, 10.0, 24.0


@dataclass(frozen=True)
class Plot:
    """The frame of a chart: marks on both axes and the picture's height."""

    height: float
    rows: list[tuple[float, str]]
    marks: list[tuple[float, str, bool]]
    width: float = WIDTH
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP

    @property
    def bottom(self) -> float:
        return self.height - BOTTOM


@dataclass(frozen=True)
class Layer:
    """A kind's part of a stack: its outline, what it sums up to, its values for the reader."""

    kind: str
    look: Look
    label: str
    outline: str
    energy: float
    values: list[float]


@dataclass(frozen=True)
class Stack:
    """What a carrier's kinds feed (above the axis) and draw (below it)."""

    carrier: str
    title: str
    unit: str
    plot: Plot
    zero: float
    fed: list[Layer]
    drawn: list[Layer]
    total: float
    peak: float


def stacks(moved: Dispatch, window: Window) -> list[Stack]:
    """One stack for every carrier that moves at all, in the usual order."""
    found = [_stack(moved, window, carrier) for carrier in carriers_of(moved)]
    return [stack for stack in found if stack is not None]


def _stack(moved: Dispatch, window: Window, carrier: str) -> Stack | None:
    raw = by_kind(moved, carrier)
    sides = [{kind: window.means(values) for kind, values in side.items()} for side in raw]
    most = max((float(values.max()) for side in sides for values in side.values()), default=0.0)
    if most <= NOTHING:
        return None
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    lines = moved.leading(carrier)
    sides = [
        {k: side[k] for k in sorted(side, key=lambda k: order(k, known))
         if side[k].max() > NOTHING * most} for side in sides
    ]  # fmt: skip
    heights = [sum(side.values(), np.zeros(window.points)) for side in sides]
    reach = [float(h.max()) for h in heights]
    peak = max(reach)
    scale, unit = power_scale(peak)
    height = 250.0
    room = height - TOP - BOTTOM
    total = sum(reach) or 1.0
    zero = TOP + room * reach[0] / total
    per = room / total
    step = nice(total / scale / 6) * scale
    rows = [
        (zero - sign * k * step * per, tick_text(k * step / scale))
        for sign, most_ in ((1, reach[0]), (-1, reach[1]))
        for k in range(0 if sign > 0 else 1, int(most_ / step) + 1)
    ]
    layers = []
    for sign, side, steps in ((1, sides[0], raw[0]), (-1, sides[1], raw[1])):
        base = np.zeros(window.points)
        drawn = []
        for kind, values in side.items():
            inner, outer = zero - sign * base * per, zero - sign * (base + values) * per
            energy = float(steps[kind][window.first : window.last].sum() * window.case.step)
            drawn_as = look(kind, known)
            label = f"{drawn_as.label} losses" if kind in lines else drawn_as.label
            drawn.append(Layer(kind, drawn_as, label, _area(inner, outer, window), energy,
                               _rounded(values / scale)))  # fmt: skip
            base = base + values
        layers.append(drawn)
    title = name_of(carrier)
    plot = Plot(height, rows, marks(window))
    return Stack(carrier, title, unit, plot, zero, layers[0], layers[1],
                 sum(layer.energy for layer in layers[0]), peak / scale)  # fmt: skip


def edges(window: Window, width: float = WIDTH) -> Floats:
    """Edges of the points on the time axis; the last one may be shorter than the others."""
    steps = np.minimum(np.arange(window.points + 1) * window.block, window.last - window.first)
    return np.asarray(LEFT + (width - LEFT - RIGHT) * steps / (window.last - window.first))


def marks(window: Window, width: float = WIDTH) -> list[tuple[float, str, bool]]:
    """Marks of the time axis: place, label, and whether the mark is a strong one."""
    return [(LEFT + (width - LEFT - RIGHT) * at, text, strong)
            for at, text, strong in window.ticks()]  # fmt: skip


def _area(inner: Floats, outer: Floats, window: Window) -> str:
    """Outline of a stack's layer, in steps: means hold over their point."""
    x = edges(window)
    return f"M{short(x[0])} {short(outer[0])}{stairs(x[1:], outer)}V{short(inner[-1])}" + (
        stairs(x[:-1][::-1], inner[::-1]) + "Z"
    )


def stairs(x: Floats, y: Floats) -> str:
    """From each height on to the next edge; equal heights make one stretch."""
    parts = []
    texts = [short(v) for v in y]
    for i, place in enumerate(x):
        last = i + 1 == len(x)
        if not last and texts[i + 1] == texts[i]:
            continue
        parts.append(f"H{short(place)}" + ("" if last else f"V{texts[i + 1]}"))
    return "".join(parts)


def short(value: float) -> str:
    """A coordinate with no more digits than a screen shows."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def nice(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-9)))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999))


def tick_text(value: float) -> str:
    """A mark of an axis, with thousands apart."""
    return f"{value:,.10g}" if value < 1e6 else f"{value:,.0f}"


def _rounded(values: Floats) -> list[float]:
    """Enough digits to read and no more: the page carries them for every hour."""
    digits = 0 if values.max() >= 100 else 1 if values.max() >= 10 else 2
    found: list[float] = np.round(values, digits).tolist()
    return [int(v) if v == int(v) else v for v in found]


# stores -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """A store's level over the window."""

    name: str
    kind: str
    look: Look
    plot: Plot
    line: str
    area: str
    capacity: float
    lowest: float
    highest: float
    turnover: float
    values: list[float]


def levels(moved: Dispatch, window: Window) -> list[Level]:
    """One small chart per store, from empty to full."""
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    found = []
    for i, asset in enumerate(moved.assets):
        if not (moved.stores[i] and np.isfinite(moved.capacity[i]).any()):
            continue
        capacity = float(np.nanmax(moved.capacity[i]))
        at_end = window.ends(moved.level[i])
        before = _before(moved, i, window)
        values = np.concatenate([[before], at_end])
        height = 130.0
        room = height - TOP - BOTTOM
        y = TOP + room * (1.0 - values / max(capacity, 1e-9))
        points = " ".join(f"{short(a)},{short(b)}" for a, b in zip(edges(window), y, strict=True))
        floor = short(TOP + room)
        area = f"{short(LEFT)},{floor} {points} {short(WIDTH - RIGHT)},{floor}"
        rows = [(TOP + room * (1 - part), tick_text(round(capacity * part, 1)))
                for part in (0.0, 0.5, 1.0)]  # fmt: skip
        moves = next((a[i] for a in moved.carriers.values() if np.isfinite(a[i]).all()),
                     np.zeros(moved.level.shape[1]))  # fmt: skip
        given = float(np.maximum(moves, 0.0).sum() * window.case.step)
        plot = Plot(height, rows, marks(window))
        found.append(Level(asset.name, asset.kind, look(asset.kind, known), plot, points, area,
                           capacity, float(moved.level[i].min()), float(moved.level[i].max()),
                           given, _rounded(at_end)))  # fmt: skip
    return found


def _before(moved: Dispatch, i: int, window: Window) -> float:
    """A store's level as the window begins; a cyclic store starts as it ends."""
    asset, level = moved.assets[i], moved.level[i]
    units = window.case.units[asset.kind]
    if window.first == 0 and {"cyclic", "initial_level"} <= set(units.parameters):
        at = units.names.index(asset.name)
        if not np.ravel(units["cyclic"])[at]:
            share = float(np.ravel(units["initial_level"])[at])
            return share * float(np.nanmax(moved.capacity[i]))
    return float(level[window.first - 1])
