from __future__ import annotations

import pytest

from citygrid.errors import InputError
from citygrid.export import FORMATS, flows, write


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
