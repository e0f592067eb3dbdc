"""Micro data centre: computes, draws power, and gives its heat to pumps or chillers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Flags, Floats
from citygrid.components.common.cooling_loop import (
    check_loop,
    formulate_cooling_loop,
    loop_ports,
    replay_cooling_loop,
)
from citygrid.components.common.demand import shed_price
from citygrid.components.common.energy_limits import (
    carry_energy_limits,
    formulate_energy_limits,
    open_energy_limits,
    replay_energy_limits,
)
from citygrid.components.common.loop_modes import (
    LoopMode,
    check_modes,
    formulate_loop_modes,
    mode_ports,
    mode_tables,
    replay_loop_modes,
)
from citygrid.components.common.withdrawal import while_out
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    HourlyNumber,
    HourlyPower,
    Node,
    Number,
    Power,
    Priority,
    Ratio,
    Share,
    ShortfallPrice,
    Temperature,
)
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Known, Speaker
from citygrid.inputs.world import World


class Cooling(NamedTuple):
    """What a way of cooling servers gives back: recoverable share of IT power, loop [degC]."""

    recoverable: float
    supply: float
    back: float


#: Typical loops. Temperatures follow the review of Ebrahimi et al., Renew. Sustain. Energy Rev. 31
#: (2014) 622–638: 35–45 °C behind air-cooled servers, 50–60 °C from cold plates. Shares are
#: assumed; Aquasar gave back 80 % by water of 60 °C (Zimmermann et al., Energy 43 (2012) 237–245).
COOLING = {
    "air": Cooling(0.70, 35.0, 25.0),
    "liquid": Cooling(0.85, 55.0, 45.0),
    "immersion": Cooling(0.92, 50.0, 40.0),
}


class Servers(BaseModel):
    """Servers one by one: ``IT power = count · idle + (full − idle) · busy`` [kW].

    ``busy`` is in server-equivalents, at most ``count``. Fan, Weber and Barroso, ISCA 2007: power
    follows utilisation nearly in a line. Idle power is half of full power in old servers, a fifth
    to a third in new ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    count: Number = Field(gt=0, description="how many servers run")
    idle: Power = Field(description="power of one without work")
    full: Power = Field(description="power of one at full work")
    busy: HourlyNumber = Field(0.0, description="servers' worth of interactive work, per step")

    @model_validator(mode="after")
    def _work_takes_power(self) -> Servers:
        if self.full <= self.idle:
            raise ValueError(
                f"a server of {self.idle:g} kW idle takes no more than {self.full:g} kW at full "
                "work; correct `idle` and `full`"
            )
        return self


