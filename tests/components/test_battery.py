"""Battery: losses on the way in and out, standing loss, and no burning of power."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solved, told


def test_two_cycles_by_hand() -> None:
    """Proves the level equation; with losses counted once, or inverted, cost would differ.

    Power costs 100, 400, −50, 300 EUR/MWh. Filling 6 kWh takes 6 / 0.9 = 6.6667 kW for an hour; an
    hour later 6 · 0.98 = 5.88 kWh are left, of which 5.88 · 0.8 = 4.704 kW come out. Both dear
    hours follow a cheap one, so both cycles pay. The flats need 10 kW throughout:

    10 · (0.1 + 0.4 − 0.05 + 0.3) + 6.6667 · (0.1 − 0.05) − 4.704 · (0.4 + 0.3) = 4.540533 EUR

    Without ``charging`` the third hour would burn power for money: charge 10 kW and discharge
    2.4 kW at once leaves the same level and earns 0.05 · 0.9333 EUR more.
    """
    result = solved("battery")
    assert result.flow("battery.level", "cells") == pytest.approx([6, 0, 6, 0], abs=1e-6)
    assert result.flow("battery.charge", "cells") == pytest.approx([6 / 0.9, 0, 6 / 0.9, 0])
    assert result.flow("battery.discharge", "cells") == pytest.approx([0, 4.704, 0, 4.704])
    by_hand = 7.5 + 6 / 0.9 * 0.05 - 4.704 * 0.7
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)


def test_burning_power_in_the_battery_is_told() -> None:
    """The plan of the docstring above: level and balance hold, and yet it is no plan."""
    burning = {
        ("battery.charge", "cells", 2): 10.0,
        ("battery.discharge", "cells", 2): 2.4,
        ("grid.import", "grid", 2): 17.6,
    }
    rules = told(solved("battery"), burning)
    assert "no charging and discharging at once" in rules
    assert not {"power is balanced", "level follows charge and discharge"} & rules


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("charge_efficiency: 0", "must be at least 0.001"),
        ("charge_efficiency: 110 %", "must be at most 1"),
        ("charge_efficiency: 1, initial_level: 50 %", "a cyclic store begins and ends"),
    ],
)
def test_faults(tmp_path: Path, written: str, reason: str) -> None:
    assert reason in refusal("battery", tmp_path, ("charge_efficiency: 90 %", written)).reason


def test_a_standing_loss_beyond_the_step_is_refused(tmp_path: Path) -> None:
    """1 − 1.2 would turn a full store into a debt."""
    fault = refusal("battery", tmp_path, ("standing_loss: 2 %/h", "standing_loss: 120 %/h"))
    assert "more in a step than the store holds" in fault.reason
    assert "battery.yaml:11" in fault.place
