"""What energy is worth at least, by who feeds it and what lines and stores join.

The linear argument: a kWh more at a place saves what the cheapest unit that feeds there would have
cost, so it is worth at least the least of these. Lines spread that over the places they join, and a
store over the whole horizon: who is paid to take power tomorrow may want an empty store today.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.district.load import District
from citygrid.inputs.world import World

Together = tuple[str, frozenset[str]]


class Worth:
    """The least worth of every carrier, once for all places that lines join."""

    def __init__(self, district: District, world: World) -> None:
        self._district = district
        self._world = world
        self._least: dict[Together, Floats] = {}

    def least(self, carrier: str, place: str) -> Floats:
        """Least worth (T) [EUR/kWh] of a carrier at a place."""
        together = self._joined(carrier, place)
        if together not in self._least:
            self._least[together] = self._least_value(*together)
        return self._least[together]

    def _joined(self, carrier: str, place: str) -> Together:
        """The carrier and all places that its lines join with this one."""
        pairs = [
            ends for component in self._district.components.values()
            if (ends := component.line()) is not None
            and any(port.carrier == carrier for port in component.ports(""))
        ]  # fmt: skip
        found, grown = {place}, True
        while grown:
            more = {end for pair in pairs if found & set(pair) for end in pair} - found
            grown = bool(more)
            found |= more
        return carrier, frozenset(found)

    def _least_value(self, carrier: str, places: frozenset[str]) -> Floats:
        least, kept = np.full(len(self._world.horizon), np.inf), False
        for name, component in self._district.components.items():
            ports = [p for p in component.ports(name) if p.carrier == carrier and p.place in places]
            if any(port.direction == "feed" for port in ports):
                least = np.minimum(least, component.least_value(carrier, name, self._world))
                kept |= component.keeps_energy
        return np.full_like(least, least.min()) if kept else least
