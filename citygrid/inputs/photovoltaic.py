"""Photovoltaic yield of a plane per installed power."""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.inputs.plane import irradiance_on_plane
from citygrid.inputs.time import Horizon
from citygrid.inputs.weather import Weather

#: Wind [m/s] at the modules where the weather does not tell it: pvlib's default, a light breeze.
LIGHT_BREEZE = 1.0


def photovoltaic_yield(
    weather: Weather,
    horizon: Horizon,
    tilt: float,
    azimuth: float,
    losses: float = 0.14,
    temperature_coefficient: float = -0.004,
    inverter_efficiency: float = 0.96,
    albedo: float = 0.2,
) -> Floats:
    """AC power of photovoltaic modules per installed power, shape (T,) [kW per kW peak].

    Irradiance on the plane by Hay and Davies (1980), its direct part less the reflection of the
    glass; cells warm by Faiman (2008); ``P_dc = G/1000 · (1 + γ (T_cell − 25 °C))`` and the
    inverter's part load after PVWatts 5 (Dobos 2014), all by pvlib. The sun stands where it is at
    the middle of the step, and steps longer than an hour are reckoned in parts.

    ``tilt`` [deg] from the horizontal, ``azimuth`` [deg] from north through east (south is 180),
    ``losses`` share of the DC power lost to soiling, shading, mismatch, wiring and age,
    ``temperature_coefficient`` γ [1/K], ``inverter_efficiency`` at rated power, ``albedo`` of the
    ground. Never negative: a plant draws nothing at night here.

    Raises :class:`InputError` when the weather tells nothing of the sun.
    """
    import pvlib

    if weather.fine is not None:
        grid, fine = weather.fine
        values = photovoltaic_yield(fine, grid, tilt, azimuth, losses, temperature_coefficient,
                                    inverter_efficiency, albedo)  # fmt: skip
        return values.reshape(len(horizon), -1).mean(axis=1)
    plane = irradiance_on_plane(weather, horizon, tilt, azimuth, albedo)
    effective = plane.direct * pvlib.iam.physical(plane.angle) + plane.diffuse
    wind = weather.wind_speed if weather.has("wind_speed") else LIGHT_BREEZE
    cell = pvlib.temperature.faiman(plane.direct + plane.diffuse, weather.air_temperature, wind)
    dc = pvlib.pvsystem.pvwatts_dc(effective, cell, 1.0, temperature_coefficient)
    rated = 1.0 / inverter_efficiency
    ac = pvlib.inverter.pvwatts(np.asarray(dc) * (1.0 - losses), rated, inverter_efficiency)
    return np.clip(np.nan_to_num(np.asarray(ac, dtype=np.float64)), 0.0, None)
