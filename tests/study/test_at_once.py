"""A study that is read, or conducted a second time, while it is conducted."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from citygrid.errors import InputError
from citygrid.registry.schema import open_to_read
from citygrid.study import store as stores
from citygrid.study import table
from citygrid.study.conduct import stored
from citygrid.study.rolling.checkpoint import Checkpoint
from citygrid.study.store import DATABASE, Store
from citygrid.study.table import land, read_results
from tests.waiting import Other


def ask(store: Store, routes: list[str], value: float) -> None:
    """Ask one scenario by these routes, and know all of it."""
    named = [{"label": route, "route": route, "seed": 0} for route in routes]
    keys = [f"{route} {value}" for route in routes]
    store.ask({"name": f"of {value}", "routes": json.dumps(named)}, [("base", {})],
              [(0, number, key) for number, key in enumerate(keys)])  # fmt: skip
    for key in keys:
        store.note(key, 1, {"status": "optimal", "objective_eur": value, "verified": True})
    store.commit()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study that is finished: one scenario by two routes, at a cost of 1 EUR."""
    with Store.conducting(tmp_path / "out") as store:
        ask(store, ["lp", "milp"], 1.0)
        land(store)
    return tmp_path / "out"


def costs(rows: list[dict[str, Any]]) -> list[float]:
    return [row["objective_eur"] for row in rows]


@pytest.mark.parametrize("call", [1, 2])
def test_a_study_that_asks_something_else_while_it_is_shown_is_shown_as_it_was(
    folder, monkeypatch, call
):
    """Facts, rows and digest are of one moment; a route that is new is no row of the old ones."""
    before, calls, real = stored(folder), [], Store.rows

    def rows(self: Store) -> Any:
        calls.append(self)
        if len(calls) == call:
            with Store.conducting(folder) as store:
                ask(store, ["lp", "milp", "hybrid"], 2.0)
        return real(self)

    monkeypatch.setattr(Store, "rows", rows)
    assert stored(folder) == before
    assert costs(stored(folder)[1]) == [2.0, 2.0, 2.0]


def test_results_that_are_landed_while_they_are_read_are_all_of_before_or_after(
    folder, monkeypatch
):
    seen: list[list[float]] = []
    reader = Other(lambda: seen.append(read_results(folder)["objective_eur"].to_pylist()))
    real = pq.write_table

    def write(part: Any, where: Path, **more: Any) -> None:
        if "route=milp" in str(where):  # the other route's file has its name already
            reader.come_in()
        real(part, where, **more)

    monkeypatch.setattr(pq, "write_table", write)
    with Store.conducting(folder) as store:
        ask(store, ["lp", "milp"], 2.0)
        land(store)
    reader.end()
    assert seen == [[2.0, 2.0]]


def test_results_whose_file_goes_while_they_are_read_are_read(folder, monkeypatch):
    """A smaller study takes files away: it waits for whoever reads them."""
    real = table._read
    smaller = Other(lambda: conduct_less(folder))

    def read(*args: Any) -> Any:
        smaller.come_in()
        return real(*args)

    monkeypatch.setattr(table, "_read", read)
    assert len(read_results(folder)) == 2
    smaller.end()
    monkeypatch.undo()
    assert read_results(folder)["objective_eur"].to_pylist() == [3.0]


def conduct_less(folder: Path) -> None:
    with Store.conducting(folder) as store:
        ask(store, ["lp"], 3.0)
        land(store)


def test_a_reader_does_not_stop_a_study_that_begins(tmp_path, monkeypatch):
    """Its database is there and empty, and somebody looks into it just then."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / DATABASE).touch()
    reader = open_to_read(folder / DATABASE, 1.0)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
    failures: list[BaseException] = []
    begun, settle = threading.Event(), stores.settle

    def noted(*args: Any, **more: Any) -> None:
        begun.set()
        settle(*args, **more)

    monkeypatch.setattr(stores, "settle", noted)

    def begin() -> None:
        try:
            with Store.conducting(folder) as store:
                ask(store, ["lp"], 1.0)
        except BaseException as error:
            failures.append(error)

    study = threading.Thread(target=begin)
    study.start()
    while study.is_alive() and not begun.wait(0.005):
        pass
    study.join(0.1)
    reader.close()
    study.join(60)
    assert not failures
    assert costs(stored(folder)[1]) == [1.0]


# plans by windows -------------------------------------------------------------------------------


def test_two_plans_by_windows_do_not_take_each_others_windows(tmp_path):
    """The second would go on from what the first had proved, of another district."""
    folder = tmp_path / "out" / "windows"
    with Checkpoint(folder, {"form": "first"}) as first:
        first.begin(resume=False)
        first.remember("bounds", values=[1.0])
        with (
            pytest.raises(InputError, match="another plan by windows is being made here"),
            Checkpoint(folder, {"form": "second"}),
        ):
            raise AssertionError("not reached")
        assert first.recall("bounds") is not None
    with Checkpoint(folder, {"form": "first"}) as again:  # what is not cleared is gone on from
        assert again.begin(resume=True) == 0 and again.recall("bounds") is not None
        again.clear()
    assert not folder.exists()


def test_a_folder_of_windows_that_goes_while_it_is_taken_is_made_again(tmp_path, monkeypatch):
    from citygrid.study.rolling import checkpoint

    folder, real, opened = tmp_path / "windows", checkpoint.lock, []

    def lock(handle: int) -> bool:
        opened.append(handle)
        if len(opened) == 1:  # who had it has ended
            folder.rmdir()
        return real(handle)

    monkeypatch.setattr(checkpoint, "lock", lock)
    with Checkpoint(folder, {"form": "first"}) as held:
        held.begin(resume=False)
        assert len(opened) == 2 and (folder / checkpoint.FRAME).is_file()
