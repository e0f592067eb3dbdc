"""Convex squares are exact in every route: cost on the curve, bound below it, gap between them."""

from __future__ import annotations

import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import FormulationError
from citygrid.model.builder import Model
from citygrid.model.form import Form
from citygrid.model.formulate import Speaker
from citygrid.model.labelled import Axis, Data
from citygrid.routes import Options
from citygrid.routes.contract import Outcome
from citygrid.routes.refine import solve as refine

HOURS = np.datetime64("2023-01-16T00:00", "ns") + np.arange(2) * np.timedelta64(1, "h")
EVERY = ["milp", "pyomo:highs", "hybrid", "hybrid:rounding"]


def shared(weights, prices, load, high=100.0, fixed=None) -> Form:
    """Units that share a load [kW]: cost ``price · P + weight · P²``, and ``fixed`` while on."""
    model = Model(HOURS, 1.0)
    unit = Axis("unit", np.array([f"u{i}" for i in range(len(weights))], dtype=object))
    speaker = Speaker(model, "unit")
    power = speaker.variable("power", unit, model.time, upper=high, about="power")
    cost = speaker.variable("cost", unit, model.time, unit="EUR/h", upper=1e4, about="squared cost")
    gate = 1.0
    if fixed is not None:
        gate = speaker.binary("on", unit, model.time, about="on")
        speaker.constrain("most", power <= gate * Data(np.asarray(high), (), "kW"))
        speaker.cost("fixed", gate * Data(np.asarray(fixed), (unit,), "EUR/h") * model.step)
    square = power.square(gate) * Data(np.asarray(weights, dtype=float), (unit,), "EUR/kW^2/h")
    speaker.constrain("square", cost >= square)
    speaker.cost("square", cost * model.step)
    speaker.cost("price", power * Data(np.asarray(prices), (unit,), "EUR/kWh") * model.step)
    speaker.feed("power", ["bus"] * len(unit), power)
    net = Axis("net", np.array(["net"], dtype=object))
    drawn = Data(np.full((1, 2), float(load)), (net, model.time), "kW")
    Speaker(model, "load").draw("power", ["bus"], drawn)
    return model.form()


def least(weights, prices, load) -> float:
    """Least hourly cost of units that are all ready: one price for the next kWh of those that run.

    By bisection on that price; nothing of the routes is used.
    """
    weights, prices = np.asarray(weights), np.asarray(prices)
    low, high = 0.0, 1e3
    for _ in range(200):
        mean = 0.5 * (low + high)
        power = np.clip((mean - prices) / (2 * weights), 0.0, 100.0)
        low, high = (mean, high) if power.sum() < load else (low, mean)
    return float(prices @ power + weights @ power**2)


@pytest.mark.parametrize("route", EVERY)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_units_share_a_load_at_one_marginal_cost(route, seed):
    lot = np.random.default_rng(seed)
    weights, prices = lot.uniform(0.001, 0.1, 4), lot.uniform(0.0, 2.0, 4)
    load = float(lot.uniform(20, 250))
    form = shared(weights, prices, load)
    outcome = routes.solve(form, route, Options(gap=1e-7))
    best = 2 * least(weights, prices, load)
    assert outcome.objective == pytest.approx(best, rel=1e-7)
    assert outcome.objective == pytest.approx(form.objective(outcome.x), rel=1e-12)
    assert outcome.bound <= best * (1 + 1e-9) and outcome.gap <= 1e-7
    curve = form.curves[0]
    exact = curve.weight * outcome.x[curve.argument] ** 2
    np.testing.assert_allclose(outcome.x[curve.epigraph], exact, rtol=1e-12)


@pytest.mark.parametrize("route", EVERY)
def test_which_units_run_is_decided_by_the_exact_cost(route):
    """One unit at 60 kW costs 36 + 1, two at 30 kW 18 + 2, three at 20 kW 12 + 3, four 9 + 4.

    A fifth would save 1.8 and cost 1 more: 7.2 + 5 = 12.2; a sixth 6 + 6 = 12; a seventh 12.14.
    """
    form = shared([0.01] * 7, [0.0] * 7, 60.0, fixed=np.ones(7))
    outcome = routes.solve(form, route, Options(gap=1e-6))
    if route in ("milp", "pyomo:highs"):
        assert outcome.objective == pytest.approx(24.0, rel=1e-6)
    assert outcome.bound <= 24.0 + 1e-6 <= outcome.objective + 2e-6


