"""District files: what is wrong is told with line, path, value and repair, all of it at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import citygrid as cg
from citygrid.errors import Fault, InputError

DISTRICT = """\
name: two nodes
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes:
  plant: {at: [0, 0]}
  east: {}
components:
  grid: {kind: grid, node: plant, import: {price: 60 EUR/MWh, max: 4 MW}}
  cable: {kind: power_line, from: plant, to: east, capacity: 1 MW, reversible: false}
  flats: {kind: power_demand, node: east, load: 400 kW}
  servers: {kind: data_center, node: plant, capacity: 100 kW, cooling: liquid}
  chiller: {kind: chiller, node: plant, cooling: 200 kW}
  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 500 kW}
  homes: {kind: heat_demand, node: plant, load: 0.3 MW}
  pump: {kind: heat_pump, source: servers, sink: plant, heat: 100 kW, cop: 4}
weather: {file: air.csv, latitude: 50, longitude: 8}
"""
AIR = "time,temperature [degC]\n2023-01-16T00:00Z,1\n2023-01-16T01:00Z,2\n"


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = DISTRICT
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / "district.yaml"
    path.write_text(text, encoding="utf-8")
    (folder / "air.csv").write_text(AIR, encoding="utf-8")
    return path


def faults(folder: Path, *changes: tuple[str, str]) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        cg.load(written(folder, *changes))
    return caught.value.faults


def test_units_are_converted_once_and_defaults_filled(tmp_path: Path) -> None:
    district = cg.load(written(tmp_path))
    grid, homes = district.components["grid"], district.components["homes"]
    assert (grid.import_.max, grid.import_.price) == (4000.0, 0.06)
    assert homes.load == 300.0 and homes.unserved_price is None
    assert district.kind_of["pump"] == "heat_pump" and district.name == "two nodes"
    assert list(district.components)[:3] == ["grid", "cable", "flats"]


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    first = cg.load(written(tmp_path)).hash
    assert cg.load(written(tmp_path)).hash == first
    assert cg.load(written(tmp_path, ("400 kW", "401 kW"))).hash != first


# change of the district, line, path, words of the reason, words of the repair
ONE_FAULT = [
    ("kind: boiler", "kind: boilr", 13, "boiler › kind", "unknown kind", 'mean "boiler"'),
    ("kind: boiler, ", "", 13, "boiler", "has no kind", "add `kind:`"),
    ("max: 4 MW", "max: 4 MW, most: 1", 7, "import › most", "unknown key", "price, max, carbon"),
    ("node: plant, heat", "nod: plant, node: plant, heat", 13, "nod", "unknown key", 'mean "node"'),
    ("heat: 500 kW", "heat: 500 kW, minimum_lod: 1", 13, "_lod", "unknown key", '"minimum_load"'),
    ("node: east, load", "node: esat, load", 9, "flats › node", "unknown node", 'mean "east"'),
    ("to: east", "to: esat", 8, "cable › to", "unknown node", 'mean "east"'),
    ("sink: plant", "sink: plnt", 15, "pump › sink", "unknown node", 'mean "plant"'),
    ("source: servers", "source: severs", 15, "source", "neither a node nor", 'mean "servers"'),
    ("source: servers", "source: gas", 15, "source", "gives no waste heat", "use one of servers"),
    ("load: 400 kW", "load: 400", 9, "flats › load", "a bare number needs its unit", "250 kW"),
    ("load: 400 kW", "load: 3 kWh", 9, "flats › load", '"kWh" is not a power', "250 kW"),
    ("load: 400 kW", "load: 3 kWatts", 9, "flats › load", 'unknown unit "kWatts"', "250 kW"),
    ("load: 400 kW", "load: -3 kW", 9, "flats › load", "must be at least 0 kW", ""),
    ("load: 400 kW", "load: [3 kW]", 9, "flats › load", "not a number with a unit", "250 kW"),
    ("load: 400 kW", "load: {serie: spot}", 9, "load", "lacks `series`", "add `series: …`"),
    ("price: 60 EUR/MWh, max", "price: 60 EUR/kW, max", 7, "price", "not a price of energy", "MWh"),
    ("cooling: liquid", "cooling: water", 10, "cooling", "not one of the choices", "'immersion'"),
    (", cooling: liquid", "", 10, "servers", "lacks `cooling`", "add `cooling"),
    ("to: east", "to: plant", 8, "cable", "to itself", "name two different nodes"),
    ("cable:", "flats:", 9, "flats", "written twice", "rename"),
    ("cable:", "east:", 8, "east", "has the name of a node", "rename one of the two"),
    ("name: two nodes\n", "", 1, "", "lacks `name`", "add `name"),
    ("length: 2 h, ", "", 2, "horizon", "lacks `length`", "multiple of the step"),
    ("at: [0, 0]", "at: [0]", 4, "plant › at", "has too few entries", "list 2 or more"),
    ("nodes:\n", "carbon_price: 5\nnodes:\n", 3, "carbon_price", "needs its unit", "85 EUR/t"),
    ("nodes:\n", "colour: red\nnodes:\n", 3, "colour", "unknown key", "use one of name"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "reason", "repair"), ONE_FAULT,
    ids=[f"{case[4]} {case[1]}"[:60] for case in ONE_FAULT],
)  # fmt: skip
def test_a_fault_has_line_path_reason_and_repair(
    tmp_path: Path, old: str, new: str, line: int, path: str, reason: str, repair: str
) -> None:
    found = [fault for fault in faults(tmp_path, (old, new)) if reason in fault.reason]
    assert len(found) == 1, [str(fault) for fault in faults(tmp_path, (old, new))]
    assert f"district.yaml:{line}:" in f"{found[0].place}:"
    assert path in found[0].place and repair in found[0].repair


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([("gas: {kind: fuel, node: plant", "gas: {kind: fuel, node: east")], {"boiler": "gas"}),
        ([("  chiller: {kind: chiller, node: plant, cooling: 200 kW}\n", "")],
         {"servers": "cooling"}),
        ([("from: plant, to: east", "from: east, to: plant")],
         {"cable": "power", "flats": "power"}),
        ([("reversible: false", "reversible: true"), ("from: plant, to: east",
          "from: east, to: plant")], {}),
    ],
)  # fmt: skip
def test_a_node_without_supply_is_named_also_through_lines(
    tmp_path: Path, changes: list[tuple[str, str]], told: dict[str, str]
) -> None:
    """Without this the district would only be infeasible, and nobody would know why."""
    path = written(tmp_path, *changes)
    if not told:
        assert cg.load(path)
        return
    found = faults(tmp_path, *changes)
    assert {re.search(r"components › (\w+)", fault.place)[1]: fault.reason for fault in found} == {
        name: f"draws {carrier} where nothing supplies it" for name, carrier in told.items()
    }
    assert all("add a component that feeds" in fault.repair for fault in found)


def test_supply_reaches_through_several_lines(tmp_path: Path) -> None:
    far = """  far: {kind: power_line, from: middle, to: west, capacity: 1 MW}
  near: {kind: power_line, from: east, to: middle, capacity: 1 MW}
  shops: {kind: power_demand, node: west, load: 1 kW}
