"""Pictures of districts: as far east is as wide as far north, and all of it lies within."""

from __future__ import annotations

import pytest
from pyproj import CRS
from shapely.affinity import affine_transform
from shapely.geometry import Point

import citygrid as cg
from citygrid.export.drawing.projection import WIDTH, projection
from citygrid.export.report.table_page import draw_marked

#: The grid at one node, cables of a kilometre each to the east and to the north of it.
DISTRICT = """
name: corner
crs: {crs}
horizon: {{start: 2023-01-16T00:00Z, length: 1 h, step: 1 h}}
nodes: {{plant: {{at: [{x}, {y}]}}, east: {{at: [{east}, {y}]}}, north: {{at: [{x}, {north}]}}}}
components:
  grid: {{kind: grid, node: plant, import: {{price: 0.3 EUR/kWh, max: 1 MW}}}}
  one: {{kind: power_line, from: plant, to: east, capacity: 90 kW, loss_share: 1 %}}
  two: {{kind: power_line, from: plant, to: north, capacity: 90 kW, loss_share: 1 %}}
  here: {{kind: power_demand, node: east, load: 10 kW}}
  there: {{kind: power_demand, node: north, load: 10 kW}}
"""
PLACES = {
    "EPSG:25832": {"x": 560000, "y": 6650000, "east": 561000, "north": 6651000},
    # At 60 degrees a degree of longitude is half as long as one of latitude.
    "EPSG:4326": {"x": 10.0, "y": 59.99551, "east": 10.01796, "north": 60.00449},
}


@pytest.mark.parametrize("crs", PLACES)
def test_a_kilometre_is_as_long_to_the_east_as_to_the_north(crs, tmp_path):
    """The page of outages drew degrees as if the earth were flat, twice too wide in Oslo."""
    path = tmp_path / "corner.yaml"
    path.write_text(DISTRICT.format(crs=crs, **PLACES[crs]))
    case = cg.prepare(cg.load(path))
    marks = {name: ("lost", f"{name}: lost") for name in ("one", "two", "grid")}
    drawing = draw_marked(case, marks, {"lost": "#B00020"}, "a title")
    assert drawing is not None
    ends = [[tuple(map(float, pair.split(","))) for pair in line["points"].split()]
            for line in drawing.lines]  # fmt: skip
    (start, east), (_, north) = ((line[0], line[-1]) for line in ends)
    assert north[0] == pytest.approx(start[0]) and east[1] == pytest.approx(start[1])
    assert east[0] - start[0] == pytest.approx(start[1] - north[1], rel=2e-3) and east[0] > start[0]
    pixels = [*ends[0], *ends[1], *((dot["x"], dot["y"]) for dot in drawing.dots)]
    assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in pixels)


def test_one_place_is_in_the_middle_and_a_scale_needs_a_known_system():
    alone = Point(560000, 6650000)
    to_pixels, height, metres = projection([alone], CRS("EPSG:25832"))
    middle = affine_transform(alone, to_pixels)
    assert (middle.x, middle.y) == (pytest.approx(WIDTH / 2), pytest.approx(height / 2))
    assert metres == pytest.approx(500.0 / WIDTH)
    assert projection([alone, Point(0, 0)], None).metres is None
