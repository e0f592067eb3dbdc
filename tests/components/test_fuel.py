"""Fuel: price, carbon and the capacity of the supply."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solved, told


def test_two_fuels_with_a_carbon_price_by_hand() -> None:
    """Proves price, carbon price and capacity; carbon left out of the objective gives 7.9 EUR.

    The boiler (90 %) needs 40 and 70 kW of fuel. Gas costs 0.05 and 0.07 EUR/kWh and
    0.2 kg · 0.1 EUR/kg = 0.02 of carbon, biogas 0.12. Gas comes first, but no more than 50 kW:
    40 · 0.07 + 50 · 0.09 + 20 · 0.12 = 9.7 EUR, of which 1.8 EUR are for 18 kg.
    """
    result = solved("fuel")
    assert result.flow("fuel.supplied", "gas") == pytest.approx([40, 50])
    assert result.flow("fuel.supplied", "biogas") == pytest.approx([0, 20], abs=1e-6)
    assert result.verdict.carbon == pytest.approx(18.0)
    assert result.paid("gas", "fuel.fuel") == pytest.approx(5.5)
    assert result.plan.objective == pytest.approx(9.7, abs=1e-6)


def test_more_than_the_supply_gives_is_told() -> None:
    beyond = {("fuel.supplied", "gas", 1): 70.0, ("fuel.supplied", "biogas", 1): 0.0}
    assert "supply within its capacity" in told(solved("fuel"), beyond)


def test_a_price_without_its_unit_is_refused(tmp_path: Path) -> None:
    fault = refusal("fuel", tmp_path, ("price: 120 EUR/MWh", "price: 120"))
    assert "a bare number needs its unit" in fault.reason and "60 EUR/MWh" in fault.repair
