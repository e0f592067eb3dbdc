"""PyPSA in: netCDF and CSV alike, against dispatch that PyPSA's own tests assert.

The cases are re-typed facts of PyPSA's `test/test_lopf_unit_commitment.py` and
`test/test_lopf_storage.py` (MIT), at 0209b0ed0a29; the files are made here in PyPSA's two formats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner, Result

import citygrid as cg
from citygrid.cli import main
from tests.helpers import solve

Tables = dict[str, dict[str, dict[str, Any]]]
Series = dict[tuple[str, str], dict[str, list[float]]]


def snapshots(count: int, step: float = 1.0) -> pd.DataFrame:
    stamps = pd.date_range("2024-03-01", periods=count, freq=pd.Timedelta(hours=step))
    return pd.DataFrame({"snapshot": stamps, "objective": step, "stores": step, "generators": step})


def folder_of(path: Path, tables: Tables, series: Series, moments: pd.DataFrame) -> Path:
    """As `export_to_csv_folder` writes it: series are counted, snapshots dated."""
    path.mkdir()
    for sort, rows in tables.items():
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("name").to_csv(
            path / f"{sort}.csv"
        )
    for (sort, key), columns in series.items():
        pd.DataFrame(columns).to_csv(path / f"{sort}-{key}.csv")
    moments.to_csv(path / "snapshots.csv")
    return path


def netcdf_of(path: Path, tables: Tables, series: Series, moments: pd.DataFrame) -> Path:
    """As `export_to_netcdf` writes it."""
    found: dict[str, Any] = {
        f"snapshots_{name}": ("snapshots", moments[name].to_numpy()) for name in moments
    }
    coordinates: dict[str, Any] = {"snapshots": np.arange(len(moments))}
    for sort, rows in tables.items():
        frame = pd.DataFrame.from_dict(rows, orient="index")
        coordinates[f"{sort}_i"] = frame.index.to_numpy(object)
        for name in frame:
            found[f"{sort}_{name}"] = (f"{sort}_i", frame[name].to_numpy())
    for (sort, key), columns in series.items():
        at = f"{sort}_t_{key}_i"
        coordinates[at] = np.array(list(columns), dtype=object)
        found[f"{sort}_t_{key}"] = (("snapshots", at), np.array(list(columns.values())).T)
    xr.Dataset(found, coords=coordinates, attrs={"network_name": "t"}).to_netcdf(path)
    return path


def run(file: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["import", "pypsa", str(file), "--out", str(out), *more])


def two_units(coal: dict[str, Any], gas: dict[str, Any], load: list[float]) -> tuple[Any, ...]:
    usual = {"bus": "bus", "committable": True}
    return (
        {"buses": {"bus": {"v_nom": 380.0}},
         "generators": {"coal": {**usual, "p_nom": 10000.0, "p_min_pu": 0.3,
                                 "marginal_cost": 20.0, **coal},
                        "gas": {**usual, "p_nom": 1000.0, "p_min_pu": 0.1,
                                "marginal_cost": 70.0, **gas}},
         "loads": {"load": {"bus": "bus"}}},
        {("loads", "p_set"): {"load": load}}, snapshots(len(load)),
    )  # fmt: skip


CASES = {
    "commitment": (
        two_units({}, {}, [4000, 6000, 5000, 800]),
        {"coal": [4000, 6000, 5000, 0], "gas": [0, 0, 0, 800]}, 356_000,
    ),
    "time up, on before": (
        two_units({}, {"up_time_before": 1.0, "min_up_time": 4.0}, [4000, 800, 5000, 3000]),
        {"coal": [3900, 0, 4900, 3000], "gas": [100, 800, 100, 0]}, 306_000,
    ),
    "time down, off before": (
        two_units({"min_down_time": 3.0, "down_time_before": 2.0, "up_time_before": 0.0},
                  {"p_nom": 4000.0}, [3000, 800, 3000, 8000]),
        {"coal": [0, 0, 3000, 8000], "gas": [3000, 800, 0, 0]}, 486_000,
    ),
    "cost of shut-down": (
        two_units({"shut_down_cost": 1000.0}, {"shut_down_cost": 1000.0}, [4000, 6000, 5000, 800]),
        None, 358_000,
    ),
    "link that burns gas": (
        (
            {"buses": {"gas": {"carrier": "gas"}, "electricity": {"carrier": "AC"}},
             "generators": {"gas source": {"bus": "gas", "p_nom": 20000.0, "marginal_cost": 10.0},
                            "wind": {"bus": "electricity", "p_nom": 800.0, "marginal_cost": 0.0}},
             "links": {"OCGT": {"bus0": "gas", "bus1": "electricity", "committable": True,
                                "p_nom": 12000.0, "efficiency": 0.5, "p_min_pu": 0.1,
                                "min_up_time": 3.0, "start_up_cost": 3333.0,
                                "up_time_before": 0.0}},
             "loads": {"load": {"bus": "electricity"}}},
            {("loads", "p_set"): {"load": [4000, 6000, 800, 5000]}}, snapshots(4),
        ),
        {"OCGT": [3200, 5200, 600, 4200]}, 267_333,
    ),
    "cost of holding": (
        (
            {"buses": {"bus": {"v_nom": 1.0}},
             "generators": {"gen": {"bus": "bus", "p_nom": 3.0, "marginal_cost": 1.0}},
             "stores": {"store": {"bus": "bus", "e_nom": 10.0, "e_initial": 1.0,
                                  "marginal_cost_storage": 0.2}},
             "loads": {"load": {"bus": "bus", "p_set": 1.0}}},
            {("generators", "p_max_pu"): {"gen": [1, 0, 0]}}, snapshots(3),
        ),
        None, 2.6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", [folder_of, netcdf_of])
@pytest.mark.parametrize("case", CASES)
def test_the_plan_is_what_pypsas_own_tests_assert(tmp_path: Path, write: Any, case: str) -> None:
    network, dispatch, objective = CASES[case]
    name = "net.nc" if write is netcdf_of else "net"
    done = run(write(tmp_path / name, *network), tmp_path / "d.yaml")
    assert done.exit_code == 0, done.output
    solved = solve(tmp_path / "d.yaml")
    assert solved.verdict.ok
    assert solved.plan.objective == pytest.approx(objective, rel=1e-6)
    if dispatch is not None:
        power = dict(zip(solved.plan.dataset["generator"].values,
                         solved.flow("generator.power"), strict=True))  # fmt: skip
        for unit, megawatts in dispatch.items():
            assert power[unit] / 1e3 == pytest.approx(np.array(megawatts, float), abs=1e-3)


def test_both_formats_give_the_same_district(tmp_path: Path) -> None:
    network, _, _ = CASES["cost of holding"]
    run(folder_of(tmp_path / "net", *network), tmp_path / "a.yaml")
    run(netcdf_of(tmp_path / "net.nc", *network), tmp_path / "b.yaml")

    def text(name: str) -> str:
        said = (tmp_path / f"{name}.yaml").read_text().split("name:")[1]
        return said.replace(f"{name}.csv", "").replace(f" {name}\n", "")

    assert text("a") == text("b")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def regions() -> tuple[Any, ...]:
    """Two towns in half hours: a cable that loses a tenth, wind, a pumped store, and oddities."""
    return (
        {"buses": {"north": {"x": 9.0, "y": 54.0}, "south": {"x": 9.0, "y": 53.9},
                   "heat": {"carrier": "heat"}},
         "carriers": {"coal": {"co2_emissions": 0.34}},
         "generators": {
             "coal": {"bus": "south", "carrier": "coal", "p_nom": 50.0, "efficiency": 0.4,
                      "marginal_cost": 30.0, "ramp_limit_up": 0.4},
             "wind": {"bus": "north", "p_nom": 100.0},
             "boiler": {"bus": "heat", "p_nom": 5.0},
             "new": {"bus": "south", "p_nom": 0.0, "p_nom_extendable": True},
             "lost": {"bus": "east", "p_nom": 5.0}},
         "loads": {"town": {"bus": "south"}, "heating": {"bus": "heat", "p_set": 1.0}},
         "storage_units": {"lake": {"bus": "south", "p_nom": 10.0, "max_hours": 4.0,
                                    "efficiency_store": 0.9, "efficiency_dispatch": 0.8,
                                    "standing_loss": 0.01, "cyclic_state_of_charge": True,
                                    "inflow": 1.0}},
         "links": {"cable": {"bus0": "north", "bus1": "south", "p_nom": 40.0, "efficiency": 0.9},
                   "pump": {"bus0": "south", "bus1": "heat", "p_nom": 1.0, "efficiency": 3.0}},
         "lines": {"old line": {"bus0": "north", "bus1": "south", "s_nom": 8.0, "s_max_pu": 0.5}},
         "global_constraints": {"cap": {"type": "primary_energy", "sense": "<=",
                                        "constant": 100.0}}},
        {("loads", "p_set"): {"town": [20.0, 30.0, 40.0, 30.0]},
         ("generators", "p_max_pu"): {"wind": [0.5, 0.2, 0.0, 0.4]}}, snapshots(4, 0.5),
    )  # fmt: skip


def test_units_of_a_network_become_those_of_a_district(tmp_path: Path) -> None:
    """0.34 t/MWh of coal at 40 % are 850 kg/MWh; 40 % in half an hour are 80 %/h."""
    done = run(folder_of(tmp_path / "net", *regions()), tmp_path / "d.yaml")
    assert done.exit_code == 0, done.output
    district = cg.load(tmp_path / "d.yaml")
    parts: dict[str, Any] = dict(district.components)
    assert parts["coal"].power == 50_000 and parts["coal"].carbon == pytest.approx(0.85)
    assert parts["cable"].loss_share == pytest.approx(0.1) and not parts["cable"].reversible
    assert parts["old line"].capacity == 4_000 and parts["old line"].reversible
    assert parts["lake"].capacity == 40_000 and parts["lake"].charge == 10_000
    assert parts["lake"].cyclic and parts["lake"].discharge_efficiency == pytest.approx(0.8)
    case = cg.prepare(district)
    assert case.step == 0.5 and case.time[0] == np.datetime64("2024-03-01")
    generators = case.units["generator"]
    row = generators.names.index("wind")
    assert generators["usable"][row] == pytest.approx([50e3, 20e3, 0, 40e3])
    assert district.spec.crs == "EPSG:32632"
    (a, b) = (district.spec.nodes[name].at for name in ("north", "south"))
    assert a is not None and b is not None and a[1] - b[1] == pytest.approx(11_130, rel=1e-2)
    assert solve(tmp_path / "d.yaml").verdict.ok


@pytest.mark.parametrize(("first", "level"), [(5.0, 5.0), (10.0, 9.025)])
def test_what_a_leaking_store_holds_at_first_loses_nothing_in_the_first_step(
    tmp_path: Path, first: float, level: float
) -> None:
    """PyPSA's 5 % an hour begin after the first step, here 2 h; a full store cannot be so."""
    tables = {"buses": {"bus": {"v_nom": 1.0}},
              "generators": {"gen": {"bus": "bus", "p_nom": 3.0, "marginal_cost": 1.0}},
              "stores": {"store": {"bus": "bus", "e_nom": 10.0, "e_initial": first,
                                   "standing_loss": 0.05, "marginal_cost_storage": 1e-6}},
              "loads": {"load": {"bus": "bus", "p_set": 0.1}}}  # fmt: skip
    series = {("generators", "p_max_pu"): {"gen": [0.0, 0.0, 1.0]}}
    file = folder_of(tmp_path / "net", tables, series, snapshots(3, 2.0))
    left = json.loads(run(file, tmp_path / "d.yaml", "--json").stdout)["left_out"]
    assert any(each.startswith("store: e_initial") for each in left) == (first == 10.0)
    after = solve(tmp_path / "d.yaml").flow("battery.level").ravel()
    assert after[0] == pytest.approx(1e3 * (level - 0.2), rel=1e-6)
    assert after[1] == pytest.approx(0.95**2 * after[0] - 200.0, rel=1e-6)


