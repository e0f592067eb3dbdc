"""What limits are worth and what a kWh costs, against cases by hand and against one more kW."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import citygrid as cg
from citygrid.export.report import Entry, write_report
from citygrid.model.reductions import fix
from citygrid.plan.plan import Plan
from citygrid.routes.contract import Journal, Options
from citygrid.routes.milp import complete
from citygrid.verbs import handover, sensitivity


def planned(folder, repository, **changes):
    """The three hours by hand, with some numbers exchanged."""
    text = (repository / "models" / "tiny.yaml").read_text()
    text = text.replace("../data", str(repository / "data"))
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / "tiny.yaml"
    path.write_text(text)
    case = cg.prepare(cg.load(path))
    return case, cg.solve(cg.formulate(case))


@pytest.fixture
def tiny(tmp_path, repository):
    return planned(tmp_path, repository)


def headless(dataset):
    """A plan's dataset without what limits were worth."""
    names = [name for name in dataset.data_vars if str(name).split(".")[0] in ("worth", "price")]
    places = [dim for dim in dataset.dims if str(dim).endswith("_place")]
    bare = dataset.drop_vars([*names, *places])
    del bare.attrs["sensitivity"], bare.attrs["telemetry"]
    return bare


def test_prices_of_the_three_hours_are_those_by_hand(tiny):
    """Power costs what the grid asks; the next kWh of heat comes from the boiler, at 0.20 EUR."""
    _, plan = tiny
    assert plan.prices["power"].values == pytest.approx(np.array([[0.1, 0.3, 0.2]]))
    assert plan.prices["heat"].values == pytest.approx(np.full((1, 3), 0.2))
    assert plan.prices["heat"].attrs["units"] == "EUR/kWh"


def test_a_limit_that_just_suffices_is_worth_nothing(tiny):
    """The pump gives all 120 kW that it can and that anybody wants: more of it saves nothing."""
    case, plan = tiny
    pump = plan.dataset["heat_pump.heat"].values
    assert pump.max() == pytest.approx(case.units["heat_pump"]["heat"].max())
    assert plan.worths == {}


def test_a_pump_that_is_too_small_is_worth_boiler_heat_less_its_power(tmp_path, repository):
    """With 100 kW the boiler gives the last 20 kW in hour 3: 0.20 − 0.20/4 = 0.15 EUR a kW."""
    case, plan = planned(tmp_path, repository, pump=("heat: 120 kW", "heat: 100 kW"))
    assert plan.worths["heat_pump.heat"].values == pytest.approx(np.array([[0.0, 0.0, 0.15]]))
    assert plan.worths["heat_pump.heat"].attrs["units"] == "EUR/kW"
    assert set(plan.worths) == {"heat_pump.heat"}
    assert cg.verify(case, plan).ok


def test_worths_are_what_one_more_kw_saves_with_integers_held(repository):
    """Finite differences of the same programme, limit by limit, on the Frankfurt day."""
    case = cg.prepare(cg.load(repository / "models" / "frankfurt_day.yaml"))
    form = cg.formulate(case)
    plan = cg.solve(form)
    x = np.concatenate([plan.dataset[name].values.ravel() for name in form.columns])
    held = fix(form, form.integer, np.round(x[form.integer])).form

    def cost(programme):
        best, _ = complete(programme, x, Journal(), Options())
        return programme.objective(best)

    tried = 0
    for name in ("chp.power", "heat_pump.heat", "battery.level"):
        block = form.columns[name]
        for row, worth in enumerate(plan.worths[name].values):
            if worth.sum() < 0.01:
                continue
            tried += 1
            upper, most = form.upper.copy(), form.row_upper.copy()
            upper[block.index[row]] += 0.01
            # While on, a row limits the same flow to its capacity.
            kind = name.split(".")[0]
            if f"{kind}.capacity" in form.rows:
                rows = form.rows[f"{kind}.capacity"]
                at = list(rows.coords[rows.dims[0]]).index(block.coords[kind][row])
                on = plan.dataset[f"{kind}.on"].values[at] > 0.5
                most[rows.index[at]] += 0.01 * on
            more = replace(form, upper=upper, row_upper=most)
            saved = (cost(form) - cost(more)) / 0.01
            assert worth.sum() == pytest.approx(saved, rel=1e-4, abs=1e-5), (name, row)
    assert tried >= 4
    assert held.objective(x) == pytest.approx(plan.objective)


