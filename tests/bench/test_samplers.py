"""The benchmark of samplers, shortened: what it says holds together."""

from __future__ import annotations

import pytest

from citygrid.bench import Wish, benchmark_names, run_benchmarks, samplers
from citygrid.errors import InputError


def test_cuts_and_times_are_told_for_every_sampler(monkeypatch):
    shortened = {"BUDGET": 0.02, "SWEEPS": 30, "SEEDS": range(2), "GRAPHS": ("G1",), "RUNS": 2,
                 "GRAPH": "G1", "TARGET": 11_000}  # fmt: skip
    for name, value in shortened.items():
        monkeypatch.setattr(samplers, name, value)
    assert "samplers" in benchmark_names()
    said: list[str] = []
    found = run_benchmarks(["samplers"], Wish(), said.append)["samplers"]
    rows = found["graphs"]["G1"]["samplers"]
    assert {"onehot", "onehot, one thread", "neal", "tabu"} <= set(rows)
    for row in rows.values():
        # Half of the edges are cut by chance; nobody has cut more than is known.
        assert 9_588 < row["median"] <= row["best"] <= found["graphs"]["G1"]["best_known"]
        assert row["seconds"] >= 0.02
    assigned = found["assignment"]
    gaps = [row["best"] for row in assigned["samplers"].values()]
    assert min(gaps) == 0.0 and assigned["groups"] == 40 and assigned["variables"] > 400
    # It knows the groups, and is never far behind.
    assert assigned["samplers"]["onehot"]["best"] <= min(gaps) + 5.0
    times = found["time_to_target"]
    assert times["unreached"] == {"onehot": 0, "onehot, one thread": 0, "neal": 0}
    means = times["mean_seconds"]
    assert times["time_ratio"] == pytest.approx(means["neal"] / means["onehot"])
    assert said


def test_a_cut_that_nobody_reaches_is_not_given_a_time(monkeypatch):
    monkeypatch.setattr(samplers, "TARGET", 10**9)
    monkeypatch.setattr(samplers, "PATIENCE", 0.01)
    assert samplers._until(lambda seed: 0.0, 1) is None
    assert samplers._mean([None, (1.0, 1.0)], 0) is None and samplers._ratio(1.0, None) is None


def test_graphs_that_are_not_shipped_are_missed_in_words():
    with pytest.raises(InputError, match="checkout"):
        samplers.graph("G999")
