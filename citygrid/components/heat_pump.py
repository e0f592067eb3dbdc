"""Heat pump: lifts heat from a computing centre's loop, the air or the ground into the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Floats, stamped
from citygrid.components.common.carnot import carnot_limit, log_mean
from citygrid.components.common.commitment import (
    Committed,
    carry_commitment,
    formulate_commitment,
    prepare_commitment,
    replay_commitment,
)
from citygrid.components.common.performance import coefficient_of_performance, share_of_carnot
from citygrid.components.common.quiet import Noisy, quiet_limit, replay_quiet
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import (
    Efficiency,
    Node,
    Power,
    Ratio,
    Source,
    Temperature,
    TemperatureDifference,
)
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Opposition, Speaker
from citygrid.inputs.world import World

#: Ambient source → how far it is cooled in the evaporator [K]. Ground: brine from 0 to −3 °C is the
#: rating condition of EN 14511-2; air: a usual design value, assumed.
AMBIENT = {"air": 5.0, "ground": 3.0}
LEAST_COP = 1.0


class Rating(BaseModel):
    """One point of a data sheet, such as A7/W35: COP between source and sink temperature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cop: Ratio = Field(gt=1)
    source: Temperature
    sink: Temperature

    @model_validator(mode="after")
    def _second_law(self) -> Rating:
        limit = float(carnot_limit(self.sink, self.source))
        if not self.cop < limit < np.inf:
            raise ValueError(
                f"a COP of {self.cop:g} from {self.source:g} to {self.sink:g} degC is not below "
                f"Carnot's {limit:.2f}; check the temperatures of the data sheet"
            )
        return self

    @property
    def share(self) -> float:
        """The share of Carnot's COP that the machine reached."""
        return self.cop / float(carnot_limit(self.sink, self.source))


class HeatPump(Committed, Noisy):
    """Heat pump from a source to a node of the heat network.

    ``power = heat / COP`` and ``source heat = heat − power`` [kW]. The hourly COP follows Jensen et
    al. (2018) from the temperatures of loop and network; or, with ``carnot_share`` or a ``rating``,
    it is that share of Carnot's between the network's supply and the source as it comes, less
    icing; or it is a fixed ``cop``. None may exceed what the second law allows in an hour.

    Where a centre's loop knows several temperatures, ``heat`` is the sum of what is made from each,
    with its own COP; the centre gives heat at one of them at a time.
    """

    group = "heat"
    source: Source
    sink: Node = Field(description="node that receives the heat and gives the power")
    heat: Power = Field(description="largest heat output")
    refrigerant: Literal["ammonia", "isobutane"] = Field(
        "ammonia", description="decides the COP's correlation"
    )
    isentropic_efficiency: Efficiency = Field(0.8, description="of the compressor")
    pinch: TemperatureDifference = Field(5.0, description="in both heat exchangers")
    source_glide: TemperatureDifference | None = Field(
        None, description="cooling of air (5 K if left out) or ground (3 K); a loop has its own"
    )
    cop: Ratio | None = Field(None, gt=1, description="fixed coefficient of performance")
    carnot_share: Efficiency | None = Field(
        None, description="share η of Carnot's COP: air about 0.4, water and ground 0.5 to 0.55"
    )
    rating: Rating | None = Field(
        None, description="a point of the data sheet, instead of `carnot_share`"
    )
    icing_factor: Efficiency = Field(
        1.0, description="factor on the COP while an air source ices, such as 0.8"
    )
    icing_below: Temperature = Field(2.0, description="outdoor air below which it ices")

    @model_validator(mode="after")
    def _loops_have_their_glide(self) -> HeatPump:
        if self.source_glide is not None and self.source not in AMBIENT:
            raise ValueError(
                f'the loop of "{self.source}" has its own supply and return temperature; leave '
                "`source_glide` out"
            )
        return self

    @model_validator(mode="after")
    def _one_performance(self) -> HeatPump:
        given = [n for n in ("cop", "carnot_share", "rating") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(f'`{name}`' for name in given)} say the COP twice; keep one"
            )
        if self.icing_factor < 1.0 and self.source != "air":
            raise ValueError(
                f'a source called "{self.source}" does not ice; leave `icing_factor` out'
            )
        return self

    @property
    def share(self) -> float | None:
        """The share of Carnot's COP, where the pump is described so."""
        return self.carnot_share if self.rating is None else self.rating.share

    def ports(self, name: str) -> list[Port]:
        ports = [Port("power", "draw", self.sink), Port("heat", "feed", self.sink)]
        if self.source not in AMBIENT:
            ports.append(Port("waste_heat", "draw", self.source))
        return ports


