from __future__ import annotations

import numpy as np
import pytest

from citygrid.errors import Fault, InputError
from citygrid.inputs.photovoltaic import photovoltaic_yield
from citygrid.inputs.sun import clear_irradiance, solar_position
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import Weather

FRANKFURT = (50.088, 8.654, 112.0)


def clear(horizon, air=15.0, wind=None):
    """A clear sky over the horizon."""
    sky = clear_irradiance(horizon.middle, solar_position(horizon.middle, *FRANKFURT), *FRANKFURT)
    values = {name: sky[name].to_numpy() for name in ("ghi", "dni", "dhi")}
    values["air_temperature"] = np.full(len(horizon), air)
    if wind is not None:
        values["wind_speed"] = np.full(len(horizon), wind)
    return Weather(*FRANKFURT, values, {})


@pytest.fixture(scope="module")
def june():
    return read_horizon("2023-06-20T22:00Z", "24 h", "1 h", None)


def test_a_plant_gives_nothing_at_night_and_never_draws(june):
    found = photovoltaic_yield(clear(june), june, 35, 180)
    sun = solar_position(june.middle, *FRANKFURT)
    assert (found >= 0).all()
    assert found[(sun["apparent_zenith"] > 92).to_numpy()].max() == 0
    assert np.isfinite(found).all()


def test_a_clear_noon_gives_less_than_the_peak_but_not_much(june):
    """About 900 W/m² on the plane, 14 % lost, inverter 96 %, cells some 25 K above the air."""
    found = photovoltaic_yield(clear(june), june, 35, 180)
    assert 0.62 < found.max() < 0.80
    assert 5.0 < found.sum() < 7.5


def test_east_gives_in_the_morning_west_in_the_evening(june):
    east, west = (photovoltaic_yield(clear(june), june, 30, azimuth) for azimuth in (90, 270))
    noon = 13  # 11:30 UTC is the middle of step 13
    assert east[:noon].sum() > 1.3 * west[:noon].sum()
    assert west[noon + 1 :].sum() > 1.3 * east[noon + 1 :].sum()
    assert east.sum() == pytest.approx(west.sum(), rel=0.05)


def test_in_winter_a_steep_plane_beats_a_flat_one():
    january = read_horizon("2023-01-16T00:00Z", "24 h", "1 h", None)
    flat, steep = (photovoltaic_yield(clear(january), january, tilt, 180) for tilt in (0, 60))
    assert steep.sum() > 2 * flat.sum()


def test_warm_cells_give_less_and_wind_cools_them(june):
    cool, warm = (photovoltaic_yield(clear(june, air), june, 35, 180) for air in (5.0, 35.0))
    noon = int(cool.argmax())
    assert warm[noon] / cool[noon] == pytest.approx(1 - 30 * 0.004 / (1 - 0.004 * 8), abs=0.02)
    breeze = photovoltaic_yield(clear(june, 35.0, wind=8.0), june, 35, 180)
    assert breeze[noon] > warm[noon]
    no_effect = [
        photovoltaic_yield(clear(june, air), june, 35, 180, temperature_coefficient=0.0)
        for air in (5.0, 35.0)
    ]
    assert no_effect[0] == pytest.approx(no_effect[1])


def test_losses_scale_the_yield(june):
    """Nearly: the inverter is a little worse at part load."""
    ideal, lossy = (photovoltaic_yield(clear(june), june, 35, 180, losses=x) for x in (0.0, 0.2))
    assert lossy.sum() == pytest.approx(0.8 * ideal.sum(), rel=0.02)


def test_without_sun_in_the_weather_it_is_refused(june):
    weather = Weather(*FRANKFURT, {"air_temperature": np.zeros(24)}, {
        name: Fault("w.csv", f"does not tell the {name}") for name in ("ghi", "dni", "dhi")
    })  # fmt: skip
    with pytest.raises(InputError, match="does not tell the dni"):
        photovoltaic_yield(weather, june, 35, 180)
