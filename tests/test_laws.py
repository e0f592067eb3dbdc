"""Laws that every plan of every district obeys: on small districts drawn at random.

A formulation with a wrong sign, a missing term or a cost on the wrong side breaks one of them, in
whatever kind it hides. Every district is planned to the optimum and replayed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.errors import InfeasibleError
from tests.helpers import Solved, solve

HOURS = 3
#: Two optima of HiGHS agree to this, relative to what passes through the ledger.
CLOSE = 1e-6

DISTRICT = """\
name: law
horizon: {{start: 2023-06-16T00:00Z, length: 3 h, step: 1 h}}
weather: {{file: weather.csv, latitude: 50.1, longitude: 8.7}}
carbon_price: {carbon} EUR/t
nox_price: {nox} EUR/kg
carbon_cap: {cap} kg
series:
  spot: {{file: series.csv, column: spot, unit: EUR/MWh}}
  sun: {{file: series.csv, column: sun, unit: "1"}}
nodes: {{hall: {{}}}}
components:
  grid: {{kind: grid, node: hall, import: {{price: {{series: spot, plus: {import_fee} EUR/MWh}},
    max: {big} kW, carbon: 400 g/kWh}}, export: {{price: {export} EUR/MWh, max: {feed_in} kW}},
    peak_charge: {peak} EUR/kW}}
  gas: {{kind: fuel, node: hall, price: {gas} EUR/MWh, carbon: 200 g/kWh}}
  roof: {{kind: pv, node: hall, peak: {pv} kW, output: {{series: sun}}}}
  battery: {{kind: battery, node: hall, capacity: {battery} kWh, charge: {battery} kW,
    discharge: {battery} kW, charge_efficiency: 90 %, discharge_efficiency: 90 %}}
  servers: {{kind: data_center, node: hall, capacity: {room} kW, cooling: liquid, load: {base} kW,
    idle: 0 kW, loss_share: 3 %, loss_fixed: 1 %}}
  chiller: {{kind: chiller, node: hall, cooling: {big} kW}}
  cooler: {{kind: heat_rejection, node: hall, capacity: {cooler} kW, inlet: 45 degC}}
  pump: {{kind: heat_pump, source: servers, sink: hall, heat: {pump} kW, cop: 4,
    minimum_load: 30 %, start_cost: {start} EUR}}
  boiler: {{kind: boiler, node: hall, heat: {big} kW, nox: 0.2 g/kWh}}
  engine: {{kind: chp, node: hall, power: {engine} kW, minimum_load: 50 %, start_cost: {start} EUR}}
  homes: {{kind: heat_demand, node: hall, load: {heat} kW}}
  flats: {{kind: power_demand, node: hall, load: {flats} kW}}
  pool:
    kind: job_pool
    sites: [servers]
    jobs:
      - {{job: render, power: {job} kW, duration: 1 h, release: "2023-06-16T00:00Z",
         deadline: "2023-06-16T03:00Z"}}
