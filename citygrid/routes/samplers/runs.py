"""Whole runs of the annealer: temperatures, exchanges, threads, and the clock.

Free spins are annealed read by read, from hot to cold: short anneals begun anew reached the best
known cuts of random graphs sooner than exchanges between temperatures. Choices under groups and
limits are tempered: replicas on a ladder of temperatures, neighbours exchanged after every stage,
so that a limit which has become dearer can still be obeyed by leaving a valley.

Time may end a run early; otherwise the answer depends on the seed alone, not on the threads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from citygrid.model.form import Floats
from citygrid.routes.samplers import moves, spins
from citygrid.routes.samplers.problem import HOT, Groups, Limits, Quadratic

#: Temperatures of an anneal; each gets as many sweeps as there are to spare.
TEMPERATURES = 250
#: Replicas on one ladder, at most and at least, and exchanges in a run.
LADDER, SHORTEST, EXCHANGES = 16, 4, 100
#: A limit gets dearer where more than half of the cold replicas break it, cheaper where none does.
DEARER, CHEAPER = 1.3, 0.97


class Found(NamedTuple):
    """States (r × n), what they cost, by how much they break hard limits, and what it took."""

    states: Any
    energy: Floats
    broken: Floats
    flips: int
    sweeps: int


class Deadline:
    """Part of the seconds that is gone (0 without a limit), as a schedule reads it."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds, self._begun = seconds, time.perf_counter()

    @property
    def spent(self) -> float:
        if self._seconds is None:
            return 0.0
        return min((time.perf_counter() - self._begun) / max(self._seconds, 1e-9), 1.0)


