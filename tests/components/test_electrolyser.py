"""Electrolyser: hydrogen by its efficiency, heat for pumps, minimum load and start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_hydrogen_and_heat_when_power_is_cheap_by_hand() -> None:
    """Proves efficiency, usable heat and commitment; without its heat it would cost 8.8 EUR.

    Hydrogen sells at 0.1 EUR/kWh, so power is worth 0.06 and more with its heat: the stack takes
    100 kW at 0.03 in hours 1 and 3, and rests at 0.2 in hour 2, for a new start of 2 EUR is cheaper
    than 20 kW of minimum load. 60 kW are hydrogen, 40 kW heat, of which 20 go to the pump: 25 kW at
    5 kW of power. The boiler gives 15, 40, 15 kW at 0.1 EUR/kWh. Hours 1 and 3: 105 · 0.03 − 6 +
    1.5 + 2 = 0.65 each; hour 2: 4. Together 5.3 EUR.
    """
    result = solved("electrolyser")
    assert result.flow("electrolyser.power", "stack") == pytest.approx([100, 0, 100], abs=1e-6)
    assert result.flow("hydrogen_sale.sold", "station") == pytest.approx([60, 0, 60], abs=1e-6)
    assert result.flow("electrolyser.recovered", "stack") == pytest.approx([20, 0, 20], abs=1e-6)
    assert result.flow("chiller.cooling", "cooler") == pytest.approx([20, 0, 20], abs=1e-6)
    assert result.flow("heat_pump.heat", "pump") == pytest.approx([25, 0, 25], abs=1e-6)
    assert result.plan.objective == pytest.approx(5.3, abs=1e-6)


def test_its_heat_is_no_reuse_of_computing() -> None:
    """The energy reuse factor is one of computing centres; there is none here."""
    kpis = solved("electrolyser").verdict.kpis
    assert kpis["energy_reuse_factor"] is None and kpis["waste_heat_used_mwh"] is None


def test_without_a_buyer_there_is_no_place_for_hydrogen(tmp_path: Path) -> None:
    """The balance has no flare: the stack stands still."""
    shut = ("price: 0.1 EUR/kWh}", "price: 0.1 EUR/kWh, max: 0 kW}")
    result = solve(variant("electrolyser", tmp_path, shut))
    assert result.flow("electrolyser.power", "stack") == pytest.approx([0, 0, 0], abs=1e-6)
    assert result.plan.objective == pytest.approx(12.0)


def test_a_warmer_loop_serves_the_network_with_less_power(tmp_path: Path) -> None:
    network = ("series:\n", "heat_network: {supply: [{air: 0 degC, water: 80 degC}], "
               "return: 50 degC}\nseries:\n")  # fmt: skip
    pump = ("heat: 50 kW, cop: 5", "heat: 50 kW")
    cops = []
    for loop in ("loop_supply: 65 degC", "loop_supply: 75 degC, loop_return: 65 degC"):
        own = ("efficiency: 60 %", f"efficiency: 60 %, {loop}")
        result = solve(variant("electrolyser", tmp_path, network, pump, own))
        cops.append(result.case.units["heat_pump"]["performance"][0, 0])
    assert cops[0] < cops[1]


def test_more_heat_than_the_loop_gives_is_told() -> None:
    more = {("electrolyser.recovered", "stack", 0): 30.0,
            ("electrolyser.rejected", "stack", 0): 10.0}  # fmt: skip
    assert "recovered heat is recoverable" in told(solved("electrolyser"), more)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("efficiency: 60 %, min", "efficiency: 60 %, recoverable: 45 %, min", "add up to 1.05"),
        ("efficiency: 60 %, min", "efficiency: 86 %, recoverable: 0, min", "passes the 0.846"),
        ("efficiency: 60 %, min", "loop_return: 70 degC, min", "is not warmer than its return"),
        ("power: 100 kW", "power: 100 kWh", "is not a power"),
        ("minimum_load: 20 %", "minimum_load: 120 %", "must be at most 1"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("electrolyser", tmp_path, (old, new)).reason


def test_hydrogen_for_nobody_and_from_nowhere_is_refused(tmp_path: Path) -> None:
    """A buyer needs somebody who makes it."""
    lone = ("station: {kind: hydrogen_sale, node: works",
            "lone: {kind: hydrogen_sale, node: yard, price: 0.1 EUR/kWh}\n  station: {kind: "
            "hydrogen_sale, node: works")  # fmt: skip
    fault = refusal("electrolyser", tmp_path, lone, ("  works: {}\n", "  works: {}\n  yard: {}\n"))
    assert fault.reason == "draws hydrogen where nothing supplies it"
