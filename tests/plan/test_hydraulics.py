"""The heat network of a plan: closed forms by hand, and pandapipes beside the plan."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from citygrid.cli import main
from citygrid.components.common.piping import WATER_HEAT
from citygrid.errors import InputError
from citygrid.plan.beside import chosen_steps
from citygrid.plan.heat_network import closed_form, snapshots
from citygrid.plan.hydraulics import check_hydraulics
from tests.helpers import Solved, solve, solved

needs_pandapipes = pytest.mark.skipif(
    "not __import__('importlib').util.find_spec('pandapipes')",
    reason="the extra `networks` is not installed: pip install 'citygrid[networks]'",
)

LONG = """\
name: long
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
heat_network: {supply: [{air: 0 degC, water: 80 degC}], return: 50 degC, ground: 10 degC}
nodes: {plant: {}, corner: {}, near: {}, far: {}}
components:
  gas: {kind: fuel, node: plant, price: 60 EUR/MWh}
  boiler: {kind: boiler, node: plant, heat: 1 MW}
  main: {kind: heat_pipe, from: plant, to: corner, length: 400 m, dn: 80}
  to near: {kind: heat_pipe, from: corner, to: near, length: 100 m, dn: 50}
  to far: {kind: heat_pipe, from: corner, to: far, length: 900 m, dn: 40, velocity: 2 m/s}
  homes near: {kind: heat_demand, node: near, load: 150 kW}
  homes far: {kind: heat_demand, node: far, load: 15 kW}
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    path = tmp_path_factory.mktemp("long") / "long.yaml"
    path.write_text(LONG, encoding="utf-8")
    return solve(path)


# closed forms ------------------------------------------------------------------------------------


def test_water_cools_on_the_way_by_hand(long: Solved) -> None:
    """Consumers that cool by 30 K: flows are Q / (4.186 · 30), and each pipe e to the −UL/(ṁc).

    Where the return is above the ground by 40 K and the supply by 70, the supply loses
    U1 − U2 · 40/70 and the return U1 − U2 · 70/40 per kelvin of its own.
    """
    now = snapshots(long.case, long.plan, [0])[0]
    state = closed_form(now, "spread")
    flows = dict(zip(now.names, state.mass_flow, strict=True))
    to_near, to_far = 150 / (4.186 * 30), 15 / (4.186 * 30)
    assert flows == pytest.approx({"main": to_near + to_far, "to near": to_near, "to far": to_far})
    place = {node: i for i, node in enumerate(now.nodes)}
    supplied = 0.28691 - 0.01164 * 40 / 70
    corner = 10 + 70 * np.exp(-supplied * 400 / ((to_near + to_far) * 4186))
    assert state.supply[place["corner"]] == pytest.approx(corner)
    far = 10 + (corner - 10) * np.exp(-(0.20836 - 0.00719 * 40 / 70) * 900 / (to_far * 4186))
    assert state.supply[place["far"]] == pytest.approx(far)
    assert state.back[place["far"]] == pytest.approx(far - 30)
    returning = 10 + (far - 40) * np.exp(-(0.20836 - 0.00719 * 70 / 40) * 900 / (to_far * 4186))
    assert state.back_end[now.names.index("to far")] == pytest.approx(returning)


@pytest.mark.parametrize("consumers", ["return", "spread"])
def test_heat_is_kept_by_the_closed_forms(long: Solved, consumers: str) -> None:
    """What the source gives is what consumers take and pipes lose."""
    now = snapshots(long.case, long.plan, [0])[0]
    state = closed_form(now, consumers)  # type: ignore[arg-type]
    assert state.source == pytest.approx(now.demand.sum() + state.loss.sum(), rel=1e-8)


def test_consumers_with_a_fixed_return_take_more_of_cooler_water(long: Solved) -> None:
    now = snapshots(long.case, long.plan, [0])[0]
    state = closed_form(now, "return")
    far, pipe = now.nodes.index("far"), now.names.index("to far")
    assert state.back[far] == pytest.approx(50)
    taken = 15 / (WATER_HEAT * (state.supply[far] - 50))
    assert state.mass_flow[pipe] == pytest.approx(taken) and taken > 15 / (WATER_HEAT * 30)