def anneal(
    model: Quadratic, starts: Any, sweeps: int, betas: tuple[float, float], seed: int,
    deadline: Deadline, threads: int | None = None,
) -> Found:  # fmt: skip
    """Anneal spins from their starts (r × n, ±1), every read for itself; best states seen."""
    state = np.ascontiguousarray(starts, dtype=np.int8)
    reads = len(state)
    stages = min(sweeps, TEMPERATURES)
    counts = np.diff(np.arange(stages + 1) * sweeps // max(stages, 1))
    ladder = np.geomspace(betas[0], betas[1], stages) if stages > 1 else np.array([betas[1]])
    quantum = model.quantum
    unit = quantum or 1.0
    kind = np.float64 if quantum is None else np.int32
    arrays = model.matrix.indptr.astype(np.int64), model.matrix.indices.astype(np.int32)
    weight = _as(model.matrix.data / unit, kind)
    field = _as(model.fields(state) / unit, kind)
    energy = (model.of_states(state) - model.offset) / unit
    value = _as(energy.reshape(reads, 1), np.float64 if quantum is None else np.int64)
    least, best, random = value.copy(), state.copy(), spins.seeds(seed, reads)
    # A whole field is at most the biases around a spin, and so is the change of a flip.
    reach = np.abs(model.linear) + np.asarray(abs(model.matrix).sum(axis=1)).ravel()
    most = round(float(reach.max(initial=0.0)) / unit) if quantum is not None else 0
    chance = spins.chances(ladder, unit, most) if quantum is not None else None
    even = bool((weight == 1).all())

    neighbours = arrays[0], arrays[1], weight

    def read(r: int, begin: int, end: int) -> tuple[int, int]:
        part, mine = counts[begin:end], (random[r], value[r], best[r], least[r])
        if chance is None:
            flips = spins.sweep_real(part, ladder[begin:end], state[r], field[r], *neighbours,
                                     spins.LOGARITHMS, *mine)  # fmt: skip
        else:
            flips = spins.sweep_whole(part, chance[begin:end], state[r], field[r], *neighbours,
                                      even, *mine)  # fmt: skip
        return int(flips), int(part.sum())

    flips = done = 0
    with crew(threads) as everybody:
        for begin, end in _stages(stages, deadline):
            for few, made in everybody(lambda r, b=begin, e=end: read(r, b, e), reads):
                flips, done = flips + few, done + made
    return Found(best, model.of_states(best), np.zeros(reads), flips, done)


def _stages(stages: int, deadline: Deadline) -> Iterator[tuple[int, int]]:
    """Parts of a schedule: all at once, or with a clock one by one and faster where it runs out."""
    if deadline.spent == 0.0 and deadline._seconds is None:
        yield 0, stages
        return
    at = 0
    while at < stages:
        yield at, at + 1
        at = max(at + 1, min(int(deadline.spent * stages), stages - 1))
        if deadline.spent >= 1.0 and at < stages - 1:
            at = stages - 1


def _as(values: Any, kind: Any) -> Any:
    """Whole numbers are rounded, not cut."""
    rounded = np.rint(values) if np.issubdtype(kind, np.integer) else values
    return np.ascontiguousarray(rounded, dtype=kind)


def _swept(replicas: _Replicas, count: int, beta: Floats, r: int) -> int:
    return replicas.sweep(r, count, float(beta[r]))


class _Replicas:
    """States of all replicas with their fields and loads, kept up to date by the moves."""

    def __init__(
        self, model: Quadratic, groups: Groups, limits: Limits, starts: Any, seed: int
    ) -> None:
        self.model = groups.without_couplings_inside(model)
        self.groups, self.limits = groups, limits
        self.state = groups.put_right(starts, seed)
        self.price = limits.price.copy()
        count = len(self.state)
        self.field = np.ascontiguousarray(self.model.fields(self.state))
        self.load = np.ascontiguousarray((limits.weights @ self.state.T.astype(float)).T)
        on = self.state[:, groups.members].astype(bool)
        self.chosen = np.broadcast_to(groups.members, on.shape)[on].reshape(count, len(groups))
        self.value = (self.model.of_states(self.state) - self.model.offset).reshape(count, 1)
        self.best = self.state.copy()
        self.least = np.full((count, 2), np.inf)
        self.random = spins.seeds(seed, count)
        matrix = self.model.matrix
        by_variable = sp_columns(limits.weights)
        self._arrays = (
            groups.free, groups.first, groups.members,
            matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data,
            *by_variable, limits.low, limits.high,
        )  # fmt: skip
        self._hard = ~limits.fixed

    def sweep(self, r: int, count: int, beta: float) -> int:
        return int(moves.sweep(
            count, beta, self.state[r], self.chosen[r], self.field[r], self.load[r], *self._arrays,
            self.price, self._hard, self.random[r], self.value[r], self.best[r], self.least[r],
        ))  # fmt: skip

    @property
    def over(self) -> Floats:
        """Overshoot per replica and limit (r × m)."""
        low, high = self.limits.low, self.limits.high
        return np.asarray(np.maximum(self.load - high, 0) + np.maximum(low - self.load, 0))

    def learn(self, cold: Any) -> None:
        """Prices of limits by what cold replicas broke."""
        if not self._hard.any():
            return
        over = self.over[cold] > moves.TINY * (1.0 + np.abs(self.load[cold]))
        share = over.mean(axis=0)
        price = np.where(share > 0.5, self.price * DEARER, self.price)
        price = np.where(share == 0.0, np.maximum(price * CHEAPER, self.limits.price), price)
        self.price = np.where(self._hard, price, self.price)


def sp_columns(matrix: Any) -> tuple[Any, Any, Any]:
    """A matrix by its columns: where each begins, its rows, its values."""
    columns = matrix.tocsc()
    return (columns.indptr.astype(np.int64), columns.indices.astype(np.int32),
            columns.data.astype(np.float64))  # fmt: skip


def temper(
    model: Quadratic, groups: Groups, limits: Limits, starts: Any, sweeps: int,
    betas: tuple[float, float], seed: int, deadline: Deadline, threads: int | None = None,
) -> Found:  # fmt: skip
    """Temper choices from their starts (r × n, 0 or 1); the best state that each replica has seen.

    Replicas stand on ladders of up to :data:`LADDER` temperatures. A state that breaks fewer hard
    limits is better, of equal ones the one of lower energy.
    """
    replicas = _Replicas(model, groups, limits, starts, seed)
    count = len(replicas.state)
    ladder, place = np.divmod(np.arange(count), LADDER)
    size = np.bincount(ladder)[ladder]
    # The highest place is the coldest; a ladder of one is cold.
    up = np.where(size > 1, place / np.maximum(size - 1, 1), 1.0)
    beta = betas[0] * (betas[1] / betas[0]) ** up
    order = np.arange(count)  # which replica stands at a place
    stages = min(sweeps, EXCHANGES)
    counts = np.diff(np.arange(stages + 1) * sweeps // max(stages, 1))
    lots = np.random.default_rng([seed, 1])
    cold = np.flatnonzero(up >= 0.5)
    flips = done = 0
    with crew(threads) as everybody:
        for stage, number in enumerate(counts):
            at = np.empty(count)
            at[order] = beta
            made = everybody(partial(_swept, replicas, int(number), at), count)
            flips, done = flips + sum(made), done + int(number) * count
            if deadline.spent >= 1.0:
                break
            replicas.learn(order[cold])
            energy = replicas.value[:, 0] + replicas.over @ replicas.price
            for p in range(stage % 2, count - 1, 2):
                if place[p + 1] == 0:
                    continue  # the next ladder begins
                hot, cool = order[p], order[p + 1]
                gain = (beta[p + 1] - beta[p]) * (energy[cool] - energy[hot])
                if gain >= 0.0 or lots.random() < np.exp(gain):
                    order[p], order[p + 1] = cool, hot
    best = replicas.best
    energy = model.of_states(best)
    over = limits.over(best)
    energy = energy + over[:, limits.fixed] @ limits.price[limits.fixed]
    return Found(best, energy, over[:, ~limits.fixed].sum(axis=1), flips, done)


def price_of(model: Quadratic, weights: Any, hot: float) -> Floats:
    """First price of every limit: a typical change of the energy per unit of a typical weight."""
    sizes = abs(weights).sum(axis=1) / np.maximum(np.diff(weights.indptr), 1)
    return np.asarray(HOT / hot / np.maximum(np.asarray(sizes).ravel(), 1e-12))


@contextmanager
def crew(threads: int | None) -> Iterator[Callable[..., list[Any]]]:
    """``everybody(work, count)``: ``work(0), work(1), …`` shared among the threads, in order."""
    number = threads or os.cpu_count() or 1
    if number == 1:
        yield lambda work, count: [work(r) for r in range(count)]
        return
    with ThreadPoolExecutor(number) as pool:
        yield lambda work, count: list(pool.map(work, range(count)))
