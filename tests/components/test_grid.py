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
    assert _opposed(bought, sold, most)[:, 1].tolist() == [True, True, False, False]
    assert not _opposed(bought, sold, most.ravel())[:, 0].any()


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


# contracts ----------------------------------------------------------------------------------------


def test_a_tariff_by_the_clock_and_a_fee_on_a_dynamic_price(tmp_path: Path) -> None:
    """Windows on Berlin's clock: 01:00 to 03:00 there are the first two hours of the horizon.

    Without export the district buys 20, 0, 5 and 0 kW. By the tariff hours 1 and 2 cost 40 ct and
    the others 15: 8 + 0.75 EUR. As a fee of 5 ct on the dynamic price: 20 · 0.15 + 5 · 0.20.
    """
    kept = [("horizon: {", "timezone: Europe/Berlin\nhorizon: {"),
            ("carbon_price: 100 EUR/t\n", ""), ("peak_charge: 0.5 EUR/kW,", ""),
            (",\n    export: {price: {series: sell}, max: 30 kW}", "")]  # fmt: skip
    window = 'hours: "01:00-03:00", days: Mo-Fr'
    tariff = f"{{otherwise: 15 ct/kWh, windows: [{{{window}, value: 40 ct/kWh}}]}}"
    fee = (f"{{otherwise: {{series: buy}}, windows: [{{{window}, value: "
           "{series: buy, plus: 5 ct/kWh}}]}")  # fmt: skip
    for written, cost in ((tariff, 8.75), (fee, 4.0)):
        result = solve(
            variant("grid", tmp_path, *kept, ("price: {series: buy}", f"price: {written}"))
        )
        assert result.verdict.ok and result.plan.objective == pytest.approx(cost, abs=1e-6)


def test_the_first_window_that_fits_counts(tmp_path: Path) -> None:
    windows = ("{otherwise: 1 EUR/kWh, windows: [{hours: \"00:00-02:00\", value: 2 EUR/kWh}, "
               "{hours: \"01:00-03:00\", value: 3 EUR/kWh}]}")  # fmt: skip
    path = variant("grid", tmp_path, ("price: {series: buy}", f"price: {windows}"))
    case = cg.prepare(cg.load(path))
    assert case.units["grid"]["import_price"].tolist() == [[2, 2, 3, 1]]


def test_import_and_export_limited_by_hours(tmp_path: Path) -> None:
    """Selling is cut to 12 kW in the last hour, so 18 kW more are curtailed there."""
    limit = '{otherwise: 30 kW, windows: [{hours: "03:00-04:00", value: 12 kW}]}'
    result = solve(variant("grid", tmp_path, ("max: 30 kW", f"max: {limit}")))
    assert result.flow("grid.export", "grid") == pytest.approx([0, 10, 0, 12], abs=1e-6)
    rules = told(result, {("grid.export", "grid", 3): 13.0})
    assert "export within connection" in rules
    tight = '{otherwise: 50 kW, windows: [{hours: "00:00-01:00", value: 19 kW}]}'
    (tmp_path / "tight").mkdir()
    with pytest.raises(cg.errors.InfeasibleError, match="lacks 1 kW"):
        solve(variant("grid", tmp_path / "tight", ("max: 50 kW", f"max: {tight}")))


def across_months(folder: Path, contract: str) -> Path:
    """Four hours over the end of January in Berlin (2023-01-31T23:00Z), of which two are in it."""
    path = variant("grid", folder, ("horizon: {", "timezone: Europe/Berlin\nhorizon: {"),
                   ("start: 2023-01-16T00:00Z", "start: 2023-01-31T22:00"),
                   ("peak_charge: 0.5 EUR/kW", contract))  # fmt: skip
    table = folder / "grid.csv"
    text = table.read_text(encoding="utf-8")
    for hour in range(4):
        text = text.replace(f"2023-01-16T0{hour}:00Z", f"2023-01-31T{21 + hour}:00Z")
    table.write_text(text.replace("T24:00Z", "T24:00Z").replace("2023-01-31T24:00Z",
                     "2023-02-01T00:00Z"), encoding="utf-8")  # fmt: skip
    return path


def test_a_peak_is_paid_per_calendar_month_on_the_districts_clock(tmp_path: Path) -> None:
    """Peaks of 20 kW in January's last two hours and of 5 kW in February's first two, at 0.5 EUR.

    In UTC three of the four hours would be January's. Pro rata each month is due for the two hours
    of it that are planned: 2 of 744 and 2 of 672.
    """
    monthly = "peak_charge: 0.5 EUR/kW, peak_period: month"
    result = solve(across_months(tmp_path, monthly))
    assert result.flow("grid.month_peak", "grid") == pytest.approx([20, 5])
    assert result.paid("grid", "grid.month_peak") == pytest.approx(12.5)
    result = solve(across_months(tmp_path, f"{monthly}, peak_pro_rata: true"))
    assert result.verdict.ok
    assert result.paid("grid", "grid.month_peak") == pytest.approx(10 * 2 / 744 + 2.5 * 2 / 672)
    lie = result.plan.dataset.copy(deep=True)
    lie["grid.month_peak"][0, 1] = 1.0
    rules = {v.rule for v in cg.verify(result.case, Plan(result.case, lie)).violations}
    assert rules == {"peak is the highest import of its month"}


def test_a_month_with_a_change_of_clocks_has_its_own_hours(tmp_path: Path) -> None:
    path = variant("grid", tmp_path, ("horizon: {", "timezone: Europe/Berlin\nhorizon: {"),
                   ("peak_charge: 0.5 EUR/kW",
                    "peak_charge: 0.5 EUR/kW, peak_period: month, peak_pro_rata: true"),
                   ("2023-01-16T00:00Z", "2023-03-16T00:00Z"))  # fmt: skip
    table = tmp_path / "grid.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("-01-16", "-03-16"), "utf-8")
    share = cg.prepare(cg.load(path)).units["grid"]["peak_share"]
    assert share == pytest.approx(np.full((1, 4), 4 / 743))


def test_a_standing_charge_is_paid_whatever_flows(tmp_path: Path) -> None:
    """73.05 EUR a month (a twelfth of 8766 h) are 0.1 EUR an hour, 0.4 over the horizon."""
    charge = ("peak_charge:", "fixed_charge: 73.05 EUR/month, peak_charge:")
    result = solve(variant("grid", tmp_path, charge))
    assert result.verdict.ok and result.paid("grid", "grid.fixed") == pytest.approx(0.4)
    assert result.plan.objective == pytest.approx(4.85 + 0.4, abs=1e-6)


def test_contracts_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    fault = refusal("grid", tmp_path, ("peak_charge:", "peak_pro_rata: true, peak_charge:"))
    assert "splits the charge of a month" in fault.reason and "peak_period: month" in fault.repair
    wrong = '{otherwise: 50 kW, windows: [{hours: "17-20", value: 19 kW}]}'
    (tmp_path / "hours").mkdir()
    fault = refusal("grid", tmp_path / "hours", ("max: 50 kW", f"max: {wrong}"))
    assert "cannot read the hours" in fault.reason and fault.place.endswith(
        "max › windows › item 1"
    )
    (tmp_path / "unit").mkdir()
    wrong = '{otherwise: 50 kW, windows: [{hours: "17:00-20:00", value: 19 kWh}]}'
    fault = refusal("grid", tmp_path / "unit", ("max: 50 kW", f"max: {wrong}"))
    assert "kWh" in fault.reason
