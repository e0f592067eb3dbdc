"""What is proven about the least cost under one limit, shared with all others.

With ``v(e)`` the least cost under the limit ``e``: a bound proven under a looser limit holds under
a tighter one, for that leaves fewer plans; and the duals ``y`` of any relaxation prove a line under
the whole front, ``v(e) >= b + y (e - e0)``, for the limit enters the Lagrangian linearly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from citygrid.study.fronts.measures import Measure


@dataclass(frozen=True)
class Line:
    """A line under the whole front: ``value`` [EUR] at the limit ``at``, ``slope`` per its unit."""

    at: float
    value: float
    slope: float

    def under(self, limit: float) -> float:
        """What the line proves at a limit [EUR]."""
        return self.value + self.slope * (limit - self.at) if self.slope else self.value


def better(one: float | None, other: float | None) -> float | None:
    """The higher of two proven bounds; ``None`` is none."""
    return max((each for each in (one, other) if each is not None), default=None)


@dataclass
class Bounds:
    """Everything proven so far about the least cost under any limit of one measure."""

    measure: Measure
    lines: list[Line] = field(default_factory=list)
    levels: list[tuple[float | None, float]] = field(default_factory=list)

    def learn(self, limit: float | None, bound: float | None) -> None:
        """A bound [EUR] proven under a limit, ``None`` for without any.

        It holds there and under every tighter one.
        """
        if bound is not None:
            self.levels.append((limit, bound))

    def at(self, limit: float | None) -> float | None:
        """The best bound [EUR] of the least cost under a limit; ``None`` before any is known."""
        sign = self.measure.sign
        known = [
            value for looser, value in self.levels
            if looser is None or (limit is not None and sign * (limit - looser) <= 0.0)
        ]  # fmt: skip
        if limit is not None:
            known += [line.under(limit) for line in self.lines]
        return max(known, default=None)
