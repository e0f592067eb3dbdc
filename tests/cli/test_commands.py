"""The command line as a person or a script meets it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from citygrid.cli import main

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "models" / "tiny.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("planned")
    result = run("plan", TINY, "--out", folder, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), folder


def test_check_says_what_the_district_holds():
    result = run("check", TINY)
    assert result.exit_code == 0
    assert "no fault" in result.stdout


def test_plan_prints_exactly_one_json_document_with_the_promised_keys(planned):
    document, _ = planned
    assert {"model", "model_hash", "form_hash", "route", "seed", "status", "objective", "bound",
            "gap", "size", "seconds", "verdict", "kpis", "files"} <= set(document)  # fmt: skip
    assert set(document["size"]) == {"columns", "rows", "nonzeros", "binaries"}
    assert set(document["seconds"]) == {
        "load", "prepare", "formulate", "queue", "solve", "verify", "total"
    }  # fmt: skip
    assert document["verdict"]["ok"] and document["verdict"]["largest_violation"] <= 1e-6
    assert document["gap"] <= 1e-3


def test_plan_writes_the_files_it_names(planned):
    document, folder = planned
    for path in document["files"].values():
        assert Path(path).stat().st_size > 0
    assert not list(folder.glob(".partial-*"))


def test_verify_accepts_the_stored_plan(planned):
    document, _ = planned
    result = run("verify", document["files"]["plan"], "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["verdict"]["ok"]


def test_verify_finds_a_flow_scaled_by_one_percent_with_exit_5(planned, tmp_path):
    document, _ = planned
    from citygrid.plan.plan import Plan

    plan = Plan.load(document["files"]["plan"])
    name = "heat_demand.served"
    flows = plan.dataset.copy(deep=True)
    flows[name] = flows[name] * 1.01
    Plan(plan.case, flows).save(tmp_path / "bent.nc")
    result = run("verify", tmp_path / "bent.nc")
    assert result.exit_code == 5
    assert "BROKEN" in result.stdout and "heat" in result.stdout and "kW" in result.stdout


def test_compare_shows_both_routes_verified_on_one_form(tmp_path):
    result = run("compare", TINY, "--routes", "milp,hybrid", "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [entry["route"] for entry in document["routes"]] == ["milp", "hybrid"]
    assert all(entry["verdict"]["ok"] for entry in document["routes"])
    assert len({entry["form_hash"] for entry in document["routes"]}) == 1
    assert Path(document["files"]["report"]).is_file()
    assert Path(document["files"]["routes"]).is_file()


def test_export_writes_every_format(planned, tmp_path):
    document, _ = planned
    result = run("export", document["files"]["plan"], "--to", "gpkg,geojson,csv,parquet",
                 "--out", tmp_path, "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["files"]) == {"gpkg", "geojson", "csv", "parquet"}


def test_unknown_format_is_refused_with_the_known_ones(planned, tmp_path):
    document, _ = planned
    result = run("export", document["files"]["plan"], "--to", "shp", "--out", tmp_path)
    assert result.exit_code == 2
    assert "geojson" in result.output


def test_unknown_route_is_refused_with_the_known_ones(tmp_path):
    result = run("plan", TINY, "--route", "magic", "--out", tmp_path)
    assert result.exit_code == 2
    assert "milp" in result.output and "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_options_of_a_solver_are_taken_from_the_command_line(tmp_path):
    result = run("compare", TINY, "--routes", "milp,hybrid", "--set", "hybrid.rounds=1",
                 "--set", "milp.mip_heuristic_effort=0.1", "--out", tmp_path)  # fmt: skip
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["rounds=2"], ["rounds", "no such option of HiGHS"]),
        (["hybrid.sweep=2"], ["sweep", "sweeps"]),
        (["sweeps"], ["NAME=VALUE"]),
        (["hybrid.reads=2", "hybrid.reads=3"], ["twice"]),
        (["hybrid.reads=0", "milp.mip_rel_gap=1"], ["reads", "--gap"]),
    ],
)
def test_options_that_no_route_has_are_refused_before_anything_is_solved(tmp_path, given, words):
    flags = [part for text in given for part in ("--set", text)]
    result = run("compare", TINY, "--routes", "milp,hybrid", *flags, "--out", tmp_path)
    assert result.exit_code == 2
    assert all(word in result.output for word in words), result.output
    assert "Traceback" not in result.output and not list(tmp_path.iterdir())


RULES = """
import pyomo.environ as pyo

