"""Undisturbed ground at the depth of pipes, from a year of air temperature."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats

#: Depth [m] of the ground temperature: that of buried pipes.
GROUND_DEPTH = 1.0
#: Thermal diffusivity of soil [m²/s]: 2.3 W/mK over 2.5 MJ/m³K, moist as in the pipes' losses.
SOIL_DIFFUSIVITY = 2.3 / 2.5e6
#: Days of air temperature from which its yearly wave can be told.
YEAR_DAYS_MIN = 330


def ground_wave(
    stamps: NDArray[np.datetime64], air: Floats, time: NDArray[np.datetime64], depth: float
) -> Floats:
    """Ground [degC] at ``depth`` [m] and ``time`` (T) from a year of air temperature (N) [degC].

    Kusuda and Achenbach (1965): ``T(z, t) = T_m + A exp(−z/d) cos(ω (t − t_max) − z/d)`` with
    ``d = sqrt(2 α/ω)``; mean, amplitude and phase are those of the air's yearly wave, for the
    ground's surface is taken to follow the air.
    """
    omega = 2.0 * np.pi / (365.25 * 86_400.0)
    phase = omega * _since_new_year(stamps)
    waves = np.column_stack([np.ones(len(phase)), np.cos(phase), np.sin(phase)])
    mean, cosine, sine = np.linalg.lstsq(waves, air, rcond=None)[0]
    delay = depth / math.sqrt(2.0 * SOIL_DIFFUSIVITY / omega)
    later = omega * _since_new_year(time) - delay
    return np.asarray(mean + math.exp(-delay) * (cosine * np.cos(later) + sine * np.sin(later)))


def _since_new_year(stamps: NDArray[np.datetime64]) -> Floats:
    """Seconds since each stamp's own 1 January, so that a typical year's years do not matter."""
    year = stamps.astype("datetime64[Y]").astype("datetime64[ns]")
    return np.asarray((stamps - year) / np.timedelta64(1, "s"))
