"""Wrong study files: every fault at once, at its line, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from citygrid.errors import InputError
from citygrid.study.conduct import conduct
from citygrid.study.execution.local import Processes, Serial
from citygrid.study.scenarios.reading import load_function, read_study
from citygrid.study.scenarios.schema import study_schema
from citygrid.study.table import read_results


def refused(path: Path, **more) -> str:
    with pytest.raises(InputError) as error:
        read_study(path, **more)
    return "\n".join(str(fault) for fault in error.value.faults)


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ("- grid: {components.batery.capacity: [1 kWh]}", ["no such path", "batery"]),
        ("- grid: {components.heat pumpp.heat: [1 kW]}", ['did you mean "heat pump"']),
        ("- grid: {components.heat pump.heatt: [1 kW]}", ["unknown key", "heatt", "heat"]),
        ("- grid: {name.x: [1]}", ["single value", "vary name as a whole"]),
        ("- grid: {components.jobs.jobs.7.power: [1 kW]}", ["list of 1 item,"]),
        ("- grid: {components..heat: [1 kW]}", ["no path"]),
        ("- grid: {components.no such thing: [null]}", ["nothing there to remove"]),
        ("- grid: {components.heat pump.heat: [-5 kW, 40 kW]}", ["must be at least 0 kW", "-5 kW"]),
        ("- grid: {components.heat pump.heat: [5 EUR]}", ["power", "5 EUR", "heat=5 EUR"]),
        ("- grid: {components.heat pump.heat: []}", ["at least 1 item"]),
        ("- list: {carbon_price: [0 EUR/kg], components.gas.price: [1 EUR/kWh, 2 EUR/kWh]}",
         ["lists of 1, 2 values"]),
        ("- {}", ["says nothing", "exactly one"]),
        ('- scenarios: {"": {carbon_price: 0 EUR/kg}}', ["without a name"]),
        ("- {grid: {carbon_price: [0 EUR/kg]}, list: {carbon_price: [0 EUR/kg]}}",
         ["says grid and list"]),
        ("- grid: {carbon_price: [0 EUR/kg]}\n- list: {carbon_price: [1 EUR/kg]}",
         ["two parts set this", "carbon_price"]),
        ("- grid: {components.heat pump.heat: [9 kW]}\n"
         "- scenarios: {a: {components.heat pump: null}}",
         ["two parts set this"]),
        ("- sample: {method: sobl, count: 3, ranges: {carbon_price: [0 EUR/kg, 1 EUR/kg]}}",
         ["not one of the choices", "sobl"]),
        ("- sample: {method: sobol, count: 0, ranges: {carbon_price: [0 EUR/kg, 1 EUR/kg]}}",
         ["count"]),
        ("- sample: {method: sobol, count: 2, ranges: {carbon_price: [1 EUR/kg, 0 EUR/kg]}}",
         ["lowest value is above"]),
        ("- sample: {method: sobol, count: 2, ranges: {carbon_price: [low, high]}}",
         ["no number with a unit"]),
        ("- sample: {method: sobol, count: 2, ranges: {carbon_price: [0 EUR/kg, 1 kW]}}",
         ["write both in one unit"]),
        ("- grid: {series.price.file: [nowhere.csv]}", ["nowhere.csv"]),
        ("- grid: {components.gas: [{kind: gas station}]}", ["unknown kind", "gas station"]),
        ("- vary: {carbon_price: [0 EUR/kg]}", ["unknown key", "vary"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_place_and_repair(write, vary, words):
    told = refused(write(vary))
    for word in words:
        assert word in told, told
    assert "study.yaml:" in told, told


def test_all_faults_are_told_at_once(write):
    told = refused(write("""
        - grid:
            components.batery.capacity: [1 kWh]
            components.heat pump.nothing.else: [2 kW]
    """, routes="[milpp, lp, lp]"))  # fmt: skip
    for word in ("batery", "nothing", "milpp", "stands above already"):
        assert word in told, told
    assert len(told.splitlines()) == 4


def test_a_refused_value_names_its_line_and_the_scenarios_that_have_it(write):
    told = refused(write("""
        - grid:
            components.heat pump.heat: [40 kW, -1 kW]
            carbon_price: [0 EUR/kg, 1 EUR/kg, 2 EUR/kg, 3 EUR/kg, 4 EUR/kg]
    """))  # fmt: skip
    assert len(told.splitlines()) == 1
    assert "study.yaml:6" in told and "and 2 more" in told and "“heat pump.heat=-1 kW" in told


def test_a_broken_base_is_told_once_with_the_line_that_names_it(write, tmp_path):
    (tmp_path / "base.yaml").write_text("name: x\nname: y\n")
    told = refused(write(district="base.yaml"))
    assert "study.yaml:2" in told and "written twice" in told
    assert "no such file" in refused(write(district="missing.yaml"))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("limits: {time: 60}", "needs its unit"),
        ("limits: {time: 0 s}", "longer than nothing"),
        ("limits: {memory: 4}", "not an amount of memory"),
        ("limits: {memory: 4 apples}", "not an amount of memory"),
        ("limits: {memory: 1 kB}", "not an amount of memory"),
        ("limits: {retries: -1}", "retries"),
        ("outputs: {tables: [everything]}", "not one of the choices"),
        ("outputs: {plans: perhaps}", "plans"),
    ],
)
def test_limits_and_outputs_are_checked(write, more, word):
    assert word in refused(write(more=more))


@pytest.mark.parametrize(
    ("routes", "word"),
    [
        ("[{route: milp, gap: -1}]", "gap"),
        ("[{route: milp, time_limit: 5}]", "needs its unit"),
        ("[{route: milp, settings: {nonsense: 1}}]", "nonsense"),
        ("[{route: hybrid, sampler: nael}]", "nael"),
        ("[{gap: 0.1}]", "lacks `route`"),
        ("[]", "at least 1 item"),
    ],
)
def test_routes_are_checked_before_anything_runs(write, routes, word):
    assert word in refused(write(routes=routes))


def test_functions_that_fail_are_told_as_such(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("study_functions_of_a_test.py").write_text(
        "def fails(tree, scenario):\n    return 1 / 0\n"
        "def returns_nothing(tree, scenario):\n    tree.clear()\n"
        "number = 3\n"
    )
    module = "study_functions_of_a_test"
    assert "ZeroDivisionError" in refused(write(), function=f"{module}:fails")
    assert "return tree" in refused(write(), function=f"{module}:returns_nothing")
    for name in ("", "nothing", "no_such_module:f", f"{module}:missing", f"{module}:number"):
        with pytest.raises(InputError, match="--function"):
            load_function(name)


def test_a_file_cannot_name_a_function(write):
    assert "unknown key" in refused(write(more="function: os:system"))


def test_nothing_is_left_of_a_study_that_was_refused(write, tmp_path):
    with pytest.raises(InputError):
        conduct(read_study(write(routes="[nothing]")), tmp_path / "out", Serial())
    assert not (tmp_path / "out").exists()


def test_hard_limits_need_a_process_to_kill(write, tmp_path):
    with pytest.raises(InputError, match="at least one worker"):
        conduct(read_study(write(more="limits: {time: 1 h}")), tmp_path / "out", Serial())
    assert not (tmp_path / "out").exists()


def test_a_folder_serves_one_study_at_a_time_and_resume_wants_one(write, tmp_path):
    from citygrid.study.store import Store

    study = read_study(write())
    with pytest.raises(InputError, match="holds no study"):
        conduct(study, tmp_path / "out", Serial(), resume=True)
    with (
        Store.conducting(tmp_path / "out"),
        pytest.raises(InputError, match="another study is being run"),
    ):
        conduct(study, tmp_path / "out", Processes(1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "study.sqlite").write_text("no database, but a text that is long enough")
    with pytest.raises(InputError, match="cannot be used"):
        conduct(study, tmp_path / "other", Serial())


def test_the_schema_takes_what_the_reader_takes(write, repository):
    schema = study_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in [write(), *(repository / "models" / "studies").glob("*.yaml")]:
        assert list(validator.iter_errors(yaml.safe_load(path.read_text()))) == []
    assert list(validator.iter_errors({"name": "x"})) != []
    shipped = repository / "models" / "studies" / "study.schema.json"
    assert json.loads(shipped.read_text("utf-8")) == schema, "citygrid schema --study --out it"


def test_the_shipped_study_has_no_fault(repository):
    study = read_study(repository / "models" / "studies" / "tariff_and_battery.yaml")
    assert (len(study.scenarios), len(study.tasks)) == (24, 48)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
    ],
)
def test_a_module_that_does_not_import_is_refused_whatever_it_does(
    write, tmp_path, monkeypatch, body, word
):
    """`sys.exit(0)` in a user's module would end the command with 0, as if the study were done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"ends_by_{word}.py").write_text(body + "\n")
    told = refused(write("- grid: {carbon_price: [0 EUR/kg]}"), function=f"ends_by_{word}:f")
    assert word in told
    assert "correct the module" in told


