"""Convex squares in a linear form: tangents that keep them from below.

For ``epigraph ≥ w · x² / g`` with a gate ``g`` of 0 or 1 the tangent at ``p`` is
``epigraph ≥ w (2 p x − p² g)``: exact at ``x = p`` while the gate is open, and nothing while it is
shut. A form with any number of tangents is a relaxation of the one with the curves, so whatever is
proven of it holds for the curves, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats, Indices, Positions
from citygrid.model.algebra import Above, Linear, Relation
from citygrid.model.form import Block, Curve, Form
from citygrid.model.labelled import Axis, Data, refuse

#: Tangents of every curve before any solution is known.
FIRST = 6
#: The block of rows that holds the tangents added later.
ADDED = "curves.tangent"


def first_tangents(name: str, above: Above, upper: Floats) -> tuple[Curve, Relation]:
    """The curve of a relation, and evenly spread tangents of it over (cells × tangent).

    ``upper`` (n) are the columns' upper bounds; tangents stand between ``least`` and the bound.
    """
    epigraph, square = above
    dims = epigraph.dims
    weight = (Linear(dims, square.weight.unit, ()) + square.weight).known().astype(float)
    if (weight < 0).any():
        raise refuse(name, "a square with a negative weight is not convex", float(weight.min()))
    cost, argument, gate = (
        _columns(name, part, dims) for part in (epigraph, square.argument, square.gate)
    )
    if (cost < 0).any() or (argument < 0).any():
        raise refuse(name, "a curve is of a column, and so is its argument")
    curve = Curve(name, cost, argument, gate, weight)
    high = upper[argument]
    if not np.isfinite(high).all():
        raise refuse(name, "the argument of a curve needs an upper bound")
    low = (Linear(dims, square.least.unit, ()) + square.least).known()
    # In the middles of equal parts: the largest error is the same at both ends of each.
    parts = (np.arange(FIRST) + 0.5) / FIRST
    at = low[:, None] + parts * (high - low)[:, None]
    tangent = Axis("tangent", np.arange(1, FIRST + 1))
    shape = (*epigraph.shape, FIRST)
    point = Data(at.reshape(shape), (*dims, tangent), square.argument.unit)
    rise = (square.argument * point) * 2.0 * square.weight
    fall = square.gate * (point * point) * square.weight
    return curve, epigraph >= rise - fall


def _columns(name: str, expression: Linear, dims: tuple[Axis, ...]) -> Positions:
    """The one column of every cell (k), −1 where the cell is the constant 1."""
    if expression.dims != dims:
        raise refuse(name, "the parts of a curve stand on the same axes")
    entries, known = expression.triplets(), expression.known()
    found = np.full(expression.size, -1, dtype=np.int64)
    found[entries.rows] = entries.columns
    held = found < 0
    single = len(np.unique(entries.rows)) == len(entries.rows)
    if not single or (entries.values != 1.0).any() or (known != held).any():
        raise refuse(name, "the parts of a curve are single columns, or a gate of 1")
    return found


def exact(form: Form, x: Floats) -> Floats:
    """The point with every epigraph where its curve is: what the plan costs in truth."""
    exact = x.copy()
    for curve in form.curves:
        square = curve.weight * x[curve.argument] ** 2
        exact[curve.epigraph] = np.maximum(square, form.lower[curve.epigraph])
    return exact


def with_tangents(
    form: Form, curves: tuple[Curve, ...], x: Floats, tolerance: float
) -> tuple[Form, int]:
    """The form with a further tangent wherever ``x`` lies below a curve by more than ``tolerance``.

    The distance is counted in cost, EUR. Gives the form and how many tangents were added.
    """
    rows: list[Indices] = []
    columns: list[Indices] = []
    values: list[Floats] = []
    least: list[Floats] = []
    count = 0
    for curve in curves:
        point = x[curve.argument]
        short = curve.weight * point**2 - x[curve.epigraph]
        near = np.flatnonzero(short * np.abs(form.cost[curve.epigraph]) > tolerance)
        number = count + np.arange(len(near))
        at, weight, gate = point[near], curve.weight[near], curve.gate[near]
        gated, fall = gate >= 0, weight * at**2
        rows += [number, number, number[gated]]
        columns += [curve.epigraph[near], curve.argument[near], gate[gated]]
        values += [np.ones(len(near)), -2.0 * weight * at, fall[gated]]
        least.append(np.where(gated, 0.0, -fall))
        count += len(near)
    if not count:
        return form, 0
    added = sp.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(count, len(form.cost)),
    )
    height = len(form.row_lower)
    before = sum(name.startswith(ADDED) for name in form.rows)
    name = f"{ADDED}.{before + 1}"
    block = Block(name, ("tangent",), {"tangent": np.arange(count)}, height, "EUR/h",
                  "tangent of a curve where a solution lay below it")  # fmt: skip
    return replace(
        form,
        matrix=sp.csr_array(sp.vstack([form.matrix, added], format="csr")),
        row_lower=np.concatenate([form.row_lower, *least]),
        row_upper=np.concatenate([form.row_upper, np.full(count, np.inf)]),
        rows={**form.rows, name: block},
    ), count
