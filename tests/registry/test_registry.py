"""The registry as a store: its chain, its contents, its suspicion of what it opens."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from citygrid.errors import InputError
from citygrid.registry import Place, Record, Registry, new_record, place_of, schema
from citygrid.registry import place as places
from citygrid.registry.blobs import Blobs
from citygrid.registry.canonical import plain, sha256, text_of
from citygrid.registry.check import check
from citygrid.registry.keeping import choose, collect, instant
from citygrid.registry.laying import lay
from citygrid.registry.packing import pack


@pytest.fixture
def folder(tmp_path) -> Path:
    """A registry of five runs, each with a content of its own, in a chain."""
    with Registry(tmp_path / "registry", write=True) as registry:
        for i in range(5):
            digest = registry.blobs.put(f"content {i}".encode())
            kept = [{"role": "data", "name": "a.csv", "sha256": digest, "kept": True}]
            registry.add([new_record("plan", f"run-{i}", inputs=kept, objective=float(i),
                                     model="tiny", route="milp", status="optimal",
                                     finished=f"2026-01-0{i + 1}T00:00:00.000+00:00")])  # fmt: skip
    return tmp_path / "registry"


def faults(folder: Path, head: str | None = None) -> list[str]:
    with Registry(folder) as registry:
        return check(registry, head).faults


def spoil(folder: Path, *statements: str) -> None:
    """What somebody with any SQLite tool can do."""
    connection = sqlite3.connect(folder / "runs.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


# adding ------------------------------------------------------------------------------------------


def test_every_run_carries_the_hash_of_the_one_before(folder):
    with Registry(folder) as registry:
        entries = list(registry.entries())
        assert check(registry).ok
        assert registry.head() == (5, entries[-1].hash)
    assert entries[0].previous == "0" * 64
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    # As README.txt of an export says it, worked out by hand.
    last = entries[-1]
    body = json.dumps(last.record.body, sort_keys=True, separators=(",", ":"))
    assert sha256(f"{last.previous}\n{sha256(body)}") == last.hash


def test_a_run_added_twice_is_there_once_and_unchanged(folder):
    with Registry(folder, write=True) as registry:
        assert registry.add([new_record("plan", "run-2", objective=9.0)]) == []
        assert registry.find("run-2").record.body["objective"] == 2.0
        assert registry.head()[0] == 5


def test_many_runs_are_one_transaction(folder):
    good = [new_record("study", f"many-{i}", parent="whole") for i in range(50)]
    with Registry(folder, write=True) as registry:
        with pytest.raises(InputError):  # a list is no column: none of the fifty may stay
            registry.add([*good, new_record("study", "bad-one", route=["milp"])])
        assert registry.head()[0] == 5
        assert registry.add(good) == [record.id for record in good]
        assert [entry.id for entry in registry.children("whole")] == [r.id for r in good]
        assert check(registry).ok


def test_what_is_no_number_becomes_null_and_text_stays_exact():
    assert plain({"a": np.float64(2), "b": np.bool_(True), "c": np.arange(2)}) == {
        "a": 2.0, "b": True, "c": [0, 1]}  # fmt: skip
    body = plain({"a": float("nan"), "b": [float("inf"), 0.1], "c": {1: Path("x")}, "d": "\udcff"})
    assert body["a"] is None and body["b"] == [None, 0.1] and body["c"] == {"1": "x"}
    assert text_of(json.loads(text_of(body))) == text_of(body)


@pytest.mark.parametrize("id", ["", "../x", "a b", "x" * 65, "a/b", "-abc"])
def test_an_id_that_is_no_word_is_refused(id):
    with pytest.raises(ValueError, match="sound id"):
        Record({"id": id, "command": "plan", "began": "", "state": "done"})


def test_large_telemetry_becomes_a_content(folder):
    with Registry(folder, write=True) as registry:
        registry.add([new_record("plan", "large", telemetry={"samples": "x" * 100_000})])
        record = registry.find("large").record
        (blob,) = record.blobs
        assert json.loads(registry.blobs.get(blob))["telemetry"]["samples"] == "x" * 100_000
        assert len(record.text) < 10_000


# finding -----------------------------------------------------------------------------------------


def test_a_prefix_finds_one_run_and_says_when_it_does_not(folder):
    with Registry(folder) as registry:
        assert registry.find("run-3").id == "run-3"
        with pytest.raises(InputError, match="several runs begin so"):
            registry.find("run")
        with pytest.raises(InputError, match="no such run"):
            registry.find("run%")
        with pytest.raises(InputError, match="no such run"):
            registry.find("")


def test_lists_are_filtered_newest_first(folder):
    with Registry(folder, write=True) as registry:
        registry.add([
            new_record("compare", "whole", route="milp,hybrid", model="other"),
            new_record("compare part", "part", parent="whole", route="hybrid", state="failed"),
        ])  # fmt: skip
        assert [e.id for e in registry.select(limit=2)] == ["whole", "run-4"]
        assert [e.id for e in registry.select(route="hybrid")] == ["whole"]
        assert {e.id for e in registry.select(route="hybrid", children=True)} == {"whole", "part"}
        assert [e.id for e in registry.select(status="failed", children=True)] == ["part"]
        assert [e.id for e in registry.select(model="other")] == ["whole"]
        assert len(registry.select(status="optimal")) == 5
        assert [e.id for e in registry.select(since="2026-01-04")][:1] == ["whole"]


def test_a_run_that_was_begun_and_never_ended_is_shown_as_killed_or_running(folder):
    record = new_record("plan", "begun", state="begun", finished=None)
    with Registry(folder, write=True) as registry:
        registry.begin(record)
        assert registry.find("begun").state == "running"  # this very process
        other = {**registry.find("begun").record.body["process"]}
        for change, state in (({"pid": 2**22 + 1}, "killed"), ({"boot": "another"}, "killed"),
                              ({"host": "elsewhere"}, "unfinished"), ({"started": "0"}, "killed"),
                              ({"pid": -1}, "unfinished")):  # fmt: skip
            body = {**record.body, "process": {**other, **change}}
            registry.connection.execute("UPDATE begun SET body = ?", (json.dumps(body),))
            assert registry.find("begun").state == state, change
        registry.add([new_record("plan", "begun")])
        assert registry.find("begun").state == "done" and registry.unfinished() == []


# attacks on the chain ----------------------------------------------------------------------------

EDIT = (
    "UPDATE runs SET body = replace(body, '\"objective\":2.0', '\"objective\":1.0') "
    "WHERE id = 'run-2'"
)
FORGE = (
    "INSERT INTO runs SELECT 6, 'forged', parent, command, state, model, route, seed, status, "
    "objective, bound, gap, plan_digest, began, finished, replace(body, 'run-4', 'forged'), "
    "body_hash, hash, lower(hex(randomblob(32))) FROM runs WHERE id = 'run-4'"
)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([EDIT], "was edited"),
        (["UPDATE runs SET objective = 1.0 WHERE id = 'run-2'"], "other figures"),
        (["DELETE FROM runs WHERE id = 'run-2'"], "are missing"),
        (["DELETE FROM runs WHERE id = 'run-0'"], "are missing"),
        (["DELETE FROM runs WHERE id = 'run-4'"], "but 5 were written"),
        (["UPDATE runs SET sequence = 99 WHERE id = 'run-1'",
          "UPDATE runs SET sequence = 2 WHERE id = 'run-2'",
          "UPDATE runs SET sequence = 3 WHERE id = 'run-1'"], "does not follow"),
        (["UPDATE runs SET body = NULL WHERE id = 'run-2'"], "no `runs gc` says so"),
        (["UPDATE runs SET hash = lower(hex(randomblob(32))) WHERE id = 'run-2'"], "another hash"),
        ([FORGE], "was edited"),
        (["UPDATE runs SET body = '[' WHERE id = 'run-2'"], "no readable body"),
    ],
)  # fmt: skip
def test_what_is_edited_removed_moved_or_added_is_found(folder, statements, said):
    assert faults(folder) == []
    spoil(folder, *statements)
    assert any(said in fault for fault in faults(folder)), faults(folder)


def test_a_chain_written_anew_does_not_have_the_head_that_was_noted(folder, tmp_path):
    with Registry(folder) as registry:
        _, head = registry.head()
        records = [entry.record for entry in registry.entries()]
    with Registry(folder, write=True) as registry:
        registry.add([new_record("plan", "later")])
    assert faults(folder, head) == []
    with Registry(tmp_path / "forged", write=True) as forged:
        for number in range(5):
            forged.blobs.put(f"content {number}".encode())
        forged.add([Record({**record.body, "objective": 0.0}) for record in records])
    assert faults(tmp_path / "forged") == []
    assert "no run has the hash" in faults(tmp_path / "forged", head)[0]


def test_a_content_that_is_missing_or_changed_is_found(folder):
    blobs = Blobs(folder / "blobs")
    first, second = sha256(b"content 0"), sha256(b"content 1")
    blobs.path(first).unlink()
    blobs.path(second).write_bytes(b"content I")
    found = faults(folder)
    assert len(found) == 2 and all("missing or was changed" in fault for fault in found)
    with pytest.raises(InputError, match="not kept any more"):
        blobs.get(first)
    with pytest.raises(InputError, match="was changed"):
        blobs.get(second)


# opening with suspicion --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON begun BEGIN DELETE FROM runs; END", "trigger t"),
        ("CREATE VIEW v AS SELECT * FROM runs", "view v"),
        ("CREATE TABLE more (a)", "table more"),
        ("DROP INDEX runs_by_parent", "index runs_by_parent"),
        ("PRAGMA user_version = 99", "newer citygrid"),
        ("PRAGMA application_id = 1", "another program"),
    ],
)
def test_a_database_that_is_not_ours_to_the_letter_is_refused(folder, statement, said):
    spoil(folder, statement)
    for write in (False, True):
        with pytest.raises(InputError, match=said):
            Registry(folder, write=write)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" * 99])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    (tmp_path / "runs.db").write_bytes(content)
    with pytest.raises(InputError):
        Registry(tmp_path)


def test_somebody_elses_database_is_not_written(tmp_path):
    spoil(tmp_path, "CREATE TABLE theirs (a)")
    before = (tmp_path / "runs.db").read_bytes()
    with pytest.raises(InputError, match="another program"):
        Registry(tmp_path, write=True)
    assert (tmp_path / "runs.db").read_bytes() == before


def test_a_damaged_page_is_told_and_not_raised_as_something_else(folder):
    data = bytearray((folder / "runs.db").read_bytes())
    data[4096 * 2 : 4096 * 2 + 512] = b"\xff" * 512
    (folder / "runs.db").write_bytes(bytes(data))
    try:
        found = faults(folder)
    except InputError as error:
        found = [str(error)]
    assert found


@pytest.mark.parametrize(
    "body", ["7", "{}", "not json", "[" * 99_999, '{"id": "run-2"}', b"\xff", None]
)
def test_hostile_bodies_are_one_message(folder, body):
    connection = sqlite3.connect(folder / "runs.db")
    with connection:
        connection.execute("UPDATE runs SET body = ? WHERE id = 'run-2'", (body,))
    connection.close()
    with Registry(folder) as registry:
        if body is None:
            assert registry.find("run-2").state == "removed"
            return
        with pytest.raises(InputError, match="unsound"):
            registry.find("run-2")
        states = {entry.id: entry.state for entry in registry.select()}
        assert len(states) == 5 and states["run-2"] == "unsound"


def test_only_a_sha256_becomes_a_path(tmp_path):
    blobs = Blobs(tmp_path)
    for text in ("../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"):
        with pytest.raises(ValueError):
            blobs.path(text)
        with pytest.raises(InputError):
            blobs.get(text)


def test_a_registry_is_read_where_nothing_can_be_written(folder):
    for path in (folder / "runs.db", folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with Registry(folder) as registry:
            assert check(registry).ok
            with pytest.raises(sqlite3.OperationalError, match=r"readonly|read-only"):
                registry.connection.execute("DELETE FROM runs")
    finally:
        folder.chmod(0o755)


def test_a_database_is_brought_to_the_newest_version_once(folder, monkeypatch):
    more = (*schema.MIGRATIONS, ("CREATE TABLE notes (a TEXT)", "INSERT INTO notes VALUES ('x')"))
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    with Registry(folder) as registry:  # who only reads takes the version as it is
        assert len(list(registry.entries())) == 5
    for _ in range(2):
        with Registry(folder, write=True) as registry:
            assert schema.version_of(registry.connection) == len(more)
            assert len(registry.connection.execute("SELECT * FROM notes").fetchall()) == 1
            assert check(registry).ok


def test_a_migration_that_fails_leaves_the_former_version(folder, monkeypatch):
    wrong = (*schema.MIGRATIONS, ("CREATE TABLE notes (a TEXT)", "no statement"))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", wrong)
        with pytest.raises(InputError):
            Registry(folder, write=True)
    assert faults(folder) == []


def test_every_run_is_on_disk_before_it_is_acknowledged(folder):
    with Registry(folder, write=True) as registry:
        registry.begin(new_record("plan", "begun", state="begun"))
        asked = {name: registry.connection.execute(f"PRAGMA {name}").fetchone()[0]
                 for name in ("journal_mode", "synchronous", "trusted_schema")}  # fmt: skip
    assert asked == {"journal_mode": "wal", "synchronous": 2, "trusted_schema": 0}


# where it is -------------------------------------------------------------------------------------


def test_the_nearest_folder_upward_is_the_registry(tmp_path, monkeypatch):
    monkeypatch.delenv(places.VARIABLE, raising=False)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert place_of(None, deep) == Place(deep / ".citygrid")
    (tmp_path / ".citygrid").mkdir()
    assert place_of(None, deep) == Place(tmp_path / ".citygrid")
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "named"))
    assert place_of(None, deep) == Place(tmp_path / "named")
    assert place_of("none", deep) is None
    assert place_of(f"network:{tmp_path}", deep) == Place(tmp_path, True)


def test_a_folder_of_somebody_else_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.delenv(places.VARIABLE, raising=False)
    (tmp_path / ".citygrid").mkdir()
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert place_of(None, tmp_path / "mine") == Place(tmp_path / "mine" / ".citygrid")


def test_a_new_registry_is_ignored_by_git(folder):
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_network_file_system_is_refused_unless_it_is_asked_for(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/share {tmp_path}/on\\040nfs nfs4 rw 0 0\n")
    monkeypatch.setattr(places, "MOUNTS", mounts)
    far, near = tmp_path / "on nfs", tmp_path / "near"
    assert places.file_system(far) == "ext4"  # what is not there yet lies on what is above it
    far.mkdir()
    assert places.file_system(far / "deeper") == "nfs4" and places.file_system(near) == "ext4"
    with pytest.raises(InputError, match="network file system"):
        Registry(far / "registry", write=True)
    assert not (far / "registry").exists()
    with Registry(Place(far / "registry", network=True), write=True) as registry:
        registry.add([new_record("plan")])
        (mode,) = registry.connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == "delete"  # the write-ahead log needs shared memory
    with Registry(near, write=True):
        pass


# contents, tidying, handing on -------------------------------------------------------------------


def test_strays_of_killed_writers_are_cleaned_a_day_later(tmp_path):
    with Registry(tmp_path, write=True) as registry:
        registry.blobs.put(b"whole")
    (home,) = (tmp_path / "blobs").glob("??")
    old, young = home / ".partial-old", home / ".partial-young"
    for path in (old, young):
        path.write_bytes(b"cut of")
    long_ago = time.time() - 2 * 86_400
    os.utime(old, (long_ago, long_ago))
    os.utime(tmp_path / "blobs" / ".swept", (long_ago, long_ago))
    with Registry(tmp_path, write=True):
        assert not old.exists() and young.exists()


def age(folder: Path) -> None:
    """All contents as if they had been written long ago."""
    for path in (folder / "blobs").glob("??/*"):
        os.utime(path, (0, 0))


def test_tidying_is_dry_first_and_keeps_the_chain(folder):
    age(folder)
    with Registry(folder, write=True) as registry:
        wished = choose(registry, keep=2, before=None)
        assert wished.runs == ("run-0", "run-1", "run-2") and len(wished.blobs) == 3
        assert wished.bytes == 3 * len(b"content 0")
        assert len(list(registry.blobs.all())) == 5  # nothing has happened yet
        assert collect(registry, wished) == wished
        assert len(list(registry.blobs.all())) == 2
        report = check(registry)
        assert report.ok and report.removed == 3 and report.runs == 6
        assert registry.find("run-1").record is None
        assert [entry.id for entry in registry.select()][1:] == ["run-4", "run-3"]
        assert choose(registry, keep=0, before=None).runs == ("run-3", "run-4")
    assert b"content" not in (folder / "runs.db").read_bytes()
    assert b'"objective":1.0' not in (folder / "runs.db").read_bytes()


def test_tidying_by_age_takes_what_is_both_old_and_many(folder):
    age(folder)
    with Registry(folder) as registry:
        assert choose(registry, None, "2026-01-03").runs == ("run-0", "run-1")
        assert choose(registry, 4, "2026-01-03").runs == ("run-0",)
        assert choose(registry, None, None) == choose(registry, 5, None)
        assert choose(registry, None, None).runs == ()


def test_contents_that_are_young_or_needed_by_others_stay(folder):
    with Registry(folder, write=True) as registry:
        assert choose(registry, keep=0, before=None).blobs == ()  # young
        age(folder)
        shared = [{"role": "data", "name": "b", "sha256": sha256(b"content 0"), "kept": True}]
        registry.begin(new_record("plan", "at-work", state="begun", inputs=shared))
        left = choose(registry, keep=0, before=None)
        assert len(left.runs) == 5 and sha256(b"content 0") not in left.blobs
        assert len(left.blobs) == 4


@pytest.mark.parametrize("text", ["36h", "7 d", "2w", "2026-11-26", "2026-11-26T12:00+01:00"])
def test_ages_and_dates_are_instants(text):
    assert instant(text, "--since").endswith("+00:00")


@pytest.mark.parametrize("text", ["", "soon", "7 years", "-3d", "2026-13-01", "9" * 400 + "d"])
def test_what_is_neither_is_refused(text):
    with pytest.raises(InputError, match="neither an age nor a date"):
        instant(text, "--since")


def test_an_export_can_be_checked_without_citygrid(folder, tmp_path):
    with Registry(folder) as registry:
        entries = list(registry.entries())
        assert pack(registry, entries, tmp_path / "one.zip") == {"runs": 5, "blobs": 5}
        pack(registry, entries, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    previous = "0" * 64
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        assert file.testzip() is None
        for line in file.read("runs.jsonl").splitlines():
            run = json.loads(line)
            body = json.dumps(run["body"], sort_keys=True, separators=(",", ":"))
            assert sha256(body) == run["body_hash"]
            assert run["previous"] == previous
            previous = run["hash"]
            assert sha256(f"{run['previous']}\n{run['body_hash']}") == previous
            (kept,) = run["body"]["inputs"]
            assert sha256(file.read(f"blobs/{kept['sha256']}")) == kept["sha256"]


def test_a_registry_whose_maker_was_killed_before_its_tables_is_told_empty_and_filled(tmp_path):
    """Without it whoever reads would be told that it is another program's."""
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        database.execute("PRAGMA journal_mode = wal")
    assert (tmp_path / "runs.db").stat().st_size
    with pytest.raises(InputError, match="no run in this registry yet"):
        Registry(tmp_path)
    Registry(tmp_path, write=True).close()
    Registry(tmp_path).close()


