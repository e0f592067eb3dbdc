"""What a replay reports: what moved at each place, what it broke, what it cost.

A replay knows the plan and the physics and nothing of the formulation. Violations are in physical
units with a scale beside them, so that "1e-6 relative" means the same for 3 kW and for 3 MW.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from citygrid.arrays import Flags, Floats, Labels
from citygrid.ledger import STANDS_IN, Line
from citygrid.units import carrier_unit


@dataclass(frozen=True)
class Movement:
    """A flow [kW] (row × time) fed (+) or drawn (−) at each row's place by each row's owner.

    ``beside``: it is drawn by a line and does not go along it, such as what a core takes.
    """

    kind: str
    carrier: str
    places: NDArray[Any]
    flow: Floats
    sign: float
    owners: NDArray[Any]
    beside: bool = False


@dataclass(frozen=True)
class Breach:
    """How far a rule is broken: ``size`` ≥ 0 in ``unit`` over labels × time, with its scale."""

    kind: str
    rule: str
    labels: NDArray[Any]
    size: Floats
    scale: Floats
    unit: str


@dataclass(frozen=True)
class Opposed:
    """A flow [kW] (row × time) that may not meet its opposite: see ``Speaker.feed``.

    ``gives``: it brings what the others of the ``rule`` would undo. ``guarded`` says where that is
    forbidden, rather than only worth counting.
    """

    kind: str
    carrier: str
    rule: str
    places: NDArray[Any]
    flow: Floats
    gives: bool
    guarded: Flags
    owners: NDArray[Any]


@dataclass(frozen=True)
class Carried:
    """What a line takes [kW] (row × time) from place to place, and whether it loses some of it."""

    carrier: str
    start: NDArray[Any]
    end: NDArray[Any]
    flow: Floats
    lossy: Flags
    guarded: Flags
    owners: NDArray[Any]


@dataclass(frozen=True)
class Shed:
    """What was asked of a carrier and not served [kW] (row × time), with owners and priorities."""

    carrier: str
    priorities: NDArray[Any]
    amount: Floats
    owners: NDArray[Any]


@dataclass
class Log:
    """Collects one kind's replay; the words mirror those of the formulation, in physics."""

    kind: str
    names: tuple[str, ...]
    movements: list[Movement] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    spent: dict[str, dict[str, Floats]] = field(default_factory=dict)
    opposed: list[Opposed] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    undone: list[Floats] = field(default_factory=list)
    shed: list[Shed] = field(default_factory=list)
    measures: dict[str, Floats] = field(default_factory=dict)

    def feeds(
        self, carrier: str, places: Labels, flow: Floats, owners: Labels | None = None
    ) -> None:
        """Give ``flow`` [kW] (rows, T), each row at its place.

        A row is a component, in the order of the names, unless ``owners`` say whose it is.
        """
        self._moves(carrier, places, flow, 1.0, owners)

    def draws(
        self, carrier: str, places: Labels, flow: Floats, owners: Labels | None = None,
        beside: bool = False,
    ) -> None:  # fmt: skip
        """Take ``flow`` [kW] (rows, T), each row at its place; see :meth:`feeds`.

        ``beside``: a line takes it for itself, and it does not go along the line.
        """
        self._moves(carrier, places, flow, -1.0, owners, beside)

    def opposes(
        self, carrier: str, rule: str, places: Labels, flow: Floats, gives: bool, guarded: Flags,
    ) -> None:  # fmt: skip
        """A flow that works against those of the same rule that take (or give) near by."""
        self.opposed.append(Opposed(self.kind, carrier, rule, np.asarray(places), flow, gives,
                                    np.broadcast_to(guarded, flow.shape),
                                    np.asarray(self.names, dtype=object)))  # fmt: skip

    def at_once(self, flow: Floats) -> None:
        """What a component does and undoes in one step [kW] (rows, T); counted, not forbidden."""
        self.undone.append(flow)

    def carries(
        self, carrier: str, start: Labels, end: Labels, flow: Floats, lossy: Flags, guarded: Flags
    ) -> None:
        """A line takes ``flow`` [kW] (rows, T) from each row's start to its end."""
        self.carried.append(Carried(carrier, np.asarray(start), np.asarray(end), flow, lossy,
                                    np.broadcast_to(guarded, flow.shape),
                                    np.asarray(self.names, dtype=object)))  # fmt: skip

    def sheds(
        self, carrier: str, priorities: Labels, amount: Floats, owners: Labels | None = None
    ) -> None:
        """What was asked and not served [kW] (rows, T), each row with its priority."""
        owned = np.asarray(self.names if owners is None else owners, dtype=object)
        self.shed.append(Shed(carrier, np.asarray(priorities), np.maximum(amount, 0.0), owned))

    def _moves(
        self, carrier: str, places: Labels, flow: Floats, sign: float, owners: Labels | None,
        beside: bool = False,
    ) -> None:  # fmt: skip
        owned = np.asarray(self.names if owners is None else owners, dtype=object)
        if not len(owned) == len(places) == len(flow):
            raise ValueError(f"{self.kind}: {len(flow)} flows of {carrier} for {len(owned)} owners")
        self.movements.append(Movement(self.kind, carrier, np.asarray(places), flow, sign, owned,
                                       beside))  # fmt: skip
        self.within(f"{carrier} flow is not negative", flow, low=0.0, unit=carrier_unit(carrier),
                    labels=owned)  # fmt: skip

    def equal(
        self, rule: str, stated: Floats, found: ArrayLike, unit: str = "kW",
        scale: ArrayLike | None = None, labels: Labels | None = None,
    ) -> None:  # fmt: skip
        """The plan states one number, the physics finds another: their distance is the breach."""
        found = np.broadcast_to(np.asarray(found, dtype=float), stated.shape)
        size = np.abs(stated - found)
        reach = np.maximum(np.abs(stated), np.abs(found)) if scale is None else scale
        self._breaks(rule, size, reach, unit, labels)

    def within(
        self, rule: str, value: Floats, low: ArrayLike = -np.inf, high: ArrayLike = np.inf,
        unit: str = "kW", labels: Labels | None = None,
    ) -> None:  # fmt: skip
        """The value stays between its limits; how far it does not is the breach."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        size = np.maximum(np.maximum(low - value, value - high), 0.0)
        # A NaN in a plan is not a small violation.
        size = np.where(np.isfinite(value), size, np.inf)
        limits = [np.where(np.isfinite(limit), np.abs(limit), 0.0) for limit in (low, high)]
        scale = np.maximum(np.maximum(*limits), np.abs(np.nan_to_num(value)))
        self._breaks(rule, size, scale, unit, labels)

    def whole(self, rule: str, value: Floats, labels: Labels | None = None) -> None:
        """The value is 0 or 1."""
        self._breaks(rule, np.minimum(np.abs(value), np.abs(value - 1.0)), 1.0, "1", labels)

    def _breaks(
        self,
        rule: str,
        size: Floats,
        scale: ArrayLike,
        unit: str,
        labels: Labels | None,
    ) -> None:
        named = np.asarray(self.names if labels is None else labels)
        size = np.where(np.isnan(size), np.inf, size)
        reach = np.broadcast_to(np.maximum(np.asarray(scale, dtype=float), 1.0), size.shape)
        self.breaches.append(Breach(self.kind, rule, named, size, reach, unit))

    def pays(self, item: str, money: ArrayLike = 0.0, **columns: ArrayLike) -> None:
        """Amounts per component and step [EUR] and in the ledger's other columns.

        They are summed to one line of the ledger per component.
        """
        self.spent[item] = {}
        for column, amount in {"money": money, **columns}.items():
            values = np.asarray(amount, dtype=float)
            if values.ndim == 0:
                values = np.full(len(self.names), float(values))
            self.spent[item][column] = values.sum(axis=1) if values.ndim > 1 else values

    def lines(self, item: str) -> list[Line]:
        """The ledger's line of every component for an item."""
        amounts = dict(self.spent[item])
        for column, other in STANDS_IN.items():
            if column not in amounts and other in amounts:
                amounts[column] = amounts[other]
        return [
            Line(**{column: float(values[i]) for column, values in amounts.items()})
            for i in range(len(self.names))
        ]

    def measure(self, name: str, amount: Floats) -> None:
        """A figure for the KPIs (n, T) [kW] that several kinds may add to, e.g. ``it_power``."""
        total = np.asarray(amount, dtype=float).sum(axis=0)
        self.measures[name] = self.measures.get(name, np.zeros_like(total)) + total
