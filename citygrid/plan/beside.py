"""What the outside checks of a plan share: hours asked for, who feeds and draws, differences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from citygrid.arrays import Floats, stamped
from citygrid.components.contract import kinds
from citygrid.components.log import Log
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.plan.plan import Plan

#: Relative difference beyond which the linear model is said to be off.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Difference:
    """One quantity of one pipe or line: what the plan says and what the outside library finds.

    Where both are at most ``negligible`` [unit] it is never off.
    """

    name: str
    quantity: str
    plan: float
    found: float
    unit: str
    library: str
    negligible: float = 0.0

    @property
    def relative(self) -> float:
        return (self.plan - self.found) / max(abs(self.found), 1e-9)

    @property
    def off(self) -> bool:
        larger = max(abs(self.plan), abs(self.found))
        return larger > self.negligible and abs(self.relative) > TOLERANCE

    def __str__(self) -> str:
        return (f"{self.name}: {self.quantity} {self.plan:.4g} {self.unit} in the plan, "
                f"{self.found:.4g} by {self.library} ({self.relative:+.1%})")  # fmt: skip


def exchanged(
    case: Case, plan: Plan, carrier: str, nodes: Sequence[str], own: Collection[tuple[str, str]]
) -> Floats:
    """What all but the network's ``own`` (kind, name) feed less what they draw (nodes × T) [kW]."""
    net = np.zeros((len(nodes), len(case.time)))
    position = {node: i for i, node in enumerate(nodes)}
    for kind, units in case.units.items():
        if all((kind, name) in own for name in units.names):
            continue
        log = Log(kind, units.names)
        kinds()[kind].replay(units, plan.flows(units), log)
        for movement in log.movements:
            if movement.carrier != carrier:
                continue
            for place, owner, flow in zip(
                movement.places, movement.owners, movement.flow, strict=True
            ):
                if str(place) in position and (kind, str(owner)) not in own:
                    net[position[str(place)]] += movement.sign * flow
    return net


def chosen_steps(case: Case, hours: str) -> list[int]:
    """Steps by their stamps, in the order given; every stamp that is none is told at once."""
    import pandas as pd

    if hours == "all":
        return list(range(len(case.time)))
    time, faults, steps = case.time.astype("datetime64[s]"), [], []
    for text in (part.strip() for part in hours.split(",")):
        try:
            stamp = pd.Timestamp(text)
            moment = stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
            found = np.flatnonzero(time == np.datetime64(moment, "s"))
        except (ValueError, TypeError):
            found = np.zeros(0, dtype=int)
        if len(found):
            steps.append(int(found[0]))
        else:
            first, last = (stamped(time[i]) for i in (0, -1))
            faults.append(Fault("--hours", "is no step of the plan", text,
                                f"write peak, all, or stamps, {first} to {last}"))  # fmt: skip
    if faults:
        raise InputError(faults)
    return steps
