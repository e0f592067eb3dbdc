"""A plan as plain arrays: what planning and checking need, and the dataset that is made of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import citygrid as cg
from citygrid.plan.content import Content, Variable
from citygrid.plan.plan import Plan
from tests.helpers import DISTRICTS, solved


def test_a_district_is_planned_and_verified_without_libraries_for_tables() -> None:
    """Loading them takes longer, and more memory, than a small district does."""
    code = (
        "import sys, citygrid as cg\n"
        f"case = cg.prepare(cg.load({str(DISTRICTS / 'battery.yaml')!r}))\n"
        "plan = cg.solve(cg.formulate(case))\n"
        "cg.verify(case, plan).require()\n"
        "plan.digest\n"
        "print(sorted({'xarray', 'pandas', 'pint', 'pyarrow', 'netCDF4'} & {*sys.modules}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_dataset_says_what_the_arrays_say() -> None:
    case, form, _, _ = solved("battery")
    plan = cg.solve(form)
    content, digest = plan.content, plan.digest
    verdict = cg.verify(case, plan)
    dataset = plan.dataset
    assert plan.dataset is dataset
    assert set(content.variables) == set(map(str, dataset.data_vars))
    for name, (dims, values, said) in content.variables.items():
        assert dataset[name].dims == dims and dataset[name].attrs == said
        assert np.array_equal(dataset[name].values, values)
    for dim, labels in content.labels.items():
        assert np.array_equal(dataset[dim].values, labels)
    assert dataset.attrs == content.attributes
    assert plan.digest == digest and cg.verify(case, plan).as_dict() == verdict.as_dict()


def test_who_changes_the_dataset_changes_the_plan() -> None:
    case, form, _, _ = solved("battery")
    plan = cg.solve(form)
    plan.dataset["battery.level"] = plan.dataset["battery.level"] + 1.0
    plan.dataset.attrs["objective"] = 0.0
    assert plan.objective == 0.0
    assert not cg.verify(case, plan).ok
    again = replace(plan, dataset=solved("battery").plan.dataset)
    assert cg.verify(case, again).ok


def test_a_plan_without_its_hours_is_refused_in_words() -> None:
    case, _, plan, _ = solved("battery")
    verdict = cg.verify(case, Plan(case, plan.dataset.drop_vars("time")))
    assert "its hours are not those of the case" in {v.rule for v in verdict.violations}


def test_arrays_that_do_not_fit_their_axes_are_no_plan() -> None:
    flow = Variable(("pump", "time"), np.zeros((2, 3)), {"units": "kW"})
    labels = {"pump": np.array(["a", "b"]), "time": np.arange(3)}
    made = Content.made({"pump.heat": flow}, labels, {})
    assert made.dataset()["pump.heat"].shape == (2, 3)
    with pytest.raises(ValueError, match=r"pump\.heat is not as long as its axes pump, time"):
        Content.made({"pump.heat": flow}, {**labels, "time": np.arange(4)}, {})


def test_a_plan_needs_its_dataset() -> None:
    with pytest.raises(TypeError, match="dataset"):
        Plan(solved("battery").case)  # type: ignore[call-arg]
