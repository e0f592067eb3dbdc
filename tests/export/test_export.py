from __future__ import annotations

import pytest

from citygrid.errors import InputError
from citygrid.export import FORMATS, write


def test_a_stored_plan_is_written_in_every_format(planned, tmp_path):
    _, plan, _ = planned
    plan.save(tmp_path / "plan.nc")
    files = write(tmp_path / "plan.nc", list(FORMATS), tmp_path / "out")
    assert list(files) == list(FORMATS)
    for path in files.values():
        assert path.is_file() or any(path.iterdir())


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
