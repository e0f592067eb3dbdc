"""Expressions of some units over all of them, and sums over windows of earlier steps."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from citygrid.arrays import Indices
from citygrid.components.words import Amount, Axis, Known

Labelled = TypeVar("Labelled", Amount, Known)


def chosen(value: Labelled, *axes: Axis) -> Labelled:
    """``value`` on a selection of a selection …, each axis chosen from the one before."""
    for axis in axes:
        value = value.only(axis)
    return value


def over_all(expression: Amount, axes: tuple[Axis, ...], time: Axis) -> Amount:
    """An expression over the last of ``axes`` × time, over the axis the first was chosen from.

    Zero for the units that were left out on the way.
    """
    positions = axes[0].positions
    for axis in axes[1:]:
        positions = positions[axis.positions]
    count = len(time)
    rows = (positions[:, None] * count + np.arange(count)).ravel()
    cells = np.arange(len(rows))
    whole = axes[0].parent
    assert whole is not None, "the first axis was chosen from another"
    return expression.mapped((whole, time), rows, cells, np.ones(len(rows)))


def window_sum(expression: Amount, first: Indices, last: Indices) -> Amount:
    """``Σ_{k = first … last} expression_{t−k}`` over (unit × time); ``first``, ``last`` (n) ≥ 0.

    What lies before the first step is nothing; an empty window sums to zero.
    """
    units, count = (len(axis) for axis in expression.dims)
    step = np.broadcast_to(np.arange(count), (units, count))
    low = np.maximum(step - np.minimum(last, count)[:, None], 0)
    high = step - np.minimum(first, count)[:, None]
    sizes = np.maximum(high - low + 1, 0).ravel()
    rows = np.repeat(np.arange(units * count), sizes)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    begin = (np.arange(units)[:, None] * count + low).ravel()
    return expression.mapped(expression.dims, rows, begin[rows] + within, np.ones(len(rows)))
