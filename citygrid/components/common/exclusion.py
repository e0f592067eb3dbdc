"""Two opposite flows of which only one may run at a time, where doing both would pay.

The caller decides for which components that is so; only these get a binary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.components.contract import Flows
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Known, Speaker


def formulate_exclusion(
    m: Speaker, name: str, units: Axis, *, rows: tuple[str, str], first: Amount, second: Amount,
    first_max: Known, second_max: Known, about: str,
) -> Amount | None:  # fmt: skip
    """``first ≤ first_max · name`` and ``second ≤ second_max · (1 − name)`` over ``units`` × time.

    Adds the binary ``name`` (1: the first flow may run) and the two ``rows``; gives the binary, or
    ``None`` where ``units`` is empty. Flows and limits [kW] may be over a larger axis.
    """
    if len(units) == 0:
        return None
    chosen = m.binary(name, units, m.time, about=about)
    first_max, second_max = first_max.only(units), second_max.only(units)
    m.constrain(rows[0], first.only(units) <= first_max * chosen, f"only if {name}")
    m.constrain(rows[1], second.only(units) + second_max * chosen <= second_max,
                f"only if not {name}")  # fmt: skip
    return chosen


def replay_exclusion(
    flows: Flows, log: Log, name: str, guarded: NDArray[np.bool_], *,
    first: Floats, second: Floats, first_max: Floats, rules: tuple[str, str],
) -> Floats:  # fmt: skip
    """Check that guarded components (n, 1) never run both flows, and that ``name`` says which.

    ``rules`` name what is broken by both flows at once, and by the first flow against the choice.
    Gives the stated choice (n, T), 0 where a component has none.
    """
    chosen = flows.spread(name, 0.0, first.shape)
    log.whole(f"{name} is 0 or 1", chosen)
    both = np.where(guarded, np.minimum(first, second), 0.0)
    log.within(rules[0], both, high=0.0)
    log.within(rules[1], np.where(guarded, first, 0.0), high=first_max * chosen)
    return chosen
