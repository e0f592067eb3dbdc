"""The water of a pipe as a store: sent hotter than the curve asks, it holds heat until it is used.

``E_t = E_{t−1} e^{−sΔt} + (charge_t − discharge_t) Δt`` [kWh] with ``E ≤ ρ c A L ΔT`` for a swing
of ``ΔT`` kelvin above the curve, and ``s = U1 / (ρ c A)`` because the supply pipe loses more the
hotter it is. Heat goes in and out with the water that flows, at most ``ΔT / (T_s − T_r)`` of what
is sent, and only what was there before the step comes out: hot water does not overtake the rest.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT
from citygrid.components.contract import Flows, Parameter, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Speaker


def water_content(inner: Floats, length: Floats) -> Floats:
    """Heat that a pipe's water holds per kelvin [kWh/K], of bore and length [m]."""
    return WATER_DENSITY * WATER_HEAT * np.pi / 4.0 * inner**2 * length / 3600.0


def formulate_water(m: Speaker, c: Fleet, carrier: str, sent: Amount) -> None:
    """Level, charge at the sending end and discharge at the receiving end, for ``swing`` above 0.

    The horizon is a ``circle``, or begins with ``water_before`` [kWh]. Uses the parameters
    ``water`` [kWh], ``water_kept`` (share of the level that a step leaves) and
    ``swing_share`` (component × time). Charging and discharging at once cancel, so nothing has to
    forbid them.
    """
    pipes = c.axis.only(c.water.values > 0, "holding")
    if not len(pipes):
        return
    water, share, flow = c.water.only(pipes), c.swing_share.only(pipes), sent.only(pipes)
    level = m.variable("level", pipes, m.time, upper=water, unit="kWh",
                       about="heat in the pipe's water above the curve")  # fmt: skip
    charge = m.variable("charge", pipes, m.time, about="sent in addition, with hotter water")
    discharge = m.variable("discharge", pipes, m.time, about="taken out with cooling water")
    circle = c.flags("circle")[pipes.positions]
    kept = level.previous(c.water_before.only(pipes), circle) * c.water_kept.only(pipes)
    changed = kept + charge * c.step - discharge * c.step
    m.constrain("level", level == changed, "heat is kept, sent in addition and taken out")
    m.constrain("discharge_of_kept", discharge * c.step <= kept, "only what was there comes out")
    m.constrain("charge_with_flow", charge <= flow * share, "goes in with what flows")
    m.constrain("discharge_with_flow", discharge <= flow * share, "goes out with what flows")
    m.draw(carrier, c.text("from_", pipes), charge)
    m.feed(carrier, c.text("to", pipes), discharge)


def replay_water(c: Units, flows: Flows, log: Log, carrier: str, sent: Floats) -> None:
    """March the water's heat through the hours; nothing goes in or out of still water."""
    holding = np.flatnonzero(c["water"].ravel() > 0)
    if not len(holding):
        return
    names = np.array(c.names, dtype=object)[holding]
    everywhere = flows.spread("level", 0.0, sent.shape, "kWh")
    level = everywhere[holding]
    charge, discharge = (
        flows.spread(name, 0.0, sent.shape)[holding] for name in ("charge", "discharge")
    )
    first = np.where(c["circle"], everywhere[:, -1:], c["water_before"])[holding]
    before = np.concatenate([first, level[:, :-1]], axis=1)
    kept = before * c["water_kept"][holding]
    change = (charge - discharge) * c.step
    passing = np.maximum(np.maximum(charge, discharge) * c.step, np.abs(level - before))
    log.equal("the water's heat follows charge and discharge", level, kept + change, "kWh",
              passing, labels=names)  # fmt: skip
    log.within("the water's heat within the swing", level, 0.0, c["water"][holding], "kWh",
               labels=names)  # fmt: skip
    with_flow = sent[holding] * c["swing_share"][holding]
    log.within("only heat that was in the water comes out", discharge * c.step, 0.0, kept, "kWh",
               labels=names)  # fmt: skip
    log.within("heat goes into flowing water", charge, 0.0, with_flow, labels=names)
    log.within("heat comes out of flowing water", discharge, 0.0, with_flow, labels=names)
    log.draws(carrier, c.places("from_")[holding], charge, names)
    log.feeds(carrier, c.places("to")[holding], discharge, names)
    log.measure(f"{carrier}_line_loss", before - kept)


def carry_water(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """What the water of every pipe holds before ``step``; a circle begins as it ends."""
    level = flows.spread("level", 0.0, flows["flow"].shape)
    before = level[:, step - 1] if step else np.where(
        c["circle"].ravel(), level[:, -1], c["water_before"].ravel()
    )  # fmt: skip
    return {"water_before": Parameter((c.kind,), before, "kWh")}
