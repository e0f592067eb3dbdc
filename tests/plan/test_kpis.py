"""Key figures, worked out by hand for the hand-solved districts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import solve, solved


def kpi(kind: str, name: str) -> float | None:
    return solved(kind).verdict.kpis[name]


def test_power_usage_and_reuse_of_the_data_centre() -> None:
    """ISO/IEC 30134-2 and -6: all power of the centre, chiller included, over that of its IT.

    Hall: IT 50 + 80 = 130 kWh; centre 54.5 + 86 + 0.03 · 54 = 142.12 kWh; 22.5 + 64 = 86.5 kWh of
    heat are handed to the pump. Counted behind the pump, reuse would be 115.3 kWh. Laboratory: IT
    40 + 45, centre 40 + 47.7, a chiller for 28.848 kWh and a cooler of 1/7 % for 2.7; 11.152 + 45
    handed over. Annex: IT 80, 3 % for 48 kWh that are rejected, 32 handed over.
    """
    given = 15 * (1 - 1 / 3.8977346335)
    centre = 142.12 + 87.7 + 0.03 * (40 - given) + 0.027 / 7 + 80 + 0.03 * 48
    reused = 86.5 + given + 45 + 32
    assert kpi("data_center", "pue") == pytest.approx(centre / 295)
    assert kpi("data_center", "energy_reuse_factor") == pytest.approx(reused / centre)
    effectiveness = (centre - reused) / 295  # ERE: what is not reused, per IT energy
    assert kpi("data_center", "energy_reuse_effectiveness") == pytest.approx(effectiveness)
    assert kpi("data_center", "waste_heat_used_mwh") == pytest.approx(reused / 1000)
    rejected = 54 + 40 - given + 2.7 + 48
    assert kpi("data_center", "heat_rejected_mwh") == pytest.approx(rejected / 1000)
    assert kpi("data_center", "heat_delivered_mwh") == pytest.approx(0.150 + 0.070 + 0.060)


def test_cold_for_buildings_is_not_the_centres() -> None:
    """Of a chiller's 3 % for 20 kWh of cold, the half that buildings drew is left out."""
    from citygrid.components.log import Log
    from citygrid.ledger import Line
    from citygrid.plan.kpis import key_figures

    case = solved("chiller").case
    log = Log("any", ("a",))
    for name, amount in {"it_power": 10.0, "center_power": 11.0, "cooling_power": 0.6,
                         "center_cooling": 10.0, "cooling_delivered": 10.0}.items():  # fmt: skip
        log.measure(name, np.full((1, len(case.time)), amount))
    assert key_figures(case, [log], 0.0, Line())["pue"] == pytest.approx(1.13)


def test_power_usage_falls_when_it_is_cold() -> None:
    """Without recovery: 150 kWh of IT and 166.33 kWh with fans and compressors."""
    assert kpi("chiller", "pue") == pytest.approx(166.33197 / 150, abs=1e-6)
    assert kpi("chiller", "energy_reuse_factor") == 0.0


def test_own_use_of_the_sun_counts_what_is_not_sold() -> None:
    """95 kWh from the roof, of which 10 and 30 are sold."""
    assert kpi("grid", "pv_self_consumption") == pytest.approx(55 / 95)
    assert kpi("grid", "grid_import_mwh") == pytest.approx(0.025)
    assert kpi("grid", "grid_export_mwh") == pytest.approx(0.040)
    assert kpi("grid", "peak_import_kw") == pytest.approx(20)
    assert kpi("pv", "pv_self_consumption") == pytest.approx(1.0)


def test_cost_holds_the_price_of_carbon() -> None:
    assert kpi("grid", "cost_eur") == pytest.approx(4.85)
    assert kpi("grid", "co2_kg") == pytest.approx(7.5)


def test_energy_is_power_times_hours_in_half_hours() -> None:
    """50 kW and 60 kW, half an hour each."""
    assert kpi("power_demand", "grid_import_mwh") == pytest.approx(0.055)
    assert kpi("power_demand", "unserved_kwh") == pytest.approx(15)


def test_pipes_lose_what_the_ground_takes() -> None:
    """Each hour 3.45852 + 0.834 + 5.4084 + 11.22816 + 3.6 kW, and 8.4 % of 3.2 kWh that waited."""
    lost = 2 * 24.529077 + (1 - 0.915997) * 3.199738
    assert kpi("heat_pipe", "heat_loss_mwh") == pytest.approx(lost / 1000, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("pv", "pue"), ("pv", "energy_reuse_factor"), ("pv", "jobs_late"), ("pv", "heat_loss_mwh"),
     ("pv", "heat_delivered_mwh"), ("fuel", "peak_import_kw"), ("fuel", "grid_import_mwh"),
     ("fuel", "pv_self_consumption")],
)  # fmt: skip
def test_what_does_not_apply_is_none(kind: str, name: str) -> None:
    """A zero would be a result; there is none."""
    assert kpi(kind, name) is None


def test_every_kind_reports_the_same_figures() -> None:
    assert kpi("job_pool", "jobs_late") == 0.0
    assert solved("fuel").verdict.kpis.keys() == solved("job_pool").verdict.kpis.keys()


def test_cold_that_an_electrolyser_draws_is_not_the_centres_either(tmp_path: Path) -> None:
    """A chiller takes 10 % of 80 kW of cold, of which the centre draws 40: (40 + 4) / 40."""
    path = tmp_path / "shared.yaml"
    path.write_text("""\
name: shared
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
weather: {file: weather.csv, latitude: 50.1, longitude: 8.7}
nodes: {hall: {}}
components:
  grid: {kind: grid, node: hall, import: {price: 20 ct/kWh, max: 500 kW}}
  ely: {kind: electrolyser, node: hall, power: 100 kW, efficiency: 60 %}
  sale: {kind: hydrogen_sale, node: hall, price: 50 ct/kWh}
  dc: {kind: data_center, node: hall, capacity: 50 kW, load: 40 kW, cooling: air, loss_share: 0 %,
    loss_fixed: 0 %}
  ch: {kind: chiller, node: hall, cooling: 200 kW, auxiliary: 10 %}
""")
    (tmp_path / "weather.csv").write_text(
        "time,temperature [degC]\n2023-01-16T00:00Z,5\n2023-01-16T01:00Z,5\n"
    )
    found = solve(path)
    assert found.verdict.ok and found.verdict.kpis["pue"] == pytest.approx(1.1)
    from citygrid.export.flows import dispatch
    from citygrid.export.report.centers import _hours

    (hours,) = _hours(dispatch(found.case, found.plan)).values()
    assert hours.energy == pytest.approx([44.0, 44.0])


@pytest.mark.parametrize(("roof", "curtailed"), [(True, 0.11), (False, 0.10)])
def test_wind_that_nobody_takes_is_curtailed_as_sun_is(
    tmp_path: Path, roof: bool, curtailed: float
) -> None:
    """80 kW of wind and 5 of sun in each of two hours, of which 30 are taken."""
    path = tmp_path / "windy.yaml"
    path.write_text(
        """\
name: windy
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes: {hall: {}}
components:
  mill: {kind: wind, node: hall, rated: 100 kW, output: 0.8}
  load: {kind: power_demand, node: hall, load: 30 kW}
"""
        + ("  sun: {kind: pv, node: hall, peak: 10 kW, output: 0.5}\n" if roof else "")
    )
    assert solve(path).verdict.kpis["renewable_curtailed_mwh"] == pytest.approx(curtailed)
