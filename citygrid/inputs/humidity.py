"""Humid air: the wet bulb, to which evaporation can cool water."""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats

#: Humidity for which the correlation was fitted [%]; drier or wetter air is taken at the edge.
DRIEST, WETTEST = 5.0, 99.0


def wet_bulb_temperature(air: Floats, humidity: Floats) -> Floats:
    """Wet-bulb temperature at sea level, shape (T,) [degC]; never above the air's.

    ``T_w = T atan(0.151977 (φ + 8.313659)^0.5) + atan(T + φ) − atan(φ − 1.676331) +
    0.00391838 φ^1.5 atan(0.023101 φ) − 4.686035`` with the relative humidity φ in %.

    air
        Outdoor air, shape (T,) [degC], -20 to 50.
    humidity
        Relative humidity, shape (T,), 0 to 1.

    Within 1 K. Source: R. Stull, "Wet-bulb temperature from relative humidity and air
    temperature", J. Appl. Meteorol. Climatol. 50 (2011) 2267–2269.
    """
    moist = np.clip(100.0 * np.asarray(humidity, dtype=float), DRIEST, WETTEST)
    bulb = (
        air * np.arctan(0.151977 * np.sqrt(moist + 8.313659))
        + np.arctan(air + moist)
        - np.arctan(moist - 1.676331)
        + 0.00391838 * moist**1.5 * np.arctan(0.023101 * moist)
        - 4.686035
    )
    return np.minimum(bulb, air)
