"""The map beside exported files: which variable of which file is what in the plan.

``variables`` has an entry per column of the form, by its name in the files (CQM, LP, MPS): the
block and labels of the plan's variable, its unit, and the ``scale`` and ``offset`` that make the
plan's number of the file's. ``rows`` says the same of limits. ``bits`` says of every bit of the
binary model what it ``adds`` to which of those variables, from ``starts`` on: ``x = T b + t``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import stamped
from citygrid.errors import Fault, InputError
from citygrid.model.form import Block, Form
from citygrid.model.writing import plain_names
from citygrid.routes.exchange import Binary
from citygrid.routes.exchange.problem import Problem
from citygrid.routes.exchange.samples import document

#: Name of the map in the folder of exported files, and what its first field says.
MAP, FORMAT = "map.json", "citygrid exchange 1"
#: What to do about a file of that name that is none.
KEEP = (
    "keep the map that `citygrid qubo` wrote, export it anew, or move the answer to a folder of "
    "its own"
)


def describe_columns(form: Form, problem: Problem) -> dict[str, Any]:
    """Every variable of CQM, LP and MPS files: block, labels, unit, kind and bounds."""
    kinds = np.where(problem.binary, "binary", np.where(form.integer, "integer", "real"))
    lower, upper = problem.form.lower.tolist(), problem.form.upper.tolist()
    entries: dict[str, Any] = {}
    for block in form.columns.values():
        for at, labels in zip(range(block.start, block.start + block.size), _labels(block),
                              strict=True):  # fmt: skip
            entries[problem.columns[at]] = {
                "block": block.name, "labels": labels, "unit": block.unit, "kind": str(kinds[at]),
                "lower": lower[at], "upper": upper[at], "scale": 1.0, "offset": 0.0,
            }  # fmt: skip
    return entries


def describe_rows(form: Form, problem: Problem) -> dict[str, Any]:
    """Every limit of a CQM file in its order: block, labels, unit, and whether it is one-hot."""
    owner: dict[int, tuple[Block, dict[str, str]]] = {}
    for block in form.rows.values():
        places = range(block.start, block.start + block.size)
        owner |= {at: (block, labels) for at, labels in zip(places, _labels(block), strict=True)}
    entries = {}
    for name, at, discrete in zip(
        problem.rows, problem.given.tolist(), problem.discrete.tolist(), strict=True
    ):
        block, labels = owner[at]
        entries[name] = {"block": block.name, "labels": labels, "unit": block.unit,
                         "one_hot": discrete}  # fmt: skip
    return entries


def describe_bits(binary: Binary, columns: Any) -> dict[str, Any]:
    """What every bit adds to the form's variables, by their names, and from where they start."""
    added = sp.csc_array(binary.reduction.T)
    names = np.asarray(columns, dtype=object)
    pointer, weight = added.indptr.tolist(), added.data.tolist()
    member = names[added.indices].tolist()
    spans = [slice(*span) for span in pairwise(pointer)]
    bits = {
        name: {"index": at, "label": binary.labels[at],
               "adds": dict(zip(member[spans[at]], weight[spans[at]], strict=True))}
        for at, name in enumerate(bit_names(binary))
    }  # fmt: skip
    from_where = np.flatnonzero(binary.reduction.t)
    starts = dict(zip(names[from_where].tolist(), binary.reduction.t[from_where].tolist(),
                      strict=True))  # fmt: skip
    return {"bits": bits, "starts": starts}


def bit_names(binary: Binary) -> list[str]:
    """One name per bit, unique, fit for the files of every reader."""
    return [str(name) for name in plain_names(binary.labels, "b")]


def digest_of(binary: Binary) -> str:
    """SHA-256 of everything that decides a binary model: weights, labels, way back."""
    row, column, value = binary.couplings
    added = sp.csr_array(binary.reduction.T)
    added.sort_indices()
    digest = hashlib.sha256()
    for array in (binary.linear, row.astype(np.int64), column.astype(np.int64), value,
                  np.array([binary.offset]), added.indptr.astype(np.int64),
                  added.indices.astype(np.int64), added.data, binary.reduction.t):  # fmt: skip
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(json.dumps(list(binary.labels)).encode())
    return digest.hexdigest()


def read_map(folder: Path) -> Mapping[str, Any] | None:
    """The map in a folder, or ``None``. Raises :class:`InputError` for one that is no map."""
    path = folder / MAP
    if not path.exists():
        return None
    found, _ = document(path, repair=KEEP)
    if found.get("format") != FORMAT:
        raise InputError(Fault(str(path), "is no map of exported files", found.get("format"),
                               KEEP))  # fmt: skip
    damaged = [name for name in ("bqm", "moves") if not isinstance(found.get(name, {}), dict)]
    damaged += [f"moves › {file}" for file, kept in found.get("moves", {}).items() if not (
        isinstance(kept, dict) and isinstance(kept.get("bits"), dict))
        ] if "moves" not in damaged else []  # fmt: skip
    if damaged:
        raise InputError([Fault(f"{path}: {name}", "is not what an export writes", None, KEEP)
                          for name in damaged])  # fmt: skip
    return found


def _labels(block: Block) -> list[dict[str, str]]:
    """The labels of every member of a block, in the form's order."""
    words = [[_text(value) for value in block.coords[dim]] for dim in block.dims]
    if not block.dims:
        return [{}]
    places = np.indices(block.shape).reshape(len(block.dims), -1).tolist()
    return [
        {dim: words[i][at] for i, (dim, at) in enumerate(zip(block.dims, place, strict=True))}
        for place in zip(*places, strict=True)
    ]


def _text(value: Any) -> str:
    return stamped(value) if isinstance(value, np.datetime64) else str(value)
