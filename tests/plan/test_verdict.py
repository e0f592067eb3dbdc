"""What a verdict says, word for word: at a prompt, in a notebook, as JSON, as an error."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import citygrid as cg
from citygrid.components.log import Breach
from citygrid.errors import Fault, VerificationError
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict, Violation, _violations, replayed
from tests.helpers import Solved, solved

AT_ONE = Violation("heat is balanced", "heat plant", "2023-01-16T01:00Z", 12.0, "kW", 0.5)
OF_ALL = Violation("the bound is not above the cost", "plan bound", None, 3.0, "EUR", 0.25)


def broken(*violations: Violation) -> Verdict:
    """A verdict on three hours, with figures that can be told from each other."""
    figures = {"cost_eur": 1234.5, "co2_kg": 67.25, "peak_import_kw": 4321.0, "pue": None}
    return Verdict(not violations, max((v.relative for v in violations), default=0.0),
                   violations, figures, 1234.5, 67.25, {})  # fmt: skip


def rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Heading and cell of every row of the notebook's table."""
    table = ET.fromstring(verdict._repr_html_())
    return [("".join(row[0].itertext()), "".join(row[1].itertext())) for row in table.iter("tr")]


# in words -----------------------------------------------------------------------------------------


def test_a_violation_is_one_line_with_or_without_its_hour() -> None:
    assert str(AT_ONE) == "heat plant at 2023-01-16T01:00Z: heat is balanced, off by 12 kW"
    assert str(OF_ALL) == "plan bound: the bound is not above the cost, off by 3 EUR"


def test_an_error_has_a_fault_for_every_violation() -> None:
    with pytest.raises(VerificationError) as error:
        broken(AT_ONE, OF_ALL).require()
    assert error.value.faults == (
        Fault("heat plant at 2023-01-16T01:00Z", "heat is balanced, off by 12 kW"),
        Fault("plan bound", "the bound is not above the cost, off by 3 EUR"),
    )


def test_at_a_prompt_it_is_one_line() -> None:
    assert repr(broken()) == (
        '<Verdict "verified": largest violation 0.0e+00 (relative), 1,234.50 EUR, 67.2 kg CO2>'
    )
    told = "largest violation 5.0e-01 (relative), 2 broken rules, worst: heat plant at 2023"
    assert repr(broken(AT_ONE, OF_ALL)).startswith(f'<Verdict "BROKEN": {told}')


def test_in_a_notebook_it_is_a_table_of_what_applies() -> None:
    usual = [("cost", "1,234.50 EUR"), ("CO2", "67.2 kg"), ("peak import kw", "4,321")]
    assert rows(broken()) == [("largest violation", "0.0e+00 (relative)"), *usual]
    for count, further in ((1, []), (5, []), (6, [("further broken rules", "1")])):
        several = [AT_ONE, *[OF_ALL] * (count - 1)]
        told = [(f"broken rule {i}", str(v)) for i, v in enumerate(several[:5], 1)]
        assert rows(broken(*several)) == [
            ("largest violation", "5.0e-01 (relative)"), *usual[:2], *told, *further, *usual[2:]
        ]  # fmt: skip
    caption = ET.fromstring(broken(AT_ONE)._repr_html_())[0]
    assert "".join(caption.itertext()) == "Verdict BROKEN"


def test_in_json_it_has_the_fifty_worst_and_no_infinity() -> None:
    endless = OF_ALL._replace(size=np.inf, relative=np.inf)
    assert broken(endless, AT_ONE).as_dict() == {
        "ok": False, "largest_violation": None,
        "violations": [
            {"rule": OF_ALL.rule, "where": "plan bound", "time": None, "size": None, "unit": "EUR",
             "relative": None},
            {"rule": AT_ONE.rule, "where": "heat plant", "time": "2023-01-16T01:00Z", "size": 12.0,
             "unit": "kW", "relative": 0.5},
        ],
    }  # fmt: skip
    many = broken(*[AT_ONE] * 51)
    assert many.as_dict()["largest_violation"] == 0.5
    assert len(many.as_dict()["violations"]) == 50
    assert many.broken(50) == [str(AT_ONE)] * 50 + ["and 1 more"]
    assert many.broken(51) == [str(AT_ONE)] * 51


# what is found, to the number ---------------------------------------------------------------------


