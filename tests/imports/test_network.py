"""From a map of streets and consumers to a district that can be planned."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from click.testing import CliRunner, Result
from shapely.geometry import LineString, Point

import citygrid as cg
from citygrid.cli import main
from citygrid.components.heat_pipe import HeatPipe
from citygrid.imports.sizing import carried, simultaneity, smallest_size
from citygrid.imports.streets import route_tree, short_tree, street_graph
from citygrid.imports.zones import cut_into_zones
from citygrid.inputs.pipes import read_catalogue
from tests.helpers import solve

#: A street to the north with a side street that only touches it, and one that nothing touches.
STREETS = [[(0, 0), (0, 100), (0, 300)], [(0, 200), (150, 200)], [(500, 0), (500, 100)]]
HOUSES = {"mill": (10, 50, 40.0), "inn": (150, 210, 60.0), "farm": (0, 300, 20.0)}


def make_map(
    folder: Path, houses: dict[str, tuple[float, float, float]] | None = None,
    streets: list[list[tuple[float, float]]] | None = None, **columns: list[object],
) -> Path:  # fmt: skip
    path, houses = folder / "map.gpkg", HOUSES if houses is None else houses
    frames = {
        "streets": gpd.GeoDataFrame(
            columns, geometry=[LineString(line) for line in streets or STREETS], crs=25832
        ),
        "consumers": gpd.GeoDataFrame(
            {"name": list(houses), "peak_kw": [peak for *_, peak in houses.values()]},
            geometry=[Point(x, y) for x, y, _ in houses.values()], crs=25832,
        ),
        "source": gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=25832),
    }  # fmt: skip
    for layer, frame in frames.items():
        frame.to_file(path, layer=layer, driver="GPKG")
    return path


def run(path: Path, *more: str, out: str = "out.yaml") -> Result:
    return CliRunner().invoke(
        main, ["import", "network", str(path), "--out", str(path.parent / out), *more]
    )


def pipes_of(path: Path) -> dict[tuple[str, str], HeatPipe]:
    district = cg.load(path)
    return {(c.from_, c.to): c for c in district.components.values() if isinstance(c, HeatPipe)}


# the hand-solved map -----------------------------------------------------------------------------


def test_a_small_map_by_hand(tmp_path: Path) -> None:
    """Three consumers: two beside their street get a house connection of 10 m, one is on its end.

    The street meets the mill's connection at 50 m and the side street at 200 m, where it touches.
    """
    done = run(make_map(tmp_path))
    assert done.exit_code == 0, done.output
    laid = pipes_of(tmp_path / "out.yaml")
    lengths = {ends: pipe.length for ends, pipe in laid.items()}
    assert lengths == {
        ("source", "junction 1"): 50, ("junction 1", "mill"): 10, ("junction 1", "junction 2"): 150,
        ("junction 2", "farm"): 100, ("junction 2", "inn"): 160,
    }  # fmt: skip
    plan = solve(tmp_path / "out.yaml")
    assert plan.verdict.ok
    served = dict(zip(plan.plan.dataset["heat_demand"].values,
                      plan.flow("heat_demand.served")[:, 0], strict=True))  # fmt: skip
    share = float(simultaneity(3))
    assert served == pytest.approx(
        {"heat mill": 40 * share, "heat inn": 60 * share, "heat farm": 20 * share}, rel=1e-3
    )


def test_diameters_follow_the_peaks_behind_that_are_drawn_at_once(tmp_path: Path) -> None:
    """120 kW · g(3) need DN 32 at 1.5 m/s and 30 K, for DN 25 carries 118 kW; 60 kW need DN 20.

    g(3) = 0.4497 + 0.5512 / (1 + (3/53.84)^1.763) = 0.9975.
    """
    run(make_map(tmp_path))
    laid = {ends: pipe.dn for ends, pipe in pipes_of(tmp_path / "out.yaml").items()}
    assert float(simultaneity(3)) == pytest.approx(0.9975, abs=1e-4)
    assert float(carried(0.0285, 30, 1.5)) == pytest.approx(118.1, abs=0.1)
    assert laid["source", "junction 1"] == 32
    assert laid["junction 1", "mill"] == 20 and laid["junction 2", "inn"] == 20


def test_a_map_is_drawn_beside_the_district(tmp_path: Path) -> None:
    run(make_map(tmp_path))
    drawn = gpd.read_file(tmp_path / "out.gpkg", layer="pipes")
    assert drawn.length.sum() == pytest.approx(470)
    assert cg.prepare(cg.load(tmp_path / "out.yaml")).geometry is not None


def test_given_edges_are_kept_with_their_loops_and_sizes(tmp_path: Path) -> None:
    """A square of four mains: all remain, and in a loop pipes may carry both ways."""
    corners = [(0, 0), (0, 100), (100, 100), (100, 0), (0, 0)]
    square = [[a, b] for a, b in pairwise(corners)] + [[(100, 100), (200, 100)]]
    path = make_map(tmp_path, {"far": (200, 100, 30.0), "side": (0, 100, 10.0)}, square,
                    dn=[50, 50, 65, 65, 40])  # fmt: skip
    assert run(path, "--edges", "given").exit_code == 0
    laid = pipes_of(tmp_path / "out.yaml")
    assert sum(pipe.length for pipe in laid.values()) == pytest.approx(500)
    sizes = sorted((pipe.dn, pipe.reversible) for pipe in laid.values() if pipe.dn)
    assert sizes == [(40, False), (50, True), (50, True), (65, True)]
    assert solve(tmp_path / "out.yaml").verdict.ok


def test_a_pipe_that_closes_a_loop_is_as_wide_as_what_it_joins(tmp_path: Path) -> None:
    """The inn is reached by way of the works; no shortest way takes the pipe from the shop to it.

    At 1.5 m/s and 30 K: 650 kW need DN 65, 300 DN 50, 250 DN 40; the closing pipe takes DN 40.
    """
    corners = [(0, 0), (0, 100), (100, 100), (100, -20), (0, 0)]
    houses = {"works": (0, 100, 400.0), "shop": (100, -20, 300.0), "inn": (100, 100, 250.0)}
    path = make_map(tmp_path, houses, [[a, b] for a, b in pairwise(corners)])
    assert run(path, "--edges", "given", "--simultaneity", "1").exit_code == 0
    laid = {frozenset(ends): pipe.dn for ends, pipe in pipes_of(tmp_path / "out.yaml").items()}
    assert laid == {
        frozenset(("source", "works")): 65, frozenset(("source", "shop")): 50,
        frozenset(("works", "inn")): 40, frozenset(("shop", "inn")): 40,
    }  # fmt: skip


def test_zones_have_one_node_each(tmp_path: Path) -> None:
    assert run(make_map(tmp_path), "--group", "50 kW").exit_code == 0
    district = cg.load(tmp_path / "out.yaml")
    assert set(district.spec.nodes) == {"source", "zone 1", "zone 2"}
    assert solve(tmp_path / "out.yaml").verdict.ok


def test_weather_makes_a_day_of_standard_profiles_that_pipes_can_carry(
    tmp_path: Path, repository: Path
) -> None:
    weather = str(repository / "data" / "frankfurt_2023" / "weather.parquet")
    assert run(make_map(tmp_path), "--weather", weather, "--supply=-10:90,15:75",
               "--full-load-hours", "6000").exit_code == 0  # fmt: skip
    case = cg.prepare(cg.load(tmp_path / "out.yaml"))
    assert len(case.time) == 24 and case.units["heat_pipe"]["supply"].std() > 0
    # A year of 6,000 hours at peak makes an hour above the peaks: pipes were widened for it.
    assert case.units["heat_demand"]["load"].sum(axis=0).max() > 120
    assert solve(tmp_path / "out.yaml").verdict.ok


def test_an_imported_district_moves_together_with_its_files(
    tmp_path: Path, repository: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    weather = here / "air.parquet"
    weather.write_bytes((repository / "data/frankfurt_2023/weather.parquet").read_bytes())
    assert run(make_map(here), "--weather", str(weather)).exit_code == 0
    here.rename(there)
    assert str(tmp_path) not in (there / "out.yaml").read_text().split("\nname:")[1]
    assert len(cg.prepare(cg.load(there / "out.yaml")).time) == 24


@pytest.mark.parametrize("more", [[], ["--group", "200 kW"], ["--edges", "steiner"],
                                  ["--edges", "given"]])  # fmt: skip
def test_the_shipped_streets_become_a_district_in_one_command(
    tmp_path: Path, repository: Path, more: list[str]
) -> None:
    """200 consumers and 435 pieces of street; planned and verified as it stands."""
    out = tmp_path / "district.yaml"
    streets = str(repository / "data" / "frankfurt_2023" / "streets.gpkg")
    done = CliRunner().invoke(main, ["import", "network", streets, "--out", str(out), "--json",
                                     *more])  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["consumers"] == 200 and told["peak_kw"] == pytest.approx(2560, abs=1)
    if not more:
        assert told["length_m"] == pytest.approx(8484, abs=5)
    if "steiner" in more:
        assert told["length_m"] < 8484
    if "given" in more:
        assert told["length_m"] == pytest.approx(9047, abs=5)
        return  # 135 pipes in loops choose their direction: planned by the test of the square
    assert solve(out).verdict.ok


# faults ------------------------------------------------------------------------------------------


def test_consumers_that_cannot_be_snapped_are_all_named(tmp_path: Path) -> None:
    path = make_map(tmp_path, {**HOUSES, "hut": (90, 80, 5.0), "mine": (510, 50, 9.0),
                               "barn": (-60, 80, 5.0)})  # fmt: skip
    done = run(path)
    assert done.exit_code == 2 and not (tmp_path / "out.yaml").exists()
    said = done.stderr.splitlines()
    assert len(said) == 3
    assert "hut: is 90 m from the nearest street" in said[0] and "--snap-limit" in said[0]
    assert "barn: is 60 m from the nearest street" in said[1]
    assert "mine: no street leads there from the source" in said[2]
    assert run(path, "--snap-limit", "95 m").stderr.count("error:") == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--supply", "45 degC"], ["45 degC are not above the return of 50 degC"]),
        (["--supply=-10:90,15:40,20:30"], ["30 degC are not", "40 degC are not"]),
        (["--supply=-10:x", "--velocity", "3 kg"], ["is no point of a curve", "--velocity"]),
        (["--simultaneity", "2"], ["is not a share above 0"]),
        (["--catalogue", "none.csv"], ["the file is not there"]),
        (["--weather", "none.csv"], ["no such file"]),
        (["--group", "50 kW", "--edges", "given"], ["does not go with given edges"]),
        (["--velocity", "0.0005 m/s"], ["pipe 1: ", "more than the largest pipe"]),
        (["--peak", "width"], ["has no column with peak heat in kW", "there is name, peak_kw"]),
        (["--supply", "45 degC", "--catalogue", "none.csv", "--snap-limit", "2 kg", "--group", "x",
          "--source", "nowhere.gpkg"],
         ["--supply", "the file is not there", "--snap-limit", "--group", "no such file"]),
        (["--source", "nowhere.gpkg"], ["nowhere.gpkg: no such file"]),
    ],
)  # fmt: skip
def test_wrong_options_are_told(tmp_path: Path, more: list[str], told: list[str]) -> None:
    done = run(make_map(tmp_path), *more)
    assert done.exit_code == 2, done.output
    assert all(words in done.stderr for words in told), done.stderr
    assert not (tmp_path / "out.yaml").exists()


def test_a_catalogue_that_is_too_small_is_one_fault(tmp_path: Path) -> None:
    done = run(make_map(tmp_path), "--velocity", "0.0005 m/s")
    (said,) = done.stderr.splitlines()
    assert "pipe 1: " in said and "so are " in said and "others" in said


def test_a_broken_catalogue_is_told_with_every_row(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("dn,inner [mm],u1,u2\n20,-1,0.1,0\n25,28,0.1,0.2\n")
    done = run(make_map(tmp_path), "--catalogue", str(tmp_path / "c.csv"))
    assert done.exit_code == 2 and done.stderr.count("error:") == 2


def test_consumers_without_a_peak_or_with_one_name_are_told(tmp_path: Path) -> None:
    path = make_map(tmp_path, {**HOUSES, "shed": (0, 90, -3.0)})
    frame = gpd.read_file(path, layer="consumers")
    frame.loc[1, "name"] = "mill"
    frame.to_file(path, layer="consumers", driver="GPKG")
    done = run(path)
    assert done.exit_code == 2
    assert "shed: has no peak heat above 0" in done.stderr
    assert "mill: has the name of another consumer" in done.stderr


def test_streets_in_degrees_are_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[LineString([(8, 50), (8.1, 50)])], crs=4326).to_file(
        tmp_path / "map.gpkg", layer="streets", driver="GPKG"
    )
    done = run(tmp_path / "map.gpkg", "--source", "0,0", "--consumers", str(tmp_path / "map.gpkg"))
    assert done.exit_code == 2 and "is not in metres" in done.stderr


def test_the_map_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    done = run(make_map(tmp_path), out="map.yaml")
    assert done.exit_code == 2 and "would write its map over an input" in done.stderr


# parts -------------------------------------------------------------------------------------------


def test_simultaneity_falls_from_one_to_less_than_half() -> None:
    shares = simultaneity(np.array([1, 10, 54, 200, 10_000]))
    assert (np.diff(shares) < 0).all()
    assert shares[[0, 2, 4]] == pytest.approx([1.0, 0.725, 0.4498], abs=2e-3)


def test_the_smallest_pipe_that_carries_is_chosen() -> None:
    """DN 50: 983 · π/4 · 0.0545² · 1.5 · 4.186 · 30 = 432 kW."""
    catalogue = read_catalogue()
    assert [smallest_size(heat, 30, 1.5, catalogue) for heat in (431, 433, 1e6)] == [50, 65, None]
    assert smallest_size(10, 30, 1.5, catalogue, least=81) == 100


def test_two_streets_between_the_same_corners_both_stay() -> None:
    bow = gpd.GeoDataFrame(
        geometry=[LineString([(0, 0), (100, 0)]), LineString([(0, 0), (50, 80), (100, 0)])],
        crs=25832,
    )
    graph = street_graph(bow, {"a": Point(0, 0)}).graph
    assert sum(length for *_, length in graph.edges(data="length")) == pytest.approx(
        bow.length.sum()
    )


def test_a_short_tree_is_no_longer_than_the_shortest_ways() -> None:
    """Two consumers behind one another's back: a common way is longer for one, and shorter."""
    lines = [[(0, 0), (0, 100)], [(0, 0), (60, 100)], [(0, 100), (60, 100)]]
    streets = gpd.GeoDataFrame(geometry=[LineString(line) for line in lines], crs=25832)
    points = {"s": Point(0, 0), "a": Point(0, 100), "b": Point(60, 100)}
    graph = street_graph(streets, points).graph

    def length(tree: object) -> float:
        return sum(graph.edges[edge]["length"] for edge in tree.edges)  # type: ignore[attr-defined]

    near, short = route_tree(graph, "s", ["a", "b"]), short_tree(graph, "s", ["a", "b"])
    assert length(near) == pytest.approx(100 + np.hypot(60, 100))
    assert length(short) == pytest.approx(160)


