"""The digest of a plan: equal for the same dispatch, another for any other."""

from __future__ import annotations

import numpy as np
import pytest

from citygrid.plan.plan import Plan
from tests.helpers import solved


@pytest.fixture(scope="module")
def plan() -> Plan:
    return solved("battery").plan


def changed(plan: Plan, **attributes: object) -> Plan:
    dataset = plan.dataset.copy(deep=True)
    dataset.attrs |= attributes
    return Plan(plan.case, dataset)


def test_it_survives_a_file(plan, tmp_path):
    plan.save(tmp_path / "plan.nc")
    assert Plan.load(tmp_path / "plan.nc").digest == plan.digest


@pytest.mark.parametrize(
    "told",
    [{"telemetry": '{"queued_at": "2001-01-01"}'}, {"bound": -1e9}, {"status": "time_limit"},
     {"citygrid_version": "0"}, {"model": "another.yaml"}],
)  # fmt: skip
def test_times_versions_and_proofs_do_not_enter(plan, told):
    assert changed(plan, **told).digest == plan.digest


@pytest.mark.parametrize("told", [{"seed": 1}, {"route": "hybrid"}, {"objective": 1e6}])
def test_seed_route_and_cost_enter(plan, told):
    assert changed(plan, **told).digest != plan.digest


def test_of_an_answer_the_file_does_not_enter(plan):
    first, second = (changed(plan, route=f"answer:{name}") for name in ("a.json", "b/c.json"))
    assert first.digest == second.digest != plan.digest


def test_the_last_bit_of_every_flow_and_of_the_ledger_enters(plan):
    numbers = [name for name, array in plan.dataset.data_vars.items()
               if array.dtype.kind == "f" and array.size
               and not str(name).startswith(("worth.", "price."))]  # fmt: skip
    assert len(numbers) > 5
    for name in numbers:
        other = changed(plan)
        values = other.dataset[name].values
        values.flat[-1] = np.nextafter(values.flat[-1], np.inf)
        assert other.digest != plan.digest, name


def test_minus_nothing_is_nothing_and_prices_are_beside_the_plan(plan):
    other = changed(plan)
    flow = next(a for n, a in other.dataset.data_vars.items()
                if a.dtype.kind == "f" and not str(n).startswith(("worth", "price", "ledger"))
                and (a.values == 0).any())  # fmt: skip
    flow.values[flow.values == 0] = -0.0
    for name in other.dataset.data_vars:
        if str(name).startswith(("worth.", "price.")):
            other.dataset[name].values[...] = 7.0
    assert other.digest == plan.digest


def test_labels_and_units_enter(plan):
    name = next(n for n in plan.dataset.data_vars if str(n).startswith("battery."))
    other = changed(plan)
    other.dataset[name].attrs["units"] = "MW"
    assert other.digest != plan.digest
    renamed = plan.dataset.assign_coords(battery=["another"])
    assert Plan(plan.case, renamed).digest != plan.digest
