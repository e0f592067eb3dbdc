"""Weather in the formats of EnergyPlus, NREL and PVGIS; the files are made here as documented."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from citygrid.errors import InputError
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import Weather, read_weather

PLACE = (50.0, 8.6, 112.0)
#: A summer's day in UTC.
DAY = read_horizon("2023-06-15T00:00Z", "24 h", "1 h", None)
LOCATION = {"latitude": 50.0, "longitude": 8.6, "elevation": 112.0}


def told(file: Path) -> Weather:
    return read_weather(file, DAY, *PLACE)


def tmy3(file: Path, zone: int = 1) -> Path:
    """Local hours 01:00 to 24:00; sun only in the hour that ends at 13:00."""
    header = (
        "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),GHI source,DNI (W/m^2),DHI (W/m^2),"
        "TotCld (tenths),Dry-bulb (C),RHum (%),Pressure (mbar),Wspd (m/s),CeilHgt (m)"
    )
    rows = [f"700000,Town,XX,{zone}.0,50.000,8.600,112", header]
    for day in pd.date_range("1999-01-01", "1999-12-31"):
        for hour in range(1, 25):
            sun = "500,1,600,100" if hour == 13 else "0,1,0,0"
            rows.append(f"{day:%m/%d/%Y},{hour:02d}:00,{sun},4,{hour}.0,80,990,4.0,-9900")
    file.write_text("\n".join(rows) + "\n")
    return file


def pvgis_hourly(file: Path, slope: str = "0", parts: bool = True) -> Path:
    """June of 2023 as PVGIS stamps it, at ten minutes past; sun at 12."""
    names = ["Gb(i)", "Gd(i)", "Gr(i)"] if parts else ["G(i)"]
    rows = []
    for at in pd.date_range("2023-06-01", "2023-06-30 23:00", freq="h"):
        sun = ([400.0, 100.0, 0.0] if parts else [500.0]) if at.hour == 12 else [0.0] * len(names)
        values = dict(zip(names, sun, strict=True))
        rows.append({"time": f"{at:%Y%m%d:%H}10", **values, "H_sun": 50.0,
                     "T2m": float(at.hour), "WS10m": 4.0, "Int": 0.0})  # fmt: skip
    if file.suffix == ".json":
        fixed = {"slope": {"value": int(slope), "optimal": False}}
        file.write_text(json.dumps({
            "inputs": {"location": LOCATION, "mounting_system": {"fixed": fixed}},
            "outputs": {"hourly": rows}, "meta": {"inputs": {}},
        }))  # fmt: skip
        return file
    head = ["Latitude (decimal degrees):\t50.000", "Longitude (decimal degrees):\t8.600",
            "Elevation (m):\t112", "Radiation database:\tPVGIS-SARAH3", "", "",
            f"Slope: {slope} deg. ", "Azimuth: 0 deg. ", ",".join(rows[0])]  # fmt: skip
    lines = [",".join(str(value) for value in row.values()) for row in rows]
    file.write_text("\n".join([*head, *lines, "", "Gb(i): Beam irradiance (W/m2)", ""]))
    return file


def pvgis_year(file: Path) -> Path:
    """A typical year in JSON: months of several years, sun at 12."""
    rows = [
        {"time(UTC)": f"{at:%Y%m%d:%H}00", "T2m": float(at.hour), "RH": 80.0,
         "G(h)": 500.0 * (at.hour == 12), "Gb(n)": 600.0 * (at.hour == 12),
         "Gd(h)": 100.0 * (at.hour == 12), "IR(h)": 300.0, "WS10m": 4.0, "WD10m": 180.0,
         "SP": 99000.0}
        for month in range(1, 13)
        for at in pd.date_range(f"{2005 + month}-{month:02d}-01", periods=24 * 31, freq="h")
        if at.month == month and (at.month, at.day) != (2, 29)
    ]  # fmt: skip
    file.write_text(json.dumps({
        "inputs": {"location": LOCATION},
        "outputs": {"months_selected": [], "tmy_hourly": rows}, "meta": {"inputs": {}},
    }))  # fmt: skip
    return file


def test_a_tmy3_year_names_the_end_of_its_local_hours(tmp_path: Path) -> None:
    """The hour that ends at 13:00 of UTC+1 begins at 11:00 UTC; wrong by one it would be 12."""
    weather = told(tmy3(tmp_path / "town.csv"))
    assert list(np.flatnonzero(weather.ghi)) == [11]
    assert (weather.ghi[11], weather.dni[11], weather.dhi[11]) == (500, 600, 100)
    assert weather.air_temperature[11] == pytest.approx(13.0)
    assert weather.air_temperature[23] == pytest.approx(1.0)
    assert weather.cloud_cover == pytest.approx(0.4)
    assert weather.wind_speed == pytest.approx(4.0)
    assert weather.relative_humidity == pytest.approx(0.8)


def test_a_tmy3_year_without_its_sun_is_told_by_line(tmp_path: Path) -> None:
    file = tmy3(tmp_path / "town.csv")
    lines = file.read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("06/15/1999,13:00"))
    lines[row] = lines[row].replace(",500,", ",-9900,")
    file.write_text("\n".join(lines))
    with pytest.raises(InputError, match=rf"row {row + 1}, .*ghi.*missing"):
        told(file)


@pytest.mark.parametrize("name", ["hours.csv", "hours.json"])
def test_pvgis_hours_are_those_of_their_own_year(tmp_path: Path, name: str) -> None:
    """Stamped ten minutes past, each value is its hour's; beam and diffuse add up to global."""
    weather = told(pvgis_hourly(tmp_path / name))
    assert list(np.flatnonzero(weather.ghi)) == [12]
    assert weather.ghi[12] == pytest.approx(500) and weather.dhi[12] == pytest.approx(100)
    assert weather.air_temperature == pytest.approx(np.arange(24.0))
    later = read_horizon("2024-06-15T00:00Z", "24 h", "1 h", None)
    with pytest.raises(InputError, match="does not cover the horizon"):
        read_weather(tmp_path / name, later, *PLACE)


