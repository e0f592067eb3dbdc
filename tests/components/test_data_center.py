"""Data centre: power in, heat out, of which a share can be recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.errors import InfeasibleError
from tests.helpers import EXACT, refusal, solve, solved, told, variant


def test_heat_of_servers_warms_homes_by_hand() -> None:
    """Proves power, heat and what is recoverable; all heat recovered would spare the boiler.

    IT: 10 idle + 40 = 50 kW; 10 + 65 + a job of 5 = 80 kW. Power is 1.05 · IT + 2 kW: 54.5 and 86,
    and all of it is heat, of which 0.8 · IT = 40 and 64 kW can be recovered. The pump (COP 4) takes
    0.75 and 0.25 of its heat from loop and grid. Hour 1: 30 kW of heat, 22.5 recovered, 32
    rejected. Hour 2: 64 recovered give 85.3333 of 120 kW, the boiler 34.6667 at 0.1 EUR; 22
    rejected. Bought, with 3 % for the fans: 54.5 + 7.5 + 0.96 and 86 + 21.3333 + 0.66 kWh at
    0.2 EUR: 12.592 + 21.598667 + 3.466667 = 37.657333 EUR.
    """
    result = solved("data_center")
    assert result.flow("data_center.compute", "servers") == pytest.approx([0, 5], abs=1e-6)
    assert result.flow("data_center.recovered", "servers") == pytest.approx([22.5, 64])
    assert result.flow("data_center.rejected", "servers") == pytest.approx([32, 22])
    assert result.flow("heat_pump.heat", "pump") == pytest.approx([30, 256 / 3])
    assert result.flow("grid.import", "grid") == pytest.approx([62.96, 86.66 + 64 / 3])
    by_hand = 0.2 * (62.96 + 86.66 + 64 / 3) + 0.1 * (120 - 256 / 3)
    assert result.plan.objective == pytest.approx(by_hand + LABORATORY + ANNEX, abs=1e-6)


#: COP of the pump with a loop of 30/20 and of 50/40 degC, sink 50/75 degC.
COOL, HOT = 3.8977346335, 5.9196209380
#: What the district's two other parts cost [EUR], worked out below.
MADE = 45 / (1 - 1 / HOT)
LABORATORY = 0.3 * (55 - MADE) + 0.2 * (
    40 + 15 / COOL + 0.03 * (40 - 15 * (1 - 1 / COOL)) + 47.7 + MADE / HOT + 2.7 * 0.01 / 7
)
ANNEX = 0.2 * (80 + 32 / 3 + 0.03 * 48) + 0.02 * (60 - 128 / 3)


def test_the_hot_loop_pays_where_much_heat_is_asked_by_hand() -> None:
    """Proves modes, their fans, heat, place and coolers; a hot loop in hour 1 would cost more.

    The bench's IT takes 40 kW, and 45 with its job. Usual loop: COP 3.8977, chiller 3 %. Hot loop:
    COP 5.9196, 6 % more power for fans, and a dry cooler on the roof whose water of 40 degC is
    seven times as far above the air of 5 degC as by design: 1/7 %. What the pump lacks the boiler
    gives for 0.3 EUR, one and a half times what power costs.
    Hour 1, 15 kW asked: usual 15 / 3.8977 + 0.03 · 28.848 = 4.714 kW; hot 2.4 + 2.534 + 0.043.
    Hour 2, 55 kW asked: usual 55 / 3.8977 + 0.03 · 4.111 = 14.234 kW; hot all of 45 kW recovered,
    54.147 of heat for 9.147, 2.7 for fans, 0.853 from the boiler, 13.13 kW's worth.
    """
    result = solved("data_center")
    modes = result.flow("data_center.mode")
    assert modes == pytest.approx(np.array([[1, 0], [0, 1]]))
    assert result.flow("data_center.mode_compute") == pytest.approx(np.array([[0, 0], [0, 5]]))
    recovered = np.array([[15 * (1 - 1 / COOL), 0], [0, 45]])
    assert result.flow("data_center.mode_recovered") == pytest.approx(recovered)
    heat = np.array([[40, 0], [0, 45 * 1.06]])
    assert result.flow("data_center.mode_rejected") == pytest.approx(heat - recovered)
    cooler = result.flow("heat_rejection.heat", "lab cooler")
    assert cooler == pytest.approx([0, 2.7], abs=1e-6)
    paid = result.paid("lab grid", "grid.import") + result.paid("lab gas", "fuel.fuel")
    assert paid == pytest.approx(LABORATORY)


def test_reuse_and_power_usage_are_limited_by_hand() -> None:
    """Proves both limits; without them the annex would burn gas at 0.02 EUR and recover nothing.

    Heat of a pump costs 0.05 EUR less 0.0045 for the chiller. ``cellar`` has to hand over 0.3 · 40
    kWh. ``attic`` has 40 servers, 200 W idle and 500 W more at work, 24 of them busy: 20 kW. Its 40
    kWh and a tenth of what it rejects may be 1.05 · 40 kWh: it rejects 20 and hands over 20. Pumps
    make 4/3 of the 32 kWh out of a third of them, the boiler the other 60 − 42.667.
    """
    result = solved("data_center")
    assert result.flow("data_center.recovered", "cellar").sum() == pytest.approx(12)
    assert result.flow("data_center.recovered", "attic").sum() == pytest.approx(20)
    assert result.flow("boiler.heat", "annex boiler").sum() == pytest.approx(60 - 128 / 3)
    paid = result.paid("annex grid", "grid.import") + result.paid("annex gas", "fuel.fuel")
    assert paid == pytest.approx(ANNEX)


def test_servers_one_by_one_are_idle_power_and_load() -> None:
    """P = N · idle + (full − idle) · U: 40 · 0.2 + 0.5 · 24 of at most 28 kW."""
    units = solved("data_center").case.units["data_center"]
    row = units.names.index("attic")
    assert (units["capacity"][row, 0], units["idle"][row, 0]) == pytest.approx((28, 8))
    assert units["load"][row] == pytest.approx([12, 12])


def test_a_hot_loop_never_pays_where_nobody_wants_its_heat(tmp_path: Path) -> None:
    """The homes of the lab ask for nothing: fans cost and no pump runs."""
    path = variant("data_center", tmp_path, ("column: lab", "column: lab, times: 0"))
    idle = solve(path)
    assert idle.verdict.ok
    assert idle.flow("data_center.mode") == pytest.approx(np.array([[1, 1], [0, 0]]))


def test_limits_hold_for_a_loop_with_modes(tmp_path: Path) -> None:
    """Half of the bench's energy handed over although the homes want less: no plan; 40 %: one."""
    for share, possible in (("40 %", True), ("65 %", False)):
        folder = tmp_path / share.removesuffix(" %")
        folder.mkdir()
        mode = ("load: 40 kW, loss_share: 0,", f"load: 40 kW, loss_share: 0, "
                f"energy_reuse_min: {share},")  # fmt: skip
        form = cg.formulate(cg.prepare(cg.load(variant("data_center", folder, mode))))
        assert "data_center.mode_energy_reuse" in form.rows
        if possible:
            assert solve(folder / "data_center.yaml").verdict.ok
        else:
            with pytest.raises(InfeasibleError):
                cg.solve(form, "milp", EXACT)


