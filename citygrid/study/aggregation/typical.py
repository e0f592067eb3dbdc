"""Plan a long horizon by typical periods, and state what that says about the horizon as it is.

Three costs stand side by side: that of the plan by typical periods; the least cost of the horizon
as it is, at least its relaxation's proven bound; and what the horizon as it is costs when it keeps
what the typical periods decided, levels of stores at the ends of periods and units that are on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError, NoPlanError
from citygrid.gap import relative_gap
from citygrid.model.form import Form
from citygrid.model.reductions import fix, relax
from citygrid.routes import milp
from citygrid.routes.contract import Journal, Options, Outcome
from citygrid.study.aggregation.periods import Periods, cluster, repeated
from citygrid.study.aggregation.shared import share
from citygrid.verbs import explain, formulate, verify
from citygrid.verbs.handover import plan_of

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

#: How closely levels at the ends of periods are kept, as a share of the largest: data differ.
KEPT = 1e-3


@dataclass(frozen=True)
class Aggregated:
    """A plan by typical periods and how far it is from the horizon as it is.

    ``cost`` [EUR] is that of the plan, which is one of the case with repeated data; ``full`` a
    proven lower bound of the horizon's least cost, which for a linear district is that cost;
    ``imposed`` what the horizon costs with the plan's ``kept`` decisions, and at least costs where
    that leaves units free, which are then ``relaxed``. ``None`` where it was not asked or does not
    exist, and ``said`` says which.
    """

    model: str
    periods: Periods
    cost: float
    full: float | None
    imposed: float | None
    kept: str
    said: tuple[str, ...]
    size: dict[str, int]
    full_size: dict[str, int]
    seconds: dict[str, float]
    linear: bool
    relaxed: bool
    plan: Plan = field(repr=False)
    verdict: Verdict = field(repr=False)

    @property
    def error(self) -> float | None:
        """``(cost − full) / |full|``."""
        return (
            None if self.full is None or not self.full else (self.cost - self.full) / abs(self.full)
        )

    @property
    def regret(self) -> float | None:
        """What keeping the decisions costs at most, relative to the imposed cost.

        ``None`` where that one is of units that run in part: then nothing is known at most.
        """
        return None if self.relaxed else relative_gap(self.imposed, self.full)

    def as_dict(self) -> dict[str, Any]:
        """All of it as one document."""
        return {
            "model": self.model, "periods": len(self.periods.chosen),
            "steps_per_period": self.periods.length,
            "clusters": self.periods.cluster.tolist(), "chosen": self.periods.chosen.tolist(),
            "cost_eur": self.cost, "full_bound_eur": self.full, "full_is_exact": self.linear,
            "error": self.error, "imposed_eur": self.imposed, "imposed": self.kept,
            "imposed_is_relaxed": self.relaxed,
            "regret_at_most": self.regret, "said": list(self.said), "size": self.size,
            "full_size": self.full_size, "seconds": self.seconds, "verified": self.verdict.ok,
            "kpis": self.verdict.kpis,
        }  # fmt: skip


def aggregate(
    case: Case, periods: int = 12, hours: float = 24.0, segments: int | None = None,
    options: Options | None = None, full: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Aggregated:  # fmt: skip
    """Plan a case by typical periods.

    periods, hours, segments
        See :func:`.periods.cluster`.
    full
        Whether to solve the horizon as it is as well, without which no error can be stated.

    Raises :class:`InputError` for what cannot be aggregated, :class:`InfeasibleError` and
    :class:`NoPlanError` for a district without a plan.
    """
    options = options or Options()
    seconds: dict[str, float] = {}
    clock = _Clock(seconds)
    say("clustering the periods")
    found = cluster(case, periods, hours, segments)
    like = repeated(case, found)
    clock.stop("cluster")
    say("writing the form")
    form = formulate(like)
    if form.curves:
        raise InputError(Fault("district", "has costs along a curve, whose tangents are not shared",
                               None, "leave out quadratic costs"))  # fmt: skip
    reduced = share(form, like.time, found.cell)
    clock.stop("formulate")
    say(f"solving {len(reduced.form.cost):,} of {len(form.cost):,} columns")
    outcome = milp.solve(reduced.form, options)
    clock.stop("solve")
    if outcome.status == "infeasible":
        error = explain(like, form)
        error.faults = (*error.faults, Fault(
            "typical periods", "flows that are equal in like periods may be what leaves no plan",
            None, "ask for more periods",
        ))  # fmt: skip
        raise error
    if outcome.x is None:
        raise NoPlanError(Fault("route milp", "found no plan of the typical periods",
                                outcome.status, "allow more time or a larger gap"))  # fmt: skip
    x = reduced.restore(outcome.x)
    # What is proven holds for plans whose periods repeat, not for all plans of this case.
    told = {**outcome.telemetry, "repeating_bound": outcome.bound}
    plan = plan_of(like, form, "milp", options, Outcome("feasible", x, form.objective(x), None,
                                                        telemetry=told))  # fmt: skip
    verdict = verify(like, plan)
    verdict.require()
    clock.stop("verify")
    said: list[str] = []
    bound = imposed = None
    kept = "not asked"
    size = form.size
    linear, relaxed = not form.integer.any(), False
    if full:
        say("the horizon as it is")
        whole = formulate(case)
        size = whole.size
        least, _, _ = milp.relaxation(whole, options, method=milp.method(whole),
                                      crossover=False)  # fmt: skip
        bound = least.bound
        linear = not whole.integer.any()
        clock.stop("full")
        if bound is None:
            said.append("the horizon as it is has no relaxation that proves anything")
        say("the horizon as it is, with what was decided")
        imposed, kept, relaxed = _imposed(whole, form, x, found, options)
        clock.stop("imposed")
        if imposed is None:
            said.append("the horizon as it is has no plan with what the typical periods decided: "
                        "its days need more, or room, elsewhere")  # fmt: skip
    return Aggregated(
        case.name, found, verdict.cost, bound, imposed, kept, tuple(said), reduced.form.size, size,
        seconds, linear, relaxed, plan, verdict,
    )  # fmt: skip


class _Clock:
    """Seconds per stage."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds, self._begun = seconds, time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self._seconds[stage], self._begun = now - self._begun, now


