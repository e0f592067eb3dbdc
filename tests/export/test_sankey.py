from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.export.sankey import NODE, Flow, Node, lay_out


def overlapping(boxes):
    return [
        (a, b) for a, b in itertools.combinations(boxes, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]  # fmt: skip


def at(drawn, name):
    return next(node for node in drawn.nodes if node.name == name)


FUEL = [Flow("gas", "engine", 10.0), Flow("engine", "power", 4.0), Flow("engine", "heat", 5.0),
        Flow("grid", "power", 6.0), Flow("power", "pump", 2.0), Flow("pump", "heat", 6.0),
        Flow("heat", "houses", 11.0), Flow("power", "houses", 8.0)]  # fmt: skip


def test_every_node_stands_behind_the_last_that_feeds_it():
    drawn = lay_out(FUEL)
    x = {node.name: node.x for node in drawn.nodes}
    assert all(x[flow.source] < x[flow.target] for flow in FUEL)
    # gas, engine, power, pump, heat, houses: the longest path has six layers.
    assert sorted({round(value) for value in x.values()}) == sorted(
        {round(x[n]) for n in ("gas", "engine", "power", "pump", "heat", "houses")}
    )
    # What nothing feeds stands directly before what it feeds first.
    assert x["grid"] == x["engine"]


def test_heights_and_bands_are_on_one_scale():
    drawn = lay_out(FUEL)
    scale = at(drawn, "gas").height / 10.0
    for node in drawn.nodes:
        assert node.height == pytest.approx(scale * node.amount)
    for band in drawn.bands:
        assert band.thick == pytest.approx(scale * band.flow.amount)
    # The pump takes 2 and gives 6: it is as high as the larger.
    assert at(drawn, "pump").amount == 6.0


def test_bands_leave_and_enter_within_their_nodes():
    drawn = lay_out(FUEL)
    for band in drawn.bands:
        x0, y0, *_, x1, y1 = map(float, re.findall(r"-?[\d.]+", band.path.split("v")[0]))
        *_, back_x, back_y = map(float, re.findall(r"-?[\d.]+", band.path))
        assert (back_x, back_y) == pytest.approx((x0, y0 + band.thick), abs=0.11)
        source, target = at(drawn, band.flow.source), at(drawn, band.flow.target)
        assert x0 == pytest.approx(source.x + NODE, abs=0.1)
        assert x1 == pytest.approx(target.x, abs=0.1)
        assert source.y - 0.1 <= y0 and y0 + band.thick <= source.y + source.height + 0.1
        assert target.y - 0.1 <= y1 and y1 + band.thick <= target.y + target.height + 0.1


def test_a_band_that_passes_a_layer_runs_beside_its_nodes():
    drawn = lay_out(FUEL)
    band = next(b for b in drawn.bands if b.flow == Flow("engine", "heat", 5.0))
    # Where the band lies flat between two curves it passes a layer: power's and the pump's.
    flat = re.findall(r" ([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)C", band.path.split("v")[0])
    assert [float(x) for x, *_ in flat] == pytest.approx(
        [at(drawn, "power").x, at(drawn, "pump").x], abs=0.1)  # fmt: skip
    for (_, y, _, _), name in zip(flat, ("power", "pump"), strict=True):
        node = at(drawn, name)
        assert float(y) >= node.y + node.height or float(y) + band.thick <= node.y


def test_a_circle_is_cut_where_it_closes():
    circle = [Flow("wind", "power", 5.0), Flow("power", "electrolyser", 4.0),
              Flow("electrolyser", "hydrogen", 3.0), Flow("hydrogen", "engine", 3.0),
              Flow("engine", "power", 1.0)]  # fmt: skip
    drawn = lay_out(circle)
    x = {node.name: node.x for node in drawn.nodes}
    assert x["wind"] < x["power"] < x["electrolyser"] < x["hydrogen"] < x["engine"]
    assert len(drawn.bands) == 5


def test_nothing_is_no_diagram_and_the_invisible_is_counted():
    assert lay_out([]) is None
    assert lay_out([Flow("a", "b", 0.0), Flow("a", "a", 3.0)]) is None
    drawn = lay_out([Flow("a", "b", 100.0), Flow("c", "b", 0.001)])
    assert drawn.left_out == 1 and [node.name for node in drawn.nodes] == ["a", "b"]


def test_many_layers_leave_room_for_labels_between_them():
    chain = [Flow(f"node {i}", f"node {i + 1}", 10.0) for i in range(15)]
    drawn = lay_out(chain, width=900.0)
    assert drawn.width > 900.0
    for node in drawn.nodes:  # beside its node, where there is nothing else
        assert node.label_y == pytest.approx(node.y + node.height / 2)
        assert node.box[0] >= 0 and node.box[2] <= drawn.width


def test_a_label_that_had_to_move_away_is_led_to():
    before = Node("store", "store", "", 100.0, 50.0, 10.0, 1.0, 94.0, 55.0, "end")
    assert before.leader is None
    # Its lower edge is at 34, the middle of the node at 55.
    assert replace(before, label_y=20.0).leader == (97.0, 55.0, 34.0)
    behind = replace(before, label_y=90.0, label_x=120.0, anchor="start")
    assert behind.leader == (117.0, 55.0, 76.0)


names = st.sampled_from([f"kind of number {i}" for i in range(14)])


@given(st.lists(st.builds(Flow, names, names, st.floats(0.001, 1000.0)), max_size=40))
def test_neither_labels_nor_nodes_lie_on_each_other(flows):
    drawn = lay_out(flows)
    if drawn is None:
        return
    assert overlapping([node.box for node in drawn.nodes]) == []
    for node, other in itertools.product(drawn.nodes, repeat=2):
        block = (other.x - 2, other.y - 2, other.x + other.width + 2, other.y + other.height + 2)
        assert overlapping([node.box, block]) == [], (node.name, other.name)
    for a, b in itertools.combinations(drawn.nodes, 2):
        if a.x == b.x:
            assert a.y + a.height <= b.y + 1e-6 or b.y + b.height <= a.y + 1e-6
    for node in drawn.nodes:
        assert 0 <= node.x <= drawn.width and node.box[3] <= drawn.height
        assert node.y >= -1e-6 and node.y + node.height <= drawn.height + 1e-6
