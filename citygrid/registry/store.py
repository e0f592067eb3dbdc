"""The registry itself: runs are begun, finished, found, and removed with a trace."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.registry.blobs import Blobs
from citygrid.registry.canonical import NOTHING_BEFORE, link, plain, text_of
from citygrid.registry.machine import fate, process
from citygrid.registry.place import Place, refuse_network
from citygrid.registry.record import LARGE, SPILLED, Record
from citygrid.registry.schema import COLUMNS, connect, snapshot, told, transaction

DATABASE, BLOBS, IGNORE = "runs.db", "blobs", ".gitignore"
#: The rest of what stands in a row of a finished run.
CHAIN = ("sequence", "id", "body", "body_hash", "previous", "hash")
#: Seconds that another writer is waited for, unless it is said otherwise.
PATIENCE = 10.0
#: The newest run, or the one so many before it.
_LAST = re.compile(r"last(?:~(\d{1,6}))?")
#: Where in the chain the command `runs gc` says what it removed, and under which name.
REMOVAL = "runs gc"


@dataclass(frozen=True)
class Entry:
    """A run as it stands in the registry.

    ``state`` is ``done``, ``failed``, ``removed``, ``unsound`` (its record cannot be read), or of
    a run that has not ended ``running``, ``killed`` or ``unfinished``. ``record`` is ``None`` where
    it was removed or is unsound; ``sequence`` and
    ``hash`` are its place in the chain, which it has once it has ended.
    """

    id: str
    state: str
    record: Record | None
    sequence: int | None = None
    body_hash: str = ""
    previous: str = ""
    hash: str = ""


class Registry:
    """A folder with a database of runs and a store of contents; use it in a ``with`` block.

    ``place`` is the folder; to ``write``, it is made where it is missing, with a ``.gitignore`` of
    its own. Reading also works where nothing can be written. ``timeout`` [s] is how long another
    writer is waited for, ten unless it is said. A connection belongs to one process and one thread:
    open one in each.

    Raises :class:`InputError` for a registry that cannot be used (damaged, foreign, newer, on a
    network file system unless its place allows that, locked for too long), and ``OSError``.
    """

    def __init__(
        self, place: Place | Path, write: bool = False, timeout: float | None = None
    ) -> None:
        place = place if isinstance(place, Place) else Place(Path(place))
        self.folder = place.folder
        self.path = place.folder / DATABASE
        self.blobs = Blobs(place.folder / BLOBS)
        if write:
            refuse_network(place)
            self.blobs.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / IGNORE).exists():
                with whole(self.folder / IGNORE) as temporary:
                    temporary.write_text("*\n", encoding="utf-8")
            self.blobs.sweep()
        self.connection = connect(self.path, write, place.network,
                                  PATIENCE if timeout is None else timeout)  # fmt: skip

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()

    # writing ---------------------------------------------------------------------------------

    def begin(self, record: Record) -> None:
        """Note a run that is about to work, or what has become known of it since.

        Should it be killed, this is what will be seen of it. It outlives the process at once and a
        failure of power from the next finished run on: nobody waits for the disk twice.
        """
        body = {**record.body, "process": process()}
        with told(self.path):
            self.connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with transaction(self.connection):
                    self.connection.execute(
                        "INSERT INTO begun (id, began, body) VALUES (?, ?, ?) "
                        "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                        (record.id, record.body["began"], text_of(plain(body))),
                    )  # fmt: skip
            finally:
                self.connection.execute("PRAGMA synchronous = FULL")

    def add(self, records: Iterable[Record]) -> list[str]:
        """Append finished runs to the chain, all in one transaction; gives the ids of new ones.

        On return they are on disk. A run whose id is there already is left as it is, so that a
        caller who does not know whether a commit has landed may add it again. Parts of a record
        that are large become blobs first.
        """
        spilled = [self._spill(record) for record in records]
        new = []
        with told(self.path), transaction(self.connection):
            sequence, previous = self.head()
            for record in spilled:
                self.connection.execute("DELETE FROM begun WHERE id = ?", (record.id,))
                found = self.connection.execute("SELECT 1 FROM runs WHERE id = ?", (record.id,))
                if found.fetchone():
                    continue
                sequence, hashed = sequence + 1, link(previous, record.hash)
                values = [sequence, record.id, *columns_of(record), record.text, record.hash,
                          previous, hashed]  # fmt: skip
                self.connection.execute(_INSERT, values)
                previous = hashed
                new.append(record.id)
        return new

    def head(self) -> tuple[int, str]:
        """Number and hash of the last run of the chain. Kept elsewhere, they pin all before it."""
        row = self.connection.execute(
            "SELECT sequence, hash FROM runs ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return (0, NOTHING_BEFORE) if row is None else (int(row["sequence"]), str(row["hash"]))

    def _spill(self, record: Record) -> Record:
        body = dict(record.body)
        for name in LARGE:
            if name in body and body[name] and len(text := text_of({name: body[name]})) > SPILLED:
                body[name] = {"blob": self.blobs.put(text.encode()), "bytes": len(text)}
        return Record(body)

    def remove(self, ids: Sequence[str], unfinished: Sequence[str], record: Record) -> None:
        """Take the bodies of runs away and append the record that says so, in one transaction.

        Their hashes stay, and so does the chain.
        """
        nothing = ", ".join(f"{name} = NULL" for name in (*COLUMNS, "body"))
        with told(self.path), transaction(self.connection):
            sequence, previous = self.head()
            self.connection.execute(_INSERT, [
                sequence + 1, record.id, *columns_of(record), record.text, record.hash, previous,
                link(previous, record.hash)])  # fmt: skip
            for id in ids:
                self.connection.execute(f"UPDATE runs SET {nothing} WHERE id = ?", (id,))
            for id in unfinished:
                self.connection.execute("DELETE FROM begun WHERE id = ?", (id,))

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, and leave nothing of it legible."""
        with told(self.path):
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    # reading ---------------------------------------------------------------------------------

    def find(self, prefix: str) -> Entry:
        """The run whose id begins so; ``last`` is the newest whole one, ``last~2`` two before it.

        Raises :class:`InputError` where there is none, or where several begin so.
        """
        with told(self.path), snapshot(self.connection):
            return self._find(prefix)

    def _find(self, prefix: str) -> Entry:
        most = 4
        if last := _LAST.fullmatch(prefix):
            prefix = self._last(int(last[1] or 0)) or prefix
        with told(self.path):
            rows = self.connection.execute(
                "SELECT id FROM (SELECT id FROM runs UNION SELECT id FROM begun) "
                "WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT ?", (len(prefix), prefix, most),
            ).fetchall()  # fmt: skip
        ids = [str(row["id"]) for row in rows]
        if prefix in ids:
            ids = [prefix]
        if not prefix or not ids:
            raise InputError(Fault("run", "there is no such run", prefix,
                                   "see `citygrid runs list`"))  # fmt: skip
        if len(ids) > 1:
            shown = ", ".join(ids[: most - 1]) + (", …" if len(ids) == most else "")
            raise InputError(Fault("run", "several runs begin so", prefix,
                                   f"give more digits: {shown}"))  # fmt: skip
        (entry,) = [*self._entries("WHERE id = ?", ids), *self.unfinished(ids[0])][:1]
        return entry

    def _last(self, before: int) -> str | None:
        with told(self.path):
            row = self.connection.execute(
                "SELECT id FROM runs WHERE parent IS NULL AND body IS NOT NULL AND command != ? "
                "ORDER BY sequence DESC LIMIT 1 OFFSET ?", (REMOVAL, before),
            ).fetchone()  # fmt: skip
        return None if row is None else str(row["id"])

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """All finished runs in the order of the chain, removed ones included."""
        yield from self._entries("WHERE sequence > ? ORDER BY sequence", (after,))

    def children(self, id: str) -> list[Entry]:
        """The runs that are parts of one, in the order of the chain."""
        return list(self._entries("WHERE parent = ? ORDER BY sequence", (id,)))

    def _entries(self, where: str, values: Sequence[Any], strict: bool = True) -> Iterator[Entry]:
        with told(self.path):
            rows = self.connection.execute(
                f"SELECT {', '.join(CHAIN)} FROM runs {where}", tuple(values)
            )
            for row in rows:
                yield self._entry(row, strict)

    def _entry(self, row: sqlite3.Row, strict: bool) -> Entry:
        try:
            record = None if row["body"] is None else self.read(row["id"], row["body"])
            state = "removed" if record is None else str(record.body["state"])
        except InputError:
            if strict:
                raise
            record, state = None, "unsound"
        return Entry(str(row["id"]), state, record, int(row["sequence"]), str(row["body_hash"]),
                     str(row["previous"]), str(row["hash"]))  # fmt: skip

    def read(self, id: object, text: object) -> Record:
        """A stored body, which anybody may have written. Raises :class:`InputError`."""
        try:
            body = json.loads(text) if isinstance(text, str) else None
            if not isinstance(body, dict):
                raise ValueError("it is no JSON object")
            record = Record(body)
            if record.id != id:
                raise ValueError("it calls itself by another id")
        except (ValueError, RecursionError) as error:
            reason = f"the record of run {str(id)[:64]} is unsound"
            repair = "see `citygrid runs check`"
            raise InputError(Fault(str(self.path), reason, str(error)[:120], repair)) from error
        return record

    def unfinished(self, id: str | None = None, strict: bool = True) -> list[Entry]:
        """Runs that were begun and have not ended, or the one of that id.

        Raises :class:`InputError` for a record that cannot be read, if it is to be ``strict``.
        """
        where, values = ("", ()) if id is None else (" WHERE id = ?", (id,))
        with told(self.path):
            rows = self.connection.execute(
                f"SELECT id, body FROM begun{where} ORDER BY began", values
            ).fetchall()  # fmt: skip
        found = []
        for row in rows:
            try:
                record = self.read(row["id"], row["body"])
            except InputError:
                if strict:
                    raise
                found.append(Entry(str(row["id"]), "unsound", None))
            else:
                found.append(Entry(record.id, fate(record.part("process")), record))
        return found

    def select(
        self, model: str | None = None, route: str | None = None, since: str | None = None,
        status: str | None = None, limit: int | None = None, children: bool = False,
    ) -> list[Entry]:  # fmt: skip
        """Runs that are all of what is named, newest first, unfinished ones among them.

        Finished runs are in the order of the chain, whatever the clock said of them; an unfinished
        one stands before those that began no later.

        ``route`` is one of the run's routes, ``since`` an instant in UTC (ISO 8601), ``status``
        what a route said or how the run ended. Without ``children`` runs that are parts of others
        are left out. Removed runs are not listed.
        """
        wanted, values = ["body IS NOT NULL"], list[Any]()
        for condition, value in (
            ("began >= ?", since), ("model = ?", model), ("? IN (status, state)", status),
            ("instr(',' || route || ',', ?)", None if route is None else f",{route},"),
        ):  # fmt: skip
            if value is not None:
                wanted.append(condition)
                values.append(value)
        if not children:
            wanted.append("parent IS NULL")
        where = f"WHERE {' AND '.join(wanted)} ORDER BY sequence DESC LIMIT ?"
        values.append(-1 if limit is None else limit)
        with told(self.path), snapshot(self.connection):
            ended = list(self._entries(where, values, strict=False))
            begun = [entry for entry in self.unfinished(strict=False)
                     if _fits(entry, model, route, since, status)]  # fmt: skip
        return _newest_first(ended, begun)[:limit]

    def inputs_of(self, record: Record) -> list[Any]:
        """What a run read; a part of a comparison has read what the whole has."""
        inputs = record.listed("inputs")
        if not inputs and record.parent is not None:
            for entry in self._entries("WHERE id = ?", (record.parent,)):
                inputs = [] if entry.record is None else entry.record.listed("inputs")
        return list(inputs)


