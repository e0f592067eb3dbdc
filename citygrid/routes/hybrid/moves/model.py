"""Moves around an incumbent plan as a binary quadratic model, of the size that hardware takes.

With ``m_i = 1`` where move i is made,

``cost(m) ≈ offset + Σ_i linear_i m_i + Σ_{i<j} coupling_ij m_i m_j``,

exact for single moves and for the pairs that were worked out: those that meet in a part of the
dispatch (:mod:`.redispatch`), such as one unit's stop and another's start in the same hour. Moves
that cannot be made together are kept apart by a penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Positions
from citygrid.routes.hybrid.moves.proposals import Move, label
from citygrid.routes.hybrid.moves.redispatch import Change, Effect, Redispatch
from citygrid.routes.hybrid.moves.structure import Schedule, Unit


@dataclass(frozen=True)
class MoveModel:
    """Moves around an incumbent as a binary quadratic model, in EUR.

    ``linear`` (n) what each costs by itself, ``couplings`` (row, column, value; row < column) what
    pairs cost beyond the sum of both, ``offset`` the incumbent's cost; ``exact`` how many pairs
    were worked out, and ``apart`` how many cannot be made together.
    """

    moves: tuple[Move, ...]
    labels: tuple[str, ...]
    linear: Floats
    couplings: tuple[Positions, Positions, Floats]
    offset: float
    exact: int
    apart: int

    def __len__(self) -> int:
        return len(self.moves)

    def energy(self, taken: NDArray[np.int8]) -> float:
        """The model's cost of moves made together (n), 1 where made."""
        row, column, value = self.couplings
        made = taken.astype(float)
        return float(self.offset + self.linear @ made + value @ (made[row] * made[column]))


@dataclass(frozen=True)
class Valued:
    """A move with the exact change of the cost by it alone."""

    move: Move
    change: Change

    def cost(self, penalty: float) -> float:
        """In EUR, with a penalty for every part that it makes impossible."""
        return self.change.total + penalty * sum(v is None for v in self.change.parts.values())


def apart(
    dispatch: Redispatch, units: Sequence[Unit], schedules: Sequence[Schedule],
    moves: Sequence[Move],
) -> Flags:  # fmt: skip
    """Which pairs (n × n) cannot both be made.

    They set a decision twice, break a unit's minimum times together, or a row of decisions.
    """
    first = np.cumsum([0] + [len(unit) for unit in units])
    sets = np.zeros((len(moves), first[-1]), dtype=np.float32)
    of_unit: dict[int, list[int]] = {}
    for i, move in enumerate(moves):
        for stretch in move.stretches:
            begin = first[stretch.unit]
            sets[i, begin + stretch.begin : begin + stretch.end] = 1.0
            of_unit.setdefault(stretch.unit, []).append(i)
    found = (sets @ sets.T) > 0
    for number, members in of_unit.items():
        here = np.array(sorted(set(members)))
        changed = np.stack([_after(schedules[number], moves[i], number) for i in here])
        turned = changed != schedules[number]
        left, right = np.triu_indices(len(here), k=1)
        open_ = ~found[here[left], here[right]]
        left, right = left[open_], right[open_]
        joint = np.where(turned[left] | turned[right], 1 - schedules[number], schedules[number])
        broken = ~units[number].legal(joint.astype(np.int8))
        found[here[left[broken]], here[right[broken]]] = True
        found[here[right[broken]], here[left[broken]]] = True
    return found | dispatch.forbidden([(move.columns, move.values) for move in moves])


def _after(schedule: Schedule, move: Move, number: int) -> Schedule:
    """The schedule of a unit once a move is made."""
    after = schedule.copy()
    for stretch in move.stretches:
        if stretch.unit == number:
            after[stretch.begin : stretch.end] = stretch.value
    return after