def test_nothing_else_of_the_plan_changes(tiny, monkeypatch):
    case, plan = tiny
    monkeypatch.setattr(handover, "sensitivity",
                        lambda *_: sensitivity.Sensitivity("left out: not asked"))  # fmt: skip
    without = cg.solve(cg.formulate(case))
    assert without.dataset.attrs["sensitivity"] == "left out: not asked"
    assert without.worths == without.prices == {}
    assert headless(plan.dataset).identical(headless(without.dataset))


def test_a_large_form_is_left_out_and_the_plan_says_so(tiny, monkeypatch, tmp_path):
    case, _ = tiny
    monkeypatch.setattr(sensitivity, "ENTRIES", 5)
    plan = cg.solve(cg.formulate(case))
    assert re.fullmatch(r"left out: \d+ entries are more than 5", plan.dataset.attrs["sensitivity"])
    write_report([Entry("milp", case, plan, cg.verify(case, plan))], tmp_path / "r.html")
    assert "Not worked out for this plan: " in (tmp_path / "r.html").read_text("utf-8")


def test_the_programme_runs_without_the_time_limit_of_the_route(tiny):
    case, _ = tiny
    plan = cg.solve(cg.formulate(case), options=Options(time_limit=30.0))
    assert plan.dataset.attrs["sensitivity"] == "held"
    assert [call["purpose"] for call in plan.telemetry["calls"]].count("completion") == 1


def test_a_stored_plan_keeps_them_and_one_without_is_read_and_verified(tiny, tmp_path):
    case, plan = tiny
    plan.save(tmp_path / "plan.nc")
    read = Plan.load(tmp_path / "plan.nc")
    assert read.prices["heat"].values == pytest.approx(plan.prices["heat"].values)
    assert cg.verify(case, read).ok
    old = Plan(case, headless(plan.dataset))
    old.save(tmp_path / "old.nc")
    read = Plan.load(tmp_path / "old.nc")
    assert cg.verify(case, read).ok and read.prices == {}
    write_report([Entry("milp", case, read, cg.verify(case, read))], tmp_path / "r.html")
    assert "What limits cost" not in (tmp_path / "r.html").read_text("utf-8")


def test_the_verdict_does_not_read_them(tiny):
    case, plan = tiny
    changed = plan.dataset.copy(deep=True)
    changed["price.heat"].values[:] = np.nan
    assert cg.verify(case, Plan(case, changed)).ok


def test_a_report_passes_over_what_an_edited_plan_says_in_another_shape(tiny, tmp_path):
    case, plan = tiny
    changed = plan.dataset.copy(deep=True)
    changed["worth.heat_pump.heat"] = ("time", np.array(["a", "b", "c"], dtype=object))
    changed["worth.nobody.heat"] = ("time", np.ones(3))
    changed["price.heat"] = ("time", np.ones(3))
    plan = Plan(case, changed)
    write_report([Entry("milp", case, plan, cg.verify(case, plan))], tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "Price of power over time" in text and "Price of heat over time" not in text


def test_the_report_says_in_words_what_a_limit_cost(tmp_path, repository):
    case, plan = planned(tmp_path, repository, pump=("heat: 120 kW", "heat: 100 kW"))
    write_report([Entry("milp", case, plan, cg.verify(case, plan))], tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    said = re.sub(r"<[^>]+>", "", re.search(r'<ul class="said">(.*?)</ul>', text, re.S)[1])
    assert re.search(r"One more kW of heat pump heat pump would have saved 0\.15 EUR over the "
                     r"horizon, all of it on \d+ \w+ at 02:00\.", said), said  # fmt: skip
    assert "held as planned" in text and "Price of heat over time" in text
