"""The checker checked: plans that were made wrong, and whether ``verify`` says so.

Mutants are drawn by operators, each of which breaks a law that it names; whether a mutant whose
numbers alone were changed breaks anything is said by the formulation, of which ``verify`` knows
nothing (see ``mutations/laws.py``). What both call right is counted as harmless.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.plan.plan import Plan
from tests.plan.mutations.honest import SHIPPED, of_kind, of_kinds, of_model
from tests.plan.mutations.hunt import hunt
from tests.plan.mutations.laws import TOLERANCE, Site
from tests.plan.mutations.operators import OPERATORS

KINDS = sorted(kinds())


@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_of_a_small_district_is_found(kind: str) -> None:
    count = hunt([of_kind(kind)], wanted=12, seed=KINDS.index(kind))
    assert not count.missed, "\n".join(count.missed)
    assert count.found.total() == count.asked.total() >= 12


def test_every_mutant_of_a_shipped_model_is_found() -> None:
    """All operators once, on a model of ten units and one of six centres."""
    sites = [of_model("tiny"), of_model("frankfurt_day")]
    count = hunt(sites, wanted=2 * len(OPERATORS), seed=7)
    assert not count.missed, "\n".join(count.missed)


@pytest.mark.slow
def test_ten_thousand_mutants_of_all_shipped_models_are_found() -> None:
    """All shipped models and all kinds; the table is what the documentation quotes."""
    sites = [*map(of_model, SHIPPED), *of_kinds()]
    count = hunt(sites, wanted=10_000, seed=0)
    print(f"\n{count.table()}")
    assert {kind for _, kind in count.asked} >= set(KINDS)
    assert {operator for operator, _ in count.asked} == set(OPERATORS)
    assert not count.missed, "\n".join(count.missed)


def test_every_shipped_model_is_mutated(repository) -> None:
    assert {path.stem for path in (repository / "models").glob("*.yaml")} == set(SHIPPED)


# the judge is no friend of the accused ------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_formulation_finds_honest_plans_right(kind: str) -> None:
    """Without this, the judge could call every mutant harmless, or every plan broken."""
    site = of_kind(kind)
    x = site.point(site.plan.dataset)
    assert site.broken(x)[0] <= TOLERANCE and site.completes(x)
    assert site.books(site.plan.dataset) <= TOLERANCE
    assert site.cooked(site.plan.dataset).attrs["objective"] == pytest.approx(site.plan.objective)


@pytest.mark.parametrize(
    ("column", "by"), [("pv.produced", 1.0), ("grid.import", -0.5), ("power_demand.served", 1e-3)]
)
def test_the_formulation_finds_a_kilowatt_too_much(column: str, by: float) -> None:
    site = of_kind("pv")
    x = site.point(site.plan.dataset)
    x[site.form.columns[column].start] += by
    assert site.broken(x)[0] > TOLERANCE


def test_a_checker_that_says_yes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, the hunt could count as found what nobody looked for."""
    honest = cg.verify

    def yes(case: object, plan: Plan) -> object:
        return replace(honest(plan.case, plan), ok=True)

    monkeypatch.setattr(cg, "verify", yes)
    count = hunt([of_kind("battery")], wanted=20, seed=1)
    assert len(count.missed) == count.asked.total() >= 20 and not count.found


# holes that mutants have shown --------------------------------------------------------------------


def broken_rules(site: Site, changes: dict[str, np.ndarray], **attributes: object) -> set[str]:
    dataset = site.plan.dataset.copy()
    for name, values in changes.items():
        dataset[name] = dataset[name].copy(data=values)
    dataset = dataset.assign_attrs(attributes)
    return {
        violation.rule for violation in cg.verify(site.case, Plan(site.case, dataset)).violations
    }


@pytest.mark.parametrize(
    ("kind", "choice", "flow", "rule"),
    [
        ("battery", "charging", "discharge", "discharges only while not charging"),
        ("grid", "importing", "export", "sells only while not importing"),
        ("power_line", "forward", "back", "carries against only while not forward"),
    ],
)
def test_a_choice_for_the_first_flow_forbids_the_second(
    kind: str, choice: str, flow: str, rule: str
) -> None:
    """Only the first flow was held against the choice that the plan states."""
    site = of_kind(kind)
    chosen = site.flows[f"{kind}.{choice}"]
    other = site.plan.dataset[f"{kind}.{flow}"]
    running = np.argwhere(other.values > 1.0)
    values = chosen.values.copy()
    row, step = next(
        (int(row), int(step))
        for row, step in running
        if other[other.dims[0]].values[row] in chosen[chosen.dims[0]].values
        and site.plan.dataset["time"].values[step] in chosen[chosen.dims[1]].values
    )
    at = list(chosen[chosen.dims[0]].values).index(other[other.dims[0]].values[row])
    when = list(chosen[chosen.dims[1]].values).index(site.plan.dataset["time"].values[step])
    values[at, when] = 1.0
    assert broken_rules(site, {f"{kind}.{choice}": values}) == {rule}


