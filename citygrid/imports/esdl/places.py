"""Nodes for what is connected in ESDL: a place holds one set of every carrier.

An asset stands at one place, so the sets that it touches become one node, unless a pipe or cable
would then lead from a node to itself.
"""

from __future__ import annotations

from citygrid.imports.draft import Draft
from citygrid.imports.esdl.reading import Asset, Port, System
from citygrid.imports.projection import Projection

#: Carriers that lie at the nodes of their users, whatever joins them: none is carried by lines.
EVERYWHERE = ("gas", "waste_heat")
LINES = ("AbstractConductor", "AbstractTransformer")


def is_line(asset: Asset) -> bool:
    """Whether an asset leads from one place to another; a heat exchanger does not."""
    return asset.is_a(*LINES) and asset.kind != "HeatExchange"


def carrier_at(system: System, port: Port) -> str | None:
    """The carrier of a port, or of what it is connected to."""
    return port.carrier or system.carriers.get(port.set)


class Places:
    """The node of every set of connected ports."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.parent: dict[int, int] = {}
        self.nodes: dict[int, str] = {}
        self.lines = [ends for asset in system.assets if is_line(asset)
                      if (ends := self.ends(asset)) is not None]  # fmt: skip
        self._by_position()
        for asset in system.assets:
            if not is_line(asset):
                sets = self.sets_of(asset)
                for other in sets[1:]:
                    self.join(sets[0], other)

    def sets_of(self, asset: Asset) -> list[int]:
        """The sets at which an asset has to stand, those of heat first."""
        found = {
            port.set: carrier_at(self.system, port) or "" for port in asset.ports
            if carrier_at(self.system, port) not in EVERYWHERE
        }  # fmt: skip
        return sorted(found, key=lambda each: (found[each] != "heat", each))

    def ends(self, asset: Asset) -> tuple[int, int] | None:
        """The sets from and to which a line leads."""
        enters = next((port.set for port in asset.ports if port.enters), None)
        leaves = next((port.set for port in asset.ports if not port.enters), None)
        return None if enters is None or leaves is None else (enters, leaves)

    def root(self, one: int) -> int:
        """What stands for the place of a set."""
        while self.parent.get(one, one) != one:
            one = self.parent[one]
        return one

    def join(self, one: int, other: int) -> bool:
        """Make one place of two, unless a line would lead to where it begins."""
        a, b = self.root(one), self.root(other)
        if a == b:
            return True
        pair = {a, b}
        if any({self.root(start), self.root(end)} == pair for start, end in self.lines):
            return False
        self.parent[max(a, b)] = min(a, b)
        return True

    def _by_position(self) -> None:
        """Joints that stand at one point are one place."""
        here: dict[tuple[float, float], int] = {}
        for each, (longitude, latitude) in self.system.places.items():
            if self.system.carriers.get(each) not in EVERYWHERE:
                at = (round(longitude, 6), round(latitude, 6))
                self.join(here.setdefault(at, each), each)

    def name_all(self, draft: Draft, project: Projection) -> None:
        """Give every place a node: the name of its joint, or of the first that stands there."""
        called: dict[int, str] = {}
        at: dict[int, tuple[float, float]] = {}
        for each, name in self.system.names.items():
            carrier = (self.system.carriers.get(each) or "").replace("_", " ")
            called.setdefault(self.root(each), name.removeprefix(f"{carrier} at "))
        for each, position in self.system.places.items():
            at.setdefault(self.root(each), position)
        for asset in self.system.assets:
            line = is_line(asset)
            sets = self.ends(asset) or () if line else self.sets_of(asset)
            for i, each in enumerate(sets):
                if asset.at:
                    at.setdefault(self.root(each), asset.at[-1 if line and i else 0])
                if not line:
                    called.setdefault(self.root(each), f"at {asset.name}")
        taken = {asset.name for asset in self.system.assets}
        for asset in self.system.assets:
            for each in (self.ends(asset) or ()) if is_line(asset) else self.sets_of(asset):
                root = self.root(each)
                if root not in self.nodes:
                    name = called.get(root, "junction")
                    name = f"node {name}" if name in taken else name
                    self.nodes[root] = draft.add_node(name, project(at.get(root)))

    def node(self, one: int) -> str:
        """The node of a set."""
        return self.nodes[self.root(one)]
