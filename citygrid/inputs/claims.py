"""What a netCDF file claims to hold, told from its header before anything of it is read.

What was never written takes no room in a file: one of kilobytes may claim a thousand million
values, and reading it would take the memory of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

#: Deflate makes at most so many bytes of one.
INFLATES = 1100
#: Bytes of what libraries write beside the values, and of small files, which may inflate anyhow.
HEADERS = 2**20
#: Bytes by which an array names a text.
REFERENCE = 8


def longest_series(path: Path) -> int:
    """Values of the longest variable that is spread over at most one dimension."""
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        return max((
            int(variable.size) for variable in stored.variables.values()
            if sum(size > 1 for size in variable.shape) <= 1
        ), default=0)  # fmt: skip


def check_whole(path: Path, most: int) -> None:
    """Raise ``ValueError`` where all variables together claim more than ``most`` bytes.

    Also where they claim more than a file of this size can hold at all.
    """
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        check_claims(stored, path, most)


def check_claims(stored: Any, path: Path, most: int) -> None:
    """:func:`check_whole` of a file that is open already."""
    claimed = sum(int(each.size) * _width(each) for each in _variables(stored))
    if claimed > min(most, INFLATES * path.stat().st_size + HEADERS):
        raise ValueError(f"it claims {claimed:,} bytes of values")


def _variables(group: Any) -> Iterator[Any]:
    yield from group.variables.values()
    for inner in group.groups.values():
        yield from _variables(inner)


def _width(variable: Any) -> int:
    """Bytes of one value; of a text, those of its reference."""
    return np.dtype(variable.dtype).itemsize or REFERENCE