@pytest.mark.parametrize("unit", ["kWh", "1", "K", "GB/h", "W", "bananas"])
def test_a_flow_in_another_unit_is_found(unit: str) -> None:
    """A kilowatt-hour was read as a kilowatt: only the scale of a unit was looked at."""
    site = of_kind("pv")
    dataset = site.plan.dataset.copy()
    dataset["pv.produced"] = dataset["pv.produced"].assign_attrs(units=unit)
    assert not cg.verify(site.case, Plan(site.case, dataset)).ok


def test_a_flow_in_a_multiple_of_a_rarer_unit_is_converted() -> None:
    """MB/h were read as GB/h."""
    site = of_kind("data_link")
    dataset = site.plan.dataset.copy()
    thousand = dataset["data_link.flow"] * 1000.0
    dataset["data_link.flow"] = thousand.assign_attrs(units="MB/h")
    assert cg.verify(site.case, Plan(site.case, dataset)).ok
    dataset["data_link.flow"] = dataset["data_link.flow"].assign_attrs(units="GB/h")
    assert not cg.verify(site.case, Plan(site.case, dataset)).ok


def test_hours_before_components_are_found() -> None:
    """Numbers are read by position, so axes in another order are other numbers."""
    site = of_kind("pv")
    dataset = site.plan.dataset.copy()
    dataset["pv.produced"] = dataset["pv.produced"].transpose()
    rules = {v.rule for v in cg.verify(site.case, Plan(site.case, dataset)).violations}
    assert "does not stand over its components first and its hours last" in rules


def test_a_line_of_the_ledger_for_nobody_is_found() -> None:
    """Of nothing, too: 0 EUR for a unit that there is not."""
    site = of_kind("fuel")
    item = site.plan.dataset["ledger.component"].values.copy()
    item[0] = "ghost"
    rules = broken_rules(site, {"ledger.component": item})
    assert "no component has such a line" in rules


@pytest.mark.parametrize(
    ("name", "value"), [("model", "other.yaml"), ("model_hash", "0"), ("file_hashes", "{}x"),
                        ("step_h", 2.0)],
)  # fmt: skip
def test_a_plan_that_names_other_files_than_its_case_is_found(name: str, value: object) -> None:
    assert broken_rules(of_kind("pv"), {}, **{name: value}) == {
        f"its {name} is not that of the case"
    }


def test_a_flow_of_some_components_is_not_read_as_that_of_all() -> None:
    """One row would be broadcast over all components."""
    site = of_kind("boiler")
    array = site.plan.dataset["boiler.heat"]
    row = array.isel(boiler=[0]).rename(boiler="boiler_main")
    dataset = site.plan.dataset.drop_vars("boiler.heat").assign({"boiler.heat": row})
    rules = {v.rule for v in cg.verify(site.case, Plan(site.case, dataset)).violations}
    assert "the plan lacks or misshapes heat, which is not over all that the kind has" in rules


@pytest.mark.parametrize("way", ["twice", "unknown", "order"])
def test_labels_of_an_axis_are_those_of_the_kind_and_stand_once(way: str) -> None:
    site = of_kind("battery")
    name = next(n for n, a in site.flows.items() if a.ndim == 2 and n.startswith("battery."))
    time = site.plan.dataset["time"].values
    array = site.flows[name]
    stamps = {"twice": time[[0, 0]], "unknown": time[:2] + np.timedelta64(90, "D"),
              "order": time[[1, 0]]}[way]  # fmt: skip
    some = array.isel(time=[0, 1]).drop_vars("time").rename(time="some").assign_coords(some=stamps)
    dataset = site.plan.dataset.assign({"battery.charging": some.assign_attrs(array.attrs)})
    rules = {v.rule for v in cg.verify(site.case, Plan(site.case, dataset)).violations}
    expected = {"twice": "has a label of some twice",
                "unknown": "has hours that are not those of the case, in their order",
                "order": "has hours that are not those of the case, in their order"}  # fmt: skip
    assert expected[way] in rules
