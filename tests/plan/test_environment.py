"""Carbon, water and nitrogen oxides: prices weigh them, caps bind, as worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import citygrid as cg
from citygrid.errors import InfeasibleError
from citygrid.export.report import Entry, write_report
from citygrid.plan.plan import Plan
from tests.helpers import EXACT, Solved, solve

FRAME = """\
name: two ways
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
"""

TWO_GRIDS = """\
nodes: {hall: {}}
components:
  coal: {kind: grid, node: hall, import: {price: 100 EUR/MWh, max: 1 MW, carbon: 800 g/kWh}}
  wind: {kind: grid, node: hall, import: {price: 300 EUR/MWh, max: 1 MW}}
  load: {kind: power_demand, node: hall, load: 100 kW}
"""

MARGINAL = """\
nodes: {hall: {}}
components:
  old: {kind: grid, node: hall, import: {price: 100 EUR/MWh, max: 1 MW, carbon: 200 g/kWh,
    marginal_carbon: 700 g/kWh}}
  new: {kind: grid, node: hall, import: {price: 100 EUR/MWh, max: 1 MW, carbon: 500 g/kWh,
    marginal_carbon: 300 g/kWh}}
  load: {kind: power_demand, node: hall, load: 100 kW}
"""

BOILERS = """\
nodes: {plant: {}}
components:
  gas: {kind: fuel, node: plant, price: 50 EUR/MWh, carbon: 200 g/kWh}
  plain: {kind: boiler, node: plant, heat: 1 MW, efficiency: 100 %, nox: 0.2 g/kWh}
  clean: {kind: boiler, node: plant, heat: 1 MW, efficiency: 80 %, nox: 0.05 g/kWh}
  homes: {kind: heat_demand, node: plant, load: 400 kW}
"""

TOWER = """\
nodes: {hall: {}}
components:
  grid: {kind: grid, node: hall, import: {price: 200 EUR/MWh, max: 1 MW}}
  servers: {kind: data_center, node: hall, capacity: 80 kW, cooling: liquid, load: 80 kW,
    loss_share: 0, loss_fixed: 0}
  tower: {kind: heat_rejection, node: hall, cooler: wet, capacity: 100 kW, fans: 0 %,
    water: 2 l/kWh, water_price: 5 EUR/m^3}
  dry: {kind: heat_rejection, node: hall, capacity: 100 kW, inlet: 60 degC, design: 35 degC,
    fans: 50 %}
