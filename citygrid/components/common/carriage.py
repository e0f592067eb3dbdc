"""Carriage between two nodes: a pipe or a cable with a capacity and losses, one way or both.

What leaves one end arrives at the other less a fixed loss [kW] while the line carries in that
direction and less a share of the flow: ``arriving = (1 − share) · sent − loss``. In a long pipe it
arrives some steps later.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Indices
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


class Carried(NamedTuple):
    """What every line sends (lines × time) along its direction, and in both directions together."""

    along: Amount
    total: Amount


def formulate_carriage(m: Speaker, c: Fleet, carrier: str, delay: Indices | None = None) -> Carried:
    """Flow along the line, and against it where it is reversible.

    Uses the parameters ``capacity`` [kW] (component, or component × time), ``loss`` [kW] (component
    × time) and ``loss_share`` (component). A reversible line with losses carries one way at a time,
    by the binary ``forward``; without losses, opposite flows cancel and need none. ``delay`` says
    how many steps later (component) what was sent arrives; the horizon is a circle.
    """
    late = np.zeros(len(c), dtype=np.int64) if delay is None else delay
    one_way = c.axis.only(~c.flags("reversible"), "one_way")
    both = c.axis.only(c.flags("reversible"), "reversible")
    forward = m.variable("flow", c.axis, m.time, upper=c.capacity, about="sent along the line")
    m.draw(carrier, c.text("from_"), forward)
    if len(one_way):
        flow = _later(forward.only(one_way), one_way, m.time, late[one_way.positions])
        loss = c.loss.only(one_way)
        arriving = flow * (1.0 - c.loss_share.only(one_way)) - loss
        m.constrain("arrival", arriving >= 0, "losses are covered")
        m.feed(carrier, c.text("to", one_way), arriving)
    if not len(both):
        return Carried(forward, forward)
    back = _formulate_reversible(m, c, carrier, both, forward.only(both), late[both.positions])
    hours = len(m.time)
    cells = np.arange(len(both) * hours)
    rows = both.positions[cells // hours] * hours + cells % hours
    spread = back.mapped((c.axis, m.time), rows, cells, np.ones(len(cells)))
    return Carried(forward, forward + spread)


def _later(amount: Amount, lines: Axis, time: Axis, delay: Indices) -> Amount:
    """An amount (lines × time) as it was ``delay`` steps (lines) before; before the first step it
    is as in the last ones.
    """
    if not delay.any():
        return amount
    hours = len(time)
    row, step = np.divmod(np.arange(len(lines) * hours), hours)
    cells = row * hours + (step - delay[row]) % hours
    return amount.mapped((lines, time), np.arange(len(cells)), cells, np.ones(len(cells)))


def _formulate_reversible(
    m: Speaker, c: Fleet, carrier: str, lines: Axis, forward: Amount, delay: Indices
) -> Amount:
    capacity, loss, share = (x.only(lines) for x in (c.capacity, c.loss, c.loss_share))
    back = m.variable("back", lines, m.time, upper=capacity, about="sent against the line")
    m.draw(carrier, c.text("to", lines), back)
    burns = (loss.values.max(axis=1) > 0) | (share.values > 0)
    free = lines.only(~burns, "free")
    if len(free):
        late = delay[free.positions]
        m.feed(carrier, c.text("to", free), _later(forward.only(free), free, m.time, late))
        m.feed(carrier, c.text("from_", free), _later(back.only(free), free, m.time, late))
    lossy = lines.only(burns, "lossy")
    ahead = formulate_exclusion(
        m, "forward", lossy, rows=("along", "against"), first=forward, second=back,
        first_max=capacity, second_max=capacity, about="the line carries along its direction",
    )  # fmt: skip
    if ahead is None:
        return back
    late = delay[lossy.positions]
    sent, sent_back, ahead = (
        _later(amount, lossy, m.time, late)
        for amount in (forward.only(lossy), back.only(lossy), ahead)
    )
    loss, share = loss.only(lossy), share.only(lossy)
    arriving = sent * (1.0 - share) - loss * ahead
    returning = sent_back * (1.0 - share) + loss * ahead - loss
    m.constrain("arrival_along", arriving >= 0, "losses are covered")
    m.constrain("arrival_against", returning >= 0, "losses are covered")
    m.feed(carrier, c.text("to", lossy), arriving)
    m.feed(carrier, c.text("from_", lossy), returning)
    return back


def replay_carriage(
    c: Units, flows: Flows, log: Log, carrier: str, delay: Indices | None = None
) -> None:
    """Send, travel, lose, receive: recomputed from the flows, one direction at a time."""
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
    if delay is None:
        delay = np.zeros(len(c), dtype=np.int64)
    # What arrives left the other end ``delay`` steps before, by a clock that goes round.
    left = (np.arange(forward.shape[1]) - delay[:, None]) % forward.shape[1]
    begun, begun_back, was_ahead = (
        np.take_along_axis(flow, left, axis=1) for flow in (forward, back, ahead)
    )
    arriving = begun * (1.0 - share) - loss * was_ahead
    # On a lossless reversible line both flows may be positive; they cancel.
    returning = begun_back * (1.0 - share) - np.where(reversible, loss * (1.0 - was_ahead), 0.0)
    for end, sent, received in (("to", forward, arriving), ("from_", back, returning)):
        log.draws(carrier, c.places("from_" if end == "to" else "to"), sent)
        log.feeds(carrier, c.places(end), received)
    log.measure(f"{carrier}_line_loss", begun + begun_back - arriving - returning)
