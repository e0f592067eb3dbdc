"""What arrays are called in signatures, throughout the house."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]
Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]
Stamps = NDArray[np.datetime64]
Labels = Sequence[str] | NDArray[Any]


def stamped(moment: Any) -> str:
    """A moment in UTC as labels say it, to the minute: ``2023-01-16T00:00Z``."""
    return str(np.datetime64(moment, "m")) + "Z"


def hours(span: Any) -> Any:
    """A span of time, or an array of spans, as hours."""
    return span / np.timedelta64(1, "s") / 3600.0
