"""Room on a map: where names and plates stand so that none lies on another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from citygrid.arrays import Floats

#: Half the width of a node's mark, and the room kept around a name and at the edge [px].
MARK, EDGE = 8.0, 2.0
#: Share of a name that may lie on marks or beyond the edge before it is left out.
COVERED = 0.25


class Room:
    """What stands on the map already: marks of nodes, lines, and boxes of names and plates.

    points, lines
        Nodes and the courses of pipes and cables, in pixels.
    width, height
        Of the map [px].
    """

    def __init__(
        self, points: Sequence[Any], lines: Sequence[BaseGeometry], width: float, height: float
    ) -> None:  # fmt: skip
        at = np.array([(point.x, point.y) for point in points]).reshape(-1, 2)
        self.marks = np.hstack([at - MARK, at + MARK])
        self.lines = np.array(lines, dtype=object)
        self.tree = STRtree(lines) if len(lines) else None
        self.frame = np.array([[EDGE, EDGE, width - EDGE, height - EDGE]])
        self.taken = np.empty((0, 4))

    def spot(
        self, point: Any, size: tuple[float, float], distances: tuple[float, ...]
    ) -> tuple[float, float] | None:  # fmt: skip
        """Corner of the place near a node that hides the least, which is then taken.

        ``None`` where every place lies on a name or plates, or too much of it on marks or outside.
        """
        wide, tall = size
        away, angle = (
            each.ravel() for each in np.meshgrid(
                distances, np.arange(0.0, 2 * np.pi, np.pi / 6), indexing="ij"
            )
        )  # fmt: skip
        x = point.x + np.cos(angle) * (away + wide / 2) - wide / 2
        y = point.y + np.sin(angle) * (away + tall / 2) - tall / 2
        spots = np.column_stack([x - EDGE, y - EDGE, x + wide + EDGE, y + tall + EDGE])
        area = (wide + 2 * EDGE) * (tall + 2 * EDGE)
        outside = area - _shared(spots, self.frame)
        hidden = _shared(spots, self.marks)
        free = (_shared(spots, self.taken) == 0) & (outside + hidden <= COVERED * area)
        if not free.any():
            return None
        worth = 6.0 * outside + 4.0 * hidden + 3.0 * self._crossed(spots) + 2.0 * away
        best = int(np.where(free, worth, np.inf).argmin())
        self.taken = np.vstack([self.taken, spots[best]])
        return float(x[best]), float(y[best])

    def _crossed(self, spots: Floats) -> Floats:
        """Length of the lines in every spot [px]."""
        crossed = np.zeros(len(spots))
        if self.tree is not None:
            areas = shapely.box(*spots.T)
            spot, line = self.tree.query(areas, predicate="intersects")
            length = shapely.length(shapely.intersection(self.lines[line], areas[spot]))
            np.add.at(crossed, spot, length)
        return crossed


def _shared(spots: Floats, boxes: Floats) -> Floats:
    """Area that every spot shares with all boxes together; boxes are (n, left … bottom)."""
    low = np.maximum(spots[:, None, :2], boxes[None, :, :2])
    high = np.minimum(spots[:, None, 2:], boxes[None, :, 2:])
    shared: Floats = np.prod(np.maximum(high - low, 0.0), axis=2).sum(axis=1)
    return shared
