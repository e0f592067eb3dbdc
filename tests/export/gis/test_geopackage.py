from __future__ import annotations

import io
import json
import sqlite3
import xml.etree.ElementTree as ElementTree
import zipfile
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
from shapely.geometry import LineString, box

from citygrid.district.drawing import read_drawing
from citygrid.export.gis.geopackage import write_geopackage
from citygrid.export.subject import Subject
from citygrid.plan.plan import Plan
from citygrid.plan.verify import verify


@pytest.fixture(scope="module")
def written(planned, tmp_path_factory):
    path = tmp_path_factory.mktemp("gpkg") / "plan.gpkg"
    write_geopackage(Subject(*planned[1:]), path)
    return path


def query(path, text):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(text).fetchall()


def test_layers_are_in_the_districts_coordinate_system(written, planned):
    case, _, _ = planned
    assets = gpd.read_file(written, layer="assets")
    assert assets.crs.to_epsg() == 25832
    assert set(assets["name"]) == {a.name for a in case.assets if not a.to}
    plant = assets[assets["node"] == "plant"]
    apart = plant.geometry.distance(plant.geometry.shift()).dropna()
    assert (apart > 1.0).all() and plant.geometry.nunique() == len(plant)
    pipes = gpd.read_file(written, layer="heat_network")
    assert pipes.crs.to_epsg() == 25832
    assert list(pipes["dn"]) == [80.0, 100.0, 65.0]
    assert set(gpd.read_file(written, layer="feeders")["kind"]) == {"power_line"}
    assert "buildings" not in pyogrio.list_layers(written)[:, 0]


def test_figures_of_the_layers_are_those_of_the_plan(written, planned):
    case, plan, verdict = planned
    assets = gpd.read_file(written, layer="assets").set_index("name")
    assert assets.loc["boiler", "heat_mwh"] == pytest.approx(
        float(plan.dataset["boiler.heat"].sum()) / 1000.0
    )
    demands = assets.loc[assets["kind"] == "heat_demand", "heat_mwh"].sum()
    assert -demands == pytest.approx(verdict.kpis["heat_delivered_mwh"])
    total = assets["cost_eur"].sum() + case.carbon_price * assets["co2_kg"].sum()
    assert total == pytest.approx(plan.objective)
    pipes = gpd.read_file(written, layer="heat_network").set_index("name")
    assert pipes["loss_mwh"].sum() == pytest.approx(verdict.kpis["heat_loss_mwh"])
    sent = plan.dataset["heat_pipe.flow"].values[1]
    assert pipes.loc["pipe west", "max_used"] == pytest.approx(sent.max() / 800.0)


def test_an_interval_ends_a_millisecond_before_the_next(written):
    rows = query(written, "SELECT start_time, end_time FROM dispatch WHERE asset = 'grid' LIMIT 2")
    assert rows[0] == ("2023-01-15T23:00:00.000Z", "2023-01-15T23:59:59.999Z")
    assert rows[1][0] == "2023-01-16T00:00:00.000Z"


def test_the_view_shows_every_step_of_every_placed_component(written, planned):
    case, plan, _ = planned
    view = pyogrio.read_dataframe(written, layer="asset_dispatch")
    placed = [a.name for a in case.assets if not a.to and a.node]
    assert len(view) == len(placed) * len(case.time)
    boiler = view[view["name"] == "boiler"]
    np.testing.assert_allclose(boiler["heat_kw"], plan.dataset["boiler.heat"].values[0])


def test_every_style_is_well_formed_and_belongs_to_a_layer(written):
    rows = query(written, "SELECT f_table_name, styleQML, useAsDefault FROM layer_styles")
    layers = set(pyogrio.list_layers(written)[:, 0])
    assert {"assets", "heat_network", "feeders", "asset_dispatch"} <= {name for name, *_ in rows}
    for name, style, default in rows:
        assert name in layers and default == 1
        ElementTree.fromstring(style)


def test_the_file_is_a_geopackage_of_version_1_2(written):
    assert query(written, "PRAGMA user_version") == [(10200,)]
    assert query(written, "PRAGMA integrity_check") == [("ok",)]


