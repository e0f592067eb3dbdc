"""The moves of the annealer, compiled: heat baths over the options of one group at a time.

Everything is plain arrays, so that the compiler sees loops over numbers and Python's lock is free.
Replicas are independent; each has its own random numbers, so that the answer does not depend on how
many threads share the work.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

#: ``exp`` of less than this is not worth drawing: one option in 10^13.
NEVER = -30.0

_compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")


@_compiled
def _random(state: Any, at: int) -> float:
    """A number in [0, 1) by splitmix64 (Steele, Lea, Flood 2014); advances ``state[at]``."""
    state[at] += np.uint64(0x9E3779B97F4A7C15)
    z = state[at]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@_compiled
def _response(base: Any, rise: Any, width: int, row: int, place: float) -> float:
    """Energy of a row at a load, by its line of cells; the outermost go on beyond the ends."""
    cell = min(max(int(np.floor(place)), 0), width - 1) + row * width
    return float(base[cell] + rise[cell] * place)


@_compiled
def sweep(
    replica: int, beta: float, count: int, random: Any, state: Any, loads: Any, gaps: Any,
    energy: Any, best: Any, least: Any, first: Any, alone: Any, pair_first: Any, pair_row: Any,
    pair_place: Any, pair_load: Any, use_first: Any, use_pair: Any, total: Any, stiffness: Any,
    base: Any, rise: Any, width: int, order: Any,
) -> int:  # fmt: skip
    """``count`` sweeps of one replica at ``beta``: every group once each, in random order.

    A move takes a group out, works out what every pair of row and weight would add to the energy,
    and draws an option with probability ``∝ exp(−β E)``. Changes ``state`` (R × g), ``loads``
    (R × r), ``gaps`` (R × t), ``energy`` (R) in place and keeps ``best`` and ``least``. Returns how
    often a group changed its option.
    """
    groups = len(first) - 1
    responses = np.empty(int((pair_first[1:] - pair_first[:-1]).max()))
    options = np.empty(int((first[1:] - first[:-1]).max()))
    moves = 0
    for _ in range(count):
        for i in range(groups - 1, 0, -1):  # Fisher and Yates
            j = int(_random(random, replica) * (i + 1))
            order[replica, i], order[replica, j] = order[replica, j], order[replica, i]
        for g in order[replica]:
            begin, end = first[g], first[g + 1]
            if end - begin < 2:
                continue
            old = state[replica, g]
            for u in range(use_first[old], use_first[old + 1]):
                pair = use_pair[u]
                row = pair_row[pair]
                loads[replica, row] -= pair_place[pair]
                if total[row] >= 0:
                    gaps[replica, total[row]] -= pair_load[pair]
            for pair in range(pair_first[g], pair_first[g + 1]):
                row = pair_row[pair]
                place = loads[replica, row]
                change = _response(base, rise, width, row, place + pair_place[pair]) - _response(
                    base, rise, width, row, place
                )
                if total[row] >= 0:
                    change += stiffness[total[row]] * gaps[replica, total[row]] * pair_load[pair]
                responses[pair - pair_first[g]] = change
            lowest = np.inf
            for option in range(begin, end):
                value = alone[option]
                for u in range(use_first[option], use_first[option + 1]):
                    value += responses[use_pair[u] - pair_first[g]]
                options[option - begin] = value
                lowest = min(lowest, value)
            before = options[old - begin]
            # The heat bath; what is too dear to be drawn costs no exponential.
            weight = 0.0
            for k in range(end - begin):
                exponent = -beta * (options[k] - lowest)
                if exponent > NEVER:
                    weight += np.exp(exponent)
            left = _random(random, replica) * weight
            new = -1
            for k in range(end - begin):
                exponent = -beta * (options[k] - lowest)
                if exponent > NEVER:
                    new = k
                    left -= np.exp(exponent)
                    if left < 0.0:
                        break
            energy[replica] += options[new] - before
            new += begin
            if new != old:
                moves += 1
                state[replica, g] = new
            for u in range(use_first[new], use_first[new + 1]):
                pair = use_pair[u]
                row = pair_row[pair]
                loads[replica, row] += pair_place[pair]
                if total[row] >= 0:
                    gaps[replica, total[row]] += pair_load[pair]
        if energy[replica] < least[replica]:
            least[replica] = energy[replica]
            best[replica] = state[replica]
    return moves