"""
    assert cg.load(written(tmp_path, ("  east: {}\n", "  east: {}\n  middle: {}\n  west: {}\n"),
                           ("  gas: {", f"{far}  gas: {{")))  # fmt: skip


def test_all_faults_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    changes = [("max: 4 MW", "max: 4 MWh"), ("to: east", "to: esat"), ("load: 400 kW", "load: 400"),
               ("kind: fuel", "kind: fule"), ("sink: plant", "sink: plnt"),
               ("length: 2 h", "length: 2 h, width: 3 m")]  # fmt: skip
    found = faults(tmp_path, *changes)
    lines = sorted(int(re.search(r"district\.yaml:(\d+)", fault.place)[1]) for fault in found)
    assert lines == [2, 7, 8, 9, 12, 15]


def test_one_mistake_is_not_told_twice(tmp_path: Path) -> None:
    """A pump whose source has a fault of its own is not blamed for it."""
    (fault,) = faults(tmp_path, ("capacity: 100 kW", "capacity: 100 kWh"))
    assert "servers › capacity" in fault.place


def test_a_district_without_components_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "district.yaml"
    path.write_text(DISTRICT[: DISTRICT.index("components:")] + "components: {}\n", "utf-8")
    with pytest.raises(InputError, match="has no component"):
        cg.load(path)


def test_supply_curves_rise_in_air_and_stay_above_the_return(tmp_path: Path) -> None:
    point = "{air: %s degC, water: %s degC}"
    for points, reason in (
        ([(10, 70), (-10, 90)], "from cold to warm air"),
        ([(-10, 90), (10, 45)], "not above the return of 50 degC"),
        ([], "at least 1 item"),
    ):
        curve = ", ".join(point % pair for pair in points)
        network = f"heat_network: {{supply: [{curve}], return: 50 degC}}\nnodes:\n"
        (fault,) = faults(tmp_path, ("nodes:\n", network))
        assert reason in fault.reason and "district.yaml:3" in fault.place


def test_a_component_that_is_no_mapping_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "district.yaml"
    path.write_text(
        "name: x\nhorizon: {start: 2023-01-16T00:00Z, length: 2 h}\nnodes: {a: {}}\n"
        "components:\n  dud: 3\n"
    )
    with pytest.raises(InputError) as error:
        cg.load(path)
    assert [str(fault) for fault in error.value.faults] == [
        f"{path}:5: components › dud: is not a component (got 3); write {{kind: …, node: …, …}}"
    ]


@pytest.mark.parametrize("name", ["''", "'  '"])
def test_a_component_without_a_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "district.yaml"
    path.write_text(
        "name: x\nhorizon: {start: 2023-01-16T00:00Z, length: 2 h}\nnodes: {a: {}}\n"
        f"components:\n  {name}: {{kind: fuel, node: a, price: 5 EUR/MWh}}\n"
    )
    with pytest.raises(InputError, match="has no name; give the component a name") as error:
        cg.load(path)
    assert f"{path}:5: " in str(error.value.faults[0])


def test_faults_of_files_and_jobs_are_told_with_those_of_the_text(tmp_path: Path) -> None:
    """What is sound is prepared although other parts are faulty: one round of repair is enough."""
    (tmp_path / "load.csv").write_text("time,a [kW]\n2023-01-16T00:00Z,1\n2023-01-16T01:00Z,nan\n")
    jobs = """  jobs:
    kind: job_pool
    sites: [servers]
    jobs: [{job: late, power: 1 kW, duration: 3 h, release: 2023-01-16T00:00Z,
            deadline: 2023-01-16T02:00Z}]
