"""A route's plan as it comes to the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from citygrid.district.case import Case
from citygrid.plan.compare import Try, try_of_plan
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict


@dataclass(frozen=True)
class Entry:
    """A route's plan on the page, with its verdict, stage seconds and the size of its form."""

    route: str
    case: Case
    plan: Plan
    verdict: Verdict
    seconds: Mapping[str, float] = field(default_factory=dict)
    size: Mapping[str, int] = field(default_factory=dict)


def by_case(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Plans of the same case together, in the order in which they come."""
    cases: dict[str, list[Entry]] = {}
    for entry in entries:
        cases.setdefault(entry.case.hash, []).append(entry)
    return list(cases.values())


def tried(entry: Entry) -> Try:
    """What a plan says of its route's run; one that breaks rules is no plan."""
    return try_of_plan(entry.plan, entry.verdict, entry.route, entry.seconds.get("solve"))
