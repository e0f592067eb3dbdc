from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from citygrid.errors import InputError
from citygrid.inputs.ground import ground_wave
from citygrid.inputs.photovoltaic import photovoltaic_yield
from citygrid.inputs.plane import collector_irradiance
from citygrid.inputs.sun import clear_irradiance, cloudy_irradiance, height, solar_position
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import read_weather
from citygrid.inputs.weather_values import Values

FRANKFURT = (50.088, 8.654, 112.0)
SUMMER = read_horizon("2023-06-19T00:00Z", "48 h", "1 h", None)


def year_of_air(mean=10.0, amplitude=9.0, coldest=20.0):
    time = pd.date_range("2023-01-01", periods=8760, freq="h", tz="UTC")
    day = np.arange(8760) / 24.0
    return time, mean - amplitude * np.cos(2 * np.pi * (day - coldest) / 365.25)


def frame(**columns):
    time, air = year_of_air()
    return pd.DataFrame({"time": time, "temperature [degC]": air, **columns})


def stored(folder, table):
    file = folder / "weather.parquet"
    table.to_parquet(file, index=False)
    return file


def sun_of(horizon):
    return solar_position(horizon.middle, *FRANKFURT)


# Sun --------------------------------------------------------------------------------------------


def test_clouds_only_take_light_away_and_never_all_of_it():
    clear = np.array([800.0])
    found = [cloudy_irradiance(clear, np.array([c]))[0] for c in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert found[0] == 800.0 and found[-1] == pytest.approx(200.0)
    assert all(a > b for a, b in pairwise(found))


def test_a_clear_summer_day_in_frankfurt_is_bright_at_true_noon():
    """Kasten and Czeplak at no clouds is the clear sky; true noon at 8.65 E is 11:27 UTC."""
    sun = sun_of(SUMMER)
    clear = clear_irradiance(SUMMER.middle, sun, *FRANKFURT)
    assert 800 < clear["ghi"].max() < 950
    assert 700 < clear["dni"].max() < 950
    assert clear["ghi"].to_numpy()[:24].argmax() == 11
    assert sun["zenith"].min() == pytest.approx(50.088 - 23.44, abs=0.2)


@pytest.mark.parametrize("cover", [0.0, 60.0, 100.0])
def test_the_parts_of_irradiance_close(tmp_path, cover):
    """Without it a decomposition may invent or lose light: ghi = dhi + dni cos(zenith)."""
    weather = read_weather(
        stored(tmp_path, frame(**{"cloud cover [%]": np.full(8760, cover)})), SUMMER, *FRANKFURT
    )
    up = height(sun_of(SUMMER))
    assert weather.ghi == pytest.approx(weather.dhi + weather.dni * up, abs=1e-9)
    assert weather.ghi.min() >= 0 and weather.dni.max() < 1000
    night = up == 0
    assert night.any() and weather.ghi[night].max() == 0 and weather.dni[night].max() == 0
    assert any("modelled from cloud cover" in note for note in weather.notes)


def test_more_clouds_give_less_direct_light(tmp_path):
    def direct(cover):
        table = frame(**{"cloud cover [%]": np.full(8760, cover)})
        return read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT).dni.sum()

    assert direct(0.0) > direct(70.0) > direct(100.0)
    assert direct(100.0) < 0.05 * direct(0.0)


def test_measured_irradiance_is_taken_as_it_is_and_completed(tmp_path):
    horizon = read_horizon("2023-01-01T00:00Z", "8760 h", "1 h", None)
    sun = sun_of(horizon)
    up = height(sun)
    ghi, dhi = 500.0 * up, 100.0 * up
    both = frame(**{"ghi [W/m^2]": ghi, "dhi [W/m^2]": dhi})
    weather = read_weather(stored(tmp_path, both), SUMMER, *FRANKFURT)
    at = np.isin(horizon.time, SUMMER.time)
    assert weather.ghi == pytest.approx(ghi[at])
    high = up[at] > 0.2
    assert weather.dni[high] == pytest.approx(400.0)
    alone = read_weather(stored(tmp_path, both.drop(columns="dhi [W/m^2]")), SUMMER, *FRANKFURT)
    assert alone.ghi == pytest.approx(alone.dhi + alone.dni * up[at])
    assert any("Erbs" in note for note in alone.notes)


