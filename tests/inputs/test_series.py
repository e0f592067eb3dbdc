from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from citygrid.errors import InputError
from citygrid.inputs.series import SeriesSpec, read_series
from citygrid.inputs.time import read_horizon

HORIZON = read_horizon("2023-01-16T00:00Z", "4 h", "1 h", None)


def hours(start, length, step):
    return read_horizon(f"2023-01-16T{start}Z", length, step, None)


def rows(start, count, step="1h", value=lambda i: i, stamp="%Y-%m-%dT%H:%MZ"):
    index = pd.date_range(start, periods=count, freq=step)
    return "".join(f"{at.strftime(stamp)},{value(i)}\n" for i, at in enumerate(index))


def write(folder, text, name="series.csv"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def read(file, horizon=HORIZON, canonical="kW", **options):
    return read_series(SeriesSpec(file, **options), horizon, canonical)


def faults(file, horizon=HORIZON, canonical="kW", **options):
    with pytest.raises(InputError) as caught:
        read(file, horizon, canonical, **options)
    return [str(fault) for fault in caught.value.faults]


# Files ------------------------------------------------------------------------------------------


def test_a_series_is_cut_to_the_horizon_in_canonical_units(tmp_path):
    file = write(tmp_path, "time,power [MW]\n" + rows("2023-01-15T22:00", 8))
    assert list(read(file)) == [2000.0, 3000.0, 4000.0, 5000.0]


def test_the_unit_of_the_spec_serves_where_the_header_has_none(tmp_path):
    file = write(tmp_path, "time,price\n" + rows("2023-01-16", 4, value=lambda i: 60 + i))
    found = read(file, canonical="EUR/kWh", unit="EUR/MWh")
    assert found == pytest.approx([0.060, 0.061, 0.062, 0.063])


def test_offset_units_are_converted_with_their_offset(tmp_path):
    file = write(tmp_path, "time,air [K]\n" + rows("2023-01-16", 4, value=lambda i: 273.15 + i))
    assert read(file, canonical="degC") == pytest.approx([0, 1, 2, 3])


def test_semicolons_decimal_commas_comments_and_dotted_dates(tmp_path):
    text = "# from the utility\nZeit;Last [kW];\n"
    text += "".join(f"16.01.2023 {h:02d}:00;{h},5;\n" for h in range(2)) + "# a break\n\n"
    text += "".join(f"16.01.2023 {h:02d}:00;{h},5;\n" for h in range(2, 4))
    assert list(read(write(tmp_path, text), timezone="UTC")) == [0.5, 1.5, 2.5, 3.5]


def test_a_column_is_found_by_header_name_or_without_regard_to_case(tmp_path):
    file = write(tmp_path, "time,Low,High [kW]\n2023-01-16T00:00Z,1,2\n2023-01-16T01:00Z,1,2\n")
    horizon = read_horizon("2023-01-16T00:00Z", "2 h", "1 h", None)
    for column in ("High [kW]", "High", "high"):
        assert list(read(file, horizon, column=column)) == [2.0, 2.0]


@pytest.mark.parametrize("stamp", [
    "1600-01-01T00:00", "9999-12-31T00:00", "2023-02-29T00:00", "2023-01-16T24:00",
    "2023-01-16T10:60", "٢٠٢٣-01-16T00:00", "0000-01-01", "31.02.2023 00:00",
])  # fmt: skip
def test_a_stamp_that_no_calendar_or_clock_has_is_refused(tmp_path, stamp):
    """One beyond what nanoseconds reach would silently be read as another year."""
    file = write(tmp_path, f"time,power [kW]\n2023-01-16T00:00,1\n{stamp},2\n")
    with pytest.raises(InputError, match=r"row 3.*cannot read the time stamp"):
        read(file, timezone="UTC")


@pytest.mark.parametrize("cell", ["1_000", "١", "0x10", "1e", "1d3", "--5", "True"])
def test_a_cell_that_only_a_programme_takes_for_a_number_is_none(tmp_path, cell):
    stamps = [f"2023-01-16T{h:02d}:00Z" for h in range(4)]
    rows = "".join(f"{stamp},{cell}\n" for stamp in stamps)
    with pytest.raises(InputError, match="the value is not a number"):
        read(write(tmp_path, f"time,power [kW]\n{rows}"))


@pytest.mark.parametrize("stamped", ["index", "aware", "naive", "text"])
def test_parquet_with_any_kind_of_stamps(tmp_path, stamped):
    time = pd.date_range("2023-01-16", periods=4, freq="h", tz="UTC")
    frame = pd.DataFrame({"power [kW]": [1.0, 2.0, 3.0, 4.0]})
    if stamped == "index":
        frame.index = time
    elif stamped == "aware":
        frame.insert(0, "time", time.tz_convert("Europe/Berlin"))
    elif stamped == "naive":
        frame.insert(0, "time", time.tz_localize(None))
    else:
        frame.insert(0, "time", time.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    file = tmp_path / "series.parquet"
    frame.to_parquet(file)
    zone = "UTC" if stamped == "naive" else None
    assert list(read(file, timezone=zone)) == [1.0, 2.0, 3.0, 4.0]


def test_netcdf_by_variable_with_units_of_its_own(tmp_path):
    time = pd.date_range("2023-01-16", periods=4, freq="h")
    dataset = xr.Dataset(
        {
            "ghi": (("time", "site"), np.array([[1.0], [2.0], [3.0], [4.0]]), {"units": "W m-2"}),
            "flow": (("time", "pipe"), np.ones((4, 3)), {"units": "kg s-1"}),
        },
        {"time": time},
    )
    file = tmp_path / "series.nc"
    dataset.to_netcdf(file)
    assert list(read(file, column="ghi", canonical="W/m^2")) == [1.0, 2.0, 3.0, 4.0]
    assert "pipe: 3" in faults(file, column="flow", canonical="kg/s")[0]


def test_netcdf_with_two_times_is_read_by_the_one_that_is_named(tmp_path):
    """Of variables beside those over it, a text among them, nothing is asked."""
    time = pd.date_range("2023-01-16", periods=4, freq="h")
    dataset = xr.Dataset(
        {"flow": ("time", np.arange(4.0), {"units": "kW"}), "run": ("made", np.arange(2.0)),
         "note": ((), "made by hand")},
        {"time": time, "made": pd.date_range("2022-01-01", periods=2, freq="D")},
    )  # fmt: skip
    file = tmp_path / "series.nc"
    dataset.to_netcdf(file)
    assert list(read(file, column="flow", time="time")) == [0.0, 1.0, 2.0, 3.0]
    assert "which dimension is time is not clear" in faults(file, column="flow")[0]


def test_a_table_of_numbers_alone_has_no_stamps(tmp_path):
    file = tmp_path / "table.parquet"
    pd.DataFrame({"power [kW]": [1.0, 2.0], "more [kW]": [3.0, 4.0]}).to_parquet(file, index=False)
    (told,) = faults(file, column="power")
    assert "no column of time stamps is found" in told and "power [kW]" in told


def test_a_column_of_yes_and_no_holds_no_numbers(tmp_path):
    file = tmp_path / "table.parquet"
    time = pd.date_range("2023-01-16", periods=4, freq="h", tz="UTC")
    pd.DataFrame({"time": time, "on": [True, False, True, True]}).to_parquet(file, index=False)
    told = faults(file, column="on")
    assert any("holds no numbers" in fault for fault in told), told


def test_offsets_that_are_those_of_the_zone_are_no_contradiction(tmp_path):
    text = "time,power [kW]\n" + rows("2023-01-16T01:00", 4, stamp="%Y-%m-%dT%H:%M+01:00")
    assert list(read(write(tmp_path, text), timezone="Europe/Berlin")) == [0.0, 1.0, 2.0, 3.0]


def test_of_many_rows_that_are_cut_the_first_are_told(tmp_path):
    text = "time,power [kW]\n" + "".join(f"2023-01-16T0{i % 10}:00Z,1,1\n" for i in range(50))
    found = faults(write(tmp_path, text))
    assert len(found) < 50 and "more rows: another number of cells" in found[-1]


def test_one_file_is_read_anew_when_it_changes(tmp_path):
    file = write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 4))
    assert read(file)[3] == 3.0
    write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 4, value=lambda i: 100 * i))
    assert read(file)[3] == 300.0