def test_zones_hold_every_node_once() -> None:
    streets = gpd.GeoDataFrame(geometry=[LineString(line) for line in STREETS[:2]], crs=25832)
    points = {"s": Point(0, 0), **{n: Point(x, y) for n, (x, y, _) in HOUSES.items()}}
    graph = street_graph(streets, points).graph
    tree = route_tree(graph, "s", list(HOUSES))
    zones = cut_into_zones(tree, {n: peak for n, (*_, peak) in HOUSES.items()}, 50.0)
    held = [node for _, nodes in zones for node in nodes]
    assert sorted(held) == sorted(tree.nodes)


# slips of a map ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("streets", "reason"),
    [
        ([[(0, 0), (0, 0)]], "has no lines that are longer than 0"),
        ([[(0, 0), (0, float("inf"))]], "row 1: is drawn where nothing can be"),
        ([[(0, 0), (0, 300)], [(0, 0), (1e300, 0)]], "row 2: is drawn where nothing can be"),
    ],
)
def test_streets_that_lead_nowhere_are_told(
    tmp_path: Path, streets: list[list[tuple[float, float]]], reason: str
) -> None:
    done = run(make_map(tmp_path, streets=streets))
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert isinstance(done.exception, SystemExit) and not (tmp_path / "out.yaml").exists()


