"""An ESDL file as a district: every asset as the kind that it is, or the reason why it is none.

The way back of :mod:`citygrid.export.gis.esdl`. ESDL names ratings in W and J, and few of the
prices and efficiencies that a plan needs: what is assumed is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.imports.draft import Draft, Frame, Prices, Trace
from citygrid.imports.esdl.lines import add_line
from citygrid.imports.esdl.places import Places, carrier_at, is_line
from citygrid.imports.esdl.reading import Asset, System, read_system
from citygrid.imports.esdl.said import HEAT, LOAD, Sayings, inner, kilowatts
from citygrid.imports.projection import Projection
from citygrid.imports.text import word

DEMANDS = {"heat": "heat_demand", "power": "power_demand", "cooling": "cooling_demand"}
CLASSES = {"HeatingDemand": "heat", "ElectricityDemand": "power", "CoolingDemand": "cooling"}


def draft_of_esdl(file: Path, prices: Prices, frame: Frame) -> tuple[Draft, Frame]:
    """The district of an ESDL file, and the frame with the temperatures that the file states.

    Raises :class:`InputError` where the file cannot be read, or where a chiller or an air source
    needs weather and there is none.
    """
    system = read_system(file)
    points = [*system.places.values(), *(at for asset in system.assets for at in asset.at)]
    project = Projection(points)
    draft = Draft(file, crs=project.crs, left_out=system.left_out)
    places = Places(system)
    places.name_all(draft, project)
    made = _Made(system, draft, places, prices, frame, project)
    for asset in system.assets:
        made.add(asset)
    made.supply_fuel()
    if made.faults:
        raise InputError(made.faults)
    return draft, _temperatures(system, frame)


def _temperatures(system: System, frame: Frame) -> Frame:
    """Supply and return of the warmest carrier of heat that states both."""
    stated = [port.temperatures for asset in system.assets for port in asset.ports
              if carrier_at(system, port) == "heat"]  # fmt: skip
    supply, back = max((each for each in stated if 0.0 < each[1] < each[0]), default=(0.0, 0.0))
    return replace(frame, supply=supply, back=back) if supply else frame


class _Made(Sayings):
    """Components as they are made of assets."""

    # kinds ---------------------------------------------------------------------------------------

    def add(self, asset: Asset) -> None:
        """The component of one asset, or the reason why there is none."""
        if asset.name.removesuffix(LOAD) in self.centres and asset.name.endswith(LOAD):
            self._centre(asset)
        elif asset.name.removesuffix(HEAT) in self.centres and asset.name.endswith(HEAT):
            return  # said by its other half
        elif is_line(asset):
            add_line(asset, self.system, self.places, self.draft, self.project)
        else:
            rule = next((make for names, make in self._rules() if asset.is_a(*names)), None)
            reason = "has no counterpart" if rule is None else rule(asset)
            if reason:
                self.draft.drop(f"{asset.name} ({asset.kind})", reason)
            else:
                self._burns(asset)

    def _rules(self) -> list[tuple[tuple[str, ...], Callable[[Asset], str | None]]]:
        """Classes and what makes components of them, the special before the general."""
        return [
            (("HeatPump",), self._heat_pump),
            (("GasHeater",), lambda a: self._rated(a, "boiler", "heat", 0.92)),
            (("ElectricBoiler",), lambda a: self._rated(a, "electric_boiler", "heat", 0.99)),
            (("Airco",), self._chiller),
            (("CHP", "CoGeneration"), self._engine),
            (("Electrolyzer",), lambda a: self._rated(a, "electrolyser", "power", 0.62)),
            (("PowerPlant",), self._generator),
            (("PVPanel",), lambda a: self._renewable(a, "pv", "peak")),
            (("WindTurbine",), lambda a: self._renewable(a, "wind", "rated")),
            (("Battery",), lambda a: self._store(a, "battery")),
            (("HeatStorage",), lambda a: self._store(a, "heat_store")),
            (("Import",), self._import),
            (("Export",), self._export),
            (("Producer",), self._producer),
            (("Consumer",), self._demand),
        ]

    def _burns(self, asset: Asset) -> None:
        if asset.kind == "Import":
            return
        gas = self.carriers(asset, True).get("gas")
        kinds = ("GasHeater", "CHP", "CoGeneration", "PowerPlant")
        if gas is not None or asset.is_a(*kinds):
            sets = self.places.sets_of(asset)
            if not sets:
                return
            here = self.places.node(sets[0])
            nodes = self.burnt.setdefault(-1 if gas is None else gas, [])
            if here not in nodes:
                nodes.append(here)

    def _rated(self, asset: Asset, kind: str, field: str, usual: float) -> str | None:
        rating = self.rating(asset)
        if rating is None:
            return "states no power"
        self.draft.add(asset.name, kind, node=self.node(asset), **{field: kilowatts(rating)},
                       efficiency=self.efficiency(asset, usual))  # fmt: skip
        return None

    def _chiller(self, asset: Asset) -> str | None:
        rating = self.rating(asset)
        if rating is None:
            return "states no power"
        if self.frame.weather is None:
            self.faults.append(Fault(asset.name, "a chiller needs the outdoor temperature", None,
                                     "add --weather FILE"))  # fmt: skip
        self.draft.add(asset.name, "chiller", node=self.node(asset), cooling=kilowatts(rating))
        return None

    def _heat_pump(self, asset: Asset) -> str | None:
        rating = self.rating(asset)
        if rating is None:
            return "states no power"
        cop = asset.number("COP")
        fields = {} if cop is None or cop <= 1 else {"cop": f"{cop:.9g}"}
        source = self._source(asset)
        if source == "air" and self.frame.weather is None and not fields:
            fields = {"cop": "3"}
            self.draft.assumed.append(f"{asset.name}: COP 3, for there is no weather")
        self.draft.add(asset.name, "heat_pump", source=word(source), sink=self.node(asset),
                       heat=kilowatts(rating), **fields)  # fmt: skip
        return None

    def _source(self, asset: Asset) -> str:
        """Where a pump takes its heat: a centre that it is connected to, air, or ground."""
        drawn = {port.set for port in asset.ports if port.enters}
        for other in self.system.assets:
            name = other.name.removesuffix(HEAT)
            given = {port.set for port in other.ports} if other.name.endswith(HEAT) else set()
            if name in self.centres and drawn & given:
                return name
        said = str(getattr(asset.said, "source", "UNDEFINED"))
        found = "air" if said in ("AIR", "UNDEFINED") else "ground"
        if said not in ("AIR", "SUB_SURFACE"):
            self.draft.assumed.append(f"{asset.name}: its source is {found} "
                                      f"(the file says {said.lower()})")  # fmt: skip
        return found

    def _centre(self, asset: Asset) -> None:
        """A data centre: what it draws is its IT power and losses, all of which becomes heat."""
        name = asset.name.removesuffix(LOAD)
        drawn, rating = self.flow(asset, True, "power"), self.rating(asset)
        most = float(np.max(drawn.values)) if isinstance(drawn, Trace) else float(drawn or 0.0)
        rating = most if rating is None else rating
        losses = max(most / rating - 1.0, 0.0) if rating > 0 else 0.0
        self.draft.add(name, "data_center", node=self.node(asset), cooling="liquid",
                       capacity=kilowatts(rating), loss_share=f"{100 * losses:.9g} %",
                       loss_fixed="0 %",
                       load=self.load(name, drawn or 0.0, 1.0 / (1.0 + losses)))  # fmt: skip
        self.draft.assumed.append(f"{name}: cooled by liquid; its load holds its jobs")

    def _engine(self, asset: Asset) -> str | None:
        rating = self.rating(asset)
        if rating is None:
            return "states no power"
        self.draft.add(
            asset.name, "chp", node=self.node(asset), power=kilowatts(rating),
            electric_efficiency=self.efficiency(asset, 0.38, "electricalEfficiency", "electric "),
            thermal_efficiency=self.efficiency(asset, 0.48, "heatEfficiency", "thermal "),
        )  # fmt: skip
        return None

    def _generator(self, asset: Asset) -> str | None:
        rating = self.rating(asset)
        if rating is None:
            return "states no power"
        self.draft.add(asset.name, "generator", node=self.node(asset), power=kilowatts(rating),
                       efficiency=self.efficiency(asset, 0.4))  # fmt: skip
        return None

    def _renewable(self, asset: Asset, kind: str, field: str) -> str | None:
        rating, flow = self.rating(asset), self.flow(asset, False, "power")
        if rating is None and isinstance(flow, Trace):
            rating = float(np.max(flow.values))
        if not rating:
            return "states no power"
        fields = {field: kilowatts(rating)}
        if isinstance(flow, Trace):
            share = np.clip(flow.values / rating, 0.0, 1.0)
            fields["output"] = self.draft.series(
                f"{asset.name} output", Trace(flow.start, flow.step, share), "1"
            )
        elif kind == "wind":
            return "has no profile, and its power curve is not in the file"
        elif self.frame.weather is None:
            return "has no profile, and there is no weather (--weather)"
        else:
            for said, ours in (("angle", "tilt"), ("orientation", "azimuth")):
                stated = asset.number(said)
                if stated is not None:
                    fields[ours] = f"{stated:g} deg"
        self.draft.add(asset.name, kind, node=self.node(asset), **fields)
        return None

    def _store(self, asset: Asset, kind: str) -> str | None:
        capacity = asset.number("capacity")
        if capacity is None:
            return "states no capacity"
        held = capacity / 3.6e6
        fields = {"capacity": f"{held:.9g} kWh"}
        for name, said in (("charge", "maxChargeRate"), ("discharge", "maxDischargeRate")):
            rate = asset.number(said)
            if rate is None:
                self.draft.assumed.append(f"{asset.name}: {name} in 4 h")
            fields[name] = kilowatts(held / 4.0 if rate is None else rate / 1e3)
        for name, said in (("charge_efficiency", "chargeEfficiency"),
                           ("discharge_efficiency", "dischargeEfficiency")):  # fmt: skip
            stated = asset.number(said)
            if stated is not None and stated <= 1.0:
                fields[name] = f"{100 * stated:.9g} %"
        if asset.kind not in ("HeatStorage", "Battery"):
            self.draft.assumed.append(f"{asset.name} ({asset.kind}): a store that loses nothing")
        self.draft.add(asset.name, kind, node=self.node(asset), **fields)
        return None

    def _import(self, asset: Asset) -> str | None:
        carriers = self.carriers(asset, False)
        rating = self.rating(asset)
        if "gas" in carriers:
            self.supplies[carriers["gas"]] = asset
            return None
        if "power" not in carriers and carriers != {"": next(iter(carriers.values()), 0)}:
            return self._producer(asset)
        fields = {"max": kilowatts(1e6 if rating is None else rating),
                  "price": self.price(asset, self.prices.power, "price of power")}  # fmt: skip
        both = {"import_": inner(fields)}
        if "power" in self.carriers(asset, True):
            both["export"] = inner({"price": "0 EUR/MWh", "max": fields["max"]})
            self.draft.assumed.append(f"{asset.name}: power sold is paid nothing, a placeholder")
        self.draft.add(asset.name, "grid", node=self.node(asset), **both)
        return None

    def _export(self, asset: Asset) -> str | None:
        carriers, rating = self.carriers(asset, True), self.rating(asset)
        if "power" in carriers:
            fields = {"price": "0 EUR/MWh", "max": kilowatts(1e6 if rating is None else rating)}
            none = inner({"price": "0 EUR/MWh", "max": "0 kW"})
            self.draft.add(asset.name, "grid", node=self.node(asset), import_=none,
                           export=inner(fields))  # fmt: skip
        elif "hydrogen" in carriers:
            self.draft.add(asset.name, "hydrogen_sale", node=self.node(asset), price="0 EUR/MWh",
                           **({} if rating is None else {"max": kilowatts(rating)}))  # fmt: skip
        else:
            return f"sells {' and '.join(carriers) or 'nothing'}, which nobody buys here"
        self.draft.assumed.append(f"{asset.name}: what is sold is paid nothing, a placeholder")
        return None

    def _producer(self, asset: Asset) -> str | None:
        """A producer of power or heat without fuel of its own, at its marginal cost."""
        carriers, rating = self.carriers(asset, False), self.rating(asset)
        if not {"power", "heat"} & set(carriers):
            made = " and ".join(carriers).replace("_", " ") or "nothing"
            return f"makes {made}, for which there is no kind"
        if rating is None:
            flow = self.flow(asset, False, next(iter(carriers)))
            rating = float(np.max(flow.values)) if isinstance(flow, Trace) else flow
        if not rating:
            return "states no power"
        if "power" in carriers:
            self.draft.add(asset.name, "generator", node=self.node(asset), power=kilowatts(rating),
                           variable_cost=self.price(asset, self.prices.power, "cost"))  # fmt: skip
            return None
        # Heat that comes as it is: an electric boiler's twin, fed at a cost by a generator of its
        # own, would need power; a boiler without loss and its own supply of "fuel" does not.
        here = self.node(asset)
        if any(here in map(word, nodes) for nodes in self.burnt.values()):
            return "would share its node's fuel with what burns it there"
        price = self.price(asset, 0.0, "cost of its heat")
        self.draft.add(f"{asset.name} supply", "fuel", node=here, price=price)
        self.draft.add(asset.name, "boiler", node=here, heat=kilowatts(rating), efficiency="100 %")
        return None

    def _demand(self, asset: Asset) -> str | None:
        carriers = [name for name in self.carriers(asset, True) if name in DEMANDS]
        carrier = CLASSES.get(asset.kind, carriers[0] if carriers else "")
        if carrier not in DEMANDS:
            asked = " and ".join(self.carriers(asset, True)) or "nothing"
            return f"asks for {asked.replace('_', ' ')}, for which there is no kind"
        flow = self.flow(asset, True, carrier)
        if flow is None:
            flow = self.rating(asset)
            if flow is None:
                return "states neither a profile nor a power"
            self.draft.assumed.append(f"{asset.name}: asks for its power in every hour")
        self.draft.add(asset.name, DEMANDS[carrier], node=self.node(asset),
                       load=self.load(asset.name, flow))  # fmt: skip
        return None

    def supply_fuel(self) -> None:
        """A supply of fuel at every node that burns some, from the import it is connected to."""
        for each, asset in self.supplies.items():
            if each not in self.burnt:
                self.draft.drop(f"{asset.name} ({asset.kind})", "nobody is connected to it")
        for each, nodes in self.burnt.items():
            source = self.supplies.get(each)
            name, fields = "gas", {"carbon": f"{self.prices.carbon:g} kg/MWh"}
            rating = None if source is None else self.rating(source)
            if source is None:
                fields["price"] = f"{self.prices.fuel:g} EUR/MWh"
                self.draft.assumed.append(f"fuel: {fields['price']}, a placeholder")
            else:
                name = source.name
                fields["price"] = self.price(source, self.prices.fuel, "price of fuel")
            if source is not None and rating is not None and len(nodes) > 1:
                self.draft.drop(f"{name} ({source.kind})",
                                f"its power: it supplies {len(nodes)} nodes")  # fmt: skip
            elif rating is not None:
                fields["max"] = kilowatts(rating)
            for node in nodes:
                self.draft.add(name if len(nodes) == 1 else f"{name} at {node}", "fuel",
                               node=word(node), **fields)  # fmt: skip
        if self.burnt:
            self.draft.assumed.append(f"fuel: carbon {self.prices.carbon:g} kg/MWh")
