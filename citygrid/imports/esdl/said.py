"""What an asset of ESDL says of itself, in units of ours, and what is assumed where it does not."""

from __future__ import annotations

import numpy as np

from citygrid.errors import Fault
from citygrid.imports.draft import Draft, Frame, Prices, Trace
from citygrid.imports.esdl.places import Places, carrier_at
from citygrid.imports.esdl.reading import MULTIPLIERS, Asset, System, trace_of
from citygrid.imports.projection import Projection
from citygrid.imports.text import word

#: Behind the names of the two assets that a data centre is.
LOAD, HEAT = ": power", ": waste heat"


class Sayings:
    """Assets in the words of components."""

    def __init__(
        self,
        system: System,
        draft: Draft,
        places: Places,
        prices: Prices,
        frame: Frame,
        project: Projection,
    ) -> None:
        self.system, self.draft, self.places = system, draft, places
        self.prices, self.frame, self.project = prices, frame, project
        self.faults: list[Fault] = []
        #: Set of gas → nodes where it is drawn, and what supplies it.
        self.burnt: dict[int, list[str]] = {}
        self.supplies: dict[int, Asset] = {}
        names = {asset.name for asset in system.assets}
        ends = {name.removesuffix(LOAD) for name in names if name.endswith(LOAD)}
        self.centres = {name for name in ends if name + HEAT in names}
        self.linked: set[tuple[str, str]] = set()

    # what an asset says ------------------------------------------------------------------------

    def carriers(self, asset: Asset, enters: bool) -> dict[str, int]:
        """Carrier → connected set, of the ports that enter or leave."""
        return {carrier_at(self.system, port) or "": port.set
                for port in asset.ports if port.enters == enters}  # fmt: skip

    def node(self, asset: Asset) -> str:
        """The node of an asset, as a word; power from elsewhere comes by a line without loss."""
        sets = self.places.sets_of(asset)
        if not sets:
            return word(self.draft.add_node(f"at {asset.name}", None))
        here = self.places.node(sets[0])
        for other in sets[1:]:
            there = self.places.node(other)
            if there == here or (there, here) in self.linked:
                continue
            if self.system.carriers.get(other) != "power":
                self.draft.drop(f"{asset.name} ({asset.kind})", "one of its two networks of heat: "
                                "a component stands at one node")  # fmt: skip
                continue
            self.linked.add((there, here))
            self.draft.add(f"link {there} {here}", "power_line", from_=word(there), to=word(here),
                           capacity="1 GW", loss_share="0 %", reversible="true")  # fmt: skip
            self.draft.assumed.append(f"link {there} {here}: what stands at {here} takes its power "
                                      f"from {there} without loss")  # fmt: skip
        return word(here)

    def rating(self, asset: Asset, name: str = "power") -> float | None:
        """A rating [kW]; of an asset that states none, the most that a port may pass."""
        stated = asset.number(name)
        if stated is None:
            stated = max((float(p.maxPower or 0.0) for p in asset.said.port), default=0.0) or None
        return None if stated is None else stated / 1e3

    def flow(self, asset: Asset, enters: bool, carrier: str) -> Trace | float | None:
        """What passes a port [kW]; a profile that cannot be read is said and is none."""
        for port in asset.ports:
            if port.enters != enters or (carrier_at(self.system, port) or carrier) != carrier:
                continue
            for profile in port.profiles:
                found = trace_of(profile, self.rating(asset))
                if not isinstance(found, str):
                    if profile.profileQuantityAndUnit is None:
                        self.draft.assumed.append(f"{asset.name}: its profile, without unit, "
                                                  "is in W")  # fmt: skip
                    return found
                self.draft.drop(f"{asset.name} ({asset.kind})", f"its profile: {found}")
        return None

    def efficiency(
        self, asset: Asset, usual: float, name: str = "efficiency", which: str = ""
    ) -> str:
        """An efficiency from the file, or a usual one."""
        stated = asset.number(name)
        if stated is not None and stated > 1.0:  # a percentage, as some write it
            stated /= 100.0
        if stated is None or stated > 1.0:
            stated = usual
            self.draft.assumed.append(f"{asset.name}: {which}efficiency {usual:.0%}")
        return f"{100 * stated:.9g} %"

    def price(self, asset: Asset, usual: float, what: str) -> str:
        """Marginal cost [EUR/MWh] from the file, or a placeholder."""
        costs = getattr(asset.said, "costInformation", None)
        marginal = None if costs is None else costs.marginalCosts
        found = None if marginal is None else trace_of_cost(marginal)
        if found is None:
            self.draft.assumed.append(f"{asset.name}: {what} {usual:g} EUR/MWh, a placeholder")
        return f"{usual if found is None else found:.9g} EUR/MWh"

    def load(self, name: str, drawn: Trace | float, factor: float = 1.0) -> str:
        """A load [kW] as a district file writes it: a number, or a series."""
        if not isinstance(drawn, Trace):
            return kilowatts(max(drawn, 0.0) * factor)
        values = np.maximum(drawn.values, 0.0) * factor
        return self.draft.series(name, Trace(drawn.start, drawn.step, values))


def kilowatts(value: float) -> str:
    """A power as a district file writes it."""
    return f"{value:.9g} kW"


def inner(fields: dict[str, str]) -> str:
    """Fields within a field."""
    return f"{{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"


def trace_of_cost(profile: object) -> float | None:
    """A single marginal cost [EUR/MWh], where it is one per energy."""
    said = getattr(profile, "profileQuantityAndUnit", None)
    if said is None or not hasattr(profile, "value"):
        return None
    said = getattr(said, "reference", said)
    per = {"WATTHOUR": 1e6, "JOULE": 3.6e9}.get(str(said.perUnit))
    paid, of = (MULTIPLIERS.get(str(each)) for each in (said.multiplier, said.perMultiplier))
    if str(said.unit) != "EURO" or per is None or paid is None or of is None:
        return None
    return float(profile.value) * paid * per / of