@pytest.mark.parametrize("more", [(), ("--group", "50 kW"), ("--edges", "steiner")])
def test_consumers_at_the_source_need_no_network(tmp_path: Path, more: tuple[str, ...]) -> None:
    done = run(make_map(tmp_path, {"a": (0, 0, 5.0), "b": (0, 0.05, 5.0)}), *more)
    assert done.exit_code == 2 and "every consumer at the source" in done.stderr, done.output


def test_a_peak_in_the_wrong_unit_is_told_in_one_short_line(tmp_path: Path) -> None:
    done = run(make_map(tmp_path, {"a": (0, 100, 1e300)}))
    assert done.exit_code == 2 and "beyond 10 GW" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and len(done.stderr) < 300


def test_a_line_of_one_point_is_told_in_one_line(tmp_path: Path) -> None:
    shape = {"type": "LineString", "coordinates": [[9, 50]]}
    path = tmp_path / "streets.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": shape, "properties": {}}]}))  # fmt: skip
    done = run(path, "--consumers", str(make_map(tmp_path)) + ":consumers", "--source", "0,0")
    assert done.exit_code == 2 and "cannot be read" in done.stderr, done.output
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--group", "0 kW"), "--group: is not above 0"),
        (("--group", "-5 kW"), "--group: is not above 0"),
        (("--snap-limit", "-1 m"), "--snap-limit: is below 0"),
        (("--velocity", "1e300 m/s"), "--velocity: is not between"),
        (("--supply", "1e300 degC"), "--supply: is not between"),
        (("--return", "-300 degC"), "--return: is not between"),
        (("--ground", "1e9 degC"), "--ground: is not between"),
        (("--length", "48 h"), "--length: means nothing without --weather"),
        (("--profile", "MFH"), "--profile: means nothing without --weather"),
        (("--full-load-hours", "nan"), "not a finite number"),
    ],
)
def test_options_that_cannot_be_are_told_and_nothing_is_written(
    tmp_path: Path, more: tuple[str, str], reason: str
) -> None:
    done = run(make_map(tmp_path), *more)
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert isinstance(done.exception, SystemExit)
    assert [file.name for file in tmp_path.iterdir()] == ["map.gpkg"]


def test_a_weather_file_that_is_none_is_told_by_the_name_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_map(tmp_path)
    (tmp_path / "air.epw").write_text("not weather")
    monkeypatch.chdir(tmp_path)
    done = run(path, "--weather", "air.epw")
    assert done.exit_code == 2 and "weather: air.epw" in done.stderr, done.output
    assert "tmp" not in done.stderr.replace(str(tmp_path), "")
