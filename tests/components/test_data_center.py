"""Data centre: power in, heat out, of which a share can be recovered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solved, told


def test_heat_of_servers_warms_homes_by_hand() -> None:
    """Proves power, heat and what is recoverable; all heat recovered would spare the boiler.

    IT: 10 idle + 40 = 50 kW; 10 + 65 + a job of 5 = 80 kW. Power is 1.05 · IT + 2 kW: 54.5 and 86,
    and all of it is heat, of which 0.8 · IT = 40 and 64 kW can be recovered. The pump (COP 4) takes
    0.75 and 0.25 of its heat from loop and grid. Hour 1: 30 kW of heat, 22.5 recovered, 32
    rejected. Hour 2: 64 recovered give 85.3333 of 120 kW, the boiler 34.6667 at 0.1 EUR; 22
    rejected. Bought, with 3 % for the fans: 54.5 + 7.5 + 0.96 and 86 + 21.3333 + 0.66 kWh at
    0.2 EUR: 12.592 + 21.598667 + 3.466667 = 37.657333 EUR.
    """
    result = solved("data_center")
    assert result.flow("data_center.compute", "servers") == pytest.approx([0, 5], abs=1e-6)
    assert result.flow("data_center.recovered", "servers") == pytest.approx([22.5, 64])
    assert result.flow("data_center.rejected", "servers") == pytest.approx([32, 22])
    assert result.flow("heat_pump.heat", "pump") == pytest.approx([30, 256 / 3])
    assert result.flow("grid.import", "grid") == pytest.approx([62.96, 86.66 + 64 / 3])
    by_hand = 0.2 * (62.96 + 86.66 + 64 / 3) + 0.1 * (120 - 256 / 3)
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)


def test_heat_that_vanishes_is_told() -> None:
    """First law: 10 kW that are neither recovered nor rejected."""
    lost = {("data_center.rejected", "servers", 1): 12.0, ("chiller.cooling", "chiller", 1): 12.0}
    assert "all heat is recovered or rejected" in told(solved("data_center"), lost)


def test_more_than_the_loop_can_give_is_told() -> None:
    """75 of 86 kW, balanced everywhere but beyond 80 % of the IT power."""
    beyond = {
        ("data_center.recovered", "servers", 1): 75.0, ("data_center.rejected", "servers", 1): 11.0,
        ("chiller.cooling", "chiller", 1): 11.0, ("heat_pump.heat", "pump", 1): 100.0,
        ("boiler.heat", "boiler", 1): 20.0, ("fuel.supplied", "gas", 1): 20 / 0.9,
        ("grid.import", "grid", 1): 86 + 0.33 + 25,
    }  # fmt: skip
    rules = told(solved("data_center"), beyond)
    assert "recovered heat is recoverable" in rules
    assert not {rule for rule in rules if "balanced" in rule}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("idle: 10 kW", "idle: 40 kW", "idle and interactive load exceed the capacity"),
        ("recoverable: 80 %", "recoverable: 120 %", "must be at most 1"),
        ("recoverable: 80 %", "loop_supply: 40 degC", "is not warmer than its return of 45 degC"),
        ("cooling: liquid", "cooling: water", "is not one of the choices"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("data_center", tmp_path, (old, new)).reason
