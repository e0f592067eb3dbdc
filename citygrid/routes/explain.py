"""Why a form is infeasible: what it lacks at least, and which limits cannot hold together.

The elastic form misses rows by as little as possible. What is said follows from its optimum or
from a bound: an incumbent that a time limit left behind is an example of a shortage and no proof.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.model.reductions import Elastic, elastic, fix, relax
from citygrid.routes import highs, milp
from citygrid.routes.conflict import Conflict, Positions, crossed, of_integers, of_relaxation
from citygrid.routes.contract import Clock, Journal, Options

#: Violation below which a row counts as kept, relative to its bounds where these are above one.
LACK = 1e-6
#: Relative distance of an example from its bound at which its amounts count as the least.
NEAR = 0.01
#: Price of a flow beside that of a shortage, which is 1.
TRIFLE = 1e-5
#: Seconds spent on exact amounts where the relaxation has proved the shortage already.
SHARPEN = 4.0

#: ``relaxation``: not even fractions of jobs and of on and off would do. ``integers``: only whole
#: decisions fail, and that is proved. ``none``: it could not be proved in time.
Proof = Literal["relaxation", "integers", "none"]


@dataclass(frozen=True)
class Explanation:
    """What an infeasible form lacks.

    ``shortages`` are rows with amounts, largest first: a positive amount is what a row lacks (a
    balance: power or heat that nobody feeds), a negative one what it has too much, in the row's
    unit. Together they are ``total``; ``least`` is a proven lower bound of what any point misses.
    ``flows`` is the point that misses them. ``feasible`` says that a point keeps every row: then
    whoever called the form infeasible was wrong, or wrong by rounding.
    """

    proof: Proof = "none"
    shortages: tuple[tuple[int, float], ...] = ()
    total: float = 0.0
    least: float = 0.0
    flows: Floats | None = None
    conflict: Conflict | None = None
    feasible: bool = False

    @property
    def smallest(self) -> bool:
        """Whether no point misses noticeably less than ``total``."""
        return self.least >= (1.0 - NEAR) * self.total - LACK


@dataclass
class _Search:
    """One explanation under way: the clock, and the calls that were made."""

    form: Form
    options: Options
    clock: Clock
    journal: Journal = field(default_factory=Journal)

    def missed(
        self, source: Form, rows: Positions, limit: float | None
    ) -> tuple[Elastic, highs.Result]:
        softened = elastic(source, rows)
        whole = bool(source.integer.any())
        task = highs.Task(
            "explanation", NEAR / 2 if whole else 0.0, limit, self.options.seed,
            self.options.threads, tolerance=1e-7 if whole else highs.CLEAN,
        )  # fmt: skip
        return softened, milp.call(softened.form, task, self.journal, self.options)

    def placed(self, source: Form, softened: Elastic, found: highs.Result) -> highs.Result:
        """A point that misses no more, with as little moved about as can be.

        Lines can carry a shortage from where it arises to anywhere; every flow now costs a trifle,
        so that it stays where it is. Proofs and duals remain those of the first point.
        """
        assert found.x is not None
        held, form = softened.form, source
        if form.integer.any():
            whole = np.round(found.x[held.integer])
            held = fix(held, held.integer, whole).form
        trifle = np.zeros(len(held.cost))
        trifle[: len(form.cost)] = np.where(form.lower >= 0.0, TRIFLE, 0.0)
        task = highs.Task("explanation", 0.0, self.clock.left, self.options.seed,
                          self.options.threads, tolerance=highs.CLEAN)  # fmt: skip
        tidy = milp.call(replace(held, cost=held.cost + trifle), task, self.journal, self.options)
        if tidy.status != "optimal" or tidy.x is None:
            return found
        sums = [float(np.abs(softened.amounts(x)).sum()) for x in (tidy.x, found.x)]
        if sums[0] > sums[1] * (1.0 + NEAR / 2) + LACK:
            return found
        return replace(found, x=tidy.x)


def explain(form: Form, options: Options | None = None, time_limit: float = 30.0) -> Explanation:
    """Why a form is infeasible; see :class:`Explanation`.

    First only what the city itself imposed may be missed (caps of the ledger, policies), then the
    balances of nodes, then those inside components (a centre's free
    capacity), then every row: where a node lacks power, that is what there is to say, even if
    fewer kW were missed by computing nothing. The relaxation answers most cases at once,
    and what it lacks every plan lacks; integers are asked only where it lacks nothing, or for
    exact amounts.
    """
    bounds = crossed(form)
    if bounds is not None:
        return Explanation("relaxation", conflict=bounds)
    search = _Search(form, options or Options(), Clock(time_limit))
    choices = _choices(form)
    source = relax(form).form
    for rows in choices:
        softened, found = search.missed(source, rows, search.clock.left)
        if found.status == "infeasible":
            continue  # balances alone do not explain it
        if found.status != "optimal" or found.x is None:
            return Explanation()
        linear = _said(form, softened, search.placed(source, softened, found), "relaxation")
        if linear.shortages:
            conflict = of_relaxation(source, rows, linear.shortages[0][0], found, search.clock,
                                     search.options)  # fmt: skip
            return _with(_sharpened(search, rows, linear), conflict)
        return _whole(search, choices)
    return Explanation()


def components_of(form: Form) -> set[str]:
    """Names of components, at which there are balances of their own, such as free capacity."""
    return {
        str(label) for block in form.columns.values() if block.dims
        for label in block.coords[block.dims[0]]
    }  # fmt: skip


def _choices(form: Form) -> list[Positions]:
    """Rows that may be missed, from those that a city would name first to all of them."""
    components = components_of(form)
    nodes, places = [], []
    for name, block in form.rows.items():
        if name.endswith(".balance"):
            inside = [str(place) in components for place in block.coords["place"]]
            nodes.append(block.index[~np.array(inside)].ravel())
            places.append(block.index.ravel())
    every = [np.arange(len(form.row_lower))]
    imposed = [block.index.ravel() for name, block in form.rows.items()
               if name.startswith(("ledger.", "policy."))]  # fmt: skip
    return [np.concatenate(part) for part in (imposed, nodes, places, every)
            if part and sum(map(len, part))]  # fmt: skip


def _said(form: Form, softened: Elastic, found: highs.Result, proof: Proof) -> Explanation:
    """The rows that a point misses, with what was proved about the sum."""
    assert found.x is not None
    amounts, rows = softened.amounts(found.x), softened.rows
    sides = [np.where(np.isfinite(side[rows]), np.abs(side[rows]), 0.0)
             for side in (form.row_lower, form.row_upper)]  # fmt: skip
    lacking = np.flatnonzero(np.abs(amounts) > LACK * np.maximum(1.0, np.maximum(*sides)))
    order = lacking[np.argsort(-np.abs(amounts[lacking]), kind="stable")]
    total = float(np.abs(amounts[lacking]).sum())
    bound = found.objective if found.status == "optimal" and not form.integer.any() else found.bound
    if proof == "relaxation":
        bound = found.objective
    return Explanation(
        proof, tuple((int(rows[i]), float(amounts[i])) for i in order), total,
        min(max(bound or 0.0, 0.0), total), found.x[: len(form.cost)], feasible=not len(lacking),
    )  # fmt: skip


def _sharpened(search: _Search, rows: Positions, linear: Explanation) -> Explanation:
    """The least amounts with whole decisions, where they are found in time; else the relaxation's.

    Both are true of every plan; a job that cannot be split lacks more than its parts do.
    """
    if not search.form.integer.any():
        return linear
    limit = min(SHARPEN, search.clock.left or 0.0)
    softened, found = search.missed(search.form, rows, limit)
    if found.x is None:
        return linear
    found = search.placed(search.form, softened, found)
    whole = _said(search.form, softened, found, "integers")
    if not (whole.shortages and whole.smallest):
        return linear
    return Explanation("relaxation", whole.shortages, whole.total,
                       max(whole.least, linear.least), whole.flows)  # fmt: skip


def _whole(search: _Search, choices: list[Positions]) -> Explanation:
    """Where fractions would do: what whole decisions lack, as far as it can be proved."""
    if not search.form.integer.any():
        return Explanation(feasible=True)
    best = Explanation()
    for rows in choices:
        left = search.clock.left or 0.0
        softened, found = search.missed(search.form, rows, 0.6 * left)
        if found.status == "infeasible":
            continue
        if found.x is None:
            return best
        found = search.placed(search.form, softened, found)
        said = _said(search.form, softened, found, "integers")
        if said.feasible or said.least > LACK:
            best = said
        else:
            # Somebody missed something, but nobody proved that it must be missed.
            best = Explanation("none", said.shortages, said.total, 0.0, said.flows)
        break
    if best.feasible:
        return best
    worst = best.shortages[0][0] if best.shortages else None
    return _with(best, of_integers(search.form, worst, search.clock, search.options))


def _with(said: Explanation, conflict: Conflict | None) -> Explanation:
    proof = said.proof
    if proof == "none" and conflict is not None:
        proof = "integers"
    return Explanation(proof, said.shortages, said.total, said.least, said.flows, conflict)
