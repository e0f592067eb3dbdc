"""What is kept and what goes: records of old runs, and contents that no run needs."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.files import ABANDONED_AFTER
from citygrid.locks import holding
from citygrid.registry.record import new_record
from citygrid.registry.schema import snapshot, told
from citygrid.registry.store import REMOVAL, Entry, Registry

#: Seconds that a content is left alone: a run that needs it may not have ended yet.
YOUNG = ABANDONED_AFTER
_HOURS = {"h": 1.0, "d": 24.0, "w": 168.0}
_AGE = re.compile(r"(\d{1,6}(?:\.\d+)?) ?([hdw])")


def instant(text: str, option: str) -> str:
    """An age (``36 h``, ``7d``, ``2 w``) or a date as an instant in UTC, as records write it.

    A date without an offset is on this machine's clock. Raises :class:`InputError`.
    """
    age = _AGE.fullmatch(text.strip())
    try:
        if age:
            then = datetime.now(UTC) - timedelta(hours=float(age[1]) * _HOURS[age[2]])
        else:
            then = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(Fault(option, "is neither an age nor a date", text,
                               "write 36h, 7d, 2w, or 2026-11-26"))  from error  # fmt: skip
    return then.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Removal:
    """What would go: finished runs with their parts, runs that never ended, contents [bytes]."""

    runs: tuple[str, ...]
    unfinished: tuple[str, ...]
    blobs: tuple[str, ...]
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """The removal as one document."""
        return {"runs": list(self.runs), "unfinished": list(self.unfinished),
                "blobs": list(self.blobs), "bytes": self.bytes}  # fmt: skip


def choose(registry: Registry, keep: int | None, before: str | None) -> Removal:
    """What to remove: all but the newest ``keep`` runs, and of these what ended before an instant.

    Where only one of the two is given it alone decides; where neither is, no run goes, only
    contents of which no run speaks. Records of earlier removals stay. Runs that are still at work
    stay, and so do contents younger than a day.
    """
    with told(registry.path), snapshot(registry.connection):
        return _chosen(registry, keep, before)


def _chosen(registry: Registry, keep: int | None, before: str | None) -> Removal:
    whole, parts = list[Entry](), dict[str, list[str]]()
    for entry in registry.entries():
        if entry.record is None or entry.record.body["command"] == REMOVAL:
            continue
        if entry.record.parent is None:
            whole.append(entry)
        else:
            parts.setdefault(entry.record.parent, []).append(entry.id)
    old = whole[: max(len(whole) - keep, 0)] if keep is not None else whole
    if keep is None and before is None:
        old = []
    ids = []
    for entry in old:
        assert entry.record is not None
        if before is None or str(entry.record.body.get("finished")) < before:
            ids += [entry.id, *parts.get(entry.id, [])]
    dead = tuple(
        entry.id for entry in registry.unfinished()
        if entry.state != "running" and entry.record is not None and before is not None
        and str(entry.record.body["began"]) < before
    )  # fmt: skip
    blobs, size = _unneeded(registry, {*ids, *dead})
    return Removal(tuple(ids), dead, tuple(blobs), size)


def _unneeded(registry: Registry, gone: set[str]) -> tuple[list[str], int]:
    """Contents of which no run speaks that stays, and their size [bytes]."""
    needed: set[str] = set()
    with told(registry.path), snapshot(registry.connection):
        for entry in (*registry.entries(), *registry.unfinished()):
            if entry.record is not None and entry.id not in gone:
                needed.update(entry.record.blobs)
    found, size = [], 0
    for digest in registry.blobs.all():
        if digest not in needed:
            try:
                state = registry.blobs.path(digest).stat()
            except FileNotFoundError:  # another process removes contents, too
                continue
            if time.time() - state.st_mtime > YOUNG:
                found.append(digest)
                size += state.st_size
    return found, size


def collect(registry: Registry, removal: Removal) -> Removal:
    """Carry a removal out; gives what has gone.

    The record that says so is in the chain before a content goes, and what is needed is looked up
    once more in between, so that a run that has ended meanwhile keeps its contents. Nobody else
    removes anything meanwhile; what somebody has removed before is not removed again.
    """
    with holding([registry.folder]):
        with told(registry.path), snapshot(registry.connection):
            there = {entry.id for entry in registry.entries() if entry.record is not None}
            begun = {entry.id for entry in registry.unfinished()}
        runs = tuple(id for id in removal.runs if id in there)
        dead = tuple(id for id in removal.unfinished if id in begun)
        if runs or dead:
            registry.remove(runs, dead, new_record(REMOVAL, removed=[*runs, *dead]))
            registry.shrink()
        with holding([registry.blobs.folder]):
            unneeded, _ = _unneeded(registry, set())
            gone = [digest for digest in unneeded if digest in set(removal.blobs)]
            size = sum(registry.blobs.discard(digest) for digest in gone)
    return Removal(runs, dead, tuple(gone), size)
