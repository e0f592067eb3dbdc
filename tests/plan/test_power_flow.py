"""The electric network of a plan beside pandapower: laws by hand, and where the plan is off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from citygrid.cli import main
from citygrid.errors import InputError
from citygrid.plan.power_flow import check_grid
from tests.helpers import Solved, solve, solved

pytestmark = pytest.mark.skipif(
    "not __import__('importlib').util.find_spec('pandapower')",
    reason="the extra `networks` is not installed: pip install 'citygrid[networks]'",
)

#: 400 m of 150 mm² aluminium at 400 V: R = 28.264e-9 · 400 / 150e-6 = 0.07537 ohm.
STREET = """\
name: street
horizon: {start: 2023-01-16T00:00Z, length: 2 h, step: 1 h}
series: {use: {file: use.csv, column: use, unit: kW}}
nodes: {mains: {}, station: {}, street: {}, yard: {}}
components:
  grid: {kind: grid, node: mains, import: {price: 200 EUR/MWh, max: 500 kW}}
  transformer: {kind: transformer, from: mains, to: station, capacity: 100 kW,
    from_voltage: 20 kV, to_voltage: 400 V, no_load_loss: 0.3 kW, load_loss: 1.5 kW}
  cable: {kind: power_line, from: station, to: street, capacity: 80 kW, length: 400 m,
    cross_section: 150 mm^2, voltage: 400 V, reactance: 1e-6 ohm/km}
  drop: {kind: power_line, from: street, to: yard, capacity: 20 kW}
  flats: {kind: power_demand, node: street, load: {series: use}}
  pump: {kind: power_demand, node: yard, load: 2 kW}
"""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    folder = tmp_path_factory.mktemp("street")
    rows = "time,use\n2023-01-16T00:00Z,38\n2023-01-16T01:00Z,8\n"
    (folder / "use.csv").write_text(rows, encoding="utf-8")
    (folder / "street.yaml").write_text(STREET, encoding="utf-8")
    return solve(folder / "street.yaml")


def found(result: Solved, hours: str, line: str, quantity: str) -> tuple[float, float]:
    (check,) = check_grid(result.case, result.plan, hours)
    (one,) = [d for d in check.differences if (d.name, d.quantity) == (line, quantity)]
    return one.plan, one.found


def test_the_loss_of_a_cable_is_that_of_its_current(street: Solved) -> None:
    """40 kW arrive. With V the voltage there, I = P / (√3 V) and the loss is 3 R I² = R (P / V)².

    V follows from V + R P / V = E with E the station's voltage, so the loss is worked out from the
    voltages that pandapower states.
    """
    (check,) = check_grid(street.case, street.plan, "2023-01-16T00:00Z")
    volts = 400.0 * check.voltages["street"]
    resistance = 28.264e-9 * 400 / 150e-6
    planned, lost = found(street, "2023-01-16T00:00Z", "cable", "loss")
    assert lost == pytest.approx(resistance * (40_000 / volts) ** 2 / 1000, rel=1e-4)
    drop = 400.0 * (check.voltages["station"] - check.voltages["street"])
    assert drop == pytest.approx(resistance * 40_000 / volts, rel=1e-4)
    # The linear share is exact at half of 80 kW sent at nominal voltage, which it nearly is.
    assert planned == pytest.approx(lost, rel=0.12)


def test_the_core_loses_what_its_plate_says_and_the_windings_by_the_square(street: Solved) -> None:
    _, high = found(street, "2023-01-16T00:00Z", "transformer", "loss")
    _, low = found(street, "2023-01-16T01:00Z", "transformer", "loss")
    assert low == pytest.approx(0.3 + 1.5 * 0.102**2, rel=0.05)
    assert high == pytest.approx(0.3 + 1.5 * 0.427**2, rel=0.05)


def test_where_the_linear_model_is_off_is_said(street: Solved) -> None:
    """At 10 of 80 kW the linear share, exact at half load, states some four times the loss."""
    (check,) = check_grid(street.case, street.plan, "2023-01-16T01:00Z")
    off = {(d.name, d.quantity): d.relative for d in check.off}
    assert off["cable", "loss"] == pytest.approx(3.0, abs=0.5)
    assert any("off by more than 5%: cable: loss" in line for line in check.lines())


def test_what_has_no_conductor_is_taken_as_it_is(street: Solved) -> None:
    (check,) = check_grid(street.case, street.plan)
    assert {d.name for d in check.differences} == {"transformer", "cable"}
    assert "yard" not in check.voltages
    assert check.time == "2023-01-16T00:00Z"


def test_a_power_factor_takes_more_current(street: Solved) -> None:
    (one,) = check_grid(street.case, street.plan)
    (other,) = check_grid(street.case, street.plan, power_factor=0.9)
    assert other.loss[1] > 1.1 * one.loss[1]
    assert other.voltages["street"] < one.voltages["street"]


def test_strained_cables_and_voltages_are_told(street: Solved, tmp_path: Path) -> None:
    text = STREET.replace("length: 400 m", "length: 1900 m").replace("capacity: 80 kW",
                                                                    "capacity: 42 kW")  # fmt: skip
    rows = "time,use\n2023-01-16T00:00Z,38\n2023-01-16T01:00Z,8\n"
    (tmp_path / "use.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "street.yaml").write_text(text, encoding="utf-8")
    result = solve(tmp_path / "street.yaml")
    (check,) = check_grid(result.case, result.plan)
    assert check.voltages["street"] < 0.9
    assert any("voltage" in text for text in check.strained)
    assert any("cable: loaded" in text for text in check.strained)


def test_voltages_that_contradict_each_other_are_refused(street: Solved, tmp_path: Path) -> None:
    text = STREET.replace("voltage: 400 V, reactance", "voltage: 10 kV, reactance")
    (tmp_path / "use.csv").write_text("time,use\n2023-01-16T00:00Z,38\n2023-01-16T01:00Z,8\n")
    (tmp_path / "street.yaml").write_text(text, encoding="utf-8")
    result = solve(tmp_path / "street.yaml")
    with pytest.raises(InputError) as caught:
        check_grid(result.case, result.plan)
    (fault,) = caught.value.faults
    assert fault.place == "node station" and "transformer at 400 V" in str(fault.value)


def test_a_plan_without_conductors_is_refused() -> None:
    result = solved("power_line")
    with pytest.raises(InputError, match="no line whose conductor is known"):
        check_grid(result.case, result.plan)


def test_the_command_states_every_line(street: Solved, tmp_path: Path) -> None:
    street.plan.save(tmp_path / "plan.nc")
    ask = ["verify", str(tmp_path / "plan.nc"), "--grid", "--hours", "all"]
    said = CliRunner().invoke(main, ask)
    assert said.exit_code == 0, said.output
    assert "losses" in said.output and "voltages" in said.output
    assert "not checked, for want of length, cross_section and voltage: drop" in said.output
    document = json.loads(CliRunner().invoke(main, [*ask, "--json"]).stdout)
    assert [hour["converged"] for hour in document["grid"]] == [True, True]
    lines = {entry["line"] for entry in document["grid"][0]["lines"]}
    assert lines == {"cable", "transformer"}
    assert np.isfinite(document["grid"][0]["loss_kw"]["found"])