class DataCenter(Component):
    """Micro data centre of a node.

    IT power is ``idle + load + compute`` [kW], where ``compute`` is what job pools draw here
    (carrier ``compute`` at the centre itself). The centre draws ``(1 + loss_share) · IT +
    loss_fixed · capacity`` from the node; all of it leaves as heat, of which at most
    ``recoverable · IT`` can be recovered.

    With ``modes`` the loop's temperature is chosen in every step: the usual one, or one mode. A
    mode adds ``fans · IT`` to the power, gives its waste heat at a place of its own (``centre:
    mode``), where heat pumps draw it with that mode's COP, and may reject at another node, where
    coolers for warmer water stand.

    ``energy_reuse_min`` and ``pue_max`` hold over the horizon: recovered heat ≥ min · E, and
    E ≤ max · E_IT, where E is the centre's own energy and ``cooling_power`` per heat rejected.

    Where interactive work has an ``unserved_price``, a share of the servers may be ``dark``: idle
    power, load, room for jobs and standing losses are less by that share, and the work is not done.
    A centre with modes is dark as a whole, or not at all.
    """

    group = "compute"
    node: Node
    capacity: Power | None = Field(None, description="largest IT power, unless `servers` say it")
    cooling: Literal["air", "liquid", "immersion"] = Field(
        description="how servers are cooled; decides temperatures and the recoverable share"
    )
    idle: Power = Field(0.0, description="IT power without any work")
    load: HourlyPower = Field(0.0, description="IT power of interactive work, per step")
    servers: Servers | None = Field(
        None, description="servers one by one, instead of `capacity`, `idle` and `load`"
    )
    loss_share: Share = Field(0.03, description="losses of supply and distribution per IT power")
    loss_fixed: Share = Field(0.02, description="standing losses, as a share of capacity")
    recoverable: Share | None = Field(None, description="of IT power; by cooling if left out")
    loop_supply: Temperature | None = Field(None, description="warm side; by cooling if left out")
    loop_return: Temperature | None = Field(None, description="cool side; by cooling if left out")
    modes: tuple[LoopMode, ...] = Field((), description="other temperatures of the loop")
    energy_reuse_min: Share = Field(0.0, description="least energy reuse factor over the horizon")
    pue_max: Ratio | None = Field(None, description="largest PUE over the horizon")
    priority: Priority = Field(
        "critical", description="of the interactive work, when there is not enough for all"
    )
    unserved_price: ShortfallPrice | None = Field(
        None, description="what a kWh of interactive work and idle power costs when servers are "
        "switched off; without it, all stay on"
    )  # fmt: skip
    cooling_power: Share = Field(
        0.0, description="power per heat rejected that counts for the two; coolers are components"
    )

    @model_validator(mode="after")
    def _consistent(self) -> DataCenter:
        check_loop(*self.loop())
        if (self.capacity is None) == (self.servers is None):
            raise ValueError(
                "needs its `capacity` or its `servers`, one of the two; name the largest IT power"
            )
        if self.servers is not None and {"idle", "load"} & self.model_fields_set:
            raise ValueError("`servers` say idle power and load; leave `idle` and `load` out")
        check_modes(self.modes)
        most = max([self.most_recoverable(), *(m.recoverable or 0.0 for m in self.modes)])
        # Recovered heat is at most its share of IT power, which is less than the whole.
        if self.energy_reuse_min > most / (1.0 + self.loss_share):
            raise ValueError(
                f"an energy reuse of {self.energy_reuse_min:g} cannot be reached with {most:g} of "
                "IT power recoverable; lower `energy_reuse_min`"
            )
        if self.pue_max is not None and self.pue_max < 1.0 + self.loss_share:
            raise ValueError(
                f"a PUE of {self.pue_max:g} cannot be reached with losses of {self.loss_share:g}; "
                "raise `pue_max`"
            )
        return self

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """A centre that is lost is dark: its interactive work is not done, it draws no power."""
        return while_out(units, out, {"lit": 0.0})

    @classmethod
    def soften(cls, units: Units, prices: Mapping[str, float]) -> dict[str, Parameter]:
        """Servers may be switched off, and no yearly figure of energy is asked for."""
        every = len(units)
        return {
            "unserved_price": shed_price(units, "unserved_price", prices),
            "energy_reuse_min": Parameter((units.kind,), np.zeros(every)),
            "pue_max": Parameter((units.kind,), np.full(every, np.inf)),
        }

    def loop(self) -> tuple[float, float]:
        """Supply and return temperature of the heat loop [degC]."""
        usual = COOLING[self.cooling]
        supply = usual.supply if self.loop_supply is None else self.loop_supply
        return supply, usual.back if self.loop_return is None else self.loop_return

    def most_recoverable(self) -> float:
        """Share of IT power that the usual loop can give."""
        usual = COOLING[self.cooling].recoverable
        return usual if self.recoverable is None else self.recoverable

    def ports(self, name: str) -> list[Port]:
        return [
            Port("power", "draw", self.node),
            Port("compute", "feed", name),
            *loop_ports(name, self.node, self.loop()),
            *mode_ports(name, self.node, self.modes),
        ]


