"""ESDL in: what citygrid exported comes back with its ratings, and what others write is mapped."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from esdl import esdl
from esdl.esdl_handler import EnergySystemHandler

import citygrid as cg
from citygrid.cli import main
from citygrid.export.gis.esdl import write_esdl
from citygrid.export.gis.geometry import locate
from citygrid.export.subject import Subject
from tests.helpers import solve

DISTRICT = """
name: round
crs: EPSG:25832
horizon: {start: 2023-01-16T00:00Z, length: 3 h}
heat_network: {supply: [{air: 0 degC, water: 75 degC}], return: 45 degC, ground: 8 degC}
weather: {file: air.csv, latitude: 50, longitude: 9}
nodes:
  plant: {at: [500000, 5500000]}
  east: {at: [500800, 5500100]}
components:
  grid: {kind: grid, node: plant, import: {price: 0.2 EUR/kWh, max: 900 kW},
         export: {price: 0.1 EUR/kWh, max: 300 kW}}
  gas: {kind: fuel, node: plant, price: 60 EUR/MWh, max: 2 MW}
  boiler: {kind: boiler, node: plant, heat: 700 kW, efficiency: 90 %}
  engine: {kind: chp, node: plant, power: 120 kW}
  tank: {kind: heat_store, node: plant, capacity: 900 kWh, charge: 200 kW, discharge: 250 kW}
  battery: {kind: battery, node: east, capacity: 80 kWh, charge: 40 kW, discharge: 40 kW}
  rod: {kind: electric_boiler, node: east, heat: 150 kW}
  centre: {kind: data_center, node: east, cooling: liquid, capacity: 100 kW, load: 60 kW,
           loss_share: 0 %, loss_fixed: 0 %, recoverable: 100 %}
  pump: {kind: heat_pump, source: centre, sink: east, heat: 120 kW, cop: 4}
  chiller: {kind: chiller, node: east, cooling: 110 kW}
  houses: {kind: heat_demand, node: east, load: {series: heat}}
  lights: {kind: power_demand, node: east, load: 50 kW}
  main: {kind: heat_pipe, from: plant, to: east, length: 812 m, dn: 100}
  feeder: {kind: power_line, from: plant, to: east, capacity: 600 kW, loss_share: 1 %}
series:
  heat: {file: heat.csv, column: heat}
