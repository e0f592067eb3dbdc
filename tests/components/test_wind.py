"""Wind: the speed at hub height, the power curve, curtailment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.wind import TURBINES, power_at, wind_at
from citygrid.plan.plan import Plan
from tests.helpers import DISTRICTS, refusal, solve, solved, told, variant

CURVE = """curve: [
    {speed: 3 m/s, power: 10 kW}, {speed: 7 m/s, power: 50 kW}, {speed: 9 m/s, power: 90 kW},
    {speed: 13 m/s, power: 90 kW}]"""


def available(path: Path) -> np.ndarray:
    return cg.prepare(cg.load(path)).units["wind"]["available"][0]


def test_from_the_weather_to_the_farm_by_hand() -> None:
    """Proves power law, curve, cut-out, losses and curtailment.

    At 10 m blow 1, 4, 5, 7 m/s; at 40 m twice that, (40/10)^0.5. The curve gives nothing at 2 m/s,
    70 kW between 7 and 9 m/s, 90 at 10 m/s, and nothing beyond its last point, at 14 m/s. A tenth
    is lost: 0, 63, 81, 0 kW. The farm takes 70: 11 kW are curtailed in hour 3, and 70, 7, 70 kWh
    are bought at 0.2 EUR: 29.4 EUR.
    """
    result = solved("wind")
    assert result.case.units["wind"]["available"][0] == pytest.approx([0, 63, 81, 0])
    assert result.flow("wind.produced", "mill") == pytest.approx([0, 63, 70, 0], abs=1e-6)
    assert result.flow("grid.import", "grid") == pytest.approx([70, 7, 0, 70], abs=1e-6)
    assert result.plan.objective == pytest.approx(29.4, abs=1e-6)


def test_a_stored_plan_with_a_series_of_wind_is_the_plan_that_was_stored(tmp_path: Path) -> None:
    """The field `wind` has the kind's own name, which in a file labels its components."""
    result = solved("wind")
    result.plan.save(tmp_path / "plan.nc")
    stored = Plan.load(tmp_path / "plan.nc")
    assert stored.case.hash == result.case.hash
    assert cg.verify(stored.case, stored).ok


def test_wind_higher_up() -> None:
    """Power law 10 → 80 m at 1/7: × 1.3459; logarithmic at 0.1 m: × ln 800 / ln 100 = 1.4515."""
    speed = np.array([5.0])
    assert wind_at(speed, 10, 80, None, None) == pytest.approx(5 * 8 ** (1 / 7))
    assert wind_at(speed, 10, 80, 0.2, None) == pytest.approx(5 * 8**0.2)
    assert wind_at(speed, 10, 80, None, 0.1) == pytest.approx(5 * 1.451545, rel=1e-6)
    assert wind_at(speed, 80, 80, None, 0.1) == pytest.approx(speed)


def test_thin_warm_air_gives_less_and_only_below_rated_power(tmp_path: Path) -> None:
    """At 1000 m and 15 °C the air has 1.087 kg/m³: the 8 m/s count as 8 (1.087/1.225)^(1/3)."""
    high = ("longitude: 8.7}", "longitude: 8.7, altitude: 960 m}")
    corrected = ("losses: 10 %", "losses: 0, density_correction: true")
    density = 101_325 * (1 - 0.0065 * 1000 / 288.15) ** 5.2559 / (287.05 * 288.15)
    assert density == pytest.approx(1.0866, abs=1e-4)
    speed = 8 * (density / 1.225) ** (1 / 3)
    found = available(variant("wind", tmp_path, high, corrected))
    assert found == pytest.approx([0, 50 + (speed - 7) * 20, 90, 0])
    assert found[1] < 70


@pytest.mark.parametrize(("name", "rated"), [("DW100", 99.988), ("IEA 3.4", 3370.0)])
def test_a_shipped_curve_rises_to_its_rated_power(name: str, rated: float) -> None:
    """And never takes more than Betz allows from the rotor of the turbine's name."""
    speeds, powers = (np.array(values) for values in TURBINES[name])
    assert len(speeds) == len(powers) and (np.diff(speeds) > 0).all()
    assert powers.max() == pytest.approx(rated)
    assert (np.diff(powers[: powers.argmax() + 1]) > 0).all()
    rotor = {"DW100": 27.6, "IEA 3.4": 130.0}[name]
    wind = 0.5 * 1.225 * np.pi / 4 * rotor**2 * speeds**3 / 1000
    assert (powers <= 0.593 * wind).all()
    assert power_at(np.array([0.0, 25.01]), speeds, powers) == pytest.approx([0, 0])


