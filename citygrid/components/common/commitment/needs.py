"""Which unit needs which decision: the predicate that formulation and replay share.

Everything else of commitment is written twice; this is stated once and pinned by hand in a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags
from citygrid.errors import FormulationError

#: Steps and powers closer than this are equal.
CLOSE = 1e-9


class Needs(NamedTuple):
    """Flags (n): units that are on or off, whose starts and stops count, whose ramps can bind."""

    on: Flags
    start: Flags
    stop: Flags
    cold: Flags
    ramp_up: Flags
    ramp_down: Flags
    start_ramp: Flags
    stop_ramp: Flags


def needs(of: Callable[[str], NDArray[Any]], step: float) -> Needs:
    """What every unit needs, from its parameters: ``of(name)`` is (n), (n, 1) or (n, T).

    A unit is on or off where it has a minimum load, pays for starting, stopping or standing by,
    must stay on or off for more than a step, or starts (stops) otherwise than it ramps. Starts
    alone are counted where nothing but their cost asks for them.

    A part of a horizon needs what the whole does: there ``need_…`` are parameters.
    """
    try:
        return Needs(*(np.asarray(of(f"need_{name}")).ravel() > 0 for name in Needs._fields))
    except (KeyError, AttributeError, FormulationError):
        pass  # a whole horizon

    def flat(name: str) -> NDArray[Any]:
        values = np.asarray(of(name))
        return values.reshape(len(values), -1)

    def ever(flags: Flags) -> Flags:
        return np.asarray(flags.any(axis=1))

    def positive(name: str) -> Flags:
        return ever(flat(name) > 0)

    capacity = flat("full_output")
    rise, fall = flat("ramp_up") * step, flat("ramp_down") * step
    ramp_up = ever(rise < capacity - CLOSE)
    ramp_down = ever(fall < capacity - CLOSE)
    start, stop = flat("start_ramp"), flat("stop_ramp")
    start_ramp = ever(start < capacity - CLOSE)
    stop_ramp = ever(stop < capacity - CLOSE)
    # A start that is slower or faster than a rise by the ramp alone.
    apart = ever(np.abs(start - np.minimum(rise, capacity)) > CLOSE)
    apart |= ever(np.abs(stop - np.minimum(fall, capacity)) > CLOSE)
    held = ever(np.maximum(flat("minimum_up_time"), flat("minimum_down_time")) > step + CLOSE)
    cold = positive("cold_starts")
    paid = positive("start_cost") | positive("shutdown_cost") | positive("standby_cost") | cold
    on = positive("minimum_load") | paid | held | apart
    ramped = ramp_up | ramp_down | start_ramp | stop_ramp
    switching = on & (held | cold | ramped | positive("shutdown_cost"))
    return Needs(
        on, on & (switching | positive("start_cost")), switching, on & cold, ramp_up, ramp_down,
        on & start_ramp, on & stop_ramp,
    )  # fmt: skip
