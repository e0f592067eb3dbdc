"""Heat pipe: what the ground takes, what the diameter carries, and the direction of a branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.common.piping import (
    buried_pair,
    friction_factor,
    friction_power,
    temperature_along,
)
from citygrid.inputs.pipes import read_catalogue
from tests.helpers import faults_of, refusal, solve, solved, told, variant

MAIN = 100 * (0.29965 - 0.01144) * (80 + 50 - 2 * 5) / 1000
BRANCH = 50 * (0.14264 - 0.00364) * (80 + 50 - 2 * 5) / 1000
WATER = 983 * 4.186  # kJ/m³K
DEAR, CHEAP = 0.3 / 0.9, 0.02 / 0.9  # EUR/kWh of heat from the works


def test_a_branch_turns_round_and_a_works_stores_pumps_and_waits_by_hand() -> None:
    """Proves loss and direction, the water as a store, the pump's tangent and the delay.

    Water has 80 and 50 degC, the ground 5: 100 m of DN 100 lose 100 · 0.28821 · 120 W = 3.4585 kW,
    50 m of DN 20 lose 50 · 0.139 · 120 W = 0.834 kW.
    Hour 1, gas in the west is dear: the plant heats both, 20 + 30 + 0.834 + 3.4585 = 54.2925 kW
    at 0.1 EUR/kWh: 5.42925. Hour 2, it is cheap (0.0222 EUR/kWh of heat): west heats both,
    10 + 20 + 0.834 = 30.834 kW, 0.6852 EUR, and the plant only keeps its own pipe warm: 0.3459.

    The works pays 1/3 and then 1/45 EUR/kWh. 6 K more in the 0.4666 m³ of `held` are 3.1997 kWh,
    sent in hour 2 (the pipe carries 45.41 kW, a fifth of it may be added), of which
    exp(−0.23396 · 0.2 / 0.53329) = 91.6 % are there an hour later, 2.9310 kWh.
    `pumped` sends 161.228 of at most 242.384 kW; the tangent at 60 % gives
    0.80509 · (1.08 · 0.66518 − 0.432) = 0.23057 kW at 0.3 EUR/kWh.
    In `slow`, 983 · π/4 · 0.0825² · 100 · 4.186 · 30 / 3600 = 18.3 kWh at 20 kW take 0.92 h: one
    step. So the 10 kW of hour 2 (and 3.6 of loss) are sent in hour 1, the 30 of hour 1 in hour 2.
    """
    result = solved("heat_pipe")
    sent = 50 + MAIN + BRANCH
    assert result.flow("heat_pipe.flow", "main") == pytest.approx([sent, MAIN])
    assert result.flow("heat_pipe.flow", "branch") == pytest.approx([30 + BRANCH, 0], abs=1e-6)
    assert result.flow("heat_pipe.back", "branch") == pytest.approx([0, 20 + BRANCH], abs=1e-6)
    assert result.flow("boiler.heat", "boiler west") == pytest.approx([0, 30 + BRANCH], abs=1e-6)
    by_hand = 0.1 * (sent + MAIN) + CHEAP * (30 + BRANCH)
    # The works.
    per_kelvin = WATER * np.pi / 4 * 0.0545**2 * 200 / 3600
    held, kept = 6 * per_kelvin, np.exp(-0.23396 * 0.2 / per_kelvin)
    assert result.flow("heat_pipe.level", "held") == pytest.approx([0, held], abs=1e-6)
    assert result.flow("heat_pipe.discharge", "held") == pytest.approx([held * kept, 0], abs=1e-6)
    hill = 40 + 200 * (0.23396 - 0.00861) * 120 / 1000
    assert result.flow("heat_pipe.flow", "held") == pytest.approx([hill - held * kept, hill])
    by_hand += DEAR * (hill - held * kept) + CHEAP * (hill + held)
    pumped = result.flow("heat_pipe.pump_power", "pumped")
    assert pumped == pytest.approx([0.23057] * 2, rel=1e-4)
    valley = result.flow("heat_pipe.flow", "pumped")
    assert valley == pytest.approx([161.228] * 2, rel=1e-5)
    by_hand += (DEAR + CHEAP) * valley[0] + 2 * 0.3 * pumped[0]
    assert result.flow("heat_pipe.flow", "slow") == pytest.approx([13.6, 33.6])
    by_hand += DEAR * 13.6 + CHEAP * 33.6
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)
    assert result.plan.objective == pytest.approx(84.443544, abs=1e-6)


# catalogue and losses ----------------------------------------------------------------------------


def test_the_shipped_catalogue_is_what_its_geometry_gives() -> None:
    """Wall 52.15, foam 0.027 and casing 0.4 W/mK; the surface of the ground, at 15.4 W/m²K, is
    like 2.3 / 15.4 m of soil more."""
    rows = read_catalogue().sizes.values()
    assert [row.dn for row in rows][:4] == [20, 25, 32, 40] and len(rows) == 24
    jackets = dict.fromkeys((20, 25, 32, 40, 50, 65, 80), 0.003) | {100: 0.0032, 200: 0.0041}
    for dn, jacket in jackets.items():
        row = read_catalogue().sizes[dn]
        assert row.outer is not None and row.casing is not None
        wall = (row.outer - row.inner) / 2
        foam = (row.casing - row.outer) / 2 - jacket
        layers = [(wall, 52.15), (foam, 0.027), (jacket, 0.4)]
        assert buried_pair(row.inner, layers, depth=1 + 2.3 / 15.4) == pytest.approx(
            (row.u1, row.u2), abs=1e-5
        )


@pytest.mark.parametrize(
    ("thickness", "u1", "u2"),
    [(0.075, 0.2833418024558989, 0.007642266070236373),
     (0.10, 0.23450052015243614, 0.004768235097923537)],
)  # fmt: skip
def test_published_coefficients_of_a_buried_pair(thickness: float, u1: float, u2: float) -> None:
    """MESIDO's formula for a bore of 150 mm, evaluated independently of this code."""
    assert buried_pair(0.15, [(thickness, 0.033)]) == pytest.approx((u1, u2), rel=1e-12)


