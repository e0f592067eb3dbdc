"""Changes of an incumbent plan's on/off decisions, and their sum as a binary quadratic model.

A move sets a unit's decisions over an interval: it is switched on or off, a start or a stop is
shifted, a pause is filled; or two units swap over an interval. Only moves are made that keep bounds
and minimum times. With ``m_i = 1`` where move i is made,

``cost(m) ≈ offset + Σ_i linear_i m_i + Σ_{i<j} coupling_ij m_i m_j``,

exact for single moves and for the pairs that were worked out: those that meet in a part of the
dispatch (:mod:`.redispatch`), such as one unit's stop and another's start in the same hour. Moves
that cannot be made together are kept apart by a penalty. It is a model of the size that annealing
hardware takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Positions
from citygrid.routes.hybrid.redispatch import Change, Effect, Redispatch
from citygrid.routes.hybrid.structure import Schedule, Unit

#: Steps by which a whole run or pause is shifted at most.
SHIFT = 3


class Stretch(NamedTuple):
    """A unit's decisions from ``begin`` until before ``end`` set to ``value``."""

    unit: int
    begin: int
    end: int
    value: int


@dataclass(frozen=True)
class Move:
    """Stretches set together: ``columns`` (k) of the form that change, with their ``values``."""

    stretches: tuple[Stretch, ...]
    columns: Positions
    values: Floats


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


# single moves -------------------------------------------------------------------------------------


def stretches(
    unit: Unit, schedule: Schedule, longest: int, window: tuple[int, int] | None = None
) -> tuple[Positions, Positions, NDArray[np.int8], Schedule]:
    """All legal changes of one interval: begin, end, value (k), and the schedules (k × t).

    An interval begins and ends with a step that changes; what lies between is set alike. It has at
    most ``longest`` steps and lies within the steps of the ``window``.
    """
    steps = len(unit)
    first, last = window or (0, steps)
    timed = bool((unit.hours >= 0).all())
    inside = (unit.hours >= first) & (unit.hours < last) if timed else np.ones(steps, dtype=bool)
    found = []
    for value in (0, 1):
        turns = np.flatnonzero((schedule != value) & inside)
        begin, end = (part.ravel() for part in np.meshgrid(turns, turns, indexing="ij"))
        fits = (end >= begin) & (end - begin < longest)
        begin, end = begin[fits], end[fits] + 1
        at = np.arange(steps)
        changed = np.where((at >= begin[:, None]) & (at < end[:, None]), np.int8(value), schedule)
        kept = unit.legal(changed)
        found.append((begin[kept], end[kept], np.full(int(kept.sum()), value, np.int8),
                      changed[kept]))  # fmt: skip
    begin, end, value_of, schedules = (
        np.concatenate(part) for part in zip(*found, strict=True)
    )  # fmt: skip
    return begin, end, value_of, schedules


def shifts(
    unit: Unit, schedule: Schedule, window: tuple[int, int] | None = None
) -> tuple[list[tuple[Positions, Positions]], Schedule]:
    """All legal shifts of a run or a pause as it is by up to :data:`SHIFT` steps, either way.

    Gives the two intervals of each, as begins and ends of what is set to 0 and to 1, and the
    schedules (k × t).
    """
    steps = len(unit)
    first, last = window or (0, steps)
    turns = np.flatnonzero(np.diff(schedule)) + 1
    edges = np.concatenate([[0], turns, [steps]])
    spans, changed = [], []
    for place, (begin, end) in enumerate(pairwise(edges.tolist())):
        for far in (*range(-SHIFT, 0), *range(1, SHIFT + 1)):
            low, high = min(begin, begin + far), max(end, end + far)
            # The edges of the horizon are no switches: only what lies inside can be shifted, and
            # as far as the runs beside it reach.
            if begin == 0 or end == steps or low < max(first, 0) or high > min(last, steps):
                continue
            if low < edges[place - 1] + (edges[place - 1] > 0):
                continue
            if high > edges[place + 2] - (edges[place + 2] < steps):
                continue
            state = schedule[begin]
            shifted = schedule.copy()
            shifted[begin:end] = 1 - state
            shifted[begin + far : end + far] = state
            left = np.array([min(begin, begin + far), max(begin, begin + far)])
            right = np.array([min(end, end + far), max(end, end + far)])
            if abs(far) < end - begin:
                spans.append((left, right))
                changed.append(shifted)
    schedules = np.array(changed, dtype=np.int8).reshape(-1, steps)
    kept = unit.legal(schedules) if len(schedules) else np.zeros(0, dtype=bool)
    return [span for span, keep in zip(spans, kept, strict=True) if keep], schedules[kept]


@dataclass(frozen=True)
class Proposals:
    """Legal moves with what they cost at the incumbent's prices, a first and rough estimate."""

    moves: list[tuple[Stretch, ...]]
    estimate: Floats