#: A row: number and id, the columns that repeat the body, and the chain.
_NAMES = ("sequence", "id", *COLUMNS, "body", "body_hash", "previous", "hash")
_INSERT = f"INSERT INTO runs ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"


def columns_of(record: Record) -> list[Any]:
    """What the columns beside a body repeat of it."""
    return [record.body.get(name) for name in COLUMNS]


def _newest_first(ended: Sequence[Entry], begun: Sequence[Entry]) -> list[Entry]:
    """Both as one list: finished runs as they come, unfinished ones by when they began."""

    def began(entry: Entry) -> str:
        return "" if entry.record is None else str(entry.record.body["began"])

    waiting = sorted(begun, key=began)  # the newest last
    found: list[Entry] = []
    for entry in ended:
        while waiting and began(waiting[-1]) >= began(entry):
            found.append(waiting.pop())
        found.append(entry)
    return found + waiting[::-1]


def _fits(
    entry: Entry, model: str | None, route: str | None, since: str | None, status: str | None
) -> bool:
    """Whether a run that has not ended is one of those that are asked for."""
    if entry.record is None:
        return True  # nobody can know
    body = entry.record.body
    routes = f",{body.get('route') or ''},"
    return (
        (model is None or body.get("model") == model)
        and (route is None or f",{route}," in routes)
        and (since is None or str(body["began"]) >= since)
        and (status is None or status in (entry.state, body.get("status")))
    )
