"""Heat demand: served in full, or shed at its price where it has one."""

from __future__ import annotations

from pathlib import Path

import pytest

import citygrid as cg
from citygrid.errors import InfeasibleError
from tests.helpers import refusal, solved, told, variant


def test_the_clinic_is_served_and_the_homes_wait_by_hand() -> None:
    """Proves that only priced demand is shed; shedding the clinic would cost nothing.

    The boiler gives 60 kW at 0.1 EUR/kWh. Hour 1 asks for 10 + 50, all served: 6 EUR. Hour 2 asks
    for 10 + 80: the clinic gets its 10, the homes 50, and 30 kWh at 0.5 EUR are not served:
    6 + 15 EUR. Together 27.
    """
    result = solved("heat_demand")
    assert result.flow("heat_demand.served", "clinic") == pytest.approx([10, 10])
    assert result.flow("heat_demand.served", "homes") == pytest.approx([50, 50])
    assert result.flow("heat_demand.unserved", "homes") == pytest.approx([0, 30], abs=1e-6)
    assert result.verdict.kpis["unserved_kwh"] == pytest.approx(30)
    assert result.plan.objective == pytest.approx(27.0, abs=1e-6)


def test_a_cold_clinic_is_told() -> None:
    cold = {("heat_demand.served", "clinic", 1): 0.0, ("heat_demand.served", "homes", 1): 60.0,
            ("heat_demand.unserved", "homes", 1): 20.0}  # fmt: skip
    assert "load is served" in told(solved("heat_demand"), cold)


def test_hidden_shedding_is_told() -> None:
    rules = told(solved("heat_demand"), {("heat_demand.unserved", "homes", 1): 0.0})
    assert "unserved is what is missing" in rules


def test_without_a_price_the_shortage_is_named(tmp_path: Path) -> None:
    """30 kW are missing in hour 2; an infeasible district must say where."""
    path = variant("heat_demand", tmp_path, (", unserved_price: 0.5 EUR/kWh", ""))
    with pytest.raises(InfeasibleError) as caught:
        cg.solve(cg.formulate(cg.prepare(cg.load(path))))
    fault, total, conflict = caught.value.faults
    assert fault.reason.startswith("heat balance lacks 30 kW (drawn by homes ")
    assert total.reason.startswith("in all 30 kWh, the least of any plan")
    assert "heat produced at most" in conflict.reason and "load served" in conflict.reason
    assert "plant, 2023-01-16T01:00Z" in fault.place


def test_nothing_is_earned_by_serving_nothing(tmp_path: Path) -> None:
    """A price of −0.5 EUR/kWh would leave every house cold for money."""
    fault = refusal("heat_demand", tmp_path, ("unserved_price: 0.5", "unserved_price: -0.5"))
    assert "unserved_price" in fault.place and "at least 0 EUR/kWh" in fault.reason
