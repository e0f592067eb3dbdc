"""Combined heat and power: both in a fixed ratio from one fuel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import refusal, solve, solved, told, variant


def test_an_engine_runs_when_power_is_dear_by_hand() -> None:
    """Proves the ratio of power and heat; heat for nothing, or burnt twice, changes the cost.

    Per kWh of power the engine burns 2.5 kWh of gas (0.15 EUR) and gives 1.25 kWh of heat, which
    saves 1.25 / 0.9 · 0.06 = 0.0833 EUR in the boiler: 0.0667 EUR net.
    Hour 1, power at 0.05: off. 120 · 0.05 + 150 / 0.9 · 0.06 = 16 EUR.
    Hour 2, power at 0.30: full. 250 · 0.06 + 25 / 0.9 · 0.06 + 20 · 0.3 + start 3 = 25.6667 EUR.
    Hour 3: only 50 kW of heat are wanted, that is 40 kW of power, below the minimum of 50: off.
    120 · 0.3 + 50 / 0.9 · 0.06 = 39.3333 EUR. Together 81 EUR.
    """
    result = solved("chp")
    assert result.flow("chp.power", "engine") == pytest.approx([0, 100, 0], abs=1e-6)
    assert result.flow("boiler.heat", "boiler") == pytest.approx([150, 25, 50])
    assert result.flow("grid.import", "grid") == pytest.approx([120, 20, 120])
    assert result.flow("fuel.supplied", "gas")[1] == pytest.approx(250 + 25 / 0.9)
    assert result.plan.objective == pytest.approx(81.0 + WORKS, abs=1e-6)


#: What the works cost [EUR]: power, gas of the turbine and of the boiler in every hour.
WORKS = (88 * 0.05 + 40 / 0.9 * 0.06) + (12 + 10 / 0.9 * 0.06) + (8 + (90 - 200 / 3) / 0.9 * 0.06)


def test_a_turbine_gives_up_power_for_heat_by_hand() -> None:
    """Proves extraction; a turbine in fixed ratio would cost more in either hour that it runs.

    Without heat it turns half of its gas into power; a kWh of heat takes (0.5 − 0.3) / 0.5 = 0.4
    kWh of power away and needs at least 0.3 / 0.5 = 0.6 kWh beside it. Hour 1, power at 0.05:
    heat in back pressure would cost 0.12 − 0.03 and is dearer than the boiler's 0.0667: off. Hour
    2, at 0.30: it serves the shops' 88 kW, which leaves (100 − 88) / 0.4 = 30 kW of heat; more of
    it would have to be bought back at 0.12 a kWh. It burns 100 / 0.5 kW. Hour 3: the shops' 40 kW
    allow 40 / 0.6 = 66.67 kW of heat, for which it burns (40 + 0.4 · 66.67) / 0.5 = 133.33 kW.
    """
    result = solved("chp")
    assert result.flow("chp.power", "turbine") == pytest.approx([0, 88, 40], abs=1e-6)
    assert result.flow("chp.heat", "turbine") == pytest.approx([0, 30, 200 / 3], abs=1e-6)
    assert result.flow("boiler.heat", "works boiler") == pytest.approx(
        [40, 10, 90 - 200 / 3], abs=1e-6
    )
    burnt = result.flow("fuel.supplied", "works gas") - [40 / 0.9, 10 / 0.9, (90 - 200 / 3) / 0.9]
    assert burnt == pytest.approx([0, 200, 400 / 3], abs=1e-6)


def test_heat_without_its_power_is_told() -> None:
    more = {("chp.heat", "turbine", 2): 90.0, ("boiler.heat", "works boiler", 2): 0.0}
    assert "heat brings power with it" in told(solved("chp"), more)


def test_more_steam_than_the_boiler_makes_is_told() -> None:
    more = {("chp.heat", "turbine", 1): 40.0, ("boiler.heat", "works boiler", 1): 0.0}
    assert "output within minimum load and capacity" in told(solved("chp"), more)


EXTRACTION = "extraction: {condensing_efficiency: 50 %}"


def test_extraction_has_a_largest_heat(tmp_path: Path) -> None:
    limited = (EXTRACTION, "extraction: {condensing_efficiency: 50 %, heat: 20 kW}")
    result = solve(variant("chp", tmp_path, limited))
    assert result.verdict.ok
    assert result.flow("chp.heat", "turbine") == pytest.approx([0, 20, 20], abs=1e-6)


def test_extraction_with_a_minimum_load_and_a_start(tmp_path: Path) -> None:
    """The minimum holds for the power it would give without heat: 40 + 0.4 · 66.67 = 66.67 kW."""
    allowed = (EXTRACTION, f"{EXTRACTION}, minimum_load: 66 %, start_cost: 0.1 EUR")
    result = solve(variant("chp", tmp_path, allowed))
    assert result.verdict.ok
    assert result.flow("chp.power", "turbine") == pytest.approx([0, 88, 40], abs=1e-6)
    assert result.plan.objective == pytest.approx(81 + WORKS + 0.1, abs=1e-6)
    (tmp_path / "high").mkdir()
    above = (EXTRACTION, f"{EXTRACTION}, minimum_load: 68 %")
    higher = solve(variant("chp", tmp_path / "high", above))
    assert higher.flow("chp.power", "turbine")[2] == pytest.approx(0.0, abs=1e-6)


def test_flue_gas_and_cooling_water_leave_less_heat(tmp_path: Path) -> None:
    """Hour 3: 40 + Q ≤ 0.9 · F − 20 with the fuel F = 80 + 0.8 Q: 0.28 Q ≤ 12, 42.857 kW."""
    lossy = (EXTRACTION, "extraction: {condensing_efficiency: 50 %, stack_loss: 10 %, condenser: "
             "20 kW}, must_run: true")  # fmt: skip
    result = solve(variant("chp", tmp_path, lossy))
    assert result.verdict.ok
    assert result.flow("chp.heat", "turbine")[2] == pytest.approx(12 / 0.28, abs=1e-6)
    more = {("chp.heat", "turbine", 2): 60.0}
    assert "the fuel's energy is not exceeded" in told(result, more)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("extraction: {heat: 20 kW}", "needs one of `condensing_efficiency` and the unit's"),
        ("extraction: {condensing_efficiency: 25 %}", "is below the electric efficiency"),
        ("extraction: {condensing_efficiency: 90 %}", "would cost 1.2 kWh of power"),
        ("extraction: {condensing_efficiency: 50 %, stack_loss: 3 kW}", "is not a share"),
    ],
)
def test_faults_of_extraction(tmp_path: Path, new: str, reason: str) -> None:
    assert reason in refusal("chp", tmp_path, (EXTRACTION, new)).reason


def test_extraction_by_part_load_needs_its_power_loss(tmp_path: Path) -> None:
    own = (
        "electric_efficiency: 30 %,\n    thermal_efficiency: 50 %, " + EXTRACTION,
        "part_load: [{load: 40 %, efficiency: 43 %}, {load: 100 %, efficiency: 53 %}], "
        "extraction: {heat: 50 kW}",
    )
    assert "needs its `power_loss`" in refusal("chp", tmp_path, own).reason


def test_without_a_minimum_load_it_follows_the_heat(tmp_path: Path) -> None:
    """Hour 3 then runs at 40 kW and all its heat is taken."""
    free = solve(variant("chp", tmp_path, (", minimum_load: 50 %", "")))
    assert free.flow("chp.power", "engine") == pytest.approx([0, 100, 40], abs=1e-6)
    assert free.flow("boiler.heat", "boiler")[2] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("electric", "thermal", "refused"),
    [("40 %", "50 %", False), ("45 %", "63 %", False), ("50 %", "60 %", True)],
)
def test_the_first_law(tmp_path: Path, electric: str, thermal: str, refused: bool) -> None:
    """No engine gives more than its fuel holds, even if it condenses."""
    changes = [("electric_efficiency: 40 %", f"electric_efficiency: {electric}"),
               ("50 %, minimum_load", f"{thermal}, minimum_load")]  # fmt: skip
    if refused:
        fault = refusal("chp", tmp_path, *changes)
        assert "add up to 1.1" in fault.reason and "at most 1.08" in str(fault)
        assert fault.place.startswith(str(tmp_path / "chp.yaml") + ":13")
    else:
        assert solve(variant("chp", tmp_path, *changes)).verdict.ok
