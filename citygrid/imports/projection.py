"""Places in longitude and latitude as metres, for districts are in metres."""

from __future__ import annotations

import math
from collections.abc import Iterable


class Projection:
    """Longitude and latitude as metres in the UTM zone of the first place."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        first = next(iter(points), None)
        self.crs = None if first is None else _zone_of(first)
        self._transform = None
        if self.crs is not None:
            from pyproj import Transformer

            self._transform = Transformer.from_crs("EPSG:4326", self.crs, always_xy=True)

    def __call__(self, at: tuple[float, float] | None) -> tuple[float, float] | None:
        """The position in metres."""
        if at is None or self._transform is None:
            return None
        east, north = self._transform.transform(*at)
        return float(east), float(north)


#: Where the sun and the air are taken of a district that is nowhere, latitude and longitude [deg].
USUAL_PLACE = (50.0, 9.0)


def degrees_of(
    places: Iterable[tuple[float, float] | None], crs: str | None
) -> tuple[float, float] | None:
    """Latitude and longitude [deg] of the middle of places in a system; ``None`` if unknown."""
    known = [at for at in places if at is not None and all(map(math.isfinite, at))]
    if not known or crs is None:
        return None
    from pyproj import Transformer

    east, north = (sum(parts) / len(known) for parts in zip(*known, strict=True))
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        east, north
    )
    return latitude, longitude


def _zone_of(at: tuple[float, float]) -> str:
    """EPSG code of the UTM zone of a longitude and latitude [deg]."""
    longitude, latitude = at
    zone = min(int((longitude + 180.0) // 6.0) + 1, 60)
    return f"EPSG:{32600 + zone if latitude >= 0 else 32700 + zone}"
