"""Make the shipped series of Frankfurt and Flensburg and the manifest from the public raw files.

    python scripts/make_data.py RAW [--out REPOSITORY]

``RAW`` holds ``frankfurt_2023/`` (Open-Meteo JSON, day-ahead prices, carbon intensity),
``flensburg_2019/`` (heat load and prices), ``weather/`` (test reference year) and ``workload/``
(hourly CPU load, SURF tasks) as their repositories publish them; the manifest names each one with
its commit. This script is provenance: whoever plans a district never needs it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from origins import enter

from citygrid.files import whole
from citygrid.inputs.jobs import bundle_tasks
from citygrid.inputs.time import read_horizon
from citygrid.inputs.weather import read_weather

FOLDER = "frankfurt_2023"
FLENSBURG = "flensburg_2019"
BERLIN = "Europe/Berlin"
SITES = ("dc west", "dc east", "dc north", "dc south", "dc harbour", "dc campus")
#: Share of Google's trace in each site's load (the rest is Alibaba's), and days it is shifted by.
MIX = {"dc west": (0.5, 0), "dc east": (0.3, 17), "dc north": (0.7, 36), "dc south": (0.4, 61),
       "dc harbour": (0.6, 102), "dc campus": (0.2, 146)}  # fmt: skip

WEEK = pd.Timestamp("2023-01-16T00:00+01:00")
SITE_POWER = 400.0  # kW of IT at every site
JOB_SHARE = 0.40  # of half the sites' IT energy
CLASSES = (2.0, 4.0, 8.0, 12.0)
POWER_MIN, POWER_MAX = 15.0, 120.0  # kW of a job: smaller bundles are left out, larger ones split
SLACKS, SLACK_SHARES = (4.0, 8.0, 24.0), (0.3, 0.3, 0.4)  # h between shortest run and deadline
WINDOW_MAX = 24.0  # h from release to deadline, as in the SURF month file
SITE_COUNTS, SITE_SHARES = (1, 2, 3, 4, 6), (0.05, 0.30, 0.35, 0.20, 0.10)
PREEMPTIBLE = 0.1
SEED = 2023


# series ------------------------------------------------------------------------------------------


def make_weather(raw: Path) -> pd.DataFrame:
    """Open-Meteo's hours in UTC. Its stamps have a fixed offset, which the file states."""
    document = json.loads((raw / FOLDER / "openmeteo_DE-LU_2023.json").read_text())
    hourly = document["hourly"]
    zone = pd.Timedelta(seconds=document["utc_offset_seconds"])
    time = (pd.to_datetime(pd.Series(hourly["time"])) - zone).dt.tz_localize("UTC")
    return pd.DataFrame({
        "time": time,
        "temperature [degC]": np.array(hourly["temperature_2m"], dtype=np.float64),
        "relative humidity [%]": np.array(hourly["relative_humidity_2m"], dtype=np.float64),
        "cloud cover [%]": np.array(hourly["cloudcover"], dtype=np.float64),
        "wind speed [m/s]": np.round(np.array(hourly["windspeed_10m"]) / 3.6, 3),
    })  # fmt: skip


