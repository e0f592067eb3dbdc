"""Quantum computing centre: a cryostat that never stops, controls, a host, a calendar."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, model_validator

from citygrid.arrays import Flags
from citygrid.components.common.calendar import Window, touched
from citygrid.components.common.cooling_loop import (
    check_loop,
    formulate_cooling_loop,
    loop_ports,
    replay_cooling_loop,
)
from citygrid.components.common.withdrawal import while_out
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyShare, Node, Power, Share, Temperature
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class QuantumCenter(Component):
    """Small quantum computer of a node.

    ``power = cryogenics + control_idle + host_idle + duty · active`` [kW]: the cryostat is a
    must-run load that is never shed, the rest is affine in the duty of the processor (0…1). Duty is
    the given ``duty`` plus what job pools draw here (carrier ``quantum``, in kW of ``active``
    power), is at most 1, and is 0 during maintenance: nothing is promised then, and the duty that
    was given for those steps is not made up for later.

    All power leaves as heat, but only the compressor's water loop, which carries
    ``recoverable · cryogenics``, can be recovered, at a temperature that needs a heat pump; the
    heat of controls and host goes to the chillers. 30 kW of cryogenics give 40 kW of district heat:
    small beside a data centre.

    Where a ``host`` is named, a data centre runs the classical part of what the processor does: it
    gives ``host_compute`` of IT power (carrier ``compute``) at full duty, and in proportion.

    For PUE, IT power is ``control_idle + host_idle + duty · active``; the refrigerator is the
    cooling plant of the processor and counts in the power of the centre only.
    """

    group = "compute"
    memoryless = True
    node: Node
    cryogenics: Power = Field(description="compressors of the refrigerator, always on")
    control_idle: Power = Field(0.0, description="control electronics without work")
    host_idle: Power = Field(0.0, description="host computer without work")
    active: Power = Field(description="further power of controls and host at full duty")
    host: str | None = Field(None, description="data centre that runs the classical part")
    host_compute: Power = Field(0.0, description="IT power that it gives for this at full duty")
    duty: HourlyShare = Field(
        0.0, description="share promised to users; nothing is promised during maintenance"
    )
    maintenance: tuple[Window, ...] = Field((), description="windows without computation")
    recoverable: Share = Field(0.95, description="share of cryogenics that the water loop carries")
    loop_supply: Temperature = Field(32.0, description="water loop, warm side")
    loop_return: Temperature = Field(24.0, description="water loop, cool side")

    @model_validator(mode="after")
    def _loop_carries_heat(self) -> QuantumCenter:
        check_loop(self.loop_supply, self.loop_return)
        if (self.host is None) != (self.host_compute == 0.0):
            raise ValueError(
                "a host and its IT power belong together; give both `host` and `host_compute`"
            )
        if self.host is not None and self.active == 0.0:
            raise ValueError(
                "duty is told by the active power, which is nothing here; give `active` above zero"
            )
        return self

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """A machine that is lost takes no power; nothing is promised of it."""
        must_run = ("cryogenics", "control_idle", "host_idle", "duty", "available")
        return while_out(units, out, dict.fromkeys(must_run, 0.0))

    def ports(self, name: str) -> list[Port]:
        return [
            Port("power", "draw", self.node),
            Port("quantum", "feed", name),
            *([] if self.host is None else [Port("compute", "draw", self.host)]),
            *loop_ports(name, self.node, (self.loop_supply, self.loop_return)),
        ]


def prepare(specs: Mapping[str, QuantumCenter], world: World) -> dict[str, Parameter]:
    """Calendar and promised duty as hourly parameters."""
    hours = len(world.horizon.time)
    duty = np.zeros((len(specs), hours))
    available = np.ones((len(specs), hours))
    for row, (name, spec) in enumerate(specs.items()):
        # A half-calibrated processor computes nothing: a step that is touched is lost as a whole.
        available[row, touched(spec.maintenance, world, name, "maintenance")] = 0.0
        promised = world.hourly(spec.duty, "1", name, "duty")
        if (promised > 1.0).any():
            world.refuse(name, "duty", "a duty is a share of the step, at most 1",
                         f"{promised.max():g}", "write a share such as 60 %")  # fmt: skip
        duty[row] = promised * available[row]
    dims = ("quantum_center", "time")
    hosts = np.array([spec.host or "" for spec in specs.values()], dtype=object)
    share = [spec.host_compute / spec.active if spec.host else 0.0 for spec in specs.values()]
    return {
        "duty": Parameter(dims, duty),
        "available": Parameter(dims, available),
        "host": Parameter(("quantum_center",), hosts),
        "host_share": Parameter(("quantum_center",), np.array(share)),
    }


def formulate(m: Speaker, c: Fleet) -> None:
    """Must-run power, duty within the calendar, heat out by the water loop."""
    room = c.active * c.available - c.active * c.duty
    run = m.variable("run", c.axis, m.time, upper=room, about="active power of jobs")
    m.feed("quantum", list(c.axis.labels), run)
    working = run + c.active * c.duty
    hosted = c.axis.only(np.asarray(c.host_share.values > 0), "hosted")
    if len(hosted):
        m.draw("compute", c.text("host", hosted), (working * c.host_share).only(hosted))
    power = working + c.cryogenics + c.control_idle + c.host_idle
    m.draw("power", c.text("node"), power)
    formulate_cooling_loop(m, c.axis, power, c.cryogenics * c.recoverable,
                           list(c.axis.labels), c.text("node"))  # fmt: skip


def replay(c: Units, flows: Flows, log: Log) -> None:
    """The cryostat runs in every step, whatever the plan says about duty."""
    run = flows["run"]
    duty_power = run + c["active"] * c["duty"]
    log.within("duty within calendar", duty_power, 0.0, c["active"] * c["available"])
    it_power = c["control_idle"] + c["host_idle"] + duty_power
    power = c["cryogenics"] + it_power
    log.feeds("quantum", c.names, run)
    log.draws("power", c.places("node"), power)
    hosted = c["host_share"].ravel() > 0
    if hosted.any():
        log.draws("compute", c.places("host")[hosted], (c["host_share"] * duty_power)[hosted],
                  np.array(c.names, dtype=object)[hosted])  # fmt: skip
    replay_cooling_loop(
        log, flows["recovered"], flows["rejected"], power, c["recoverable"] * c["cryogenics"],
        c.names, c.places("node"), c.names, c.names,
    )  # fmt: skip
    log.measure("it_power", it_power)
    log.measure("center_power", power)
