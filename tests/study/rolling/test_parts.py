"""Looking ahead in parts: nearly the prices of the whole, and a bound that holds all the same."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import citygrid as cg
from citygrid.model.form import Block, Form
from citygrid.model.windows import calendar
from citygrid.routes import Options
from citygrid.routes.contract import Clock
from citygrid.study.rolling import dispatch, parts, roll
from citygrid.study.rolling.bound import bound_by_windows
from citygrid.study.rolling.outlook import look_ahead
from citygrid.study.rolling.parts import cuts_of, look_ahead_by_parts
from tests.helpers import solved

DAYS, HOURS = 6, 24


def peaked(cost: float = 30.0) -> tuple[Form, Any]:
    """Six days of a demand with a store, where the largest import of all days is charged.

    Columns are import, charge (either sign), level and peak; the fourth day needs most.
    """
    steps = DAYS * HOURS
    hour = np.arange(steps)
    size = np.array([1.0, 1.1, 0.9, 1.4, 1.2, 1.0])[hour // HOURS]
    demand = 100.0 * size * (1.0 + 0.5 * np.sin(2 * np.pi * (hour - 9) / HOURS))
    price = 0.1 + 0.05 * np.sin(2 * np.pi * (hour - 15) / HOURS)
    time = np.datetime64("2023-01-01T00", "ns") + hour * np.timedelta64(1, "h")
    eye = sp.eye_array(steps, format="csr")
    before = sp.eye_array(steps, k=-1, format="csr")
    none, one = sp.csr_array((steps, steps)), sp.csr_array(np.ones((steps, 1)))
    empty = sp.csr_array((steps, 1))
    matrix = sp.csr_array(sp.vstack([
        sp.hstack([eye, -eye, none, empty]), sp.hstack([none, -eye, eye - 0.99 * before, empty]),
        sp.hstack([eye, none, none, -one]),
    ]))  # fmt: skip
    blocks = {
        name: Block(name, ("time",), {"time": time}, number * steps, "kW")
        for number, name in enumerate(("grid.import", "store.charge", "store.level"))
    }
    blocks["grid.peak"] = Block("grid.peak", ("grid",), {"grid": np.array(["grid"], dtype=object)},
                                3 * steps, "kW")  # fmt: skip
    rows = {
        name: Block(name, ("time",), {"time": time}, number * steps, "kW")
        for number, name in enumerate(("power.balance", "store.level", "grid.peak"))
    }
    form = Form(
        np.concatenate([price, np.zeros(2 * steps), [cost]]), 0.0, matrix,
        np.concatenate([demand, np.zeros(steps), np.full(steps, -np.inf)]),
        np.concatenate([demand, np.zeros(2 * steps)]),
        np.concatenate([np.zeros(steps), np.full(steps, -40.0), np.zeros(steps + 1)]),
        np.concatenate([np.full(steps, 500.0), np.full(steps, 40.0), np.full(steps, 150.0),
                        [1000.0]]),
        np.zeros(3 * steps + 1, dtype=bool), blocks, rows,
    )  # fmt: skip
    return form, time


@pytest.fixture
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ENTRIES", 170)


def test_parts_cover_the_horizon_once(monkeypatch: pytest.MonkeyPatch) -> None:
    form, time = peaked()
    when = calendar(form, time)
    for entries in (1, 10, 500, 1000, 10**9):
        monkeypatch.setattr(parts, "ENTRIES", entries)
        cuts = cuts_of(form, when)
        assert cuts[0] == 0 and cuts[-1] == len(time) and cuts == sorted(set(cuts))
    assert cuts == [0, len(time)]


@pytest.mark.parametrize("cost", [0.5, 30.0])
def test_a_peak_is_as_large_as_the_whole_makes_it(by_day: None, cost: float) -> None:
    """The size at which all days together save what it costs, and prices that sum up to that."""
    form, time = peaked(cost)
    when = calendar(form, time)
    whole = look_ahead(form, Options(), None, lambda text: None)
    found = look_ahead_by_parts(form, when, Options(), None, lambda text: None)
    assert whole is not None and found is not None and found.parts >= 4
    assert found.x[-1] == pytest.approx(whole.x[-1], rel=0.02)
    assert -(form.matrix[:, [-1]].T @ found.duals)[0] == pytest.approx(-cost, rel=0.02)


def test_prices_of_parts_prove_nearly_as_much(by_day: None) -> None:
    form, time = peaked()
    when = calendar(form, time)
    whole = look_ahead(form, Options(), None, lambda text: None)
    found = look_ahead_by_parts(form, when, Options(), None, lambda text: None)
    assert whole is not None and whole.bound is not None and found is not None
    assert found.bound is None
    cuts = [*range(0, len(time), 48), len(time)]
    proved = bound_by_windows(form, when, found.duals, cuts, Options(gap=0.0), Clock(None), found.x)
    assert proved is not None
    least = form.objective(whole.x)
    assert 0.99 * least <= proved <= least * (1 + 1e-6)


def test_without_time_there_is_no_look_ahead(by_day: None) -> None:
    form, time = peaked()
    assert (
        look_ahead_by_parts(form, calendar(form, time), Options(), 0.0, lambda text: None) is None
    )


def test_a_part_without_a_point_is_told_by_none(by_day: None) -> None:
    form, time = peaked()
    form.upper[: len(time)] = 10.0
    found = look_ahead_by_parts(form, calendar(form, time), Options(), None, lambda text: None)
    assert found is None


@pytest.mark.parametrize("kind", ["battery", "heat_store", "grid", "job_pool", "generator"])
def test_a_case_that_is_too_large_rolls_all_the_same(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything whole is done in parts: look ahead, last dispatch, bound."""
    monkeypatch.setattr(parts, "ENTRIES", 1)
    for module in (sys.modules["citygrid.study.rolling.roll"], dispatch):
        monkeypatch.setattr(module, "WHOLE", 0)
    result = solved(kind)
    said: list[str] = []
    plan = roll(result.case, "2 h", "1 h", options=Options(gap=0.0), say=said.append)
    verdict = cg.verify(result.case, plan)
    assert verdict.ok, [str(v) for v in verdict.violations[:3]]
    turnover = sum(abs(line.money) for line in verdict.ledger.values())
    assert plan.objective >= result.plan.objective - 1e-6 * max(1.0, turnover)
    if plan.bound is not None:
        assert plan.bound <= result.plan.objective + 1e-6 * max(1.0, turnover)
    assert "the dispatch part by part, with their choices held" in said