def violations(result: Solved, out: Mapping[str, tuple[int, int]]) -> dict[str, Violation]:
    """Rule → what the plan of a district breaks, were these units out of service."""
    found = cg.verify(replace(result.case, out=out), result.plan).violations
    return {f"{violation.where}: {violation.rule}": violation for violation in found}


def test_what_has_failed_moves_nothing_while_it_is_out_of_service() -> None:
    """The boilers' district: `reserve` makes 40, 20 and 30 kW at 45 %; `main` 100 kW at 01:00."""
    result = solved("boiler")
    heat, gas = "no heat while out of service", "no gas while out of service"
    found = violations(result, {"reserve": (1, 2)})
    assert {key for key in found if "out of service" in key} == {
        f"boiler reserve: {heat}", f"boiler reserve: {gas}"
    }  # fmt: skip
    at_one = "2023-01-16T01:00Z"
    assert found[f"boiler reserve: {heat}"] == Violation(
        heat, "boiler reserve", at_one, pytest.approx(20), "kW", pytest.approx(20)
    )
    assert found[f"boiler reserve: {gas}"] == Violation(
        gas, "boiler reserve", at_one, pytest.approx(20 / 0.45), "kW", pytest.approx(20 / 0.45)
    )
    first = violations(result, {"reserve": (0, 1), "main": (0, 1)})
    assert {key for key in first if "out of service" in key} == {
        f"boiler reserve: {heat}", f"boiler reserve: {gas}"
    }  # fmt: skip
    assert first[f"boiler reserve: {heat}"].size == pytest.approx(40)


def test_data_that_a_failed_link_moves_is_told_in_the_unit_of_data() -> None:
    result = solved("data_link")
    named = {name: (0, len(result.case.time)) for name in result.case.units["data_link"].names}
    found = violations(result, named)
    assert {v.unit for v in found.values() if v.rule == "no data while out of service"} == {"GB/h"}


@pytest.mark.parametrize(("hours", "columns", "told"), [
    (2, 2, "2023-01-16T01:00Z"), (3, 2, None), (3, 4, None), (1, 1, None), (3, 1, None),
])  # fmt: skip
def test_an_hour_is_told_of_what_is_broken_by_the_hour(
    hours: int, columns: int, told: str | None
) -> None:
    """Not of what has one figure for the whole horizon, or one more than hours."""
    time = np.datetime64("2023-01-16T00", "ns") + np.arange(hours).astype("timedelta64[h]")
    case = replace(solved("boiler").case, time=time)
    size = np.zeros((1, columns))
    size[0, -1] = 3.0
    breach = Breach("boiler", "a rule", np.array(["main"]), size, np.full_like(size, 6.0), "kW")
    (found,) = _violations(case, [breach])
    assert found == Violation("a rule", "boiler main", told, 3.0, "kW", 0.5)


@pytest.mark.parametrize("out", [{"main": (0, 1)}, {"main": (2, 3)}, {"reserve": (1, 1)}])
def test_a_unit_that_stands_still_may_be_out_of_service(out: dict[str, tuple[int, int]]) -> None:
    assert not any("out of service" in key for key in violations(solved("boiler"), out))


def test_a_rule_of_a_policy_that_is_not_whole_is_found() -> None:
    case, _, plan, _ = solved("pv")
    stray = plan.dataset.assign({"imposed.row": ("imposed_entry", np.zeros(1))})
    (found,) = cg.verify(case, Plan(case, stray)).violations
    assert found.rule.startswith("the rules that policies imposed are not whole")


def test_prices_of_the_district_weigh_in_the_counted_cost() -> None:
    """100 EUR/t on 200 g/kWh of gas, beside what the gas costs."""
    verdict = solved("fuel").verdict
    money = sum(line.money for line in verdict.ledger.values())
    assert verdict.carbon > 1.0
    assert verdict.cost == pytest.approx(money + 0.1 * verdict.carbon)


def test_a_kind_that_cannot_be_replayed_leaves_the_others_checked() -> None:
    """The flats' flow is gone, and what the grid buys is bought for nobody."""
    case, _, plan, _ = solved("pv")
    lacking = plan.dataset.drop_vars("power_demand.served")
    lacking["grid.import"] = lacking["grid.import"] + 7.0
    found = {v.rule: v for v in cg.verify(case, Plan(case, lacking)).violations}
    gone = found["the plan lacks or misshapes 'served'"]
    assert (gone.where, gone.time, gone.unit) == ("power_demand power_demand", None, "1")
    assert np.isinf(gone.size) and "power is balanced" in found


