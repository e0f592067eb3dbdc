"""A poisoned scenario costs itself and nothing else: crashes, endless loops, memory bombs, errors.

The poison is a sampler that a study names by its import path, as it would one of somebody else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citygrid.study.execution.contract import Answer, Limits, Setup
from citygrid.study.execution.local import Processes, Serial
from citygrid.study.execution.seat import resident
from citygrid.study.scenarios.reading import read_study

POISON = '''
import ctypes, os, signal
import dimod

class Poison(dimod.Sampler):
    parameters, properties = None, None
    def __init__(self):
        self.parameters, self.properties = {"num_reads": [], "seed": []}, {}

class Segfault(Poison):
    def sample(self, bqm, **_):
        ctypes.string_at(0)

class Killed(Poison):
    def sample(self, bqm, **_):
        os.kill(os.getpid(), signal.SIGKILL)

class Loop(Poison):
    def sample(self, bqm, **_):
        while True:
            pass

class Holding(Poison):
    """Holds the interpreter's lock for ever, so that no thread of the process can do anything."""
    def sample(self, bqm, **_):
        ctypes.PyDLL(None).sleep(10_000)

class Bomb(Poison):
    def sample(self, bqm, **_):
        held = []
        while True:
            held.append(b"x" * 50_000_000)

class Ends(Poison):
    def sample(self, bqm, **_):
        os._exit(7)
