from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from citygrid.cli import main
from citygrid.errors import InputError
from citygrid.export import FORMATS, flows, known_formats, write
from citygrid.plan.plan import Plan


def test_a_stored_plan_is_written_in_every_format(planned, tmp_path):
    _, plan, _ = planned
    plan.save(tmp_path / "plan.nc")
    files = write(tmp_path / "plan.nc", list(FORMATS), tmp_path / "out")
    assert list(files) == list(FORMATS)
    for path in files.values():
        assert path.is_file() or any(path.iterdir())


def test_all_formats_share_one_replay_and_none_changes_what_the_next_one_writes(
    planned, tmp_path, monkeypatch
):
    _, plan, verdict = planned
    replays = []
    replay = flows.dispatch
    monkeypatch.setattr(flows, "dispatch", lambda *a: replays.append(a) or replay(*a))
    names = [name for name in FORMATS if name != "nc"]
    together = write(plan, names, tmp_path / "all", verdict)
    assert len(replays) == 1
    for name, path in together.items():
        alone = write(plan, [name], tmp_path / name, verdict)[name]
        for file in [path] if path.is_file() else path.iterdir():
            twin = alone if path.is_file() else alone / file.name
            assert file.read_bytes() == twin.read_bytes(), file.name


def test_an_unknown_format_is_refused_before_anything_is_written(planned, tmp_path):
    _, plan, _ = planned
    with pytest.raises(InputError, match=r"gpkg, geojson, .*csv, parquet, nc") as error:
        write(plan, ["gpkg", "shp", "dxf"], tmp_path / "out")
    assert [fault.value for fault in error.value.faults] == ["shp", "dxf"]
    assert not (tmp_path / "out").exists()


def test_something_that_is_no_plan_is_refused(tmp_path):
    (tmp_path / "plan.nc").write_bytes(b"not a plan")
    with pytest.raises(InputError, match="not a readable"):
        write(tmp_path / "plan.nc", ["csv"], tmp_path)


def stored(plan, path, **changes):
    """A plan's file, with other values of some flows."""
    dataset = plan.dataset.copy(deep=True)
    for name, value in changes.items():
        dataset[name.replace("__", ".")] += value
    Plan(plan.case, dataset).save(path)
    return path


def run(*arguments):
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert "Traceback" not in result.output and isinstance(
        result.exception, (SystemExit, type(None))
    )
    return result


def test_where_one_format_cannot_show_a_plan_none_is_written(make, tmp_path):
    """Tables need no positions and KML does: the tables would be half of what was asked."""
    _, plan = make(places=False)
    path = stored(plan, tmp_path / "plan.nc")
    result = run("export", path, "--to", "csv,gpkg,kml", "--out", tmp_path / "out")
    assert result.exit_code == 2 and "KML shows places" in result.output
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_of_one_file_keeps_the_others_as_they_were(planned, tmp_path):
    path = stored(planned[1], tmp_path / "plan.nc")
    (tmp_path / "plan.kml" / "mine").mkdir(parents=True)
    result = run("export", path, "--to", "csv,kml")
    assert result.exit_code == 2 and "plan.kml" in result.output
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plan.kml", "plan.nc"]


@pytest.mark.parametrize("command", [("export", "--to", "csv,nc"), ("report", "--out", "plan.nc")])
def test_a_plan_is_not_written_over_by_what_is_made_of_it(
    planned, tmp_path, monkeypatch, command
):  # fmt: skip
    path = stored(planned[1], tmp_path / "plan.nc")
    before = path.read_bytes()
    monkeypatch.chdir(tmp_path)
    result = run(command[0], "plan.nc", *command[1:])
    assert result.exit_code == 2 and "written over" in result.output and "--out" in result.output
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_of_several_plans_none_is_written_over_by_the_best(planned, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        stored(planned[1], tmp_path / name / "plan.nc")
    before = (tmp_path / "b" / "plan.nc").read_bytes()
    result = run("export", *tmp_path.glob("*/plan.nc"), "--to", "nc", "--out", tmp_path / "b")
    assert result.exit_code == 2 and (tmp_path / "b" / "plan.nc").read_bytes() == before


def test_a_plan_that_was_edited_is_not_exported_and_its_report_says_so(planned, tmp_path):
    path = stored(planned[1], tmp_path / "plan.nc", boiler__heat=50.0)
    result = run("export", path, "--to", "csv", "--out", tmp_path / "out")
    assert result.exit_code == 5 and "citygrid verify" in result.output and "heat" in result.output
    assert list(tmp_path.iterdir()) == [path]
    told = run("report", path, "--out", tmp_path / "report.html", "--json")
    assert told.exit_code == 5 and json.loads(told.stdout)["broken"] == [str(path)]
    assert "Not verified" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("at", [(1e9, 5.5e6), (1e300, 0.0), (561269.6, -9e8)])
@pytest.mark.parametrize("form", ["geojson", "kml", "esdl"])
def test_positions_that_are_nowhere_on_the_earth_are_named(planned, tmp_path, at, form):
    case = replace(planned[0], nodes={**planned[0].nodes, "east": at})
    with pytest.raises(InputError, match=r"east.*nowhere"):
        write(Plan(case, planned[1].dataset), [form], tmp_path / "out", planned[2])
    assert not list(tmp_path.iterdir())


def test_a_format_may_be_named_by_the_ending_of_its_files():
    assert known_formats(["fgb", "csv", "flatgeobuf"]) == ["flatgeobuf", "csv"]
