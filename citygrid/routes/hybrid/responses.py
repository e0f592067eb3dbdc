"""Best responses of priced blocks: what a load costs where it lands, minimum loads and all.

With the rows that couple everything replaced by their prices, a block that takes a load ``L``
answers, for a setting ``s`` of its binaries, at least cost:

``φ_s(L) = min priced cost of the block's columns, subject to the block's rows with L put in``.

Each ``φ_s`` is the value of a linear programme in its right-hand side, so it is convex and
piecewise linear, and it is found exactly: two supporting lines meet where either the next line is
or nothing more. The least over the settings is not convex: below a pump's minimum load heat is
worth nothing, above it suddenly something. A linear relaxation cannot see that. All blocks are
worked out together, one programme for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats, Form
from citygrid.model.reductions import elastic
from citygrid.routes import highs
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import Coupling
from citygrid.routes.hybrid.blocks import Blocks
from citygrid.routes.hybrid.chains import Chains

#: Price of missing a block's row or a limit against the largest price there is: so dear that what
#: is missed to save something elsewhere stays within the tolerance of rows.
DEAR = 2000.0
#: Lines of one response at most, and how far below it their envelope may stay, of what all of a
#: typical load is worth at the largest price.
LINES, CLOSE = 12, 1e-5
#: Difference of slopes, relative, and of heights [EUR] that is none.
ALIKE, TINY = 1e-7, 1e-9


@dataclass(frozen=True)
class Responses:
    """``φ_s(L) = max_i height_i + slope_i L`` of every position in every setting (q · s, in order).

    ``first`` (q · s + 1) the first line of each; ``height`` [EUR], ``slope`` [EUR per unit].
    """

    first: Positions
    height: Floats
    slope: Floats

    def at(self, states: Positions, load: Floats) -> Floats:
        """Responses of states to loads (any equal shapes), in EUR."""
        count = self.first[states + 1] - self.first[states]
        best = np.full(np.shape(load), -np.inf)
        for i in range(int(count.max(initial=0))):
            line = self.first[states] + np.minimum(i, count - 1)
            best = np.maximum(best, self.height[line] + self.slope[line] * load)
        return best


class Responder:
    """Works out the responses of all positions, again and again as prices change.

    Each setting keeps its own linear programme, which goes on from where it was.
    """

    def __init__(self, form: Form, blocks: Blocks, chains: Chains, coupling: Coupling) -> None:
        self._form, self._blocks, self._chains, self._coupling = form, blocks, chains, coupling
        row = chains.row
        self._taking = taking = np.flatnonzero((row >= 0) & (chains.block >= 0))
        self._owner = owner = chains.block
        self._receiving = np.searchsorted(blocks.rows, coupling.rows[row[taking]])
        self._position = np.full(blocks.count, -1, dtype=np.int64)
        self._position[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
        self._solvers: dict[int, _Local] = {}
        #: Lines of each setting as they were last worked out.
        self._known: dict[int, tuple[Positions, Floats, Floats]] = {}

    def respond(self, prices: Floats, first: Floats, last: Floats) -> Responses:
        """The responses of all positions for prices (m) of the rows.

        A coupling row without a block has its price instead, ``−λ L``. What a block cannot take,
        and loads beyond the ends ``first`` and ``last`` (r), cost a multiple of the dearest price
        for every unit by which it is missed.
        """
        blocks, chains, coupling = self._blocks, self._chains, self._coupling
        prices = np.where(chains.linked, 0.0, prices)
        cost, scale = _priced(self._form, blocks, prices)
        steep = DEAR * max(scale, float(np.abs(prices[coupling.rows]).max(initial=0.0)))
        row, owner, taking = chains.row, self._owner, self._taking
        low, high = np.zeros(blocks.count), np.zeros(blocks.count)
        low[owner[taking]], high[owner[taking]] = first[row[taking]], last[row[taking]]
        lines: list[tuple[Positions, Floats, Floats]] = []
        typical = float(np.median(last - first)) if len(first) else 0.0
        close = CLOSE * scale * max(typical, 1e-9)
        for setting in range(int(blocks.settings.max(initial=0))):
            solver = self._solver(setting)
            solver.price(cost, scale)
            here, height, slope = _envelope(solver, low, high, close)
            state = self._position[here] * chains.settings + setting
            kept = (setting < blocks.settings[here]) & (self._position[here] >= 0)
            if np.isfinite(height).all():
                self._known[setting] = state[kept], height[kept], slope[kept]
            # At prices at which something unlimited earns, the responses before stay.
            if setting in self._known:
                lines.append(self._known[setting])
        alone = np.flatnonzero(owner < 0)
        price = -prices[coupling.rows[row[alone]]]
        lines.append((alone * chains.settings, np.zeros(len(alone)), price))
        return _assembled(chains, lines, first, last, steep)

    def _solver(self, setting: int) -> _Local:
        if setting not in self._solvers:
            self._solvers[setting] = _Local(
                self._form, self._blocks, self._owner[self._taking], self._receiving, setting
            )
        return self._solvers[setting]


def _assembled(
    chains: Chains, lines: list[tuple[Positions, Floats, Floats]], first: Floats, last: Floats,
    steep: float,
) -> Responses:  # fmt: skip
    """All lines by position and setting, with steep ones beyond the ends of the loads."""
    state, height, slope = (np.concatenate(part) for part in zip(*lines, strict=True))
    count = chains.count * chains.settings
    missing = np.setdiff1d(np.arange(count), state)  # settings that a position does not have
    state = np.concatenate([state, missing])
    height, slope = (np.concatenate([part, np.zeros(len(missing))]) for part in (height, slope))
    bare = Responses(*_sorted(state, height, slope, count))
    row = np.repeat(chains.row, chains.settings)
    every = np.flatnonzero(row >= 0)
    added = [(state, height, slope)]
    steepest = bare.at(every, last[row[every]]), bare.at(every, first[row[every]])
    for value, end, sign in ((steepest[0], last, 1.0), (steepest[1], first, -1.0)):
        at = end[row[every]]
        added.append((every, value - sign * steep * at, np.full(len(every), sign * steep)))
    state, height, slope = (np.concatenate(part) for part in zip(*added, strict=True))
    kept = _needed(*_sorted(state, height, slope, count))
    return Responses(*kept)


def _needed(first: Positions, height: Floats, slope: Floats) -> tuple[Positions, Floats, Floats]:
    """Lines that are the highest somewhere, each response by rising slope."""
    state = np.repeat(np.arange(len(first) - 1), np.diff(first))
    kept: list[int] = []
    begin = 0
    order = np.lexsort((height, slope, state))
    for line in order.tolist():
        if kept and state[kept[-1]] != state[line]:
            begin = len(kept)
        while len(kept) > begin:
            last = kept[-1]
            if slope[line] - slope[last] <= ALIKE * (1.0 + abs(slope[line])):
                kept.pop()  # as steep and no higher
                continue
            if len(kept) > begin + 1:
                before = kept[-2]
                rise, run = height[before] - height[line], slope[line] - slope[before]
                meet = rise / run
                beside = height[before] + slope[before] * meet
                if height[last] + slope[last] * meet <= beside + TINY:
                    kept.pop()
                    continue
            break
        kept.append(line)
    chosen = np.array(kept, dtype=np.int64)
    starts = np.searchsorted(state[chosen], np.arange(len(first))).astype(np.int64)
    return starts, height[chosen], slope[chosen]


def _sorted(
    state: Positions, height: Floats, slope: Floats, count: int
) -> tuple[Positions, Floats, Floats]:
    order = np.argsort(state, kind="stable")
    first = np.searchsorted(state[order], np.arange(count + 1)).astype(np.int64)
    return first, height[order], slope[order]


class _Local:
    """All blocks in one setting as one linear programme, whose costs and loads change.

    The cut rows are priced, every other row is elastic.
    """

    def __init__(
        self, form: Form, blocks: Blocks, taking: Positions, receiving: Positions, setting: int
    ) -> None:
        self._blocks, self._taking, self._receiving = blocks, taking, receiving
        matrix = sp.csr_array(sp.csr_array(form.matrix[blocks.rows])[:, blocks.columns])
        lower, upper = blocks.lower.copy(), blocks.upper.copy()
        # The binaries are put at the setting, as far as they can have it.
        at = np.flatnonzero(blocks.bit >= 0)
        wanted = ((setting >> blocks.bit[at]) & 1).astype(float)
        lower[at] = upper[at] = np.clip(wanted, lower[at], upper[at])
        zeros = np.zeros(len(blocks.columns))
        plain = Form(
            zeros, 0.0, matrix, form.row_lower[blocks.rows], form.row_upper[blocks.rows],
            lower, upper, zeros.astype(bool), {}, {},
        )  # fmt: skip
        self._local = elastic(plain).form
        self._cost, self._scale = self._local.cost, 1.0
        self._solver = highs.Repeated(self._local)
        self._owner = np.concatenate([blocks.of_column, blocks.of_row, blocks.of_row])

    def price(self, cost: Floats, scale: float) -> None:
        """Other costs of the blocks' columns, which the programme sees in units of ``scale``."""
        dear = np.full(len(self._local.cost) - len(cost), DEAR)
        self._cost, self._scale = np.concatenate([cost / scale, dear]), scale
        self._solver.costs(self._cost)

    def at(self, load: Floats) -> tuple[Floats, Floats]:
        """Cost and its slope (B, B) of every block at its load (B), in EUR and EUR per unit."""
        local, count = self._local, self._blocks.count
        low, high = local.row_lower.copy(), local.row_upper.copy()
        put = load[self._taking]
        low[self._receiving] -= put
        high[self._receiving] -= put
        self._solver.rows(low, high)
        found = self._solver.solve()
        if found is None:  # elastic rows leave a point, but perhaps one without a least cost
            return np.full(count, np.inf), np.zeros(count)
        y, duals = found
        slope = np.zeros(count)
        slope[self._taking] = -duals[self._receiving]
        cost = np.bincount(self._owner, self._cost * y, minlength=count)
        return np.asarray(cost * self._scale, dtype=float), slope * self._scale


