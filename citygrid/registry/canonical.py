"""One text for one record: canonical JSON, and the hashes that are taken of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: What stands where the first run of a chain names the one before it.
NOTHING_BEFORE = "0" * 64
#: Bytes read at once.
CHUNK = 1 << 20


def now() -> str:
    """The present instant, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def plain(value: Any) -> Any:
    """A value as JSON holds it: numbers that are none become ``null``, all else becomes text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):  # numbers of numpy
        value = value.tolist()
        return plain(value) if isinstance(value, (bool, list)) else _number(value)
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value)


def text_of(body: Mapping[str, Any]) -> str:
    """Canonical JSON: keys in order, no blanks, every number in its shortest exact form.

    Reading it and writing it again gives the same text, so a hash can be checked by anybody.
    Half surrogates, which file names may hold, are written by their codes.
    """
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256(data: bytes | str) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's contents, however large. Raises ``OSError``."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def link(previous: str, body_hash: str) -> str:
    """Hash of a run in the chain: SHA-256 of the hash before it, a line feed, and its body's."""
    return sha256(f"{previous}\n{body_hash}")
