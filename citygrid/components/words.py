"""What a component may say to the model, and what it is handed: protocols without a model in sight.

``formulate(m: Speaker, c: Fleet)`` says what all components of a kind can do. It is handed its
parameters as :class:`Known` numbers, gets :class:`Amount` expressions of the variables that it
declares, and relates them; nothing else. ``citygrid.model`` fulfils these protocols and this room
never imports it, so the mathematics of a kind can be read, typed and tested without the model.

Everything is labelled: axes broadcast by name and must agree label by label; ``+`` needs one unit,
``×`` multiplies units. No loop over hours is ever needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Indices


class Axis(Protocol):
    """A named list of labels: the components of a kind, the hours, the jobs of a pool."""

    @property
    def labels(self) -> NDArray[Any]: ...

    @property
    def positions(self) -> Indices:
        """Where the labels stand in the axis that they were selected from."""
        ...

    @property
    def parent(self) -> Axis | None:
        """The axis that they were selected from."""
        ...

    def __len__(self) -> int: ...

    def only(self, keep: Flags, name: str) -> Axis:
        """The labels where ``keep`` is true, as an axis called ``<axis>_<name>``."""
        ...


class Known(Protocol):
    """Known numbers over axes with a unit: a parameter, or what a component makes of several."""

    @property
    def values(self) -> NDArray[Any]: ...

    @property
    def dims(self) -> tuple[Axis, ...]: ...

    def only(self, axis: Axis) -> Known:
        """The same numbers on a selection of one of their axes."""
        ...

    def __add__(self, other: Known | float) -> Known: ...
    def __radd__(self, other: float) -> Known: ...
    def __sub__(self, other: Known | float) -> Known: ...
    def __rsub__(self, other: float) -> Known: ...
    @overload
    def __mul__(self, other: Amount) -> Amount: ...
    @overload
    def __mul__(self, other: Known | float) -> Known: ...
    def __rmul__(self, other: float) -> Known: ...
    def __truediv__(self, other: Known | float) -> Known: ...
    def __rtruediv__(self, other: float) -> Known: ...
    def __neg__(self) -> Known: ...


class Rule(Protocol):
    """A comparison of amounts that the plan must keep: ``heat <= capacity * on``."""

    @property
    def lower(self) -> float: ...

    @property
    def upper(self) -> float: ...


class Square(Protocol):
    """The square of an amount, times a weight ≥ 0, that a cost may have to cover."""

    @property
    def weight(self) -> Known: ...

    def __mul__(self, other: Known | float) -> Square: ...


class Cover(Protocol):
    """A cost that is at least a square: ``cost >= output.square(on) * weight``."""

    @property
    def square(self) -> Square: ...


class Amount(Protocol):
    """A quantity that the plan decides: an affine expression of variables over axes, with a unit.

    Comparing two amounts gives a :class:`Rule`.
    """

    @property
    def dims(self) -> tuple[Axis, ...]: ...

    def __add__(self, other: Amount | Known | float) -> Amount: ...
    def __radd__(self, other: Known | float) -> Amount: ...
    def __sub__(self, other: Amount | Known | float) -> Amount: ...
    def __rsub__(self, other: Known | float) -> Amount: ...
    def __mul__(self, other: Known | float) -> Amount: ...
    def __rmul__(self, other: Known | float) -> Amount: ...
    def __truediv__(self, other: Known | float) -> Amount: ...
    def __neg__(self) -> Amount: ...
    def __le__(self, other: Amount | Known | float) -> Rule: ...
    @overload
    def __ge__(self, other: Square) -> Cover: ...
    @overload
    def __ge__(self, other: Amount | Known | float) -> Rule: ...
    def __eq__(self, other: object) -> Rule: ...  # type: ignore[override]

    def only(self, axis: Axis) -> Amount:
        """The amount on a selection of one of its axes; itself where it lacks that axis."""
        ...

    def square(
        self, gate: Amount | Known | float = 1.0, least: Known | float = 0.0
    ) -> Square:  # fmt: skip
        """The square of a single variable while ``gate`` is 1; ``least`` is its lowest value."""
        ...

    def previous(self, initial: Known, cyclic: Flags | bool = False) -> Amount:
        """The amount one step earlier; first ``initial`` or, where ``cyclic``, the last step's."""
        ...

    def mapped(
        self, dims: tuple[Axis, ...], rows: Indices, cells: Indices, weights: Floats,
        unit: str = "1",
    ) -> Amount:  # fmt: skip
        """A sparse linear map: cell ``rows[i]`` of the result gains ``weights · cells`` at i."""
        ...

    def sum(self, *names: str) -> Amount:
        """The sum over the named axes."""
        ...


