"""Known numbers over named axes, checked for labels and units.

* :class:`Axis`, a named list of labels (units of a kind, hours, jobs);
* :class:`Data`, known numbers over axes with a unit.

Axes broadcast by name and must agree label by label; ``+`` needs the same unit, ``×`` multiplies
units. Nothing is aligned silently and nothing is padded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Indices
from citygrid.errors import Fault, FormulationError
from citygrid.units import DIMENSIONLESS, product, quotient, same


def refuse(place: str, reason: str, value: object = None, repair: str = "") -> FormulationError:
    """The error of a component whose mathematics does not fit together."""
    return FormulationError(Fault(place, reason, value, repair))


@dataclass(frozen=True, eq=False)
class Axis:
    """A named list of labels; two axes are equal when name and labels are.

    ``parent`` and ``positions`` say which labels of another axis a selection kept.
    """

    name: str
    labels: NDArray[Any]
    parent: Axis | None = None
    kept: Indices | None = None

    @property
    def positions(self) -> Indices:
        """Where the labels stand in the axis that they were selected from."""
        return np.arange(len(self)) if self.kept is None else self.kept

    @property
    def origins(self) -> Indices:
        """Where the labels stand in the axis at which a chain of selections began."""
        return self.positions if self.parent is None else self.parent.origins[self.positions]

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Axis):
            return NotImplemented
        return self.name == other.name and np.array_equal(self.labels, other.labels)

    def __hash__(self) -> int:
        return hash((self.name, len(self.labels)))

    def only(self, keep: NDArray[np.bool_], name: str) -> Axis:
        """The labels where ``keep`` is true, as an axis called ``<axis>_<name>``."""
        positions = np.flatnonzero(keep)
        return Axis(f"{self.name}_{name}", self.labels[positions], self, positions)


Dims = tuple[Axis, ...]


def shape_of(dims: Dims) -> tuple[int, ...]:
    """How many labels stand on each axis."""
    return tuple(len(axis) for axis in dims)


def union(first: Dims, second: Dims) -> Dims:
    """Axes of a combination: the longer list's order, then what only the other has."""
    leading, trailing = (first, second) if len(first) >= len(second) else (second, first)
    by_name = {axis.name: axis for axis in leading}
    for axis in trailing:
        if axis.name in by_name and by_name[axis.name] != axis:
            raise refuse(
                f"axis {axis.name}",
                "labels differ between the two sides",
                f"{len(by_name[axis.name])} and {len(axis)} labels",
                "select the same labels on both sides first",
            )
    return leading + tuple(axis for axis in trailing if axis.name not in by_name)


def spread(values: NDArray[Any], dims: Dims, onto: Dims) -> NDArray[Any]:
    """View of ``values`` (over ``dims``) that broadcasts over ``onto``, without copying."""
    if values.ndim == 0 or dims == onto:
        return values
    order = sorted(range(len(dims)), key=lambda i: [a.name for a in onto].index(dims[i].name))
    names = {axis.name for axis in dims}
    shape = iter(values.transpose(order).shape)
    return values.transpose(order).reshape([next(shape) if a.name in names else 1 for a in onto])


@dataclass(frozen=True, eq=False)
class Data:
    """Known numbers over axes, with a unit."""

    values: NDArray[Any]
    dims: Dims = ()
    unit: str = DIMENSIONLESS

    def _with(self, other: Data | float, operation: Any, unit: str) -> Data:
        other = data(other)
        dims = union(self.dims, other.dims)
        values = operation(
            spread(self.values, self.dims, dims), spread(other.values, other.dims, dims)
        )
        return Data(values, dims, unit)

    def _same_unit(self, other: Data | float, verb: str) -> None:
        other = data(other)
        if not same(self.unit, other.unit):
            raise refuse("data", f"cannot {verb} {self.unit} and {other.unit}")

    def __mul__(self, other: Data | float) -> Data:
        if not isinstance(other, SupportsFloat | Data):
            return NotImplemented
        return self._with(other, np.multiply, product(self.unit, data(other).unit))

    def __truediv__(self, other: Data | float) -> Data:
        return self._with(other, np.divide, quotient(self.unit, data(other).unit))

    def __rtruediv__(self, other: float) -> Data:
        return data(other) / self

    def __add__(self, other: Data | float) -> Data:
        if not isinstance(other, SupportsFloat | Data):
            return NotImplemented
        self._same_unit(other, "add")
        return self._with(other, np.add, self.unit)

    def __sub__(self, other: Data | float) -> Data:
        if not isinstance(other, SupportsFloat | Data):
            return NotImplemented
        self._same_unit(other, "subtract")
        return self._with(other, np.subtract, self.unit)

    def __rsub__(self, other: float) -> Data:
        return data(other) - self

    def __neg__(self) -> Data:
        return replace(self, values=-self.values)

    __rmul__ = __mul__
    __radd__ = __add__

    def only(self, axis: Axis) -> Data:
        """The same numbers on a selection of one of its axes."""
        values, dims = take(self.values, self.dims, axis)
        return Data(values, dims, self.unit)


def data(value: Data | float, unit: str = DIMENSIONLESS) -> Data:
    """A plain number as dimensionless data (or of ``unit``)."""
    return value if isinstance(value, Data) else Data(np.asarray(value, dtype=float), (), unit)


def take(values: NDArray[Any], dims: Dims, axis: Axis) -> tuple[NDArray[Any], Dims]:
    """``values`` (over ``dims``) on a selection of one of the axes; as they are without it."""
    for place, dim in enumerate(dims):
        if axis.parent is not None and dim == axis.parent:
            taken = values if values.ndim == 0 else np.take(values, axis.positions, axis=place)
            return taken, (*dims[:place], axis, *dims[place + 1 :])
    return values, dims


def counted(start: int, stop: int) -> Indices:
    """The whole numbers from start to stop, in 32 bits while they fit: forms hold millions."""
    return np.arange(start, stop, dtype=np.int32 if stop < 2**31 else np.int64)
