"""The moves of the annealer, compiled: heat baths over the options of one group at a time.

Everything is plain arrays, so that the compiler sees loops over numbers and Python's lock is free.
Replicas are independent; each has its own random numbers, so that the answer does not depend on how
many threads share the work.

What stands behind a chain of hours answers every load at once with its cheapest settings. That
takes no search: for every position and state, ``ahead`` holds the least cost of all hours up to it
and ``behind`` that of all hours after it, both less their minimum. An option changes some hours
of a chain; its cost is that of the way from what is ahead through these hours to what is behind.

Books of a replica: ``alone`` (q × s) cost of a position in a setting at its load; ``ahead`` and
``behind`` (q × s); ``lost`` (q) what was taken off ``ahead``. Constants: ``cost`` (q × s before × s
here) of changes, ``entry`` (q × s), and lines of responses, where position and setting count as
one. ``each`` is a tuple with an entry per setting: its length is known to the compiler, which
unrolls the loops over settings.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from citygrid.routes.samplers.spins import SHIFT, STEP, UNIT, mixed

#: ``exp`` of less than this is not worth drawing: one option in 10^13.
NEVER = -30.0
#: Difference of two books [EUR] at which they count as the same.
SAME = 1e-11

_compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")


@_compiled
def _random(state: Any, at: int) -> float:
    """A number in [0, 1) from the generator of :mod:`.spins`; advances ``state[at]``."""
    state[at] += STEP
    return float(mixed(state[at]) >> SHIFT) * UNIT


@_compiled
def respond(state: int, load: float, line_first: Any, height: Any, slope: Any) -> float:
    """Cost of a load in a state: the highest of its lines, which stand in order of slope."""
    line = line_first[state]
    best = height[line] + slope[line] * load
    for line in range(line_first[state] + 1, line_first[state + 1]):
        value = height[line] + slope[line] * load
        if value < best:
            break
        best = value
    return float(best)


@_compiled
def _forward(
    each: Any, q: int, begin: int, alone: Any, ahead: Any, lost: Any, cost: Any, fresh: Any
) -> bool:
    size = len(each)
    least = np.inf
    moved = False
    for s in range(size):
        value = 0.0
        if q > begin:
            value = ahead[q - 1, 0] + cost[q, 0, s]
            for p in range(1, size):
                value = min(value, ahead[q - 1, p] + cost[q, p, s])
        value += alone[q, s]
        fresh[s] = value
        least = min(least, value)
    for s in range(size):
        value = fresh[s] - least
        if not (value == ahead[q, s] or abs(value - ahead[q, s]) <= SAME):
            moved = True
        ahead[q, s] = value
    lost[q] = least
    return moved


@_compiled
def _backward(each: Any, q: int, end: int, alone: Any, behind: Any, cost: Any, fresh: Any) -> bool:
    size = len(each)
    least = np.inf
    moved = False
    for s in range(size):
        value = 0.0
        if q < end - 1:
            value = cost[q + 1, s, 0] + alone[q + 1, 0] + behind[q + 1, 0]
            for p in range(1, size):
                value = min(value, cost[q + 1, s, p] + alone[q + 1, p] + behind[q + 1, p])
        fresh[s] = value
        least = min(least, value)
    for s in range(size):
        value = fresh[s] - least
        if not (value == behind[q, s] or abs(value - behind[q, s]) <= SAME):
            moved = True
        behind[q, s] = value
    return moved


@_compiled
def renew(
    each: Any, low: int, high: int, begin: int, end: int, load: Any, alone: Any, ahead: Any,
    behind: Any, lost: Any, fresh: Any, cost: Any, entry: Any, line_first: Any, height: Any,
    slope: Any,
) -> None:  # fmt: skip
    """Bring a chain's books up to date after the loads of positions low … high changed."""
    size = len(each)
    for q in range(low, high + 1):
        for s in range(size):
            alone[q, s] = entry[q, s] + respond(
                q * size + s, load[q], line_first, height, slope)  # fmt: skip
    for q in range(low, end):
        if not _forward(each, q, begin, alone, ahead, lost, cost, fresh) and q > high:
            break
    for q in range(high, begin - 1, -1):
        if not _backward(each, q, end, alone, behind, cost, fresh) and q < low:
            break


@_compiled
def energies(
    each: Any, loads: Any, first: Any, cost: Any, entry: Any, line_first: Any, height: Any,
    slope: Any, chosen: Any,
) -> Any:  # fmt: skip
    """Least cost of all chains for loads (n × q); ``chosen`` (n × q) gets the settings."""
    size = len(each)
    found = np.zeros(len(loads))
    value, fresh = np.zeros(size), np.zeros(size)
    origin = np.zeros((len(entry), size), np.int64)
    for n in range(len(loads)):
        for c in range(len(first) - 1):
            if first[c + 1] == first[c]:
                continue
            for q in range(first[c], first[c + 1]):
                for s in range(size):
                    best = 0.0
                    if q > first[c]:
                        best = np.inf
                        for p in range(size):
                            way = value[p] + cost[q, p, s]
                            if way < best:
                                best = way
                                origin[q, s] = p
                    fresh[s] = best + entry[q, s] + respond(
                        q * size + s, loads[n, q], line_first, height, slope)  # fmt: skip
                for s in range(size):
                    value[s] = fresh[s]
            setting = 0
            for s in range(size):
                if value[s] < value[setting]:
                    setting = s
            found[n] += value[setting]
            for q in range(first[c + 1] - 1, first[c] - 1, -1):
                chosen[n, q] = setting
                setting = origin[q, setting]
    return found