# Steps ------------------------------------------------------------------------------------------


def test_a_finer_file_is_averaged_and_keeps_its_energy(tmp_path):
    file = write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 16, "15min"))
    assert list(read(file)) == [1.5, 5.5, 9.5, 13.5]
    assert read(file).sum() * 1.0 == pytest.approx(sum(range(16)) * 0.25)


def test_a_coarser_file_is_held_and_keeps_its_energy(tmp_path):
    file = write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 4))
    quarter = read_horizon("2023-01-16T00:30Z", "2 h", "15 min", None)
    assert list(read(file, quarter)) == [0, 0, 1, 1, 1, 1, 2, 2]
    assert list(read(file, quarter, resample="mean")) == [0, 0, 1, 1, 1, 1, 2, 2]


def test_interpolation_reads_the_line_between_stamps(tmp_path):
    file = write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 4))
    quarter = read_horizon("2023-01-16T00:30Z", "1 h", "15 min", None)
    assert list(read(file, quarter, resample="interpolate")) == [0.5, 0.75, 1.0, 1.25]
    shifted = read_horizon("2023-01-16T00:20Z", "2 h", "1 h", None)
    assert read(file, shifted, resample="interpolate") == pytest.approx([1 / 3, 4 / 3])


@pytest.mark.parametrize(
    ("step", "horizon", "resample", "told"),
    [
        ("15min", HORIZON, "refuse", "has other steps.*allow `resample`"),
        ("15min", HORIZON, "hold", "would drop values.*`resample: mean`"),
        ("15min", HORIZON, "interpolate", "would drop values"),
        ("45min", HORIZON, None, "steps that do not fit.*0.75 h|45 min"),
        ("60min", hours("00:20", "2 h", "1 h"), None, "steps that do not fit.*interpolate"),
        ("60min", hours("00:20", "2 h", "30 min"), None, "steps that do not fit"),
        ("60min", hours("00:00", "50 min", "25 min"), None, "steps that do not fit.*25 min"),
    ],
)
def test_steps_that_do_not_fit_are_refused(tmp_path, step, horizon, resample, told):
    file = write(tmp_path, "time,power [kW]\n" + rows("2023-01-16", 40, step))
    assert re.search(told, "\n".join(faults(file, horizon, resample=resample)))


