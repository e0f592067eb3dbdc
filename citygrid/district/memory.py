"""What districts that differ a little have in common: files read, weather and sun reckoned, once.

A scenario of a study differs from the next in a price or a capacity. What was read from a file or
derived from the weather for one of them is kept by everything that it depends on, the file's size
and time of change among it, and handed to the next one as it is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

#: Things kept; of more, those that nobody asked for the longest time are forgotten.
MOST = 1024


class Memory:
    """Things by their keys. Arrays that are kept cannot be written to, so that nobody spoils them.

    A key must hold all that the thing depends on; a file enters it by :func:`identity`.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing of this key, made where it is not there; what ``make`` raises is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            found: T = self._kept[key]
            return found
        made = make()
        if isinstance(made, np.ndarray):
            made.flags.writeable = False
        self._kept[key] = made
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return made


class Forgetful(Memory):
    """Keeps nothing: for one district alone."""

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        return make()


def identity(path: Path | None) -> Hashable:
    """What tells a file from others and from what it was before; of none or no file, its path."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return (str(path), status.st_size, status.st_mtime_ns)
