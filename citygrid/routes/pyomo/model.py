"""The form as a named Pyomo model, and back.

Blocks become indexed components whose names have underscores for dots (``heat_pump.heat`` is
``model.heat_pump_heat``) and whose indices are the labels, hours as ``2023-01-16T00:00Z``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.core.expr.numeric_expr import LinearExpression

from citygrid.arrays import stamped
from citygrid.model.form import Block, Floats, Form


def build(form: Form) -> pyo.ConcreteModel:
    """The form as a Pyomo model: a Var per column block, a Constraint per row block.

    Rows without entries are left out; :func:`solve` checks them by itself.
    """
    model = pyo.ConcreteModel(name="citygrid")
    columns: list[Any] = []
    for block in _covered(form.columns, len(form.cost), "column"):
        component = pyo.Var(_keys(block)) if block.dims else pyo.Var()
        model.add_component(_name(block.name), component)
        for position, variable in enumerate(component.values(), start=block.start):
            variable.domain = pyo.Integers if form.integer[position] else pyo.Reals
            variable.setlb(finite(form.lower[position]))
            variable.setub(finite(form.upper[position]))
            columns.append(variable)
    matrix = sp.csr_array(form.matrix)
    starts, indices, weights = (
        part.tolist() for part in (matrix.indptr, matrix.indices, matrix.data)
    )
    low, high = form.row_lower.tolist(), form.row_upper.tolist()
    for block in _covered(form.rows, len(form.row_lower), "row"):
        keys = _keys(block) if block.dims else [None]
        rows = pyo.Constraint(keys) if block.dims else pyo.Constraint()
        model.add_component(_row_name(model, block.name), rows)
        for row, key in enumerate(keys, start=block.start):
            span = slice(starts[row], starts[row + 1])
            if span.start == span.stop or not (np.isfinite(low[row]) or np.isfinite(high[row])):
                continue
            body = LinearExpression(
                constant=0, linear_coefs=weights[span],
                linear_vars=[columns[column] for column in indices[span]],
            )  # fmt: skip
            bounds = (finite(low[row]), body, finite(high[row]))
            rows.add(key, (low[row], body) if low[row] == high[row] else bounds)
    priced = np.flatnonzero(form.cost).tolist()
    model.cost = pyo.Objective(
        expr=LinearExpression(
            constant=form.constant, linear_coefs=form.cost[priced].tolist(),
            linear_vars=[columns[column] for column in priced],
        ) if priced else form.constant
    )  # fmt: skip
    return model


def variables(model: pyo.ConcreteModel, form: Form) -> list[Any]:
    """The variables of a model that :func:`build` made, in the order of the form's columns."""
    return [
        variable
        for block in _covered(form.columns, len(form.cost), "column")
        for variable in model.component(_name(block.name)).values()
    ]


def load(model: pyo.ConcreteModel, form: Form) -> Floats:
    """The point that a solved model holds; columns that no row and no cost touches stay near 0."""
    values = [variable.value for variable in variables(model, form)]
    idle = np.clip(0.0, form.lower, form.upper)
    found = np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.where(np.isnan(found), idle, found)


def _covered(blocks: Mapping[str, Block], total: int, kind: str) -> Iterable[Block]:
    """The blocks in the form's order; what no block names is ``column`` or ``row`` by number."""
    start = 0
    for block in sorted(blocks.values(), key=lambda block: block.start):
        if block.start > start:
            yield _numbered(kind, start, block.start)
        yield block
        start = block.start + block.size
    if start < total:
        yield _numbered(kind, start, total)


def _numbered(kind: str, start: int, stop: int) -> Block:
    return Block(f"{kind}.{start}", ("number",), {"number": np.arange(start, stop)}, start, "1")


def _keys(block: Block) -> list[Any]:
    parts = []
    for dim in block.dims:
        labels = [_index(value) for value in block.coords[dim]]
        parts.append(labels if len(set(labels)) == len(labels) else list(range(len(labels))))
    return list(parts[0]) if len(parts) == 1 else list(itertools.product(*parts))


def _index(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return stamped(value)
    return int(value) if isinstance(value, np.integer | int) else str(value)


def _name(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _row_name(model: Any, name: str) -> str:
    """Rows and columns share one space of names in Pyomo; a row that would collide says so."""
    plain = _name(name)
    return f"{plain}_row" if model.component(plain) is not None else plain


def finite(value: float) -> float | None:
    """The number, or ``None`` where it is no limit."""
    return float(value) if np.isfinite(value) else None
