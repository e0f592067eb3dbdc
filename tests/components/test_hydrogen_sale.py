"""Sale of hydrogen: price, take-off, and the contract over the horizon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_a_contract_makes_hydrogen_at_a_loss_by_hand() -> None:
    """Proves price, limit and contract; without the contract it would earn 2.5 EUR.

    A kWh of hydrogen costs 0.05, 0.3333, 0.0833 EUR (60 % of the power's price) and sells at
    3 EUR/kg · 0.03 + 0.01 = 0.1, 0.1 and 0.064 EUR. Hour 1 sells all the 50 kW that the station
    takes. The contract wants 130 kWh: hour 3 loses less than hour 2 and gives 50, hour 2 the last
    30. Power: 83.33 · 0.03 + 50 · 0.2 + 83.33 · 0.05 = 16.6667; sold: 5 + 3 + 3.2 = 11.2.
    Together 5.466667 EUR.
    """
    result = solved("hydrogen_sale")
    assert result.flow("hydrogen_sale.sold", "station") == pytest.approx([50, 30, 50], abs=1e-6)
    power = [50 / 0.6, 50, 50 / 0.6]
    assert result.flow("electrolyser.power", "stack") == pytest.approx(power, abs=1e-6)
    assert result.paid("station", "hydrogen_sale.revenue") == pytest.approx(-11.2)
    assert result.plan.objective == pytest.approx(50 / 3 - 11.2, abs=1e-6)


def test_without_a_contract_only_what_pays_is_sold(tmp_path: Path) -> None:
    free = solve(variant("hydrogen_sale", tmp_path, (", least: 130 kWh", "")))
    assert free.flow("hydrogen_sale.sold", "station") == pytest.approx([50, 0, 0], abs=1e-6)
    assert free.plan.objective == pytest.approx(-2.5)


def test_half_hours_deliver_half(tmp_path: Path) -> None:
    """The contract counts energy and not steps."""
    half = solve(variant("hydrogen_sale", tmp_path, ("step: 1 h", "step: 30 min")))
    assert half.flow("hydrogen_sale.sold", "station").sum() * 0.5 == pytest.approx(130)
    assert half.plan.objective == pytest.approx(50 / 3 - 11.2)


def test_a_broken_contract_is_told() -> None:
    less = {("hydrogen_sale.sold", "station", 1): 20.0}
    assert "the contract is fulfilled" in told(solved("hydrogen_sale"), less)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("least: 130 kWh", "least: 130 kW", "is not an energy"),
        ("max: 50 kW", "max: -50 kW", "must be at least 0"),
        ("times: 0.03 kg/kWh, ", "", "EUR/kg"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in str(refusal("hydrogen_sale", tmp_path, (old, new)))


def test_a_contract_beyond_the_take_off_has_no_plan(tmp_path: Path) -> None:
    """Three hours of 50 kW are 150 kWh."""
    from citygrid.errors import InfeasibleError

    with pytest.raises(InfeasibleError) as caught:
        solve(variant("hydrogen_sale", tmp_path, ("least: 130 kWh", "least: 160 kWh")))
    assert "10 kWh" in str(caught.value)
