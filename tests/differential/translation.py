"""A district in the words of PyPSA, from its file and its hourly values; the form has no part.

Carriers at nodes become buses; machines, connections and loads become generators, links, stores
and loads, in kW and kWh, each with a rated power of 1 kW unless PyPSA needs another. What PyPSA has
no word for is said beside the network: pairs of which one runs at a time, and units that must run.
A kind, or a field that a file states, of which nothing is said here is not translated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from citygrid.arrays import Floats
from citygrid.district.case import Case
from citygrid.district.load import District

#: Steps that are longer than any minimum time.
LONG = 10**6
_DEMAND = {"node", "load", "unserved_price", "priority"}
_STORE = {"node", "capacity", "tank", "charge", "discharge", "charge_efficiency", "may_burn",
          "discharge_efficiency", "standing_loss", "cyclic", "initial_level",
          "final_level"}  # fmt: skip
_SWITCHED = {"minimum_load", "start_cost", "shutdown_cost", "standby_cost", "minimum_up_time",
             "minimum_down_time", "must_run"}  # fmt: skip
_UNIT = _SWITCHED | {"node", "availability", "variable_cost", "initially_on", "initial_hours"}
_LINE = {"from_", "to", "capacity", "reversible"}
#: Kind → fields that are translated.
FIELDS = {
    "battery": _STORE | {"wear"},
    "boiler": _UNIT | {"heat", "efficiency"},
    "chp": _UNIT | {"power", "electric_efficiency", "thermal_efficiency"},
    "electric_boiler": _UNIT | {"heat", "efficiency"},
    "fuel": {"node", "price", "carbon", "max"},
    "generator": _UNIT | {"power", "efficiency"},
    "grid": {"node", "import_", "export", "peak_charge"},
    "heat_demand": _DEMAND,
    "heat_pump": _UNIT | {"source", "sink", "heat", "cop", "carnot_share"},
    "heat_store": _STORE,
    "power_demand": _DEMAND,
    "power_line": _LINE | {"loss_share"},
    "pv": {"node", "peak", "output", "curtailable"},
    "shortage": {"node", "carrier", "price", "surplus_price", "priority"},
    "solar_thermal": {"node", "area", "optical_efficiency", "linear_loss", "quadratic_loss",
                      "irradiance"},
    "transformer": _LINE | {"from_voltage", "to_voltage", "no_load_loss", "load_loss"},
    "wind": {"node", "turbine", "hub_height", "wind"},
}  # fmt: skip


class Untranslatable(Exception):
    """What a district has and this page has no words for."""


def translated(district: District, case: Case) -> dict[str, Any]:
    """The network of a district, as plain data. Raises :class:`Untranslatable` in words."""
    network = Network(district, case)
    for name, spec in district.components.items():
        kind = district.kind_of[name]
        known = FIELDS.get(kind)
        if known is None:
            raise Untranslatable(f"kind {kind}")
        further = sorted(spec.model_fields_set - known)
        if further:
            raise Untranslatable(f"{further[0]} of {kind}")
        getattr(network, f"add_{kind}")(name, spec)
    network.refuse_circles()
    return {
        "step": case.step, "steps": len(case.time), "buses": sorted(network.buses),
        "parts": network.parts, "apart": network.apart, "running": network.running,
        "carriers": network.carriers, "carbon_cap": case.caps.get("carbon"),
    }  # fmt: skip


class Network:
    """A network under way; a method per kind adds its parts."""

    def __init__(self, district: District, case: Case) -> None:
        priced = {column for column, price in case.prices.items() if price}
        beyond = sorted((priced | set(case.caps)) - {"carbon"})
        if beyond or case.out:
            raise Untranslatable(beyond[0] if beyond else "an outage")
        self.district, self.case = district, case
        self.buses: set[str] = set()
        #: (sort, name, attributes) of every part.
        self.parts: list[tuple[str, str, dict[str, Any]]] = []
        #: Pairs of parts, both committable, of which one runs at a time.
        self.apart: list[list[tuple[str, str]]] = []
        #: Parts that run in every step.
        self.running: list[tuple[str, str]] = []
        #: What emits → kg per kWh.
        self.carriers: dict[str, float] = {}

    # words ----------------------------------------------------------------------------------------

    def hourly(self, name: str, parameter: str) -> Floats:
        """A parameter of a component in every step, as the case has it."""
        values = self.case.units[self.district.kind_of[name]].of(name)[parameter]
        return np.broadcast_to(values, (1, len(self.case.time)))[0].astype(float)

    def bus(self, carrier: str, node: str) -> str:
        """The bus of a carrier at a node."""
        found = f"{carrier} {node}"
        self.buses.add(found)
        return found

    def part(self, sort: str, name: str, **attributes: Any) -> tuple[str, str]:
        """Add a part; arrays become series."""
        plain = {key: value.tolist() if isinstance(value, np.ndarray) else value
                 for key, value in attributes.items() if value is not None}  # fmt: skip
        self.parts.append((sort, name, plain))
        return sort, name

    def emits(self, name: str, factor: Floats) -> str | None:
        """The carrier of what emits [kg/kWh]."""
        if not factor.any():
            return None
        if self.case.caps and np.ptp(factor) > 0.0:
            raise Untranslatable("carbon by the hour under a cap")
        self.carriers[name] = float(factor[0])
        return name

    def keep_apart(self, *pair: tuple[str, str]) -> None:
        """Let one of two parts run at a time."""
        self.apart.append(list(pair))
        for sort, name, attributes in self.parts:
            if (sort, name) in pair:
                attributes["committable"] = True

    # from outside ---------------------------------------------------------------------------------

    def add_grid(self, name: str, spec: Any) -> None:
        node = self.bus("power", spec.node)
        carbon = self.hourly(name, "import_carbon")
        price = self.hourly(name, "import_price") + self.case.carbon_price * self.hourly(
            name, "import_marginal_carbon"
        )
        outside = node
        if spec.peak_charge > 0.0:
            # Only a part that could be built pays for the most that ever goes through it.
            outside = self.bus("outside", name)
            self.part("Link", f"{name} peak", bus0=outside, bus1=node, p_nom_extendable=True,
                      capital_cost=spec.peak_charge)  # fmt: skip
        bought = self.part("Generator", f"{name} import", bus=outside, marginal_cost=price,
                           carrier=self.emits(name, carbon),
                           **_within(self.hourly(name, "import_max")))  # fmt: skip
        most = self.hourly(name, "export_max")
        if most.any():
            sold = self.part("Generator", f"{name} export", bus=node, sign=-1.0,
                             marginal_cost=-self.hourly(name, "export_price"),
                             **_within(most))  # fmt: skip
            self.keep_apart(bought, sold)

    def add_fuel(self, name: str, spec: Any) -> None:
        carbon = np.full(len(self.case.time), spec.carbon)
        price = self.hourly(name, "price") + self.case.carbon_price * carbon
        self.part("Generator", name, bus=self.bus("gas", spec.node), marginal_cost=price,
                  p_nom=np.inf if spec.max is None else spec.max,
                  carrier=self.emits(name, carbon))  # fmt: skip

    def add_pv(self, name: str, spec: Any) -> None:
        available = self.hourly(name, "available")
        least = 0.0 if spec.curtailable else available
        self.part("Generator", name, bus=self.bus("power", spec.node), **_within(available, least))

    def add_wind(self, name: str, spec: Any) -> None:
        self.part("Generator", name, bus=self.bus("power", spec.node),
                  **_within(self.hourly(name, "available")))  # fmt: skip

    def add_solar_thermal(self, name: str, spec: Any) -> None:
        self.part("Generator", name, bus=self.bus("heat", spec.node),
                  **_within(self.hourly(name, "available")))  # fmt: skip

    # demand ---------------------------------------------------------------------------------------

    def _demand(self, carrier: str, name: str, spec: Any) -> None:
        bus, load = self.bus(carrier, spec.node), self.hourly(name, "load")
        self.part("Load", name, bus=bus, p_set=load)
        if spec.unserved_price is not None:
            self.part("Generator", f"{name} unserved", bus=bus,
                      marginal_cost=spec.unserved_price, **_within(load))  # fmt: skip

    def add_power_demand(self, name: str, spec: Any) -> None:
        self._demand("power", name, spec)

    def add_heat_demand(self, name: str, spec: Any) -> None:
        self._demand("heat", name, spec)

    def add_shortage(self, name: str, spec: Any) -> None:
        bus = self.bus(spec.carrier, spec.node)
        self.part("Generator", f"{name} lacking", bus=bus, p_nom=np.inf, marginal_cost=spec.price)
        if spec.surplus_price is not None:
            self.part("Generator", f"{name} surplus", bus=bus, p_nom=np.inf, sign=-1.0,
                      marginal_cost=spec.surplus_price)  # fmt: skip

    # machines -------------------------------------------------------------------------------------

    def _unit(
        self, sort: str, name: str, spec: Any, most: float, given: Floats | float, **ends: Any
    ) -> None:
        """A unit of an output of ``most`` [kW], of which each kW of the part gives ``given``."""
        if not isinstance(spec.minimum_load, float) or not isinstance(spec.must_run, bool):
            raise Untranslatable("a minimum load or must-run by the hour")
        given = np.broadcast_to(given, len(self.case.time)).astype(float)
        usable = most * self.hourly(name, "availability")
        limits = _within(usable / given, spec.minimum_load * most / given)
        stated: dict[str, Any] = {}
        if spec.model_fields_set & _SWITCHED:
            on = spec.must_run if spec.initially_on is None else spec.initially_on
            before = LONG if spec.initial_hours is None else round(
                spec.initial_hours / self.case.step
            )  # fmt: skip
            stated = {
                "committable": True, "start_up_cost": spec.start_cost,
                "shut_down_cost": spec.shutdown_cost, "stand_by_cost": spec.standby_cost,
                "min_up_time": self._steps(spec.minimum_up_time),
                "min_down_time": self._steps(spec.minimum_down_time),
                "up_time_before": before if on else LONG, "down_time_before": 0 if on else before,
            }  # fmt: skip
        else:
            limits["p_min_pu"] = 0.0
        unit = self.part(sort, name, **limits, **stated, **ends,
                         marginal_cost=self.hourly(name, "variable_cost") * given)  # fmt: skip
        if spec.must_run:
            self.running.append(unit)

    def _steps(self, hours: float) -> int:
        return int(np.ceil(hours / self.case.step - 1e-9))

    def add_generator(self, name: str, spec: Any) -> None:
        power = self.bus("power", spec.node)
        if spec.efficiency is None:
            self._unit("Generator", name, spec, spec.power, 1.0, bus=power)
            return
        self._unit("Link", name, spec, spec.power, spec.efficiency, bus1=power,
                   bus0=self.bus("gas", spec.node), efficiency=spec.efficiency)  # fmt: skip

    def add_boiler(self, name: str, spec: Any) -> None:
        self._unit("Link", name, spec, spec.heat, spec.efficiency, bus0=self.bus("gas", spec.node),
                   bus1=self.bus("heat", spec.node), efficiency=spec.efficiency)  # fmt: skip

    def add_electric_boiler(self, name: str, spec: Any) -> None:
        self._unit("Link", name, spec, spec.heat, spec.efficiency,
                   bus0=self.bus("power", spec.node), bus1=self.bus("heat", spec.node),
                   efficiency=spec.efficiency)  # fmt: skip

    def add_chp(self, name: str, spec: Any) -> None:
        self._unit("Link", name, spec, spec.power, spec.electric_efficiency,
                   bus0=self.bus("gas", spec.node), bus1=self.bus("power", spec.node),
                   bus2=self.bus("heat", spec.node), efficiency=spec.electric_efficiency,
                   efficiency2=spec.thermal_efficiency)  # fmt: skip

    def add_heat_pump(self, name: str, spec: Any) -> None:
        if spec.source not in ("air", "ground"):
            raise Untranslatable("a heat pump on a loop")
        cop = self.hourly(name, "performance")
        self._unit("Link", name, spec, spec.heat, cop, bus0=self.bus("power", spec.sink),
                   bus1=self.bus("heat", spec.sink), efficiency=cop)  # fmt: skip

    # stores and lines -----------------------------------------------------------------------------

    def _store(self, carrier: str, name: str, spec: Any, wear: float = 0.0) -> None:
        """Two links to a store.

        PyPSA's loss compounds over an hour, citygrid's over a step; and what PyPSA's holds at first
        loses nothing in the first step.
        """
        node, inside = self.bus(carrier, spec.node), self.bus("inside", name)
        capacity, step = float(self.hourly(name, "capacity")[0]), self.case.step
        kept = 1.0 - float(self.hourly(name, "standing_loss")[0]) * step
        least = np.zeros(len(self.case.time))
        least[-1] = spec.final_level
        self.part("Store", name, bus=inside, e_nom=capacity, e_cyclic=spec.cyclic,
                  e_initial=spec.initial_level * capacity * kept, e_min_pu=least,
                  standing_loss=1.0 - kept ** (1.0 / step))  # fmt: skip
        ways = spec.charge_efficiency, spec.discharge_efficiency
        pair = (
            self.part("Link", f"{name} charge", bus0=node, bus1=inside, p_nom=spec.charge,
                      efficiency=ways[0]),
            self.part("Link", f"{name} discharge", bus0=inside, bus1=node, efficiency=ways[1],
                      p_nom=spec.discharge / ways[1], marginal_cost=wear * ways[1]),
        )  # fmt: skip
        if ways[0] * ways[1] < 1.0 and not spec.may_burn:
            self.keep_apart(*pair)

    def add_battery(self, name: str, spec: Any) -> None:
        self._store("power", name, spec, spec.wear)

    def add_heat_store(self, name: str, spec: Any) -> None:
        self._store("heat", name, spec)
        loss = self.hourly(name, "loss")
        if loss.any():
            self.part("Load", f"{name} loss", bus=self.bus("inside", name), p_set=loss)

    def _line(self, name: str, spec: Any) -> None:
        ends = self.bus("power", spec.from_), self.bus("power", spec.to)
        share = float(self.hourly(name, "loss_share")[0])
        ways = {"along": ends, "against": ends[::-1]} if spec.reversible else {"along": ends}
        pair = [self.part("Link", f"{name} {way}", bus0=start, bus1=end, p_nom=spec.capacity,
                          efficiency=1.0 - share)
                for way, (start, end) in ways.items()]  # fmt: skip
        if share > 0.0 and spec.reversible:
            self.keep_apart(*pair)

    def add_power_line(self, name: str, spec: Any) -> None:
        self._line(name, spec)

    def add_transformer(self, name: str, spec: Any) -> None:
        self._line(name, spec)
        self.part("Load", f"{name} core", bus=self.bus("power", spec.from_),
                  p_set=spec.no_load_loss)  # fmt: skip

    # energy in a circle ---------------------------------------------------------------------------

    def refuse_circles(self) -> None:
        """Refuse what could burn energy in two batteries or a ring of cables, were that free.

        citygrid forbids it by rows over places and lines for which PyPSA has no words.
        """
        lines = [name for name in self.district.components
                 if self.district.kind_of[name] in ("power_line", "transformer")]  # fmt: skip
        together = _Groups()
        closed = []
        for name in lines:
            spec: Any = self.district.components[name]
            if not together.join(spec.from_, spec.to):
                closed.append(name)
        batteries = [(together.of(spec.node), name)
                     for name, spec in self._of_kind("battery") if not spec.may_burn]  # fmt: skip
        for group, name in batteries:
            beside = [other for place, other in batteries if place == group]
            if len(beside) > 1 and self.hourly(name, "worthless").any():
                raise Untranslatable("batteries that could burn energy together")
        if closed and any(self.hourly(name, "worthless").any() for name in lines):
            raise Untranslatable("cables in a ring that could burn energy")

    def _of_kind(self, kind: str) -> list[tuple[str, Any]]:
        return [(name, spec) for name, spec in self.district.components.items()
                if self.district.kind_of[name] == kind]  # fmt: skip


class _Groups:
    """Places that lines join."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def of(self, place: str) -> str:
        while (leader := self._leader.get(place, place)) != place:
            place = leader
        return place

    def join(self, one: str, other: str) -> bool:
        """Join two places; whether they were apart before."""
        first, second = self.of(one), self.of(other)
        self._leader[first] = second
        return first != second


def _within(most: Floats, least: Floats | float = 0.0) -> dict[str, Any]:
    """Limits of a part [kW] as PyPSA says them: a rated power and shares of it."""
    rated = float(np.max(most)) or 1.0
    least = np.asarray(least, dtype=float)
    return {"p_nom": rated, "p_max_pu": most / rated,
            "p_min_pu": least / rated if least.any() else 0.0}  # fmt: skip