def test_heat_that_travels_counts_when_it_arrives() -> None:
    """In the kind's own district 13.6 kW are sent in hour 1 and arrive in hour 2."""
    result = solved("heat_pipe")
    both = snapshots(result.case, result.plan, [0, 1])
    slow = both[0].names.index("slow")
    assert [both[t].sent[slow] for t in (0, 1)] == pytest.approx([33.6, 13.6])
    held = both[0].names.index("held")
    assert both[0].sent[held] == pytest.approx(45.4084, rel=1e-5)


def test_a_pipe_that_carries_back_is_turned_and_an_idle_one_is_closed() -> None:
    result = solved("heat_pipe")
    now = snapshots(result.case, result.plan, [1])[1]
    main, branch = (now.names.index(name) for name in ("main", "branch"))
    assert not now.open[main] and now.turned[branch]
    assert now.nodes[now.start[branch]] == "west" and now.nodes[now.end[branch]] == "east"
    # What keeps the closed pipe warm is demand where it begins.
    assert now.demand[now.nodes.index("plant")] == pytest.approx(now.loss[main])


def test_the_peak_hour_is_that_of_the_consumers() -> None:
    result = solved("heat_pipe")
    assert list(snapshots(result.case, result.plan)) == [0]


# pandapipes --------------------------------------------------------------------------------------


@needs_pandapipes
@pytest.mark.parametrize("consumers", [pytest.param("return", marks=pytest.mark.slow), "spread"])
def test_pandapipes_agrees_with_the_closed_forms(long: Solved, consumers: str) -> None:
    """Its water's heat capacity depends on temperature; else both solve the same network."""
    (check,) = check_hydraulics(long.case, long.plan, "peak", consumers)  # type: ignore[arg-type]
    assert check.found is not None
    assert check.temperature_gap < 0.1
    assert check.found.source == pytest.approx(check.linear.source, rel=2e-3)
    assert check.found.loss == pytest.approx(check.linear.loss, rel=1e-2)
    assert check.found.mass_flow == pytest.approx(check.linear.mass_flow, rel=1e-2)


@needs_pandapipes
def test_where_the_linear_model_is_off_is_told(long: Solved) -> None:
    """15 kW through 900 m of DN 40 cool by 20 K: the plan counts the loss of water that is hot.

    Flows near the plant are right, and so is the main's loss.
    """
    (check,) = check_hydraulics(long.case, long.plan)
    off = {(d.name, d.quantity) for d in check.off}
    assert ("to far", "loss") in off
    assert not {("main", "heat"), ("main", "loss"), ("to near", "heat")} & off
    told = next(d for d in check.differences if (d.name, d.quantity) == ("to far", "loss"))
    assert told.plan == pytest.approx(900 * (0.20836 - 0.00719) * 110 / 1000)
    assert told.found < 0.95 * told.plan
    assert any("off by more than 5%: to far: loss" in line for line in check.lines())


@needs_pandapipes
def test_every_hour_of_the_kinds_own_district_flows() -> None:
    """Two parts, a pipe that turns round, one that is closed, one that is pumped."""
    result = solved("heat_pipe")
    for check in check_hydraulics(result.case, result.plan, "all"):
        assert check.found is not None, check.failure
        assert check.source == pytest.approx(check.found.source, rel=5e-3)
        assert check.temperature_gap < 0.1
        assert check.found_pump_power == pytest.approx(check.pump_power, rel=0.1)


@needs_pandapipes
def test_loss_that_a_plan_forgets_is_found(long: Solved) -> None:
    """The same network whose parameters say that it loses half."""
    units = long.case.units["heat_pipe"]
    halved = units.parameters["loss"]._replace(values=units["loss"] / 2)
    changed = replace(units, parameters={**units.parameters, "loss": halved})
    case = replace(long.case, units={**long.case.units, "heat_pipe": changed})
    (check,) = check_hydraulics(case, long.plan)
    assert ("main", "loss") in {(d.name, d.quantity) for d in check.off}