def test_a_record_that_names_two_files_alike_writes_through_no_link(tmp_path):
    """The first is the user's own file, laid as a link; the second would go through it."""
    mine = tmp_path / "mine.profile"
    mine.write_bytes(b"# well known\n")
    with Registry(tmp_path / "registry", write=True) as registry:
        inputs = [
            {"role": "district", "name": "d.yaml", "sha256": registry.blobs.put(b"x"),
             "kept": True},
            {"role": "data", "name": "s.csv", "path": str(mine), "kept": False,
             "sha256": sha256(mine.read_bytes())},
        ]  # fmt: skip
        for name in ("s.csv", "s.csv/below.csv"):
            other = {"role": "data", "name": name, "sha256": registry.blobs.put(b"other"),
                     "kept": True}  # fmt: skip
            record = new_record("plan", state="done", inputs=[*inputs, other])
            registry.add([record])
            with pytest.raises(InputError, match="is there twice, as different files"):
                lay(registry, record, tmp_path / record.id)
        record = new_record("plan", state="done", inputs=[*inputs, inputs[1]])
        registry.add([record])
        laid = lay(registry, record, tmp_path / "twice").model
        assert (laid.parent / "s.csv").read_bytes() == b"# well known\n"
    assert mine.read_bytes() == b"# well known\n"