def test_the_form_alone_is_a_relaxation():
    """Its tangents promise less than any plan costs; the curves are what makes it true."""
    from dataclasses import replace

    form = shared([0.02, 0.05], [0.5, 0.1], 90.0)
    tangents = routes.solve(replace(form, curves=()), "milp", Options(gap=0.0))
    exact = routes.solve(form, "milp", Options(gap=0.0))
    assert tangents.objective < exact.objective - 1e-3
    assert exact.objective == pytest.approx(2 * least([0.02, 0.05], [0.5, 0.1], 90.0), rel=1e-9)


def test_a_route_without_bound_gets_none_and_one_without_plan_keeps_its_status():
    form = shared([0.02, 0.05], [0.5, 0.1], 90.0)

    def blind(form: Form, options: Options) -> Outcome:
        found = routes.solve(form, "milp", options)
        return Outcome("feasible", found.x, found.objective, None, telemetry=found.telemetry)

    outcome = refine(form, Options(), blind)
    assert outcome.bound is None and outcome.gap is None and outcome.status == "feasible"
    nothing = refine(form, Options(), lambda form, options: Outcome("time_limit"))
    assert (nothing.status, nothing.x, nothing.objective) == ("time_limit", None, None)
    too_much = shared([0.02, 0.05], [0.5, 0.1], 900.0)
    assert routes.solve(too_much, "milp").status == "infeasible"


def test_telemetry_says_what_tangents_missed():
    form = shared([0.02, 0.05], [0.5, 0.1], 90.0, fixed=[1.0, 1.0])
    telemetry = routes.solve(form, "milp", Options(gap=1e-6)).telemetry
    rounds = telemetry["curves"]
    purposes = [call["purpose"] for call in telemetry["calls"]]
    assert {"relaxation", "milp", "completion"} <= set(purposes)
    assert telemetry["milps"] == purposes.count("milp") == len(rounds)
    assert telemetry["queued_at"] <= telemetry["finished_at"]
    assert rounds and rounds[-1]["tangents"] > 0
    assert all(entry["missed"] >= -1e-9 for entry in rounds)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"weights": [-0.1, 0.1]}, "not convex"),
        ({"high": np.inf}, "needs an upper bound"),
    ],
)
def test_what_is_no_curve_is_refused(spoil, message):
    arguments = {"weights": [0.1, 0.1], "prices": [0.0, 0.0], "load": 1.0} | spoil
    with pytest.raises(FormulationError, match=message):
        shared(**arguments)


def test_a_curve_of_an_expression_is_refused():
    model = Model(HOURS, 1.0)
    speaker = Speaker(model, "unit")
    power = speaker.variable("power", model.time, upper=9.0, about="power")
    cost = speaker.variable("cost", model.time, unit="EUR/h", about="cost")
    weight = Data(np.asarray(1.0), (), "EUR/kW^2/h")
    with pytest.raises(FormulationError, match="single columns"):
        speaker.constrain("square", cost >= (power * 2.0).square() * weight)


def test_a_stored_form_keeps_its_curves(tmp_path):
    form = shared([0.02, 0.05], [0.5, 0.1], 90.0, fixed=[1.0, 1.0])
    form.save(tmp_path / "form.npz")
    again = Form.load(tmp_path / "form.npz")
    assert again.hash == form.hash and again.curves[0].name == "unit.square"
    best = routes.solve(form, "milp", Options(gap=1e-7)).objective
    assert routes.solve(again, "milp", Options(gap=1e-7)).objective == pytest.approx(best, rel=1e-6)
    from dataclasses import replace

    assert replace(form, curves=()).hash != form.hash


@pytest.mark.parametrize("route", ["milp", "pyomo:highs"])
def test_trace_holds_costs_on_the_curve_and_bounds_below_it(route):
    weights, prices, load = [0.02, 0.05, 0.01], [0.1, 0.3, 0.2], 120.0
    outcome = routes.solve(shared(weights, prices, load, fixed=0.5), route, Options(gap=1e-4))
    trace = outcome.telemetry["trace"]
    costs = [news["objective"] for news in trace if news["objective"] is not None]
    bounds = [news["bound"] for news in trace if news["bound"] is not None]
    # A plan on the way that sat on tangents would cost less than the cheapest on the curves.
    assert costs and min(costs) >= outcome.bound - 1e-9
    assert costs[-1] == pytest.approx(outcome.objective)
    assert bounds and max(bounds) <= outcome.objective * (1 + 1e-9)
    seconds = [news["seconds"] for news in trace]
    assert seconds == sorted(seconds)
