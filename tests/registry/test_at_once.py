"""A registry that is read, checked and tidied while others write it, and clocks that are put back.

What happens in between is let happen there, by a second connection, as another process would do it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from citygrid.registry import Registry, keeping, new_record, schema
from citygrid.registry import check as checking
from citygrid.registry.blobs import SWEPT, Blobs
from citygrid.registry.check import check
from citygrid.registry.keeping import choose, collect
from tests.waiting import Other


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry of two runs that have ended, and one that is at work."""
    with Registry(tmp_path / "registry", write=True) as registry:
        registry.add([new_record("plan", f"run-{i}") for i in range(2)])
        registry.begin(new_record("plan", "at-work", state="begun", finished=None))
    return tmp_path / "registry"


def meanwhile(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], None],
              after: bool = False, call: int = 1) -> None:  # fmt: skip
    """Let something happen just before (or after) a call of a function, the first or a later."""
    real, calls = getattr(owner, name), count(1)

    def called(*args: Any, **more: Any) -> Any:
        is_it = next(calls) == call
        if is_it and not after:
            act()
        found = real(*args, **more)
        if is_it and after:
            act()
        return found

    monkeypatch.setattr(owner, name, called)


def ends(folder: Path, id: str = "at-work") -> Callable[[], None]:
    def end() -> None:
        with Registry(folder, write=True) as another:
            another.add([new_record("plan", id)])

    return end


# readers ----------------------------------------------------------------------------------------


def test_a_run_that_ends_while_it_is_looked_for_is_found(folder, monkeypatch):
    meanwhile(monkeypatch, Registry, "unfinished", ends(folder))
    with Registry(folder) as registry:
        assert registry.find("at-work").id == "at-work"
        assert registry.find("at-work").state == "done"


@pytest.mark.parametrize("name", ["unfinished", "_entries"])
def test_a_run_that_ends_while_runs_are_listed_is_listed_once(folder, monkeypatch, name):
    meanwhile(monkeypatch, Registry, name, ends(folder))
    with Registry(folder) as registry:
        assert sorted(each.id for each in registry.select()) == ["at-work", "run-0", "run-1"]


def test_a_run_that_is_added_while_the_chain_is_checked_is_no_fault(folder, monkeypatch):
    """SQLite's own counter would be ahead of the last run that was read."""
    meanwhile(monkeypatch, checking, "_check_end", ends(folder))
    with Registry(folder) as registry:
        report = check(registry)
        assert report.faults == [] and (report.runs, report.unfinished) == (2, 1)
        assert check(registry).runs == 3


def test_a_registry_that_is_made_while_it_is_opened_is_none_yet_or_ours(tmp_path, monkeypatch):
    """Its version is read, its maker commits, its tables are there: it looks like a foreign one."""
    path = tmp_path / "runs.db"
    maker = schema._careful(f"file:{path}", 10.0)
    schema.settle(maker, False, 10.0)
    meanwhile(monkeypatch, schema, "version_of", lambda: schema._migrate(maker), after=True)
    with pytest.raises(schema.InputError, match="there is no run in this registry yet"):
        schema.connect(path, write=False)
    schema.connect(path, write=False).close()
    maker.close()


def test_a_log_that_is_taken_away_while_a_registry_is_opened_is_no_error(folder, monkeypatch):
    """Its last writer does so, just when somebody who may not write it looks at it."""
    real = schema._careful

    def careful(address: str, timeout: float) -> Any:
        if "immutable" not in address:
            raise schema.sqlite3.OperationalError("unable to open database file")
        return real(address, timeout)

    monkeypatch.setattr(schema, "_careful", careful)
    log = folder / "runs.db-wal"
    log.write_bytes(b"")
    meanwhile(monkeypatch, Path, "stat", log.unlink)
    schema.open_to_read(folder / "runs.db", 1.0).close()


# tidying ----------------------------------------------------------------------------------------


def aged(registry: Registry, data: bytes) -> str:
    """A content that nobody has touched for days."""
    digest = registry.blobs.put(data)
    then = time.time() - 3 * keeping.YOUNG
    os.utime(registry.blobs.path(digest), (then, then))
    return digest


def test_a_content_that_a_run_begins_to_need_while_it_is_removed_is_there(folder, monkeypatch):
    with Registry(folder, write=True) as registry:
        digest = aged(registry, b"weather")
        putting = Other(lambda: Blobs(folder / "blobs").put(b"weather"))
        removal = choose(registry, None, None)
        assert removal.blobs == (digest,)
        # It has to wait, and then writes the content anew.
        meanwhile(monkeypatch, Blobs, "discard", putting.come_in)
        collect(registry, removal)
        putting.end()
        assert registry.blobs.sound(digest)


