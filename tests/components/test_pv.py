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


def test_a_roof_that_cannot_be_turned_down_gives_all(tmp_path: Path) -> None:
    """It needs a buyer for what is too much: here 10 kW in the first hour at nothing."""
    path = variant("pv", tmp_path, ("peak: 60 kW,", "peak: 60 kW, curtailable: false,"),
                   ("import: {", "export: {max: 99 kW}, import: {"))  # fmt: skip
    result = solve(path)
    assert result.verdict.ok and result.flow("pv.produced", "roof") == pytest.approx([30, 0, 15])
    assert result.flow("grid.export", "grid")[0] == pytest.approx(10)
    less = {("pv.produced", "roof", 0): 29.0, ("grid.export", "grid", 0): 9.0}
    assert told(result, less) == {"what cannot be curtailed is taken"}


def test_what_is_curtailed_is_reported() -> None:
    assert solved("pv").verdict.kpis["renewable_curtailed_mwh"] == pytest.approx(0.010)
