"""Carriage between two nodes: a pipe or a cable with a capacity and losses, one way or both.

What leaves one end arrives at the other less a fixed loss [kW] while the line carries in that
direction and less a share of the flow: ``arriving = (1 − share) · sent − loss``. In a long pipe it
arrives some steps later.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Flags, Floats
from citygrid.components.common.exclusion import formulate_exclusion, replay_exclusion
from citygrid.components.common.travel import BEFORE, Travel, came, carry_travel, later
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import Node
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Passage, Speaker
from citygrid.inputs.world import World


class Line(Component):
    """Fields of a line between two nodes."""

    from_: Node = Field(alias="from", description="node that sends")
    to: Node = Field(description="node that receives")
    reversible: bool = Field(
        False, description="whether the line may also carry from `to` to `from`"
    )

    @model_validator(mode="after")
    def _two_ends(self) -> Line:
        if self.from_ == self.to:
            raise ValueError(f'leads from "{self.to}" to itself; name two different nodes')
        return self

    def least_value(self, carrier: str, name: str, world: World) -> float:
        """What it gives it has taken elsewhere: other units decide what that is worth."""
        return np.inf

    def line(self) -> tuple[str, str]:
        return self.from_, self.to

    def _ports(self, carrier: str) -> list[Port]:
        ends = [(self.from_, self.to)] + ([(self.to, self.from_)] if self.reversible else [])
        return [
            port for sender, receiver in ends
            for port in (Port(carrier, "draw", sender), Port(carrier, "feed", receiver))
        ]  # fmt: skip


class Carried(NamedTuple):
    """What every line sends (lines × time) along its direction, and in both directions together."""

    along: Amount
    total: Amount


def formulate_carriage(
    m: Speaker, c: Fleet, carrier: str, way: Travel | None = None,
    worthless: Flags | None = None,
) -> Carried:  # fmt: skip
    """Flow along the line, and against it where it is reversible.

    Uses the parameters ``capacity`` [kW] (component, or component × time), ``loss`` [kW] (component
    × time) and ``loss_share`` (component). A reversible line with losses carries one way at a time,
    by the binary ``forward``; without losses, opposite flows cancel and need none. A line that
    loses a share alone needs none either in a step that is not ``worthless`` (component × time):
    there carrying to and fro costs more than nothing. By default every step may be; where it is
    given, lines do not carry in rings either. ``way`` says how many steps later (component) what
    was sent arrives; without it, at once.
    """
    hours = np.ones((len(c), len(m.time)), dtype=bool) if worthless is None else worthless
    rings = hours & (worthless is not None)
    one_way = c.axis.only(~c.flags("reversible"), "one_way")
    both = c.axis.only(c.flags("reversible"), "reversible")
    lossy = (c.loss.values.max(axis=1) > 0) | (c.loss_share.values > 0)
    forward = m.variable("flow", c.axis, m.time, upper=c.capacity, about="sent along the line")
    m.draw(carrier, c.text("from_"), forward,
           onward=Passage(c.text("to"), c.capacity, lossy, rings))  # fmt: skip
    if len(one_way):
        flow = forward.only(one_way)
        if way is not None:
            here = way.only(one_way)
            flow = later(flow, here.sent, here, one_way, m.time)
        loss = c.loss.only(one_way)
        arriving = flow * (1.0 - c.loss_share.only(one_way)) - loss
        fixed = one_way.only(loss.values.max(axis=1) > 0, "fixed")
        if len(fixed):
            m.constrain("arrival", arriving.only(fixed) >= 0, "losses are covered")
        m.feed(carrier, c.text("to", one_way), arriving)
    if not len(both):
        return Carried(forward, forward)
    back = m.variable("back", both, m.time, upper=c.capacity.only(both),
                      about="sent against the line")  # fmt: skip
    m.draw(carrier, c.text("to", both), back,
           onward=Passage(c.text("from_", both), c.capacity.only(both), lossy[both.positions],
                          rings[both.positions]))  # fmt: skip
    at = both.positions
    there = None if way is None else way.only(both)
    _formulate_reversible(m, c, carrier, both, forward.only(both), back, hours[at], there)
    steps = len(m.time)
    cells = np.arange(len(both) * steps)
    rows = both.positions[cells // steps] * steps + cells % steps
    spread = back.mapped((c.axis, m.time), rows, cells, np.ones(len(cells)))
    return Carried(forward, forward + spread)


def _formulate_reversible(
    m: Speaker, c: Fleet, carrier: str, lines: Axis, forward: Amount, back: Amount, hours: Flags,
    way: Travel | None,
) -> None:  # fmt: skip
    """What arrives at either end, of lines that choose their direction where they have to."""
    capacity, loss, share = (x.only(lines) for x in (c.capacity, c.loss, c.loss_share))
    fixed = loss.values.max(axis=1) > 0
    # A line with a fixed loss needs to know its direction in every step, to bear the loss there.
    guarded = (hours | fixed[:, None]) & (fixed | (share.values > 0))[:, None]
    choosing = lines.only(guarded.any(axis=1), "lossy")
    ahead = formulate_exclusion(
        m, "forward", choosing, guarded[choosing.positions], rows=("along", "against"),
        first=forward, second=back, first_max=capacity, second_max=capacity,
        about="the line carries along its direction",
    )  # fmt: skip
    sharing = lines.only(~fixed, "sharing")
    if len(sharing):
        kept = 1.0 - share.only(sharing)
        for place, sent in (("to", forward), ("from_", back)):
            arriving = sent.only(sharing)
            if way is not None:
                here = way.only(sharing)
                before = here.sent if place == "to" else here.back
                arriving = later(arriving, before, here, sharing, m.time)
            m.feed(carrier, c.text(place, sharing), arriving * kept)
    losing = choosing.only(fixed[choosing.positions], "losing")
    if ahead is None or len(losing) == 0:
        return
    sent, sent_back, ahead = (
        amount.only(choosing).only(losing) for amount in (forward, back, ahead)
    )
    if way is not None:
        here = way.only(choosing).only(losing)
        sent, sent_back, ahead = (
            later(amount, before, here, losing, m.time)
            for amount, before in zip((sent, sent_back, ahead), here[2:5], strict=True)
        )
    loss, share = loss.only(choosing).only(losing), share.only(choosing).only(losing)
    arriving = sent * (1.0 - share) - loss * ahead
    returning = sent_back * (1.0 - share) + loss * ahead - loss
    m.constrain("arrival_along", arriving >= 0, "losses are covered")
    m.constrain("arrival_against", returning >= 0, "losses are covered")
    m.feed(carrier, c.text("to", losing), arriving)
    m.feed(carrier, c.text("from_", losing), returning)


def replay_carriage(
    c: Units, flows: Flows, log: Log, carrier: str, travels: bool = False,
    worthless: Flags | None = None,
) -> None:  # fmt: skip
    """Send, travel, lose, receive: recomputed from the flows, one direction at a time."""
    forward = flows["flow"]
    reversible = c["reversible"]
    back = flows.spread("back", 0.0, forward.shape)
    capacity, loss, share = c["capacity"], c["loss"], c["loss_share"]
    log.within("flow within capacity", forward, 0.0, capacity)
    log.within("opposite flow within capacity", back, 0.0, np.where(reversible, capacity, 0.0))
    fixed = loss.max(axis=1, keepdims=True) > 0
    lossy = fixed | (share > 0)
    hours = np.broadcast_to(True if worthless is None else worthless, forward.shape)
    direction = replay_exclusion(
        flows, log, "forward", reversible & lossy & (hours | fixed), first=forward, second=back,
        first_max=capacity, second_max=capacity,
        rules=("one direction at a time", "carries along only while forward",
               "carries against only while not forward"),
    )  # fmt: skip
    ahead = np.where(reversible & lossy, direction, 1.0)
    begun, begun_back, was_ahead = forward, back, ahead
    if travels:  # what arrives left the other end some steps before
        delay, circle = c.parameters["delay"].values, c["circle"]
        begun, begun_back, was_ahead = (
            came(flow, c[name], delay, circle)
            for name, flow in zip(BEFORE, (forward, back, ahead), strict=True)
        )
    arriving = begun * (1.0 - share) - loss * was_ahead
    # On a lossless reversible line both flows may be positive; they cancel.
    returning = begun_back * (1.0 - share) - np.where(reversible, loss * (1.0 - was_ahead), 0.0)
    for end, sent, received in (("to", forward, arriving), ("from_", back, returning)):
        start = "from_" if end == "to" else "to"
        log.draws(carrier, c.places(start), sent)
        log.feeds(carrier, c.places(end), received)
        net = np.where(lossy, sent, np.maximum(sent - (forward + back - sent), 0.0))
        log.carries(carrier, c.places(start), c.places(end), net, lossy[:, 0],
                    hours & (worthless is not None))  # fmt: skip
    log.at_once(np.where(lossy, np.minimum(forward, back), 0.0))
    log.measure(f"{carrier}_line_loss", begun + begun_back - arriving - returning)


def carry_carriage(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """What is on its way in lines in which it arrives later; see ``common/travel.py``."""
    sent: Floats = flows["flow"]
    back = flows.spread("back", 0.0, sent.shape)
    lossy = (c["loss"].max(axis=1, keepdims=True) > 0) | (c["loss_share"] > 0)
    choosing = c["reversible"] & lossy
    ahead = np.where(choosing, flows.spread("forward", 0.0, sent.shape), 1.0)
    return carry_travel(c, step, dict(zip(BEFORE, (sent, back, ahead), strict=True)))
