"""Parts of a plan for analysts: what is chosen, on whose clock, and in which unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from citygrid.errors import InputError, VerificationError
from citygrid.plan.plan import Plan
from citygrid.plan.selection import positions
from tests.helpers import solved


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Grid, power demand and battery; its clock is an hour before UTC's."""
    usual = solved("battery").plan
    return Plan(replace(usual.case, timezone="Europe/Berlin"), usual.dataset)


def test_a_component_brings_its_flows_and_no_others(plan: Plan) -> None:
    battery = plan.case.units["battery"].names[0]
    part = plan.sel(component=battery)
    assert set(part.data_vars) == {n for n in plan.dataset.data_vars if str(n).startswith("batt")}
    assert list(part["battery"].values) == [battery]
    assert plan.sel(kind="battery").identical(part)
    assert part.attrs == plan.dataset.attrs


def test_quantities_are_named_short_or_whole(plan: Plan) -> None:
    assert list(plan.sel(quantity="level").data_vars) == ["battery.level"]
    assert list(plan.sel(quantity="battery.level").data_vars) == ["battery.level"]
    both = plan.sel(quantity=["level", "grid.import"])
    assert set(both.data_vars) == {"battery.level", "grid.import"}
    assert list(plan.sel(kind=["grid", "battery"], quantity="import").data_vars) == ["grid.import"]


def test_all_of_a_plan_is_its_flows_without_ledger_and_prices(plan: Plan) -> None:
    other = ("ledger.", "price.", "worth.")
    assert set(plan.sel().data_vars) == {
        name for name in plan.dataset.data_vars if not str(name).startswith(other)
    }


@pytest.mark.parametrize(
    ("time", "first", "count"),
    [
        ("2023-01-16T01:00", 0, 1),  # local: midnight in UTC
        ("2023-01-16T00:00Z", 0, 1),
        (datetime(2023, 1, 16, 2), 1, 1),
        (np.datetime64("2023-01-16T02:00"), 1, 1),
        (pd.Timestamp("2023-01-16T01:00Z"), 1, 1),
        (slice("2023-01-16T02:00", "2023-01-16T03:00"), 1, 2),
        (slice("2023-01-16T01:00Z", None), 1, None),
        (["2023-01-16T02:00", "2023-01-16T03:00"], 1, 2),
        ("2023-01-16", 0, None),
    ],
)
def test_times_are_the_districts_unless_they_say_their_offset(
    plan: Plan, time: Any, first: int, count: int | None
) -> None:
    kept = plan.sel(time=time)["time"].values
    stop = len(plan.case.time) if count is None else first + count
    assert list(kept) == list(plan.case.time[first:stop])


@pytest.mark.parametrize("time", ["2024-01-01", "never", 3, slice("2022", "2022"), [], ["never"],
                                  datetime(2023, 1, 16, 0, 30), slice(1, 2)])  # fmt: skip
def test_a_time_that_is_none_is_refused(plan: Plan, time: Any) -> None:
    with pytest.raises(InputError) as caught:
        plan.sel(time=time)
    assert caught.value.faults[0].place == "time" and caught.value.faults[0].repair


def test_an_hour_that_the_clock_shows_twice_is_both_unless_it_says_its_offset() -> None:
    usual = solved("battery").case
    night = np.datetime64("2023-10-28T22:00", "ns") + np.arange(6) * np.timedelta64(1, "h")
    case = replace(usual, time=night, timezone="Europe/Berlin")
    assert list(positions(case, "2023-10-29T02:00+02:00")) == [2]
    assert list(positions(case, "2023-10-29T02:00+01:00")) == [3]
    for both in ("2023-10-29T02:00", datetime(2023, 10, 29, 2)):
        assert list(positions(case, both)) == [2, 3]
    assert list(positions(case, slice("2023-10-29T02:00", "2023-10-29T02:59"))) == [2, 3]


@pytest.mark.parametrize(
    ("asked", "near"),
    [({"component": "cels"}, 'did you mean "cells"\\? use one of'), ({"kind": "gird"}, "grid"),
     ({"quantity": "levl"}, "level"), ({"kind": "xyzzy"}, "; use one of grid")],
)  # fmt: skip
def test_unknown_names_are_told_near_names(plan: Plan, asked: Any, near: str) -> None:
    with pytest.raises(InputError, match=near):
        plan.sel(**asked)


def test_what_nothing_is_at_once_is_said(plan: Plan) -> None:
    with pytest.raises(InputError, match="all of this at once"):
        plan.sel(kind="grid", quantity="level")
    with pytest.raises(InputError, match="names nothing"):
        plan.sel(kind=[])


