"""Bounds passed from row to row, compiled: what follows when a few decisions are held.

Every question holds a decision off before a step and on from it, or the other way round, follows
the rows that hear of it, and takes everything back before the next one, so that a question costs no
more than the rows it reaches.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")

#: Changes of a bound smaller than this are not worth passing on, and crossings no contradiction.
SLIGHT = 1e-6
#: Visits of rows after which a question is left as it stands; what is known by then holds.
VISITS = 20_000


@_compiled
def _hold(
    column: int, low: float, high: float, lower: Any, upper: Any, trail: Any, olds: Any, count: int
) -> int:  # fmt: skip
    """Narrow one column's bounds and remember the old ones; returns the length of the trail."""
    trail[count], olds[count, 0], olds[count, 1] = column, lower[column], upper[column]
    lower[column], upper[column] = low, high
    return count + 1


@_compiled
def _ask(
    held: Any, rows: Any, down: Any, weights: Any, least: Any, most: Any, first: Any, across: Any,
    lower: Any, upper: Any, whole: Any, queue: Any, waiting: Any, trail: Any, olds: Any,
    count: int,
) -> tuple[bool, int]:  # fmt: skip
    """Pass on what the ``held`` columns imply. Returns whether it can be, and the trail's length.

    ``rows``, ``down``, ``weights`` are the matrix by rows, ``first``, ``across`` its columns.
    """
    head, tail, size = 0, 0, len(queue)
    for column in held:
        for entry in range(first[column], first[column + 1]):
            row = across[entry]
            if not waiting[row]:
                waiting[row] = True
                queue[tail % size] = row
                tail += 1
    possible, visits = True, 0
    while head < tail and possible:
        row = queue[head % size]
        head += 1
        waiting[row] = False
        visits += 1
        if visits > VISITS:
            continue
        low, high = 0.0, 0.0
        for entry in range(rows[row], rows[row + 1]):
            weight, column = weights[entry], down[entry]
            low += weight * (lower[column] if weight > 0 else upper[column])
            high += weight * (upper[column] if weight > 0 else lower[column])
        if low > most[row] + SLIGHT or high < least[row] - SLIGHT:
            possible = False
            break
        for entry in range(rows[row], rows[row + 1]):
            weight, column = weights[entry], down[entry]
            if lower[column] == upper[column]:
                continue
            span = abs(weight) * (upper[column] - lower[column])
            # From the row's limits, with all others where they leave this column the most room.
            more, less = (most[row] - low) / abs(weight), (high - least[row]) / abs(weight)
            new_low, new_high = lower[column], upper[column]
            # A row with an endless column says nothing on that side.
            if np.isfinite(more):
                if weight > 0:
                    new_high = min(new_high, lower[column] + more)
                else:
                    new_low = max(new_low, upper[column] - more)
            if np.isfinite(less):
                if weight > 0:
                    new_low = max(new_low, upper[column] - less)
                else:
                    new_high = min(new_high, lower[column] + less)
            if whole[column]:
                new_low, new_high = np.ceil(new_low - SLIGHT), np.floor(new_high + SLIGHT)
            if new_low > new_high:
                if new_low > new_high + SLIGHT:
                    possible = False
                    break
                new_low = new_high
            if new_low <= lower[column] + SLIGHT and new_high >= upper[column] - SLIGHT:
                continue
            if count == len(trail):
                continue
            count = _hold(column, new_low, new_high, lower, upper, trail, olds, count)
            shrunk = span - abs(weight) * (new_high - new_low)
            low += (
                abs(weight) * (new_low - olds[count - 1, 0])
                if weight > 0
                else (abs(weight) * (olds[count - 1, 1] - new_high))
            )
            high -= (
                abs(weight) * (olds[count - 1, 1] - new_high)
                if weight > 0
                else (abs(weight) * (new_low - olds[count - 1, 0]))
            )
            if not shrunk <= 0.0:
                for other in range(first[column], first[column + 1]):
                    after = across[other]
                    if not waiting[after]:
                        waiting[after] = True
                        queue[tail % size] = after
                        tail += 1
    while head < tail:
        waiting[queue[head % size]] = False
        head += 1
    return possible, count


@_compiled
def switches(
    chains: Any, columns: Any, rows: Any, down: Any, weights: Any, least: Any, most: Any,
    first: Any, across: Any, lower: Any, upper: Any, whole: Any,
) -> Any:  # fmt: skip
    """Until when a switch to 0 or 1 holds a chain (2 × k); −1 where there can be no such switch.

    ``chains`` are the first positions of every chain in ``columns`` (k), and their end.
    """
    until = np.full((2, len(columns)), -1, dtype=np.int64)
    queue = np.empty(len(rows), dtype=np.int64)
    waiting = np.zeros(len(rows), dtype=np.bool_)
    trail = np.empty(4 * len(lower) + 8, dtype=np.int64)
    olds = np.empty((len(trail), 2))
    for chain in range(len(chains) - 1):
        begin, end = chains[chain], chains[chain + 1]
        for at in range(begin, end):
            for state in range(2):
                now = columns[at]
                if not (lower[now] <= state <= upper[now]):
                    continue
                before = columns[at - 1] if at > begin else now
                other = 1 - state if at > begin else state
                if not (lower[before] <= other <= upper[before]):
                    continue
                count = _hold(now, state, state, lower, upper, trail, olds, 0)
                if at > begin:
                    count = _hold(before, other, other, lower, upper, trail, olds, count)
                held = np.array([now, before])
                possible, count = _ask(
                    held,
                    rows,
                    down,
                    weights,
                    least,
                    most,
                    first,
                    across,
                    lower,
                    upper,
                    whole,
                    queue,
                    waiting,
                    trail,
                    olds,
                    count,
                )
                if possible:
                    last = at + 1
                    while last < end and (
                        lower[columns[last]] == state and upper[columns[last]] == state
                    ):
                        last += 1
                    until[state, at] = last
                while count > 0:
                    count -= 1
                    lower[trail[count]], upper[trail[count]] = olds[count, 0], olds[count, 1]
    return until


@_compiled
def settle(
    rows: Any, down: Any, weights: Any, least: Any, most: Any, first: Any, across: Any,
    lower: Any, upper: Any,
) -> bool:  # fmt: skip
    """Narrow the bounds in place as far as the rows imply; whether no row stands against it."""
    queue = np.empty(max(len(rows), 1), dtype=np.int64)
    waiting = np.zeros(len(rows), dtype=np.bool_)
    trail = np.empty(8 * len(lower) + 8, dtype=np.int64)
    olds = np.empty((len(trail), 2))
    whole = np.zeros(len(lower), dtype=np.bool_)
    possible, _ = _ask(np.arange(len(lower)), rows, down, weights, least, most, first, across,
                       lower, upper, whole, queue, waiting, trail, olds, 0)  # fmt: skip
    return bool(possible)
