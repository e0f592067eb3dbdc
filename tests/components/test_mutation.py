"""Every row, bound and cost of every kind is needed, or idle for a reason that is proved.

One block of the programme is changed at a time: its rows are dropped, its coefficients and sides
scaled, its bounds moved, its whole numbers made continuous. The changed programme is solved, and
the plan is judged by ``verify``, which knows nothing of it. Two things must come out:

* no change finds a plan that is cheaper than the true optimum and that ``verify`` accepts: such a
  plan would be one that breaks a rule which the replay does not know;
* each block has a change that has a plan to which ``verify`` objects, or is idle in its district:
  rows that can be left out without any gain, bounds beyond which other rows leave no plan. What may
  be idle is listed below, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.errors import CitygridError, InfeasibleError
from citygrid.ledger import weights
from citygrid.model.form import Block, Form, Lines
from tests.helpers import EXACT, solved

KINDS = sorted(kinds())

#: Blocks of rows that no optimum of their district leans on, and why.
IDLE = {
    "cooling_pipe.arrival": "the clinic takes more than the ground does",
    "cooling_pipe.arrival_along": "whichever side's cold is cheaper may bear the gain",
    "cooling_pipe.arrival_against": "the same with the other direction",
    "cooling_pipe.pumping_2": "another tangent is above it at this flow",
    "cooling_pipe.pumping_4": "the same",
    "cooling_pipe.pumping_5": "the same",
    "cooling_pipe.pumping_rated": "power has a price, so that none is wasted",
    "generator.quadratic_cost": "the curve, which stays in the form, puts its tangents back",
    "heat_pipe.arrival_along": "whichever side's heat is cheaper may bear the loss, by direction",
    "heat_pipe.arrival_against": "the same with the other direction",
    "heat_pipe.charge_with_flow": "the water is full before the flow has no more room",
    "heat_pipe.discharge_with_flow": "the same when it gives",
    "heat_pipe.pumping_1": "another tangent is above it at this flow",
    "heat_pipe.pumping_2": "the same",
    "heat_pipe.pumping_4": "the same",
    "heat_pipe.pumping_5": "the same",
    "heat_pipe.pumping_rated": "power has a price, so that none is wasted",
}

#: Blocks of columns that rows keep within their bounds, so that beyond them there is no plan to be
#: judged, and what those rows are.
IDLE_BOUNDS = {
    "boiler.heat": "`capacity` and `minimum_load` of its commitment",
    "chp.power": "`capacity` and `minimum_load` of its commitment",
    "cooling_demand.unserved": "`load`: served and unserved are the load",
    "cooling_pipe.flow": "`along`, and `arrival_along`: the gain is covered",
    "cooling_pipe.back": "`against`, and `arrival_against`: the gain is covered",
    "cooling_pipe.pump_power": "`pumping_1`, `pumping_3` and `pumping_rated`",
    "data_center.compute": "the balance of compute: jobs draw neither more nor less",
    "data_center.recovered": "the balance of waste heat: pumps take no negative heat",
    "data_center.rejected": "the balance of cooling, and `heat` with what can be recovered",
    "data_center.mode_compute": "the row of its name: jobs run in one mode or another",
    "data_center.mode_recovered": "the balance of waste heat: pumps take no negative heat",
    "data_center.mode_rejected": "the balance of cooling: coolers take no negative heat",
    "electric_boiler.heat": "`capacity` and `minimum_load` of its commitment",
    "electrolyser.power": "`capacity` and `minimum_load` of its commitment",
    "electrolyser.recovered": "the balance of waste heat: pumps take no negative heat",
    "electrolyser.rejected": "the balance of cooling, and `heat` with what can be recovered",
    "data_link.flow": "the balance of data: jobs draw neither more nor less",
    "grid.peak": "`peak`: it is at least the import",
    "heat_demand.unserved": "`load`: served and unserved are the load",
    "heat_pump.loop_heat": "the balance of waste heat: a loop takes nothing back",
    "heat_pipe.flow": "`along`, and `arrival_along`: losses are covered",
    "heat_pipe.back": "`against`, and `arrival_against`: losses are covered",
    "heat_pipe.pump_power": "`pumping_3` and `pumping_rated`: tangent and line to full flow",
    "job_pool.load": "`load`: it is that of the jobs",
    "job_pool.run": "`rate` and `work`: a job's power and energy",
    "job_pool.data": "the row of its name: it is that of the jobs",
    "power_demand.unserved": "`load`: served and unserved are the load",
    "reserve.missing": "`required`: held and missing are the requirement",
    "quantum_center.recovered": "the balance of waste heat: pumps take no negative heat",
    "quantum_center.rejected": "the balance of cooling, and `heat` with what can be recovered",
}


@pytest.fixture(autouse=True)
def _unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many changed programmes are infeasible; what they lack is of no interest and takes long."""
    monkeypatch.setattr("citygrid.verbs.explain", lambda case, form: InfeasibleError([]))