@pytest.mark.parametrize(("left", "words"), [
    (("ghi", "dni"), "diffuse irradiance computed from global and direct"),
    (("dni", "dhi"), "global irradiance computed from direct and diffuse"),
])  # fmt: skip
def test_two_parts_of_the_sun_tell_the_third(tmp_path, left, words):
    up = height(sun_of(read_horizon("2023-01-01T00:00Z", "8760 h", "1 h", None)))
    dni = np.where(up > 0.05, 400.0, 0.0)
    parts = {"ghi": 80.0 * up + dni * up, "dni": dni, "dhi": 80.0 * up}
    table = frame(**{f"{name} [W/m^2]": parts[name] for name in left})
    weather = read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT)
    high = height(sun_of(SUMMER))
    for name, values in (("dhi", 80.0 * high), ("ghi", weather.dni * high + 80.0 * high)):
        assert getattr(weather, name) == pytest.approx(values)
    assert any(words in note for note in weather.notes)


@pytest.mark.parametrize("reckon", [
    lambda weather, horizon: photovoltaic_yield(weather, horizon, 35, 180),
    lambda weather, horizon: collector_irradiance(weather, horizon, 40, 200, 0.1),
], ids=["photovoltaic", "collector"])  # fmt: skip
def test_what_the_sun_gives_in_long_steps_is_the_mean_of_their_hours(tmp_path, reckon):
    """Where it stands in the middle of six hours says little of the hours."""
    up = height(sun_of(read_horizon("2023-01-01T00:00Z", "8760 h", "1 h", None)))
    file = stored(tmp_path, frame(**{"ghi [W/m^2]": 600 * up, "dhi [W/m^2]": 200 * up}))
    hourly = reckon(read_weather(file, SUMMER, *FRANKFURT), SUMMER)
    long = read_horizon("2023-06-19T00:00Z", "48 h", "6 h", None)
    found = reckon(read_weather(file, long, *FRANKFURT), long)
    assert found == pytest.approx(hourly.reshape(-1, 6).mean(axis=1)) and found.max() > 0.2


def test_quantities_are_listed_without_working_them_out():
    worked_out = []
    values = Values({"a": np.ones(2)}, ("b",), lambda: worked_out.append(1) or {"b": np.zeros(2)})
    assert (list(values), len(values), "b" in values, worked_out) == (["a", "b"], 2, True, [])
    assert list(values["b"]) == [0, 0] and worked_out == [1] and len(values) == 2


@pytest.mark.parametrize("step", ["5 min", "15 min", "20 min", "2 h", "24 h"])
def test_irradiance_keeps_its_energy_in_any_step(tmp_path, step):
    """Shares within an hour follow the sun's height, so sums over whole hours do not change."""
    up = height(sun_of(read_horizon("2023-01-01T00:00Z", "8760 h", "1 h", None)))
    file = stored(tmp_path, frame(**{"ghi [W/m^2]": 600 * up, "dhi [W/m^2]": 200 * up}))
    hourly = read_weather(file, SUMMER, *FRANKFURT)
    horizon = read_horizon("2023-06-19T00:00Z", "48 h", step, None)
    other = read_weather(file, horizon, *FRANKFURT)
    assert (other.ghi * horizon.step).sum() == pytest.approx(hourly.ghi.sum())
    assert (other.dhi * horizon.step).sum() == pytest.approx(hourly.dhi.sum())
    if horizon.step < 1:
        dark = height(sun_of(horizon)) == 0
        assert other.ghi[dark].max() < 15  # only what an hour of hardly any sun spreads evenly


def test_steps_that_lie_between_the_stamps_are_reckoned_too(tmp_path):
    up = height(sun_of(read_horizon("2023-01-01T00:00Z", "8760 h", "1 h", None)))
    file = stored(tmp_path, frame(**{"ghi [W/m^2]": 600 * up}))
    shifted = read_horizon("2023-06-19T00:30Z", "24 h", "1 h", "Asia/Kolkata")
    weather = read_weather(file, shifted, *FRANKFURT)
    assert weather.ghi.sum() == pytest.approx(read_weather(
        file, read_horizon("2023-06-19T00:00Z", "24 h", "1 h", None), *FRANKFURT
    ).ghi.sum(), rel=0.01)  # fmt: skip


# Temperatures -----------------------------------------------------------------------------------