def test_two_layers_of_one_foam_are_one_layer() -> None:
    one, two = buried_pair(0.15, [(0.1, 0.033)]), buried_pair(0.15, [(0.05, 0.033)] * 2)
    assert one == pytest.approx(two, rel=1e-12)
    assert buried_pair(0.15, [(0.2, 0.033)])[0] < one[0]


def test_losses_are_those_given_before_those_of_the_catalogue(tmp_path: Path) -> None:
    """100 m · (0.8 − 0.1) W/mK · 120 K = 8.4 kW."""
    own = ("to: east, length: 100 m, dn: 100",
           "to: east, length: 100 m, dn: 800, loss_u1: 0.8 W/m/K, loss_u2: 0.1 W/m/K")  # fmt: skip
    case = cg.prepare(cg.load(variant("heat_pipe", tmp_path, own)))
    assert case.units["heat_pipe"]["loss"][0] == pytest.approx([8.4, 8.4])


def test_a_catalogue_of_ones_own(tmp_path: Path) -> None:
    """Losses by the casing where a row has no U: 50 mm of 0.033 W/mK around 100 mm."""
    (tmp_path / "own.csv").write_text("dn,inner [mm],outer [m],casing [cm]\n90,92,0.1,20\n")
    own = ("dn: 100", "dn: 90, catalogue: own.csv")
    units = cg.prepare(cg.load(variant("heat_pipe", tmp_path, own))).units["heat_pipe"]
    assert units["inner"][0] == pytest.approx(0.092)
    u1, u2 = buried_pair(0.1, [(0.05, 0.033)])
    assert units["loss"][0] == pytest.approx([100 * (u1 - u2) * 120 / 1000] * 2)


