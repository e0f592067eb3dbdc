"""Files are written whole or not at all: temporary name, flush to disk, rename."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: A temporary that nobody has touched for so long [s] has no writer any more.
ABANDONED_AFTER = 86_400.0
#: Free room [bytes] below which a disk counts as full when a write has failed.
LEAST_ROOM = 1 << 20


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary path in the target's folder; on success it becomes ``path`` at once.

    A process killed before the end leaves the former file untouched; the stray temporary (its name
    starts with ``.partial-``) is removed by the first write of the same file a day later: until
    then it may belong to another process that is still writing. An interrupt is obeyed once the
    file is whole: libraries that are stopped while they write may never let go of theirs.
    """
    path = _target(Path(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    for stray in path.parent.glob(glob.escape(f".partial-{path.name}-") + "*"):
        with suppress(FileNotFoundError):  # another writer may clean up, too
            if time.time() - stray.stat().st_mtime > ABANDONED_AFTER:
                stray.unlink()
    handle, name = tempfile.mkstemp(prefix=f".partial-{path.name}-", suffix=path.suffix,
                                    dir=path.parent)  # fmt: skip
    os.close(handle)
    temporary = Path(name)
    with _uninterrupted():
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except Exception as error:
            if _is_full(path.parent, error):
                full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                raise full from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_full(folder: Path, error: Exception) -> bool:
    """Whether a write failed for want of room; libraries have many words for that."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return shutil.disk_usage(folder).free < LEAST_ROOM


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
    """Let GDAL note this moment as the time of change, so that bytes do not depend on today."""
    import pyogrio

    name = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: stamp})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})


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