def _envelope(
    solver: _Local, low: Floats, high: Floats, tolerance: float
) -> tuple[Positions, Floats, Floats]:
    """Supporting lines of every block's response between two loads: block, height, slope.

    Where two neighbouring lines meet, the response either is as low as they say, and no line lies
    between them, or it is higher, and its own line there is the next one.
    """
    count = len(low)
    point = np.stack([low, high], axis=1)
    ends = [solver.at(low), solver.at(high)]
    value, slope = (np.stack(part, axis=1) for part in zip(*ends, strict=True))
    done = np.zeros((count, 1), dtype=bool)
    everyone = np.arange(count)
    while point.shape[1] < LINES:
        rise = np.diff(slope, axis=1)
        open_ = ~done & (rise > 1e-9 * (1.0 + np.abs(slope[:, :-1])))
        if not open_.any():
            break
        pair = np.argmax(open_, axis=1)
        active = open_[everyone, pair]
        x0, v0, d0 = (part[everyone, pair] for part in (point, value, slope))
        x1, v1, d1 = (part[everyone, pair + 1] for part in (point, value, slope))
        with np.errstate(divide="ignore", invalid="ignore"):
            meet = ((v0 - d0 * x0) - (v1 - d1 * x1)) / (d1 - d0)
        meet = np.where(active, np.clip(meet, x0, x1), low)
        new, steepness = solver.at(meet)
        close = new <= v0 + d0 * (meet - x0) + tolerance
        done[everyone[active & close], pair[active & close]] = True
        more = active & ~close
        if not more.any():
            continue
        # One more column; where nothing is new, the last line stands there twice.
        point, value, slope = (
            np.concatenate([part, part[:, -1:]], axis=1) for part in (point, value, slope)
        )
        done = np.concatenate([done, np.ones((count, 1), dtype=bool)], axis=1)
        for part, fresh in ((point, meet), (value, new), (slope, steepness)):
            _insert(part, more, pair + 1, fresh)
        _insert(done, more, pair + 1, np.zeros(count, dtype=bool))
        done[everyone[more], pair[more]] = False
    block = np.repeat(everyone, point.shape[1])
    height = (value - slope * point).ravel()
    lines = np.unique(np.stack([block, height, slope.ravel()]), axis=1)
    return lines[0].astype(np.int64), lines[1], lines[2]


def _insert(part: np.ndarray, rows: np.ndarray, place: Positions, values: np.ndarray) -> None:
    """Put values at a place of some rows, moving what follows one to the right, in place."""
    width = part.shape[1]
    column = np.arange(width)[None, :]
    source = np.where(rows[:, None] & (column > place[:, None]), column - 1, column)
    part[:] = np.take_along_axis(part, source, axis=1)
    part[rows, place[rows]] = values[rows]


def _priced(form: Form, blocks: Blocks, prices: Floats) -> tuple[Floats, float]:
    """Cost of the blocks' columns with the cut rows priced, and their scale."""
    outside = prices.copy()
    outside[blocks.rows] = 0.0
    cost = np.asarray((form.cost - form.matrix.T @ outside)[blocks.columns])
    flows = cost[blocks.bit < 0]
    return cost, max(float(np.abs(flows).max(initial=0.0)), 1e-9)
