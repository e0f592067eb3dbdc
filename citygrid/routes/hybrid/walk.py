"""Replicas of a choice that walk through the energy, with their books: loads, totals, energies."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.energy import Energy
from citygrid.routes.hybrid.heat_bath import sweep


class Walk:
    """Replicas (R) of a choice: ``state`` (R × g), ``energy`` (R), and the ``best`` (R × g) so far.

    Loads are kept in steps of the tables, where 1 is a table's first load; totals as their distance
    from the target. What a group's options put into the rows is kept as pairs of row and weight:
    options of a group mostly share them (a job that starts an hour later shares all hours but
    one), so that a response is worked out once per pair.
    """

    def __init__(
        self, model: Energy, replicas: int, seed: int, start: Positions | None = None,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self._weights, step = sp.csc_array(model.weights), model.step
        self._count = np.bincount(model.owner, minlength=model.groups)
        self._first = np.concatenate([[0], np.cumsum(self._count)]).astype(np.int64)
        width, base, rise = _lines(model)
        pair_first, pair_row, pair_load, use_pair = _pairs(model, self._weights)
        own = model.gathered.power(2).T @ model.stiffness
        self._fixed = (
            self._first, model.priced + 0.5 * np.asarray(own), pair_first, pair_row,
            pair_load / step[pair_row], pair_load, self._weights.indptr.astype(np.int64), use_pair,
            model.total.astype(np.int64), model.stiffness, base, rise, width,
        )  # fmt: skip
        self.visits = 0
        self.movable = int((self._count > 1).sum())
        threads = min(threads or os.cpu_count() or 1, replicas)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.begin(replicas, seed, start)

    def begin(self, replicas: int, seed: int, start: Positions | None = None) -> None:
        """Begin anew, at random choices or all at ``start`` (g); what depends on neither stays."""
        model, generator = self.model, np.random.default_rng(seed)
        if start is None:
            draws = generator.random((replicas, model.groups))
            self.state = self._first[:-1] + (draws * self._count).astype(np.int64)
        else:
            self.state = np.tile(start.astype(np.int64), (replicas, 1))
        self.energy = model.of_each(self.state.T)
        self.best, self.least = self.state.copy(), self.energy.copy()
        chosen = _taken(self.state, len(model.owner))
        first, step = model.first, model.step
        self.loads = (1.0 - first / step) + (self._weights @ chosen).toarray().T / step
        self.gaps = (model.gathered @ chosen).toarray().T - model.target
        random = generator.integers(0, 2**64 - 1, replicas, dtype=np.uint64)
        order = np.tile(np.arange(model.groups), (replicas, 1))
        self._books = (
            random, self.state, self.loads, self.gaps, self.energy, self.best, self.least,
            *self._fixed, order,
        )  # fmt: skip

    def sweep(self, beta: float, count: int = 1) -> int:
        """Every group of every replica ``count`` times; how often one changed its option."""
        if self.movable == 0:
            return 0
        replicas = range(len(self.state))
        self.visits += self.movable * len(replicas) * count
        if self._pool is None:
            return sum(sweep(replica, beta, count, *self._books) for replica in replicas)
        parts = [
            self._pool.submit(sweep, replica, beta, count, *self._books) for replica in replicas
        ]
        return sum(part.result() for part in parts)


def _taken(state: Positions, options: int) -> sp.csc_array:
    """Which options (c × R) the replicas have taken."""
    replicas, groups = state.shape
    begin = np.arange(replicas + 1) * groups
    return sp.csc_array((np.ones(state.size), state.ravel(), begin), shape=(options, replicas))


def _lines(model: Energy) -> tuple[int, Floats, Floats]:
    """The tables as one line ``base + rise · place`` per cell, with steep cells at the ends.

    Cell i of a row holds places i to i + 1. Returns cells per row, base and rise (rows · cells).
    """
    table = model.table
    steep = (model.steep * model.step)[:, None]
    rise = np.concatenate([-steep, np.diff(table, axis=1), steep], axis=1)
    left = np.concatenate([table[:, :1], table], axis=1)
    at = np.maximum(np.arange(rise.shape[1]), 1)
    return rise.shape[1], (left - rise * at).ravel(), rise.ravel()


def _pairs(
    model: Energy, weights: sp.csc_array
) -> tuple[Positions, Positions, Floats, Positions]:  # fmt: skip
    """Pairs of row and weight, by group: the first of every group, row and weight of each pair.

    The last array says for every entry of ``weights`` which pair it is.
    """
    group = np.repeat(model.owner, np.diff(weights.indptr)).astype(float)
    keys = np.stack([group, weights.indices.astype(float), weights.data])
    pairs, number = np.unique(keys, axis=1, return_inverse=True)
    first = np.searchsorted(pairs[0], np.arange(model.groups + 1))
    return (
        first.astype(np.int64), pairs[1].astype(np.int64), np.ascontiguousarray(pairs[2]),
        number.ravel().astype(np.int64),
    )  # fmt: skip
