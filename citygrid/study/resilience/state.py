"""The case from an hour of a plan on: levels as they are then, and nothing owed at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from citygrid.components.contract import Parameter, Units

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan


def from_step(case: Case, plan: Plan, step: int) -> Case:
    """The case from ``step`` of a plan on.

    A store that was a circle begins with the level that the plan has at its end: nobody charges in
    view of an outage. What is in stores at the end of the horizon is free to be used, with and
    without an outage.
    """
    if step:
        raise NotImplementedError
    return replace(case, units={kind: _opened(units, plan) for kind, units in case.units.items()})


def _opened(units: Units, plan: Plan) -> Units:
    if not {"cyclic", "initial_level", "final_level"} <= set(units.parameters):
        return units
    level, capacity = plan.flow(f"{units.kind}.level"), units["capacity"].ravel()
    last = np.clip(level[:, -1] / np.where(capacity > 0.0, capacity, 1.0), 0.0, 1.0)
    stated = units.parameters["initial_level"].values
    changed = {
        "cyclic": np.zeros(len(units), dtype=bool),
        "initial_level": np.where(units["cyclic"].ravel(), last, stated),
        "final_level": np.zeros(len(units)),
    }
    return replace(units, parameters={
        **units.parameters, **{n: Parameter((units.kind,), v) for n, v in changed.items()}
    })  # fmt: skip