# Clocks -----------------------------------------------------------------------------------------


def local(zone, start, count, step="1h"):
    """A file by the local clock, as a meter writes it: the autumn hour twice, no spring hour."""
    index = pd.date_range(start, periods=count, freq=step, tz="UTC").tz_convert(zone)
    return "time,power [kW]\n" + "".join(f"{at:%Y-%m-%d %H:%M},{i}\n" for i, at in enumerate(index))


@pytest.mark.parametrize("step", ["1h", "15min", "30min"])
@pytest.mark.parametrize("start", ["2023-03-25T20:00", "2023-10-28T20:00"])
def test_a_local_file_through_a_clock_change_is_the_utc_series(tmp_path, start, step):
    file = write(tmp_path, local("Europe/Berlin", start, 60, step))
    horizon = read_horizon(start + "Z", "9 h", step.replace("min", " min").replace("h", " h"), None)
    assert list(read(file, horizon, timezone="Europe/Berlin")) == list(range(len(horizon)))


@pytest.mark.parametrize("drop", [0, 1])
def test_a_local_file_may_begin_within_the_doubled_hour(tmp_path, drop):
    """00:30Z is 02:30 the first time, 01:30Z the second; then the clock reads 03:30."""
    start = f"2023-10-29T0{drop}:30"
    file = write(tmp_path, local("Europe/Berlin", start, 5))
    horizon = read_horizon(start + "Z", "5 h", "1 h", None)
    assert list(read(file, horizon, timezone="Europe/Berlin")) == [0, 1, 2, 3, 4]


