"""The prover beside a search: bounds come while it works, and it ends when it should."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citygrid.routes import milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.bounds.prover import Prover
from citygrid.routes.contract import Options


def test_its_bounds_are_those_of_the_front(small_district):
    weak, duals, _ = milp.relaxation(small_district, Options())
    best = milp.solve(small_district, Options(gap=1e-6, time_limit=60.0))
    with Prover(small_district, Options(), 30.0, Relaxed(weak.x, duals, weak.bound)) as prover:
        bound = prover.wait()
    assert not prover.running
    assert weak.bound < bound.value <= best.objective * (1 + 1e-6)
    assert prover.poll() == bound


def test_it_tells_of_better_plans_only_where_it_was_given_one(small_district):
    poor = milp.solve(small_district, Options(gap=0.5)).x
    best = milp.solve(small_district, Options(gap=1e-6)).objective
    assert small_district.objective(poor) > best * (1 + 1e-4)
    with Prover(small_district, Options(), 30.0, plan=poor) as prover:
        prover.wait()
        found = prover.plan()
    assert small_district.objective(found) == pytest.approx(best, rel=1e-5)
    assert small_district.residual(found) <= 1e-5
    with Prover(small_district, Options(), 30.0) as prover:
        prover.wait()
        assert prover.plan() is None


def test_it_ends_with_its_time(small_district):
    prover = Prover(small_district, Options(), 0.05).start()
    begun = time.monotonic()
    assert prover.wait(20.0) is None  # no time even to start
    assert time.monotonic() - begun < 10.0
    prover.stop()
    assert not prover.running


def test_it_stops_when_told_and_starts_once(small_district):
    prover = Prover(small_district, Options(), 600.0).start()
    assert prover.running and prover.poll() is None
    prover.stop()
    assert not prover.running
    with pytest.raises(RuntimeError):
        prover.start()


#: A search that takes for ever: shares of 100 numbers in halves that miss the mark the least.
ENDLESS = """
import os, sys, time
import numpy as np, scipy.sparse as sp
from citygrid.model.form import Form
from citygrid.routes.bounds.prover import Prover
from citygrid.routes.contract import Options
rows, width = 6, 60
weights = np.random.default_rng(0).integers(0, 100, (rows, width)).astype(float)
matrix = np.hstack([weights, np.eye(rows), -np.eye(rows)])
half = np.floor(weights.sum(axis=1) / 2)
count = width + 2 * rows
form = Form(np.r_[np.zeros(width), np.ones(2 * rows)], 0.0, sp.csr_array(matrix), half, half,
            np.zeros(count), np.r_[np.ones(width), np.full(2 * rows, np.inf)],
            np.r_[np.ones(width, bool), np.zeros(2 * rows, bool)], {}, {})
prover = Prover(form, Options(), 300.0).start()
while prover.poll() is None:
    time.sleep(0.05)
print(prover.pid, flush=True)
time.sleep(300)
"""


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that is gone and only waits for its parent to hear of it lives no more.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(os.name != "posix", reason="signals are sent by number")
def test_it_dies_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 20.0
    while lives(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not lives(child)
