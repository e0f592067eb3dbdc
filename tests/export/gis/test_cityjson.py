"""CityJSON against the schema of the standard, and against what a schema cannot say."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import jsonschema
import numpy as np
import pytest
from shapely.geometry import MultiPolygon, Point, Polygon, box

from citygrid.district.drawing import read_drawing
from citygrid.export.gis.cityjson import write_cityjson
from citygrid.export.subject import Subject
from citygrid.plan.verify import verify

SCHEMA = json.loads(
    (Path(__file__).parent / "schemas" / "cityjson-2.0.2.schema.json").read_text("utf-8")
)


def written(case, plan, folder):
    write_cityjson(Subject(plan, verify(case, plan)), folder / "plan.city.json")
    document = json.loads((folder / "plan.city.json").read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    return document


def numbers(boundaries):
    if isinstance(boundaries, int):
        return [boundaries]
    return [number for part in boundaries for number in numbers(part)]


def used(document):
    return [n for o in document["CityObjects"].values() for g in o["geometry"]
            for n in numbers(g["boundaries"])]  # fmt: skip


def test_every_component_stands_where_the_map_has_it(planned, tmp_path):
    case, plan, _ = planned
    document = written(case, plan, tmp_path)
    assert set(used(document)) == set(range(len(document["vertices"])))
    assert len({tuple(v) for v in document["vertices"]}) == len(document["vertices"])
    scale, shift = (np.array(document["transform"][name]) for name in ("scale", "translate"))
    places = np.array(document["vertices"]) * scale + shift
    objects = {o["attributes"]["name"]: o for o in document["CityObjects"].values()}
    assert set(objects) == {asset.name for asset in case.assets if asset.node}
    ends = objects["pipe west"]["geometry"][0]["boundaries"][0]
    np.testing.assert_allclose(places[ends[0], :2], case.nodes["plant"], atol=2e-3)
    np.testing.assert_allclose(places[ends[1], :2], case.nodes["west"], atol=2e-3)
    assert document["metadata"]["referenceSystem"].endswith("/EPSG/0/25832")
    assert objects["boiler"]["attributes"]["heat_mwh"] == pytest.approx(
        float(plan.dataset["boiler.heat"].sum()) / 1000.0
    )


def drawn(make, folder, shapes, **columns):
    path = folder / "houses.gpkg"
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:25832")
    frame.to_file(path, layer="footprints", driver="GPKG")
    case, plan = make(geometry=read_drawing(path, "EPSG:25832"))
    return written(case, plan, folder)


def volume(places, shell):
    """Of a closed shell whose surfaces look outwards, by the divergence theorem."""
    total = 0.0
    for surface in shell:
        ring = places[surface[0]]
        for a, b in pairwise(ring[1:]):
            total += np.dot(ring[0], np.cross(a, b)) / 6.0
    return total


def test_a_building_with_a_height_is_a_closed_block_that_looks_outwards(make, tmp_path):
    house = box(561210.0, 5569110.0, 561220.0, 5569130.0)
    document = drawn(make, tmp_path, [house], height=[12.5])
    (building,) = (o for o in document["CityObjects"].values() if o["type"] == "Building")
    (solid,) = building["geometry"]
    assert solid["type"] == "Solid" and solid["lod"] == "1"
    places = np.array(document["vertices"]) * document["transform"]["scale"]
    assert volume(places, solid["boundaries"][0]) == pytest.approx(10 * 20 * 12.5, rel=1e-6)


def test_without_a_height_a_building_is_its_footprint_holes_and_parts_too(make, tmp_path):
    ring = Polygon(box(561200, 5569100, 561240, 5569140).exterior,
                   [box(561210, 5569110, 561230, 5569130).exterior])  # fmt: skip
    both = MultiPolygon([ring, box(561250, 5569100, 561260, 5569110)])
    document = drawn(make, tmp_path, [both], use=["school"])
    (building,) = (o for o in document["CityObjects"].values() if o["type"] == "Building")
    (surface,) = building["geometry"]
    assert surface["type"] == "MultiSurface"
    assert [len(part) for part in surface["boundaries"]] == [2, 1]
    assert building["attributes"]["use"] == "school"


def test_blocks_of_several_parts_are_all_their_surfaces(make, tmp_path):
    both = MultiPolygon(
        [box(561200, 5569100, 561240, 5569140), box(561250, 5569100, 561260, 5569110)]
    )
    document = drawn(make, tmp_path, [both], height=[9])
    (building,) = (o for o in document["CityObjects"].values() if o["type"] == "Building")
    (surfaces,) = building["geometry"]
    assert surfaces["type"] == "MultiSurface" and surfaces["lod"] == "1"
    assert len(surfaces["boundaries"]) == 2 * 6


def test_consumers_that_are_points_are_no_buildings(make, tmp_path):
    document = drawn(make, tmp_path, [Point(561210.0, 5569110.0)], use=["school"])
    (consumer,) = (o for o in document["CityObjects"].values() if "use" in o["attributes"])
    assert consumer["type"] == "CityFurniture"
    assert consumer["geometry"][0]["type"] == "MultiPoint"
