"""What a study file means: how many scenarios, which values, which are the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import citygrid as cg
from citygrid.district.paths import change, difference
from citygrid.study.scenarios.digest import Digests, key_of
from citygrid.study.scenarios.expand import expand
from citygrid.study.scenarios.reading import patched, read_study
from citygrid.study.scenarios.sample import number_and_unit
from citygrid.study.scenarios.spec import OutputsSpec, RouteSpec, StudySpec

BASE = {
    "carbon_price": "0 EUR/kg",
    "components": {"a": {"kind": "boiler", "heat": "1 kW"}, "b": {"kind": "battery", "size": "2"},
                   "jobs": {"jobs": [{"power": "1 kW"}, {"power": "2 kW"}]}},
}  # fmt: skip
PATHS = ("carbon_price", "components.a.heat", "components.b.size", "components.jobs.jobs.1.power")

values = st.lists(st.integers(0, 9).map(lambda n: f"{n} kW"), min_size=1, max_size=4, unique=True)
axes = st.dictionaries(st.sampled_from(PATHS), values, min_size=1, max_size=3)


def scenarios(*parts):
    spec = StudySpec.model_validate({"name": "n", "district": "d", "vary": list(parts)})
    return expand(spec, BASE, str)


def tree_of(scenario, base=BASE):
    for setting in scenario.settings:
        base = change(base, setting.path, setting.value)
    return base


@given(axes)
def test_a_grid_has_every_combination_once(axes):
    found = scenarios({"grid": axes})
    number = 1
    for listed in axes.values():
        number *= len(listed)
    assert len(found) == number
    assert len({scenario.name for scenario in found}) == number
    assert len({tuple(s.varied.items()) for s in found}) == number
    for scenario in found:
        assert all(scenario.varied[path] in listed for path, listed in axes.items())


@given(st.integers(1, 5), st.sets(st.sampled_from(PATHS), min_size=1))
def test_a_list_takes_values_together(number, paths):
    columns = {path: [f"{i} kW" for i in range(number)] for path in sorted(paths)}
    found = scenarios({"list": columns})
    assert len(found) == number
    for i, scenario in enumerate(found):
        assert set(scenario.varied.values()) == {f"{i} kW"}


@given(axes, st.integers(1, 3))
def test_parts_are_combined_and_alternatives_are_not(axes, number):
    free = [path for path in PATHS if path not in axes]
    part = {"grid": axes}
    alone = len(scenarios(part))
    if free:
        other = {"list": {free[0]: [f"{i} kW" for i in range(number)]}}
        assert len(scenarios(part, other)) == alone * number
        assert len(scenarios({"either": [[part], [other]]})) == alone + number
    assert len(scenarios({"either": [[part], [part]]})) == 2 * alone


@given(st.sampled_from(["sobol", "latin hypercube"]), st.integers(1, 40), st.integers(0, 99),
       st.integers(-5, 5), st.integers(0, 20))  # fmt: skip
def test_samples_lie_in_their_ranges_and_a_seed_gives_the_same(method, count, seed, low, width):
    ranges = {"components.a.heat": [f"{low} kW", f"{low + width} kW"], "components.b.size": [0, 1]}
    part = {"sample": {"method": method, "count": count, "seed": seed, "ranges": ranges}}
    found = scenarios(part)
    assert len(found) == count and len({s.name for s in found}) == count
    for scenario in found:
        number, unit = number_and_unit(scenario.varied["components.a.heat"])
        assert unit == "kW" and low <= number <= low + width
        assert 0 <= scenario.varied["components.b.size"] <= 1
    assert found == scenarios(part)


def test_a_latin_hypercube_meets_every_part_of_a_range_once():
    part = {"sample": {"method": "latin hypercube", "count": 10, "seed": 3,
                       "ranges": {"components.a.heat": ["0 kW", "10 kW"]}}}  # fmt: skip
    numbers = [number_and_unit(s.varied["components.a.heat"])[0] for s in scenarios(part)]
    assert sorted(int(n) for n in numbers) == list(range(10))


def test_ends_of_a_range_may_be_in_two_units_of_a_kind():
    part = {"sample": {"method": "sobol", "count": 8, "seed": 0,
                       "ranges": {"components.a.heat": ["500 kW", "1 MW"]}}}  # fmt: skip
    for scenario in scenarios(part):
        number, unit = number_and_unit(scenario.varied["components.a.heat"])
        assert unit == "kW" and 500 <= number <= 1000


def test_no_variation_is_the_base_alone_and_names_say_what_is_set():
    assert [(s.name, s.settings) for s in scenarios()] == [("base", ())]
    grid = {"grid": {"components.a.heat": ["1 kW", "2 kW"], "carbon_price": ["0 EUR/kg"]}}
    assert [s.name for s in scenarios(grid)] == [
        "a.heat=1 kW, carbon_price=0 EUR/kg", "a.heat=2 kW, carbon_price=0 EUR/kg"]  # fmt: skip
    named = {"scenarios": {"as is": {}, "small": {"components.a.heat": "1 kW"}}}
    assert [s.name for s in scenarios(named)] == ["as is", "small"]


@given(axes)
def test_a_patch_makes_the_changed_tree_and_leaves_the_rest_the_same_object(axes):
    for scenario in scenarios({"grid": axes}):
        changed = tree_of(scenario)
        again = patched(BASE, difference(BASE, changed))
        assert again == changed
        touched = {s.path[1] for s in scenario.settings if s.path[0] == "components"}
        for name, entry in BASE["components"].items():
            if name not in touched:
                assert again["components"][name] is entry


def test_null_removes_and_a_new_entry_is_added():
    assert "b" not in change(BASE, ("components", "b"), None)["components"]
    made = change(BASE, ("components", "c"), {"kind": "pv"})
    assert made["components"]["c"] == {"kind": "pv"} and "c" not in BASE["components"]


# hashes -----------------------------------------------------------------------------------------


def test_the_same_question_has_the_same_key_wherever_it_is_asked(repository, tmp_path, write):
    """Another folder, another order of keys: no other key. Another byte of the data: another."""
    first = read_study(write())
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(repository / "data" / "tiny", elsewhere / "data" / "tiny")
    (elsewhere / "models").mkdir()
    copy = elsewhere / "models" / "tiny.yaml"
    shutil.copy(repository / "models" / "tiny.yaml", copy)
    assert set(read_study(write(district=copy)).tasks) == set(first.tasks)
    table = elsewhere / "data" / "tiny" / "series.csv"
    table.write_text(table.read_text() + "\n# a remark\n")
    assert not set(read_study(write(district=copy)).tasks) & set(first.tasks)


def test_order_of_keys_is_no_difference_and_everything_else_is(tmp_path):
    digests = Digests(tmp_path)
    base, _ = digests.district({"a": {"x": 1, "y": "2"}, "b": "c"})
    assert digests.district({"b": "c", "a": {"y": "2", "x": 1}})[0] == base
    for other in ({"a": {"x": 1, "y": 2}, "b": "c"}, {"a": {"x": 1}, "b": "c"},
                  {"a": {"x": 1, "y": "2"}, "b": {"": "c"}},
                  {"a": {"x": 1, "y": "2"}}):  # fmt: skip
        assert digests.district(other)[0] != base
    route, outputs = RouteSpec(route="lp"), OutputsSpec()
    keys = {key_of(base, route, outputs), key_of(base, RouteSpec(route="milp"), outputs),
            key_of(base, RouteSpec(route="lp", gap=0.1), outputs),
            key_of(base, route, OutputsSpec(plans=True))}  # fmt: skip
    assert len(keys) == 4


def test_hashes_do_not_change_by_themselves(tmp_path, monkeypatch):
    """Written down once: a change means that no machine finds again what it has stored."""
    monkeypatch.setattr(cg, "__version__", "0")
    tree = {"name": "x", "components": {"b": {"kind": "boiler", "heat": "1 kW"},
                                        "a": {"price": [1, 2.5, None, True]}}}  # fmt: skip
    digest, files = Digests(tmp_path).district(tree)
    assert digest == "886772055af1a3f15b1588a7362dbc4e6c8adefff7d99f19243dc4285686c279"
    assert files == {}
    key = key_of(digest, RouteSpec(route="lp"), OutputsSpec())
    assert key == "fbb2f6bd38cfb345840dc2fffc3288bcb898317a87cab3699c9af718cd8bd8f5"


def test_the_same_scenario_twice_is_one_task_and_two_rows(write, run):
    done = run(write("""
        - scenarios:
            first: {carbon_price: 0.10 EUR/kg}
            second: {carbon_price: 0.10 EUR/kg}
            the base says so: {}
            another: {carbon_price: 0.20 EUR/kg}
    """))  # fmt: skip
    assert (done.tasks, done.computed, len(done.rows)) == (2, 2, 4)
    first, second, third, other = done.rows
    assert first["key"] == second["key"] == third["key"] != other["key"]
    assert first["objective_eur"] == second["objective_eur"] == pytest.approx(56.0)
    assert [row["scenario"] for row in done.rows] == ["first", "second", "the base says so",
                                                      "another"]  # fmt: skip


def test_a_function_changes_every_district_and_counts_in_the_key(write, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("halving_prices.py").write_text(
        "def halve(tree, scenario):\n"
        "    assert scenario['name'] and isinstance(scenario['varied'], dict)\n"
        "    tree['components']['gas']['price'] = '0.07 EUR/kWh'\n"
        "    return tree\n"
    )
    path = write(vary="")
    plain = run(path)
    halved = run(path, out="halved", function="halving_prices:halve")
    assert plain.rows[0]["key"] != halved.rows[0]["key"]
    assert halved.rows[0]["objective_eur"] < plain.rows[0]["objective_eur"]
