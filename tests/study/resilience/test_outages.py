"""Outages of a block of houses that is solved by hand, and what holds for any outage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli.commands import main
from citygrid.errors import InputError
from citygrid.plan.plan import Plan
from citygrid.routes import Options
from citygrid.study.resilience import Study, Wish, study_case, study_outages, table_of, write_study
from citygrid.study.resilience.dispatch import Result, dispatch
from citygrid.study.resilience.emergency import fail, replays, soften
from citygrid.study.resilience.near import _held
from citygrid.study.resilience.outages import hours_of, named, pairs, steps_of
from citygrid.study.resilience.state import from_step

EXACT = Options(gap=0.0)

#: Each hour 50 kW of a hospital, 40 kW of homes and 20 kW of a swimming bath; gas at 0.05 EUR/kWh.
#: Boiler A makes a kWh of a kWh of gas, B of two; the tank begins with 30 kWh.
BLOCK = """
name: block
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
nodes: {plant: {at: [0, 0]}, bank: {at: [100, 0]}}
components:
  gas: {kind: fuel, node: plant, price: 50 EUR/MWh, carbon: 0.2 kg/kWh}
  boiler A: {kind: boiler, node: plant, heat: 80 kW, efficiency: 100 %}
  boiler B: {kind: boiler, node: plant, heat: 40 kW, efficiency: 50 %}
  spare: {kind: boiler, node: plant, heat: 10 kW, efficiency: 10 %, availability: 0 %}
  tank: {kind: heat_store, node: plant, capacity: 60 kWh, charge: 100 kW, discharge: 100 kW,
    cyclic: false, initial_level: 50 %}
  hospital: {kind: heat_demand, node: plant, load: 50 kW, priority: critical}
  homes: {kind: heat_demand, node: plant, load: 40 kW}
  bath: {kind: heat_demand, node: plant, load: 20 kW, priority: deferrable}
