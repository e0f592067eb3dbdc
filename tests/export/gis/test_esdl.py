"""ESDL, read back by a plain XML reader and by the language's own."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from esdl.esdl_handler import EnergySystemHandler

from citygrid.errors import InputError
from citygrid.export.gis.esdl import write_esdl
from citygrid.export.subject import Subject
from citygrid.plan.verify import verify
from tests.helpers import solved

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@pytest.fixture(scope="module")
def path(planned, tmp_path_factory):
    path = tmp_path_factory.mktemp("esdl") / "plan.esdl"
    write_esdl(Subject(*planned[1:]), path)
    return path


@pytest.fixture(scope="module")
def assets(path):
    return {each.get("name"): each for each in ElementTree.parse(path).getroot().iter("asset")}


def rating(case, kind, name, parameter):
    units = case.units[kind]
    return float(np.max(np.atleast_2d(units[parameter])[units.names.index(name)]))


def test_ratings_are_those_of_the_district(assets, planned):
    case, _, _ = planned
    for kind, parameter in (("boiler", "heat"), ("heat_pump", "heat"), ("pv", "peak"),
                            ("chiller", "cooling")):  # fmt: skip
        for name in case.units[kind].names:
            assert float(assets[name].get("power")) == pytest.approx(
                1e3 * rating(case, kind, name, parameter)
            )
    (store,) = case.units["heat_store"].names
    assert float(assets[store].get("capacity")) == pytest.approx(
        3.6e6 * rating(case, "heat_store", store, "capacity")
    )
    assert float(assets[store].get("maxChargeRate")) == pytest.approx(
        1e3 * rating(case, "heat_store", store, "charge")
    )
    for name in case.units["heat_pipe"].names:
        assert float(assets[name].get("capacity")) == pytest.approx(
            1e3 * rating(case, "heat_pipe", name, "capacity")
        )
        assert assets[name].get("diameter") == f"DN{rating(case, 'heat_pipe', name, 'dn'):g}"


def test_a_centre_is_a_load_and_a_source_of_heat(assets, planned):
    case, _, _ = planned
    for name in case.units["data_center"].names:
        load, heat = assets[f"{name}: power"], assets[f"{name}: waste heat"]
        assert load.get(TYPE) == "esdl:ElectricityDemand"
        assert heat.get(TYPE) == "esdl:ResidualHeatSource"
        assert float(load.get("power")) == pytest.approx(
            1e3 * rating(case, "data_center", name, "capacity")
        )


def test_the_dispatch_stands_at_the_ports(assets, planned):
    _, plan, _ = planned
    (port,) = (each for each in assets["boiler"].iter("port") if each.get("name") == "heat out")
    values = [float(each) for each in port.find("profile").get("values").split()]
    np.testing.assert_allclose(values, 1e3 * plan.dataset["boiler.heat"].values[0], atol=1e-3)


def test_everything_is_connected_both_ways_to_what_is_there(path):
    handler = EnergySystemHandler()
    system = handler.load_file(str(path))
    ports = {}
    for asset in system.instance[0].area.asset:
        for port in asset.port:
            ports[port.id] = port
    assert len(ports) > 30
    for port in ports.values():
        for other in port.connectedTo:
            assert port in other.connectedTo and port.eClass is not other.eClass
            assert port.carrier is other.carrier
    # Heat from the boiler comes to the pipes that begin at its node.
    heat = next(
        p for p in ports.values() if p.energyasset.name == "boiler" and p.name == "heat out"
    )
    (joint,) = {p.energyasset for p in heat.connectedTo}
    leaves = next(p for p in joint.port if p.name == "out")
    assert any(p.energyasset.name.startswith("pipe") for p in leaves.connectedTo)


def test_places_are_latitude_and_longitude(assets):
    point = assets["boiler"].find("geometry")
    assert 50 < float(point.get("lat")) < 51 and 9 < float(point.get("lon")) < 10.5
    assert len(assets["pipe west"].find("geometry").findall("point")) == 2


def test_what_the_language_has_no_word_for_is_named(path):
    description = ElementTree.parse(path).getroot().get("description")
    assert "pool (job pool)" in description


def test_power_that_is_held_back_is_no_energy_and_is_named(tmp_path):
    case, _, plan, verdict = solved("reserve")
    write_esdl(Subject(plan, verdict), tmp_path / "plan.esdl")
    root = ElementTree.parse(tmp_path / "plan.esdl").getroot()
    assert {each.get("name") for each in root.iter("carrier")} >= {"power", "gas"}
    assert "reserve" not in "".join(
        each.get("name", "") for tag in ("carrier", "port", "asset") for each in root.iter(tag)
    )
    for generator in case.units["generator"].names:
        assert f"the spinning reserve of {generator}" in root.get("description")
    for reserve in case.units["reserve"].names:
        assert f"{reserve} (reserve)" in root.get("description")


def test_key_figures_travel_with_their_unit(path, planned):
    _, _, verdict = planned
    figures = {each.get("name"): float(each.get("value"))
               for each in ElementTree.parse(path).getroot().iter("kpi")
               if each.get("value")}  # fmt: skip
    assert figures["Cost, carbon priced in [EUR]"] == pytest.approx(verdict.kpis["cost_eur"])


def test_the_same_plan_gives_the_same_bytes(path, planned, tmp_path):
    write_esdl(Subject(*planned[1:]), tmp_path / "again.esdl")
    assert (tmp_path / "again.esdl").read_bytes() == path.read_bytes()


def test_a_district_without_positions_is_written_without_them(make, tmp_path):
    case, plan = make(places=False)
    write_esdl(Subject(plan, verify(case, plan)), tmp_path / "plan.esdl")
    assert ElementTree.parse(tmp_path / "plan.esdl").getroot().find(".//geometry") is None


def test_positions_in_an_unknown_system_are_refused(make, tmp_path):
    case, plan = make(crs=None)
    with pytest.raises(InputError, match="WGS 84"):
        write_esdl(Subject(plan, verify(case, plan)), tmp_path / "plan.esdl")
