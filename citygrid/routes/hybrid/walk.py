"""Replicas of a choice that walk through the energy, with their books: loads, totals, energies."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.energy import Energy
from citygrid.routes.hybrid.heat_bath import renew, sweep


class Walk:
    """Replicas (R) of a choice: ``state`` (R × g), ``energy`` (R), and the ``best`` (R × g) so far.

    Totals are kept as their distance from the target. What a group's options put into the positions
    is kept as pairs of position and weight: options of a group mostly share them (a job that starts
    an hour later shares all hours but one), so that a response is worked out once per pair. An
    option is a list of parts, each a run of positions of one chain.
    """

    def __init__(
        self, model: Energy, replicas: int, seed: int, start: Positions | None = None,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        chains, answers = model.chains, model.responses
        self._count = np.bincount(model.owner, minlength=model.groups)
        self._first = np.concatenate([[0], np.cumsum(self._count)]).astype(np.int64)
        placed = model.placed
        pair_first, pair_at, pair_load, use_pair = _pairs(model.owner, placed)
        own = model.gathered.power(2).T @ model.stiffness
        total = np.full(chains.count, -1, dtype=np.int64)
        total[chains.at] = model.total
        self._each = (0,) * chains.settings
        self._chained = (chains.first, chains.change, chains.entry,
                         answers.first, answers.height, answers.slope)  # fmt: skip
        self._fixed = (
            self._first, model.priced + 0.5 * np.asarray(own), pair_first, pair_at, pair_load,
            *_parts(placed, use_pair, chains.first), total, model.stiffness, *self._chained,
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
        loads = np.ascontiguousarray((model.placed @ chosen).toarray().T)
        gaps = np.ascontiguousarray((model.gathered @ chosen).toarray().T) - model.target
        random = generator.integers(0, 2**64 - 1, replicas, dtype=np.uint64)
        order = np.tile(np.arange(model.groups), (replicas, 1))
        alone, ahead, behind = (np.zeros((replicas, *model.chains.entry.shape)) for _ in range(3))
        lost = np.zeros(loads.shape)
        first, *rest = self._chained
        fresh = np.zeros(model.chains.settings)
        for replica in range(replicas):
            for begin, end in zip(first[:-1].tolist(), first[1:].tolist(), strict=True):
                if end > begin:
                    renew(
                        self._each, begin, end - 1, begin, end, loads[replica], alone[replica],
                        ahead[replica], behind[replica], lost[replica], fresh, *rest,
                    )  # fmt: skip
        self._books = (
            random, self.state, loads, alone, ahead, behind, lost, gaps, self.energy, self.best,
            self.least, order, *self._fixed,
        )  # fmt: skip

    def sweep(self, betas: Floats, count: int = 1) -> int:
        """Every group of every replica ``count`` times at its β (R); how often one moved."""
        if self.movable == 0:
            return 0
        replicas = range(len(self.state))
        self.visits += self.movable * len(replicas) * count
        if self._pool is None:
            return sum(
                sweep(self._each, replica, betas[replica], count, *self._books)
                for replica in replicas
            )
        parts = [
            self._pool.submit(sweep, self._each, replica, betas[replica], count, *self._books)
            for replica in replicas
        ]
        return sum(part.result() for part in parts)


def _taken(state: Positions, options: int) -> sp.csc_array:
    """Which options (c × R) the replicas have taken."""
    replicas, groups = state.shape
    begin = np.arange(replicas + 1) * groups
    return sp.csc_array((np.ones(state.size), state.ravel(), begin), shape=(options, replicas))


def _pairs(
    owner: Positions, placed: sp.csc_array
) -> tuple[Positions, Positions, Floats, Positions]:
    """Pairs of position and weight, by group: first of every group, position and weight of each.

    The last array says for every entry of ``placed`` which pair it is.
    """
    group = np.repeat(owner, np.diff(placed.indptr)).astype(float)
    keys = np.stack([group, placed.indices.astype(float), placed.data])
    pairs, number = np.unique(keys, axis=1, return_inverse=True)
    first = np.searchsorted(pairs[0], np.arange(int(owner.max(initial=-1)) + 2))
    return (
        first.astype(np.int64), pairs[1].astype(np.int64), np.ascontiguousarray(pairs[2]),
        number.ravel().astype(np.int64),
    )  # fmt: skip


def _parts(
    placed: sp.csc_array, use_pair: Positions, chain_first: Positions
) -> tuple[Positions, Positions, Positions, Positions, Positions, Positions]:
    """Runs of positions of one chain that each option (c) enters.

    First part of every option; of each part the first and the last position, its chain, and where
    its pairs begin; the pair of every position of every part, −1 where the option adds nothing.
    """
    option = np.repeat(np.arange(placed.shape[1]), np.diff(placed.indptr))
    at = placed.indices.astype(np.int64)
    chain = np.searchsorted(chain_first, at, side="right") - 1
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = (option[1:] != option[:-1]) | (chain[1:] != chain[:-1])
    begin = np.flatnonzero(fresh)
    end = np.append(begin[1:], len(at)) - 1 if len(begin) else begin
    low, high = at[begin], at[end]
    length = high - low + 1
    offset = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    part = np.cumsum(fresh) - 1
    pair_of = np.full(int(offset[-1]), -1, dtype=np.int64)
    pair_of[offset[part] + at - low[part]] = use_pair
    first = np.searchsorted(option[begin], np.arange(placed.shape[1] + 1)).astype(np.int64)
    return first, low, high, chain[begin], offset[:-1], pair_of