weather: {file: cool.csv, latitude: 50.1, longitude: 8.7}
"""


def planned(folder: Path, parts: str, *stated: str, route: str = "milp") -> Solved:
    (folder / "cool.csv").write_text(
        "time,temperature [degC],relative humidity [%]\n"
        + "".join(f"2023-01-16T0{h}:00Z,20,50\n" for h in range(2))
    )
    path = folder / "district.yaml"
    path.write_text(FRAME + "".join(f"{line}\n" for line in stated) + parts)
    if route == "milp":
        return solve(path)
    case = cg.prepare(cg.load(path))
    form = cg.formulate(case)
    plan = cg.solve(form, route, EXACT)
    return Solved(case, form, plan, cg.verify(case, plan))


def test_a_carbon_cap_binds_as_by_hand(tmp_path: Path) -> None:
    """200 kWh; 60 kg allow 75 kWh of coal: 75 · 0.1 + 125 · 0.3 = 45 EUR instead of 20."""
    assert planned(tmp_path, TWO_GRIDS).plan.objective == pytest.approx(20.0)
    result = planned(tmp_path, TWO_GRIDS, "carbon_cap: 0.06 t")
    assert result.plan.objective == pytest.approx(45.0)
    assert result.verdict.kpis["co2_kg"] == pytest.approx(60.0)
    assert "ledger.carbon_cap [kg]" in result.form.text()
    assert result.verdict.ok


def test_a_kilogram_of_the_cap_is_worth_what_its_shadow_price_says(tmp_path: Path) -> None:
    """The dearer source costs 0.2 EUR more and saves 0.8 kg: 0.25 EUR/kg, as price or as cap."""
    one, two = (
        planned(tmp_path, TWO_GRIDS, f"carbon_cap: {cap} kg").plan.objective for cap in (60, 61)
    )
    assert one - two == pytest.approx(0.25)
    below = planned(tmp_path, TWO_GRIDS, "carbon_price: 0.24 EUR/kg")
    above = planned(tmp_path, TWO_GRIDS, "carbon_price: 0.26 EUR/kg")
    assert below.verdict.kpis["co2_kg"] == pytest.approx(160.0)
    assert above.verdict.kpis["co2_kg"] == pytest.approx(0.0, abs=1e-6)


def test_a_plan_over_the_cap_is_refused_whatever_its_ledger_says(tmp_path: Path) -> None:
    free = planned(tmp_path, TWO_GRIDS)
    capped = planned(tmp_path, TWO_GRIDS, "carbon_cap: 60 kg")
    dataset = free.plan.dataset.assign_attrs(
        case_hash=capped.case.hash, model_hash=capped.plan.dataset.attrs["model_hash"]
    )
    verdict = cg.verify(capped.case, Plan(capped.case, dataset))
    assert [(v.rule, v.size, v.unit) for v in verdict.violations] == [
        ("carbon within its cap", pytest.approx(100.0), "kg")
    ]


def test_a_cap_that_nothing_can_keep_is_named_with_what_it_misses(tmp_path: Path) -> None:
    """Of 200 kWh the wind gives 100; the others are 80 kg."""
    calm = TWO_GRIDS.replace("max: 1 MW}}", "max: 50 kW}}")
    with pytest.raises(InfeasibleError) as error:
        planned(tmp_path, calm, "carbon_cap: 60 kg")
    fault, _, conflict = error.value.faults
    assert fault.reason.startswith("ledger.carbon_cap is missed by 20 kg")
    assert "raise the cap" in fault.repair and "at most 50 kW" in conflict.reason


@pytest.mark.parametrize("route", ["hybrid", "pyomo:highs"])
def test_every_route_keeps_the_cap(tmp_path: Path, route: str) -> None:
    result = planned(tmp_path, TWO_GRIDS, "carbon_cap: 60 kg", route=route)
    assert result.verdict.ok
    assert result.plan.objective == pytest.approx(45.0)


def test_a_price_weighs_the_margin_and_the_report_the_average(tmp_path: Path) -> None:
    """Per kWh the margins are 0.7 and 0.3 kg, the averages 0.2 and 0.5: the price takes the second.

    200 kWh: 20 EUR and 60 kg of marginal carbon at 0.1 EUR/kg; 100 kg are reported.
    """
    result = planned(tmp_path, MARGINAL, "carbon_price: 100 EUR/t")
    assert result.flow("grid.import", "new") == pytest.approx([100, 100])
    assert result.plan.objective == pytest.approx(26.0)
    assert result.verdict.kpis["co2_marginal_kg"] == pytest.approx(60.0)
    assert result.verdict.kpis["co2_kg"] == pytest.approx(100.0)
    line = result.verdict.ledger["new", "grid.import"]
    assert line.carbon == pytest.approx(100.0) and line.marginal_carbon == pytest.approx(60.0)
    assert result.verdict.ok


def test_a_cap_counts_by_the_average(tmp_path: Path) -> None:
    """40 kg are 200 kWh of the first source by its average, whatever its margin."""
    result = planned(tmp_path, MARGINAL, "carbon_cap: 40 kg")
    assert result.flow("grid.import", "old") == pytest.approx([100, 100])


def test_without_marginal_factors_both_carbons_are_one(tmp_path: Path) -> None:
    figures = planned(tmp_path, TWO_GRIDS).verdict.kpis
    assert figures["co2_kg"] == figures["co2_marginal_kg"] == pytest.approx(160.0)
    assert figures["nox_kg"] is None and figures["water_m3"] is None


def test_nitrogen_oxides_bind_as_by_hand(tmp_path: Path) -> None:
    """800 kWh of heat. The plain boiler emits 0.2 g, the clean one 0.05 / 0.8 = 0.0625 g per kWh.

    0.1 kg: 0.2 x + 0.0625 (800 − x) = 100 g gives x = 363.636 kWh; gas is x + (800 − x) / 0.8.
    """
    free = planned(tmp_path, BOILERS)
    assert free.plan.objective == pytest.approx(40.0)
    assert free.verdict.kpis["nox_kg"] == pytest.approx(0.16)
    result = planned(tmp_path, BOILERS, "nox_cap: 100 g")
    plain = 50 / 0.1375
    gas = plain + (800 - plain) / 0.8
    assert result.flow("boiler.heat", "plain").sum() == pytest.approx(plain)
    assert result.plan.objective == pytest.approx(0.05 * gas)
    assert result.verdict.kpis["nox_kg"] == pytest.approx(0.1)
    assert result.verdict.kpis["co2_kg"] == pytest.approx(0.2 * gas)
    assert result.verdict.ok


def test_a_price_of_nitrogen_oxides_decides_at_its_break_even(tmp_path: Path) -> None:
    """The clean boiler burns 0.25 kWh more, 0.0125 EUR, and saves 0.1375 g: 90.909 EUR/kg."""
    for price, kilograms in ((90.0, 0.16), (92.0, 0.05)):
        result = planned(tmp_path, BOILERS, f"nox_price: {price} EUR/kg")
        assert result.verdict.kpis["nox_kg"] == pytest.approx(kilograms)
        assert result.verdict.ok


def test_a_limit_on_water_binds_as_by_hand(tmp_path: Path) -> None:
    """160 kWh leave by the tower for 2 l and 0.01 EUR each, or by the dry cooler.

    Its fans take 0.5 · (60 − 35) / (60 − 20) = 0.3125 kWh, 0.0625 EUR. 200 l are 100 kWh:
    0.2 · 160 + 100 · 0.01 + 60 · 0.0625 = 36.75 EUR.
    """
    free = planned(tmp_path, TOWER)
    assert free.verdict.kpis["water_m3"] == pytest.approx(0.32)
    result = planned(tmp_path, TOWER, "water_cap: 0.2 m^3")
    assert result.verdict.kpis["water_m3"] == pytest.approx(0.2)
    assert result.flow("heat_rejection.heat", "tower").sum() == pytest.approx(100.0)
    assert result.verdict.ok
    assert free.plan.objective == pytest.approx(33.6)
    assert result.plan.objective == pytest.approx(36.75)


def test_a_stored_plan_keeps_prices_and_caps(tmp_path: Path) -> None:
    result = planned(tmp_path, TWO_GRIDS, "carbon_cap: 60 kg", "carbon_price: 0.1 EUR/kg")
    result.plan.save(tmp_path / "plan.nc")
    case = Plan.load(tmp_path / "plan.nc").case
    assert case.caps == {"carbon": 60.0} and case.carbon_price == pytest.approx(0.1)
    assert case.hash == result.case.hash != planned(tmp_path, TWO_GRIDS).case.hash


def test_the_page_adds_up_what_is_priced(tmp_path: Path) -> None:
    """20 EUR of power, 60 kg of marginal carbon at 0.1 EUR: 26. No water: no column."""
    result = planned(tmp_path, MARGINAL, "carbon_price: 100 EUR/t")
    write_report([Entry("milp", result.case, result.plan, result.verdict)], tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert ">CO₂, marginal<" in page and ">Water<" not in page
    row = page[page.index("CO₂, marginal, at 0.100 EUR/kg") :]
    assert ">6.00<" in row[: row.index("</tr>")]
    total = row[row.index("Objective") :]
    assert all(f">{x}<" in total[: total.index("</tr>")] for x in ("26.00", "100.0", "60.00"))
