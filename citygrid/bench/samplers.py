"""How good the cuts are that samplers find in the same time, and how long a good one takes.

Max-Cut on two graphs of the G-set, ``E = ½ Σ_ij w_ij s_i s_j`` (a cut is half of what all weights
exceed ``E`` by). All annealers get the same temperatures and as many sweeps, the range in which
``neal`` is quickest on G22, scaled by the root of the number of neighbours; they begin anew with
another seed until their time is over. Everything runs in one process, one after the other.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.bench import Say, Wish
from citygrid.errors import Fault, InputError
from citygrid.model.form import Floats
from citygrid.routes import samplers
from citygrid.routes.contract import Positions

FOLDER = Path(__file__).resolve().parents[2] / "data" / "gset"
GRAPHS = ("G1", "G22")
#: Best cuts that are known (rliang/qubo-benchmark-instances).
KNOWN = {"G1": 11_624, "G22": 13_359}
SEEDS = range(5)
#: Seconds for every sampler, graph and seed; sweeps per anneal; their range for one neighbour.
BUDGET, SWEEPS, RANGE = 0.6, 1000, (0.9, 9.0)
#: The graph and cut for the time to a good answer, and the seconds after which nobody waits on.
GRAPH, TARGET, PATIENCE = "G22", 13_350, 20.0
#: Times to the target that are measured.
RUNS = 20

Cut = Callable[[int], float]


def graph(name: str) -> tuple[Positions, Positions, Floats]:
    """Edges of a graph of the G-set: first node, second node (from 0), weight."""
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        raise InputError(Fault(str(path), "is not there", None, "run from a checkout of citygrid"))
    edges = np.loadtxt(path, skiprows=1, delimiter=",")
    return edges[:, 0].astype(int) - 1, edges[:, 1].astype(int) - 1, edges[:, 2].copy()


def _cutters(name: str) -> dict[str, Cut]:
    """Per sampler a function that gives the best cut of one call with a seed."""
    first, second, weight = graph(name)
    nodes = int(max(first.max(), second.max())) + 1
    model = samplers.model(np.zeros(nodes), (first, second, weight), 0.0, spins=True)
    scale = (2.0 * len(weight) / nodes) ** -0.5
    betas = (RANGE[0] * scale, RANGE[1] * scale)
    usual = {"num_sweeps": SWEEPS, "beta_range": betas}
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "onehot": ("onehot", {**usual, "num_reads": 2}),
        "onehot, one thread": ("onehot", {**usual, "num_reads": 1, "threads": 1}),
        "neal": ("neal", {**usual, "num_reads": 1}),
        "tabu": ("tabu", {"num_reads": 1, "timeout": int(1000 * BUDGET)}),
    }
    if importlib.util.find_spec("openjij") is not None:
        told["openjij"] = ("openjij", {**usual, "num_reads": 1})
    total = float(weight.sum())

    def cutter(sampler: Any, wishes: dict[str, Any]) -> Cut:
        def cut(seed: int) -> float:
            found = sampler.sample(model, seed=seed, **wishes)
            return 0.5 * (total - float(found.record.energy.min()))

        return cut

    return {label: cutter(samplers.get(known), wishes) for label, (known, wishes) in told.items()}


def _within(cut: Cut, seed: int) -> tuple[float, float]:
    """The best cut of as many calls as begin within the budget, and the seconds they took."""
    begun, best, call = time.perf_counter(), 0.0, 0
    while time.perf_counter() - begun < BUDGET:
        best = max(best, cut(1000 * seed + call))
        call += 1
    return best, time.perf_counter() - begun


def _until(cut: Cut, seed: int) -> tuple[float, float] | None:
    """Seconds, and processor seconds, until a call reaches the target; ``None`` if none does."""
    begun, worked, call = time.perf_counter(), time.process_time(), 0
    while cut(1000 * seed + call) < TARGET:
        call += 1
        if time.perf_counter() - begun > PATIENCE:
            return None
    return time.perf_counter() - begun, time.process_time() - worked


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Best and median cut at equal time per graph and sampler, and the time to :data:`TARGET`.

    ``time_ratio`` is the mean time of ``neal`` to the target over that of ``onehot`` on all cores,
    ``time_ratio_one_thread`` the same on one, and ``processor_ratio_one_thread`` that of processor
    time, which a busy machine does not change as much.
    """
    document: dict[str, Any] = {"sweeps": SWEEPS, "seeds": len(SEEDS), "graphs": {}}
    for name in GRAPHS:
        say(f"cutting {name}, {BUDGET} s for every sampler and seed")
        cutters = _cutters(name)
        rows: dict[str, Any] = {}
        for label, cut in cutters.items():
            cut(0)  # compiled and imported
            found = [_within(cut, seed) for seed in SEEDS]
            cuts = [value for value, _ in found]
            rows[label] = {
                "best": max(cuts), "median": statistics.median(cuts),
                "seconds": statistics.mean(seconds for _, seconds in found),
            }  # fmt: skip
        document["graphs"][name] = {"best_known": KNOWN[name], "samplers": rows}
    say(f"waiting for a cut of {TARGET:,} of {GRAPH}")
    cutters = _cutters(GRAPH)
    labels = ("onehot", "onehot, one thread", "neal")
    times: dict[str, list[tuple[float, float] | None]] = {label: [] for label in labels}
    for seed in range(100, 100 + RUNS):
        for label in labels:  # side by side, so that a busy machine is busy for all
            times[label].append(_until(cutters[label], seed))
    means = {label: _mean(found, 0) for label, found in times.items()}
    worked = {label: _mean(found, 1) for label, found in times.items()}
    document["time_to_target"] = {
        "graph": GRAPH, "cut": TARGET, "runs": RUNS,
        "mean_seconds": means, "mean_processor_seconds": worked,
        "unreached": {label: found.count(None) for label, found in times.items()},
        "time_ratio": _ratio(means["neal"], means["onehot"]),
        "time_ratio_one_thread": _ratio(means["neal"], means["onehot, one thread"]),
        "processor_ratio_one_thread": _ratio(worked["neal"], worked["onehot, one thread"]),
    }  # fmt: skip
    return document


def _mean(found: list[tuple[float, float] | None], which: int) -> float | None:
    """Mean of all; none where one did not arrive, for then it is not known."""
    known = [seconds[which] for seconds in found if seconds is not None]
    return statistics.mean(known) if len(known) == len(found) else None


def _ratio(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or lower is None else upper / lower
