"""On, off and start: for every unit that has a minimum load or a cost to start.

Units with neither stay continuous and get no binary.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from citygrid.arrays import Flags, Floats
from citygrid.components.contract import Component, Flows, Units
from citygrid.components.fields import Money, Share
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Known, Speaker


class Committed(Component):
    """Fields of a unit that can be on or off."""

    minimum_load: Share = Field(0.0, description="lowest output while on, as a share of capacity")
    start_cost: Money = Field(0.0, ge=0, description="wear and fuel of one start")
    initially_on: bool = Field(False, description="whether the unit runs before the first step")


def _committed(minimum_load: Floats, start_cost: Floats) -> Flags:
    return (minimum_load.ravel() > 0) | (start_cost.ravel() > 0)


def formulate_commitment(m: Speaker, c: Fleet, output: Amount, capacity: Known) -> None:
    """``minimum · on ≤ output ≤ capacity · on``; a start is paid when ``on`` rises.

    ``output`` (component × time) [kW], ``capacity`` (component) [kW]. Adds the binary ``on`` for
    units with a minimum load or start cost, and ``start`` for those with a start cost.
    """
    units = c.axis.only(_committed(c.minimum_load.values, c.start_cost.values), "committed")
    if len(units) == 0:
        return
    on = m.binary("on", units, m.time, about="the unit runs")
    output, capacity = output.only(units), capacity.only(units)
    m.constrain("capacity", output <= capacity * on, "no output while off")
    least = c.minimum_load.only(units)
    m.constrain("minimum_load", output >= least * capacity * on, "output while on")
    costly = units.only(c.start_cost.only(units).values > 0, "starting")
    if len(costly) == 0:
        return
    start = m.variable("start", costly, m.time, upper=1.0, unit="1", about="the unit is started")
    running = on.only(costly)
    before = c.initially_on.only(units).only(costly)
    m.constrain("starting", start >= running - running.previous(before), "on after off")
    m.cost("start", start * c.start_cost.only(units).only(costly))


def replay_commitment(c: Units, flows: Flows, log: Log, output: Floats, capacity: Floats) -> None:
    """Check on/off against the output and recompute what the starts cost."""
    committed = _committed(c["minimum_load"], c["start_cost"])[:, None]
    # A unit without commitment has no `on`; it may always run.
    on = np.where(committed, flows.spread("on", 0.0, output.shape), 1.0)
    log.whole("on is 0 or 1", on)
    log.within("output within minimum load and capacity", output,
               c["minimum_load"] * capacity * on, capacity * on)  # fmt: skip
    before = np.concatenate([c["initially_on"].astype(float), on[:, :-1]], axis=1)
    started = np.where(c["start_cost"] > 0, np.maximum(on - before, 0.0), 0.0)
    log.equal("start follows from on", flows.spread("start", 0.0, output.shape), started, "1")
    if (c["start_cost"] > 0).any():
        log.pays("start", started * c["start_cost"])
