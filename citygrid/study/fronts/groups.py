"""What planners tell plans by: energy of every kind and component, starts, jobs by site, peaks.

A group is a linear amount of a plan, ``w·x``, with a name that is said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.district.case import Case
from citygrid.model.form import Block, Form
from citygrid.study.fronts.measures import MEASURES, PEAK, ledger_row

#: Kinds with more components than this are told as a whole alone.
SINGLE = 6
#: Columns that are no work of a unit: what lines carry, what centres leave to chillers.
CARRIED = ("forward", "backward", "flow", "rejected")
#: What quantities are called where their own name says too little.
WORDS = {"recovered": "waste heat used"}
#: Groups of components that only carry.
LINES = ("heat_pipe", "cooling_pipe", "power_line", "transformer", "data_link")


@dataclass(frozen=True)
class Group:
    """A linear amount of a plan: ``weights`` (n) · x + ``known``, in ``unit``.

    ``ways`` are the directions in which planners ask for it: −1 for the least, 1 for the most.
    ``single`` marks one component of a kind that is a group, too.
    """

    name: str
    unit: str
    weights: Floats
    ways: tuple[int, ...] = (-1, 1)
    known: float = 0.0
    single: bool = False
    energy: bool = True

    def of(self, x: Floats) -> float:
        """The amount in a plan (n)."""
        return float(self.weights @ x + self.known)

    def said(self, now: float, before: float) -> str:
        """An amount beside another, in words."""
        if self.unit == "kWh":
            if abs(now - before) < 10.0:  # not seen in two digits of a MWh
                return f"{self.name} {now:,.1f} kWh instead of {before:,.1f}"
            return f"{self.name} {now / 1000:,.2f} MWh instead of {before / 1000:,.2f}"
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.name} {now:,.4g}{unit} instead of {before:,.4g}"


def groups(case: Case, form: Form) -> list[Group]:
    """All groups of a form, named ones first, then kinds, then single components."""
    found = _named(form)
    kinds: list[Group] = []
    single: list[Group] = []
    for block in _working(form):
        kind, _, quantity = block.name.partition(".")
        what = WORDS.get(quantity, quantity.replace("_", " "))
        names, rows = block.coords[block.dims[0]], block.index
        whole = names[0] if len(names) == 1 else f"all of kind {kind.replace('_', ' ')}"
        kinds.append(_group(form, f"{what} of {whole}", rows.ravel(), case.step))
        if 1 < len(rows) <= SINGLE:
            single += [_group(form, f"{what} of {name}", row, case.step, True)
                       for name, row in zip(names, rows, strict=True)]  # fmt: skip
    load = form.columns.get("job_pool.load")
    if load is not None and len(load.shape) == 2 and load.shape[0] > 1:
        single += [
            _group(form, f"jobs at {site}", row, case.step, True)
            for site, row in zip(load.coords[load.dims[0]], load.index, strict=True)
        ]  # fmt: skip
    return [*found, *kinds, *single]


def _group(
    form: Form, name: str, at: Sequence[int] | np.ndarray, step: float, single: bool = False
) -> Group:
    weights = np.zeros(len(form.cost))
    weights[np.asarray(at)] = step
    return Group(name, "kWh", weights, single=single)


def _named(form: Form) -> list[Group]:
    """What cities ask for by name: waste heat, the peak, carbon, starts."""
    width = len(form.cost)
    found = []
    if PEAK in form.columns:
        weights = np.zeros(width)
        weights[form.columns[PEAK].start] = 1.0
        found.append(Group(MEASURES["peak"].title, "kW", weights, (-1,), energy=False))
    row, known = ledger_row(form, "carbon")
    if row.nnz:
        found.append(Group(MEASURES["carbon"].title, "kg", row.toarray().ravel(), (-1,),
                           float(known[0]), energy=False))  # fmt: skip
    starts = [block.index.ravel() for name, block in form.columns.items()
              if name.endswith(".start") and not name.startswith("job_pool.")]  # fmt: skip
    if starts:
        weights = np.zeros(width)
        weights[np.concatenate(starts)] = 1.0
        found.append(Group("starts of units", "1", weights, (-1,), energy=False))
    return found


def _working(form: Form) -> list[Block]:
    """Blocks (component × time) that feed a balance of power, heat, cooling or waste heat."""
    matrix = sp.csc_array(form.matrix)
    fed = np.zeros(len(form.cost), dtype=bool)
    for carrier in ("power", "heat", "cooling", "waste_heat", "hydrogen"):
        block = form.rows.get(f"{carrier}.balance")
        if block is None:
            continue
        part = sp.coo_array(matrix[block.span])
        fed[part.coords[1][part.data > 0.0]] = True
    return [
        block for name, block in form.columns.items()
        if len(block.dims) == 2 and block.dims[1] == "time" and block.unit == "kW"
        and fed[block.span].any() and name.partition(".")[0] not in LINES
        and name.rpartition(".")[2] not in CARRIED
    ]  # fmt: skip
