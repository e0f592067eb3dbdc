"""The shipped data: what the manifest says of them is so, and they are what they claim."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pandas as pd
import pyogrio
import pytest
import yaml

from citygrid.inputs.jobs import read_jobs
from citygrid.inputs.photovoltaic import photovoltaic_yield
from citygrid.inputs.series import SeriesSpec, read_series
from citygrid.inputs.tables import read_table
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import read_weather

WEEK = read_horizon("2023-01-16T00:00+01:00", "168 h", "1 h", "Europe/Berlin")
YEAR = read_horizon("2023-01-01T00:00+01:00", "8760 h", "1 h", "Europe/Berlin")
YEAR_2019 = read_horizon("2019-01-01T00:00+01:00", "8760 h", "1 h", "Europe/Berlin")
#: Unit in a header → canonical unit.
UNITS = {"EUR/MWh]": "EUR/kWh", "g/kWh]": "kg/kWh", "t/MWh]": "kg/kWh", "MW]": "kW", "kW]": "kW"}
SITES = {"dc west", "dc east", "dc north", "dc south", "dc harbour", "dc campus"}


@pytest.fixture(scope="module")
def data(repository):
    return repository / "data"


@pytest.fixture(scope="module")
def manifest(data):
    return yaml.safe_load((data / "MANIFEST.yaml").read_text(encoding="utf-8"))["files"]


def test_every_file_is_what_the_manifest_describes(data, manifest):
    wrong = []
    for name, entry in manifest.items():
        file = data / name
        missing = {"origin", "licence", "attribution", "real", "assumed", "columns"} - set(entry)
        if missing:
            wrong.append(f"{name}: lacks {missing}")
        if hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
            wrong.append(f"{name}: other checksum")
        if file.suffix == ".gpkg":
            if set(pyogrio.list_layers(file)[:, 0]) != set(entry["columns"]):
                wrong.append(f"{name}: other layers")
            continue
        table = read_table(file)
        if [column.header for column in table.columns] != list(entry["columns"]):
            wrong.append(f"{name}: other columns")
        if len(table.rows) != entry["rows"]:
            wrong.append(f"{name}: other number of rows")
    assert wrong == []


def test_every_shipped_file_is_in_the_manifest(data, manifest):
    there = {
        str(file.relative_to(data))
        for file in data.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    }
    assert there == {"MANIFEST.yaml", *manifest}
    assert sum(file.stat().st_size for file in data.rglob("*") if file.is_file()) < 5e6


def test_a_script_enters_its_files_and_leaves_other_entries(data, manifest, tmp_path, repository):
    """Written anew, the manifest used to lose what another script or a person had entered."""
    sys.path.insert(0, str(repository / "scripts"))
    try:
        from origins import enter
    finally:
        sys.path.remove(str(repository / "scripts"))
    (tmp_path / "MANIFEST.yaml").write_bytes((data / "MANIFEST.yaml").read_bytes())
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "series.csv").write_text("time,price\n")
    enter(tmp_path, {"tiny/series.csv": {"origin": "a test"}})
    found = yaml.safe_load((tmp_path / "MANIFEST.yaml").read_text("utf-8"))["files"]
    assert {k: v for k, v in found.items() if k != "tiny/series.csv"} == {
        k: v for k, v in manifest.items() if k != "tiny/series.csv"
    }
    digest = hashlib.sha256(b"time,price\n").hexdigest()
    assert found["tiny/series.csv"] == {"origin": "a test", "sha256": digest}


def test_every_series_covers_the_year_by_the_local_clock(data, manifest):
    for name, entry in manifest.items():
        year_long = name.startswith(("frankfurt_2023/", "flensburg_2019/"))
        if not year_long or not name.endswith(".csv") or "jobs" in name:
            continue
        for header in list(entry["columns"])[1:]:
            canonical = UNITS.get(header.partition("[")[2], "1")
            spec = SeriesSpec(data / name, column=header)
            year = YEAR_2019 if name.startswith("flensburg_2019") else YEAR
            assert len(read_series(spec, year, canonical)) == 8760


def test_spot_prices_are_those_of_2023_in_utc(data):
    """Prices follow the clock: the weekday evening peaks about 19:00 local, all year."""
    price = read_series(SeriesSpec(data / "frankfurt_2023/spot.csv"), YEAR, "EUR/kWh")
    assert price.mean() == pytest.approx(0.0952, abs=2e-4)
    assert price.min() == pytest.approx(-0.5)
    series = pd.Series(price, index=YEAR.local())
    for months in ((1, 2, 11, 12), (5, 6, 7, 8)):
        part = series[series.index.month.isin(months) & (series.index.dayofweek < 5)]
        afternoon = part[part.index.hour >= 14]
        peak = int(afternoon.groupby(afternoon.index.hour).mean().idxmax())
        assert peak in (18, 19, 20), (months, peak)


def test_carbon_is_an_average_factor_and_life_cycle_counts_more(data):
    direct, cycle = (
        read_series(SeriesSpec(data / "frankfurt_2023/carbon.csv", column=c), YEAR, "kg/kWh")
        for c in ("direct", "life cycle")
    )
    assert direct.mean() == pytest.approx(0.3077, abs=5e-4)
    assert direct.min() > 0.08 and direct.max() < 0.65
    assert (cycle > direct).all()


def test_sites_compute_differently_and_within_their_servers(data):
    loads = np.array([
        read_series(SeriesSpec(data / "frankfurt_2023/it_load.csv", column=site), YEAR, "1")
        for site in sorted(SITES)
    ])  # fmt: skip
    assert loads.min() >= 0 and loads.max() <= 1
    assert 0.4 < loads.mean() < 0.8
    assert np.corrcoef(loads)[np.triu_indices(6, 1)].max() < 0.9


def test_weather_is_frankfurts_and_pv_earns_in_summer(data):
    weather = read_weather(data / "frankfurt_2023/weather.parquet", YEAR, 50.088, 8.654, 112.0)
    assert weather.air_temperature.mean() == pytest.approx(12.09, abs=0.01)
    assert weather.air_temperature.max() == pytest.approx(35.0)
    # The sun warms: the warmest hour of a mean summer day is in the local afternoon.
    summer = pd.Series(weather.air_temperature, index=YEAR.local()).loc["2023-06":"2023-08"]
    assert 15 <= summer.groupby(summer.index.hour).mean().idxmax() <= 17
    assert 5 < weather.ground_temperature.min() < weather.ground_temperature.max() < 20
    assert weather.ghi.sum() / 1000 == pytest.approx(903, rel=0.01)  # kWh/m², as the manifest says
    solar = photovoltaic_yield(weather, YEAR, 35, 180)
    assert 700 < solar.sum() < 1100
    monthly = pd.Series(solar, index=YEAR.local()).groupby(YEAR.local().month).sum()
    assert monthly[6] > 3 * monthly[12]


@pytest.mark.parametrize(
    ("name", "hours", "fewest"), [("jobs.csv", 168, 160), ("jobs_day.csv", 24, 24)]
)
def test_jobs_fit_the_week_and_the_sites(data, name, hours, fewest):
    jobs = read_jobs(data / "frankfurt_2023" / name)
    assert len(jobs) >= fewest
    assert jobs.release.min() >= WEEK.start
    assert jobs.deadline.max() <= WEEK.start + np.timedelta64(hours, "h")
    window = (jobs.deadline - jobs.release) / np.timedelta64(1, "h")
    assert (window >= jobs.duration + 4).all() and window.max() <= 24
    assert jobs.duration.min() >= 1 and jobs.duration.max() <= 12
    share = jobs.energy.sum() / (0.5 * 6 * 400 * hours)
    assert 0.35 < share < 0.45
    assert {site for sites in jobs.sites for site in sites} == SITES
    allowed = np.array([len(sites) for sites in jobs.sites])
    assert ((allowed >= 2) & (allowed <= 4)).mean() > 0.6
    assert 0.05 < jobs.preemptible.mean() < 0.2


def test_jobs_of_the_year_are_the_week_again_and_again(data):
    """Durations and powers repeat; sites, slack and what may be interrupted are drawn anew."""
    jobs = read_jobs(data / "frankfurt_2023" / "jobs_year.parquet")
    assert jobs.release.min() >= YEAR.start
    assert jobs.deadline.max() <= YEAR.start + np.timedelta64(8760, "h")
    window = (jobs.deadline - jobs.release) / np.timedelta64(1, "h")
    assert (window >= jobs.duration + 4).all() and window.max() <= 24
    assert 0.38 < jobs.energy.sum() / (0.5 * 6 * 400 * 8760) < 0.42
    frame = pd.DataFrame({
        "power": jobs.power, "duration": jobs.duration, "preemptible": jobs.preemptible,
        "sites": ["|".join(sites) for sites in jobs.sites], "window": window,
    }, index=pd.DatetimeIndex(jobs.release, tz="UTC").tz_convert("Europe/Berlin"))  # fmt: skip
    # In winter and in summer by the same clock on the wall.
    weeks = [
        frame.loc[first:last]
        for first, last in (
            ("2023-01-16", "2023-01-22"),
            ("2023-01-23", "2023-01-29"),
            ("2023-07-10", "2023-07-16"),
        )
    ]
    for week in weeks[1:]:
        assert list(week.index.hour) == list(weeks[0].index.hour)
        assert np.array_equal(week[["power", "duration"]], weeks[0][["power", "duration"]])
        for drawn in ("sites", "window", "preemptible"):
            assert list(week[drawn]) != list(weeks[0][drawn])
    assert set("|".join(frame.sites).split("|")) == SITES
    assert 0.08 < jobs.preemptible.mean() < 0.12


def test_flensburgs_year_is_what_its_sources_say(data):
    """Peak 20 MW, 66.5 GWh; 211 hours below zero; people get up in the morning."""
    file = data / "flensburg_2019" / "heat_and_prices.csv"

    def column(name, unit):
        return read_series(SeriesSpec(file, column=name), YEAR_2019, unit)

    heat, spot = column("heat", "kW"), column("spot", "EUR/kWh")
    assert (heat.max(), heat.min()) == pytest.approx((20_000, 344))
    assert heat.sum() / 1e6 == pytest.approx(66.496, abs=1e-3)
    assert (spot < 0).sum() == 211
    daily = pd.Series(heat, index=YEAR_2019.local())["2019-01":"2019-03"]
    assert daily.groupby(daily.index.hour).mean().idxmax() in (6, 7, 8)
    carbon = column("carbon", "kg/kWh")
    assert (carbon.min(), carbon.max()) == pytest.approx((0.137094, 0.645121), abs=1e-6)


def test_flensburgs_weather_is_a_typical_year_of_hamburg(data):
    file = data / "flensburg_2019" / "weather.parquet"
    weather = read_weather(file, YEAR_2019, 54.783, 9.437, 12.0)
    assert weather.air_temperature.mean() == pytest.approx(9.8, abs=0.1)
    assert 900 < weather.ghi.sum() / 1000 < 1100  # kWh/m²
    assert 2 < weather.wind_speed.mean() < 6
    summer = pd.Series(weather.ghi, index=YEAR_2019.local()).loc["2019-06":"2019-07"]
    assert summer.groupby(summer.index.hour).mean().idxmax() in (12, 13, 14)