def test_a_low_power_usage_keeps_the_fans_still(tmp_path: Path) -> None:
    """PUE 1.01 leaves 0.85 kWh over 85 for fans; the hot hour would take 2.7."""
    thrifty = ("load: 40 kW, loss_share: 0,", "load: 40 kW, loss_share: 0, pue_max: 1.01,")
    result = solve(variant("data_center", tmp_path, thrifty))
    assert result.verdict.ok
    assert result.flow("data_center.mode") == pytest.approx(np.array([[1, 1], [0, 0]]))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({("mode", "bench: usual", 1): 1.0}, "one mode at a time"),
        ({("mode", "bench: hot", 1): 0.5, ("mode", "bench: usual", 1): 0.5}, "mode is 0 or 1"),
        ({("mode_compute", "bench: hot", 1): 0.0, ("mode_compute", "bench: usual", 1): 5.0},
         "jobs run in the mode that is on"),
        ({("mode", "bench: hot", 1): 0.0, ("mode", "bench: usual", 1): 1.0},
         "all heat is recovered or rejected"),
        ({("mode_recovered", "bench: hot", 1): 47.7, ("mode_rejected", "bench: hot", 1): 0.0},
         "recovered heat is recoverable"),
        ({("recovered", "cellar", 0): 6.0, ("recovered", "cellar", 1): 5.0},
         "energy reuse is enough"),
        ({("recovered", "attic", 0): 10.0, ("rejected", "attic", 0): 10.0,
          ("recovered", "attic", 1): 9.0, ("rejected", "attic", 1): 11.0}, "PUE is low enough"),
    ],
)  # fmt: skip
def test_a_broken_mode_or_limit_is_told(
    changes: dict[tuple[str, str, int], float], rule: str
) -> None:
    lie = {(f"data_center.{flow}", label, step): value
           for (flow, label, step), value in changes.items()}  # fmt: skip
    assert rule in told(solved("data_center"), lie)


