"""Chiller: free cooling when it is cold, compression when it is warm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.components.chiller import Chiller, power_per_cooling
from tests.helpers import faults_of, refusal, solved, variant


def test_cold_mild_and_warm_hour_by_hand() -> None:
    """Proves the hourly power share; a fixed COP would cost the same in all three hours.

    50 kW are rejected each hour: 30 by ``new`` (fans 3 %), 20 by ``old`` (fans 8 %).
    Chilled water has 18 degC = 291.15 K, the condenser is 12 K above the air, 35 % of Carnot:
    5 degC: all free, 0. 14 degC: half free, lift 8 K, 0.5 · 8 / (0.35 · 291.15) = 0.0392532.
    20 degC: none free, lift 14 K, 14 / 101.9025 = 0.1373862.
    Power: 3 · (50 + 30 · 0.03 + 20 · 0.08) + 50 · 0.1766394 = 166.33197 kWh at 0.2 EUR: 33.266394.
    """
    result = solved("chiller")
    assert result.flow("chiller.cooling", "new") == pytest.approx([30, 30, 30])
    assert result.flow("chiller.cooling", "old") == pytest.approx([20, 20, 20])
    shares = np.array([0.0, 4 / 101.9025, 14 / 101.9025])
    assert result.flow("grid.import", "grid") == pytest.approx(52.5 + 50 * shares)
    assert result.plan.objective == pytest.approx(0.2 * (157.5 + 50 * shares.sum()), abs=1e-6)
    assert result.plan.objective == pytest.approx(33.266394, abs=1e-6)


temperatures = st.floats(-40, 45)


@given(temperatures, temperatures, st.floats(5, 25), st.floats(0, 20), st.floats(0.1, 0.6))
def test_colder_outside_never_takes_more_power(
    one: float, other: float, water: float, approach: float, efficiency: float
) -> None:
    """A share of free cooling that fell below the compressor's own floor would break this."""
    spec = Chiller.model_validate({
        "node": "hall", "cooling": "1 kW", "chilled_water": f"{water:.6f} degC",
        "approach": f"{approach:.6f} K", "efficiency": round(efficiency, 6),
    })  # fmt: skip
    cold, warm = power_per_cooling(spec, np.array(sorted((one, other))))
    assert spec.auxiliary <= cold <= warm + 1e-12


def test_free_cooling_must_begin_above_where_it_is_full(tmp_path: Path) -> None:
    written = ("cooling: 30 kW}", "cooling: 30 kW, free_cooling_full: 20 degC}")
    fault = refusal("chiller", tmp_path, written)
    assert "free_cooling_off must be warmer than free_cooling_full" in fault.reason
    assert "chiller.yaml:10" in fault.place


def test_it_needs_weather(tmp_path: Path) -> None:
    weather = "weather: {file: weather_warming.csv, latitude: 50.1, longitude: 8.7}\n"
    faults = faults_of(variant("chiller", tmp_path, (weather, "")))
    assert [fault.reason for fault in faults] == [
        "needs the outdoor temperature, but the district has no weather"
    ] * 2
