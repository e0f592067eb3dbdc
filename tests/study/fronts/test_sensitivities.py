"""What prices and capacities change, by hand and solved again; where two variants cost the same."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.cli.trading_off import _interval
from citygrid.district.changed import changed, stated
from citygrid.errors import InfeasibleError, InputError
from citygrid.routes import Options
from citygrid.study.fronts import break_even, crossing, sensitivities
from tests.helpers import EXACT
from tests.study.fronts.districts import TINY, straight

#: Two hours of 100 kW; the tank may take the second hour's heat in the first, for a rent.
STORE = """
name: store
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes: {block: {}}
components:
  grid:
    kind: grid
    node: block
    import:
      max: 500 kW
      price: {otherwise: 0.10 EUR/kWh, windows: [{hours: "01:00-02:00", value: 0.10 EUR/kWh}]}
  immersed: {kind: electric_boiler, node: block, heat: 250 kW, efficiency: 100 %}
  houses:   {kind: heat_demand, node: block, load: 100 kW}
  tank:     {kind: heat_store, node: block, capacity: 100 kWh, charge: 100 kW, discharge: 100 kW,
             fixed_cost: 3 EUR}
"""


def by_path(found):
    return {each.parameter.path: each for each in found.found}


# values by path ---------------------------------------------------------------------------------


def test_a_value_by_path_is_as_if_the_file_had_said_it(tmp_path: Path) -> None:
    district = cg.load(straight(tmp_path))
    other = changed(district, {"components.gas.price": "0.2 EUR/kWh"})
    by_file = cg.load(straight(tmp_path, ("price: 0.05 EUR/kWh", "price: 0.2 EUR/kWh")))
    assert cg.prepare(other).hash == cg.prepare(by_file).hash
    assert other.hash != district.hash and changed(district, {}).hash == district.hash
    assert stated(district, "components.gas.price") == "0.05 EUR/kWh"
    assert stated(other, "components.gas.price") == "0.2 EUR/kWh"
    assert district.tree.value["components"]["gas"]["price"] == "0.05 EUR/kWh"


def test_none_takes_a_component_out_and_a_default_can_be_stated(tmp_path: Path) -> None:
    district = cg.load(straight(tmp_path))
    assert "immersed" not in changed(district, {"components.immersed": None}).components
    assert changed(district, {"carbon_price": "85 EUR/t"}).spec.carbon_price == 0.085


def test_keys_with_blanks_and_items_of_lists_have_paths() -> None:
    district = cg.load(TINY)
    other = changed(district, {"components.heat pump.heat": "50 kW",
                               "components.jobs.jobs.0.power": "10 kW"})  # fmt: skip
    assert other.components["heat pump"].heat == 50.0
    assert stated(other, "components.jobs.jobs.0.power") == "10 kW"


@pytest.mark.parametrize(("path", "said"), [
    ("components.gass.price", 'did you mean "gas"'),
    ("components.gas.price.more", "is a single value"),
    ("components.jobs.jobs.7.power", "list of 1 item, and 7"),
    ("", "is no path"),
    ("components.battery.", "is no path"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_one_fault(path: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        changed(cg.load(TINY), {path: "1 kW"})
    assert len(refused.value.faults) == 1


def test_faults_of_the_changed_file_are_those_of_a_file(tmp_path: Path) -> None:
    district = cg.load(straight(tmp_path))
    with pytest.raises(InputError) as refused:
        changed(district, {"components.gas.price": "5 kg", "components.boiler.heat": "-1 kW"})
    places = [fault.place for fault in refused.value.faults]
    assert len(places) == 2 and all("straight.yaml:" in place for place in places)


# sensitivities ----------------------------------------------------------------------------------


def test_local_derivatives_are_those_by_hand(tmp_path: Path) -> None:
    """A boiler of 60 kW lacks 40 kW: one more saves 0.05 EUR in each of two hours.

    Gas is used for 120 kWh, power for 80: so much more EUR per EUR/kWh of each.
    """
    path = straight(tmp_path, ("{kind: boiler, node: block, heat: 120 kW",
                               "{kind: boiler, node: block, heat: 60 kW"))  # fmt: skip
    found = by_path(sensitivities(cg.load(path), options=EXACT))
    assert found["components.boiler.heat"].local == pytest.approx(-0.1)
    assert found["components.gas.price"].local == pytest.approx(120.0, abs=1e-2)
    assert found["components.grid.import.price"].local == pytest.approx(80.0, abs=1e-2)
    assert found["components.immersed.heat"].local == pytest.approx(0.0, abs=1e-9)
    assert found["components.grid.import.price"].said() == (
        "one EUR/MWh more of components.grid.import.price costs 0.08 EUR"
    )
    order = [abs(each.per_percent) for each in found.values()]
    assert order == sorted(order, reverse=True)


def test_local_derivatives_are_differences_of_solved_districts() -> None:
    """A series price by what is added to it, a carbon price, an efficiency behind a capacity."""
    district = cg.load(TINY)
    found = by_path(sensitivities(district, options=EXACT))
    base = cg.solve(cg.formulate(cg.prepare(district)), options=EXACT).objective
    for name in ("carbon_price", "components.grid.import.price.plus", "components.gas.price"):
        parameter = found[name].parameter
        step = 1e-3 * parameter.value
        more = cg.prepare(parameter.raised(district, step))
        cost = cg.solve(cg.formulate(more), options=EXACT).objective
        assert found[name].local == pytest.approx((cost - base) / step, rel=1e-4)
        assert found[name].local > 1.0


def test_solved_again_is_an_interval_that_holds_the_truth(tmp_path: Path) -> None:
    """10 % of a gas price of 0.05 for 200 kWh is 1 EUR, up to the price of power at 0.10."""
    district = cg.load(straight(tmp_path))
    for gap in (0.0, 0.05):
        found = by_path(sensitivities(district, "components.gas*", 0.1, options=Options(gap=gap)))
        price = found["components.gas.price"]
        assert price.low is not None and price.high is not None
        assert price.low[0] == pytest.approx(0.045) and price.high[0] == pytest.approx(0.055)
        assert price.low[1] - 1e-6 <= -1.0 <= price.low[2] + 1e-6
        assert price.high[1] - 1e-6 <= 1.0 <= price.high[2] + 1e-6


def test_slips_are_refused(tmp_path: Path) -> None:
    district = cg.load(straight(tmp_path))
    with pytest.raises(InputError, match="--match"):
        sensitivities(district, "components.nobody*")
    with pytest.raises(InputError, match="--exact"):
        sensitivities(district, exact=1.5)
    with pytest.raises(InfeasibleError, match="heat"):
        sensitivities(cg.load(straight(tmp_path, ("load: 100 kW", "load: 500 kW"))))


def test_the_command_says_which_matter(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [
        "sensitivity", str(straight(tmp_path)), "--exact", "10 %", "--most", "1", "--json",
        "--out", str(tmp_path / "out"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    first = document["parameters"][0]
    assert first["path"] == "components.gas.price" and first["eur_per_unit"] == pytest.approx(0.2)
    assert first["high"]["change_eur_most"] == pytest.approx(1.0)
    assert document["parameters"][1]["high"] is None
    table = pd.read_csv(document["files"]["csv"])
    assert table["path"][0] == "components.gas.price"


# break-even -------------------------------------------------------------------------------------


def test_gas_and_power_cost_the_same_where_they_do_by_hand(tmp_path: Path) -> None:
    """Without the electric boiler gas heats at any price; with it never dearer than 0.10 EUR."""
    district = cg.load(straight(tmp_path))
    found = break_even(district, "components.gas.price", (0.0, 0.3), "EUR/kWh",
                       {"components.boiler": None}, options=EXACT)  # fmt: skip
    # From 0.10 EUR on both cost the same, so nobody is proven cheaper there: no crossing.
    assert found.value is None and "is cheaper" in found.said


def test_a_store_pays_between_two_hours_by_hand(tmp_path: Path) -> None:
    """100 kWh moved from the dearer hour save 100 times what it is dearer; the rent is 3 EUR.

    So both cost the same at 0.03 EUR/kWh more, 0.13 EUR/kWh.
    """
    path = tmp_path / "store.yaml"
    path.write_text(STORE, encoding="utf-8")
    district = cg.load(path)
    found = break_even(
        district, "components.grid.import.price.windows.0.value", (0.10, 0.20), "EUR/kWh",
        {"components.tank": None}, options=EXACT,
    )  # fmt: skip
    assert found.value == pytest.approx(0.13, abs=2e-5) and found.monotone
    assert found.between is not None
    low, high = found.between
    assert low <= 0.13 <= high and high - low < 1e-3
    assert "below, the other variant is cheaper" in found.said
    # A gap makes the interval wider, and it still holds the truth.
    wide = break_even(
        district, "components.grid.import.price.windows.0.value", (0.10, 0.20), "EUR/kWh",
        {"components.tank": None}, options=Options(gap=0.01),
    )  # fmt: skip
    assert wide.between is not None and wide.between[0] <= 0.13 <= wide.between[1]
    nowhere = break_even(
        district, "components.grid.import.price.windows.0.value", (0.15, 0.20), "EUR/kWh",
        {"components.tank": None}, options=EXACT,
    )  # fmt: skip
    assert nowhere.value is None and nowhere.said.endswith(
        "the district as it is is cheaper throughout"
    )


def test_break_even_refuses_what_is_no_interval_and_no_path(tmp_path: Path) -> None:
    district = cg.load(straight(tmp_path))
    with pytest.raises(InputError, match="--between"):
        break_even(district, "components.gas.price", (1.0, 0.0), "EUR/kWh", {})
    with pytest.raises(InputError, match="gass"):
        break_even(district, "components.gass.price", (0.0, 1.0), "EUR/kWh", {})


@pytest.mark.parametrize(("more", "said"), [
    (["--between", "0 EUR/kWh", "1 kWh", "--other", "components.boiler=none"], "two units"),
    (["--between", "0 EUR/kWh", "1", "--other", "components.boiler=none"], "two units"),
    (["--between", "much", "1 EUR/MWh", "--other", "components.boiler=none"], "no quantity"),
    (["--between", "0 kWh", "1 kWh", "--other", "components.boiler="], "PATH=VALUE"),
    (["--between", "0 kWh", "1 kWh", "--other", "a=1", "--other", "b.yaml"], "PATH=VALUE"),
    (["--between", "0 kWh", "1 kWh", "--other", "nowhere.yaml"], "neither a file nor PATH=VALUE"),
])  # fmt: skip
def test_the_command_refuses_slips(more: list[str], said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["break-even", str(straight(tmp_path)), "components.gas.price", *more]
    )
    assert done.exit_code == 2 and said in done.output, done.output


def test_an_interval_may_be_written_in_two_units_of_one_kind() -> None:
    assert _interval("0 kWh", "2 MWh") == (0.0, 2000.0, "kWh")
    assert _interval("10 EUR/MWh", "0.2 EUR/kWh") == (10.0, 200.0, "EUR/MWh")
    assert _interval("1", "3") == (1.0, 3.0, "1")


def test_the_command_answers_in_a_sentence_and_in_json(tmp_path: Path) -> None:
    """Gas against power without carbon: at 0.25 EUR/kg a district of gas alone costs 0.10 a kWh."""
    folder = tmp_path
    other = tmp_path / "power.yaml"
    path = straight(folder, ("price: 0.10 EUR/kWh", "price: 0.10 EUR/kWh"))
    text = path.read_text("utf-8")
    gas = tmp_path / "gas.yaml"
    gas.write_text(
        text.replace(
            "immersed: {kind: electric_boiler, node: block, heat: 120 kW",
            "immersed: {kind: electric_boiler, node: block, heat: 0 kW",
        ),
        "utf-8",
    )
    other.write_text(
        text.replace(
            "boiler:   {kind: boiler, node: block, heat: 120 kW",
            "boiler:   {kind: boiler, node: block, heat: 0 kW",
        ),
        "utf-8",
    )
    done = CliRunner().invoke(main, [
        "break-even", str(gas), "carbon_price", "--between", "0 EUR/t", "1000 EUR/t",
        "--other", str(other), "--gap", "0", "--json",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["break_even"] == pytest.approx(250.0, abs=0.2)
    assert document["between"][0] <= 250.0 <= document["between"][1]
    assert "below, the district as it is is cheaper" in document["said"]


@pytest.mark.parametrize("most", [0, -1])
def test_nothing_to_solve_again_is_refused_with_exact(most):
    """A negative number would drop the least important ones from what is solved again."""
    with pytest.raises(InputError, match="--most: leaves nothing"):
        sensitivities(cg.load("models/tiny.yaml"), exact=0.1, most=most)


def test_a_variant_without_a_plan_is_named_with_the_value() -> None:
    """The district itself has plans: to say that it lacks heat would send people after a ghost."""
    district = cg.load(TINY)
    with pytest.raises(InfeasibleError) as refused:
        break_even(district, "components.heat pump.heat", (0.0, 200.0), "kW",
                   {"components.boiler": None}, options=EXACT)  # fmt: skip
    first, *why = [str(fault) for fault in refused.value.faults]
    assert first == ("the other variant: has no plan with components.heat pump.heat = 0.0 kW; look "
                     "between values with which both have one")  # fmt: skip
    assert "heat balance lacks" in why[0]


def test_what_has_no_plan_when_it_is_solved_again_is_said(tmp_path: Path) -> None:
    """Boilers of 60 and 40 kW serve 100 kW: with less of either nobody can, with more anybody."""
    path = straight(tmp_path, ("{kind: boiler, node: block, heat: 120 kW",
                               "{kind: boiler, node: block, heat: 60 kW"),
                    ("electric_boiler, node: block, heat: 120 kW",
                     "electric_boiler, node: block, heat: 40 kW"))  # fmt: skip
    found = sensitivities(cg.load(path), "components.boiler.heat", 0.1, options=EXACT)
    (boiler,) = found.found
    assert boiler.low is None and boiler.high is not None
    (told,) = found.left_out
    assert told.startswith("components.boiler.heat solved again at 54 kW: ") and "lacks 6" in told


@pytest.mark.parametrize(("gap", "most", "within"), [(0.0, 10, 0.05), (1e-3, 26, 2.0),
                                                     (5e-3, 20, 10.0)])  # fmt: skip
def test_what_no_plan_can_tell_is_not_searched(
    gap: float, most: int, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loan of 11,400 EUR against one that costs 10 EUR more per unit above 77.7, each to a gap.

    Nothing is proven within 11,400 gap / 10 of that: the plans' own zero in there says nothing, and
    to look for it to four digits took as many plans again.
    """
    rng = np.random.default_rng(0)
    known, other = SimpleNamespace(name="known"), SimpleNamespace(name="other")

    def solved(changed_to: tuple[object, dict[str, str]], *rest: object) -> SimpleNamespace:
        variant, values = changed_to
        value = float(values["a.price"].split()[0])
        true = 11400.0 + 10.0 * (value - 77.7) * (variant is known)
        return SimpleNamespace(x=None, cost=true * (1.0 + gap * rng.random() / 3),
                               low=true * (1.0 - gap * rng.random() / 1.5))  # fmt: skip

    monkeypatch.setattr(crossing, "solved", solved)
    monkeypatch.setattr(crossing, "changed", lambda district, values: (district, values))
    found = break_even(known, "a.price", (20.0, 200.0), "EUR", other)  # type: ignore[arg-type]
    assert found.between is not None and found.between[0] <= 77.7 <= found.between[1]
    assert found.between[1] - found.between[0] <= within and len(found.looked) <= most


def test_a_tariff_by_the_calendar_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "tariff.yaml"
    path.write_text("""\
name: tariff
horizon: {start: 2023-01-16T00:00Z, length: 4 h, step: 1 h}
nodes: {hall: {}}
components:
  grid: {kind: grid, node: hall, import: {price: {otherwise: 20 ct/kWh, windows: [
    {hours: "00:00-02:00", value: 30 ct/kWh}]}, max: {otherwise: 100 kW, windows: [
    {hours: "00:00-02:00", value: 50 kW}]}}}
  load: {kind: power_demand, node: hall, load: 30 kW}
  engine: {kind: generator, node: hall, power: 5 kW, variable_cost: 25 ct/kWh}
""")
    found = sensitivities(cg.load(path), options=EXACT)
    assert {f"components.grid.import.{what}" for what in ("price", "max")} <= {*found.left_out}
    assert {each.parameter.path for each in found.found} == {
        "components.engine.power", "components.engine.variable_cost"}  # fmt: skip
