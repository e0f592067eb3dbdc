"""Shortage: what a node lacks or has too much of, at its price."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygrid.errors import InfeasibleError
from tests.helpers import refusal, solve, solved, told, variant


def test_what_lacks_is_paid_by_hand() -> None:
    """Proves that a shortage is the last resort: it covers exactly what nothing else can.

    Yard: the grid gives 60 kW at 0.20 EUR/kWh. Hour 1 takes 50: 10 EUR. Hour 2 asks for 80: 60 for
    12 EUR, and 20 kWh lack for 100 EUR. Shed: the engine must give 40 kW of power, and with it 50
    kW of heat, from 100 kW of gas for 5 EUR each hour. Hour 1 takes 30 of the heat, 20 are vented
    for 2 EUR; hour 2 asks for 70, so that 20 lack for 40 EUR. Together 10 + 112 + 10 + 42 = 174.
    """
    result = solved("shortage")
    assert result.flow("shortage.lacking", "lost power") == pytest.approx([0, 20], abs=1e-6)
    assert result.flow("shortage.lacking", "lost heat") == pytest.approx([0, 20], abs=1e-6)
    assert result.flow("shortage.surplus", "lost heat") == pytest.approx([20, 0], abs=1e-6)
    assert result.paid("lost power", "shortage.lacking") == pytest.approx(100.0)
    assert result.paid("lost heat", "shortage.surplus") == pytest.approx(2.0)
    assert result.plan.objective == pytest.approx(174.0, abs=1e-6)
    assert result.verdict.kpis["unserved_kwh"] == pytest.approx(40.0)


def test_what_lacks_is_no_store(tmp_path: Path) -> None:
    """Negative amounts would hide what is thrown away, or earn by lacking."""
    lie = {("shortage.lacking", "lost heat", 0): -20.0, ("shortage.surplus", "lost heat", 0): 0.0}
    assert "what lacks is not negative" in told(solved("shortage"), lie)
    lie = {("shortage.lacking", "lost heat", 1): 0.0, ("shortage.surplus", "lost heat", 1): -20.0}
    assert "too much only where that has a price" in told(solved("shortage"), lie)


def test_without_a_price_nothing_is_thrown_away(tmp_path: Path) -> None:
    """With too much heat and no price for it, there is no plan."""
    with pytest.raises(InfeasibleError):
        solve(
            variant("shortage", tmp_path, ("price: 2 EUR/kWh,\n    surplus_price: 0.1", "price: 2"))
        )


def test_a_price_below_nothing_is_refused(tmp_path: Path) -> None:
    """Else lacking would earn money without end."""
    fault = refusal("shortage", tmp_path, ("price: 5 EUR/kWh", "price: -5 EUR/kWh"))
    assert "price" in fault.place and "at least 0 EUR/kWh" in fault.reason
