"""An annealer that keeps one-hot groups: its state is the option of every group.

Simulated annealing by heat bath: a move takes one group out and puts it back at one of its options
with probability ``∝ exp(−β ΔE)``, in many replicas at once. No penalty is needed for the groups, no
move crosses an invalid state, and the energy may be tabulated instead of quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from citygrid.model.form import Floats
from citygrid.routes.assignment import Positions
from citygrid.routes.energy import Energy


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


class _Place(NamedTuple):
    """What a move of one group needs of its options (k × d rows), looked up once."""

    rows: Positions
    weights: Floats
    first: Floats
    per_step: Floats
    offset: Positions
    steep: Floats
    total: Positions
    target: Floats
    pull: Floats
    half: Floats
    priced: Floats


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
        self.replica = np.arange(replicas)[:, None]
        # One more row and total that nothing counts, where the padding goes.
        height, none = model.weights.shape[0], len(model.target)
        self.total = np.append(np.where(model.total < 0, none, model.total), none)
        self.stiffness = np.append(model.stiffness, 0.0)
        self.target = np.append(model.target, 0.0)
        self.first, self.step = np.append(model.first, 0.0), np.append(model.step, 1.0)
        self.table = np.append(model.table.ravel(), np.zeros(model.table.shape[1]))
        self.steep = np.append(np.full(height, model.steep), 0.0)
        self.apart = _apart(self.total[self.rows], self.weights)
        self.loads = np.zeros((replicas, height + 1))
        self.totals = np.zeros((replicas, none + 1))
        for group in range(model.groups):
            self._put(self.state[:, group], 1.0)
        self.places = [self._place(group) for group in range(model.groups)]

    def _place(self, group: int) -> _Place:
        members = slice(self.begin[group], self.begin[group] + self.count[group])
        rows, weights = self.rows[members], self.weights[members]
        total = self.total[rows]
        return _Place(
            rows, weights, self.first[rows], 1.0 / self.step[rows],
            rows * self.model.table.shape[1], self.steep[rows] * self.step[rows], total,
            self.target[total], self.stiffness[total] * weights, 0.5 * weights,
            self.model.priced[members],
        )  # fmt: skip

    def sweep(self, beta: float) -> None:
        """Every group once, in random order."""
        for group in self.generator.permutation(self.model.groups):
            if self.count[group] > 1:
                self._move(int(group), beta)

    def _move(self, group: int, beta: float) -> None:
        old = self.state[:, group]
        self._put(old, -1.0)
        change = self._added(self.places[group])
        # Gumbel's trick draws from the heat bath without normalising it.
        noise = self.generator.gumbel(size=change.shape)
        new = self.begin[group] + np.argmax(noise - beta * change, axis=1)
        self.state[:, group] = new
        self._put(new, 1.0)

    def _put(self, options: Positions, sign: float) -> None:
        """Add an option per replica to the loads and totals, or take it away."""
        rows, weights = self.rows[options], sign * self.weights[options]
        self.loads[self.replica, rows] += weights
        if self.apart:
            self.totals[self.replica, self.total[rows]] += weights
        else:
            np.add.at(self.totals, (self.replica, self.total[rows]), weights)

    def _added(self, place: _Place) -> Floats:
        """Energy that each option (k × d rows) adds in every replica (R × k)."""
        model = self.model
        at = np.empty((2, len(self.replica), *place.rows.shape))
        at[0] = (self.loads[:, place.rows] - place.first) * place.per_step
        at[1] = at[0] + place.weights * place.per_step
        last = model.table.shape[1] - 1
        inner = np.minimum(np.maximum(at, 0.0), last)
        low = np.minimum(inner.astype(np.int64), last - 1)
        cell = low + place.offset
        base = self.table[cell]
        value = base + (inner - low) * (self.table[cell + 1] - base)
        value += place.steep * np.abs(at - inner)
        # Two rows of one option in the same total are counted apart here; `energies` is exact.
        gap = self.totals[:, place.total] - place.target
        more = value[1] - value[0] + place.pull * (gap + place.half)
        return np.asarray(more.sum(axis=-1) + place.priced)

    def energies(self) -> Floats:
        """Energy of every replica (R)."""
        model = self.model
        height = model.weights.shape[0]
        rows = np.broadcast_to(np.arange(height), (len(self.replica), height))
        responses = model.response(rows, self.loads[:, :height]).sum(axis=1)
        totals = ((self.totals - self.target) ** 2 * self.stiffness).sum(axis=1)
        return np.asarray(model.priced[self.state].sum(axis=1) + responses + 0.5 * totals)


def _apart(totals: Positions, weights: Floats) -> bool:
    """Whether no option enters a total by two rows, so that all its entries add at once."""
    real = np.sort(np.where(weights != 0.0, totals, -1 - np.arange(totals.shape[1])), axis=1)
    return not bool((real[:, 1:] == real[:, :-1]).any())


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