"""


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("block") / "block.yaml"
    path.write_text(BLOCK, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def two_hours(block: Path) -> Study:
    return study_outages(block, Wish(length="2h", pairs="boiler A+tank,boiler A+boiler B"),
                         options=EXACT)  # fmt: skip


def of(study: Study, name: str) -> Result:
    (found,) = [result for result in study.results if result.outage.name == name]
    return found


def served(result: Result) -> list[float]:
    return [result.of(rank) for rank in ("critical", "normal", "deferrable")]


def test_critical_load_is_kept_and_the_store_saves_what_it_holds(two_hours: Study) -> None:
    """Without boiler A, B gives 40 and the tank 30 kWh in all: 110 of 220 kWh.

    The hospital needs 100. The 10 that remain go to homes, so 70 of them and the bath's 40 lack.
    Without the tank, too, 80 kWh are left for the hospital: 20 lack. B's gas is 160 kWh, where
    nothing failed A's was 160 and B's 60 (220 − 160 − 30 = 30 kWh of heat): 3 EUR and 12 kg less.
    """
    alone, both = of(two_hours, "boiler A"), of(two_hours, "boiler A + tank")
    assert served(alone) == pytest.approx([0, 70, 40], abs=1e-6)
    assert alone.survives and alone.verified
    assert alone.extra_cost == pytest.approx(-3.0) and alone.extra_co2 == pytest.approx(-12.0)
    assert served(both) == pytest.approx([20, 80, 40], abs=1e-6)
    assert both.survives is False
    assert both.lacks[0].component == "homes" and both.lacks[-1].component == "hospital"


def test_the_least_important_goes_first(two_hours: Study) -> None:
    """Without boiler B 30 kWh lack: all are the bath's. Without gas only the tank's 30 are left."""
    assert served(of(two_hours, "boiler B")) == pytest.approx([0, 0, 30], abs=1e-6)
    assert served(of(two_hours, "gas")) == pytest.approx([70, 80, 40], abs=1e-6)


def test_what_does_nothing_is_not_missed(two_hours: Study) -> None:
    spare = of(two_hours, "spare")
    assert spare.objective == pytest.approx(two_hours.base.objective, abs=1e-9)
    assert spare.extra_cost == pytest.approx(0.0, abs=1e-9) and not spare.unserved


def test_it_is_back_when_the_outage_is_over(block: Path) -> None:
    """An hour without A: B's 40 and the tank's 30 serve the hospital and half the homes.

    In the second hour A and B serve all: gas of 80, 80 and 60 kWh cost 11 EUR, as without outage.
    """
    found = of(study_outages(block, Wish(length="1h"), options=EXACT), "boiler A")
    assert served(found) == pytest.approx([0, 20, 20], abs=1e-6)
    assert found.extra_cost == pytest.approx(0.0, abs=1e-9)
    assert found.saved_by.startswith("tank gives 30 kWh more heat") or (
        "boiler B gives" in found.saved_by
    )


def test_a_later_outage_begins_in_the_state_of_the_plan(block: Path) -> None:
    """The plan needs the tank's 30 kWh in one of the hours, or in parts: at hour 1 it has the rest.

    Then 40 of B and that rest serve the hospital first: with x kWh left, x − 10 go to homes.
    """
    study = study_outages(block, Wish(at="1h", length="1h", only=["boiler A"]), options=EXACT)
    found = of(study, "boiler A")
    rest = float(study.base.flow("heat_store.level")[0, 0])
    assert found.begin == "2023-01-16T01:00Z"
    assert sum(served(found)) == pytest.approx(110 - 40 - rest, abs=1e-6)
    assert found.of("critical") == pytest.approx(max(10 - rest, 0), abs=1e-6)


def test_the_worst_hour_is_the_one_of_most_use(block: Path) -> None:
    study = study_outages(block, Wish(at="worst", length="1h", only=["tank", "gas"]), options=EXACT)
    given = study.base.flow("heat_store.discharge")[0]
    begin = of(study, "tank").begin
    assert begin == f"2023-01-16T0{int(given.argmax())}:00Z"


def test_losing_two_is_never_better_than_losing_one(block: Path) -> None:
    """Any plan without both is one without either, so no optimum of a pair can be cheaper."""
    study = study_outages(block, Wish(length="2h", pairs="all"), options=EXACT)
    single = {r.outage.name: r.objective for r in study.results if len(r.outage.components) == 1}
    pairs = [r for r in study.results if len(r.outage.components) == 2]
    assert len(pairs) == len(single) * (len(single) - 1) // 2
    for pair in pairs:
        assert pair.objective >= max(single[name] for name in pair.outage.components) - 1e-6


def test_shedding_follows_the_order_whatever_the_sizes(tmp_path: Path) -> None:
    """Against a rule by hand: what lacks is taken from the bath, then homes, then the hospital."""
    random = np.random.default_rng(7)
    for _ in range(5):
        small, loads = random.integers(0, 60), random.integers(1, 60, 3)
        text = BLOCK.replace("heat: 40 kW", f"heat: {small + 1} kW").replace(
            "initial_level: 50", "initial_level: 0"
        )
        for old, new in zip(("load: 50", "load: 40", "load: 20"), loads, strict=True):
            text = text.replace(old, f"load: {new}")
        text = text.replace("heat: 80 kW", f"heat: {loads.sum()} kW")
        path = tmp_path / "random.yaml"
        path.write_text(text, encoding="utf-8")
        found = of(study_outages(path, Wish(length="2h", only=["boiler A"]), options=EXACT),
                   "boiler A")  # fmt: skip
        lack, expected = max(int(loads.sum()) - int(small) - 1, 0), []
        for load in loads[::-1]:
            expected.append(2.0 * min(lack, load))
            lack -= min(lack, load)
        assert served(found) == pytest.approx(expected[::-1], abs=1e-6)


# centres, jobs, islands ---------------------------------------------------------------------------

CENTRES = """
name: two centres
horizon: {start: 2023-01-16T00:00Z, length: 3 h, step: 1 h}
weather: {file: weather.csv, latitude: 50.1, longitude: 8.7}
nodes: {west: {at: [0, 0]}, east: {at: [500, 0]}}
components:
  grid: {kind: grid, node: west, import: {price: 200 EUR/MWh, max: 300 kW}}
  sun: {kind: generator, node: east, power: 30 kW, variable_cost: 300 EUR/MWh}
  cable: {kind: power_line, from: west, to: east, capacity: 200 kW}
  dc west: {kind: data_center, node: west, cooling: liquid, capacity: 60 kW, load: 20 kW,
    loss_share: 0 %, loss_fixed: 0 %}
  dc east: {kind: data_center, node: east, cooling: liquid, capacity: 60 kW, load: 10 kW,
    loss_share: 0 %, loss_fixed: 0 %, priority: normal}
  chiller west: {kind: chiller, node: west, cooling: 80 kW, auxiliary: 0 %}
  chiller east: {kind: chiller, node: east, cooling: 80 kW, auxiliary: 0 %}
  homes: {kind: power_demand, node: east, load: 15 kW, priority: critical}
  jobs:
    kind: job_pool
    sites: [dc west, dc east]
    jobs:
      - {job: urgent, power: 30 kW, duration: 3 h, priority: normal,
         release: 2023-01-16T00:00Z, deadline: 2023-01-16T03:00Z}
      - {job: idle work, power: 30 kW, duration: 3 h,
         release: 2023-01-16T00:00Z, deadline: 2023-01-16T03:00Z}
