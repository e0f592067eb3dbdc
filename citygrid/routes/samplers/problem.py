"""What an annealer works on: a quadratic model as sparse arrays, its groups, and its limits.

Two forms of the same thing. Spins (``±1``) where all variables are free; choices (``0`` or ``1``)
where groups of variables have exactly one that is on, or where linear limits hold sums of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dimod
import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.routes.contract import Positions

#: Quanta of the largest field up to which chances are tabulated.
MOST = 4096
#: States at random from which the size of energy differences is learnt.
PROBES = 16


@dataclass(frozen=True)
class Quadratic:
    """``offset + Σ_i linear_i v_i + ½ Σ_ij matrix_ij v_i v_j``; ``matrix`` symmetric (n × n)."""

    linear: Floats
    matrix: sp.csr_array
    offset: float

    @classmethod
    def of(cls, bqm: dimod.BinaryQuadraticModel) -> Quadratic:
        """A model in its own kind of variables and their order. Raises ``ValueError`` for NaN."""
        vectors = bqm.to_numpy_vectors(variable_order=list(bqm.variables))
        linear = np.asarray(vectors.linear_biases, dtype=np.float64)
        rows, columns, values = vectors.quadratic
        pairs = (rows, columns, np.asarray(values, dtype=np.float64))
        return cls.from_pairs(linear, pairs, float(vectors.offset))

    @classmethod
    def from_pairs(
        cls, linear: Floats, pairs: tuple[Positions, Positions, Floats], offset: float
    ) -> Quadratic:
        """From every pair once, as row, column and value."""
        rows, columns, values = pairs
        if not (np.isfinite(linear).all() and np.isfinite(values).all() and np.isfinite(offset)):
            raise ValueError("biases must be finite numbers")
        size = len(linear)
        both = (np.concatenate([values, values]),
                (np.concatenate([rows, columns]), np.concatenate([columns, rows])))  # fmt: skip
        matrix = sp.csr_array(both, shape=(size, size))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return cls(linear, matrix, float(offset))

    def of_states(self, states: Any) -> Floats:
        """Energies of states (r × n)."""
        values = np.asarray(states, dtype=np.float64)
        quadratic = 0.5 * np.einsum("rn,rn->r", values, (self.matrix @ values.T).T)
        return np.asarray(self.offset + values @ self.linear + quadratic)

    def fields(self, states: Any) -> Floats:
        """``linear + matrix v`` at states (r × n)."""
        values = np.asarray(states, dtype=np.float64)
        return np.asarray(self.linear + (self.matrix @ values.T).T)

    def in_spins(self) -> Quadratic:
        """The same energy of ``s = 2 v − 1``, where this one's variables are 0 or 1."""
        sums = np.asarray(self.matrix.sum(axis=1)).ravel()
        linear = 0.5 * self.linear + 0.25 * sums
        offset = self.offset + 0.5 * self.linear.sum() + 0.125 * sums.sum()
        return Quadratic(linear, sp.csr_array(0.25 * self.matrix), float(offset))

    def in_choices(self) -> Quadratic:
        """The same energy of ``v = (s + 1) / 2``, where this one's variables are −1 or 1."""
        sums = np.asarray(self.matrix.sum(axis=1)).ravel()
        linear = 2.0 * self.linear - 2.0 * sums
        offset = self.offset - self.linear.sum() + 0.5 * sums.sum()
        return Quadratic(linear, sp.csr_array(4.0 * self.matrix), float(offset))

    @cached_property
    def quantum(self) -> float | None:
        """The number of which all biases are whole multiples, if there is one of use here."""
        values = np.concatenate([self.matrix.data, self.linear[self.linear != 0.0]])
        if not len(values):
            return 1.0
        least = float(np.abs(values).min())
        for part in (1, 2, 3, 4, 6):
            scaled = values * (part / least)
            if np.abs(scaled - np.rint(scaled)).max() > 1e-9 * max(1.0, np.abs(scaled).max()):
                continue
            reach = np.abs(self.linear) + np.asarray(abs(self.matrix).sum(axis=1)).ravel()
            return least / part if reach.max() * part / least <= MOST else None
        return None


