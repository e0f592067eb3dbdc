"""All components of one kind as labelled data, as a kind's mathematics reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Indices
from citygrid.model.labelled import Axis, Data, refuse


class Parameter(Protocol):
    """Known numbers of a kind: named axes, values, unit."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    unit: str


class Units(Protocol):
    """All components of one kind as the case holds them."""

    kind: str
    names: tuple[str, ...]
    parameters: Mapping[str, Any]
    coords: Mapping[str, NDArray[Any]]


class Fleet:
    """All components of one kind as labelled data: ``c.capacity`` is :class:`Data` with its unit.

    ``c.axis`` is the axis of the components, ``c.time`` the hours, ``c.step`` the step in h.
    """

    def __init__(self, units: Units, time: Axis, step: Data) -> None:
        self._units = units
        self.kind = units.kind
        self.time = time
        self.step = step
        self._axes = {name: Axis(name, labels) for name, labels in units.coords.items()}
        self._axes["time"] = time
        self.axis = self._axes.setdefault(units.kind, Axis(units.kind, np.array(units.names)))

    def __len__(self) -> int:
        return len(self.axis)

    def axis_of(self, name: str) -> Axis:
        """A further axis of the kind, such as the jobs of a pool."""
        return self._axes[name]

    def __getattr__(self, name: str) -> Data:
        try:
            parameter = self._units.parameters[name]
        except KeyError:
            raise refuse(self.kind, "no such parameter", name) from None
        values = parameter.values
        dims = tuple(self._axes[dim] for dim in parameter.dims)
        return Data(values, dims, parameter.unit)

    def known(self, values: NDArray[Any], *dims: Axis, unit: str = "kW") -> Data:
        """Numbers that a component derives from its parameters, as labelled data."""
        return Data(np.asarray(values, dtype=float), dims, unit)

    def text(self, name: str, only: Axis | None = None) -> list[str]:
        """A parameter that is text, such as the node of every component (of a selection)."""
        values = self._units.parameters[name].values
        if only is not None:
            values = values[only.origins]
        return [str(value) for value in values]

    def integers(self, name: str) -> Indices:
        """A parameter that counts or points."""
        return np.asarray(self._units.parameters[name].values, dtype=np.int64)

    def flags(self, name: str) -> Flags:
        """A parameter that is true or false."""
        return np.asarray(self._units.parameters[name].values, dtype=bool)
