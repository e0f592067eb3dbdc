"""The race of routes: figures by hand, rows that stay, failures that are rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import citygrid
from citygrid.bench import Wish, anneal, benchmark_names
from citygrid.bench.anneal import store as store_module
from citygrid.bench.anneal.figures import beside, figures
from citygrid.bench.anneal.ladder import groups
from citygrid.bench.anneal.meter import Meter
from citygrid.bench.anneal.picture import gap_chart, scale_chart
from citygrid.bench.anneal.runner import EMPTY, Order, race
from citygrid.bench.anneal.store import KEY, Store, code
from citygrid.bench.anneal.table import print_figures
from citygrid.cli import main
from citygrid.errors import InputError
from citygrid.synthetic import CLASSES, Size

TINY = ("--size", "24x2x6")


def row(route, seed=1, cost=None, bound=None, used=10.0, trace=(), **more):
    """A row by hand; ``trace`` is (seconds, cost, bound)."""
    news = [{"seconds": at, "objective": c, "bound": b} for at, c, b in trace]
    asked = {
        "group": "S", "hours": 24, "sites": 2, "jobs": 6, "seed": seed, "route": route,
        "size": {"binaries": 100 * seed, "columns": 10}, "form_hash": f"form {seed}",
        "given": 10.0, "gap_asked": 0.0, "threads": 1, "code": "c", "machine": "m",
    }  # fmt: skip
    return {**asked, **EMPTY, "status": "feasible", "objective": cost, "bound": bound,
            "used": used, "trace": news, **more}  # fmt: skip


def two_seeds():
    """Two districts; milp proves 99 and 198, hybrid 97 and 190."""
    return [
        row("milp", 1, 100.0, 99.0, 10.0, [(4.0, 110.0, 95.0), (8.0, 100.0, 99.0)]),
        row("milp", 2, 200.0, 198.0, 10.0, [(6.0, 200.0, 190.0)]),
        row("hybrid", 1, 100.5, 97.0, 5.0, [(1.0, 102.0, 97.0), (2.0, 100.5, 97.0)]),
        row("hybrid", 2, 199.0, 190.0, 5.0, [(3.0, 210.0, 190.0), (4.0, 199.0, 190.0)]),
    ]


def test_gaps_and_times_are_medians_to_the_best_bound_of_each_district():
    found = figures(two_seeds())["groups"]["S"]
    assert found["binaries"] == 150.0 and found["proven_by"] == {"1": "milp", "2": "milp"}
    milp, hybrid = found["routes"]["milp"], found["routes"]["hybrid"]
    assert milp["gap"] == pytest.approx((1 / 100 + 2 / 200) / 2)
    assert hybrid["gap"] == pytest.approx((1.5 / 100.5 + 1 / 199) / 2)
    assert hybrid["own_gap"] == pytest.approx((3.5 / 100.5 + 9 / 199) / 2)
    # 5 %: milp at 8 s (110 is 10 % above 99) and 6 s; hybrid at 1 s and 4 s.
    assert milp["seconds_to_gap"]["5 %"] == 7.0 and hybrid["seconds_to_gap"]["5 %"] == 2.5
    # 1 %: on the first district hybrid never comes so near, so half of its seeds is no median.
    assert milp["seconds_to_gap"]["1 %"] == 7.0 and hybrid["seconds_to_gap"]["1 %"] is None
    assert milp["seconds_to_gap"]["0.1 %"] is None
    # By its own proof milp has 1 % at 8 s, and on the second district only at the end, at 10 s.
    assert milp["seconds_to_own_gap"]["1 %"] == 9.0
    assert found["hybrid_over_milp"]["5 %"] == pytest.approx(2.5 / 7.0)
    assert found["hybrid_over_milp"]["1 %"] is None


def test_hybrid_reaches_milps_last_plan_when_it_costs_no_more():
    reach = figures(two_seeds())["groups"]["S"]["hybrid_reaches_milps_last_plan"]
    # 199 ≤ 200 after 4 s; 100.5 never reaches 100: half of the seeds is no median.
    assert reach == {"seconds": None, "reached": 1, "seeds": 2, "milp_seconds": 10.0}


@pytest.mark.parametrize(
    ("costs", "says", "counts"),
    [((101.0, 202.0), "greedy is worse by 1 %", (0, 0, 2)),
     ((100.0, 200.0), "greedy ties", (0, 2, 0)),
     ((99.0, 199.0), "greedy is better by 0.75 %", (2, 0, 0)),
     ((None, None), "greedy found no plan", (0, 0, 2)),
     ((None, 199.0), "greedy is better by 0.5 %", (1, 0, 1))],
)  # fmt: skip
def test_controls_are_compared_district_by_district(costs, says, counts):
    hybrid = [row("hybrid", 1, 100.0), row("hybrid", 2, 200.0)]
    control = [row("hybrid:greedy", seed, cost) for seed, cost in zip((1, 2), costs, strict=True)]
    told = beside(control, hybrid)
    assert told["says"] == says
    assert (told["better"], told["ties"], told["worse"]) == counts
    json.dumps(told, allow_nan=False)


def test_blocks_are_shown_where_routes_tell_them():
    hybrid = [row("hybrid", 1, 100.0, by_block={"assignment": 1.0, "commitment": 2.0})]
    control = [row("hybrid:greedy", 1, 101.0, by_block={"assignment": 3.0})]
    assert beside(control, hybrid)["by_block"] == {
        "assignment": {"control": 3.0, "hybrid": 1.0},
        "commitment": {"control": None, "hybrid": 2.0},
    }
    assert beside([row("hybrid:greedy", 1, 101.0)], [row("hybrid", 1, 100.0)])["by_block"] is None


def test_a_route_that_failed_is_a_line_with_its_reason():
    broken = row("qubo", 1, used=None, reason="too many bits")
    found = figures([*two_seeds(), broken])
    text = print_figures(found)
    assert "qubo, seed 1: too many bits" in text
    line = next(line for line in text.splitlines() if line.startswith("qubo "))
    assert " 0/1 " in line and line.count("–") >= 9
    json.dumps(found, allow_nan=False)


def test_pictures_draw_medians_and_leave_out_what_is_not_there():
    from citygrid.bench.anneal.figures import bounds

    rows = two_seeds()
    chart = gap_chart("S", rows, bounds(rows))
    assert [line.name for line in chart.lines] == ["milp", "hybrid"]
    assert all(line.band for line in chart.lines)
    assert gap_chart("S", [row("qubo", 1, used=None)], {"form 1": (None, None)}) is None
    assert [line.name for line in scale_chart(figures(rows)["groups"]).lines] == ["milp"]


def test_rows_are_found_again_by_form_route_and_conditions_alone(tmp_path):
    store = Store(tmp_path / "runs.jsonl")
    kept = row("milp", 1, 100.0, 99.0)
    store.add(kept)
    store.add(row("hybrid", 1, 101.0, 97.0))
    store.add({**kept, "objective": 98.0})
    again = Store(tmp_path / "runs.jsonl")
    assert len(again) == 2 and again.find(kept)["objective"] == 98.0
    for name in KEY:
        assert again.find({**kept, name: "other"}) is None
    (tmp_path / "runs.jsonl").write_text('{"route": 1}\n', "utf-8")
    with pytest.raises(InputError, match=r"runs.jsonl:1: is no row"):
        Store(tmp_path / "runs.jsonl")


def test_a_change_of_hybrid_is_no_change_of_milp(tmp_path, monkeypatch):
    room = tmp_path / "citygrid" / "routes"
    (room / "hybrid").mkdir(parents=True)
    (room / "milp.py").write_text("a")
    (room / "hybrid" / "search.py").write_text("b")
    monkeypatch.setattr(citygrid, "__file__", str(tmp_path / "citygrid" / "__init__.py"))
    before = code("milp"), code("hybrid"), code("hybrid:greedy")
    (room / "hybrid" / "search.py").write_text("c")
    after = code("milp"), code("hybrid"), code("hybrid:greedy")
    assert before[0] == after[0] and before[1] != after[1] and before[2] != after[2]
    (room / "milp.py").write_text("d")
    assert code("milp") != before[0]


def test_another_solver_is_measured_anew(monkeypatch):
    """Figures of one HiGHS are none of the next."""
    before = code("milp")
    known = store_module.versions()
    monkeypatch.setattr(store_module, "versions", lambda: {**known, "highs": "99.0"})
    assert "highs" in known
    assert code("milp") != before


def test_sizes_are_classes_free_sizes_and_the_ladder():
    assert groups(["S"], ["24x2x6"], False) == {"S": CLASSES["S"], "24x2x6": Size(24, 2, 6)}
    assert len(groups([], [], True)) == 7
    with pytest.raises(InputError) as refused:
        groups(["Q"], ["24x2", "1x1x1"], False)
    assert len(refused.value.faults) == 3


def test_energy_counts_packages_once_and_over_the_end_of_a_counter(tmp_path):
    for folder, name, energy in (("intel-rapl:0", "package-0", 900), ("intel-rapl:1", "psys", 5),
                                 ("intel-rapl:0:0", "core", 100)):  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(f"{name}\n")
        (tmp_path / folder / "energy_uj").write_text(f"{energy}\n")
        (tmp_path / folder / "max_energy_range_uj").write_text("1000\n")
    meter = Meter(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("400")
    assert meter.joules() == pytest.approx(500e-6)
    assert Meter(tmp_path / "nothing").joules() is None


# whole races -------------------------------------------------------------------------------------


@pytest.fixture
def raced(monkeypatch):
    """Races without processes: what was ordered, and answers by hand."""
    ordered: list[Order] = []
    answers = {"milp": (100.0, 99.0, 3.0), "hybrid": (101.0, 97.0, 1.5),
               "hybrid:greedy": (100.5, 97.0, 1.4)}  # fmt: skip

    def answer(order):
        ordered.append(order)
        told = answers[order.route]
        if isinstance(told, BaseException):
            raise told
        cost, bound, used = told
        return {**EMPTY, "status": "feasible", "objective": cost, "bound": bound, "used": used}

    monkeypatch.setattr(anneal, "race", answer)
    return ordered, answers


def wish(out, **more):
    return Wish(**{"classes": [], "sizes": ["24x2x6"], "seeds": [1], "time": 2.0, "milp_time": 9.0,
                   "routes": ["milp", "hybrid:greedy", "hybrid"], "threads": 1, "out": out,
                   **more})  # fmt: skip


def test_controls_run_after_hybrid_with_the_time_it_took(raced, tmp_path):
    ordered, _ = raced
    found = anneal.run(wish(tmp_path), lambda text: None)
    assert [(o.route, o.given) for o in ordered] == [
        ("milp", 9.0), ("hybrid", 2.0), ("hybrid:greedy", 1.5),
    ]  # fmt: skip
    assert len({(o.form_hash, o.seed, o.threads) for o in ordered}) == 1
    told = found["groups"]["24x2x6"]["controls"]["greedy"]["says"]
    assert told == "greedy is better by 0.5 %"
    assert set(found["files"]) == {"runs", "medians", "gap 24x2x6", "table", "rows"}


def test_a_later_call_runs_only_what_is_not_there(raced, tmp_path):
    ordered, _ = raced
    first = anneal.run(wish(tmp_path), lambda text: None)
    assert anneal.run(wish(tmp_path), lambda text: None) == first
    assert len(ordered) == 3
    anneal.run(wish(tmp_path, milp_time=10.0), lambda text: None)
    assert [o.route for o in ordered[3:]] == ["milp"]


def test_an_interrupt_leaves_the_runs_that_had_finished(raced, tmp_path):
    ordered, answers = raced
    answers["hybrid"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        anneal.run(wish(tmp_path), lambda text: None)
    assert len((tmp_path / "runs.jsonl").read_text("utf-8").splitlines()) == 1
    answers["hybrid"] = (101.0, 97.0, 1.5)
    anneal.run(wish(tmp_path), lambda text: None)
    assert [o.route for o in ordered] == ["milp", "hybrid", "hybrid", "hybrid:greedy"]


def test_on_the_ladder_milp_goes_no_further_than_it_proves(raced, tmp_path, monkeypatch):
    ordered, answers = raced
    answers["milp"] = (100.0, 90.0, 9.0)
    rungs = {"a": Size(24, 2, 6), "b": Size(24, 2, 8)}
    monkeypatch.setattr(anneal, "groups", lambda *asked: rungs)
    found = anneal.run(wish(tmp_path, scale=True, routes=[]), lambda text: None)
    assert [o.route for o in ordered] == ["milp", "hybrid", "hybrid"]
    reasons = found["groups"]["b"]["routes"]["milp"]["reasons"]
    assert reasons == {"1": "not tried: proved no 1% for a within 9 s"}
    # What was left out is no measurement, and is not kept as one.
    assert len(Store(tmp_path / "runs.jsonl")) == 3


def test_a_process_that_dies_is_a_row(tmp_path, monkeypatch):
    from citygrid.bench.anneal import runner

    monkeypatch.setattr(runner, "_child", _dies)
    told = race(Order("x.yaml", "h", "milp", 1, 1.0, 0.0, 1))
    assert told["status"] == "failed" and "ended with code 3" in told["reason"]
    assert told["bound"] == 5.0 and told["objective"] is None


def _dies(order, pipe):
    pipe.send(("news", {"seconds": 0.1, "objective": 9.0, "bound": 5.0}))
    pipe.close()
    os._exit(3)


def test_a_route_that_does_not_end_is_stopped(monkeypatch):
    from citygrid.bench.anneal import runner

    monkeypatch.setattr(runner, "_child", _sleeps)
    monkeypatch.setattr(Order, "patience", 0.2)
    told = race(Order("x.yaml", "h", "milp", 1, 1.0, 0.0, 1))
    assert (told["status"], told["used"]) == ("stopped", 0.2)


def _sleeps(order, pipe):
    import time

    pipe.send(("begun", None))
    time.sleep(60)


def test_a_child_ends_with_the_parent_that_was_killed(tmp_path):
    """A parent that is killed cannot end its child; the child must see to that itself."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, signal, sys, threading, time\n"
        "from citygrid.bench.anneal.runner import _follow_parent\n"
        "def child():\n"
        "    threading.Thread(target=_follow_parent, daemon=True).start()\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(120)\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.get_context('spawn').Process(target=child).start()\n"
        "    time.sleep(120)\n",
        encoding="utf-8",
    )
    root = str(Path(citygrid.__file__).resolve().parent.parent)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": root})  # fmt: skip
    assert parent.stdout is not None
    with parent.stdout as told:
        assert int(told.readline()) > 0
        parent.kill()
        parent.wait()
        # Its end of the pipe is open as long as the child lives.
        assert told.read() == b""


