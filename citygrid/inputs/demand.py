"""Demand of heat and power where nothing is measured: degree days and BDEW's standard profiles."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import date

import numpy as np
import pandas as pd
from demandlib import bdew

from citygrid.arrays import Floats
from citygrid.inputs.time import Horizon

#: Daily mean heat load of a whole city (Flensburg 2016), normalised to a mean of 1 over that year:
#: base + slope · max(limit − T, 0), T the day's mean of air temperature [degC]. R² = 0.963.
BASE, SLOPE, LIMIT = 0.356, 0.0944, 15.5
#: Flensburg's heat load by the hour of the local clock over the day's mean, 2014 and 2015.
HOURLY_SHAPE = np.array([
    0.891, 0.897, 0.916, 0.950, 1.009, 1.068, 1.118, 1.114, 1.094, 1.059, 1.025, 1.002,
    0.991, 0.986, 0.982, 0.990, 1.003, 1.020, 1.033, 1.033, 1.012, 0.974, 0.928, 0.905,
])  # fmt: skip
HOURS_OF_YEAR = 8760.0
#: A horizon of at least so many hours is a year, over which profiles are scaled to their energy.
YEAR_HOURS_MIN = 8640.0
#: BDEW's building class of German average for EFH and MFH.
AVERAGE_BUILDINGS = 11
HEAT_PROFILES = ("EFH", "MFH", "GMK", "GPD", "GHA", "GBD", "GKO", "GBH", "GGA", "GBA", "GWA",
                 "GGB", "GMF", "GHD")  # fmt: skip
POWER_PROFILES = ("h0", "h0_dyn", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "l0", "l1", "l2")
#: Daily means [degC] for which BDEW's hour factors are tabled.
_COLDEST, _WARMEST = -20.0, 39.0


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
    (24,) by the hour of the local clock (mean 1; default :data:`HOURLY_SHAPE`).

    ``annual_energy`` [kWh] is that of a year with the climate of Flensburg's 2016. Given a
    ``year_temperature`` (a year in regular steps) [degC], it is the energy of that year instead.

    Raises ``ValueError`` when the shape is not 24 values of mean 1.

    Source: fit on the public heat load of Flensburg (R² 0.963).
    """
    shape = HOURLY_SHAPE if hourly_shape is None else np.asarray(hourly_shape, dtype=np.float64)
    if shape.shape != (24,) or abs(shape.mean() - 1.0) > 1e-3:
        raise ValueError("the hourly shape is not 24 values of mean 1; divide it by its mean")
    local = horizon.local()
    day = pd.Series(air_temperature).groupby(np.asarray(local.date)).transform("mean")
    scale = 1.0
    if year_temperature is not None:
        scale /= float(_degree_days(_daily(year_temperature)).mean())
    load = _degree_days(day.to_numpy(np.float64)) * (shape / shape.mean())[np.asarray(local.hour)]
    return np.asarray(annual_energy / HOURS_OF_YEAR * scale * load)