@pytest.mark.parametrize("name", ["..x:f", ".:f", "../x:f", "a.:f", "a:b.c", "a"])
def test_what_is_no_import_path_is_refused(name):
    with pytest.raises(InputError, match="is no import path"):
        load_function(name)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit(0)", ["failed in scenario", "SystemExit"]),
        ("raise RuntimeError('one\\ntwo')", ["RuntimeError: one two"]),
        ("tree['name'] = object(); return tree", ["no district file can say", "TypeError"]),
        ("tree['name'] = tree; return tree", ["no district file can say", "Circular"]),
        ("tree[1] = 2; return tree", ["no district file can say"]),
    ],
)
def test_a_function_that_ends_or_returns_nonsense_is_told_in_one_line(
    write, tmp_path, monkeypatch, body, words
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "nonsense_of_users", raising=False)
    (tmp_path / "nonsense_of_users.py").write_text(f"def f(tree, scenario):\n    {body}\n")
    # Python looks at times of files, and this one is written anew within a second.
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    told = refused(write("- grid: {carbon_price: [0 EUR/kg]}"), function="nonsense_of_users:f")
    assert all(word in told for word in words)
    assert "\n" not in told


def test_a_district_in_place_of_a_study_is_told_as_such():
    told = refused(Path("models/tiny.yaml"))
    assert "is a district and no study" in told


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("column: heat", "column: heet", ["heet", "heat [kW]"]),
        ("length: 3 h", "length: 30 h", ["horizon"]),
        ("03:00Z", "05:00Z", ["render", "its window leaves the horizon"]),
    ],
)
def test_data_that_fail_every_scenario_are_told_before_anything_runs(
    write, tmp_path, repository, before, after, words
):
    """A missing column used to be told a thousand times, by each scenario that had been sent."""
    text = (repository / "models" / "tiny.yaml").read_text().replace("../data", "data")
    assert before in text
    (tmp_path / "base.yaml").write_text(text.replace(before, after))
    (tmp_path / "data").symlink_to(repository / "data")
    told = refused(write(district="base.yaml"))
    assert all(word in told for word in words), told
    assert all("(in scenario “heat pump.heat=40 kW" in line and "and 3 more)" in line
               for line in told.splitlines())  # fmt: skip


