"""A store of energy: level, charge, discharge, standing loss.

``E_t = E_{t−1}(1 − s Δt) − l_t Δt + η_c c_t Δt − d_t Δt / η_d`` with ``E`` in kWh; ``c``, ``d`` and
the loss ``l`` that does not depend on the level, in kW.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Flags, Floats
from citygrid.components.common.exclusion import formulate_exclusion, replay_exclusion
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Efficiency,
    HoldingCost,
    HourlyShare,
    Money,
    Node,
    Power,
    Share,
    SharePerTime,
)
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Known, Opposition, Speaker
from citygrid.inputs.world import World


class Storage(Component):
    """Fields that every store has."""

    node: Node
    charge: Power = Field(description="largest charging power")
    discharge: Power = Field(description="largest discharging power")
    charge_efficiency: Efficiency = Field(1.0, description="energy stored per energy taken in")
    discharge_efficiency: Efficiency = Field(1.0, description="energy given per energy released")
    standing_loss: SharePerTime = Field(0.0, description="share of the level lost per hour")
    may_burn: bool = Field(
        False, description="whether it may charge and discharge at once, or fill another store"
    )
    cyclic: bool = Field(True, description="the last level equals the level before the first step")
    initial_level: Share = Field(0.0, description="level before the first step, if not cyclic")
    final_level: Share = Field(0.0, description="least level after the last step, if not cyclic")
    highest_level: HourlyShare = Field(
        1.0, description="largest level at the end of a step, as a share of the capacity"
    )
    holding_cost: HoldingCost = Field(0.0, description="cost of each kWh held for an hour")
    fixed_cost: Money = Field(
        0.0, ge=0, description="cost over the horizon, whatever the store does, such as its rent"
    )

    @model_validator(mode="after")
    def _ends(self) -> Storage:
        if self.cyclic and (self.initial_level > 0 or self.final_level > 0):
            raise ValueError(
                "a cyclic store begins and ends at a level that the plan chooses; write "
                "`cyclic: false` to give `initial_level` and `final_level`"
            )
        return self

    keeps_energy: ClassVar[bool] = True

    def loses(self) -> bool:
        return self.charge_efficiency * self.discharge_efficiency < 1.0

    def least_value(self, carrier: str, name: str, world: World) -> float:
        """What it gives it has taken, and others decide what that is worth.

        But energy that costs to hold, or for which there will be no room, may have to be given
        away, and what was there at the beginning may be too much.
        """
        if self.holding_cost > 0.0 or not isinstance(self.highest_level, float):
            return -np.inf
        return 0.0 if self.initial_level > 0.0 else np.inf

    def _ports(self, carrier: str) -> list[Port]:
        return [Port(carrier, "draw", self.node), Port(carrier, "feed", self.node)]


def check_store(
    specs: Mapping[str, Storage], world: World, losses: Sequence[float] | None = None
) -> None:
    """Refuse a loss that takes more in a step than is there, and levels that cannot be.

    ``losses`` [1/h], one per store, where they do not stand in the spec.
    """
    stated = [spec.standing_loss for spec in specs.values()] if losses is None else losses
    for (name, spec), loss in zip(specs.items(), stated, strict=True):
        if loss * world.horizon.step > 1.0:
            world.refuse(name, "standing_loss", "is more in a step than the store holds",
                         f"{loss:g} per h", "lower it or shorten the step")  # fmt: skip
        highest = world.hourly(spec.highest_level, "1", name, "highest_level")
        if (highest > 1.0).any():
            world.refuse(name, "highest_level", "is more than the whole store",
                         f"{highest.max():g}", "write shares of at most 100 %")  # fmt: skip
        if spec.final_level > highest[-1]:
            world.refuse(name, "final_level", "lies above `highest_level` in the last step",
                         f"{spec.final_level:g}", "lower it, or raise the other")  # fmt: skip


def formulate_storage(
    m: Speaker, c: Fleet, carrier: str, loss: Known | None = None, worthless: Flags | None = None
) -> Amount:
    """A store that takes and gives the carrier at its node; see :func:`formulate_level`.

    Where ``worthless`` is given, one store may not fill another in these steps either. Gives what
    is discharged [kW].
    """
    charge, discharge = formulate_level(m, c, loss, worthless)
    if worthless is None:
        m.draw(carrier, c.text("node"), charge)
        m.feed(carrier, c.text("node"), discharge)
        return discharge
    # Even a store without losses may empty itself into one that has some.
    lossy = _lossy(c.charge_efficiency.values, c.discharge_efficiency.values)
    hours, free = worthless & lossy.any(), c.flags("may_burn")
    m.draw(carrier, c.text("node"), charge, Opposition("stored", c.charge, hours, free))
    m.feed(carrier, c.text("node"), discharge, Opposition("stored", c.discharge, hours, free))
    return discharge


def formulate_level(
    m: Speaker, c: Fleet, loss: Known | None = None, worthless: Flags | None = None
) -> tuple[Amount, Amount]:
    """Level dynamics by the module's equation; gives charge and discharge [kW].

    ``loss`` [kW] (component × time) is what is lost whatever the level.

    A store that loses energy on the way through could burn it by charging and discharging at
    once, which pays when energy has a negative price; the binary ``charging`` forbids it for
    stores with an efficiency below one, and no other store gets a binary. ``worthless`` (component
    × time) says in which steps that could pay at all, by default in all.
    """
    floor = c.final_level.values * c.capacity.values
    least = np.zeros((len(c), len(m.time)))
    least[:, -1] = np.where(c.flags("cyclic"), 0.0, floor)
    least_level = c.known(least, c.axis, m.time, unit="kWh")
    most_level = c.capacity * c.highest_level
    level = m.variable("level", c.axis, m.time, lower=least_level, upper=most_level, unit="kWh",
                       about="energy in the store at the end of the step")  # fmt: skip
    charge = m.variable("charge", c.axis, m.time, upper=c.charge, about="power taken in")
    discharge = m.variable("discharge", c.axis, m.time, upper=c.discharge, about="power given out")
    before = level.previous(c.initial_level * c.capacity, c.flags("cyclic"))
    kept = before * (1.0 - c.standing_loss * c.step)
    if loss is not None:
        kept = kept - loss * c.step
    stored = charge * c.charge_efficiency * c.step
    released = discharge / c.discharge_efficiency * c.step
    m.constrain("level", level == kept + stored - released, "energy is kept, stored and released")
    guarded = np.broadcast_to(True if worthless is None else worthless, (len(c), len(m.time)))
    lossy = _lossy(c.charge_efficiency.values, c.discharge_efficiency.values)
    guarded = guarded & (lossy & ~c.flags("may_burn"))[:, None]
    formulate_exclusion(
        m, "charging", c.axis, guarded, rows=("charge_alone", "discharge_alone"),
        first=charge, second=discharge, first_max=c.charge, second_max=c.discharge,
        about="the store charges",
    )  # fmt: skip
    dear = c.axis.only(c.holding_cost.values > 0, "dear")
    if len(dear):
        m.cost("holding", level.only(dear) * c.holding_cost.only(dear) * c.step)
    rented = c.axis.only(c.fixed_cost.values > 0, "rented")
    if len(rented):
        m.cost("fixed", c.fixed_cost.only(rented))
    return charge, discharge


def _lossy(charge_efficiency: Floats, discharge_efficiency: Floats) -> Flags:
    return (charge_efficiency * discharge_efficiency).ravel() < 1.0


def replay_storage(
    c: Units, flows: Flows, log: Log, carrier: str, loss: Floats | float = 0.0,
    worthless: Flags | None = None,
) -> None:  # fmt: skip
    """What the store takes and gives at its node, and its level; see :func:`replay_level`."""
    charge, discharge = replay_level(c, flows, log, loss, worthless)
    log.draws(carrier, c.places("node"), charge)
    log.feeds(carrier, c.places("node"), discharge)
    hours = np.zeros(charge.shape, dtype=bool)
    if worthless is not None and _lossy(c["charge_efficiency"], c["discharge_efficiency"]).any():
        hours = worthless & ~c["may_burn"]
    net = np.where(c["may_burn"], 0.0, discharge - charge)
    log.opposes(carrier, "stored", c.places("node"), np.maximum(net, 0.0), True, hours)
    log.opposes(carrier, "stored", c.places("node"), np.maximum(-net, 0.0), False, hours)


def replay_level(
    c: Units, flows: Flows, log: Log, loss: Floats | float = 0.0, worthless: Flags | None = None
) -> tuple[Floats, Floats]:
    """March the level through the hours from charge and discharge, and check every limit.

    Gives charge and discharge [kW].
    """
    level = flows.read("level", "kWh")
    charge, discharge = flows["charge"], flows["discharge"]
    first = np.where(c["cyclic"], level[:, -1:], c["initial_level"] * c["capacity"])
    before = np.concatenate([first, level[:, :-1]], axis=1)
    change = charge * c["charge_efficiency"] - discharge / c["discharge_efficiency"]
    kept = before * (1.0 - c["standing_loss"] * c.step) - loss * c.step
    # The scale is what passes in a step: a small leak in a large, full store is still a leak.
    passing = np.maximum(np.maximum(charge, discharge) * c.step, np.abs(level - before))
    log.equal("level follows charge and discharge", level, kept + change * c.step, "kWh", passing)
    log.within("level within capacity", level, 0.0, c["capacity"] * c["highest_level"], "kWh")
    if (c["holding_cost"] > 0).any():
        log.pays("holding", level * c["holding_cost"] * c.step)
    if (c["fixed_cost"] > 0).any():
        log.pays("fixed", c["fixed_cost"])
    last = np.where(c["cyclic"], 0.0, c["final_level"] * c["capacity"])
    log.within("level at the end", level[:, -1:], last, np.inf, "kWh")
    log.within("charge within power", charge, 0.0, c["charge"])
    log.within("discharge within power", discharge, 0.0, c["discharge"])
    lossy = _lossy(c["charge_efficiency"], c["discharge_efficiency"])[:, None]
    burns = lossy & ~c["may_burn"]
    guarded = np.broadcast_to(burns if worthless is None else burns & worthless, charge.shape)
    replay_exclusion(
        flows, log, "charging", guarded, first=charge, second=discharge, first_max=c["charge"],
        second_max=c["discharge"],
        rules=("no charging and discharging at once", "charges only while charging",
               "discharges only while not charging"),
    )  # fmt: skip
    log.at_once(np.where(lossy & ~c["may_burn"], np.minimum(charge, discharge), 0.0))
    return charge, discharge


def carry_storage(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The level before ``step``, and as the least one at the end, where it has to come back to one.

    A cyclic store began with the level with which its horizon ends, so ``flows`` must reach there.
    The rent was paid at the beginning.
    """
    if step == 0 and not c["cyclic"].any():
        return {}
    capacity, cyclic = c["capacity"].ravel(), c["cyclic"].ravel()
    share = flows["level"] / np.where(capacity > 0.0, capacity, 1.0)[:, None]
    last = share[:, -1]
    before = share[:, step - 1] if step else np.where(cyclic, last, c["initial_level"].ravel())
    found = {
        "cyclic": Parameter((c.kind,), np.zeros(len(c), dtype=bool)),
        "initial_level": Parameter((c.kind,), np.clip(before, 0.0, 1.0)),
        "final_level": Parameter(
            (c.kind,), np.where(cyclic, np.clip(last, 0.0, 1.0), c["final_level"].ravel())
        ),
    }
    if step:
        found["fixed_cost"] = Parameter((c.kind,), np.zeros(len(c)), "EUR")
    return found


def open_storage(c: Units) -> dict[str, Parameter]:
    """No level is asked for at the end; a store that was a circle begins as it was told to."""
    return {
        "cyclic": Parameter((c.kind,), np.zeros(len(c), dtype=bool)),
        "final_level": Parameter((c.kind,), np.zeros(len(c))),
    }
