"""Nothing burns energy for money: not one component, and not two against each other.

Prices are those of the German-Luxembourg bidding zone on 2 July 2023, when power cost −500 EUR/MWh.
Each district could earn by undoing what it does; each test shows that it would without the guard,
and that the verdict finds it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.model.form import Form
from citygrid.plan.plan import Plan
from tests.helpers import EXACT, Solved, solve

DATA = Path(__file__).parents[2] / "data" / "frankfurt_2023"

CELLS = "capacity: 100 kWh, charge: 50 kW, discharge: 50 kW"


def district(folder: Path, *components: str, hours: int = 6, start: str = "11:00") -> Path:
    """A district of three nodes on 2 July 2023 from 11:00Z, when prices fall to −500 EUR/MWh."""
    (folder / "spot.csv").write_bytes((DATA / "spot.csv").read_bytes())
    parts = "\n".join(f"  {component}" for component in components)
    path = folder / "burning.yaml"
    path.write_text(f"""name: burning
timezone: Europe/Berlin
horizon: {{start: 2023-07-02T{start}Z, length: {hours} h, step: 1 h}}
series:
  spot: {{file: spot.csv, column: price}}
nodes: {{a: {{}}, b: {{}}, c: {{}}}}
components:
  grid: {{kind: grid, node: a, import: {{price: {{series: spot}}, max: 200 kW}}}}
  flats: {{kind: power_demand, node: a, load: 20 kW}}
{parts}
""", encoding="utf-8")  # fmt: skip
    return path


def unguarded(result: Solved) -> tuple[float, set[str]]:
    """Cost of the same form without labels and orders, and what the verdict says of its plan."""
    form: Form = result.form
    low, high = form.row_lower.copy(), form.row_upper.copy()
    for block in form.rows.values():
        word = block.name.partition(".")[2]
        if word.startswith(("stored_", "made_", "carried_", "upwards_")):
            low[block.span], high[block.span] = -np.inf, np.inf
    plan = cg.solve(replace(form, row_lower=low, row_upper=high), "milp", EXACT)
    return plan.objective, {v.rule for v in cg.verify(result.case, plan).violations}


def against(result: Solved) -> float:
    hours = result.verdict.kpis["hours_against_each_other"]
    assert hours is not None
    return hours


PAIRS = {
    "two batteries at one node": (
        "no store fills another",
        [f"one: {{kind: battery, node: a, {CELLS}}}",
         f"two: {{kind: battery, node: a, {CELLS}}}"],
    ),
    "two batteries over two cables": (
        "no store fills another",
        [f"one: {{kind: battery, node: a, {CELLS}}}",
         f"two: {{kind: battery, node: c, {CELLS}}}",
         "cable: {kind: power_line, from: a, to: b, capacity: 60 kW, loss_share: 2 %}",
         "feeder: {kind: power_line, from: b, to: c, capacity: 60 kW}"],
    ),
    "two antiparallel cables": (
        "nothing runs in a ring of lines",
        ["there: {kind: power_line, from: a, to: b, capacity: 90 kW, loss_share: 5 %, "
         "reversible: false}",
         "back: {kind: power_line, from: b, to: a, capacity: 90 kW, loss_share: 5 %, "
         "reversible: false}",
         "shop: {kind: power_demand, node: b, load: 10 kW}"],
    ),
    "a ring of a transformer and cables": (
        "nothing runs in a ring of lines",
        ["cable: {kind: power_line, from: a, to: b, capacity: 90 kW, loss_share: 5 %}",
         "feeder: {kind: power_line, from: b, to: c, capacity: 90 kW}",
         "station: {kind: transformer, from: c, to: a, capacity: 90 kW, from_voltage: 400 V, "
         "to_voltage: 20 kV, load_loss: 2 kW}",
         "shop: {kind: power_demand, node: b, load: 10 kW}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_at_minus_500_two_components_do_not_burn_against_each_other(
    pair: str, tmp_path: Path
) -> None:
    rule, components = PAIRS[pair]
    result = solve(district(tmp_path, *components))
    assert result.verdict.ok and against(result) == 0.0
    earned, broken = unguarded(result)
    assert earned < result.plan.objective - 0.1, "nothing could be earned: the test proves nothing"
    assert rule in broken


HEATING = [
    "rods: {kind: electric_boiler, node: a, heat: 80 kW}",
    "homes: {kind: heat_demand, node: b, load: 30 kW}",
    "pipe: {kind: heat_pipe, from: a, to: b, length: 100 m, dn: 80, loss_u1: 0.002 W/m/K, "
    "loss_u2: 0.001 W/m/K}",
]
WEATHER = """weather: {file: weather.csv, latitude: 50.1, longitude: 8.7}
heat_network: {supply: [{air: -10 degC, water: 80 degC}], return: 50 degC}
nodes:"""


def heated(folder: Path, cooler: str) -> Path:
    path = district(folder, *HEATING, cooler)
    path.write_text(path.read_text("utf-8").replace("nodes:", WEATHER), "utf-8")
    rows = "".join(f"2023-07-02T{hour}:00Z,22,12,50\n" for hour in range(10, 19))
    header = "time,temperature [degC],ground temperature [degC],relative humidity [percent]\n"
    (folder / "weather.csv").write_text(header + rows, "utf-8")
    return path


def test_heat_made_of_power_is_not_left_to_the_air_unless_that_may_burn(tmp_path: Path) -> None:
    """30 kW are wanted, the rods could make 80: the rest has nowhere to go but the air."""
    cooler = "cooler: {kind: heat_rejection, node: b, capacity: 100 kW, takes: heat, power_node: a}"
    result = solve(heated(tmp_path, cooler))
    assert result.verdict.ok and against(result) == 0.0
    assert result.flow("electric_boiler.heat", "rods") == pytest.approx(np.full(6, 30.0), abs=0.1)
    earned, broken = unguarded(result)
    assert earned < result.plan.objective - 0.1
    assert "no heat made of power is left to the air" in broken
    burning = solve(
        heated(tmp_path, cooler.replace("power_node: a", "power_node: a, may_burn: true"))
    )
    assert burning.verdict.ok
    assert burning.plan.objective == pytest.approx(earned)
    assert "heat.made" not in burning.form.columns


def test_a_battery_that_may_burn_does(tmp_path: Path) -> None:
    kept = solve(district(tmp_path, f"one: {{kind: battery, node: a, {CELLS}}}"))
    burnt = solve(district(tmp_path, f"one: {{kind: battery, node: a, {CELLS}, may_burn: true}}"))
    assert burnt.verdict.ok and burnt.plan.objective < kept.plan.objective - 0.1
    assert burnt.form.size["binaries"] == 0 < kept.form.size["binaries"]


# where an argument about the linear programme suffices --------------------------------------------


def binaries(folder: Path, *components: str, start: str, hours: int = 6) -> int:
    return int(solve(district(folder, *components, start=start, hours=hours)).form.size["binaries"])


def test_without_worthless_power_nothing_needs_a_binary(tmp_path: Path) -> None:
    """From 18:00Z on every price is positive: what is lost has been paid for."""
    for _, components in PAIRS.values():
        assert binaries(tmp_path, *components, start="18:00", hours=4) == 0


def test_cables_are_guarded_in_the_hours_of_worthless_power_alone(tmp_path: Path) -> None:
    """Two lossy cables: a binary for each in each hour of a price of nothing or less."""
    _, components = PAIRS["two antiparallel cables"]
    result = solve(district(tmp_path, *components, start="12:00", hours=10))
    price = result.case.units["grid"]["import_price"][0]
    worthless = int((price <= 0).sum())
    assert 0 < worthless < 10
    assert result.form.size["binaries"] == 2 * worthless


def test_a_store_makes_every_hour_worthless_if_one_is(tmp_path: Path) -> None:
    """Whoever is paid to take power at three may want an empty battery at noon."""
    cells = f"one: {{kind: battery, node: a, {CELLS}}}"
    assert binaries(tmp_path, cells, start="12:00", hours=10) == 10


def test_wear_spares_binaries_down_to_a_price_that_can_be_computed(tmp_path: Path) -> None:
    """η = 0.96² = 0.9216 of a kWh come back, and a discharged kWh ages the cells by 5 ct.

    Burning pays below −0.05 · 0.9216 / 0.0784 = −0.588 EUR/kWh, and no hour is that cheap. At 4 ct
    it pays below −0.470, which −0.500 is.
    """
    for wear, count in ((5, 0), (4, 6)):
        cells = f"one: {{kind: battery, node: a, {CELLS}, wear: {wear} ct/kWh}}"
        result = solve(district(tmp_path, cells))
        assert result.verdict.ok and result.form.size["binaries"] == count
        assert against(result) == 0.0


def test_wear_is_paid_by_what_is_discharged(tmp_path: Path) -> None:
    result = solve(district(tmp_path, f"one: {{kind: battery, node: a, {CELLS}, wear: 1 ct/kWh}}"))
    discharged = result.flow("battery.discharge").sum()
    assert discharged > 1.0
    assert result.paid("one", "battery.wear") == pytest.approx(0.01 * discharged)


@pytest.mark.parametrize(
    "source",
    ["roof: {kind: pv, node: c, peak: 5 kW, output: 0.5}",
     "roof: {kind: pv, node: c, peak: 5 kW, output: 0.5, curtailable: false}",
     "engine: {kind: chp, node: c, power: 1 kW}"],
)  # fmt: skip
def test_sun_and_engines_make_power_worthless_at_any_price(source: str, tmp_path: Path) -> None:
    """What may be curtailed is worth nothing; what must be taken may be worth less."""
    _, components = PAIRS["two batteries over two cables"]
    more = [*components, source]
    if "chp" in source:
        more += ["gas: {kind: fuel, node: c, price: 40 EUR/MWh}",
                 "homes: {kind: heat_demand, node: c, load: 0 kW}"]  # fmt: skip
    assert binaries(tmp_path, *more, start="18:00", hours=4) > 0


# the verdict --------------------------------------------------------------------------------------


def test_the_verdict_counts_hours_that_are_not_forbidden(tmp_path: Path) -> None:
    """At a positive price one battery may fill another: it loses money, and is counted."""
    result = solve(district(tmp_path, *PAIRS["two batteries at one node"][1], start="18:00",
                            hours=4))  # fmt: skip
    dataset = result.plan.dataset.copy(deep=True)
    for name in ("charge", "discharge"):
        dataset[f"battery.{name}"][:] = 0.0
    dataset["battery.discharge"].loc[{"battery": "one"}][1] = 10.0
    dataset["battery.charge"].loc[{"battery": "two"}][1] = 10.0
    verdict = cg.verify(result.case, Plan(result.case, dataset))
    assert verdict.kpis["hours_against_each_other"] == 1.0
    assert "no store fills another" not in {v.rule for v in verdict.violations}
