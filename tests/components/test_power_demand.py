"""Electric demand in half-hour steps: power is multiplied by the step's length."""

from __future__ import annotations

import pytest

from tests.helpers import solved, told


def test_half_hours_by_hand() -> None:
    """Proves that kW times half an hour is paid; energy per step taken for kWh gives 37 EUR.

    The connection gives 60 kW at 0.2 EUR/kWh. First half hour: 10 + 40 kW, 25 kWh, 5 EUR. Second:
    10 + 80 kW are asked, 60 come, 30 kWh, 6 EUR, and 30 kW · 0.5 h · 0.5 EUR/kWh = 7.5 EUR are not
    served. Together 18.5 EUR.
    """
    result = solved("power_demand")
    assert result.flow("power_demand.served", "office") == pytest.approx([10, 10])
    assert result.flow("power_demand.served", "flats") == pytest.approx([40, 50])
    assert result.flow("power_demand.unserved", "flats") == pytest.approx([0, 30], abs=1e-6)
    assert result.verdict.kpis["unserved_kwh"] == pytest.approx(15)
    assert result.paid("flats", "power_demand.unserved") == pytest.approx(7.5)
    assert result.plan.objective == pytest.approx(18.5, abs=1e-6)


def test_a_dark_office_is_told() -> None:
    dark = {("power_demand.served", "office", 0): 0.0, ("grid.import", "grid", 0): 40.0}
    assert told(solved("power_demand"), dark) >= {"load is served"}