def test_a_broken_catalogue_is_told_once_with_every_row(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "dn,inner [mm],outer [mm],casing [mm],u1 [W/m/K],u2 [W/m/K]\n"
        "20,21.7,26.9,90,0.14,0.2\n20,21,26,90,0.1,0\n25,-3,33.7,30,0.1,0\n32.5,37,42,110,0,0\n"
    )
    broken = variant("heat_pipe", tmp_path, ("dn: 100", "dn: 20, catalogue: own.csv"),
                     ("dn: 80", "dn: 25, catalogue: own.csv"))  # fmt: skip
    told = [(fault.place.rpartition(", ")[2], fault.reason) for fault in faults_of(broken)]
    assert told == [
        ("row 2", "u2 is not between 0 and u1"), ("row 3", "DN 20 stands twice, first in row 2"),
        ("row 4", "inner is not above 0"), ("row 4", "casing is not larger than outer"),
        ("row 5", "a DN is a whole number of millimetres"), ("row 5", "u1 is not above 0"),
        ("row 5", "u2 is not between 0 and u1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [("dn,casing\n20,0.09\n", "lacks inner, u1 and u2 (or outer and casing)"),
     ("dn,inner [kg],u1,u2\n20,21,0.1,0\n", '"kg" is not a length'),
     ("dn,inner [mm],u1,u2\n20,wide,0.1,0\n", "the value is not a number")],
)  # fmt: skip
def test_a_catalogue_that_cannot_be_read(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    assert reason in refusal("heat_pipe", tmp_path,
                             ("dn: 100", "dn: 20, catalogue: own.csv")).reason  # fmt: skip


def test_unknown_diameters_are_refused_with_the_list_all_at_once(tmp_path: Path) -> None:
    faults = faults_of(variant("heat_pipe", tmp_path, ("dn: 100", "dn: 90"), ("dn: 50", "dn: 52")))
    assert [fault.value for fault in faults] == [90, 52]
    assert all("is not in the catalogue" in fault.reason for fault in faults)
    assert "use one of DN 20, 25, 32, 40, 50, 65, 80, 100, 125" in faults[0].repair


def test_the_ground_of_the_district_file_goes_before_the_weather_file(tmp_path: Path) -> None:
    """100 m · 0.28821 W/mK · (80 + 50 − 24) K."""
    warm = variant("heat_pipe", tmp_path, ("return: 50 degC", "return: 50 degC, ground: 12 degC"))
    loss = cg.prepare(cg.load(warm)).units["heat_pipe"]["loss"][0]
    assert loss == pytest.approx([100 * 0.28821 * 106 / 1000] * 2)


# temperatures and friction -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mass_flow", "start", "metres", "published"),
    [(1, 330, [1000, 2000, 3000, 4000, 5000, 6000],
      [320.91631414522936, 314.0627187960847, 308.8917155314629, 304.99021954278214,
       302.0465604169345, 299.82559438278216]),
     (2, 350, [2500], [333.0816228]), (1, 350, [2500], [321.1848506]),
     (1, 300, [2500], [296.4612974]), (0.606421, 321.1848506, [2500], [301.8236468]),
     (0.393579, 297.708615, [2500], [293.7866302])],
)  # fmt: skip
def test_water_cools_as_published(
    mass_flow: float, start: float, metres: list[float], published: list[float]
) -> None:
    """pandapipes' analytic cases: 75 mm, 5 W/m²K, 293 K around, 4.182 kJ/kgK."""
    found = temperature_along(start, 293, 5 * np.pi * 0.075, np.array(metres), mass_flow, 4.182)
    assert found == pytest.approx(published, abs=0.01)


def test_still_water_is_as_warm_as_the_ground() -> None:
    assert temperature_along(80, 5, 0.2, 100, 0.0) == pytest.approx(5)
    assert temperature_along(80, 5, 0.0, 100, 0.0) == pytest.approx(80)


