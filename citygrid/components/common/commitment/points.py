"""Cost and fuel that bend with the output: by the unit, squared, or straight between points.

What is convex and only has to be paid is kept from above by lines and needs no binary; what is not,
and every fuel curve that bends (fuel moves through a balance and must be exact), is cut into
segments of which one holds at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats
from citygrid.components.common.commitment.spread import over_all
from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Known, Speaker

#: Relative difference of slopes below which a curve goes straight on.
STRAIGHT = 1e-9


def _table(of: Callable[[str], NDArray[Any]], what: str, count: int) -> tuple[Floats, Floats]:
    """Outputs and rates of all points, (n, points)."""
    return (
        np.stack([np.ravel(of(f"{what}_output_{k}")) for k in range(count)], axis=1),
        np.stack([np.ravel(of(f"{what}_rate_{k}")) for k in range(count)], axis=1),
    )


def _slopes(outputs: Floats, rates: Floats) -> Floats:
    """Slope of every segment (n, points − 1); NaN where a short list repeats its last point."""
    width, rise = np.diff(outputs, axis=1), np.diff(rates, axis=1)
    return np.where(width > 0, rise / np.where(width > 0, width, 1.0), np.nan)


def convex(slopes: Floats) -> Flags:
    """Units (n) whose slopes never fall."""
    bend = np.diff(slopes, axis=1)
    small = STRAIGHT * np.abs(np.nan_to_num(slopes)).max(axis=1, keepdims=True, initial=0.0)
    return ~(np.nan_to_num(bend) < -small).any(axis=1)


def formulate_costs(m: Speaker, c: Fleet, output: Amount, gate: Amount | Known) -> None:
    """``variable · output`` and, for units that have one, the curve of their cost."""
    varying = (c.variable_cost.values.reshape(len(c.axis), -1) != 0).any(axis=1)
    units = c.axis.only(varying, "paying")
    if len(units):
        m.cost("output", output.only(units) * c.variable_cost.only(units) * c.step)
    count = int(c.cost_points.values.max(initial=0))
    pointed = c.cost_points.values > 0
    bent = pointed & False
    if count:
        outputs, rates = _table(lambda name: getattr(c, name).values, "cost", count)
        bent = pointed & ~convex(_slopes(outputs, rates))
    squared = c.quadratic_cost.values > 0
    above = c.axis.only((pointed & ~bent) | squared, "curved")
    if len(above):
        # Between points a cost may be negative, where running earns; a square never is.
        least = np.minimum(rates.min(axis=1), 0.0) * pointed if count else np.zeros(len(c.axis))
        # A limit above lets duals that are a little off still prove a bound.
        usable = c.usable.values.reshape(len(c.axis), -1).max(axis=1)
        most = c.quadratic_cost.values * np.maximum(c.full_output.values, usable) ** 2
        most = np.maximum(most, rates.max(axis=1) * pointed) if count else most
        low, high = (c.known(x[above.positions], above, unit="EUR/h") for x in (least, most))
        cost = m.variable("curve_cost", above, m.time, unit="EUR/h", lower=low, upper=high,
                          about="cost of the output by its curve")  # fmt: skip
        _squares(m, c, above, cost, output, gate, squared)
        if count:
            _lines(m, c, above, cost, output, gate, outputs, rates, pointed & ~bent)
        m.cost("curve", cost * c.step)
    if bent.any():
        rate = _segments(m, c, "cost", bent, outputs, rates, output, gate, "EUR/h")
        m.cost("segments", rate.only(c.axis.only(bent, "bent")) * c.step)


def _squares(
    m: Speaker, c: Fleet, above: Axis, cost: Amount, output: Amount, gate: Amount | Known,
    squared: Flags,
) -> None:  # fmt: skip
    units = above.only(squared[above.positions], "squared")
    if len(units):
        here = output.only(above).only(units)
        lowest = c.minimum_load.only(above).only(units)
        square = here.square(gate.only(above).only(units), least=lowest)
        weight = c.quadratic_cost.only(above).only(units)
        m.constrain("quadratic_cost", cost.only(units) >= square * weight, "tangents of the square")


def _lines(
    m: Speaker, c: Fleet, above: Axis, cost: Amount, output: Amount, gate: Amount | Known,
    outputs: Floats, rates: Floats, pointed: Flags,
) -> None:  # fmt: skip
    """One row per segment: a convex cost lies above all of its lines."""
    slopes = _slopes(outputs, rates)
    for k in range(slopes.shape[1]):
        has = pointed & np.isfinite(slopes[:, k])
        units = above.only(has[above.positions], f"line_{k + 1}")
        if len(units):
            rows = above.positions[units.positions]
            slope = c.known(slopes[rows, k], units, unit="EUR/kWh")
            start = c.known(rates[rows, k] - slopes[rows, k] * outputs[rows, k], units,
                            unit="EUR/h")  # fmt: skip
            line = output.only(above).only(units) * slope + gate.only(above).only(units) * start
            m.constrain(f"cost_line_{k + 1}", cost.only(units) >= line, "line between two points")


def formulate_fuel(
    m: Speaker, c: Fleet, output: Amount, gate: Amount | Known, efficiency: Known
) -> Amount:  # fmt: skip
    """Fuel [kW] over (component × time): by the constant efficiency, or by the load.

    A curve of one segment is ``slope · output + intercept · on``; one of more is cut.
    """
    count = int(c.part_load.values.max(initial=0))
    constant = output / efficiency
    if not count:
        return constant
    loaded = c.part_load.values > 0
    outputs, rates = _table(lambda name: getattr(c, name).values, "fuel", count)
    plain = c.known(np.where(loaded, 0.0, 1.0), c.axis, unit="1")
    return constant * plain + _segments(m, c, "fuel", loaded, outputs, rates, output, gate, "kW")


def _segments(
    m: Speaker, c: Fleet, what: str, cut: Flags, outputs: Floats, rates: Floats,
    output: Amount, gate: Amount | Known, unit: str,
) -> Amount:  # fmt: skip
    """The rate over all units: ``Σ_k slope_k p_k + intercept_k z_k`` with one ``z_k`` at a time.

    ``p_k`` is the output in segment ``k``, between its ends while ``z_k`` is 1: the formulation
    whose relaxation is the convex hull. Units of one straight line need neither.
    """
    slopes = _slopes(outputs, rates)
    segments = np.isfinite(slopes).sum(axis=1)
    straight = cut & (segments == 1)
    per_output = "EUR/kWh" if unit == "EUR/h" else "1"
    first = c.known(np.where(straight, np.nan_to_num(slopes[:, 0]), 0.0), c.axis, unit=per_output)
    offset = np.where(straight, rates[:, 0] - np.nan_to_num(slopes[:, 0]) * outputs[:, 0], 0.0)
    rate = output * first + gate * c.known(offset, c.axis, unit=unit)
    bent = cut & (segments > 1)
    units = c.axis.only(bent, f"{what}_cut")
    if not len(units):
        return rate
    chosen: Amount | None = None
    parts: Amount | None = None
    for k in range(slopes.shape[1]):
        here = units.only((segments > k)[units.positions], f"{what}_{k + 1}")
        rows = units.positions[here.positions]
        inside = m.binary(f"{what}_segment_{k + 1}", here, m.time,
                          about="the output lies in this segment")  # fmt: skip
        high = c.known(outputs[rows, k + 1], here)
        part = m.variable(f"{what}_segment_{k + 1}_output", here, m.time, upper=high,
                          about="output if in this segment")  # fmt: skip
        low = c.known(outputs[rows, k], here)
        m.constrain(f"{what}_segment_{k + 1}_high", part <= high * inside, "below its upper end")
        m.constrain(f"{what}_segment_{k + 1}_low", part >= low * inside, "above its lower end")
        slope = c.known(slopes[rows, k], here, unit=per_output)
        start = c.known(rates[rows, k] - slopes[rows, k] * outputs[rows, k], here, unit=unit)
        rate = rate + over_all(part * slope + inside * start, (units, here), m.time)
        ones, those = (over_all(each, (here,), m.time) for each in (inside, part))
        chosen = ones if chosen is None else chosen + ones
        parts = those if parts is None else parts + those
    assert chosen is not None and parts is not None
    m.constrain(f"{what}_one_segment", chosen == gate.only(units), "one segment while on")
    m.constrain(f"{what}_segment_sum", parts == output.only(units), "the output is in its segment")
    return rate


# the same as physics ------------------------------------------------------------------------------


def replay_fuel(
    c: Units, flows: Flows, log: Log, output: Floats, on: Floats, efficiency: Floats
) -> Floats:  # fmt: skip
    """Fuel that the output takes [kW], read off the curve; segments must be what they say."""
    fuel = output / efficiency
    loaded = c["part_load"] > 0
    if loaded.any():
        read = _read_off(c, "fuel", flows, log, output, on)
        fuel = np.where(loaded, read, fuel)
    return fuel


def replay_costs(c: Units, flows: Flows, log: Log, output: Floats, on: Floats) -> None:
    """Pay for the output by the unit, by the square, and by the points."""
    if (c["variable_cost"] != 0).any():
        log.pays("output", output * c["variable_cost"] * c.step)
    pointed = c["cost_points"] > 0
    rate = c["quadratic_cost"] * output**2
    bent = np.zeros_like(pointed)
    if pointed.any():
        read = _read_off(c, "cost", flows, log, output, on)
        rate = np.where(pointed, read, rate)
        outputs, rates = _table(lambda name: c[name], "cost", int(c["cost_points"].max()))
        bent = pointed & ~convex(_slopes(outputs, rates))[:, None]
    curved = ((c["quadratic_cost"] > 0) | pointed) & ~bent
    log.equal("cost follows its curve", flows.spread("curve_cost", 0.0, output.shape, "EUR/h"),
              np.where(curved, rate, 0.0), "EUR/h")  # fmt: skip
    if curved.any():
        log.pays("curve", np.where(curved, rate, 0.0) * c.step)
    if bent.any():
        log.pays("segments", np.where(bent, rate, 0.0) * c.step)


def _read_off(c: Units, what: str, flows: Flows, log: Log, output: Floats, on: Floats) -> Floats:
    """The curve at the output while on (n, T); what the plan says of segments is checked."""
    count_name = "part_load" if what == "fuel" else "cost_points"
    count = int(c[count_name].max())
    outputs, rates = _table(lambda name: c[name], what, count)
    read = np.zeros_like(output)
    total, chosen = np.zeros_like(output), np.zeros_like(output)
    for i in np.flatnonzero(c[count_name].ravel() > 0):
        read[i] = np.interp(output[i], outputs[i], rates[i]) * on[i]
    for k in range(count - 1):
        inside = flows.spread(f"{what}_segment_{k + 1}", 0.0, output.shape, "1")
        part = flows.spread(f"{what}_segment_{k + 1}_output", 0.0, output.shape)
        log.whole(f"{what} segment is 0 or 1", inside)
        log.within(f"output within its {what} segment", part, outputs[:, k : k + 1] * inside,
                   outputs[:, k + 1 : k + 2] * inside)  # fmt: skip
        total, chosen = total + part, chosen + inside
    stated = chosen > 0.5
    log.equal(f"output is that of its {what} segment", np.where(stated, total, 0.0),
              np.where(stated, output, 0.0))  # fmt: skip
    log.within(f"one {what} segment at a time", chosen, high=on, unit="1")
    return read
