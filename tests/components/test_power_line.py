"""Cable: a share is lost each way, and power never goes both ways at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_there_and_back_again_by_hand() -> None:
    """Proves losses by direction; without them hour 1 would buy 29 instead of 31.58 kW.

    West takes 9 kW behind a feeder that loses a tenth: 10 kW leave east, which takes 20 itself.
    Hour 1: 30 kW arrive in the east, 30 / 0.95 = 31.5789 are bought at 0.2: 6.315789 EUR.
    Hour 2: the roof could give 80, the cable takes 32 back, 32 · 0.95 = 30.4 are sold at 0.08:
    −2.432 EUR, and 18 kW are curtailed. Hour 3: as hour 1 at −0.1: −3.157895 EUR.
    Together 0.725895. Both ways at once, hour 3 could send 32 kW, bring 0.4 back and be paid for
    the loss in between.
    """
    result = solved("power_line")
    sent = 30 / 0.95
    assert result.flow("power_line.flow", "cable") == pytest.approx([sent, 0, sent], abs=1e-6)
    assert result.flow("power_line.back", "cable") == pytest.approx([0, 32, 0], abs=1e-6)
    assert result.flow("power_line.flow", "feeder") == pytest.approx([10, 10, 10])
    assert result.flow("pv.produced", "roof") == pytest.approx([0, 62, 0], abs=1e-6)
    assert result.plan.objective == pytest.approx(0.1 * sent - 2.432, abs=1e-6)


def test_both_ways_at_once_is_told() -> None:
    round_trip = {("power_line.flow", "cable", 2): 32.0, ("power_line.back", "cable", 2): 0.4,
                  ("grid.import", "grid", 2): 32.0 - 0.38}  # fmt: skip
    rules = told(solved("power_line"), round_trip)
    assert "one direction at a time" in rules and "power is balanced" not in rules


def test_a_stated_direction_against_the_flow_is_told() -> None:
    rules = told(solved("power_line"), {("power_line.forward", "cable", 0): 0.0})
    assert rules == {"carries along only while forward"}


def test_a_cable_without_losses_needs_no_binary(tmp_path: Path) -> None:
    result = solve(variant("power_line", tmp_path, (", loss_share: 5 %", "")))
    assert result.verdict.ok and result.form.size["binaries"] == 0
    assert result.flow("grid.import", "grid")[0] == pytest.approx(30)


def test_a_cable_to_itself_is_refused(tmp_path: Path) -> None:
    fault = refusal("power_line", tmp_path, ("from: plant, to: east", "from: east, to: east"))
    assert 'leads from "east" to itself' in fault.reason
    assert "name two different nodes" in fault.repair


def test_losses_from_length_cross_section_and_voltage(tmp_path: Path) -> None:
    """500 m of 150 mm² aluminium: 28.264e-9 · 500 / 150e-6 = 0.0942 ohm.

    At half of 32 kW and 400 V it loses 0.0942 · 16000 / 400² = 0.942 % of what it carries, and
    R P² / V² is exactly that share of 16 kW.
    """
    conductor = "length: 500 m, cross_section: 150 mm^2, voltage: 400 V"
    result = solve(variant("power_line", tmp_path, ("capacity: 32 kW, loss_share: 5 %",
                                                    f"capacity: 32 kW, {conductor}")))  # fmt: skip
    share = 28.264e-9 * 500 / 150e-6 * 16_000 / 400**2
    assert share == pytest.approx(0.00942, abs=1e-5)
    assert result.verdict.ok
    assert result.flow("power_line.flow", "cable")[0] == pytest.approx(30 / (1 - share))
    assert 16_000 * share == pytest.approx(28.264e-9 * 500 / 150e-6 * (16_000 / 400) ** 2)


def test_a_cable_of_half_its_data_is_refused(tmp_path: Path) -> None:
    half = "length: 90 m, cross_section: 95 mm^2"
    fault = refusal("power_line", tmp_path, ("32 kW, loss_share: 5 %", f"32 kW, {half}"))
    assert "needs `voltage`" in fault.reason and "loss_share" in fault.repair


def test_a_cable_that_would_lose_most_of_it_is_refused(tmp_path: Path) -> None:
    long = "length: 40 km, cross_section: 16 mm^2, voltage: 400 V"
    fault = refusal("power_line", tmp_path, ("32 kW, loss_share: 5 %", f"32 kW, {long}"))
    assert "would lose" in fault.reason and "check `length`" in fault.repair