def prepare(specs: Mapping[str, HeatPump], world: World) -> dict[str, Parameter]:
    """Hourly COP, the glide of the source, and whether the source is a centre."""
    hours = len(world.horizon.time)
    performance = np.empty((len(specs), hours))
    glide = np.empty(len(specs))
    several: list[tuple[int, str, str, Floats]] = []
    for i, (name, pump) in enumerate(specs.items()):
        glide[i] = AMBIENT.get(pump.source, 0.0) if pump.source_glide is None else pump.source_glide
        if pump.cop is not None and pump.source in AMBIENT and not world.has("weather"):
            performance[i] = pump.cop  # no temperatures to hold it against
            continue
        warm, cool = world.source_temperature(pump.source, name)
        if pump.source not in AMBIENT:
            glide[i] = warm[0] - cool[0]
        performance[i] = _performance(name, pump, warm, glide[i], world)
        loops = world.source_loops(pump.source)
        if len(loops) > 1:
            several += [
                (i, f"{name} from {loop.place}", loop.place,
                 _performance(name, pump, loop.warm, float(loop.warm[0] - loop.cool[0]), world))
                for loop in loops
            ]  # fmt: skip
    recovers = np.array([pump.source not in AMBIENT for pump in specs.values()])
    chosen = np.zeros(len(specs), dtype=bool)
    chosen[[row[0] for row in several]] = True
    return {
        **prepare_commitment(specs, world, "heat_pump", "heat"),
        "performance": Parameter(("heat_pump", "time"), performance),
        "recovers": Parameter(("heat_pump",), recovers),
        "several_loops": Parameter(("heat_pump",), chosen),
        "source_glide": Parameter(("heat_pump",), glide, "K"),
        "worthless": Parameter(
            ("heat_pump", "time"),
            np.array([world.worthless("power", pump.sink) for pump in specs.values()]),
        ),
        **_loop_tables(several),
    }


def _loop_tables(rows: list[tuple[int, str, str, Floats]]) -> dict[str, Parameter]:
    """Every loop of the sources that have several; nothing where none has."""
    if not rows:
        return {}
    pumps, labels, places, performance = zip(*rows, strict=True)
    axis = "heat_pump_loop"
    return {
        axis: Parameter((axis,), np.array(labels, dtype=object)),
        "loop_pump": Parameter((axis,), np.array(pumps, dtype=np.int64)),
        "loop_place": Parameter((axis,), np.array(places, dtype=object)),
        "loop_performance": Parameter((axis, "time"), np.array(performance)),
    }


def _performance(name: str, pump: HeatPump, warm: Floats, glide: float, world: World) -> Floats:
    """Hourly COP with a source that is cooled by its glide [K] from ``warm`` (T,) [degC].

    Refused where it is one or less, and where no machine reaches it.
    """
    if pump.cop is not None:
        cop = np.full(len(warm), pump.cop)
        if not world.has("heat_network"):
            return cop  # no temperatures to hold it against
    supply, back = world.supply_temperature(name), world.return_temperature(name)
    if pump.cop is None and pump.share is not None:
        cop = share_of_carnot(supply, warm, pump.share, pump.icing_factor, pump.icing_below)
    elif pump.cop is None:
        cop = pump.icing_factor ** (warm < pump.icing_below) * coefficient_of_performance(
            back, supply, warm, warm - glide,
            pump.refrigerant, pump.pinch, pump.isentropic_efficiency,
        )  # fmt: skip
    if (cop <= LEAST_COP).any():
        world.refuse(name, "source", "the lift is too high: the COP falls to 1 or below",
                     f"{cop.min():.2f}", "use a warmer source or a cooler network")  # fmt: skip
    # The second law between the mean temperatures of both streams: no machine passes it.
    limit = carnot_limit(log_mean(back, supply), log_mean(warm - glide, warm))
    if (cop > limit).any():
        worst = int(np.argmin(limit - cop))
        field = "cop" if pump.cop is not None else "source"
        world.refuse(name, field, f"the COP is above Carnot's {limit[worst]:.2f} at "
                     f"{stamped(world.horizon.time[worst])}",
                     f"{cop[worst]:.2f}", "lower it, or check the temperatures of network and "
                     "source")  # fmt: skip
    return cop


