"""Heat rejection: what a cooler gives in the weather, what its fans take, the water of a tower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.components.common.rejection import TOWER_WATER
from citygrid.components.heat_rejection import reach
from citygrid.inputs.humidity import wet_bulb_temperature
from tests.helpers import faults_of, refusal, solve, solved, told, variant

#: Wet bulb [degC] at 18 degC and 80 %, 20 degC and 50 %, 30 degC and 50 %.
BULB = np.array([15.609164256, 13.699341969, 22.296833963])


def test_a_dry_and_a_wet_cooler_by_hand() -> None:
    """Proves capacity and power by the weather; coolers of fixed size would spare the chiller.

    80 kW have to go. A kWh costs 0.2 · 0.03 / r in the dry cooler, with r = (40 − T) / 15 = 22/15,
    20/15 and 10/15: at most 60, 60 and 40 kW. In the tower it costs 0.2 · 0.01 / r and 1.975 l of
    water at 10 EUR/m³, r = (32 − wet bulb) / 10: the other 20 kW, and 29.1095 in hour 3, when the
    wet bulb is above its 22 degC. The chiller's dear 0.5 kWh per kWh make up for 10.8905 kW.
    The burner is paid 0.02 EUR for each kWh: the boiler gives the homes 25 kW and as much more as
    the stack can leave to the air, 10 kW, which saves 0.2 and costs 0.5 kWh / r, r = (75 − T) / 40.
    """
    result = solved("heat_rejection")
    dry, wet = np.array([22, 20, 10]) / 15, (32 - BULB) / 10
    own, tower = 60 * np.minimum(dry, 1), np.array([20, 20, 30 * wet[2]])
    assert result.flow("heat_rejection.heat", "cooler") == pytest.approx(own)
    assert result.flow("heat_rejection.heat", "tower") == pytest.approx(tower, abs=1e-6)
    assert result.flow("chiller.cooling", "chiller") == pytest.approx(80 - own - tower, abs=1e-6)
    assert result.flow("heat_rejection.heat", "stack") == pytest.approx([10, 10, 10])
    stack = 0.05 * 10 * 40 / (75 - np.array([18, 20, 30]))
    power = 80 + 0.03 * own / dry + 0.01 * tower / wet + 0.5 * (80 - own - tower) + stack
    water = TOWER_WATER * tower.sum()
    by_hand = 0.2 * power.sum() + 0.01 * water - 0.02 * 35 * 3
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)
    assert result.verdict.kpis["water_m3"] == pytest.approx(water / 1000)
    assert result.paid("tower", "heat_rejection.water") == pytest.approx(0.01 * water)


def test_a_tower_evaporates_and_blows_down() -> None:
    """1.48 l evaporated, a third of it let out."""
    assert pytest.approx(3600 / 2430 * 4 / 3) == TOWER_WATER == pytest.approx(1.975, abs=1e-3)


def test_the_published_wet_bulb() -> None:
    """20 degC and 50 % are 13.7 degC, the example of the source; saturated air is its own."""
    bulb = wet_bulb_temperature(np.array([20.0]), np.array([0.5]))
    assert bulb == pytest.approx([13.7], abs=0.05)
    air = np.array([5.0, 20.0, 35.0])
    assert wet_bulb_temperature(air, np.ones(3)) == pytest.approx(air, abs=0.6)


@given(st.floats(-15, 40), st.floats(0, 1), st.floats(0, 10), st.floats(0, 0.5))
def test_a_lower_wet_bulb_never_takes_more_power(
    air: float, humidity: float, cooler: float, drier: float
) -> None:
    """Per kW, and the capacity never falls with it."""
    bulbs = wet_bulb_temperature(np.array([air, air - cooler]),
                                 np.array([humidity, max(humidity - drier, 0.0)]))  # fmt: skip
    assert (bulbs <= np.array([air, air - cooler])).all()
    if bulbs[1] <= bulbs[0]:
        warm, cold = reach(np.full(2, 45.0), bulbs, 22.0)
        assert warm <= cold


def test_where_the_air_is_as_warm_as_the_water_nothing_goes(tmp_path: Path) -> None:
    """20 degC of water on a day of 18, 20 and 30: 4 of 60 kW in hour 1, then none."""
    cool = ("inlet: 40 degC, design: 25 degC", "inlet: 20 degC, design: -10 degC")
    result = solve(variant("heat_rejection", tmp_path, cool))
    assert result.verdict.ok
    assert result.flow("heat_rejection.heat", "cooler") == pytest.approx([4, 0, 0], abs=1e-6)


def test_more_than_the_weather_allows_is_told() -> None:
    """45 of 40 kW on the hot day, in place of the chiller's."""
    lie = {
        ("heat_rejection.heat", "cooler", 2): 45.0,
        ("chiller.cooling", "chiller", 2): 5.89050189,
        ("grid.import", "grid", 2): 87.98969539 + 5 * 0.045 - 2.5,
    }
    assert told(solved("heat_rejection"), lie) == {
        "heat within what the weather allows", "the objective is the sum of the ledger",
        "the ledger states what was spent",
    }  # fmt: skip


def test_a_centre_pays_for_the_coolers_that_serve_it() -> None:
    """Power usage counts cooler, tower and chiller, and not the stack of the heat network."""
    result = solved("heat_rejection")
    stack = 0.05 * 10 * 40 / (75 - np.array([18, 20, 30]))
    bought = result.flow("grid.import", "grid").sum() - stack.sum()
    assert result.verdict.kpis["pue"] == pytest.approx(bought / 240)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("inlet: 40 degC, design: 25 degC", "inlet: 25 degC", "is not warmer than the design's"),
        ("takes: heat", "takes: gas", "is not one of the choices"),
        ("takes: heat, capacity: 10 kW", "takes: heat, capacity: 10 kW, design: 90 degC",
         "the network is not warmer than the cooler's design"),
        ("water_price: 10 EUR/m^3", "water_price: 10 EUR/kWh", "is not a price of water"),
        ("power_node: hall", "power_node: attic", "unknown node"),
        ("fans: 3 %", "fans: 300 %", "must be at most 1"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in str(refusal("heat_rejection", tmp_path, (old, new)))


def test_a_tower_needs_the_humidity(tmp_path: Path) -> None:
    """Air alone does not tell the wet bulb."""
    path = variant("heat_rejection", tmp_path)
    table = (tmp_path / "weather_hot.csv").read_text(encoding="utf-8").splitlines()
    dry = "\n".join(line.rpartition(",")[0] for line in table) + "\n"
    (tmp_path / "weather_hot.csv").write_text(dry, encoding="utf-8")
    (fault,) = faults_of(path)
    assert "humidity" in str(fault)
