"""Irradiance on a tilted plane: what modules and collectors face. All by pvlib."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from citygrid.arrays import Floats
from citygrid.inputs.sun import solar_position
from citygrid.inputs.time import Horizon
from citygrid.inputs.weather import Weather


class Plane(NamedTuple):
    """Direct and diffuse irradiance on a plane [W/m^2] and angle of incidence [deg], (T) each."""

    direct: Floats
    diffuse: Floats
    angle: Floats


def irradiance_on_plane(
    weather: Weather, horizon: Horizon, tilt: float, azimuth: float, albedo: float = 0.2
) -> Plane:
    """Irradiance on a plane at ``tilt`` that faces ``azimuth`` [deg], by Hay and Davies (1980).

    The sun stands where it is at the middle of the step; steps longer than an hour are the caller's
    to split (``weather.fine``). ``albedo`` is that of the ground.

    Raises :class:`InputError` when the weather tells nothing of the sun.
    """
    import pvlib

    index = pd.DatetimeIndex(horizon.middle, tz="UTC")
    sun = solar_position(horizon.middle, weather.latitude, weather.longitude, weather.altitude)
    plane = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sun["apparent_zenith"], sun["azimuth"],
        pd.Series(weather.dni, index), pd.Series(weather.ghi, index), pd.Series(weather.dhi, index),
        dni_extra=pvlib.irradiance.get_extra_radiation(index), albedo=albedo, model="haydavies",
    )  # fmt: skip
    angle = pvlib.irradiance.aoi(tilt, azimuth, sun["apparent_zenith"], sun["azimuth"])
    direct, diffuse = (plane[part].fillna(0.0).clip(lower=0.0).to_numpy(np.float64)
                       for part in ("poa_direct", "poa_diffuse"))  # fmt: skip
    return Plane(direct, diffuse, angle.to_numpy(np.float64))


def collector_irradiance(
    weather: Weather, horizon: Horizon, tilt: float, azimuth: float, incidence_loss: float = 0.0
) -> Floats:
    """Irradiance [W/m^2] (T) that passes a collector's cover: ``K(θ) · direct + diffuse``.

    ``K = 1 − b0 (1/cos θ − 1)``, at least 0, with ``incidence_loss`` b0 (ASHRAE 93, EN ISO 9806).
    """
    import pvlib

    if weather.fine is not None:
        grid, fine = weather.fine
        values = collector_irradiance(fine, grid, tilt, azimuth, incidence_loss)
        return np.asarray(values.reshape(len(horizon), -1).mean(axis=1))
    plane = irradiance_on_plane(weather, horizon, tilt, azimuth)
    passed = np.nan_to_num(pvlib.iam.ashrae(plane.angle, b=incidence_loss))
    return np.asarray(plane.direct * passed + plane.diffuse)
