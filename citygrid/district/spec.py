"""What a district file may say: the frame around the components."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.components.fields import CarbonPrice, Length, Mass, MassPrice, Temperature, Volume


class Strict(BaseModel):
    """A section of the file: no unknown keys, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HorizonSpec(Strict):
    """The steps that are planned; every series is cut to them."""

    start: str = Field(
        description="ISO 8601 with its offset from UTC (2023-01-16T00:00+01:00), or without one "
        "and a `timezone`"
    )
    length: str = Field(description='a multiple of the step, such as "168 h"')
    step: str = Field("1 h", description='any regular step, such as "15 min" or "1 h"')


class WeatherSpec(Strict):
    """Weather of the district: a file that pvlib or citygrid can read, and where it is from."""

    file: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude: Length = 0.0
    timezone: str | None = Field(None, description="of stamps without an offset")


class SeriesSpecification(Strict):
    """One series of numbers over time, by reference to a file."""

    file: str = Field(description="CSV, Parquet, netCDF, EPW or TMY file, relative to this file")
    column: str | None = Field(None, description="name of the column; needed if there are several")
    unit: str | None = Field(None, description="unit of the numbers, unless the header says it")
    time: str | None = Field(None, description="name of the column with the time stamps")
    timezone: str | None = Field(None, description="of stamps without an offset")
    resample: Literal["refuse", "hold", "mean", "interpolate"] | None = None


#: A coordinate [m or deg]; further than this there is no earth in any system.
Coordinate = Annotated[float, Field(ge=-1e8, le=1e8)]


class NodeSpec(Strict):
    """A place where carriers are balanced."""

    at: tuple[Coordinate, Coordinate] | None = Field(
        None, description="easting and northing in the CRS"
    )


class SupplyPoint(Strict):
    """One point of the heating curve: water temperature at an outdoor temperature."""

    air: Temperature
    water: Temperature


class HeatNetworkSpec(Strict):
    """Temperatures of the heat network: the supply follows the outdoor air, the return is given.

    Between the points the curve is linear, beyond them constant.
    """

    supply: Annotated[tuple[SupplyPoint, ...], Field(min_length=1)]
    return_: Temperature = Field(alias="return")
    ground: Temperature | None = Field(
        None, description="at the pipes' depth; from the weather file if left out"
    )

    @model_validator(mode="after")
    def _ordered(self) -> HeatNetworkSpec:
        air = [point.air for point in self.supply]
        if sorted(set(air)) != air:
            raise ValueError("list the points of the supply curve from cold to warm air, once each")
        cold = [f"{p.water:g} degC at {p.air:g} degC of air" for p in self.supply
                if p.water <= self.return_]  # fmt: skip
        if cold:
            raise ValueError(
                f"the supply falls to {', '.join(cold)}, not above the return of "
                f"{self.return_:g} degC; raise the curve or lower the return"
            )
        return self


class DistrictSpec(Strict):
    """A district file, apart from its components, which their kinds describe."""

    name: str
    description: str = Field("", description="what is real and what is assumed")
    crs: str | None = Field(None, description="coordinate system of the nodes, such as EPSG:25832")
    timezone: str | None = Field(None, description="IANA name for local times and reports")
    horizon: HorizonSpec
    weather: WeatherSpec | None = None
    heat_network: HeatNetworkSpec | None = None
    carbon_price: CarbonPrice = Field(
        0.0, description="price of CO2 in the objective, by marginal factors where they are given"
    )
    carbon_cap: Mass | None = Field(
        None, description="most CO2 over the horizon, by average factors"
    )
    nox_price: MassPrice = Field(0.0, description="price of nitrogen oxides in the objective")
    nox_cap: Mass | None = Field(None, description="most nitrogen oxides over the horizon")
    water_cap: Volume | None = Field(None, description="most water for cooling over the horizon")
    quiet_hours: str | None = Field(
        None,
        description='hours of the district\'s clock, such as "22:00-06:00", in which the '
        "`quiet_share` of components holds",
    )
    series: dict[str, SeriesSpecification] = Field(default_factory=dict)
    geometry: str | None = Field(
        None, description="GeoPackage or GeoJSON with pipe routes, by component, and footprints"
    )
    nodes: dict[str, NodeSpec]
    #: Each is checked by its kind, which says what is wrong in its own words.
    components: dict[str, Any]
