"""Plan files: CF netCDF with the case inside, read back whole or refused in words."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from citygrid.errors import InputError
from citygrid.plan.plan import Plan
from tests.helpers import solved

#: Of flows, and of what their limits and balances were worth.
UNITS = {"kW", "kWh", "1", "EUR", "EUR/kW", "EUR/kWh"}


def test_every_flow_says_its_unit_and_meaning() -> None:
    dataset = solved("battery").plan.dataset
    for name, flow in dataset.data_vars.items():
        if not str(name).startswith("ledger."):
            assert flow.attrs["units"] in UNITS and flow.attrs["long_name"]
    assert dataset["battery.charge"].attrs["cell_methods"] == "time: mean"
    assert dataset["battery.level"].attrs["cell_methods"] == "time: point"
    assert dataset["battery.level"].dims == ("battery", "time")
    assert dataset.attrs["Conventions"].startswith("CF-")


def test_a_plan_says_where_it_is_from() -> None:
    case, form, plan, _ = solved("battery")
    attributes = plan.dataset.attrs
    assert attributes["form_hash"] == form.hash and attributes["case_hash"] == case.hash
    assert attributes["model"] == "battery.yaml" and len(attributes["model_hash"]) == 64
    assert attributes["route"] == plan.route == "milp" and attributes["seed"] == 0
    assert "battery.csv" in attributes["file_hashes"]
    assert plan.telemetry["queued_at"] <= plan.telemetry["finished_at"]


def test_the_ledger_has_a_line_per_component_and_item() -> None:
    dataset = solved("fuel").plan.dataset
    lines = {
        (component, item): (money, carbon)
        for component, item, money, carbon in zip(
            *(
                dataset[f"ledger.{name}"].values
                for name in ("component", "item", "money", "carbon")
            ),
            strict=True,
        )
    }
    assert lines["gas", "fuel.fuel"] == pytest.approx((5.5, 18.0))
    assert lines["biogas", "fuel.fuel"] == pytest.approx((2.4, 0.0))


def test_the_gap_is_what_is_not_proven() -> None:
    plan = solved("battery").plan
    assert plan.bound == pytest.approx(plan.objective) and plan.gap == pytest.approx(0.0, abs=1e-9)
    tenth = Plan(plan.case, plan.dataset.assign_attrs(objective=10.0, bound=9.0))
    assert tenth.gap == pytest.approx(0.1)
    attributes = {key: value for key, value in plan.dataset.attrs.items() if key != "bound"}
    unproven = plan.dataset.copy()
    unproven.attrs = attributes
    assert Plan(plan.case, unproven).bound is None and Plan(plan.case, unproven).gap is None


def test_flows_are_read_in_canonical_units() -> None:
    case, _, plan, _ = solved("battery")
    dataset = plan.dataset.copy(deep=True)
    level = dataset["battery.level"]
    dataset["battery.level"] = (level / 1000.0).assign_attrs(units="MWh")
    dataset["battery.charging"] = (dataset["battery.charging"] * 100).assign_attrs(units="percent")
    flows = Plan(case, dataset).flows(case.units["battery"])
    assert flows["level"] == pytest.approx(level.values)
    assert flows["charging"].max() == pytest.approx(1.0)
    assert "level" in flows and "supplied" not in flows


def test_time_is_utc_and_opens_in_any_netcdf_reader(tmp_path: Path) -> None:
    solved("battery").plan.save(tmp_path / "plan.nc")
    with netCDF4.Dataset(tmp_path / "plan.nc") as file:
        time = file["time"]
        stamps = netCDF4.num2date(time[:], time.units, time.calendar)
        assert str(stamps[1]) == "2023-01-16 01:00:00"
        assert set(file.groups) == {"case"}
        assert set(file["case"].groups) == {"grid", "power_demand", "battery"}


def test_what_is_no_plan_is_refused_in_words(tmp_path: Path) -> None:
    plan = solved("battery").plan
    plan.save(tmp_path / "plan.nc")
    whole = (tmp_path / "plan.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.nc").write_text("kW", encoding="utf-8")
    (tmp_path / "empty.nc").write_bytes(b"")
    xr.Dataset({"x": ("time", np.zeros(2))}).to_netcdf(tmp_path / "other.nc")
    plan.dataset.to_netcdf(tmp_path / "bare.nc")  # flows without their case
    for name, reason in {
        "none.nc": "no such plan", "cut.nc": "not a readable citygrid plan",
        "text.nc": "not a readable citygrid plan", "empty.nc": "not a readable citygrid plan",
        "other.nc": "not a readable citygrid plan", "bare.nc": "not a readable citygrid plan",
    }.items():  # fmt: skip
        with pytest.raises(InputError) as caught:
            Plan.load(tmp_path / name)
        (fault,) = caught.value.faults
        assert reason in fault.reason and name in fault.place and "plan.nc" in fault.repair


def test_a_failed_write_leaves_the_old_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.nc"
    solved("battery").plan.save(path)
    before = path.read_bytes()

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("citygrid.district.case.Case.to_datasets", fails)
    with pytest.raises(OSError, match="disk full"):
        solved("pv").plan.save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["plan.nc"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"objective": "cheap"}, "objective is no number"),
        ({"bound": "low"}, "bound is no number"),
        ({"seed": "x"}, "seed is no number"),
        ({"citygrid_format": 99}, "written by another version.*format is 99"),
        ({"citygrid_format": 2}, "written by an earlier version.*format is 2.*plan the district"),
        ({"telemetry": "["}, "Expecting"),
        ({"form_size": "[]"}, "form_size is no JSON object"),
    ],
)
def test_a_plan_whose_frame_was_changed_is_refused(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    plan = solved("battery").plan
    Plan(plan.case, plan.dataset.assign_attrs(change)).save(tmp_path / "plan.nc")
    with pytest.raises(InputError, match=reason):
        Plan.load(tmp_path / "plan.nc")


@pytest.mark.parametrize("column", ["component", "item", "money", "carbon"])
def test_a_plan_without_a_column_of_its_ledger_is_refused(tmp_path: Path, column: str) -> None:
    plan = solved("battery").plan
    Plan(plan.case, plan.dataset.drop_vars(f"ledger.{column}")).save(tmp_path / "plan.nc")
    with pytest.raises(InputError, match=f"lacks ledger.{column}"):
        Plan.load(tmp_path / "plan.nc")