def prepare(specs: Mapping[str, DataCenter], world: World) -> dict[str, Parameter]:
    """Capacity, idle power and load, by servers where they are given; tables of loop modes."""
    kind = "data_center"
    capacity, idle, loads = [], [], []
    for name, spec in specs.items():
        if spec.servers is None:
            capacity.append(spec.capacity or 0.0)
            idle.append(spec.idle)
            loads.append(world.hourly(spec.load, "kW", name, "load"))
            field, reason = "load", "idle and interactive load exceed the capacity"
        else:
            count, each = spec.servers.count, spec.servers.full - spec.servers.idle
            capacity.append(count * spec.servers.full)
            idle.append(count * spec.servers.idle)
            loads.append(each * world.hourly(spec.servers.busy, "1", name, "servers_busy"))
            field, reason = "servers", "more servers are busy than there are"
        if (loads[-1] + idle[-1] > capacity[-1] * (1.0 + 1e-12)).any():
            world.refuse(name, field, reason,
                         f"{loads[-1].max() + idle[-1]:.1f} kW of {capacity[-1]:.1f} kW",
                         "raise the capacity or lower the load")  # fmt: skip
    shares = [spec.most_recoverable() for spec in specs.values()]
    parameters = {
        "capacity": Parameter((kind,), np.array(capacity, dtype=float), "kW"),
        "idle": Parameter((kind,), np.array(idle), "kW"),
        "load": Parameter((kind, "time"), np.array(loads), "kW"),
        "lit": Parameter((kind,), np.ones(len(specs))),
        "recoverable": Parameter((kind,), np.array(shares)),
        "moded": Parameter((kind,), np.array([bool(spec.modes) for spec in specs.values()])),
        "reuse_before": Parameter((kind,), np.zeros(len(specs)), "kWh"),
        "pue_before": Parameter((kind,), np.zeros(len(specs)), "kWh"),
    }
    return parameters | mode_tables(kind, specs, shares)


def formulate(m: Speaker, c: Fleet) -> None:
    """Work within capacity; power in, heat out, by the loop's mode where there are several."""
    room = c.capacity - c.idle - c.load
    compute = m.variable("compute", c.axis, m.time, upper=room * c.lit, about="IT power of jobs")
    m.feed("compute", list(c.axis.labels), compute)
    plain = c.axis.only(~c.flags("moded"), "plain")
    moded = c.axis.only(c.flags("moded"), "moded")
    lit = _lit(m, c, compute, room)
    if len(plain):
        it_power = (compute + lit * (c.idle + c.load)).only(plain)
        standing = (lit * (c.loss_fixed * c.capacity)).only(plain)
        power = it_power * (1.0 + c.loss_share.only(plain)) + standing
        m.draw("power", c.text("node", plain), power)
        loop = formulate_cooling_loop(m, plain, power, it_power * c.recoverable.only(plain),
                                      list(plain.labels), c.text("node", plain))  # fmt: skip
        formulate_energy_limits(m, c, plain, it_power, power, loop)
    if len(moded):
        formulate_loop_modes(m, c, "data_center", moded, compute.only(moded), room,
                             lit.only(moded))  # fmt: skip