"""


@pytest.fixture(scope="module")
def centres(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("centres")
    cold = (Path(__file__).parents[2] / "components" / "districts" / "weather_cold.csv").read_text()
    lines = cold.splitlines()
    while len(lines) < 4:
        stamp = f"2023-01-16T0{len(lines) - 1}:00Z"
        lines.append(",".join([stamp, *lines[-1].split(",")[1:]]))
    (folder / "weather.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "centres.yaml"
    path.write_text(CENTRES, encoding="utf-8")
    return study_outages(path, Wish(length="3h", island=True), options=EXACT)


def test_jobs_move_and_the_least_important_is_left_out(centres: Study) -> None:
    """Without the western centre its 20 kW of critical work are lost, whatever is done.

    The east has room for 50 kW of jobs: one of the two, and that is the urgent one.
    """
    lost = of(centres, "dc west")
    assert served(lost) == pytest.approx([60, 0, 90], abs=1e-6)
    assert lost.survives is False and lost.jobs_left_out == 1


def test_a_centre_without_its_chiller_goes_dark_and_its_jobs_move(centres: Study) -> None:
    """Heat that cannot leave is not made: the western work stops, although there is power."""
    hot = of(centres, "chiller west")
    assert served(hot) == pytest.approx([60, 0, 90], abs=1e-6)
    assert {lack.carrier for lack in hot.lacks} == {"compute"}


def test_an_island_serves_the_homes_first(centres: Study) -> None:
    """30 kW of the generator reach the west by the cable: 15 for homes, 15 of its 20 kW of work.

    Both are critical; 5 kW lack, of whichever, and with them all normal work and all jobs.
    """
    alone = of(centres, "island")
    assert served(alone) == pytest.approx([15, 30 + 90, 90], abs=1e-6)
    assert alone.jobs_left_out == 2


def test_losing_the_cable_parts_the_district(centres: Study) -> None:
    """The generator's 30 kW serve homes and the eastern work; the west has room for one job.

    75 kWh of power at 0.30 in place of 0.20 EUR are 7.50 EUR more, 90 kWh of a job that is not done
    18 EUR less.
    """
    cut = of(centres, "cable")
    assert served(cut) == pytest.approx([0, 0, 90], abs=1e-6) and cut.survives
    assert cut.extra_cost == pytest.approx(7.5 - 18.0)
    assert cut.saved_by == "sun gives 75 kWh more power"


def test_all_plans_are_verified_with_what_failed_standing_still(centres: Study) -> None:
    assert centres.results and all(r.verified and r.largest_violation <= 1e-6
                                   for r in centres.results)  # fmt: skip


# the verdict --------------------------------------------------------------------------------------


def test_a_plan_in_which_what_failed_works_on_is_refused(block: Path) -> None:
    """Without this rule an outage could be forgotten and nobody would know."""
    case = cg.prepare(cg.load(block))
    base = cg.solve(cg.formulate(case), "milp", EXACT)
    softened = soften(from_step(case, base, 0), replays(case, base))
    whole = dispatch(softened, "milp", EXACT)
    assert whole.verdict.ok
    failed = replace(softened, out={"boiler A": (0, 1)})
    lie = Plan(failed, whole.plan.dataset.assign_attrs(case_hash=failed.hash))
    rules = {violation.rule for violation in cg.verify(failed, lie).violations}
    assert "no heat while out of service" in rules and "no gas while out of service" in rules


def test_a_failed_case_survives_storage(block: Path, tmp_path: Path) -> None:
    case = cg.prepare(cg.load(block))
    base = cg.solve(cg.formulate(case), "milp", EXACT)
    softened = soften(from_step(case, base, 0), replays(case, base))
    found = dispatch(fail(softened, ["boiler A"], 1), "milp", EXACT)
    found.plan.save(tmp_path / "outage.nc")
    again = Plan.load(tmp_path / "outage.nc")
    assert again.case.hash == found.case.hash != softened.hash
    assert again.case.out == {"boiler A": (0, 1)}
    assert cg.verify(again.case, again).ok


def test_a_network_that_goes_cold_is_no_critical_load(tmp_path: Path) -> None:
    """Behind a pipe that failed another one lies, whose loss nobody feeds: homes go without.

    Without this, losing any pipe would count as losing critical load.
    """
    path = tmp_path / "network.yaml"
    path.write_text(NETWORK, encoding="utf-8")
    cold = Path(__file__).parents[2] / "components" / "districts" / "weather_cold.csv"
    (tmp_path / "weather.csv").write_text(cold.read_text(encoding="utf-8"), encoding="utf-8")
    found = of(study_outages(path, Wish(length="2h", only=["first"]), options=EXACT), "first")
    assert found.verified and found.survives and found.of("normal") == pytest.approx(100.0)
    assert found.of("deferrable") > 0.01 and found.lacks[-1].component == "lack of heat at middle"


NETWORK = """
name: network
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
weather: {file: weather.csv, latitude: 50.1, longitude: 8.7}
heat_network: {supply: [{air: -10 degC, water: 80 degC}], return: 50 degC}
nodes: {plant: {}, middle: {}, end: {}}
components:
  gas: {kind: fuel, node: plant, price: 50 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 200 kW, efficiency: 100 %}
  first: {kind: heat_pipe, from: plant, to: middle, length: 200 m, dn: 65}
  second: {kind: heat_pipe, from: middle, to: end, length: 200 m, dn: 65}
  homes: {kind: heat_demand, node: end, load: 50 kW}
