"""Plans that differ as far as they can within a slack of the least cost.

Modelling to generate alternatives: the cost becomes a row, ``cost <= (1 + slack) best``, and what
is minimised or maximised is an amount that planners tell plans by (:mod:`.groups`), each in turn;
after them hop-skip-jump (Brill, Chang and Hopkins, 1982) minimises what earlier plans used most. A
plan is kept when its replayed cost is within the slack and it differs from all before; the solver's
word for either is not taken.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.errors import Fault, InfeasibleError, InputError, NoPlanError
from citygrid.model.additions import Addition, extend
from citygrid.model.form import Block, Form, Policy
from citygrid.routes.contract import Options, Outcome, proven
from citygrid.study.fronts.beginning import least, written
from citygrid.study.fronts.bounds import better
from citygrid.study.fronts.groups import WORDS, Group, groups
from citygrid.study.fronts.measures import AUTHOR, MEASURES, Limited, limited
from citygrid.study.fronts.others import Alternative, Alternatives
from citygrid.study.fronts.relaxing import Relaxation
from citygrid.study.fronts.solving import Solver
from citygrid.verbs import verify
from citygrid.verbs.handover import plan_of

if TYPE_CHECKING:
    from citygrid.district.case import Case

#: The row that holds the cost.
SLACK = "policy.slack"
#: Alternatives that may be asked for.
MOST = 100
#: How near to the least or most of an amount a search ends, relative to the largest of it; nodes.
CLOSE, NODES = 0.02, 300
#: Plans are the same when no amount differs by more than this share of its largest. Energies that
#: are less than this share of the district's largest count as so much: nobody tells plans by them.
SAME, TRIFLE = 0.01, 0.01
#: Amounts in use: above this share of the largest. Differences told in words.
USED, TOLD = 0.01, 4


def alternatives(
    case: Case, slack: float = 0.02, number: int = 10, route: str = "milp",
    options: Options | None = None, say: Callable[[str], None] = lambda text: None,
    policies: Sequence[str | Path] = (),
) -> Alternatives:  # fmt: skip
    """So many plans of a case that cost at most ``slack`` more than the cheapest, all different.

    slack
        Share of the cheapest plan's cost, such as 0.02.
    options
        ``gap`` is that of the cheapest plan; of the others cost is no aim.

    Raises :class:`InputError` for a slack or number out of range, :class:`InfeasibleError` for a
    district without a plan, :class:`VerificationError` for a plan that breaks a rule.
    """
    options = options or Options()
    faults = []
    if not 0.0 < slack <= 1.0:
        faults.append(Fault("--slack", "is no slack of the cost", slack,
                            "choose more than 0 % and at most 100 %"))  # fmt: skip
    if not 1 <= number <= MOST:
        faults.append(Fault("--number", "is no number of alternatives", number,
                            f"choose 1 to {MOST}"))  # fmt: skip
    if faults:
        raise InputError(faults)
    begun = time.perf_counter()
    form = written(case, route, options, say, policies)
    if form.curves:
        raise InputError(Fault("district", "has costs along a curve, whose rows state too little",
                               None, "leave out quadratic costs"))  # fmt: skip
    peak = limited(form, MEASURES["peak"]) if "grid.import" in form.columns else None
    open_ = form if peak is None else peak.form
    say("the least cost")
    solver = Solver(route, options, say)
    best = least(case, open_, Relaxation(open_), solver)
    search = _Search(case, _slackened(open_, best.cost, slack), peak, solver, best.x, best.cost,
                     best.bound, best.cost + slack * abs(best.cost))  # fmt: skip
    search.run(number)
    return Alternatives(
        case.name, slack, search.cheapest.cost, best.bound, search.cheapest, tuple(search.found),
        tuple(search.left_out), time.perf_counter() - begun,
    )  # fmt: skip


def _slackened(form: Form, best: float, slack: float) -> Form:
    """The form with its cost as a row that leaves the slack."""
    most = best + slack * abs(best)
    block = Block(SLACK, (), {}, 0, "EUR", "cost within the slack of the cheapest plan")
    said = f"cost at most {most:,.2f} EUR"
    policy = Policy(AUTHOR, said, hashlib.sha256(said.encode()).hexdigest(), (SLACK,))
    return extend(form, Addition(
        {SLACK: block}, sp.csr_array(form.cost[None, :]), np.array([-np.inf]),
        np.array([most - form.constant]),
    ), policy)  # fmt: skip


class _Search:
    """Alternatives while they are found; ``points`` (n) beside ``found``, the cheapest first."""

    def __init__(
        self, case: Case, form: Form, peak: Limited | None, solver: Solver, cheapest: Floats,
        cost: float, bound: float | None, most: float,
    ) -> None:  # fmt: skip
        self.case, self.form, self.solver, self.bound, self.most = case, form, solver, bound, most
        self.peak, self.relaxation = peak, Relaxation(form)
        self.groups = [group for group in groups(case, form) if group.weights.any()]
        cheapest = self.settled(cheapest)
        self.points = [cheapest]
        self.found: list[Alternative] = []
        self.left_out: list[str] = []
        self.base = cost
        self.cheapest = self.alternative("least cost", None, cheapest, None)

    def run(self, number: int) -> None:
        """Try the aims in turn until so many alternatives are found or none is left."""
        for name, group, cost, known in self.aims():
            if len(self.found) >= number:
                return
            self.solver.say(f"alternative {len(self.found) + 1} of {number}: {name}")
            self.attempt(name, group, cost, known)

    def aims(self) -> Iterator[tuple[str, Group | None, Floats, float]]:
        """What is minimised in turn: words, the group if it is one, cost (n) and constant."""
        first = self.points[0]
        named = [group for group in self.groups if not group.energy]
        kinds = [group for group in self.groups if group.energy and not group.single]
        kinds.sort(key=lambda group: -abs(group.of(first)))
        single = [group for group in self.groups if group.single]
        single.sort(key=lambda group: -abs(group.of(first)))
        recovered = [g for g in kinds if g.name.startswith(WORDS["recovered"])]
        for group, way in (
            *((g, 1) for g in recovered), *((g, w) for g in named for w in g.ways),
            *((g, -1) for g in kinds), *((g, 1) for g in kinds if g not in recovered),
            *((g, way) for g in single for way in (-1, 1)),
        ):  # fmt: skip
            yield (f"{'least' if way < 0 else 'most'} {group.name}", group, -way * group.weights,
                   -way * group.known)  # fmt: skip
        while True:
            jump = self.jump()
            before = len(self.found)
            yield "farthest from all before", None, jump, 0.0
            if len(self.found) == before:
                return

    def jump(self) -> Floats:
        """Weights (n) of what the plans so far use, each amount by its largest (hop-skip-jump)."""
        energy = [group for group in self.groups if group.energy]
        cost = np.zeros(len(self.form.cost))
        for group in energy:
            amounts = [abs(group.of(x)) for x in self.points]
            largest = max(amounts)
            if largest > 0.0:
                users = sum(amount > USED * largest for amount in amounts)
                cost += users / largest * group.weights
        return cost

    def attempt(self, name: str, group: Group | None, cost: Floats, known: float) -> None:
        """Look for one alternative; say where there is none."""
        aim = replace(self.form, cost=cost, constant=known)
        relaxed = self.relaxation.under(aim)
        proof = None if relaxed is None else relaxed.bound
        values = [abs(aim.objective(x)) for x in self.points]
        begin = min(self.points, key=aim.objective)
        close = CLOSE * max(max(values), 1e-6)
        finder = replace(self.solver, close=close, nodes=NODES)
        if proof is not None and aim.objective(begin) - proof <= close:
            self.left_out.append(f"{name}: a plan before has nearly that")
            return
        try:
            plan = finder.plan(aim, proof, relaxed, (begin,), (begin,))
        except (InfeasibleError, NoPlanError):
            self.left_out.append(f"{name}: no plan was found")
            return
        proof = better(proof, plan.bound)
        x = self.settled(plan.x)
        if self.same(x):
            self.left_out.append(f"{name}: differs from no plan before by more than {SAME:.0%}")
            return
        sign = -1.0 if group is not None and np.array_equal(cost, -group.weights) else 1.0
        made = self.alternative(name, group, x, None if proof is None else sign * proof)
        if made.cost > self.most + 1e-6 * max(1.0, abs(self.most)):
            self.left_out.append(f"{name}: the replay counts {made.cost:,.2f} EUR, too much")
            return
        self.points.append(x)
        self.found.append(made)

    def same(self, x: Floats) -> bool:
        """Whether a plan (n) differs from one before in no amount worth telling."""
        trifle = TRIFLE * max((self.largest(g, x) for g in self.groups if g.energy), default=0.0)
        scales = [max(self.largest(g, x), trifle if g.energy else 0.0, 1e-9) for g in self.groups]
        for other in self.points:
            apart = [abs(g.of(x) - g.of(other)) / scale
                     for g, scale in zip(self.groups, scales, strict=True)]  # fmt: skip
            if max(apart, default=0.0) <= SAME:
                return True
        return False

    def largest(self, group: Group, x: Floats) -> float:
        """The largest amount of a group in any plan so far and in ``x`` (n)."""
        return max(abs(group.of(point)) for point in (*self.points, x))

    def alternative(
        self, name: str, group: Group | None, x: Floats, proof: float | None
    ) -> Alternative:
        """A plan as it is handed out, verified."""
        cost = self.form.objective(x)
        bound = proven(cost, self.bound)
        outcome = Outcome("feasible", x, cost, bound, telemetry={"aim": name})
        plan = plan_of(self.case, self.form, self.solver.route, self.solver.options, outcome)
        verdict = verify(self.case, plan)
        verdict.require()
        amounts = {g.name: g.of(x) for g in self.groups}
        base = self.points[0]
        differs = () if x is base else self.differences(x, base)
        return Alternative(
            name, "" if group is None else group.unit, None if group is None else group.of(x),
            proof if group is not None else None, verdict.cost,
            (verdict.cost - self.base) / max(abs(self.base), 1e-9), amounts, differs, plan, verdict,
        )  # fmt: skip

    def settled(self, x: Floats) -> Floats:
        """The plan (n) with the column of the peak at the highest import, where it is free."""
        return x if self.peak is None else self.peak.settled(x)

    def differences(self, x: Floats, base: Floats) -> tuple[str, ...]:
        """Where a plan parts most from another, in words, the largest first."""
        most = max((self.largest(g, x) for g in self.groups if g.energy), default=1.0)
        told = []
        for group in self.groups:
            now, before = group.of(x), group.of(base)
            scale = most if group.energy else max(self.largest(group, x), 1e-9)
            if abs(now - before) > SAME * scale:
                told.append((abs(now - before) / scale, group.said(now, before)))
        told.sort(key=lambda pair: -pair[0])
        return tuple(text for _, text in told[:TOLD])
