"""Combined heat and power: both in a fixed ratio from one fuel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, variant


def test_an_engine_runs_when_power_is_dear_by_hand() -> None:
    """Proves the ratio of power and heat; heat for nothing, or burnt twice, changes the cost.

    Per kWh of power the engine burns 2.5 kWh of gas (0.15 EUR) and gives 1.25 kWh of heat, which
    saves 1.25 / 0.9 · 0.06 = 0.0833 EUR in the boiler: 0.0667 EUR net.
    Hour 1, power at 0.05: off. 120 · 0.05 + 150 / 0.9 · 0.06 = 16 EUR.
    Hour 2, power at 0.30: full. 250 · 0.06 + 25 / 0.9 · 0.06 + 20 · 0.3 + start 3 = 25.6667 EUR.
    Hour 3: only 50 kW of heat are wanted, that is 40 kW of power, below the minimum of 50: off.
    120 · 0.3 + 50 / 0.9 · 0.06 = 39.3333 EUR. Together 81 EUR.
    """
    result = solved("chp")
    assert result.flow("chp.power", "engine") == pytest.approx([0, 100, 0], abs=1e-6)
    assert result.flow("boiler.heat", "boiler") == pytest.approx([150, 25, 50])
    assert result.flow("grid.import", "grid") == pytest.approx([120, 20, 120])
    assert result.flow("fuel.supplied", "gas")[1] == pytest.approx(250 + 25 / 0.9)
    assert result.plan.objective == pytest.approx(81.0, abs=1e-6)


def test_without_a_minimum_load_it_follows_the_heat(tmp_path: Path) -> None:
    """Hour 3 then runs at 40 kW and all its heat is taken."""
    free = solve(variant("chp", tmp_path, (", minimum_load: 50 %", "")))
    assert free.flow("chp.power", "engine") == pytest.approx([0, 100, 40], abs=1e-6)
    assert free.flow("boiler.heat", "boiler")[2] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("electric", "thermal", "refused"),
    [("40 %", "50 %", False), ("45 %", "63 %", False), ("50 %", "60 %", True)],
)
def test_the_first_law(tmp_path: Path, electric: str, thermal: str, refused: bool) -> None:
    """No engine gives more than its fuel holds, even if it condenses."""
    changes = [("electric_efficiency: 40 %", f"electric_efficiency: {electric}"),
               ("thermal_efficiency: 50 %", f"thermal_efficiency: {thermal}")]  # fmt: skip
    if refused:
        fault = refusal("chp", tmp_path, *changes)
        assert "add up to 1.1" in fault.reason and "at most 1.08" in str(fault)
        assert fault.place.startswith(str(tmp_path / "chp.yaml") + ":11")
    else:
        assert solve(variant("chp", tmp_path, *changes)).verdict.ok
