"""Two opposite flows of which only one may run at a time, where doing both would pay.

The caller decides for which components and in which steps that is so; only these get a binary.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.components.contract import Flows
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Known, Speaker


def formulate_exclusion(
    m: Speaker, name: str, units: Axis, guarded: Flags, *, rows: tuple[str, str], first: Amount,
    second: Amount, first_max: Known, second_max: Known, about: str,
) -> Amount | None:  # fmt: skip
    """``first ≤ first_max · name`` and ``second ≤ second_max · (1 − name)`` where ``guarded``.

    ``guarded`` (units × time) says where. Adds the binary ``name`` (1: the first flow may run) and
    the two ``rows``, over the units and the steps that are guarded at all; gives the binary, or
    ``None`` where none is. Flows and limits [kW] may be over a larger axis.
    """
    who, when = np.logical_or.reduce(guarded, axis=1), np.logical_or.reduce(guarded, axis=0)
    if not who.any():
        return None
    units = units if who.all() else units.only(who, "guarded")
    time = m.time if when.all() else m.time.only(when, f"while_{m.kind}_{name}")
    chosen = m.binary(name, units, time, about=about)
    first, second = first.only(units).only(time), second.only(units).only(time)
    first_max, second_max = first_max.only(units).only(time), second_max.only(units).only(time)
    m.constrain(rows[0], first <= first_max * chosen, f"only if {name}")
    m.constrain(rows[1], second + second_max * chosen <= second_max, f"only if not {name}")
    return chosen


def replay_exclusion(
    flows: Flows, log: Log, name: str, guarded: Flags, *,
    first: Floats, second: Floats, first_max: Floats, second_max: Floats,
    rules: tuple[str, str, str],
) -> Floats:  # fmt: skip
    """Check that where ``guarded`` both flows never run, and that ``name`` says which may.

    ``rules`` name what is broken by both flows at once, by the first flow against the choice, and
    by the second. Gives the stated choice (n, T), 0 where there is none.
    """
    guarded = np.broadcast_to(guarded, first.shape)
    # A choice stands for every guarded unit in every step in which any of them is guarded.
    chosen = flows.spread(name, 0.0, first.shape, "1")
    log.whole(f"{name} is 0 or 1", chosen)
    decided = guarded.any(axis=1, keepdims=True) & guarded.any(axis=0, keepdims=True)
    both = np.where(decided, np.minimum(first, second), 0.0)
    log.within(rules[0], both, high=0.0)
    log.within(rules[1], np.where(decided, first, 0.0), high=first_max * chosen)
    log.within(rules[2], np.where(decided, second, 0.0),
               high=np.where(decided, second_max * (1.0 - chosen), 0.0))  # fmt: skip
    return chosen
