"""Problems as dimod's own files, and back: constrained (CQM) and binary (BQM) quadratic models.

Every number is written as it is, in double precision, and read back equal.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dimod
import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats, Positions
from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.model.form import Form
from citygrid.routes.exchange.problem import Problem, flat
from citygrid.routes.samplers import model

#: What dimod raises for files that are none of its own, or torn ones.
_UNREADABLE = (
    ValueError, KeyError, TypeError, EOFError, IndexError, OSError, struct.error,
    zipfile.BadZipFile, RuntimeError, OverflowError, MemoryError,
)  # fmt: skip


def constrained(problem: Problem) -> Any:
    """The problem as a dimod CQM: binary, integer and real variables, limits by name.

    A row that says "exactly one of these binaries" is a discrete one, which hybrid solvers keep
    by construction.
    """
    form, names = problem.form, problem.columns
    found: Any = dimod.ConstrainedQuadraticModel()  # type: ignore[no-untyped-call]
    for name, integer, binary, low, high in zip(
        names, form.integer, problem.binary, form.lower.tolist(), form.upper.tolist(), strict=True
    ):
        if binary:
            found.add_variable("BINARY", name)
        else:
            kind = "INTEGER" if integer else "REAL"
            found.add_variable(kind, name, lower_bound=low, upper_bound=high)
    # dimod forgets the offset of an objective without variables.
    priced = np.flatnonzero(form.cost) if form.cost.any() else np.arange(len(names))[:1]
    for name, cost in zip(names[priced], form.cost[priced].tolist(), strict=True):
        found.objective.set_linear(name, cost)
    found.objective.offset = form.constant
    matrix = form.matrix
    members = names[matrix.indices]
    weights = matrix.data.tolist()
    for row, label in enumerate(problem.rows):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        if problem.discrete[row]:
            found.add_discrete_from_iterable(members[span], label, check_overlaps=False)
            continue
        low, high = float(form.row_lower[row]), float(form.row_upper[row])
        sense, limit = ("==", high) if low == high else ("<=", high)
        if not np.isfinite(high):
            sense, limit = ">=", low
        found.add_constraint_from_iterable(
            zip(members[span], weights[span], strict=True), sense, limit, label
        )
    return found


def write_cqm(problem: Problem, path: Path) -> None:
    """Write the problem in dimod's format of constrained quadratic models."""
    with constrained(problem).to_file() as stream:
        _copy_undated(stream, path)


def read_cqm(path: Path, rows: list[str] | None = None) -> Form:
    """The linear problem of a file of dimod's, as a form of one block of columns and one of rows.

    rows
        Their order by name; the file keeps none.

    Raises :class:`InputError` for a file that is none, and for a model that is not linear.
    """
    found = _read(path, "constrained", dimod.ConstrainedQuadraticModel.from_file)
    if not found.objective.is_linear() or not all(
        limit.lhs.is_linear() for limit in found.constraints.values()
    ):
        raise InputError(Fault(str(path), "is not linear", None, "only linear models are forms"))
    columns = list(found.variables)
    labels = list(found.constraints) if rows is None else rows
    if set(labels) != set(found.constraints):
        raise InputError(Fault(str(path), "has other limits than its map says", None,
                               "keep the files of one export together"))  # fmt: skip
    position = {name: at for at, name in enumerate(columns)}
    at, to, weight = [], [], []
    low, high = np.full(len(labels), -np.inf), np.full(len(labels), np.inf)
    for row, label in enumerate(labels):
        limit = found.constraints[label]
        for name, bias in limit.lhs.iter_linear():
            at.append(row)
            to.append(position[name])
            weight.append(bias)
        right = limit.rhs - limit.lhs.offset
        sense = limit.sense.value
        if sense in ("==", "<="):
            high[row] = right
        if sense in ("==", ">="):
            low[row] = right
    cost = np.zeros(len(columns))
    for name, bias in found.objective.iter_linear():
        cost[position[name]] = bias
    kinds = [found.vartype(name) for name in columns]
    return Form(
        cost, float(found.objective.offset),
        sp.csr_array((weight, (at, to)), shape=(len(labels), len(columns))), low, high,
        np.array([found.lower_bound(name) for name in columns], dtype=float),
        np.array([found.upper_bound(name) for name in columns], dtype=float),
        np.array([kind is not dimod.REAL for kind in kinds], dtype=bool),
        flat("amount", np.array(columns, dtype=object)),
        flat("limit", np.array(labels, dtype=object)),
    )  # fmt: skip


def write_bqm(
    linear: Floats, couplings: tuple[Positions, Positions, Floats], offset: float,
    labels: tuple[str, ...], path: Path,
) -> None:  # fmt: skip
    """Write a binary quadratic model in dimod's format, with its labels."""
    found: Any = model(linear, couplings, offset)
    found.relabel_variables(dict(enumerate(labels)))
    with found.to_file() as stream:
        _copy(stream, path)


def read_bqm(
    path: Path,
) -> tuple[Floats, tuple[Positions, Positions, Floats], float, tuple[str, ...]]:
    """Linear terms, couplings (row < column, sorted), offset and labels of a file of dimod's.

    Raises :class:`InputError` for a file that is none, or a model of spins.
    """
    found = _read(path, "binary", dimod.BinaryQuadraticModel.from_file)
    if found.vartype is not dimod.BINARY:
        raise InputError(Fault(str(path), "is a model of spins", None, "write it in bits"))
    linear, (row, column, value), offset = found.to_numpy_vectors(
        variable_order=list(found.variables)
    )
    first, second = np.minimum(row, column), np.maximum(row, column)
    order = np.lexsort((second, first))
    return (
        np.asarray(linear, dtype=float),
        (first[order].astype(np.int64), second[order].astype(np.int64),
         np.asarray(value, dtype=float)[order]),
        float(offset), tuple(found.variables),
    )  # fmt: skip


def _copy(stream: Any, path: Path) -> None:
    with whole(path) as temporary, temporary.open("wb") as target:
        while chunk := stream.read(1 << 20):
            target.write(chunk)


def _copy_undated(stream: Any, path: Path) -> None:
    """An archive behind a header, without the hour at which it was made: equal models, equal bytes.

    dimod dates what it puts into an archive; one without a date is of 1980.
    """
    with zipfile.ZipFile(stream) as dated:
        begin = min(each.header_offset for each in dated.infolist())
        stream.seek(0)
        with whole(path) as temporary, temporary.open("w+b") as target:
            target.write(stream.read(begin))
            with zipfile.ZipFile(target, "a") as undated:
                for each in dated.infolist():
                    name = zipfile.ZipInfo(each.filename)
                    name.compress_type = each.compress_type
                    undated.writestr(name, dated.read(each))


def _read(path: Path, kind: str, reader: Callable[[Any], Any]) -> Any:
    try:
        stream = path.open("rb")
    except OSError as failure:
        raise InputError(Fault(str(path), f"cannot be read: {failure.strerror or failure}", None,
                               "keep the files of one export together")) from failure  # fmt: skip
    with stream:
        try:
            return reader(stream)
        except _UNREADABLE as failure:
            raise InputError(Fault(str(path), f"is no {kind} quadratic model of dimod's: {failure}",
                                   None, "export it anew")) from failure  # fmt: skip
