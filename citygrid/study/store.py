"""The study's folder: what is acknowledged is in its database before anybody is told.

``study.sqlite`` (WAL, ``synchronous=FULL``) holds a row per task by its key; a task whose row is
committed is never computed again. ``results/`` is what of it belongs to the study as it now stands,
as Parquet for everybody. The folder is on a disk of the machine that conducts the study: SQLite's
locks do not hold on network file systems.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.locks import lock
from citygrid.registry.schema import open_to_read, settle, snapshot, told, transaction

DATABASE, LOCK, SENT = "study.sqlite", "study.lock", "sent.log"
#: Seconds after which what has come is committed, and rows that are not waited for longer.
COMMIT_AFTER, COMMIT_ROWS = 1.0, 500
#: Seconds that another process is waited for.
PATIENCE = 30.0
#: Seconds after which a database that readers look into is filled in the mode that it has.
SETTLED_AFTER = 5.0
#: What the database is of, in messages.
WHAT = "the study"
#: Written into the database, so that a later version knows what it reads.
FORMAT = 1

_TABLES = (
    "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS scenario (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "varied TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS asked (number INTEGER NOT NULL, route INTEGER NOT NULL, "
    "key TEXT NOT NULL, PRIMARY KEY (number, route)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, attempts INTEGER NOT NULL, "
    "at TEXT NOT NULL, row TEXT NOT NULL) WITHOUT ROWID",
)


def not_begun(folder: Path) -> InputError:
    """The study of a folder in which nothing is asked yet."""
    return InputError(Fault(str(folder), "holds a study that has not begun", None,
                            "run `citygrid study` again"))  # fmt: skip


class Store:
    """Rows of a study's tasks by their keys, and what the study asks."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._path = folder / DATABASE
        self._connection = connection
        self._waiting: list[tuple[str, int, str, str]] = []
        self._committed = time.monotonic()

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store of a folder, to read.

        Raises :class:`InputError` where the folder holds no study or one of another version.
        """
        path = folder / DATABASE
        if not path.is_file():
            raise InputError(Fault(str(folder), "holds no study", None,
                                   "name the folder that `citygrid study` wrote"))  # fmt: skip
        return cls._checked(folder, write=False)

    @classmethod
    def _checked(cls, folder: Path, write: bool) -> Store:
        path = folder / DATABASE
        connection: sqlite3.Connection | None = None
        try:
            with told(path, WHAT):
                if write:
                    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
                    connection.execute("PRAGMA trusted_schema=OFF")
                    settle(connection, network=False, timeout=SETTLED_AFTER)
                    with transaction(connection):
                        for table in _TABLES:
                            connection.execute(table)
                        connection.execute("INSERT OR IGNORE INTO about VALUES ('format', ?)",
                                           (str(FORMAT),))  # fmt: skip
                else:
                    connection = open_to_read(path, PATIENCE)
                names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
                if not names:
                    raise not_begun(folder)
                if "about" not in names:
                    raise InputError(Fault(str(path), "is no study's database", None,
                                           "name another folder"))  # fmt: skip
            store = cls(folder, connection)
            found = store.about("format")
            if found != str(FORMAT):
                raise InputError(Fault(str(path), "was written by another version",
                                       found, "name another folder"))  # fmt: skip
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        return store

    @classmethod
    @contextmanager
    def conducting(cls, folder: Path) -> Iterator[Store]:
        """The store of a folder, to fill; made where there is none, and held by one at a time."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("a") as held:
            try:
                free = lock(held.fileno())
            except OSError as error:
                reason, repair = "lies on a disk that knows no locks", "name another folder"
                raise InputError(Fault(str(folder), reason, None, repair)) from error
            if not free:
                reason = "another study is being run in this folder"
                repair = "wait for its end, or name another folder"
                raise InputError(Fault(str(folder), reason, None, repair))
            store = cls._checked(folder, write=True)
            try:
                yield store
                store.commit()
            finally:
                store.close()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever is conducted meanwhile."""
        with told(self._path, WHAT), snapshot(self._connection):
            yield

    # what is asked --------------------------------------------------------------------------

    def about(self, name: str) -> str | None:
        """A fact about the study; ``None`` where nobody wrote it."""
        ask = "SELECT value FROM about WHERE name = ?"
        with told(self._path, WHAT):
            row = self._connection.execute(ask, (name,)).fetchone()
        return None if row is None else str(row[0])

    def ask(
        self, facts: dict[str, str], scenarios: Sequence[tuple[str, dict[str, Any]]],
        asked: Iterable[tuple[int, int, str]],
    ) -> None:  # fmt: skip
        """Write what the study now asks, in place of what it asked before; results stay.

        ``scenarios`` are names and what is varied; ``asked`` are (scenario, route, key).
        """
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)",
                                         facts.items())  # fmt: skip
            self._connection.execute("DELETE FROM scenario")
            self._connection.execute("DELETE FROM asked")
            self._connection.executemany(
                "INSERT INTO scenario VALUES (?, ?, ?)",
                [(i, name, json.dumps(varied)) for i, (name, varied) in enumerate(scenarios)],
            )
            self._connection.executemany("INSERT INTO asked VALUES (?, ?, ?)", asked)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with told(self._path, WHAT), transaction(self._connection):
            yield

    # what is acknowledged -------------------------------------------------------------------

    def acknowledged(self) -> dict[str, dict[str, Any]]:
        """Key → ``status``, ``verified`` and ``objective_eur`` of every task that is committed."""
        names = ("status", "verified", "objective_eur")
        parts = ", ".join(f"json_extract(row, '$.{name}')" for name in names)
        with told(self._path, WHAT):
            rows = self._connection.execute(f"SELECT key, {parts} FROM result").fetchall()
        return {
            str(key): {"status": status, "verified": None if ok is None else bool(ok),
                       "objective_eur": objective}
            for key, status, ok, objective in rows
        }  # fmt: skip

    def forget(self, keys: Iterable[str]) -> None:
        """Take rows away, such as failures that shall be tried again."""
        with self._transaction():
            self._connection.executemany("DELETE FROM result WHERE key = ?", [(k,) for k in keys])

    def note(self, key: str, attempts: int, row: dict[str, Any]) -> None:
        """Take an answer; it is acknowledged with the next commit, soon."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._waiting.append((key, attempts, at, json.dumps(_finite(row), sort_keys=True)))

    def commit_if_due(self) -> None:
        """Commit what has waited long enough."""
        late = time.monotonic() - self._committed >= COMMIT_AFTER
        if self._waiting and (late or len(self._waiting) >= COMMIT_ROWS):
            self.commit()

    def commit(self) -> None:
        """Acknowledge all answers taken: on the disk before this returns."""
        if self._waiting:
            with self._transaction():
                # A row that landed in a commit that was killed is the same row.
                self._connection.executemany(
                    "INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)", self._waiting
                )
            self._waiting.clear()
        self._committed = time.monotonic()

    def rows(self) -> list[tuple[int, str, dict[str, Any], int, str, dict[str, Any] | None, int]]:
        """(number, scenario, varied, route, key, row or ``None``, attempts) as they are asked."""
        with told(self._path, WHAT):
            found = self._connection.execute(
                "SELECT s.number, s.name, s.varied, a.route, a.key, r.row, COALESCE(r.attempts, 0) "
                "FROM asked a JOIN scenario s USING (number) LEFT JOIN result r USING (key) "
                "ORDER BY s.number, a.route"
            ).fetchall()
        return [
            (number, name, json.loads(varied), route, key,
             None if row is None else json.loads(row), attempts)
            for number, name, varied, route, key, row, attempts in found
        ]  # fmt: skip


class SentLog:
    """A line per task that is sent to a worker: what was running, should the power fail."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SENT
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def __call__(self, key: str) -> None:
        try:
            os.write(self._handle, f"{time.time():.3f} {key}\n".encode())
        except OSError as failure:
            raise OSError(failure.errno, failure.strerror, str(self._path)) from failure

    def close(self) -> None:
        os.close(self._handle)


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: what is no number is ``None``."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
