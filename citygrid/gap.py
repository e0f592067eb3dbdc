"""How far a plan may be from the best one: the figure that every route and report shows."""

from __future__ import annotations


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """``(objective − bound) / |objective|``.

    0 where both are equal; ``None`` where one of them lacks, or where an objective of 0 gives the
    difference no scale. Nothing is clipped: a bound above the objective shows as a negative gap.
    """
    if objective is None or bound is None:
        return None
    if objective == bound:
        return 0.0
    return (objective - bound) / abs(objective) if objective else None
