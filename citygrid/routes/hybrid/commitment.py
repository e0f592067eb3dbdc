"""From a choice of options to a plan: the rest of the form is an LP or a small MILP.

With one option held per group, HiGHS decides the few binaries that are left and dispatches
everything continuous. Where a choice allows no plan, the elastic relaxation names the rows that it
overruns, the groups that load them are released, and a small MILP places these again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.model.form import Floats, Form
from citygrid.model.groups import Groups, first_of_each
from citygrid.model.reductions import elastic, fix, relax
from citygrid.routes import highs, milp
from citygrid.routes.contract import Clock, Journal, Options, Positions
from citygrid.routes.hybrid.assignment import Coupling

#: Overrun of a coupling row, in its unit, above which a choice allows no plan.
OVERRUN = 1e-6
#: Nodes of a small MILP where no time limit ends it: an end that does not depend on the clock.
NODES = 200


class Dispatch(NamedTuple):
    """What a relaxation costs [EUR], its point (n) and the prices of its rows (m)."""

    cost: float
    point: Floats
    prices: Floats


@dataclass
class Workshop:
    """A form with its groups, and the journal and limits under which its choices are worked out."""

    form: Form
    groups: Groups
    coupling: Coupling
    options: Options
    journal: Journal
    clock: Clock

    @property
    def method(self) -> str:
        """How relaxations of the form with something held are solved, see :func:`milp.method`."""
        return milp.method(self.form)

    @property
    def binaries(self) -> int:
        """How many integers are left once every group has its option."""
        return int(self.form.integer.sum()) - len(self.groups.columns)

    def hold(self, chosen: Positions, free: NDArray[np.bool_] | None = None) -> Form:
        """The form with every group's (g) chosen option held, but for the groups ``free`` (g)."""
        values = np.zeros(len(self.groups.columns))
        values[chosen] = 1.0
        held = np.ones(len(values), dtype=bool) if free is None else ~free[self.groups.owner]
        return fix(self.form, self.groups.columns[held], values[held]).form

    def value(self, chosen: Positions) -> tuple[float | None, Floats | None]:
        """Least cost of a choice with other binaries relaxed, and the duals of its rows."""
        answer = self.dispatch(self.hold(chosen), 0.5)
        return (None, None) if answer is None else (answer.cost, answer.prices)

    def dispatch(self, held: Form, share: float) -> Dispatch | None:
        """The relaxation of a form in which something is held, within a share of the time left."""
        outcome, duals, _ = milp.relaxation(
            held, self.options.quiet, self.journal, self.method, self.clock.share(share, 1.0),
            crossover=self.method != "ipm", prove=False,
        )  # fmt: skip
        if outcome.status != "optimal" or outcome.x is None or duals is None:
            return None
        return Dispatch(held.objective(outcome.x), outcome.x, duals)

    def repair(self, chosen: Positions) -> Positions | None:
        """A choice near this one that allows a plan of the relaxation; ``None`` if none was found.

        The groups whose option loads an overrun row are placed again by a MILP in which no other
        column is integer; when that is not enough, so are those that could load such a row.
        """
        overrun = self._overrun(chosen)
        if overrun is None:
            return None
        weights = self.coupling.weights
        touching = np.asarray(abs(weights).T @ overrun.astype(float)) > 0
        free = np.zeros(len(self.groups), dtype=bool)
        free[self.groups.owner[chosen[touching[chosen]]]] = True
        for widening in range(3):
            if self.clock.over:
                return None
            self.journal.count("released_groups", int(free.sum()))
            self.journal.count("repair_milps")
            placed = self._place(chosen, free)
            if placed is not None:
                return placed
            if widening == 0:
                free[self.groups.owner[touching]] = True
            else:
                free[:] = True
        return None

    def _overrun(self, chosen: Positions) -> NDArray[np.bool_] | None:
        missed = elastic(relax(self.hold(chosen)).form, self.coupling.rows)
        task = highs.Task.of(self.options, "overrun", time_limit=self.clock.share(0.5, 1.0))
        found = milp.call(missed.form, task, self.journal, self.options)
        if found.x is None:
            return None
        return np.abs(missed.amounts(found.x)) > OVERRUN

    def _place(self, chosen: Positions, free: NDArray[np.bool_]) -> Positions | None:
        held = self.hold(chosen, free)
        integer = np.zeros_like(held.integer)
        integer[self.groups.columns[free[self.groups.owner]]] = True
        task = highs.Task.of(
            self.options, "repair", max(self.options.gap, 1e-3), self.clock.share(0.3, 2.0),
            nodes=NODES if self.clock.left is None else None,
        )  # fmt: skip
        found = milp.call(replace(held, integer=integer), task, self.journal, self.options.quiet)
        if found.x is None:
            return None
        return self.read(found.x)

    def commit(
        self, chosen: Positions, settings: tuple[Positions, Floats] | None = None,
        gap: float = 0.0,
    ) -> tuple[Floats | None, Floats | None]:  # fmt: skip
        """The clean plan of a choice with the duals of its dispatch; ``None`` if there is none.

        settings
            Further binaries that are held, columns and values.
        gap
            Relative gap to which the rest is searched, if not half of what the options ask for.
        """
        held = self.hold(chosen)
        if settings is not None:
            held = fix(held, *settings).form
        point: Floats | None = held.lower.copy()
        if held.integer.any():
            self.journal.count("commitment_milps")
            self.journal.count("commitment_binaries", int(held.integer.sum()))
            task = highs.Task.of(
                self.options, "commitment", max(0.5 * self.options.gap, gap),
                self.clock.share(0.4, 1.0),
                nodes=NODES if self.clock.left is None else None,
            )  # fmt: skip
            point = milp.call(held, task, self.journal, self.options.quiet).x
        if point is None:
            return None, None
        whole = point.copy()
        whole[self.groups.columns] = 0.0
        whole[self.groups.columns[chosen]] = 1.0
        return milp.complete(self.form, whole, self.journal, self.options, self.clock.last)

    def read(self, x: Floats) -> Positions:
        """The option that every group takes in a point: its largest."""
        groups = self.groups
        return first_of_each(groups.owner, -x[groups.columns], len(groups))

    def loads(self, x: Floats) -> Floats:
        """What the options add up to in every coupling row (r)."""
        return np.asarray(self.coupling.weights @ x[self.groups.columns])
