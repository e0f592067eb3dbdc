"""A cooling loop that may run at several temperatures, one at a time, chosen in every step.

Hotter water takes more power for fans, lifts the COP of heat pumps, and lets coolers work in warmer
weather. The choice is a binary per mode and step, of which one is 1. Work, heat and power belong to
the mode in which they occur, so nothing multiplies two choices: each mode offers its waste heat at
a place of its own (the usual one at the centre itself, the others at ``centre: mode``) and rejects
the rest at a node of its own. A heat pump draws at all of these places, at each with the COP of
that temperature, and finds heat only where the mode is on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.cooling_loop import (
    Loop,
    check_loop,
    formulate_cooling_loop,
    loop_ports,
    replay_cooling_loop,
)
from citygrid.components.common.energy_limits import formulate_energy_limits
from citygrid.components.contract import Flows, Parameter, Port, Units
from citygrid.components.fields import Share, Temperature
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Known, Speaker

#: What the loop's own temperatures are called beside the modes.
USUAL = "usual"


class LoopMode(BaseModel):
    """Another way to run the loop: hotter water, more fans, another place for what is rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: str = Field(min_length=1, description="what the mode is called")
    loop_supply: Temperature = Field(description="warm side of the loop")
    loop_return: Temperature = Field(description="cool side of the loop")
    fans: Share = Field(0.0, description="further power of fans and leakage per IT power")
    recoverable: Share | None = Field(None, description="of IT power; the centre's if left out")
    rejects_at: str | None = Field(
        None, description="node whose coolers take what is not recovered; the centre's if left out"
    )

    @model_validator(mode="after")
    def _loop_carries_heat(self) -> LoopMode:
        check_loop(self.loop_supply, self.loop_return)
        return self


class WithModes(Protocol):
    """A centre whose loop may have modes."""

    @property
    def node(self) -> str: ...

    @property
    def modes(self) -> tuple[LoopMode, ...]: ...


def check_modes(modes: Sequence[LoopMode]) -> None:
    """Every mode has a name of its own."""
    names = [USUAL, *(mode.mode for mode in modes)]
    if len(set(names)) < len(names):
        raise ValueError(
            f'names a mode twice, or "{USUAL}" as the loop itself is; give every mode its own name'
        )


def mode_ports(name: str, node: str, modes: Sequence[LoopMode]) -> list[Port]:
    """Where each mode offers its waste heat, and where it rejects the rest."""
    return [
        port for mode in modes for port in loop_ports(
            f"{name}: {mode.mode}", mode.rejects_at or node, (mode.loop_supply, mode.loop_return)
        )
    ]  # fmt: skip


def mode_tables(
    kind: str, specs: Mapping[str, WithModes], recoverable: Sequence[float]
) -> dict[str, Parameter]:
    """Every mode of every centre that has some, its usual loop first; nothing where none has.

    ``recoverable`` are the centres' own shares of IT power that can be recovered.
    """
    rows = []
    for number, (name, spec) in enumerate(specs.items()):
        if spec.modes:
            rows.append((number, name, f"{name}: {USUAL}", spec.node, 0.0, recoverable[number]))
        for mode in spec.modes:
            label = f"{name}: {mode.mode}"
            share = recoverable[number] if mode.recoverable is None else mode.recoverable
            rows.append((number, label, label, mode.rejects_at or spec.node, mode.fans, share))
    if not rows:
        return {}
    center, place, labels, node, fans, shares = zip(*rows, strict=True)
    axis = (f"{kind}_mode",)
    return {
        axis[0]: Parameter(axis, np.array(labels, dtype=object)),
        "mode_center": Parameter(axis, np.array(center, dtype=np.int64)),
        "mode_place": Parameter(axis, np.array(place, dtype=object)),
        "mode_node": Parameter(axis, np.array(node, dtype=object)),
        "mode_fans": Parameter(axis, np.array(fans, dtype=float)),
        "mode_recoverable": Parameter(axis, np.array(shares, dtype=float)),
    }