def bdew_heat(
    profile: str,
    annual_energy: float,
    air_temperature: Floats,
    horizon: Horizon,
    year_temperature: Floats | None = None,
    building_class: int | None = None,
    windy: bool = False,
    hot_water: bool = True,
    holidays: Iterable[date] = (),
) -> Floats:
    """Heat load of buildings by BDEW's standard load profiles for gas, shape (T,) [kW].

    ``profile``: ``EFH`` and ``MFH`` (houses with one and several dwellings) or a trade (``GHD`` is
    their sum; see :data:`HEAT_PROFILES`). ``Q_day = KW · h(T) · F_weekday`` with the sigmoid ``h``
    of the day's temperature, of which the three days before have a part, spread by hour factors;
    by demandlib, on the local clock. Days before the horizon are taken as its first.

    ``annual_energy`` [kWh] is that of the horizon where it is a year, of the ``year_temperature``
    (a calendar year in regular steps) [degC] where that is given, and else of the profile's normal
    year (mean of ``h`` is 1). ``building_class`` 1 to 11 is the mix of old and new houses (default
    the German average), ``windy`` a site in the wind, ``holidays`` count as Sundays.

    Raises ``ValueError`` for an unknown profile.

    Source: BDEW/VKU/GEODE, Abwicklung von Standardlastprofilen Gas.
    """
    if profile.upper() not in HEAT_PROFILES:
        raise ValueError(f'unknown heat profile "{profile}"; use one of {", ".join(HEAT_PROFILES)}')
    houses = profile.upper() in ("EFH", "MFH")
    options = {
        "shlp_type": profile.upper(), "wind_class": int(windy), "ww_incl": hot_water,
        "building_class": (building_class or AVERAGE_BUILDINGS) if houses else 0,
        "holidays": list(holidays) or None,
    }  # fmt: skip
    parts = horizon.parts(1.0)
    grid = horizon.split(parts)
    wall = grid.local().tz_localize(None)
    mean = pd.Series(np.repeat(air_temperature, parts)).groupby(wall.normalize()).mean()
    before = pd.date_range(end=mean.index[0], periods=4, inclusive="left")
    daily = pd.concat([pd.Series(mean.iloc[0], index=before), mean])
    load = _bdew_days(daily, options).reindex(wall.floor("h")).to_numpy(np.float64)
    if year_temperature is not None:
        first = pd.Timestamp(year=wall[len(wall) // 2].year, month=1, day=1)
        days = _daily(year_temperature)
        year = pd.Series(days, index=pd.date_range(first, periods=len(days)))
        load *= annual_energy / float(_bdew_days(year, options).sum())
    elif horizon.length >= YEAR_HOURS_MIN:
        # A horizon a little longer or shorter than a year has so much more or less energy.
        load *= annual_energy * horizon.length / HOURS_OF_YEAR / (load.sum() * grid.step)
    else:
        load *= annual_energy / 365.0
    return np.asarray(load.reshape(-1, parts).mean(axis=1))


def bdew_power(
    profile: str, annual_energy: float, horizon: Horizon, holidays: Iterable[date] = ()
) -> Floats:
    """Power of consumers by BDEW's standard load profiles of 1999, shape (T,) [kW].

    ``profile``: ``h0`` households (``h0_dyn`` with the seasonal curve), ``g0`` to ``g6`` trades,
    ``l0`` to ``l2`` farms. ``annual_energy`` [kWh] is that of a calendar year; ``holidays`` count
    as Sundays. By demandlib in quarter hours of the local clock, averaged over longer steps.

    Raises ``ValueError`` for an unknown profile.

    Source: BDEW (VDEW), Repräsentative VDEW-Lastprofile, 1999.
    """
    if profile not in POWER_PROFILES:
        known = ", ".join(POWER_PROFILES)
        raise ValueError(f'unknown power profile "{profile}"; use one of {known}')
    parts = horizon.parts(0.25)
    quarter = horizon.split(parts).local().tz_localize(None).floor("15min")
    days_off = list(holidays)
    found = []
    for year in sorted(set(quarter.year)):
        with warnings.catch_warnings():  # demandlib turns warnings into errors for everybody
            profiles = bdew.ElecSlp(int(year), holidays=days_off or None)
        found.append(profiles.get_scaled_power_profiles({profile: annual_energy})[profile])
    load = pd.concat(found).reindex(quarter).to_numpy(np.float64)
    return np.asarray(load.reshape(-1, parts).mean(axis=1))


def _degree_days(day: Floats) -> Floats:
    return BASE + SLOPE * np.clip(LIMIT - day, 0.0, None)


def _daily(year: Floats) -> Floats:
    """Daily means of a year in regular steps."""
    steps = max(round(len(year) / 365.25), 1)
    days = len(year) // steps
    return np.asarray(np.asarray(year)[: days * steps].reshape(days, steps).mean(axis=1))


def _bdew_days(daily: pd.Series[float], options: dict[str, object]) -> pd.Series[float]:
    """Hourly load on the local clock over days of given mean temperature; KW = 1 kWh per day."""
    index = pd.date_range(daily.index[0], periods=24 * len(daily), freq="h")
    temperature = pd.Series(
        np.repeat(np.clip(daily.to_numpy(np.float64), _COLDEST, _WARMEST), 24), index=index
    )
    with warnings.catch_warnings():
        building = bdew.HeatBuilding(
            index, temperature=temperature, annual_heat_demand=1.0, **options
        )
        share = building.get_normalized_bdew_profile()
        # demandlib scales to the energy of its index; the norm's own h · F undoes that.
        a, b, c, d = building.get_sigmoid_parameters()
        weighted = a / (1.0 + (b / (building.df["temperature_geo"] - 40.0)) ** c) + d
        norm = float((weighted * building.get_weekday_parameters()).sum()) / 24.0
    return pd.Series(share * norm, index=index)
