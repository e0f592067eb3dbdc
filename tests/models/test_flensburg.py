"""A year of Flensburg as a linear programme: whole, solved, verified."""

from __future__ import annotations

import numpy as np
import pytest

import citygrid as cg
from citygrid.model.form import Form
from tests.helpers import Solved, solve

HOURS = 8760


@pytest.fixture(scope="module")
def form(repository) -> Form:
    return cg.formulate(cg.prepare(cg.load(repository / "models" / "flensburg.yaml")))


@pytest.fixture(scope="module")
def year(repository) -> Solved:
    return solve(repository / "models" / "flensburg.yaml")


def test_the_year_has_all_its_hours_and_no_choice(form: Form) -> None:
    """As a programme with binaries it would take hours and not seconds."""
    case = form.source
    assert len(case.time) == HOURS
    assert form.size["binaries"] == 0
    kinds = {"data_center", "heat_pump", "boiler", "heat_store", "heat_demand"}
    assert kinds <= set(case.units)
    assert case.units["heat_demand"]["load"].max() == pytest.approx(20_000)
    assert case.units["data_center"]["capacity"][0, 0] == pytest.approx(6000)
    assert case.units["heat_store"]["capacity"][0, 0] == pytest.approx(175_000, rel=0.01)


@pytest.mark.slow
def test_the_year_is_solved_to_the_optimum_and_replays(year: Solved) -> None:
    assert year.verdict.ok, year.verdict.violations
    assert year.verdict.largest <= 1e-6
    assert year.plan.dataset.attrs["status"] == "optimal"
    assert year.verdict.cost == pytest.approx(year.plan.objective, rel=1e-9)


@pytest.mark.slow
def test_waste_heat_serves_half_the_town_and_the_store_is_used(year: Solved) -> None:
    heat = {name: year.flow(name).sum() / 1e6 for name in (
        "heat_demand.served", "heat_pump.heat", "boiler.heat", "electric_boiler.heat",
        "heat_store.charge",
    )}  # fmt: skip
    assert heat["heat_demand.served"] == pytest.approx(66.496, abs=1e-3)  # GWh
    assert heat["heat_pump.heat"] > 0.5 * heat["heat_demand.served"]
    assert heat["boiler.heat"] > heat["electric_boiler.heat"] > 0
    assert heat["heat_store.charge"] > 1
    reuse = year.verdict.kpis["energy_reuse_factor"]
    assert reuse is not None and 0.5 < reuse < 0.85
    # Electrodes burn power where it is cheap, and most of all below zero.
    spot = year.case.units["grid"]["import_price"][0] - 0.040
    assert spot[year.flow("electric_boiler.heat", "electrodes") > 1].mean() < 0
    assert np.isclose(year.flow("grid.export").sum(), 0)