"""
    head = """crs: EPSG:99999999
carbon_price: 5
series: {load: {file: load.csv}, unused: {file: none.csv}, wrong: {file: load.csv, unit: kW, x: 1}}
nodes:
"""
    found = faults(
        tmp_path, ("nodes:\n", head), ("max: 4 MW", "max: 4 MWh"), ("load: 400 kW",
        "load: {series: load}"), ("load: 0.3 MW", "load: {series: wrong}"),
        ("  pump:", f"{jobs}  pump:"),
    )  # fmt: skip
    told = {fault.reason: fault for fault in found}
    assert {re.search(r"yaml:\d+: ([^:]+)", fault.place)[1] for fault in found} == {
        "crs", "carbon_price", "components › grid › import › max", "series › load",
        "series › unused", "series › wrong › x", "components › jobs",
    }  # fmt: skip
    assert "unknown coordinate system" in told and len(found) == 7


def test_a_faulty_horizon_does_not_hide_what_can_be_seen_without_one(tmp_path: Path) -> None:
    head = "series: {gone: {file: none.csv}}\nnodes:\n"
    found = faults(tmp_path, ("nodes:\n", head), ("2023-01-16T00:00Z", "yesterday"),
                   ("  chiller: {kind: chiller, node: plant, cooling: 200 kW}\n", ""))  # fmt: skip
    assert [fault.reason.split(" (")[0][:24] for fault in found] == [
        "draws cooling where noth", "cannot read the start \"y", "the file is not there",
    ]  # fmt: skip


def test_supply_is_judged_in_spite_of_a_fault_in_a_field_that_decides_none(tmp_path: Path) -> None:
    """The boiler's size is wrong, but its heat still reaches the homes; the flats have no cable."""
    found = faults(tmp_path, ("heat: 500 kW", "heat: 500"),
                   ("  cable: {kind: power_line, from: plant, to: east, capacity: 1 MW, "
                    "reversible: false}\n", ""))  # fmt: skip
    assert [(re.search(r"components › (\w+)", f.place)[1]) for f in found] == ["boiler", "flats"]


@pytest.mark.parametrize(
    ("old", "new", "reason", "repair"),
    [
        ("  east: {}\n", "  east:\n", "is not a section", "east: {…}"),
        ("name: two nodes", "name: 3", "is not a text", "in quotes"),
        ("name: two nodes", "name: ''", "is empty", "name"),
    ],
)
def test_slips_of_the_frame_are_told_in_plain_words(
    tmp_path: Path, old: str, new: str, reason: str, repair: str
) -> None:
    path = written(tmp_path, (old, new))
    with pytest.raises(InputError) as caught:
        cg.prepare(cg.load(path))
    (fault,) = caught.value.faults
    assert reason in fault.reason and repair in fault.repair
