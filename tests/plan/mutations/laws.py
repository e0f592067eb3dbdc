"""What the formulation says of a plan: an independent word on whether a mutant breaks anything.

``verify`` replays physics and has never seen the formulation; this reads the plan's flows as a
point of the programme and asks its rows, bounds, whole numbers, curves and accounts. Where the two
differ, one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

import citygrid as cg
from citygrid.district.case import Case
from citygrid.ledger import COLUMNS
from citygrid.model.form import Account, Form
from citygrid.plan.plan import Plan

#: Relative to the largest term of a row: below it a law counts as kept, as in ``verify``.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Site:
    """An honest plan, its case, and the programme that it solves."""

    name: str
    case: Case
    form: Form
    plan: Plan

    @cached_property
    def hidden(self) -> NDArray[np.bool_]:
        """Columns (n) that serve the form and are not in a plan: labels and orders of guards."""
        hidden = np.ones(len(self.form.cost), dtype=bool)
        for name, block in self.form.columns.items():
            hidden[block.span] = name not in self.plan.dataset
        return hidden

    @cached_property
    def blind(self) -> NDArray[np.bool_]:
        """Rows (m) that hold hidden columns."""
        return np.asarray(abs(self.form.matrix) @ self.hidden.astype(float)) > 0

    @cached_property
    def flows(self) -> dict[str, xr.DataArray]:
        """The flows of the plan that hold any number."""
        return {
            str(name): array for name, array in self.plan.dataset.data_vars.items()
            if str(name).split(".")[0] in self.case.units and array.size
        }  # fmt: skip

    def point(self, dataset: xr.Dataset) -> NDArray[np.float64]:
        """The flows as a point of the programme; hidden columns are 0."""
        x = np.zeros(len(self.form.cost))
        for name, block in self.form.columns.items():
            if name in dataset:
                x[block.span] = dataset[name].values.ravel()
        return x

    def broken(self, x: NDArray[np.float64]) -> tuple[float, str]:
        """Largest relative violation of what the plan shows, and where."""
        form = self.form
        activity = form.matrix @ x
        reach = np.ones(len(activity))
        terms = np.abs(form.matrix.data * x[form.matrix.indices])
        rows = np.repeat(np.arange(len(activity)), np.diff(form.matrix.indptr))
        np.maximum.at(reach, rows, terms)
        for limit in (form.row_lower, form.row_upper):
            reach = np.maximum(reach, np.where(np.isfinite(limit), np.abs(limit), 0.0))
        size = np.maximum(form.row_lower - activity, activity - form.row_upper)
        size = np.where(self.blind, 0.0, size) / reach
        worst = [(float(size.max(initial=0.0)), form.row_label, size)]
        beyond = np.maximum(form.lower - x, x - form.upper)
        scale = np.maximum(np.abs(x), 1.0)
        beyond = np.where(self.hidden, 0.0, beyond) / scale
        worst.append((float(beyond.max(initial=0.0)), form.column_label, beyond))
        split = np.where(form.integer & ~self.hidden, np.abs(x - np.round(x)), 0.0)
        worst.append((float(split.max(initial=0.0)), form.column_label, split))
        for curve in form.curves:
            square = curve.weight * x[curve.argument] ** 2
            short = (square - x[curve.epigraph]) / np.maximum(square, 1.0)
            full = np.zeros(len(x))
            full[curve.epigraph] = short
            worst.append((float(short.max(initial=0.0)), form.column_label, full))
        size_, label, where = max(worst, key=lambda each: each[0])
        return size_, (label(int(np.argmax(where))) if size_ > 0 else "")

    def completes(self, x: NDArray[np.float64]) -> bool:
        """Whether labels and orders can be found that keep the rows that hold them."""
        if not self.hidden.any():
            return True
        form, free = self.form, np.flatnonzero(self.hidden)
        rows = np.flatnonzero(self.blind)
        part = sp.csr_array(form.matrix[rows])
        known = part @ np.where(self.hidden, 0.0, x)
        found = milp(
            np.zeros(len(free)), integrality=form.integer[free].astype(int),
            bounds=Bounds(form.lower[free], form.upper[free]),
            constraints=LinearConstraint(sp.csc_array(part[:, free]),
                                         form.row_lower[rows] - known - 1e-6,
                                         form.row_upper[rows] - known + 1e-6),
        )  # fmt: skip
        return bool(found.success)

    def cooked(self, dataset: xr.Dataset) -> xr.Dataset:
        """The same flows with the books that go with them, as the formulation keeps its accounts.

        So only physics is left to betray a mutant. The bound is gone: it is not the liar's.
        """
        x = self.point(dataset)
        told = dataset.copy()
        for column in COLUMNS:
            amounts = [line for account in self.form.accounts.values()
                       for line in _line(account, column, x)]  # fmt: skip
            name = f"ledger.{column}"
            told[name] = told[name].copy(data=np.array(amounts, dtype=float))
        attributes = {key: value for key, value in told.attrs.items() if key != "bound"}
        told.attrs = attributes | {"objective": self.form.objective(x)}
        return told

    def books(self, dataset: xr.Dataset) -> float:
        """How far ledger, objective and caps are from what the flows cost, relative."""
        x = self.point(dataset)
        worst, turnover = 0.0, 0.0
        for column in COLUMNS:
            amounts = np.array([line for account in self.form.accounts.values()
                                for line in _line(account, column, x)])  # fmt: skip
            stated = dataset[f"ledger.{column}"].values
            if stated.shape != amounts.shape:
                return np.inf
            scale = np.maximum(np.maximum(np.abs(amounts), np.abs(stated)), 1.0)
            worst = max(worst, float((np.abs(stated - amounts) / scale).max(initial=0.0)))
            if column == "money":
                turnover = float(np.abs(amounts).sum())
        objective = float(dataset.attrs["objective"])
        wrong = abs(objective - self.form.objective(x)) / max(turnover, 1.0)
        bound = dataset.attrs.get("bound")
        if bound is not None:
            wrong = max(wrong, (float(bound) - objective) / max(abs(objective), 1.0))
        return max(worst, wrong)


def _line(account: Account, column: str, x: NDArray[np.float64]) -> list[float]:
    lines = account.of(column)
    return [0.0] * len(account.labels) if lines is None else [float(v) for v in lines.at(x)]


def formulated(name: str, case: Case, plan: Plan) -> Site:
    """A site whose programme is made anew."""
    return Site(name, case, cg.formulate(case), plan)
