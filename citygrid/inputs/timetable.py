"""Windows of the week and the year as tariffs write them: ``Mo-Fr``, ``17:00-20:00``, ``Nov-Feb``.

All are read on the district's own clock, summer time included.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from citygrid.inputs.time import Horizon

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
MINUTES = 24 * 60

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*(?:-|–|to)\s*(\d{1,2}):(\d{2})", re.ASCII)
_GROUPS = {"weekdays": "mo-fr", "workdays": "mo-fr", "weekend": "sa-su", "weekends": "sa-su"}


def inside(
    horizon: Horizon, days: str | None, hours: str | None, months: str | None
) -> NDArray[np.bool_]:
    """Which steps (T) lie in a window; what is ``None`` is no condition.

    Raises ``ValueError`` as "reason; repair" for texts that are no days, hours or months, and for
    a window that begins or ends within a step: half a step has no tariff.
    """
    local = horizon.local()
    holds = np.ones(len(horizon), dtype=bool)
    if days is not None:
        chosen = _chosen(days, DAYS, 2, "day", "Mo-Fr or weekend")
        holds &= np.isin(local.dayofweek.to_numpy(), chosen)
    if months is not None:
        chosen = _chosen(months, MONTHS, 3, "month", "Nov-Feb")
        holds &= np.isin(local.month.to_numpy() - 1, chosen)
    if hours is not None:
        minute = (local.hour * 60 + local.minute).to_numpy()
        length = horizon.step * 60.0
        within = np.zeros(len(horizon), dtype=bool)
        for first, last in _spans(hours):
            for edge in (first, last):
                after = (edge - minute) % MINUTES
                if ((after > 0) & (after < length)).any():
                    raise ValueError(
                        f'"{hours}" begins or ends within a step of {length:g} min; use hours '
                        "that fall on steps, or a shorter step"
                    )
            within |= (minute - first) % MINUTES < ((last - first) % MINUTES or MINUTES)
        holds &= within
    return holds


def _chosen(
    text: str, names: tuple[str, ...], shortest: int, what: str, example: str
) -> list[int]:  # fmt: skip
    """Positions of the names in ``"Mo-We, Fr"``; a range may pass the end of the list."""
    found: list[int] = []
    for part in str(text).split(","):
        ends = [
            _position(word, names, shortest, what, example)
            for word in re.split(r"-|–| to ", _GROUPS.get(part.strip().lower(), part))
        ]
        if len(ends) > 2:
            raise ValueError(f'cannot read the {what}s "{text}"; write them as {example}')
        span = (ends[-1] - ends[0]) % len(names)
        found += [(ends[0] + i) % len(names) for i in range(span + 1)]
    return found


def _position(word: str, names: tuple[str, ...], shortest: int, what: str, example: str) -> int:
    wanted = word.strip().lower().removesuffix(".")
    for position, name in enumerate(names):
        if len(wanted) >= shortest and name.startswith(wanted):
            return position
    raise ValueError(f'"{word.strip()}" is no {what}; write them as {example}')


def _spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of every span of ``"06:00-09:00, 17:00-20:00"`` in minutes of the day."""
    spans = []
    for part in str(text).split(","):
        match = _HOURS.fullmatch(part.strip())
        ends = [] if match is None else [int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3)]
        if (
            match is None or max(int(match[2]), int(match[4])) > 59
            or ends[0] >= MINUTES or ends[1] > MINUTES or ends[0] == ends[1]
        ):  # fmt: skip
            raise ValueError(
                f'cannot read the hours "{text}"; write them as "08:00-20:00" in quotes'
            )
        spans.append((ends[0], ends[1]))
    return spans
