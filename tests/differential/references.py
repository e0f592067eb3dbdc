"""Other ways to the least cost of a form, each by somebody else's code.

Brute force tries every choice of the integers and solves each rest by scipy, whose word is not
taken: the point and its duals are checked here, in numpy, so that the least cost is proved. linopy
is handed the form block by block; HiGHS reads what the package writes as LP and MPS; and every
solver that Pyomo finds on this machine is asked.
"""

from __future__ import annotations

import importlib.util
import itertools
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
import scipy.sparse as sp
import xarray as xr
from scipy.optimize import linprog

from citygrid import routes
from citygrid.arrays import Floats
from citygrid.errors import InputError
from citygrid.model.form import Form
from citygrid.model.writing import write_lp, write_mps
from citygrid.routes import Options

#: Choices of integers that brute force tries at most.
CHOICES = 64
#: Relative error up to which a point and its duals prove each other.
PROVED = 1e-7
EXACT = Options(gap=0.0)
#: Those who hand a form to HiGHS as it is: a price below its tolerance would not count (seed 320).
PLAINLY = {
    "output_flag": False, "log_to_console": False, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0,
    "dual_feasibility_tolerance": 1e-10,
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What somebody says of a form: ``optimal`` with its cost, ``infeasible``, or ``none``.

    ``scale`` is what passes through the objective at the point, where one is known: costs that
    nearly cancel agree no better than their parts; ``why`` says why there is no answer.
    """

    said: str
    cost: float | None = None
    scale: float = 0.0
    why: str = ""


INFEASIBLE = Answer("infeasible")


def none(why: str) -> Answer:
    """No answer, and why."""
    return Answer("none", why=why)


def references() -> Mapping[str, Callable[[Form], Answer]]:
    """Everybody who is asked, by name; those that are not there answer ``none``."""
    pyomo = {f"pyomo:{name}": _by_route(f"pyomo:{name}")
             for name in ("highs", "glpk", "cbc", "scip_direct")}  # fmt: skip
    return {"milp": _by_route("milp"), **pyomo, "brute force": brute_force,
            "linopy": by_linopy, "LP file": _by_file(write_lp, ".lp"),
            "MPS file": _by_file(write_mps, ".mps")}  # fmt: skip


# routes -------------------------------------------------------------------------------------------


def _by_route(route: str) -> Callable[[Form], Answer]:
    def ask(form: Form) -> Answer:
        missing = _missing(route)
        if missing:
            return none(missing)
        outcome = routes.solve(form, route, EXACT)
        if outcome.status == "infeasible":
            return INFEASIBLE
        if outcome.x is None or outcome.objective is None:
            return none(outcome.status)
        parts = np.abs(form.cost * outcome.x).sum() + abs(form.constant)
        return Answer("optimal", outcome.objective, float(parts))

    return ask


@cache
def _missing(route: str) -> str:
    """Why a route cannot be asked; empty where it can."""
    try:
        routes.check(route)
    except InputError as refused:
        return refused.faults[0].reason
    return ""


# brute force --------------------------------------------------------------------------------------


def brute_force(form: Form) -> Answer:
    """The least cost over all choices of the integers, each rest proved by its duals."""
    if form.curves:
        return none("its rows keep curves by tangents alone")
    whole = np.flatnonzero(form.integer)
    choices = [np.arange(np.ceil(low), np.floor(high) + 1.0)
               for low, high in zip(form.lower[whole], form.upper[whole], strict=True)]  # fmt: skip
    if np.prod([float(len(each)) for each in choices]) > CHOICES:
        return none(f"more than {CHOICES} choices")
    programme = Programme(form)
    best = INFEASIBLE
    for choice in itertools.product(*choices):
        lower, upper = form.lower.copy(), form.upper.copy()
        lower[whole] = upper[whole] = choice
        found = programme.least(lower, upper)
        if found.said == "none":
            return found
        if found.cost is not None and (best.cost is None or found.cost < best.cost):
            best = found
    return best


class Programme:
    """A linear programme in numbers of like size, solved by scipy and proved in numpy.

    A column is measured by its range, a row by its largest coefficient, money by the largest cost.
    """

    def __init__(self, form: Form) -> None:
        span = form.upper - form.lower
        self.by = np.where(np.isfinite(span) & (span > 0.0), span, 1.0)
        matrix = sp.csr_array(form.matrix @ sp.diags_array(self.by))
        size = (
            np.asarray(abs(matrix).max(axis=1).todense()).ravel()
            if matrix.nnz
            else (np.ones(matrix.shape[0]))
        )
        size = np.where(size > 0.0, size, 1.0)
        self.matrix = sp.csr_array(sp.diags_array(1.0 / size) @ matrix)
        self.low, self.high = form.row_lower / size, form.row_upper / size
        cost = form.cost * self.by
        self.money = max(float(np.abs(cost).max(initial=0.0)), 1e-300)
        self.cost, self.constant = cost / self.money, form.constant
        self.equal = self.low == self.high
        self.up = ~self.equal & np.isfinite(self.high)
        self.down = ~self.equal & np.isfinite(self.low)
        self.above = sp.csr_array(sp.vstack([self.matrix[self.up], -self.matrix[self.down]]))
        self.limit = np.r_[self.high[self.up], -self.low[self.down]]

    def least(self, lower: Floats, upper: Floats) -> Answer:
        """The least cost within bounds of the columns (n, n), or that there is no point; proved.

        No point: rows must be missed by more than nothing, which is another least cost, proved.
        """
        if (lower > upper).any():
            return INFEASIBLE
        ends = np.column_stack([lower / self.by, upper / self.by])
        found = self._proved(self.cost, self.above, self.matrix[self.equal], ends)
        if found is not None:
            cost, parts = found
            return Answer("optimal", self.money * cost + self.constant,
                          self.money * parts + abs(self.constant))  # fmt: skip
        above, equal = (part.shape[0] for part in (self.above, self.matrix[self.equal]))
        more = sp.hstack([self.above, -sp.eye_array(above), sp.csr_array((above, 2 * equal))])
        same = sp.hstack([self.matrix[self.equal], sp.csr_array((equal, above)),
                          sp.eye_array(equal), -sp.eye_array(equal)])  # fmt: skip
        slack = np.tile([0.0, np.inf], (above + 2 * equal, 1))
        missed = self._proved(
            np.r_[np.zeros(len(self.cost)), np.ones(len(slack))], sp.csr_array(more),
            sp.csr_array(same), np.vstack([ends, slack]),
        )  # fmt: skip
        if missed is not None and missed[0] > 1e-7:
            return INFEASIBLE
        return none("scipy proves neither a least cost nor that there is no point")

    def _proved(
        self, cost: Floats, above: sp.csr_array, equal: sp.csr_array, ends: Floats
    ) -> tuple[float, float] | None:
        """Least cost and its absolute parts; ``None`` where the duals do not prove it."""
        limit, fixed = self.limit, self.low[self.equal]
        found = linprog(cost, A_ub=above, b_ub=limit, A_eq=equal, b_eq=fixed, bounds=ends,
                        method="highs", options={"primal_feasibility_tolerance": 1e-9,
                                                 "dual_feasibility_tolerance": 1e-9})  # fmt: skip
        if found.status != 0:
            return None
        x, y, z = found.x, np.minimum(found.ineqlin.marginals, 0.0), found.eqlin.marginals
        missed = max(
            float(np.max(part, initial=0.0))
            for part in (
                above @ x - limit,
                np.abs(equal @ x - fixed),
                ends[:, 0] - x,
                x - ends[:, 1],
            )
        )
        reduced = cost - above.T @ y - equal.T @ z
        end = np.where(reduced > 0, ends[:, 0], ends[:, 1])
        endless = ~np.isfinite(end)
        if missed > PROVED or (np.abs(reduced[endless]) > 1e-8).any():
            return None
        bound = float(y @ limit + z @ fixed + reduced[~endless] @ end[~endless])
        value, parts = float(cost @ x), float(np.abs(cost * x).sum())
        return (value, parts) if abs(value - bound) <= PROVED * max(parts, 1e-6) else None


# linopy -------------------------------------------------------------------------------------------


def by_linopy(form: Form) -> Answer:
    """The form as a model of linopy, solved by its own call of HiGHS."""
    if form.curves:
        return none("its rows keep curves by tangents alone")
    if importlib.util.find_spec("linopy") is None:
        return none("linopy is not installed (extra `peers`)")
    logging.getLogger("linopy").setLevel(logging.CRITICAL)
    model = linopy_model(form)
    status, condition = model.solve("highs", io_api="direct", progress=False, **PLAINLY)
    if status == "ok" and condition == "optimal":
        cost = float(model.objective.value) + form.constant
        return Answer("optimal", cost, abs(cost))
    return INFEASIBLE if "infeasible" in condition else none(f"{status}, {condition}")


def linopy_model(form: Form) -> Any:
    """Continuous columns one variable, whole ones another; equalities, least, most: constraints."""
    import linopy

    model = linopy.Model()
    label = np.full(len(form.cost), -1)
    for name, chosen in (("free", ~form.integer), ("whole", form.integer)):
        if chosen.any():
            names = pd.Index(np.flatnonzero(chosen), name=name)
            ends = (xr.DataArray(end[chosen], coords=[names]) for end in (form.lower, form.upper))
            made = model.add_variables(*ends, name=name, integer=name == "whole")
            label[chosen] = made.labels.values
    matrix = sp.csr_array(form.matrix)
    count = np.diff(matrix.indptr)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], count)
    row = np.repeat(np.arange(len(count)), count)
    terms, weights = (np.full((len(count), max(count.max(initial=0), 1)), fill)
                      for fill in (-1, 0.0))  # fmt: skip
    terms[row, place], weights[row, place] = label[matrix.indices], matrix.data
    low, high = form.row_lower, form.row_upper
    for name, chosen, sign, limit in (
        ("equal", low == high, "=", low), ("least", (low != high) & np.isfinite(low), ">=", low),
        ("most", (low != high) & np.isfinite(high), "<=", high),
    ):  # fmt: skip
        chosen &= count > 0
        if chosen.any():
            at = {"row": np.arange(chosen.sum())}
            right = xr.DataArray(limit[chosen], dims=["row"], coords=at)
            model.add_constraints(_expression(model, terms[chosen], weights[chosen]), sign, right,
                                  name=name)  # fmt: skip
    cost = np.flatnonzero(form.cost)
    if len(cost):
        model.add_objective(_expression(model, label[cost][None], form.cost[cost][None]).sum())
    return model


def _expression(model: Any, terms: np.ndarray, weights: np.ndarray) -> Any:
    import linopy

    rows = {"row": np.arange(len(terms))}
    data = xr.Dataset({"coeffs": (("row", "_term"), weights), "vars": (("row", "_term"), terms),
                       "const": (("row",), np.zeros(len(terms)))}, coords=rows)  # fmt: skip
    return linopy.LinearExpression(data, model)


# files --------------------------------------------------------------------------------------------


def _by_file(write: Callable[[Form, Path], None], ending: str) -> Callable[[Form], Answer]:
    def ask(form: Form) -> Answer:
        if form.curves:
            return none("its rows keep curves by tangents alone")
        solver = highspy.Highs()
        for name, value in PLAINLY.items():
            solver.setOptionValue(name, value)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"form{ending}"
            write(form, path)
            if solver.readModel(str(path)) == highspy.HighsStatus.kError:
                return none("HiGHS does not read the file")
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            cost = float(solver.getInfo().objective_function_value)
            return Answer("optimal", cost, abs(cost))
        if status == highspy.HighsModelStatus.kInfeasible:
            return INFEASIBLE
        return none(solver.modelStatusToString(status))

    return ask