def test_friction_factor_of_textbooks() -> None:
    """Laminar 64/Re; smooth at Re 1e5: 0.0180; ε/D 0.001 at Re 1e6: 0.0199 (Moody's chart)."""
    viscosity, bore = 1e-6, 0.1
    reynolds = np.array([1000.0, 1e5, 1e6])
    rough = np.array([0.0, 0.0, 1e-4])
    found = friction_factor(reynolds * viscosity / bore, bore, rough, viscosity)
    assert found == pytest.approx([0.064, 0.0180, 0.0199], abs=1e-4)


def test_pumping_grows_with_the_cube_near_full_flow() -> None:
    """f · L/D · ρ/2 · v³ · A by hand, at f = 0.02, and 2.6 to 3 as the power of the flow."""
    power = friction_power(np.array([1.0, 2.0]), 0.1, 1000.0, 1e-4)
    factor = friction_factor(1.0, 0.1, 1e-4)
    assert power[0] == pytest.approx(factor * 1e4 * 983 / 2 * np.pi / 4 * 0.01 / 1000)
    assert 2.6 < np.log2(power[1] / power[0]) < 3.0


def test_published_hydraulic_power_of_a_long_pipe() -> None:
    """MESIDO: 128,001 W for 25 km of DN 300 that deliver 3.95 MW at 80/40 degC, by one segment.

    The supply loses 25 km · (70 U1 − 30 U2) on the way, so that 29.03 l/s flow; one segment is the
    straight line to the full flow of 2.5 m/s. Its water: 988 kg/m³, 4.2 kJ/kgK, 0.365 mm²/s at
    80 degC; wall of 0.2 mm. Upstream wants its own value rechecked; this one is 0.015 % above it.
    """
    size = read_catalogue().sizes[300]
    assert size.u1 is not None and size.u2 is not None
    flow = (3.95e6 + 25e3 * (70 * size.u1 - 30 * size.u2)) / (988 * 4200 * 40)
    full = friction_power(2.5, size.inner, 25e3, 2e-4, 988, 0.365e-6)
    share = flow / (2.5 * np.pi / 4 * size.inner**2)
    assert full * share == pytest.approx(128.00123151838078, rel=1e-3)


def test_capacity_is_flow_times_heat_times_spread() -> None:
    """DN 20 at 3 m/s: 983 · π/4 · 0.0217² · 3 · 4.186 · 30 K = 136.96 kW."""
    capacity = solved("heat_pipe").case.units["heat_pipe"]["capacity"]
    assert capacity[1] == pytest.approx([WATER * np.pi / 4 * 0.0217**2 * 3 * 30] * 2)


# travel ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("design", "steps"), [("38 kW", 0), ("36 kW", 1), ("13 kW", 1)])
def test_heat_travels_whole_steps_beyond_half_a_step(
    tmp_path: Path, design: str, steps: int
) -> None:
    """18.34 kWh of water: 0.48 h, 0.51 h and 1.41 h."""
    changed = variant("heat_pipe", tmp_path, ("design: 20 kW", f"design: {design}"))
    delay = cg.prepare(cg.load(changed)).units["heat_pipe"].parameters["delay"].values
    assert list(delay) == [0, 0, 0, 0, steps]


def test_a_branch_that_turns_round_waits_too(tmp_path: Path) -> None:
    """50 m of DN 20 hold 0.634 kWh: at 1 kW 0.63 h. Hour 1 in the west is served from hour 2."""
    slow = variant("heat_pipe", tmp_path, ("velocity: 3 m/s", "velocity: 3 m/s, design: 1 kW"))
    result = solve(slow)
    assert result.verdict.ok, result.verdict.violations
    assert result.flow("heat_pipe.forward", "branch")[1] == 1
    # West's cheap hour 2 would arrive in hour 1, where it helps less than what west itself saves.
    assert result.flow("boiler.heat", "boiler west") == pytest.approx([0, 10], abs=1e-6)
    plant = result.flow("boiler.heat", "boiler plant")
    assert plant.sum() == pytest.approx(20 + 20 + 30 + 2 * MAIN + 2 * BRANCH)
    assert plant[1] == pytest.approx(20 + 30 + BRANCH + MAIN, abs=BRANCH + 1e-6)