# tables -------------------------------------------------------------------------------------------


def test_a_carrier_is_balanced_in_its_table(plan: Plan) -> None:
    frame = plan.to_pandas("power")
    assert frame.sum(axis=1).to_numpy() == pytest.approx(0.0, abs=1e-6)
    assert frame.abs().to_numpy().max() > 1.0
    assert set(frame.columns) == {asset.name for asset in plan.case.assets}
    assert frame.attrs["units"] == {"power": "kW"}


def test_its_index_is_the_districts_clock_or_utc(plan: Plan) -> None:
    frame = plan.to_pandas("power")
    assert str(frame.index.tz) == "Europe/Berlin" and frame.index.name == "time"
    assert frame.index[0].isoformat() == "2023-01-16T01:00:00+01:00"
    world = plan.to_pandas("power", utc=True)
    assert str(world.index.tz) == "UTC" and (world.index == frame.index).all()


def test_a_quantity_is_the_flow_itself(plan: Plan) -> None:
    for name in ("level", "battery.level"):
        frame = plan.to_pandas(name)
        assert pytest.approx(plan.dataset["battery.level"].values) == frame.to_numpy().T
        assert frame.attrs["units"] == {"battery.level": "kWh"}


def test_several_stand_side_by_side_or_below_each_other(plan: Plan) -> None:
    wide = plan.to_pandas("power", "battery.level")
    assert wide.columns.names == ["what", "component"]
    pd.testing.assert_frame_equal(wide["power"], plan.to_pandas("power"), check_names=False)
    tidy = plan.to_pandas("power", "battery.level", tidy=True)
    assert list(tidy.columns) == ["time", "what", "kind", "component", "value", "unit"]
    assert len(tidy) == wide.size
    again = tidy.pivot(index="time", columns=["what", "component"], values="value")
    assert again[wide.columns].to_numpy() == pytest.approx(wide.to_numpy())
    assert set(tidy["unit"]) == {"kW", "kWh"} and set(tidy["kind"]) == set(plan.case.units)


def test_an_unknown_carrier_is_told_near_names(plan: Plan) -> None:
    with pytest.raises(InputError, match='did you mean "power"'):
        plan.to_pandas("pover")
    with pytest.raises(InputError, match="names nothing"):
        plan.to_pandas()
    lacking = Plan(plan.case, plan.dataset.drop_vars("battery.level"))
    with pytest.raises(VerificationError, match="level"):
        lacking.to_pandas("power")
    assert lacking.to_pandas("grid.import").equals(plan.to_pandas("grid.import"))


# the accessor -------------------------------------------------------------------------------------


def test_the_accessor_knows_kinds_and_components(plan: Plan, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan.nc")
    with xr.open_dataset(tmp_path / "plan.nc") as opened:
        for dataset in (plan.dataset, opened):
            told = dataset.citygrid
            assert set(told.kinds) == set(plan.case.units)
            assert told.components["battery"] == plan.case.units["battery"].names
            assert "level" in told.by_kind("battery") and len(told.by_kind("grid").data_vars)
    with pytest.raises(InputError, match=r'this dataset .*did you mean "battery"'):
        plan.dataset.citygrid.by_kind("batery")


def test_energy_is_power_times_the_step(plan: Plan) -> None:
    energy = plan.dataset.citygrid.energy()
    charge = plan.dataset["battery.charge"]
    name = plan.case.units["battery"].names[0]
    expected = float(charge.sum()) * plan.case.step / 1000.0
    assert energy["battery.charge", name] == pytest.approx(expected) and expected > 0
    assert not any("level" in flow for flow, _ in energy.index)
    megawatts = plan.dataset.copy()
    megawatts["battery.charge"] = (charge / 1000.0).assign_attrs(units="MW")
    assert megawatts.citygrid.energy()["battery.charge", name] == pytest.approx(expected)


def test_the_energy_of_chosen_hours_counts_these_alone(plan: Plan) -> None:
    hour = plan.sel(quantity="import", time="2023-01-16T02:00")
    assert hour.citygrid.energy().iloc[0] == pytest.approx(
        float(plan.dataset["grid.import"][0, 1]) * plan.case.step / 1000.0
    )


def test_without_its_attribute_a_step_is_as_far_apart_as_stamps(plan: Plan) -> None:
    bare = plan.dataset.copy()
    bare.attrs = {}
    assert bare.citygrid.step == plan.case.step
    with pytest.raises(InputError, match="step_h"):
        bare.isel(time=[0]).citygrid.energy()