def test_a_plan_that_cannot_be_replayed_says_only_why() -> None:
    """What is broken beside it has a size, and would mislead."""
    case, _, plan, _ = solved("pv")
    with pytest.raises(VerificationError) as error:
        replayed(Plan(case, plan.dataset.drop_vars("power_demand.served")))
    assert error.value.faults == (
        Fault("power_demand power_demand", "the plan lacks or misshapes 'served'", None,
              "plan the district anew"),
    )  # fmt: skip


def test_a_broken_plan_that_can_be_replayed_is_shown_with_what_it_breaks() -> None:
    case, _, plan, verdict = solved("pv")
    assert replayed(plan) == verdict
    off: xr.Dataset = plan.dataset.assign_attrs(objective=plan.objective + 50.0)
    assert not replayed(Plan(case, off)).ok


def test_the_worst_hour_of_each_unit_is_told_and_no_other() -> None:
    """Two boilers beyond their power, in two hours each."""
    case, _, plan, _ = solved("boiler")
    dataset = plan.dataset.copy(deep=True)
    dataset["boiler.heat"].values[:] = [[130.0, 0.0, 120.0], [0.0, 110.0, 140.0]]
    rule = "output within minimum load and capacity"
    found = [v for v in cg.verify(case, Plan(case, dataset)).violations if v.rule == rule]
    at = {violation.where: violation.time for violation in found}
    assert set(at) == {"boiler main", "boiler reserve"} and len(found) == 2
    assert at["boiler reserve"] == "2023-01-16T02:00Z"


def test_a_balance_of_data_is_told_in_the_unit_of_data() -> None:
    case, _, plan, _ = solved("data_link")
    dataset = plan.dataset.copy(deep=True)
    dataset["data_link.flow"].values[0, 0] += 1.0
    found = {v.rule: v for v in cg.verify(case, Plan(case, dataset)).violations}
    assert found["data is balanced"].unit == "GB/h"


def test_where_there_is_nothing_to_check_nothing_is_broken() -> None:
    """No component, no flow: the largest violation is 0, and nothing is paid."""
    case, _, plan, _ = solved("pv")
    empty = replace(case, units={})
    attributes = {name: plan.dataset.attrs[name] for name in ("route", "objective")}
    dataset = xr.Dataset(coords={"time": plan.dataset["time"]}, attrs=attributes)
    verdict = cg.verify(empty, Plan(empty, dataset.assign_attrs(case_hash=empty.hash)))
    assert (verdict.ok, verdict.largest, verdict.cost, verdict.ledger) == (True, 0.0, 0.0, {})


def test_hours_in_which_a_store_burns_power_are_counted() -> None:
    """Charging and discharging at once in one hour of four, as in the tests of the battery."""
    case, _, plan, verdict = solved("battery")
    assert verdict.kpis["hours_against_each_other"] == 0.0
    dataset = plan.dataset.copy(deep=True)
    dataset["battery.discharge"].values[0, 2] += 2.4
    burnt = cg.verify(case, Plan(case, dataset)).kpis["hours_against_each_other"]
    assert burnt == pytest.approx(case.step)


def test_the_ledger_of_a_verdict_is_that_of_the_plan() -> None:
    _, _, plan, verdict = solved("fuel")
    names = plan.dataset["ledger.component"].values, plan.dataset["ledger.item"].values
    stated = dict(zip(zip(*names, strict=True), plan.dataset["ledger.money"].values, strict=True))
    assert {key: line.money for key, line in verdict.ledger.items()} == pytest.approx(stated)


def test_faults_of_all_kinds_are_told_at_once() -> None:
    """One lacks a flow, one has a flow too many, and one is in another unit."""
    case, _, plan, _ = solved("pv")
    dataset = plan.dataset.copy(deep=True).drop_vars("grid.import")
    dataset["pv.nonsense"] = dataset["pv.produced"] * 0.0
    dataset["power_demand.served"].attrs["units"] = "kWh"
    found = {str(v) for v in cg.verify(case, Plan(case, dataset)).violations if np.isinf(v.size)}
    assert found == {
        "grid grid: the plan lacks or misshapes 'import', off by inf 1",
        "pv pv: pv has no flow called nonsense, off by inf 1",
        "power_demand power_demand: power_demand.served is in kWh, not in kW, off by inf 1",
    }
