"""Solar heat: the collector equation at the network's temperature, curtailed in excess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import citygrid as cg
from citygrid.components.solar_thermal import collector_heat
from tests.helpers import faults_of, refusal, solve, solved, told, variant

OWN = "irradiance: {series: sun}"


def available(path: Path) -> np.ndarray:
    return cg.prepare(cg.load(path)).units["solar_thermal"]["available"][0]


def test_heat_above_the_losses_by_hand() -> None:
    """Proves the collector equation; without its square all would gain 2.5 kW.

    The network's mean is 50 degC, the collectors are 5 K warmer, the air has 5 degC: 50 K above
    lose 2 · 50 + 0.01 · 50² = 125 W/m². 80 % of 100, 500, 800 W/m² leave 0, 275, 515 W/m²; 100 m²
    give 0, 27.5, 51.5 kW. The homes take 40: hour 3 curtails 11.5, the boiler gives 40, 12.5 and 0
    at 0.1 EUR/kWh: 5.25 EUR.
    """
    result = solved("solar_thermal")
    assert result.case.units["solar_thermal"]["available"][0] == pytest.approx([0, 27.5, 51.5])
    assert result.flow("solar_thermal.produced") == pytest.approx(
        np.array([[0, 27.5, 40]]), abs=1e-6
    )
    assert result.flow("boiler.heat", "boiler") == pytest.approx([40, 12.5, 0], abs=1e-6)
    assert result.plan.objective == pytest.approx(5.25, abs=1e-6)


def test_a_cooler_network_gives_more_heat_and_never_costs_more(tmp_path: Path) -> None:
    """At 30 degC (25 + 5) the field loses 56.25 W/m²."""
    cool = variant("solar_thermal", tmp_path, (OWN, f"mean_temperature: 30 degC, {OWN}"))
    assert available(cool) == pytest.approx([2.375, 34.375, 58.375])
    assert solve(cool).plan.objective < solved("solar_thermal").plan.objective


@given(st.floats(0, 1200), st.floats(-20, 40), st.floats(-20, 120), st.floats(0, 10))
def test_more_sun_warmer_air_and_a_cooler_collector_never_lose(
    sun: float, air: float, mean: float, more: float
) -> None:
    def heat(*values: float) -> float:
        arrays = (np.array([value]) for value in values)
        return float(collector_heat(*arrays, 0.8, 3.0, 0.02)[0])

    here = heat(sun, air, mean)
    assert here >= 0.0
    assert here <= heat(sun + more, air, mean) + 1e-9
    assert here <= heat(sun, air + more, mean) + 1e-9
    assert here <= heat(sun, air, mean - more) + 1e-9


def test_the_sun_of_the_weather_on_the_collectors_plane(tmp_path: Path) -> None:
    """A clear winter noon: a steep plane gets more than a flat one, the north next to nothing."""
    table = "time,temperature [degC],cloud cover [%]\n" + "".join(
        f"2023-01-16T{hour:02}:00Z,5,0\n" for hour in range(8, 16)
    )
    (tmp_path / "clear.csv").write_text(table)

    def energy(plane: str) -> float:
        path = variant(
            "solar_thermal", tmp_path, (OWN, f"mean_temperature: 5 degC, {plane}"),
            ("weather_cold.csv", "clear.csv"), ("16T00:00Z, length: 3 h", "16T08:00Z, length: 8 h"),
            ("sun: {file: solar_thermal.csv, column: sun, unit: W/m^2}", "{}"),
        )  # fmt: skip
        return float(available(path).sum())

    steep, flat, north = (
        energy(plane) for plane in ("tilt: 60 deg", "tilt: 0 deg", "tilt: 60 deg, azimuth: 0 deg")
    )
    assert steep > 2 * flat > 4 * north > 0
    assert energy("tilt: 60 deg, incidence_loss: 0") > steep
    assert energy("tilt: 60 deg, azimuth: 180 deg, incidence_loss: 10 %") == pytest.approx(steep)


def test_more_than_the_sun_gives_is_told() -> None:
    night = {("solar_thermal.produced", "collectors", 0): 40.0, ("boiler.heat", "boiler", 0): 0.0,
             ("fuel.supplied", "gas", 0): 0.0}  # fmt: skip
    rules = told(solved("solar_thermal"), night)
    assert "production within what the sun gives" in rules and "heat is balanced" not in rules


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("area: 100 m^2", "area: 100 m", "is not an area"),
        ("optical_efficiency: 80 %", "optical_efficiency: 140 %", "must be at most 1"),
        ("linear_loss: 2 W/m^2/K", "linear_loss: -2 W/m^2/K", "must be at least 0"),
        ("linear_loss: 2 W/m^2/K", "linear_loss: 2 W/m/K", "is not a heat loss coefficient"),
        ("quadratic_loss: 0.01 W/m^2/K^2, ", "", "lacks `quadratic_loss`"),
        (OWN, "tilt: 35 deg", "does not tell the"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("solar_thermal", tmp_path, (old, new)).reason


def test_collectors_without_a_network_need_their_own_temperature(tmp_path: Path) -> None:
    network = ("heat_network: {supply: [{air: -10 degC, water: 65 degC}], return: 35 degC}\n", "")
    faults = faults_of(variant("solar_thermal", tmp_path, network))
    assert {fault.reason for fault in faults} == {"needs the heat network's temperatures"}
    own = (OWN, f"mean_temperature: 55 degC, {OWN}")
    path = variant("solar_thermal", tmp_path, network, own)
    assert available(path) == pytest.approx([0, 27.5, 51.5])
