"""Linear terms over labelled blocks of variables, checked for labels and units, kept sparse.

:class:`Linear` is an affine expression over axes with a unit, held as sparse terms
``Σ coefficient · column + constant`` per cell; axes and known numbers are those of
:mod:`citygrid.model.labelled`, and the same rules hold. No Python loop runs over hours. If this
module grows past about 400 lines it is becoming a modelling language, and a library should take
its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats, Indices
from citygrid.model.labelled import (
    Axis,
    Data,
    Dims,
    counted,
    data,
    refuse,
    shape_of,
    spread,
    take,
    union,
)
from citygrid.units import DIMENSIONLESS, product, same


class Term(NamedTuple):
    """Sparse entries of an expression: ``coefficients · x[columns]`` added to the cells ``rows``.

    ``rows is None`` means one entry per cell: both arrays broadcast over the expression's shape.
    """

    rows: Indices | None
    columns: Indices
    coefficients: Floats


class Triplets(NamedTuple):
    """Entries of a sparse matrix."""

    rows: Indices
    columns: Indices
    values: Floats


class Relation(NamedTuple):
    """``lower ≤ expression ≤ upper`` with the constant still inside the expression."""

    expression: Linear
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Square:
    """``weight · argument² / gate``: convex, and 0 where the gate (0 or 1) is 0, for ``cost >= …``.

    ``argument`` is a column per cell; ``gate`` a column or the constant 1. Without its gate a curve
    would cost the same in a programme whose binaries are relaxed, and the bound would be weak.
    """

    argument: Linear
    gate: Linear
    weight: Data
    least: Data

    def __mul__(self, other: Data | float) -> Square:
        return replace(self, weight=self.weight * other)


class Above(NamedTuple):
    """``epigraph ≥ square``: a relation that the form keeps by tangents and as a curve."""

    epigraph: Linear
    square: Square


@dataclass(frozen=True, eq=False)
class Linear:
    """An affine expression over axes: ``Σ coefficient · column + constant`` per cell."""

    dims: Dims
    unit: str
    terms: tuple[Term, ...]
    constant: Floats = field(default_factory=lambda: np.zeros(()))

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self.dims)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    # arithmetic -----------------------------------------------------------------------------

    def _on(self, dims: Dims) -> Linear:
        """The same expression repeated over further axes."""
        if dims == self.dims:
            return self
        terms = []
        for term in self.terms:
            if term.rows is not None:
                term = self._dense(term, dims)
                terms.append(term)
                continue
            terms.append(Term(None, *(spread(self._over(p), self.dims, dims) for p in term[1:])))
        constant = spread(self._over(self.constant), self.dims, dims)
        return Linear(dims, self.unit, tuple(terms), constant)

    def _over(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values over all cells; what is one number for all of them stays one."""
        return values if values.ndim == 0 else np.broadcast_to(values, self.shape)

    def _dense(self, term: Term, dims: Dims) -> Term:
        """Repeat a sparse term over further axes: each entry lands in every cell it covers."""
        assert term.rows is not None
        cells = spread(np.arange(self.size).reshape(self.shape), self.dims, dims)
        cells = np.broadcast_to(cells, shape_of(dims)).ravel()
        order = np.argsort(term.rows, kind="stable")
        starts = np.searchsorted(term.rows[order], np.arange(self.size + 1))
        counts = np.diff(starts)[cells]
        rows = np.repeat(np.arange(len(cells)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        entries = order[np.repeat(starts[cells], counts) + within]
        return Term(rows, term.columns[entries], term.coefficients[entries])

    def __add__(self, other: Linear | Data | float) -> Linear:
        if not isinstance(other, Linear):
            known = data(other)
            other = Linear(known.dims, known.unit, (), np.asarray(known.values, dtype=float))
        if not same(self.unit, other.unit):
            raise refuse("expression", f"cannot add {self.unit} and {other.unit}")
        dims = union(self.dims, other.dims)
        first, second = self._on(dims), other._on(dims)
        constant = _plus(first.constant, second.constant)
        return Linear(dims, self.unit, first.terms + second.terms, constant)

    def __mul__(self, other: Data | float) -> Linear:
        known = data(other)
        dims = union(self.dims, known.dims)
        here = self._on(dims)
        factor = spread(np.asarray(known.values, dtype=float), known.dims, dims)
        terms = tuple(
            Term(term.rows, term.columns, term.coefficients * factor)
            if term.rows is None
            else Term(
                term.rows,
                term.columns,
                term.coefficients * np.broadcast_to(factor, here.shape).ravel()[term.rows],
            )
            for term in here.terms
        )
        constant = here.constant * factor if here.constant.any() else here.constant
        return Linear(dims, product(self.unit, known.unit), terms, constant)

    def __truediv__(self, other: Data | float) -> Linear:
        return self * (1.0 / data(other))

    def __neg__(self) -> Linear:
        return self * -1.0

    def __sub__(self, other: Linear | Data | float) -> Linear:
        return self + (-other)

    def __rsub__(self, other: Data | float) -> Linear:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__

    def _beyond(self, other: Linear | Data | float) -> Linear:
        """The difference that a comparison bounds; nothing is nothing in every unit."""
        return self if isinstance(other, (int, float)) and other == 0 else self - other

    def __le__(self, other: Linear | Data | float) -> Relation:
        return Relation(self._beyond(other), -np.inf, 0.0)

    def square(self, gate: Linear | float = 1.0, least: Data | float = 0.0) -> Square:
        """The square of a column while ``gate`` is 1; ``least`` is its lowest value then."""
        known = Linear((), DIMENSIONLESS, ()) + gate
        return Square(self, known._on(union(self.dims, known.dims)), data(1.0), data(least))

    @overload
    def __ge__(self, other: Square) -> Above: ...
    @overload
    def __ge__(self, other: Linear | Data | float) -> Relation: ...
    def __ge__(self, other: Linear | Data | float | Square) -> Relation | Above:
        if isinstance(other, Square):
            return Above(self, other)
        return Relation(self._beyond(other), 0.0, np.inf)

    def __eq__(self, other: object) -> Relation:  # type: ignore[override]
        return Relation(self._beyond(other), 0.0, 0.0)  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    # selections, shifts and sums ------------------------------------------------------------

    def only(self, axis: Axis) -> Linear:
        """The expression on a selection of one of its axes; itself where the axis is absent."""
        if axis.parent is None or axis.parent not in self.dims:
            return self
        cells, dims = take(counted(0, self.size).reshape(self.shape), self.dims, axis)

        def taken(values: NDArray[Any]) -> NDArray[Any]:
            return take(self._over(values), self.dims, axis)[0]

        terms = []
        for term in self.terms:
            if term.rows is None:
                terms.append(Term(None, taken(term.columns), taken(term.coefficients)))
                continue
            place = np.full(self.size, -1, cells.dtype)
            place[cells.ravel()] = counted(0, cells.size)
            rows = place[term.rows]
            kept = rows >= 0
            terms.append(Term(rows[kept], term.columns[kept], term.coefficients[kept]))
        return Linear(dims, self.unit, tuple(terms), taken(self.constant))

    def previous(self, initial: Data, cyclic: NDArray[np.bool_] | bool = False) -> Linear:
        """The expression one step earlier along the last axis.

        In the first step it is ``initial`` (over the other axes), or, where ``cyclic``, the value
        of the last step.
        """
        if not same(self.unit, initial.unit):
            raise refuse("previous", f"initial value in {initial.unit}, expression in {self.unit}")
        around = np.broadcast_to(np.asarray(cyclic, dtype=bool), self.shape[:-1])
        terms = []
        for term in self.terms:
            if term.rows is not None:
                # Entries of sums: each moves a step on, those of the last step to the first.
                last = term.rows % self.shape[-1] == self.shape[-1] - 1
                kept = ~last | around.ravel()[term.rows // self.shape[-1]]
                rows = np.where(last, term.rows - (self.shape[-1] - 1), term.rows + 1)
                terms.append(Term(rows[kept], term.columns[kept], term.coefficients[kept]))
                continue
            columns = np.roll(np.broadcast_to(term.columns, self.shape), 1, axis=-1)
            weights = np.roll(np.broadcast_to(term.coefficients, self.shape), 1, axis=-1).copy()
            weights[..., 0] *= around
            terms.append(Term(None, columns, weights))
        constant = np.zeros(self.shape)
        if self.constant.any():
            constant[...] = np.roll(np.broadcast_to(self.constant, self.shape), 1, axis=-1)
        first = np.broadcast_to(spread(initial.values, initial.dims, self.dims[:-1]), around.shape)
        constant[..., 0] = np.where(around, constant[..., 0], first)
        return Linear(self.dims, self.unit, tuple(terms), constant)

    def mapped(
        self, dims: Dims, rows: Indices, cells: Indices, weights: Floats, unit: str = DIMENSIONLESS
    ) -> Linear:
        """A sparse linear map: cell ``rows[i]`` of the result gains ``weights[i]`` · ``cells[i]``.

        Sums over an axis, groupings, and the spreading of a job's start over the hours it runs
        are all of this form. ``unit`` is the unit of the weights.
        """
        terms = []
        for term in self.terms:
            if term.rows is None:
                columns = np.broadcast_to(term.columns, self.shape).ravel()[cells]
                values = np.broadcast_to(term.coefficients, self.shape).ravel()[cells] * weights
                terms.append(Term(rows, columns, values))
                continue
            order = np.argsort(cells, kind="stable")
            starts = np.searchsorted(cells[order], term.rows, side="left")
            counts = np.searchsorted(cells[order], term.rows, side="right") - starts
            entry = np.repeat(np.arange(len(term.rows)), counts)
            within = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
            link = order[np.repeat(starts, counts) + within]
            terms.append(
                Term(rows[link], term.columns[entry], term.coefficients[entry] * weights[link])
            )
        constant = np.zeros(shape_of(dims))
        if self.constant.any():
            np.add.at(constant.reshape(-1), rows, self.known()[cells] * weights)
        return Linear(dims, product(self.unit, unit), tuple(terms), constant)

    def sum(self, *names: str) -> Linear:
        """The sum over the named axes."""
        missing = set(names) - {axis.name for axis in self.dims}
        if missing:
            raise refuse("sum", "no such axis in the expression", ", ".join(sorted(missing)))
        kept = tuple(axis for axis in self.dims if axis.name not in names)
        constant = np.zeros(shape_of(kept))
        cells = counted(0, constant.size).reshape(constant.shape)
        rows = np.broadcast_to(spread(cells, kept, self.dims), self.shape).ravel()
        if self.constant.any():
            np.add.at(constant.reshape(-1), rows, self.known())

        def whole(part: NDArray[Any]) -> NDArray[Any]:
            return np.broadcast_to(part, self.shape).ravel()

        terms = (
            Term(rows, whole(term.columns), whole(term.coefficients))
            if term.rows is None
            else Term(rows[term.rows], term.columns, term.coefficients)
            for term in self.terms
        )
        return Linear(kept, self.unit, tuple(terms), constant)

    # emission -------------------------------------------------------------------------------

    @property
    def _sizes(self) -> list[int]:
        """Entries of every term."""
        return [self.size if term.rows is None else len(term.rows) for term in self.terms]

    def parts(self, most: int) -> Iterator[Linear]:
        """The expression in pieces along its first axis, each of about so many entries at most."""
        number = -(-sum(self._sizes) // most)
        if number <= 1 or not self.dims:
            yield self
            return
        axis = self.dims[0]
        piece = np.arange(len(axis)) * number // len(axis)
        for each in np.unique(piece):
            yield self.only(axis.only(piece == each, "part"))

    def triplets(self) -> Triplets:
        """All entries as (cell, column, coefficient), zeros dropped, duplicates still separate."""
        ends = np.cumsum([0, *self._sizes])
        kind = np.result_type(np.int32, *(term.columns for term in self.terms))
        every = counted(0, self.size)
        rows, columns, values = (np.empty(ends[-1], k) for k in (every.dtype, kind, float))
        for term, begin, end in zip(self.terms, ends[:-1], ends[1:], strict=True):
            shape = self.shape if term.rows is None else (end - begin,)
            rows[begin:end] = every if term.rows is None else term.rows
            columns[begin:end].reshape(shape)[...] = term.columns
            values[begin:end].reshape(shape)[...] = term.coefficients
        if not values.all():
            keep = values != 0.0
            rows, columns, values = rows[keep], columns[keep], values[keep]
        return Triplets(rows, columns, values)

    def known(self) -> Floats:
        """The constant of every cell, flat."""
        return np.broadcast_to(self.constant, self.shape).ravel()


def _plus(first: Floats, second: Floats) -> Floats:
    """The sum; where one side is nothing anywhere, the other as it is, which may be one number."""
    if not second.any():
        return first
    return first + second if first.any() else second
