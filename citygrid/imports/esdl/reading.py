"""An ESDL file as assets with their classes, the sets of ports that are connected, and places.

Read by pyESDL. Ports that are connected, directly or through joints and buses, are one set; a set
of power, heat, cooling or hydrogen becomes a part of a node.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.imports.draft import SECOND, Trace
from citygrid.inputs.tables import check_file, opened, read_text

#: Assets that only join what is connected to them; pressure and switching are not planned.
JOINTS = {"Joint", "Bus", "EnergyNetwork", "EConnection", "GConnection", "Valve", "CheckValve",
          "Pump", "ElectricityNetwork", "HeatNetwork", "GasNetwork"}  # fmt: skip
#: Joints of which something is lost by that.
CONTROLLED = {"Valve", "CheckValve", "Pump"}
MULTIPLIERS = {"NONE": 1.0, "ATTO": 1e-18, "FEMTO": 1e-15, "PICO": 1e-12, "NANO": 1e-9,
               "MICRO": 1e-6, "MILLI": 1e-3, "CENTI": 1e-2, "DECI": 0.1, "DEKA": 10.0,
               "HECTO": 100.0, "KILO": 1e3, "MEGA": 1e6, "GIGA": 1e9, "TERA": 1e12,
               "TERRA": 1e12, "PETA": 1e15, "EXA": 1e18}  # fmt: skip
#: Hours per unit of time; a quarter stands between the minute and the hour.
HOURS = {"SECOND": 1.0 / 3600.0, "MINUTE": 1.0 / 60.0, "QUARTER": 0.25, "HOUR": 1.0, "DAY": 24.0,
         "WEEK": 168.0, "MONTH": 730.0, "YEAR": 8760.0}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """A way into or out of an asset: its carrier (``None`` if not said), its connected set."""

    enters: bool
    carrier: str | None
    set: int
    profiles: tuple[Any, ...]
    temperatures: tuple[float, float]


@dataclass(frozen=True)
class Asset:
    """One asset: its name, class and classes above it, what it says, its ports and its place."""

    name: str
    kind: str
    above: frozenset[str]
    said: Any
    ports: tuple[Port, ...]
    at: tuple[tuple[float, float], ...]

    def is_a(self, *classes: str) -> bool:
        """Whether it is of one of these classes, or of one below them."""
        return self.kind in classes or not self.above.isdisjoint(classes)

    def number(self, name: str) -> float | None:
        """A figure of the asset; zero is what the language has for none."""
        value = getattr(self.said, name, None)
        known = isinstance(value, (int, float)) and np.isfinite(value) and value > 0
        return float(value) if known and value is not None else None


@dataclass
class System:
    """Everything of a file: assets that do something, joints by the set they are in, and faults."""

    assets: list[Asset] = field(default_factory=list)
    #: Set → carrier, name and place of its joint, as far as they are known.
    carriers: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    places: dict[int, tuple[float, float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_system(file: Path) -> System:
    """Read an ESDL file.

    Raises :class:`InputError` where pyESDL is not installed or the file is none of the language.
    """
    try:
        from esdl.esdl_handler import EnergySystemHandler
    except ModuleNotFoundError:
        raise InputError(Fault(str(file), "ESDL is read by pyESDL, which is not installed", None,
                               "pip install 'citygrid[esdl]'")) from None  # fmt: skip
    check_file(file)
    found = opened(
        file, lambda path: EnergySystemHandler().load_from_string(read_text(path)), "ESDL"
    )
    if found.eClass.name != "EnergySystem" or not found.instance or not found.instance[0].area:
        raise InputError(Fault(str(file), "holds no energy system with an area",
                               found.eClass.name, "export it whole"))  # fmt: skip
    system = System()
    # What a tool could not write it may say; citygrid does.
    _, lacks, things = str(found.description or "").partition("Not in this file: ")
    if lacks:
        system.left_out.append(f"said by the file to be not in it: {things.rstrip('.')}")
    for potential in getattr(found.instance[0].area, "potential", ()):
        system.left_out.append(f"{potential.name or potential.id} ({potential.eClass.name}): "
                               "is a potential, and nothing that is there")  # fmt: skip
    if len(found.instance) > 1:
        system.left_out.append(f"{len(found.instance) - 1} further instances: the first is read")
    said = list(_assets(found.instance[0].area))
    number = _sets([port for asset in said for port in asset.port], said)
    for asset in said:
        _add(system, asset, number)
    return system


def _assets(area: Any) -> Iterator[Any]:
    for asset in area.asset:
        if hasattr(asset, "port"):
            yield asset
        if hasattr(asset, "asset"):  # a building holds its own
            yield from _assets(asset)
    for inner in getattr(area, "area", ()):
        yield from _assets(inner)


def _sets(ports: list[Any], assets: list[Any]) -> dict[Any, int]:
    """The number of the connected set of every port."""
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(ports)
    graph.add_edges_from((port, other) for port in ports for other in port.connectedTo)
    for asset in assets:
        if asset.eClass.name in JOINTS:
            by_carrier: dict[Any, Any] = {}
            for port in asset.port:
                first = by_carrier.setdefault(port.carrier, port)
                graph.add_edge(first, port)
    # In the order of the file, so that the same file gives the same district.
    order = {port: i for i, port in enumerate(ports)}
    parts = sorted(nx.connected_components(graph), key=lambda p: min(order.get(q, 0) for q in p))
    return {port: i for i, part in enumerate(parts) for port in part}


def _add(system: System, asset: Any, number: dict[Any, int]) -> None:
    """One asset or joint; what is off or only an option is left out."""
    kind, name = asset.eClass.name, str(asset.name or asset.id or asset.eClass.name)
    at = tuple(_points(asset.geometry))
    stated = str(getattr(asset.geometry, "CRS", None) or "WGS84").upper()
    if at and stated not in ("WGS84", "WGS 84", "EPSG:4326"):
        system.left_out.append(f"{name} ({kind}): its place, which is in {stated} and not WGS84")
        at = ()
    ports = tuple(
        Port(port.eClass.name == "InPort", carrier_of(port.carrier), number[port],
             tuple(port.profile), _temperatures(port.carrier))
        for port in asset.port
    )  # fmt: skip
    for port in ports:
        if port.carrier is not None:
            system.carriers.setdefault(port.set, port.carrier)
    if kind in JOINTS:
        for port in ports:
            system.names.setdefault(port.set, name)
            if at:
                system.places.setdefault(port.set, at[0])
        if kind in CONTROLLED:
            system.left_out.append(f"{name} ({kind}): taken as a joint; pressure is not planned")
        return
    state = str(getattr(asset, "state", "ENABLED"))
    if state in ("DISABLED", "OPTIONAL"):
        why = "is switched off" if state == "DISABLED" else "is an option that is not built"
        system.left_out.append(f"{name} ({kind}): {why}")
        return
    costs = getattr(asset, "costInformation", None)
    if costs is not None and any(
        getattr(costs, each.name, None) is not None
        for each in costs.eClass.eAllReferences() if each.name != "marginalCosts"
    ):  # fmt: skip
        system.left_out.append(f"{name} ({kind}): its costs besides marginal ones")
    above = frozenset(each.name for each in asset.eClass.eAllSuperTypes())
    system.assets.append(Asset(name, kind, above, asset, ports, at))


def _points(geometry: Any) -> Iterator[tuple[float, float]]:
    """Longitude and latitude of the points of a geometry; of an area, its middle."""
    if geometry is None:
        return
    kind = geometry.eClass.name
    if kind == "Point":
        yield float(geometry.lon), float(geometry.lat)
    elif kind == "Line":
        yield from ((float(p.lon), float(p.lat)) for p in geometry.point)
    elif kind == "Polygon" and geometry.exterior is not None:
        corners = [(float(p.lon), float(p.lat)) for p in geometry.exterior.point]
        if corners:
            longitude, latitude = np.mean(corners, axis=0)
            yield float(longitude), float(latitude)


def carrier_of(carrier: Any) -> str | None:
    """The carrier of ours that one of ESDL is; fuels of all sorts are ``gas``."""
    if carrier is None:
        return None
    kind, name = carrier.eClass.name, str(carrier.name or "").casefold()
    if kind == "ElectricityCommodity" or re.search(r"elec|power", name):
        return "power"
    if kind == "HeatCommodity" or re.search(r"heat|warm", name):
        if re.search(r"waste|residual|rest", name):
            return "waste_heat"
        cold = 0.0 < float(getattr(carrier, "supplyTemperature", 0.0) or 0.0) < 25.0
        return "cooling" if cold or re.search(r"cool|cold|koud|kälte", name) else "heat"
    return "hydrogen" if re.search(r"hydrogen|waterstof|wasserstoff|\bh2\b", name) else "gas"


def _temperatures(carrier: Any) -> tuple[float, float]:
    """Supply and return of a carrier of heat [degC]; 0 where it does not say."""
    return (float(getattr(carrier, "supplyTemperature", 0.0) or 0.0),
            float(getattr(carrier, "returnTemperature", 0.0) or 0.0))  # fmt: skip


# profiles ----------------------------------------------------------------------------------------


def trace_of(profile: Any, rating: float | None) -> Trace | float | str:
    """A profile as a trace or a constant [kW], or the reason why it is neither.

    ``rating`` [kW] is what shares are shares of.
    """
    kind = profile.eClass.name
    if kind == "SingleValue":
        scale = _scale(profile, 1.0, rating, constant=True)
        return scale if isinstance(scale, str) else float(profile.value) * scale
    if kind == "TimeSeriesProfile":
        start, step = profile.startDateTime, float(profile.timestep or 3600) / 3600.0
        values = np.array([float(value) for value in profile.values])
    elif kind == "DateTimeProfile":
        stamps = np.array([_utc(element.from_) for element in profile.element])
        if len(stamps) < 2:
            return "a DateTimeProfile of fewer than two values"
        steps = np.diff(stamps) / SECOND
        if steps.min() <= 0 or np.ptp(steps) > 0:
            return "a DateTimeProfile whose steps are not equal"
        start, step = profile.element[0].from_, float(steps[0]) / 3600.0
        values = np.array([float(element.value) for element in profile.element])
    else:
        return f"a {kind}, whose values are not in the file"
    if start is None or not len(values) or not np.isfinite(values).all():
        return f"a {kind} without a start or with values that are no numbers"
    scale = _scale(profile, step, rating)
    return scale if isinstance(scale, str) else Trace(_utc(start), step, values * scale)


def _utc(moment: Any) -> np.datetime64:
    """A moment of the file in UTC; one without an offset is taken as UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "s")