def _lit(m: Speaker, c: Fleet, compute: Amount, room: Known) -> Amount | Known:
    """The share of the servers that is on, over (centre × time): 1 where none may be dark."""
    lit: Amount | Known = c.lit
    sheddable, moded = np.isfinite(c.unserved_price.values), c.flags("moded")
    served = c.idle + c.load
    for name, chosen in (("dark", sheddable & ~moded), ("shut", sheddable & moded)):
        units = c.axis.only(chosen, name)
        if not len(units):
            continue
        if name == "dark":
            dark = m.variable(name, units, m.time, upper=c.lit.only(units), unit="1",
                              about="share of the servers that is switched off")  # fmt: skip
        else:
            dark = m.binary(name, units, m.time, upper=c.lit.only(units),
                            about="the whole centre is switched off")  # fmt: skip
        m.constrain(f"{name}_room", compute.only(units) <= (c.lit.only(units) - dark)
                    * room.only(units), "jobs run on servers that are on")  # fmt: skip
        lost = (dark + (1.0 - c.lit.only(units))) * served.only(units)
        m.cost("unserved" if name == "dark" else "unserved_whole",
               lost * c.unserved_price.only(units) * c.step)  # fmt: skip
        cells = np.arange(len(units) * len(m.time))
        rows = units.positions[cells // len(m.time)] * len(m.time) + cells % len(m.time)
        lit = lit - dark.mapped((c.axis, m.time), rows, cells, np.ones(len(cells)))
    return lit


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Add up the IT power; what goes in as power comes out as heat."""
    compute = flows["compute"]
    moded = c["moded"].ravel()
    names = np.array(c.names, dtype=object)
    lit = _replay_lit(c, flows, log, compute)
    it_power = (c["idle"] + c["load"]) * lit + compute
    log.within("IT power within capacity", it_power, 0.0, c["capacity"])
    log.feeds("compute", c.names, compute)
    power = it_power + c["loss_share"] * it_power + c["loss_fixed"] * c["capacity"] * lit
    recovered = flows.spread("recovered", 0.0, compute.shape)
    rejected = flows.spread("rejected", 0.0, compute.shape)
    if not moded.all():
        usual = ~moded
        replay_cooling_loop(
            log, recovered[usual], rejected[usual], power[usual],
            (c["recoverable"] * it_power)[usual], names[usual], c.places("node")[usual],
            names[usual], names[usual],
        )  # fmt: skip
    if moded.any():
        further = replay_loop_modes(c, flows, log, it_power, compute, power, lit)
        for total, part in zip((recovered, rejected, power), further, strict=True):
            np.add.at(total, c["mode_center"], part)
    log.draws("power", c.places("node"), power)
    log.measure("it_power", it_power)
    log.measure("center_power", power)
    replay_energy_limits(c, log, it_power, power, recovered, rejected)


def _lit_share(c: Units, flows: Flows, shape: tuple[int, ...]) -> Floats:
    """The share of the servers that is on (n, T)."""
    dark, shut = (flows.spread(name, 0.0, shape, "1") for name in ("dark", "shut"))
    return np.asarray(np.broadcast_to(c["lit"], shape) - dark - shut)


def _replay_lit(c: Units, flows: Flows, log: Log, compute: Floats) -> Floats:
    """What share of the servers is on (n, T); whose work is not done has its price and is told."""
    price, shape = c["unserved_price"], compute.shape
    moded, priced = c["moded"], np.isfinite(price)
    dark, shut = (flows.spread(name, 0.0, shape, "1") for name in ("dark", "shut"))
    most = np.broadcast_to(c["lit"], shape)
    log.within("servers are switched off where that has a price", dark, 0.0,
               np.where(priced & ~moded, most, 0.0), "1")  # fmt: skip
    log.within("a centre is switched off where that has a price", shut, 0.0,
               np.where(priced & moded, most, 0.0), "1")  # fmt: skip
    lit = _lit_share(c, flows, shape)
    room = (c["capacity"] - c["idle"] - c["load"]) * lit
    log.within("jobs run on servers that are on", compute, high=np.where(lit < 1.0, room, np.inf))
    lost = (1.0 - lit) * (c["idle"] + c["load"]) * np.where(priced, price, 0.0) * c.step
    for item, own in (("unserved", ~moded), ("unserved_whole", moded)):
        if (priced & own).any():
            log.pays(item, np.where(own, lost, 0.0))
    log.sheds("compute", c.places("priority"), (1.0 - lit) * c["load"])
    return lit


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """What of energy reuse and PUE is done; modes of the loop change freely from step to step."""
    if step == 0:
        return {}
    lit = _lit_share(c, flows, flows["compute"].shape)
    it_power = (c["idle"] + c["load"]) * lit + flows["compute"]
    power = it_power * (1.0 + c["loss_share"]) + c["loss_fixed"] * c["capacity"] * lit
    recovered = flows.spread("recovered", 0.0, it_power.shape)
    rejected = flows.spread("rejected", 0.0, it_power.shape)
    if c["moded"].any():
        center = c["mode_center"]
        fans = np.where(flows["mode"] > 0.5, it_power[center], 0.0) * c["mode_fans"][:, None]
        np.add.at(power, center, fans)
        np.add.at(recovered, center, flows["mode_recovered"])
        np.add.at(rejected, center, flows["mode_rejected"])
    return carry_energy_limits(c, step, it_power, power, recovered, rejected)


def open_end(c: Units, steps: int) -> dict[str, Parameter]:
    """Energy reuse and PUE hold over the horizon, not over a part of it."""
    return open_energy_limits(c)
