from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from citygrid.export.flows import component_flows, dispatch
from citygrid.plan.plan import Plan
from tests.helpers import solved


def test_every_carrier_adds_up_to_zero_over_the_district_in_every_step(planned):
    case, plan, _ = planned
    moved = dispatch(case, plan)
    assert {"heat", "power", "gas", "cooling", "waste_heat", "compute"} <= set(moved.carriers)
    for carrier, amounts in moved.carriers.items():
        assert np.nanmax(np.abs(amounts)) > 1.0, carrier
        assert np.abs(np.nansum(amounts, axis=0)).max() < 1e-9, carrier


def test_what_is_fed_is_positive_and_what_is_drawn_is_negative(planned):
    case, plan, _ = planned
    table = component_flows(case, plan)
    flows = plan.dataset
    pump = table[table["asset"] == "pump east"]
    heat = flows["heat_pump.heat"].values[0]
    np.testing.assert_allclose(pump["heat_kw"], heat)
    np.testing.assert_allclose(pump["power_kw"], -heat / 3.6)
    np.testing.assert_allclose(pump["waste_heat_kw"], heat / 3.6 - heat)
    tank = table[table["asset"] == "tank"]
    np.testing.assert_allclose(tank["level_kwh"], flows["heat_store.level"].values[0])
    assert pump["gas_kw"].isna().all() and pump["level_kwh"].isna().all()


def test_a_line_says_what_it_sends_loses_and_how_full_it_is(planned):
    case, plan, _ = planned
    table = component_flows(case, plan).set_index("asset")
    pipe = table.loc["pipe west"]
    sent = plan.dataset["heat_pipe.flow"].values[1]
    np.testing.assert_allclose(pipe["flow_kw"], sent)
    np.testing.assert_allclose(pipe["arrived_kw"], sent - 6.0)
    np.testing.assert_allclose(pipe["loss_kw"], 6.0)
    np.testing.assert_allclose(pipe["used"], sent / 800.0)


def test_a_cable_that_carries_back_has_a_negative_flow(make):
    case, plan = make()
    forward, back = plan.dataset["power_line.flow"], plan.dataset["power_line.back"]
    turned = plan.dataset.assign({"power_line.flow": back, "power_line.back": forward})
    cable = component_flows(case, Plan(case, turned)).set_index("asset").loc["cable west"]
    np.testing.assert_allclose(cable["flow_kw"], -forward.values[1])
    np.testing.assert_allclose(cable["used"], forward.values[1] / 1000.0)


def test_jobs_are_drawn_by_their_pool(planned):
    case, plan, _ = planned
    pool = component_flows(case, plan).set_index("asset").loc["pool"]
    np.testing.assert_allclose(
        pool["compute_kw"], -plan.dataset["job_pool.load"].values.sum(axis=0)
    )


def test_a_kind_that_the_plan_lacks_stays_empty(planned):
    case, plan, _ = planned
    table = component_flows(case, Plan(case, plan.dataset.drop_vars("boiler.heat")))
    table = table.set_index("asset")
    assert table.loc["boiler", "heat_kw"].isna().all()
    assert table.loc["tank", "heat_kw"].notna().all()


def test_intervals_follow_each_other(make):
    case, plan = make(hours=48, step=0.5)
    one = component_flows(case, plan).query("asset == 'grid'")
    assert (one["end_time"].to_numpy()[:-1] == one["start_time"].to_numpy()[1:]).all()
    assert one["start_time"].iloc[0] == case.time[0]
    assert len(one) == 48


@pytest.mark.parametrize("name", ["heat_pump.on", "heat_pump.heat"])
def test_flows_of_part_of_a_kind_go_to_their_component(planned, name):
    """Plans keep on/off only for units that need it, under a dimension of their own."""
    case, plan, _ = planned
    array = plan.dataset[name]
    renamed = xr.DataArray(
        array.values, dims=("committed", "time"),
        coords={"committed": array["heat_pump"].values}, attrs=array.attrs,
    )  # fmt: skip
    changed = Plan(case, plan.dataset.drop_vars(name).assign({name: renamed}))
    before, after = dispatch(case, plan), dispatch(case, changed)
    np.testing.assert_allclose(before.carriers["heat"], after.carriers["heat"])


def test_the_power_of_a_pump_does_not_travel_along_its_pipe():
    """A pumped pipe sends what it draws of its own carrier, and no more."""
    result = solved("cooling_pipe")
    main = component_flows(result.case, result.plan).set_index("asset").loc["main"]
    sent = result.flow("cooling_pipe.flow", "main")
    np.testing.assert_allclose(main["flow_kw"], sent)
    gain = result.case.units["cooling_pipe"]["loss"][0]
    np.testing.assert_allclose(main["loss_kw"], gain)
    np.testing.assert_allclose(main["power_kw"], -result.flow("cooling_pipe.pump_power", "main"))


def test_data_are_no_energy_along_a_line():
    """A link's rate [GB/h] is neither power nor loss; its fuller direction says how full it is."""
    result = solved("data_link")
    table = component_flows(result.case, result.plan).set_index("asset")
    for name, use in (("fibre", 25 / 40), ("radio", 25 / 25)):
        link = table.loc[name]
        assert link[["flow_kw", "arrived_kw", "loss_kw", "level_kwh"]].isna().all(axis=None)
        np.testing.assert_allclose(link["used"], use)
    np.testing.assert_allclose(table.loc["fibre", "power_kw"], -0.1 * 25)
    moved = dispatch(result.case, result.plan)
    rows = [i for i, asset in enumerate(result.case.assets) if asset.kind == "data_link"]
    assert np.isnan(moved.rated[rows]).all() and np.isnan(moved.capacity[rows]).all()


def test_a_kind_loses_what_it_leads_and_uses_what_drives_it():
    result = solved("cooling_pipe")
    moved = dispatch(result.case, result.plan)
    assert moved.leading("cooling") == {"cooling_pipe"} and moved.leading("power") == set()
    assert (moved.carriers["power"][moved.lines] < 0).any()
    assert dispatch(*solved("data_link")[::2]).leading("data") == {"data_link"}
