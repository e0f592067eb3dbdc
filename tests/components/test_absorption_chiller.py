"""Absorption chiller: cold from heat by the characteristic equation, and what it rejects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.components.absorption_chiller import (
    Machine,
    characteristic_difference,
    characteristic_performance,
    ideal_cop,
)
from tests.helpers import faults_of, refusal, solve, solved, told, variant

#: Driving heat per cooling at 85/30/15 and 85/40/15 degC.
MILD, HOT = 20.87 / 16.44, 8.12 / 5.94


def test_two_absorption_chillers_by_hand() -> None:
    """Proves capacity, heat, power and rejection by the hour; a fixed capacity would serve more.

    ``absorber`` is twice Kühn's machine, driven by the network less half its glide: 55 degC in
    hour 1, when 60 degC are too cold for it, then 85. It rejects to the air plus 10 K, 30 and
    40 degC: Δt' = 85 − 2.5 · 30 + 1.8 · 15 = 37 and 12 K, so 2 · 16.44 and 2 · 5.94 kW of cold from
    2 · 20.87 and 2 · 8.12 kW of heat. ``small`` has 90 degC and rejects at 30 always: 16.44 kW of
    cold, 20.87 of heat, and 37.31 kW to the tower, whose water of 35 degC is 17, 15 and 5 K warmer
    than the air, 10 K by design. The chiller gives the rest of 60 kW for 0.4 of it in power.
    """
    result = solved("absorption_chiller")
    own, small = np.array([0, 2 * 16.44, 2 * 5.94]), np.full(3, 16.44)
    heat = own * np.array([0, MILD, HOT]) + 20.87
    assert result.flow("absorption_chiller.cooling", "absorber") == pytest.approx(own)
    assert result.flow("absorption_chiller.cooling", "small") == pytest.approx(small)
    assert result.flow("boiler.heat", "boiler") == pytest.approx(heat)
    assert result.flow("heat_rejection.heat", "tower") == pytest.approx([37.31] * 3)
    power = (0.4 * (60 - own - small) + 0.02 * (own + small)
             + 0.03 * (own + heat - 20.87) + 0.3731 / np.array([1.7, 1.5, 0.5]))  # fmt: skip
    assert result.flow("grid.import", "grid") == pytest.approx(power)
    by_hand = 0.4 * power.sum() + 0.01 * heat.sum()
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)


def test_the_published_characteristic_equation() -> None:
    """Values of oemof.thermal's own tests (github oemof/oemof-thermal, MIT) to 1e-9."""
    streams = np.array([85.0]), np.array([30.0]), np.array([15.0])
    assert characteristic_difference(*streams, 2.5, 1.8) == pytest.approx([37.0], abs=1e-9)
    for difference, slope, offset, flux in (
        (50.0, 24.121, -553.194, 652.856), (110.0, 10.807, -603.85, 584.92)
    ):  # fmt: skip
        plain = Machine(a=0.0, e=0.0, s_cooling=slope, r_cooling=offset, s_heat=slope,
                        r_heat=offset)  # fmt: skip
        nothing = np.zeros(1)
        found = characteristic_performance(plain, np.array([difference]), nothing, nothing)
        assert found.cooling == pytest.approx([flux], abs=1e-9)
        assert found.heat == pytest.approx([flux], abs=1e-9)


def test_kuehns_machine() -> None:
    """0.42 · 37 + 0.9 and 0.51 · 37 + 2 kW, COP 0.788; cooler cooling water gives more."""
    warm, cool = (characteristic_performance(Machine(), np.array([85.0]), np.array([t]),
                                             np.array([15.0])) for t in (30.0, 27.0))  # fmt: skip
    assert warm.cooling == pytest.approx([16.44], abs=1e-9)
    assert warm.heat == pytest.approx([20.87], abs=1e-9)
    assert cool.cooling[0] == pytest.approx(16.44 + 0.42 * 2.5 * 3, abs=1e-9)
    assert (cool.cooling / cool.heat)[0] > (warm.cooling / warm.heat)[0]


@given(st.floats(70, 95), st.floats(27, 35), st.floats(8, 18))
def test_no_machine_beats_a_reversible_one(driving: float, rejecting: float, cold: float) -> None:
    """Where it works at all; the check would refuse the default machine otherwise."""
    streams = np.array([driving]), np.array([rejecting]), np.array([cold])
    cooling, heat = characteristic_performance(Machine(), *streams)
    if cooling[0] > 0 and heat[0] > 0:
        assert (cooling / heat)[0] < ideal_cop(*streams)[0]


def test_rejected_heat_needs_its_water() -> None:
    """2 l for each kWh of 74.62 and 28.12 that the absorber leaves to the air; the tower is dry."""
    water = solved("absorption_chiller").verdict.kpis["water_m3"]
    assert water == pytest.approx(2 * (74.62 + 28.12) / 1000)


def test_cold_beyond_what_temperatures_allow_is_told() -> None:
    """Hour 1 of ``absorber``: 5 kW of cold in place of the chiller's, heat and power in order."""
    lie = {("absorption_chiller.cooling", "absorber", 0): 5.0,
           ("chiller.cooling", "chiller", 0): 38.56}  # fmt: skip
    assert "cooling within what the temperatures allow" in told(solved("absorption_chiller"), lie)


def test_heat_that_is_not_rejected_is_told() -> None:
    """The tower takes 5 kW less than ``small`` must leave, and saves the power."""
    lie = {("heat_rejection.heat", "tower", 1): 32.31,
           ("grid.import", "grid", 1): 7.74573333 - 0.05 / 1.5}  # fmt: skip
    rules = told(solved("absorption_chiller"), lie)
    assert "rejected_heat is balanced" in rules and "power is balanced" not in rules


def test_warmer_driving_heat_never_costs_more(tmp_path: Path) -> None:
    warmer = solve(variant("absorption_chiller", tmp_path, ("water: 90 degC", "water: 95 degC")))
    assert warmer.plan.objective < solved("absorption_chiller").plan.objective


def test_too_cold_driving_heat_is_refused(tmp_path: Path) -> None:
    fault = refusal("absorption_chiller", tmp_path, ("driving: 90 degC", "driving: 65 degC"))
    assert "the driving heat is never warm enough" in fault.reason
    assert "65 degC of 70 degC" in str(fault) and "raise the supply temperature" in fault.repair


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("cooling_water: 30 degC", "cooling_water: 60 degC", "gives no cold at any"),
        ("cooling_water: 30 degC", "cooling_water: 30 degC, machine: {s_heat: 0.05, r_heat: 0}",
         "more cold per heat than a reversible machine"),
        ("cooling_water: 30 degC", "machine: {s_heat: 0}", "greater than 0"),
        ("rejects_to: node", "rejects_to: river", "is not one of the choices"),
        ("rejection_water: 2 l/kWh", "rejection_water: 2 kg", "is not a water per energy"),
        ("auxiliary: 2 %", "auxiliary: 200 %", "must be at most 1"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in str(refusal("absorption_chiller", tmp_path, (old, new)))


def test_it_needs_the_networks_temperatures(tmp_path: Path) -> None:
    network = ("heat_network: {supply: [{air: 18 degC, water: 60 degC}, "
               "{air: 20 degC, water: 90 degC}],\n  return: 50 degC}\n")  # fmt: skip
    faults = faults_of(variant("absorption_chiller", tmp_path, (network, "")))
    assert [fault.reason for fault in faults] == ["needs the heat network's temperatures"]
