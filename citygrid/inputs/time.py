"""The time axis: regular steps in UTC, read from what people write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats, Stamps
from citygrid.units import parse

if TYPE_CHECKING:
    import pandas as pd

#: Shortest and longest step [s].
STEP_MIN, STEP_MAX = 60, 86_400
#: More steps than this are a slip of the pen, not a horizon.
STEPS_MAX = 5_000_000
#: Years that 64-bit nanoseconds hold with room to spare.
YEAR_MIN, YEAR_MAX = 1700, 2200

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$")


@dataclass(frozen=True)
class Horizon:
    """The steps that are planned.

    ``time`` (T) are the starts of the steps, datetime64[ns] in UTC; ``step`` is their length [h];
    ``timezone`` is what people of the district read their clocks in: an IANA name or an offset.
    """

    time: NDArray[np.datetime64]
    step: float
    timezone: str

    def __len__(self) -> int:
        return len(self.time)

    @property
    def length(self) -> float:
        """Length of all steps together [h]."""
        return len(self.time) * self.step

    @property
    def delta(self) -> np.timedelta64:
        """The step as a time difference."""
        return np.timedelta64(round(self.step * 3600), "s").astype("timedelta64[ns]")

    @property
    def start(self) -> np.datetime64:
        """Start of the first step, UTC."""
        return self.time[0]

    @property
    def end(self) -> np.datetime64:
        """End of the last step, UTC."""
        return self.time[-1] + self.delta

    @property
    def middle(self) -> NDArray[np.datetime64]:
        """Middles of the steps (T), UTC."""
        return self.time + self.delta // 2

    def local(self) -> pd.DatetimeIndex:
        """Starts of the steps on the district's clock (T)."""
        import pandas as pd

        return pd.DatetimeIndex(self.time, tz="UTC").tz_convert(read_timezone(self.timezone))

    def months(self) -> tuple[NDArray[np.int64], Floats]:
        """Calendar month of every step (T), counted from year 0, and that month's length [h] (T).

        Both on the district's clock: a month in which clocks change is an hour shorter or longer.
        """
        zone = read_timezone(self.timezone)
        shown = clock(self.time, zone).astype("datetime64[M]").astype(np.int64)
        month = shown + 12 * 1970
        distinct, place = np.unique(month, return_inverse=True)
        hours = [_begin(m + 1, zone) - _begin(m, zone) for m in distinct.tolist()]
        return month, np.array(hours)[place] / 3600.0

    def split(self, parts: int) -> Horizon:
        """The same span in steps that are ``parts`` times shorter."""
        inner = np.arange(parts) * (self.delta // parts)
        time = (self.time[:, None] + inner[None, :]).reshape(-1)
        return Horizon(time, self.step / parts, self.timezone)

    def parts(self, longest: float) -> int:
        """Into how many equal parts in whole seconds, at most ``longest`` [h], a step is cut."""
        seconds = round(self.step * 3600)
        count = -(-seconds // round(longest * 3600))
        while seconds % count:
            count += 1
        return count


def read_horizon(start: str, length: str, step: str, timezone: str | None) -> Horizon:
    """Read a horizon as a district file writes it.

    ``start`` is ISO 8601 with its offset from UTC (``2023-01-16T00:00+01:00``, ``…Z``), or without
    one; then ``timezone`` (IANA name or offset) says whose clock it is. ``length`` and ``step`` are
    durations (``168 h``, ``7 d``, ``15 min``); the step is 1 min to 24 h in whole seconds and
    divides the length.

    Returns the :class:`Horizon`; its ``timezone`` is the given one, else the offset of ``start``.

    Raises ``ValueError`` as "reason; repair": unreadable texts, a local time that does not exist or
    exists twice, a length that is no multiple of the step.
    """
    seconds = _seconds(step, "step")
    if not STEP_MIN <= seconds <= STEP_MAX:
        raise ValueError(
            f'the step "{step}" is not between 1 min and 24 h; write "15 min" or "1 h"'
        )
    total = _seconds(length, "length")
    if total <= 0:
        raise ValueError(f'the length "{length}" is not positive; write one such as "168 h"')
    if total % seconds:
        whole = max(total // seconds, 1)
        raise ValueError(
            f'the length "{length}" is no multiple of the step "{step}"; use '
            f"{_written(whole * seconds)} or {_written((whole + 1) * seconds)}"
        )
    count = total // seconds
    if count > STEPS_MAX:
        raise ValueError(
            f"the horizon has {count:,} steps, more than {STEPS_MAX:,}; "
            "shorten the length or lengthen the step"
        )
    first, offset = _first(start, timezone)
    begin = np.datetime64(first.astimezone(UTC).replace(tzinfo=None), "ns")
    time = begin + np.arange(count) * np.timedelta64(seconds, "s").astype("timedelta64[ns]")
    return Horizon(time, seconds / 3600.0, timezone or offset)


def read_timezone(text: str) -> tzinfo:
    """The zone of a name: ``UTC``, ``Z``, an offset (``+01:00``, ``UTC+1``) or an IANA name.

    Raises ``ValueError`` as "reason; repair".
    """
    written = str(text).strip()
    if written.upper() in ("UTC", "Z", "GMT"):
        return UTC
    match = _OFFSET.match(written)
    if match:
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours <= 14 and minutes < 60:
            size = timedelta(hours=hours, minutes=minutes)
            return timezone(size if match[1] == "+" else -size)
    else:
        try:
            return ZoneInfo(written)
        except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of zones
            pass
    raise ValueError(
        f'unknown time zone "{text}"; write UTC, an offset such as +01:00, or an IANA name such as '
        "Europe/Berlin"
    )


def _begin(month: int, zone: tzinfo) -> float:
    """When a month that is counted from year 0 begins in a zone [s since 1970]."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).timestamp()


def clock(utc: Stamps, zone: tzinfo) -> Stamps:
    """What clocks of a zone show at moments in UTC (N)."""
    if is_fixed(zone):
        return utc + ahead(zone)
    import pandas as pd

    local = pd.DatetimeIndex(utc, tz="UTC").tz_convert(zone).tz_localize(None)
    return local.to_numpy("datetime64[ns]")


def ahead(zone: tzinfo) -> np.timedelta64:
    """By how much clocks of a zone that never changes them are ahead of UTC."""
    return np.timedelta64(zone.utcoffset(None), "ns")


def is_fixed(zone: tzinfo) -> bool:
    """Whether a zone has one offset for ever (an IANA name may change its clocks)."""
    return isinstance(zone, timezone)


def read_stamp(text: str) -> np.datetime64:
    """One stamp with its offset from UTC as datetime64[ns] in UTC.

    Raises ``ValueError`` as "reason; repair" when it is unreadable or has no offset.
    """
    moment = _moment(text, "stamp")
    if moment.tzinfo is None:
        plain = _iso(moment)
        raise ValueError(
            f'"{text}" does not say its offset from UTC; write {plain}Z or {plain}+01:00'
        )
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns")


def show(stamp: np.datetime64) -> str:
    """A UTC stamp as people read it: ``2023-01-16 00:00Z``."""
    text = str(np.datetime_as_string(stamp, unit="s")).replace("T", " ")
    return text.removesuffix(":00") + "Z"


def _moment(text: object, what: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise ValueError(
            f'cannot read the {what} "{text}"; write ISO 8601 such as 2023-01-16T00:00+01:00'
        ) from None
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise ValueError(
            f'the {what} "{text}" is not between the years {YEAR_MIN} and {YEAR_MAX}; '
            "write the year with four digits"
        )
    return moment


def _first(start: str, zone_name: str | None) -> tuple[datetime, str]:
    """The start with its zone, and the name of its offset."""
    moment = _moment(start, "start")
    zone = None if zone_name is None else read_timezone(zone_name)
    if moment.tzinfo is not None:
        return moment, _offset_name(moment)
    if zone is None:
        raise ValueError(
            f'the start "{start}" does not say its offset from UTC; write it with one '
            f"({_iso(moment)}+01:00) or give a timezone such as Europe/Berlin"
        )
    early, late = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early, _offset_name(early)
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment:
        raise ValueError(
            f'the local time "{start}" exists twice in {zone_name}, when clocks are set back; '
            f"write {_iso(moment)}{_offset_name(early)} or {_iso(moment)}{_offset_name(late)}"
        )
    after = early.astimezone(UTC).astimezone(zone)
    raise ValueError(
        f'the local time "{start}" does not exist in {zone_name}, where clocks are set forward; '
        f"write {_iso(after)}{_offset_name(after)}"
    )


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(
        timespec="minutes" if not moment.second else "auto"
    )


def _offset_name(moment: datetime) -> str:
    name = moment.strftime("%z")
    return "UTC" if name in ("+0000", "-0000") else f"{name[:3]}:{name[3:5]}"


def _seconds(text: str, what: str) -> int:
    """A duration in whole seconds."""
    try:
        seconds = parse(text, "h") * 3600.0
    except ValueError as error:
        reason, _, repair = str(error).partition("; ")
        raise ValueError(f'cannot read the {what} "{text}": {reason}; {repair}') from None
    if abs(seconds - round(seconds)) > 1e-3:
        raise ValueError(f'the {what} "{text}" is not in whole seconds; write "15 min" or "1 h"')
    return round(seconds)


def _written(seconds: int) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
