"""From labelled parameters to the standard form: the six words that components speak.

A component may say ``variable``, ``binary``, ``constrain``, ``feed``, ``draw`` and ``cost``;
:mod:`citygrid.model.builder` turns what is said into blocks, balances and the ledger.

This module is handed the case and the kinds and imports neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from citygrid.model.algebra import Above, Linear, Relation
from citygrid.model.builder import Model, Opposition, Passage
from citygrid.model.fleet import Fleet
from citygrid.model.form import Form
from citygrid.model.labelled import Axis, Data


class CaseLike(Protocol):
    """What formulation needs of a case: hours, step, units, prices and caps of the ledger."""

    @property
    def time(self) -> NDArray[np.datetime64]: ...

    @property
    def step(self) -> float: ...

    @property
    def prices(self) -> Mapping[str, float]: ...

    @property
    def caps(self) -> Mapping[str, float]: ...

    @property
    def units(self) -> Mapping[str, Any]: ...

    @property
    def out(self) -> Mapping[str, tuple[int, int]]: ...


class Speaker:
    """The six words a component may say, under the name of its kind.

    Says what the protocol of the same name in the components' room promises.
    """

    def __init__(self, model: Model, kind: str) -> None:
        self._model = model
        self.kind = kind
        self.time = model.time
        self.step = model.step

    def variable(
        self, name: str, *dims: Axis, lower: Data | float = 0.0, upper: Data | float = np.inf,
        unit: str = "kW", about: str,
    ) -> Linear:  # fmt: skip
        """A block of continuous variables ``kind.name`` over the axes, in ``unit``."""
        return self._model.add_columns(
            f"{self.kind}.{name}", dims, lower, upper, unit, about, False
        )

    def binary(
        self, name: str, *dims: Axis, about: str, upper: Data | float = 1.0,
        lower: Data | float = 0.0,
    ) -> Linear:  # fmt: skip
        """A block of variables that are 0 or 1."""
        return self._model.add_columns(f"{self.kind}.{name}", dims, lower, upper, "1", about, True)

    def constrain(self, name: str, relation: Relation | Above, about: str = "") -> None:
        """A block of rows ``kind.name``: ``m.constrain("minimum_load", heat >= share * on)``.

        ``cost >= output.square(on) * weight`` is kept by tangents (:mod:`citygrid.model.curves`).
        """
        self._model.add_rows(f"{self.kind}.{name}", relation, about)

    def feed(
        self, carrier: str, places: Sequence[str], flow: Linear, opposed: Opposition | None = None
    ) -> None:
        """Add a flow (component × time, kW, ≥ 0) to the carrier's balance at each one's place."""
        self._model.add_flow(self.kind, carrier, places, flow, 1.0, opposed)

    def draw(
        self, carrier: str, places: Sequence[str], flow: Linear | Data,
        opposed: Opposition | None = None, onward: Passage | None = None,
    ) -> None:  # fmt: skip
        """Take a flow (component × time, kW, ≥ 0) from the carrier's balance at each place."""
        if isinstance(flow, Data):
            flow = Linear(flow.dims, flow.unit, ()) + flow
        self._model.add_flow(self.kind, carrier, places, flow, -1.0, opposed, onward)

    def cost(
        self, item: str, money: Linear | Data | None = None, **columns: Linear | Data | None
    ) -> None:
        """Enter amounts (component first, any further axes) in the ledger's columns.

        Known money, such as a standing charge, is cost that no plan avoids.
        """
        amounts = {
            column: Linear(amount.dims, amount.unit, ()) + amount
            if isinstance(amount, Data)
            else amount
            for column, amount in {"money": money, **columns}.items()
        }
        self._model.add_cost(f"{self.kind}.{item}", amounts)


def formulate(case: CaseLike, kinds: Mapping[str, Callable[[Any, Any], None]]) -> Form:
    """Build the form of a case: every kind speaks once, then balances and ledger are closed.

    ``kinds`` are typed where they live, against the protocols that :class:`Speaker` and
    :class:`Fleet` fulfil; a wall keeps those out of this room.
    """
    model = Model(case.time, case.step, case.prices, case.caps, case.out)
    for kind, units in case.units.items():
        kinds[kind](Speaker(model, kind), Fleet(units, model.time, model.step))
    return model.form()