@dataclass(frozen=True)
class Groups:
    """Which variables (n) stand together so that exactly one is on, and which stand alone.

    Group ``g`` has ``members[first[g]:first[g + 1]]``; ``owner`` (n) is the group of a variable and
    −1 for a free one.
    """

    first: Positions
    members: Positions
    owner: Positions

    @classmethod
    def of(cls, groups: Sequence[Sequence[Hashable]], variables: Sequence[Hashable]) -> Groups:
        """Groups by labels. Raises ``ValueError`` for unknown ones, and for groups that overlap."""
        place = {label: at for at, label in enumerate(variables)}
        owner = np.full(len(place), -1, dtype=np.int64)
        members: list[int] = []
        first = [0]
        for number, group in enumerate(groups):
            labels = list(group)
            if not labels:
                raise ValueError("a group needs at least one variable")
            for label in labels:
                if label not in place:
                    raise ValueError(f"group {number} names {label!r}, which is no variable")
                if owner[place[label]] >= 0:
                    raise ValueError(f"{label!r} stands twice in the groups")
                owner[place[label]] = number
                members.append(place[label])
            first.append(len(members))
        return cls(np.array(first, dtype=np.int64), np.array(members, dtype=np.int64), owner)

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def free(self) -> Positions:
        """Variables that stand in no group."""
        return np.flatnonzero(self.owner < 0)

    def without_couplings_inside(self, model: Quadratic) -> Quadratic:
        """Two of a group are never on together, so what couples them says nothing."""
        pairs = model.matrix.tocoo()
        rows, columns = pairs.coords
        apart = (self.owner[rows] < 0) | (self.owner[rows] != self.owner[columns])
        kept = (pairs.data[apart], (rows[apart], columns[apart]))
        return Quadratic(model.linear, sp.csr_array(kept, shape=pairs.shape), model.offset)

    def put_right(self, states: Any, seed: int) -> Any:
        """States (r × n) of 0 and 1 with exactly one on per group: one that is on, or any."""
        states = np.array(states, dtype=np.int8)
        if not len(self):
            return states
        # Lots of 0 to 1 for all members, and one more for those that are on already.
        lots = np.random.default_rng(seed).random((len(states), len(self.members)))
        lots += states[:, self.members]
        group = np.repeat(np.arange(len(self)), np.diff(self.first))
        order = np.lexsort((lots, np.broadcast_to(group, lots.shape)), axis=1)
        last = order[:, self.first[1:] - 1]
        states[:, self.members] = 0
        np.put_along_axis(states, self.members[last], 1, axis=1)
        return states


@dataclass(frozen=True)
class Limits:
    """``low ≤ A v ≤ high``; ``weights`` A (m × n), and what overshooting costs per unit at first.

    ``fixed`` (m) marks limits whose price is the user's (soft ones): it does not adapt.
    """

    weights: sp.csr_array
    low: Floats
    high: Floats
    price: Floats
    fixed: Any

    @classmethod
    def none(cls, variables: int) -> Limits:
        """No limits at all."""
        nothing = np.zeros(0)
        return cls(sp.csr_array((0, variables)), nothing, nothing, nothing, np.zeros(0, bool))

    def over(self, states: Any) -> Floats:
        """By how much states (r × n) overshoot (r × m)."""
        loads = (self.weights @ np.asarray(states, dtype=np.float64).T).T
        return np.asarray(np.maximum(loads - self.high, 0.0) + np.maximum(self.low - loads, 0.0))


def betas(model: Quadratic, groups: Groups | None, seed: int) -> tuple[float, float]:
    """Inverse temperatures to begin and to end with, from energy differences at random states.

    Hot: about half of the typical changes are accepted, ``1 / median |ΔE|`` up to a factor found by
    trial on Max-Cut. Cold: the smallest difference that matters, the fifth percentile of those that
    are not nothing, is accepted once in fifty times.
    """
    generator = np.random.default_rng(seed)
    size = len(model.linear)
    if groups is None:
        states = 2.0 * generator.integers(0, 2, (PROBES, size)) - 1.0
        changes = np.abs(2.0 * model.fields(states)).ravel()
        smallest = model.quantum
    else:
        states = groups.put_right(generator.integers(0, 2, (PROBES, size)), seed)
        found = model.fields(states)
        changes = np.abs(found[:, groups.free]).ravel()
        if len(groups):
            inside = found[:, groups.members]
            ends = np.diff(groups.first)
            means = np.add.reduceat(inside, groups.first[:-1], axis=1) / ends
            apart = np.abs(inside - np.repeat(means, ends, axis=1)).ravel()
            changes = np.concatenate([changes, apart])
        smallest = model.quantum
    changes = changes[changes > 1e-12 * max(float(changes.max(initial=0.0)), 1e-300)]
    if not len(changes):
        return 1.0, 10.0
    hot = HOT / float(np.median(changes))
    gap = float(np.quantile(changes, 0.05))
    if smallest is not None:
        gap = max(gap, (2.0 if groups is None else 1.0) * smallest)
    cold = float(np.log(50.0)) / gap
    return hot, float(np.clip(cold, 5.0 * hot, 500.0 * hot))


#: Hottest ``β`` times the median change.
HOT = 1.25
