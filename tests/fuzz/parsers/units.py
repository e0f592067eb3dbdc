"""Quantities with units: a number in the canonical unit, which written out is the same number."""

from __future__ import annotations

from pathlib import Path

from citygrid.errors import Fault, InputError
from citygrid.units import EXAMPLES, parse

SEEDS = [example.encode() for _, example in EXAMPLES.values()]


def read(data: bytes, folder: Path) -> None:
    text, refusals = data.decode(errors="replace"), []
    for canonical in EXAMPLES:
        try:
            number = parse(text, canonical)
        except ValueError as error:
            refusals.append(Fault.of(error, "quantity", text))
        else:
            assert parse(f"{number!r} {canonical}".removesuffix(" 1"), canonical) == number
    if len(refusals) == len(EXAMPLES):
        raise InputError(refusals)