def test_clocks_of_the_south_change_the_other_way_round(tmp_path):
    for start in ("2023-04-01T12:00", "2023-09-30T12:00"):
        file = write(tmp_path, local("Australia/Sydney", start, 12))
        horizon = read_horizon(start + "Z", "12 h", "1 h", None)
        assert list(read(file, horizon, timezone="Australia/Sydney")) == list(range(12))


@pytest.mark.parametrize("zone", ["UTC", "+01:00"])
def test_a_clock_that_never_changes_has_every_hour_once(tmp_path, zone):
    text = "time,power [kW]\n" + rows("2023-03-26", 24, stamp="%Y-%m-%d %H:%M")
    later = 0 if zone == "UTC" else 1
    horizon = read_horizon("2023-03-26T01:00Z", "4 h", "1 h", None)
    assert read(write(tmp_path, text), horizon, timezone=zone)[0] == 1 + later


def test_an_hour_that_clocks_leap_over_is_refused_at_its_row(tmp_path):
    text = "time,power [kW]\n" + rows("2023-03-26", 24, stamp="%Y-%m-%d %H:%M")
    horizon = read_horizon("2023-03-26T06:00Z", "4 h", "1 h", None)
    (told,) = faults(write(tmp_path, text), horizon, timezone="Europe/Berlin")
    assert "row 4: " in told and "does not exist in Europe/Berlin" in told
    assert "2023-03-26 02:00" in told and "+01:00" in told


def test_a_doubled_hour_that_stands_there_once_is_a_gap_only_where_it_is_needed(tmp_path):
    text = "time,power [kW]\n" + rows("2023-10-28", 60, stamp="%Y-%m-%d %H:%M")
    file = write(tmp_path, text)
    through = read_horizon("2023-10-28T22:00Z", "8 h", "1 h", None)
    (told,) = faults(file, through, timezone="Europe/Berlin")
    assert "row 29: " in told and "2 h after the row before" in told and "twice" in told
    before = read_horizon("2023-10-28T10:00Z", "8 h", "1 h", None)
    assert read(file, before, timezone="Europe/Berlin")[0] == 12.0
    after = read_horizon("2023-10-29T02:00Z", "8 h", "1 h", None)
    assert read(file, after, timezone="Europe/Berlin")[0] == 27.0


# Faults -----------------------------------------------------------------------------------------

