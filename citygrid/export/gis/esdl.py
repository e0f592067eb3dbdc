"""ESDL: a plan for tools that speak the Energy System Description Language, by pyESDL.

ESDL has no data centre: each becomes an ``ElectricityDemand`` and a ``ResidualHeatSource`` whose
names begin alike. Nodes become a ``Bus`` (power) or a ``Joint`` (everything else) per carrier.
Power is in W, energy in J, and places are in WGS 84, as the language wants them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from citygrid.district.case import Asset, Case
from citygrid.errors import Fault, InputError
from citygrid.export.flows import NO_ENERGY, WORK, Dispatch, Meeting
from citygrid.export.gis.layers import DECIMALS, WORLD, refuse_unplaced
from citygrid.export.gis.markup import inert
from citygrid.export.subject import Subject
from citygrid.export.tables import kpi_table
from citygrid.files import whole

#: Kind → class of ESDL. A kind that is not here is a generic conversion, producer, consumer or
#: transport, by the ways its energy goes.
CLASSES = {
    "absorption_chiller": "GenericConversion", "battery": "Battery", "boiler": "GasHeater",
    "chiller": "Airco", "chp": "CHP", "cooling_demand": "CoolingDemand", "cooling_pipe": "Pipe",
    "electric_boiler": "ElectricBoiler", "electrolyser": "Electrolyzer", "fuel": "Import",
    "generator": "PowerPlant", "grid": "Import", "heat_demand": "HeatingDemand",
    "heat_pipe": "Pipe", "heat_pump": "HeatPump", "heat_store": "HeatStorage",
    "hydrogen_sale": "Export", "power_demand": "ElectricityDemand",
    "power_line": "ElectricityCable", "pv": "PVInstallation", "seasonal_store": "UTES",
    "solar_thermal": "SolarCollector", "transformer": "Transformer", "wind": "WindTurbine",
}  # fmt: skip
#: Group of kinds that is a load and a source of heat at once.
CENTERS = "compute"
#: Carrier → class of ESDL; a carrier that is not here is a plain commodity.
CARRIERS = {"power": "ElectricityCommodity", "heat": "HeatCommodity", "cooling": "HeatCommodity",
            "waste_heat": "HeatCommodity", "gas": "GasCommodity",
            "hydrogen": "GasCommodity"}  # fmt: skip
WATTS, JOULES = 1e3, 3.6e6


def write_esdl(subject: Subject, path: Path) -> None:
    """Write one ESDL file: assets with their ratings, connections, the dispatch, key figures.

    The dispatch stands at the ports as time series [W]. What the language has no word for (jobs,
    data links, the pumps' power in pipes, power that is held back) is named in the description of
    the energy system. Raises :class:`InputError` where pyESDL is not installed, or where positions
    are in no known system.
    """
    case, geometry = subject.case, subject.geometry
    words = _words(case)
    refuse_unplaced(case, geometry, "ESDL")
    components, nodes = (
        gpd.GeoSeries(list(drawn.values()), index=list(drawn), crs=geometry.crs or WORLD)
        .to_crs(WORLD).to_dict()
        for drawn in ({**geometry.points, **geometry.lines}, geometry.nodes)
    )  # fmt: skip
    system = _System(words, case, subject.moved, components, nodes)
    for at, asset in enumerate(case.assets):
        system.add(at, asset)
    system.connect()
    figures = kpi_table(subject.verdict).dropna(subset=["value"])
    system.area.KPIs = words.KPIs(id="kpis", kpi=[
        words.DoubleKPI(id=f"kpi-{row.name}", name=f"{row.label} [{row.unit}]", value=row.value)
        for row in figures.itertuples(index=False)
    ])  # fmt: skip
    found = words.EnergySystem(
        id=case.hash[:32], name=inert(case.name), esdlVersion="v2401", version="1",
        description=system.description(), energySystemInformation=system.information,
        instance=[words.Instance(id="instance", name=subject.plan.route, area=system.area)],
    )  # fmt: skip
    with whole(Path(path)) as temporary:
        _save(found, temporary)


def _words(case: Case) -> Any:
    """The classes of the language."""
    try:
        from esdl import esdl
    except ModuleNotFoundError:
        raise InputError(Fault(case.name, "ESDL is written by pyESDL, which is not installed", None,
                               "pip install 'citygrid[esdl]'")) from None  # fmt: skip
    return esdl


def _save(system: Any, path: Path) -> None:
    from esdl.esdl_handler import EnergySystemHandler

    EnergySystemHandler(system).save(filename=str(path))


@dataclass
class _System:
    """An energy system as it grows: assets with ports, and what meets at which place."""

    words: Any
    case: Case
    moved: Dispatch
    places: Mapping[str, Any]
    nodes: Mapping[str, Any]
    left_out: list[str] = field(default_factory=list)
    #: (carrier, place) → ports that feed it, ports that draw from it.
    meeting: dict[tuple[str, str], tuple[list[Any], list[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = self.words
        self.area = words.Area(id="area", name=inert(self.case.name))
        self.carriers = {
            name: getattr(words, CARRIERS.get(name, "EnergyCommodity"))(
                id=f"carrier-{name}", name=name.replace("_", " ")
            ) for name in self.moved.carriers if name not in NO_ENERGY
        }  # fmt: skip
        self.watts = words.QuantityAndUnitType(
            id="watts", physicalQuantity=words.PhysicalQuantityEnum.POWER,
            unit=words.UnitEnum.WATT, description="power in W",
        )  # fmt: skip
        self.information = words.EnergySystemInformation(
            id="information", carriers=words.Carriers(id="carriers",
                                                      carrier=list(self.carriers.values())),
            quantityAndUnits=words.QuantityAndUnits(id="units", quantityAndUnit=[self.watts]),
        )  # fmt: skip
        self.ways: dict[int, list[Meeting]] = {}
        for met in self.moved.meetings:
            self.ways.setdefault(met.component, []).append(met)

    def add(self, at: int, asset: Asset) -> None:
        """Add one component with its ports."""
        known = [met for met in self.ways.get(at, []) if met.carrier in self.carriers]
        if asset.to:
            known = self._line(asset, known)
        if not known:
            self.left_out.append(f"{asset.name} ({asset.kind.replace('_', ' ')})")
            return
        held = {met.carrier for met in self.ways[at]} & {*NO_ENERGY} - {*WORK}
        self.left_out += [f"the {name.replace('_', ' ')} of {asset.name}" for name in sorted(held)]
        for number, (name, kind, ways) in enumerate(self._parts(asset, known)):
            made = getattr(self.words, kind)(id=f"asset-{at + 1}-{number + 1}", name=inert(name))
            self._rate(made, at, asset, ways)
            made.geometry = self._drawn(self.places.get(asset.name))
            for port, met in enumerate(ways):
                self._port(made, at, f"port-{at + 1}-{number + 1}-{port + 1}", met, ways)
            self.area.asset.append(made)

    def _line(self, asset: Asset, known: list[Meeting]) -> list[Meeting]:
        """A line's way from its first node to its second; it may be used the other way, too."""
        fed = {met.carrier for met in known if met.feeds}
        if fed and any(met.carrier not in fed for met in known):
            self.left_out.append(f"the power of the pumps of {asset.name}")
        cores = self.moved.measures.get("transformer_idle_loss")
        if cores is not None and np.nansum(cores[known[0].component]) > 0.0:
            self.left_out.append(f"what the core of {asset.name} takes")
        return [
            met for carrier in sorted(fed)
            for met in (Meeting(known[0].component, carrier, False, asset.node),
                        Meeting(known[0].component, carrier, True, asset.to))
        ]  # fmt: skip

    def _parts(
        self, asset: Asset, ways: list[Meeting]
    ) -> Iterator[tuple[str, str, list[Meeting]]]:  # fmt: skip
        """The assets of ESDL that one component becomes: name, class and ports of each."""
        if asset.group == CENTERS:
            drawn, fed = [m for m in ways if not m.feeds], [m for m in ways if m.feeds]
            if drawn:
                yield f"{asset.name}: power", "ElectricityDemand", drawn
            if fed:
                yield f"{asset.name}: waste heat", "ResidualHeatSource", fed
            return
        fed_, drawn_ = any(m.feeds for m in ways), any(not m.feeds for m in ways)
        other = ("GenericTransport" if asset.to else "GenericConversion" if fed_ and drawn_
                 else "GenericProducer" if fed_ else "GenericConsumer")  # fmt: skip
        yield asset.name, CLASSES.get(asset.kind, other), ways

    def _rate(self, made: Any, at: int, asset: Asset, ways: list[Meeting]) -> None:
        """Ratings [W, J]; of demands and centres, which state none, the most that the plan has.

        A supply without a limit has no power: a plan's largest hour is no limit.
        """
        stored, rated = self.moved.stores[at], float(self.moved.rated[at])
        features = {each.name for each in made.eClass.eAllStructuralFeatures()}
        if stored and "maxChargeRate" in features:
            made.capacity = JOULES * rated
            for rate, name in (("maxChargeRate", "charge"), ("maxDischargeRate", "discharge")):
                most = self._parameter(asset, name)
                if most is not None:
                    setattr(made, rate, WATTS * most)
            return
        supplies = any(m.feeds for m in ways)
        if ways[0].feeds if asset.group == CENTERS else not (np.isfinite(rated) or supplies):
            met = [self.moved.carriers[m.carrier][at] for m in ways if m.feeds or len(ways) == 1]
            rated = max((float(np.nanmax(np.abs(each))) for each in met), default=np.nan)
        if not np.isfinite(rated):
            return
        setattr(made, "power" if "power" in features else "capacity", WATTS * rated)
        if "length" in features:
            made.length = self._parameter(asset, "length") or 0.0
        size = self._parameter(asset, "dn")
        if size and hasattr(self.words.PipeDiameterEnum, f"DN{size:g}"):
            made.diameter = getattr(self.words.PipeDiameterEnum, f"DN{size:g}")

    def _parameter(self, asset: Asset, name: str) -> float | None:
        """The largest value of a component's parameter, where it has one that is finite."""
        units = self.case.units.get(asset.kind)
        if units is None or name not in units.parameters:
            return None
        values = np.atleast_2d(units[name])[units.names.index(asset.name)]
        found = float(np.max(values))
        return found if np.isfinite(found) else None

    def _port(self, made: Any, at: int, identity: str, met: Meeting, ways: list[Meeting]) -> None:
        """A port with its carrier and what passes it."""
        kind = self.words.OutPort if met.feeds else self.words.InPort
        name = f"{met.carrier.replace('_', ' ')} {'out' if met.feeds else 'in'}"
        port = kind(id=identity, name=name, carrier=self.carriers[met.carrier])
        alike = [m for m in ways if (m.carrier, m.feeds) == (met.carrier, met.feeds)]
        if len(alike) == 1:
            port.profile.append(self._profile(f"{identity}-plan", self._passed(at, met)))
        made.port.append(port)
        feeders, drawers = self.meeting.setdefault((met.carrier, met.place), ([], []))
        (feeders if met.feeds else drawers).append(port)

    def _passed(self, at: int, met: Meeting) -> Any:
        """Energy per step through a port [kW]; a line's is negative against its direction."""
        if np.isfinite(self.moved.flow[at]).any():
            if not met.feeds:
                return self.moved.flow[at]
            return np.sign(self.moved.flow[at]) * self.moved.arrived[at]
        net = self.moved.carriers[met.carrier][at]
        return np.maximum(net if met.feeds else -net, 0.0)

    def _profile(self, identity: str, flow: Any) -> Any:
        watts = np.round(WATTS * np.nan_to_num(flow), 3).tolist()
        start = self.case.time[0].astype("datetime64[s]").item()
        return self.words.TimeSeriesProfile(
            id=identity, name="plan", startDateTime=start, values=watts,
            timestep=round(3600 * self.case.step),
            # A profile holds its unit: one object given to all would end up in the last.
            profileQuantityAndUnit=self.words.QuantityAndUnitReference(reference=self.watts),
            profileType=self.words.ProfileTypeEnum.OUTPUT,
        )  # fmt: skip

    def connect(self) -> None:
        """A bus or joint wherever a carrier is fed and drawn at one place."""
        for number, ((carrier, place), (feeders, drawers)) in enumerate(self.meeting.items(), 1):
            if not feeders or not drawers:
                continue
            kind = self.words.Bus if carrier == "power" else self.words.Joint
            node = kind(id=f"node-{number}", name=inert(f"{carrier.replace('_', ' ')} at {place}"))
            enters = self.words.InPort(id=f"node-{number}-in", name="in",
                                       carrier=self.carriers[carrier])  # fmt: skip
            leaves = self.words.OutPort(id=f"node-{number}-out", name="out",
                                        carrier=self.carriers[carrier])  # fmt: skip
            node.port.extend([enters, leaves])
            enters.connectedTo.extend(feeders)
            leaves.connectedTo.extend(drawers)
            node.geometry = self._drawn(self.nodes.get(place))
            self.area.asset.append(node)

    def _drawn(self, shape: Any) -> Any:
        """Where a component stands or a line runs."""
        if shape is None or shape.is_empty:
            return None
        points = [
            self.words.Point(lat=round(at[1], DECIMALS), lon=round(at[0], DECIMALS), CRS="WGS84")
            for part in getattr(shape, "geoms", [shape]) for at in part.coords
        ]  # fmt: skip
        if shape.geom_type == "Point":
            return points[0]
        return self.words.Line(point=points, CRS="WGS84")

    def description(self) -> str:
        """What the file is, and what it has no word for."""
        text = f"A plan by citygrid, {len(self.case.time)} steps of {self.case.step:g} h from "
        text += f"{self.case.time[0].astype('datetime64[s]')}Z, at every port as a time series."
        if self.left_out:
            text += f" Not in this file: {'; '.join(self.left_out)}."
        return str(inert(text))
