"""Forms that no district of the tests has: what is held already, no groups, whole numbers."""

from __future__ import annotations

from typing import ClassVar

import dimod
import numpy as np
import pytest

from citygrid import routes
from citygrid.model.builder import Model
from citygrid.model.formulate import Speaker
from citygrid.model.groups import find_groups
from citygrid.model.labelled import Axis, Data
from citygrid.routes import milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.incumbent import Incumbent


def test_an_option_that_is_held_at_nothing_is_none(make):
    """``a + b + c = 1`` with the cheapest, a, forbidden."""
    form = make([0, 1, 2], [[1, 1, 1]], [1], [1], [0] * 3, [0, 1, 1], [1] * 3)
    groups = find_groups(form)
    assert groups.columns.tolist() == [1, 2]
    outcome = routes.solve(form, "hybrid", Options())
    assert outcome.objective == pytest.approx(1.0) and outcome.x.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("lower", "upper"), [([1, 0], [1, 1]), ([0, 0], [0, 1])])
def test_a_row_that_is_decided_is_no_group(make, lower, upper):
    form = make([3, 1], [[1, 1]], [1], [1], lower, upper, [1, 1])
    assert len(find_groups(form)) == 0
    outcome = routes.solve(form, "hybrid", Options())
    assert outcome.objective == pytest.approx(3.0 if lower[0] else 1.0)


def test_starts_without_any_block_are_no_chain():
    """A group that stands in no other row, beside a unit whose starts cost."""
    hour = np.datetime64("2023-01-16T00:00", "ns") + np.arange(2) * np.timedelta64(1, "h")
    model = Model(hour, 1.0)
    pool, unit = Speaker(model, "pool"), Speaker(model, "unit")
    one, who = Axis("group", np.array(["g"])), Axis("unit", np.array(["u"]))
    either = pool.binary("either", Axis("option", np.arange(2)), about="one of two")
    pool.constrain("once", either.mapped((one,), np.zeros(2, int), np.arange(2), np.ones(2)) == 1.0)
    on = unit.binary("on", who, model.time, about="it runs")
    start = unit.variable("start", who, model.time, upper=1.0, unit="1", about="it is started")
    unit.constrain("starting", start >= on - on.previous(Data(np.zeros(1), (who,), "1")))
    unit.constrain("asked", on >= Data(np.array([[0.0, 1.0]]), (who, model.time), "1"))
    unit.cost("start", start * Data(np.array(5.0), (), "EUR"))
    outcome = routes.solve(model.form(), "hybrid", Options())
    assert outcome.objective == pytest.approx(5.0)


def test_whole_numbers_that_are_no_bits_are_planned(make):
    """``min n`` with ``2 n >= x`` and ``x >= 2.4``: rounding the relaxation's 1.2 does not do."""
    form = make([1, 0], [[2, -1]], [0], [np.inf], [0, 2.4], [5, 10], [1, 0])
    outcome = routes.solve(form, "hybrid", Options())
    assert outcome.objective == pytest.approx(2.0)


class Silent(dimod.Sampler):
    """A machine that never gives an answer."""

    parameters: ClassVar[dict] = {}
    properties: ClassVar[dict] = {}
    calls = 0

    def sample(self, bqm, **wishes):
        Silent.calls += 1
        raise ConnectionError("nobody is there")


def test_units_are_planned_though_no_sampler_answers(fleet):
    Silent.calls = 0
    name = f"{__name__}:Silent"
    settings = {"sampler.retries": "0"}
    found = routes.solve(fleet, "hybrid", Options(sampler=name, extras=settings, gap=0.0))
    assert found.x is not None
    assert "nobody is there" in found.telemetry["sampler_failed"]
    assert found.telemetry["counts"]["sampler_faults"] == Silent.calls == 1


def test_the_next_sampler_of_a_chain_proposes_moves(fleet):
    found = routes.solve(
        fleet, "hybrid", Options(sampler=f"{__name__}:Silent,neal", extras={"sampler.retries": "0"})
    )
    assert found.telemetry["answered_by"] == "neal"
    assert found.objective == pytest.approx(milp.solve(fleet, Options(gap=0.0)).objective)


@pytest.fixture
def fleet():
    """Two engines of 30 and 20 kW that cost a start, and demands of four hours."""
    hour = np.datetime64("2023-01-16T00:00", "ns") + np.arange(4) * np.timedelta64(1, "h")
    model = Model(hour, 1.0)
    unit = Speaker(model, "unit")
    who, net = Axis("unit", np.array(["a", "b"])), Axis("net", np.array(["net"]))
    on = unit.binary("on", who, model.time, about="it runs")
    heat = unit.variable("heat", who, model.time, about="what it gives")
    start = unit.variable("start", who, model.time, upper=1.0, unit="1", about="it is started")
    size = Data(np.array([30.0, 20.0]), (who,), "kW")
    unit.constrain("most", heat <= size * on)
    unit.constrain("least", heat >= size * 0.5 * on)
    unit.constrain("starting", start >= on - on.previous(Data(np.zeros(2), (who,), "1")))
    unit.feed("heat", ["net", "net"], heat)
    price = Data(np.array([0.05, 0.08]), (who,), "EUR/kWh")
    unit.cost("fuel", heat * price * model.step)
    unit.cost("start", start * Data(np.array(2.0), (), "EUR"))
    demand = Speaker(model, "demand")
    asked = Data(np.array([[20.0, 45.0, 15.0, 30.0]]), (net, model.time), "kW")
    demand.draw("heat", ["net"], asked)
    return model.form()


def test_greed_with_nothing_to_choose_ends_at_once(make):
    """Every group has one candidate left; its clock must not be asked for ever."""
    form = make([1, 9, 1, 9], [[1, 1, 0, 0], [0, 0, 1, 1]], [1, 1], [1, 1], [0] * 4, [1] * 4,
                [1] * 4)  # fmt: skip
    options = Options(extras={"variables": "2", "rounds": "1"}, sampler="neal")
    assert routes.solve(form, "hybrid:greedy", options).objective == pytest.approx(2.0)
    outcome = routes.solve(form, "hybrid:greedy", Options(extras={"rounds": "3"}))
    assert outcome.objective == pytest.approx(2.0)


def test_the_bound_of_a_fall_back_is_kept_without_a_plan(small_district):
    """HiGHS is stopped before it has a plan; what it has proven by then is not lost."""
    form, journal = small_district, Journal()
    relaxed, duals, _ = milp.relaxation(form, Options())
    incumbent = Incumbent(form, Options(), journal, Clock(60.0), Relaxed(relaxed.x, duals, None))
    incumbent.fall_back("a trial")
    best = milp.solve(form, Options(gap=0.0)).objective
    assert incumbent.found_by == "highs"
    assert incumbent.bound is not None and incumbent.bound <= best + 1e-9
    assert incumbent.objective == pytest.approx(best, rel=1e-3)
    # Its plans on the way are the route's own.
    assert any(news["objective"] is not None for news in journal.telemetry()["trace"])
    again = len(incumbent.pool)
    incumbent.take(incumbent.x)
    assert len(incumbent.pool) == again
