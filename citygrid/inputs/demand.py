"""Demand of heat and power where nothing is measured: degree days and BDEW's standard profiles."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd
from demandlib import bdew
from numpy.typing import NDArray

from citygrid.inputs.tables import Floats
from citygrid.inputs.time import Horizon

#: Daily mean heat load of a whole city (Flensburg 2016), normalised to a mean of 1 over that year:
#: base + slope · max(limit − T, 0), T the day's mean of air temperature [degC]. R² = 0.963.
BASE, SLOPE, LIMIT = 0.356, 0.0944, 15.5
HOURS_OF_YEAR = 8760.0
#: A horizon of at least so many hours is a year, over which profiles are scaled to their energy.
YEAR_HOURS_MIN = 8640.0
HEAT_PROFILES = ("EFH", "MFH", "GMK", "GPD", "GHA", "GBD", "GKO", "GBH", "GGA", "GBA", "GWA",
                 "GGB", "GMF", "GHD")  # fmt: skip
POWER_PROFILES = ("h0", "h0_dyn", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "l0", "l1", "l2")


def degree_day_heat(
    air_temperature: Floats,
    annual_energy: float,
    horizon: Horizon,
    year_temperature: Floats | None = None,
    hourly_shape: Floats | None = None,
) -> Floats:
    """Heat load of a town from the weather, shape (T,) [kW].

    ``Q = E/8760 h · (0.356 + 0.0944 max(15.5 − T_day, 0)) · s_hour``, where ``T_day`` is the mean
    of ``air_temperature`` (T) [degC] over the steps of the local day and ``s`` the ``hourly_shape``
    (24,) by the hour of the local clock (mean 1; the default is :data:`HOURLY_SHAPE`).

    ``annual_energy`` [kWh] is that of a year as mild as Flensburg's 2016. Given a
    ``year_temperature`` (any regular steps) [degC], it is the energy of that year instead.

    Source: fit on the public heat load of Flensburg.
    """
    shape = HOURLY_SHAPE if hourly_shape is None else np.asarray(hourly_shape, dtype=np.float64)
    if shape.shape != (24,) or abs(shape.mean() - 1.0) > 1e-6:
        raise ValueError("the hourly shape is not 24 values of mean 1; divide it by its mean")
    local = horizon.local()
    day = pd.Series(air_temperature).groupby(np.asarray(local.date)).transform("mean")
    load = _degree_days(day.to_numpy(np.float64))
    scale = 1.0
    if year_temperature is not None:
        steps = max(round(len(year_temperature) / 365.25), 1)
        days = len(year_temperature) // steps
        daily = np.asarray(year_temperature)[: days * steps].reshape(days, steps).mean(axis=1)
        scale = 1.0 / float(_degree_days(daily).mean())
    return annual_energy / HOURS_OF_YEAR * scale * load * shape[np.asarray(local.hour)]


def _degree_days(day: Floats) -> Floats:
    return BASE + SLOPE * np.clip(LIMIT - day, 0.0, None)
