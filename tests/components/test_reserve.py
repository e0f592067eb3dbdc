"""Spinning reserve: shared by units that run, missed at a price."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_units_share_a_requirement_by_hand() -> None:
    """Proves that only running units give reserve; without the requirement the cost is 17 EUR.

    Base costs 0.05, peak 0.20 EUR/kWh from 20 kW up; 30 kW are held back, or missed at 0.20. Hour
    1: base 60 of 100, 40 are left: 3 EUR. Hour 2: base 90 would leave 10, missing 20 for 4 EUR, 8.5
    together; peak at 20 and base at 70 leave 60: 3.5 + 4 = 7.5 EUR. Hour 3: 130 of 150 kW are used,
    10 are missing: 5 + 6 + 2 = 13 EUR. In the south 5 kWh at 0.10 each hour: 1.5 EUR. Together 25.
    """
    result = solved("reserve")
    assert result.flow("generator.power", "peak") == pytest.approx([0, 20, 30], abs=1e-6)
    assert result.flow("reserve.missing", "held back") == pytest.approx([0, 0, 10], abs=1e-6)
    assert result.flow("reserve.held", "held back south") == pytest.approx([10, 10, 10])
    assert result.paid("held back", "reserve.missing") == pytest.approx(2.0)
    assert result.plan.objective == pytest.approx(25.0, abs=1e-6)


def test_a_unit_that_is_off_gives_no_reserve() -> None:
    idle = {("generator.reserve", "peak", 0): 30.0, ("generator.reserve", "base", 0): 0.0}
    assert "reserve within what is left of the capacity" in told(solved("reserve"), idle)


def test_the_ramp_limits_reserve(tmp_path: Path) -> None:
    """Base may rise by 10 kW an hour: from 60 it could not give 30 more within the hour.

    It is at 60 before the first hour and has to stay there: 10 are held, 20 missing, for 4 EUR.
    """
    slow = ("power: 100 kW,", "power: 100 kW, ramp_up: 10 kW/h, initially_on: true, "
            "initial_output: 60 kW,")  # fmt: skip
    result = solve(variant("reserve", tmp_path, slow))
    assert result.verdict.ok
    rise = result.flow("generator.power", "base") + result.flow("generator.reserve", "base")
    assert rise[0] == pytest.approx(70)
    assert result.flow("reserve.missing", "held back")[0] == pytest.approx(20)
    lie = {("generator.reserve", "base", 0): 30.0, ("generator.reserve", "peak", 0): 0.0}
    assert "rise within the ramp" in told(result, lie)


def test_units_elsewhere_serve_a_requirement_by_its_node(tmp_path: Path) -> None:
    """The small unit holds 10 kW for the north, too few for both."""
    there = ("variable_cost: 100 EUR/MWh, reserve: true", "variable_cost: 100 EUR/MWh, "
             "reserve: north")  # fmt: skip
    fault = refusal("reserve", tmp_path, there)
    assert "draws spinning reserve where nothing supplies it" in fault.reason


def test_nothing_is_earned_by_holding_nothing_back(tmp_path: Path) -> None:
    fault = refusal("reserve", tmp_path, ("missing_price: 0.2", "missing_price: -0.2"))
    assert "missing_price" in fault.place and "at least 0 EUR/kWh" in fault.reason
