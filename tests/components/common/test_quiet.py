"""Night noise: units give only a share of their capacity in the district's quiet hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import solve as solve_file
from tests.helpers import the_fault, told

DISTRICT = """\
name: night
timezone: Europe/Berlin
horizon: {start: 2023-01-16T20:00Z, length: 3 h, step: 1 h}
quiet_hours: "22:00-06:00"
nodes: {plant: {}}
components:
  gas: {kind: fuel, node: plant, price: 40 EUR/MWh}
  dear: {kind: grid, node: plant, import: {price: 500 EUR/MWh, max: 1 MW}}
  engine: {kind: chp, node: plant, power: 100 kW, electric_efficiency: 40 %,
    thermal_efficiency: 40 %, quiet_share: 30 %}
  homes: {kind: heat_demand, node: plant, load: 300 kW}
  boiler: {kind: boiler, node: plant, heat: 400 kW, efficiency: 80 %}
  flats: {kind: power_demand, node: plant, load: 120 kW}
"""


def district(folder: Path, *changes: tuple[str, str]) -> Path:
    text = DISTRICT
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / "night.yaml"
    path.write_text(text)
    return path


def test_an_engine_is_quiet_from_ten_by_the_local_clock(tmp_path: Path) -> None:
    """20:00 UTC is 21:00 in Berlin: one loud hour, then 30 of 100 kW.

    The grid gives 20, 90 and 90 kW for 0.5 EUR; an engine's kWh burns 2.5 kWh of gas and saves
    1.25 kWh in the boiler: 0.1 − 0.05 EUR. 300 kWh of heat an hour cost 15 EUR from the boiler.
    """
    result = solve_file(district(tmp_path))
    assert result.flow("chp.power", "engine") == pytest.approx([100, 30, 30])
    assert result.plan.objective == pytest.approx(0.5 * 200 + 0.05 * 160 + 3 * 15)
    assert result.verdict.ok


def test_a_unit_that_cannot_be_so_quiet_is_off(tmp_path: Path) -> None:
    """At least 40 kW while on, at most 30 kW at night."""
    result = solve_file(
        district(tmp_path, ("quiet_share: 30 %", "quiet_share: 30 %, minimum_load: 40 %"))
    )
    assert result.flow("chp.power", "engine") == pytest.approx([100, 0, 0], abs=1e-6)
    assert result.verdict.ok


def test_a_loud_night_is_found(tmp_path: Path) -> None:
    result = solve_file(district(tmp_path))
    assert "output within the limit of the quiet hours" in told(
        result, {("chp.power", "engine", 1): 31.0}
    )


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        (('quiet_hours: "22:00-06:00"\n', ""), "engine › quiet_share", "does not name"),
        (("22:00-06:00", "ten to six"), "quiet_hours", "cannot read the hours"),
        (("22:00-06:00", "22:30-06:00"), "quiet_hours", "within a step"),
        (("quiet_share: 30 %", "quiet_share: 130 %"), "engine › quiet_share", "at most 1"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(
    tmp_path: Path, change: tuple[str, str], place: str, reason: str
) -> None:
    fault = the_fault(district(tmp_path, change))
    assert place in fault.place and reason in str(fault)
