"""A binary quadratic model as text: one line ``row column value`` per term, losslessly.

The first line is the one that dimod's reader of such lists asks for. Values are decimals without
exponents, as that reader needs, with all the digits that tell one number from the next; its own
writer keeps six. What the list cannot say stands in comments before it::

    # vartype=BINARY
    # offset=1.5
    # variables=3
    0 0 -2.0
    0 1 0.25

"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from citygrid.arrays import Floats, Positions
from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.routes.settings import whole_number

Arrays = tuple[Floats, tuple[Positions, Positions, Floats], float]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(rf"^\s*(\d{{1,18}})\s+(\d{{1,18}})\s+({_NUMBER})\s*$", re.ASCII)
_WORD = re.compile(r"^#\s*(vartype|offset|variables)\s*=\s*(\S+)\s*$", re.ASCII)
#: Variables above which a file is refused before memory is asked for.
MOST = 100_000_000


def write_coo(
    linear: Floats, couplings: tuple[Positions, Positions, Floats], offset: float, path: Path,
    about: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Write a model of bits 0, 1, …; every bit has its line, also one that weighs nothing.

    about
        Further lines of comment.
    """
    with whole(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in _lines(linear, couplings, offset, about))


def _lines(
    linear: Floats, couplings: tuple[Positions, Positions, Floats], offset: float,
    about: tuple[str, ...],
) -> Iterator[str]:  # fmt: skip
    yield "# vartype=BINARY"
    yield f"# offset={_plain(offset)}"
    yield f"# variables={len(linear)}"
    yield from (f"# {line}" for line in about)
    row, column, value = couplings
    every = np.arange(len(linear))
    first, second = np.concatenate([every, row]), np.concatenate([every, column])
    order = np.lexsort((second, first))
    values = np.concatenate([linear, value])[order].tolist()
    for i, j, weight in zip(
        first[order].tolist(), second[order].tolist(), values, strict=True
    ):  # fmt: skip
        yield f"{i} {j} {_plain(weight)}"


def _plain(value: float) -> str:
    return np.format_float_positional(value, unique=True, trim="0")


def read_coo(path: Path) -> Arrays:
    """Linear terms (n), couplings (row < column, sorted) and offset of a file of :func:`write_coo`.

    Raises :class:`InputError` naming the line that is none.
    """
    words: dict[str, str] = {}
    at: list[tuple[int, int]] = []
    weights: list[float] = []
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            if word := _WORD.match(line):
                words[word[1]] = word[2]
            elif term := _TERM.match(line):
                i, j = int(term[1]), int(term[2])
                at.append((min(i, j), max(i, j)))
                weights.append(float(term[3]))
            elif line.strip() and not line.lstrip().startswith("#"):
                raise InputError(Fault(f"{path}:{number}", "expected `row column value`",
                                       line.rstrip(), "such as `0 1 -2.5`"))  # fmt: skip
    if words.get("vartype", "BINARY") != "BINARY":
        raise InputError(Fault(str(path), "is not a model of bits", words["vartype"],
                               "write vartype=BINARY"))  # fmt: skip
    terms = np.array(at, dtype=np.int64).reshape(-1, 2)
    most = int(terms.max(initial=-1)) + 1
    stated = words.get("variables", str(most))
    size = whole_number(stated, MOST, most)
    if size is None:
        raise InputError(Fault(str(path), f"states variables up to {most - 1:,}, but another size",
                               stated, "the size is one more than the last variable"))  # fmt: skip
    try:
        offset = float(words.get("offset", "0"))
    except ValueError as failure:
        raise InputError(Fault(str(path), "has an offset that is no number", words["offset"],
                               "write a decimal number")) from failure  # fmt: skip
    weight = np.array(weights)
    linear = np.zeros(size)
    own = terms[:, 0] == terms[:, 1]
    np.add.at(linear, terms[own, 0], weight[own])
    row, column, value = terms[~own, 0], terms[~own, 1], weight[~own]
    order = np.lexsort((column, row))
    return linear, (row[order], column[order], value[order]), offset
