"""Heat store: the level between a given start and a given end, and what the wall loses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import citygrid as cg
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


# the geometry of a tank ---------------------------------------------------------------------------

SIZE = "capacity: 40 kWh, charge: 30 kW, discharge: 30 kW,\n    standing_loss: 10 %/h"
TANK = (
    "charge: {power}, discharge: {power}, tank: {{volume: 2 m^3, diameter: 1 m, hot: 90 degC, "
    "cold: 40 degC, around: 10 degC, {wall}}}"
)
ENDS = "initial_level: 25 %, final_level: 50 %"


def tank(power: str = "0 kW", wall: str = "transmission: 2 W/m^2/K") -> tuple[str, str]:
    return SIZE, TANK.format(power=power, wall=wall)


def test_a_stratified_tank_cools_as_its_equations_say(tmp_path: Path) -> None:
    """2 m³ of water hold 2 · 971.803 · 4195.52 · 50 / 3.6e6 = 113.26 kWh between 90 and 40 degC.

    β = 4 · 2 · 3600 / (1 · 971.803 · 4195.52) = 0.7064 % an hour; γ = β · 30 / 50 of 113.26 kWh;
    δ = 2 · π/4 · (80 + 30) = 172.8 W. An idle, full tank loses all three.
    """
    result = solve(variant("heat_store", tmp_path, tank(), (ENDS, "initial_level: 100 %")))
    water = 971.803 * 4195.52
    size, share = 2 * water * 50 / 3.6e6, 4 * 2 * 3600 / water
    fixed = share * 0.6 * size + 2 * math.pi / 4 * (80 + 30) / 1000
    expected, level = [], size
    for _ in range(3):
        level = level * (1 - share) - fixed
        expected.append(level)
    assert result.flow("heat_store.level", "tank") == pytest.approx(expected)
    assert (size, share, fixed) == pytest.approx((113.2561, 0.00706364, 0.652788), rel=1e-5)


def test_an_empty_tank_is_charged_with_what_its_wall_loses(tmp_path: Path) -> None:
    """Without charge it would fall below its cold temperature, and no plan would exist."""
    path = variant("heat_store", tmp_path, tank("30 kW"), (ENDS, "initial_level: 0"))
    result = solve(path)
    assert result.verdict.ok
    loss = result.case.units["heat_store"]["loss"][0, 0]
    assert result.flow("heat_store.charge", "tank")[0] >= loss > 0.6


def test_the_wall_may_be_given_by_its_layers(tmp_path: Path) -> None:
    """1 / (1/500 + 0.2/0.04 + 1/10) = 0.19600 W/m²K."""
    layers = "wall: {thickness: 200 mm, conductivity: 0.04 W/m/K}"
    path = variant("heat_store", tmp_path, tank("30 kW", layers))
    share = cg.prepare(cg.load(path)).units["heat_store"]["standing_loss"][0, 0]
    assert share == pytest.approx(4 * 0.1960015682 * 3600 / (971.803 * 4195.52))


def test_an_uninsulated_wall_costs_more(tmp_path: Path) -> None:
    costs = [
        solve(variant("heat_store", tmp_path, tank("30 kW", f"transmission: {u} W/m^2/K")))
        .plan.objective for u in (0, 0.2, 2, 5)
    ]  # fmt: skip
    assert costs == sorted(costs) and costs[0] < costs[-1]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("hot: 90 degC", "hot: 30 degC", "is not warmer than the cold one"),
        (", transmission: 2 W/m^2/K", "", "one of `transmission` and `wall`"),
        ("volume: 2 m^3", "volume: 0 m^3", "greater than 0"),
        ("diameter: 1 m", "diameter: 1 m^2", "is not a length"),
        ("charge: 0 kW", "capacity: 40 kWh, charge: 0 kW", "one of `capacity` and `tank`"),
        ("charge: 0 kW", "standing_loss: 1 %/h, charge: 0 kW", "follows from the `tank`"),
        ("around: 10 degC, ", "", "needs the outdoor temperature"),
    ],
)
def test_faults_of_a_tank(tmp_path: Path, old: str, new: str, reason: str) -> None:
    given, written = tank()
    assert old in written
    changed = (given, written.replace(old, new, 1))
    assert reason in refusal("heat_store", tmp_path, changed, (ENDS, "initial_level: 1")).reason


def test_a_store_needs_its_size(tmp_path: Path) -> None:
    fault = refusal("heat_store", tmp_path, ("capacity: 40 kWh, ", ""))
    assert "one of `capacity` and `tank`" in fault.reason