def test_air_is_interpolated_to_shorter_steps_and_averaged_over_longer(tmp_path):
    file = stored(tmp_path, frame())
    _, air = year_of_air()
    quarter = read_weather(file, read_horizon("2023-03-01T00:00Z", "2 h", "15 min", None),
                           *FRANKFURT)  # fmt: skip
    first = 59 * 24
    assert quarter.air_temperature[[0, 4]] == pytest.approx(air[[first, first + 1]])
    assert quarter.air_temperature[2] == pytest.approx(air[first : first + 2].mean())
    day = read_weather(file, read_horizon("2023-03-01T00:00Z", "2 d", "1 d", None), *FRANKFURT)
    assert day.air_temperature[0] == pytest.approx(air[first : first + 24].mean())


def test_the_ground_is_the_airs_wave_damped_and_late(tmp_path):
    """Deeper ground swings less and later around the same mean; at the surface it is the air."""
    time, air = year_of_air(mean=10.0, amplitude=9.0)
    stamps = time.tz_localize(None).to_numpy("datetime64[ns]")
    surface, pipe, deep = (ground_wave(stamps, air, stamps, z) for z in (0.0, 1.0, 10.0))
    assert surface == pytest.approx(air, abs=0.05)
    swings = [(wave.max() - wave.min()) / 2 for wave in (surface, pipe, deep)]
    # d = sqrt(2 α/ω) = 3.04 m: e^(−1/3.04) = 0.72, 1/3.04 of a radian = 19 days.
    assert swings[1] == pytest.approx(9.0 * 0.72, rel=0.01)
    assert swings[2] < 0.5
    assert (pipe.argmin() - surface.argmin()) / 24 == pytest.approx(19, abs=1)
    assert np.mean([w.mean() for w in (surface, pipe, deep)]) == pytest.approx(10.0, abs=0.05)
    weather = read_weather(stored(tmp_path, frame()), SUMMER, *FRANKFURT)
    at = np.isin(stamps, SUMMER.time)
    assert weather.ground_temperature == pytest.approx(pipe[at], abs=0.05)


def test_the_ground_does_not_follow_what_no_air_can_be(tmp_path):
    """99.9 degC is an EPW's word for unknown; 1e300 and `inf` ended the search of a wave."""
    table = frame()
    for at, slip in ((10, 99.9), (20, 1e300), (30, np.inf), (40, np.nan)):
        table.iloc[at, table.columns.get_loc("temperature [degC]")] = slip
    weather = read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT)
    clean = read_weather(stored(tmp_path, frame()), SUMMER, *FRANKFURT)
    assert weather.ground_temperature == pytest.approx(clean.ground_temperature, abs=0.05)


def test_a_year_mostly_unknown_has_no_wave(tmp_path):
    table = frame()
    table.iloc[:4000, table.columns.get_loc("temperature [degC]")] = np.nan
    table.iloc[6000:, table.columns.get_loc("temperature [degC]")] = np.nan
    weather = read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT)
    with pytest.raises(InputError, match=r"air of 84 days.*ground temperature \[degC\]"):
        _ = weather.ground_temperature


def test_what_a_short_file_cannot_tell_is_refused_when_asked_and_not_before(tmp_path):
    weather = read_weather(stored(tmp_path, frame().iloc[4000:4200]), SUMMER, *FRANKFURT)
    assert len(weather.air_temperature) == 48
    assert not weather.has("ground_temperature") and not weather.has("ghi")
    with pytest.raises(InputError, match=r"air of 9 days.*ground temperature \[degC\]"):
        _ = weather.ground_temperature
    with pytest.raises(InputError, match=r"ghi.*cloud cover"):
        _ = weather.ghi


# Formats ----------------------------------------------------------------------------------------


def test_a_table_is_read_by_its_names_and_units(tmp_path):
    table = frame(**{
        "wind speed [km/h]": np.full(8760, 36.0), "relative humidity [%]": np.full(8760, 80.0),
        "cloud cover [%]": np.full(8760, 50.0), "ground temperature [K]": np.full(8760, 283.15),
    })  # fmt: skip
    weather = read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT)
    assert weather.wind_speed == pytest.approx(10.0)
    assert weather.relative_humidity == pytest.approx(0.8)
    assert weather.cloud_cover == pytest.approx(0.5)
    assert weather.ground_temperature == pytest.approx(10.0)