def test_the_same_plan_gives_the_same_bytes(planned, tmp_path, written):
    """Under the same name, for the project inside knows its file by it."""
    write_geopackage(Subject(*planned[1:]), tmp_path / "plan.gpkg")
    assert (tmp_path / "plan.gpkg").read_bytes() == written.read_bytes()


def test_the_project_inside_names_layers_that_are_there(written, planned):
    case, _, _ = planned
    ((name, changed, content),) = query(written, "SELECT * FROM qgis_projects")
    assert name == case.name and json.loads(changed)["last_modified_time"]
    with zipfile.ZipFile(io.BytesIO(bytes.fromhex(content))) as archive:
        (only,) = archive.namelist()
        root = ElementTree.fromstring(archive.read(only))
    assert only.endswith(".qgs")
    there = set(pyogrio.list_layers(written)[:, 0])
    sources = {layer.findtext("datasource") for layer in root.iter("maplayer")}
    assert all(source.startswith("./plan.gpkg|layername=") for source in sources)
    assert {source.partition("layername=")[2] for source in sources} <= there
    ids = {layer.findtext("id") for layer in root.iter("maplayer")}
    assert {leaf.get("id") for leaf in root.iter("layer-tree-layer")} == ids
    assert all(len(each) > 10 for each in ids)
    # Hostile names are text and nothing else.
    assert root.findtext("title") == case.name


def test_pipes_take_their_course_from_the_districts_geometry_on_every_machine(make, tmp_path):
    course = LineString([(561269.6, 5568525.0), (561300.0, 5568800.0), (561200.0, 5569100.0)])
    house = box(561210.0, 5569110.0, 561220.0, 5569120.0)
    drawn = tmp_path / "network.gpkg"
    for layer, data, shape in (("pipes", {"component": ["pipe west"]}, course),
                               ("footprints", {"use": ["school"]}, house)):  # fmt: skip
        frame = gpd.GeoDataFrame(data, geometry=[shape], crs="EPSG:25832").to_crs(4326)
        frame.to_file(drawn, layer=layer, driver="GPKG")
    _, plan = make(geometry=read_drawing(drawn, "EPSG:25832"))
    plan.save(tmp_path / "plan.nc")
    drawn.unlink()  # the plan is read on another machine
    plan = Plan.load(tmp_path / "plan.nc")
    write_geopackage(Subject(plan, verify(plan.case, plan)), tmp_path / "plan.gpkg")
    pipes = gpd.read_file(tmp_path / "plan.gpkg", layer="heat_network").set_index("name")
    assert pipes.geometry["pipe west"].hausdorff_distance(course) < 0.01
    assert len(pipes.geometry["pipe east"].coords) == 2
    buildings = gpd.read_file(tmp_path / "plan.gpkg", layer="buildings")
    assert list(buildings["use"]) == ["school"]
    assert buildings.area[0] == pytest.approx(100.0, rel=1e-3)


def notes(path):
    return [text for (text,) in query(path, "SELECT value FROM provenance WHERE name = 'note'")]


def test_without_positions_the_tables_are_written_and_say_so(make, tmp_path):
    case, plan = make(places=False)
    write_geopackage(Subject(plan, verify(case, plan)), tmp_path / "plan.gpkg")
    layers = set(pyogrio.list_layers(tmp_path / "plan.gpkg")[:, 0])
    assert layers == {"dispatch", "kpis", "ledger", "jobs", "provenance"}
    assert "position" in notes(tmp_path / "plan.gpkg")[0]


def test_positions_in_a_plane_of_their_own_are_drawn(make, tmp_path):
    case, plan = make(crs=None)
    write_geopackage(Subject(plan, verify(case, plan)), tmp_path / "plan.gpkg")
    assert len(gpd.read_file(tmp_path / "plan.gpkg", layer="assets")) == 17
    assert "no coordinate system" in notes(tmp_path / "plan.gpkg")[0]


def test_an_interrupted_write_leaves_the_former_file(planned, tmp_path, monkeypatch):
    path = tmp_path / "plan.gpkg"
    write_geopackage(Subject(*planned[1:]), path)
    before = path.read_bytes()

    def pull_the_plug(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("citygrid.export.gis.geopackage._finish", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        write_geopackage(Subject(*planned[1:]), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["plan.gpkg"]
