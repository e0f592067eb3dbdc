"""Commitment as physics: how long a unit has been on or off, what it may do then, what it pays.

Nothing here is the formulation's: times are counted from run lengths, starts priced by how long
the unit has stood still, ramps judged by what the unit does in the step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.components.common.commitment.needs import needs
from citygrid.components.common.commitment.points import replay_costs
from citygrid.components.common.commitment.spec import RESERVE
from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log


class Spell(NamedTuple):
    """What a unit does in every step (n, T): it starts, stops; hours in its state before it."""

    before: Floats
    started: Floats
    stopped: Floats
    hours: Floats


def replay_commitment(c: Units, flows: Flows, log: Log, output: Floats) -> Floats:
    """Check all of commitment against the output and pay for it; gives ``on`` (n, T)."""
    need = needs(lambda name: c[name], c.step)
    committed = need.on[:, None]
    # A unit without commitment has no `on`; it is always ready.
    on = np.where(committed, flows.spread("on", 0.0, output.shape, "1"), 1.0)
    log.whole("on is 0 or 1", on)
    least = np.where(committed, c["minimum_load"], 0.0)
    log.within("output within minimum load and capacity", output, least * on, c["usable"] * on)
    spell = _spell(c, on, committed)
    log.within("on while it must run", np.where(committed, on, 1.0), low=c["must_run"], unit="1")
    log.within("off during an outage", np.where(committed, on, 0.0), high=1.0 - c["outages"],
               unit="1")  # fmt: skip
    _times(c, log, spell)
    _switches(flows, log, spell, need.start[:, None], need.stop[:, None])
    _starts(c, flows, log, spell, need.start[:, None])
    if (c["shutdown_cost"] > 0).any():
        log.pays("shutdown", spell.stopped * c["shutdown_cost"])
    if (c["standby_cost"] > 0).any():
        log.pays("standby", on * c["standby_cost"] * c.step)
    reserve = _reserve(c, flows, log, output, on)
    _ramps(c, log, output, reserve, spell, committed)
    replay_costs(c, flows, log, output, on)
    return on


def _spell(c: Units, on: Floats, committed: Flags) -> Spell:
    """Starts and stops, and for how long the unit had been as it was before each step [h]."""
    running = on > 0.5
    first = np.where(committed, c["initially_on"] > 0, True)
    before = np.concatenate([first, running[:, :-1]], axis=1)
    started, stopped = running & ~before, before & ~running
    steps = np.broadcast_to(np.arange(on.shape[1]), on.shape)
    # The step in which the present state began, as known before each step; −1: before the first.
    changed = np.maximum.accumulate(np.where(started | stopped, steps, -1), axis=1)
    since = np.concatenate([np.full((len(on), 1), -1), changed[:, :-1]], axis=1)
    hours = np.where(since < 0, c["initial_hours"] + steps * c.step, (steps - since) * c.step)
    return Spell(before.astype(float), started.astype(float), stopped.astype(float), hours)


def _times(c: Units, log: Log, spell: Spell) -> None:
    """Nothing stops or starts before its minimum time is over."""
    for rule, moved, least in (
        ("on for the minimum up time", spell.stopped, c["minimum_up_time"]),
        ("off for the minimum down time", spell.started, c["minimum_down_time"]),
    ):
        log.within(rule, np.where(moved > 0, np.minimum(spell.hours, least), least),
                   low=np.broadcast_to(least, moved.shape), unit="h")  # fmt: skip


def _switches(flows: Flows, log: Log, spell: Spell, start: Flags, stop: Flags) -> None:
    shape = spell.started.shape
    log.equal("start follows from on", flows.spread("start", 0.0, shape, "1"),
              np.where(start, spell.started, 0.0), "1")  # fmt: skip
    log.equal("stop follows from on", flows.spread("stop", 0.0, shape, "1"),
              np.where(stop, spell.stopped, 0.0), "1")  # fmt: skip


def _starts(c: Units, flows: Flows, log: Log, spell: Spell, counted: Flags) -> None:
    """A start costs by the hours that the unit was off before it."""
    cost = np.broadcast_to(c["start_cost"], spell.started.shape)
    colds = int(c["cold_starts"].max(initial=0))
    off = spell.hours
    warm_before = np.zeros(off.shape, dtype=bool)
    for k in range(1, colds + 1):
        has = c["cold_starts"] >= k
        cold = has & (off > c[f"cold_after_{k}"] + 1e-9)
        sort = np.where(has & ~cold & ~warm_before, spell.started, 0.0)
        log.equal("how warm a start is follows from the hours off",
                  flows.spread(f"warm_start_{k}", 0.0, off.shape, "1"), sort, "1")  # fmt: skip
        warm_before |= has & ~cold
        cost = np.where(cold, c[f"cold_cost_{k}"], cost)
    if (c["start_cost"] > 0).any() or colds:
        log.pays("start", np.where(counted, spell.started * cost, 0.0))


def _reserve(c: Units, flows: Flows, log: Log, output: Floats, on: Floats) -> Floats:
    """What is held back is there: capacity of a unit that runs, above its output."""
    reserve = flows.spread("reserve", 0.0, output.shape)
    gives = c["reserve"].astype(bool)
    room = np.where(gives, c["usable"] * on - output, 0.0)
    log.within("reserve within what is left of the capacity", reserve, 0.0, np.maximum(room, 0.0))
    rows = np.flatnonzero(gives.ravel())
    if len(rows):
        log.feeds(RESERVE, c.places("reserve_place")[rows], reserve[rows],
                  np.array(c.names, dtype=object)[rows])  # fmt: skip
    return reserve


def _ramps(
    c: Units, log: Log, output: Floats, reserve: Floats, spell: Spell, committed: Flags
) -> None:
    """No faster than the ramps; slower or faster only in the first and before the first step off.

    With reserve, the unit must be able to rise to all that it has promised.
    """
    shape = output.shape
    edge = {"most": c["output_before_most"], "least": c["output_before_least"]}
    before = {side: np.concatenate([first, output[:, :-1]], axis=1) for side, first in edge.items()}
    starts = np.where(committed, spell.started, 0.0) > 0
    stops = np.where(committed, spell.stopped, 0.0) > 0
    reached = output + reserve
    rise = np.where(starts, np.inf, c["ramp_up"] * c.step)
    fall = np.where(stops, np.inf, c["ramp_down"] * c.step)
    log.within("rise within the ramp", reached - before["most"], high=np.broadcast_to(rise, shape))
    log.within("fall within the ramp", before["least"] - output, high=np.broadcast_to(fall, shape))
    first = np.where(starts, c["start_ramp"], np.inf)
    log.within("output after a start within its ramp", reached, high=first)
    last = np.where(stops, c["stop_ramp"], np.inf)
    log.within("output before a stop within its ramp", before["least"], high=last)