def rest(model):
    hour = "2023-01-16T02:00Z"
    model.rest = pyo.Constraint(expr=model.data_center_compute["data centre", hour] <= 0)

def curve(model):
    model.curve = pyo.Constraint(expr=sum(v**2 for v in model.boiler_heat.values()) <= 3)
"""


def test_policies_named_on_the_command_line_are_obeyed_and_stand_in_the_plan(tmp_path):
    (tmp_path / "rules.py").write_text(RULES)
    out = tmp_path / "out"
    result = run("compare", TINY, "--policy", tmp_path / "rules.py:rest", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    for entry in json.loads(result.stdout)["routes"]:
        assert entry["objective"] == pytest.approx(62.0) and entry["verdict"]["ok"]
        assert [policy["rows"] for policy in entry["policies"]] == [["policy.rest"]]
    checked = run("verify", out / "hybrid" / "plan.nc")
    assert "rules.py:rest" in checked.stdout and "policy.rest" in checked.stdout
    assert "rules.py:rest" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("named", "words"),
    [("curve", "not linear"), ("none", "choose one of rest, curve"), ("", "2 functions")],
)
def test_policies_that_cannot_be_imposed_end_with_exit_2_and_no_file(tmp_path, named, words):
    (tmp_path / "rules.py").write_text(RULES)
    policy = f"{tmp_path / 'rules.py'}{':' if named else ''}{named}"
    result = run("plan", TINY, "--policy", policy, "--out", tmp_path / "out")
    assert result.exit_code == 2 and words in result.output, result.output
    assert "Traceback" not in result.output and not (tmp_path / "out").exists()


def test_route_that_left_everything_to_highs_says_so_where_its_figures_stand(tmp_path):
    """Without jobs there is nothing to choose; the table, its file and the page say so."""
    bare = tmp_path / "bare.yaml"
    bare.write_text(
        """
name: bare
horizon: {start: 2023-01-16T00:00Z, length: 3 h}
nodes: {here: {}}
components:
  homes: {kind: heat_demand, node: here, load: 30 kW}
  boiler: {kind: boiler, node: here, heat: 100 kW}
  gas: {kind: fuel, node: here, price: 60 EUR/MWh}
""",
        encoding="utf-8",
    )
    result = run("compare", bare, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "not by its own means: nothing to choose" in result.output
    table = (tmp_path / "routes.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].endswith("milps_by_highs,fell_back")
    assert table[1].endswith(",0,") and "nothing to choose" in table[2]
    assert "nothing to choose" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("kind: fuel", "kind: fule", ["unknown kind", "fuel"]),
        ("carbon_price:", "carbon_prize:", ["unknown key", "carbon_price"]),
    ],
)
def test_faults_name_file_line_value_and_repair(tmp_path, written, instead, words):
    text = TINY.read_text(encoding="utf-8")
    assert written in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace(written, instead, 1).replace("../data", str(ROOT / "data")),
                   encoding="utf-8")  # fmt: skip
    result = run("plan", bad, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["error"]["exit_code"] == 2
    message = " ".join(document["error"]["faults"])
    assert "bad.yaml:" in message
    assert all(word in message for word in words)
    assert not (tmp_path / "out").exists()


def test_missing_model_and_unreadable_plan_are_refused(tmp_path):
    assert run("plan", tmp_path / "none.yaml").exit_code == 2
    broken = tmp_path / "plan.nc"
    broken.write_bytes(b"\x89HDF\r\n\x1a\n not a plan")
    result = run("verify", broken)
    assert result.exit_code == 2 and "Traceback" not in result.output
    xr.Dataset({"x": 1}).to_netcdf(broken)
    assert run("verify", broken).exit_code == 2


def test_infeasible_district_says_which_balance_lacks_how_much(tmp_path):
    bad = tmp_path / "cold.yaml"
    bad.write_text(
        """
name: cold
horizon: {start: 2023-01-16T00:00Z, length: 3 h}
nodes: {here: {}}
components:
  homes: {kind: heat_demand, node: here, load: 130 kW}
  boiler: {kind: boiler, node: here, heat: 100 kW}
  gas: {kind: fuel, node: here, price: 60 EUR/MWh}
