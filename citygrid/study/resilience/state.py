"""The case from an hour of a plan on: levels, units and jobs as they are then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from citygrid.components.contract import kinds
from citygrid.district.cut import cut
from citygrid.plan.state import state_at

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan


def from_step(case: Case, plan: Plan, step: int) -> Case:
    """The case from ``step`` of a verified plan on, in the state in which the plan is there.

    Levels, how long units have run, jobs in flight and what was charged for are the plan's; a store
    that is a circle began with the level at its end, so that nobody charges in view of an outage.
    What is in stores at the end of the horizon is free to be used, with and without an outage.
    """
    later = cut(case, step, len(case.time), state_at(plan, step))
    units = dict(later.units)
    for kind, given in later.units.items():
        known = kinds()[kind]
        if known.spec.keeps_energy and known.open_end is not None:
            freed = known.open_end(given, len(later.time))
            units[kind] = replace(given, parameters={**given.parameters, **freed})
    return replace(later, units=units)