HEADER = "time,power [kW]\n"
GOOD = rows("2023-01-16", 6)


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("", {}, "empty"),
        ("# only this\n", {}, "empty"),
        (HEADER, {}, "no rows"),
        ("1,2\n3,4\n", {}, "row 1: the first row is no header"),
        (HEADER + GOOD, {"column": "heat"}, 'no such column.*"heat".*"power \\[kW\\]"'),
        (HEADER + GOOD, {"time": "stamp"}, 'no such column of stamps.*"stamp"'),
        ("time,a [kW],b [kW]\n2023-01-16T00:00Z,1,2\n", {}, "which column.*`column`"),
        ("time,power,power\n2023-01-16T00:00Z,1,2\n", {}, "two columns have one name"),
        ("time,power\n" + GOOD, {}, "no unit.*power \\[kW\\]"),
        ("time,power [kg]\n" + GOOD, {}, "is not a power"),
        ("time,power [florp]\n" + GOOD, {}, "unknown unit"),
        (HEADER + GOOD, {"unit": "MW"}, 'the header says "kW"'),
        (HEADER + "2023-01-16T00:00Z,1,7\n", {}, "row 2: has 3 cells where the header has 2"),
        (HEADER + GOOD.replace("T02:00Z", " at two"), {}, "row 4: cannot read the time stamp"),
        (HEADER + GOOD.replace("-16T02", "-32T02"), {}, "row 4: cannot read the time stamp"),
        (HEADER + GOOD.replace("Z", ""), {}, "do not say their offset.*`timezone`"),
        (HEADER + GOOD.replace("Z", ""), {"timezone": "Mars"}, 'unknown time zone "Mars"'),
        (HEADER + GOOD.replace("T02:00Z", "T02:00"), {}, "row 4: some stamps have an offset"),
        (HEADER + GOOD, {"timezone": "+01:00"}, "row 2: .*not that of \\+01:00.*\\+00:00"),
        (HEADER + GOOD, {"timezone": "Europe/Berlin"}, "not that of Europe/Berlin"),
        (HEADER + GOOD.replace("T02:00", "T09:00"), {}, "row 5: the stamp is earlier"),
        (HEADER + GOOD.replace("T02:00", "T01:00"), {}, "row 4: the stamp stands here a second"),
        (HEADER + GOOD.replace("2023-01-16T02:00Z,2\n", ""), {}, "row 4: comes 2 h after.*1 h"),
        (HEADER + GOOD.replace(",2\n", ",\n"), {}, 'row 4, column "power \\[kW\\]".*is empty'),
        (HEADER + GOOD.replace(",2\n", ",NaN\n"), {}, "row 4.*missing"),
        (HEADER + GOOD.replace(",2\n", ",-inf\n"), {}, "row 4.*infinite.*-inf"),
        (HEADER + GOOD.replace(",2\n", ",n. v.\n"), {}, 'row 4.*not a number.*"n. v."'),
        (HEADER + GOOD.replace(",2\n", ",1e999\n"), {}, "row 4.*too large for a number"),
        (HEADER + rows("2023-01-16", 3), {}, "does not cover the horizon.*03:00Z"),
        (HEADER + rows("2023-01-16T01:00", 9), {}, "does not cover.*2023-01-16 00:00Z"),
        (HEADER + rows("2022-01-16", 9), {}, "does not cover"),
        ("number,power [kW]\n" + "".join(f"{i},{i}\n" for i in range(5)), {}, "cannot read the"),
        ("time;power [kW]\n2023-01-16T00:00Z;1,5\n2023-01-16T01:00Z;1.5\n", {}, "row 3.*mixes"),
    ],
)
def test_a_wrong_file_is_refused_naming_row_value_and_repair(tmp_path, text, options, told):
    found = faults(write(tmp_path, text), **options)
    assert any(re.search(told, fault) for fault in found), found
    assert all("series.csv" in fault for fault in found)


def test_all_faults_are_told_at_once(tmp_path):
    text = HEADER + GOOD.replace(",1\n", ",x\n").replace("2023-01-16T02:00Z,2\n", "")
    found = faults(write(tmp_path, text.replace("[kW]", "")))
    assert len(found) == 3  # unit, gap, number


def test_many_faults_of_a_sort_are_counted(tmp_path):
    text = HEADER + rows("2023-01-16", 200, value=lambda i: "x")
    horizon = read_horizon("2023-01-16T00:00Z", "200 h", "1 h", None)
    found = faults(write(tmp_path, text), horizon)
    assert len(found) == 9 and "and 192 more" in found[-1]


def test_what_is_wrong_outside_the_horizon_does_not_matter(tmp_path):
    text = HEADER + GOOD.replace(",5\n", ",\n") + "2023-01-19T00:00Z,1\n"
    assert list(read(write(tmp_path, text))) == [0, 1, 2, 3]


def test_a_missing_file_names_its_neighbours(tmp_path):
    write(tmp_path, HEADER, "spot_prices.csv")
    assert "spot_prices.csv" in faults(tmp_path / "spot.csv")[0]
    assert "folder" in faults(tmp_path)[0]


