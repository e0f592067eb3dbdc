"""The verdict: what it finds, how it names it, and what it may not be talked into."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.errors import VerificationError
from citygrid.export import write
from citygrid.plan.plan import Plan
from citygrid.plan.verify import TOLERANCE, Verdict, Violation
from tests.helpers import solved


def changed(kind: str, change: Callable[[xr.Dataset], xr.Dataset | None]) -> Verdict:
    """The verdict on a plan after a change of its dataset."""
    case, _, plan, _ = solved(kind)
    dataset = plan.dataset.copy(deep=True)
    return cg.verify(case, Plan(case, change(dataset) or dataset))


def more(flow: str, step: int, amount: float) -> Callable[[xr.Dataset], None]:
    def change(dataset: xr.Dataset) -> None:
        dataset[flow][0, step] += amount

    return change


# what is found, and how it is named ---------------------------------------------------------------


def test_a_broken_plan_is_refused_with_all_its_violations() -> None:
    """3 kW of import that nobody takes: the balance, the ledger and the objective are off."""
    solved("pv").verdict.require()
    verdict = changed("pv", more("grid.import", 1, 3.0))
    with pytest.raises(VerificationError, match="power is balanced, off by 3 kW") as error:
        verdict.require()
    assert len(error.value.faults) == len(verdict.violations) >= 2


def test_a_violation_has_rule_place_hour_size_and_unit() -> None:
    """3 kW of import that nobody takes, at a grid of 200 EUR/MWh."""
    verdict = changed("pv", more("grid.import", 1, 3.0))
    assert not verdict.ok
    found = {violation.rule: violation for violation in verdict.violations}
    balance = found["power is balanced"]
    assert (balance.where, balance.time) == ("power house", "2023-01-16T01:00Z")
    assert balance.size == pytest.approx(3.0) and balance.unit == "kW"
    assert balance.relative == pytest.approx(3 / 23)
    assert str(balance) == (
        "power house at 2023-01-16T01:00Z: power is balanced, off by 3 kW"
    )  # fmt: skip
    ledger = found["the ledger states what was spent"]
    assert ledger.where == "ledger grid, grid.import" and ledger.time is None
    assert ledger.size == pytest.approx(0.6) and ledger.unit == "EUR"
    assert found["the objective is the sum of the ledger"].size == pytest.approx(0.6)


def test_violations_stand_worst_first_with_their_worst_hour() -> None:
    def twice(dataset: xr.Dataset) -> None:
        dataset["pv.produced"][0, 0] += 11.0  # 30 are available, 20 were used
        dataset["pv.produced"][0, 1] += 2.0

    verdict = changed("pv", twice)
    sizes = [violation.relative for violation in verdict.violations]
    assert sizes == sorted(sizes, reverse=True) and verdict.largest == sizes[0]
    sun = [v for v in verdict.violations if v.rule.startswith("production within")]
    assert [(v.where, v.time) for v in sun] == [("pv roof", "2023-01-16T01:00Z")]


def test_what_is_left_out_of_a_list_of_violations_is_counted() -> None:
    """Five lines of five hundred look like all of it."""
    verdict = solved("pv").verdict
    broken = replace(
        verdict, ok=False, violations=(Violation("rule", "here", None, 1.0, "kW", 1.0),) * 7
    )
    assert broken.broken(5)[-1] == "and 2 more" and len(broken.broken(5)) == 6
    assert broken.broken(7) == [str(each) for each in broken.violations]


def test_the_tolerance_is_relative_to_what_flows() -> None:
    """20 kW: 1e-5 kW pass, 1e-4 do not; a watt is no excuse for a megawatt."""
    assert changed("pv", more("grid.import", 1, 0.4 * TOLERANCE * 20)).ok
    assert not changed("pv", more("grid.import", 1, 4 * TOLERANCE * 20)).ok


@pytest.mark.parametrize(
    ("kind", "attribute", "amount"), [("fuel", "objective", 0.01), ("grid", "objective", -0.01)]
)
def test_another_objective_than_the_flows_cost_is_found(
    kind: str, attribute: str, amount: float
) -> None:
    verdict = changed(kind, lambda data: data.assign_attrs(objective=data.objective + amount))
    rules = {violation.rule for violation in verdict.violations}
    # A plan that claims to be cheaper than it is may also undercut its own bound.
    assert "the objective is the sum of the ledger" in rules
    assert rules <= {"the objective is the sum of the ledger", "the bound is not above the cost"}


def test_a_bill_for_nothing_and_a_bill_left_out_are_found() -> None:
    """Lines of the ledger are matched both ways."""

    def renamed(dataset: xr.Dataset) -> None:
        items = dataset["ledger.item"].values
        items[list(items).index("fuel.fuel")] = "fuel.gift"

    verdict = changed("fuel", renamed)
    assert {v.where for v in verdict.violations} == {
        "ledger gas, fuel.fuel",
        "ledger gas, fuel.gift",
    }


def test_a_bill_that_stands_twice_is_paid_twice() -> None:
    def doubled(dataset: xr.Dataset) -> xr.Dataset:
        return dataset.isel(ledger_line=[0, 0, 1])

    verdict = changed("fuel", doubled)
    assert "ledger gas, fuel.fuel" in {violation.where for violation in verdict.violations}


# another case -------------------------------------------------------------------------------------


def test_a_plan_is_not_right_for_another_case() -> None:
    """The same plan, the same names, and a demand that is higher by a kilowatt."""
    case, _, plan, _ = solved("pv")
    units = case.units["power_demand"]
    load = units.parameters["load"]
    parameters = {**units.parameters, "load": load._replace(values=load.values + 1.0)}
    other = replace(
        case, units={**case.units, "power_demand": replace(units, parameters=parameters)}
    )
    rules = {violation.rule for violation in cg.verify(other, plan).violations}
    assert rules == {"load is served", "it was made for another case, or its case was changed"}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_labels_in_another_order_are_found(kind: str) -> None:
    """Arrays are read by position, so a plan with other labels speaks of other things."""
    case, _, plan, _ = solved(kind)
    for units in case.units.values():
        for dim, labels in units.coords.items():
            if dim in plan.dataset.coords and len(labels) > 1:
                turned = plan.dataset.assign_coords({dim: plan.dataset[dim].values[::-1].copy()})
                assert not cg.verify(case, Plan(case, turned)).ok, dim


def test_a_flow_that_no_kind_has_is_found() -> None:
    case, _, plan, _ = solved("pv")
    more = plan.dataset.assign({"pv.nonsense": plan.dataset["pv.produced"] * 0.0})
    rules = {violation.rule for violation in cg.verify(case, Plan(case, more)).violations}
    assert rules == {"pv has no flow called nonsense"}


def test_a_bound_above_the_cost_is_found() -> None:
    case, _, plan, _ = solved("pv")
    proud = plan.dataset.assign_attrs(bound=plan.objective + 1.0)
    rules = {violation.rule for violation in cg.verify(case, Plan(case, proud)).violations}
    assert rules == {"the bound is not above the cost"}


def test_other_hours_are_found() -> None:
    hour = np.timedelta64(1, "h")
    verdict = changed("pv", lambda data: data.assign_coords(time=data["time"].values + hour))
    assert [v.rule for v in verdict.violations] == ["its hours are not those of the case"]
    assert not np.isfinite(verdict.largest)


def test_other_components_are_found() -> None:
    """Two stores of one kind in another order would each be checked as the other."""
    verdict = changed("boiler", lambda data: data.assign_coords(boiler=["reserve", "main"]))
    assert [v.rule for v in verdict.violations] == ["its components are not those of the case"]


def test_flows_of_no_component_are_found() -> None:
    verdict = changed("pv", lambda data: data.assign({"windmill.power": ("time", np.full(3, 5.0))}))
    assert [v.where for v in verdict.violations] == ["windmill.power windmill.power"]


def test_a_missing_flow_is_named() -> None:
    verdict = changed("pv", lambda data: data.drop_vars("pv.produced"))
    (missing,) = (v for v in verdict.violations if "lacks or misshapes" in v.rule)
    assert "pv.produced" in missing.rule or "produced" in missing.rule


def test_a_flow_of_another_shape_is_found() -> None:
    def cut(dataset: xr.Dataset) -> xr.Dataset:
        short = dataset["pv.produced"].isel(time=slice(0, 2)).rename(time="early")
        return dataset.drop_vars("pv.produced").assign({"pv.produced": short.drop_vars("early")})

    assert not changed("pv", cut).ok


# units and the machine's reader -------------------------------------------------------------------


def test_a_plan_in_megawatts_is_the_same_plan() -> None:
    """Units are read from the file and not assumed."""

    def in_megawatts(dataset: xr.Dataset) -> None:
        dataset["grid.import"] = dataset["grid.import"] / 1000.0
        dataset["grid.import"].attrs["units"] = "MW"

    assert changed("pv", in_megawatts).ok

    def mislabelled(dataset: xr.Dataset) -> None:
        dataset["grid.import"].attrs["units"] = "MW"

    assert not changed("pv", mislabelled).ok


def test_the_verdict_is_json_also_when_it_is_infinite() -> None:
    verdict = changed("pv", lambda data: data.drop_vars("pv.produced"))
    stated = json.loads(json.dumps(verdict.as_dict(), allow_nan=False))
    assert stated["ok"] is False and stated["largest_violation"] is None
    assert json.loads(json.dumps(solved("pv").verdict.as_dict()))["violations"] == []


def test_the_cost_is_counted_from_flows_and_not_taken_from_the_plan() -> None:
    verdict = changed("fuel", lambda data: data.assign_attrs(objective=1.0))
    assert verdict.cost == pytest.approx(9.7) and verdict.kpis["cost_eur"] == pytest.approx(9.7)


@pytest.mark.parametrize("claim", ["objective", "bound"])
def test_a_claim_that_is_no_number_is_found(claim: str) -> None:
    """NaN compares as false with everything, so a check by `>` alone would let it pass."""
    verdict = changed("fuel", lambda data: data.assign_attrs({claim: float("nan")}))
    assert not verdict.ok and verdict.largest == np.inf


def test_a_flow_or_ledger_line_in_a_unit_that_is_none_is_found() -> None:
    def label(name: str, unit: str) -> Callable[[xr.Dataset], None]:
        def change(data: xr.Dataset) -> None:
            data[name].attrs["units"] = unit

        return change

    for name, unit in (("fuel.supplied", "bananas"), ("ledger.money", "kEUR")):
        verdict = changed("fuel", label(name, unit))
        assert not verdict.ok
        assert any(name in violation.where + violation.rule for violation in verdict.violations)


def test_a_plan_that_cannot_be_replayed_is_not_drawn(tmp_path) -> None:
    case, _, plan, _ = solved("fuel")
    broken = Plan(case, plan.dataset.drop_vars("fuel.supplied"))
    with pytest.raises(VerificationError, match="fuel"):
        write(broken, ["csv"], tmp_path)
    assert not list(tmp_path.iterdir())