@needs_pandapipes
def test_the_command_prints_hours_beside_the_plan(long: Solved, tmp_path: Path) -> None:
    long.plan.save(tmp_path / "plan.nc")
    ask = ["verify", str(tmp_path / "plan.nc"), "--hydraulics"]
    said = CliRunner().invoke(main, ask)
    assert said.exit_code == 0, said.output
    assert "by pandapipes" in said.stdout and "to far: loss" in said.stdout
    hours = "2023-01-16T01:00Z,2023-01-16T01:00+01:00"
    document = json.loads(CliRunner().invoke(main, [*ask, "--hours", hours, "--json"]).stdout)
    assert [h["time"] for h in document["hydraulics"]] == ["2023-01-16T01:00Z", "2023-01-16T00:00Z"]
    first = document["hydraulics"][0]
    assert {pipe["pipe"] for pipe in first["pipes"]} == {"main", "to near", "to far"}
    assert len(first["nodes"]) == 4 and first["converged"]


@needs_pandapipes
def test_a_flow_that_is_not_found_fails_the_check(
    long: Solved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no convergence")

    monkeypatch.setattr("pandapipes.pipeflow", fails)
    (check,) = check_hydraulics(long.case, long.plan)
    assert check.found is None and check.failure == "no convergence"
    long.plan.save(tmp_path / "plan.nc")
    said = CliRunner().invoke(main, ["verify", str(tmp_path / "plan.nc"), "--hydraulics"])
    assert said.exit_code == 5 and "finds no flow: no convergence" in said.stdout


# faults ------------------------------------------------------------------------------------------


def test_unknown_hours_are_all_told(long: Solved) -> None:
    with pytest.raises(InputError) as refused:
        chosen_steps(long.case, "2023-01-16T00:00Z, noon, 2024-01-16T00:00Z")
    assert [fault.value for fault in refused.value.faults] == ["noon", "2024-01-16T00:00Z"]
    assert "2023-01-16T00:00Z to 2023-01-16T01:00Z" in refused.value.faults[0].repair


def test_without_pandapipes_the_repair_is_told(
    long: Solved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandapipes", None)
    with pytest.raises(InputError, match=r"pip install 'citygrid\[networks\]'"):
        check_hydraulics(long.case, long.plan)


@needs_pandapipes
def test_a_plan_without_pipes_has_nothing_to_check() -> None:
    result = solved("boiler")
    with pytest.raises(InputError, match="has no heat pipes to check"):
        check_hydraulics(result.case, result.plan)


@needs_pandapipes
def test_pumping_is_that_of_the_flow_which_is_there_now(tmp_path: Path) -> None:
    """The water needs an hour: what flows now was sent and pumped in the hour before."""
    hours = [f"2023-01-16T0{hour}:00Z" for hour in range(3)]
    rows = [f"{h},5,8,{load}" for h, load in zip(hours, (300, 1200, 500), strict=True)]
    (tmp_path / "late.csv").write_text("\n".join([
        "time,temperature [degC],ground temperature [degC],heat [kW]", *rows]))  # fmt: skip
    (tmp_path / "late.yaml").write_text("""\
name: late
horizon: {start: 2023-01-16T00:00Z, length: 3 h, step: 1 h}
weather: {file: late.csv, latitude: 50.1, longitude: 8.7}
heat_network: {supply: [{air: -10 degC, water: 80 degC}, {air: 15 degC, water: 80 degC}],
  return: 50 degC}
series: {heat: {file: late.csv, column: heat}}
nodes: {a: {}, b: {}}
components:
  grid: {kind: grid, node: a, import: {price: 20 ct/kWh, max: 500 kW}}
  gas: {kind: fuel, node: a, price: 90 EUR/MWh}
  boiler: {kind: boiler, node: a, heat: 2 MW, efficiency: 90 %}
  main: {kind: heat_pipe, from: a, to: b, length: 3000 m, dn: 100, design: 700 kW, pump: a}
  homes: {kind: heat_demand, node: b, load: {series: heat}}
""")
    found = solve(tmp_path / "late.yaml")
    assert found.case.units["heat_pipe"].parameters["delay"].values.tolist() == [1]
    for check in check_hydraulics(found.case, found.plan, "all"):
        assert check.found_pump_power == pytest.approx(check.pump_power, rel=0.15)
