"""A horizon by windows: one verified plan, a bound that holds, and nothing lost on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.components.contract import kinds
from citygrid.district.case import Case
from citygrid.errors import InfeasibleError, InputError, NoPlanError
from citygrid.model.windows import calendar
from citygrid.routes import Options
from citygrid.routes.contract import Clock
from citygrid.study.rolling import bound, forget, roll
from citygrid.study.rolling.bound import Proved, bound_by_windows
from citygrid.study.rolling.checkpoint import Checkpoint
from citygrid.study.rolling.outlook import look_ahead
from tests.conftest import REPOSITORY
from tests.helpers import solved

#: All kinds whose district has two steps or more.
KINDS = sorted(set(kinds()) - {"power_demand"})
EXACT = Options(gap=0.0)


@cache
def day() -> Case:
    return cg.prepare(cg.load(REPOSITORY / "models" / "frankfurt_day.yaml"))


@cache
def units(volume: int = 1200) -> Case:
    """The first four days of Flensburg's five units, with a store of so many m³."""
    import tempfile

    text = (REPOSITORY / "models" / "flensburg_units.yaml").read_text(encoding="utf-8")
    text = text.replace("length: 8760 h", "length: 96 h")
    text = text.replace("volume: 1200 m^3", f"volume: {volume} m^3")
    text = text.replace("../data", str(REPOSITORY / "data"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "units.yaml"
        path.write_text(text, encoding="utf-8")
        return cg.prepare(cg.load(path))


@cache
def whole_units() -> float:
    return cg.solve(cg.formulate(units()), options=Options(gap=1e-6)).objective


# plans --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_rolls(kind: str) -> None:
    """One step decided at a time, seeing two: no kind loses its state at a window's end."""
    result = solved(kind)
    try:
        plan = roll(result.case, "2 h", "1 h", options=EXACT)
    except InfeasibleError:
        pytest.skip("its windows see too little of it, and say so")
    verdict = cg.verify(result.case, plan)
    assert verdict.ok, [str(v) for v in verdict.violations[:3]]
    turnover = sum(abs(line.money) for line in verdict.ledger.values())
    tolerance = 1e-6 * max(1.0, turnover)
    assert plan.objective >= result.plan.objective - tolerance
    assert plan.bound is not None and plan.bound <= result.plan.objective + tolerance


def test_few_kinds_see_too_little() -> None:
    """The skips above are few, or the test above tests nothing."""
    short = []
    for kind in KINDS:
        try:
            roll(solved(kind).case, "2 h", "1 h", options=EXACT)
        except InfeasibleError:
            short.append(kind)
    assert len(short) <= 3, short


@pytest.mark.parametrize("kind", KINDS)
def test_one_window_is_the_optimum(kind: str) -> None:
    result = solved(kind)
    length = len(result.case.time) * result.case.step
    plan = roll(result.case, f"{length:g} h", "0 h", options=EXACT)
    assert plan.objective == pytest.approx(result.plan.objective, rel=1e-6, abs=1e-6)
    assert cg.verify(result.case, plan).ok


@pytest.mark.slow
def test_with_enough_overlap_it_is_the_optimum() -> None:
    """Four days of five units with a store of an hour: what is seen for a day ends within it."""
    case = units(60)
    whole = cg.solve(cg.formulate(case), options=Options(gap=1e-7))
    plan = roll(case, "60 h", "36 h", options=Options(gap=1e-7))
    assert plan.telemetry["rolling"]["windows"] == 3
    assert plan.objective == pytest.approx(whole.objective, rel=1e-6)


def test_short_windows_cost_a_little_and_know_how_much() -> None:
    plan = roll(units(), "24 h", "12 h", options=Options(gap=1e-4))
    assert cg.verify(units(), plan).ok
    assert plan.gap is not None and plan.gap < 0.02
    assert plan.bound is not None and plan.bound <= whole_units() * (1 + 1e-6)
    assert whole_units() * (1 - 1e-6) <= plan.objective <= whole_units() * 1.01


@pytest.mark.parametrize("route", ["milp", "hybrid", "pyomo:highs"])
def test_every_route_works_inside(route: str) -> None:
    plan = roll(day(), "12 h", "6 h", route, Options(gap=0.02, threads=1))
    verdict = cg.verify(day(), plan)
    assert verdict.ok, [str(v) for v in verdict.violations[:3]]
    assert plan.route == route and plan.gap is not None and plan.gap < 0.05
    assert verdict.kpis["jobs_late"] == 0


def test_telemetry_tells_of_every_window() -> None:
    plan = roll(units(), "48 h", "24 h", options=Options(gap=1e-3))
    told = plan.telemetry["rolling"]
    assert [each["window"] for each in told["each"]] == [1, 2, 3]
    assert sum(each["decided"] for each in told["each"]) == len(units().time)
    assert told["each"][1]["from"].startswith("2019-01-01T23:00")
    assert told["bound_by"] in ("windows", "relaxation")
    assert [each["milps"] for each in told["each"]] == [1, 1, 1] and plan.telemetry["milps"] == 3


# bounds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_of_windows_holds(kind: str) -> None:
    """Below every optimum, and not below the relaxation but for rounding."""
    result = solved(kind)
    form, steps = result.form, len(result.case.time)
    outlook = look_ahead(form, EXACT, None, lambda text: None)
    assert outlook is not None
    when = calendar(form, result.case.time)
    found = bound_by_windows(form, when, outlook.duals, [*range(steps), steps], EXACT, Clock(None),
                             outlook.x)  # fmt: skip
    assert found is not None
    scale = 1e-5 * max(1.0, float(np.abs(form.cost * outlook.x).sum()))
    assert found <= result.plan.objective + scale
    if outlook.bound is not None and not form.curves:
        assert found >= outlook.bound - 10 * scale


@pytest.mark.slow
def test_any_prices_give_a_bound() -> None:
    """Prices that are wrong prove less, never too much."""
    form = cg.formulate(units())
    outlook = look_ahead(form, EXACT, None, lambda text: None)
    assert outlook is not None
    when = calendar(form, units().time)
    lot = np.random.default_rng(5)
    values = []
    for noise in (0.0, 0.3, 1.0):
        duals = outlook.duals * (1.0 + noise * lot.standard_normal(len(outlook.duals)))
        found = bound_by_windows(form, when, duals, [0, 48, 96], Options(gap=1e-4), Clock(None),
                                 outlook.x)  # fmt: skip
        if found is not None:
            values.append(found)
    assert len(values) >= 2 and max(values) <= whole_units() * (1 + 1e-6)
    assert values[0] == max(values)


@pytest.mark.slow
def test_windows_prove_more_than_the_relaxation() -> None:
    plan = roll(units(), "48 h", "24 h", options=Options(gap=1e-4))
    told = plan.telemetry["rolling"]
    assert told["bound_by"] == "windows"
    assert plan.bound is not None and plan.bound > told["relaxation_bound"]


def test_a_bound_grows_window_by_window_and_ends_when_it_is_enough() -> None:
    """Without time for integers the windows' relaxations prove what the whole one does."""
    form = cg.formulate(units())
    outlook = look_ahead(form, EXACT, None, lambda text: None)
    assert outlook is not None and outlook.bound is not None
    when, options = calendar(form, units().time), Options(gap=1e-4)

    def proves(after: int, counted: str) -> tuple[float | None, list[int]]:
        """With time for so many windows of a sort; and how many windows were solved of each."""
        clock, seen = Clock(None), [0, 0]

        def heard(proved: Proved) -> None:
            seen[:] = len(proved.relaxed), len(proved.sharpened)
            if len(getattr(proved, counted)) == after:
                clock.__init__(0.0)  # type: ignore[misc]

        return bound_by_windows(form, when, outlook.duals, [0, 24, 48, 72, 96], options, clock,
                                outlook.x, heard=heard), seen  # fmt: skip

    assert proves(3, "relaxed") == (None, [3, 0])
    found = [proves(4, "relaxed"), *(proves(number, "sharpened") for number in (1, 2, 3, 4))]
    assert [seen for _, seen in found] == [[4, number] for number in range(5)]
    bounds = [bound for bound, _ in found if bound is not None]
    assert bounds == sorted(bounds) and len(bounds) == 5
    assert bounds[0] == pytest.approx(outlook.bound, rel=1e-6)
    assert bounds[0] * (1 + 1e-5) < bounds[-1] <= whole_units() * (1 + 1e-6)
    asked: list[float] = []

    def enough(bound: float) -> bool:
        asked.append(bound)
        return bound >= bounds[2]

    assert bound_by_windows(form, when, outlook.duals, [0, 24, 48, 72, 96], options, Clock(None),
                            outlook.x, enough=enough) == bounds[2]  # fmt: skip
    assert asked == bounds[:3]


def test_integers_that_bring_a_bound_hardly_nearer_are_left(monkeypatch: Any) -> None:
    """Judged by windows from all over the horizon; a near plan is worth the same gain."""
    monkeypatch.setattr(bound, "SEEN", 2)
    form = cg.formulate(units())
    outlook = look_ahead(form, EXACT, None, lambda text: None)
    assert outlook is not None and outlook.bound is not None

    def sharpened(cost: float) -> int:
        proved = Proved()
        bound_by_windows(form, calendar(form, units().time), outlook.duals, [0, 24, 48, 72, 96],
                         Options(gap=1e-4), Clock(None), outlook.x, proved, cost=cost)  # fmt: skip
        return len(proved.sharpened)

    assert sharpened(whole_units()) == 4
    assert sharpened(1e3 * whole_units()) == 2


def test_a_window_whose_time_is_over_counts_and_is_tried_again(monkeypatch: Any) -> None:
    """What it had proved is a bound; kept for good, it would be all that it ever proves."""
    form = cg.formulate(units())
    outlook = look_ahead(form, EXACT, None, lambda text: None)
    assert outlook is not None
    when, cuts = calendar(form, units().time), [0, 24, 48, 72, 96]
    clock, real, proved = Clock(None), bound.call, Proved()

    def call(part: Any, *rest: Any) -> Any:
        if part.integer.any():
            clock.__init__(0.0)  # type: ignore[misc]
        return real(part, *rest)

    monkeypatch.setattr(bound, "call", call)
    options = Options(gap=1e-4)
    cut = bound_by_windows(form, when, outlook.duals, cuts, options, clock, outlook.x, proved)
    monkeypatch.setattr(bound, "call", real)
    assert len(proved.relaxed) == 4 and proved.sharpened == []
    relaxed = bound_by_windows(form, when, outlook.duals, cuts, options, Clock(None), outlook.x,
                               Proved([*proved.relaxed]), enough=lambda value: True)  # fmt: skip
    assert cut is not None and relaxed is not None and cut >= relaxed
    whole = bound_by_windows(form, when, outlook.duals, cuts, options, Clock(None), outlook.x,
                             proved)  # fmt: skip
    assert whole is not None and len(proved.sharpened) == 4 and whole >= cut


def test_what_windows_proved_at_other_prices_is_not_gone_on_from(tmp_path: Path) -> None:
    case = units()
    asked = Options(gap=1e-5)
    first = roll(case, "48 h", "24 h", options=asked, folder=tmp_path)
    kept = tmp_path / "bounds.npz"
    with np.load(kept) as stored:
        arrays = dict(stored)
    false = arrays["relaxed"] + 1e6
    np.savez(kept, terms=arrays["terms"], relaxed=false, sharpened=arrays["sharpened"])
    taken = roll(case, "48 h", "24 h", options=asked, folder=tmp_path, resume=True)
    assert taken.bound is None or taken.bound != pytest.approx(first.bound)
    np.savez(kept, terms=np.array("of other prices"), relaxed=false, sharpened=arrays["sharpened"])
    again = roll(case, "48 h", "24 h", options=asked, folder=tmp_path, resume=True)
    assert again.bound == pytest.approx(first.bound)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8, 46])
