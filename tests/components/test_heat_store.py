"""Heat store: the level between a given start and a given end, and what the wall loses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, variant


def test_charging_before_the_dear_hour_by_hand() -> None:
    """Proves start, end and standing loss; a store that ended empty would cost 4.666 EUR.

    A kWh of boiler heat costs 0.0625, 0.25, 0.10 EUR. The tank begins with 10 kWh and loses a tenth
    per hour. Hour 1 charges all it can, 30 kW: 9 + 30 = 39. Hour 2 serves its 30 kW from the
    tank: 35.1 − 30 = 5.1. The tank must end with 20: hour 3 charges 20 − 4.59 = 15.41 kW.
    The boiler gives 20 + 30, 0, 20 + 15.41: 50 · 0.0625 + 35.41 · 0.1 = 6.666 EUR.
    """
    result = solved("heat_store")
    assert result.flow("heat_store.level", "tank") == pytest.approx([39, 5.1, 20], abs=1e-6)
    assert result.flow("heat_store.charge", "tank") == pytest.approx([30, 0, 15.41], abs=1e-6)
    assert result.flow("heat_store.discharge", "tank") == pytest.approx([0, 30, 0], abs=1e-6)
    assert result.flow("boiler.heat", "boiler") == pytest.approx([50, 0, 35.41], abs=1e-6)
    assert result.plan.objective == pytest.approx(6.666, abs=1e-6)
    assert "heat_store.charging" not in result.form.columns  # nothing to burn, so no binary


def test_an_untouched_tank_loses_its_share_every_hour(tmp_path: Path) -> None:
    """A loss on the first level, or per horizon, would leave 36 kWh."""
    still = ("charge: 30 kW, discharge: 30 kW", "charge: 0 kW, discharge: 0 kW")
    ends = ("initial_level: 25 %, final_level: 50 %", "initial_level: 100 %")
    level = solve(variant("heat_store", tmp_path, still, ends)).flow("heat_store.level", "tank")
    assert level == pytest.approx([40 * 0.9, 40 * 0.9**2, 40 * 0.9**3])


def test_the_standing_loss_counts_hours_and_not_steps(tmp_path: Path) -> None:
    """Two half hours lose 5 % each, and half of the energy passes in each."""
    still = ("charge: 30 kW, discharge: 30 kW", "charge: 0 kW, discharge: 0 kW")
    ends = ("initial_level: 25 %, final_level: 50 %", "initial_level: 100 %")
    path = variant("heat_store", tmp_path, still, ends, ("step: 1 h", "step: 30 min"))
    level = solve(path).flow("heat_store.level", "tank")
    assert level == pytest.approx([40 * 0.95**n for n in range(1, 7)])


@pytest.mark.parametrize("loss", ["0 %/h", "5 %/h"])
def test_a_better_insulated_tank_never_costs_more(tmp_path: Path, loss: str) -> None:
    better = solve(variant("heat_store", tmp_path, ("10 %/h", loss)))
    assert better.plan.objective < solved("heat_store").plan.objective


def test_an_end_above_the_capacity_is_refused(tmp_path: Path) -> None:
    fault = refusal("heat_store", tmp_path, ("final_level: 50 %", "final_level: 150 %"))
    assert "must be at most 1" in fault.reason and "final_level" in fault.place
