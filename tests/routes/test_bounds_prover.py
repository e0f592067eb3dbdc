"""The prover beside a search: bounds come while it works, and it ends when it should."""

from __future__ import annotations

import time

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
