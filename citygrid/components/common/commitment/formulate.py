"""Commitment as mathematics: on, start and stop, times, ramps, costs, reserve."""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Flags
from citygrid.components.common.commitment.needs import CLOSE, Needs, needs
from citygrid.components.common.commitment.points import formulate_costs
from citygrid.components.common.commitment.prepare import held_before
from citygrid.components.common.commitment.spec import RESERVE
from citygrid.components.common.commitment.spread import chosen, over_all, window_sum
from citygrid.components.words import Amount, Axis, Fleet, Known, Speaker

#: Selections of selections: each axis is chosen from the one before.
Path = tuple[Axis, ...]


def formulate_commitment(m: Speaker, c: Fleet, output: Amount) -> Amount | Known:
    """Everything of commitment for ``output`` (component × time) [kW].

    ``minimum · on ≤ output``, ``output + reserve ≤ usable · on``, ``start − stop``
    is ``on_t − on_{t−1}``;
    minimum times after Rajan and Takriti (2005): ``Σ_{k<U} start_{t−k} ≤ on_t`` and ``Σ_{k<D}
    stop_{t−k} ≤ 1 − on_t``; ramps ``output_t + reserve_t − output_{t−1} ≤ ramp · on_{t−1} +
    start_ramp · start_t`` and the like downwards; starts by hours off after Morales-España et al.
    (2013). Adds a binary ``on`` for the units that need one, ``start`` and ``stop`` where they
    count, and the ledger's lines.

    Gives what ``on`` is over all units, 1 for those that need no decision.
    """
    need = needs(lambda name: getattr(c, name).values, float(c.step.values))
    used = _reserved(m, c, output)
    units = c.axis.only(need.on, "committed")
    gate: Amount | Known = c.known(np.ones((len(c.axis), len(m.time))), c.axis, m.time, unit="1")
    if len(units):
        on = _on(m, c, units)
        gate = over_all(on, (units,), m.time) + c.known(~need.on, c.axis, unit="1")
        _limits(m, c, need, units, on, output, used)
        _standby(m, c, units, on)
        _switching(m, c, need, units, on, output, used)
    _unswitched(m, c, need, output, used)
    formulate_costs(m, c, output, gate)
    return gate


def _reserved(m: Speaker, c: Fleet, output: Amount) -> Amount:
    """Output and the reserve above it, which is fed to the requirement."""
    reserving = c.axis.only(c.flags("reserve"), "reserving")
    if len(reserving) == 0:
        return output
    reserve = m.variable("reserve", reserving, m.time, upper=c.usable.only(reserving),
                         about="capacity held back")  # fmt: skip
    m.feed(RESERVE, c.text("reserve_place", reserving), reserve)
    return output + over_all(reserve, (reserving,), m.time)


def _on(m: Speaker, c: Fleet, units: Axis) -> Amount:
    """The binary, held where a calendar or the time before the first step decides it."""
    held_on, held_off = held_before(
        c.flags("initially_on"), c.initial_hours.values, c.minimum_up_time.values,
        c.minimum_down_time.values, float(m.step.values), len(m.time),
    )  # fmt: skip

    def hourly(name: str) -> Flags:
        flags = c.flags(name)
        return flags if flags.ndim == 2 else flags[:, None]

    least = (held_on | hourly("must_run"))[units.positions]
    most = ~(held_off | hourly("outages"))[units.positions]
    return m.binary(
        "on", units, m.time, about="the unit runs",
        lower=c.known(least, units, m.time, unit="1") if least.any() else 0.0,
        upper=1.0 if most.all() else c.known(most, units, m.time, unit="1"),
    )  # fmt: skip


def _limits(
    m: Speaker, c: Fleet, need: Needs, units: Axis, on: Amount, output: Amount, used: Amount
) -> None:  # fmt: skip
    """Output within minimum load and capacity while on; slow starters have a row of their own."""
    plain = units.only(~need.start_ramp[units.positions], "started_at_once")
    if len(plain):
        most = chosen(c.usable, units, plain)
        m.constrain("capacity", chosen(used, units, plain) <= most * on.only(plain),
                    "no output while off")  # fmt: skip
    least = c.minimum_load.values.reshape(len(c.axis), -1).max(axis=1) > 0
    loaded = units.only(least[units.positions], "loaded")
    if len(loaded):
        low = chosen(c.minimum_load, units, loaded)
        m.constrain("minimum_load", chosen(output, units, loaded) >= low * on.only(loaded),
                    "output while on")  # fmt: skip