def dropped(form: Form, block: Block) -> Form:
    low, high = form.row_lower.copy(), form.row_upper.copy()
    low[block.span], high[block.span] = -np.inf, np.inf
    return replace(form, row_lower=low, row_upper=high)


def scaled_sides(form: Form, block: Block, factor: float) -> Form:
    low, high = form.row_lower.copy(), form.row_upper.copy()
    low[block.span] *= factor
    high[block.span] *= factor
    return replace(form, row_lower=low, row_upper=high)


def scaled_entries(form: Form, rows: Block, columns: Block, factor: float) -> Form:
    """The coefficients of one block of columns in one block of rows, times a factor."""
    matrix = form.matrix.tocoo()
    inside = (matrix.row >= rows.span.start) & (matrix.row < rows.span.stop)
    inside &= (matrix.col >= columns.span.start) & (matrix.col < columns.span.stop)
    values = np.where(inside, matrix.data * factor, matrix.data)
    changed = matrix.copy()
    changed.data = values
    return replace(form, matrix=changed.tocsr())


def touches(form: Form, rows: Block, columns: Block) -> bool:
    return form.matrix[rows.span][:, columns.span].nnz > 0


def row_changes(form: Form, rows: Block, kind: str) -> Iterator[tuple[str, Form]]:
    """Changed forms, with words for what was changed; in balances only the kind's own part."""
    balance = rows.name.endswith(".balance")
    if not balance:
        yield "dropped", dropped(form, rows)
    for factor in (0.9, 1.1):
        if not balance and np.any(np.nan_to_num(form.row_upper[rows.span], posinf=0, neginf=0)):
            yield f"sides × {factor}", scaled_sides(form, rows, factor)
        for columns in form.columns.values():
            own = columns.name.startswith(f"{kind}.")
            if (own or not balance) and touches(form, rows, columns):
                yield f"{columns.name} × {factor}", scaled_entries(form, rows, columns, factor)


def column_changes(form: Form, block: Block) -> Iterator[tuple[str, Form]]:
    span = block.span
    for factor in (0.9, 1.1):
        for side in ("lower", "upper"):
            bounds = getattr(form, side).copy()
            if np.any(np.isfinite(bounds[span]) & (bounds[span] != 0.0)):
                bounds[span] *= factor
                yield f"{side} × {factor}", replace(form, **{side: bounds})
    if form.integer[span].any():
        integer = form.integer.copy()
        integer[span] = False
        yield "continuous", replace(form, integer=integer)


def forced_beyond(form: Form, block: Block) -> Iterator[tuple[str, Form]]:
    """One cell at a time is forced beyond its bound, at any cost, so that slack bounds bite too."""
    for at in range(block.span.start, block.span.stop):
        for side, by in (("upper", 1.0), ("lower", -1.0)):
            beyond = getattr(form, side)[at] + by
            if np.isfinite(beyond):
                lower, upper = form.lower.copy(), form.upper.copy()
                lower[at] = upper[at] = beyond
                yield f"{side} of {at} forced", replace(form, lower=lower, upper=upper)