"""

#: Fields that grow with a district; all else is a price, a share or a temperature.
SIZES = ("big", "cap", "feed_in", "pv", "battery", "room", "base", "cooler", "pump", "engine",
         "heat", "flats", "job", "start")  # fmt: skip
#: What a district pays, and what each is when it is higher.
PRICES = ("carbon", "nox", "import_fee", "gas", "peak", "start")

District = dict[str, Any]


def amounts(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


@st.composite
def districts(draw: st.DrawFn) -> District:
    """Numbers for :data:`DISTRICT`; every one of them has a plan."""
    chosen: District = {
        "carbon": draw(amounts(0, 200)), "nox": draw(amounts(0, 50)),
        "import_fee": draw(amounts(0, 100)), "export": draw(amounts(0, 120)),
        "peak": draw(st.sampled_from([0, 0.5])), "gas": draw(amounts(20, 120)),
        "start": draw(st.sampled_from([0, 2])), "big": 1000,
        "cap": 1e6, "feed_in": draw(st.sampled_from([0, 50])), "pv": draw(amounts(0, 150)),
        "battery": draw(amounts(0, 60)), "base": draw(amounts(10, 60)), "room": 200,
        "cooler": draw(amounts(0, 80)), "pump": draw(amounts(0, 120)),
        "engine": draw(amounts(0, 100)), "heat": draw(amounts(0, 200)),
        "flats": draw(amounts(0, 100)), "job": draw(amounts(10, 80)),
    }  # fmt: skip
    chosen["spot"] = draw(st.lists(amounts(-60, 300), min_size=HOURS, max_size=HOURS))
    chosen["sun"] = draw(st.lists(st.sampled_from([0.0, 0.3, 0.9]), min_size=3, max_size=3))
    chosen["air"] = draw(st.lists(amounts(-5, 35), min_size=HOURS, max_size=HOURS))
    return chosen


def planned(numbers: Mapping[str, Any]) -> Solved:
    """The optimum of a district, which the verdict accepts."""
    stamps = [f"2023-06-16T0{hour}:00Z" for hour in range(HOURS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = zip(stamps, numbers["spot"], numbers["sun"], strict=True)
        table = "".join(f"{t},{spot},{sun}\n" for t, spot, sun in rows)
        (folder / "series.csv").write_text(f"time,spot,sun\n{table}")
        air = "".join(f"{t},{x}\n" for t, x in zip(stamps, numbers["air"], strict=True))
        (folder / "weather.csv").write_text(f"time,temperature [degC]\n{air}")
        (folder / "law.yaml").write_text(DISTRICT.format(**numbers))
        result = solve(folder / "law.yaml")
    assert result.verdict.ok, result.verdict.violations[:3]
    return result


def turnover(*results: Solved) -> float:
    """What passes through the ledgers [EUR]: the scale of a difference of costs."""
    return max(
        1.0, *(abs(line.money) for result in results for line in result.verdict.ledger.values())
    )


def no_dearer(result: Solved, than: Solved) -> bool:
    """Whether a plan costs at most what another does."""
    allowed = CLOSE * turnover(result, than)
    return result.plan.objective <= than.plan.objective + allowed


law = settings(max_examples=12)


@law
@given(districts(), amounts(1, 200))
def test_more_sun_never_costs_more(numbers: District, more: int) -> None:
    """What nobody takes is curtailed, whatever the price of power is."""
    assert no_dearer(planned(numbers | {"pv": numbers["pv"] + more}), planned(numbers))


@law
@given(districts(), amounts(1, 25))
def test_cooler_air_never_raises_cooling_energy(numbers: District, cooler: int) -> None:
    """The centre's heat is fixed and none of it is recovered; every hour has its price."""
    fixed = numbers | {"pump": 0, "job": 0.001, "battery": 0, "start": 0, "peak": 0}
    # A price below zero pays for wasted power, and a tie may be broken either way.
    fixed["spot"] = [abs(price) + 1 for price in numbers["spot"]]
    fixed |= {"feed_in": 0, "pv": 0, "engine": 0}
    warm = planned(fixed)
    cold = planned(fixed | {"air": [air - cooler for air in numbers["air"]]})
    assert cold.verdict.kpis["pue"] is not None and warm.verdict.kpis["pue"] is not None
    assert cold.verdict.kpis["pue"] <= warm.verdict.kpis["pue"] + CLOSE
    assert no_dearer(cold, warm)


@law
@given(districts())
def test_no_more_heat_is_recovered_than_computing_makes(numbers: District) -> None:
    """By the hour, and so that energy reuse stays below one; the pump's heat is that and power."""
    result = planned(numbers)
    recovered = result.flow("data_center.recovered", "servers")
    computing = numbers["base"] + result.flow("data_center.compute", "servers")
    assert (recovered <= computing * (1 + CLOSE)).all()
    lifted = result.flow("heat_pump.heat", "pump")
    assert (lifted * 3 / 4 <= recovered + CLOSE * numbers["big"]).all()
    reuse = result.verdict.kpis["energy_reuse_factor"]
    assert reuse is not None and 0.0 <= reuse <= 1.0


@law
@given(districts(), st.sampled_from(PRICES), amounts(1, 100))
def test_cost_never_falls_with_a_price(numbers: District, price: str, more: int) -> None:
    assert no_dearer(planned(numbers), planned(numbers | {price: numbers[price] + more}))


@law
@given(districts(), amounts(1, 100))
def test_cost_never_rises_with_what_is_paid_for_power_sold(numbers: District, more: int) -> None:
    assert no_dearer(planned(numbers | {"export": numbers["export"] + more}), planned(numbers))


@law
@given(districts(), st.floats(0.6, 0.98), st.floats(0.6, 0.98))
def test_a_tighter_cap_on_carbon_never_costs_less(
    numbers: District, share: float, other: float
) -> None:
    """The front of cost over carbon falls, and every plan on it keeps its cap."""
    free = planned(numbers)
    emitted = free.verdict.carbon
    costs = [free.plan.objective]
    for part in sorted((share, other), reverse=True):
        refused = ""
        try:
            capped = planned(numbers | {"cap": part * emitted})
        except InfeasibleError as error:
            refused = str(error)
        if refused:
            # Nothing else stands in the way, so the cap is what is named.
            assert "ledger.carbon_cap is missed" in refused
            break
        assert capped.verdict.carbon <= part * emitted * (1 + CLOSE) + CLOSE
        assert capped.plan.objective >= costs[-1] - CLOSE * turnover(free, capped)
        costs.append(capped.plan.objective)


@law
@given(districts(), st.sampled_from([0.5, 2, 8]))
def test_a_district_scaled_by_k_costs_k_times_as_much(numbers: District, k: float) -> None:
    large = planned(numbers | {name: k * numbers[name] for name in SIZES})
    small = planned(numbers)
    expected = k * small.plan.objective
    assert large.plan.objective == pytest.approx(expected, abs=CLOSE * turnover(large))
