"""A heat network of pandapipes becomes a district; what does not map is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import citygrid as cg
from citygrid.cli import main
from citygrid.export.gis.geometry import locate
from tests.helpers import solve


def stored(path: Path, fluid: str = "liquid", **tables: list[dict[str, Any]]) -> Path:
    """A network in pandapipes' JSON, with these rows."""
    inside: dict[str, Any] = {
        name: {"_module": "pandas.core.frame", "_class": "DataFrame", "orient": "split",
               "_object": pd.DataFrame(rows).to_json(orient="split")}
        for name, rows in tables.items()
    }  # fmt: skip
    inside["fluid"] = {"_class": "Fluid", "_object": json.dumps({"fluid_type": fluid})}
    path.write_text(json.dumps({"_class": "pandapipesNet", "_object": inside}))
    return path


def pipe(name: str, a: int, b: int, kilometres: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "from_junction": a, "to_junction": b, "length_km": kilometres,
            "inner_diameter_mm": 80.0, "u_w_per_m2k": 1.5, "text_k": 283.15,
            "in_service": True, **more}  # fmt: skip


def town() -> dict[str, list[dict[str, Any]]]:
    """0 → 1 → 2 is the supply, 5 → 4 → 3 the return; consumers at 1 and 2; the pump from 3 to 0."""
    return {
        "junction": [{"name": f"J{i}", "in_service": True} for i in range(6)],
        "junction_geodata": [{"x": 500.0 * (i % 3), "y": 10.0 * (i // 3)} for i in range(6)],
        "pipe": [pipe("main 1", 0, 1, 0.5), pipe("main 2", 2, 1, 0.4),
                 pipe("back 1", 4, 3, 0.5), pipe("back 2", 5, 4, 0.4)],
        "heat_consumer": [
            {"name": "school", "from_junction": 1, "to_junction": 4, "qext_w": 80e3,
             "treturn_k": 318.15, "in_service": True},
            {"name": "bath", "from_junction": 2, "to_junction": 5, "qext_w": None,
             "controlled_mdot_kg_per_s": 0.5, "treturn_k": 318.15, "in_service": True},
        ],
        "circ_pump_pressure": [{"name": "plant", "return_junction": 3, "flow_junction": 0,
                                "t_flow_k": 348.15, "in_service": True}],
    }  # fmt: skip


def run(file: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["import", "pandapipes", str(file), "--out",
                                     str(file.with_suffix(".yaml")), *more])  # fmt: skip


def test_the_supply_becomes_the_network(tmp_path: Path) -> None:
    """0.5 kg/s · 4.186 · (75 − 45) K = 62.79 kW; a wall of π · 0.08 m² loses 0.377 W/m/K."""
    file = stored(tmp_path / "t.json", **town())
    done = run(file, "--json")
    assert done.exit_code == 0, done.output
    district = cg.load(tmp_path / "t.yaml")
    parts: dict[str, Any] = dict(district.components)
    assert set(district.spec.nodes) == {"J0", "J1", "J2"}
    assert parts["school"].load == 80 and parts["school"].node == "J1"
    assert parts["bath"].load == pytest.approx(62.79)
    # Drawn from 2 to 1, but heat comes from 0.
    assert (parts["main 2"].from_, parts["main 2"].to) == ("J1", "J2")
    assert parts["main 2"].length == 400 and parts["main 1"].inner == 0.08
    assert parts["main 1"].loss_u1 == pytest.approx(1.5 * np.pi * 0.08)
    network = district.spec.heat_network
    assert network is not None and network.ground == pytest.approx(10)
    assert (network.supply[0].water, network.return_) == (pytest.approx(75), pytest.approx(45))
    assert solve(tmp_path / "t.yaml").verdict.ok
    left = json.loads(done.stdout)["left_out"]
    assert sum("is a return" in each for each in left) == 2


def test_losses_are_those_of_pandapipes(tmp_path: Path) -> None:
    """Both pipes by U' (T − T_soil): 900 m · 0.377 W/m/K · (75 + 45 − 20) K = 33.9 kW."""
    run(stored(tmp_path / "t.json", **town()))
    units = cg.prepare(cg.load(tmp_path / "t.yaml")).units["heat_pipe"]
    assert units["loss"].sum() == pytest.approx(0.9 * 1.5 * np.pi * 0.08 * 100, rel=1e-6)


def test_pipes_keep_their_courses(tmp_path: Path) -> None:
    """A bend of the second main, which is drawn towards the source, from the source on."""
    tables = town()
    bend = [[1000.0, 0.0], [750.0, 80.0], [500.0, 0.0]]
    straight = [[0.0, 0.0], [500.0, 0.0]]
    tables["pipe_geodata"] = [{"coords": c} for c in (straight, bend, straight, straight)]
    done = run(stored(tmp_path / "t.json", **tables), "--crs", "EPSG:25832")
    assert done.exit_code == 0, done.output
    lines = locate(cg.prepare(cg.load(tmp_path / "t.yaml"))).lines
    assert list(lines["main 2"].coords) == [(500, 0), (750, 80), (1000, 0)]
    assert len(lines["main 1"].coords) == 2


def test_everything_else_is_listed(tmp_path: Path) -> None:
    tables = town()
    tables["valve"] = [
        {"name": "open", "from_junction": 1, "to_junction": 6, "opened": True},
        {"name": "shut", "from_junction": 2, "to_junction": 0, "opened": False},
    ]
    tables["junction"].append({"name": "J6", "in_service": True})
    del tables["junction_geodata"]
    tables["heat_exchanger"] = [
        {"name": "solar", "from_junction": 4, "to_junction": 6, "qext_w": -9e3, "in_service": True},
        {"name": "old", "from_junction": 1, "to_junction": 4, "qext_w": 9e3, "in_service": False},
    ]  # fmt: skip
    tables["mass_storage"] = [{"junction": 1}]
    done = run(stored(tmp_path / "t.json", **tables), "--json")
    assert done.exit_code == 0, done.output
    left = "\n".join(json.loads(done.stdout)["left_out"])
    for told in ("open (valve): its opening and pressure", "shut (valve): is closed",
                 "solar (heat_exchanger): gives 9 kW", "old (heat_exchanger): is out of service",
                 "mass_storage (1 rows): has no counterpart"):  # fmt: skip
        assert told in left
    assert solve(tmp_path / "t.yaml").verdict.ok


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("bypass", "its supply and its return are joined by pipes"),
        ("no pump", "no circulation pump and no external grid"),
        ("gas", "is no network of water"),
        ("no pipe", "has no pipe"),
        ("cold", "is not above its return"),
        ("no length", "has no length_km"),
        ("no ends", "lacks columns"),
        ("cut", "cannot be read as a network of pandapipes"),
    ],
)
def test_networks_that_cannot_be_read_are_one_fault(
    tmp_path: Path, how: str, reason: str
) -> None:  # fmt: skip
    tables = town()
    if how == "bypass":
        tables["pipe"].append(pipe("bypass", 2, 5, 0.01))
    if how == "no pump":
        del tables["circ_pump_pressure"]
    if how == "no pipe":
        tables["pipe"] = []
    if how == "cold":
        tables["circ_pump_pressure"][0]["t_flow_k"] = 310.0
    if how == "no length":
        tables["pipe"][0]["length_km"] = None
    if how == "no ends":
        tables["pipe"] = [{"length_km": 1.0, "in_service": True}]
    file = stored(tmp_path / "t.json", "gas" if how == "gas" else "liquid", **tables)
    if how == "cut":
        file.write_text(file.read_text()[:900])
    done = run(file)
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert done.stderr.count("error:") == 1 and not (tmp_path / "t.yaml").exists()


def test_positions_in_degrees_become_metres(tmp_path: Path) -> None:
    tables = town()
    tables["junction_geodata"] = [{"x": 9.0 + 0.005 * (i % 3), "y": 50.0} for i in range(6)]
    file = stored(tmp_path / "t.json", **tables)
    assert "look like degrees" in run(file).output
    assert run(file, "--crs", "EPSG:4326").exit_code == 0
    nodes = cg.load(tmp_path / "t.yaml").spec.nodes
    (a, b) = (nodes[name].at for name in ("J0", "J1"))
    assert a is not None and b is not None
    assert b[0] - a[0] == pytest.approx(0.005 * 111_320 * np.cos(np.radians(50)), rel=5e-3)
    assert "is no coordinate system" in run(file, "--crs", "nowhere").stderr


def test_what_pandapipes_itself_writes_is_read(tmp_path: Path) -> None:
    pandapipes = pytest.importorskip("pandapipes")
    net = pandapipes.create_empty_network("town", fluid="water")
    j = [pandapipes.create_junction(net, pn_bar=5, tfluid_k=350, geodata=(100.0 * i, 0.0))
         for i in range(4)]  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(net, j[3], j[0], 5, 2, t_flow_k=350)
    for a, b in ((0, 1), (2, 3)):
        pandapipes.create_pipe_from_parameters(net, j[a], j[b], 0.5, inner_diameter_mm=80,
                                               u_w_per_m2k=2)  # fmt: skip
    pandapipes.create_heat_consumer(net, j[1], j[2], qext_w=1e5, deltat_k=30)
    pandapipes.to_json(net, str(tmp_path / "t.json"))
    done = run(tmp_path / "t.json", "--json")
    assert done.exit_code == 0, done.output
    count = json.loads(done.stdout)["components"]
    assert count == {"heat_demand": 1, "heat_pipe": 1, "fuel": 1, "boiler": 1}
    run_ = solve(tmp_path / "t.yaml")
    served = run_.flow("heat_demand.served")
    assert run_.verdict.ok and served[0, 0] == pytest.approx(100)


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        ("circ_pump_pressure", {"flow_junction": None}, "circ_pump_pressure 0: has no flow"),
        ("circ_pump_pressure", {"return_junction": "n" * 400}, "has no return_junction"),
        ("pipe", {"from_junction": 0.5}, "pipe 0: has no from_junction"),
        ("pipe", {"length_km": "x"}, "pipe 0: has no length_km"),
    ],
)
def test_parts_that_name_no_junction_are_told(
    tmp_path: Path, table: str, change: dict[str, Any], reason: str
) -> None:
    parts = town()
    parts[table][0] |= change
    done = run(stored(tmp_path / "net.json", **parts))
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert isinstance(done.exception, SystemExit) and not (tmp_path / "net.yaml").exists()


@pytest.mark.parametrize("label", ["x", None, [1], 0.5, 1])
@pytest.mark.parametrize("table", ["junction", "junction_geodata", "pipe", "heat_consumer"])
def test_rows_that_are_not_counted_are_told(tmp_path: Path, table: str, label: object) -> None:
    """A row whose number is none, is broken, or is another's."""
    file = stored(tmp_path / "net.json", **town())
    document = json.loads(file.read_text())
    rows = json.loads(document["_object"][table]["_object"])
    rows["index"][0] = label
    document["_object"][table]["_object"] = json.dumps(rows)
    file.write_text(json.dumps(document))
    done = run(file)
    assert done.exit_code == 2 and f"{table}: has a row whose number" in done.stderr, done.output
    assert isinstance(done.exception, SystemExit)
