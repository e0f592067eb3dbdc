"""Carriage between two nodes: a pipe or a cable with a capacity and losses, one way or both.

What leaves one end arrives at the other less a fixed loss [kW] while the line carries in that
direction and less a share of the flow: ``arriving = (1 − share) · sent − loss``.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from citygrid.components.common.exclusion import formulate_exclusion, replay_exclusion
from citygrid.components.contract import Component, Flows, Port, Units
from citygrid.components.fields import Node
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Speaker


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

    def line(self) -> tuple[str, str]:
        return self.from_, self.to

    def _ports(self, carrier: str) -> list[Port]:
        ends = [(self.from_, self.to)] + ([(self.to, self.from_)] if self.reversible else [])
        return [
            port for sender, receiver in ends
            for port in (Port(carrier, "draw", sender), Port(carrier, "feed", receiver))
        ]  # fmt: skip


def formulate_carriage(m: Speaker, c: Fleet, carrier: str) -> None:
    """Flow along the line, and against it where it is reversible.

    Uses the parameters ``capacity`` [kW] (component, or component × time), ``loss`` [kW] (component
    × time) and ``loss_share`` (component). A reversible line with losses carries one way at a time,
    by the binary ``forward``; without losses, opposite flows cancel and need none.
    """
    one_way = c.axis.only(~c.flags("reversible"), "one_way")
    both = c.axis.only(c.flags("reversible"), "reversible")
    forward = m.variable("flow", c.axis, m.time, upper=c.capacity, about="sent along the line")
    m.draw(carrier, c.text("from_"), forward)
    if len(one_way):
        flow, loss = forward.only(one_way), c.loss.only(one_way)
        arriving = flow * (1.0 - c.loss_share.only(one_way)) - loss
        m.constrain("arrival", arriving >= 0, "losses are covered")
        m.feed(carrier, c.text("to", one_way), arriving)
    if len(both):
        _formulate_reversible(m, c, carrier, both, forward.only(both))


def _formulate_reversible(m: Speaker, c: Fleet, carrier: str, lines: Axis, forward: Amount) -> None:
    capacity, loss, share = (x.only(lines) for x in (c.capacity, c.loss, c.loss_share))
    back = m.variable("back", lines, m.time, upper=capacity, about="sent against the line")
    m.draw(carrier, c.text("to", lines), back)
    burns = (loss.values.max(axis=1) > 0) | (share.values > 0)
    free = lines.only(~burns, "free")
    if len(free):
        m.feed(carrier, c.text("to", free), forward.only(free))
        m.feed(carrier, c.text("from_", free), back.only(free))
    lossy = lines.only(burns, "lossy")
    ahead = formulate_exclusion(
        m, "forward", lossy, rows=("along", "against"), first=forward, second=back,
        first_max=capacity, second_max=capacity, about="the line carries along its direction",
    )  # fmt: skip
    if ahead is None:
        return
    forward, back = forward.only(lossy), back.only(lossy)
    loss, share = loss.only(lossy), share.only(lossy)
    arriving = forward * (1.0 - share) - loss * ahead
    returning = back * (1.0 - share) + loss * ahead - loss
    m.constrain("arrival_along", arriving >= 0, "losses are covered")
    m.constrain("arrival_against", returning >= 0, "losses are covered")
    m.feed(carrier, c.text("to", lossy), arriving)
    m.feed(carrier, c.text("from_", lossy), returning)


def replay_carriage(c: Units, flows: Flows, log: Log, carrier: str) -> None:
    """Send, lose, receive: recomputed from the flows, one direction at a time."""
    forward = flows["flow"]
    reversible = c["reversible"]
    back = flows.spread("back", 0.0, forward.shape)
    capacity, loss, share = c["capacity"], c["loss"], c["loss_share"]
    log.within("flow within capacity", forward, 0.0, capacity)
    log.within("opposite flow within capacity", back, 0.0, np.where(reversible, capacity, 0.0))
    lossy = (loss.max(axis=1, keepdims=True) > 0) | (share > 0)
    direction = replay_exclusion(
        flows, log, "forward", reversible & lossy, first=forward, second=back, first_max=capacity,
        rules=("one direction at a time", "carries along only while forward"),
    )  # fmt: skip
    ahead = np.where(reversible & lossy, direction, 1.0)
    arriving = forward * (1.0 - share) - loss * ahead
    # On a lossless reversible line both flows may be positive; they cancel.
    returning = back * (1.0 - share) - np.where(reversible, loss * (1.0 - ahead), 0.0)
    for end, sent, received in (("to", forward, arriving), ("from_", back, returning)):
        log.draws(carrier, c.places("from_" if end == "to" else "to"), sent)
        log.feeds(carrier, c.places(end), received)
    log.measure(f"{carrier}_line_loss", forward + back - arriving - returning)
