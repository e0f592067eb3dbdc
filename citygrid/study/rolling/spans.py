"""Which steps each window sees, and which of them it decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citygrid.cards import lasting
from citygrid.errors import Fault, InputError
from citygrid.units import parse

if TYPE_CHECKING:
    from citygrid.district.case import Case


@dataclass(frozen=True)
class Spans:
    """Windows of ``window`` steps, of which all but the last ``overlap`` are decided."""

    steps: int
    window: int
    overlap: int

    @property
    def stride(self) -> int:
        """Steps that a window decides."""
        return self.window - self.overlap

    @property
    def begins(self) -> list[int]:
        """First step of every window; the last window decides all that it sees."""
        count = max(math.ceil((self.steps - self.overlap) / self.stride), 1)
        return [number * self.stride for number in range(count)]

    def sees(self, number: int) -> tuple[int, int, int]:
        """First step of a window, the end of what it decides, and the end of what it sees."""
        first = number * self.stride
        end = min(first + self.window, self.steps)
        return first, self.steps if end == self.steps else first + self.stride, end


def spans(case: Case, window: str, overlap: str | None = None) -> Spans:
    """Windows of a case, from lengths as people write them (``48h``, ``2 d``).

    Left out, the overlap is half of the window, in whole steps.

    Raises :class:`InputError` for a length that is no multiple of the step, an overlap that leaves
    nothing to decide, and a window that is longer than the horizon.
    """
    steps = len(case.time)
    seen = _steps(window, "--window", case.step)
    over = seen // 2 if overlap is None else _steps(overlap, "--overlap", case.step)
    if seen < 1:
        raise InputError(Fault("--window", "has no length", window, "write one such as 48h"))
    if seen > steps:
        most = lasting(steps * case.step)
        raise InputError(Fault("--window", f"is longer than the horizon of {most}", window,
                               "shorten it, or plan without windows"))  # fmt: skip
    if over >= seen:
        raise InputError(Fault("--overlap", f"leaves nothing of a window of {window} to decide",
                               overlap, "make it shorter than the window"))  # fmt: skip
    return Spans(steps, seen, over)


def _steps(text: str, place: str, step: float) -> int:
    try:
        hours = parse(text, "h")
    except ValueError as error:
        raise InputError(Fault.of(error, place, text)) from error
    if hours < 0:
        raise InputError(Fault(place, "is less than nothing", text, "write a length such as 48h"))
    count = round(hours / step)
    if abs(count * step - hours) > 1e-9 * max(hours, 1.0):
        raise InputError(Fault(place, f"is not a multiple of the step of {lasting(step)}", text,
                               "write whole steps"))  # fmt: skip
    return count