def test_what_does_not_map_is_listed_one_by_one(tmp_path: Path) -> None:
    done = run(folder_of(tmp_path / "net", *regions()), tmp_path / "d.yaml", "--json")
    left = json.loads(done.stdout)["left_out"]
    for told in ("heat (buses): carries heat", "boiler (generators): is at a bus that is not of",
                 "heating (loads): is at a bus", "lost (generators): is at a bus that is not there",
                 "new: p_nom_extendable", "new (generators): has no power",
                 "lake: inflow", "pump (links): gives 3 times", "impedances of lines",
                 "cap (global_constraints): primary_energy <= 100"):  # fmt: skip
        assert any(each.startswith(told) for each in left), told
    assert len(left) == 10


@pytest.mark.parametrize(
    ("chosen", "sizes"),
    [({"plant": 50.0, "built": 30.0, "refused": 0.0}, {"plant": 50e3, "built": 30e3}),
     ({"plant": 0.0, "built": 0.0, "refused": 0.0},
      {"plant": 50e3, "built": 20e3, "refused": 20e3})],
)  # fmt: skip
def test_what_pypsa_chose_not_to_build_is_not_there(
    tmp_path: Path, chosen: dict[str, float], sizes: dict[str, float]
) -> None:
    """A network that was solved says sizes; 0 MW is one. One that was not says 0 of all."""
    generators = {
        name: {"bus": "town", "p_nom": 50.0 if name == "plant" else 20.0,
               "p_nom_extendable": name != "plant", "p_nom_opt": size}
        for name, size in chosen.items()
    }  # fmt: skip
    tables = {"buses": {"town": {"x": 0.0}}, "generators": generators,
              "loads": {"load": {"bus": "town", "p_set": 10.0}}}  # fmt: skip
    done = run(folder_of(tmp_path / "net", tables, {}, snapshots(2)), tmp_path / "d.yaml")
    assert done.exit_code == 0, done.output
    parts: dict[str, Any] = dict(cg.load(tmp_path / "d.yaml").components)
    assert {name: parts[name].power for name in chosen if name in parts} == sizes


