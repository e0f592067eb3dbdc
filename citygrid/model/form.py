"""The standard form: a sparse mixed-integer linear programme whose rows and columns have names.

``minimise cᵀx + k`` subject to ``row_lower ≤ A x ≤ row_upper`` and ``lower ≤ x ≤ upper``, some
``x`` integer. Named blocks say what every column and row is in the world, in which unit. The form
knows no solver; it can be written as text, LP, MPS and npz, and two equal forms have one hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Floats as Floats  # the routes take it from here
from citygrid.arrays import stamped
from citygrid.cards import card, counted, line
from citygrid.files import whole
from citygrid.ledger import STANDS_IN


@dataclass(frozen=True)
class Block:
    """A named, contiguous run of columns or rows: ``heat_pump.heat`` over (heat_pump, time)."""

    name: str
    dims: tuple[str, ...]
    coords: Mapping[str, NDArray[Any]]
    start: int
    unit: str
    about: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(self.coords[dim]) for dim in self.dims)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def span(self) -> slice:
        return slice(self.start, self.start + self.size)

    @property
    def index(self) -> NDArray[np.int64]:
        """Position in the form of every member, in the block's shape."""
        return np.arange(self.start, self.start + self.size).reshape(self.shape)

    def label(self, position: int) -> str:
        """The name of the member at a position of the form: ``heat_pump.heat[pump east, …]``."""
        place = np.unravel_index(position - self.start, self.shape) if self.dims else ()
        parts = [
            _label(self.coords[dim][i]) for dim, i in zip(self.dims, place, strict=True)
        ]  # fmt: skip
        return f"{self.name}[{', '.join(parts)}]" if parts else self.name


def _labels(coordinate: NDArray[Any]) -> list[str]:
    """What :func:`_label` says of every member."""
    if coordinate.dtype.kind == "M":
        return [f"{stamp}Z" for stamp in coordinate.astype("datetime64[m]").astype(str)]
    return [_label(value) for value in coordinate]


def _label(value: Any) -> str:
    if isinstance(value, np.datetime64):
        return stamped(value)
    return str(value)


class Lines(NamedTuple):
    """One column of an item: ``matrix @ x + known``, a line per component."""

    matrix: sp.csr_array
    known: Floats

    def at(self, x: Floats) -> Floats:
        """The amounts of a solution, one per component."""
        return np.asarray(self.matrix @ x + self.known)


@dataclass(frozen=True)
class Account:
    """One item of the ledger, e.g. ``heat_pump.start``, in the columns that it names.

    See :mod:`citygrid.ledger` for the columns and their units.
    """

    name: str
    labels: NDArray[Any]
    columns: Mapping[str, Lines]

    def of(self, column: str) -> Lines | None:
        """A column, or what stands in for it; ``None`` where the item enters nothing there."""
        found = self.columns.get(column)
        return self.columns.get(STANDS_IN.get(column, "")) if found is None else found


@dataclass(frozen=True)
class Curve:
    """Columns that are at least a convex square: ``epigraph ≥ weight · argument² / gate``.

    ``epigraph``, ``argument`` and ``gate`` (k) are positions of columns, ``gate`` −1 where it is
    the constant 1; ``weight`` (k). The rows of the form hold tangents of it, so that the form as it
    stands is a relaxation; :mod:`citygrid.routes.refine` closes what they leave open.
    """

    name: str
    epigraph: NDArray[np.int64]
    argument: NDArray[np.int64]
    gate: NDArray[np.int64]
    weight: Floats


