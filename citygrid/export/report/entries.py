"""A route's plan as it comes to the page, and which of several is shown in full."""

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


def shown_of(entries: Sequence[Entry]) -> Entry:
    """The cheapest plan that holds; where none does, the cheapest."""
    sound = [entry for entry in entries if entry.verdict.ok]
    return min(sound or entries, key=lambda entry: (entry.plan.objective, entries.index(entry)))


def tried(entry: Entry) -> Try:
    """What a plan says of its route's run; one that breaks rules is no plan."""
    return try_of_plan(entry.plan, entry.verdict, entry.route, entry.seconds.get("solve"))
