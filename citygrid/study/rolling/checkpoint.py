"""What windows have decided, kept on disk window by window, so that a killed run can go on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from citygrid.arrays import Floats, Indices
from citygrid.errors import Fault, InputError
from citygrid.files import DRAFT, whole
from citygrid.locks import lock

NAME, WINDOWS = "window_{:05d}.npz", "window_[0-9]*.npz"
FRAME = "rolling.json"
#: Names under which the look ahead and what the bound's windows proved are kept.
OUTLOOK, PROVED = REMEMBERED = ("outlook", "bounds")
#: All that is ours in the folder; other files in it are the user's own.
OURS = (WINDOWS, FRAME, *(f"{name}.npz" for name in REMEMBERED))


class Checkpoint:
    """A folder with one file per decided window, and one that says what they belong to.

    ``folder`` ``None`` keeps nothing. Files are written whole or not at all, so that what a killed
    run leaves behind is the windows that it had finished. It is used in a ``with`` block, in which
    the folder is one process's alone.
    """

    def __init__(self, folder: Path | None, about: dict[str, Any]) -> None:
        self.folder = folder
        self._held: int | None = None
        self._frame = {**about, "key": hashlib.sha256(
            json.dumps(about, sort_keys=True).encode()).hexdigest()}  # fmt: skip

    def __enter__(self) -> Checkpoint:
        """Hold the folder. Raises :class:`InputError` where another process does."""
        while self.folder is not None and self._held is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # who held it took it away at the end
                self._held = _held(self.folder)
                self._sweep()
        return self

    def _sweep(self) -> None:
        """Remove what was being written when a run was killed: nobody else writes here."""
        assert self.folder is not None
        for name in OURS:
            for stray in self.folder.glob(f"{DRAFT}{name}-*"):
                stray.unlink(missing_ok=True)

    def __exit__(self, *error: object) -> None:
        if self.folder is not None and self._held is not None:
            with suppress(OSError):  # it keeps what the next run goes on from
                self.folder.rmdir()
            os.close(self._held)
            self._held = None

    def begin(self, resume: bool) -> int:
        """How many windows are there to go on from; without ``resume`` those of before go.

        Raises :class:`InputError` where they are those of another problem.
        """
        if self.folder is None:
            return 0
        frame = self.folder / FRAME
        if not resume or not frame.is_file():
            self.clear()
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole(frame) as temporary:
                temporary.write_text(json.dumps(self._frame, indent=1), encoding="utf-8")
            return 0
        self._check(frame)
        count = 0
        while (self.folder / NAME.format(count)).is_file():
            count += 1
        return count

    def _check(self, frame: Path) -> None:
        try:
            found = json.loads(frame.read_text(encoding="utf-8"))
            same = found["key"] == self._frame["key"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(Fault(str(frame), "is not what a rolling plan left behind", None,
                                   "leave out --resume to begin anew")) from error  # fmt: skip
        if not same:
            other = [name for name, value in self._frame.items()
                     if name != "key" and found.get(name) != value]  # fmt: skip
            raise InputError(Fault(str(frame), "belongs to another problem", ", ".join(other),
                                   "leave out --resume to begin anew"))  # fmt: skip

    def keep(self, number: int, columns: Indices, values: Floats, notes: dict[str, Any]) -> None:
        """Keep what window ``number`` decided, and forget later windows of an earlier try."""
        if self.folder is None:
            return
        told = np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8)
        with whole(self.folder / NAME.format(number)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, columns=columns, values=values, notes=told)
        (self.folder / NAME.format(number + 1)).unlink(missing_ok=True)

    def read(self, number: int) -> tuple[Indices, Floats, dict[str, Any]]:
        """What window ``number`` had decided."""
        assert self.folder is not None
        path = self.folder / NAME.format(number)
        with _told(path), np.load(path, allow_pickle=False) as stored:
            return stored["columns"], stored["values"], json.loads(stored["notes"].tobytes())

    def remember(self, name: str, **arrays: Any) -> None:
        """Keep arrays under a name, beside the windows."""
        if self.folder is None:
            return
        with whole(self.folder / f"{name}.npz") as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)

    def recall(self, name: str, *keys: str) -> list[Any] | None:
        """The arrays that are kept under a name, by their keys, if any are."""
        if self.folder is None or not (path := self.folder / f"{name}.npz").is_file():
            return None
        with _told(path), np.load(path, allow_pickle=False) as stored:
            return [stored[key] for key in keys]

    def clear(self) -> None:
        """Take away what was kept: the plan is whole, or begins anew."""
        if self.folder is None or not self.folder.is_dir():
            return
        for name in OURS:
            for path in self.folder.glob(name):
                path.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Take away what a rolled plan kept in a folder: its files are written."""
    with Checkpoint(folder, {}) as kept:
        kept.clear()


def _held(folder: Path) -> int:
    """A folder, open, that nobody else holds until it is closed.

    Raises :class:`InputError` where somebody does and ``FileNotFoundError`` where it is gone.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        free = True
        with suppress(OSError):  # a disk that knows no locks
            free = lock(opened)
        if not free:
            reason = "another plan by windows is being made here"
            repair = "wait for its end, or name another folder by --out"
            raise InputError(Fault(str(folder), reason, None, repair))
        if not os.path.samestat(os.fstat(opened), folder.stat()):
            raise FileNotFoundError(folder)
    except BaseException:
        os.close(opened)
        raise
    return opened


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A file that cannot be read is the user's to take away."""
    try:
        yield
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(Fault(str(path), "is not what a rolling plan left behind",
                               str(error)[:80], "leave out --resume")) from error  # fmt: skip
