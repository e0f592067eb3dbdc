"""An annealer that keeps one-hot groups: its state is the option of every group.

Simulated annealing by heat bath: a move takes one group out and puts it back at one of its options
with probability ``∝ exp(−β ΔE)``, in many replicas at once. No penalty is needed for the groups, no
move crosses an invalid state, and the energy may be tabulated instead of quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.energy import Energy

#: Part of the schedule after which states are worth looking at; before, they are hot.
LATE = 0.6
#: Random choices that are valued at once.
BATCH = 64
#: Sweeps in a row without any change, late in the schedule, after which nothing will change.
FROZEN = 5


class Found(NamedTuple):
    """Choices (g), best first of every kind, and the visits of a group by a replica they took."""

    choices: list[Positions]
    visits: int


def anneal(
    model: Energy, replicas: int, sweeps: int, betas: tuple[float, float], seed: int,
    start: Positions | None = None, spent: Callable[[], float] = lambda: 0.0,
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
        Part of the time that is gone (0 to 1), asked before every sweep; at 1 the search ends.
    """
    generator = np.random.default_rng(seed)
    walk = _Walk(model, replicas, generator, start)
    best, energy = walk.state.copy(), walk.energies()
    still, every, passed = 0, max(sweeps // 20, 1), [walk.state[:, :0]]
    for number in range(sweeps):
        # Where time ends the search, the clock cools and not the count: it always ends cold.
        done = max(number / max(sweeps - 1, 1), min(spent(), 1.0))
        moved = walk.sweep(float(betas[0] * (betas[1] / betas[0]) ** done))
        if moved and number % every == 0:
            passed.append(walk.state.copy())
        late = done >= LATE or number == sweeps - 1
        if late and moved:
            now = walk.energies()
            better = now < energy
            best[:, better], energy[better] = walk.state[:, better], now[better]
        still = 0 if moved or not late else still + 1
        if done >= 1.0 or still >= FROZEN:
            break
    others = _best(model, np.concatenate(passed, axis=1), replicas)
    return Found([*best.T.copy(), *others], walk.visits)


def descend(
    model: Energy, replicas: int, sweeps: int, beta: float, seed: int,
    start: Positions | None = None, spent: Callable[[], float] = lambda: 0.0,
) -> Found:  # fmt: skip
    """Greedy control of :func:`anneal`: the same moves, always cold, begun anew when all is still.

    It makes as many sweeps as it is given, which is at least what the annealer makes of as many,
    and a sweep takes both the same time. The first descent begins at ``start``.
    """
    generator = np.random.default_rng(seed)
    ends, visits, left = [np.zeros((model.groups, 0), dtype=np.int64)], 0, sweeps
    while left > 0 and (spent() < 1.0 or not visits):
        walk = _Walk(model, replicas, generator, start)
        moved, start = True, None
        while moved and left > 0 and (spent() < 1.0 or not visits):
            moved = walk.sweep(beta)
            left -= 1
        ends.append(walk.state)
        visits += walk.visits
    return Found(_best(model, np.concatenate(ends, axis=1), 2 * replicas), visits)


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


class _Group(NamedTuple):
    """What a move of one group needs, looked up once.

    Options of a group mostly put the same weight into the same rows (a job that starts an hour
    later shares all hours but one), so responses are worked out once per pair (p) of row and
    weight. ``rows`` (p), ``weight`` (p × 1) in steps of the row's table, ``cells`` (p × 1) where
    that begins, ``uses`` (k × p) the pairs of each option, ``own`` (k × p) what it puts into their
    rows; ``totals`` (v), what each option adds there, ``adds`` (k × v), and their ``pull``;
    ``alone`` (k × 1) the energy that does not depend on the loads.
    """

    first: int
    rows: Positions
    weight: Floats
    cells: Positions
    uses: Floats
    own: Floats
    totals: Positions
    adds: Floats
    pull: Floats
    alone: Floats


class _Walk:
    """Replicas (R) of a choice with their loads (r × R), in steps of the tables, and totals."""

    def __init__(
        self, model: Energy, replicas: int, generator: np.random.Generator,
        start: Positions | None,
    ) -> None:  # fmt: skip
        self.model, self.generator = model, generator
        count = np.bincount(model.owner, minlength=model.groups)
        self.begin = np.cumsum(count) - count
        if start is None:
            draws = generator.random((model.groups, replicas))
            self.state = self.begin[:, None] + (draws * count[:, None]).astype(np.int64)
        else:
            self.state = np.tile(start[:, None], (1, replicas))
        self._tabulate()
        self.scaled = sp.csc_array(sp.diags_array(1.0 / model.step) @ model.weights)
        self.gathered = sp.csc_array(model.gathered)
        self.loads = np.tile((1.0 - model.first / model.step)[:, None], (1, replicas))
        self.gaps = np.tile(-model.target[:, None], (1, replicas))
        for chosen in self.state:
            self.loads += self.scaled[:, chosen].toarray()
            self.gaps += self.gathered[:, chosen].toarray()
        self.groups = [
            self._group(int(first), int(size))
            for first, size in zip(self.begin, count, strict=True)
        ]
        self.movable = np.flatnonzero(count > 1)
        self.visits = 0

    def _tabulate(self) -> None:
        """The tables as one line ``base + rise · place`` per cell, with steep cells at the ends."""
        table = self.model.table
        steep = (self.model.steep * self.model.step)[:, None]
        rise = np.concatenate([-steep, np.diff(table, axis=1), steep], axis=1)
        # Cell i holds places i to i + 1; place 1 is the first load of the table.
        left = np.concatenate([table[:, :1], table], axis=1)
        at = np.maximum(np.arange(rise.shape[1]), 1)
        self.width = rise.shape[1]
        self.rise, self.base = rise.ravel(), (left - rise * at).ravel()

    def _group(self, first: int, size: int) -> _Group:
        model = self.model
        part = sp.coo_array(self.scaled[:, first : first + size])
        pairs, number = np.unique(
            np.stack([part.row.astype(float), part.data]), axis=1, return_inverse=True
        )
        rows, weight = pairs[0].astype(np.int64), pairs[1][:, None]
        uses = np.zeros((size, len(rows)))
        uses[part.col, number.ravel()] = 1.0
        # Pairs of one row see the same load, whichever of their weights the option puts there.
        own = sp.csr_array(part)[rows].toarray().T
        sums = sp.csr_array(self.gathered[:, first : first + size])
        totals = np.flatnonzero(np.diff(sums.indptr))
        adds = sums[totals].toarray().T
        stiffness = model.stiffness[totals]
        alone = model.priced[first : first + size] + 0.5 * adds**2 @ stiffness
        return _Group(
            first, rows, weight, (rows * self.width)[:, None], uses, own, totals, adds,
            adds * stiffness, alone[:, None],
        )  # fmt: skip

    def sweep(self, beta: float) -> bool:
        """Every group once, in random order; whether any replica changed."""
        moved = False
        self.visits += len(self.movable) * self.state.shape[1]
        for group in self.generator.permutation(self.movable):
            moved |= self._move(int(group), beta)
        return moved

    def _move(self, number: int, beta: float) -> bool:
        group, state = self.groups[number], self.state[number]
        old = state - group.first
        # Loads and totals as they are without this group.
        loads = self.loads[group.rows] - group.own[old].T
        gaps = self.gaps[group.totals] - group.adds[old].T
        change = group.uses @ self._responses(group, loads)
        change += group.pull @ gaps
        change += group.alone
        # Gumbel's trick draws from the heat bath without normalising it.
        change *= -beta
        change -= np.log(self.generator.standard_exponential(change.shape))
        new = change.argmax(axis=0)
        if (new == old).all():
            return False
        self.loads[group.rows] = loads + group.own[new].T
        self.gaps[group.totals] = gaps + group.adds[new].T
        state[:] = new + group.first
        return True

    def _responses(self, group: _Group, loads: Floats) -> Floats:
        """What every pair's weight adds to the response of its row (p × R)."""
        at = np.empty((2, *loads.shape))
        at[0] = loads
        np.add(loads, group.weight, out=at[1])
        # Beyond the ends the outermost cells go on, and those are steep.
        cell = np.clip(at, 0.0, self.width - 1.0).astype(np.int64)
        cell += group.cells
        at *= self.rise.take(cell)
        at += self.base.take(cell)
        return np.asarray(at[1] - at[0])

    def energies(self) -> Floats:
        """Energy of every replica (R)."""
        cell = np.clip(self.loads, 0.0, self.width - 1.0).astype(np.int64)
        cell += (np.arange(len(self.loads)) * self.width)[:, None]
        responses = (self.base.take(cell) + self.rise.take(cell) * self.loads).sum(axis=0)
        pulls = 0.5 * self.model.stiffness @ self.gaps**2
        return np.asarray(self.model.priced[self.state].sum(axis=0) + responses + pulls)
