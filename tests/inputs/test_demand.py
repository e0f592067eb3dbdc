from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from citygrid.inputs.demand import (
    BASE,
    HOURLY_SHAPE,
    LIMIT,
    SLOPE,
    bdew_heat,
    bdew_power,
    degree_day_heat,
)
from citygrid.inputs.time import read_horizon

YEAR = read_horizon("2023-01-01T00:00+01:00", "8760 h", "1 h", "Europe/Berlin")
WEEK = read_horizon("2023-01-16T00:00+01:00", "168 h", "1 h", "Europe/Berlin")
AIR = 10.0 - 9.0 * np.cos(2 * np.pi * (np.arange(8760) / 24.0 - 20.0) / 365.0)
IN_WEEK = np.isin(YEAR.time, WEEK.time)


def test_a_town_heats_below_its_limit_and_keeps_a_base_above():
    warm, cold = (degree_day_heat(np.full(168, air), 8760e3, WEEK) for air in (25.0, 5.5))
    assert warm.mean() == pytest.approx(1000 * BASE)
    assert cold.mean() == pytest.approx(1000 * (BASE + SLOPE * (LIMIT - 5.5)))


def test_the_hourly_shape_moves_heat_within_the_day_only():
    shaped = degree_day_heat(AIR[IN_WEEK], 8760e3, WEEK)
    flat = degree_day_heat(AIR[IN_WEEK], 8760e3, WEEK, hourly_shape=np.ones(24))
    assert shaped.reshape(7, 24).sum(1) == pytest.approx(flat.reshape(7, 24).sum(1))
    assert shaped[:24].argmax() == HOURLY_SHAPE.argmax() == 6
    with pytest.raises(ValueError, match="24 values of mean 1"):
        degree_day_heat(AIR[IN_WEEK], 8760e3, WEEK, hourly_shape=np.full(24, 2.0))


def test_a_year_of_degree_days_has_the_years_energy():
    assert degree_day_heat(AIR, 1e6, YEAR, AIR).sum() == pytest.approx(1e6, rel=1e-3)


@pytest.mark.parametrize("profile", ["EFH", "MFH", "GHD", "GKO"])
def test_a_year_of_bdew_heat_has_the_years_energy(profile):
    assert bdew_heat(profile, 1e6, AIR, YEAR).sum() == pytest.approx(1e6)


def test_a_week_of_bdew_heat_is_its_part_of_the_year():
    """demandlib scales to its index: a week by itself would get the energy of the year."""
    year = bdew_heat("EFH", 1e6, AIR, YEAR)
    week = bdew_heat("EFH", 1e6, AIR[IN_WEEK], WEEK, year_temperature=AIR)
    assert week[72:] == pytest.approx(year[IN_WEEK][72:], rel=1e-3)
    assert week[:72] == pytest.approx(year[IN_WEEK][:72], rel=0.05)  # days before are not known
    alone = bdew_heat("EFH", 1e6, AIR[IN_WEEK], WEEK)
    assert 0.01 < alone.sum() / 1e6 < 0.06


def test_a_normal_day_of_bdew_heat_is_a_365th_of_the_year():
    """The norm means h to be 1 at 8 °C, and houses know no weekday."""
    week = bdew_heat("EFH", 365.0, np.full(168, 8.0), WEEK)
    assert week.reshape(7, 24).sum(axis=1) == pytest.approx(1.0, rel=0.05)


def test_colder_days_take_more_heat_and_extremes_are_no_error():
    mild, cold, extreme = (
        bdew_heat("EFH", 1e6, np.full(168, air), WEEK).sum() for air in (12.0, 0.0, -35.0)
    )
    assert mild < cold < extreme
    assert bdew_heat("MFH", 1e6, np.full(168, 45.0), WEEK).min() >= 0


def test_profiles_follow_the_local_clock_through_its_changes():
    """People get up by the clock: the same local hours before and after have the same load."""
    across = read_horizon("2023-03-25T00:00+01:00", "71 h", "1 h", "Europe/Berlin")
    local = across.local()
    for load in (
        bdew_heat("EFH", 1e6, np.full(71, 5.0), across),
        bdew_power("g0", 1e6, across, holidays=[date(2023, 3, day) for day in (25, 26, 27)]),
    ):
        series = pd.Series(load, index=local)
        saturday, monday = series["2023-03-25"], series["2023-03-27"]
        assert len(saturday) == 24 and len(series["2023-03-26"]) == 23
        assert monday.to_numpy() == pytest.approx(saturday.to_numpy(), rel=1e-6)


def test_power_profiles_have_the_years_energy_in_any_step():
    for profile in ("h0", "g0", "l0"):
        assert bdew_power(profile, 1e6, YEAR).sum() == pytest.approx(1e6, rel=1e-3)
    quarter = read_horizon("2023-01-16T00:00+01:00", "168 h", "15 min", "Europe/Berlin")
    two = read_horizon("2023-01-16T00:00+01:00", "168 h", "2 h", "Europe/Berlin")
    hourly = bdew_power("h0", 1e6, WEEK)
    assert bdew_power("h0", 1e6, quarter).reshape(-1, 4).mean(axis=1) == pytest.approx(hourly)
    assert hourly.reshape(-1, 2).mean(axis=1) == pytest.approx(bdew_power("h0", 1e6, two))


def test_a_horizon_over_new_year_has_both_years():
    horizon = read_horizon("2023-12-31T12:00+01:00", "24 h", "1 h", "Europe/Berlin")
    assert np.isfinite(bdew_power("h0", 1e6, horizon)).all()
    assert np.isfinite(bdew_heat("EFH", 1e6, np.zeros(24), horizon)).all()


def test_shops_rest_on_holidays():
    monday = read_horizon("2023-05-01T00:00+02:00", "24 h", "1 h", "Europe/Berlin")
    open_, closed = (bdew_power("g1", 1e6, monday, days).sum() for days in ([], [date(2023, 5, 1)]))
    assert closed < 0.5 * open_


def test_unknown_profiles_are_refused():
    with pytest.raises(ValueError, match="use one of EFH"):
        bdew_heat("XYZ", 1e6, AIR, YEAR)
    with pytest.raises(ValueError, match="use one of h0"):
        bdew_power("h9", 1e6, YEAR)