def _standby(m: Speaker, c: Fleet, units: Axis, on: Amount) -> None:
    waiting = units.only(c.standby_cost.only(units).values > 0, "standing_by")
    if len(waiting):
        m.cost("standby", on.only(waiting) * chosen(c.standby_cost, units, waiting) * c.step)


def _switching(
    m: Speaker, c: Fleet, need: Needs, units: Axis, on: Amount, output: Amount, used: Amount
) -> None:  # fmt: skip
    starting = units.only(need.start[units.positions], "starting")
    if len(starting) == 0:
        return
    start = m.variable("start", starting, m.time, upper=1.0, unit="1", about="the unit is started")
    before = chosen(c.initially_on, units, starting)
    running = on.only(starting)
    both = need.stop[units.positions][starting.positions]
    alone = starting.only(~both, "alone")
    if len(alone):
        run = running.only(alone)
        m.constrain("starting", start.only(alone) >= run - run.previous(before.only(alone)),
                    "on after off")  # fmt: skip
    switching = starting.only(both, "switching")
    if len(switching):
        axes = (units, starting, switching)
        stop = m.variable("stop", switching, m.time, upper=1.0, unit="1",
                          about="the unit is stopped")  # fmt: skip
        _times(m, c, axes, chosen(on, *axes[1:]), start.only(switching), stop)
        _ramps(m, c, need, axes, on, start, stop, output, used)
        stopped = switching.only(chosen(c.shutdown_cost, *axes).values > 0, "stopping")
        if len(stopped):
            m.cost("shutdown", stop.only(stopped) * chosen(c.shutdown_cost, *axes, stopped))
        warmth = _warm_starts(m, c, axes, start, stop)
    else:
        warmth = []
    _start_costs(m, c, (units, starting), start, warmth)


def _times(m: Speaker, c: Fleet, axes: Path, on: Amount, start: Amount, stop: Amount) -> None:
    """Start and stop follow from on; both keep the unit for its minimum time."""
    m.constrain("switching", start - stop == on - on.previous(chosen(c.initially_on, *axes)),
                "on after off is a start, off after on a stop")  # fmt: skip
    up, down = (
        np.maximum(np.ceil(chosen(hours, *axes).values / float(m.step.values) - CLOSE), 1)
        for hours in (c.minimum_up_time, c.minimum_down_time)
    )
    none = np.zeros(len(up), dtype=np.int64)
    m.constrain("up_time", window_sum(start, none, up.astype(np.int64) - 1) <= on,
                "on since a start for the minimum time")  # fmt: skip
    m.constrain("down_time", window_sum(stop, none, down.astype(np.int64) - 1) + on <= 1.0,
                "off since a stop for the minimum time")  # fmt: skip


def _ramps(
    m: Speaker, c: Fleet, need: Needs, axes: Path, on: Amount, start: Amount, stop: Amount,
    output: Amount, used: Amount,
) -> None:  # fmt: skip
    """Change of the output while on, after a start and before a stop."""
    units, starting, switching = axes

    def part(flags: Flags, name: str) -> tuple[Axis, Path, Amount]:
        chosen_units = switching.only(
            flags[units.positions][starting.positions][switching.positions], name
        )
        return chosen_units, (*axes, chosen_units), chosen(on, starting, switching, chosen_units)

    rising, path, run = part(need.ramp_up, "rising")
    if len(rising):
        before = chosen(output, *path).previous(chosen(c.output_before_most, *path))
        ran = run.previous(chosen(c.initially_on, *path))
        rise = ran * (chosen(c.ramp_up, *path) * c.step)
        begun = chosen(start, switching, rising) * chosen(c.start_ramp, *path)
        m.constrain("ramp_up", chosen(used, *path) - before <= rise + begun, "no faster rise")
    falling, path, run = part(need.ramp_down, "falling")
    if len(falling):
        before = chosen(output, *path).previous(chosen(c.output_before_least, *path))
        fall = run * (chosen(c.ramp_down, *path) * c.step)
        ended = stop.only(falling) * chosen(c.stop_ramp, *path)
        m.constrain("ramp_down", before - chosen(output, *path) <= fall + ended, "no faster fall")
    slow, path, run = part(need.start_ramp, "starting_slowly")
    if len(slow):
        most, limit = chosen(c.usable, *path), chosen(c.start_ramp, *path)
        short = most - limit
        beyond = c.known(np.maximum(short.values, 0.0), *short.dims)
        m.constrain("start_ramp", chosen(used, *path) <= run * most
                    - chosen(start, switching, slow) * beyond, "first step on")  # fmt: skip
    slow, path, run = part(need.stop_ramp, "stopping_slowly")
    if len(slow):
        before = chosen(output, *path).previous(chosen(c.output_before_least, *path))
        ran = run.previous(chosen(c.initially_on, *path))
        most = chosen(c.full_output, *path)
        beyond = most - chosen(c.stop_ramp, *path)
        m.constrain("stop_ramp", before <= ran * most - stop.only(slow) * beyond, "last step on")


