"""Whether a registry is what was written: the chain, the columns, the contents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from citygrid.errors import InputError
from citygrid.registry.blobs import is_digest
from citygrid.registry.canonical import NOTHING_BEFORE, link, sha256
from citygrid.registry.schema import COLUMNS, snapshot, told
from citygrid.registry.store import CHAIN, REMOVAL, Registry, columns_of

#: Faults beyond which more are counted but not told.
MOST = 100


@dataclass
class Report:
    """What a check found: the runs and contents it saw, and everything that is wrong."""

    runs: int = 0
    removed: int = 0
    unfinished: int = 0
    blobs: int = 0
    head: str = NOTHING_BEFORE
    faults: list[str] = field(default_factory=list)
    further: int = 0

    @property
    def ok(self) -> bool:
        return not self.faults

    def blame(self, what: str) -> None:
        """Add a fault, or count it where too many are known already."""
        if len(self.faults) < MOST:
            self.faults.append(what)
        else:
            self.further += 1

    def as_dict(self) -> dict[str, Any]:
        """The report as one document."""
        return {"ok": self.ok, "runs": self.runs, "removed": self.removed,
                "unfinished": self.unfinished, "blobs": self.blobs, "head": self.head,
                "faults": self.faults, "further_faults": self.further}  # fmt: skip


def check(registry: Registry, head: str | None = None) -> Report:
    """Follow the chain from its first run to its last and compare every content with its digest.

    An edited body does not fit its hash, a changed hash does not fit the next run, a missing run
    leaves a gap in the numbers, and one missing at the end is known to SQLite's own counter. A run
    that was removed must be named by a later record of ``runs gc``. Whoever can write the file can
    also write a new chain from end to end: against that, ``head`` (a hash that was noted
    elsewhere) must still be in it. Raises :class:`InputError` for a database that cannot be read.
    """
    report = Report()
    with told(registry.path):
        # Others may add runs meanwhile: what is compared is of one moment.
        with snapshot(registry.connection):
            wanted = _follow(registry, head, report)
        for digest, at in wanted.items():
            report.blobs += 1
            if not (is_digest(digest) and registry.blobs.sound(digest)) and _stands(registry, at):
                report.blame(f"content {digest[:64]} of run number {at} is missing or was changed")
    return report


def _stands(registry: Registry, number: int) -> bool:
    """Whether a run is there still, and not removed with its contents since it was read."""
    ask = "SELECT body IS NOT NULL FROM runs WHERE sequence = ?"
    row = registry.connection.execute(ask, (number,)).fetchone()
    return row is not None and bool(row[0])


def _follow(registry: Registry, head: str | None, report: Report) -> dict[str, int]:
    """All but the contents: gives the digests of those, and the numbers of runs that need them."""
    connection = registry.connection
    damage = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)")]
    if damage != ["ok"]:
        for each in damage:
            report.blame(f"the database is damaged: {each[:200]}")
        return {}
    wanted: dict[str, int] = {}
    missing, named, hashes = dict[str, int](), set[str](), {NOTHING_BEFORE}
    number, previous = 0, NOTHING_BEFORE
    ask = f"SELECT {', '.join((*CHAIN, *COLUMNS))} FROM runs ORDER BY sequence"
    for row in connection.execute(ask):
        number += 1
        place = f"run {str(row['id'])[:64]} (number {row['sequence']})"
        if row["sequence"] != number:
            report.blame(f"{place} should be number {number}: runs before it are missing")
            number = int(row["sequence"])
        if row["previous"] != previous:
            report.blame(f"{place} does not follow the run before it")
        if row["hash"] != link(str(row["previous"]), str(row["body_hash"])):
            report.blame(f"{place} has another hash than its contents")
        previous = str(row["hash"])
        hashes.add(previous)
        report.runs += 1
        if row["body"] is None:
            report.removed += 1
            missing[str(row["id"])] = number
            continue
        for fault in _body_faults(registry, row, wanted, named):
            report.blame(f"{place} {fault}")
    report.head = previous
    _check_end(connection, number, report)
    for id in sorted(missing.keys() - named):
        report.blame(f"run {id[:64]} (number {missing[id]}) was taken away, and no `runs gc` "
                     "says so")  # fmt: skip
    if head is not None and head not in hashes:
        report.blame(
            f"no run has the hash {head[:64]}: the chain is another than when it was noted"
        )
    begun = registry.unfinished(strict=False)
    for entry in begun:
        if entry.record is None:
            report.blame(f"what is known of the unfinished run {entry.id[:64]} is unsound")
    report.unfinished = len(begun)
    return wanted


def _body_faults(
    registry: Registry, row: sqlite3.Row, wanted: dict[str, int], named: set[str]
) -> Iterator[str]:
    """What is wrong with one body; its contents and what it removed are noted."""
    if not isinstance(row["body"], str) or sha256(row["body"]) != row["body_hash"]:
        yield "was edited: its body does not fit its hash"
    try:
        record = registry.read(row["id"], row["body"])
    except InputError:
        yield "has no readable body"
        return
    if columns_of(record) != [row[name] for name in COLUMNS]:
        yield "is listed with other figures than its body has"
    for digest in record.blobs:
        wanted.setdefault(digest, int(row["sequence"]))
    if record.body["command"] == REMOVAL:
        removed = record.body.get("removed")
        named.update(map(str, removed if isinstance(removed, list) else []))


def _check_end(connection: sqlite3.Connection, number: int, report: Report) -> None:
    """SQLite counts the numbers it has given; runs taken from the end leave that count behind."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone()
    given = 0 if row is None else row[0]
    if given != number:
        report.blame(f"the chain ends with run number {number}, but {given} were written")