def _imposed(
    whole: Form, form: Form, x: Floats, periods: Periods, options: Options
) -> tuple[float | None, str, bool]:
    """The least cost of the horizon as it is with decisions of another form's point (n).

    Beside it, which decisions, and whether units remain that the cost takes in part. Units on and
    levels first; where that allows no plan, levels alone.
    """
    level: list[int] = []
    amount: list[float] = []
    room: list[float] = []
    whole_numbers: list[int] = []
    chosen: list[float] = []
    for name, block in whole.columns.items():
        other = form.columns.get(name)
        if other is None or other.shape != block.shape:
            continue
        values = x[other.span].reshape(block.shape)
        if name.rpartition(".")[2] == "level" and block.shape[-1] > periods.ends[-1]:
            level += block.index[..., periods.ends].ravel().tolist()
            amount += values[..., periods.ends].ravel().tolist()
            room += [KEPT * max(float(values.max(initial=0.0)), 1.0)] * (
                values[..., periods.ends].size)  # fmt: skip
        if whole.integer[block.span].all():
            whole_numbers += block.index.ravel().tolist()
            chosen += np.round(values).ravel().tolist()
    lower, upper = whole.lower.copy(), whole.upper.copy()
    at = np.array(level, dtype=np.int64)
    lower[at] = np.clip(np.array(amount) - np.array(room), whole.lower[at], whole.upper[at])
    upper[at] = np.clip(np.array(amount) + np.array(room), whole.lower[at], whole.upper[at])
    bounded = replace(whole, lower=lower, upper=upper)
    tries = [("units on and levels at the ends of periods",
              fix(bounded, np.array(whole_numbers, dtype=np.int64), chosen).form)] if (
        whole_numbers) else []  # fmt: skip
    tries.append(("levels at the ends of periods, all else relaxed" if whole.integer.any()
                  else "levels at the ends of periods", bounded))  # fmt: skip
    for word, held in tries:
        found, _, _ = milp.relaxation(relax(held).form, options, Journal(),
                                      method=milp.method(held), crossover=False)  # fmt: skip
        if found.status == "optimal" and found.x is not None:
            return whole.objective(found.x), word, bool(held.integer.any())
    return None, tries[0][0], False
