"""Grid: buying, selling, never both at once, and the charge on the highest import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.grid import _opposed
from citygrid.plan.plan import Plan
from tests.helpers import refusal, solve, solved, told, variant


def test_four_hours_of_buying_and_selling_by_hand() -> None:
    """Proves prices, carbon, peak and exclusion; buying to sell in hour 2 would cost 4.45 EUR.

    The flats take 20 kW, the roof gives 0, 30, 15, 60. Hour 1 buys 20 at 0.10. Hour 2 sells 10 at
    0.35, above the buying price of 0.30. Hour 3 buys 5 at 0.20. Hour 4 sells 30 of the 40 that are
    left, the most the connection takes, at 0.18. The peak of 20 kW costs 10 EUR; 25 kWh carry
    7.5 kg at 0.1 EUR: 2 − 3.5 + 1 − 5.4 + 10 + 0.75 = 4.85 EUR.
    """
    result = solved("grid")
    assert result.flow("grid.import", "grid") == pytest.approx([20, 0, 5, 0], abs=1e-6)
    assert result.flow("grid.export", "grid") == pytest.approx([0, 10, 0, 30], abs=1e-6)
    assert result.flow("grid.peak", "grid") == pytest.approx(20)
    assert result.flow("pv.produced", "roof")[3] == pytest.approx(50)
    assert result.verdict.carbon == pytest.approx(7.5)
    assert result.plan.objective == pytest.approx(4.85, abs=1e-6)


def test_buying_to_sell_at_once_is_told() -> None:
    """The profit of the docstring above: 20 kW bought at 0.33 and sold at 0.35 EUR."""
    trade = {("grid.import", "grid", 1): 20.0, ("grid.export", "grid", 1): 30.0}
    rules = told(solved("grid"), trade)
    assert "no buying and selling at once" in rules and "power is balanced" not in rules


def test_without_a_dearer_sale_there_is_no_binary(tmp_path: Path) -> None:
    path = variant("grid", tmp_path, ("price: {series: sell}", "price: 50 EUR/MWh"))
    assert "grid.importing" not in solve(path).form.columns


def test_equal_prices_leave_nothing_open(tmp_path: Path) -> None:
    """Buying to sell at the same price would be free, and the reported flows arbitrary."""
    (tmp_path / "equal").mkdir()
    sell = "price: {series: sell}"
    equal = variant("grid", tmp_path / "equal", (sell, "price: 100 EUR/MWh"))
    assert "grid.importing" in solve(equal).form.columns
    below = variant("grid", tmp_path, (sell, "price: 99.9 EUR/MWh"))
    assert "grid.importing" not in solve(below).form.columns


def test_where_buying_and_selling_at_once_costs_nothing() -> None:
    """Dearer, equal and cheaper sale in the second hour; dearer, but nothing may be sold."""
    bought, sold = np.full((4, 2), 0.30), np.array([[0, 0.31], [0, 0.30], [0, 0.29], [0, 0.31]])
    most = np.array([[1.0], [1.0], [1.0], [0.0]])
    assert _opposed(bought, sold, most).tolist() == [True, True, False, False]
    assert _opposed(bought, sold, most.ravel()).tolist() == [True, True, False, False]


def test_a_hidden_peak_is_told() -> None:
    result = solved("grid")
    lie = result.plan.dataset.copy(deep=True)
    lie["grid.peak"][0] = 5.0
    rules = {v.rule for v in cg.verify(result.case, Plan(result.case, lie)).violations}
    assert rules == {"peak is the highest import"}


def test_a_dearer_peak_never_raises_the_peak(tmp_path: Path) -> None:
    peaks = []
    for charge in ("0.001 EUR/kW", "5 EUR/kW"):
        written = f"max: 100 kW}}, peak_charge: {charge}}}"
        path = variant("battery", tmp_path, ("max: 100 kW}}", written))
        peaks.append(solve(path).flow("grid.import").max())
    assert peaks[1] < peaks[0]


def test_what_is_sold_earns_no_carbon() -> None:
    assert solved("grid").verdict.ledger["grid", "grid.export"][1] == 0.0


def test_a_connection_without_its_price_is_refused(tmp_path: Path) -> None:
    fault = refusal("grid", tmp_path, ("price: {series: buy}, ", ""))
    assert "lacks `price`" in fault.reason and "grid.yaml:12" in fault.place
