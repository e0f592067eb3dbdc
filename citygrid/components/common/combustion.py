"""What leaves the stack of a unit that burns fuel: nitrogen oxides, by the kWh of fuel."""

from __future__ import annotations

from pydantic import Field

from citygrid.arrays import Floats
from citygrid.components.contract import Component, Units
from citygrid.components.fields import EmissionFactor
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Speaker


class Combustion(Component):
    """Fields of a unit that burns fuel; ``nox = factor · fuel · Δt`` [kg].

    Carbon is counted where the fuel is bought. A gas boiler at the German limit for new plants
    (44. BImSchV, 100 mg/m³ at 3 % oxygen) emits some 0.1 g/kWh of fuel.
    """

    nox: EmissionFactor = Field(0.0, description="nitrogen oxides per kWh of fuel")


def formulate_exhaust(m: Speaker, c: Fleet, fuel: Amount) -> None:
    """Enter the nitrogen oxides of the fuel burnt [kW] in the ledger."""
    emitting = c.axis.only(c.nox.values > 0, "emitting")
    if len(emitting):
        m.cost("exhaust", nox=fuel.only(emitting) * c.nox.only(emitting) * c.step)


def replay_exhaust(c: Units, log: Log, fuel: Floats) -> None:
    """Count the nitrogen oxides of the fuel burnt [kW]."""
    if (c["nox"] > 0).any():
        log.pays("exhaust", nox=fuel * c["nox"] * c.step)