def test_a_shipped_turbine_in_a_district(tmp_path: Path) -> None:
    """Two turbines at 8 m/s: 2 · 0.9 · 73.139 kW."""
    path = variant("wind", tmp_path, (CURVE, "turbine: DW100, turbines: 2"))
    assert available(path)[1] == pytest.approx(2 * 0.9 * 73.139)


def test_wind_measured_elsewhere_and_output_as_a_series(tmp_path: Path) -> None:
    series = ("nodes:", "series:\n  mast: {file: mast.csv, column: wind, unit: m/s}\n  farm: "
              '{file: mast.csv, column: output, unit: "1"}\nnodes:')  # fmt: skip
    table = "time,wind,output\n" + "".join(
        f"2023-01-16T0{hour}:00Z,{wind},{output}\n"
        for hour, (wind, output) in enumerate([(4, 0), (8, 0.5), (9, 1), (13, 0.25)])
    )
    (tmp_path / "mast.csv").write_text(table)
    mast = ("losses: 10 %", "losses: 0, wind: {series: mast}, wind_height: 40 m")
    assert available(variant("wind", tmp_path, series, mast)) == pytest.approx([20, 70, 90, 90])
    text = (DISTRICTS / "wind.yaml").read_text()
    own = text[text.index("hub_height") : text.index("}\n  farm")]
    output = (own, "rated: 200 kW, output: {series: farm}")
    path = variant("wind", tmp_path, series, output)
    assert available(path) == pytest.approx([0, 100, 200, 50])


def test_more_wind_never_costs_more(tmp_path: Path) -> None:
    costs = [
        solve(variant("wind", tmp_path, ("losses: 10 %", f"losses: 10 %, turbines: {n}")))
        .plan.objective for n in (1, 2, 5)
    ]  # fmt: skip
    assert costs == sorted(costs, reverse=True) and costs[0] == pytest.approx(29.4)


def test_more_than_the_wind_gives_is_told() -> None:
    """Power in a calm balances a plan that buys none."""
    calm = {("wind.produced", "mill", 0): 70.0, ("grid.import", "grid", 0): 0.0}
    rules = told(solved("wind"), calm)
    assert "production within what the wind gives" in rules and "power is balanced" not in rules


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (CURVE, "turbine: E-82", "is not one of the choices"),
        (CURVE, "turbines: 2", "has no power curve"),
        ("hub_height: 40 m, ", "", "a power curve needs a height above ground"),
        ("hub_height: 40 m", "turbine: DW100, hub_height: 40 m", "has `turbine` and `curve`"),
        (
            "{speed: 9 m/s, power: 90 kW}",
            "{speed: 6 m/s, power: 90 kW}",
            "rise from point to point",
        ),
        ("{speed: 9 m/s, power: 90 kW}", "{speed: 9 m/s, power: 90 m/s}", "is not a power"),
        ("shear: 50 %", "shear: 50 %, roughness: 0.1 m", "say the same twice"),
        ("shear: 50 %", "roughness: 12 m", "has no logarithmic wind at 10 m"),
        ("shear: 50 %", "shear: 50 %, rated: 9 kW", "`rated` and `output` belong together"),
        ("shear: 50 %", "turbines: 0", "greater than or equal to 1"),
        ("shear: 50 %", "turbines: 1.5", "valid integer"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    fault = refusal("wind", tmp_path, (old, new))
    assert reason in fault.reason and fault.place.startswith(str(tmp_path / "wind.yaml"))


def test_a_weather_file_without_wind_is_refused(tmp_path: Path) -> None:
    fault = refusal("wind", tmp_path, ("weather_windy.csv", "weather_cold.csv"))
    assert "does not tell the wind speed" in fault.reason
