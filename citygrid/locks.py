"""Folders and files that one process holds at a time, until it lets go or ends, however it does."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from citygrid.errors import Fault, InputError

#: Seconds that others are waited for. Who gives files their names takes less than one, who lands
#: the results of a large study or shrinks a registry some.
PATIENCE = 60.0
#: Seconds between two tries.
PAUSE = 0.01


def lock(opened: int, shared: bool = False) -> bool:
    """Hold an open file or folder until it is closed, alone or with others who ``shared`` it do.

    ``False`` where somebody else, perhaps in this process, holds it. Raises ``OSError`` on a disk
    that knows no locks.
    """
    try:
        fcntl.flock(opened, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
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
    disks that know no locks. Without ``wait`` it gives whether nobody else holds one; with it,
    raises :class:`InputError` where somebody does not let go.
    """
    free, end = True, time.monotonic() + PATIENCE
    with ExitStack() as held:
        # All in the same order: of two processes, none waits for what the other will not let go.
        for folder in sorted(set(folders)):
            try:
                opened = os.open(folder, os.O_RDONLY)
                held.callback(os.close, opened)
                while not (got := lock(opened, shared)) and wait:
                    if time.monotonic() > end:
                        raise InputError(Fault(
                            str(folder), "is held by another process", f"for {PATIENCE:g} s",
                            "wait for its end, or name another folder",
                        ))  # fmt: skip
                    time.sleep(PAUSE)
                free &= got
            except OSError:
                continue
        yield free
