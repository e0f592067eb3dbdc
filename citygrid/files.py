"""Files are written whole or not at all: temporary name, flush to disk, rename."""

from __future__ import annotations

import errno
import glob
import json
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.locks import holding

#: How the name of a file begins that is not whole yet.
DRAFT = ".partial-"
#: A temporary that nobody has touched for so long [s] has no writer any more.
ABANDONED_AFTER = 86_400.0
#: Free room [bytes] below which a disk counts as full when a write has failed.
LEAST_ROOM = 1 << 20
#: How often a folder is made that others, who fail, take away again.
TRIES = 10


class _Batch:
    """Files that wait for each other: temporary → what it will be called; what was read, then."""

    def __init__(self, inputs: Iterable[Path]) -> None:
        self.waiting: dict[Path, Path] = {}
        self.made: list[Path] = []
        self.inputs: dict[Path, tuple[int, ...] | None] = {}
        self.read(inputs)

    def read(self, inputs: Iterable[Path]) -> None:
        """Note files that are about to be read."""
        for each in inputs:
            path = Path(each).resolve()
            self.inputs.setdefault(path, _which(path))

    def ready(self, path: Path) -> Path:
        """Where the file that will be ``path`` lies now. Raises ``KeyError`` for no such file."""
        return {final: temporary for temporary, final in self.waiting.items()}[_target(path)]

    def settle(self) -> None:
        """Give all files their names, while nobody else names any in the same folders.

        Of two who write the same files at once, all are of the one who comes last. Raises
        :class:`InputError` where files would come to lie beside an input that is another by now.
        """
        folders = {path.parent.resolve() for path in self.waiting.values()}
        beside = {path: was for path, was in self.inputs.items()
                  if any(each.is_relative_to(path.parent) for each in folders)}  # fmt: skip
        with holding(folders | {path.parent for path in beside}):
            for path, was in beside.items():
                if _which(path) != was:
                    reason = "was written over by another process meanwhile"
                    raise InputError(Fault(str(path), reason, None, "run this command again"))
            self._name()
            for folder in folders:
                _settle(folder)

    def drop(self, kept: Iterable[Path]) -> None:
        """Let go of all files but those temporaries that are ``kept``."""
        for temporary in self.waiting.keys() - set(kept):
            temporary.unlink(missing_ok=True)
            del self.waiting[temporary]
        _remove(self.made)

    def _name(self) -> None:
        """Give all files their names; where one is refused, all others are what they were."""
        named: list[tuple[Path, Path | None]] = []
        seconds: list[Path] = []
        try:
            for temporary, path in self.waiting.items():
                new = not path.exists()
                former = None if new else _second_name(path)
                seconds += [former] if former else []
                temporary.replace(path)
                if new or former:
                    named.append((path, former))
        except BaseException:
            for path, former in reversed(named):  # one may have been named twice
                with suppress(OSError):  # the first refusal is told
                    path.unlink() if former is None else former.replace(path)
            raise
        finally:
            for second in seconds:
                with suppress(OSError):
                    second.unlink(missing_ok=True)


_batch: ContextVar[_Batch | None] = ContextVar("_batch", default=None)


@contextmanager
def together(inputs: Iterable[Path] = ()) -> Iterator[Callable[[Path], Path]]:
    """Files that are written inside (:func:`whole`) are there all at once at the end, or none is.

    Folders that were made for them go, too, where an error ends it. ``inputs`` are files that they
    are made from, read after this begins: none of these may be written over, and files that come to
    lie beside one must be of what it still is; else :class:`InputError` is raised. What it gives
    says where a file that is ready lies until then. Names are given in the order in which the files
    became ready; only a process that is killed meanwhile leaves some of them. Within another one,
    the names come at the end of that.
    """
    outer = _batch.get()
    if outer is not None:
        before = [*outer.waiting]
        outer.read(inputs)
        try:
            yield outer.ready
        except BaseException:
            outer.drop(before)
            raise
        return
    batch = _Batch(inputs)
    token = _batch.set(batch)
    try:
        yield batch.ready
        with _uninterrupted():
            batch.settle()
    except BaseException:
        batch.drop(())
        raise
    finally:
        _batch.reset(token)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary path in the target's folder; on success it becomes ``path`` at once.

    A process killed before the end leaves the former file untouched; the stray temporary (its name
    starts with :data:`DRAFT`) is removed by the first write of the same file a day later: until
    then it may belong to another process that is still writing. An interrupt is obeyed once the
    file is whole: libraries that are stopped while they write may never let go of theirs. Folders
    that were made for a file that failed are removed. Within :func:`together` the name comes at
    the end of that.
    """
    batch = _batch.get()
    path = _target(Path(path))
    if batch is not None and path.resolve() in batch.inputs:
        raise InputError(Fault(str(path), "would be written over, and is an input", None,
                               "choose another file or folder by --out"))  # fmt: skip
    temporary, made = _begun(path)
    with _uninterrupted():
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            if batch is None:
                temporary.replace(path)
            else:
                batch.waiting[temporary] = path
                batch.made += made
                return
        except Exception as error:
            if _is_full(path.parent, error):
                full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                raise full from error
            if _is_refusal(error):
                said = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise OSError(errno.EIO, f"could not be written: {said}", str(path)) from error
            raise
        finally:
            if batch is None or temporary not in batch.waiting:
                temporary.unlink(missing_ok=True)
                if not path.exists():
                    _remove(made)
    _settle(path.parent)


def write_text(text: str, path: Path) -> None:
    """Write a text, whole or not at all."""
    with whole(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write a JSON document, whole or not at all; raises ``ValueError`` for NaN and infinities."""
    write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", path)


