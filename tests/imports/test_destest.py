"""DESTEST's network of 16 buildings, from its own tables to heat and temperatures.

Two Modelica and TRNSYS models and pandapipes solve the same network. Every consumer draws its peak
and cools its water by 30 K. Pressures are not compared: they differ threefold among the references.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from citygrid.cli import main
from citygrid.plan.heat_network import closed_form, snapshots
from citygrid.plan.hydraulics import check_hydraulics
from tests.helpers import Solved, faults_of, solve
from tests.plan.test_hydraulics import needs_pandapipes

HERE = Path(__file__).parent / "destest"
#: Nodes along one arm, as the references list them: first all supply, then all return.
ARM = ("i", "h", "g", "f", "e", "SimpleDistrict_1")
SUPPLY, RETURN = slice(5, 11), slice(11, 17)


def reference(name: str) -> pd.Series:
    """The last row (steady state) of a reference's result."""
    return pd.read_csv(next(HERE.glob(f"result_{name}*.csv"))).iloc[-1]


@pytest.fixture(scope="module")
def destest(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    path = tmp_path_factory.mktemp("destest") / "destest.yaml"
    done = CliRunner().invoke(main, [
        "import", "tables", str(HERE / "Node_data.csv"), str(HERE / "Pipe_data.csv"),
        "--source", "i", "--supply", "70 degC", "--return", "40 degC", "--ground", "12 degC",
        "--simultaneity", "1", "--out", str(path),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "16 consumers with 310 kW" in done.stdout and "24 pipes of 0.41 km" in done.stdout
    return solve(path)


def test_demand_is_that_of_the_buildings_and_not_of_the_crossings(destest: Solved) -> None:
    assert destest.verdict.ok
    assert destest.flow("heat_demand.served").sum() == pytest.approx(16 * 19.3472793, rel=1e-4)


@pytest.mark.parametrize("name", ["Modelica", "TRNSYS"])
def test_source_heat_of_the_plan_is_within_one_percent(destest: Solved, name: str) -> None:
    """Measured: 315,059 W; +0.23 % of Modelica's, +0.50 % of TRNSYS's."""
    heat = 1000 * destest.flow("boiler.heat").item()
    assert heat == pytest.approx(315_059, abs=5)
    assert heat == pytest.approx(float(reference(name).iloc[-1]), rel=0.01)


def test_one_reference_does_not_keep_heat_and_is_not_compared(destest: Solved) -> None:
    """SIM-VICUS gives 157 W more than the buildings take, and loses 429 W in one pipe alone."""
    row = reference("SIM_VICUS")
    surplus = float(row.iloc[-1]) - 1000 * destest.flow("heat_demand.served").sum()
    assert 0 < surplus < float(row.iloc[-2])


@pytest.mark.parametrize("name", ["Modelica", "TRNSYS", "SIM_VICUS"])
def test_temperatures_of_the_linear_model_are_within_half_a_kelvin(
    destest: Solved, name: str
) -> None:
    """Measured: 0.1 K from Modelica, 0.09 from TRNSYS, 0.42 from SIM-VICUS (in the return)."""
    now = snapshots(destest.case, destest.plan, [0])[0]
    state, row = closed_form(now, "spread"), reference(name)
    at = [now.nodes.index(node) for node in ARM]
    assert state.supply[at] == pytest.approx(row.iloc[SUPPLY].to_numpy(float), abs=0.5)
    assert state.back[at] == pytest.approx(row.iloc[RETURN].to_numpy(float), abs=0.5)
    if name != "SIM_VICUS":
        assert state.supply[at] == pytest.approx(row.iloc[SUPPLY].to_numpy(float), abs=0.05)
        assert state.back[at] == pytest.approx(row.iloc[RETURN].to_numpy(float), abs=0.15)


@needs_pandapipes
@pytest.mark.parametrize("consumers", [pytest.param("spread", marks=pytest.mark.slow), "return"])
def test_pandapipes_stands_beside_the_linear_model(destest: Solved, consumers: str) -> None:
    """Measured: 315,019 W with a fixed spread, 315,044 W with a fixed return; within 0.01 K."""
    (check,) = check_hydraulics(destest.case, destest.plan, "peak", consumers)  # type: ignore[arg-type]
    assert check.found is not None
    assert check.source == pytest.approx(check.found.source, rel=1e-3)
    assert check.temperature_gap < 0.05
    for name in ("Modelica", "TRNSYS"):
        assert 1000 * check.found.source == pytest.approx(float(reference(name).iloc[-1]), rel=0.01)
    if consumers == "spread":
        at = [check.now.nodes.index(node) for node in ARM]
        row = reference("Modelica")
        assert check.found.supply[at] == pytest.approx(row.iloc[SUPPLY].to_numpy(float), abs=0.5)
        assert check.found.back[at] == pytest.approx(row.iloc[RETURN].to_numpy(float), abs=0.5)


# tables ------------------------------------------------------------------------------------------


def imported(folder: Path, nodes: str, pipes: str, *more: str) -> tuple[int, str]:
    (folder / "n.csv").write_text(nodes)
    (folder / "p.csv").write_text(pipes)
    done = CliRunner().invoke(main, [
        "import", "tables", str(folder / "n.csv"), str(folder / "p.csv"), "--source", "a",
        "--out", str(folder / "out.yaml"), *more,
    ])  # fmt: skip
    return done.exit_code, done.stderr


NODES = "node,x,y,peak [kW]\na,0,0,0\nb,100,0,30\nc,100,100,20\n"
PIPES = "from,to,length,dn\na,b,100,50\nc,b,100,25\n"


def test_tables_of_ones_own(tmp_path: Path) -> None:
    assert imported(tmp_path, NODES, PIPES) == (0, "")
    text = (tmp_path / "out.yaml").read_text()
    assert "pipe b c: {kind: heat_pipe, from: b, to: c, length: 100.00 m, dn: 25}" in text
    assert faults_in(tmp_path / "out.yaml") == []


def test_names_that_yaml_takes_for_something_else_are_quoted(tmp_path: Path) -> None:
    nodes = NODES.replace("c,", "n,").replace("b,", '"Hof: 1, ""A""",')
    pipes = PIPES.replace("c,b", 'n,"Hof: 1, ""A"""').replace("a,b", 'a,"Hof: 1, ""A"""')
    assert imported(tmp_path, nodes, pipes) == (0, "")
    assert faults_in(tmp_path / "out.yaml") == []


def faults_in(path: Path) -> list[str]:
    try:
        return [str(fault) for fault in faults_of(path)]
    except AssertionError:
        return []


@pytest.mark.parametrize(
    ("nodes", "pipes", "told"),
    [
        (NODES.replace("c,100", "b,100"), PIPES, ["a node stands twice", "unknown node"]),
        (NODES, PIPES.replace("c,b,100", "c,d,-5"), ["unknown node", "length is not above 0"]),
        (NODES, PIPES.replace("c,b", "b,b"), ["leads from a node to itself"]),
        (NODES, "from,to,length,dn\na,b,100,50\n", ["c: no pipe leads there from the source"]),
        (NODES, PIPES.replace("dn", "colour"), ["lacks dn, or inner with insulation"]),
        (NODES.replace("peak", "tip"), PIPES.replace("length", "width"),
         ["lacks peak", "lacks length"]),
        (NODES, PIPES.replace("50", "51").replace(",25", ",26"),
         ["pipe a b: the given diameter is not in the catalogue",
          "pipe b c: the given diameter is not in the catalogue"]),
    ],
)  # fmt: skip
def test_faults_of_tables_are_all_told(
    tmp_path: Path, nodes: str, pipes: str, told: list[str]
) -> None:
    code, said = imported(tmp_path, nodes, pipes)
    assert code == 2 and all(words in said for words in told), said
    assert not (tmp_path / "out.yaml").exists()
