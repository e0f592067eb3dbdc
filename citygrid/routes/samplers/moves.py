"""Moves of choices, compiled: heat baths over one-hot groups, single flips of free variables.

``E(v) = Σ_i a_i v_i + Σ_{i<j} q_ij v_i v_j + Σ_r p_r over_r(v)``, ``v_i`` 0 or 1. A group always
has exactly one member that is on: a move draws it anew with probability ``∝ exp(−β E)`` over all
members. The fields ``a_i + Σ_j q_ij v_j`` and the loads of the limits are kept up to date, so that
a move that changes nothing touches no neighbour. Replicas are independent between two exchanges,
each with random numbers of its own.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from citygrid.routes.samplers.spins import SHIFT, STEP, UNIT, mixed

_compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")
_inlined = numba.njit(cache=True, nogil=True, inline="always", error_model="numpy")

#: ``exp`` of less than this is not worth drawing: one move in 10^13.
NEVER = -30.0
#: Overshoot that is rounding.
TINY = 1e-9


@_inlined
def _over(load: float, low: float, high: float) -> float:
    """By how much a load is outside of its limits."""
    return max(load - high, 0.0) + max(low - load, 0.0)


@_compiled
def _change_of_rows(
    i: int, by: float, row_first: Any, row: Any, row_weight: Any, load: Any, low: Any, high: Any,
    price: Any,
) -> float:  # fmt: skip
    """What the limits cost more if variable ``i`` changes by ``by``."""
    more = 0.0
    for p in range(row_first[i], row_first[i + 1]):
        r = row[p]
        after = load[r] + by * row_weight[p]
        more += price[r] * (_over(after, low[r], high[r]) - _over(load[r], low[r], high[r]))
    return more


@_compiled
def _put(
    i: int, by: float, state: Any, field: Any, first: Any, other: Any, weight: Any,
    row_first: Any, row: Any, row_weight: Any, load: Any,
) -> None:  # fmt: skip
    """Change variable ``i`` by ``by`` (1 or −1) and all that depends on it."""
    state[i] += np.int8(by)
    for p in range(first[i], first[i + 1]):
        field[other[p]] += by * weight[p]
    for p in range(row_first[i], row_first[i + 1]):
        load[row[p]] += by * row_weight[p]


@_compiled
def _keep_if_better(
    value: float, state: Any, load: Any, low: Any, high: Any, hard: Any, best: Any, least: Any
) -> None:
    """Keep the state if it breaks less, or breaks no more and costs less."""
    broken = 0.0
    for r in range(len(load)):
        if hard[r]:
            over = _over(load[r], low[r], high[r])
            if over > TINY * (1.0 + abs(load[r])):
                broken += over
    if broken < least[0] or (broken == least[0] and value < least[1]):
        least[0], least[1] = broken, value
        best[:] = state


@_compiled
def sweep(
    sweeps: int, beta: float, state: Any, chosen: Any, field: Any, load: Any, free: Any,
    group_first: Any, members: Any, first: Any, other: Any, weight: Any, row_first: Any, row: Any,
    row_weight: Any, low: Any, high: Any, price: Any, hard: Any, random: Any, value: Any,
    best: Any, least: Any,
) -> int:  # fmt: skip
    """Sweeps of one replica at ``beta``: every group and every free variable once each.

    ``state`` (n), ``chosen`` (g, member that is on), ``field`` (n), ``load`` (m). ``value`` holds
    the energy without what limits cost, ``least`` how much ``best`` (n) breaks and its value; soft
    limits (not ``hard``) count in the value. Returns how many moves changed something.
    """
    longest = 1
    for g in range(len(group_first) - 1):
        longest = max(longest, group_first[g + 1] - group_first[g])
    option = np.empty(longest)
    at, energy, moves = random[0], value[0], 0
    limited = len(load) > 0
    for _ in range(sweeps):
        for g in range(len(group_first) - 1):
            begin, end = group_first[g], group_first[g + 1]
            old = chosen[g]
            if end - begin < 2:
                continue
            if limited:
                for p in range(row_first[old], row_first[old + 1]):
                    load[row[p]] -= row_weight[p]
            lowest = np.inf
            for k in range(begin, end):
                i = members[k]
                cost = field[i]
                if limited and row_first[i + 1] > row_first[i]:
                    cost += _change_of_rows(
                        i, 1.0, row_first, row, row_weight, load, low, high, price
                    )
                option[k - begin] = cost
                lowest = min(lowest, cost)
            if limited:
                for p in range(row_first[old], row_first[old + 1]):
                    load[row[p]] += row_weight[p]
            # The heat bath; what is too dear to be drawn costs no exponential.
            total = 0.0
            for k in range(end - begin):
                exponent = -beta * (option[k] - lowest)
                chance = np.exp(exponent) if exponent > NEVER else 0.0
                total += chance
                option[k] = chance
            at += STEP
            left = (np.float64(mixed(at) >> SHIFT) + 0.5) * UNIT * total
            new = old
            for k in range(end - begin):
                if option[k] > 0.0:
                    new = members[begin + k]
                    left -= option[k]
                    if left < 0.0:
                        break
            if new == old:
                continue
            moves += 1
            energy += field[new] - field[old]
            chosen[g] = new
            _put(old, -1.0, state, field, first, other, weight, row_first, row, row_weight, load)
            _put(new, 1.0, state, field, first, other, weight, row_first, row, row_weight, load)
        for k in range(len(free)):
            i = free[k]
            by = 1.0 - 2.0 * state[i]
            plain = by * field[i]
            change = plain
            if limited and row_first[i + 1] > row_first[i]:
                change += _change_of_rows(i, by, row_first, row, row_weight, load, low, high, price)
            at += STEP
            if change > 0.0:
                exponent = -beta * change
                if exponent < NEVER:
                    continue
                if (np.float64(mixed(at) >> SHIFT) + 0.5) * UNIT >= np.exp(exponent):
                    continue
            moves += 1
            energy += plain
            _put(i, by, state, field, first, other, weight, row_first, row, row_weight, load)
        soft = 0.0
        for r in range(len(load)):
            if not hard[r]:
                soft += price[r] * _over(load[r], low[r], high[r])
        _keep_if_better(energy + soft, state, load, low, high, hard, best, least)
    random[0], value[0] = at, energy
    return moves
