"""What a front limits beside the cost: carbon, the highest import, waste heat used, and others.

A measure is ``g(x) = max_k (P_k x + q_k)``: one row (k = 1) for what is summed over the horizon,
one per step for a peak. A form is given the rows that limit it once; another limit is another
right-hand side of one row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.model.additions import Addition, extend
from citygrid.model.form import Block, Form, Policy

#: Who imposes the limit, as a plan keeps it beside its rows.
AUTHOR = "citygrid.study.fronts"
#: Names of the row that holds the limit, of the rows of a peak, and of its column.
LIMIT, COVER, PEAK = "policy.limit", "policy.covered", "policy.highest"


@dataclass(frozen=True)
class Measure:
    """Something that is judged beside the cost.

    ``figure`` is the key figure of a verified plan by which it is judged, ``per`` what turns that
    into ``unit``; ``column`` the ledger's column that sums it, where it is one; ``more`` says that
    more of it is better, so that a limit is a least amount.
    """

    name: str
    title: str
    unit: str
    figure: str
    per: float = 1.0
    column: str | None = None
    more: bool = False

    @property
    def sign(self) -> float:
        """What turns the measure into one of which less is better."""
        return -1.0 if self.more else 1.0

    def keeps(self, value: float, limit: float, tolerance: float = 1e-6) -> bool:
        """Whether a value keeps a limit, but for rounding."""
        return self.sign * (value - limit) <= tolerance * max(1.0, abs(limit))

    def said(self, limit: float) -> str:
        """A limit in words."""
        word = "at least" if self.more else "at most"
        return f"{self.title} {word} {limit:,.6g} {self.unit}"


MEASURES = {
    measure.name: measure for measure in (
        Measure("carbon", "CO2 emitted", "kg", "co2_kg", column="carbon"),
        Measure("marginal_carbon", "CO2 by marginal factors", "kg", "co2_marginal_kg",
                column="marginal_carbon"),
        Measure("nox", "nitrogen oxides", "kg", "nox_kg", column="nox"),
        Measure("water", "water for cooling", "l", "water_m3", 1000.0, column="water"),
        Measure("peak", "highest import", "kW", "peak_import_kw"),
        Measure("waste_heat", "waste heat used", "kWh", "waste_heat_used_mwh", 1000.0, more=True),
    )
}  # fmt: skip


def measure_of(of: str) -> Measure:
    """The measure that ``cost,carbon`` asks for beside the cost.

    Raises :class:`InputError` for anything else.
    """
    names = [name.strip() for name in of.split(",") if name.strip()]
    known = ", ".join(MEASURES)
    if len(names) != 2 or "cost" not in names:
        raise InputError(Fault("--of", "expected the cost and one measure", of,
                               f"write cost, a comma, and one of {known}"))  # fmt: skip
    (name,) = (name for name in names if name != "cost") if names != ["cost", "cost"] else ("cost",)
    if name not in MEASURES:
        raise InputError(Fault("--of", "no such measure", name, f"use one of {known}"))
    return MEASURES[name]


@dataclass(frozen=True)
class Limited:
    """A form with a row that limits a measure, open as it stands.

    ``profile`` (k × n) and ``known`` (k) are the measure; ``row`` is the limit's position.
    """

    measure: Measure
    form: Form
    profile: sp.csr_array
    known: Floats
    row: int

    def value(self, x: Floats) -> float:
        """The measure of a point (n)."""
        return float((self.profile @ x + self.known).max())

    def settled(self, x: Floats) -> Floats:
        """The point (n) with the column of a peak at the peak: a plan may leave it above."""
        if PEAK not in self.form.columns:
            return x
        x = x.copy()
        x[self.form.columns[PEAK].start] = self.value(x)
        return x

    def at(self, limit: float) -> Form:
        """The form under a limit; an infinite one is none."""
        measure, offset = self.measure, 0.0 if len(self.known) > 1 else float(self.known[0])
        lower, upper = self.form.row_lower.copy(), self.form.row_upper.copy()
        (lower if measure.more else upper)[self.row] = limit - offset
        (policy,) = (p for p in self.form.policies if p.file == AUTHOR)
        said = measure.said(limit)
        named = replace(policy, function=said, digest=hashlib.sha256(said.encode()).hexdigest())
        others = tuple(p for p in self.form.policies if p is not policy)
        return replace(self.form, row_lower=lower, row_upper=upper, policies=(*others, named))

    @cached_property
    def aim(self) -> Form:
        """The form that minimises the measure itself, in its unit; less is always better there."""
        if len(self.known) > 1:
            cost = np.zeros(len(self.form.cost))
            cost[self.form.columns[PEAK].start] = 1.0
            return replace(self.form, cost=cost, constant=0.0, curves=())
        sign = self.measure.sign
        cost = sign * self.profile.toarray().ravel()
        return replace(self.form, cost=cost, constant=sign * float(self.known[0]), curves=())

    def priced(self, price: float) -> Form:
        """The form in which a unit of the measure costs so much [EUR]; more of it earns that.

        With its least cost ``b`` any plan costs at least ``b − price g`` where the measure is
        ``g``, as less is better.
        """
        form, aim = self.form, self.aim
        return replace(form, cost=form.cost + price * aim.cost,
                       constant=form.constant + price * aim.constant)  # fmt: skip


def limited(form: Form, measure: Measure) -> Limited:
    """A form with the rows that can limit a measure.

    Raises :class:`InputError` where nothing in the district enters it.
    """
    profile, known = _profile(form, measure)
    if profile.nnz == 0:
        raise InputError(Fault(
            "--of", "no plan of this district changes it", measure.name,
            "choose a measure that its components enter",
        ))  # fmt: skip
    width, height = len(form.cost), len(form.row_lower)
    rows: dict[str, Block] = {}
    if len(known) == 1:
        matrix, limits = profile, np.zeros(0)
    else:
        # The peak is a column that covers every step, so that the limit stays one row.
        count = len(known)
        axis = {"step": np.arange(count)}
        matrix = sp.csr_array(sp.vstack([
            sp.hstack([profile, sp.csr_array(-np.ones((count, 1)))]),
            sp.csr_array(([1.0], ([0], [width])), shape=(1, width + 1)),
        ]))  # fmt: skip
        rows[COVER] = Block(
            COVER, ("step",), axis, 0, measure.unit, "the highest covers every step"
        )
        limits = -known
    rows[LIMIT] = Block(LIMIT, (), {}, len(limits), measure.unit, measure.title)
    peak = len(known) > 1
    columns = {PEAK: Block(PEAK, (), {}, 0, measure.unit, measure.title)} if peak else {}
    new = np.zeros(len(columns))
    addition = Addition(
        rows, matrix, np.full(len(limits) + 1, -np.inf), np.append(limits, np.inf),
        columns, new, np.full(len(new), np.inf), np.zeros(len(new), dtype=bool),
    )  # fmt: skip
    said = f"{measure.title}, counted"
    digest = hashlib.sha256(said.encode()).hexdigest()
    policy = Policy(AUTHOR, said, digest, tuple(rows), tuple(columns))
    wider = sp.csr_array((profile.data, profile.indices, profile.indptr),
                         shape=(len(known), width + len(new)))  # fmt: skip
    return Limited(measure, extend(form, addition, policy), wider, known, height + len(limits))


def _profile(form: Form, measure: Measure) -> tuple[sp.csr_array, Floats]:
    """The rows (k × n) and constants (k) of which the measure is the largest."""
    width = len(form.cost)
    if measure.column is not None:
        return ledger_row(form, measure.column)
    if measure.name == "peak":
        block = form.columns.get("grid.import")
        if block is None:
            return sp.csr_array((1, width)), np.zeros(1)
        steps = block.shape[-1]
        at = np.tile(np.arange(steps), block.size // steps)
        ones = np.ones(block.size)
        return sp.csr_array((ones, (at, block.index.ravel())), shape=(steps, width)), np.zeros(
            steps
        )
    step = float(form.source.step) if form.source is not None else 1.0
    row = np.zeros(width)
    for name, block in form.columns.items():
        if name.rpartition(".")[2].endswith("recovered"):
            row[block.span] = step
    return sp.csr_array(row[None, :]), np.zeros(1)


def ledger_row(form: Form, column: str) -> tuple[sp.csr_array, Floats]:
    """A column of the ledger summed over all components: a row (1 × n) and its constant (1)."""
    row, known = np.zeros(len(form.cost)), 0.0
    for account in form.accounts.values():
        lines = account.of(column)
        if lines is not None:
            row += np.asarray(lines.matrix.sum(axis=0)).ravel()
            known += float(lines.known.sum())
    return sp.csr_array(row[None, :]), np.array([known])
