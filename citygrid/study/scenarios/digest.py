"""What tells one planned scenario from another: a hash of all that its result depends on.

The changed district, the bytes of every file that it names, the route with its options, what is to
be written, and the version. Paths of folders, names of scenarios and of machines are left out, so
the same question has the same hash everywhere.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import citygrid
from citygrid.registry.canonical import sha256_of_file
from citygrid.study.scenarios.spec import OutputsSpec, RouteSpec


class Digests:
    """Hashes of scenarios of one base, whose unchanged parts and files are read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[int, tuple[Any, str, frozenset[str]]] = {}
        self._files: dict[str, str | None] = {}

    def district(self, tree: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """SHA-256 of a changed district with its data, and the SHA-256 of each file it names."""
        digest = hashlib.sha256()
        named: set[str] = set()
        for section in sorted(tree):
            value = tree[section]
            entries = value if isinstance(value, dict) else {"": value}
            digest.update(f"{section}{type(value).__name__}".encode())
            for key in sorted(entries):
                text, files = self._entry(entries[key])
                digest.update(json.dumps([key, text]).encode())
                named |= files
        found = {file: sha for file in sorted(named) if (sha := self._file(file)) is not None}
        digest.update(json.dumps(found).encode())
        return digest.hexdigest(), found

    def _entry(self, value: Any) -> tuple[str, frozenset[str]]:
        """An entry as canonical text, and the texts in it that could name files."""
        known = self._texts.get(id(value))
        # The value is kept beside its text, so that nothing else can come to have its id.
        if known is None or known[0] is not value:
            text = json.dumps(value, sort_keys=True, ensure_ascii=False)
            files = frozenset(each for each in _texts(value) if "." in each or "/" in each)
            known = (value, text, files)
            self._texts[id(value)] = known
        return known[1], known[2]

    def _file(self, name: str) -> str | None:
        """SHA-256 of a file of the district's folder; ``None`` where the text names none."""
        if name not in self._files:
            try:
                path = self._folder / name
                self._files[name] = sha256_of_file(path) if path.is_file() else None
            except (OSError, ValueError):  # too long for a name, or with a NUL in it
                self._files[name] = None
        return self._files[name]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def key_of(district: str, route: RouteSpec, outputs: OutputsSpec) -> str:
    """The key of a district planned by a route: what is computed once has one key."""
    said = [district, route.model_dump(), outputs.model_dump(), citygrid.__version__]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
