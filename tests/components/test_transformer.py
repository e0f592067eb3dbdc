"""Transformer: its rating limits both ways, its core takes power always, its windings a share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_four_hours_by_hand() -> None:
    """Proves share, idle loss and limit; a lossless one would buy 48 kW in the first hour.

    Windings of 8 kW at 100 kW lose 0.5 · 8 / 100 = 4 % by the linear share that is exact at half
    load; the core takes 1 kW on the grid's side. Hour 1: 48 / 0.96 = 50 kW are sent and 51 bought:
    10.20 EUR. Hour 2: the roof gives 85, the flats take 48, the other 37 go back, 35.52 arrive and
    34.52 are sold: −1.726. Hour 3: of 122 kW left 100 go back, 96 arrive, 95 are sold: −4.75, and
    22 kW are curtailed. Hour 4 is as hour 1 at −0.1: −5.10 EUR; both ways at once it could send 100
    kW, return what is too much, and be paid for the losses in between. Together −1.376 EUR.
    """
    result = solved("transformer")
    assert result.flow("transformer.flow", "station") == pytest.approx([50, 0, 0, 50], abs=1e-6)
    assert result.flow("transformer.back", "station") == pytest.approx([0, 37, 100, 0], abs=1e-6)
    assert result.flow("grid.import", "grid") == pytest.approx([51, 0, 0, 51], abs=1e-6)
    assert result.flow("pv.produced", "roof") == pytest.approx([0, 85, 148, 0], abs=1e-6)
    assert result.plan.objective == pytest.approx(-1.376, abs=1e-6)
    assert result.verdict.kpis["renewable_curtailed_mwh"] == pytest.approx(0.022)


def test_the_linear_loss_is_that_of_the_windings_at_half_load() -> None:
    """``load_loss · (P / capacity)²`` is 2 kW at 50 kW; 4 % of what is sent is 2 kW, too."""
    result = solved("transformer")
    sent = result.flow("transformer.flow", "station")[0]
    assert sent - 48 == pytest.approx(8 * (sent / 100) ** 2)


def test_a_core_that_idles_for_nothing_is_told() -> None:
    rules = told(solved("transformer"), {("grid.import", "grid", 0): 50.0})
    assert "power is balanced" in rules


def test_more_than_the_rating_is_told() -> None:
    rules = told(solved("transformer"), {("transformer.back", "station", 2): 110.0})
    assert "opposite flow within capacity" in rules


def test_a_transformer_that_is_none_is_refused(tmp_path: Path) -> None:
    fault = refusal("transformer", tmp_path, ("to_voltage: 400 V", "to_voltage: 20 kV"))
    assert "has 20000 V on both sides" in fault.reason and "power_line" in fault.repair


def test_losses_in_the_wrong_unit_are_refused(tmp_path: Path) -> None:
    fault = refusal("transformer", tmp_path, ("load_loss: 8 kW", "load_loss: 8 MW"))
    assert "would lose 8001 kW of 100 kW" in fault.reason and "units" in fault.repair


def test_one_that_runs_one_way_sends_nothing_back(tmp_path: Path) -> None:
    path = variant(
        "transformer", tmp_path, ("load_loss: 8 kW}", "load_loss: 8 kW,\n    reversible: false}")
    )
    result = solve(path)
    assert result.verdict.ok and result.flow("grid.export").max() == pytest.approx(0)
