"""Pair of buried pipes, warm or cold: what is written of it, and its bore and losses.

Bore and losses come from a catalogue by ``dn``, or from ``inner`` and ``insulation``, or as given.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from citygrid.arrays import Flags
from citygrid.components.common.carriage import Line
from citygrid.components.common.piping import DEPTH, INSULATION, SOIL, buried_pair
from citygrid.components.common.withdrawal import while_out
from citygrid.components.contract import Parameter, Port, Units
from citygrid.components.fields import Efficiency, HeatLossPerLength, Length, Node, Power, Speed
from citygrid.inputs.pipes import Catalogue
from citygrid.inputs.world import World


class BuriedPipe(Line):
    """Fields of supply and return pipe in one trench."""

    length: Length = Field(gt=0, description="of the trench; there are two pipes in it")
    dn: int | None = Field(None, gt=0, description="nominal diameter [mm], a row of the catalogue")
    catalogue: str | None = Field(None, description="CSV file with dn, inner, u1, u2; "
                                  "Logstor's series 1 if left out")  # fmt: skip
    inner: Length | None = Field(None, gt=0, description="bore, instead of the catalogue's")
    insulation: Length | None = Field(None, gt=0, description="thickness around the bore")
    conductivity: HeatLossPerLength = Field(INSULATION, gt=0, description="of the insulation")
    soil: HeatLossPerLength = Field(SOIL, gt=0, description="conductivity of the soil")
    depth: Length = Field(DEPTH, description="of soil above the pipe")
    distance: Length | None = Field(
        None, gt=0, description="between the axes of the two pipes; two outer diameters if left out"
    )
    loss_u1: HeatLossPerLength | None = Field(None, gt=0, description="U1, as measured or given")
    loss_u2: HeatLossPerLength | None = Field(None, description="U2, as measured or given")
    velocity: Speed = Field(1.5, gt=0, description="largest flow velocity")
    capacity: Power | None = Field(
        None, gt=0, description="heat capacity, instead of the velocity's"
    )
    pump: Node | None = Field(
        None, description="node that gives the power of pumping; not counted if left out"
    )
    pump_efficiency: Efficiency = Field(0.6, description="of pump and motor")
    roughness: Length = Field(1e-4, description="of the bore")

    @model_validator(mode="after")
    def _is_a_pipe(self) -> BuriedPipe:
        if self.dn is None and self.inner is None:
            raise ValueError("nobody knows how wide the pipe is; give `dn` or `inner`")
        if (self.loss_u1 is None) != (self.loss_u2 is None):
            raise ValueError("one of two loss coefficients is given; "
                             "give both `loss_u1` and `loss_u2`, or neither")  # fmt: skip
        if self.loss_u1 is not None and self.loss_u2 is not None and self.loss_u2 >= self.loss_u1:
            raise ValueError(
                f"U2 is {self.loss_u2:g} and U1 {self.loss_u1:g} W/m/K; U2 is what the other pipe "
                "gives back, less than U1 loses"
            )
        if self.dn is None and self.loss_u1 is None and self.insulation is None:
            raise ValueError("losses of the pipe are unknown; give `insulation`, or `loss_u1` "
                             "and `loss_u2`, or a `dn` of the catalogue")  # fmt: skip
        outer = None if self.insulation is None else (self.inner or 0.0) + 2.0 * self.insulation
        if outer is not None and self.distance is not None and self.distance < outer:
            raise ValueError(f"the two pipes overlap: {outer:g} m wide and {self.distance:g} m "
                             "apart; give the `distance` of their axes")  # fmt: skip
        return self

    @classmethod
    def withdraw(cls, units: Units, out: Flags) -> dict[str, Parameter]:
        """A pipe that is shut exchanges no heat with the ground that anybody has to make up for."""
        return while_out(units, out, {"loss": 0.0})

    def _pipe_ports(self, carrier: str) -> list[Port]:
        pump = [] if self.pump is None else [Port("power", "draw", self.pump)]
        return self._ports(carrier) + pump


def bore_and_losses(pipe: BuriedPipe, catalogue: Catalogue) -> tuple[float, float, float]:
    """Bore [m], U1 and U2 [W/mK] of a pipe: as given, by geometry, or by the catalogue.

    Raises :class:`ValueError` in words where the catalogue does not know the pipe.
    """
    row = None if pipe.dn is None else catalogue.sizes.get(pipe.dn)
    inner = pipe.inner if pipe.inner is not None else None if row is None else row.inner
    if inner is None or (pipe.loss_u1 is None and pipe.insulation is None and row is None):
        raise ValueError(f"is not in the catalogue; use one of {catalogue.names()}, or give "
                         "`inner` and `insulation`")  # fmt: skip
    if pipe.loss_u1 is not None and pipe.loss_u2 is not None:
        return inner, pipe.loss_u1, pipe.loss_u2
    thickness = pipe.insulation
    if thickness is None and row is not None and row.u1 is not None and row.u2 is not None:
        return inner, row.u1, row.u2
    if thickness is None and row is not None and row.casing is not None and row.outer is not None:
        inside, thickness = row.outer, (row.casing - row.outer) / 2.0
    else:
        inside = inner
    assert thickness is not None, "one of the four ways to know a loss was found above"
    return inner, *buried_pair(inside, [(thickness, pipe.conductivity)], pipe.soil, pipe.depth,
                               pipe.distance)  # fmt: skip


def find_bore(name: str, pipe: BuriedPipe, world: World) -> tuple[float, float, float] | None:
    """Bore and losses by the catalogue that the pipe names; what is not known there is refused."""
    catalogue = world.pipe_catalogue(pipe.catalogue, name)
    if catalogue is None:
        return None
    try:
        return bore_and_losses(pipe, catalogue)
    except ValueError as error:
        reason, _, repair = str(error).partition("; ")
        world.refuse(name, "dn", reason, pipe.dn, repair)
        return None
