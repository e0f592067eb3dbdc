"""Policies: linear rules said in Pyomo reach every route; anything else is refused by name."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

import citygrid as cg
from citygrid import routes
from citygrid.errors import InfeasibleError, InputError
from citygrid.model.form import Form
from citygrid.routes.contract import Options

HOURS = [f"2023-01-16T0{hour}:00Z" for hour in range(3)]
SHARP = Options(gap=0.0)


@pytest.fixture(scope="module")
def form(repository):
    return cg.formulate(cg.prepare(cg.load(repository / "models" / "tiny.yaml")))


def at(model, hour):
    return model.data_center_compute["data centre", HOURS[hour]]


def rest_in_the_last_hour(model):
    """By hand: the job then runs in the first hour, and 56 EUR become 62 EUR (docs/by-hand.md)."""
    model.rest = pyo.Constraint(expr=at(model, 2) <= 0, doc="the centre rests")


@pytest.mark.parametrize("route", ["milp", "hybrid", "hybrid:greedy", "pyomo:highs"])
def test_every_route_obeys_a_policy(form, route):
    ruled = cg.impose(form, rest_in_the_last_hour)
    outcome = routes.solve(ruled, route, SHARP)
    assert outcome.objective == pytest.approx(62.0)
    assert outcome.x[ruled.columns["data_center.compute"].index.ravel()[2]] == 0.0
    assert routes.solve(form, route, SHARP).objective == pytest.approx(56.0)


def test_rows_stand_behind_the_forms_own_with_their_names_labels_and_unit(form):
    def night(model):
        model.night = pyo.Constraint(HOURS[:2], rule=lambda m, hour: (
            10, m.data_center_compute["data centre", hour] + m.heat_pump_heat["heat pump", hour],
            150))  # fmt: skip

    ruled = cg.impose(form, night)
    block = ruled.rows["policy.night"]
    assert (block.start, block.size, block.unit) == (len(form.row_lower), 2, "kW")
    assert ruled.row_label(block.start + 1) == f"policy.night[{HOURS[1]}]"
    height, width = form.matrix.shape
    assert (abs(ruled.matrix[:height, :width] - form.matrix)).nnz == 0
    added = ruled.matrix[[block.start + 1]].toarray().ravel()
    expected = np.zeros(width)
    expected[form.columns["data_center.compute"].index.ravel()[1]] = 1.0
    expected[form.columns["heat_pump.heat"].index.ravel()[1]] = 1.0
    assert np.array_equal(added, expected)
    assert (ruled.row_lower[-1], ruled.row_upper[-1]) == (10.0, 150.0)
    assert ruled.hash != form.hash and form.policies == ()
    (policy,) = ruled.policies
    assert (policy.file, policy.function, policy.rows) == (
        "test_policy.py", "night", ("policy.night",),
    )  # fmt: skip
    assert len(policy.digest) == 64


def test_constants_move_to_the_limit_and_parameters_are_numbers(form):
    def shifted(model):
        model.allowance = pyo.Param(initialize=4.0, mutable=True)
        x = at(model, 1)
        model.shifted = pyo.Constraint(expr=3 * x + 7 - x <= 2 * model.allowance + 9)

    ruled = cg.impose(form, shifted)
    column = form.columns["data_center.compute"].index.ravel()[1]
    assert ruled.matrix[[-1]].toarray().ravel()[column] == 2.0
    assert (ruled.row_lower[-1], ruled.row_upper[-1]) == (-np.inf, 10.0)


def test_variables_of_a_policy_are_chosen_with_the_rest(form):
    """By hand: with the boiler off in hour 2, only the job's heat helps: pump 120 kW there, and
    in hour 3 the boiler makes 80 kW. It costs 4 + 120 · 0.30 + (40 · 0.20 + 80 · 0.20) = 64 EUR.
    """

    def boiler_in_one_hour_of_the_last_two(model):
        model.helps = pyo.Var(HOURS[1:], within=pyo.Binary)
        model.only = pyo.Constraint(HOURS[1:], rule=lambda m, hour: (
            m.boiler_heat["boiler", hour] <= 120 * m.helps[hour]))  # fmt: skip
        model.second = pyo.Constraint(expr=model.helps[HOURS[1]] + 0.5 <= model.helps[HOURS[2]])

    ruled = cg.impose(form, boiler_in_one_hour_of_the_last_two)
    assert ruled.columns["policy.helps"].size == 2 and ruled.size["binaries"] == 5
    plan = cg.solve(ruled, "milp", SHARP)
    assert plan.objective == pytest.approx(64.0)
    assert plan.dataset["policy.helps"].values.tolist() == [0.0, 1.0]
    assert cg.verify(plan.case, plan).ok


def test_policies_add_up_and_the_second_sees_the_first(form):
    def seen(model):
        assert len(model.policy_rest) == 1
        model.rest_too = pyo.Constraint(expr=at(model, 1) <= 0)

    ruled = cg.impose(cg.impose(form, rest_in_the_last_hour), seen)
    assert [policy.function for policy in ruled.policies] == ["rest_in_the_last_hour", "seen"]
    assert cg.solve(ruled, "milp", SHARP).objective == pytest.approx(62.0)
    with pytest.raises(InputError, match="another policy added this name"):
        cg.impose(ruled, rest_in_the_last_hour)


def test_policy_that_leaves_no_plan_is_named_beside_what_then_lacks(form):
    def never(model):
        model.rest = pyo.Constraint(HOURS, rule=lambda m, hour: (
            m.data_center_compute["data centre", hour] <= 0))  # fmt: skip

    with pytest.raises(InfeasibleError, match=r"test_policy\.py:never"):
        cg.solve(cg.impose(form, never), "milp")


# what is refused ----------------------------------------------------------------------------------


def square(model):
    model.square = pyo.Constraint(HOURS[:2], rule=lambda m, h: (
        m.data_center_compute["data centre", h] ** 2 <= 5))  # fmt: skip


def product(model):
    model.product = pyo.Constraint(expr=at(model, 0) * at(model, 1) <= 5)


def objective(model):
    model.mine = pyo.Objective(expr=at(model, 0))


def sos(model):
    model.sos = pyo.SOSConstraint(var=model.data_center_compute, sos=1)


def fixes(model):
    at(model, 0).fix(3)


def bounds(model):
    at(model, 0).setub(3)


def removes(model):
    model.del_component("heat_balance")


def switches_off(model):
    model.heat_balance["block", HOURS[0]].deactivate()


def rewrites(model):
    model.heat_balance["block", HOURS[0]].set_value(at(model, 0) <= 3)


def redirects(model):
    model.cost.set_value(at(model, 0))


def foreign(model):
    stray = pyo.Var(name="stray")
    stray.construct()
    model.stray_use = pyo.Constraint(expr=at(model, 0) <= stray)


def domain(model):
    model.steps = pyo.Var(within=pyo.Set(initialize=[0, 3, 7]))
    model.use = pyo.Constraint(expr=at(model, 0) <= model.steps)


def never_true(model):
    model.limit = pyo.Param(initialize=3.0, mutable=True)
    model.never = pyo.Constraint(expr=model.limit >= 5)


def always_true(model):
    model.limit = pyo.Param(initialize=3.0, mutable=True)
    model.always = pyo.Constraint(expr=model.limit <= 5)


def no_number(model):
    model.odd = pyo.Constraint(expr=float("nan") * at(model, 0) <= 5)


def endless(model):
    model.endless = pyo.Constraint(expr=at(model, 0) <= float("inf"))


def nothing(model):
    pass


def off(model):
    model.off = pyo.Constraint(expr=at(model, 0) <= 5)
    model.off.deactivate()


def raising(model):
    model.unknown_unit[3]


def leaving(model):
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (square, [f"square[{HOURS[0]}]", f"square[{HOURS[1]}]", "not linear"]),
        (product, ["› product", "not linear"]),
        (objective, ["› mine", "Objective"]),
        (sos, ["› sos", "SOSConstraint"]),
        (fixes, ["data_center_compute", "fixed", "add a constraint"]),
        (bounds, ["data_center_compute", "changed"]),
        (removes, ["heat_balance", "is removed"]),
        (switches_off, ["heat_balance", "switched off"]),
        (rewrites, ["heat_balance", "changed"]),
        (redirects, ["cost", "changed"]),
        (foreign, ["stray", "not on the model"]),
        (domain, ["steps", "whole numbers"]),
        (never_true, ["never", "infeasible"]),
        (always_true, ["hold whatever is done"]),
        (no_number, ["› odd", "not a finite number"]),
        (endless, ["› endless", "limits nothing"]),
        (nothing, ["adds no constraint"]),
        (off, ["› off", "switched off"]),
        (raising, ["raises AttributeError in line", "unknown_unit"]),
        (leaving, ["raises SystemExit"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_linear_addition_is_refused_by_name(form, policy, words):
    with pytest.raises(InputError) as refused:
        cg.impose(form, policy)
    text = str(refused.value)
    assert f"test_policy.py:{policy.__name__}" in text
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        (None, "", ["no such file"]),
        ("def a(model): pass", ":b", ["no such function", "choose one of a"]),
        ("def a(model): pass\ndef b(model): pass", "", ["2 functions", ":a", ":b"]),
        ("x = 1", "", ["0 functions"]),
        ("def a(model:\n  pass", "", ["SyntaxError", "line 1"]),
        ("\nraise ValueError('broken here')", "", ["ValueError in line 2", "broken here"]),
        ("import no_such_module", "", ["ModuleNotFoundError", "no_such_module"]),
        ("def a(): pass", "", ["TypeError"]),
        ("\x00", "", ["raises"]),
    ],
)
def test_files_that_hold_no_policy_are_refused_with_the_line(form, tmp_path, source, name, words):
    file = tmp_path / "rules.py"
    if source is not None:
        file.write_text(source)
    with pytest.raises(InputError) as refused:
        cg.impose(form, f"{file}{name}")
    assert all(word in str(refused.value) for word in words), refused.value
    assert not (tmp_path / "__pycache__").exists()


def test_a_form_without_a_case_takes_policies_too(make):
    """Blocks of any name become variables of the model."""
    plain = make([1.0, 2.0], [[1, 1]], [3], [np.inf], [0, 0], [9, 9], [0, 0])

    def half(model):
        model.half = pyo.Constraint(expr=model.thing_amount[1] >= model.thing_amount[0])

    ruled = cg.impose(plain, half)
    assert isinstance(ruled, Form)
    assert routes.solve(ruled, "milp", SHARP).objective == pytest.approx(4.5)
