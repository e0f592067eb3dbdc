"""Figures in words: for people, on every page of the report."""

from __future__ import annotations

import math
from typing import Any

#: What is written where a figure does not apply.
NONE = "–"


def number(value: Any, digits: int | None = None) -> str:
    """A figure for people: thousands apart, as many digits as tell something, – for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NONE
    value = float(value)
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 1000 or size == 0 else 1 if size >= 100 else 2 if size >= 1 else 3
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if text.strip("-0.,") else text.lstrip("-")


def share(value: Any, digits: int = 1) -> str:
    """A share in per cent."""
    shown = number(None if value is None else 100.0 * value, digits)
    return shown if shown == NONE else f"{shown} %"


def power_of_ten(value: float) -> str:
    """A tiny figure, such as 3.0 × 10⁻⁹."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "beyond measure"
    power = math.floor(math.log10(abs(value)))
    if -3 <= power < 3:
        return f"{value:.3g}"
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10.0**power:.1f} × 10{raised}"
