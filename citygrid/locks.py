"""Folders and files that one process holds at a time, until it lets go or ends, however it does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def lock(opened: int, shared: bool = False, wait: bool = True) -> bool:
    """Hold an open file or folder until it is closed, alone or with others who ``shared`` it do.

    Without ``wait`` it may be that somebody else, also in this process, holds it: then it gives
    ``False``. Raises ``OSError`` on a disk that knows no locks.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(opened, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def holding(
    folders: Iterable[Path], shared: bool = False, wait: bool = True
) -> Iterator[bool]:  # fmt: skip
    """Nobody else holds any of these folders meanwhile, or only others who ``shared`` it do.

    Whoever gives several files their names holds their folders, and whoever reads several that
    belong together shares them. Folders that are not there are held by nobody, and so are those on
    disks that know no locks. Without ``wait`` it gives whether nobody else holds one.
    """
    free = True
    with ExitStack() as held:
        # All in the same order: of two processes, none waits for what the other will not let go.
        for folder in sorted(set(folders)):
            try:
                opened = os.open(folder, os.O_RDONLY)
                held.callback(os.close, opened)
                free &= lock(opened, shared, wait)
            except OSError:
                continue
        yield free