def formulate(m: Speaker, c: Fleet) -> None:
    """Heat at the sink, power and source heat by the hourly COP."""
    heat = m.variable(
        "heat", c.axis, m.time, upper=quiet_limit(c, c.usable), about="heat given to the network"
    )
    formulate_commitment(m, c, heat)
    made = Opposition("made", c.heat, c.flags("worthless"), np.zeros(len(c), dtype=bool))
    m.feed("heat", c.text("sink"), heat, made)
    share = 1.0 / c.performance
    single = c.axis.only(~c.flags("several_loops"), "single")
    if len(single):
        m.draw("power", c.text("sink", single), (heat * share).only(single))
    recovering = c.axis.only(c.flags("recovers") & ~c.flags("several_loops"), "recovering")
    if len(recovering):
        taken = (heat * (1.0 - share)).only(recovering)
        m.draw("waste_heat", c.text("source", recovering), taken)
    choosing = c.axis.only(c.flags("several_loops"), "choosing")
    if len(choosing):
        _formulate_loops(m, c, choosing, heat.only(choosing))


def _formulate_loops(m: Speaker, c: Fleet, choosing: Axis, heat: Amount) -> None:
    """Heat by the loop that it is made from; a loop that is off has none to give."""
    loops, hours = c.axis_of("heat_pump_loop"), len(m.time)
    pumps = c.integers("loop_pump")
    share = 1.0 / c.loop_performance
    lifted = m.variable("loop_heat", loops, m.time, about="heat made from this loop")
    row = np.searchsorted(choosing.positions, pumps)
    rows = (row[:, None] * hours + np.arange(hours)).ravel()
    cells = np.arange(len(rows))
    together = lifted.mapped((choosing, m.time), rows, cells, np.ones(len(rows)))
    m.constrain("loop_heat", together == heat, "heat is made from one loop or another")
    sinks = c.text("sink")
    m.draw("power", [sinks[i] for i in pumps], lifted * share)
    m.draw("waste_heat", c.text("loop_place"), lifted * (1.0 - share))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """First law: what the sink gets is what source and compressor give."""
    heat = flows["heat"]
    replay_commitment(c, flows, log, heat)
    replay_quiet(c, log, heat, c["heat"])
    power = heat / c["performance"]
    names, several = np.array(c.names, dtype=object), c["several_loops"].ravel()
    recovers = c["recovers"].ravel() & ~several
    taken = (heat - power)[recovers]
    if several.any():
        power[several] = 0.0
        pumps, lifted = c["loop_pump"], flows["loop_heat"]
        work = lifted / c["loop_performance"]
        np.add.at(power, pumps, work)
        made = np.zeros_like(heat)
        np.add.at(made, pumps, lifted)
        log.equal("heat is that of the loops", heat[several], made[several],
                  labels=names[several])  # fmt: skip
        log.draws("waste_heat", c.places("loop_place"), lifted - work, names[pumps])
    log.feeds("heat", c.places("sink"), heat)
    log.opposes("heat", "made", c.places("sink"), heat, True, c["worthless"])
    log.draws("power", c.places("sink"), power)
    log.draws("waste_heat", c.places("source")[recovers], taken, names[recovers])


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Whether it runs, since when, and its output."""
    return carry_commitment(c, flows, step, lambda flows: flows["heat"])
