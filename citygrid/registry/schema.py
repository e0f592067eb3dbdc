"""The database of a registry: its tables, their versions, and how it is opened with suspicion."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from citygrid.errors import Fault, InputError

#: "city", by which `file` and we tell a registry from any other database.
APPLICATION = 0x63697479
#: Bytes beyond which no cell is read or written.
MOST_CELL = 64 << 20
#: Columns that repeat a body's entries, so that lists are filtered without reading bodies.
COLUMNS = (
    "parent", "command", "state", "model", "route", "seed", "status", "objective", "bound", "gap",
    "plan_digest", "began", "finished",
)  # fmt: skip

#: Statements that lead from each version to the next. They are never edited, only added to.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE begun (id TEXT PRIMARY KEY, began TEXT NOT NULL, body TEXT NOT NULL)",
        # `body` is NULL of a run that was removed; its hashes stay, so that the chain holds.
        "CREATE TABLE runs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
        "parent TEXT, command TEXT, state TEXT, model TEXT, route TEXT, seed INTEGER, "
        "status TEXT, objective REAL, bound REAL, gap REAL, plan_digest TEXT, began TEXT, "
        "finished TEXT, body TEXT, body_hash TEXT NOT NULL, previous TEXT NOT NULL, "
        "hash TEXT NOT NULL UNIQUE)",
        "CREATE INDEX runs_by_parent ON runs (parent)",
    ),
)  # fmt: skip


@contextmanager
def told(path: Path, what: str = "the registry") -> Iterator[None]:
    """What SQLite refuses, as one message about what is kept at ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        repair = f"see that it is {what}'s {path.name} and that you may read it"
        if "locked" in said or "busy" in said:
            repair = "another process has held it for long; try again"
        elif "full" in said:
            repair = "free space on its disk"
        elif "readonly" in said:
            repair = "see that you may write it"
        elif "disk I/O" in said:
            repair = "see that its disk is there and sound, then try again"
        raise InputError(Fault(str(path), f"{what} cannot be used", said, repair)) from error


def connect(
    path: Path, write: bool, network: bool = False, timeout: float = 10.0
) -> sqlite3.Connection:
    """Open a registry's database; to write, it is made or brought to the newest version.

    Whoever reads changes nothing, also where the file or its folder cannot be written. Nothing that
    the file itself says is run: functions in its schema are not trusted, and a schema that is not
    ours to the letter is refused. ``timeout`` [s] is how long another writer is waited for.
    Raises :class:`InputError`.
    """
    with told(path):
        connection = _open(path, write, timeout)
        try:
            if write:
                if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                    _refuse_foreign(connection, path)  # before anything of it is changed
                settle(connection, network, timeout)
                _migrate(connection)
            with snapshot(connection):
                _refuse_foreign(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _open(path: Path, write: bool, timeout: float) -> sqlite3.Connection:
    if write:
        return _careful(f"file:{quote(str(path))}", timeout)
    if not path.is_file():
        raise InputError(Fault(str(path), "there is no registry", None,
                               "run `citygrid plan` first, or name one by --registry"))  # fmt: skip
    return open_to_read(path, timeout)


def open_to_read(path: Path, timeout: float) -> sqlite3.Connection:
    """A database with a write-ahead log, to read: also while it is written, and where one may not.

    Raises ``sqlite3.OperationalError``.
    """
    log = path.with_name(path.name + "-wal")

    def is_logged() -> bool:
        try:
            return log.stat().st_size > 0
        except FileNotFoundError:  # there is none, or none any more
            return False

    # The log of a database in use must be read with it, for which SQLite wants to write beside it.
    # Where it cannot and there is no log, the file is all there is.
    for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
        if "immutable" in mode and is_logged():
            continue
        try:
            connection = _careful(f"file:{quote(str(path))}?{mode}", timeout)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            failure = error
        else:
            return connection
    raise failure


def _careful(address: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, timeout=timeout, isolation_level=None, uri=True)
    connection.row_factory = sqlite3.Row
    # What is no text is none of ours, and its hash will say so.
    connection.text_factory = lambda data: data.decode(errors="replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_CELL)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def settle(connection: sqlite3.Connection, network: bool, timeout: float) -> None:
    """Every commit is on disk before it returns; readers and a writer do not wait for each other.

    The write-ahead log needs shared memory, which no network file system has.
    """
    connection.execute("PRAGMA synchronous = FULL")
    wanted = "delete" if network else "wal"
    end = time.monotonic() + timeout
    # Of several who change the mode at once, all but one are told "locked" without any waiting.
    while True:
        try:
            (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        else:
            if mode == wanted or time.monotonic() > end:
                return
        time.sleep(0.01)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; writers queue at its beginning rather than fail at its end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is of one moment, whatever others write meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def version_of(connection: sqlite3.Connection) -> int:
    """Number of migrations that a database has seen."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    if version_of(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        version = version_of(connection)  # another process may have been quicker
        for number in range(version, len(MIGRATIONS)):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        if version < len(MIGRATIONS):
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a newer registry, another program's database, and one with tables or triggers added.

    A trigger in a file that somebody sent would run at our next write.
    """
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise InputError(Fault(str(path), "was written by a newer citygrid",
                               f"version {version}", "use that one, or newer"))  # fmt: skip
    if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        # Whoever was to fill it was killed before; the next who writes does.
        raise InputError(Fault(str(path), "there is no run in this registry yet", None,
                               "run `citygrid plan` first, or name one by --registry"))  # fmt: skip
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if version == 0 or application != APPLICATION:
        raise _foreign(path, "it is another program's database")
    blank = sqlite3.connect(":memory:")
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            blank.execute(statement)
    ask = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
    ours = set(blank.execute(ask))
    blank.close()
    theirs = {tuple(row) for row in connection.execute(ask)}
    if theirs != ours:
        named = sorted({f"{kind} {name}"[:60] for kind, name, _ in theirs ^ ours})
        raise _foreign(path, f"its schema was changed: {', '.join(named[:5])}")


def _foreign(path: Path, why: str) -> InputError:
    return InputError(Fault(str(path), "is no sound registry", why, "name another by --registry"))
