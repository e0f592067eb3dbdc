"""Energy reuse and power usage of a computing centre, as limits over the horizon.

``E_reuse ≥ energy_reuse_min · E`` and ``E ≤ pue_max · E_IT`` (ISO/IEC 30134-6 and -2), linear in
the plan. What the past left of either, ``reuse_before`` and ``pue_before`` [kWh], counts. ``E`` is
what the centre draws itself and ``cooling_power`` per heat rejected: coolers are components of
their own, and which of them serves whom a balance does not say.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.common.cooling_loop import Loop
from citygrid.components.contract import Parameter, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Speaker


def formulate_energy_limits(
    m: Speaker, c: Fleet, units: Axis, it_power: Amount, power: Amount, loop: Loop, prefix: str = ""
) -> None:
    """Limit energy reuse and PUE of ``units`` over the horizon, where they are limited.

    Amounts are over (unit × time) [kW]; ``prefix`` goes before the names of the blocks.
    """
    spent = power + loop.rejected * c.cooling_power.only(units)
    least = c.energy_reuse_min.only(units)
    reusing = units.only(least.values > 0.0, "reusing")
    if len(reusing):
        short = loop.recovered.only(reusing) - spent.only(reusing) * least.only(reusing)
        before = c.reuse_before.only(units).only(reusing)
        m.constrain(f"{prefix}energy_reuse", (short * m.step).sum("time") + before >= 0,
                    "heat handed over is its share of the energy")  # fmt: skip
    most = c.pue_max.only(units)
    thrifty = units.only(np.isfinite(most.values), "thrifty")
    if len(thrifty):
        over = spent.only(thrifty) - it_power.only(thrifty) * most.only(thrifty)
        before = c.pue_before.only(units).only(thrifty)
        m.constrain(f"{prefix}pue", (over * m.step).sum("time") + before <= 0,
                    "energy is at most its multiple of that of IT")  # fmt: skip


def replay_energy_limits(
    c: Units, log: Log, it_power: Floats, power: Floats, recovered: Floats, rejected: Floats
) -> None:
    """Energy reuse and PUE of every centre over the horizon."""
    spent = ((power + c["cooling_power"] * rejected).sum(axis=1) * c.step)[:, None]
    reused = recovered.sum(axis=1)[:, None] * c.step
    computed = it_power.sum(axis=1)[:, None] * c.step
    least = c["energy_reuse_min"] * spent - c["reuse_before"]
    log.within("energy reuse is enough", reused, least, unit="kWh")
    limited = np.isfinite(c["pue_max"])
    log.within("PUE is low enough", np.where(limited, spent, 0.0),
               high=np.where(limited, c["pue_max"], 0.0) * computed - c["pue_before"],
               unit="kWh")  # fmt: skip


def carry_energy_limits(
    c: Units, step: int, it_power: Floats, power: Floats, recovered: Floats, rejected: Floats
) -> dict[str, Parameter]:
    """How far ahead of its energy reuse, and how far above its PUE, every centre is [kWh]."""

    def until(flow: Floats) -> Floats:
        return np.asarray(flow[:, :step].sum(axis=1) * c.step)

    spent = until(power + c["cooling_power"] * rejected)
    most = c["pue_max"].ravel()
    limited = np.where(np.isfinite(most), most, 0.0)
    ahead = until(recovered) - c["energy_reuse_min"].ravel() * spent
    over = np.where(np.isfinite(most), spent - limited * until(it_power), 0.0)
    return {
        "reuse_before": Parameter((c.kind,), c["reuse_before"].ravel() + ahead, "kWh"),
        "pue_before": Parameter((c.kind,), c["pue_before"].ravel() + over, "kWh"),
    }


def open_energy_limits(c: Units) -> dict[str, Parameter]:
    """Neither is asked for before the horizon ends."""
    return {
        "energy_reuse_min": Parameter((c.kind,), np.zeros(len(c))),
        "pue_max": Parameter((c.kind,), np.full(len(c), np.inf)),
    }