def formulate_loop_modes(
    m: Speaker, c: Fleet, kind: str, moded: Axis, compute: Amount, room: Known,
    lit: Amount | Known,
) -> None:  # fmt: skip
    """One mode of each centre at a time; idle power and load belong to the one that is on.

    ``compute`` is the jobs' power (moded × time) and ``room`` what they may have (component ×
    time) [kW]; ``work ≤ room · mode`` keeps them in the mode that is on. ``lit`` is 1, or 0 where
    the centre is dark (moded × time): then it is in no mode.
    """
    modes, hours = c.axis_of(f"{kind}_mode"), len(m.time)
    center = c.integers("mode_center")
    row = np.searchsorted(moded.positions, center)
    cells = np.arange(len(modes) * hours)
    rows = (row[:, None] * hours + np.arange(hours)).ravel()

    def every(known: Known, unit: str) -> Known:
        """A parameter of the centres, told for each of their modes."""
        values = np.take(known.values, center, axis=0)
        return c.known(values, *(modes, m.time)[: values.ndim], unit=unit)

    def together(amount: Amount) -> Amount:
        """What all modes of a centre have together, (centre × time)."""
        return amount.mapped((moded, m.time), rows, cells, np.ones(len(cells)))

    mode = m.binary("mode", modes, m.time, about="the loop runs in this mode")
    m.constrain("one_mode", together(mode) == lit, "one mode at a time")
    work = m.variable("mode_compute", modes, m.time, about="IT power of jobs in this mode")
    m.constrain("mode_room", work <= mode * every(room, "kW"), "jobs run in the mode that is on")
    m.constrain("mode_compute", together(work) == compute, "jobs run in one mode or another")
    it_power = work + mode * every(c.idle + c.load, "kW")
    loss = 1.0 + every(c.loss_share, "1") + c.mode_fans
    power = it_power * loss + mode * every(c.loss_fixed * c.capacity, "kW")
    nodes = [c.text("node")[i] for i in center]
    m.draw("power", nodes, power)
    loop = formulate_cooling_loop(m, modes, power, it_power * c.mode_recoverable,
                                  c.text("mode_place"), c.text("mode_node"), "mode_")  # fmt: skip
    whole = Loop(together(loop.recovered), together(loop.rejected))
    formulate_energy_limits(m, c, moded, together(it_power), together(power), whole, "mode_")


def replay_loop_modes(
    c: Units,
    flows: Flows,
    log: Log,
    it_power: Floats,
    compute: Floats,
    power: Floats,
    lit: Floats,
) -> tuple[Floats, Floats, Floats]:
    """One mode runs in every step and all work with it: heat by mode, and the power it adds."""
    center, labels = c["mode_center"], c.parameters[f"{c.kind}_mode"].values
    mode, work = flows.read("mode", "1"), flows["mode_compute"]
    recovered, rejected = flows["mode_recovered"], flows["mode_rejected"]
    owners = np.array(c.names, dtype=object)[center]
    moded = c["moded"].ravel()
    running, together = np.zeros_like(compute), np.zeros_like(compute)
    np.add.at(running, center, mode)
    np.add.at(together, center, work)
    log.whole("mode is 0 or 1", mode, labels)
    log.equal("one mode at a time", running[moded], lit[moded], "1",
              labels=np.array(c.names, dtype=object)[moded])  # fmt: skip
    log.equal("jobs run in the mode that is on", work, compute[center] * (mode > 0.5),
              labels=labels)  # fmt: skip
    # The physics of the mode that is on; in the others nothing runs and nothing leaves.
    active = np.where(mode > 0.5, it_power[center], 0.0)
    fans = active * c["mode_fans"][:, None]
    heat = np.where(mode > 0.5, power[center], 0.0) + fans
    replay_cooling_loop(
        log, recovered, rejected, heat, active * c["mode_recoverable"][:, None],
        c.places("mode_place"), c.places("mode_node"), owners, labels,
    )  # fmt: skip
    return recovered, rejected, fans
