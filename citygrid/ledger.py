"""The columns of the cost ledger: what components spend, and what they leave in the world.

Every component enters its lines, one per item, in as many columns as apply. What the district says
of a column makes it part of the problem, for all components alike and in one way: a *price* weighs
it in the objective, a *cap* limits its sum over the horizon.

Carbon stands in two columns. ``carbon`` counts by the average factors of supply: it is reported and
capped. ``marginal_carbon`` counts what one kWh more or less would change: it is what a price of
carbon weighs, for a decision changes the margin. Where an item names no marginal carbon, both are
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Line(NamedTuple):
    """One line of the ledger, or a sum of lines; the units are in :data:`COLUMNS`."""

    money: float = 0.0
    carbon: float = 0.0
    marginal_carbon: float = 0.0
    water: float = 0.0
    nox: float = 0.0


#: Column → unit.
COLUMNS: Mapping[str, str] = dict(zip(Line._fields, ("EUR", "kg", "kg", "l", "kg"), strict=True))
#: Column → the column that stands for it where an item does not name it.
STANDS_IN: Mapping[str, str] = {"marginal_carbon": "carbon"}
#: Column → the column that its price weighs.
STEERED_BY: Mapping[str, str] = {"carbon": "marginal_carbon"}


def weights(prices: Mapping[str, float]) -> dict[str, float]:
    """Column → its weight in the objective [EUR per its unit], from the district's prices."""
    return {"money": 1.0} | {STEERED_BY.get(name, name): price for name, price in prices.items()}


def total(lines: Iterable[Line]) -> Line:
    """The sum of lines, column by column."""
    columns = zip(*lines, strict=True)
    return Line(*(float(sum(column)) for column in columns))