def test_windows_are_sharpened_far_from_each_other_first(count: int) -> None:
    order = bound.spread(count)
    assert sorted(order) == list(range(count))
    if count > 4:
        assert min(abs(a - b) for a, b in pairwise(order[:3])) >= max(2, count // 4)


def test_what_was_sharpened_counts_for_its_own_window() -> None:
    proved = Proved([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 2.5])  # windows 0, 2 and 1
    assert proved.best.tolist() == [1.5, 2.5, 3.0, 4.0]


# interruptions ------------------------------------------------------------------------------------


class Cut(Exception):
    """The run was killed."""


def killed_at(number: int) -> Any:
    def say(text: str) -> None:
        if text.startswith(f"window {number} of"):
            raise Cut

    return say


def test_a_run_that_was_cut_goes_on_with_the_next_window(tmp_path: Path) -> None:
    whole = roll(units(), "24 h", "0 h", options=Options(gap=1e-3))
    with pytest.raises(Cut):
        roll(units(), "24 h", "0 h", options=Options(gap=1e-3), folder=tmp_path / "windows",
             say=killed_at(3))  # fmt: skip
    said: list[str] = []
    plan = roll(units(), "24 h", "0 h", options=Options(gap=1e-3), folder=tmp_path / "windows",
                resume=True, say=said.append)  # fmt: skip
    assert not [text for text in said if text.startswith(("window 1 of", "window 2 of", "pricing"))]
    assert plan.objective == pytest.approx(whole.objective, rel=1e-9)
    assert [each.get("resumed", False) for each in plan.telemetry["rolling"]["each"]] == [
        True, True, False, False]  # fmt: skip
    forget(tmp_path / "windows")
    assert not (tmp_path / "windows").exists()


@pytest.mark.parametrize("last", ["3 of 4 relaxed", "2 of 4 with their integers"])
def test_a_bound_that_was_cut_goes_on_with_the_next_of_its_windows(
    last: str, tmp_path: Path
) -> None:
    def cut(text: str) -> None:
        if text.endswith(last):
            raise Cut

    case, options = units(), Options(gap=1e-4)  # more than the relaxation proves
    every: list[str] = []
    whole = roll(case, "24 h", "0 h", options=options, say=every.append)
    with pytest.raises(Cut):
        roll(case, "24 h", "0 h", options=options, folder=tmp_path / "windows", say=cut)
    said: list[str] = []
    plan = roll(case, "24 h", "0 h", options=options, folder=tmp_path / "windows", resume=True,
                say=said.append)  # fmt: skip
    steps = [f"proving a bound by windows, {number} of 4 {how}"
             for how in ("relaxed", "with their integers") for number in (1, 2, 3, 4)]  # fmt: skip
    (begun,) = [number for number, text in enumerate(steps, 1) if text.endswith(last)]
    assert [text for text in every if " of 4 " in text] == steps
    assert [text for text in said if " of 4 " in text] == steps[begun:]
    assert plan.bound == pytest.approx(whole.bound, rel=1e-9)
    assert plan.objective == pytest.approx(whole.objective, rel=1e-9)


KILLED = """
import os, signal, sys
from citygrid.cli import main
from citygrid.study.rolling.engine import Roller

decide = Roller._decide

def killed(self, course, number, longer):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return decide(self, course, number, longer)

Roller._decide = killed
main(["plan", sys.argv[1], "--window", "1h", "--overlap", "0h", "--out", sys.argv[2]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_command_loses_one_window_at_most(tmp_path: Path) -> None:
    tiny = REPOSITORY / "models" / "tiny.yaml"
    done = subprocess.run([sys.executable, "-c", KILLED, tiny, tmp_path], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert len([*(tmp_path / "windows").glob("window_*.npz")]) == 2
    again = command(tiny, "--window", "1h", "--overlap", "0h", "--out", tmp_path, "--json",
                    "--resume")  # fmt: skip
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)["telemetry"]["rolling"]["each"]
    assert [each.get("resumed", False) for each in told] == [True, True, False]


def test_what_a_killed_run_was_writing_days_ago_stops_nobody(tmp_path: Path) -> None:
    """Who takes it away holds its folder, which the run itself holds: it waited for ever."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    try:
        for resume in (False, True):
            for name in ("window_00000.npz", "rolling.json", "outlook.npz", "bounds.npz"):
                stray = tmp_path / f".partial-{name}-abc.npz"
                stray.write_text("half")
                os.utime(stray, (1e9, 1e9))
            with Checkpoint(tmp_path, {"form": "x"}) as checkpoint:
                assert checkpoint.begin(resume) == int(resume)
                late_stray = tmp_path / ".partial-window_00000.npz-def.npz"
                late_stray.write_text("half")
                os.utime(late_stray, (1e9, 1e9))
                checkpoint.keep(0, np.arange(2), np.ones(2), {})
                assert late_stray.exists()  # left to the next run
        with Checkpoint(tmp_path, {"form": "x"}) as checkpoint:
            assert not list(tmp_path.glob(".partial-*"))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_what_belongs_to_another_problem_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Cut):
        roll(units(), "24 h", "0 h", folder=tmp_path, say=killed_at(2))
    with pytest.raises(InputError, match=r"another problem \(got \"window\"\)"):
        roll(units(), "48 h", "0 h", folder=tmp_path, resume=True)
    (tmp_path / "rolling.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="leave out --resume"):
        roll(units(), "24 h", "0 h", folder=tmp_path, resume=True)


def test_a_time_limit_says_which_window_and_what_to_do() -> None:
    with pytest.raises(NoPlanError) as error:
        roll(day(), "12 h", "6 h", options=Options(time_limit=1e-3))
    assert "window" in str(error.value) and "--resume" in str(error.value)


# wrong wishes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "overlap", "said"), [
    ("24 h", "24 h", "leaves nothing"), ("48 h", "12 h", "longer than the horizon"),
    ("90 min", "0 h", "not a multiple of the step"), ("0 h", "0 h", "has no length"),
    ("12", "6 h", "unit"), ("-4 h", "0 h", "write"), ("a day", "0 h", "write"),
])  # fmt: skip
def test_wrong_windows_are_refused_in_one_sentence(window: str, overlap: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        roll(day(), window, overlap)
    (fault,) = error.value.faults
    assert said in str(fault)


def test_a_window_shorter_than_a_job_is_warned_of() -> None:
    said: list[str] = []
    with pytest.raises(Cut):
        roll(day(), "4 h", "2 h", say=lambda text: (said.append(text), killed_at(1)(text))[1])
    assert [text for text in said if text.startswith("warning: the window of 4 h is shorter")]


# the command --------------------------------------------------------------------------------------


def command(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["plan", *map(str, arguments)])


def test_the_command_writes_what_plan_writes(tmp_path: Path) -> None:
    model = REPOSITORY / "models" / "frankfurt_day.yaml"
    done = command(model, "--window", "12h", "--overlap", "6h", "--gap", "0.02", "--json",
                   "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["verdict"]["ok"] and document["gap"] < 0.05
    assert document["telemetry"]["rolling"]["windows"] == 3
    assert Path(document["files"]["plan"]).is_file()
    assert not (tmp_path / "windows").exists()


def test_windows_are_kept_until_the_files_are_written(tmp_path: Path, monkeypatch: Any) -> None:
    """A year of windows was lost to an export that failed."""
    wish = (REPOSITORY / "models" / "tiny.yaml", "--window", "2h", "--out", tmp_path, "--json")
    with monkeypatch.context() as broken:
        broken.setattr("citygrid.export.runs.write_runs", lambda *given: 1 / 0)
        assert isinstance(command(*wish).exception, ZeroDivisionError)
    again = command(*wish, "--resume")
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)["telemetry"]["rolling"]["each"]
    assert all(each["resumed"] for each in told)
    assert not (tmp_path / "windows").exists()


def test_overlap_and_resume_belong_to_windows(tmp_path: Path) -> None:
    model = REPOSITORY / "models" / "tiny.yaml"
    done = command(model, "--overlap", "1h", "--resume", "--out", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.count("belongs to windows") == 2
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_year_of_five_units(tmp_path: Path) -> None:
    """8760 hours, 43,800 binaries: verified as one plan, within a per cent of a proven bound."""
    result = cg.prepare(cg.load(REPOSITORY / "models" / "flensburg_units.yaml"))
    form = cg.formulate(result)
    assert form.size["binaries"] == 43_800
    plan = roll(result, "72 h", "24 h", options=Options(gap=5e-3), form=form)
    verdict = cg.verify(result, plan)
    assert verdict.ok and plan.gap is not None and plan.gap <= 0.01


@pytest.mark.parametrize(("window", "overlap"), [("-2h", None), ("2h", "-1h")])
def test_a_negative_length_is_told_as_such(window, overlap):
    with pytest.raises(InputError, match="less than nothing"):
        roll(cg.prepare(cg.load(REPOSITORY / "models" / "tiny.yaml")), window, overlap)


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    """Whoever keeps arrays beside the windows has not given them away."""
    kept = tmp_path / "windows"
    kept.mkdir()
    (kept / "measured.npz").write_bytes(b"mine")
    roll(cg.prepare(cg.load(REPOSITORY / "models" / "tiny.yaml")), "1 h", "0 h", folder=kept)
    forget(kept)
    assert [path.name for path in kept.iterdir()] == ["measured.npz"]