"""


# wishes and files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "place", "text"),
    [
        (Wish(length="0h"), "--for", "whole steps"),
        (Wish(length="90 min"), "--for", "whole steps"),
        (Wish(length="3h"), "--for", "longer than the horizon"),
        (Wish(length="soon"), "--for", ""),
        (Wish(at="2h", length="1h"), "--at", "outside the horizon"),
        (Wish(at="-1h", length="1h"), "--at", ""),
        (Wish(at="each:0h", length="1h"), "--at", "shorter than a step"),
        (Wish(at="noon", length="1h"), "--at", "is no hour"),
        (Wish(at="30 min", length="1h"), "--at", "between two steps"),
        (Wish(length="1h", only=["boiler C"]), "--only", "is no component"),
        (Wish(length="1h", only=["homes"]), "--only", "is no component"),
        (Wish(length="1h", pairs="boiler A"), "--pairs", "two different"),
        (Wish(length="1h", pairs="tank+tank"), "--pairs", "two different"),
        (Wish(length="1h", pairs="tank+boiler C"), "--pairs", "is no component"),
        (Wish(length="1h", island=True), "--island", "no connection"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(
    block: Path, wish: Wish, place: str, text: str
) -> None:
    with pytest.raises(InputError) as refused:
        study_case(cg.prepare(cg.load(block)), wish, "milp", EXACT)
    (fault,) = refused.value.faults
    assert fault.place == place and text in fault.reason and fault.repair


def test_table_document_map_and_page_say_the_same(two_hours: Study, tmp_path: Path) -> None:
    import pyogrio

    files = write_study(two_hours, tmp_path)
    document = json.loads(files["document"].read_text())
    assert document["survived"] + document["lost"] == document["outages"] == 7
    assert len(table_of(two_hours)) == len(files["table"].read_text().splitlines()) - 1 == 7
    page = files["page"].read_text()
    assert "boiler A + tank" in page and "<script" not in page and "http://" not in page
    placed = pyogrio.read_dataframe(files["map"], layer="points")
    assert set(placed["name"]) == {"gas", "boiler A", "boiler B", "spare", "tank"}
    assert dict(zip(placed["name"], placed["what"], strict=True))["gas"] == (
        "critical load goes without"
    )


def test_the_command_answers_with_one_document(block: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["outages", str(block), "--for", "1h", "--only", "boiler A",
                                       "--out", str(tmp_path), "--json"])  # fmt: skip
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert document["outages"] == 1 and document["results"][0]["unserved_normal_kwh"] > 0
    signs = tmp_path / "signs.yaml"
    signs.write_text(BLOCK.replace("boiler A", "boiler, A+").replace("boiler B", "B"))
    answer = CliRunner().invoke(main, ["outages", str(signs), "--for", "1h", "--only",
                                       '"boiler, A+"', "--pairs", 'B+"boiler, A+"', "--out",
                                       str(tmp_path), "--json"])  # fmt: skip
    assert answer.exit_code == 0, answer.output
    failed = [each["components"] for each in json.loads(answer.stdout)["results"]]
    assert failed == [["boiler, A+"], ["B", "boiler, A+"]]
    refused = CliRunner().invoke(main, ["outages", str(block), "--for", "0h", "--out",
                                        str(tmp_path / "none")])  # fmt: skip
    assert refused.exit_code == 2 and not (tmp_path / "none").exists()


def test_a_pair_named_twice_is_one_outage():
    """Without it one outage counts twice among those that are survived."""
    found = pairs({"grid": "grid", "boiler": "boiler"}, "boiler+grid,grid+boiler")
    assert [outage.components for outage in found] == [("boiler", "grid")]


@pytest.mark.parametrize(
    ("at", "repair"),
    [("each:0h", "each:1h"), ("each:0.5h", "each:1h"), ("each:1.5h", "each:2h")],
)
def test_the_repair_of_a_spacing_is_one_that_is_taken(at, repair):
    with pytest.raises(InputError, match=repair):
        hours_of(at, 1.0, 24)
    assert hours_of(repair, 1.0, 24)


def test_names_with_commas_and_plus_signs_can_be_named():
    """The names are the user's: `--pairs a,b+c` cannot mean a component called “a,b”."""
    assets = {"boiler, old": "boiler", "a+b": "boiler", "grid": "grid"}
    found = pairs(assets, '"boiler, old"+grid, grid + "a+b"')
    assert [each.components for each in found] == [("boiler, old", "grid"), ("grid", "a+b")]
    with pytest.raises(InputError) as error:
        pairs(assets, "boiler, old+grid")
    told = [str(fault) for fault in error.value.faults]
    assert len(told) == 2 and all('"boiler, old"' in each for each in told)
    with pytest.raises(InputError, match="names that hold signs stand in double quotes"):
        named(assets, ["boiler"])


