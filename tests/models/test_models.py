"""The shipped districts are what their headers, the network and the script say they are."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from types import ModuleType, SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import citygrid as cg

DISTRICTS = ("frankfurt_day", "frankfurt", "frankfurt_year", "frankfurt_year_jobs")
#: Frankfurt's share of heat that is lost inside a zone, as the model's header says.
LOST_INSIDE = 0.15


@pytest.fixture(scope="module")
def districts(repository):
    return {name: cg.load(repository / "models" / f"{name}.yaml") for name in DISTRICTS}


@pytest.fixture(scope="module")
def cases(districts):
    return {name: cg.prepare(districts[name]) for name in DISTRICTS[:3]}


@pytest.fixture(scope="module")
def network(repository):
    file = repository / "data" / "frankfurt_2023" / "network.gpkg"
    return {layer: gpd.read_file(file, layer=layer) for layer in ("pipes", "cables", "footprints")}


def names_of(district, kind):
    return [name for name, of in district.kind_of.items() if of == kind]


def test_tiny_costs_what_its_header_works_out_by_hand(repository):
    run = cg.plan_model(repository / "models" / "tiny.yaml")
    assert run.verdict.ok, run.verdict.violations
    assert run.plan.objective == pytest.approx(56.0, abs=1e-6)
    assert run.verdict.kpis["co2_kg"] == pytest.approx(20.0, abs=1e-6)
    flows = {
        "grid.import": [40, 40, 120], "heat_pump.heat": [40, 40, 120],
        "boiler.heat": [0, 80, 0], "fuel.supplied": [0, 100, 0], "job_pool.load": [0, 0, 60],
    }  # fmt: skip
    for name, by_hand in flows.items():
        np.testing.assert_allclose(run.plan.dataset[name].values.ravel(), by_hand, atol=1e-6)


def test_tiny_with_its_job_in_the_first_hour_costs_what_its_header_says(repository, tmp_path):
    shutil.copytree(repository / "data" / "tiny", tmp_path / "data" / "tiny")
    text = (repository / "models" / "tiny.yaml").read_text("utf-8")
    early = text.replace("deadline: 2023-01-16T03:00Z", "deadline: 2023-01-16T01:00Z")
    assert early != text
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.yaml").write_text(early, "utf-8")
    run = cg.plan_model(tmp_path / "models" / "tiny.yaml")
    assert run.verdict.ok, run.verdict.violations
    assert run.plan.objective == pytest.approx(62.0, abs=1e-6)
    np.testing.assert_allclose(
        run.plan.dataset["chiller.cooling"].values.ravel(), [60, 0, 0], atol=1e-6
    )


@pytest.mark.parametrize("name", DISTRICTS)
def test_the_district_has_the_zones_and_centres_it_promises(name, districts):
    district = districts[name]
    assert 10 <= len(names_of(district, "heat_demand")) <= 20
    centres = names_of(district, "data_center")
    assert len(centres) == 6
    cooling = {district.components[centre].cooling for centre in centres}
    assert cooling == {"air", "liquid", "immersion"}
    assert len(names_of(district, "quantum_center")) == 1
    sources = {district.components[pump].source for pump in names_of(district, "heat_pump")}
    assert sources == {*centres, "quantum"}


def test_the_horizons_share_one_district(districts):
    """Only horizon, demand charge and jobs differ, so a plan of the day is part of the week's."""
    week = districts["frankfurt"]
    for other in (districts[name] for name in DISTRICTS if name != "frankfurt"):
        assert other.spec.nodes == week.spec.nodes
        same = {"jobs", "grid", *names_of(week, "data_center")}
        for name, component in week.components.items():
            if name not in same:
                assert other.components[name] == component, name


def test_the_week_is_large_enough_to_be_hard(cases):
    case = cases["frankfurt"]
    assert len(case.time) == 168
    assert len(case.units["job_pool"].coords["job"]) >= 120
    assert cg.formulate(case).size["binaries"] >= 2000
    assert len(cases["frankfurt_day"].units["job_pool"].coords["job"]) >= 24
    assert len(cases["frankfurt_year"].time) >= 8759