def propose(
    units: Sequence[Unit], schedules: Sequence[Schedule], price: Floats, longest: int,
    window: tuple[int, int] | None, most: int,
    known: Callable[[Positions, Floats], Floats] | None = None,
) -> Proposals:  # fmt: skip
    """Moves of single units, and swaps of two units, the cheapest ``most`` of each by price.

    price
        What one more of every decision (n) costs to first order, EUR.
    known
        What settings (k × t) of columns (t) cost beyond that, as far as it is known at once.
    """

    def estimated(unit: Unit, old: Schedule, new: Schedule) -> Floats:
        rough = np.asarray((new - old.astype(float)) @ price[unit.columns])
        return rough if known is None else rough + known(unit.columns, new.astype(float))

    singles: list[Stretch] = []
    estimates: list[Floats] = []
    shifted: list[tuple[Stretch, ...]] = []
    shifting: list[Floats] = [np.zeros(0)]
    for number, unit in enumerate(units):
        begin, end, value, changed = stretches(unit, schedules[number], longest, window)
        estimates.append(estimated(unit, schedules[number], changed))
        singles += [
            Stretch(number, *each) for each in
            zip(begin.tolist(), end.tolist(), value.tolist(), strict=True)
        ]  # fmt: skip
        pieces, moved = shifts(unit, schedules[number], window)
        shifting.append(estimated(unit, schedules[number], moved))
        shifted += [
            tuple(Stretch(number, int(a), int(b), int(after[a])) for a, b in (left, right))
            for (left, right), after in zip(pieces, moved, strict=True)
        ]  # fmt: skip
    alone = np.concatenate(estimates) if estimates else np.zeros(0)
    order = np.argsort(alone, kind="stable")
    pairs, together = _swaps(units, singles, alone, order, most)
    # On and off apart: what looks cheap to switch off is often what the plan cannot do without.
    state = np.array([single.value for single in singles], dtype=np.int64)[order]
    kept = np.concatenate([order[state == value][:most] for value in (0, 1)])
    far = np.concatenate(shifting)
    near = np.argsort(far, kind="stable")[:most]
    moves = [*((singles[i],) for i in kept), *pairs, *(shifted[i] for i in near)]
    return Proposals(moves, np.concatenate([alone[kept], together, far[near]]))


def _swaps(
    units: Sequence[Unit], singles: list[Stretch], estimate: Floats, order: Positions, most: int
) -> tuple[list[tuple[Stretch, ...]], Floats]:
    """Two units over the same steps, one switched on and one off, the cheapest by price."""
    here: dict[tuple[int, int, int], list[int]] = {}
    for i in order.tolist():
        single = singles[i]
        hours = units[single.unit].hours
        span = int(hours[single.begin]), int(hours[single.end - 1])
        here.setdefault((*span, single.value), []).append(i)
    found: list[tuple[float, int, int]] = []
    for (first, last, value), ons in here.items():
        if value == 1:
            for off in here.get((first, last, 0), ()):
                found += [(float(estimate[on] + estimate[off]), on, off) for on in ons
                          if singles[on].unit != singles[off].unit]  # fmt: skip
    found = sorted(found)[:most]
    return (
        [(singles[on], singles[off]) for _, on, off in found],
        np.array([cost for cost, _, _ in found]),
    )


def make(units: Sequence[Unit], parts: tuple[Stretch, ...], decisions: Floats) -> Move:
    """The move of these stretches; columns that stay as they are are left out."""
    columns = np.concatenate([units[s.unit].columns[s.begin : s.end] for s in parts])
    values = np.concatenate([np.full(s.end - s.begin, float(s.value)) for s in parts])
    changes = decisions[columns] != values
    return Move(parts, columns[changes], values[changes])


def compatible(
    parts: Sequence[Stretch], units: Sequence[Unit], schedules: Sequence[Schedule]
) -> bool:
    """Whether stretches can be set together: none twice, and minimum times are kept."""
    for number in {s.unit for s in parts}:
        own = sorted(s for s in parts if s.unit == number)
        if any(a.end > b.begin for a, b in pairwise(own)):
            return False
        if len(own) > 1:
            schedule = schedules[number].copy()
            for stretch in own:
                schedule[stretch.begin : stretch.end] = stretch.value
            if not units[number].legal(schedule[None])[0]:
                return False
    return True


def label(units: Sequence[Unit], move: Move, stamps: Sequence[str]) -> str:
    """A move in words: ``generator.on[unit 3] off 2023-01-16T02:00Z to 05:00Z``."""
    words = []
    for stretch in move.stretches:
        unit = units[stretch.unit]
        state = "on" if stretch.value else "off"
        first, last = unit.hours[stretch.begin], unit.hours[stretch.end - 1]
        when = f" {stamps[first]} to {stamps[last]}" if stamps and first >= 0 else ""
        words.append(f"{unit.name} {state}{when}")
    return ", ".join(words)


# the model ----------------------------------------------------------------------------------------


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
