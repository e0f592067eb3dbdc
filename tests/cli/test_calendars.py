"""Days on which clocks change, a leap day, and steps of five minutes: from the plan to the report.

Each district pays 1 EUR/kWh by day and half of it between 22:00 and 06:00 of its own clock, and
draws 10 kW all the time, so its cost counts the hours that its clock passes: 24 of a common day, 23
and 25 where clocks change.
"""

from __future__ import annotations

import json

import netCDF4
import pandas as pd
import pytest
from click.testing import CliRunner

from citygrid.cli import main

DISTRICT = """\
name: calendar
timezone: {zone}
horizon: {{start: {start}, length: {length}, step: {step}}}
nodes:
  plant: {{}}
components:
  grid:
    kind: grid
    node: plant
    import:
      max: 1 MW
      price: {{otherwise: 1 EUR/kWh, windows: [{{hours: "22:00-06:00", value: 0.5 EUR/kWh}}]}}
  battery: {{kind: battery, node: plant, capacity: 0.001 kWh, charge: 1 kW, discharge: 1 kW}}
  flats: {{kind: power_demand, node: plant, load: 10 kW}}
"""
#: zone, start, length, step; hours by night and by day; the first and the last stamp of its clock
CALENDARS = {
    "clocks go forward": ("Europe/Berlin", "2023-03-26T00:00", "23 h", "1 h", 7, 16,
                          "2023-03-26T00:00:00+01:00", "2023-03-26T23:00:00+02:00"),
    "clocks go back": ("Europe/Berlin", "2023-10-29T00:00", "25 h", "1 h", 9, 16,
                       "2023-10-29T00:00:00+02:00", "2023-10-29T23:00:00+01:00"),
    "a leap day": ("Europe/Berlin", "2024-02-29T00:00", "24 h", "1 h", 8, 16,
                   "2024-02-29T00:00:00+01:00", "2024-02-29T23:00:00+01:00"),
    "five minutes over the hour that is passed twice": (
        "Europe/Berlin", "2023-10-29T01:00", "3 h", "5 min", 3, 0,
        "2023-10-29T01:00:00+02:00", "2023-10-29T02:55:00+01:00"),
    "a zone of half an hour": ("Asia/Kolkata", "2023-01-16T00:00", "24 h", "30 min", 8, 16,
                               "2023-01-16T00:00:00+05:30", "2023-01-16T23:30:00+05:30"),
    "the turn of a year": ("UTC", "2023-12-31T12:00", "24 h", "2 h", 8, 16,
                           "2023-12-31T12:00:00+00:00", "2024-01-01T10:00:00+00:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALENDARS)
def test_a_calendar_comes_through_from_plan_to_report(name, tmp_path, monkeypatch):
    zone, start, length, step, night, day, first, last = CALENDARS[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calendar.yaml").write_text(
        DISTRICT.format(zone=zone, start=start, length=length, step=step)
    )

    def run(*words: str) -> dict:
        done = CliRunner().invoke(main, [*words])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if "--json" in words else {}

    planned = run("plan", "calendar.yaml", "--gap", "0", "--out", "out", "--json")
    assert planned["objective"] == pytest.approx(10.0 * (0.5 * night + day), abs=0.01)
    assert run("verify", "out/plan.nc", "--json")["verdict"]["ok"]
    run("export", "out/plan.nc", "--to", "csv,parquet,geojson,gpkg", "--out", "files")
    run("report", "out/plan.nc", "--out", "report.html")
    with netCDF4.Dataset("out/plan.nc") as stored:
        seconds = stored["time"][:]
    hours = night + day
    assert len(set(pd.Series(seconds).diff().dropna())) == 1
    assert len(seconds) * (seconds[1] - seconds[0]) == hours * 3600
    moments = pd.to_datetime(pd.read_csv("files/csv/dispatch.csv")["start_time"], utc=True)
    assert moments.nunique() == len(seconds)
    assert moments.min() == pd.Timestamp(first) and moments.max() == pd.Timestamp(last)
    assert moments.drop_duplicates().is_monotonic_increasing
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert zone in page or zone == "UTC"
