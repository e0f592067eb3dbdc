"""Plans that are read while they are written, and files of two plans that must not mix."""

from __future__ import annotations

import netCDF4
import pytest

from citygrid.errors import InputError
from citygrid.export import runs as written
from citygrid.export.runs import Stored, export_stored, write_runs
from citygrid.plan.plan import Plan


@pytest.fixture
def another(planned):
    """A plan of another case that has another cost."""
    from dataclasses import replace

    case, plan, _ = planned
    changed = replace(case, name="another town")
    told = {**plan.dataset.attrs, "objective": plan.objective + 1.0, "case_hash": changed.hash}
    return Plan(changed, plan.dataset.assign_attrs(told))


def test_a_plan_that_is_replaced_while_it_is_read_is_the_one_that_was_there(
    planned, another, tmp_path, monkeypatch
):
    path, real, opened = tmp_path / "plan.nc", netCDF4.Dataset, []
    planned[1].save(path)

    def dataset(*args, **more):
        found = real(*args, **more)
        if len(args) == 1 or args[1] == "r":
            opened.append(args)
            if len(opened) == 1:
                monkeypatch.setattr(netCDF4, "Dataset", real)
                another.save(path)  # by somebody else, when we have just begun
        return found

    monkeypatch.setattr(netCDF4, "Dataset", dataset)
    first = Plan.load(path)
    assert opened
    assert (first.objective, first.case.name) == (planned[1].objective, planned[0].name)
    second = Plan.load(path)
    assert (second.objective, second.case.name) == (another.objective, "another town")
    for each in (first, second):
        assert each.dataset.attrs["case_hash"] == each.case.hash
        each.dataset.close()  # a reader may


def test_the_files_of_a_run_are_there_all_at_once(planned, tmp_path, monkeypatch):
    run = Stored(planned[1], planned[2])
    seen = []

    def report(*args):
        seen.extend(path.name for path in (tmp_path / "out").iterdir())
        raise RuntimeError("no report")

    monkeypatch.setattr("citygrid.export.report.write_report", report)
    with pytest.raises(RuntimeError):
        write_runs([run], tmp_path / "out")
    assert seen and all(name.startswith(".partial-") for name in seen)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("formats", ["csv", "gpkg"])
def test_an_export_beside_a_plan_that_is_replaced_meanwhile_is_refused(
    planned, another, tmp_path, monkeypatch, formats
):
    path, real = tmp_path / "plan.nc", Stored.load
    made = tmp_path / "other.nc"
    planned[1].save(path)
    another.save(made)

    def load(given):
        found = real(given)
        made.replace(path)  # as another process would
        return found

    monkeypatch.setattr(written.Stored, "load", load)
    with pytest.raises(InputError, match="run this command again"):
        export_stored([path], [formats], tmp_path)
    monkeypatch.undo()
    assert [each.name for each in tmp_path.iterdir()] == ["plan.nc"]
