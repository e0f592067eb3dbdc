"""Weather over the horizon: temperatures, wind and sun from the files in which weather comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.inputs.ground import GROUND_DEPTH
from citygrid.inputs.time import Horizon
from citygrid.inputs.weather_files import open_weather, quantities
from citygrid.inputs.weather_reading import Reading


@dataclass(frozen=True)
class Weather:
    """Weather of a place over the horizon; all arrays are means over the steps (T).

    ``air_temperature`` [degC] at 2 m, ``ground_temperature`` [degC] at the depth of pipes, ``ghi``,
    ``dni``, ``dhi`` [W/m^2] (global horizontal, direct normal, diffuse horizontal), ``wind_speed``
    [m/s] at 10 m, ``relative_humidity`` and ``cloud_cover`` [1]. What the file cannot give is
    refused (:class:`InputError`) when it is asked for and not before; ``has`` tells beforehand.
    ``notes`` say in words what was modelled. ``fine`` is the same weather in steps of an hour or
    less where the horizon's are longer, for the sun.
    """

    latitude: float
    longitude: float
    altitude: float
    values: Mapping[str, Floats]
    missing: Mapping[str, Fault]
    notes: tuple[str, ...] = ()
    fine: tuple[Horizon, Weather] | None = None

    def has(self, quantity: str) -> bool:
        """Whether a quantity (``"ghi"``) is known."""
        return quantity in self.values

    def _get(self, quantity: str) -> Floats:
        if quantity not in self.values:
            raise InputError(self.missing[quantity])
        return self.values[quantity]

    @property
    def air_temperature(self) -> Floats:
        """Outdoor air at 2 m [degC], shape (T,)."""
        return self._get("air_temperature")

    @property
    def ground_temperature(self) -> Floats:
        """Undisturbed ground at pipe depth [degC], shape (T,)."""
        return self._get("ground_temperature")

    @property
    def ghi(self) -> Floats:
        """Global irradiance on the horizontal [W/m^2], shape (T,)."""
        return self._get("ghi")

    @property
    def dni(self) -> Floats:
        """Direct irradiance on a plane that faces the sun [W/m^2], shape (T,)."""
        return self._get("dni")

    @property
    def dhi(self) -> Floats:
        """Diffuse irradiance on the horizontal [W/m^2], shape (T,)."""
        return self._get("dhi")

    @property
    def wind_speed(self) -> Floats:
        """Wind at 10 m [m/s], shape (T,)."""
        return self._get("wind_speed")

    @property
    def relative_humidity(self) -> Floats:
        """Relative humidity of the air, 0 to 1, shape (T,)."""
        return self._get("relative_humidity")

    @property
    def cloud_cover(self) -> Floats:
        """Share of the sky that clouds cover, 0 to 1, shape (T,)."""
        return self._get("cloud_cover")


def read_weather(
    file: Path,
    horizon: Horizon,
    latitude: float,
    longitude: float,
    altitude: float = 0.0,
    timezone: str | None = None,
    ground_depth: float = GROUND_DEPTH,
) -> Weather:
    """Read weather for a place (``latitude``, ``longitude`` [deg], ``altitude`` [m]).

    Files: CSV, Parquet or netCDF with units in the headers (``temperature [degC]``,
    ``wind speed [m/s]``, ``ghi [W/m^2]``, ``cloud cover [%]``, …), Open-Meteo JSON, EPW, TMY3
    (CSV), PVGIS typical year and hourly series on a horizontal plane (CSV, JSON), and DWD test
    reference year (``.dat``). ``timezone`` is for stamps without an offset in tables; the other
    formats say theirs. Typical years are laid over the horizon by month, day and hour in UTC;
    29 February takes 28 February.

    Temperature, wind, humidity and clouds are interpolated to shorter steps and averaged over
    longer ones. Irradiance is an interval's mean: shorter steps share it by the height of the sun,
    so that energy is kept.

    Sun. Missing parts are completed: ``dni`` from ``ghi`` and ``dhi``; both from ``ghi`` alone by
    Erbs et al. (1982). Where only cloud cover ``c`` is known, ``ghi = ghi_clear (1 − 0.75 c^3.4)``
    (Kasten and Czeplak 1980) on the clear sky of Ineichen and Perez (2002), with the sun at the
    middle of the step: right over weeks, not in the single hour.

    Ground. At ``ground_depth`` [m] by the yearly wave of the file's air temperature, for which it
    must cover a year (:func:`~.ground.ground_wave`). A column ``ground temperature [degC]`` wins.

    Raises :class:`InputError` with all faults.
    """
    faults: list[Fault] = []
    source = open_weather(Path(file), timezone, faults)
    known = quantities(source, faults)
    if "air_temperature" not in known:
        faults.append(Fault(
            str(file), "there is no column of air temperature", None,
            f"write one such as `temperature [degC]`; columns are {source.table.names()}",
        ))  # fmt: skip
    if faults:
        raise InputError(faults)
    parts = horizon.parts(1.0)
    grid = horizon.split(parts) if parts > 1 else horizon
    place = (float(latitude), float(longitude), float(altitude))
    reading = Reading(source, known, grid, place)
    values = reading.quantities(ground_depth)
    if reading.faults:
        raise InputError(dict.fromkeys(reading.faults))
    weather = Weather(*place, values, reading.missing, tuple(reading.notes))
    if parts == 1:
        return weather
    return replace(
        weather, fine=(grid, weather),
        values=values.mapped(lambda fine: fine.reshape(-1, parts).mean(axis=1)),
    )  # fmt: skip


def air_density(temperature: Floats, altitude: float) -> Floats:
    """Density of dry air [kg/m^3] (T) from its temperature [degC] (T) and altitude [m].

    ``ρ = p / (R T)`` with the pressure of the standard atmosphere, ``p = 101325 (1 − 0.0065 z /
    288.15)^5.2559`` Pa, and ``R = 287.05`` J/kg/K (ISO 2533): 1.225 at 15 degC and sea level.
    """
    pressure = 101_325.0 * (1.0 - 0.0065 * altitude / 288.15) ** 5.2559
    return np.asarray(pressure / (287.05 * (temperature + 273.15)))
