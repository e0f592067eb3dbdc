from __future__ import annotations

import json

import pytest
from pyproj import Transformer

from citygrid.errors import InputError
from citygrid.export.gis.geojson import write_geojson
from citygrid.export.subject import Subject
from citygrid.plan.verify import verify


def read(folder, name):
    return json.loads((folder / f"{name}.geojson").read_text("utf-8"))


def test_coordinates_are_longitude_then_latitude(planned, tmp_path):
    case, plan, verdict = planned
    write_geojson(Subject(plan, verdict), tmp_path)
    network = read(tmp_path, "network")
    assert network["type"] == "FeatureCollection" and "crs" not in network
    pipe = next(f for f in network["features"] if f["properties"]["name"] == "pipe west")
    assert pipe["geometry"]["type"] == "LineString"
    at = Transformer.from_crs(25832, 4326, always_xy=True).transform
    ends = [at(*case.nodes["plant"]), at(*case.nodes["west"])]
    for found, expected in zip(pipe["geometry"]["coordinates"], ends, strict=True):
        assert found == pytest.approx(expected, abs=1e-6)
    assert 9 < found[0] < 10.5 and 50 < found[1] < 51


def test_figures_come_with_the_features(planned, tmp_path):
    case, plan, verdict = planned
    write_geojson(Subject(plan, verdict), tmp_path)
    features = {f["properties"]["name"]: f for f in read(tmp_path, "assets")["features"]}
    assert features["boiler"]["properties"]["heat_mwh"] == pytest.approx(
        float(plan.dataset["boiler.heat"].sum()) / 1000.0
    )
    assert "level_kwh" not in features["boiler"]["properties"]
    assert features["pool"]["geometry"] is None
    assert set(features) == {a.name for a in case.assets if not a.to}


def test_without_positions_the_geometry_is_null(make, tmp_path):
    case, plan = make(places=False)
    write_geojson(Subject(plan, verify(case, plan)), tmp_path)
    assert {str(f["geometry"]) for f in read(tmp_path, "network")["features"]} == {"None"}


def test_positions_in_an_unknown_system_are_refused(make, tmp_path):
    case, plan = make(crs=None)
    with pytest.raises(InputError, match="WGS 84"):
        write_geojson(Subject(plan, verify(case, plan)), tmp_path)