def _scale(
    profile: Any, step: float, rating: float | None, constant: bool = False
) -> float | str:  # fmt: skip
    """What a value is worth [kW], by its unit; none at all is taken as W."""
    said = profile.profileQuantityAndUnit
    if said is not None and said.eClass.name == "QuantityAndUnitReference":
        said = said.reference
    if said is None:
        return 1e-3
    unit, quantity = str(said.unit), str(said.physicalQuantity)
    many, per_time = MULTIPLIERS.get(str(said.multiplier)), str(said.perTimeUnit)
    hours = HOURS.get(per_time)
    if many is None or (hours is None and per_time != "NONE"):
        return f"in units of {said.multiplier} per {per_time}".lower()
    if hours is None and not constant:
        hours = step
    if unit == "WATT":
        return many / 1e3
    if unit in ("WATTHOUR", "JOULE", "WATTSECOND"):
        per = 1e3 if unit == "WATTHOUR" else 3.6e6
        return "an amount of energy without its time" if hours is None else many / per / hours
    if unit in ("NONE", "PERCENT") and quantity in ("COEFFICIENT", "UNDEFINED"):
        if rating is None:
            return "a share of a rating that is not stated"
        return rating * (0.01 if unit == "PERCENT" else many)
    return f"in {unit.lower()}, which is no power"
