"""Honest plans to be changed: of every shipped model, and of the district of every kind.

Models of a year are planned for two weeks of it, by the part that :func:`citygrid.district.cut`
makes: what mutants show does not grow with the horizon.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.district.cut import State, cut
from citygrid.routes.contract import Options
from tests.helpers import solved
from tests.plan.mutations.laws import Site

MODELS = Path(__file__).resolve().parents[3] / "models"

#: Model → steps that are planned; ``None`` for all. A year is long; its jobs are those of the week.
SHIPPED: dict[str, int | None] = {
    "tiny": None, "kazarlis10": None, "frankfurt_day": None, "island": None, "frankfurt": None,
    "flensburg": 336, "flensburg_units": 168, "frankfurt_year": 168, "frankfurt_year_jobs": 24,
}  # fmt: skip
#: Any plan will do that keeps the laws.
QUICK = Options(gap=0.05)


def of_kinds() -> list[Site]:
    """The district of every kind."""
    return [of_kind(kind) for kind in sorted(kinds())]


@cache
def of_kind(kind: str) -> Site:
    """The district in which a kind is tested by hand."""
    result = solved(kind)
    return Site(kind, result.case, result.form, result.plan)


@cache
def of_model(name: str) -> Site:
    """A shipped model, planned roughly."""
    case, steps = cg.prepare(cg.load(MODELS / f"{name}.yaml")), SHIPPED[name]
    if steps is not None:
        case = cut(case, 0, steps, State(0))
    form = cg.formulate(case)
    return Site(name, case, form, cg.solve(form, "milp", QUICK))
