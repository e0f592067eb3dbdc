"""Published cases with known answers, from ordinary district files: costs and dispatch as printed.

Each district file says where its numbers are from and under which licence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citygrid.plan.plan import Plan
from citygrid.routes import Options
from tests.helpers import Solved, solve

HERE = Path(__file__).parent
KAZARLIS_10, KAZARLIS_20 = 563_937.687, 1_123_297.433


def pypsa(name: str) -> Solved:
    return solve(HERE / "pypsa_unit_commitment" / f"{name}.yaml")


# PyPSA, unit commitment ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "dispatch", "cost"),
    [
        ("test_unit_commitment", {"coal": [1, 1, 1, 0], "gas": [0, 0, 0, 1]},
         {"coal": [4000, 6000, 5000, 0], "gas": [0, 0, 0, 800]}, 356_000),
        ("test_minimum_up_time_up_time_before", {"coal": [1, 0, 1, 1], "gas": [1, 1, 1, 0]},
         {"coal": [3900, 0, 4900, 3000], "gas": [100, 800, 100, 0]}, 306_000),
        ("test_minimum_down_time_up_time_before", {"coal": [0, 0, 1, 1], "gas": [1, 1, 0, 0]},
         {"coal": [0, 0, 3000, 8000], "gas": [3000, 800, 0, 0]}, 486_000),
        ("test_link_unit_commitment", {"OCGT": [1, 1, 1, 1]},
         {"OCGT": [3200, 5200, 600, 4200]}, 267_333),
    ],
)  # fmt: skip
def test_units_of_pypsa_run_when_and_as_much_as_printed(
    name: str, status: dict[str, list[int]], dispatch: dict[str, list[float]], cost: float
) -> None:
    result = pypsa(name)
    assert result.verdict.ok, result.verdict.violations
    for unit, on in status.items():
        assert result.flow("generator.on", unit).tolist() == on
    for unit, power in dispatch.items():
        assert result.flow("generator.power", unit) / 1000 == pytest.approx(power, abs=1e-9)
    assert result.plan.objective == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "cost"),
    [("test_shut_down_costs", 358_000), ("test_storage_energy_marginal_cost", 2.6)],
)
def test_costs_of_pypsa_are_those_printed(name: str, cost: float) -> None:
    result = pypsa(name)
    assert result.verdict.ok, result.verdict.violations
    assert result.plan.objective == pytest.approx(cost, abs=1e-6)


# flixOpt, CHP, boiler and store -------------------------------------------------------------------


def test_flixopt_costs_emits_and_heats_as_printed() -> None:
    result = solve(HERE / "flixopt_chp_boiler_storage" / "flixopt.yaml")
    assert result.verdict.ok, result.verdict.violations
    assert result.plan.objective == pytest.approx(81.88394666666667, abs=1e-6)
    assert result.verdict.carbon == pytest.approx(255.09184, abs=1e-6)
    boiler = result.flow("boiler.heat")[0]
    assert boiler == pytest.approx([0, 0, 0, 28.4864, 35, 0, 0, 0, 0], abs=1e-6)
    engine = result.flow("chp.power")[0] * 0.5 / 0.4
    assert engine == pytest.approx([30, 26.66666667, 75, 75, 75, 20, 20, 20, 20], abs=1e-6)


# Kazarlis et al. ----------------------------------------------------------------------------------


def proven(path: Path, cost: float, starts: float) -> Plan:
    """The published optimum, exact in its squares, with a bound that meets it within 1e-5."""
    result = solve(path, Options(gap=1e-5))
    plan, verdict = result.plan, result.verdict
    assert verdict.ok, verdict.violations
    assert plan.objective == pytest.approx(cost, rel=1e-5)
    assert plan.gap is not None and 0.0 <= plan.gap <= 1e-5
    assert plan.bound is not None and plan.bound <= cost * (1 + 1e-9)
    paid = [money for (_, item), (money, *_) in verdict.ledger.items() if item == "generator.start"]
    assert sum(paid) == pytest.approx(starts)
    return plan


def test_ten_units_of_kazarlis_meet_the_certified_optimum(repository: Path) -> None:
    """4,090 of it for starts; dispatch is the exact quadratic one, to the cent."""
    plan = proven(repository / "models" / "kazarlis10.yaml", KAZARLIS_10, 4090)
    assert plan.objective == pytest.approx(KAZARLIS_10, abs=1e-2)
    dataset = plan.dataset
    on, power = dataset["generator.on"].values, dataset["generator.power"].values
    full = plan.case.units["generator"]["power"]
    load = dataset["power_demand.served"].values[0]
    assert ((full * on).sum(axis=0) >= 1.1 * load - 1e-6).all()
    np.testing.assert_allclose(power.sum(axis=0), load, atol=1e-6)


@pytest.mark.slow
def test_twenty_units_of_kazarlis_meet_the_certified_optimum() -> None:
    proven(HERE / "kazarlis" / "kazarlis20.yaml", KAZARLIS_20, 8400)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("units", "cost"), [(10, KAZARLIS_10), (20, KAZARLIS_20)], ids=["10 units", "20 units"]
)
def test_kazarlis_by_annealed_moves_ends_within_a_twentieth_of_a_percent(
    units: int, cost: float, repository: Path
) -> None:
    """Of the certified optimum; how soon its own bound says so depends on who else computes."""
    path = {10: repository / "models" / "kazarlis10.yaml",
            20: HERE / "kazarlis" / "kazarlis20.yaml"}[units]  # fmt: skip
    result = solve(path, Options(gap=4e-4, time_limit=150.0), "hybrid")
    assert result.verdict.ok, result.verdict.violations
    assert cost * (1 - 1e-9) <= result.plan.objective <= cost * (1 + 5e-4)
    assert result.plan.bound is not None and 0.99 * cost <= result.plan.bound <= cost * (1 + 1e-9)