def test_data_that_fail_one_scenario_are_told_in_its_row(write, run):
    done = run(write("- grid: {series.price.column: [prise, price]}", routes="[lp]"))
    assert [row["status"] for row in done.rows] == ["refused", "relaxed"]
    assert (
        "tiny.yaml: series › price: " in done.rows[0]["error"] and "prise" in done.rows[0]["error"]
    )
    told = refused(write("- grid: {series.price.column: [prise, proce]}"))
    assert "prise" in told and "proce" in told and "“column=proce”" in told


def test_resume_goes_on_with_the_same_study_or_a_larger_one_alone(write, run, tmp_path):
    first = "- grid: {carbon_price: [0 EUR/kg, 1 EUR/kg]}"
    run(write(first, routes="[lp]"))
    larger = "- grid: {carbon_price: [1 EUR/kg, 2 EUR/kg, 0 EUR/kg]}"
    assert run(write(larger, routes="[lp, milp]"), resume=True).computed == 4
    before = read_results(tmp_path / "out")
    for vary, routes in (
        (first, "[lp]"),
        (larger, "[milp]"),
        (larger, "[{route: lp, seed: 1}, milp]"),
    ):
        with pytest.raises(InputError, match="holds another study") as error:
            run(write(vary, routes=routes, name="other.yaml"), resume=True)
        told = str(error.value)
        assert "“a test” of study.yaml" in told and "other.yaml" in told
        assert read_results(tmp_path / "out").equals(before)
    assert run(write(first, routes="[lp]"), resume=False).known == 2


def test_resume_says_that_another_version_has_other_results(write, run, monkeypatch):
    run(write("- grid: {carbon_price: [0 EUR/kg]}", routes="[lp]"))
    monkeypatch.setattr("citygrid.__version__", "99.0")
    with pytest.raises(InputError, match=r"none of 99\.0"):
        run(write("- grid: {carbon_price: [0 EUR/kg]}", routes="[lp]"), resume=True)
