"""The closed forms of oemof.thermal, to 1e-9."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citygrid.components.chiller import Chiller, power_per_cooling
from citygrid.components.common.allocation import allocate_emissions
from citygrid.components.common.carnot import carnot_limit
from citygrid.components.common.performance import share_of_carnot
from citygrid.components.heat_store import tank_capacity, tank_losses, transmission

VALUES = json.loads(
    (Path(__file__).parent / "oemof_thermal_functions" / "values.json").read_text("utf-8")
)
EXACT: dict[str, float] = {"rel": 1e-9, "abs": 1e-9}


@pytest.mark.parametrize("row", [row for row in VALUES["cop"] if row.get("mode") != "chiller"])
def test_heat_pump_by_its_share_of_carnot(row: dict[str, Any]) -> None:
    icing = (row["icing_factor"], row["icing_threshold"]) if "icing_factor" in row else ()
    found = share_of_carnot(
        np.array([float(row["t_high"])]), np.array([float(row["t_low"])]), row["quality"], *icing
    )
    assert found[0] == pytest.approx(row["cop"], **EXACT)


@pytest.mark.parametrize("row", [row for row in VALUES["cop"] if row.get("mode") == "chiller"])
def test_chiller_by_its_share_of_carnot(row: dict[str, Any]) -> None:
    """A chiller of a district, without fans or free cooling, at the condenser's temperature."""
    spec = Chiller.model_validate({
        "node": "plant", "cooling": "1 kW", "efficiency": row["quality"], "auxiliary": 0,
        "chilled_water": f"{row['t_low']} degC", "approach": "0 K",
        "free_cooling_full": "-20 degC", "free_cooling_off": "-10 degC",
    })  # fmt: skip
    found = 1.0 / power_per_cooling(spec, np.array([float(row["t_high"])]))
    assert found[0] == pytest.approx(row["cop"], **EXACT)


def test_share_of_carnot_of_a_chiller_in_operation() -> None:
    row = VALUES["chiller_quality_grade"]
    limit = float(carnot_limit(row["t_high"], row["t_low"])) - 1.0
    assert row["Q"] / row["P"] / limit == pytest.approx(row["expected"], **EXACT)


def test_wall_of_a_tank() -> None:
    row = VALUES["storage_u"]
    found = transmission(
        row["s_iso_mm"] / 1000, row["lambda_iso"], row["alpha_in"], row["alpha_out"]
    )
    assert found == pytest.approx(row["expected"], **EXACT)


def test_capacity_of_a_tank() -> None:
    row = VALUES["storage_capacity"]
    found = tank_capacity(row["volume_m3"], row["t_h"], row["t_c"])
    assert found / 1000 == pytest.approx(row["expected_MWh"], **EXACT)


def test_losses_of_a_tank() -> None:
    """The relative loss per kWh of capacity; the volume drops out of it."""
    row = VALUES["storage_losses"]
    hot, cold, around = row["t_h"], row["t_c"], np.array([float(row["t_env"])])
    losses = tank_losses(row["u"], 1000.0, row["diameter"], hot, cold, around)
    assert losses.share == pytest.approx(row["loss_rate"], **EXACT)
    relative = losses.relative[0] / tank_capacity(1000.0, hot, cold)
    assert relative == pytest.approx(row["fixed_relative"], **EXACT)
    assert losses.absolute[0] / 1000 == pytest.approx(row["fixed_absolute"], **EXACT)


@pytest.mark.parametrize("method", ["iea", "efficiency", "finnish"])
def test_emissions_of_power_and_heat(method: Any) -> None:
    row = VALUES["emission_allocation"]
    found = allocate_emissions(
        row["total"], row["eta_el"], row["eta_th"], method, (row["eta_el_ref"], row["eta_th_ref"])
    )
    assert found == pytest.approx(tuple(row[method]), **EXACT)
