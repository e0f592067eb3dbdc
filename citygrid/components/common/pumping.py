"""Power of the pumps that keep water flowing: convex in the flow, by tangents.

Friction takes a power that grows with the third power of the flow, ``P = P_full (Q/Q_full)³`` with
the friction factor of the full flow, for supply and return together and through the pump's
efficiency. Tangents bound it from below and the straight line to full flow from above: what a plan
uses in between is throttled away.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT, friction_power
from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Speaker

#: Shares of the full flow at which tangents touch; between them they are low by less than 2 % of
#: the full power.
TOUCHING = (0.2, 0.4, 0.6, 0.8, 1.0)


def pumping_power(
    heat: Floats, spread: Floats, inner: float, length: float, roughness: float, efficiency: float
) -> Floats:
    """Electric power [kW] that pumping ``heat`` [kW] through supply and return takes.

    spread
        Temperature difference of supply and return [K]. ``inner``, ``length`` and ``roughness`` in
        m; ``efficiency`` of pump and motor.
    """
    area = np.pi / 4.0 * inner**2
    velocity = heat / (WATER_DENSITY * WATER_HEAT * area * spread)
    return 2.0 * friction_power(velocity, inner, length, roughness) / efficiency


def formulate_pumping(m: Speaker, c: Fleet, sent: Amount) -> None:
    """Power of each pipe that has a ``pump``, drawn at that node.

    Uses the parameters ``pump`` (a node, or empty), ``pump_full`` (component × time) [kW] and
    ``capacity`` (component × time) [kW], the full flow.
    """
    places = np.array(c.text("pump"))
    pumped = c.axis.only(places != "", "pumped")
    if not len(pumped):
        return
    full, flow = c.pump_full.only(pumped), sent.only(pumped) / c.capacity.only(pumped)
    power = m.variable("pump_power", pumped, m.time, about="power that pumping the flow takes")
    for number, at in enumerate(TOUCHING, 1):
        tangent = flow * (3.0 * at**2 * full) - 2.0 * at**3 * full
        m.constrain(f"pumping_{number}", power >= tangent, f"tangent at {at:.0%} of the full flow")
    m.constrain("pumping_rated", power <= flow * full, "no more than the line to the full flow")
    m.draw("power", c.text("pump", pumped), power)


def replay_pumping(c: Units, flows: Flows, log: Log, sent: Floats) -> None:
    """How far the plan's power is below the tangents of the flow's cube, or above its line."""
    pumped = np.flatnonzero(c.places("pump") != "")
    if not len(pumped):
        return
    names = np.array(c.names, dtype=object)[pumped]
    power = flows.spread("pump_power", 0.0, sent.shape)[pumped]
    full = c["pump_full"][pumped]
    flow = sent[pumped] / np.broadcast_to(c["capacity"], sent.shape)[pumped]
    touching = np.array(TOUCHING)[:, None, None]
    least = (full * (touching**2 * (3.0 * flow - 2.0 * touching))).max(axis=0)
    log.within("pumping takes its power", power, np.maximum(least, 0.0), flow * full, labels=names)
    log.draws("power", c.places("pump")[pumped], power, names)
    log.measure("pump_power", power)
