"""What using waste heat saves: the same district without it, by the same route."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.counterfactual import forgo_waste_heat
from citygrid.model.reductions import forgo
from citygrid.plan.plan import Plan
from tests.helpers import DISTRICTS, EXACT

TINY = Path(__file__).parent.parent / "models" / "tiny.yaml"


@pytest.mark.parametrize("route", ["milp", "hybrid"])
def test_three_hours_without_waste_heat_by_hand(route: str) -> None:
    """The boiler gives all 280 kWh at 0.20 EUR with their carbon: 56 EUR.

    The centre's 30 kW cost 18 EUR, and the job's 60 kWh run in the cheapest hour: 6 EUR. Together
    80 EUR instead of 56. Gas for 280 kWh emits 280 / 0.8 · 0.2 = 70 kg instead of 20.
    """
    run = cg.plan_model(TINY, route, EXACT)
    found = forgo_waste_heat(run, EXACT)
    assert found is not None and found.plan is not None and found.verdict is not None
    assert found.plan.objective == pytest.approx(80.0)
    assert found.verdict.ok and found.verdict.kpis["waste_heat_used_mwh"] == pytest.approx(0.0)
    assert found.saved() == {
        "saved_eur": pytest.approx(24.0), "saved_eur_proven": pytest.approx(24.0, rel=1e-6),
        "saved_co2_kg": pytest.approx(50.0), "saved_co2_marginal_kg": pytest.approx(50.0),
    }  # fmt: skip
    assert run.verdict is not None and run.verdict.kpis["saved_eur"] == pytest.approx(24.0)


def test_the_plan_that_uses_it_is_left_as_it_was(tmp_path: Path) -> None:
    run = cg.plan_model(TINY, "milp", EXACT)
    before = run.plan
    forgo_waste_heat(run, EXACT)
    assert before is not None and run.plan is not None
    assert before.dataset.drop_attrs().identical(run.plan.dataset.drop_attrs())
    run.plan.save(tmp_path / "plan.nc")
    stored = json.loads(Plan.load(tmp_path / "plan.nc").dataset.attrs["counterfactual"])
    assert stored["name"] == "no waste-heat use" and stored["saved_eur"] == pytest.approx(24.0)
    assert cg.verify(run.case, Plan.load(tmp_path / "plan.nc")).ok


def test_a_district_without_waste_heat_saves_nothing() -> None:
    run = cg.plan_model(DISTRICTS / "boiler.yaml", "milp", EXACT)
    found = forgo_waste_heat(run, EXACT)
    assert found is not None and found.saved()["saved_eur"] == 0.0


def test_a_district_that_freezes_without_it_says_so(tmp_path: Path) -> None:
    text = TINY.read_text(encoding="utf-8").replace("../data", str(TINY.parent.parent / "data"))
    boiler = "boiler, node: block, heat: 120 kW"
    assert text.count(boiler) == 1, "the boiler of the shipped model was changed"
    path = tmp_path / "cold.yaml"
    path.write_text(text.replace(boiler, boiler.replace("120", "90")), encoding="utf-8")
    run = cg.plan_model(path, "milp", EXACT)
    found = forgo_waste_heat(run, EXACT)
    assert found is not None and found.plan is None
    assert found.error is not None and "heat balance lacks 30 kW" in found.error
    assert set(found.saved().values()) == {None}


def test_a_flow_that_must_not_be_zero_leaves_no_counterfactual() -> None:
    form = cg.formulate(cg.prepare(cg.load(TINY)))
    recovered = form.columns["data_center.recovered"].span
    lower = form.lower.copy()
    lower[recovered.start] = 5.0
    without = forgo(replace(form, lower=lower), "waste_heat")
    assert without.row_label(len(without.row_lower) - 1).startswith("waste_heat.forgone[")
    assert without.row_lower[-1] == 5.0 and without.upper[recovered.start] == 0.0
    assert np.all(forgo(form, "waste_heat").upper[recovered] == 0.0)


def test_the_command_line_says_what_is_saved(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["compare", str(TINY), "--counterfactual", "--json", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    for route in json.loads(done.stdout)["routes"]:
        other = route["counterfactual"]
        assert other["name"] == "no waste-heat use" and other["verdict"]["ok"]
        assert other["saved_eur"] == pytest.approx(24.0)
        assert route["kpis"]["saved_co2_kg"] == pytest.approx(50.0)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Saved against no waste-heat use" in page
