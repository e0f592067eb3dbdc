from __future__ import annotations

import numpy as np
import pytest

from citygrid.export.balance import (
    DISTRICT,
    FROM_AROUND,
    NAMES,
    NET_COST,
    NET_INCOME,
    energy,
    money,
)
from citygrid.export.balance import TO_AROUND as AWAY
from citygrid.export.flows import dispatch
from citygrid.export.palette import LOOKS
from citygrid.ledger import Line
from citygrid.plan.verify import Verdict


def sums(balance):
    """What enters and what leaves every node."""
    into, out = {}, {}
    for flow in balance.flows:
        out[flow.source] = out.get(flow.source, 0.0) + flow.amount
        into[flow.target] = into.get(flow.target, 0.0) + flow.amount
    return into, out


def amount(balance, source, target):
    return sum(f.amount for f in balance.flows if (f.source, f.target) == (source, target))


def test_every_carrier_and_every_plant_adds_up(planned):
    case, plan, _ = planned
    into, out = sums(energy(case, dispatch(case, plan)))
    both = set(into) & set(out)
    assert {"Heat", "Power", "Waste heat", "Cooling", "Gas", "Boiler", "Heat pump", "Data centre",
            "Chiller"} <= both  # fmt: skip
    for name in both:
        assert into[name] == pytest.approx(out[name]), name
    # What enters the district leaves it.
    ends, begins = set(into) - set(out), set(out) - set(into)
    assert sum(into[n] for n in ends) == pytest.approx(sum(out[n] for n in begins))


def test_no_carrier_has_the_name_of_a_kind():
    assert {look.label for look in LOOKS.values()}.isdisjoint(NAMES.values())


def test_amounts_are_the_plans(planned):
    case, plan, verdict = planned
    found = energy(case, dispatch(case, plan))
    data = plan.dataset
    served = float(data["heat_demand.served"].sum()) * case.step / 1000.0
    assert amount(found, "Heat", "Heat demand") == pytest.approx(served)
    recovered = verdict.kpis["waste_heat_used_mwh"]
    assert amount(found, "Data centre", "Waste heat") == pytest.approx(recovered)
    rejected = float(data["data_center.rejected"].sum()) * case.step / 1000.0
    # Heat flows from the centre to what cools it, and with its power out of the district.
    assert amount(found, "Data centre", "Cooling") == pytest.approx(rejected)
    assert amount(found, "Chiller", AWAY) == pytest.approx(1.08 * rejected)
    burned = float(data["fuel.supplied"].sum()) * case.step / 1000.0
    assert amount(found, "Boiler", AWAY) == pytest.approx(0.08 * burned)
    assert FROM_AROUND not in {f.source for f in found.flows}


def test_a_store_is_two_nodes_and_compute_is_no_energy(planned):
    case, plan, _ = planned
    found = energy(case, dispatch(case, plan))
    charged, given = (float(plan.dataset[f"heat_store.{way}"].sum()) * case.step / 1000.0
                      for way in ("charge", "discharge"))  # fmt: skip
    assert amount(found, "Heat", "Heat store, charge") == pytest.approx(charged)
    assert amount(found, "Heat store, discharge", "Heat") == pytest.approx(given)
    assert "Compute" not in found.amounts() and "Jobs" not in found.amounts()
    assert found.amounts()["Heat pipe losses"] == pytest.approx(3 * 6.0 * 48 / 1000.0)


def test_power_held_back_is_no_energy(planned):
    case, plan, _ = planned
    moved = dispatch(case, plan)
    before = energy(case, moved)
    held = np.full_like(moved.carriers["power"], np.nan)
    held[0], held[1] = 50.0, -50.0
    moved.carriers["spinning_reserve"] = held
    assert energy(case, moved) == before


def test_what_sells_and_buys_is_two_nodes(planned):
    case, plan, _ = planned
    moved = dispatch(case, plan)
    at = [asset.kind for asset in case.assets].index("grid")
    moved.carriers["power"][at, :5] = -100.0
    found = energy(case, moved)
    assert amount(found, "Power", "Grid, sold") == pytest.approx(0.5)
    assert amount(found, "Grid, bought", "Power") > 0


def verdict_of(ledger):
    return Verdict(True, 0.0, (), {}, 0.0, 0.0, ledger)


def test_what_is_paid_is_what_pays_for_it():
    ledger = {
        ("grid", "grid.import"): Line(100.0, 50.0, 60.0), ("grid", "grid.export"): Line(-30.0),
        ("pump a", "heat_pump.start"): Line(6.0), ("pump b", "heat_pump.start"): Line(3.0),
        ("gas", "fuel.fuel"): Line(40.0, 20.0, 20.0),
    }  # fmt: skip
    found = money(verdict_of(ledger), {"carbon": 0.5})
    assert amount(found, "Grid, export", DISTRICT) == 30.0
    # A price of carbon weighs the margin: 60 kg and 20 kg at half a euro.
    assert amount(found, DISTRICT, "CO₂") == 40.0
    assert amount(found, "CO₂", "CO₂, grid") == 30.0
    assert amount(found, "CO₂", "CO₂, fuel") == 10.0
    assert amount(found, DISTRICT, "Heat pump") == 9.0
    assert amount(found, NET_COST, DISTRICT) == 100.0 + 9.0 + 40.0 + 40.0 - 30.0
    into, out = sums(found)
    assert into[DISTRICT] == out[DISTRICT]


def test_a_district_that_earns_has_a_net_income():
    found = money(verdict_of({("grid", "grid.export"): Line(-50.0),
                              ("gas", "fuel.fuel"): Line(20.0)}), {})  # fmt: skip
    assert amount(found, DISTRICT, NET_INCOME) == 30.0
    assert amount(found, "Grid, export", DISTRICT) == 50.0


def test_the_net_cost_is_the_verdicts(planned):
    case, _, verdict = planned
    found = money(verdict, case.prices)
    assert amount(found, NET_COST, DISTRICT) == pytest.approx(verdict.cost)
    assert np.isfinite([flow.amount for flow in found.flows]).all()
