"""The state in which a plan leaves a district at a step: where another plan can begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from citygrid.components.contract import kinds
from citygrid.components.log import Log
from citygrid.district.cut import State, state_of
from citygrid.ledger import Line, total

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from citygrid.plan.plan import Plan


class _Until(Log):
    """A log that counts what the first steps leave in the world, and no money."""

    def __init__(self, kind: str, names: tuple[str, ...], steps: int, count: int):
        super().__init__(kind, names)
        self._steps, self._count = steps, count

    def pays(self, item: str, money: ArrayLike = 0.0, **columns: ArrayLike) -> None:
        def until(amount: ArrayLike) -> ArrayLike:
            values = np.asarray(amount, dtype=float)
            hourly = values.ndim > 1 and values.shape[-1] == self._count
            return values[..., : self._steps] if hourly else values

        super().pays(item, 0.0, **{column: until(amount) for column, amount in columns.items()})


def state_at(plan: Plan, step: int) -> State:
    """All that the steps of ``plan`` before ``step`` decide for those from there on.

    ``cut(plan.case, step, last, state_at(plan, step))`` is the case that begins there; what the
    plan does from there on is a feasible plan of it. The plan should be verified.

    Raises :class:`InputError` for a step outside of the horizon.
    """
    case = plan.case
    spent: list[Line] = []
    if case.caps and 0 < step < len(case.time):
        for kind, units in case.units.items():
            log = _Until(kind, units.names, step, len(case.time))
            kinds()[kind].replay(units, plan.flows(units), log)
            spent += [line for item in log.spent for line in log.lines(item)]
    return state_of(case, step, plan.flows, total(spent))
