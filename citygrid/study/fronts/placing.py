"""Where along a front the next limit stands: where it bends most.

The relaxation's front is convex in the limit and its duals are tangents, so between two neighbours
it can deviate from their chord by no more than where their tangents meet (the sandwich of Rote,
1992).
"""

from __future__ import annotations

import itertools

#: Of a gap between two limits, where the next may be placed; weight of sheer width beside a bend.
INNER, WIDTH = 0.15, 0.02


def next_limit(known: list[tuple[float, float, float]]) -> float | None:
    """The next limit to look at: where a convex front bends most between two that are known.

    ``known`` are (limit, value, slope). The deviation of two neighbours' chord from where their
    tangents meet is weighed against the whole range of values, with a little for sheer width, so
    that a straight front is divided evenly. ``None`` where nothing is left to divide.
    """
    known = sorted(known)
    range_ = known[-1][0] - known[0][0]
    values = [value for _, value, _ in known]
    height = max(max(values) - min(values), 1e-12)
    if range_ <= 0.0:
        return None
    best: tuple[float, float] | None = None
    for (a, va, sa), (b, vb, sb) in itertools.pairwise(known):
        width = b - a
        if width <= 1e-6 * range_:
            continue
        middle, bend = 0.5 * (a + b), 0.0
        if sb - sa > 1e-12 * max(1.0, abs(sa)):
            meet = (va - vb + sb * b - sa * a) / (sb - sa)
            meet = min(max(meet, a + INNER * width), b - INNER * width)
            chord = va + (vb - va) * (meet - a) / width
            tangent = max(va + sa * (meet - a), vb + sb * (meet - b))
            bend = max(chord - tangent, 0.0) / height
            if bend > 1e-6:
                middle = meet
        score = bend + WIDTH * (width / range_) ** 2
        if best is None or score > best[0]:
            best = (score, middle)
    return None if best is None else best[1]
