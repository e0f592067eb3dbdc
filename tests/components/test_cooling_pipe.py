"""Cooling pipe: what the ground warms, what the diameter carries, which way a branch turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from tests.helpers import faults_of, refusal, solve, solved, told, variant

#: Heat from the ground [kW]: U1 − U2 of DN 100, ground 15 degC, water 6 and 12; 8 and 14 degC.
MAIN = 500 * (0.29965 - 0.01144) * (2 * 15 - 6 - 12) / 1000
BRANCH = 200 * 1.0 * (2 * 15 - 8 - 14) / 1000
WATER = 983 * 4.186  # kJ/m³K
#: Power at the full 1 m/s in a bore of 107.1 mm: friction factor 0.02062 (Colebrook, 0.1 mm).
FULL = 2 * 0.02062 * 500 / 0.1071 * 983 / 2 * np.pi / 4 * 0.1071**2 / 1000 / 0.6


def test_a_branch_turns_round_by_hand() -> None:
    """Proves gain, capacity, direction and pumping; a pipe without gain would cost 0.6 EUR less.

    Cold takes 0.2 kWh per kWh. Hour 1, power in the west costs 0.9 EUR/kWh against 0.3 in the
    works: the works cool both, 90 + 20 + 1.6 + 1.729 kW. The pump's tangent at 60 % of the full
    flow gives (1.08 x − 0.432) of 1.42 kW. Hour 2, it costs 0.05: the branch brings all that it
    carries, 983 · π/4 · 0.04² · 1.5 · 4.186 · 6 = 46.54 kW, less 1.6; the works give the rest of 90
    and 1.729 of gain, and the pump the tangent at 20 %, 0.12 x − 0.016.
    """
    result = solved("cooling_pipe")
    full = WATER * np.pi / 4 * 0.1071**2 * 6
    branch = WATER * np.pi / 4 * 0.04**2 * 1.5 * 6
    sent = np.array([90 + 20 + BRANCH + MAIN, 90 - (branch - BRANCH) + MAIN])
    assert result.flow("cooling_pipe.flow", "main") == pytest.approx(sent)
    assert result.flow("cooling_pipe.flow", "branch") == pytest.approx([20 + BRANCH, 0], abs=1e-6)
    assert result.flow("cooling_pipe.back", "branch") == pytest.approx([0, branch], abs=1e-6)
    pump = FULL * (np.array([1.08, 0.12]) * sent / full - np.array([0.432, 0.016]))
    assert result.flow("cooling_pipe.pump_power", "main") == pytest.approx(pump, rel=1e-3)
    west = np.array([0, 5 + branch])
    assert result.flow("chiller.cooling", "chiller west") == pytest.approx(west, abs=1e-6)
    by_hand = 0.3 * (0.2 * sent + pump).sum() + 0.05 * 0.2 * west[1]
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-4)
    assert result.plan.objective == pytest.approx(10.176991, abs=1e-6)


def test_cold_that_the_ground_has_taken_is_told() -> None:
    """A main without gain would let the works make 1.729 kW less."""
    sent = 90 + 20 + BRANCH
    lie = {("cooling_pipe.flow", "main", 0): sent, ("chiller.cooling", "chiller", 0): sent,
           ("grid.import", "grid", 0): 0.2 * sent + 0.16808224}  # fmt: skip
    assert "cooling is balanced" in told(solved("cooling_pipe"), lie)


def test_pumping_for_nothing_is_told() -> None:
    lie = {("cooling_pipe.pump_power", "main", 0): 0.0,
           ("grid.import", "grid", 0): 22.83393424 - 0.16808224}  # fmt: skip
    assert "pumping takes its power" in told(solved("cooling_pipe"), lie)


def test_a_colder_ground_takes_less_and_never_gives_cold(tmp_path: Path) -> None:
    """At 5 degC the ground is colder than the water: no gain, and no cold for free."""
    path = variant("cooling_pipe", tmp_path)
    table = (tmp_path / "weather_warm.csv").read_text(encoding="utf-8")
    (tmp_path / "weather_warm.csv").write_text(table.replace(",15", ",5"), encoding="utf-8")
    case = cg.prepare(cg.load(path))
    assert (case.units["cooling_pipe"]["loss"] == 0.0).all()
    assert solve(path).plan.objective < solved("cooling_pipe").plan.objective


def test_half_the_spread_carries_half_the_cold(tmp_path: Path) -> None:
    """A return of 9 degC in place of 12."""
    narrow = variant(
        "cooling_pipe", tmp_path, ("    pump: works}", "    pump: works, return: 9 degC}")
    )
    case = cg.prepare(cg.load(narrow))
    before = solved("cooling_pipe").case.units["cooling_pipe"]["capacity"][0]
    assert case.units["cooling_pipe"]["capacity"][0] == pytest.approx(before / 2)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("supply: 8 degC", "supply: 18 degC", "has taken no heat"),
        ("from: works, to: east", "from: works, to: works", 'leads from "works" to itself'),
        ("dn: 100", "dn: 101", "is not in the catalogue"),
        ("length: 200 m", "length: 20 km", "the ground takes more cold than the pipe can carry"),
        ("loss_u2: 0 W/m/K", "loss_u2: 2 W/m/K", "less than U1 loses"),
        ("pump: works", "pump: mill", "unknown node"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in str(refusal("cooling_pipe", tmp_path, (old, new)))


def test_cold_comes_through_pipes_or_not_at_all(tmp_path: Path) -> None:
    """The clinic's node makes none: without the main there is none."""
    path = variant("cooling_pipe", tmp_path)
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in text if "main:" not in line and "pump: works" not in
                            line and "branch" not in line and "inner" not in line
                            and "loss_u2" not in line), encoding="utf-8")  # fmt: skip
    (fault,) = faults_of(path)
    assert fault.reason == "draws cooling where nothing supplies it"
