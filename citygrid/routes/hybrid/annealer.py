"""An annealer that keeps one-hot groups: its state is the option of every group.

Simulated annealing by heat bath: a move takes one group out and puts it back at one of its options
with probability ``∝ exp(−β ΔE)``, in many replicas at once (:mod:`.walk`). No penalty is needed for
the groups, no move crosses an invalid state, and the energy may be tabulated instead of quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.energy import Energy
from citygrid.routes.hybrid.walk import Walk

#: Part of the schedule after which standing still means that all is frozen.
LATE = 0.6
#: Random choices that are valued at once.
BATCH = 64
#: Temperatures of the schedule; every so many stages the states that are passed are kept.
STAGES, PASSED = 100, 5
#: Stages in a row without any change, late in the schedule, after which nothing will change.
FROZEN = 3


class Found(NamedTuple):
    """Choices (g), best first of every kind, and the visits of a group by a replica they took."""

    choices: list[Positions]
    visits: int


def anneal(
    model: Energy, replicas: int, sweeps: int, betas: tuple[float, float], seed: int,
    start: Positions | None = None, spent: Callable[[], float] = lambda: 0.0,
    threads: int | None = None,
) -> Found:  # fmt: skip
    """The best state seen by every replica and states on the way there, as choices (g).

    On small models all replicas end in one state; what they passed before they froze, best first
    and at most as many again, is what else is worth a look.

    replicas, sweeps
        States at once, and moves per group (fewer where all replicas are frozen).
    betas
        First and last inverse temperature, 1/EUR; in between geometric.
    start
        Choice (g) that all replicas begin with; random ones when left out.
    spent
        Part of the time that is gone (0 to 1), asked before every stage; at 1 the search ends.
    threads
        That share the replicas; all cores when left out. The answer does not depend on it.
    """
    walk = Walk(model, replicas, seed, start, threads)
    stages = min(sweeps, STAGES)
    still, passed = 0, [walk.state[:0].T]
    energy = walk.energy.copy()
    for number, count in enumerate(_shares(sweeps, stages)):
        # Where time ends the search, the clock cools and not the count: it always ends cold.
        done = max(number / (stages - 1) if stages > 1 else 1.0, min(spent(), 1.0))
        beta = float(betas[0] * (betas[1] / betas[0]) ** done)
        moved = walk.sweep(np.full(replicas, beta), count)
        if moved and number % PASSED == 0:
            passed.append(walk.state.T.copy())
        # Options that cost the same are exchanged for ever; what is frozen is the energy.
        frozen = np.allclose(walk.energy, energy, rtol=0.0, atol=1e-3 / beta)
        energy = walk.energy.copy()
        still = still + 1 if frozen and done >= LATE else 0
        if done >= 1.0 or still >= FROZEN:
            break
    others = _best(model, np.concatenate(passed, axis=1), replicas)
    return Found([*walk.best.copy(), *others], walk.visits)


def _shares(sweeps: int, stages: int) -> list[int]:
    """``sweeps`` in ``stages`` nearly equal parts."""
    ends = np.arange(1, stages + 1) * sweeps // max(stages, 1)
    return [int(count) for count in np.diff(ends, prepend=0)]


def descend(
    model: Energy, replicas: int, sweeps: int, beta: float, seed: int,
    start: Positions | None = None, spent: Callable[[], float] = lambda: 0.0,
    threads: int | None = None,
) -> Found:  # fmt: skip
    """Greedy control of :func:`anneal`: the same moves, always cold, begun anew when all is still.

    It makes as many sweeps as it is given, which is at least what the annealer makes of as many,
    and a sweep takes both the same time. The first descent begins at ``start``.
    """
    walk, left = Walk(model, replicas, seed + sweeps, start, threads), sweeps
    ends = [np.zeros((model.groups, 0), dtype=np.int64)]
    if not walk.movable:
        return Found(_best(model, walk.state.T, replicas), 0)
    while left > 0 and (spent() < 1.0 or not walk.visits):
        if left < sweeps:
            walk.begin(replicas, seed + left)
        moved = 1
        while moved and left > 0 and (spent() < 1.0 or not walk.visits):
            moved = walk.sweep(np.full(replicas, beta))
            left -= 1
        ends.append(walk.best.T)
    return Found(_best(model, np.concatenate(ends, axis=1), 2 * replicas), walk.visits)


def draw(
    model: Energy, kept: int, draws: int, seed: int, spent: Callable[[], float] = lambda: 0.0
) -> Found:
    """Random control of :func:`anneal`: options drawn evenly in every group, the best draws."""
    generator = np.random.default_rng(seed)
    count = np.bincount(model.owner, minlength=model.groups)
    begin = (np.cumsum(count) - count)[:, None]
    best = np.zeros((model.groups, 0), dtype=np.int64)
    energy, done = np.zeros(0), 0
    while done < draws and (spent() < 1.0 or not done):
        size = min(BATCH, draws - done)
        fresh = begin + (generator.random((model.groups, size)) * count[:, None]).astype(np.int64)
        both = np.concatenate([best, fresh], axis=1)
        energy = np.concatenate([energy, model.of_each(fresh)])
        order = np.argsort(energy, kind="stable")[:kept]
        best, energy, done = both[:, order], energy[order], done + size
    return Found(list(best.T.copy()), done * model.groups)


def _best(model: Energy, states: Positions, count: int) -> list[Positions]:
    """The distinct ones of the states (g × n), best first, at most so many."""
    distinct = np.unique(states, axis=1)
    order = np.argsort(model.of_each(distinct), kind="stable")
    return list(distinct.T[order[:count]])
