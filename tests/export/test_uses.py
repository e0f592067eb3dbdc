"""What is sent, lost and used of what there is, by hand: lines with more to them, and ratings."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from citygrid.export.assets import asset_table
from citygrid.export.balance import energy
from citygrid.export.drawing.places import places_of
from citygrid.export.drawing.plates import output
from citygrid.export.flows import Dispatch, dispatch
from citygrid.export.gis.esdl import write_esdl
from citygrid.export.gis.geometry import locate
from citygrid.export.subject import Subject
from citygrid.export.windows import _strain
from tests.helpers import Solved, solve

HOURS = ("2023-01-16T00:00Z", "2023-01-16T01:00Z", "2023-01-16T02:00Z")
HEAD = """\
name: uses
horizon: {{start: 2023-01-16T00:00Z, length: {length} h, step: 1 h}}
weather: {{file: weather.csv, latitude: 50.1, longitude: 8.7}}
heat_network: {{supply: [{{air: -10 degC, water: 80 degC}}, {{air: 15 degC, water: 80 degC}}],
  return: 50 degC}}
crs: EPSG:25832
nodes: {{a: {{at: [500000, 5550000]}}, b: {{at: [500900, 5550000]}}}}
components:
"""
TRANSFORMER = """\
  ga: {kind: grid, node: a, import: {price: 20 ct/kWh, max: 500 kW}}
  gb: {kind: grid, node: b, import: {max: 500 kW, price: {otherwise: 10 ct/kWh,
    windows: [{hours: "00:00-01:00", value: 30 ct/kWh}]}}}
  t: {kind: transformer, from: a, to: b, capacity: 100 kW, from_voltage: 20 kV,
    to_voltage: 400 V, no_load_loss: 5 kW, load_loss: 2 kW}
  da: {kind: power_demand, node: a, load: 2 kW}
  db: {kind: power_demand, node: b, load: 150 kW}
"""
PIPE = """\
  grid: {kind: grid, node: a, import: {price: 20 ct/kWh, max: 500 kW}}
  gas: {kind: fuel, node: a, price: {otherwise: 90 EUR/MWh, windows: [
    {hours: "00:00-01:00", value: 50 EUR/MWh}, {hours: "01:00-02:00", value: 200 EUR/MWh}]}}
  boiler: {kind: boiler, node: a, heat: 2 MW, efficiency: 90 %}
  homes: {kind: heat_demand, node: b, load: {otherwise: 500 kW, windows: [
    {hours: "00:00-01:00", value: 300 kW}, {hours: "01:00-02:00", value: 900 kW}]}}
  main: {kind: heat_pipe, from: a, to: b, dn: 100, PIPE}
"""


def planned(folder: Path, parts: str, length: int = 3, weather: str = "5,8,6,300") -> Solved:
    lines = ["time,temperature [degC],ground temperature [degC],wind speed [m/s],ghi [W/m^2]"]
    (folder / "weather.csv").write_text("\n".join([*lines, *(f"{h},{weather}" for h in HOURS)]))
    (folder / "uses.yaml").write_text(HEAD.format(length=length) + parts, encoding="utf-8")
    found = solve(folder / "uses.yaml")
    assert found.verdict.ok, found.verdict.violations[:3]
    return found


def of(found: Solved, name: str) -> tuple[Dispatch, int]:
    return dispatch(found.case, found.plan), [a.name for a in found.case.assets].index(name)


def test_what_a_transformers_core_takes_does_not_go_along_it(tmp_path: Path) -> None:
    """Full in the first hour, where 1 % of 100 kW is lost; backwards in the second, for 7 kW."""
    found = planned(tmp_path, TRANSFORMER, 2)
    moved, at = of(found, "t")
    assert moved.flow[at, 0] == pytest.approx(100.0) and moved.use[at, 0] == pytest.approx(1.0)
    assert moved.arrived[at, 1] == pytest.approx(7.0)  # the core's 5 kW and the demand's 2
    assert moved.flow[at, 1] == pytest.approx(-7.0 - moved.loss[at, 1])
    assert moved.use[at, 1] == pytest.approx(-moved.flow[at, 1] / 100.0)
    np.testing.assert_allclose(np.abs(moved.flow[at]) - moved.arrived[at], moved.loss[at])
    np.testing.assert_allclose(moved.carriers["power"][at], -moved.loss[at] - 5.0)


def test_a_pipe_whose_water_holds_heat_is_used_by_what_it_carries(tmp_path: Path) -> None:
    found = planned(tmp_path, PIPE.replace("PIPE", "length: 900 m, design: 4 MW, swing: 8 K"))
    moved, at = of(found, "main")
    capacity = float(found.case.units["heat_pipe"]["capacity"].max())
    assert np.isfinite(moved.level[at]).all() and np.nanmax(moved.level[at]) > 1.0
    np.testing.assert_allclose(moved.use[at], np.abs(moved.flow[at]) / capacity)
    assert not moved.stores[at] and output(moved, at)[1] == "heat"
    row = asset_table(found.case, found.verdict, moved).set_index("name").loc["main"]
    assert row["rated_kw"] == pytest.approx(capacity) and np.isnan(row["rated_kwh"])
    assert row["loss_mwh"] == pytest.approx(found.verdict.kpis["heat_loss_mwh"])


def test_what_a_long_pipe_loses_is_not_what_is_on_its_way(tmp_path: Path) -> None:
    """The water needs an hour, so that an hour's arrival was sent in the hour before."""
    found = planned(tmp_path, PIPE.replace("PIPE", "length: 1700 m, design: 500 kW"))
    assert found.case.units["heat_pipe"].parameters["delay"].values.tolist() == [1]
    moved, at = of(found, "main")
    np.testing.assert_allclose(moved.loss[at], found.case.units["heat_pipe"]["loss"][0])
    np.testing.assert_allclose(moved.arrived[at], np.roll(moved.flow[at], 1) - moved.loss[at])
    drawn = [
        flow for flow in energy(found.case, moved).flows if "Heat pipe" in flow.source + flow.target
    ]
    assert [(flow.source, flow.target) for flow in drawn] == [("Heat", "Heat pipe losses")]
    assert drawn[0].amount == pytest.approx(found.verdict.kpis["heat_loss_mwh"])


