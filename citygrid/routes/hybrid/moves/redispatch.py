"""What a change of on/off decisions costs once everything else is dispatched anew, exactly.

With the decisions held, the rest of a form is a linear programme, and it falls apart: hours without
a store between them do not know each other, and a unit's starts and stops know no demand. Every
such part is solved by itself, warm, once for every pattern of the decisions that it hears of:

``cost(decisions) = constant + Σ cost_b · decision_b + Σ_parts value_part(its decisions)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from citygrid.arrays import Flags, Floats, Positions
from citygrid.model.form import Block, Form
from citygrid.model.steps import steps_of
from citygrid.routes.hybrid.moves.part import KEPT, Part


class Change(NamedTuple):
    """What a change costs [EUR] where its parts allow it, and in which parts they do not.

    ``parts`` are those it touches with what each changes; ``None`` for one it makes impossible.
    """

    cost: float
    parts: dict[int, float | None]

    @property
    def possible(self) -> bool:
        return None not in self.parts.values()

    @property
    def total(self) -> float:
        return self.cost + sum(part for part in self.parts.values() if part is not None)


#: Decisions and the values that they are set to.
Effect = dict[int, float]


class Joint(NamedTuple):
    """What an effect changes in a part [EUR]; ``None`` for one that it makes impossible."""

    change: float | None


class Redispatch:
    """A form whose decisions change and whose rest is dispatched anew, part by part.

    x
        Point (n) whose decisions the search begins with, and where columns stand that are held.
    free
        Columns (n) that may be dispatched anew; all when left out. Where others are held at ``x``,
        a value is that of a plan, but a better one may exist.
    valued
        Whether the decisions are valued at once; otherwise :meth:`restart` does.
    """

    def __init__(
        self, form: Form, x: Floats, free: Flags | None = None, valued: bool = True
    ) -> None:
        self.form, self.steps = form, steps_of(form)
        open_ = form.lower < form.upper
        self.decision = form.integer & open_
        self._binary = (form.lower >= 0.0) & (form.upper <= 1.0)
        own = open_ & ~form.integer & (True if free is None else free)
        self.decisions = np.where(form.integer, np.round(x), x)
        self._rest = np.where(own | self.decision, 0.0, self.decisions)
        self.solved = 0
        matrix = sp.csr_array(form.matrix)
        known = np.asarray(matrix @ self._rest)
        self._low, self._high = form.row_lower - known, form.row_upper - known
        self._split(matrix, own)
        self.values: list[float | None] = []
        if valued:
            self.restart(self.decisions)

    def _split(self, matrix: sp.csr_array, own: Flags) -> None:
        """Find the parts: what stays connected when decisions and constants are taken out."""
        height, width = matrix.shape
        row = np.repeat(np.arange(height), np.diff(matrix.indptr))
        inside = own[matrix.indices]
        links = sp.csr_array(
            (np.ones(int(inside.sum())), (row[inside], height + matrix.indices[inside])),
            shape=(height + width, height + width),
        )
        _, label = connected_components(links, directed=False)
        owned = np.flatnonzero(own)
        numbers, first = np.unique(label[height:][owned], return_index=True)
        # In the order of the form's columns, so that nothing depends on the labelling.
        rank = np.full(label.max(initial=0) + 1, -1, dtype=np.int64)
        rank[numbers[np.argsort(first)]] = np.arange(len(numbers))
        part_of_row, part_of_column = rank[label[:height]], np.full(width, -1, dtype=np.int64)
        part_of_column[owned] = rank[label[height:][owned]]
        rows, columns = _members(part_of_row, len(numbers)), _members(part_of_column, len(numbers))
        self.parts = [self._part(matrix, r, c) for r, c in zip(rows, columns, strict=True)]
        self._touched: dict[int, list[int]] = {}
        for number, part in enumerate(self.parts):
            for column in part.decided.tolist():
                self._touched.setdefault(column, []).append(number)
        # Rows of decisions alone are no programme, but they must be kept.
        alone = np.flatnonzero((part_of_row < 0) & (np.bincount(row, self.decision[matrix.indices],
                                                                minlength=height) > 0))  # fmt: skip
        self._alone = sp.csr_array(matrix[alone])
        self._alone.data[~self.decision[self._alone.indices]] = 0.0
        self._alone_low, self._alone_high = self._low[alone], self._high[alone]
        empty = (part_of_row < 0) & (np.bincount(row, self.decision[matrix.indices],
                                                 minlength=height) == 0)  # fmt: skip
        scale = KEPT * np.maximum(1.0, np.abs(matrix @ self._rest))
        self.sound = bool(
            ((self._low[empty] <= scale[empty]) & (self._high[empty] >= -scale[empty])).all()
        )

    def _part(self, matrix: sp.csr_array, rows: Positions, own: Positions) -> Part:
        form = self.form
        among = sp.csr_array(matrix[rows])
        used = np.unique(among.indices)
        decided = used[self.decision[used]].astype(np.int64)
        both = np.concatenate([own, decided])
        flat = {"part": Block("part", ("item",), {"item": both}, 0, "1")}
        limits = {"part": Block("part", ("item",), {"item": rows}, 0, "1")}
        cost = np.concatenate([form.cost[own], np.zeros(len(decided))])
        small = Form(
            cost, 0.0, sp.csr_array(sp.csc_array(among)[:, both]), self._low[rows],
            self._high[rows], form.lower[both], form.upper[both], np.zeros(len(both), dtype=bool),
            flat, limits if len(rows) else {},
        )  # fmt: skip
        return Part(small, own, decided)

    @property
    def largest(self) -> int:
        """Entries of the largest part."""
        return max((part.form.matrix.nnz for part in self.parts), default=0)

    # values -----------------------------------------------------------------------------------

    def _value(self, number: int) -> float | None:
        """The value of a part at the present decisions, known or worked out."""
        part = self.parts[number]
        pattern = self.decisions[part.decided]
        key = pattern.tobytes()
        if key not in part.values:
            part.values[key] = part.value(pattern)
            self.solved += not part.plain
        return part.values[key]

    @property
    def total(self) -> float | None:
        """Cost of the present decisions [EUR]; ``None`` if they allow no plan."""
        if not self.sound or None in self.values or not self._kept():
            return None
        fixed = float(self.form.cost @ (self._rest + self.decisions * self.decision))
        return self.form.constant + fixed + sum(v for v in self.values if v is not None)

    def _kept(self) -> bool:
        if not len(self._alone_low):
            return True
        sums = self._alone @ self.decisions
        return bool(((sums >= self._alone_low - KEPT) & (sums <= self._alone_high + KEPT)).all())

    def touched(self, columns: Positions) -> list[int]:
        """The parts that hear of these decisions."""
        found: set[int] = set()
        for column in columns.tolist():
            found.update(self._touched.get(column, ()))
        return sorted(found)

    def change(self, columns: Positions, values: Floats) -> Change | None:
        """What it changes to set these decisions; ``None`` if a row of decisions forbids it."""
        before = self.decisions[columns]
        self.decisions[columns] = values
        try:
            if not self._kept():
                return None
            changed: dict[int, float | None] = {}
            for number in self.touched(columns):
                value, base = self._value(number), self.values[number]
                changed[number] = None if value is None else value - (base or 0.0)
            return Change(float(self.form.cost[columns] @ (values - before)), changed)
        finally:
            self.decisions[columns] = before

    # pairs of changes -----------------------------------------------------------------------------

    def effects(
        self, number: int, changes: list[tuple[Positions, Floats]]
    ) -> tuple[list[Effect], Positions]:
        """What changes do to the decisions of a part: the distinct effects, and that of each."""
        known: dict[tuple[tuple[int, float], ...], int] = {}
        which = np.zeros(len(changes), dtype=np.int64)
        decided = self.parts[number].decided
        for i, (columns, values) in enumerate(changes):
            place = np.minimum(np.searchsorted(decided, columns), len(decided) - 1)
            here = decided[place] == columns
            effect = tuple(sorted(zip(columns[here].tolist(), values[here].tolist(), strict=True)))
            which[i] = known.setdefault(effect, len(known))
        return [dict(effect) for effect in known], which

    def joint(self, number: int, effect: Effect, known: bool) -> Joint | None:
        """What an effect changes in a part; ``None`` if only what is known counts and it is not."""
        part = self.parts[number]
        pattern = self.decisions[part.decided]
        pattern[np.searchsorted(part.decided, list(effect))] = list(effect.values())
        key = pattern.tobytes()
        if key not in part.values:
            if known:
                return None
            part.values[key] = part.value(pattern)
            self.solved += not part.plain
        value = part.values[key]
        return Joint(None if value is None else value - (self.values[number] or 0.0))

    def forbidden(self, changes: list[tuple[Positions, Floats]]) -> Flags:
        """Pairs of changes (n × n) that break a row of decisions which each by itself keeps."""
        count = len(changes)
        found = np.zeros((count, count), dtype=bool)
        if not len(self._alone_low) or not count:
            return found
        entries = [(np.full(len(columns), i), columns, values - self.decisions[columns])
                   for i, (columns, values) in enumerate(changes)]  # fmt: skip
        row, column, change = (np.concatenate(part) for part in zip(*entries, strict=True))
        moved = sp.csr_array((change, (row, column)), shape=(count, len(self.decisions)))
        sums = sp.csc_array(moved @ self._alone.T)
        met = np.flatnonzero(np.diff(sums.indptr) > 1)
        more = sums[:, met].toarray()
        base = (self._alone @ self.decisions)[met]
        low, high = self._alone_low[met] - KEPT, self._alone_high[met] + KEPT
        for i in range(count):
            both = base + more[i] + more
            found[i] = ((both < low) | (both > high)).any(axis=1)
        return found

    def apply(self, columns: Positions, values: Floats) -> None:
        """Take a change over."""
        self.decisions[columns] = values
        for number in self.touched(columns):
            self.values[number] = self._value(number)

    def prices(self, impossible: float) -> Floats:
        """What it costs to turn every decision (n) over, per unit of it, at the present ones [EUR].

        Exact in the parts of a single step, where what makes them ``impossible`` costs that much;
        to first order in the others. Parts that follow from rows alone are left out
        (:meth:`followed`).
        """
        found = np.where(self.decision, self.form.cost, 0.0)
        for number, (part, value) in enumerate(zip(self.parts, self.values, strict=True)):
            if value is None or not len(part.decided) or part.plain:
                continue
            steps = self.steps[part.decided]
            bits = self._binary[part.decided].all()
            if bits and steps[0] >= 0 and (steps == steps[0]).all():
                for column in part.decided.tolist():
                    now = self.decisions[column]
                    self.decisions[column] = 1.0 - now
                    turned = self._value(number)
                    self.decisions[column] = now
                    change = impossible if turned is None else turned - value
                    found[column] += change * (1.0 - 2.0 * now)
                continue
            pattern = self.decisions[part.decided]
            key = pattern.tobytes()
            if key not in part.prices:
                self.solved += 1
                part.prices[key] = part.price(pattern)
            found[part.decided] += part.prices[key]
        return found

    def followed(self, columns: Positions, values: Floats) -> Floats:
        """What settings (k × c) of decisions (c) change in the parts that follow from rows alone.

        Infinite where such a part allows none.
        """
        before = self.decisions[columns]
        found = np.zeros(len(values))
        for i, setting in enumerate(values):
            self.decisions[columns] = setting
            for number in self.touched(columns[setting != before]):
                if self.parts[number].plain:
                    value = self._value(number)
                    found[i] += np.inf if value is None else value - (self.values[number] or 0.0)
        self.decisions[columns] = before
        return found

    def lack(self) -> tuple[float, Floats]:
        """By how much rows are missed at least, and what one more of a decision (n) changes."""
        total, slope = 0.0, np.zeros(len(self.form.cost))
        for number, value in enumerate(self.values):
            if value is None:
                missed, change = self._lack(number)
                total += missed
                slope[self.parts[number].decided] += change
        return total, slope

    def _lack(self, number: int) -> tuple[float, Floats]:
        part = self.parts[number]
        pattern = self.decisions[part.decided]
        key = pattern.tobytes()
        if key not in part.lacks:
            self.solved += 1
            part.lacks[key] = part.lack(pattern)
        return part.lacks[key]

    def relief(self, columns: Positions, values: Floats) -> float:
        """By how much less rows are missed with a change; minus infinity if it is forbidden."""
        before = self.decisions[columns]
        parts = self.touched(columns)
        missed = sum(self._lack(p)[0] for p in parts if self.values[p] is None)
        self.decisions[columns] = values
        try:
            if not self._kept():
                return -np.inf
            return missed - sum(self._lack(p)[0] for p in parts if self._value(p) is None)
        finally:
            self.decisions[columns] = before

    def restart(self, decisions: Floats) -> None:
        """Begin again at other decisions (n); what is known of the parts stays known."""
        self.decisions[self.decision] = decisions[self.decision]
        self.values = [self._value(part) for part in range(len(self.parts))]

    def point(self) -> Floats:
        """The whole plan (n) at the present decisions, which allow one."""
        x = self._rest + self.decisions * self.decision
        for part in self.parts:
            x[part.own] = part.point(self.decisions[part.decided])
        return np.asarray(x)


def _members(owner: Positions, count: int) -> list[Positions]:
    """The positions that every owner (count) has, of those that have one."""
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(count + 1))
    return [order[ends[i] : ends[i + 1]] for i in range(count)]
