"""A solver that dies, gets no memory, or a clock that jumps: what was known is kept, and told."""

from __future__ import annotations

import os
import resource
import signal
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citygrid.routes import contract, highs, watch
from citygrid.routes.contract import Journal
from tests.routes.conftest import plain
from tests.routes.test_milp import hard


@pytest.fixture
def form():
    """A search that goes on for longer than any test, in which a plan is found at once."""
    return hard(plain)


@pytest.fixture
def children(monkeypatch):
    """The children that are started, as they come."""
    started, real = [], watch.start_child

    def start(module):
        started.append(real(module))
        return started[-1]

    monkeypatch.setattr(watch, "start_child", start)
    return started


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_solver_that_dies_leaves_its_best_plan_with_its_gap(form, children, number):
    """As a crash of HiGHS or the killer of a system without memory would end it."""

    def kill(kind, news, x):
        if x is not None and children[0].poll() is None:
            os.kill(children[0].pid, number)

    found = watch.run(form, highs.Task("milp", gap=0.0, time_limit=600.0), kill)
    assert found.status == "feasible" and found.notes["exit_code"] == -number
    assert found.objective == pytest.approx(form.objective(found.x))
    assert form.residual(found.x) <= 1e-6
    assert np.array_equal(found.x, np.round(found.x))
    assert found.bound is None or found.bound <= found.objective
    assert children[0].returncode == -number


def test_a_solver_that_dies_at_once_is_an_error_and_no_answer(form, children, monkeypatch):
    real = watch.start_child

    def dead(module):
        child = real(module)
        child.kill()
        return child

    monkeypatch.setattr(watch, "start_child", dead)
    found = watch.run(form, highs.Task("milp", time_limit=600.0), lambda kind, news, x: None)
    assert (found.status, found.x, found.objective, found.bound) == ("error", None, None, None)


def test_a_solver_without_memory_ends_without_a_trace(form, monkeypatch, capfd):
    """As an error, or with the plan that it had found by then."""
    real = watch.start_child

    def poor(module):
        child = real(module)
        limit = 200 << 20
        resource.prlimit(child.pid, resource.RLIMIT_AS, (limit, limit))
        return child

    monkeypatch.setattr(watch, "start_child", poor)
    found = watch.run(form, highs.Task("milp", time_limit=600.0), lambda kind, news, x: None)
    assert found.status == ("error" if found.x is None else "feasible")
    assert found.x is None or form.residual(found.x) <= 1e-6
    assert found.notes["exit_code"] != 0
    assert "Traceback" not in "".join(capfd.readouterr())


def test_durations_do_not_follow_a_clock_that_is_put_back(monkeypatch):
    """Stamps are what the clock said; seconds and the queue are never below zero."""
    hours = iter(range(1000))
    start = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
    monkeypatch.setattr(contract, "now", lambda: (start - timedelta(hours=next(hours))).isoformat())
    journal = Journal()
    with journal.call("highs", "milp") as call:
        call.started_at = contract.now()  # the child's own clock
    told = journal.telemetry()
    assert told["queue"] == 0.0
    assert all(seconds >= 0.0 for seconds in told["seconds"].values())
    assert told["calls"][0]["started_at"] < told["calls"][0]["queued_at"]
