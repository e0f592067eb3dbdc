"""Bars as coordinates: where a carrier comes from under every route, and where the money goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from citygrid.export.flows import Dispatch
from citygrid.export.palette import Look, look
from citygrid.export.report.charts import WIDTH
from citygrid.export.stacking import by_kind, name_of, order


@dataclass(frozen=True)
class Mix:
    """Where a carrier came from, route by route: segments of a bar each."""

    title: str
    unit: str
    height: float
    bars: list[tuple[str, float, list[tuple[float, float, str, str]], str]]
    kinds: list[tuple[str, Look]] = field(default_factory=list)


def mix(carrier: str, plans: Sequence[tuple[str, Dispatch]], hours: float) -> Mix | None:
    """Energy fed by every kind [MWh] under every route, as bars on one scale."""
    sums = {
        route: {kind: float(v.sum() * hours / 1000.0)
                for kind, v in by_kind(moved, carrier)[0].items()}
        for route, moved in plans if carrier in moved.carriers
    }  # fmt: skip
    most = max((sum(parts.values()) for parts in sums.values()), default=0.0)
    if most <= 0:
        return None
    known = tuple(dict.fromkeys(k for parts in sums.values() for k in parts))
    left, room = 128.0, WIDTH - 128.0 - 82.0
    bars = []
    y = 4.0
    for route, parts in sums.items():
        x = left
        segments = []
        for kind in sorted(parts, key=lambda k: order(k, known)):
            width = room * parts[kind] / most
            segments.append((x, width, kind, f"{look(kind, known).label}: {parts[kind]:,.1f} MWh"))
            x += width
        bars.append((route, y, segments, f"{sum(parts.values()):,.1f} MWh"))
        y += 24.0
    kinds = [(k, look(k, known)) for k in sorted(known, key=lambda k: order(k, known))]
    return Mix(name_of(carrier), "MWh", y + 2, bars, kinds)


def bars(
    amounts: Sequence[tuple[str, float]],
) -> list[tuple[str, float, float, float, float, float]]:
    """Amounts as bars from a common zero: label, amount, left end, width, zero, and top.

    Largest first; what is nothing is left out.
    """
    shown = sorted((pair for pair in amounts if abs(pair[1]) >= 0.005), key=lambda p: -abs(p[1]))
    low = min((amount for _, amount in shown), default=0.0)
    high = max((amount for _, amount in shown), default=0.0)
    left, room = 168.0, WIDTH - 168.0 - 92.0
    per = room / max(max(high, 0.0) - min(low, 0.0), 1e-9)
    zero = left - min(low, 0.0) * per
    return [
        (label, amount, zero + min(amount, 0.0) * per, max(abs(amount) * per, 0.8), zero,
         6.0 + 26.0 * i)
        for i, (label, amount) in enumerate(shown)
    ]  # fmt: skip
