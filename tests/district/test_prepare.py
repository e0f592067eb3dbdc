"""From the district to numbers: references with units, series, weather, and the case's hash."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import LineString

import citygrid as cg
from citygrid.components.contract import Parameter
from citygrid.district.case import Case
from citygrid.district.drawing import read_drawing
from citygrid.district.memory import MOST, Memory
from citygrid.errors import Fault, InputError
from citygrid.inputs.demand import bdew_heat, bdew_power, degree_day_heat
from citygrid.inputs.time import read_horizon

DISTRICT = """\
name: series
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
carbon_price: 85 EUR/t
series:
  spot: {file: table.csv, column: price, unit: EUR/MWh}
  use: {file: table.csv, unit: "1"}
nodes:
  plant: {at: [3, 0]}
  east: {at: [0, 4]}
components:
  grid: {kind: grid, node: plant, import: {price: {series: spot, plus: 60 EUR/MWh}, max: 4 MW}}
  cable: {kind: power_line, from: plant, to: east, capacity: 1 MW}
  flats: {kind: power_demand, node: east, load: {series: use, column: flats, times: 0.4 MW}}
  shops: {kind: power_demand, node: east, load: {series: use, column: shops, times: 10 kW,
    plus: 2 kW}}
"""

TABLE = """\
time,price,flats,shops
2023-01-16T00:00Z,100,0.5,0
2023-01-16T01:00Z,-50,0.25,1
"""


def prepared(folder: Path, *changes: tuple[str, str], table: str = TABLE) -> Case:
    text = DISTRICT
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    (folder / "table.csv").write_text(table, encoding="utf-8")
    path = folder / "district.yaml"
    path.write_text(text, encoding="utf-8")
    return cg.prepare(cg.load(path))


def faults(folder: Path, *changes: tuple[str, str], table: str = TABLE) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        prepared(folder, *changes, table=table)
    return caught.value.faults


# what arrives -------------------------------------------------------------------------------------


def test_a_reference_is_times_series_plus_in_the_unit_of_the_field(tmp_path: Path) -> None:
    """0.1 + 0.06 EUR/kWh; 0.4 MW · 0.5; 10 kW · 0 + 2 kW."""
    case = prepared(tmp_path)
    assert case.units["grid"]["import_price"] == pytest.approx(np.array([[0.16, 0.01]]))
    load = case.units["power_demand"].parameters["load"]
    assert load.unit == "kW" and load.dims == ("power_demand", "time")
    assert load.values == pytest.approx(np.array([[200.0, 100.0], [2.0, 12.0]]))


def test_a_plain_factor_keeps_the_series_unit(tmp_path: Path) -> None:
    case = prepared(tmp_path, ("plus: 60 EUR/MWh", "times: 90 %"))
    assert case.units["grid"]["import_price"] == pytest.approx(np.array([[0.09, -0.045]]))


def test_constants_hold_in_every_step_and_absence_is_no_limit(tmp_path: Path) -> None:
    demand = prepared(
        tmp_path, ("{series: use, column: shops, times: 10 kW,\n    plus: 2 kW}", "7 kW")
    )
    assert demand.units["power_demand"]["load"][1].tolist() == [7.0, 7.0]
    assert np.isinf(demand.units["power_demand"]["unserved_price"]).all()


def test_the_frame_of_a_case(tmp_path: Path) -> None:
    case = prepared(tmp_path)
    assert case.carbon_price == pytest.approx(0.085) and case.step == 1.0
    assert case.time[0] == np.datetime64("2023-01-16T00:00") and len(case.time) == 2
    assert case.nodes == {"plant": (3.0, 0.0), "east": (0.0, 4.0)}
    cable = next(asset for asset in case.assets if asset.name == "cable")
    assert (cable.kind, cable.node, cable.to) == ("power_line", "plant", "east")
    assert list(case.provenance["files"]) == ["table.csv"]


# hash ---------------------------------------------------------------------------------------------


def test_the_hash_holds_while_the_problem_is_the_same(tmp_path: Path) -> None:
    """Names of series, comments and the place of files do not make another problem."""
    first = prepared(tmp_path).hash
    renamed = (("  spot: {", "  market: {"), ("series: spot, plus", "series: market, plus"))
    assert prepared(tmp_path, *renamed).hash == first
    assert prepared(tmp_path, table=TABLE.replace("100", "100.0")).hash == first


@pytest.mark.parametrize(
    ("old", "new"),
    [("plus: 60 EUR/MWh", "plus: 61 EUR/MWh"), ("85 EUR/t", "86 EUR/t"), ("1 MW}", "2 MW}"),
     ("  shops:", "  stores:"), ("start: 2023-01-16T00:00Z, length: 2 h",
                                "start: 2023-01-16T01:00Z, length: 1 h")],
)  # fmt: skip
def test_the_hash_changes_with_the_problem(tmp_path: Path, old: str, new: str) -> None:
    assert prepared(tmp_path, (old, new)).hash != prepared(tmp_path).hash


def test_the_hash_sees_a_single_number_of_an_hour(tmp_path: Path) -> None:
    case = prepared(tmp_path)
    units = case.units["power_demand"]
    load = units.parameters["load"].values.copy()
    load[0, 1] += 1e-9
    changed = {**units.parameters, "load": Parameter(("power_demand", "time"), load, "kW")}
    other = replace(case, units={**case.units, "power_demand": replace(units, parameters=changed)})
    assert other.hash != case.hash


# faults -------------------------------------------------------------------------------------------

TOO_SHORT = TABLE.replace("2023-01-16T01:00Z,-50,0.25,1\n", "")
ONE_FAULT = [
    ("series: spot, plus", "series: sopt, plus", TABLE, "unknown series", 11),
    ("column: flats", "column: flat", TABLE, "no such column", 6),
    ("file: table.csv, column: price", "file: tabel.csv, column: price", TABLE, "not there", 5),
    (", unit: EUR/MWh}", "}", TABLE, "the numbers have no unit", 5),
    (", unit: EUR/MWh}", ", unit: kW}", TABLE, "is not a price of energy", 5),
    ("times: 0.4 MW", "times: 400", TABLE, "is not a power", 6),
    ("times: 0.4 MW", "times: 0.4 MWatt", TABLE, "cannot read the factor", 13),
    ("plus: 60 EUR/MWh", "plus: 60 kW", TABLE, "is not a price of energy", 11),
    ("plus: 60 EUR/MWh", "plus: 60", TABLE, "a bare number needs its unit", 11),
    ("name: series", "name: series", TABLE.replace("-50", "nan"), "missing", 5),
    ("name: series", "name: series", TABLE.replace("-50", "cheap"), "", 5),
    ("times: 0.4 MW", "times: -0.4 MW", TABLE, "falls below 0 kW at 2023-01-16T00:00Z", 13),
    ("plus: 2 kW", "plus: -2 kW", TABLE, "falls below 0 kW at 2023-01-16T00:00Z", 14),
    ("length: 2 h", "length: 90 min", TABLE, "no multiple of the step", 2),
    ("00:00Z, length", "00:00, length", TABLE, "offset from UTC", 2),
]


@pytest.mark.parametrize(
    ("old", "new", "table", "reason", "line"), ONE_FAULT,
    ids=[f"{case[3]} {case[1]}"[:60] for case in ONE_FAULT],
)  # fmt: skip
def test_a_fault_of_a_series_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, table: str, reason: str, line: int
) -> None:
    (fault,) = faults(tmp_path, (old, new), table=table)
    assert reason in fault.reason and fault.repair
    assert f"district.yaml:{line}:" in f"{fault.place}:"


def test_a_series_that_is_too_short_says_what_it_covers(tmp_path: Path) -> None:
    longer = ("length: 2 h", "length: 3 h")
    found = faults(tmp_path, longer)
    assert len(found) == 2  # one per series that is asked for
    for fault in found:
        assert "does not cover the horizon" in fault.reason and "table.csv" in fault.place
        assert "2023-01-16 02:00Z" in str(fault.value)


def test_faults_of_several_series_and_components_are_told_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path, ("series: spot, plus", "series: sopt, plus"), ("column: flats", "column: flat"),
        table=TABLE.replace("0.25,1", "0.25,nan"),
    )  # fmt: skip
    assert len(found) == 3


def test_kinds_that_need_the_world_say_what_they_lack(tmp_path: Path) -> None:
    """No weather, no heat network: each component names what to add, none stops the others."""
    more = """  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 1 MW}
  pipe: {kind: heat_pipe, from: plant, to: east, length: 100 m, dn: 100}
  pump: {kind: heat_pump, source: air, sink: plant, heat: 10 kW}
  roof: {kind: pv, node: plant, peak: 10 kW}
  cable: {"""
    found = faults(tmp_path, ("  cable: {", more))
    told = {(fault.place.rsplit(" › ", 1)[-1], fault.reason.split(",")[0]) for fault in found}
    assert told == {
        ("pipe", "needs the heat network's temperatures"),
        ("pipe", "needs the ground temperature"),
        ("pump", "needs the heat network's temperatures"),
        ("pump", "needs the outdoor temperature"),
        ("roof", "needs the sun"),
    }


def test_the_supply_temperature_follows_the_air(tmp_path: Path) -> None:
    """Linear between the points, constant beyond: 90 at −20, 80 at 0 degC."""
    weather = "time,temperature [degC],ground temperature [degC]\n" + "".join(
        f"2023-01-16T0{hour}:00Z,{air},10\n" for hour, air in enumerate((-20, 0))
    )
    (tmp_path / "weather.csv").write_text(weather, encoding="utf-8")
    frame = """weather: {file: weather.csv, latitude: 50, longitude: 8}
heat_network: {supply: [{air: -10 degC, water: 90 degC}, {air: 10 degC, water: 70 degC}],
  return: 50 degC}
nodes:
"""
    more = """  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 1 MW}
  pipe: {kind: heat_pipe, from: plant, to: east, length: 1 km, dn: 100}
  cable: {"""
    case = prepared(tmp_path, ("nodes:\n", frame), ("  cable: {", more))
    net = 0.29965 - 0.01144
    assert case.units["heat_pipe"]["loss"][0] == pytest.approx([net * (90 + 50 - 20),
                                                                net * (80 + 50 - 20)])  # fmt: skip


def test_the_amount_added_is_named_when_it_is_wrong(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, ("plus: 60 EUR/MWh", "plus: 60 kW"))
    assert fault.place.endswith("price › plus") and fault.value == "60 kW"


def test_what_the_weather_lacks_is_told_with_who_asks_and_with_all_else(tmp_path: Path) -> None:
    """No ground temperature: the pipe is named, and the missing series is not kept back."""
    (tmp_path / "weather.csv").write_text(
        "time,temperature [degC]\n2023-01-16T00:00Z,5\n2023-01-16T01:00Z,5\n", encoding="utf-8"
    )
    frame = """weather: {file: weather.csv, latitude: 50, longitude: 8}
heat_network: {supply: [{air: -10 degC, water: 90 degC}], return: 50 degC}
nodes:
"""
    more = """  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 1 MW}
  pipe: {kind: heat_pipe, from: plant, to: east, length: 1 km, dn: 100}
  cable: {"""
    found = faults(tmp_path, ("nodes:\n", frame), ("  cable: {", more),
                   ("series: spot, plus", "series: sopt, plus"))  # fmt: skip
    assert len(found) == 2
    assert any("components › pipe" in fault.place and "ground" in fault.reason for fault in found)


FLATS = "load: {series: use, column: flats, times: 0.4 MW}"
HOMES = """  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 1 MW}
  homes: {kind: heat_demand, node: plant, load: {profile: PROFILE, annual: 8760 MWh}}
  cable: {"""


def test_power_by_a_standard_profile(tmp_path: Path) -> None:
    """Two hours of a winter's night of households, by the profile's own function."""
    case = prepared(tmp_path, (FLATS, "load: {profile: h0, annual: 100 MWh}"))
    horizon = read_horizon("2023-01-16T00:00Z", "2 h", "1 h", None)
    names = list(case.units["power_demand"].names)
    found = case.units["power_demand"]["load"][names.index("flats")]
    assert found == pytest.approx(bdew_power("h0", 100_000.0, horizon)) and found.min() > 2.0


@pytest.mark.parametrize("profile", ["degree day", "EFH"])
def test_heat_by_a_standard_profile_follows_the_air(tmp_path: Path, profile: str) -> None:
    air = [3.0, 3.0]
    (tmp_path / "weather.csv").write_text("time,temperature [degC]\n" + "".join(
        f"2023-01-16T0{hour}:00Z,{value}\n" for hour, value in enumerate(air)
    ))  # fmt: skip
    frame = "weather: {file: weather.csv, latitude: 50, longitude: 8}\nnodes:\n"
    case = prepared(
        tmp_path, ("nodes:\n", frame), ("  cable: {", HOMES.replace("PROFILE", profile))
    )
    horizon = read_horizon("2023-01-16T00:00Z", "2 h", "1 h", None)
    wanted = (degree_day_heat(np.array(air), 8.76e6, horizon) if profile == "degree day"
              else bdew_heat(profile, 8.76e6, np.array(air), horizon))  # fmt: skip
    assert case.units["heat_demand"]["load"][0] == pytest.approx(wanted)


def test_a_profile_that_nobody_knows_and_one_without_weather_are_told(tmp_path: Path) -> None:
    found = faults(tmp_path, (FLATS, "load: {profile: h7, annual: 1 MWh}"),
                   ("  cable: {", HOMES.replace("PROFILE", "EFH")))  # fmt: skip
    told = {fault.place.split(" › ")[1]: str(fault) for fault in found}
    assert told.keys() == {"flats", "homes"}
    assert 'unknown power profile "h7" (got "h7"); use one of h0, ' in told["flats"]
    assert "needs the outdoor temperature" in told["homes"]


def test_a_pool_whose_file_has_no_jobs_is_told(tmp_path: Path) -> None:
    header = "job,power [kW],duration [h],release,deadline,preemptible,sites\n"
    (tmp_path / "jobs.csv").write_text(header, encoding="utf-8")
    more = """  centre: {kind: data_center, node: plant, capacity: 10 kW, load: 1 kW, loss_share: 0,
    loss_fixed: 0}
  chiller: {kind: chiller, node: plant, cooling: 20 kW}
  jobs: {kind: job_pool, sites: [centre], file: jobs.csv}
  cable: {"""
    assert any("no rows" in str(fault) for fault in faults(tmp_path, ("  cable: {", more)))


def test_a_memory_forgets_what_was_asked_for_longest_ago() -> None:
    memory, made = Memory(), []
    for key in [*range(MOST), 0, MOST]:  # 1 is the oldest then
        memory.of(key, lambda key=key: made.append(key) or key)
    assert made == [*range(MOST), MOST]
    for key in (0, 1):
        memory.of(key, lambda key=key: made.append(key) or key)
    assert made[-1] == 1 and len(made) == MOST + 2


# the map ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), ("no layers here", "cannot be read")]
)
def test_a_drawn_network_that_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "streets.gpkg").write_text(content)
    with pytest.raises(InputError) as error:
        prepared(tmp_path, ("nodes:\n", "geometry: streets.gpkg\nnodes:\n"))
    (fault,) = error.value.faults
    assert fault.place.startswith(f"{tmp_path / 'district.yaml'}:7") and reason in fault.reason


def test_of_a_drawing_what_has_no_place_is_left_out(tmp_path: Path) -> None:
    """A layer without geometry; and where nothing can be said of coordinates, they stay."""
    line = LineString([(0.0, 0.0), (3.0, 4.0)])
    drawn = gpd.GeoDataFrame({"component": ["cable"]}, geometry=[line], crs=None)
    with warnings.catch_warnings(action="ignore"):  # that it has no coordinate system
        drawn.to_file(tmp_path / "streets.gpkg", layer="streets")
    pyogrio.write_dataframe(pd.DataFrame({"note": ["x"]}), tmp_path / "streets.gpkg", layer="notes")
    case = prepared(tmp_path, ("nodes:\n", "geometry: streets.gpkg\nnodes:\n"))
    (feature,) = json.loads(case.geometry or "")["features"]
    assert feature["geometry"] == {"type": "LineString", "coordinates": [[0.0, 0.0], [3.0, 4.0]]}
    with pytest.raises(InputError) as error:
        prepared(tmp_path, ("nodes:\n", "crs: EPSG:0\ngeometry: streets.gpkg\nnodes:\n"))
    assert all("crs" in fault.place for fault in error.value.faults)
    assert read_drawing(tmp_path / "streets.gpkg", "EPSG:0", "geometry") == case.geometry
