"""Seasonal store: its size from volume and temperatures, its losses to the air and the ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from tests.helpers import refusal, solve, solved, told, variant

ENDS = "initial_level: 10 %, final_level: 5 %"
POWERS = "charge: 100 kW, discharge: 100 kW"


def test_summer_heat_in_a_small_pit_by_hand() -> None:
    """Proves size, both losses and both ends; without the fixed loss no boiler runs after hour 1.

    10 m³ of 1 kWh/m³K between 25 and 85 degC hold 600 kWh: 60 at the start, 30 at the end. Lid and
    walls lose 100 and 50 W per kelvin above 5 degC: 150 W/K / 10 kWh/K = 1.5 % of the level per
    hour, and 3 kW at 25 degC. A kWh of boiler heat costs 0.05 EUR in hour 1, 0.2 later. The pit
    charges all it may in hour 1: 60 · 0.985 − 3 + 100 = 156.1. It serves hour 2: 156.1 · 0.985 − 3
    − 60 = 90.7585; and hour 3 but for its end: 90.7585 · 0.985 − 3 − 30 = 56.397 of 60.
    Boiler: 120 · 0.05 + 3.603 · 0.2 = 6.7206 EUR.
    """
    result = solved("seasonal_store")
    last = 90.7585 * 0.985 - 3 - 30
    level = result.flow("seasonal_store.level", "pit")
    assert level == pytest.approx([156.1, 90.7585, 30], abs=1e-6)
    assert result.flow("seasonal_store.charge", "pit") == pytest.approx([100, 0, 0], abs=1e-6)
    assert result.flow("seasonal_store.discharge", "pit") == pytest.approx([0, 60, last], abs=1e-6)
    assert result.flow("boiler.heat", "boiler") == pytest.approx([120, 0, 60 - last], abs=1e-6)
    assert result.plan.objective == pytest.approx(6 + 0.2 * (60 - last), abs=1e-6)
    assert result.plan.objective == pytest.approx(6.720577, abs=1e-5)


def test_an_untouched_store_cools_towards_its_surroundings(tmp_path: Path) -> None:
    """Its temperature above the air's and ground's 5 degC falls by 1.5 % an hour."""
    still = (POWERS, "charge: 0 kW, discharge: 0 kW")
    path = variant("seasonal_store", tmp_path, still, (ENDS, "initial_level: 100 %"))
    level = solve(path).flow("seasonal_store.level", "pit")
    temperature = 25 + level / 10
    assert temperature - 5 == pytest.approx(80 * 0.985 ** np.arange(1, 4))


def test_a_store_colder_than_the_ground_gains(tmp_path: Path) -> None:
    """Boreholes at 1 degC in ground and air of 5 degC take 0.15 · 4 = 0.6 kW when empty."""
    cold = ("hot: 85 degC,\n    cold: 25 degC", "hot: 61 degC,\n    cold: 1 degC")
    path = variant("seasonal_store", tmp_path, cold, (POWERS, "charge: 0 kW, discharge: 0 kW"),
                   (ENDS, "initial_level: 0"))  # fmt: skip
    level = solve(path).flow("seasonal_store.level", "pit")
    assert level[0] == pytest.approx(0.6) and (np.diff(level) > 0).all()


@pytest.mark.parametrize(("construction", "per_kelvin"), [("pit", 1.13257), ("boreholes", 0.69444)])
def test_the_construction_decides_the_heat_capacity(
    tmp_path: Path, construction: str, per_kelvin: float
) -> None:
    own = ("construction: pit", f"construction: {construction}")
    path = variant("seasonal_store", tmp_path, own, ("heat_capacity: 1 kWh/m^3/K, ", ""))
    found = cg.prepare(cg.load(path)).units["seasonal_store"]["capacity"]
    assert found[0, 0] == pytest.approx(10 * 60 * per_kelvin, rel=1e-5)


def test_a_cyclic_store_ends_where_it_began(tmp_path: Path) -> None:
    path = variant("seasonal_store", tmp_path, (f"cyclic: false,\n    {ENDS}", "cyclic: true"))
    result = solve(path)
    level, charge, discharge = (
        result.flow(f"seasonal_store.{flow}", "pit") for flow in ("level", "charge", "discharge")
    )
    first = level[-1] * 0.985 - 3 + charge[0] - discharge[0]
    assert level[0] == pytest.approx(first) and result.verdict.ok


def test_a_cool_store_heats_through_a_pump(tmp_path: Path) -> None:
    """The pump lifts from 55 to 25 degC; what it takes and its power are the heat it gives."""
    pumps = ("cyclic: false", "serves: heat pumps, cyclic: false")
    pump = ("  homes:", "  lift: {kind: heat_pump, source: pit, sink: plant, heat: 50 kW}\n"
            "  grid: {kind: grid, node: plant, import: {price: 100 EUR/MWh, max: 1 MW}}\n"
            "  homes:")  # fmt: skip
    network = ("series:\n", "heat_network: {supply: [{air: 0 degC, water: 80 degC}], "
               "return: 50 degC}\nseries:\n")  # fmt: skip
    result = solve(variant("seasonal_store", tmp_path, pumps, pump, network))
    assert result.verdict.ok, result.verdict.violations
    heat = result.flow("heat_pump.heat", "lift")
    performance = result.case.units["heat_pump"]["performance"][0]
    assert result.case.units["heat_pump"]["source_glide"][0, 0] == pytest.approx(30.0)
    assert heat[1:] == pytest.approx([50, 50], abs=1e-6)
    taken = result.flow("seasonal_store.discharge", "pit")
    assert taken == pytest.approx(heat * (1 - 1 / performance), abs=1e-6)


def test_heat_kept_without_loss_is_told() -> None:
    """A level one kWh higher at the end of hour 1, from nowhere."""
    assert "level follows charge and discharge" in told(
        solved("seasonal_store"), {("seasonal_store.level", "pit", 0): 157.1}
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("hot: 85 degC", "hot: 20 degC", "not warmer when full"),
        ("volume: 10 m^3", "volume: 0 m^3", "greater than 0"),
        ("volume: 10 m^3", "volume: 10 m^2", "is not a volume"),
        ("initial_level: 10 %", "initial_level: 110 %", "must be at most 1"),
        ("cyclic: false", "standing_loss: 1 %/h, cyclic: false", "follows from `lid` and `walls`"),
        ("construction: pit", "construction: cave", "is not one of the choices"),
        ("lid: {area: 100 m^2, transmission: 1 W/m^2/K},\n    ", "", "lacks `lid`"),
        ("volume: 10 m^3", "volume: 0.1 m^3", "is more in a step than the store holds"),
        ("  cold: 25 degC, heat", "  heat", "lacks `cold`"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("seasonal_store", tmp_path, (old, new)).reason