@pytest.mark.slow
def test_the_command_measures_a_tiny_district_and_answers_in_one_document(tmp_path):
    # The gap ends the routes long before their limit, however busy the machine is.
    arguments = [
        "bench", "anneal", *TINY, "--seeds", "4,", "--time", "60", "--gap", "0.1", "--routes",
        "milp,hybrid:rounding,hybrid", "--threads", "1", "--out", str(tmp_path),
    ]  # fmt: skip
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)["anneal"]
    told = document["groups"]["24x2x6"]
    assert document["threads"] == 1 and told["seeds"] == [4] and told["binaries"] > 100
    for route in ("milp", "hybrid"):
        assert told["routes"][route]["plans"] == 1, told["routes"][route]
        assert told["routes"][route]["gap"] >= -1e-9
    rows = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert [each["route"] for each in rows] == ["milp", "hybrid", "hybrid:rounding"]
    assert all(each["verified"] and each["cpu_seconds"] > 0 for each in rows[:2])
    assert rows[0]["trace"][-1]["objective"] == pytest.approx(rows[0]["objective"])
    given = {each["route"]: each["given"] for each in rows}
    used = {each["route"]: each["used"] for each in rows}
    assert given["hybrid:rounding"] == used["hybrid"]
    # All is there: the same call again says the same without a run, in words.
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 0 and "at equal time: rounding" in again.stdout
    assert (tmp_path / "gap_24x2x6.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--classes", "Q"], "no such size"), (["--size", "3"], "hours x sites x jobs"),
     (["--routes", "magic"], "no such route"), (["--seeds", "x"], "--seeds"),
     (["--classes", ""], "nothing to measure")],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused(tmp_path, arguments, said):
    result = CliRunner().invoke(main, ["bench", "anneal", *arguments, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert said in result.output and "Traceback" not in result.output


def test_the_race_runs_only_where_it_is_named(monkeypatch):
    from citygrid import bench
    from citygrid.bench import build, qubo, rolling, samplers, study, year

    assert benchmark_names() == ["anneal", "build", "qubo", "rolling", "samplers", "study", "year"]
    others = {"build": build, "qubo": qubo, "rolling": rolling, "samplers": samplers,
              "study": study, "year": year}  # fmt: skip
    for module in others.values():
        monkeypatch.setattr(module, "run", lambda wish, say: {"columns": wish.columns})
    found = bench.run_benchmarks([], Wish(columns=5), lambda text: None)
    assert found == {name: {"columns": 5} for name in others}
