"""Rules that policies imposed travel with a plan as numbers and are checked from these alone."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyomo.environ as pyo
import pytest

import citygrid as cg
from citygrid.plan.plan import Plan
from citygrid.plan.policies import Rules, policies
from citygrid.routes.contract import Options

HOURS = [f"2023-01-16T0{hour}:00Z" for hour in range(3)]


def ruled(model):
    """The centre rests in the last hour; in one hour of the three at most 90 kW are bought."""
    model.rest = pyo.Constraint(
        expr=model.data_center_compute["data centre", HOURS[2]] <= 0)  # fmt: skip
    model.free = pyo.Var(HOURS, within=pyo.Binary)
    model.calm = pyo.Constraint(HOURS, rule=lambda m, hour: (
        m.grid_import["grid", hour] <= 90 + 500 * m.free[hour]))  # fmt: skip
    model.once = pyo.Constraint(expr=sum(model.free.values()) <= 2)


@pytest.fixture(scope="module")
def plan(repository):
    form = cg.formulate(cg.prepare(cg.load(repository / "models" / "tiny.yaml")))
    return cg.solve(cg.impose(form, ruled), "milp", Options(gap=0.0))


def changed(plan, **values):
    dataset = plan.dataset.copy(deep=True)
    for name, (place, value) in values.items():
        dataset[name.replace("__", ".")].values[place] = value
    return Plan(plan.case, dataset)


def rules_broken(plan):
    return {violation.rule: violation for violation in cg.verify(plan.case, plan).violations}


def test_plan_lists_its_policies_and_keeps_them_through_a_file(plan, tmp_path):
    (stated,) = policies(plan)
    assert stated["file"] == "test_policies.py" and stated["function"] == "ruled"
    assert stated["rows"] == ["policy.rest", "policy.calm", "policy.once", "policy.free"]
    plan.save(tmp_path / "plan.nc")
    stored = Plan.load(tmp_path / "plan.nc")
    assert policies(stored) == policies(plan)
    assert Rules.of(stored).digest == Rules.of(plan).digest
    assert cg.verify(stored.case, stored).ok and cg.verify(plan.case, plan).ok


def test_a_plan_that_breaks_a_policy_alone_is_refused_with_row_hour_and_size(plan):
    """Sound physics, but the job runs in the hour in which the policy has the centre rest."""
    free = cg.solve(cg.formulate(plan.case), "milp", Options(gap=0.0))
    dataset = free.dataset.assign({
        name: plan.dataset[name] for name in plan.dataset.data_vars
        if str(name).startswith(("imposed.", "policy."))
    })  # fmt: skip
    dataset.attrs = {**free.dataset.attrs, **{
        name: plan.dataset.attrs[name] for name in ("policies", "imposed_flows", "imposed_hash")
    }}  # fmt: skip
    broken = rules_broken(Plan(plan.case, dataset))
    assert "policy.rest is kept" in broken and all(r.startswith("policy.") for r in broken)
    assert broken["policy.rest is kept"].size == pytest.approx(60.0)
    assert broken["policy.rest is kept"].unit == "kW"


def test_every_rule_of_a_policy_is_found_broken(plan):
    for place in range(3):
        values = plan.dataset["policy.free"].values
        other = changed(plan, policy__free=(place, 0.5 if values[place] == 1.0 else 0.25))
        assert "policy.free is kept" in rules_broken(other)
    many = changed(plan, policy__free=(slice(None), 1.0))
    assert set(rules_broken(many)) == {"policy.once is kept"}
    beyond = changed(plan, policy__free=(0, -1.0))
    assert "policy.free is kept" in rules_broken(beyond)
    none = changed(plan, policy__free=(slice(None), 0.0))
    calm = rules_broken(none).get("policy.calm is kept")
    assert calm is not None and HOURS[0] in calm.where


@pytest.mark.parametrize("name", ["lower", "upper", "weight", "place", "flow", "row", "whole"])
def test_rules_that_were_changed_are_noticed(plan, name):
    other = changed(plan, **{f"imposed__{name}": (0, 7)})
    assert any("changed" in rule for rule in rules_broken(other))


def test_rules_that_are_not_whole_are_noticed(plan):
    lacking = Plan(plan.case, plan.dataset.drop_vars("imposed.weight"))
    assert any("not whole" in rule for rule in rules_broken(lacking))
    dataset = plan.dataset.copy()
    listed = json.loads(dataset.attrs["policies"])
    listed[0]["rows"].append("policy.more")
    dataset.attrs["policies"] = json.dumps(listed)
    assert any("policy.more" in rule for rule in rules_broken(Plan(plan.case, dataset)))
    names = [n for n in plan.dataset.data_vars if str(n).startswith("imposed.")]
    bare = plan.dataset.drop_vars(names)
    bare.attrs = {k: v for k, v in bare.attrs.items() if k != "policies"}
    assert any("policy.free" in rule for rule in rules_broken(Plan(plan.case, bare)))


def test_values_that_are_no_numbers_break_the_rule(plan):
    other = changed(plan, policy__free=(0, np.nan))
    assert not cg.verify(plan.case, other).ok


def test_checking_needs_neither_pyomo_nor_the_formulation(plan, tmp_path):
    plan.save(tmp_path / "plan.nc")
    code = (
        "import sys, citygrid\nfrom citygrid.plan.plan import Plan\n"
        f"plan = Plan.load({str(tmp_path / 'plan.nc')!r})\n"
        "assert citygrid.verify(plan.case, plan).ok\n"
        "print([n for n in sys.modules if n.startswith(('pyomo', 'citygrid.model', "
        "'citygrid.routes'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