def test_an_extraction_turbine_is_used_by_power_and_heat(tmp_path: Path) -> None:
    """P + β Q is its output: with β = 0.24 it is full with heat, and full without."""
    found = planned(tmp_path, """\
  gas: {kind: fuel, node: a, price: 50 EUR/MWh}
  sale: {kind: grid, node: a, import: {price: 1 EUR/kWh, max: 0 kW},
    export: {price: 40 ct/kWh, max: 500 kW}}
  steam: {kind: chp, node: a, power: 60 kW, electric_efficiency: 30 %, thermal_efficiency: 50 %,
    extraction: {condensing_efficiency: 42 %, heat: 150 kW}}
  homes: {kind: heat_demand, node: a, load: {otherwise: 50 kW, windows: [
    {hours: "00:00-01:00", value: 0 kW}]}}
""")  # fmt: skip
    moved, at = of(found, "steam")
    assert moved.carriers["power"][at] == pytest.approx([60.0, 48.0, 48.0])
    assert moved.use[at] == pytest.approx([1.0, 1.0, 1.0]) and moved.rated[at] == pytest.approx(60)


def test_electrolysers_wind_and_collectors_state_what_they_can_do(tmp_path: Path) -> None:
    found = planned(tmp_path, """\
  grid: {kind: grid, node: a, import: {price: 10 ct/kWh, max: 500 kW}}
  ely: {kind: electrolyser, node: a, power: 80 kW, efficiency: 60 %}
  sale: {kind: hydrogen_sale, node: a, price: 50 ct/kWh}
  cooler: {kind: chiller, node: a, cooling: 100 kW}
  mill: {kind: wind, node: a, hub_height: 10 m, turbines: 2, curve: [
    {speed: 0 m/s, power: 0 kW}, {speed: 12 m/s, power: 20 kW}]}
  field: {kind: solar_thermal, node: a, area: 100 m^2, optical_efficiency: 0.8,
    linear_loss: 3 W/m^2/K, quadratic_loss: 0.01 W/m^2/K^2, mean_temperature: 40 degC}
  homes: {kind: heat_demand, node: a, load: 10 kW, unserved_price: 1 EUR/kWh}
""")  # fmt: skip
    for name, rating in (("ely", 80.0), ("mill", 38.0), ("field", 80.0)):
        moved, at = of(found, name)
        assert moved.rated[at] == pytest.approx(rating), name
    moved, at = of(found, "ely")
    assert moved.use[at] == pytest.approx([1.0, 1.0, 1.0])
    moved, at = of(found, "mill")
    assert moved.use[at] == pytest.approx([0.5, 0.5, 0.5])


def test_what_is_missing_is_no_negative_demand(tmp_path: Path) -> None:
    """50 kW are asked for at `a`, of which a shortage stands in for what the line lacks."""
    found = planned(tmp_path, """\
  grid: {kind: grid, node: b, import: {price: 10 ct/kWh, max: 500 kW}}
  line: {kind: power_line, from: b, to: a, capacity: 10 kW}
  homes: {kind: power_demand, node: a, load: 50 kW}
  short: {kind: shortage, node: a, carrier: power, price: 2 EUR/kWh}
  cold: {kind: shortage, node: b, carrier: cooling, price: 2 EUR/kWh}
  hall: {kind: data_center, node: b, capacity: 20 kW, load: 10 kW, cooling: air, loss_share: 0 %,
    loss_fixed: 0 %}
""")  # fmt: skip
    drawn = locate(found.case).nodes
    told = [place.about for place in places_of(found.case, dispatch(found.case, found.plan), drawn)]
    assert any("a: mean demand power 50 kW" in each for each in told), told
    assert not any("-" in each for each in told)
    assert _strain(dispatch(found.case, found.plan)) == pytest.approx([50.0] * 3)


def test_a_supply_without_a_limit_has_no_power_in_esdl(tmp_path: Path) -> None:
    """The plan's largest hour is no limit; a demand has no other, and says it."""
    pytest.importorskip("esdl")
    found = planned(tmp_path, TRANSFORMER + """\
  gas: {kind: fuel, node: a, price: 50 EUR/MWh}
  boiler: {kind: boiler, node: a, heat: 90 kW}
  homes: {kind: heat_demand, node: a, load: 40 kW}
""", 2)  # fmt: skip
    write_esdl(Subject(found.plan, found.verdict), tmp_path / "plan.esdl")
    root = ElementTree.parse(tmp_path / "plan.esdl").getroot()
    power = {each.get("name"): each.get("power") for each in root.iter("asset")}
    assert power["gas"] is None and float(power["homes"]) == pytest.approx(40e3)
    assert float(power["boiler"]) == pytest.approx(90e3)
    assert "what the core of t takes" in root.get("description", "")
