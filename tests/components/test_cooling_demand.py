"""Cooling demand: cold is served, or shed where that has a price."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import faults_of, refusal, solved, told, variant


def test_two_demands_by_hand() -> None:
    """Proves service before shedding; served beyond the 60 kW would cost 9.6 EUR less.

    A kWh of cold takes 0.1 kWh at 0.2 EUR; one not served costs 0.5. The clinic always has its
    10 kW. The offices want 20, 50 and 70: the chiller's 60 kW leave 20 of hour 3. 15 · 0.2 + 20 ·
    0.5 = 13 EUR.
    """
    result = solved("cooling_demand")
    assert result.flow("cooling_demand.served", "clinic") == pytest.approx([10, 10, 10])
    assert result.flow("cooling_demand.served", "offices") == pytest.approx([20, 50, 50])
    assert result.flow("cooling_demand.unserved", "offices") == pytest.approx([0, 0, 20], abs=1e-6)
    assert result.plan.objective == pytest.approx(13.0, abs=1e-6)


def test_cold_of_buildings_is_no_power_of_a_centre() -> None:
    """There is none here, so no figure of one."""
    kpis = solved("cooling_demand").verdict.kpis
    assert kpis["pue"] is None and kpis["cooling_delivered_mwh"] == pytest.approx(0.15)


def test_cold_that_is_missing_in_silence_is_told() -> None:
    """The clinic may not be shed; what the offices lack has to be paid for."""
    for component, served in (("clinic", 9.0), ("offices", 19.0)):
        less = {
            ("cooling_demand.served", component, 0): served,
            ("chiller.cooling", "chiller", 0): 29.0,
            ("grid.import", "grid", 0): 2.9,
        }
        rules = told(solved("cooling_demand"), less)
        assert rules & {"load is served", "unserved is what is missing"}
        assert not {rule for rule in rules if "balanced" in rule}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("load: 10 kW", "load: 10 kWh", "is not a power"),
        ("load: 10 kW", "load: -10 kW", "must be at least 0"),
        ("load: 10 kW", "load: {profile: degree day, annual: 3 MWh}", "profile"),
        ("node: hall, load: 10 kW", "node: attic, load: 10 kW", "unknown node"),
        ("kind: chiller", "kind: boiler", "unknown key"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    faults = faults_of(variant("cooling_demand", tmp_path, (old, new)))
    assert any(reason in str(fault) for fault in faults), faults


def test_cold_that_nothing_makes_is_refused(tmp_path: Path) -> None:
    gone = ("  chiller: {kind: chiller, node: hall,", "  boiler: {kind: chiller, node: attic,")
    attic = ("  hall: {}\n", "  hall: {}\n  attic: {}\n")
    path = variant("cooling_demand", tmp_path, gone, attic)
    reasons = [fault.reason for fault in faults_of(path)]
    assert reasons.count("draws cooling where nothing supplies it") == 2


def test_a_unit_that_is_none_is_named_with_an_example(tmp_path: Path) -> None:
    fault = refusal("cooling_demand", tmp_path, ("load: 10 kW", "load: 10"))
    assert "a bare number needs its unit" in fault.reason and "250 kW" in str(fault)
