"""Districts cost the same in PyPSA, which is handed their meaning and not their form."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from tests.differential.pypsa_apart import MISSING, PYTHON, by_pypsa
from tests.differential.table import Table, compared
from tests.differential.translation import FIELDS, Untranslatable, translated
from tests.random_districts import PLAIN, district

TOWN = """
name: town
timezone: UTC
horizon: {start: 2023-01-16T06:00Z, length: 1 h, step: 30 min}
nodes: {plant: {}, east: {}}
components:
  grid: {kind: grid, node: plant, import: {price: 0.3 EUR/kWh, max: 50 kW, carbon: 0.4 kg/kWh},
    export: {price: 0.1 EUR/kWh, max: 20 kW}, peak_charge: 2 EUR/kW}
  cable: {kind: power_line, from: plant, to: east, capacity: 40 kW, loss_share: 5 %,
    reversible: false}
  battery: {kind: battery, node: plant, capacity: 60 kWh, charge: 30 kW, discharge: 18 kW,
    charge_efficiency: 80 %, discharge_efficiency: 90 %, standing_loss: 2 %/h, wear: 1 ct/kWh}
  fuel: {kind: fuel, node: east, price: 0.08 EUR/kWh, carbon: 0.2 kg/kWh}
  engine: {kind: chp, node: east, power: 38 kW, minimum_load: 50 %, start_cost: 3 EUR}
  homes: {kind: power_demand, node: east, load: 20 kW, unserved_price: 5 EUR/kWh}
  heat: {kind: heat_demand, node: east, load: 24 kW}
carbon_price: 100 EUR/t
"""


def parts_of(text: str, tmp_path: Path) -> dict[str, dict]:
    path = tmp_path / "town.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = cg.load(path)
    told = translated(loaded, cg.prepare(loaded))
    return {name: attributes for _, name, attributes in told["parts"]} | {"": told}


def test_a_network_says_what_the_file_says(tmp_path: Path) -> None:
    """By hand: a kWh bought costs 0.3 EUR and the carbon of 0.4 kg, 0.04 EUR."""
    parts = parts_of(TOWN, tmp_path)
    assert parts["grid import"]["marginal_cost"] == pytest.approx([0.34, 0.34])
    assert parts["grid export"]["marginal_cost"] == pytest.approx([-0.1, -0.1])
    assert parts["grid peak"]["capital_cost"] == 2.0
    assert parts["fuel"]["marginal_cost"] == pytest.approx([0.1, 0.1])
    assert parts["cable along"]["efficiency"] == 0.95
    assert "cable against" not in parts
    # 1 % of the level goes in half an hour, and so 1 − 0.99² in one.
    assert parts["battery"]["standing_loss"] == pytest.approx(1 - 0.99**2)
    assert parts["battery discharge"]["p_nom"] == pytest.approx(20.0)
    assert parts["battery discharge"]["marginal_cost"] == pytest.approx(0.009)
    # 38 kW of power at 38 % take 100 kW of fuel; half of that is the least.
    engine = parts["engine"]
    assert engine["p_nom"] == pytest.approx(100.0)
    assert engine["p_min_pu"] == pytest.approx([0.5, 0.5])
    assert (engine["efficiency"], engine["efficiency2"]) == (0.38, 0.48)
    assert (engine["up_time_before"] > 0, engine["down_time_before"] > 1000) == (True, True)
    pairs = [[name for _, name in pair] for pair in parts[""]["apart"]]
    assert pairs == [["grid import", "grid export"], ["battery charge", "battery discharge"]]
    assert all(parts[name].get("committable") for pair in pairs for name in pair)


@pytest.mark.parametrize(("change", "why"), [
    (("kind: power_demand", "kind: power_demand, priority: critical"), ""),
    (("start_cost: 3 EUR", "ramp_up: 200 %/h"), "ramp_up of chp"),
    (("  engine: {", "  held: {kind: reserve, node: east, required: 1 kW}\n"
      "  engine: {reserve: true, "), "kind reserve"),
    (("carbon_price: 100 EUR/t", "nox_cap: 1 kg"), "nox"),
    (("homes: {", "second: {kind: battery, node: east, capacity: 9 kWh, charge: 9 kW, "
      "discharge: 9 kW}\n  homes: {"), "batteries that could burn energy together"),
])  # fmt: skip
def test_what_there_is_no_word_for_is_declined(
    change: tuple[str, str], why: str, tmp_path: Path
) -> None:
    text = TOWN.replace(*change)
    if not why:
        parts_of(text, tmp_path)
        return
    with pytest.raises(Untranslatable, match=why):
        parts_of(text, tmp_path)


def test_most_districts_of_kinds_that_map_are_translated(tmp_path: Path) -> None:
    assert set(FIELDS) == set(PLAIN)
    done = 0
    for seed in range(20):
        loaded = cg.load(district(seed, plain=True).write(tmp_path))
        try:
            told = translated(loaded, cg.prepare(loaded))
        except Untranslatable:
            continue
        assert told["parts"] and np.isfinite(told["step"])
        done += 1
    assert done >= 14


def test_without_its_python_pypsa_is_a_dash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    path = tmp_path / "town.yaml"
    path.write_text(TOWN, encoding="utf-8")
    loaded = cg.load(path)
    answer = by_pypsa(loaded, cg.prepare(loaded))
    table = Table()
    table.add(0, {"milp": answer, "PyPSA": answer})
    assert f"| PyPSA | – | – | – | – | 1 {MISSING} |" in str(table)


def test_what_was_told_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told.jsonl"
    compared(range(1), True, ("milp",), told)
    both = compared(range(2), True, ("milp", "LP file"), told)
    assert len(told.read_text().splitlines()) == 3
    monkeypatch.setattr("tests.differential.table.answered", None)
    assert str(compared(range(2), True, ("milp", "LP file"), told)) == str(both)
    said = [line for line in capsys.readouterr().out.splitlines() if "agree" in line]
    assert said == [f"{seed}: all that answer agree" for seed in (0, 0, 1, 0, 1)]


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get(PYTHON), reason=MISSING)
def test_districts_cost_the_same_in_pypsa(capsys: pytest.CaptureFixture[str]) -> None:
    table = compared(range(160), plain=True, who=("milp", "PyPSA"))
    with capsys.disabled():
        print(f"\n{table}")
    assert not table.odd and not table.refused, str(table)
    count = table.counts["PyPSA"]
    assert count["equal"] >= 100 and count["both infeasible"] >= 1, str(table)