@pytest.mark.parametrize("name", ["broken.parquet", "broken.nc", "broken.epw", "broken.csv"])
def test_a_broken_file_is_one_fault(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(b"\0\1\2 not what its ending says")
    (told,) = faults(file)
    assert name in told


# Typical years ----------------------------------------------------------------------------------


def pvgis(folder, years=(2007, 2012)):
    """A typical year as PVGIS writes it; temperature is the hour of the year."""
    lines = ["Latitude (decimal degrees): 50.0", "Longitude (decimal degrees): 8.0"]
    lines += ["Elevation (m): 112", "month,year"]
    lines += [f"{m},{years[m % len(years)]}" for m in range(1, 13)]
    lines.append("time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP")
    for i, at in enumerate(pd.date_range("2001-01-01", periods=8760, freq="h")):
        year = years[at.month % len(years)]
        lines.append(f"{year}{at:%m%d:%H}00,{i / 100},80,0,0,0,300,2,180,99000")
    return write(folder, "\n".join(lines) + "\n", "tmy.csv")


def test_a_typical_year_is_laid_over_the_horizon_by_month_day_and_hour(tmp_path):
    file = pvgis(tmp_path)
    found = read(file, column="temp_air", canonical="degC")
    assert found == pytest.approx((15 * 24 + np.arange(4)) / 100)
    year_end = read_horizon("2023-12-31T22:00Z", "4 h", "1 h", None)
    assert read(file, year_end, column="temp_air", canonical="degC") == pytest.approx(
        [87.58, 87.59, 0.0, 0.01]
    )


def test_the_leap_day_takes_the_day_before(tmp_path):
    file = pvgis(tmp_path)
    leap = read_horizon("2024-02-28T12:00Z", "48 h", "1 h", None)
    found = read(file, leap, column="temp_air", canonical="degC")
    assert found[12:24] == pytest.approx((58 * 24 + np.arange(12)) / 100)
    assert found[24:36] == pytest.approx(found[:12])


def epw(folder):
    """A year as EnergyPlus has it: UTC+1, hours 1 to 24 name their end; dry bulb is the hour."""
    head = ["LOCATION,Town,-,DEU,TEST,1,50.0,8.0,1.0,112.0"] + ["X"] * 7
    body = []
    for i, at in enumerate(pd.date_range("2001-01-01", periods=8760, freq="h")):
        rest = ["0"] * 28
        rest[0], rest[2] = "2.0", "80"
        values = ",".join([f"{i / 100}", *rest])
        body.append(f"{1990 + at.month},{at.month},{at.day},{at.hour + 1},60,_,{values}")
    return write(folder, "\n".join(head + body) + "\n", "town.epw")


def test_an_epw_year_is_read_by_its_own_clock(tmp_path):
    """Midnight by UTC+1 is 23:00 UTC of the day before."""
    file = epw(tmp_path)
    found = read(file, column="temp_air", canonical="degC")
    assert found == pytest.approx((15 * 24 + 1 + np.arange(4)) / 100)
    new_year = read_horizon("2022-12-31T23:00Z", "2 h", "1 h", None)
    assert read(file, new_year, column="temp_air", canonical="degC") == pytest.approx([0.0, 0.01])


def test_an_hour_that_is_missing_at_the_horizons_end_is_told_and_not_held(tmp_path):
    """Rows that come after the horizon do not make up for the hour before its end."""
    file = write(tmp_path, "time,load [kW]\n" + rows("2023-01-16", 3) + "2023-01-16T09:00Z,5\n")
    (told,) = faults(file)
    assert "row 5: comes 7 h after the row before, others 1 h" in told
    assert list(read(file, hours("00:00", "3 h", "1 h"))) == [0.0, 1.0, 2.0]


def test_a_file_that_unpacks_to_too_much_is_refused_by_what_it_claims(tmp_path, monkeypatch):
    from citygrid.inputs import tables

    index = pd.date_range("2023-01-16", periods=4, freq="h", tz="UTC")
    frame = pd.DataFrame({"time": index, "load [kW]": 1.0, "note": "x" * 10_000})
    file = tmp_path / "series.parquet"
    frame.to_parquet(file, index=False)
    with monkeypatch.context() as patched:
        patched.setattr(tables, "MOST_BYTES", 9_000)
        assert file.stat().st_size < 9_000
        assert "unpacks to more than" in faults(file, column="load")[0]
    assert list(read(file, column="load")) == [1.0] * 4
