"""What a unit that can be off remembers: on or off, for how long, at which output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.components.common.commitment.needs import Needs, needs
from citygrid.components.contract import Flows, Parameter, Units


def carry_commitment(
    c: Units, flows: Flows, step: int, output_of: Callable[[Flows], Floats]
) -> dict[str, Parameter]:
    """State of all units before ``step``, from ``on`` and output (n, T) [kW] until there.

    Hours count back to the last change, or to what was said of the time before the first step. The
    decisions that a unit needs stay those of the whole horizon: a minimum load of another week
    does not make its binary come and go.
    """
    need = needs(lambda name: c[name], c.step)
    found = {
        f"need_{name}": Parameter((c.kind,), flags)
        for name, flags in zip(Needs._fields, need, strict=True)
    }
    if step == 0:
        return found
    output = output_of(flows)
    on = flows.spread("on", 1.0, output.shape)[:, :step] > 0.5
    on |= ~need.on[:, None]
    hours = _hours(on, c["initially_on"].ravel() > 0, c["initial_hours"].ravel(), c.step)
    # A unit that is off has no output, whatever a solver's rounding left of it.
    before = np.where(on[:, -1], output[:, step - 1], 0.0)
    return found | {
        "initially_on": Parameter((c.kind,), on[:, -1]),
        "initial_hours": Parameter((c.kind,), hours, "h"),
        "output_before_most": Parameter((c.kind,), before, "kW"),
        "output_before_least": Parameter((c.kind,), before.copy(), "kW"),
    }


def _hours(on: Flags, before: Flags, hours: Floats, step: float) -> Floats:
    """For how long (n) [h] the units have been as they are at the end of ``on`` (n, T)."""
    count = on.shape[1]
    changed = np.diff(on, axis=1, prepend=before[:, None])
    last = count - 1 - np.argmax(changed[:, ::-1], axis=1)
    return np.where(changed.any(axis=1), (count - last) * step, hours + count * step)