def test_pvgis_hours_without_components_are_parted_by_a_model(tmp_path: Path) -> None:
    weather = told(pvgis_hourly(tmp_path / "hours.csv", parts=False))
    assert weather.ghi[12] == pytest.approx(500) and 100 < weather.dhi[12] < 500
    assert any("Erbs" in note for note in weather.notes)


def test_pvgis_hours_without_any_sun_have_the_rest(tmp_path: Path) -> None:
    file = pvgis_hourly(tmp_path / "hours.json", parts=False)
    document = json.loads(file.read_text())
    for row in document["outputs"]["hourly"]:
        del row["G(i)"]
    file.write_text(json.dumps(document))
    weather = told(file)
    assert weather.air_temperature == pytest.approx(np.arange(24.0)) and not weather.has("ghi")


@pytest.mark.parametrize("name", ["hours.csv", "hours.json"])
def test_pvgis_hours_on_a_slope_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"not horizontal.*35.*slope 0"):
        told(pvgis_hourly(tmp_path / name, slope="35"))


def test_a_typical_year_of_pvgis_in_json_serves_any_year(tmp_path: Path) -> None:
    weather = told(pvgis_year(tmp_path / "year.json"))
    assert list(np.flatnonzero(weather.ghi)) == [12]
    assert (weather.ghi[12], weather.dni[12], weather.dhi[12]) == (500, 600, 100)
    assert weather.air_temperature == pytest.approx(np.arange(24.0))
    leap = read_horizon("2024-02-29T00:00Z", "24 h", "1 h", None)
    assert read_weather(tmp_path / "year.json", leap, *PLACE).wind_speed == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "Latitude (decimal degrees): 50.0\nmonth,radiation\n1,30\n", "neither a typical"),
        ("a.json", '{"outputs": {"monthly": []}, "inputs": {}, "meta": {}}', "neither a typical"),
        ("a.json", '{"outputs": ', "cannot be read as JSON"),
        ("a.json", '{"outputs": {"tmy_hourly": []}}', "cannot be read as PVGIS"),
        ("a.csv", "1,a\nDate (MM/DD/YYYY),Time (HH:MM),x\n", "cannot be read as TMY3"),
        ("a.epw", "LOCATION,Town\n", "cannot be read as EPW"),
    ],
)
def test_cut_files_are_one_fault(tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=reason):
        told(tmp_path / name)


def test_a_table_may_say_its_units_behind_its_names(tmp_path: Path) -> None:
    """The form of typical years on the web: ``temperature_C``, ``ghi_W_m2``."""
    hours = pd.date_range("2023-06-14", periods=72, freq="h")
    pd.DataFrame({
        "time": hours.strftime("%Y-%m-%d %H:%M:%S"), "temperature_C": 20.0, "ghi_W_m2": 300.0,
        "dhi_W_m2": 100.0, "wind_speed_m_s": 4.0, "relative_humidity_percent": 80.0,
    }).to_csv(tmp_path / "town.csv", index=False)  # fmt: skip
    weather = read_weather(tmp_path / "town.csv", DAY, *PLACE, timezone="UTC")
    assert weather.air_temperature == pytest.approx(20) and weather.ghi.max() == pytest.approx(300)
    assert weather.relative_humidity == pytest.approx(0.8)
