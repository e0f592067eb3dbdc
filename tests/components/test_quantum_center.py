"""Quantum centre: the cryostat never stops, the processor keeps its calendar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.errors import InfeasibleError
from tests.helpers import faults_of, refusal, solve, solved, told, variant


def test_a_day_with_maintenance_by_hand() -> None:
    """Proves must-run, duty and calendar; duty kept up in maintenance would cost 1.03 EUR more.

    20 kW of cryogenics and 5 idle run always; half of the 10 active kW are promised, except in
    hour 2, which a maintenance of half an hour takes as a whole. The job's 8 kWh go where it may
    run, 4 kW in hours 1 and 3: 34, 25, 34 kW. The water loop carries nine tenths of the cryogenics,
    18 kW, from which a pump of COP 3 makes 27 kW of heat for 9 of power; the homes want 40, and the
    boiler adds 13 at 0.1 EUR. 16, 7, 16 kW are rejected, with 3 % for fans. Bought: 34 + 9 + 0.48
    (twice) and 25 + 9 + 0.21, 121.17 · 0.2 + 3.9 = 28.134 EUR. A loop that carried the heat of
    controls and host, too, would cost 1.22 EUR less. The rack computes 2 kW at full duty, so 1.8
    at nine tenths of it, twice, and pays 3 % for its fans: 3.708 · 0.2 = 0.7416 EUR.
    """
    result = solved("quantum_center")
    assert result.flow("quantum_center.run", "cryostat") == pytest.approx([4, 0, 4], abs=1e-6)
    recovered = result.flow("quantum_center.recovered", "cryostat")
    assert recovered == pytest.approx([18, 18, 18])
    assert recovered + result.flow("quantum_center.rejected", "cryostat") == pytest.approx(
        [34, 25, 34]
    )
    assert result.flow("boiler.heat", "boiler") == pytest.approx([13, 13, 13])
    compute = result.flow("data_center.compute", "rack")
    assert compute == pytest.approx([1.8, 0, 1.8], abs=1e-6)
    by_hand = 0.2 * (2 * 43.48 + 34.21 + 1.03 * 3.6) + 3 * 1.3
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)
    assert result.plan.objective == pytest.approx(28.8756, abs=1e-6)


def test_cryogenics_count_as_cooling_and_not_as_computing() -> None:
    """IT takes 14, 5 and 14 kW; the centre 34, 25 and 34, and 3 % of 39 kWh for its fans. The rack
    adds 3.6 kWh to both, and 3 % of them."""
    pue = (93 + 1.17 + 1.03 * 3.6) / (33 + 3.6)
    assert solved("quantum_center").verdict.kpis["pue"] == pytest.approx(pue)


def test_a_processor_without_its_host_is_told() -> None:
    """The rack stands still while circuits run; its power and cold are left out, too."""
    result = solved("quantum_center")
    lie = {("data_center.compute", "rack", 0): 0.0, ("data_center.rejected", "rack", 0): 0.0,
           ("chiller.cooling", "chiller", 0): 16.0,
           ("grid.import", "grid", 0): result.flow("grid.import", "grid")[0] - 1.854}  # fmt: skip
    rules = told(result, lie)
    assert "compute is balanced" in rules and "power is balanced" not in rules


def test_a_host_that_is_too_small_leaves_no_plan(tmp_path: Path) -> None:
    """0.9 kW do not run half of 2 kW."""
    path = variant("quantum_center", tmp_path, ("capacity: 5 kW", "capacity: 900 W"))
    with pytest.raises(InfeasibleError, match="compute"):
        cg.solve(cg.formulate(cg.prepare(cg.load(path))))


def test_heat_of_the_controls_is_not_recovered() -> None:
    """1 kW more than the loop carries, and 1 kW less for the chiller: all heat still leaves."""
    more = {("quantum_center.recovered", "cryostat", 0): 19.0,
            ("quantum_center.rejected", "cryostat", 0): 15.0}  # fmt: skip
    rules = told(solved("quantum_center"), more)
    assert "recovered heat is recoverable" in rules
    assert "all heat is recovered or rejected" not in rules


def test_the_cryostat_is_never_shed(tmp_path: Path) -> None:
    """At any price it runs: 20 kW of the district are no decision, and 24 kW are not enough."""
    (tmp_path / "dear").mkdir()
    price = ("price: 200 EUR/MWh", "price: 99 EUR/kWh")
    dear = solve(variant("quantum_center", tmp_path / "dear", price))
    assert (dear.flow("grid.import") >= 25).all()
    path = variant("quantum_center", tmp_path, ("max: 100 kW}}", "max: 24 kW}}"))
    with pytest.raises(InfeasibleError, match="power balance lacks"):
        cg.solve(cg.formulate(cg.prepare(cg.load(path))))


def test_a_plan_without_the_cryostat_is_told() -> None:
    """There is no flow to hide it in: import and heat without its 20 kW do not balance."""
    result = solved("quantum_center")
    cold = {("grid.import", "grid", step): result.flow("grid.import", "grid")[step] - 20
            for step in range(3)}  # fmt: skip
    assert "power is balanced" in told(result, cold)


def test_computing_in_maintenance_is_told() -> None:
    assert "duty within calendar" in told(
        solved("quantum_center"), {("quantum_center.run", "cryostat", 1): 4.0}
    )


@pytest.mark.parametrize(
    ("after", "length", "open_steps"),
    [("0 h", "1 h", [0, 1, 1]), ("1 h", "2 h", [1, 0, 0]), ("30 min", "1 h", [0, 0, 1]),
     ("59 min", "1 min", [0, 1, 1]), ("2 h", "9 h", [1, 1, 0])],
)  # fmt: skip
def test_a_step_that_touches_maintenance_is_closed(
    tmp_path: Path, after: str, length: str, open_steps: list[int]
) -> None:
    window = ("{after: 1 h, length: 30 min}", f"{{after: {after}, length: {length}}}")
    case = cg.prepare(cg.load(variant("quantum_center", tmp_path, window)))
    units = case.units["quantum_center"]
    assert units["available"][0].tolist() == open_steps
    assert units["duty"][0] == pytest.approx(0.5 * np.array(open_steps))


@pytest.mark.parametrize(
    ("after", "length", "reason"),
    [("5 h", "1 h", "window 1 lies outside the horizon of 3 h"), ("1 h", "0 h", "has no length")],
)
def test_maintenance_that_never_comes_is_refused(
    tmp_path: Path, after: str, length: str, reason: str
) -> None:
    window = ("{after: 1 h, length: 30 min}", f"{{after: {after}, length: {length}}}")
    assert reason in refusal("quantum_center", tmp_path, window).reason


def test_a_job_that_cannot_be_split_finds_no_room_around_maintenance(tmp_path: Path) -> None:
    path = variant("quantum_center", tmp_path, (", preemptible: true", ""))
    with pytest.raises(InfeasibleError):
        cg.solve(cg.formulate(cg.prepare(cg.load(path))))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("duty: 50 %", "duty: 150 %", "a duty is a share of the step, at most 1"),
        ("recoverable: 90 %", "loop_supply: 20 degC", "is not warmer than its return of 24 degC"),
        ("length: 30 min}", "length: 30 kW}", "is not a duration"),
        ("host: rack, ", "", "a host and its IT power belong together"),
        ("host: rack", "host: chiller", "gives no compute"),
        ("active: 10 kW", "active: 0 kW", "duty is told by the active power"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("quantum_center", tmp_path, (old, new)).reason


def test_jobs_that_need_another_resource_are_refused(tmp_path: Path) -> None:
    path = variant("quantum_center", tmp_path, ("resource: quantum", "resource: compute"))
    assert "gives no compute" in faults_of(path)[0].reason
