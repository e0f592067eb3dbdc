"""One network as GeoPackage, GeoJSON and Shapefile is one district; what is wrong is told."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
from click.testing import CliRunner, Result
from shapely.geometry import LineString, MultiPoint, Point, box

import citygrid as cg
from citygrid.cli import main
from citygrid.export.gis.cityjson import write_cityjson
from citygrid.export.gis.geometry import locate
from citygrid.export.subject import Subject
from citygrid.imports.layers import column_of
from tests.helpers import solve

#: Somewhere in UTM zone 32.
EAST, NORTH = 500_000, 5_500_000
STREETS = [[(0, 0), (0, 300)], [(0, 200), (150, 200)]]
HOUSES = {"mill": (10, 50, 40.0), "inn": (150, 210, 60.0), "farm": (0, 300, 20.0)}


def layers(crs: int = 25832) -> dict[str, gpd.GeoDataFrame]:
    def at(x: float, y: float) -> tuple[float, float]:
        return EAST + x, NORTH + y

    found = {
        "streets": gpd.GeoDataFrame(
            {"dn": [65, 50]}, geometry=[LineString([at(*p) for p in s]) for s in STREETS], crs=25832
        ),
        "consumers": gpd.GeoDataFrame(
            {"name": list(HOUSES), "peak_kw": [peak for *_, peak in HOUSES.values()],
             "full_load_hours": [1800.0, 2200.0, 1500.0]},
            geometry=[Point(at(x, y)) for x, y, _ in HOUSES.values()], crs=25832,
        ),
        "source": gpd.GeoDataFrame({"id": [1]}, geometry=[Point(at(0, 0))], crs=25832),
    }  # fmt: skip
    return {name: frame.to_crs(crs) for name, frame in found.items()}


def stored(folder: Path, form: str, crs: int = 25832) -> list[str]:
    """Arguments that name the map, written in a form."""
    found = layers(crs)
    if form == "gpkg":
        for name, frame in found.items():
            frame.to_file(folder / "map.gpkg", layer=name)
        return [str(folder / "map.gpkg")]
    ending = "geojson" if form == "geojson" else "shp"
    for name, frame in found.items():
        # As a Shapefile cuts them.
        cut = {c: c[:10] for c in frame.columns if ending == "shp" and len(c) > 10}
        frame.rename(columns=cut).to_file(folder / f"{name}.{ending}")
    if form == "zip":
        with zipfile.ZipFile(folder / "map.zip", "w") as archive:
            for file in folder.glob("*.*"):
                if file.suffix != ".zip":
                    archive.write(file, file.name)
        return [str(folder / "map.zip")]
    return [str(folder / f"streets.{ending}"), "--consumers", str(folder / f"consumers.{ending}"),
            "--source", str(folder / f"source.{ending}")]  # fmt: skip


def run(named: list[str], out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["import", "network", *named, "--out", str(out), *more])


def text_of(out: Path) -> str:
    """What a district says, without the command that made it."""
    return out.read_text().split("\n", 1)[1]


def test_the_same_network_in_every_format_is_the_same_district(
    tmp_path: Path, repository: Path
) -> None:
    """Hours of full load come through the cut name: else annual heat would be that of 2,000 h."""
    weather = ["--weather", str(repository / "data/frankfurt_2023/weather.parquet")]
    said = {}
    for form in ("gpkg", "geojson", "shp", "zip"):
        folder = tmp_path / form
        folder.mkdir()
        done = run(stored(folder, form), folder / "out.yaml", *weather)
        assert done.exit_code == 0, done.output
        said[form] = text_of(folder / "out.yaml").replace(str(folder), "")
    assert len(set(said.values())) == 1
    assert "annual: 72000 kWh" in said["shp"]
    assert solve(tmp_path / "shp" / "out.yaml").verdict.ok


def test_a_map_in_degrees_is_projected_to_the_system_that_is_asked_for(tmp_path: Path) -> None:
    named = stored(tmp_path, "geojson", 4326)
    refused = run(named, tmp_path / "out.yaml")
    assert refused.exit_code == 2 and "--crs EPSG:32632" in refused.stderr
    assert run(named, tmp_path / "out.yaml", "--crs", "EPSG:25832").exit_code == 0
    assert run(stored(tmp_path, "gpkg"), tmp_path / "same.yaml").exit_code == 0
    (a, b) = (cg.load(tmp_path / name).components for name in ("out.yaml", "same.yaml"))
    assert [n for n in a if n.startswith("pipe")] == [n for n in b if n.startswith("pipe")]
    for name, pipe in a.items():
        if name.startswith("pipe"):
            assert pipe.length == pytest.approx(b[name].length, abs=0.02)  # type: ignore[attr-defined]


def test_layers_in_different_systems_meet(tmp_path: Path) -> None:
    for name, frame in layers().items():
        frame.to_crs({"streets": 25832, "consumers": 4326, "source": 3857}[name]).to_file(
            tmp_path / "map.gpkg", layer=name
        )
    assert run([str(tmp_path / "map.gpkg")], tmp_path / "out.yaml").exit_code == 0


def spoil(name: str, frame: gpd.GeoDataFrame, how: str) -> gpd.GeoDataFrame:
    """A layer with one thing wrong with it."""
    if (name, how) == ("streets", "points"):
        return frame.set_geometry(frame.centroid)
    if (name, how) == ("consumers", "lines"):
        return frame.set_geometry(frame.buffer(5).boundary)
    if (name, how) == ("consumers", "no peak"):
        return frame.rename(columns={"peak_kw": "load"})
    if (name, how) == ("consumers", "elsewhere"):
        return frame.set_crs(25833, allow_override=True)
    if (name, how) == ("source", "two"):
        return frame.set_geometry([MultiPoint([(EAST, NORTH), (EAST, NORTH + 1)])]).explode()
    return frame.iloc[:0] if (name, how) == ("consumers", "empty") else frame


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("points", 'streets.shp: has no lines (got "Point")'),
        ("lines", 'mill: is neither a point nor an area (got "LineString")'),
        ("no peak", "has no column with peak heat in kW; name it by --peak; there is name, load, "),
        ("elsewhere", "km from"),
        ("two", "source.shp: has 2 sources"),
        ("empty", "consumers.shp: the layer is empty"),
        ("prj", "streets.shp: does not say its coordinate system: its .prj file is missing"),
        ("shx", "streets.shp: cannot be read (Unable to open"),
        ("dbf", "consumers.shp: has no column with peak heat in kW"),
        ("cut", "streets.shp: cannot be read ("),
    ],
)
def test_what_is_wrong_with_a_shapefile_is_told(tmp_path: Path, how: str, reason: str) -> None:
    named = stored(tmp_path, "shp")
    for name, frame in layers().items():
        spoilt = spoil(name, frame, how)
        if spoilt is not frame:
            cut = {c: c[:10] for c in spoilt.columns if len(c) > 10}
            spoilt.rename(columns=cut).to_file(tmp_path / f"{name}.shp")
    if how in ("prj", "shx", "dbf"):
        layer = "consumers" if how == "dbf" else "streets"
        (tmp_path / f"{layer}.{how}").unlink()
    if how == "cut":
        (tmp_path / "streets.shp").write_bytes(b"\0" * 40)
    done = run(named, tmp_path / "out.yaml")
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out.yaml").exists() and not (tmp_path / "out.gpkg").exists()


def test_metres_that_say_they_are_degrees_are_told(tmp_path: Path) -> None:
    """GeoJSON without a member `crs` is WGS 84 by its standard."""
    named = stored(tmp_path, "geojson")
    document = json.loads((tmp_path / "streets.geojson").read_text())
    del document["crs"]
    (tmp_path / "streets.geojson").write_text(json.dumps(document))
    done = run(named, tmp_path / "out.yaml", "--crs", "EPSG:25832")
    assert done.exit_code == 2 and "says that it is in degrees (WGS 84), and is not" in done.stderr


def test_features_that_are_no_lines_are_counted(tmp_path: Path) -> None:
    named = stored(tmp_path, "geojson")
    document = json.loads((tmp_path / "streets.geojson").read_text())
    lamp = {"type": "Point", "coordinates": [EAST, NORTH]}
    document["features"].append({"type": "Feature", "properties": {}, "geometry": lamp})
    (tmp_path / "streets.geojson").write_text(json.dumps(document))
    done = run(named, tmp_path / "out.yaml", "--json")
    assert done.exit_code == 0, done.output
    (note,) = json.loads(done.stdout)["notes"]
    assert "1 of 3 features are no lines" in note


def test_a_cut_name_that_was_numbered_is_nobodys() -> None:
    """dBASE makes peak_load_ and peak_loa_1 of peak_load_kw and peak_load_old."""
    frame = gpd.GeoDataFrame({"peak_load_": [1], "PEAK_KW": [2]}, geometry=[Point(0, 0)])
    assert column_of(frame, ("peak_load_kw",)) == "peak_load_"
    assert column_of(frame, ("peak_kw",)) == "PEAK_KW"
    assert column_of(frame.assign(peak_loa_1=3), ("peak_load_kw",)) is None


def test_heights_in_a_map_do_not_matter(tmp_path: Path) -> None:
    """Utilities draw in three dimensions; lengths are those of the plan."""
    for name, frame in layers().items():
        frame.set_geometry(frame.geometry.force_3d(120.0)).to_file(tmp_path / f"{name}.geojson")
    named = [str(tmp_path / "streets.geojson"), "--consumers", str(tmp_path / "consumers.geojson"),
             "--source", str(tmp_path / "source.geojson")]  # fmt: skip
    assert run(named, tmp_path / "out.yaml").exit_code == 0
    assert run(stored(tmp_path, "gpkg"), tmp_path / "same.yaml").exit_code == 0
    assert text_of(tmp_path / "out.yaml").replace("out", "same") == text_of(tmp_path / "same.yaml")


@pytest.mark.parametrize(("sizes", "code"), [(["DN 65", "50"], 0), (["65", "wide"], 2)])
def test_diameters_may_be_texts(tmp_path: Path, sizes: list[str], code: int) -> None:
    named = stored(tmp_path, "geojson")
    layers()["streets"].assign(dn=sizes).to_file(tmp_path / "streets.geojson")
    done = run(named, tmp_path / "out.yaml", "--edges", "given")
    assert done.exit_code == code, done.output
    if code:
        assert 'row 2: has no nominal diameter in dn (got "wide")' in done.stderr
    else:
        pipes = [c for n, c in cg.load(tmp_path / "out.yaml").components.items() if "pipe" in n]
        assert {getattr(pipe, "dn", None) for pipe in pipes} >= {65, 50}


# buildings ---------------------------------------------------------------------------------------


def blocks(path: Path, **columns: list[object]) -> Path:
    """The mill's house, a barn, and a house in another town."""
    shapes = [box(EAST + 5, NORTH + 45, EAST + 15, NORTH + 55),
              box(EAST + 50, NORTH + 60, EAST + 60, NORTH + 80),
              box(EAST + 9000, NORTH, EAST + 9010, NORTH + 10)]  # fmt: skip
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=25832)
    (frame.to_crs(4326) if path.suffix == ".geojson" else frame).to_file(path)
    return path


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_buildings_are_drawn_behind_the_district_and_stand_up_in_cityjson(
    tmp_path: Path, ending: str
) -> None:
    file = blocks(tmp_path / f"houses.{ending}", HEIGHT=["12.5 m", None, "9"])
    done = run(stored(tmp_path, "gpkg"), tmp_path / "out.yaml", "--buildings", str(file), "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["buildings"] == 2
    assert "1 buildings further than 250 m" in answer["notes"][0]
    assert "1 of 2 buildings have no height" in answer["notes"][1]
    run_ = solve(tmp_path / "out.yaml")
    drawn = locate(run_.case).footprints
    assert drawn is not None
    areas = drawn[drawn.geom_type == "Polygon"]
    # The mill is told of its house, and the two other consumers are points.
    assert areas["consumer"].dropna().tolist() == ["mill"] and len(drawn) == 4
    write_cityjson(Subject(run_.plan, run_.verdict), tmp_path / "city.json")
    objects = json.loads((tmp_path / "city.json").read_text())["CityObjects"].values()
    solids = [o for o in objects for g in o["geometry"] if g["type"] == "Solid"]
    assert [o["attributes"]["height"] for o in solids] == [12.5]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("points", "has no areas"),
        ("far", "has no building within 250 m"),
        ("none", "no such file"),
    ],
)
def test_wrong_buildings_are_told_and_nothing_is_written(
    tmp_path: Path, how: str, reason: str
) -> None:
    file = blocks(tmp_path / "houses.gpkg")
    frame = gpd.read_file(file)
    if how == "points":
        frame.set_geometry(frame.centroid).to_file(file)
    if how == "far":
        frame.iloc[2:].to_file(file)
    if how == "none":
        file.unlink()
    done = run(stored(tmp_path, "gpkg"), tmp_path / "out.yaml", "--buildings", str(file))
    assert done.exit_code == 2 and reason in done.stderr, done.output
    assert not (tmp_path / "out.yaml").exists() and not (tmp_path / "out.gpkg").exists()


