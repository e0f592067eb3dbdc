"""Contents by their SHA-256: written whole or not at all, never changed, found by what they are."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from citygrid.errors import Fault, InputError
from citygrid.files import ABANDONED_AFTER, DRAFT, is_abandoned, whole
from citygrid.locks import holding
from citygrid.registry.canonical import sha256, sha256_of_file

_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Says when strays were last looked for.
SWEPT = ".swept"


def is_digest(text: object) -> bool:
    """Whether a text is a SHA-256 as we write it; nothing else becomes part of a path."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


class Blobs:
    """A folder of contents, ``ab/cdef…`` by the digits of their SHA-256.

    ``sha256sum`` checks them, and two runs with the same weather share one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a content lies, or would. Raises ``ValueError`` for what is no digest."""
        if not is_digest(digest):
            raise ValueError("is no SHA-256")
        return self.folder / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Keep a content; on return it is on disk. Gives its digest. Raises ``OSError``."""
        digest = sha256(data)
        path = self.path(digest)
        # Whoever discards holds the folder: what is found here young is not taken away.
        with suppress(FileNotFoundError), holding([self.folder], shared=True):
            if path.stat().st_size == len(data):
                os.utime(path)  # in use again: `gc` leaves alone what is young
                return digest
        with whole(path) as temporary:
            temporary.write_bytes(data)
        return digest

    def get(self, digest: str) -> bytes:
        """A content, checked. Raises :class:`InputError` where it is missing or was changed."""
        if not is_digest(digest):
            raise InputError(Fault("blob", "is no SHA-256", digest, "the run's record is unsound"))
        path = self.path(digest)
        if not path.is_file():
            raise InputError(Fault(str(path), "the content is not kept any more", None,
                                   "restore it from a copy of the registry"))  # fmt: skip
        data = path.read_bytes()
        if sha256(data) != digest:
            raise InputError(Fault(str(path), "the content was changed: its SHA-256 is another",
                                   None, "restore it from a copy of the registry"))  # fmt: skip
        return data

    def sound(self, digest: str) -> bool:
        """Whether a content is there and is what its name says."""
        path = self.path(digest)
        return path.is_file() and sha256_of_file(path) == digest

    def all(self) -> Iterator[str]:
        """Digests of all contents."""
        for path in sorted(self.folder.glob("??/*")):
            digest = path.parent.name + path.name
            if is_digest(digest):
                yield digest

    def discard(self, digest: str) -> int:
        """Remove a content; gives its size [bytes]."""
        path = self.path(digest)
        size = path.stat().st_size
        path.unlink()
        return size

    def sweep(self) -> int:
        """Remove temporaries that no writer has touched for a day, at most once a day."""
        mark = self.folder / SWEPT
        with suppress(FileNotFoundError):
            # A mark of a clock that has been put back since is none.
            if 0.0 <= time.time() - mark.stat().st_mtime < ABANDONED_AFTER:
                return 0
        number = 0
        for stray in self.folder.glob(f"??/{DRAFT}*"):
            with suppress(FileNotFoundError):  # another process may sweep, too
                if is_abandoned(stray):
                    stray.unlink()
                    number += 1
        mark.touch()
        return number
