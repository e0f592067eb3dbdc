"""Nodes on the drawing: marks as large as what is asked for there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from citygrid.district.case import Case
from citygrid.export.flows import NO_ENERGY, Dispatch


@dataclass(frozen=True)
class Place:
    """A node: a mark as large as its demand."""

    x: float
    y: float
    radius: float
    about: str
    demand: bool


def places_of(case: Case, moved: Dispatch, nodes: dict[str, Any]) -> list[Place]:
    """Every node's mark, and in words what demands draw there on average."""
    asked: dict[str, dict[str, float]] = {}
    for i, asset in enumerate(case.assets):
        if asset.group == "demand" and asset.node in nodes:
            for carrier, amounts in moved.carriers.items():
                # A shortage, which is told among demands, feeds; and what is held back is no power.
                drawn = np.maximum(-amounts[i], 0.0)
                if carrier not in NO_ENERGY and np.nansum(drawn) > 0.0:
                    here = asked.setdefault(asset.node, {})
                    here[carrier] = here.get(carrier, 0.0) + float(np.nanmean(drawn))
    most = max((sum(parts.values()) for parts in asked.values()), default=1.0)
    found = []
    for node, point in nodes.items():
        parts = asked.get(node, {})
        radius = 3.0 + 6.0 * np.sqrt(sum(parts.values()) / most) if parts and most > 0 else 3.0
        says = ", ".join(
            f"{carrier.replace('_', ' ')} {kw:,.0f} kW" for carrier, kw in parts.items()
        )
        about = f"{node}: mean demand {says}" if says else node
        found.append(Place(round(point.x, 1), round(point.y, 1), float(radius), about, bool(parts)))
    return found
