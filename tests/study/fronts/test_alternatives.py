"""Alternatives: within the slack by their replay, different, and extremes by a proof."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.errors import InfeasibleError, InputError
from citygrid.plan.plan import Plan
from citygrid.study.fronts import alternatives
from citygrid.study.fronts.groups import Group
from tests.helpers import EXACT
from tests.study.fronts.districts import TINY, case_of, straight


def test_all_cost_within_the_slack_and_all_differ() -> None:
    found = alternatives(case_of(TINY), 0.1, 6, options=EXACT)
    assert found.best == pytest.approx(56.0) and len(found.found) >= 2
    for each in found.found:
        assert each.verdict.ok
        assert each.cost <= 61.6 + 1e-4 and each.above <= 0.1 + 1e-6
        assert each.differs
    for one, other in combinations((found.cheapest, *found.found), 2):
        assert any(
            abs(one.amounts[name] - other.amounts[name]) > 0.005 * abs(one.amounts[name])
            for name in one.amounts
        )


def test_the_lowest_peak_within_the_slack_is_that_by_hand() -> None:
    """5.60 EUR more buy 5.6 / 0.6 = 9.33 kW in hour 3: 110.67 kW."""
    found = alternatives(case_of(TINY), 0.1, 1, options=EXACT)
    (only,) = found.found
    assert only.aim == "least highest import"
    assert only.value == pytest.approx(120.0 - 5.6 / 0.6)
    assert only.proven == pytest.approx(only.value, rel=1e-6)
    assert only.verdict.kpis["peak_import_kw"] == pytest.approx(only.value)
    assert any(text.startswith("CO2 emitted 29.33 kg instead of 20") for text in only.differs)


def test_the_least_gas_is_what_the_slack_pays_for(tmp_path: Path) -> None:
    """10 EUR at best; each kWh from power instead of gas costs 0.05: 5 EUR buy 100 kWh."""
    found = alternatives(case_of(straight(tmp_path)), 0.5, 5, options=EXACT)
    least = next(each for each in found.found if each.aim == "least CO2 emitted")
    assert least.value == pytest.approx(20.0) and least.proven == pytest.approx(20.0)
    assert least.cost == pytest.approx(15.0)
    assert "heat of boiler 0.10 MWh instead of 0.20" in least.differs


def test_what_a_proof_says_no_plan_beats(tmp_path: Path) -> None:
    """Every extreme of every alternative lies inside what the others were proven to keep."""
    found = alternatives(case_of(TINY), 0.1, 8, options=EXACT)
    everyone = (found.cheapest, *found.found)
    for each in found.found:
        if each.proven is None:
            continue
        name = each.aim.partition(" ")[2]
        for other in everyone:
            if each.aim.startswith("least"):
                assert other.amounts[name] >= each.proven - 1e-4 * max(1.0, abs(each.proven))
            else:
                assert other.amounts[name] <= each.proven + 1e-4 * max(1.0, abs(each.proven))


def test_a_plan_without_alternatives_says_so(tmp_path: Path) -> None:
    path = straight(tmp_path, ("heat: 120 kW, efficiency: 100 %}\n  houses",
                               "heat: 0 kW, efficiency: 100 %}\n  houses"))  # fmt: skip
    found = alternatives(case_of(path), 0.02, 3, options=EXACT)
    assert not found.found and found.left_out


def test_plans_keep_the_slack_as_a_rule(tmp_path: Path) -> None:
    (only,) = alternatives(case_of(TINY), 0.1, 1, options=EXACT).found
    only.plan.save(tmp_path / "plan.nc")
    plan = Plan.load(tmp_path / "plan.nc")
    assert cg.verify(plan.case, plan).ok
    policies = json.loads(plan.dataset.attrs["policies"])
    assert "cost at most 61.60 EUR" in [policy["function"] for policy in policies]


@pytest.mark.parametrize(("slack", "number", "option"), [
    (0.0, 3, "--slack"), (-0.1, 3, "--slack"), (3.0, 3, "--slack"), (0.1, 0, "--number"),
    (0.1, 1000, "--number"),
])  # fmt: skip
def test_slips_are_refused(slack: float, number: int, option: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=option):
        alternatives(case_of(straight(tmp_path)), slack, number)


def test_a_district_without_a_plan_says_what_lacks(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="heat"):
        alternatives(case_of(straight(tmp_path, ("load: 100 kW", "load: 500 kW"))))


def test_the_command_writes_a_table_and_the_plans(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [
        "alternatives", str(straight(tmp_path)), "--slack", "50 %", "--number", "1", "--plans",
        "--gap", "0", "--json", "--out", str(tmp_path / "out"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    table = pd.read_csv(document["files"]["csv"])
    assert table["aim"].iloc[0] == "least cost" and len(table) == 2
    assert (table["cost_eur"] <= 15.0 + 1e-4).all()
    for number in range(2):
        plan = Plan.load(document["files"][f"plan {number}"])
        assert cg.verify(plan.case, plan).ok


def test_the_command_refuses_a_slack_that_is_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["alternatives", str(straight(tmp_path)), "--slack", "much"])
    assert done.exit_code == 2 and "--slack" in done.output


def test_a_trifle_makes_no_other_plan() -> None:
    """With 56 millionths of a euro to spend the chiller may take a third of a watt-hour."""
    found = alternatives(case_of(TINY), 1e-6, 3, options=EXACT)
    assert not found.found
    assert any(text.startswith("most cooling of chiller: differs from no plan") for text in
               found.left_out)  # fmt: skip


def test_what_differs_is_seen_in_its_digits() -> None:
    """“0.04 MWh instead of 0.04” says nothing."""
    heat = Group("heat of boiler", "kWh", np.zeros(1))
    assert heat.said(44.0, 41.5) == "heat of boiler 44.0 kWh instead of 41.5"
    assert heat.said(12345.0, 12340.0) == "heat of boiler 12,345.0 kWh instead of 12,340.0"
    assert heat.said(280.0, 80.0) == "heat of boiler 0.28 MWh instead of 0.08"
