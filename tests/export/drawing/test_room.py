"""Names and plates on a map: none lies on another, and what has no room is told."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

from citygrid.export.assets import asset_table
from citygrid.export.drawing.picture import draw
from citygrid.export.drawing.plates import IN_A_ROW, LETTER, LINE, STEP
from citygrid.export.drawing.room import Room
from citygrid.export.flows import dispatch
from citygrid.export.gis.geometry import locate
from citygrid.export.windows import _marks
from tests.helpers import solve

STREET = """
name: street
horizon: {{start: 2023-01-16T00:00Z, length: 1 h}}
crs: EPSG:25832
nodes:
{nodes}
components:
  bulk: {{kind: grid, node: n0, import: {{price: 0.2 EUR/kWh, max: 100 MW}}}}
{components}
"""


def boxes_of(picture):
    """What every cluster covers: its name above its plates."""
    found = []
    for cluster in picture.clusters:
        across = min(len(cluster.plates), IN_A_ROW) * STEP[0]
        down = -(-len(cluster.plates) // IN_A_ROW) * STEP[1]
        top = cluster.y - 9.0
        found.append((cluster.x, top, cluster.x + max(across, LETTER * len(cluster.node)),
                      top + down + (LINE if cluster.node else 0.0)))  # fmt: skip
    return found


@pytest.mark.parametrize("units", [0, 150])
def test_of_three_hundred_nodes_no_name_lies_on_another(tmp_path, units):
    nodes = "\n".join(f"  n{i}: {{at: [{561000 + 23 * (i % 20)}, {5568000 + 31 * (i // 20)}]}}"
                      for i in range(300))  # fmt: skip
    components = [f"  power {i}: {{kind: power_demand, node: n{i}, load: {i + 1} kW}}"
                  for i in range(300)]  # fmt: skip
    components += [f"  cable {i}: {{kind: power_line, from: n0, to: n{i}, capacity: 1 MW, "
                   "loss_share: 1 %}" for i in range(1, 300)]  # fmt: skip
    components += [f"  cell {i}: {{kind: battery, node: n{i}, capacity: 5 kWh, charge: 1 kW, "
                   "discharge: 1 kW}" for i in range(units)]  # fmt: skip
    components += [f"  grid {i}: {{kind: grid, node: n{i}, import: {{price: 1 EUR/kWh, "
                   "max: 9 kW}}" for i in range(units)]  # fmt: skip
    path = tmp_path / "street.yaml"
    path.write_text(STREET.format(nodes=nodes, components="\n".join(components)))
    case, _, plan, verdict = solve(path)
    moved = dispatch(case, plan)
    picture = draw(case, locate(case), moved, asset_table(case, verdict, moved))
    for a, b in itertools.combinations(boxes_of(picture), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
    named = [cluster.node for cluster in picture.clusters if cluster.node]
    assert "n0" in named and 10 < len(named) < 300
    assert f"{300 - len(named)} nodes" in picture.left_out
    shown = sum(len(cluster.plates) for cluster in picture.clusters)
    hidden = [place.about for place in picture.places if "; with " in place.about]
    assert shown + sum(about.count("cell ") + about.count("grid ") for about in hidden) == (
        1 + 2 * units
    )
    if not units:
        # Of those that have nothing, who needs most is named first.
        assert "n299" in named


def test_a_lonely_name_stands_beside_its_node_and_off_the_lines():
    line = LineString([(0, 100), (760, 100)])
    room = Room([Point(300, 100)], [line], 760.0, 400.0)
    x, y = room.spot(Point(300, 100), (70.0, 13.0), (12.0, 24.0))
    assert y > 100 or y + 13 < 100
    assert np.hypot(x + 35 - 300, y + 6 - 100) < 80
    # The same place again is taken now.
    assert room.spot(Point(300, 100), (70.0, 13.0), (12.0, 24.0)) != (x, y)


def test_there_is_no_room_for_what_is_larger_than_the_map():
    room = Room([Point(50, 50)], [], 100.0, 100.0)
    assert room.spot(Point(50, 50), (300.0, 13.0), (12.0,)) is None


@pytest.mark.parametrize(
    ("zone", "start", "lacks", "hours"),
    [("Europe/Berlin", "2023-03-25T12:00", None, [0, 6, 12, 18, 0, 6, 12, 18, 0]),
     ("Europe/Berlin", "2023-10-28T12:00", None, [0, 6, 12, 18, 0, 6, 12, 18]),
     # Clocks go forward at midnight: that day begins at one.
     ("Africa/Cairo", "2023-04-27T12:00", "2023-04-28T00:00", [0, 6, 12, 18, 6, 12, 18, 0])],
)  # fmt: skip
def test_marks_are_round_on_a_clock_that_is_changed(zone, start, lacks, hours):
    begin = pd.Timestamp(start, tz=zone)
    marks = _marks(begin, begin + pd.Timedelta(hours=36), "6h")
    assert list(marks.hour) == hours
    assert lacks is None or pd.Timestamp(lacks) not in marks.tz_localize(None)
