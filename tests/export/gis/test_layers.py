"""Layers of the map: every line in that of its network."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import geopandas as gpd
import pyogrio
import pytest

from citygrid.export import write
from citygrid.export.report import Entry, write_report
from tests.helpers import solve, variant


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A district of three nodes whose only lines are data links."""
    folder = tmp_path_factory.mktemp("linked")
    places = {"town": (500_000, 5_500_000), "port": (500_400, 5_500_000),
              "hill": (500_400, 5_500_300)}  # fmt: skip
    changes = [(f"  {name}: {{}}", f"  {name}: {{at: [{x}, {y}]}}")
               for name, (x, y) in places.items()]  # fmt: skip
    path = variant("data_link", folder, *changes, ("name: data link", "name: l\ncrs: EPSG:25832"))
    return solve(path), folder


def test_data_links_are_no_pipes(linked):
    solved, folder = linked
    files = write(solved.plan, ["gpkg", "geojson", "kml", "cityjson", "esdl"], folder / "out",
                  solved.verdict)  # fmt: skip
    layers = {name for name, _ in pyogrio.list_layers(files["gpkg"])}
    assert "data_links" in layers and not {"heat_network", "feeders"} & layers
    links = gpd.read_file(files["gpkg"], layer="data_links").set_index("name")
    assert links.loc["radio", "max_used"] == pytest.approx(1.0)
    assert links[["mean_kw", "capacity_kw", "loss_mwh"]].isna().all(axis=None)
    root = ElementTree.parse(files["kml"]).getroot()
    assert "data_links-5" in {each.get("id") for each in root.iter()}
    assert "pumps" not in files["esdl"].read_text("utf-8")
    assert "fibre (data link)" in files["esdl"].read_text("utf-8")


def test_the_report_says_of_a_data_link_how_full_it_is_and_no_power(linked):
    solved, folder = linked
    write_report([Entry("milp", solved.case, solved.plan, solved.verdict)], folder / "report.html")
    page = (folder / "report.html").read_text("utf-8")
    assert "radio, hill to port: in use 100% on average, 100% at most" in page
    assert 'class="data u5"' in page and "Dotted green lines are data links" in page
    assert not re.search(r"\bnan\b", page)
