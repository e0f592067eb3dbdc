"""Alternatives as they are handed out: verified plans within a slack of the least cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict


@dataclass(frozen=True)
class Alternative:
    """One verified plan within the slack.

    ``aim`` says what it is the extreme of, ``value`` how much of that it has and ``proven`` how
    little or much any plan within the slack can have, in ``unit`` (``None`` for hop-skip-jump);
    ``differs`` says in words where it parts from the cheapest.
    """

    aim: str
    unit: str
    value: float | None
    proven: float | None
    cost: float
    above: float
    amounts: dict[str, float]
    differs: tuple[str, ...]
    plan: Plan = field(repr=False)
    verdict: Verdict = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The alternative as it stands in tables and in the JSON document."""
        return {
            "aim": self.aim, "unit": self.unit, "value": self.value, "proven": self.proven,
            "cost_eur": self.cost, "above_best": self.above, "verified": self.verdict.ok,
            "differs": list(self.differs), "amounts": self.amounts, "kpis": self.verdict.kpis,
        }  # fmt: skip


@dataclass(frozen=True)
class Alternatives:
    """The cheapest plan and what else would do: ``best`` and its proven ``bound`` in EUR.

    Costs are counted against the plan that was found; ``left_out`` says which aims gave nothing
    new.
    """

    model: str
    slack: float
    best: float
    bound: float | None
    cheapest: Alternative
    found: tuple[Alternative, ...]
    left_out: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """All of it as one document."""
        return {
            "model": self.model, "slack": self.slack, "best_eur": self.best,
            "bound_eur": self.bound, "limit_eur": self.best + self.slack * abs(self.best),
            "cheapest": self.cheapest.as_dict(),
            "alternatives": [each.as_dict() for each in self.found],
            "left_out": list(self.left_out), "seconds": self.seconds,
        }  # fmt: skip

    def table(self) -> pd.DataFrame:
        """A row per plan, the cheapest first, an amount per column."""
        import pandas as pd

        return pd.DataFrame([
            {"aim": each.aim, "value": each.value, "proven": each.proven, "unit": each.unit,
             "cost_eur": each.cost, "above_best": each.above, "differs": "; ".join(each.differs),
             **each.amounts}
            for each in (self.cheapest, *self.found)
        ])  # fmt: skip
