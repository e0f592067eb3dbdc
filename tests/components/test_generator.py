"""Generator: fuel or a cost of its own, squared cost, emissions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from tests.helpers import faults_of, refusal, solve, solved, told, variant


def test_an_engine_and_a_block_by_hand() -> None:
    """Proves the square; without it the block gave all, by tangents alone the cost is less.

    The engine's power costs 0.04 / 40 % = 0.10 EUR/kWh. The block costs 2 + 0.05 P + 0.0004 P² and
    0.5 · 0.02 = 0.01 EUR/kWh for carbon, so its next kWh costs 0.06 + 0.0008 P: 0.10 at 50 kW, but
    it must give 55. Hour 1 asks for 30, below that: engine, 3 EUR. Hour 2 asks for 103: engine 45
    (all it has), block 58: 4.5 + 2 + 3.48 + 1.3456 = 11.3256. Hour 3 asks for 60: block 55, engine
    5: 2 + 3.3 + 1.21 + 0.5 = 7.01. Together 21.3356 EUR.
    """
    result = solved("generator")
    assert result.flow("generator.power", "block") == pytest.approx([0, 58, 55], abs=1e-6)
    assert result.flow("generator.power", "engine") == pytest.approx([30, 45, 5], abs=1e-6)
    assert result.flow("fuel.supplied")[0] == pytest.approx([75, 112.5, 12.5])
    assert result.paid("block", "generator.curve") == pytest.approx(1.3456 + 1.21)
    assert result.paid("block", "generator.standby") == pytest.approx(4.0)
    assert result.verdict.ledger["block", "generator.carbon"][1] == pytest.approx(56.5)
    assert result.plan.objective == pytest.approx(21.3356, abs=1e-6)
    assert result.plan.bound == pytest.approx(21.3356, abs=1e-5)


def test_a_square_without_commitment_needs_no_binary(tmp_path: Path) -> None:
    """100 kW are shared where the next kWh cost the same: 0.05 + 0.002 P = 0.07 + 0.002 Q."""
    text = """name: shared
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes: {yard: {}}
components:
  one: {kind: generator, node: yard, power: 90 kW, variable_cost: 50 EUR/MWh,
    quadratic_cost: 1000 EUR/MW^2/h}
  two: {kind: generator, node: yard, power: 90 kW, variable_cost: 70 EUR/MWh,
    quadratic_cost: 1000 EUR/MW^2/h}
  works: {kind: power_demand, node: yard, load: 100 kW}
"""
    (tmp_path / "shared.yaml").write_text(text)
    result = solve(tmp_path / "shared.yaml")
    assert result.form.size["binaries"] == 0
    # Near the optimum cost is flat, so the exact cost is met long before the last digit of power.
    assert result.flow("generator.power", "one") == pytest.approx([55, 55], abs=1e-2)
    hourly = 55 * 0.05 + 45 * 0.07 + 0.001 * (55**2 + 45**2)
    assert result.plan.objective == pytest.approx(2 * hourly, rel=1e-8)
    assert result.verdict.ok


@pytest.mark.parametrize("route", ["pyomo:highs", "hybrid", "hybrid:rounding"])
def test_every_route_pays_the_exact_square(route: str) -> None:
    """A route that knows only tangents would report less than the plan costs."""
    case, form, exact, _ = solved("generator")
    plan = cg.solve(form, route)
    verdict = cg.verify(case, plan)
    assert verdict.ok, verdict.violations
    assert plan.bound is not None
    assert plan.bound <= exact.objective + 1e-6 <= plan.objective + 2e-6
    assert plan.gap is not None and plan.gap <= 1e-3


def test_a_cheaper_curve_than_the_square_is_told() -> None:
    low = solved("generator").flow("generator.curve_cost", "block")[1] - 0.1
    assert "cost follows its curve" in told(
        solved("generator"), {("generator.curve_cost", "block", 1): low}
    )


def test_efficiency_by_load_is_not_convex(tmp_path: Path) -> None:
    """30 % at 40 % load, 40 % at 80 %, 36 % at all: 60, 90, 125 kW of fuel for 18, 36, 45 kW.

    Between them it is straight: 30 kW take 60 + 30 · 12/18 = 80 kW of fuel.
    """
    loads = "part_load: [{load: 40 %, efficiency: 30 %}, {load: 80 %, efficiency: 40 %}, "
    path = variant("generator", tmp_path,
                   ("efficiency: 40 %", loads + "{load: 100 %, efficiency: 36 %}]"))  # fmt: skip
    result = solve(path)
    assert result.verdict.ok
    power = result.flow("generator.power", "engine")
    fuel = np.interp(power, [18, 36, 45], [60, 90, 125])
    assert power[0] == pytest.approx(30.0) and fuel[0] == pytest.approx(80.0)
    assert result.flow("fuel.supplied")[0] == pytest.approx(np.where(power > 1e-9, fuel, 0.0))


def test_cost_points_that_bend_the_wrong_way_are_cut_into_segments(tmp_path: Path) -> None:
    """55, 75, 100 kW cost 8, 9, 14 EUR/h: convex; 8, 13, 14: not, and the lines alone would lie."""
    curve = "variable_cost: 50 EUR/MWh, quadratic_cost: 400 EUR/MW^2/h, carbon: 0.5 kg/kWh"
    for middle, binaries in ((9, 3), (13, 9)):
        points = ", ".join(f"{{output: {kw} kW, cost: {eur} EUR/h}}"
                           for kw, eur in ((55, 8), (75, middle), (100, 14)))  # fmt: skip
        result = solve(variant("generator", tmp_path, (curve, f"cost_points: [{points}]")))
        assert result.verdict.ok
        assert result.form.size["binaries"] == binaries
        block = result.flow("generator.power", "block")
        paid = np.where(block > 1, np.interp(block, [55, 75, 100], [8, middle, 14]), 0).sum()
        item = "curve" if middle == 9 else "segments"
        assert result.paid("block", f"generator.{item}") == pytest.approx(paid)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("quadratic_cost: 400", "quadratic_cost: -400", "a negative quadratic cost is not convex"),
        ("minimum_load: 55 kW", "minimum_load: 155 kW", "lies above the capacity of 100 kW"),
        ("minimum_load: 55 kW", "minimum_load: 55 kWh", "is not a share"),
        ("efficiency: 40 %", "efficiency: 40 %, part_load: [{load: 1, efficiency: 0.4}]",
         "has `part_load` and `efficiency`"),
        ("efficiency: 40 %", "reserve: somewhere", "names neither a node nor a component"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("generator", tmp_path, (old, new)).reason


def test_all_that_is_wrong_with_points_is_told_at_once(tmp_path: Path) -> None:
    points = "cost_points: [{output: 90 kW, cost: 8 EUR/h}, {output: 60 kW, cost: 9 EUR/h}]"
    loads = "part_load: [{load: 80 %, efficiency: 0.3}, {load: 40 %, efficiency: 0.4}]"
    faults = faults_of(
        variant("generator", tmp_path, ("carbon: 0.5 kg/kWh", points), ("efficiency: 40 %", loads))
    )
    reasons = "\n".join(fault.reason for fault in faults)
    assert reasons.count("points must be listed by rising output") == 2
    assert "stand beside" in reasons and reasons.count("does not end at the capacity") == 2
    assert "begins at 60 kW, above the minimum load" in reasons
