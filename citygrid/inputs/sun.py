"""The sun: its position, clear and cloudy skies, and irradiance in its parts. All by pvlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from citygrid.arrays import Floats, Stamps

if TYPE_CHECKING:
    import pandas as pd


def solar_position(
    time: Stamps, latitude: float, longitude: float, altitude: float
) -> pd.DataFrame:
    """Sun at moments in UTC (T): pvlib's ``zenith``, ``apparent_zenith``, ``azimuth``, … [deg]."""
    import pandas as pd
    import pvlib

    index = pd.DatetimeIndex(time, tz="UTC")
    return pvlib.solarposition.get_solarposition(index, latitude, longitude, altitude)


def height(sun: pd.DataFrame) -> Floats:
    """Share of direct irradiance that meets the horizontal: cos(zenith), 0 at night (T)."""
    return np.clip(np.cos(np.radians(sun["zenith"].to_numpy(np.float64))), 0.0, None)


def clear_irradiance(
    time: Stamps, sun: pd.DataFrame, latitude: float, longitude: float, altitude: float
) -> pd.DataFrame:
    """``ghi, dni, dhi`` [W/m^2] (T) of a clear sky by Ineichen and Perez (2002).

    The haze is the monthly Linke turbidity that pvlib ships.
    """
    import pandas as pd
    import pvlib

    location = pvlib.location.Location(latitude, longitude, "UTC", altitude)
    index = pd.DatetimeIndex(time, tz="UTC")
    return location.get_clearsky(index, model="ineichen", solar_position=sun)


def cloudy_irradiance(clear_ghi: Floats, cloud_cover: Floats) -> Floats:
    """Global horizontal irradiance [W/m^2] (T) under a share of clouds (T).

    ``ghi = ghi_clear (1 − 0.75 c^3.4)``, Kasten and Czeplak (1980).
    """
    return clear_ghi * (1.0 - 0.75 * np.clip(cloud_cover, 0.0, 1.0) ** 3.4)


def parted(time: Stamps, ghi: Floats, sun: pd.DataFrame) -> tuple[Floats, Floats]:
    """Direct normal and diffuse horizontal [W/m^2] (T) of a global one: Erbs et al. (1982)."""
    import pandas as pd
    import pvlib

    index = pd.DatetimeIndex(time, tz="UTC")
    parts = pvlib.irradiance.erbs(ghi, sun["zenith"].to_numpy(np.float64), index)
    dni = np.nan_to_num(np.asarray(parts["dni"], dtype=np.float64))
    # What Erbs leaves over at a very low sun is diffuse: the three parts stay consistent.
    return dni, np.clip(ghi - dni * height(sun), 0.0, None)


def direct_normal(ghi: Floats, dhi: Floats, sun: pd.DataFrame, clear: pd.DataFrame) -> Floats:
    """Direct normal irradiance [W/m^2] (T) from global and diffuse.

    At a low sun no more than that of a clear sky; 0 where the sun is too low to tell.
    """
    import pandas as pd
    import pvlib

    index = sun.index
    found = pvlib.irradiance.dni(
        pd.Series(ghi, index), pd.Series(dhi, index), sun["zenith"], dni_clear=clear["dni"]
    )
    return np.nan_to_num(found.to_numpy(np.float64))