'''


@pytest.fixture
def poison(tmp_path, monkeypatch):
    (tmp_path / "poison_of_a_test.py").write_text(POISON)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield
    sys.modules.pop("poison_of_a_test", None)


def routes(*names: str) -> str:
    asked = ", ".join(f'{{route: qubo, sampler: "poison_of_a_test:{name}"}}' for name in names)
    return f"[lp, {asked}, milp]"


def test_every_crash_is_named_and_stops_nobody_else(write, run, poison):
    names = ("Segfault", "Killed", "Bomb", "Ends")
    path = write(vary="", routes=routes(*names), more="limits: {memory: 700 MB, retries: 1}")
    done = run(path, workers=2, trusted=True)
    status = [row["status"] for row in done.rows]
    assert status == ["relaxed", "crashed", "crashed", "out_of_memory", "crashed", "optimal"]
    by_name = dict(zip(names, done.rows[1:-1], strict=True))
    assert "SIGSEGV" in by_name["Segfault"]["error"] and "SIGKILL" in by_name["Killed"]["error"]
    assert "code 7" in by_name["Ends"]["error"] and "700 MB" in by_name["Bomb"]["error"]
    # Only crashes are tried again.
    assert [by_name[n]["attempts"] for n in names] == [2, 2, 1, 2]
    assert len(done.failed) == 4
    # All of them are acknowledged: nothing is left to compute, unless it is asked for.
    again = run(path, workers=1, trusted=True)
    assert (again.computed, again.digest) == (0, done.digest)


def test_what_never_ends_is_killed_at_its_limit_and_replaced(write, run, poison):
    """Also what holds the interpreter's lock; whoever comes next finds a sound process."""
    path = write(vary="", routes=routes("Loop", "Holding"), more="limits: {time: 8 s}")
    done = run(path, workers=2, trusted=True)
    status = [row["status"] for row in done.rows]
    assert status == ["relaxed", "timed_out", "timed_out", "optimal"]
    assert [row["attempts"] for row in done.rows] == [1, 1, 1, 1]
    assert "8 s" in done.rows[1]["error"]


def test_failures_are_tried_again_where_that_is_asked(write, run, poison):
    path = write(vary="", routes=routes("Ends"), more="limits: {retries: 0}")
    first = run(path, workers=1, trusted=True)
    assert (first.computed, first.rows[1]["status"]) == (3, "crashed")
    again = run(path, workers=1, retry_failed=True, trusted=True)
    assert (again.computed, again.known, again.digest) == (1, 2, first.digest)


def test_an_error_in_a_scenario_is_told_in_its_row(write, run, monkeypatch):
    import citygrid.verbs as verbs

    real = verbs.formulate

    def fails(case):
        if case.carbon_price > 0.15:
            raise RuntimeError("boom")
        return real(case)

    monkeypatch.setattr(verbs, "formulate", fails)
    done = run(write("- grid: {carbon_price: [0.1 EUR/kg, 0.2 EUR/kg]}"))
    assert [row["status"] for row in done.rows] == ["optimal", "failed"]
    assert "RuntimeError: boom" in done.rows[1]["error"]


def test_data_that_changed_since_the_study_was_read_are_refused(write, tmp_path, repository):
    import shutil

    shutil.copytree(repository / "data" / "tiny", tmp_path / "data" / "tiny")
    (tmp_path / "models").mkdir()
    base = tmp_path / "models" / "tiny.yaml"
    shutil.copy(repository / "models" / "tiny.yaml", base)
    study = read_study(write(vary="", district=base))
    table = tmp_path / "data" / "tiny" / "series.csv"
    table.write_text(table.read_text() + "\n# later\n")
    from citygrid.study.conduct import conduct

    done = conduct(study, tmp_path / "out", Serial())
    assert done.rows[0]["status"] == "refused" and "another file" in done.rows[0]["error"]


def test_a_worker_of_another_version_computes_nothing(write, tmp_path):
    from dataclasses import replace

    from citygrid.study.conduct import setup_of

    study = read_study(write(vary=""))
    setup = replace(setup_of(study, tmp_path), version="0.0.0")
    (answer,) = Serial().run(setup, tasks_of(study), Limits(), lambda key: None)
    assert answer.row["status"] == "refused" and "same version" in answer.row["error"]


def test_an_infeasible_scenario_is_a_result_with_its_reason_and_no_failure(write, run):
    done = run(write("- grid: {components.boiler.heat: [120 kW, 1 kW]}"))
    assert [row["status"] for row in done.rows] == ["optimal", "infeasible"]
    assert "heat" in done.rows[1]["error"] and done.failed == []


# processes --------------------------------------------------------------------------------------


def tasks_of(study):
    from citygrid.study.conduct import _plain

    return list(_plain(study, list(study.tasks)))


def test_a_closed_executor_leaves_no_process(write, tmp_path):
    study = read_study(write())
    from citygrid.study.conduct import setup_of

    others = set(children_of(os.getpid()))
    answers = Processes(2).run(
        setup_of(study, tmp_path), tasks_of(study), Limits(), lambda key: None
    )
    answer = next(a for a in answers if a is not None)
    assert isinstance(answer, Answer)
    mine = set(children_of(os.getpid())) - others
    assert len(mine) == 2
    answers.close()
    assert not mine & set(children_of(os.getpid()))


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task")
    found = []
    for thread in path.iterdir():
        found += [int(p) for p in (thread / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("busy", ["Loop", "Holding"])
def test_workers_end_with_their_parent_however_it_dies(write, tmp_path, poison, busy):
    """Also one that holds the interpreter's lock, which no thread of its own could end."""
    path = write(vary="", routes=routes(busy))
    parent = subprocess.Popen(
        [sys.executable, "-m", "citygrid", "study", str(path), "--out", str(tmp_path / "out"),
         "--workers", "1", "--trust-code"], env={**os.environ, "PYTHONPATH": os.pathsep.join(
             [str(tmp_path), str(Path(__file__).resolve().parents[2])])})  # fmt: skip
    try:
        log = tmp_path / "out" / "sent.log"
        wait_for(lambda: log.exists() and len(log.read_text().splitlines()) >= 2)
        (worker,) = children_of(parent.pid)
        time.sleep(0.3)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_for(lambda: not alive(worker))
    finally:
        parent.kill()
        parent.wait()


def wait_for(holds, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_memory_of_a_process_is_that_of_its_children_too():
    held = "x = b'x' * 200_000_000; print('up', flush=True); input()"
    script = f'import subprocess, sys; subprocess.run([sys.executable, "-c", {held!r}])'
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert child.stdout is not None and child.stdout.readline() == b"up\n"
        assert resident(child.pid) > 200_000_000
    finally:
        child.communicate(b"\n")
    assert resident(child.pid) == 0


def test_a_setup_travels_as_plain_values():
    setup = Setup("/a", {"name": "x"}, "/b", True, ("kpis",), ({"route": "lp"},), "0")
    assert Setup.of(setup.as_dict()) == setup