class Opposition(NamedTuple):
    """Marks flows that may not meet what they oppose: see ``feed`` and ``draw`` of the speaker.

    ``rule`` names the pair (``stored``: from a store, into a store; ``made``: heat made of power,
    heat left to the air); ``most`` is the largest flow, ``hours`` (component × time) says when it
    has to be ruled out, and ``may_burn`` (component) who is not bound by it.
    """

    rule: str
    most: Known
    hours: Flags
    may_burn: Flags


class Passage(NamedTuple):
    """Where drawn flows go on to: a line. ``lossy`` ones could burn in a ring; ``most`` bounds all.

    ``hours`` (line × time) says when running in a ring is to be ruled out.
    """

    to: Sequence[str]
    most: Known
    lossy: Flags
    hours: Flags


class Fleet(Protocol):
    """All components of one kind: ``c.capacity`` is the :class:`Known` capacity of each, in kW."""

    @property
    def axis(self) -> Axis:
        """The components, by name."""
        ...

    @property
    def time(self) -> Axis:
        """The hours (or other steps) of the horizon."""
        ...

    @property
    def step(self) -> Known:
        """Length of a step [h]."""
        ...

    def __len__(self) -> int: ...

    def __getattr__(self, name: str) -> Known:
        """A parameter by its name in the spec, or as ``prepare`` gave it."""
        ...

    def axis_of(self, name: str) -> Axis:
        """A further axis of the kind, such as the jobs of a pool."""
        ...

    def known(self, values: NDArray[Any], *dims: Axis, unit: str = "kW") -> Known:
        """Numbers that a component derives from its parameters, with their axes and unit."""
        ...

    def text(self, name: str, only: Axis | None = None) -> list[str]:
        """A parameter that is text, such as the node of every component (of a selection)."""
        ...

    def integers(self, name: str) -> Indices:
        """A parameter that counts or points."""
        ...

    def flags(self, name: str) -> Flags:
        """A parameter that is true or false."""
        ...


class Speaker(Protocol):
    """The six words of a component, said for all components of its kind at once."""

    @property
    def kind(self) -> str:
        """Name of the kind that speaks."""
        ...

    @property
    def time(self) -> Axis:
        """The hours (or other steps) of the horizon."""
        ...

    @property
    def step(self) -> Known:
        """Length of a step [h]."""
        ...

    def variable(
        self, name: str, *dims: Axis, lower: Known | float = 0.0, upper: Known | float = np.inf,
        unit: str = "kW", about: str,
    ) -> Amount:  # fmt: skip
        """Declare what the plan may choose: a block ``kind.name`` over the axes, in ``unit``."""
        ...

    def binary(
        self, name: str, *dims: Axis, about: str, upper: Known | float = 1.0,
        lower: Known | float = 0.0,
    ) -> Amount:  # fmt: skip
        """Declare a choice between 0 and 1."""
        ...

    def constrain(self, name: str, relation: Rule | Cover, about: str = "") -> None:
        """Demand a rule: ``m.constrain("minimum_load", heat >= share * on)``."""
        ...

    def feed(
        self, carrier: str, places: Sequence[str], flow: Amount,
        opposed: Opposition | None = None,
    ) -> None:  # fmt: skip
        """Give a flow (component × time, kW, ≥ 0) to a carrier, each at its place.

        What is fed ``opposed`` may not be carried to where a flow of the same rule is drawn.
        """
        ...

    def draw(
        self, carrier: str, places: Sequence[str], flow: Amount | Known,
        opposed: Opposition | None = None, onward: Passage | None = None,
    ) -> None:  # fmt: skip
        """Take a flow (component × time, kW, ≥ 0) from a carrier, each at its place.

        ``opposed`` as with ``feed``; ``onward`` where a line takes it to another place.
        """
        ...

    def cost(
        self, item: str, money: Amount | Known | None = None, **columns: Amount | Known | None
    ) -> None:
        """Enter what an item costs [EUR] and leaves in the world, per component, in the ledger.

        ``columns`` are those of :mod:`citygrid.ledger`: ``carbon``, ``water``, …
        """
        ...
