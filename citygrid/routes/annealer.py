"""An annealer that keeps one-hot groups: its state is the option of every group.

Simulated annealing by heat bath: a move takes one group out and puts it back at one of its options
with probability ``∝ exp(−β ΔE)``, in many replicas at once. No penalty is needed for the groups, no
move crosses an invalid state, and the energy may be tabulated instead of quadratic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from citygrid.model.form import Floats
from citygrid.routes.assignment import Energy, Positions


def anneal(
    model: Energy, replicas: int, sweeps: int, betas: tuple[float, float], seed: int,
    start: Positions | None = None, spent: Callable[[], float] = lambda: 0.0,
) -> list[Positions]:  # fmt: skip
    """The best state seen by every replica, as choices (g) of the model's candidates.

    replicas, sweeps
        States at once, and moves per group.
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
    done = 0.0
    for number in range(sweeps):
        # Where time ends the search, the clock cools and not the count: it always ends cold.
        done = max(number / max(sweeps - 1, 1), min(spent(), 1.0))
        walk.sweep(float(betas[0] * (betas[1] / betas[0]) ** done))
        # Early states are hot; looking at them costs more than it finds.
        if done >= 0.6 or number == sweeps - 1:
            now = walk.energies()
            better = now < energy
            best[better], energy[better] = walk.state[better], now[better]
        if done >= 1.0:
            break
    return list(best)


class _Walk:
    """Replicas of a choice with their loads (R × r) and totals (R × t)."""

    def __init__(
        self, model: Energy, replicas: int, generator: np.random.Generator,
        start: Positions | None,
    ) -> None:  # fmt: skip
        self.model, self.generator = model, generator
        count = np.bincount(model.owner, minlength=model.groups)
        self.begin = np.cumsum(count) - count
        self.count = count
        self.rows, self.weights = _padded(model)
        if start is None:
            draws = generator.random((replicas, model.groups))
            self.state = self.begin + (draws * count).astype(np.int64)
        else:
            self.state = np.tile(start, (replicas, 1))
        self.replica = np.arange(replicas)
        dense = np.zeros((replicas, model.weights.shape[0] + 1))
        for group in range(model.groups):
            chosen = self.state[:, group]
            np.add.at(dense, (self.replica[:, None], self.rows[chosen]), self.weights[chosen])
        self.loads = dense
        # One more row and total that nothing counts, where the padding goes.
        self.total = np.append(np.where(model.total < 0, len(model.target), model.total),
                               len(model.target))  # fmt: skip
        self.stiffness = np.append(model.stiffness, 0.0)
        self.target = np.append(model.target, 0.0)
        self.totals = np.zeros((replicas, len(self.target)))
        np.add.at(self.totals.T, self.total, self.loads.T)

    def sweep(self, beta: float) -> None:
        """Every group once, in random order."""
        for group in self.generator.permutation(self.model.groups):
            if self.count[group] > 1:
                self._move(int(group), beta)

    def _move(self, group: int, beta: float) -> None:
        at = self.replica[:, None]
        old = self.state[:, group]
        rows, weights = self.rows[old], self.weights[old]
        np.subtract.at(self.loads, (at, rows), weights)
        np.subtract.at(self.totals, (at, self.total[rows]), weights)
        members = np.arange(self.begin[group], self.begin[group] + self.count[group])
        rows, weights = self.rows[members], self.weights[members]
        change = self._added(rows, weights) + self.model.priced[members]
        # Gumbel's trick draws from the heat bath without normalising it.
        noise = self.generator.gumbel(size=change.shape)
        new = members[np.argmax(noise - beta * change, axis=1)]
        self.state[:, group] = new
        rows, weights = self.rows[new], self.weights[new]
        np.add.at(self.loads, (at, rows), weights)
        np.add.at(self.totals, (at, self.total[rows]), weights)

    def _added(self, rows: Positions, weights: Floats) -> Floats:
        """Energy that each option (k × d rows) adds in every replica (R × k)."""
        model = self.model
        if not model.weights.shape[0]:
            return np.zeros((len(self.replica), len(rows)))
        real = np.minimum(rows, model.weights.shape[0] - 1)
        load = self.loads[:, rows]
        shape = np.broadcast_to(real, load.shape)
        more = model.response(shape, load + weights) - model.response(shape, load)
        more = np.where(weights != 0.0, more, 0.0)
        # Two rows of one option in the same total are counted apart here; `energies` is exact.
        t = self.total[rows]
        gap = self.totals[:, t] - self.target[t]
        more = more + self.stiffness[t] * weights * (gap + 0.5 * weights)
        return np.asarray(more.sum(axis=-1))

    def energies(self) -> Floats:
        """Energy of every replica (R)."""
        model = self.model
        height = model.weights.shape[0]
        rows = np.broadcast_to(np.arange(height), (len(self.replica), height))
        responses = model.response(rows, self.loads[:, :height]).sum(axis=1)
        totals = ((self.totals - self.target) ** 2 * self.stiffness).sum(axis=1)
        return np.asarray(model.priced[self.state].sum(axis=1) + responses + 0.5 * totals)


def _padded(model: Energy) -> tuple[Positions, Floats]:
    """Rows and weights of every option (c × d), padded with a row that nothing counts."""
    weights = model.weights
    height, width = weights.shape
    counts = np.diff(weights.indptr)
    deep = max(int(counts.max(initial=0)), 1)
    rows = np.full((width, deep), height, dtype=np.int64)
    values = np.zeros((width, deep))
    column = np.repeat(np.arange(width), counts)
    place = np.arange(len(column)) - np.repeat(weights.indptr[:-1], counts)
    rows[column, place], values[column, place] = weights.indices, weights.data
    return rows, values
