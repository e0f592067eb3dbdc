"""What a kind of component is: the contract that every file in this folder fulfils.

A kind is one module. Its name is the ``kind`` of the district file, and it holds

* a spec, the one subclass of :class:`Component` in it;
* ``formulate(m, c)``, its mathematics in six words (see ``citygrid.components.words``);
* ``replay(c, flows, log)``, the same unit as physics on plain arrays, from the plan alone;
* optionally ``prepare(specs, world)``, the hourly parameters that do not stand in the spec;
* ``carry(units, flows, step)``, what the past decides: the parameters that stand for it when only
  the steps from ``step`` on are looked at, from plain arrays of the steps before; or, in its spec,
  ``memoryless = True``;
* optionally ``open_end(units, steps)``, the parameters that change when the horizon ends after
  ``steps`` and more will follow: conditions on its end are taken away.

Modules are found by looking into the folder: adding a kind edits nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

import citygrid.components
from citygrid.arrays import Flags, Floats
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.errors import Fault, FormulationError
from citygrid.inputs.world import World


class Way(NamedTuple):
    """One direction of a data link: its ends (nodes), delay [ms] and capacity [GB/h]."""

    start: str
    end: str
    latency: float
    capacity: float


class Port(NamedTuple):
    """Where a component meets a carrier: it feeds or draws ``carrier`` at ``place``.

    ``loop`` are the supply and return temperatures [degC] of a heat source, so that others (heat
    pumps) can reckon with them; ``way`` is what a data link leads along, so that jobs can choose.
    """

    carrier: str
    direction: Literal["feed", "draw"]
    place: str
    loop: tuple[float, float] | None = None
    way: Way | None = None


class Component(BaseModel):
    """Base of every spec: frozen, no unknown fields; ``ports`` say which carriers it meets."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    #: How the report and the map draw the kind: a group of kinds with one colour.
    group: ClassVar[str] = "other"

    def ports(self, name: str) -> list[Port]:
        """All carriers this component (called ``name``) feeds or draws, with their places."""
        raise NotImplementedError

    #: Whether it carries energy from one step to another, and with it what energy is worth.
    keeps_energy: ClassVar[bool] = False

    #: Whether each step stands by itself, so that the past decides nothing: else it has a `carry`.
    memoryless: ClassVar[bool] = False

    def least_value(self, carrier: str, name: str, world: World) -> Floats | float:
        """Least worth [EUR/kWh] of a kWh of ``carrier`` in a step in which this unit feeds it.

        A unit that is paid to feed, or that feeds whether anybody wants it or not (an engine that
        is run for its heat, a minimum load), lets a carrier be worth less than nothing, and then
        burning it pays. Unless a kind knows better, it may be worth anything.
        """
        return -np.inf

    def loses(self) -> bool:
        """Whether what goes through it is less when it comes out."""
        return True

    def line(self) -> tuple[str, str] | None:
        """The two nodes of a component that is a line on the map (pipe, cable); else ``None``."""
        return None

    #: Whether it is a way to the world outside, without which the district is an island.
    to_outside: ClassVar[bool] = False

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """Parameters that change when units fail in the steps ``out`` (n, T), from the first on.

        A unit that is out feeds and draws nothing: that much is demanded of every kind by the form
        and by the verdict. A kind says here what else ends with it: loads that it must serve, heat
        that it loses, times for which it would have to run.
        """
        return {}

    @classmethod
    def soften(cls, units: Units, prices: Mapping[str, float]) -> dict[str, Parameter]:
        """Parameters by which a kind gives way in an emergency, rather than leave no plan.

        ``prices`` [EUR/kWh] are what a kWh not served costs, by its priority.
        """
        return {}


