"""The form under construction: blocks of columns and rows, balances, ledger.

Two things link components and nothing else does: the **balance** of a carrier at a place, to which
every ``feed`` adds and from which every ``draw`` takes, and the **cost ledger**, one line per
component and item in EUR, kgCO2 and the ledger's other columns. The district may price a column, by
which it enters the objective, and cap it, by which its sum becomes a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats
from citygrid.ledger import COLUMNS, weights
from citygrid.model.algebra import Above, Linear, Relation, Term, Triplets
from citygrid.model.assembly import Flow, Rows, laid_out, spent
from citygrid.model.curves import first_tangents
from citygrid.model.form import Account, Block, Curve, Form, Lines
from citygrid.model.guards import Guards
from citygrid.model.labelled import Axis, Data, counted, refuse, spread, union
from citygrid.units import carrier_unit, same


class Opposition(Protocol):
    """Flows that may not meet what they oppose; see ``citygrid.model.guards``."""

    @property
    def rule(self) -> str: ...
    @property
    def most(self) -> Any: ...
    @property
    def hours(self) -> Flags: ...
    @property
    def may_burn(self) -> Flags: ...


class Passage(Protocol):
    """Where drawn flows go on to: a line, its limit, whether it has losses, when it is guarded."""

    @property
    def to(self) -> Sequence[str]: ...
    @property
    def most(self) -> Any: ...
    @property
    def lossy(self) -> Flags: ...
    @property
    def hours(self) -> Flags: ...


@dataclass
class _Item:
    labels: NDArray[Any]
    amounts: dict[str, Linear]


class Model:
    """The form under construction; components see it through a Speaker."""

    def __init__(
        self, time: NDArray[Any], step: float, prices: Mapping[str, float] | None = None,
        caps: Mapping[str, float] | None = None,
        out: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        self.time = Axis("time", time)
        self.step = Data(np.asarray(step), (), "h")
        self.prices, self.caps, self._out = prices or {}, caps or {}, out or {}
        self._columns: dict[str, Block] = {}
        self._rows: dict[str, Block] = {}
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[Flags] = []
        self._entries = Rows()
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._flows: dict[str, list[Flow]] = {}
        self._items: dict[str, _Item] = {}
        self._curves: list[Curve] = []
        self._guards = Guards()
        self._width = 0
        self._height = 0

    def add_columns(
        self, name: str, dims: tuple[Axis, ...], lower: Data | float, upper: Data | float,
        unit: str, about: str, integer: bool,
    ) -> Linear:  # fmt: skip
        if name in self._columns:
            raise refuse(name, "a block of this name exists already")
        block = Block(name, tuple(a.name for a in dims), {a.name: a.labels for a in dims},
                      self._width, unit, about)  # fmt: skip
        self._columns[name] = block
        for bound, into in ((lower, self._lower), (upper, self._upper)):
            into.append(self._bound(name, bound, dims, unit, block.shape))
        self._integer.append(np.broadcast_to(integer, block.shape))
        self._width += block.size
        index = counted(block.start, block.start + block.size).reshape(block.shape)
        return Linear(dims, unit, (Term(None, index, np.ones(())),))

    @staticmethod
    def _bound(
        name: str, bound: Data | float, dims: tuple[Axis, ...], unit: str, shape: tuple[int, ...]
    ) -> Floats:
        if not isinstance(bound, Data):
            return np.broadcast_to(float(bound), shape)
        if not same(bound.unit, unit):
            raise refuse(name, f"bound in {bound.unit}, variable in {unit}")
        if union(dims, bound.dims) != dims:
            raise refuse(name, "bound has axes that the variable lacks")
        values = spread(np.asarray(bound.values, dtype=float), bound.dims, dims)
        if np.isnan(values).any():
            raise refuse(name, "a bound is NaN")
        return np.broadcast_to(values, shape)

    def add_rows(self, name: str, relation: Relation | Above, about: str) -> None:
        if isinstance(relation, Above):
            curve, relation = first_tangents(name, relation, laid_out(self._upper))
            self._curves.append(curve)
        if not isinstance(relation, tuple):
            raise refuse(name, "constrain takes a relation such as heat <= capacity")
        if name in self._rows:
            raise refuse(name, "a constraint of this name exists already")
        expression, lower, upper = relation
        block = Block(name, tuple(a.name for a in expression.dims),
                      {a.name: a.labels for a in expression.dims},
                      self._height, expression.unit, about)  # fmt: skip
        self._entries.write(name, expression, self._width)
        known = expression.constant
        if not np.isfinite(known).all():
            raise refuse(name, "a coefficient is not a finite number")
        self._emit(block, lower - known, upper - known)

    def _emit(self, block: Block, lower: Floats, upper: Floats) -> None:
        """A block of rows, whose entries are in the matrix already."""
        self._rows[block.name] = block
        self._height += block.size
        self._row_lower.append(np.broadcast_to(lower, block.shape))
        self._row_upper.append(np.broadcast_to(upper, block.shape))

    def add_flow(
        self, kind: str, carrier: str, places: Sequence[str], flow: Linear, sign: float,
        opposed: Opposition | None = None, onward: Passage | None = None,
    ) -> None:  # fmt: skip
        unit = carrier_unit(carrier)
        if not same(flow.unit, unit):
            raise refuse(f"{carrier}.balance", f"flows are in {unit}", flow.unit)
        if len(flow.dims) != 2 or flow.dims[1] != self.time or len(places) != len(flow.dims[0]):
            raise refuse(f"{carrier}.balance", "a flow is (component × time), one place each")
        self._flows.setdefault(carrier, []).append(Flow(np.array(places), flow, sign))
        if self._out:
            self._withhold(kind, flow)
        if opposed is not None:
            self._guards.opposes(kind, carrier, places, flow, sign > 0, opposed)
        if onward is not None:
            self._guards.carries(kind, carrier, places, flow, onward)

    def _withhold(self, kind: str, flow: Linear) -> None:
        """What has failed feeds and draws nothing: one block of rows per flow and span of steps."""
        owners = [self._out.get(str(label)) for label in flow.dims[0].labels]
        for first, last in sorted({span for span in owners if span is not None}):
            failed = flow.dims[0].only(np.array([o == (first, last) for o in owners]), "out")
            step = np.arange(len(self.time))
            hours = self.time.only((step >= first) & (step < last), "out")
            number = sum(name.startswith(f"{kind}.out_of_service_") for name in self._rows) + 1
            still = flow.only(failed).only(hours)
            self.add_rows(
                f"{kind}.out_of_service_{number}", Relation(still, 0.0, 0.0), "it has failed"
            )

    def add_cost(self, name: str, amounts: Mapping[str, Linear | None]) -> None:
        if name in self._items:
            raise refuse(f"cost.{name}", "an item of this name exists already")
        labels, summed = None, {}
        for column, amount in amounts.items():
            if amount is None:
                continue
            if column not in COLUMNS:
                known = f"use one of {', '.join(COLUMNS)}"
                raise refuse(f"cost.{name}", "the ledger has no such column", column, known)
            if not same(amount.unit, COLUMNS[column]):
                raise refuse(f"cost.{name}", f"expected {COLUMNS[column]}", amount.unit)
            labels = amount.dims[0].labels
            summed[column] = amount.sum(*(axis.name for axis in amount.dims[1:]))
        if labels is None:
            raise refuse(f"cost.{name}", "a cost needs an amount in some column of the ledger")
        self._items[name] = _Item(labels, summed)

    def _balances(self) -> None:
        """One row per place and hour for every carrier: all that is fed is drawn."""
        for carrier in list(self._flows):
            flows = self._flows.pop(carrier)
            places = np.unique(np.concatenate([flow.places for flow in flows]))
            known = np.zeros((len(places), len(self.time)))
            for flow in flows:
                if flow.expression.constant.any():
                    constant = np.broadcast_to(flow.expression.constant, flow.expression.shape)
                    np.add.at(known, np.searchsorted(places, flow.places), flow.sign * constant)
            fixed = -known
            self._entries.balance(places, flows, len(self.time), self._width)
            self._emit(
                Block(f"{carrier}.balance", ("place", "time"),
                      {"place": places.astype(object), "time": self.time.labels},
                      self._height, carrier_unit(carrier),
                      f"all {carrier} fed at a place is drawn there"),
                fixed, fixed,
            )  # fmt: skip

    def form(self) -> Form:
        """Close the guards, the balances and the ledger and give the finished form."""
        self._guards.close(self)
        self._guards = Guards()
        self._balances()
        accounts = {
            name: Account(name, item.labels, {
                column: self._lines(amount, len(item.labels))
                for column, amount in item.amounts.items()
            })
            for name, item in self._items.items()
        }  # fmt: skip
        self._items.clear()
        cost, constant = np.zeros(self._width), 0.0
        for column, weight in weights(self.prices).items():
            each, known = self._total(accounts, column)
            costly = np.flatnonzero(each)
            cost[costly] += weight * each[costly]
            constant += weight * known
        self._caps(accounts)

        return Form(
            cost, constant, self._entries.close(self._width),
            spent(self._row_lower), spent(self._row_upper),
            spent(self._lower), spent(self._upper), spent(self._integer, bool),
            self._columns, self._rows, accounts, tuple(self._curves),
        )  # fmt: skip

    def _total(self, accounts: Mapping[str, Account], column: str) -> tuple[Floats, float]:
        """A column of the ledger summed over all components: per variable, and what is known."""
        each, known = np.zeros(self._width), 0.0
        for account in accounts.values():
            lines = account.of(column)
            if lines is not None:
                np.add.at(each, lines.matrix.indices, lines.matrix.data)
                known += float(lines.known.sum())
        return each, known

    def _caps(self, accounts: Mapping[str, Account]) -> None:
        """One row for every column of the ledger that the district caps."""
        for column, cap in self.caps.items():
            each, known = self._total(accounts, column)
            columns = np.flatnonzero(each)
            entries = Triplets(np.zeros(len(columns), np.int32), columns, each[columns])
            self._entries.append(entries, 1, self._width)
            self._emit(
                Block(f"ledger.{column}_cap", (), {}, self._height, COLUMNS[column],
                      f"{column.replace('_', ' ')} of all components over the horizon"),
                np.asarray(-np.inf), np.asarray(cap - known),
            )  # fmt: skip

    def _lines(self, amount: Linear, height: int) -> Lines:
        entries = amount.triplets()
        lines = sp.csr_array((entries.values, (entries.rows, entries.columns)),
                             shape=(height, self._width))  # fmt: skip
        return Lines(lines, amount.known().astype(float))
