"""What one more kW of each limit would have saved, and what a kWh is worth at every place.

With the integers of a plan held, the dispatch is a linear programme, and its duals say how the
least cost changes with a limit or a demand. That holds for a small change, with starts, stops and
jobs as planned. A limit that just suffices has many duals: to learn what *more* of it is worth, the
programme is solved with every limit raised by a trifle, where such a limit no longer binds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.plan.plan import PRICE, WORTH
from citygrid.routes.contract import Journal, Options
from citygrid.routes.milp import complete

if TYPE_CHECKING:
    from citygrid.arrays import Floats
    from citygrid.district.case import Case
    from citygrid.model.form import Block, Form

#: Entries of the matrix beyond which the programme is no longer solved in well under a second.
ENTRIES = 200_000
#: By so much every limit is raised [kW or kWh]; far above what a solver calls equal.
TRIFLE = 1e-4
#: Below this a flow is off [kW], and a limit worth nothing [EUR/kW].
OFF = 1e-3
NOTHING = 1e-9
#: Group of components that are served, whose flows are no limits of theirs.
SERVED = "demand"

Described = tuple[tuple[str, ...], Mapping[str, NDArray[Any]], str, str]


@dataclass(frozen=True)
class Sensitivity:
    """Blocks as :func:`citygrid.plan.plan.assemble` takes them, and how they came about.

    ``about`` is ``held`` where they are the duals with integers held, else why there are none.
    """

    about: str
    blocks: dict[str, Described] = field(default_factory=dict)
    values: dict[str, Floats] = field(default_factory=dict)


def sensitivity(case: Case, form: Form, x: Floats, options: Options) -> Sensitivity:
    """Worths of limits and prices of balances around a plan.

    ``worth.kind.quantity`` (component × time) [EUR per unit of the quantity]: what a limit higher
    by one in that step would have saved, ``max(−d, 0)`` for the reduced cost ``d`` of a flow on
    its limit; a row that bounds this flow alone, such as a capacity while on, counts with it. A
    quantity whose limits are worth nothing in any step has no block. ``price.carrier`` (place ×
    time) [EUR/kWh]: the dual of the balance per length of the step, what one more kWh drawn there
    would have cost, carbon at its price.

    form, x
        What was solved, and the plan (n), of which only the integers count.
    """
    if form.curves:
        return Sensitivity("left out: costs along a curve have no one linear programme")
    if form.matrix.nnz > ENTRIES:
        return Sensitivity(f"left out: {form.matrix.nnz:,} entries are more than {ENTRIES:,}")
    quiet = Options(seed=options.seed, threads=options.threads)
    limits = _Limits.of(form)
    best, duals = complete(limits.raised(form), x, Journal(), quiet)
    if best is None or duals is None:
        return Sensitivity("left out: the integers held allow no linear programme")
    found = Sensitivity("held")
    worth = limits.worth(form, best, duals)
    served = {asset.kind for asset in case.assets if asset.group == SERVED}
    for name, block in form.columns.items():
        kind = name.split(".")[0]
        if kind in case.units and kind not in served and _of_components(case, kind, block):
            part = worth[block.index]
            if part.any():
                found.blocks[f"{WORTH}.{name}"] = (
                    block.dims, block.coords, f"EUR/{block.unit}",
                    f"saved by one more {block.unit} of limit: {block.about}",
                )  # fmt: skip
                found.values[f"{WORTH}.{name}"] = part
    for name, block in form.rows.items():
        carrier, _, what = name.rpartition(".")
        if what == "balance" and block.unit == "kW" and carrier not in case.units:
            # Places differ from carrier to carrier: each has an axis of its own.
            place = f"{carrier}_place"
            found.blocks[f"{PRICE}.{carrier}"] = (
                (place, "time"), {place: block.coords[block.dims[0]]}, "EUR/kWh",
                f"what one more kWh of {carrier} would have cost there",
            )  # fmt: skip
            found.values[f"{PRICE}.{carrier}"] = duals[block.index] / case.step
    return found


def raised(form: Form) -> Form:
    """The form with a trifle more of every limit, whose duals say what *more* of each is worth."""
    return _Limits.of(form).raised(form)


def _of_components(case: Case, kind: str, block: Block) -> bool:
    """Whether a block is over components of its kind and time."""
    if len(block.dims) != 2 or block.dims[1] != "time" or block.unit not in ("kW", "kWh"):
        return False
    return set(block.coords[block.dims[0]]) <= set(case.units[kind].names)


@dataclass(frozen=True)
class _Limits:
    """Upper limits of flows that are no integers and not held.

    A flow's limits are its upper bound and every row in which it alone is free, such as a capacity
    while on: ``rows``, ``columns`` and ``weights`` are the entries of those rows.
    """

    free: NDArray[np.bool_]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: Floats

    @classmethod
    def of(cls, form: Form) -> _Limits:
        free = ~form.integer & (form.lower < form.upper)
        entries = sp.coo_array(form.matrix)
        is_open = free[entries.col] & (entries.data != 0)
        alone = np.bincount(entries.row[is_open], minlength=len(form.row_lower)) == 1
        alone &= form.row_lower != form.row_upper
        counted = is_open & alone[entries.row]
        return cls(free, entries.row[counted], entries.col[counted], entries.data[counted])

    def raised(self, form: Form) -> Form:
        """The form with a trifle more of every limit."""
        lower, upper = form.row_lower.copy(), form.row_upper.copy()
        up, down = self.weights > 0, self.weights < 0
        upper[self.rows[up]] += TRIFLE * self.weights[up]
        lower[self.rows[down]] += TRIFLE * self.weights[down]
        return replace(form, upper=np.where(self.free, form.upper + TRIFLE, form.upper),
                       row_lower=lower, row_upper=upper)  # fmt: skip

    def worth(self, form: Form, x: Floats, duals: Floats) -> Floats:
        """What a limit higher by one saves (n); a flow that is off is not short of capacity."""
        worth = np.maximum(-(form.cost - form.matrix.T @ duals), 0.0)
        np.add.at(worth, self.columns, np.maximum(-duals[self.rows] * self.weights, 0.0))
        return np.where(self.free & (x > OFF) & (worth > NOTHING), worth, 0.0)