def make_spot(raw: Path) -> pd.DataFrame:
    """Day-ahead prices from wall-clock stamps to 8760 hours of UTC.

    The raw file has 24 rows on either day that clocks change. On 26 March its 02:00 does not exist
    (it repeats 03:00): dropped. On 29 October its one 02:00 stands for two hours (a third decimal,
    where prices have two, says that it is their mean): both get it.
    """
    frame = pd.read_csv(raw / FOLDER / "DE-LU_electricity_prices_2023.csv")
    wall = pd.DatetimeIndex(pd.to_datetime(frame.iloc[:, 0]))
    early = wall.tz_localize(BERLIN, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    price = pd.Series(frame.iloc[:, 1].to_numpy(float), index=early)
    price = price[price.index.notna()].tz_convert("UTC")
    hours = pd.date_range(price.index[0], price.index[-1], freq="h")
    price = price.reindex(hours)
    assert price.isna().sum() == 1 and len(price) == 8760
    return pd.DataFrame({"time": _stamps(hours), "price [EUR/MWh]": price.ffill().to_numpy()})


def make_carbon(raw: Path) -> pd.DataFrame:
    frame = pd.read_csv(raw / FOLDER / "DE-LU_2023_hourly_carbon_intensity.csv")
    # The year by Berlin's clock begins an hour before that of UTC: that hour takes the value after.
    frame = pd.concat([frame.iloc[:1], frame])
    time = pd.DatetimeIndex(pd.to_datetime(frame["Datetime (UTC)"], utc=True))
    time = time.where(np.arange(len(time)) > 0, time[0] - pd.Timedelta(hours=1))
    return pd.DataFrame({
        "time": _stamps(time),
        "direct [g/kWh]": frame["Carbon Intensity gCO₂eq/kWh (direct)"].to_numpy(),
        "life cycle [g/kWh]": frame["Carbon Intensity gCO₂eq/kWh (LCA)"].to_numpy(),
    })  # fmt: skip


def make_it_load(raw: Path) -> pd.DataFrame:
    """Utilisation of the six sites: two public CPU traces, mixed and shifted by whole days."""
    alibaba, google = (
        pd.read_csv(raw / "workload" / f"{name}_cpu_hourly_1.csv")["cpu_load"].to_numpy(float)
        for name in ("alibaba", "google")
    )
    hours = pd.date_range("2023-01-01T00:00+01:00", periods=8760, freq="h").tz_convert("UTC")
    every = np.arange(len(hours))
    columns = {"time": _stamps(hours)}
    for site, (share, days) in MIX.items():
        ours = share * google[(every + 24 * days) % len(google)]
        ours += (1.0 - share) * alibaba[(every + 24 * days) % len(alibaba)]
        columns[f"{site} [1]"] = np.round(np.clip(ours, 0.0, 1.0), 4)
    return pd.DataFrame(columns)


# Flensburg ---------------------------------------------------------------------------------------


def make_heat_and_prices(raw: Path) -> pd.DataFrame:
    """Heat load, prices and carbon of Flensburg in 2019: stamps of UTC+1 all year, taken to UTC."""
    frame = pd.read_csv(raw / FLENSBURG / "oemof_dh_2019.csv", sep=";")
    time = pd.DatetimeIndex(pd.to_datetime(frame["date"])).tz_localize("Etc/GMT-1")
    return pd.DataFrame({
        "time": _stamps(time.tz_convert("UTC")),
        "heat [MW]": frame["heat demand"].to_numpy(float),
        "gas [EUR/MWh]": frame["gas price"].to_numpy(float),
        "spot [EUR/MWh]": frame["el_spot_price"].to_numpy(float),
        "carbon [t/MWh]": np.round(frame["ef_om"].to_numpy(float), 6),
    })  # fmt: skip


def make_typical_weather(raw: Path) -> pd.DataFrame:
    """Hamburg's test reference year, laid over 2019 by month, day and hour."""
    (file,) = (raw / "weather").glob("dwd_TRY2015_hamburg_*.dat")
    year = read_horizon("2019-01-01T00:00+01:00", "8760 h", "1 h", BERLIN)
    weather = read_weather(file, year, 53.5485, 10.0234)
    columns = {
        "temperature [degC]": weather.air_temperature,
        "ground temperature [degC]": weather.ground_temperature,
        "relative humidity [%]": 100.0 * weather.relative_humidity,
        "wind speed [m/s]": weather.wind_speed,
        "ghi [W/m^2]": weather.ghi, "dni [W/m^2]": weather.dni, "dhi [W/m^2]": weather.dhi,
    }  # fmt: skip
    return pd.DataFrame({
        "time": pd.DatetimeIndex(year.time, tz="UTC"),
        **{name: np.round(values, 2).astype(np.float32) for name, values in columns.items()},
    })  # fmt: skip


def make_center_load(raw: Path) -> pd.DataFrame:
    """Utilisation of Flensburg's data centre: Google's trace as it is."""
    google = pd.read_csv(raw / "workload" / "google_cpu_hourly_1.csv")["cpu_load"].to_numpy(float)
    hours = pd.date_range("2019-01-01T00:00+01:00", periods=8760, freq="h").tz_convert("UTC")
    return pd.DataFrame({"time": _stamps(hours), "data centre [1]": np.round(google, 4)})


def _stamps(index: pd.DatetimeIndex) -> Any:
    return index.strftime("%Y-%m-%dT%H:%MZ")


# jobs --------------------------------------------------------------------------------------------


def make_jobs(raw: Path, hours: float, weekday: int | None) -> pd.DataFrame:
    """Jobs of the SURF week over ``hours`` from Monday 16 January 2023, 00:00.

    Bundled tasks are put on that week by local weekday and hour; a ``weekday`` (0 is Monday) puts
    that one day of the trace on the first day instead. What follows is assumed: power is scaled to
    ``JOB_SHARE``, urgency, data locality and preemptibility are drawn with a seed.
    """
    bundles = _bundles(raw, weekday)
    bundles = bundles[bundles["hour"] + bundles["duration [h]"] + SLACKS[0] <= hours]
    jobs = _scaled(bundles, _energy(hours))
    slack, preemptible, sites = _drawn(len(jobs), SEED)
    window = np.minimum(jobs["duration [h]"] + slack, WINDOW_MAX)
    deadline = np.minimum(jobs["hour"] + window, hours)
    return pd.DataFrame({
        "job": [f"job {i:03d}" for i in range(1, len(jobs) + 1)],
        "power [kW]": np.round(jobs["power [kW]"], 1).to_numpy(),
        "duration [h]": jobs["duration [h]"].to_numpy(),
        "release": [_local(h) for h in jobs["hour"]],
        "deadline": [_local(h) for h in deadline],
        "preemptible": np.where(preemptible, "true", "false"),
        "sites": sites,
    })  # fmt: skip


def make_jobs_of_the_year(raw: Path) -> pd.DataFrame:
    """Jobs of 2023: the SURF week on every week of the year, by Berlin's weekday and hour.

    Of every week submissions, durations and powers are those of the trace, scaled once for a whole
    week; urgency, data locality and preemptibility are drawn anew with the week's own seed. Of the
    first week there is its Sunday alone, and at the year's end what cannot be done any more is
    left out.
    """
    first, last = (pd.Timestamp(day, tz=BERLIN) for day in ("2023-01-01", "2024-01-01"))
    week = _scaled(_bundles(raw, None), _energy(168.0))
    length = pd.to_timedelta(week["duration [h]"], unit="h")
    found = []
    for number, monday in enumerate(pd.date_range("2022-12-26", "2023-12-25", freq="7D")):
        slack, preemptible, sites = _drawn(len(week), [SEED, number])
        # The clock skips an hour of one Sunday and repeats one of another: the next, and the first.
        wall = pd.Series(monday + pd.to_timedelta(week["hour"], unit="h"))
        release = wall.dt.tz_localize(
            BERLIN, nonexistent="shift_forward", ambiguous=np.ones(len(wall), dtype=bool)
        )
        window = np.minimum(week["duration [h]"] + slack, WINDOW_MAX)
        deadline = (release + pd.to_timedelta(window, unit="h")).clip(upper=last)
        jobs = pd.DataFrame({
            "power [kW]": np.round(week["power [kW]"], 1), "duration [h]": week["duration [h]"],
            "release": release.dt.tz_convert("UTC"), "deadline": deadline.dt.tz_convert("UTC"),
            "preemptible": preemptible, "sites": sites,
        })  # fmt: skip
        shortest = length + pd.Timedelta(hours=SLACKS[0])
        found.append(jobs[(release >= first) & (release + shortest <= last)])
    year = pd.concat(found, ignore_index=True)
    year.insert(0, "job", [f"job {i:05d}" for i in range(1, len(year) + 1)])
    return year


def _bundles(raw: Path, weekday: int | None) -> pd.DataFrame:
    """Bundled tasks of the SURF week with the ``hour`` of the week, or of one of its days."""
    tasks = pd.read_parquet(raw / "workload" / "surf_week_tasks.parquet")
    bundles = bundle_tasks(tasks, duration_classes=CLASSES)
    local = bundles["release"].dt.tz_convert(BERLIN)
    day = local.dt.dayofweek
    if weekday is not None:
        bundles, local, day = (part[day == weekday] for part in (bundles, local, day - weekday))
    release = local.dt.hour + 24.0 * day
    return bundles.assign(hour=release).sort_values(["hour", "duration [h]"])


def _energy(hours: float) -> float:
    """What jobs use in so many hours [kWh]: ``JOB_SHARE`` of half of what the sites can."""
    return JOB_SHARE * 0.5 * len(SITES) * SITE_POWER * hours


def _drawn(count: int, seed: int | list[int]) -> tuple[Any, Any, list[str]]:
    """Slack [h], preemptibility and sites of so many jobs, drawn with a seed."""
    draw = np.random.default_rng(seed)
    slack = draw.choice(SLACKS, size=count, p=SLACK_SHARES)
    counts = draw.choice(SITE_COUNTS, size=count, p=SITE_SHARES)
    chosen = [sorted(draw.choice(len(SITES), size=n, replace=False)) for n in counts]
    preemptible = draw.random(count) < PREEMPTIBLE
    return slack, preemptible, ["|".join(SITES[i] for i in sites) for sites in chosen]


def _scaled(bundles: pd.DataFrame, energy: float) -> pd.DataFrame:
    """Bundles whose power is scaled to ``energy`` [kWh]; small ones left out, large ones split."""
    scale = energy / float((bundles["power [kW]"] * bundles["duration [h]"]).sum())
    for _ in range(50):
        power = scale * bundles["power [kW]"]
        kept = bundles[power >= POWER_MIN]
        scale = energy / float((kept["power [kW]"] * kept["duration [h]"]).sum())
    kept = kept.assign(**{"power [kW]": scale * kept["power [kW]"]})
    parts = np.ceil(kept["power [kW]"] / POWER_MAX).astype(int)
    kept["power [kW]"] /= parts
    return kept.loc[kept.index.repeat(parts)].reset_index(drop=True)


def _local(hour: float) -> str:
    return (WEEK + pd.Timedelta(hours=hour)).isoformat(timespec="minutes")


# the manifest ------------------------------------------------------------------------------------

_SUSTAIN = "HewlettPackard/sustain-cluster @293fbd1 : data/"
_TIME = "start of the hour, UTC"
_TRACES = (
    "HewlettPackard/dc-rl @a92b4755 : data/Workload/ alibaba_cpu_hourly_1.csv, "
    "google_cpu_hourly_1.csv"
)
_SURF = (
    "atlarge-research/opendc @691036de : opendc-experiments/opendc-experiments-base/src/jmh/"
    "resources/workloadTraces/workloadScaling/ surf_week_tasks.parquet"
)
_JOB_COLUMNS = {
    "job": "name",
    "power [kW]": "IT power while it runs",
    "duration [h]": "how long it runs",
    "release": "earliest start, with its offset from UTC",
    "deadline": "latest end, with its offset from UTC",
    "preemptible": "whether it may be interrupted",
    "sites": "centres allowed, separated by |",
}
_JOBS_REAL = (
    "submission hours, durations and relative size of the jobs of a research computing centre "
    "(SURF, Netherlands) in the week of 7 to 13 October 2022"
)
_JOBS_ASSUMED = (
    "tasks of an hour and a class of durations (2, 4, 8, 12 h) are one job of the same energy at "
    "the class's duration, longer tasks cut at 12 h; bundles below 15 kW are left out, those above "
    "120 kW split; power is scaled to 40 % of half of what six sites of 400 kW can compute; a job "
    "must end 4 h, 8 h or 24 h (30, 30, 40 %) after it could at the earliest, at most 24 h after "
    "its release and within the file's span; 1, 2, 3, 4 or 6 sites (5, 30, 35, 20, 10 %) hold its "
    "data; 10 % may be interrupted. Drawn with seed 2023"
)
_YEAR_ASSUMED = (
    "that every week of 2023 is that one week: the same tasks at the same weekday and hour by "
    "Berlin's clock, with the same durations and powers, without holidays or seasons; "
    + _JOBS_ASSUMED
    + " and the number of the week (from 0, the week of 26 December 2022, of which only 1 January "
    "is in the year), so that slack, sites and what may be interrupted differ from week to week. "
    "Jobs that could not end 4 h before the year does are left out"
)

ABOUT: dict[str, dict[str, Any]] = {
    "weather.parquet": {
        "origin": _SUSTAIN + "weather/DE-LU/2023.json",
        "licence": "CC BY 4.0",
        "attribution": "Weather data by Open-Meteo.com, CC BY 4.0, changed",
        "real": "hourly weather of Frankfurt am Main, 50.088 N 8.654 E, 2023, as Open-Meteo's "
        "archive (a reanalysis) has it",
        "changed": "stamps of fixed UTC+1 to UTC; wind from km/h to m/s",
        "assumed": "nothing in the file. It has no irradiance: that is modelled from cloud cover "
        "when the file is read and comes to about 900 kWh/m² a year, some fifth less than is usual "
        "there",
        "columns": {
            "time": _TIME,
            "temperature [degC]": "air at 2 m",
            "relative humidity [%]": "at 2 m",
            "cloud cover [%]": "share of the sky",
            "wind speed [m/s]": "at 10 m",
        },
    },
    "spot.csv": {
        "origin": _SUSTAIN + "electricity_prices/processed/DE-LU/2023/",
        "licence": "ODbL 1.0 (share alike), as the repository states; this file is under ODbL 1.0",
        "attribution": "ENTSO-E Transparency Platform, by HewlettPackard/sustain-cluster",
        "real": "day-ahead prices of the bidding zone DE-LU in 2023, negative ones included",
        "changed": "the raw stamps are Berlin's wall clock without offset: taken to UTC. Its row "
        "2023-03-26 02:00, which does not exist and repeats the price of 03:00, is dropped",
        "assumed": "its one row 2023-10-29 02:00 stands for two hours (0.015, the only price with "
        "a third decimal, reads as their mean): 00:00 and 01:00 UTC both have it",
        "columns": {"time": _TIME, "price [EUR/MWh]": "day-ahead price"},
    },
    "carbon.csv": {
        "origin": _SUSTAIN + "carbon_intensity/DE-LU/2023/DE-LU_2023_hourly_carbon_intensity.csv",
        "licence": "ODbL 1.0 (share alike); this file is under ODbL 1.0",
        "attribution": "Electricity Maps, electricitymaps.com, ODbL 1.0",
        "real": "average carbon intensity of power used in Germany, 2023; 30 of the hours are "
        "marked as estimated. Average, not marginal: right for reports, doubtful for shifting",
        "assumed": "the hour 2022-12-31 23:00 UTC, which begins the year by Berlin's clock, has "
        "the value of the hour after it",
        "columns": {
            "time": _TIME,
            "direct [g/kWh]": "CO2 equivalent of generation itself",
            "life cycle [g/kWh]": "with building the plants and making the fuels",
        },
    },
    "it_load.csv": {
        "origin": _TRACES,
        "licence": "MIT (dc-rl); terms of Alibaba's and Google's own traces were not checked",
        "attribution": "Hewlett Packard Enterprise (dc-rl); cluster traces of Alibaba and Google",
        "real": "hourly mean CPU load of two clusters. Alibaba's is one week that repeats",
        "assumed": "that they are 2023 from 1 January, 00:00 UTC+1; each site mixes both and is "
        "shifted by whole days: "
        + "; ".join(
            f"{site} {share:.0%} Google, {days} days" for site, (share, days) in MIX.items()
        ),
        "columns": {
            "time": _TIME,
            **{f"{site} [1]": "share of the site's servers that is busy" for site in SITES},
        },
    },
    "jobs.csv": {
        "origin": _SURF,
        "licence": "MIT; terms of the upstream trace of SURF were not checked",
        "attribution": "(c) 2017 AtLarge Research (OpenDC); trace of SURF",
        "real": _JOBS_REAL,
        "assumed": "put on the week of 16 January 2023 by weekday and hour; " + _JOBS_ASSUMED,
        "columns": _JOB_COLUMNS,
    },
    "jobs_day.csv": {
        "origin": _SURF,
        "licence": "MIT; terms of the upstream trace of SURF were not checked",
        "attribution": "(c) 2017 AtLarge Research (OpenDC); trace of SURF",
        "real": _JOBS_REAL + ", its Monday alone",
        "assumed": "put on 16 January 2023, all within that day; " + _JOBS_ASSUMED,
        "columns": _JOB_COLUMNS,
    },
    "jobs_year.parquet": {
        "origin": _SURF,
        "licence": "MIT; terms of the upstream trace of SURF were not checked",
        "attribution": "(c) 2017 AtLarge Research (OpenDC); trace of SURF",
        "real": _JOBS_REAL + ", repeated",
        "assumed": _YEAR_ASSUMED,
        "columns": _JOB_COLUMNS
        | {"release": "earliest start, UTC", "deadline": "latest end, UTC"},
    },
}  # fmt: skip


ABOUT_FLENSBURG: dict[str, dict[str, Any]] = {
    "heat_and_prices.csv": {
        "origin": "oemof/oemof-solph @5131b060 : tutorials/introductory/district_heating_supply/"
        "input_data.csv",
        "licence": "MIT",
        "attribution": "(c) oemof developer group",
        "real": "hourly heat load of Flensburg's district heating in 2019, scaled by its authors "
        "to a peak of 20 MW; gas prices, German day-ahead prices (211 hours below 0) and emission "
        "factors of power of 2019",
        "assumed": "the raw stamps have no offset: they are read as UTC+1 all year",
        "changed": "stamps taken to UTC",
        "columns": {
            "time": _TIME,
            "heat [MW]": "heat fed into the network",
            "gas [EUR/MWh]": "price of natural gas",
            "spot [EUR/MWh]": "day-ahead price of power",
            "carbon [t/MWh]": "CO2 per power, operating margin",
        },
    },
    "weather.parquet": {
        "origin": "RWTH-EBC/districtgenerator @2fc166d4 : districtgenerator/data/weather/"
        "TRY_2015_Jahr/",
        "licence": "DWD open data (GeoNutzV); repository MIT",
        "attribution": "Deutscher Wetterdienst, test reference year 2015, Hamburg; changed",
        "real": "a typical year of Hamburg, 53.549 N 10.023 E, 140 km south of Flensburg",
        "assumed": "that it is 2019: its days are typical days and not those of the heat load. "
        "Ground temperature by the air's yearly wave, direct normal irradiance by the sun's height",
        "changed": "laid over 2019 by month, day and hour, as citygrid reads it",
        "columns": {
            "time": _TIME,
            "temperature [degC]": "air at 2 m",
            "ground temperature [degC]": "at 1 m, modelled",
            "relative humidity [%]": "at 2 m",
            "wind speed [m/s]": "at 10 m",
            "ghi [W/m^2]": "global irradiance on the horizontal",
            "dni [W/m^2]": "direct irradiance towards the sun",
            "dhi [W/m^2]": "diffuse irradiance on the horizontal",
        },
    },
    "it_load.csv": {
        "origin": "HewlettPackard/dc-rl @a92b4755 : data/Workload/google_cpu_hourly_1.csv",
        "licence": "MIT (dc-rl); terms of Google's own trace were not checked",
        "attribution": "Hewlett Packard Enterprise (dc-rl); cluster trace of Google",
        "real": "hourly mean CPU load of a cluster",
        "assumed": "that it is 2019 from 1 January, 00:00 UTC+1",
        "columns": {"time": _TIME, "data centre [1]": "share of the servers that is busy"},
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("raw", type=Path, help="folder with frankfurt_2023/ and workload/")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).resolve().parent.parent,
        help="folder that gets data/ (default: this repository)",
    )
    arguments = parser.parse_args()
    raw, data = arguments.raw, arguments.out / "data"
    frames = {
        FOLDER: {
            "weather.parquet": make_weather(raw),
            "spot.csv": make_spot(raw),
            "carbon.csv": make_carbon(raw),
            "it_load.csv": make_it_load(raw),
            "jobs.csv": make_jobs(raw, 168.0, None),
            "jobs_day.csv": make_jobs(raw, 24.0, 0),
            "jobs_year.parquet": make_jobs_of_the_year(raw),
        },
        FLENSBURG: {
            "heat_and_prices.csv": make_heat_and_prices(raw),
            "weather.parquet": make_typical_weather(raw),
            "it_load.csv": make_center_load(raw),
        },
    }
    entries = {}
    for folder, about in ((FOLDER, ABOUT), (FLENSBURG, ABOUT_FLENSBURG)):
        for name, frame in frames[folder].items():
            path = data / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path) as temporary:
                if path.suffix == ".parquet":
                    frame.to_parquet(temporary, index=False)
                else:
                    frame.to_csv(temporary, index=False, lineterminator="\n")
            entries[f"{folder}/{name}"] = {**about[name], "rows": len(frame)}
    enter(data, entries)


if __name__ == "__main__":
    main()
