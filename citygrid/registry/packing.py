"""Runs as one file for somebody else: JSON lines and contents, checked without citygrid."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from citygrid.files import whole
from citygrid.registry.canonical import text_of
from citygrid.registry.store import Entry, Registry

RUNS, README = "runs.jsonl", "README.txt"
#: The same instant for every member, so that equal runs give equal files.
_STAMP = (1980, 1, 1, 0, 0, 0)
_ABOUT = """\
Runs of citygrid, exported from its registry.

runs.jsonl   a run per line: its number, its record ("body"), and its place in the chain
blobs/       contents by their SHA-256: inputs, logs, what was too large for a record

To check:    sha256sum blobs/*
             every name is the digest of its file
             body_hash is the SHA-256 of the body as JSON with sorted keys and without blanks
             hash is the SHA-256 of previous, a line feed, and body_hash
             previous is the hash of the run with the number before, where that is here, too

In Python:   json.dumps(body, sort_keys=True, separators=(",", ":"))

A body that is null was removed from the registry; its hashes hold the chain together. Only contents
that were kept are here; of larger inputs, and of outputs, records state the digest.
"""


def pack(registry: Registry, entries: Sequence[Entry], target: Path) -> dict[str, int]:
    """Write runs and all that is kept for them; gives how many runs and contents there are.

    Raises :class:`InputError` for a content that is missing or was changed, and ``OSError``.
    """
    blobs = dict.fromkeys(
        digest for entry in entries if entry.record is not None for digest in entry.record.blobs
    )
    with whole(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        _put(file, README, _ABOUT.encode())
        _put(file, RUNS, "".join(f"{_line(entry)}\n" for entry in entries).encode())
        for digest in sorted(blobs):
            _put(file, f"blobs/{digest}", registry.blobs.get(digest))
    return {"runs": len(entries), "blobs": len(blobs)}


def _line(entry: Entry) -> str:
    """A run; its body stands as it is hashed."""
    frame = {"sequence": entry.sequence, "id": entry.id, "body_hash": entry.body_hash,
             "previous": entry.previous, "hash": entry.hash}  # fmt: skip
    body = "null" if entry.record is None else entry.record.text
    return f'{text_of(frame)[:-1]},"body":{body}}}'


def _put(file: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, _STAMP)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    file.writestr(member, data)