def test_heat_that_vanishes_is_told() -> None:
    """First law: 10 kW that are neither recovered nor rejected."""
    lost = {("data_center.rejected", "servers", 1): 12.0, ("chiller.cooling", "chiller", 1): 12.0}
    assert "all heat is recovered or rejected" in told(solved("data_center"), lost)


def test_more_than_the_loop_can_give_is_told() -> None:
    """75 of 86 kW, balanced everywhere but beyond 80 % of the IT power."""
    beyond = {
        ("data_center.recovered", "servers", 1): 75.0, ("data_center.rejected", "servers", 1): 11.0,
        ("chiller.cooling", "chiller", 1): 11.0, ("heat_pump.heat", "pump", 1): 100.0,
        ("boiler.heat", "boiler", 1): 20.0, ("fuel.supplied", "gas", 1): 20 / 0.9,
        ("grid.import", "grid", 1): 86 + 0.33 + 25,
    }  # fmt: skip
    rules = told(solved("data_center"), beyond)
    assert "recovered heat is recoverable" in rules
    assert not {rule for rule in rules if "balanced" in rule}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("idle: 10 kW", "idle: 40 kW", "idle and interactive load exceed the capacity"),
        ("recoverable: 80 %", "recoverable: 120 %", "must be at most 1"),
        ("recoverable: 80 %", "loop_supply: 40 degC", "is not warmer than its return of 45 degC"),
        ("capacity: 100 kW, cooling: liquid", "capacity: 100 kW, cooling: water",
         "is not one of the choices"),
        ("mode: hot", "mode: usual", 'names a mode twice, or "usual" as the loop itself is'),
        ("loop_return: 40 degC, fans", "loop_return: 60 degC, fans", "is not warmer than"),
        ("rejects_at: roof", "rejects_at: cloud", "names neither a node nor a component"),
        ("energy_reuse_min: 30 %", "energy_reuse_min: 90 %", "cannot be reached with 0.85"),
        ("pue_max: 1.05", "pue_max: 0.9", "cannot be reached with losses"),
        ("busy: 24", "busy: 48", "more servers are busy than there are"),
        ("full: 700 W", "full: 100 W", "takes no more than"),
        ("count: 40", "count: 0", "greater than 0"),
        ("servers: {count", "idle: 1 kW, servers: {count", "`servers` say idle power and load"),
        ("servers: {count", "capacity: 1 kW, servers: {count", "needs its `capacity` or its"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("data_center", tmp_path, (old, new)).reason
