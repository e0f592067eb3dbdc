from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from citygrid.inputs.time import read_horizon, read_stamp, read_timezone, show


def utc(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


def test_a_horizon_is_regular_steps_in_utc_from_its_local_start():
    horizon = read_horizon("2023-01-16T00:00+01:00", "168 h", "1 h", None)
    assert horizon.time.dtype == np.dtype("datetime64[ns]")
    assert len(horizon) == 168 and horizon.step == 1.0 and horizon.length == 168.0
    assert horizon.time[0] == utc("2023-01-15T23:00")
    assert horizon.end == utc("2023-01-22T23:00")
    assert set(np.diff(horizon.time)) == {np.timedelta64(1, "h")}


@pytest.mark.parametrize(
    ("start", "timezone", "first", "shown"),
    [
        ("2023-01-16T00:00Z", None, "2023-01-16T00:00", "UTC"),
        ("2023-01-16T00:00+05:30", None, "2023-01-15T18:30", "+05:30"),
        ("2023-01-16T00:00", "Europe/Berlin", "2023-01-15T23:00", "Europe/Berlin"),
        ("2023-07-16", "Europe/Berlin", "2023-07-15T22:00", "Europe/Berlin"),
        ("2023-07-16T00:00", "+01:00", "2023-07-15T23:00", "+01:00"),
        # The offset decides the moment; the zone only says whose clock reports are read by.
        ("2023-07-16T00:00Z", "Europe/Berlin", "2023-07-16T00:00", "Europe/Berlin"),
        # Either reading of a doubled hour is a moment of its own when its offset is written.
        ("2023-10-29T02:30+02:00", "Europe/Berlin", "2023-10-29T00:30", "Europe/Berlin"),
        ("2023-10-29T02:30+01:00", "Europe/Berlin", "2023-10-29T01:30", "Europe/Berlin"),
    ],
)
def test_the_start_is_a_moment_whatever_the_clock(start, timezone, first, shown):
    horizon = read_horizon(start, "2 h", "1 h", timezone)
    assert horizon.time[0] == utc(first) and horizon.timezone == shown


@pytest.mark.parametrize(
    ("length", "step", "count", "hours"),
    [
        ("1 d", "15 min", 96, 0.25),
        ("1 h", "1 min", 60, 1 / 60),
        ("7 d", "24 h", 7, 24.0),
        ("6300 s", "35 min", 3, 35 / 60),
        ("90 min", "0.5 h", 3, 0.5),
    ],
)
def test_any_regular_step_from_a_minute_to_a_day(length, step, count, hours):
    horizon = read_horizon("2023-01-16T00:00Z", length, step, None)
    assert len(horizon) == count
    assert horizon.step == pytest.approx(hours, abs=0)
    assert horizon.end - horizon.start == count * horizon.delta


def test_steps_run_through_a_clock_change_without_a_jump():
    """The spring day has 23 hours on the clock, so 24 steps end an hour past midnight."""
    horizon = read_horizon("2023-03-26T00:00", "24 h", "1 h", "Europe/Berlin")
    assert list(horizon.local().hour[:4]) == [0, 1, 3, 4]
    assert horizon.end == utc("2023-03-26T23:00")


@pytest.mark.parametrize(
    ("start", "length", "step", "timezone", "told"),
    [
        ("2023-03-26T02:30", "2 h", "1 h", "Europe/Berlin", "does not exist.*03:30.02:00"),
        ("2023-10-29T02:30", "2 h", "1 h", "Europe/Berlin", r"twice.*\+02:00 or .*\+01:00"),
        ("2023-01-16T00:00", "2 h", "1 h", None, "offset from UTC.*give a timezone"),
        ("2023-01-16T00:00", "2 h", "1 h", "Europe/Berlim", "unknown time zone.*Europe/Berlin"),
        ("2023-01-16T00:00", "2 h", "1 h", "+25:00", "unknown time zone"),
        ("16.1.2023", "2 h", "1 h", "UTC", "cannot read the start.*ISO 8601"),
        ("0203-01-16T00:00Z", "2 h", "1 h", None, "four digits"),
        ("2023-01-16T00:00Z", "100 min", "1 h", None, "no multiple.*1 h or 2 h"),
        ("2023-01-16T00:00Z", "0 h", "1 h", None, "not positive"),
        ("2023-01-16T00:00Z", "24", "1 h", None, 'length "24".*needs its unit'),
        ("2023-01-16T00:00Z", "24 kW", "1 h", None, 'length "24 kW".*not a duration'),
        ("2023-01-16T00:00Z", "24 h", "30 s", None, "between 1 min and 24 h"),
        ("2023-01-16T00:00Z", "48 h", "48 h", None, "between 1 min and 24 h"),
        ("2023-01-16T00:00Z", "1 h", "1.01 min", None, "whole seconds"),
        ("2023-01-16T00:00Z", "100000 d", "1 min", None, "shorten the length"),
    ],
)
def test_a_horizon_that_means_nothing_is_refused_with_its_repair(
    start, length, step, timezone, told
):
    with pytest.raises(ValueError, match=told) as caught:
        read_horizon(start, length, step, timezone)
    assert "; " in str(caught.value)


def test_splitting_a_step_keeps_the_span():
    horizon = read_horizon("2023-01-16T00:00Z", "12 h", "3 h", None)
    fine = horizon.split(3)
    assert fine.step == 1.0 and len(fine) == 12
    assert fine.start == horizon.start and fine.end == horizon.end
    assert (horizon.middle == fine.middle[1::3]).all()


def test_parts_are_whole_seconds_and_no_longer_than_asked():
    horizon = read_horizon("2023-01-16T00:00Z", "70 min", "70 min", None)
    assert horizon.parts(1.0) == 2
    assert horizon.parts(0.25) == 5
    uneven = read_horizon("2023-01-16T00:00Z", "379 s", "379 s", None)  # a prime number
    assert uneven.parts(0.1) == 379
    assert read_horizon("2023-01-16T00:00Z", "1 h", "15 min", None).parts(1.0) == 1


def test_a_stamp_needs_its_offset():
    assert read_stamp("2023-01-16T00:00+01:00") == utc("2023-01-15T23:00")
    with pytest.raises(ValueError, match="2023-01-16T00:00Z or"):
        read_stamp("2023-01-16T00:00")


@pytest.mark.parametrize("text", ["UTC", "Z", "+00:00", "UTC+1", "-0330", "Europe/Berlin"])
def test_zones_are_read_as_people_write_them(text):
    read_timezone(text)


@pytest.mark.parametrize("text", ["", "Europe", "../etc/passwd", "+1:99", "local", "GMT+99"])
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(ValueError, match="unknown time zone"):
        read_timezone(text)


def test_stamps_are_shown_short():
    assert show(utc("2023-01-16T00:00")) == "2023-01-16 00:00Z"
    assert show(utc("2023-01-16T00:00:30")) == "2023-01-16 00:00:30Z"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "+05:30", "America/St_Johns"])
def test_months_are_those_of_the_districts_clock(zone):
    """With their change of clocks: March has 743 hours in Berlin and October 745."""
    horizon = read_horizon("2023-02-28T12:00Z", "6000 h", "1 h", zone)
    months, hours = horizon.months()
    local = horizon.local()
    assert list(months) == list(local.year * 12 + local.month - 1)
    begin = local.tz_localize(None).to_period("M").to_timestamp()
    first = begin.tz_localize(local.tz)
    last = (begin + pd.offsets.MonthBegin()).tz_localize(local.tz)
    assert list(hours) == list((last - first).total_seconds() / 3600.0)
    if zone == "Europe/Berlin":
        assert {*hours} == {672.0, 743.0, 720.0, 744.0, 745.0}