def open_meteo(folder, **hourly):
    time, air = year_of_air()
    wall = [f"{at:%Y-%m-%dT%H:%M}" for at in time]  # by the file's own clock
    document = {
        "latitude": 50.08, "longitude": 8.65, "elevation": 111.0, "utc_offset_seconds": 3600,
        "timezone": "Europe/Berlin",
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C", "windspeed_10m": "km/h",
                         "cloudcover": "%", "shortwave_radiation": "W/m²"},
        "hourly": {"time": wall, "temperature_2m": list(air), **hourly},
    }  # fmt: skip
    file = folder / "weather.json"
    file.write_text(json.dumps(document))
    return file


def test_open_meteo_keeps_one_offset_all_year_whatever_its_zone_is_called(tmp_path):
    """The first stamp of a fixed UTC+1 is 23:00 UTC; in summer it is still one hour, not two."""
    _, air = year_of_air()
    file = open_meteo(tmp_path, windspeed_10m=[18.0] * 8760, cloudcover=[0.0] * 8760)
    weather = read_weather(file, SUMMER, *FRANKFURT)
    first = int((SUMMER.time[0] - np.datetime64("2023-01-01")) / np.timedelta64(1, "h"))
    assert weather.air_temperature[0] == pytest.approx(air[first + 1])
    assert weather.wind_speed == pytest.approx(5.0)


def test_open_meteo_may_count_seconds_of_utc(tmp_path):
    """With `timeformat=unixtime` stamps are UTC, whatever offset the file states."""
    _, air = year_of_air()
    file = open_meteo(tmp_path)
    document = json.loads(file.read_text())
    begin = int(pd.Timestamp("2023-01-01", tz="UTC").timestamp())
    document["hourly"]["time"] = [begin + 3600 * hour for hour in range(8760)]
    file.write_text(json.dumps(document))
    first = int((SUMMER.time[0] - np.datetime64("2023-01-01")) / np.timedelta64(1, "h"))
    weather = read_weather(file, SUMMER, *FRANKFURT)
    assert weather.air_temperature[0] == pytest.approx(air[first])


def test_open_meteos_irradiance_is_that_of_the_hour_before_its_stamp(tmp_path):
    up = height(sun_of(read_horizon("2022-12-31T23:00Z", "8760 h", "1 h", None)))
    preceding = np.concatenate([[0.0], 700.0 * up[:-1]])
    weather = read_weather(
        open_meteo(tmp_path, shortwave_radiation=list(preceding)), SUMMER, *FRANKFURT
    )
    assert weather.ghi == pytest.approx(700.0 * height(sun_of(SUMMER)))


def reference_year(file):
    """A year of DWD whose air is the number of the hour over 100."""
    head = ["Testreferenzjahr", "Format: ...", "RW HW MM DD HH t p WR WG N x RF B D A E IL", "*** "]
    body = []
    for i, at in enumerate(pd.date_range("2001-01-01", periods=8760, freq="h")):
        sun = f"{200 if 11 <= at.hour < 14 else 0} {100 if 11 <= at.hour < 14 else 0}"
        body.append(f"4001500 2966500 {at.month} {at.day} {at.hour + 1} {i / 100} 1000 90 3.0 4 5 "
                    f"70 {sun} 300 -300 0")  # fmt: skip
    file.write_text("\n".join(head + body) + "\n", encoding="latin-1")
    return file


def test_a_reference_year_of_dwd_names_the_end_of_its_hours(tmp_path):
    """Hour 1 of UTC+1 is 23:00 UTC of the day before; B and D are horizontal."""
    file = reference_year(tmp_path / "TRY.dat")
    horizon = read_horizon("2022-12-31T23:00Z", "24 h", "1 h", None)
    weather = read_weather(file, horizon, 53.5, 10.0, 7.0)
    assert weather.air_temperature == pytest.approx(np.arange(24) / 100)
    assert weather.ghi[11:14] == pytest.approx(300.0) and weather.ghi.sum() == pytest.approx(900)
    assert weather.cloud_cover == pytest.approx(0.5)
    assert weather.relative_humidity == pytest.approx(0.7)


def test_a_reference_year_of_dwd_may_lack_the_clouds(tmp_path):
    file = reference_year(tmp_path / "TRY.dat")
    file.write_text(file.read_text().replace(" N x RF", " X x RF"))
    weather = read_weather(file, SUMMER, 53.5, 10.0, 7.0)
    assert weather.has("ghi") and not weather.has("cloud_cover")


