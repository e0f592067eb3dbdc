"""From positions in the world to pixels: north is up, and as far east is as wide as far north."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

#: Pixels: of a picture's width, and between which its height lies.
WIDTH = 760.0
LEAST_HEIGHT, MOST_HEIGHT = 380.0, 640.0
#: A single place has a small picture [px], as wide as this [m].
SINGLE_HEIGHT, SINGLE_WIDTH = 220.0, 500.0
#: Room around what is drawn, as a share of its extent.
MARGIN = 0.09
#: Metres of a degree of latitude.
DEGREE = 111_320.0


class Projection(NamedTuple):
    """``to_pixels`` is shapely's ``[a, b, d, e, x, y]``: ``x' = a x + b y + x0``, ``y'`` likewise.

    ``metres`` per pixel, ``None`` where the coordinates are of no known system.
    """

    to_pixels: list[float]
    height: float
    metres: float | None


def projection(shapes: Sequence[BaseGeometry], crs: CRS | None) -> Projection:
    """The map that fits all shapes into a picture; degrees of longitude are as long as they are."""
    bounds = np.array([shape.bounds for shape in shapes])
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    squeeze, unit = 1.0, 1.0
    if crs is not None and crs.is_geographic:
        squeeze, unit = float(np.cos(np.radians((south + north) / 2))), DEGREE
    extent = max((east - west) * squeeze, north - south, 1e-9 if unit > 1 else 50.0)
    wide = max((east - west) * squeeze, 0.3 * extent) * (1 + 2 * MARGIN)
    tall = max(north - south, 0.3 * extent) * (1 + 2 * MARGIN)
    height = float(np.clip(WIDTH * tall / wide, LEAST_HEIGHT, MOST_HEIGHT))
    if west == east and south == north:
        height, wide = SINGLE_HEIGHT, SINGLE_WIDTH / unit
        tall = wide * height / WIDTH
    scale = min(WIDTH / wide, height / tall)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    matrix = [scale * squeeze, 0.0, 0.0, -scale,
              WIDTH / 2 - scale * squeeze * middle_x, height / 2 + scale * middle_y]  # fmt: skip
    known = crs is not None and (crs.is_geographic or crs.is_projected)
    return Projection(matrix, height, unit / scale if known else None)