@_compiled
def _put(
    each: Any, option: int, by: float, load: Any, gap: Any, alone: Any, ahead: Any, behind: Any,
    lost: Any, fresh: Any, part_first: Any, part_low: Any, part_high: Any, part_chain: Any,
    part_pair: Any, pair_of: Any, pair_load: Any, total: Any, chain_first: Any, cost: Any,
    entry: Any, line_first: Any, height: Any, slope: Any,
) -> None:  # fmt: skip
    """Take an option in (``by`` 1) or out (−1): its loads, what totals lack, the chains' books."""
    for part in range(part_first[option], part_first[option + 1]):
        low, high, chain = part_low[part], part_high[part], part_chain[part]
        shift = part_pair[part] - low
        for q in range(low, high + 1):
            pair = pair_of[shift + q]
            if pair >= 0:
                load[q] += by * pair_load[pair]
                if total[q] >= 0:
                    gap[total[q]] += by * pair_load[pair]
        renew(
            each, low, high, chain_first[chain], chain_first[chain + 1], load, alone, ahead,
            behind, lost, fresh, cost, entry, line_first, height, slope,
        )  # fmt: skip


@_compiled
def sweep(
    each: Any, replica: int, beta: float, count: int, random: Any, state: Any, loads: Any,
    alones: Any, aheads: Any, behinds: Any, losts: Any, gaps: Any, energy: Any, best: Any,
    least: Any, order: Any, first: Any, priced: Any, pair_first: Any, pair_at: Any, pair_load: Any,
    part_first: Any, part_low: Any, part_high: Any, part_chain: Any, part_pair: Any,
    pair_of: Any, total: Any, stiffness: Any, chain_first: Any, cost: Any, entry: Any,
    line_first: Any, height: Any, slope: Any,
) -> int:  # fmt: skip
    """``count`` sweeps of one replica at ``beta``: every group once each, in random order.

    A move takes a group out, works out what every pair of position and weight would cost
    there, then every option by its way through the chains it enters, and draws one with
    probability ``∝ exp(−β E)``. Changes the books of the replica in place and keeps ``best``
    and ``least``. Returns how often a group changed its option.
    """
    size = len(each)
    groups = len(first) - 1
    load, alone, ahead, behind = loads[replica], alones[replica], aheads[replica], behinds[replica]
    lost, gap = losts[replica], gaps[replica]
    widest, longest = 0, 0
    for g in range(groups):
        widest = max(widest, first[g + 1] - first[g])
        longest = max(longest, pair_first[g + 1] - pair_first[g])
    answers, pulls = np.empty((longest, size)), np.empty(longest)
    options = np.empty(widest)
    way, step = np.empty(size), np.empty(size)
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
            _put(
                each, old, -1.0, load, gap, alone, ahead, behind, lost, step, part_first, part_low,
                part_high, part_chain, part_pair, pair_of, pair_load, total, chain_first, cost,
                entry, line_first, height, slope,
            )  # fmt: skip
            base = pair_first[g]
            for pair in range(base, pair_first[g + 1]):
                q = pair_at[pair]
                there = load[q] + pair_load[pair]
                for s in range(size):
                    answers[pair - base, s] = entry[q, s] + respond(
                        q * size + s, there, line_first, height, slope)  # fmt: skip
                pulls[pair - base] = 0.0
                if total[q] >= 0:
                    pulls[pair - base] = stiffness[total[q]] * gap[total[q]] * pair_load[pair]
            lowest = np.inf
            for option in range(begin, end):
                value = priced[option]
                for part in range(part_first[option], part_first[option + 1]):
                    low, high = part_low[part], part_high[part]
                    shift = part_pair[part] - low
                    usual = 0.0
                    for q in range(low, high + 1):
                        if q == chain_first[part_chain[part]]:
                            for s in range(size):
                                step[s] = 0.0
                        elif q == low:
                            for s in range(size):
                                enter = ahead[q - 1, 0] + cost[q, 0, s]
                                for p in range(1, size):
                                    enter = min(enter, ahead[q - 1, p] + cost[q, p, s])
                                step[s] = enter
                        else:
                            for s in range(size):
                                enter = way[0] + cost[q, 0, s]
                                for p in range(1, size):
                                    enter = min(enter, way[p] + cost[q, p, s])
                                step[s] = enter
                        pair = pair_of[shift + q]
                        if pair >= 0:
                            for s in range(size):
                                way[s] = step[s] + answers[pair - base, s]
                            value += pulls[pair - base]
                        else:
                            for s in range(size):
                                way[s] = step[s] + alone[q, s]
                        usual += lost[q]
                    with_it, without = np.inf, np.inf
                    for s in range(size):
                        with_it = min(with_it, way[s] + behind[high, s])
                        without = min(without, ahead[high, s] + behind[high, s])
                    value += with_it - without - usual
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
            new = old - begin  # stays, where no option can be told from another
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
            _put(
                each, new, 1.0, load, gap, alone, ahead, behind, lost, step, part_first, part_low,
                part_high, part_chain, part_pair, pair_of, pair_load, total, chain_first, cost,
                entry, line_first, height, slope,
            )  # fmt: skip
        if energy[replica] < least[replica]:
            least[replica] = energy[replica]
            best[replica] = state[replica]
    return moves
