"""Twenty broken districts: each is explained by the right component, hour and kW.

The files in `broken/` are ordinary districts, small enough for their shortage to be told by hand in
the comment at their head.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.errors import InfeasibleError

FOLDER = Path(__file__).parent / "broken"


class Told(NamedTuple):
    """What must be said: carrier and place, kW by hour, who is in conflict, and how it is proved.

    ``total`` [kWh] where the hours of a shortage are the plan's choice, so that only their sum is
    certain.
    """

    carrier: str
    place: str
    lacks: dict[str, float]
    conflict: set[str]
    proof: str = "relaxation"
    total: float | None = None


BROKEN = {
    "battery_runs_empty": Told("power", "plant", {}, {"battery", "grid", "flats"}, total=25),
    "battery_too_slow": Told("power", "plant", {"01": 15}, {"battery", "grid", "flats"}),
    "boiler_cannot_go_low": Told("heat", "plant", {"01": 20}, {"boiler", "homes"}, "integers"),
    "boiler_out_of_service": Told("heat", "plant", {"01": 40}, {"boiler", "homes"}),
    "boiler_ramps_too_slowly": Told("heat", "plant", {"00": 40, "01": 20}, {"boiler", "homes"}),
    "boiler_too_small": Told("heat", "plant", {"01": 40}, {"boiler", "homes"}),
    "cable_too_thin": Told("power", "east", {"01": 12}, {"cable", "flats"}),
    "cable_with_losses": Told("power", "east", {"01": 5}, {"cable", "flats"}),
    "cold_network_too_warm": Told("cooling", "plant", {"01": 15}, {"cooler", "offices"}),
    "connection_too_small": Told("power", "plant", {"01": 15}, {"grid", "flats"}),
    "engine_needs_a_rest": Told("power", "plant", {"00": 30}, {"engine", "flats"}),
    "engine_out_of_service": Told("power", "plant", {"01": 20}, {"engine", "grid", "flats"}),
    "fuel_too_scarce": Told("heat", "plant", {"01": 24}, {"gas", "homes"}),
    "heat_cannot_leave": Told("cooling", "plant", {"01": 20}, {"servers", "cooler"}),
    "job_too_large": Told("compute", "servers", {"01": 50}, {"large", "servers"}),
    "jobs_collide": Told("compute", "servers", {"00": 20, "01": 20},
                         {"first", "second", "servers"}),
    "jobs_do_not_fit_as_wholes": Told("compute", "servers", {},
                                      {"first", "second", "third", "servers"}, "integers", 20),
    "pump_without_power": Told("power", "plant", {"01": 15}, {"grid", "homes", "flats"}),
    "sun_at_night": Told("power", "plant", {"01": 15}, {"roof", "flats"}),
    "tank_must_end_full": Told("heat", "plant", {}, {"tank", "boiler", "homes"}, total=30),
}  # fmt: skip


def test_every_broken_district_is_told_of():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(BROKEN) and len(BROKEN) == 20


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_district_is_explained_by_component_hour_and_kw(name):
    told = BROKEN[name]
    with pytest.raises(InfeasibleError) as caught:
        cg.solve(cg.formulate(cg.prepare(cg.load(FOLDER / f"{name}.yaml"))))
    found = caught.value.details
    assert found["proof"] == told.proof
    shortages = found["shortages"]
    assert {(each["carrier"], each["place"]) for each in shortages} == {(told.carrier, told.place)}
    hours = {each["time"].partition("T")[2][:2]: each["amount"] for each in shortages}
    if told.lacks:
        assert hours == pytest.approx(told.lacks, rel=1e-5)
    total = sum(told.lacks.values()) if told.total is None else told.total
    assert found["missing_kwh"] == pytest.approx(total, rel=1e-5)
    assert found["missing_at_least_kwh"] == pytest.approx(total, rel=0.02)
    assert found["conflict"]["irreducible"]
    assert found["conflict"]["whole"] == (told.proof == "integers")
    involved = {who for limit in found["conflict"]["limits"] for who in limit["of"]}
    assert involved - {"plant", "east"} == told.conflict


def test_the_command_line_tells_it_in_words_and_as_one_document(tmp_path):
    arguments = ["plan", str(FOLDER / "boiler_too_small.yaml"), "--out", str(tmp_path / "out")]
    plain = CliRunner().invoke(main, arguments)
    assert plain.exit_code == 3 and plain.stdout == ""
    assert "plant, 2023-01-16T01:00Z: heat balance lacks 40 kW" in plain.stderr
    assert "drawn by homes 100 kW; fed by boiler 60 kW" in plain.stderr
    assert "boiler: heat produced at most 60 kW, 2023-01-16T01:00Z" in plain.stderr
    as_json = CliRunner().invoke(main, [*arguments, "--json"])
    error = json.loads(as_json.stdout)["error"]
    assert error["exit_code"] == 3 and error["missing_kwh"] == pytest.approx(40.0)
    assert error["shortages"][0]["fed"] == {"boiler": pytest.approx(60.0)}
    assert not (tmp_path / "out").exists()


def test_load_goes_unserved_only_where_the_district_prices_it(tmp_path):
    """40 kWh at 3 EUR; all other hours and kW cost what they did, and nobody sheds for fun."""
    text = (FOLDER / "boiler_too_small.yaml").read_text(encoding="utf-8")
    path = tmp_path / "priced.yaml"
    path.write_text(
        text.replace("kind: heat_demand,", "kind: heat_demand, unserved_price: 3 EUR/kWh,")
    )
    case = cg.prepare(cg.load(path))
    plan = cg.solve(cg.formulate(case))
    verdict = cg.verify(case, plan)
    assert verdict.ok and verdict.kpis["unserved_kwh"] == pytest.approx(40.0)
    (shed,) = (line for key, line in verdict.ledger.items() if key[1] == "heat_demand.unserved")
    assert shed.money == pytest.approx(120.0)
    assert list(plan.dataset["heat_demand.unserved"].values[0]) == pytest.approx([0.0, 40.0, 0.0])