def judged(kind: str, form: Form) -> bool | None:
    """Whether ``verify`` accepts the plan of a changed form; ``None`` where it has no plan."""
    case, _, plan, _ = solved(kind)
    try:
        found = cg.solve(form, "milp", EXACT)
    except CitygridError:
        return None
    verdict = cg.verify(case, found)
    if verdict.ok:
        assert verdict.cost >= plan.objective - 1e-6, "cheaper than can be, and verify accepts it"
    return verdict.ok


@pytest.mark.parametrize("kind", KINDS)
def test_verify_objects_to_changed_rows(kind: str) -> None:
    form = solved(kind).form
    idle = []
    for rows in form.rows.values():
        if not rows.name.startswith(f"{kind}."):
            continue
        verdicts = {what: judged(kind, changed) for what, changed in row_changes(form, rows, kind)}
        if False in verdicts.values():
            continue
        assert verdicts["dropped"] is True, f"{rows.name} cannot be judged: {verdicts}"
        loosened = cg.solve(dropped(form, rows), "milp", EXACT)
        assert loosened.objective == pytest.approx(solved(kind).plan.objective, abs=1e-6)
        idle.append(rows.name)
    assert idle == [name for name in IDLE if name.startswith(f"{kind}.")]


@pytest.mark.parametrize("kind", KINDS)
def test_verify_objects_to_changed_balances(kind: str) -> None:
    """What a kind feeds or draws is recomputed: a share of it may neither vanish nor appear."""
    form, idle = solved(kind).form, []
    for rows in form.rows.values():
        if not rows.name.endswith(".balance"):
            continue
        touched, objected = False, False
        for words, changed in row_changes(form, rows, kind):
            name = words.split(" ")[0]
            flow = solved(kind).plan.dataset[name].values
            verdict = judged(kind, changed)
            touched, objected = True, objected or verdict is False
            if np.abs(flow).max() > 1e-6:
                assert verdict is not True, f"{rows.name}: {words}"
        if touched and not objected:
            idle.append(rows.name)
    assert idle == []


@pytest.mark.parametrize("kind", KINDS)
def test_verify_objects_to_changed_bounds(kind: str) -> None:
    """A bound that a changed programme oversteps with profit is known to the replay, too."""
    form, idle = solved(kind).form, []
    for block in form.columns.values():
        if not block.name.startswith(f"{kind}."):
            continue
        verdicts = {what: judged(kind, changed) for what, changed in column_changes(form, block)}
        if False in verdicts.values():
            continue
        for what, changed in forced_beyond(form, block):
            verdicts[what] = judged(kind, changed)
            assert verdicts[what] is not True, f"{block.name}: {what}"
            if verdicts[what] is False:
                break
        else:
            idle.append(block.name)
    assert idle == [name for name in IDLE_BOUNDS if name.startswith(f"{kind}.")]


@pytest.mark.parametrize("kind", KINDS)
def test_verify_objects_to_a_changed_price(kind: str) -> None:
    """The plan of a form with another price states another ledger than the replay counts."""
    form, plan = solved(kind).form, solved(kind).plan
    x = np.concatenate([plan.dataset[name].values.ravel() for name in form.columns])
    for name, account in form.accounts.items():
        if not name.startswith(f"{kind}."):
            continue
        for ledger, (lines, known) in account.columns.items():
            if np.abs(lines @ x).max(initial=0.0) < 1e-6:
                continue
            other = replace(account, columns={**account.columns, ledger: Lines(lines * 1.1, known)})
            price = weights(plan.case.prices).get(ledger, 0.0)
            extra = price * np.asarray((lines * 0.1).sum(axis=0)).ravel()
            changed = replace(form, cost=form.cost + extra,
                              accounts={**form.accounts, name: other})  # fmt: skip
            assert judged(kind, changed) is False, f"{name} × 1.1 in {ledger}"
