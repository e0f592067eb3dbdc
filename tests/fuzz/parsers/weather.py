"""Weather of EPW, TMY3, PVGIS, Open-Meteo and DWD, each known by its ending and how it begins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import read_weather

HORIZON = read_horizon("2023-06-15T08:00Z", "4 h", "1 h", None)
_DAYS = pd.date_range("2023-06-14", "2023-06-16 23:00", freq="h")


def _epw() -> bytes:
    head = ["LOCATION,Town,-,XX,TMY3,700000,50.0,8.6,1.0,112.0", "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0", "HOLIDAYS,No,0,0,0",
            "COMMENTS 1,", "COMMENTS 2,", "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"]  # fmt: skip
    rows = [
        f"1999,{t.month},{t.day},{t.hour + 1},60,A7A7,{t.hour}.0,5.0,70,99000,0,0,300,500,600,100,"
        "0,0,0,0,180,4.0,5,5,20.0,77777,9,999999999,0,0.1,0,88,0.2,0.0,1.0"
        for t in _DAYS
    ]
    return "\n".join([*head, *rows, ""]).encode()


def _tmy3() -> bytes:
    head = ["700000,Town,XX,1.0,50.000,8.600,112",
            "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2),TotCld (tenths),"
            "Dry-bulb (C),RHum (%),Pressure (mbar),Wspd (m/s)"]  # fmt: skip
    rows = [
        f"{t:%m/%d}/1999,{t.hour + 1:02d}:00,500,600,100,4,{t.hour}.0,80,990,4.0" for t in _DAYS
    ]
    return "\n".join([*head, *rows, ""]).encode()


_PLACE = {"latitude": 50.0, "longitude": 8.6, "elevation": 112.0}
_ROWS = [{"time": f"{t:%Y%m%d:%H}10", "Gb(i)": 400.0, "Gd(i)": 100.0, "Gr(i)": 0.0, "H_sun": 50.0,
          "T2m": float(t.hour), "WS10m": 4.0, "Int": 0.0} for t in _DAYS]  # fmt: skip


def _pvgis() -> bytes:
    head = ["Latitude (decimal degrees):\t50.000", "Longitude (decimal degrees):\t8.600",
            "Elevation (m):\t112", "Radiation database:\tPVGIS-SARAH3", "", "", "Slope: 0 deg. ",
            "Azimuth: 0 deg. ", ",".join(_ROWS[0])]  # fmt: skip
    rows = [",".join(str(value) for value in row.values()) for row in _ROWS]
    return "\n".join([*head, *rows, "", "Gb(i): Beam irradiance (W/m2)", ""]).encode()


def _pvgis_json() -> bytes:
    fixed = {"fixed": {"slope": {"value": 0, "optimal": False}}}
    return json.dumps({"inputs": {"location": _PLACE, "mounting_system": fixed},
                       "outputs": {"hourly": _ROWS}, "meta": {"inputs": {}}}).encode()  # fmt: skip


def _open_meteo() -> bytes:
    hourly = {
        "time": [f"{t:%Y-%m-%dT%H:%M}" for t in _DAYS],
        "temperature_2m": [float(t.hour) for t in _DAYS],
        "cloud_cover": [40 for _ in _DAYS],
    }
    return json.dumps({**_PLACE, "utc_offset_seconds": 3600, "hourly": hourly, "hourly_units": {
        "time": "iso8601", "temperature_2m": "°C", "cloud_cover": "%"}}).encode()  # fmt: skip


def _dwd() -> bytes:
    head = ["Rechtswert : 4000000 Meter", "RW HW MM DD HH t p WR WG N x RF B D A E IL", "***"]
    rows = [f"1 1 {t.month} {t.day} {t.hour + 1} {t.hour}.0 990 180 4.0 4 8 70 100 100 300 300 1"
            for t in pd.date_range("2001-01-01", "2001-12-31 23:00", freq="h")]  # fmt: skip
    return "\n".join([*head, *rows, ""]).encode()


#: The first bytes say the ending, which a mutation may change as well.
_ENDINGS = {b"E": ".epw", b"T": ".csv", b"J": ".json", b"D": ".dat"}
SEEDS = [b"E" + _epw(), b"T" + _tmy3(), b"T" + _pvgis(), b"J" + _pvgis_json(), b"J" + _open_meteo(),
         b"D" + _dwd(), b"Ttime,temperature [degC],wind speed [m/s]\n" + b"".join(
             b"2023-06-15T%02d:00Z,%d,3\n" % (h, h) for h in range(24))]  # fmt: skip


def read(data: bytes, folder: Path) -> None:
    path = folder / f"weather{_ENDINGS.get(data[:1], '.csv')}"
    path.write_bytes(data[1:])
    weather = read_weather(path, HORIZON, 50.0, 8.6, 112.0)
    assert weather.air_temperature.shape == (4,) and np.isfinite(weather.air_temperature).all()
    for quantity in ("ghi", "wind_speed"):
        if weather.has(quantity):
            assert np.isfinite(weather.values[quantity]).all()