class Parameter(NamedTuple):
    """Known numbers (or texts) of a kind over named dimensions, with their unit."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    unit: str = "1"


@dataclass(frozen=True)
class Units:
    """All components of one kind at once, as plain arrays.

    ``units["capacity"]`` has shape (n, 1) when the parameter is one number per component and
    (n, T) when it is hourly, so that both broadcast over (component × time); parameters over other
    dimensions come as they are. ``coords`` label every dimension but ``time``.
    """

    kind: str
    names: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    coords: Mapping[str, NDArray[Any]]
    step: float

    def __getitem__(self, name: str) -> NDArray[Any]:
        parameter = self.parameters[name]
        if parameter.dims == (self.kind,) and parameter.values.dtype.kind in "fiub":
            return parameter.values[:, None]
        return parameter.values

    def __len__(self) -> int:
        return len(self.names)

    @property
    def separable(self) -> bool:
        """Whether every parameter belongs to one component (a pool's jobs belong to several)."""
        own = {self.kind, "time"}
        return all(set(parameter.dims) <= own for parameter in self.parameters.values())

    def of(self, name: str) -> Units:
        """One component of the kind by itself; only for separable kinds."""
        row = self.names.index(name)
        parameters = {
            key: p._replace(values=p.values[row : row + 1]) if p.dims[:1] == (self.kind,) else p
            for key, p in self.parameters.items()
        }
        coords = {self.kind: np.array([name], dtype=object)}
        return Units(self.kind, (name,), parameters, coords, self.step)

    def places(self, name: str) -> NDArray[Any]:
        """A text parameter such as the node of every component, shape (n,)."""
        return self.parameters[name].values


class Flows:
    """The part of a plan that belongs to one kind: arrays by short name, in canonical units.

    Who reads a flow says in which unit he takes it; what the plan says its unit is must be that.
    ``partial`` names flows over some components or steps alone, which only :meth:`spread` and
    :meth:`some` may read: others would take the numbers of one component for those of all.
    """

    def __init__(
        self, names: tuple[str, ...], arrays: Mapping[str, NDArray[Any]],
        labels: Mapping[str, NDArray[Any]], steps: Mapping[str, NDArray[Any]] | None = None,
        partial: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._names = names
        self._steps = dict(steps or {})
        self._arrays = arrays
        self._labels = labels
        self._partial = partial
        self._asked: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.read(name)

    def read(self, name: str, unit: str = "kW") -> NDArray[np.float64]:
        """A flow over all components and steps.

        Raises ``KeyError`` where there is none and ``ValueError`` where it is of some alone.
        """
        self._asked[name] = unit
        if name in self._partial:
            raise ValueError(f"{name}, which is not over all that the kind has")
        return self._arrays[name]

    def some(self, name: str, unit: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Labels of the first axis of a flow, and the flow."""
        self._asked[name] = unit
        return self._labels[name], self._arrays[name]

    @property
    def asked(self) -> Mapping[str, str]:
        """Flow → unit in which it was read, of all that anybody asked for so far."""
        return self._asked

    @property
    def unread(self) -> list[str]:
        """Flows that nobody asked for so far: after a replay, those that the kind does not have."""
        return sorted(set(self._arrays) - set(self._asked))

    def spread(
        self, name: str, absent: float, shape: tuple[int, ...], unit: str = "kW"
    ) -> NDArray[np.float64]:
        """A flow that only some components have, over all of them; ``absent`` for the others.

        A flow of some steps alone (a choice where there is one to make) is absent in the others.
        """
        full = np.full(shape, absent)
        self._asked[name] = unit
        if name in self._arrays:
            position = {label: i for i, label in enumerate(self._names)}
            at = np.array([position[label] for label in self._labels[name]], dtype=np.int64)
            some = name in self._steps and self._arrays[name].shape[1:] != shape[1:]
            full[np.ix_(at, self._steps[name]) if some else at] = self._arrays[name]
        return full

    def of(self, name: str) -> Flows:
        """The flows of one component by itself."""
        rows = {
            short: np.flatnonzero(self._labels[short].astype(str) == name) for short in self._arrays
        }
        return Flows(
            (name,),
            {short: self._arrays[short][at] for short, at in rows.items() if len(at)},
            {short: self._labels[short][at] for short, at in rows.items() if len(at)},
            self._steps,
        )


class Kind(NamedTuple):
    """A registered kind: its name, spec and functions."""

    name: str
    spec: type[Component]
    formulate: Callable[[Speaker, Fleet], None]
    replay: Callable[[Units, Flows, Log], None]
    prepare: Callable[[Mapping[str, Any], World], dict[str, Parameter]] | None
    carry: Callable[[Units, Flows, int], dict[str, Parameter]] | None = None
    open_end: Callable[[Units, int], dict[str, Parameter]] | None = None


@cache
def kinds() -> dict[str, Kind]:
    """All kinds, by name: every module of this folder that holds a :class:`Component`."""
    found = {}
    for module_info in pkgutil.iter_modules(citygrid.components.__path__):
        module = importlib.import_module(f"citygrid.components.{module_info.name}")
        specs = [
            value for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Component)
            and value.__module__ == module.__name__ and value is not Component
            and "ports" in vars(value)
        ]  # fmt: skip
        if not specs and not hasattr(module, "formulate"):
            continue  # the contract itself, fields, log
        if len(specs) != 1:
            raise FormulationError(Fault(
                module.__name__, f"holds {len(specs)} specs", None,
                "a kind is one module with exactly one Component that has `ports`",
            ))  # fmt: skip
        found[module_info.name] = Kind(
            module_info.name, specs[0], module.formulate, module.replay,
            getattr(module, "prepare", None), getattr(module, "carry", None),
            getattr(module, "open_end", None),
        )  # fmt: skip
    return found