def test_columns_that_nobody_reads_are_listed(tmp_path: Path) -> None:
    tables, series, moments = CASES["cost of holding"][0]
    tables = {**tables, "generators": {"gen": {**tables["generators"]["gen"], "capital_cost": 9.0}}}
    series = {**series, ("loads", "q_set"): {"load": [1.0, 1.0, 1.0]}}
    file = folder_of(tmp_path / "net", tables, series, moments)
    left = json.loads(run(file, tmp_path / "d.yaml", "--json").stdout)["left_out"]
    assert any(each.startswith("generators: capital_cost: not read") for each in left)
    assert any(each.startswith("loads: q_set: not read") for each in left)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("none", "there is no such file or folder"),
        ("text", "cannot be read as a network of PyPSA"),
        ("buses", "there are no buses"),
        ("gap", "are not evenly spaced"),
        ("periods", "several investment periods"),
        ("short", "has 3 rows for 4 snapshots"),
        ("nan", "p_set of town: has values that are no numbers"),
    ],
)
def test_networks_that_cannot_be_read_are_one_fault(
    tmp_path: Path, how: str, reason: str
) -> None:  # fmt: skip
    tables, series, moments = regions()
    if how == "gap":
        moments.loc[3, "snapshot"] += pd.Timedelta(hours=5)
    if how == "periods":
        moments["period"] = 2030
    if how == "buses":
        tables = {"loads": tables["loads"]}
    if how == "short":
        series["loads", "p_set"]["town"].pop()
    if how == "nan":
        series["loads", "p_set"]["town"][1] = np.nan
    if how == "short":
        del series["generators", "p_max_pu"]
    file = folder_of(tmp_path / "net", tables, series, moments)
    if how == "none":
        file = tmp_path / "nowhere.nc"
    if how == "text":
        file = tmp_path / "t.nc"
        file.write_text("no netCDF")
    done = run(file, tmp_path / "d.yaml")
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert done.stderr.count("error:") == 1 and not (tmp_path / "d.yaml").exists()