def is_abandoned(draft: Path) -> bool:
    """Whether nobody has touched a draft for so long that its writer is gone."""
    with suppress(FileNotFoundError):  # another writer may clean up, too
        return time.time() - draft.stat().st_mtime > ABANDONED_AFTER
    return False


def _begun(path: Path) -> tuple[Path, list[Path]]:
    """An empty temporary in the target's folder, and the folders that were made for it."""
    made: list[Path] = []
    for tries_left in reversed(range(TRIES)):
        made += _folder(path.parent)
        _sweep(path)
        try:
            handle, name = tempfile.mkstemp(prefix=f"{DRAFT}{path.name}-", suffix=path.suffix,
                                            dir=path.parent)  # fmt: skip
        except OSError as failure:  # of a name that nobody has asked for
            if isinstance(failure, FileNotFoundError) and tries_left:
                continue  # who else had made the folder has failed, and taken it away
            _remove(made)
            raise OSError(failure.errno, failure.strerror, str(path)) from failure
        os.close(handle)
        return Path(name), made
    raise AssertionError("not reached")


def _sweep(path: Path) -> None:
    """Remove temporaries of a file that have no writer any more.

    Nobody gives names meanwhile: what a file was before has such a name then, and is old. Where a
    folder is held, they are left to the next write: who holds it may be who writes.
    """
    found = path.parent.glob(glob.escape(f"{DRAFT}{path.name}-") + "*")
    strays = [each for each in found if is_abandoned(each)]
    if not strays:
        return
    with holding([path.parent.resolve()], wait=False) as free:
        for stray in strays:
            if free and is_abandoned(stray):
                stray.unlink(missing_ok=True)


def _folder(path: Path) -> list[Path]:
    """Make a folder and those above it; gives those that were not there, the outermost first."""
    missing: list[Path] = []
    while not path.exists():
        missing.insert(0, path)
        path = path.parent
    try:
        for each in missing:
            each.mkdir(exist_ok=True)
    except OSError:
        _remove(missing)
        raise
    return missing


def _which(path: Path) -> tuple[int, ...] | None:
    """What tells a file from one that replaces it; ``None`` of one that is not there."""
    with suppress(OSError):
        state = path.stat()
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
    return None


def _second_name(path: Path) -> Path | None:
    """Another name of a file, by which it can be had back; ``None`` where a disk has only one."""
    second = path.with_name(f"{DRAFT}{path.name}-{secrets.token_hex(4)}{path.suffix}")
    with suppress(OSError):
        os.link(path, second)
        return second
    return None


def _remove(folders: Iterable[Path]) -> None:
    """Remove folders that were made for nothing; one that holds something stays."""
    for folder in sorted(set(folders), key=lambda each: -len(each.parts)):
        with suppress(OSError):
            folder.rmdir()


def _settle(folder: Path) -> None:
    """Let the disk know of new names in a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _is_full(folder: Path, error: Exception) -> bool:
    """Whether a write failed for want of room; libraries have many words for that."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return shutil.disk_usage(folder).free < LEAST_ROOM


def _is_refusal(error: Exception) -> bool:
    """Whether it is in the words of SQLite, GDAL or netCDF that a disk refused to be written."""
    kind = type(error)
    return (
        kind.__module__.startswith("pyogrio.")
        or (kind.__module__, kind.__name__) == ("sqlite3", "OperationalError")
        or (kind is RuntimeError and str(error).startswith("NetCDF: "))
    )


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A first interrupt from the keyboard waits for the end; a second one does not."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    waiting: list[Any] = []

    def note(number: int, frame: Any) -> None:
        waiting.append(frame)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        before(signal.SIGINT, waiting[0])


@contextmanager
def dated(stamp: str) -> Iterator[None]:
    """Let GDAL note this moment as the time of change, so that bytes do not depend on today.

    A database that it writes has no journal and waits for no disk: what cannot be written whole is
    thrown away as a whole (:func:`whole`).
    """
    import pyogrio

    wanted = {"OGR_CURRENT_DATE": stamp, "OGR_SQLITE_JOURNAL": "OFF",
              "OGR_SQLITE_SYNCHRONOUS": "OFF"}  # fmt: skip
    before = {name: pyogrio.get_gdal_config_option(name) for name in wanted}
    pyogrio.set_gdal_config_options(wanted)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def refuse_unwritable(path: Path) -> None:
    """Raise the ``OSError`` that writing ``path`` would meet, before the work that it will hold.

    Nothing is left behind, not even the folders that are to be made. A disk that fills up later
    cannot be foreseen.
    """
    path = _target(Path(path))
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as failure:
        raise OSError(failure.errno, failure.strerror, str(path)) from failure


def _target(path: Path) -> Path:
    """The ordinary file, there or not yet there, that a path means."""
    if any(unicodedata.category(letter) == "Cc" for letter in str(path)):
        # Libraries leave such letters out, and write a file of another name.
        told = str(path).encode("unicode_escape").decode()
        raise OSError(errno.EINVAL, "has a control character in its name", told)
    if not path.exists():
        return path
    # A link stays one: what it points to is written. Renaming onto a device would replace it.
    path = path.resolve()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.is_file():
        raise OSError(errno.EINVAL, "is not an ordinary file", str(path))
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
