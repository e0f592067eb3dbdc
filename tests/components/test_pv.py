"""Photovoltaics: what the sun gives at most, curtailed when nobody takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import solve, solved, told, variant


def test_use_curtail_and_buy_by_hand() -> None:
    """Proves peak · yield and curtailment; without curtailing, hour 1 could not be balanced.

    60 kW peak give 30, 0 and 15 kW; the flats take 20. Hour 1 uses 20 and curtails 10, hours 2 and
    3 buy 20 and 5 kWh at 0.2 EUR: 5 EUR.
    """
    result = solved("pv")
    assert result.flow("pv.produced", "roof") == pytest.approx([20, 0, 15], abs=1e-6)
    assert result.flow("grid.import", "grid") == pytest.approx([0, 20, 5], abs=1e-6)
    assert result.plan.objective == pytest.approx(5.0, abs=1e-6)


def test_more_sun_never_costs_more(tmp_path: Path) -> None:
    costs = [
        solve(variant("pv", tmp_path, ("peak: 60 kW", f"peak: {peak} kW"))).plan.objective
        for peak in (0, 10, 40, 60, 80, 200)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == pytest.approx(12.0) and costs[-1] == pytest.approx(4.0)


def test_more_than_the_sun_gives_is_told() -> None:
    """Power at night balances a plan that buys none."""
    night = {("pv.produced", "roof", 1): 20.0, ("grid.import", "grid", 1): 0.0}
    rules = told(solved("pv"), night)
    assert "production within what the sun gives" in rules and "power is balanced" not in rules