def test_the_networks_own_files_are_not_written_over(tmp_path: Path) -> None:
    file = folder_of(tmp_path / "net", *regions())
    done = run(file, file / "loads.yaml")
    assert done.exit_code == 2 and "would be written over an input" in done.stderr


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [("snapshot", "2024-99-99", "a stamp that is no moment"),
     ("objective", "=1+1", "weightings that are no numbers"),
     ("objective", np.inf, "weightings that are no numbers"),
     ("objective", -1.0, "weightings that are no numbers")],
)  # fmt: skip
def test_snapshots_that_cannot_be_read_are_told(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    """They were once taken as undated, or ended in an error of the program's own."""
    tables, series, moments = two_units({}, {}, [4000.0, 6000.0, 5000.0])
    moments = moments.astype({column: object})
    moments.loc[1, column] = value
    done = run(folder_of(tmp_path / "net", tables, series, moments), tmp_path / "out.yaml")
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert isinstance(done.exception, SystemExit) and not (tmp_path / "out.yaml").exists()


def test_a_file_of_snapshots_without_a_row_is_told(tmp_path: Path) -> None:
    tables, series, moments = two_units({}, {}, [4000.0, 6000.0])
    done = run(folder_of(tmp_path / "net", tables, series, moments.iloc[:0]), tmp_path / "o.yaml")
    assert done.exit_code == 2 and "2 rows for 1 snapshots" in done.stderr, done.output
