"""Boiler: efficiency, minimum load, and what a start costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_a_boiler_that_must_not_run_low_by_hand() -> None:
    """Proves commitment; without minimum load the cost is 23, without the start 28 EUR.

    Gas costs 0.09 EUR/kWh, so heat costs 0.1 from ``main`` (90 %) and 0.2 from ``reserve`` (45 %).
    Hours 1 and 3 ask for 40 and 30 kW, below the 50 kW that ``main`` must give: the reserve serves
    them, 8 + 6 EUR. Hour 2 asks for 120: start for 2 EUR, 100 · 0.1 + 20 · 0.2 = 14.
    Together 30 EUR. Efficiency is heat over fuel: 100 kW of heat burn 111.11 kW of gas.
    """
    result = solved("boiler")
    assert result.flow("boiler.heat", "main") == pytest.approx([0, 100, 0], abs=1e-6)
    assert result.flow("boiler.heat", "reserve") == pytest.approx([40, 20, 30])
    assert result.flow("boiler.on", "main") == pytest.approx([0, 1, 0])
    assert result.flow("fuel.supplied")[0, 1] == pytest.approx(100 / 0.9 + 20 / 0.45)
    assert result.paid("main", "boiler.start") == pytest.approx(2.0)
    assert result.plan.objective == pytest.approx(30.0, abs=1e-6)


def test_a_unit_that_runs_already_pays_no_start(tmp_path: Path) -> None:
    """With 40 % as minimum load ``main`` runs on for two hours: 4 + 14 + 6 = 24 EUR."""
    changes = [("start_cost: 2 EUR", "start_cost: 2 EUR, initially_on: true"),
               ("minimum_load: 50 %", "minimum_load: 40 %")]  # fmt: skip
    assert solve(variant("boiler", tmp_path, *changes)).plan.objective == pytest.approx(24.0)
    (tmp_path / "off").mkdir()
    cold = solve(variant("boiler", tmp_path / "off", changes[1]))
    assert cold.plan.objective == pytest.approx(26.0)


def test_running_below_the_minimum_load_is_told() -> None:
    low = {("boiler.on", "main", 0): 1.0, ("boiler.heat", "main", 0): 40.0,
           ("boiler.heat", "reserve", 0): 0.0}  # fmt: skip
    assert "output within minimum load and capacity" in told(solved("boiler"), low)


def test_heat_without_running_is_told() -> None:
    off = {("boiler.on", "main", 1): 0.0, ("boiler.start", "main", 1): 0.0}
    assert "output within minimum load and capacity" in told(solved("boiler"), off)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("minimum_load: 50 %", "minimum_load: 120 %", "must be at most 1"),
        ("start_cost: 2 EUR", "start_cost: -2 EUR", "greater than or equal to 0"),
        ("efficiency: 90 %", "efficiency: 0", "must be at least 0.001"),
        ("heat: 100 kW, efficiency: 90 %", "heat: 100 kWh", "is not a power"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("boiler", tmp_path, (old, new)).reason