@pytest.mark.parametrize("wish", [
    Wish(length="1h", only=["boiler a", "gas"]), Wish(length="1h", pairs="gas+boiler a"),
])  # fmt: skip
def test_names_that_are_none_are_told_before_anything_is_solved(
    block: Path, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it a slip costs the time of the plan without outages, of a year an hour."""
    monkeypatch.delattr(cg, "solve")
    with pytest.raises(InputError, match="did you mean boiler ") as refused:
        study_case(cg.prepare(cg.load(block)), wish, "milp", EXACT)
    assert len(refused.value.faults) == 1


@pytest.mark.parametrize(("step", "free"), [("30 min", 5), ("1 h", 3)])
def test_two_hours_after_an_outage_are_free_whatever_the_step(
    tmp_path: Path, step: str, free: int
) -> None:
    """An outage of one step: what is decided until two hours later may differ from before."""
    path = tmp_path / "units.yaml"
    text = BLOCK.replace("length: 2 h, step: 1 h", f"length: 6 h, step: {step}").replace(
        "heat: 80 kW, efficiency: 100 %", "heat: 80 kW, efficiency: 100 %, minimum_load: 20 %"
    )
    path.write_text(text, encoding="utf-8")
    case = cg.prepare(cg.load(path))
    form = cg.formulate(case)
    plan = cg.solve(form, options=EXACT)
    lower, upper = _held(case, form, plan, 1)
    block = form.columns["boiler.on"]
    held = (lower == upper)[block.span].reshape(block.shape)[0]
    assert held.tolist() == [False] * free + [True] * (len(case.time) - free)


@pytest.mark.parametrize("slip", ["7min", "1min", "0.001 h"])
def test_the_repair_of_a_length_is_one_that_is_taken_by_steps_of_minutes(slip: str) -> None:
    """Twelfths of an hour have no end as numbers: `0.0833333 h` was offered, and then refused."""
    for asked in (steps_of, hours_of):
        with pytest.raises(InputError) as refused:
            asked(slip if asked is steps_of else f"each:{slip}", 1 / 12, 12)
        repair = (
            refused.value.faults[0].repair.removeprefix("write such as ").removeprefix("write ")
        )
        assert "5 min" in repair.replace("5min", "5 min")
        assert asked(repair.strip('"'), 1 / 12, 12)


def test_an_island_of_one_connection_is_drawn_as_an_outage_of_that(tmp_path: Path) -> None:
    """An outage of one component by another name, and the only one of that."""
    import pyogrio

    path = tmp_path / "one.yaml"
    path.write_text("""\
name: one
crs: EPSG:25832
horizon: {start: 2024-02-29T00:00Z, length: 4 h}
nodes: {a: {at: [477000, 5550000]}, b: {at: [477300, 5550100]}}
components:
  g1: {kind: grid, node: a, import: {price: 20 ct/kWh, max: 200 kW}}
  line: {kind: power_line, from: a, to: b, capacity: 100 kW}
  bat: {kind: battery, node: b, capacity: 100 kWh, charge: 50 kW, discharge: 50 kW}
  homes: {kind: power_demand, node: b, load: 60 kW}
""")
    wish = Wish(at="1h", length="2h", island=True, only=("bat",))
    files = write_study(study_outages(path, wish, options=EXACT), tmp_path / "out")
    placed = pyogrio.read_dataframe(files["map"], layer="points").set_index("name")
    assert placed.loc["g1", "kind"] == "grid" and {"g1", "bat"} <= set(placed.index)
