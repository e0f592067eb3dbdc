"""Single flips of spins, compiled: Metropolis sweeps with local fields kept up to date.

``E(s) = Σ_i h_i s_i + Σ_{i<j} J_ij s_i s_j``, ``s_i = ±1``. With the field
``f_i = h_i + Σ_j J_ij s_j`` a flip of ``s_i`` changes the energy by ``−2 s_i f_i``. Fields change
only where a neighbour flips, so a refused flip costs one look, whatever the number of neighbours.

Spins are visited in their order, which keeps memory in order, too. Every read has random numbers of
its own, so the answer does not depend on how many threads share the reads.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from citygrid.model.form import Floats

_compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")
_inlined = numba.njit(cache=True, nogil=True, inline="always", error_model="numpy")

#: Thresholds that are drawn from a table; the first cell, the rarest, is drawn exactly.
CELLS = 4096
#: ``−ln u`` at the middle of every cell of ``u``.
LOGARITHMS = -np.log((np.arange(CELLS) + 0.5) / CELLS)

#: Step of the generator's states; a number in [0, 1) is what is left after a shift, in such units.
STEP, SHIFT, UNIT = np.uint64(0x9E3779B97F4A7C15), np.uint64(11), 1.0 / 9007199254740992.0
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_S32, _S52 = np.uint64(32), np.uint64(52)


@_inlined
def mixed(z: Any) -> Any:
    """The output of splitmix64 (Steele, Lea, Flood 2014) at a state; states are a Weyl sequence."""
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


def chances(betas: Floats, quantum: float, most: int) -> Any:
    """Chance of accepting every flip as a 32-bit number, per temperature (b × 2·most + 1).

    Column ``most + k`` belongs to a flip that changes the energy by ``2 k`` quanta.
    """
    change = 2.0 * quantum * np.arange(-most, most + 1)
    chance = np.exp(np.minimum(-np.outer(betas, change), 0.0))
    return np.minimum(chance * 2.0**32, 2.0**32 - 1.0).astype(np.uint32)


@_compiled
def sweep_whole(
    sweeps: Any, chance: Any, state: Any, field: Any, first: Any, other: Any, weight: Any,
    even: bool, random: Any, energy: Any, best: Any, least: Any,
) -> int:  # fmt: skip
    """``sweeps`` (b) at ``chance`` (b × …), where couplings are whole numbers of quanta.

    ``state`` (n, ±1), ``field`` (n, in quanta), ``first`` (n + 1), ``other`` and ``weight`` the
    neighbours in CSR; ``even`` where all weights are 1. ``random``, ``energy`` and ``least`` hold
    one number each. Changes what it is given and returns the number of flips.
    """
    number = len(first) - 1
    middle = (chance.shape[1] - 1) // 2
    at, value, flips = random[0], energy[0], 0
    for b in range(len(sweeps)):
        line = chance[b]
        for _ in range(sweeps[b]):
            for i in range(number):
                at += STEP
                spin = np.int32(state[i])
                change = -spin * field[i]
                if np.uint32(mixed(at) >> _S32) >= line[middle + change]:
                    continue
                flips += 1
                state[i] = -spin
                value += 2 * np.int64(change)
                twice = np.int32(-2) * spin
                if even:
                    for p in range(first[i], first[i + 1]):
                        field[other[p]] += twice
                else:
                    for p in range(first[i], first[i + 1]):
                        field[other[p]] += twice * weight[p]
            if value < least[0]:
                least[0] = value
                best[:] = state
    random[0], energy[0] = at, value
    return flips


@_compiled
def sweep_real(
    sweeps: Any, betas: Any, state: Any, field: Any, first: Any, other: Any, weight: Any,
    logarithms: Any, random: Any, energy: Any, best: Any, least: Any,
) -> int:  # fmt: skip
    """``sweeps`` (b) at ``betas`` (b) for couplings of any size; as :func:`sweep_whole` otherwise.

    A flip is accepted where ``β ΔE < −ln u``, with ``−ln u`` from a table of :data:`CELLS` cells.
    """
    number = len(first) - 1
    at, value, flips = random[0], energy[0], 0
    for b in range(len(sweeps)):
        half = 0.5 / betas[b]
        for _ in range(sweeps[b]):
            for i in range(number):
                at += STEP
                drawn = mixed(at)
                spin = state[i]
                change = -spin * field[i]
                cell = drawn >> _S52
                if cell == 0:
                    rare = (np.float64(drawn >> SHIFT) + 0.5) * UNIT
                    if change >= -half * np.log(rare):
                        continue
                elif change >= half * logarithms[cell]:
                    continue
                flips += 1
                state[i] = -spin
                value += 2.0 * change
                twice = -2.0 * spin
                for p in range(first[i], first[i + 1]):
                    field[other[p]] += twice * weight[p]
            if value < least[0]:
                least[0] = value
                best[:] = state
    random[0], energy[0] = at, value
    return flips


def seeds(seed: int, count: int) -> Any:
    """First states of the random numbers of so many reads, far apart (count × 1)."""
    sequence = np.random.SeedSequence(seed)
    return sequence.generate_state(count, np.uint64).reshape(count, 1)
