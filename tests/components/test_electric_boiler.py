"""Electric boiler: it heats when power is cheaper than gas, and what it takes is power."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_heat_from_cheap_power_by_hand() -> None:
    """Proves the efficiency and the commitment; heat taken for power would cost 17.92 EUR.

    Heat costs 0.09 / 0.9 = 0.1 EUR/kWh from gas; from power 0.049 / 0.98 = 0.05, and 0.2 in hour
    2. Hour 1 asks for 30 kW, below the 40 that the electrodes must give: gas, 3 EUR. Hour 2: gas,
    8 EUR. Hour 3: 80 kW from power, 4, a start, 1, and 20 from gas, 2. Together 18 EUR.
    """
    result = solved("electric_boiler")
    assert result.flow("electric_boiler.heat", "electrodes") == pytest.approx([0, 0, 80], abs=1e-6)
    assert result.flow("boiler.heat", "boiler") == pytest.approx([30, 80, 20], abs=1e-6)
    assert result.flow("grid.import", "grid") == pytest.approx([0, 0, 80 / 0.98], abs=1e-6)
    assert result.paid("electrodes", "electric_boiler.start") == pytest.approx(1.0)
    assert result.plan.objective == pytest.approx(18.0, abs=1e-6)


def test_without_minimum_load_and_start_cost_it_is_a_linear_unit(tmp_path: Path) -> None:
    """Hour 1 costs 1.5 instead of 3 EUR, hour 3 no start: 15.5 EUR, and no binary is needed."""
    free = (",\n    minimum_load: 50 %, start_cost: 1 EUR", "")
    result = solve(variant("electric_boiler", tmp_path, free))
    assert result.plan.objective == pytest.approx(15.5)
    assert result.form.size["binaries"] == 0


def test_power_at_a_negative_price_is_burnt_only_for_heat_that_is_wanted(tmp_path: Path) -> None:
    """The balance of heat has no sink: at any price the boiler gives what the homes take."""
    paid = ("price: {series: spot}", "price: -5 EUR/kWh")
    result = solve(variant("electric_boiler", tmp_path, paid))
    heat = result.flow("electric_boiler.heat", "electrodes")
    assert heat + result.flow("boiler.heat", "boiler") == pytest.approx([30, 80, 100], abs=1e-6)
    assert heat == pytest.approx([0, 80, 80], abs=1e-6)


def test_heat_beyond_the_capacity_is_told() -> None:
    """All of hour 3 from power would be cheaper."""
    full = {("electric_boiler.heat", "electrodes", 2): 100.0, ("boiler.heat", "boiler", 2): 0.0}
    assert "output within minimum load and capacity" in told(solved("electric_boiler"), full)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("efficiency: 98 %", "efficiency: 120 %", "must be at most 1"),
        ("heat: 80 kW", "heat: -80 kW", "must be at least 0"),
        ("heat: 80 kW", "heat: 80 kWh", "is not a power"),
        ("minimum_load: 50 %", "minimum_load: 50 kWh", "is not a share"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("electric_boiler", tmp_path, (old, new)).reason


def test_a_boiler_at_a_place_without_power_is_refused(tmp_path: Path) -> None:
    """Named with the carrier, because the electrodes draw power and no gas."""
    dark = ("  grid: {kind: grid, node: plant, import: {price: {series: spot}, max: 500 kW}}\n", "")
    fault = refusal("electric_boiler", tmp_path, dark)
    assert fault.reason == "draws power where nothing supplies it"
    assert "electrodes" in fault.place