@dataclass(frozen=True)
class Policy:
    """Who added rows to a form: a function in a file, by its SHA-256, and what it added by name."""

    file: str
    function: str
    digest: str
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """The programme as arrays; see the module's docstring for the equations.

    ``cost`` (n) in EUR per unit of each column, ``constant`` in EUR, ``matrix`` (m × n) CSR,
    ``integer`` (n) bool. ``curves`` are convex squares that the rows keep by tangents alone.
    """

    cost: Floats
    constant: float
    matrix: sp.csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    columns: Mapping[str, Block]
    rows: Mapping[str, Block]
    accounts: Mapping[str, Account] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    policies: tuple[Policy, ...] = field(default=(), compare=False)
    #: What the form was made from, so that a solution finds its way back; opaque in here.
    source: Any = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> dict[str, int]:
        """Columns, rows, nonzeros and binaries, as reported with every plan."""
        return {
            "columns": len(self.cost),
            "rows": len(self.row_lower),
            "nonzeros": int(self.matrix.nnz),
            "binaries": int(self.integer.sum()),
        }

    @property
    def says(self) -> dict[str, str | None]:
        """What it is in a few facts, for whoever looks at it."""
        size = self.size
        continuous = size["columns"] - size["binaries"]
        return {
            "columns": f"{size['columns']:,}, {continuous:,} continuous and "
                       f"{size['binaries']:,} integer",
            "rows": f"{size['rows']:,}", "nonzeros": f"{size['nonzeros']:,}",
            "blocks": f"{len(self.columns):,} of columns, {len(self.rows):,} of rows",
            "curves": f"{len(self.curves):,}" if self.curves else None,
            "policies": ", ".join(policy.function for policy in self.policies) or None,
            "hash": self.hash[:12],
        }  # fmt: skip

    @property
    def _named(self) -> str:
        """Name of what it was made from, where that has one."""
        return str(getattr(self.source, "name", ""))

    def __repr__(self) -> str:
        size = self.size
        return line("Form", self._named, [
            counted(size["columns"], "column"), counted(size["rows"], "row"),
            counted(size["nonzeros"], "nonzero"), counted(size["binaries"], "integer"),
        ])  # fmt: skip

    def _repr_html_(self) -> str:
        return card("Form", self._named, self.says)

    def objective(self, x: Floats) -> float:
        """``cᵀx + k`` in EUR."""
        return float(self.cost @ x + self.constant)

    def unpack(self, x: Floats) -> dict[str, Floats]:
        """The solution by block, each in its block's shape."""
        return {name: x[block.span].reshape(block.shape) for name, block in self.columns.items()}

    def residual(self, x: Floats) -> float:
        """Largest violation of any row or bound, in the row's or column's own unit."""
        activity = self.matrix @ x
        worst = [
            self.row_lower - activity, activity - self.row_upper, self.lower - x, x - self.upper
        ]  # fmt: skip
        return max((float(part.max(initial=0.0)) for part in worst), default=0.0)

    def worst(self, x: Floats) -> str:
        """Where :meth:`residual` is found: the label of the row or column, with its unit."""
        activity = self.matrix @ x
        rows = np.maximum(self.row_lower - activity, activity - self.row_upper)
        columns = np.maximum(self.lower - x, x - self.upper)
        by_row = rows.max(initial=-np.inf) >= columns.max(initial=-np.inf)
        blocks, place = (self.rows, rows) if by_row else (self.columns, columns)
        if not len(place) or not blocks:
            return ""
        block = _owner(blocks, int(place.argmax()))
        return f"{block.label(int(place.argmax()))} [{block.unit}]"

    def column_label(self, position: int) -> str:
        return _owner(self.columns, position).label(position)

    def row_label(self, position: int) -> str:
        return _owner(self.rows, position).label(position)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of everything that decides the programme: arrays, names, labels, units."""
        digest = hashlib.sha256()
        for array in self._arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(json.dumps(self._names(), sort_keys=True).encode())
        return digest.hexdigest()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        # On a copy: reading a form must not reorder what somebody else holds.
        matrix = self.matrix
        if not matrix.has_sorted_indices:
            matrix = matrix.sorted_indices()
        return {
            "cost": self.cost, "constant": np.array([self.constant]), "data": matrix.data,
            "indices": matrix.indices.astype(np.int64), "indptr": matrix.indptr.astype(np.int64),
            "row_lower": self.row_lower, "row_upper": self.row_upper,
            "lower": self.lower, "upper": self.upper, "integer": self.integer,
            **{f"curve.{i}.{part}": getattr(curve, part) for i, curve in enumerate(self.curves)
               for part in _CURVE},
        }  # fmt: skip

    def _names(self) -> dict[str, Any]:
        # Most blocks share their hours: the labels of an array are written once.
        written: dict[int, list[str]] = {}

        def labels(coordinate: NDArray[Any]) -> list[str]:
            if id(coordinate) not in written:
                written[id(coordinate)] = _labels(coordinate)
            return written[id(coordinate)]

        def described(blocks: Mapping[str, Block]) -> list[Any]:
            return [
                [b.name, list(b.dims), {d: labels(b.coords[d]) for d in b.dims},
                 b.start, b.unit, b.about]
                for b in blocks.values()
            ]  # fmt: skip

        names = {"columns": described(self.columns), "rows": described(self.rows)}
        return {**names, "curves": [curve.name for curve in self.curves]} if self.curves else names

    # written forms --------------------------------------------------------------------------

    def text(self) -> str:
        """The programme in words, one line per row: what the golden tests compare."""
        lines = ["minimise", f"  {_sum(self._entries(self.cost), self)} + {_number(self.constant)}"]
        for block in self.rows.values():
            lines.append(f"{block.name} [{block.unit}] {block.about}".rstrip())
            for row in range(block.start, block.start + block.size):
                low, high = self.row_lower[row], self.row_upper[row]
                span = slice(self.matrix.indptr[row], self.matrix.indptr[row + 1])
                entries = zip(self.matrix.indices[span], self.matrix.data[span], strict=True)
                sign = "=" if low == high else "<="
                left = f"{_number(low)} <= " if np.isfinite(low) and low != high else ""
                right = f" {sign} {_number(high)}" if np.isfinite(high) else ""
                label = self.row_label(row).removeprefix(block.name)
                lines.append(f"  {label}: {left}{_sum(entries, self)}{right}")
        for block in self.columns.values():
            kind = "binary" if self.integer[block.span].any() else "continuous"
            lines.append(f"{block.name} [{block.unit}] {kind}; {block.about}".rstrip("; "))
            for column in range(block.start, block.start + block.size):
                label = self.column_label(column).removeprefix(block.name)
                low, high = _number(self.lower[column]), _number(self.upper[column])
                lines.append(f"  {low} <= {label or block.name} <= {high}")
        for curve in self.curves:
            lines.append(f"{curve.name} convex curve, kept by tangents")
            for epigraph, argument, gate, weight in zip(
                curve.epigraph, curve.argument, curve.gate, curve.weight, strict=True
            ):
                beside = f" / {self.column_label(int(gate))}" if gate >= 0 else ""
                lines.append(f"  {self.column_label(int(epigraph))} >= {_number(float(weight))} "
                             f"{self.column_label(int(argument))}^2{beside}")  # fmt: skip
        return "\n".join(lines) + "\n"

    @staticmethod
    def _entries(vector: Floats) -> Iterator[tuple[int, float]]:
        return ((int(i), float(vector[i])) for i in np.flatnonzero(vector))

    def save(self, path: Path) -> None:
        """Write the form as npz (arrays and names, no pickled objects)."""
        names = np.frombuffer(json.dumps(self._names()).encode(), dtype=np.uint8)
        with whole(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, names=names, **self._arrays())

    @classmethod
    def load(cls, path: Path) -> Form:
        """Read a form that :meth:`save` wrote (without its ledger)."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        names = json.loads(arrays.pop("names").tobytes())

        def blocks(described: list[Any]) -> dict[str, Block]:
            return {
                name: Block(name, tuple(dims), {d: _coordinate(v) for d, v in coords.items()},
                            start, unit, about)
                for name, dims, coords, start, unit, about in described
            }  # fmt: skip

        shape = (len(arrays["row_lower"]), len(arrays["cost"]))
        return cls(
            arrays["cost"], float(arrays["constant"][0]),
            sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape),
            arrays["row_lower"], arrays["row_upper"], arrays["lower"], arrays["upper"],
            arrays["integer"], blocks(names["columns"]), blocks(names["rows"]),
            curves=tuple(
                Curve(name, *(arrays[f"curve.{i}.{part}"] for part in _CURVE))
                for i, name in enumerate(names.get("curves", []))
            ),
        )  # fmt: skip


_CURVE = ("epigraph", "argument", "gate", "weight")


def _coordinate(labels: list[str]) -> NDArray[Any]:
    stamps = bool(labels) and all(len(t) == 17 and t[10] == "T" and t[-1] == "Z" for t in labels)
    if stamps:
        return np.array([label[:-1] for label in labels], dtype="datetime64[ns]")
    return np.array(labels, dtype=object)


def _owner(blocks: Mapping[str, Block], position: int) -> Block:
    for block in blocks.values():
        if block.start <= position < block.start + block.size:
            return block
    raise IndexError(position)


def _number(value: float) -> str:
    return f"{value:.9g}"


def _sum(entries: Any, form: Form) -> str:
    parts = [f"{value:+.9g} {form.column_label(int(column))}" for column, value in entries]
    return " ".join(parts) or "0"