def test_boilers_and_pipes_carry_the_coldest_hour_without_any_waste_heat(cases):
    """Nobody freezes when every data centre is dark: plant and pipes suffice alone."""
    case = cases["frankfurt_year"]
    demand, pipe = case.units["heat_demand"], case.units["heat_pipe"]
    load = dict(zip(demand.places("node"), demand["load"], strict=True))
    row = {to: i for i, to in enumerate(pipe.places("to"))}
    behind = {node: np.zeros(len(case.time)) for node in ("plant", *row)}
    for to in reversed(list(row)):  # outermost first
        i = row[to]
        sent = load[to] + behind[to] + pipe["loss"][i]
        assert (sent <= pipe["capacity"][i]).all(), pipe.names[i]
        behind[pipe.places("from_")[i]] += sent
    assert behind["plant"].max() <= case.units["boiler"]["heat"].sum()


def test_demands_of_a_zone_are_those_of_its_consumers(repository, network):
    """Annual heat is the sum of peak load and full-load hours; power is 16 % of it."""
    consumers = network["footprints"]
    energy = (consumers.peak_kw * consumers.full_load_hours).groupby(consumers.zone).sum()
    for file, share in (("heat.csv", 1.0), ("power.csv", 0.16)):
        year = pd.read_csv(repository / "data" / "frankfurt_2023" / file, index_col="time")
        assert len(year) == 8760
        for zone, annual in energy.items():
            assert year[f"{zone} [kW]"].sum() == pytest.approx(share * annual, rel=2e-3)


def test_pipes_and_cables_are_drawn_where_the_model_has_them(districts, network):
    district = districts["frankfurt"]
    nodes = district.spec.nodes
    for layer, kind in (("pipes", "heat_pipe"), ("cables", "power_line")):
        drawn = network[layer].set_index("component")
        assert sorted(drawn.index) == sorted(names_of(district, kind))
        for name, line in drawn.geometry.items():
            component = district.components[name]
            ends = (line.coords[0], line.coords[-1])
            for end, node in zip(ends, (component.from_, component.to), strict=True):
                assert end == pytest.approx(nodes[node].at, abs=0.06)
            if kind == "heat_pipe":
                assert line.length == pytest.approx(component.length, abs=0.51)


def test_the_district_files_are_what_the_script_writes(repository, network):
    """Whoever edits a number by hand has to edit the script, too."""
    script = script_of(repository, "frankfurt_models")
    consumers = network["footprints"]
    annual = (consumers.peak_kw * consumers.full_load_hours).groupby(consumers.zone).sum()
    zones = [
        SimpleNamespace(
            number=number, parent=0 if start == "plant" else int(start.removeprefix("zone ")),
            hub=line.coords[-1], annual=annual[f"zone {number}"], dn=dn, length=line.length,
        )
        for number, (start, dn, line) in enumerate(
            zip(network["pipes"]["from"], network["pipes"].dn, network["pipes"].geometry,
                strict=True), 1,
        )
    ]  # fmt: skip
    plant = network["pipes"].geometry[0].coords[0]
    for name, text in script.district_files(plant, zones).items():
        assert (repository / "models" / name).read_text() == text, name
    assert script.DISTRIBUTION_LOSS == LOST_INSIDE


def script_of(repository, name) -> ModuleType:
    """A script as a module; scripts are no package."""
    spec = importlib.util.spec_from_file_location(name, repository / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_day_is_planned_and_uses_waste_heat(repository):
    from citygrid.routes.contract import Options

    run = cg.plan_model(repository / "models" / "frankfurt_day.yaml", options=Options(gap=0.01))
    assert run.verdict.ok, run.verdict.violations
    assert run.verdict.kpis["waste_heat_used_mwh"] > 5.0