TABLES = {
    "nodes": "node,x [m],y [m],peak [kW]\nplant,{0},{1},0\nmill,{2},{1},40\n",
    "pipes": "from,to,length [m],dn\nplant,mill,100,50\n",
}


def tables(folder: Path, *more: str) -> Result:
    """The two tables, with the plant at the place of the map's."""
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text.format(EAST, NORTH, EAST + 100))
    return CliRunner().invoke(main, [
        "import", "tables", str(folder / "nodes.csv"), str(folder / "pipes.csv"), "--source",
        "plant", "--out", str(folder / "out.yaml"), *more,
    ])  # fmt: skip


def test_tables_that_say_their_system_have_buildings_behind_them(tmp_path: Path) -> None:
    file = blocks(tmp_path / "houses.geojson")
    done = tables(tmp_path, "--buildings", str(file))
    assert done.exit_code == 2 and "without coordinate system" in done.stderr
    assert "--crs" in done.stderr and not (tmp_path / "out.yaml").exists()
    for crs, reason in (("EPSG:4326", "not in metres"), ("EPSG:none", "no coordinate system")):
        done = tables(tmp_path, "--crs", crs)
        assert done.exit_code == 2 and reason in done.stderr, done.output
    done = tables(tmp_path, "--crs", "EPSG:25832", "--buildings", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["buildings"] == 2
    case = cg.prepare(cg.load(tmp_path / "out.yaml"))
    drawn = locate(case)
    assert drawn.footprints is not None and len(drawn.footprints) == 2
    assert drawn.crs is not None and drawn.crs.to_epsg() == 25832


def test_a_network_of_pandapipes_has_buildings_behind_it(tmp_path: Path) -> None:
    from tests.imports.pandapipes.test_pandapipes import stored as network
    from tests.imports.pandapipes.test_pandapipes import town

    parts = town()
    for at in parts["junction_geodata"]:
        at |= {"x": at["x"] + EAST, "y": at["y"] + NORTH}
    file, out = network(tmp_path / "net.json", **parts), tmp_path / "out.yaml"
    houses = blocks(tmp_path / "houses.gpkg")
    asked = ["import", "pandapipes", str(file), "--out", str(out), "--buildings", str(houses)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2 and "--crs" in done.stderr, done.output
    assert not out.exists()
    done = CliRunner().invoke(main, [*asked, "--crs", "EPSG:25832", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["buildings"] == 2 and any("further than 250 m" in s for s in said["left_out"])
    drawn = locate(cg.prepare(cg.load(out))).footprints
    assert drawn is not None and len(drawn) == 2


@pytest.mark.parametrize("source", ["1.2.3,4", "nan,0", "--,5", "1,2,3", "inf,inf", ","])
def test_a_source_that_is_no_place_is_told(tmp_path: Path, source: str) -> None:
    done = run(stored(tmp_path, "gpkg"), tmp_path / "out.yaml", "--source", source)
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit), done.output
    assert not (tmp_path / "out.yaml").exists()


@pytest.mark.parametrize("supply", ["-10:nan,15:75", "-10:inf,15:75", "nan:90", "-10:,15:75"])
def test_a_supply_curve_without_numbers_is_told(tmp_path: Path, supply: str) -> None:
    done = run(stored(tmp_path, "gpkg"), tmp_path / "out.yaml", f"--supply={supply}")
    assert done.exit_code == 2 and "is no point of a curve" in done.stderr, done.output
