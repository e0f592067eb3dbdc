"""A record: all that is known of one run, as plain values."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from citygrid.registry.canonical import now, plain, sha256, text_of
from citygrid.registry.machine import machine, versions

#: What a caller may choose as the id of a run.
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}")
#: How a run can have ended: with exit code 0, or not.
DONE, FAILED = "done", "failed"
#: Version of the bodies that are written.
FORMAT = 1
#: Characters of JSON beyond which a part of a body is kept as a blob instead.
SPILLED = 64 << 10
#: Parts that may be that large.
LARGE = ("telemetry", "details")


def new_id() -> str:
    """A fresh id: 80 random bits, so that a few digits name a run among thousands."""
    return secrets.token_hex(10)


@dataclass(frozen=True)
class Record:
    """One run. ``body`` is what is hashed; everything else is read from it."""

    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        wrong = [name for name in ("id", "command", "began", "state")
                 if not isinstance(self.body.get(name), str)]  # fmt: skip
        if wrong or not ID.fullmatch(self.body["id"]):
            raise ValueError(f"a record needs {', '.join(wrong) or 'a sound id'}")

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def parent(self) -> str | None:
        """The run that this one is a part of, such as the comparison of a route's."""
        parent = self.body.get("parent")
        return None if parent is None else str(parent)

    @cached_property
    def text(self) -> str:
        """The body as canonical JSON."""
        return text_of(self.body)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the body."""
        return sha256(self.text)

    def part(self, name: str) -> Mapping[str, Any]:
        """A section of the body; empty where there is none."""
        found = self.body.get(name)
        return found if isinstance(found, Mapping) else {}

    def listed(self, name: str) -> list[Mapping[str, Any]]:
        """A list of entries of the body; empty where there is none."""
        found = self.body.get(name)
        entries = found if isinstance(found, list) else []
        return [each for each in entries if isinstance(each, Mapping)]

    @property
    def blobs(self) -> Iterator[str]:
        """Digests of all contents that the registry keeps for this run."""
        for entry in (*self.listed("inputs"), *self.listed("outputs")):
            if entry.get("kept") is True:
                yield str(entry.get("sha256"))
        for name in (*LARGE, "log"):
            blob = self.part(name).get("blob")
            if isinstance(blob, str):
                yield blob


def new_record(
    command: str, id: str | None = None, parent: str | None = None, began: str | None = None,
    **facts: Any,
) -> Record:  # fmt: skip
    """A finished run, to be added to a registry.

    ``id`` is made by the caller where a run may be added twice, such as after a crash: the second
    time changes nothing. ``facts`` are whatever is known; these names are understood: model,
    model_hash, case_hash, form_hash, size, route, seed, options, request, status, objective, bound,
    gap [1], plan_digest, verdict, kpis, seconds, calls, trace, telemetry, inputs, outputs, error,
    details, exit_code. ``state`` is ``done`` unless it is told otherwise.
    """
    facts.setdefault("state", DONE)
    facts.setdefault("finished", now())
    return Record(plain({
        "format": FORMAT, "id": id or new_id(), "parent": parent, "command": command,
        "began": began or facts["finished"] or now(), "folder": str(Path.cwd()),
        "versions": versions(), "machine": machine(), **facts,
    }))  # fmt: skip
