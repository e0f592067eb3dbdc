"""What a component may ask of the world when its hourly parameters are prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from citygrid.arrays import Flags, Floats

if TYPE_CHECKING:
    from citygrid.inputs.jobs import Jobs
    from citygrid.inputs.pipes import Catalogue
    from citygrid.inputs.time import Horizon


class SourceLoop(NamedTuple):
    """A heat loop of a component: where it offers its heat, warm and cool side (T,) [degC]."""

    place: str
    warm: Floats
    cool: Floats


class DataWay(NamedTuple):
    """One direction of a data link: its place in the balance of data, ends, delay, capacity."""

    place: str
    start: str
    end: str
    latency: float
    capacity: float


class World(Protocol):
    """The district's surroundings over the horizon: weather, networks, series, other places.

    Hourly arrays have shape (T,). A request that cannot be met is recorded as a fault of the
    asking component and answered with a harmless array, so that all faults are found at once.
    """

    @property
    def horizon(self) -> Horizon: ...

    def has(self, what: Literal["weather", "heat_network"]) -> bool:
        """Whether the district tells its weather, or the temperatures of its heat network."""
        ...

    def hourly(
        self, value: Any, unit: str, component: str, field: str, minimum: float | None = 0.0
    ) -> Floats:
        """A value written in the district file, or the series it refers to, in ``unit``."""
        ...

    def demand(self, value: Any, carrier: str, component: str, field: str) -> Floats:
        """A demand [kW]: hourly as written or referred to, or by a standard profile."""
        ...

    def air_temperature(self, component: str) -> Floats:
        """Outdoor air [degC]."""
        ...

    def wet_bulb_temperature(self, component: str) -> Floats:
        """What outdoor air can cool water to by evaporation [degC]."""
        ...

    def ground_temperature(self, component: str) -> Floats:
        """Undisturbed ground at pipe depth [degC]."""
        ...

    def supply_temperature(self, component: str) -> Floats:
        """Heat network's supply [degC], by the outdoor-compensated curve."""
        ...

    def return_temperature(self, component: str) -> Floats:
        """Heat network's return [degC]."""
        ...

    def source_temperature(self, source: str, component: str) -> tuple[Floats, Floats]:
        """Warm and cool side [degC] of a source: a component's loop; ``air``, ``ground`` twice."""
        ...

    def wind_speed(self, component: str) -> Floats:
        """Wind at 10 m [m/s]."""
        ...

    def air_density(self, height: float, component: str) -> Floats:
        """Density of the air [kg/m^3] at a height [m] above the district's ground."""
        ...

    def source_loops(self, source: str) -> list[SourceLoop]:
        """All loops by which a component gives waste heat, its usual one first."""
        ...

    def data_ways(self) -> list[DataWay]:
        """Every direction of every data link, with its delay [ms] and capacity [GB/h]."""
        ...

    def node_of(self, place: str) -> str | None:
        """The node where a component stands (a node is its own), ``None`` for what is neither."""
        ...

    def is_unsound(self, place: str) -> bool:
        """Whether it is a component with a fault of its own, of which nothing more is known."""
        ...

    def photovoltaic_yield(self, tilt: float, azimuth: float, component: str) -> Floats:
        """AC output [kW per kW peak] of a module at ``tilt`` and ``azimuth`` [deg]."""
        ...

    def collector_irradiance(
        self, tilt: float, azimuth: float, incidence_loss: float, component: str
    ) -> Floats:
        """Irradiance [W/m^2] behind the cover of a collector at ``tilt`` and ``azimuth`` [deg]."""
        ...

    def pipe_catalogue(self, file: str | None, component: str) -> Catalogue | None:
        """Pipes by nominal diameter, the shipped ones without a file; ``None`` if it is broken."""
        ...

    def jobs(self, file: str | None, listed: Any, component: str) -> Jobs:
        """Compute jobs from a file and from the district file itself."""
        ...

    def worthless(self, carrier: str, place: str, margin: float = 0.0) -> Flags:
        """Steps (T) in which a kWh of a carrier at a place may be worth ``−margin`` or less.

        In the others no way of losing energy that costs ``margin`` [EUR/kWh] can pay.
        """
        ...

    def refuse(
        self, component: str, field: str, reason: str, value: object = None, repair: str = ""
    ) -> None:
        """Record a fault of a component; preparation goes on to find the others."""
        ...
