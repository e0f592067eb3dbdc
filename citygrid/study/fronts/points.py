"""A front as it is handed out: its points, what was dropped from it and why, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from citygrid.gap import relative_gap
from citygrid.study.fronts.measures import Measure

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

#: Cost and measure differ by less than this, relatively, in plans that count as the same.
SAME = 1e-7


@dataclass(frozen=True)
class Point:
    """One verified plan of a front.

    ``limit`` is what it was asked to keep, ``measured`` what it does by its replay, ``cost`` and
    the proven ``bound`` of any plan's cost under that limit in EUR; ``price`` [EUR per unit] is
    what one unit of the limit is worth there by the relaxation's dual, ``None`` without a limit;
    ``how`` says what it took to find it, ``seconds`` how long.
    """

    limit: float | None
    measured: float
    cost: float
    bound: float | None
    price: float | None
    how: str
    seconds: float
    plan: Plan = field(repr=False)
    verdict: Verdict = field(repr=False)

    @property
    def gap(self) -> float | None:
        """``(cost − bound) / |cost|``."""
        return relative_gap(self.cost, self.bound)

    def as_dict(self) -> dict[str, Any]:
        """The point as it stands in tables and in the JSON document."""
        return {
            "limit": self.limit, "measured": self.measured, "cost_eur": self.cost,
            "bound_eur": self.bound, "gap": self.gap, "price": self.price, "how": self.how,
            "seconds": self.seconds, "verified": self.verdict.ok, "kpis": self.verdict.kpis,
        }  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """A plan that is not on the front, and why."""

    limit: float | None
    measured: float
    cost: float
    why: str


@dataclass(frozen=True)
class Front:
    """Cost against another measure: points from the tightest limit to none at all.

    ``best`` is the best that the measure can be by a proof, in its unit; ``seconds`` all that was
    spent, ``searches`` how often a whole search was needed. ``floor`` are (limit, bound) of what is
    proven under the whole front, of all limits together.
    """

    model: str
    measure: Measure
    route: str
    gap_asked: float
    points: tuple[Point, ...]
    dropped: tuple[Dropped, ...]
    best: float | None
    seconds: float
    searches: int
    floor: tuple[tuple[float, float], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The front as one document."""
        return {
            "model": self.model, "of": ["cost", self.measure.name], "unit": self.measure.unit,
            "more_is_better": self.measure.more, "route": self.route, "gap_asked": self.gap_asked,
            "best_proven": self.best, "searches": self.searches, "seconds": self.seconds,
            "points": [point.as_dict() for point in self.points],
            "dropped": [vars(each) for each in self.dropped],
            "floor": [{"limit": limit, "bound_eur": bound} for limit, bound in self.floor],
        }  # fmt: skip

    def table(self) -> pd.DataFrame:
        """A row per point, the key figures beside it."""
        import pandas as pd

        rows = []
        for point in self.points:
            row = point.as_dict()
            rows.append({**{k: v for k, v in row.items() if k != "kpis"}, **row["kpis"]})
        return pd.DataFrame(rows).rename(columns={
            "limit": f"limit_{self.measure.name}", "measured": self.measure.name,
        })  # fmt: skip


def monotone(
    points: Sequence[Point], measure: Measure
) -> tuple[tuple[Point, ...], tuple[Dropped, ...]]:
    """Points of which none is worse than another in both, tightest first, and those that are.

    A plan with a tighter measure that costs no more dominates; of equal ones the first stays.
    """
    kept: list[Point] = []
    dropped = []
    for point in sorted(points, key=lambda p: (measure.sign * p.measured, p.cost)):
        before = kept[-1] if kept else None
        if before is None or point.cost < before.cost - SAME * max(1.0, abs(before.cost)):
            kept.append(point)
            continue
        same = abs(point.measured - before.measured) <= SAME * max(1.0, abs(before.measured))
        why = (
            "the same plan as another point's"
            if same and abs(point.cost - before.cost) <= SAME * max(1.0, abs(before.cost))
            else f"a plan with {before.measured:,.6g} {measure.unit} costs no more, "
            f"{before.cost:,.2f} EUR"
        )
        dropped.append(Dropped(point.limit, point.measured, point.cost, why))
    return tuple(kept), tuple(dropped)
