"""GeoParquet, FlatGeobuf and KML, each read back by somebody else's reader or validator."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import geopandas as gpd
import geoparquet_validator
import numpy as np
import pyogrio
import pytest

from citygrid.errors import InputError
from citygrid.export.gis.kml import write_kml
from citygrid.export.gis.vector import write_flatgeobuf, write_geoparquet
from citygrid.export.subject import Subject
from citygrid.plan.verify import verify

LAYERS = {"assets", "heat_network", "feeders", "nodes"}


def test_geoparquet_conforms_and_keeps_every_figure(planned, tmp_path):
    case, plan, verdict = planned
    paths = write_geoparquet(Subject(plan, verdict), tmp_path)
    assert {path.stem for path in paths} == LAYERS
    for path in paths:
        report = geoparquet_validator.check(str(path))
        assert geoparquet_validator.failed(report) == [], report
        assert geoparquet_validator.conformant(report, "core")
    assets = gpd.read_parquet(tmp_path / "assets.parquet").set_index("name")
    assert assets.crs.to_epsg() == 25832
    assert assets.loc["boiler", "heat_mwh"] == pytest.approx(
        float(plan.dataset["boiler.heat"].sum()) / 1000.0
    )
    assert assets.loc["boiler", "rated_kw"] == float(np.ravel(case.units["boiler"]["heat"])[0])


def test_flatgeobuf_has_the_same_places(planned, tmp_path):
    case, plan, verdict = planned
    paths = write_flatgeobuf(Subject(plan, verdict), tmp_path)
    assert {path.stem for path in paths} == LAYERS
    assets = gpd.read_file(tmp_path / "assets.fgb")
    assert assets.crs.to_epsg() == 25832
    assert set(assets["name"]) == {a.name for a in case.assets if not a.to and a.node}
    write_geoparquet(Subject(plan, verdict), tmp_path)
    other = gpd.read_parquet(tmp_path / "assets.parquet").set_index("name").geometry
    assert (assets.set_index("name").geometry.distance(other.dropna(), align=True) < 1e-6).all()


@pytest.mark.parametrize("left", [0, 8, 900, -1])
def test_a_flatgeobuf_whose_end_the_disk_refuses_is_no_file(planned, tmp_path, monkeypatch, left):
    """GDAL writes the file when it closes it, and nobody hears what comes of that."""
    write = pyogrio.write_dataframe

    def refused(frame, path, **options):
        write(frame, path, **options)
        path.write_bytes(path.read_bytes()[:left])

    monkeypatch.setattr(pyogrio, "write_dataframe", refused)
    _, plan, verdict = planned
    with pytest.raises(OSError, match="could not be written"):
        write_flatgeobuf(Subject(plan, verdict), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_kml_is_in_longitude_and_latitude_with_a_folder_per_layer(planned, tmp_path):
    case, plan, verdict = planned
    write_kml(Subject(plan, verdict), tmp_path / "plan.kml")
    root = ElementTree.parse(tmp_path / "plan.kml").getroot()
    space = {"k": "http://www.opengis.net/kml/2.2"}
    names = {each.text for each in root.findall(".//k:Placemark/k:name", space)}
    assert {a.name for a in case.assets if a.node} <= names
    first = root.findtext(".//k:Point/k:coordinates", namespaces=space)
    lon, lat = (float(part) for part in first.split(",")[:2])
    assert 9 < lon < 10.5 and 50 < lat < 51
    assert {each.text for each in root.findall(".//k:Folder/k:name", space)} | {
        each.text for each in root.findall(".//k:Document/k:name", space)
    } >= LAYERS


@pytest.mark.parametrize("write", [write_geoparquet, write_flatgeobuf, write_kml])
def test_without_positions_there_is_nothing_to_draw(make, tmp_path, write):
    case, plan = make(places=False)
    with pytest.raises(InputError, match="no node has a position"):
        write(Subject(plan, verify(case, plan)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_kml_refuses_positions_in_an_unknown_system(make, tmp_path):
    case, plan = make(crs=None)
    with pytest.raises(InputError, match="WGS 84"):
        write_kml(Subject(plan, verify(case, plan)), tmp_path / "plan.kml")


@pytest.mark.parametrize("write", [write_geoparquet, write_flatgeobuf, write_kml])
def test_the_same_plan_gives_the_same_bytes(planned, tmp_path, write):
    _, plan, verdict = planned
    written = []
    for name in ("one", "two"):
        target = tmp_path / name / "plan.kml"
        write(Subject(plan, verdict), target)
        written.append(sorted(p for p in (target, *target.glob("*")) if p.is_file()))
    one, two = written
    assert one and [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
