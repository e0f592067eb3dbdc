"""What is on its way: heat that arrives whole steps after it was sent.

A horizon is a circle: what its first steps receive was sent in its last ones. Where it is a part of
a longer one, that was sent before its first step, and what its last steps send arrives after it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from citygrid.arrays import Flags, Floats, Indices
from citygrid.components.contract import Parameter, Units
from citygrid.components.words import Amount, Axis, Fleet, Known

#: What was sent along and against a line, and whether it carried along, in the steps before.
BEFORE = ("sent_before", "back_before", "ahead_before")


class Travel(NamedTuple):
    """Steps on the way, whether the horizon is a circle (lines), and what was sent before it.

    ``early`` (lines × time) is 1 where that arrives.
    """

    delay: Indices
    circle: Flags
    sent: Known
    back: Known
    ahead: Known
    early: Known

    def only(self, lines: Axis) -> Travel:
        """That of a selection of the lines."""
        at = lines.positions
        known = (each.only(lines) for each in self[2:])
        return Travel(self.delay[at], self.circle[at], *known)


def travel(c: Fleet) -> Travel:
    """How it travels in lines with the parameters ``delay``, ``circle`` and those of the past."""
    delay, circle = c.integers("delay"), c.flags("circle")
    sent, back, ahead = (getattr(c, name) for name in BEFORE)
    early = (np.arange(len(c.time)) < delay[:, None]) & ~circle[:, None]
    return Travel(delay, circle, sent, back, ahead, c.known(early, c.axis, c.time, unit="1"))


def travel_parameters(kind: str, count: int) -> dict[str, Parameter]:
    """Those of a whole horizon."""
    nothing = {name: Parameter((kind,), np.zeros(count), "1" if name == "ahead_before" else "kW")
               for name in BEFORE}  # fmt: skip
    return {"circle": Parameter((kind,), np.ones(count, dtype=bool)), **nothing}


def later(amount: Amount, before: Known, way: Travel, lines: Axis, time: Axis) -> Amount:
    """An amount (lines × time) as it was ``delay`` steps before; first as ``before`` the horizon.

    In a circle it is first as in the last steps.
    """
    if not way.delay.any():
        return amount
    hours = len(time)
    row, step = np.divmod(np.arange(len(lines) * hours), hours)
    kept = (step >= way.delay[row]) | way.circle[row]
    cells = row * hours + (step - way.delay[row]) % hours
    moved = amount.mapped((lines, time), np.flatnonzero(kept), cells[kept], np.ones(kept.sum()))
    if kept.all():
        return moved
    return moved + before * way.early


def came(flow: Floats, before: Floats, delay: Indices, circle: Floats) -> Floats:
    """The flow (lines × time) that arrives in every step, by a clock that may go round."""
    step = np.arange(flow.shape[1]) - delay[:, None]
    begun = np.take_along_axis(flow, step % flow.shape[1], axis=1)
    return np.where((step >= 0) | (circle > 0), begun, before)


def carry_travel(c: Units, step: int, sent: dict[str, Floats]) -> dict[str, Parameter]:
    """What was sent (by the names of :data:`BEFORE`) and has not arrived before ``step``."""
    delay, hours = c.parameters["delay"].values, next(iter(sent.values())).shape[1]
    arrives = np.arange(step, hours)
    on_the_way = arrives < step + delay[:, None]
    found = {"circle": Parameter((c.kind,), np.zeros(len(c), dtype=bool))}
    for name, flow in sent.items():
        known = np.broadcast_to(c[name], flow.shape)
        values = came(flow, known, delay, c["circle"])[:, arrives]
        unit = c.parameters[name].unit
        found[name] = Parameter((c.kind, "time"), np.where(on_the_way, values, 0.0), unit)
    return found