def _warm_starts(
    m: Speaker, c: Fleet, axes: Path, start: Amount, stop: Amount
) -> list[tuple[int, Amount, Path]]:  # fmt: skip
    """Starts that are not the coldest: at most as many as stops in their window of hours off."""
    _, starting, switching = axes
    step, begin = float(m.step.values), np.arange(len(m.time)) * float(m.step.values)
    found: list[tuple[int, Amount, Path]] = []
    colds = chosen(c.cold_starts, *axes).values
    together: Amount | None = None
    for k in range(int(colds.max(initial=0))):
        warm = switching.only(colds > k, f"warm_{k + 1}")
        path = (*axes, warm)
        after = 0.0 if k == 0 else chosen(getattr(c, f"cold_after_{k}"), *path).values
        until = chosen(getattr(c, f"cold_after_{k + 1}"), *path).values
        first = np.floor(after / step + CLOSE) + 1
        last = np.floor(until / step + CLOSE)
        taken = m.variable(f"warm_start_{k + 1}", warm, m.time, upper=1.0, unit="1",
                           about="started before it has cooled further")  # fmt: skip
        off = chosen(c.initial_hours, *path).values[:, None] + begin
        ready = (off > np.reshape(after, (-1, 1)) + CLOSE) & (off <= until[:, None] + CLOSE)
        ready &= chosen(c.initially_on, *path).values[:, None] == 0
        stops = window_sum(stop.only(warm), np.broadcast_to(first, last.shape).astype(np.int64),
                           last.astype(np.int64))  # fmt: skip
        m.constrain(f"warm_start_{k + 1}", taken <= stops + c.known(ready, warm, m.time, unit="1"),
                    "after a stop in its window")  # fmt: skip
        spread = over_all(taken, (warm,), m.time)
        together = spread if together is None else together + spread
        found.append((k, taken, (starting, switching, warm)))
    if together is not None:
        cold = switching.only(colds > 0, "cold")
        m.constrain("warmth", together.only(cold) <= chosen(start, switching, cold),
                    "a start is of one sort")  # fmt: skip
    return found


def _start_costs(
    m: Speaker, c: Fleet, axes: Path, start: Amount, warmth: list[tuple[int, Amount, Path]]
) -> None:
    """A start costs as the coldest; warmer ones save the difference."""
    units, starting = axes
    longest = len(warmth)
    dearest = chosen(c.start_cost, *axes)
    if longest:
        cold = chosen(c.cold_starts, *axes).values > 0
        coldest = chosen(getattr(c, f"cold_cost_{longest}"), *axes).values
        dearest = c.known(np.where(cold, coldest, dearest.values), starting, unit="EUR")
    costly = starting.only(dearest.values > 0, "costly")
    if len(costly) == 0:
        return
    money = start * dearest
    for k, taken, path in warmth:
        paid = c.start_cost if k == 0 else getattr(c, f"cold_cost_{k}")
        saved = chosen(dearest, *path[1:]) - chosen(paid, units, *path)
        money = money - over_all(taken * saved, path[1:], m.time)
    m.cost("start", money.only(costly))


def _unswitched(m: Speaker, c: Fleet, need: Needs, output: Amount, used: Amount) -> None:
    """Ramps and reserve of units that are always ready."""
    for name, flags in (("rise", need.ramp_up), ("fall", need.ramp_down)):
        free = c.axis.only(flags & ~need.on, f"{name}_alone")
        if not len(free):
            continue
        known = c.output_before_most if name == "rise" else c.output_before_least
        before = output.only(free).previous(known.only(free))
        if name == "rise":
            m.constrain(name, used.only(free) - before <= c.ramp_up.only(free) * c.step,
                        "no faster rise")  # fmt: skip
        else:
            m.constrain(name, before - output.only(free) <= c.ramp_down.only(free) * c.step,
                        "no faster fall")  # fmt: skip
    holding = c.axis.only(c.flags("reserve") & ~need.on, "reserving_always")
    if len(holding):
        m.constrain("headroom", used.only(holding) <= c.usable.only(holding),
                    "reserve above output")  # fmt: skip