def test_a_row_of_a_typical_year_without_its_time_is_told(tmp_path):
    """Fuzzing: a moment that is none ended the search of the ground's wave."""
    file = reference_year(tmp_path / "TRY.dat")
    file.write_text(file.read_text().replace(" 3 5 7 ", " 3 nan 7 ", 1))
    with pytest.raises(InputError, match=r"TRY.dat: has no time in row 1519 of its data"):
        read_weather(file, SUMMER, 53.5, 10.0, 7.0)


@pytest.mark.parametrize("name", ["town.epw", "town.csv"])
def test_typical_years_of_energyplus_and_pvgis_have_sun_and_wind(tmp_path, name):
    """EnergyPlus counts hours 1 to 24 of UTC+1 by their end, PVGIS stamps UTC."""
    lines, zone = [], 1 if name.endswith("epw") else 0
    for at in pd.date_range("2001-01-01", periods=8760, freq="h"):
        noon = (at - pd.Timedelta(hours=zone)).hour == 12
        ghi, dni, dhi = (500, 600, 100) if noon else (0, 0, 0)
        if zone:
            cells = [at.year, at.month, at.day, at.hour + 1, 60, "_", 5.0, 2.0, 80, 99000, 0, 0]
            cells += [300, ghi, dni, dhi, 0, 0, 0, 0, 180, 4.0, *[0] * 13]
        else:
            cells = [f"{at:%Y%m%d:%H}00", 5.0, 80, ghi, dni, dhi, 300, 4.0, 180, 99000]
        lines.append(",".join(str(cell) for cell in cells))
    if zone:
        head = ["LOCATION,Town,-,DEU,TEST,1,50.0,8.6,1.0,112.0", *["X"] * 7]
    else:
        head = ["Latitude (decimal degrees): 50.0", "Longitude (decimal degrees): 8.6"]
        head += ["Elevation (m): 112", "month,year", *(f"{m},2001" for m in range(1, 13))]
        head.append("time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP")
    file = tmp_path / name
    file.write_text("\n".join(head + lines) + "\n")
    weather = read_weather(file, SUMMER, *FRANKFURT)
    assert list(np.flatnonzero(weather.ghi)) == [12, 36]
    assert (weather.ghi[12], weather.dni[12], weather.dhi[12]) == (500, 600, 100)
    assert weather.air_temperature == pytest.approx(5.0)
    assert weather.wind_speed == pytest.approx(4.0)
    assert weather.relative_humidity == pytest.approx(0.8)
    assert weather.ground_temperature == pytest.approx(5.0)


def test_weather_of_another_place_is_noted(tmp_path):
    weather = read_weather(open_meteo(tmp_path), SUMMER, 53.5, 10.0, 7.0)
    assert any("50.08 N 8.65 E" in note for note in weather.notes)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.rename(columns={"temperature [degC]": "t"}), "no column of air temperature"),
        (lambda t: t.rename(columns={"temperature [degC]": "temperature"}), "no unit"),
        (lambda t: t.assign(**{"air_temperature [degC]": 1.0}), "two columns are the air temp"),
        (lambda t: t.assign(**{"ghi [kg]": 1.0}), "not a irradiance|not an? irradiance"),
        (lambda t: t.iloc[:1000], "does not cover the horizon"),
        (lambda t: t.drop(index=t.index[169 * 24 + 5]), "comes 2 h after"),
        (lambda t: t.assign(time=t["time"].dt.tz_localize(None)), "do not say their offset"),
    ],
)
def test_wrong_weather_is_refused(tmp_path, change, told):
    file = stored(tmp_path, change(frame()))
    with pytest.raises(InputError, match=told):
        read_weather(file, SUMMER, *FRANKFURT)


def test_a_missing_value_is_told_once_with_its_row(tmp_path):
    table = frame(**{"cloud cover [%]": np.full(8760, 50.0)})
    table.loc[169 * 24 + 3, "cloud cover [%]"] = np.nan
    with pytest.raises(InputError, match=f"row {169 * 24 + 4}.*missing") as caught:
        read_weather(stored(tmp_path, table), SUMMER, *FRANKFURT)
    assert len(caught.value.faults) == 1
