"""Why there is no plan: what is said must follow from a proof, and the conflict must be one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from citygrid.model.reductions import fix, relax
from citygrid.routes import conflict, highs, milp
from citygrid.routes.conflict import Sides
from citygrid.routes.contract import Clock, Options
from citygrid.routes.explain import explain
from citygrid.routes.words import tell

INF = math.inf
NAMES = ("row_lower", "row_upper", "lower", "upper")


def infeasible(form) -> bool:
    return highs.run(form, highs.Task(), lambda kind, news, x: None).status == "infeasible"


def is_irreducible(form, found) -> bool:
    """Whether the limits conflict, and no longer do so without any one of them."""
    integer = form.integer if found.whole else np.zeros_like(form.integer)

    def held(sides):
        small = replace(sides.of(form), integer=integer)
        return replace(small, lower=np.where(integer, form.lower, small.lower),
                       upper=np.where(integer, form.upper, small.upper))  # fmt: skip

    sides = found.sides
    if not infeasible(held(sides)):
        return False
    for name in NAMES:
        other = {"row_lower": "row_upper", "lower": "upper"}.get(name)
        for position in np.flatnonzero(getattr(sides, name)):
            less = {each: getattr(sides, each).copy() for each in NAMES}
            less[name][position] = False
            if other is not None:
                less[other][position] = False  # both sides of an equation are one limit
            elif getattr(sides, {"row_upper": "row_lower", "upper": "lower"}[name])[position]:
                continue
            if infeasible(held(Sides(**less))):
                return False
    return True


@pytest.fixture(scope="module")
def cold(small_district):
    """A district whose heat sources are off in the third hour."""
    form = small_district
    block = form.rows["heat.balance"]
    burnt = form.columns["boiler.heat"].index.ravel()
    pumped = form.columns["pump.heat"].index.reshape(-1, block.shape[1])
    off = np.concatenate([burnt[[2]], pumped[:, 2]])
    return fix(form, off, np.zeros(len(off))).form


def test_explanation_names_the_balance_and_hour_that_lacks_and_how_much(cold):
    said = explain(cold)
    ((row, amount),) = said.shortages
    assert row == int(cold.rows["heat.balance"].index.ravel()[2])
    assert amount == pytest.approx(abs(cold.row_lower[row])) and said.smallest
    assert said.proof == "relaxation" and not said.feasible
    assert said.least == pytest.approx(amount)


def test_conflict_is_one_and_none_of_its_limits_can_be_left_out(cold):
    found = explain(cold).conflict
    assert found.irreducible and is_irreducible(cold, found)
    steps = np.flatnonzero(found.sides.row_lower | found.sides.row_upper)
    assert all("02:00" in cold.row_label(int(row)) for row in steps)


def test_rows_that_are_no_balances_are_named(make):
    sums = make([1, 1], [[1, 1]], [5], [INF], [0, 0], [2, 2], [0, 0])
    said = explain(sums)
    assert said.shortages == ((0, pytest.approx(1.0)),)
    assert is_irreducible(sums, said.conflict) and said.conflict.sides.upper.all()


def test_what_only_whole_numbers_break_is_proved_by_whole_numbers(make):
    """2x + 2y = 3 has fractional points and no whole one; the third row has no part in it."""
    parity = make([1, 1, 0], [[2, 2, 0], [0, 0, 1]], [3, 1], [3, 4], [0] * 3, [5] * 3, [1, 1, 0])
    said = explain(parity)
    assert [(row, abs(amount)) for row, amount in said.shortages] == [(0, pytest.approx(1.0))]
    assert said.proof == "integers" and said.least == pytest.approx(1.0, rel=0.02)
    assert said.conflict.whole and said.conflict.irreducible
    assert is_irreducible(parity, said.conflict)
    assert not (said.conflict.sides.row_lower[1] or said.conflict.sides.row_upper[1])


def test_a_form_with_a_plan_is_said_to_have_one(make):
    assert explain(make([1.0], [[1.0]], [0], [1], [0], [1], [0])).feasible
    assert explain(make([1.0], [[2.0]], [1], [3], [0], [1], [1])).feasible


def test_bounds_that_cross_are_the_conflict(make):
    form = make([1.0, 1.0], [[1.0, 1.0]], [0], [9], [3, 0], [2, 1], [0, 0])
    said = explain(form)
    assert said.proof == "relaxation" and list(said.conflict.sides.lower) == [True, False]


def test_an_incumbent_of_a_time_limit_is_an_example_and_no_proof(make, monkeypatch):
    """A point that misses 2 at the end of a search that proved nothing says nothing of others."""
    form = make([1.0], [[2.0]], [1.5], [3], [0], [1], [1])
    original = milp.call

    def hurried(source, task, journal, options, start=None):
        if not source.integer.any():
            return original(source, task, journal, options, start)
        x = np.zeros(len(source.cost))
        x[1] = 1.5
        return highs.Result("time_limit", x, 1.5, 0.0)

    monkeypatch.setattr(milp, "call", hurried)
    said = explain(form)
    assert (said.proof, said.least) == ("none", 0.0) and said.conflict is None
    faults, document = tell(form, said, "town", 1.0)
    assert document["proof"] == "none" and document["example"]
    (only,) = faults  # no balance is told to lack what nobody proved
    assert "nearer ones may exist" in only.reason and "the least" not in only.reason


def test_without_the_solvers_own_set_limits_are_left_out_one_by_one(cold, monkeypatch):
    monkeypatch.setattr(highs, "irreducible", lambda form, time_limit: None)
    found = explain(cold).conflict
    assert found.irreducible and is_irreducible(cold, found)


def test_out_of_time_nothing_is_called_irreducible(cold, monkeypatch):
    monkeypatch.setattr(highs, "irreducible", lambda form, time_limit: None)
    monkeypatch.setattr(conflict, "IRREDUCIBLE", 0.0)
    found = explain(cold).conflict
    assert not found.irreducible
    assert highs.contradicts(found.sides.of(relax(cold).form))


def test_a_conflict_of_whole_numbers_needs_time(make):
    parity = make([1, 1], [[2, 2]], [3], [3], [0, 0], [5, 5], [1, 1])
    assert conflict.of_integers(parity, 0, Clock(0.0), Options()) is None


def test_words_name_places_amounts_and_limits(cold):
    said = explain(cold)
    faults, document = tell(cold, said, "town", 0.5)
    ((_, amount),) = said.shortages
    assert document["missing_kwh"] == pytest.approx(0.5 * amount)
    assert f"heat balance lacks {amount:.6g} kW" in str(faults[0])
    assert "2023" in faults[0].place or "T" in faults[0].place
    assert "cannot hold together" in str(faults[-1])
    assert {entry["limit"] for entry in document["conflict"]["limits"]} >= {"heat.balance"}
