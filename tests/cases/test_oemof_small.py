"""Small cases of oemof.solph from ordinary district files, within their stated tolerance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import Solved, solve, told

HERE = Path(__file__).parent / "oemof_small"


def case(name: str) -> Solved:
    result = solve(HERE / f"{name}.yaml")
    assert result.verdict.ok, result.verdict.violations
    return result


def test_variable_and_fixed_chp() -> None:
    """Sums and maxima of the gas that each burns, to 0.5; the objective to its eight digits.

    Their solver prints 3.2666159e8; 326,661,586.84 comes out, fifty times the gas.
    """
    result = case("variable_chp")
    burnt = result.flow("fuel.supplied")
    assert burnt.sum(axis=1) == pytest.approx([2_823_024, 3_710_208], abs=0.5)
    assert burnt.sum() == pytest.approx(6_533_232, abs=0.5)
    assert burnt.max(axis=1) == pytest.approx([630_332, 785_934], abs=0.5)
    assert burnt.sum(axis=0).max() == pytest.approx(1_416_266, abs=0.5)
    assert result.plan.objective == pytest.approx(326_661_590, abs=5)


def test_generic_chp() -> None:
    """A turbine with efficiency by load, flue gas and cooling water: who heats how much [MWh]."""
    result = case("generic_chp")
    served = result.flow("heat_demand.served").sum() / 1000
    missing = result.flow("heat_demand.unserved").sum() / 1000
    assert served + missing == pytest.approx(20_000.0)
    assert result.flow("chp.heat").sum() / 1000 == pytest.approx(14_070.15215799, abs=0.5)
    assert missing == pytest.approx(5_929.8478649200015, abs=0.5)
    on = result.flow("chp.on", "turbine") > 0.5
    assert 0 < on.sum() < len(on)


def test_more_heat_than_the_first_law_leaves_is_told() -> None:
    """In the hour of the largest heat, a percent more of it, and all else in balance."""
    result = case("generic_chp")
    hour = int(np.argmax(result.flow("chp.heat", "turbine")))
    more = 1.01 * result.flow("chp.heat", "turbine")[hour]
    rules = told(result, {("chp.heat", "turbine", hour): more})
    assert "the fuel's energy is not exceeded" in rules


def test_dispatch_of_a_day() -> None:
    """8495 ± 1; the same programme written by hand in HiGHS gives 8495.75779065059."""
    assert case("dispatch").plan.objective == pytest.approx(8495.75779065059, rel=1e-7)
    assert case("dispatch").plan.objective == pytest.approx(8495, abs=1)


def test_dispatch_of_an_hour() -> None:
    """Wind 33, power 26, excess 5, power of the heat pump 3 MW, each to 0.5."""
    result = case("dispatch_hour")
    heat = result.flow("heat_pump.heat")[0, 0]
    found = {
        "wind": result.flow("wind.produced")[0, 0], "excess": result.flow("grid.export")[0, 0],
        "demand": result.flow("power_demand.served")[0, 0], "heat pump": heat / 3,
    }  # fmt: skip
    expected = {"wind": 33, "excess": 5, "demand": 26, "heat pump": 3}
    assert {name: value / 1000 for name, value in found.items()} == pytest.approx(expected, abs=0.5)