""",
        encoding="utf-8",
    )
    result = run("plan", bad, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "heat" in result.output and "here" in result.output and "30 kW" in result.output
    assert "2023-01-16T00:00Z" in result.output
    assert not (tmp_path / "out").exists()


def test_help_loads_no_heavy_library():
    heavy = [
        "numpy",
        "pandas",
        "xarray",
        "pydantic",
        "pint",
        "scipy",
        "highspy",
        "pyomo",
        "dimod",
        "geopandas",
    ]
    code = (
        "import sys; from citygrid.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([n for n in {heavy} if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def shell(*arguments: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """A program of its own: what solvers print past Python shows here alone."""
    return subprocess.run(
        [sys.executable, "-c", "from citygrid.cli import main; main()", *map(str, arguments)],
        capture_output=True, text=True, cwd=ROOT, **kwargs,
    )  # fmt: skip


@pytest.mark.parametrize("route", ["milp", "pyomo:highs"])
def test_a_solvers_log_goes_to_stderr_and_not_into_the_json(tmp_path, route):
    done = shell("plan", TINY, "--route", route, "--verbose", "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["objective"] == pytest.approx(56.0)
    assert "HiGHS" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("plan", TINY, "--gap", "nan"), ("plan", TINY, "--time-limit", "nan"),
                  ("plan", TINY, "--seed", "x"), ("check",)],
)  # fmt: skip
def test_usage_errors_are_one_json_document_too(arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["exit_code"] == 2


@pytest.mark.parametrize(
    ("sampler", "code"), [(":x", 2), ("dimod:NullSampler", 4), ("os:getcwd", 2)]
)
def test_what_is_no_sampler_is_refused_in_words(tmp_path, sampler, code):
    """A sampler that samples nothing is found out when it is asked: no plan within the limits."""
    result = run("plan", TINY, "--route", "hybrid", "--sampler", sampler, "--out", tmp_path)
    assert result.exit_code == code and isinstance(result.exception, SystemExit)
    assert "sampler" in result.stderr


@pytest.mark.parametrize("route", ["milp", "hybrid:random", "pyomo:highs"])
def test_a_sampler_that_no_route_would_ask_is_refused(tmp_path, route):
    result = run("plan", TINY, "--route", route, "--sampler", "neal", "--out", tmp_path)
    assert result.exit_code == 2 and f"{route} asks no annealer" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "blocked"),
    [("plan", "out"), ("plan", "out/plan.nc/x"), ("plan", "out/report.html/x"),
     ("compare", "out"), ("compare", "out/hybrid"), ("compare", "out/milp/plan.gpkg/x")],
)  # fmt: skip
def test_files_that_cannot_be_written_are_refused_before_anything_is_solved(
    tmp_path, monkeypatch, command, blocked
):  # fmt: skip
    """What stands in the way: a file where a folder has to be, or a folder where a file has to."""
    (tmp_path / blocked).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / blocked).write_text("mine")
    monkeypatch.setattr("citygrid.verbs.solve", lambda *given: pytest.fail("solved for nothing"))
    result = run(command, TINY, "--out", tmp_path / "out")
    assert result.exit_code == 2 and str(tmp_path / "out") in result.stderr, result.output
    assert "name another file or folder" in result.stderr
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / blocked]


def test_plans_that_an_earlier_run_left_are_named_and_kept(tmp_path):
    run("compare", TINY, "--out", tmp_path)
    older = [str(tmp_path / "hybrid" / name) for name in ("plan.gpkg", "plan.nc")]
    again = run("compare", TINY, "--routes", "milp,pyomo:highs", "--out", tmp_path, "--json")
    assert sorted(json.loads(again.stdout)["left_from_before"]) == older
    said = run("compare", TINY, "--routes", "milp,hybrid:random", "--out", tmp_path).stdout
    assert "from an earlier run, not in this report" in said and older[0] in said
    assert all(Path(path).exists() for path in older)
    fresh = run("plan", TINY, "--out", tmp_path / "fresh", "--json")
    assert json.loads(fresh.stdout)["left_from_before"] == []


def test_a_reader_that_leaves_is_no_error():
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -c 'from citygrid.cli import main; main()' schema | true",
        shell=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stderr == ""


def test_controls_get_the_time_that_hybrid_took_and_the_same_seeds(tmp_path):
    result = run("compare", ROOT / "models" / "tiny.yaml", "--routes", "milp", "--controls",
                 "--seeds", "3,4", "--out", tmp_path, "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["seeds"] == [3, 4]
    runs = {(each["route"], each["seed"]): each for each in document["routes"]}
    assert len(runs) == len(document["routes"]) == 12
    for (route, seed), each in runs.items():
        if route.startswith("hybrid:"):
            taken = runs["hybrid", seed]["telemetry"]["seconds"]["total"]
            assert each["time_given"] == taken > 0
        else:
            assert each["time_given"] is None
    standings = {each["route"]: each for each in document["comparison"]["standings"]}
    assert all(each["seeds"] == 2 for each in standings.values())
    assert document["comparison"]["best_bound"] == pytest.approx(56.0, abs=1e-3)
    assert "Here " in document["comparison"]["decision"]
    for control in ("random", "greedy", "rounding", "raw"):
        assert standings[f"hybrid:{control}"]["says"].startswith(f"{control} ")
    # Plans are the first seed's; the table has a line for every run.
    lines = (tmp_path / "routes.csv").read_text("utf-8").splitlines()
    assert len(lines) == 13 and "beside_hybrid" in lines[0]
    assert (tmp_path / "hybrid" / "plan.nc").is_file()


def test_a_table_of_several_seeds_says_of_which_it_is(tmp_path):
    several = run("compare", TINY, "--routes", "milp", "--seeds", "3,4", "--out", tmp_path)
    assert several.exit_code == 0, several.output
    first = several.stdout.splitlines()
    assert first[2] == "seed 3; of all seeds below" and first[3].startswith("route")
    assert "side by side, medians over the seeds 3, 4" in several.stdout
    alone = run("compare", TINY, "--routes", "milp", "--out", tmp_path)
    assert "\nseed " not in alone.stdout


@pytest.mark.parametrize("seeds", ["", "x", "1.5", "-1", "0", "1,,x", "99999999999,1"])
def test_seeds_that_are_none_are_refused(tmp_path, seeds):
    result = run("compare", TINY, "--seeds", seeds, "--out", tmp_path)
    assert result.exit_code == 2
    assert "--seeds" in result.output and "Traceback" not in result.output


def test_a_number_of_seeds_counts_on_from_the_seed():
    from citygrid.cli.options import seeds_of

    assert seeds_of("3", 7) == [7, 8, 9]
    assert seeds_of("5,2,5,", 7) == [5, 2]
    assert seeds_of(None, 7) == [7]


def test_a_control_without_a_plan_is_a_result_and_hybrid_without_one_is_not(tmp_path, monkeypatch):
    from citygrid import verbs
    from citygrid.errors import Fault, NoPlanError

    solve, helpless = verbs.solve, {"hybrid:raw"}

    def perhaps(form, route="milp", options=None):
        if route in helpless:
            failure = NoPlanError(Fault(f"route {route}", "found no plan"))
            failure.telemetry = {"seconds": {"total": 60.0}}
            raise failure
        return solve(form, route, options)

    monkeypatch.setattr(verbs, "solve", perhaps)
    asked = ("compare", TINY, "--routes", "hybrid", "--controls", "--out", tmp_path)
    result = run(*asked)
    assert result.exit_code == 0, result.output
    assert "raw found no plan" in result.output
    helpless.add("hybrid")
    result = run(*asked)
    assert result.exit_code == 4 and "greedy is better: hybrid found no plan" in result.output
    # Nobody has a plan: the page says that much.
    monkeypatch.setattr(verbs, "solve", lambda *asked: perhaps(None, "hybrid"))
    assert run(*asked).exit_code == 4
    assert "No route found a plan" in (tmp_path / "report.html").read_text("utf-8")


def test_controls_need_hybrid():
    import citygrid
    from citygrid.errors import InputError

    with pytest.raises(InputError, match="controls need the route"):
        citygrid.compare_routes(TINY, ["milp", "hybrid:greedy"], controls=True)


def test_no_command_has_an_option_twice():
    """Two options of one name would let the one of all commands hide a command's own."""

    def found(command, words=()):
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from found(inner, (*words, name))
            return
        names = [name for each in command.params for name in (*each.opts, *each.secondary_opts)]
        yield from ((*words, name) for name in set(names) if names.count(name) > 1)

    assert list(found(main)) == []
