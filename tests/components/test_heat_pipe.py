"""Heat pipe: what the ground takes, what the diameter carries, and the direction of a branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.heat_pipe import LOSS_COEFFICIENTS, catalogue_loss
from tests.helpers import refusal, solve, solved, told, variant

MAIN = 100 * (0.300 - 0.0114) * (80 + 50 - 2 * 5) / 1000
BRANCH = 50 * (0.143 - 0.0036) * (80 + 50 - 2 * 5) / 1000


def test_a_branch_turns_round_by_hand() -> None:
    """Proves loss and direction; a pipe that loses nothing would cost 5.6667 EUR.

    Water has 80 and 50 degC, the ground 5: 100 m of DN 100 lose 100 · 0.2886 · 120 W = 3.4632 kW,
    50 m of DN 20 lose 50 · 0.1394 · 120 W = 0.8364 kW.
    Hour 1, gas in the west is dear: the plant heats both, 20 + 30 + 0.8364 + 3.4632 = 54.2996 kW
    at 0.1 EUR/kWh: 5.42996. Hour 2, it is cheap (0.0222 EUR/kWh of heat): west heats both,
    10 + 20 + 0.8364 = 30.8364 kW, 0.685253 EUR, and the plant only keeps its own pipe warm:
    0.34632. Together 6.461533 EUR.
    """
    result = solved("heat_pipe")
    sent = 50 + MAIN + BRANCH
    assert result.flow("heat_pipe.flow", "main") == pytest.approx([sent, MAIN])
    assert result.flow("heat_pipe.flow", "branch") == pytest.approx([30 + BRANCH, 0], abs=1e-6)
    assert result.flow("heat_pipe.back", "branch") == pytest.approx([0, 20 + BRANCH], abs=1e-6)
    assert result.flow("boiler.heat", "boiler west") == pytest.approx([0, 30 + BRANCH], abs=1e-6)
    by_hand = 0.1 * (sent + MAIN) + 0.02 / 0.9 * (30 + BRANCH)
    assert result.plan.objective == pytest.approx(by_hand, abs=1e-6)
    assert result.plan.objective == pytest.approx(6.461533, abs=1e-6)
    assert result.verdict.kpis["heat_loss_mwh"] == pytest.approx(2 * (MAIN + BRANCH) / 1000)


def buried_pair(steel: float, casing: float) -> tuple[float, float]:
    """U1, U2 [W/mK] of two buried pipes from geometry, outer diameters [m] (PHYSICS: MESIDO)."""
    soil, foam, depth = 2.3, 0.033, 1.0 + casing / 2
    insulation = np.log(casing / steel) / (2 * np.pi * foam)
    around = np.log(4 * depth / casing) / (2 * np.pi * soil) + insulation
    mutual = np.log(1 + (2 * depth / (2 * casing)) ** 2) / (4 * np.pi * soil)
    return around / (around**2 - mutual**2), mutual / (around**2 - mutual**2)


@pytest.mark.parametrize(("dn", "steel", "casing"), [(100, 0.1143, 0.200), (200, 0.2191, 0.315)])
def test_the_catalogue_is_what_geometry_gives(dn: int, steel: float, casing: float) -> None:
    """Within a fifth: a loss in kW/m, or for one pipe of the two, would be far off."""
    assert catalogue_loss(dn) == pytest.approx(buried_pair(steel, casing), rel=0.2)


def test_beyond_the_catalogue_losses_are_those_given(tmp_path: Path) -> None:
    """100 m · (0.8 − 0.1) W/mK · 120 K = 8.4 kW."""
    own = ("dn: 100", "dn: 800, loss_u1: 0.8 W/m/K, loss_u2: 0.1 W/m/K")
    case = cg.prepare(cg.load(variant("heat_pipe", tmp_path, own)))
    assert case.units["heat_pipe"]["loss"][0] == pytest.approx([8.4, 8.4])


def test_a_diameter_between_rows_loses_an_amount_between() -> None:
    below, between, above = (catalogue_loss(dn)[0] for dn in (100, 125, 150))
    assert below < between < above and between == pytest.approx((below + above) / 2)
    assert catalogue_loss(150) == LOSS_COEFFICIENTS[150]


def test_capacity_is_flow_times_heat_times_spread() -> None:
    """DN 20 at 3 m/s: 983 · π/4 · 0.02² · 3 · 4.186 · 30 K = 116.34 kW."""
    capacity = solved("heat_pipe").case.units["heat_pipe"]["capacity"]
    assert capacity[1] == pytest.approx([983 * np.pi / 4 * 0.02**2 * 3 * 4.186 * 30] * 2)


def test_heat_that_the_ground_has_taken_is_told() -> None:
    """A lossless main would let the plant give 3.4632 kW less."""
    sent = 50 + BRANCH
    lossless = {("heat_pipe.flow", "main", 0): sent, ("boiler.heat", "boiler plant", 0): sent,
                ("fuel.supplied", "gas plant", 0): sent / 0.9}  # fmt: skip
    assert "heat is balanced" in told(solved("heat_pipe"), lossless)


def test_a_hotter_network_loses_more(tmp_path: Path) -> None:
    hot = solve(variant("heat_pipe", tmp_path, ("water: 80 degC", "water: 110 degC")))
    assert hot.flow("heat_pipe.flow", "main")[1] == pytest.approx(MAIN * 150 / 120)
    assert hot.plan.objective > solved("heat_pipe").plan.objective


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("from: plant, to: east", "from: plant, to: plant", 'leads from "plant" to itself'),
        ("length: 50 m", "length: 50 km", "the pipe loses more heat than it can carry"),
        ("dn: 100", "dn: 700", "the catalogue of losses reaches from DN 20 to DN 600"),
        ("dn: 20", "dn: 15, loss_u1: 0.1 W/m/K", "the catalogue of losses reaches"),
        ("dn: 100", "dn: 5000", "less than or equal to 1200"),
        ("heat_network: {supply: [{air: -10 degC, water: 80 degC}], return: 50 degC}\n",
         "heat_network: {supply: [{air: -10 degC, water: 40 degC}], return: 50 degC}\n",
         "the supply falls to 40 degC, not above the return"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal("heat_pipe", tmp_path, (old, new)).reason