def test_a_plan_in_which_heat_does_not_travel_is_told() -> None:
    at_once = {("heat_pipe.flow", "slow", 0): 33.6, ("heat_pipe.flow", "slow", 1): 13.6}
    assert "heat is balanced" in told(solved("heat_pipe"), at_once)


# rules that a plan may break ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({("heat_pipe.pump_power", "pumped", 0): 0.2}, "pumping takes its power"),
     ({("heat_pipe.pump_power", "pumped", 0): 0.6}, "pumping takes its power"),
     ({("heat_pipe.level", "held", 0): 2.0},
      "the water's heat follows charge and discharge"),
     ({("heat_pipe.level", "held", 1): 4.0}, "the water's heat within the swing"),
     ({("heat_pipe.charge", "held", 0): 40.0}, "heat goes into flowing water"),
     ({("heat_pipe.discharge", "held", 1): 40.0}, "heat comes out of flowing water"),
     ({("heat_pipe.discharge", "held", 0): 3.1}, "only heat that was in the water comes out"),
     ({("heat_pipe.flow", "branch", 1): 5.0}, "one direction at a time"),
     ({("heat_pipe.flow", "branch", 0): 150.0}, "flow within capacity")],
)  # fmt: skip
def test_each_broken_rule_is_told(changes: dict[tuple[str, str, int], float], rule: str) -> None:
    assert rule in told(solved("heat_pipe"), changes)


def test_heat_that_the_ground_has_taken_is_told() -> None:
    """A lossless main would let the plant give 3.4585 kW less."""
    sent = 50 + BRANCH
    lossless = {("heat_pipe.flow", "main", 0): sent, ("boiler.heat", "boiler plant", 0): sent,
                ("fuel.supplied", "gas plant", 0): sent / 0.9}  # fmt: skip
    assert "heat is balanced" in told(solved("heat_pipe"), lossless)


def test_a_hotter_network_loses_more(tmp_path: Path) -> None:
    hot = solve(variant("heat_pipe", tmp_path, ("water: 80 degC", "water: 110 degC"),
                        ("design: 20 kW", "design: 40 kW")))  # fmt: skip
    assert hot.flow("heat_pipe.flow", "main")[1] == pytest.approx(MAIN * 150 / 120)
    assert hot.plan.objective > solved("heat_pipe").plan.objective


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("from: plant, to: east", "from: plant, to: plant", 'leads from "plant" to itself'),
        ("length: 50 m", "length: 50 km", "the pipe loses more heat than it can carry"),
        ("dn: 100", "dn: 700 mm", "should be a valid integer"),
        ("dn: 20,", "dn: 20, loss_u1: 0.1 W/m/K,", "one of two loss coefficients is given"),
        ("loss_u2: 0 W", "loss_u2: 0.4 W", "U2 is 0.4 and U1 0.3 W/m/K"),
        ("dn: 100", "velocity: 1 m/s", "nobody knows how wide the pipe is"),
        ("insulation: 45 mm, ", "", "losses of the pipe are unknown"),
        ("insulation: 45 mm", "insulation: 45 mm, distance: 100 mm", "the two pipes overlap"),
        ("swing: 6 K", "swing: 6 K, reversible: true", "carries both ways is no store"),
        ("design: 20 kW", "design: 5 kW", "heat travels longer than the horizon lasts"),
        ("pump: works", "pump: work", "unknown node"),
        ("pump: works", "pump: far", "draws power where nothing supplies it"),
        ("heat_network: {supply: [{air: -10 degC, water: 80 degC}], return: 50 degC}\n",
         "heat_network: {supply: [{air: -10 degC, water: 40 degC}], return: 50 degC}\n",
         "the supply falls to 40 degC at -10 degC of air, not above the return of 50 degC"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("heat_pipe", tmp_path, (old, new)).reason
