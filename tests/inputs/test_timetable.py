"""Windows of tariffs: days, hours and months on the district's own clock."""

from __future__ import annotations

import numpy as np
import pytest

from citygrid.inputs.time import read_horizon
from citygrid.inputs.timetable import inside


def hours_of(start: str, length: str, **window: str | None) -> list[str]:
    """Local starts of the steps inside a window."""
    horizon = read_horizon(start, length, "1 h", "Europe/Berlin")
    asked = {"days": None, "hours": None, "months": None} | window
    holds = inside(horizon, **asked)  # type: ignore[arg-type]
    return [f"{stamp:%a %H}" for stamp in horizon.local()[holds]]


def test_working_hours_of_a_week_are_sixty() -> None:
    """2023-01-16 is a Monday; five days of twelve hours."""
    found = hours_of("2023-01-16T00:00", "168 h", days="Mo-Fr", hours="08:00-20:00")
    assert len(found) == 60 and found[0] == "Mon 08" and found[-1] == "Fri 19"


def test_a_night_belongs_to_the_days_on_which_its_hours_lie() -> None:
    found = hours_of("2023-01-16T00:00", "48 h", days="Mo", hours="22:00-02:00")
    assert found == ["Mon 00", "Mon 01", "Mon 22", "Mon 23"]


def test_windows_follow_the_clock_when_it_changes() -> None:
    """On 2023-03-26 the hour from 2 to 3 does not exist, and 18:00 is an hour earlier in UTC."""
    assert hours_of("2023-03-26T00:00", "23 h", hours="01:00-04:00") == ["Sun 01", "Sun 03"]
    assert hours_of("2023-03-25T00:00", "47 h", hours="18:00-19:00") == ["Sat 18", "Sun 18"]


@pytest.mark.parametrize(
    ("days", "count"), [("weekend", 2), ("weekdays", 5), ("Sa-Mo", 3), ("tue, Thu", 2),
                        ("Friday", 1), ("Mo-We, Fr-Su", 6)],
)  # fmt: skip
def test_days_as_people_write_them(days: str, count: int) -> None:
    assert len(hours_of("2023-01-16T00:00", "168 h", days=days)) == 24 * count


def test_winter_may_pass_the_end_of_the_year() -> None:
    horizon = read_horizon("2023-01-01T00:00", "365 d", "24 h", "UTC")
    months = horizon.local().month[inside(horizon, None, None, "Nov-Feb")]
    assert sorted(set(months)) == [1, 2, 11, 12]


def test_several_spans_and_the_end_of_the_day() -> None:
    found = hours_of("2023-01-16T00:00", "24 h", hours="06:00-08:00, 22:00-24:00")
    assert found == ["Mon 06", "Mon 07", "Mon 22", "Mon 23"]


@pytest.mark.parametrize(
    ("window", "reason", "repair"),
    [
        ({"hours": "17-20"}, 'cannot read the hours "17-20"', '"08:00-20:00"'),
        ({"hours": "25:00-26:00"}, "cannot read the hours", "quotes"),
        ({"hours": "08:00-08:00"}, "cannot read the hours", "quotes"),
        ({"hours": "08:30-20:00"}, "within a step of 60 min", "shorter step"),
        ({"days": "Mo-Xy"}, '"Xy" is no day', "Mo-Fr"),
        ({"days": "M"}, '"M" is no day', "Mo-Fr"),
        ({"months": "Ja-Feb"}, '"Ja" is no month', "Nov-Feb"),
        ({"days": "Mo-We-Fr"}, "cannot read the days", "Mo-Fr"),
    ],
)
def test_what_is_no_window_is_refused(window: dict[str, str], reason: str, repair: str) -> None:
    with pytest.raises(ValueError) as caught:
        hours_of("2023-01-16T00:00", "24 h", **window)
    said, _, advice = str(caught.value).partition("; ")
    assert reason in said and repair in advice


def test_a_quarter_hour_step_meets_half_hours() -> None:
    horizon = read_horizon("2023-01-16T00:00Z", "24 h", "15 min", "UTC")
    assert np.flatnonzero(inside(horizon, None, "08:30-09:15", None)).tolist() == [34, 35, 36]
