"""What samplers say of their time, in seconds.

Local ones of dimod state ``*_ns``, Ocean's machines microseconds (``qpu_access_time``,
``qpu_sampling_time``, …) and, in some versions, when a problem was received and solved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

#: What → keys in order of trust, with the seconds of their unit.
_KEYS = {
    "queue": {
        "queue_ns": 1e-9, "queue_time_ns": 1e-9, "queue_us": 1e-6, "queue_time": 1e-6,
        "queue_seconds": 1.0,
    },
    "sampling": {
        "sampling_ns": 1e-9, "qpu_sampling_time": 1e-6, "qpu_access_time": 1e-6, "run_time": 1e-6,
    },
    "postprocessing": {
        "postprocessing_ns": 1e-9, "total_post_processing_time": 1e-6,
        "post_processing_overhead_time": 1e-6,
    },
}  # fmt: skip
#: Keys of the instants at which a problem came in, began to be solved, and was solved.
RECEIVED, STARTED, SOLVED = ("time_received", "problem_submitted"), ("time_started",), (
    "time_solved", "problem_solved",
)  # fmt: skip


def seconds_of(info: Mapping[str, Any]) -> dict[str, float | None]:
    """Seconds of ``queue``, ``sampling`` and ``postprocessing``; ``None`` where nothing is said."""
    timing = info.get("timing")
    said = {**info, **timing} if isinstance(timing, Mapping) else dict(info)
    found: dict[str, float | None] = {}
    for what, keys in _KEYS.items():
        values = (_number(said.get(key), unit) for key, unit in keys.items())
        found[what] = next((value for value in values if value is not None), None)
    if found["queue"] is None:
        found["queue"] = _waited(said, found["sampling"])
    return found


def _number(value: Any, unit: float) -> float | None:
    try:
        seconds = float(value) * unit
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0.0 else None


def _waited(said: Mapping[str, Any], sampling: float | None) -> float | None:
    """From the instants: until it began, or until it was solved less what the solving took."""
    received, started, solved = (
        next((at for key in keys if (at := _instant(said.get(key))) is not None), None)
        for keys in (RECEIVED, STARTED, SOLVED)
    )
    try:
        if received is None:
            return None
        if started is not None:
            return max((started - received).total_seconds(), 0.0)
        if solved is not None and sampling is not None:
            return max((solved - received).total_seconds() - sampling, 0.0)
    except TypeError:  # one with a zone, one without
        return None
    return None


def _instant(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