def model(
    dispatch: Redispatch, units: Sequence[Unit], schedules: Sequence[Schedule],
    valued: Sequence[Valued], budget: int, stamps: Sequence[str] = (),
    over: Callable[[], bool] = lambda: False,
) -> MoveModel:  # fmt: skip
    """The binary quadratic model of moves whose own costs are known.

    budget
        Linear programmes that may be solved for pairs; those that cost least by themselves come
        first, and what is known already counts nothing. Of a pair that was not worked out in some
        part, the costs there count as independent.
    over
        Says that time is over; pairs not worked out by then count as independent.
    """
    assert dispatch.total is not None
    count = len(valued)
    changes = [abs(part) for v in valued for part in v.change.parts.values() if part is not None]
    penalty = max([*changes, 1e-4 * abs(dispatch.total), 1e-6])
    linear = np.array([v.cost(penalty) for v in valued])
    never = apart(dispatch, units, schedules, [v.move for v in valued])
    couplings, open_ = _couplings(dispatch, valued, never, penalty, budget, over)
    far = 2.0 * (float(np.abs(linear).max(initial=0.0)) + penalty)
    couplings[never] = far
    row, column = (part.astype(np.int64) for part in np.nonzero(np.triu(couplings, k=1)))
    pairs = count * (count - 1) // 2
    return MoveModel(
        tuple(v.move for v in valued), tuple(label(units, v.move, stamps) for v in valued),
        linear, (row, column, couplings[row, column]), dispatch.total,
        pairs - int(np.triu(open_ | never, k=1).sum()), int(np.triu(never, k=1).sum()),
    )  # fmt: skip


def _couplings(
    dispatch: Redispatch, valued: Sequence[Valued], never: Flags, penalty: float, budget: int,
    over: Callable[[], bool],
) -> tuple[Floats, Flags]:  # fmt: skip
    """What pairs (n × n) cost beyond the sum of both, and which were not worked out in full.

    In a part, many moves do the same (one unit off in one hour), so a part is asked once for every
    pair of things that are done to it.
    """
    count = len(valued)
    couplings, open_ = np.zeros((count, count)), np.zeros((count, count), dtype=bool)
    members: dict[int, list[int]] = {}
    for i, v in enumerate(valued):
        for part in v.change.parts:
            members.setdefault(part, []).append(i)
    asked: list[tuple[float, int, int, int]] = []
    hopeful = np.array([v.change.total for v in valued])
    deeds: dict[int, tuple[Positions, Positions, list[Effect], Floats]] = {}
    for part, moves in members.items():
        here = np.array(moves)
        effects, which = dispatch.effects(part, [(valued[i].move.columns, valued[i].move.values)
                                                 for i in moves])  # fmt: skip
        alone = np.array([_priced(valued[int(here[np.argmax(which == e)])].change.parts[part],
                                  penalty) for e in range(len(effects))])  # fmt: skip
        deeds[part] = here, which, effects, alone
        best = np.full(len(effects), np.inf)
        np.minimum.at(best, which, hopeful[here])
        for a in range(len(effects)):
            for b in range(a, len(effects)):
                # Two moves that do the same to a part set the same decisions: never both.
                if a != b:
                    asked.append((float(best[a] + best[b]), part, a, b))
    begun = dispatch.solved
    tables = {part: np.full((len(d[2]), len(d[2])), np.nan) for part, d in deeds.items()}
    for _, part, a, b in sorted(asked):
        _, _, effects, alone = deeds[part]
        if not effects[a].keys().isdisjoint(effects[b]):
            continue
        known = dispatch.solved - begun >= budget or over()
        value = dispatch.joint(part, effects[a] | effects[b], known)
        if value is not None:
            joint = _priced(value.change, penalty) - alone[a] - alone[b]
            tables[part][a, b] = tables[part][b, a] = joint
    for part, (here, which, _, _) in deeds.items():
        table = tables[part][np.ix_(which, which)]
        cells = np.ix_(here, here)
        couplings[cells] += np.nan_to_num(table)
        open_[cells] |= np.isnan(table)
    np.fill_diagonal(open_, False)
    return couplings, open_ & ~never


def _priced(part: float | None, penalty: float) -> float:
    return penalty if part is None else part