def test_two_who_tidy_at_once_remove_everything_once(folder):
    with Registry(folder, write=True) as one, Registry(folder, write=True) as other:
        digest = aged(one, b"weather")
        removals = [choose(each, 0, None) for each in (one, other)]
        assert removals[0] == removals[1]
        assert collect(one, removals[0]).runs == ("run-0", "run-1")
        second = collect(other, removals[1])
        assert (second.runs, second.blobs) == ((), ())
        assert not one.blobs.path(digest).exists()
        report = check(one)
        assert report.ok and report.runs == 3  # and one of them says what was removed


def test_a_run_that_ends_while_contents_are_counted_keeps_its_own(folder, monkeypatch):
    """It must not be missed because it has left the one list and is not yet in the other."""
    with Registry(folder, write=True) as registry:
        digest = aged(registry, b"weather")
        kept = [{"role": "data", "name": "a.csv", "sha256": digest, "kept": True}]
        registry.begin(new_record("plan", "long", state="begun", finished=None, inputs=kept))

        def end() -> None:
            with Registry(folder, write=True) as another:
                another.add([new_record("plan", "long", inputs=kept)])

        meanwhile(monkeypatch, Registry, "unfinished", end, call=2)
        assert choose(registry, None, None).blobs == ()


def test_contents_that_are_removed_while_a_run_is_checked_are_no_fault(folder, monkeypatch):
    with Registry(folder, write=True) as registry:
        digest = aged(registry, b"weather")
        kept = [{"role": "data", "name": "a.csv", "sha256": digest, "kept": True}]
        registry.add([new_record("plan", "with-data", inputs=kept)])

        def tidy() -> None:
            with Registry(folder, write=True) as another:
                collect(another, choose(another, 0, None))

        meanwhile(monkeypatch, Blobs, "sound", tidy)
        report = check(registry)
        assert not registry.blobs.path(digest).exists()
        assert report.faults == []


# clocks -----------------------------------------------------------------------------------------


def at(hour: int) -> str:
    return f"2026-10-25T{hour:02d}:00:00.000+00:00"


@pytest.fixture
def put_back(tmp_path: Path) -> Path:
    """Three runs, before the second of which the clock was put back by two hours."""
    with Registry(tmp_path / "registry", write=True) as registry:
        for number, hour in enumerate((3, 1, 2)):
            registry.add([new_record("plan", f"run-{number}", began=at(hour), finished=at(hour))])
    return tmp_path / "registry"


def test_runs_keep_their_order_where_the_clock_was_put_back(put_back):
    with Registry(put_back, write=True) as registry:
        assert check(registry).ok
        assert [each.id for each in registry.select()] == ["run-2", "run-1", "run-0"]
        assert [each.id for each in registry.select(limit=1)] == [registry.find("last").id]
        assert [registry.find(f"last~{i}").id for i in range(3)] == ["run-2", "run-1", "run-0"]
        assert choose(registry, 1, None).runs == ("run-0", "run-1")  # the newest one is kept


def test_a_run_at_work_stands_before_those_that_began_no_later(put_back):
    with Registry(put_back, write=True) as registry:
        for name, hour in (("early", 0), ("late", 2)):
            registry.begin(new_record("plan", name, began=at(hour), finished=None, state="begun"))
        listed = [each.id for each in registry.select()]
        assert listed == ["late", "run-2", "run-1", "run-0", "early"]


def test_a_run_may_end_before_it_began(tmp_path):
    """The clock was put back while it ran: it says so, and nothing else depends on it."""
    with Registry(tmp_path / "registry", write=True) as registry:
        registry.begin(new_record("plan", "back", began=at(3), finished=None, state="begun"))
        registry.add([new_record("plan", "back", began=at(3), finished=at(2))])
        assert check(registry).ok and registry.unfinished() == []
        assert registry.find("last").id == "back"


def test_strays_are_looked_for_where_the_last_look_lies_in_the_future(tmp_path):
    blobs = Blobs(tmp_path)
    stray = tmp_path / "ab" / ".partial-killed"
    stray.parent.mkdir()
    stray.write_text("half")
    then = time.time() - 2 * keeping.YOUNG
    os.utime(stray, (then, then))
    (tmp_path / SWEPT).touch()
    ahead = time.time() + 3600.0
    os.utime(tmp_path / SWEPT, (ahead, ahead))
    assert blobs.sweep() == 1 and not stray.exists()
    assert blobs.sweep() == 0 and (tmp_path / SWEPT).stat().st_mtime < ahead