"""
#: Component → its kind, and what it is rated by.
RATED = {"boiler": ("boiler", "heat"), "engine": ("chp", "power"), "tank": ("heat_store", "charge"),
         "battery": ("battery", "capacity"), "rod": ("electric_boiler", "heat"),
         "pump": ("heat_pump", "heat"), "main": ("heat_pipe", "capacity"),
         "centre": ("data_center", "capacity"), "feeder": ("power_line", "capacity"),
         "gas": ("fuel", "max"), "chiller": ("chiller", "cooling")}  # fmt: skip


def run(file: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["import", "esdl", str(file), "--out", str(out), *more])


def rating(case: Any, name: str) -> float:
    kind, parameter = RATED[name]
    units = case.units[kind]
    return float(np.max(np.atleast_2d(units[parameter])[units.names.index(name)]))


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("round")
    (folder / "heat.csv").write_text(
        "time,heat [kW]\n2023-01-16T00:00Z,300\n2023-01-16T01:00Z,500\n2023-01-16T02:00Z,400\n"
    )
    hours_ = [f"2023-01-{day}T{hour:02d}:00Z,5,80" for day in (15, 16, 17) for hour in range(24)]
    (folder / "air.csv").write_text("\n".join(["time,temperature [degC],rh [percent]", *hours_]))
    (folder / "round.yaml").write_text(DISTRICT)
    solved = solve(folder / "round.yaml")
    write_esdl(Subject(solved.plan, solved.verdict), folder / "plan.esdl")
    done = run(folder / "plan.esdl", folder / "back.yaml", "--weather", str(folder / "air.csv"),
               "--ground", "8 degC", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    return solved.case, folder / "back.yaml", json.loads(done.stdout)


def test_an_exported_plan_comes_back_with_its_ratings(
    round_trip: tuple[Any, Path, dict[str, Any]],
) -> None:
    case, back, _ = round_trip
    again = cg.prepare(cg.load(back))
    assert {a.name: a.kind for a in again.assets} == {a.name: a.kind for a in case.assets}
    for name in RATED:
        assert rating(again, name) == pytest.approx(rating(case, name), rel=1e-6), name
    ends = {a.name: (a.node, a.to) for a in again.assets}
    assert ends == {a.name: (a.node, a.to) for a in case.assets}
    main_ = again.units["heat_pipe"]
    assert float(np.ravel(main_["dn"])[0]) == 100
    assert float(np.ravel(main_["length"])[0]) == pytest.approx(812)


def test_what_comes_back_can_be_checked_and_planned(
    round_trip: tuple[Any, Path, dict[str, Any]],
) -> None:
    """The demand is the exported one: a profile in the wrong unit would be a thousandfold."""
    case, back, answer = round_trip
    assert CliRunner().invoke(main, ["check", str(back)]).exit_code == 0
    solved = solve(back)
    assert solved.verdict.ok
    loads = {name: solved.case.units[kind]["load"][0]
             for kind, name in (("heat_demand", "houses"), ("power_demand", "lights"))}  # fmt: skip
    assert loads["houses"] == pytest.approx([300, 500, 400])
    assert loads["lights"] == pytest.approx(50)
    assert solved.case.units["data_center"]["load"][0] == pytest.approx(60, rel=1e-4)
    assert len(case.time) == len(solved.case.time) == answer["steps"]


def test_positions_come_back_to_the_metre(
    round_trip: tuple[Any, Path, dict[str, Any]],
) -> None:
    """EPSG:25832 and 32632 are half a metre apart at most."""
    case, back, _ = round_trip
    nodes = cg.load(back).spec.nodes
    for name, at in case.nodes.items():
        assert nodes[name].at == pytest.approx(at, abs=1.0)


def test_what_is_assumed_is_listed_in_answer_and_file(
    round_trip: tuple[Any, Path, dict[str, Any]],
) -> None:
    _, back, answer = round_trip
    assert "grid: price of power 250 EUR/MWh, a placeholder" in answer["assumed"]
    assert "boiler: efficiency 92%" in answer["assumed"]
    assert not any("without unit" in each for each in answer["assumed"])
    text = back.read_text()
    assert all(f"#   {each}" in text for each in answer["assumed"] + answer["left_out"])


# what others write -------------------------------------------------------------------------------


class Written:
    """An energy system as other tools write them: ports connected without joints."""

    def __init__(self) -> None:
        self.area = esdl.Area(id="area")
        self.power = esdl.ElectricityCommodity(id="e", name="Electricity")
        self.heat = esdl.HeatCommodity(id="h", name="Heat", supplyTemperature=70.0,
                                       returnTemperature=40.0)  # fmt: skip
        self.back = esdl.HeatCommodity(id="r", name="Heat return", returnTemperature=40.0)
        self.gas = esdl.GasCommodity(id="g", name="Natural gas")

    def add(self, kind: str, name: str, enters: Any = (), leaves: Any = (), **said: Any) -> Any:
        asset = getattr(esdl, kind)(id=name, name=name, **said)
        for i, carrier in enumerate(enters):
            asset.port.append(esdl.InPort(id=f"{name} in {i}", carrier=carrier))
        for i, carrier in enumerate(leaves):
            asset.port.append(esdl.OutPort(id=f"{name} out {i}", carrier=carrier))
        self.area.asset.append(asset)
        return asset

    def stored(self, path: Path) -> Path:
        information = esdl.EnergySystemInformation(
            carriers=esdl.Carriers(carrier=[self.power, self.heat, self.back, self.gas])
        )
        system = esdl.EnergySystem(
            id="s", name="town", energySystemInformation=information,
            instance=[esdl.Instance(id="i", area=self.area)],
        )  # fmt: skip
        EnergySystemHandler(system).save(filename=str(path))
        return path


def unit(physical: str, name: str, multiplier: str = "NONE", **more: Any) -> Any:
    return esdl.QuantityAndUnitType(
        physicalQuantity=getattr(esdl.PhysicalQuantityEnum, physical),
        unit=getattr(esdl.UnitEnum, name), multiplier=getattr(esdl.MultiplierEnum, multiplier),
        **more,
    )  # fmt: skip


def hours(values: list[float], said: Any, step: int = 3600) -> Any:
    return esdl.TimeSeriesProfile(
        id=f"p{id(values)}", startDateTime=datetime.datetime(2024, 1, 1), values=values,
        timestep=step, profileQuantityAndUnit=said,
    )  # fmt: skip


@pytest.fixture
def town() -> Written:
    """A heater and a pump at a network of one pipe; gas from afar; wind, sun and a mill."""
    town = Written()
    e, h, r, g = town.power, town.heat, town.back, town.gas
    supply = town.add("Import", "grid", (), [e], power=1e6)
    gas = town.add("Import", "gas net", (), [g], power=5e6)
    heater = town.add("GasHeater", "heater", [g, r], [h], power=4e5, efficiency=0.95)
    pump = town.add("HeatPump", "pump", [e], [h], power=1e5, COP=3.5,
                    source=esdl.SourceTypeEnum.AIR)  # fmt: skip
    pipe = town.add("Pipe", "pipe", [h], [h], length=400.0, diameter=esdl.PipeDiameterEnum.DN80)
    back = town.add("Pipe", "pipe_ret", [r], [r], length=400.0)
    houses = town.add("HeatingDemand", "houses", [h], [r], power=3e5)
    mill = town.add("ElectricityDemand", "mill", [e], (), power=2e4)
    wind = town.add("WindTurbine", "wind", (), [e], power=1e5)
    works = town.add("ResidualHeatSource", "works", (), [h], power=5e4)
    for one, other in ((gas, heater), (supply, mill), (wind, mill)):
        one.port[-1].connectedTo.append(other.port[0])
    supply.port[0].connectedTo.append(pump.port[0])
    for one in (heater, pump):
        one.port[-1].connectedTo.append(pipe.port[0])
    for one in (pipe.port[1], works.port[0]):
        one.connectedTo.append(houses.port[0])
    houses.port[1].connectedTo.append(back.port[0])
    back.port[1].connectedTo.append(heater.port[1])
    houses.port[0].profile.append(hours([0.2, 0.25], unit("POWER", "WATT", "MEGA")))
    mill.port[0].profile.append(hours([5.0, 6.0, 7.0, 8.0], unit("ENERGY", "WATTHOUR", "KILO"),
                                      1800))  # fmt: skip
    wind.port[0].profile.append(hours([50.0, 25.0], unit("COEFFICIENT", "PERCENT")))
    return town


def test_units_of_profiles_become_kilowatts(town: Written, tmp_path: Path) -> None:
    """0.2 MW are 200 kW; 5 kWh in half an hour are 10 kW; 50 % of 100 kW are a share of 0.5."""
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    assert done.exit_code == 0, done.output
    rows = (tmp_path / "t.csv").read_text().splitlines()
    assert rows[0] == "time,houses [kW],mill [kW],wind output [1]"
    assert [row.split(",")[1:] for row in rows[1:]] == [
        ["200", "10", "0.5"], ["200", "12", "0.5"], ["250", "14", "0.25"], ["250", "16", "0.25"],
    ]  # fmt: skip
    assert "step: 30 min" in (tmp_path / "t.yaml").read_text()


@pytest.mark.parametrize(
    ("value", "said"),
    [(5.0, unit("ENERGY", "JOULE", "KILO", perTimeUnit=esdl.TimeUnitEnum.SECOND)),
     (1.25, unit("ENERGY", "WATTHOUR", "KILO", perTimeUnit=esdl.TimeUnitEnum.QUARTER)),
     (120.0, unit("ENERGY", "WATTHOUR", "KILO", perTimeUnit=esdl.TimeUnitEnum.DAY)),
     (5e9, unit("POWER", "WATT", "MICRO")), (18.0, unit("ENERGY", "JOULE", "MEGA"))],
    ids=["per second", "per quarter", "per day", "micro", "per step"],
)  # fmt: skip
def test_five_kilowatts_are_five_kilowatts_in_every_unit(
    town: Written, tmp_path: Path, value: float, said: Any
) -> None:
    mill = next(asset for asset in town.area.asset if asset.name == "mill")
    mill.port[0].profile.clear()
    mill.port[0].profile.append(hours([value, value], said))
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    assert done.exit_code == 0, done.output
    head, *rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    column = head.index("mill [kW]")
    assert [float(row[column]) for row in rows] == pytest.approx([5.0, 5.0])


def test_nodes_are_what_is_connected_and_the_plan_holds(town: Written, tmp_path: Path) -> None:
    """Two ends of the pipe are two nodes, and the pump's power is at the first with the mill's."""
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    district = cg.load(tmp_path / "t.yaml")
    components: dict[str, Any] = dict(district.components)
    assert components["pump"].sink == components["heater"].node == components["grid"].node
    assert components["houses"].node != components["heater"].node
    assert components["pipe"].from_ == components["heater"].node
    assert components["pipe"].to == components["houses"].node and components["pipe"].dn == 80
    assert components["pump"].cop == 3.5 and components["pump"].source == "air"
    assert components["heater"].efficiency == pytest.approx(0.95)
    assert components["gas net"].node == components["heater"].node
    assert components["works"].node == components["houses"].node
    text = (tmp_path / "t.yaml").read_text()
    assert "supply: [{air: 0 degC, water: 70 degC}], return: 40 degC" in text
    answer = json.loads(done.stdout)
    assert any(each.startswith("pipe_ret (Pipe): is a return pipe") for each in answer["left_out"])
    assert solve(tmp_path / "t.yaml").verdict.ok


def test_one_bus_of_power_and_one_gas_net_serve_both_ends_of_a_pipe(
    town: Written, tmp_path: Path
) -> None:
    """Were all that touches the bus one place, the pipe would lead from it to itself."""

    def named(name: str) -> Any:
        return next(asset for asset in town.area.asset if asset.name == name)

    pump = town.add("HeatPump", "pump 2", [town.power], [town.heat], power=5e4, COP=3.0)
    heater = town.add("GasHeater", "heater 2", [town.gas], [town.heat], power=1e5, efficiency=0.9)
    named("grid").port[0].connectedTo.append(pump.port[0])
    named("gas net").port[0].connectedTo.append(heater.port[0])
    for asset in (pump, heater):
        asset.port[1].connectedTo.append(named("houses").port[0])
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    assert done.exit_code == 0, done.output
    parts: dict[str, Any] = dict(cg.load(tmp_path / "t.yaml").components)
    near, far = parts["heater"].node, parts["houses"].node
    assert parts["pump 2"].sink == parts["heater 2"].node == far != near
    (link,) = (part for name, part in parts.items() if name.startswith("link"))
    assert (link.from_, link.to, link.loss_share) == (near, far, 0)
    gas = {part.node for name, part in parts.items() if name.startswith("gas net")}
    assert gas == {near, far}
    left = json.loads(done.stdout)["left_out"]
    assert "gas net (Import): its power: it supplies 2 nodes" in left
    assert solve(tmp_path / "t.yaml").verdict.ok


@pytest.mark.parametrize(("paid", "of"), [("NONE", "MEGA"), ("KILO", "GIGA")])
def test_marginal_costs_are_prices(town: Written, tmp_path: Path, paid: str, of: str) -> None:
    """35 EUR/MWh are 0.035 EUR/kWh; a cost per year is none of energy, and is said."""
    gas = next(asset for asset in town.area.asset if asset.name == "gas net")
    price = unit("COST", "EURO", paid, perUnit=esdl.UnitEnum.WATTHOUR,
                 perMultiplier=getattr(esdl.MultiplierEnum, of))  # fmt: skip
    gas.costInformation = esdl.CostInformation(
        marginalCosts=esdl.SingleValue(id="m", value=35.0, profileQuantityAndUnit=price),
        fixedMaintenanceCosts=esdl.SingleValue(id="f", value=9.0),
    )
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json",
               "--power-price", "300")  # fmt: skip
    parts: dict[str, Any] = dict(cg.load(tmp_path / "t.yaml").components)
    assert parts["gas net"].price == pytest.approx(0.035)
    assert parts["grid"].import_.price == pytest.approx(0.3)
    answer = json.loads(done.stdout)
    assert "gas net (Import): its costs besides marginal ones" in answer["left_out"]
    assert not any(each.startswith("gas net") for each in answer["assumed"])


def test_lines_keep_their_courses(town: Written, tmp_path: Path) -> None:
    drawn = next(a for a in town.area.asset if a.name == "pipe")
    bend = [(9.0, 50.0), (9.001, 50.001), (9.004, 50.0)]
    drawn.geometry = esdl.Line(point=[esdl.Point(lon=x, lat=y) for x, y in bend])
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml")
    assert done.exit_code == 0, done.output
    case = cg.prepare(cg.load(tmp_path / "t.yaml"))
    course = locate(case).lines["pipe"]
    assert case.crs == "EPSG:32632" and len(course.coords) == 3
    assert course.length == pytest.approx(376, abs=2)


def test_everything_that_has_no_counterpart_is_listed(town: Written, tmp_path: Path) -> None:
    off = town.add("GasHeater", "old heater", [town.gas], [town.heat], power=1e5,
                   state=esdl.AssetStateEnum.DISABLED)  # fmt: skip
    town.add("WindTurbine", "still", (), [town.power], power=1e5)
    town.add("PVInstallation", "roof", (), [town.power], power=1e5)
    town.add("Battery", "cell", [town.power], ())
    town.add("HeatExchange", "exchanger", [town.heat], [town.heat])
    held = town.add("HeatingDemand", "school", [town.heat], (), power=1e5)
    held.port[0].profile.append(esdl.InfluxDBProfile(id="db", measurement="m", field="f"))
    assert off is not None
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    assert done.exit_code == 2  # a school that nothing is connected to cannot be heated
    assert "school" in done.output
    town.area.asset.remove(held)
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    said = "\n".join(json.loads(done.stdout)["left_out"])
    for told in ("old heater (GasHeater): is switched off", "still (WindTurbine): has no profile",
                 "roof (PVInstallation): has no profile, and there is no weather (--weather)",
                 "cell (Battery): states no capacity",
                 "exchanger (HeatExchange): has no counterpart"):  # fmt: skip
        assert told in said


HOSTILE = ["=HYPERLINK(1)", "a: b, {c}", "# no", "line\nbreak", "' OR 1=1", "é 日本 😀",
           "x" * 300, "yes", "[kW]", "../../up"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_through(town: Written, tmp_path: Path, name: str) -> None:
    """As the name of a component, of its node and of a column of the table."""
    next(a for a in town.area.asset if a.name == "houses").name = name
    done = run(town.stored(tmp_path / "t.esdl"), tmp_path / "t.yaml", "--json")
    assert done.exit_code == 0, done.output
    kind = cg.load(tmp_path / "t.yaml").components
    assert name.replace("\n", " ") in {each.replace("\n", " ") for each in kind}
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert all(cell[0] not in "=+-@#" for cell in header.split(","))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.csv", "t.esdl", "t.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "cannot be read as ESDL"), ("<a/>", "cannot be read as ESDL"),
     ("no xml", "cannot be read as ESDL")],
)  # fmt: skip
def test_what_is_no_esdl_is_one_fault(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "t.esdl").write_text(text)
    done = run(tmp_path / "t.esdl", tmp_path / "t.yaml")
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert not (tmp_path / "t.yaml").exists()


def test_an_empty_system_and_wrong_options_are_told(town: Written, tmp_path: Path) -> None:
    assert "nothing in it can be mapped" in run(
        Written().stored(tmp_path / "e.esdl"), tmp_path / "e.yaml").stderr  # fmt: skip
    file = town.stored(tmp_path / "t.esdl")
    done = run(file, tmp_path / "t.yaml", "--supply", "x", "--weather", "none.csv")
    assert done.exit_code == 2 and "--supply" in done.stderr and "--weather" in done.stderr
    assert "end it in .yaml" in run(file, tmp_path / "t.txt").stderr
    assert not (tmp_path / "t.yaml").exists() and not (tmp_path / "t.csv").exists()
