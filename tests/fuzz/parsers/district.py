"""A whole district file, from its text to the numbers of every step."""

from __future__ import annotations

from pathlib import Path

import citygrid as cg
from tests.random_districts import district

_DRAWN = [district(seed) for seed in (0, 8, 11)]
SEEDS = [drawn.text.encode() for drawn in _DRAWN]


def read(data: bytes, folder: Path) -> None:
    named = (drawn for drawn in _DRAWN if f"name: random {drawn.seed}\n".encode() in data)
    path = next(named, _DRAWN[0]).write(folder)
    path.write_bytes(data)
    case = cg.prepare(cg.load(path))
    assert len(case.time) >= 1
