"""One outage: what can be done about it, planned, verified, and held against nothing happening."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

import citygrid as cg
from citygrid.arrays import Floats, stamped
from citygrid.errors import NoPlanError
from citygrid.study.resilience.emergency import SHORTAGE, fail, is_penalty, replays
from citygrid.study.resilience.near import near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from citygrid.components.log import Log
    from citygrid.district.case import Case
    from citygrid.model.form import Form
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.contract import Options
    from citygrid.study.resilience.outages import Outage

#: Unserved energy [kWh] below which a load counts as served: rounding of solvers.
NOTHING = 0.01
#: Names of those who save the day, at most.
HELPERS = 3


@dataclass(frozen=True)
class Dispatched:
    """A verified plan of a softened case, with what it moved."""

    case: Case
    plan: Plan
    verdict: Verdict
    logs: list[Log]

    @property
    def cost(self) -> float:
        """What was spent [EUR], without the prices of going without."""
        lines = self.verdict.ledger.items()
        return self.verdict.cost - sum(each.money for (_, item), each in lines if is_penalty(item))


@dataclass(frozen=True)
class Lack:
    """Who goes without: a component, its carrier and priority, energy [kWh], worst step and kW."""

    component: str
    carrier: str
    priority: str
    energy: float
    hour: str
    power: float


@dataclass
class Result:
    """What an outage does.

    ``unserved`` is (carrier, priority) → kWh over the rest of the horizon, where that is more than
    nothing. ``survives`` is whether no critical load goes without. ``extra_cost`` [EUR] and
    ``extra_co2`` [kg] are against the same hours without the outage, prices of lost load left out.
    """

    outage: Outage
    begin: str
    hours: float
    status: str
    survives: bool | None = None
    unserved: dict[tuple[str, str], float] = field(default_factory=dict)
    lacks: list[Lack] = field(default_factory=list)
    jobs_left_out: int = 0
    jobs_moved: int = 0
    extra_cost: float | None = None
    extra_co2: float | None = None
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    verified: bool | None = None
    largest_violation: float | None = None
    saved_by: str = ""
    message: str = ""
    seconds: float = 0.0

    def of(self, priority: str) -> float:
        """Energy of a priority that goes without [kWh]."""
        return sum(e for (_, each), e in self.unserved.items() if each == priority)


def dispatch(
    case: Case, route: str, options: Options, like: Plan | None = None, steps: int = 0
) -> Dispatched:  # fmt: skip
    """Plan and verify a softened case. Raises what the verbs raise.

    The decisions of a plan ``like`` it, without the outage of the first ``steps``, are where the
    search begins; by the route ``milp`` first near that plan (:mod:`.near`).
    """
    form, plan, start = cg.formulate(case), None, None
    if like is not None and route == "milp":
        plan, start = near(case, form, like, steps, options)
    if plan is None:
        if start is None and like is not None:
            start = _decisions(form, like)
        plan = cg.solve(form, route, replace(options, start=start))
    return Dispatched(case, plan, cg.verify(case, plan), replays(case, plan))


def _decisions(form: Form, plan: Plan) -> Floats | None:
    """The point of a form at which everything is as in a plan of nearly the same case."""
    point = np.zeros(len(form.cost))
    for name, block in form.columns.items():
        held = plan.content.variables.get(name)
        if held is not None and held.values.shape == block.shape:
            point[block.span] = plan.flow(name).ravel()
    return np.clip(point, form.lower, form.upper)


def suffer(
    reference: Dispatched, outage: Outage, steps: int, route: str, options: Options
) -> tuple[Result, Dispatched | None]:
    """Plan an outage of the first ``steps`` steps of a case and hold it against its ``reference``.

    An outage without a plan within the limits is a result that says so.
    """
    case, began = reference.case, time.perf_counter()
    result = Result(outage, stamped(case.time[0]), steps * case.step, "error")
    try:
        failed = fail(case, outage.components, steps)
        found = dispatch(failed, route, options, reference.plan, steps)
    except NoPlanError as error:
        result.status = error.status
        result.message = str(error.faults[0])
        result.seconds = time.perf_counter() - began
        return result, None
    result.seconds = time.perf_counter() - began
    verdict, plan = found.verdict, found.plan
    result.status = str(plan.attributes["status"])
    result.objective, result.bound, result.gap = plan.objective, plan.bound, plan.gap
    result.verified, result.largest_violation = verdict.ok, verdict.largest
    if not verdict.ok:
        result.message = str(verdict.violations[0])
        return result, found
    result.lacks = lacks(found)
    for lack in result.lacks:
        key = (lack.carrier, lack.priority)
        result.unserved[key] = result.unserved.get(key, 0.0) + lack.energy
    result.survives = result.of("critical") <= NOTHING
    result.extra_cost = found.cost - reference.cost
    result.extra_co2 = verdict.carbon - reference.verdict.carbon
    result.jobs_left_out, result.jobs_moved = _jobs(reference, found)
    result.saved_by = helpers(reference, found, steps, outage.components)
    return result, found


def lacks(found: Dispatched) -> list[Lack]:
    """Everybody who goes without by more than rounding, the most first."""
    step, listed = found.case.step, []
    for log in found.logs:
        for shed in log.shed:
            together: dict[tuple[str, str], Floats] = {}
            for row, (owner, rank) in enumerate(zip(shed.owners, shed.priorities, strict=True)):
                key = (str(owner), str(rank))
                together[key] = together.get(key, np.zeros(shed.amount.shape[1])) + shed.amount[row]
            for (owner, rank), amount in together.items():
                energy = float(amount.sum() * step)
                if energy > NOTHING:
                    worst = int(amount.argmax())
                    listed.append(Lack(owner, shed.carrier, rank, energy,
                                       stamped(found.case.time[worst]),
                                       float(amount[worst])))  # fmt: skip
    return sorted(listed, key=lambda lack: -lack.energy)


def fed(logs: Sequence[Log], steps: int, step: float) -> dict[tuple[str, str], float]:
    """(Component, carrier) → what it fed in the first steps [kWh], shortages left out."""
    amounts: dict[tuple[str, str], float] = {}
    for log in logs:
        for movement in log.movements:
            if movement.sign < 0 or log.kind == SHORTAGE:
                continue
            energy = movement.flow[:, :steps].sum(axis=1) * step
            for owner, amount in zip(movement.owners, energy, strict=True):
                key = (str(owner), movement.carrier)
                amounts[key] = amounts.get(key, 0.0) + float(amount)
    return amounts


def helpers(
    reference: Dispatched, found: Dispatched, steps: int, failed: Sequence[str]
) -> str:  # fmt: skip
    """Who gives more while the outage lasts, in words: of the carriers that what failed gave.

    Where nobody gives more of these (of gas, say), of all carriers that anybody gives more of.
    """
    before = fed(reference.logs, steps, found.case.step)
    after = fed(found.logs, steps, found.case.step)
    carriers = {carrier for (name, carrier), energy in before.items()
                if name in failed and energy > NOTHING}  # fmt: skip
    more = {key: after[key] - before.get(key, 0.0) for key in after if key[0] not in failed}
    gains = sorted(((gain, key) for key, gain in more.items() if gain > 0.5), reverse=True)
    told = [each for each in gains if each[1][1] in carriers] or (gains if carriers else [])
    return "; ".join(f"{name} gives {gain:,.0f} kWh more {carrier.replace('_', ' ')}"
                     for gain, (name, carrier) in told[:HELPERS])  # fmt: skip


def _jobs(reference: Dispatched, found: Dispatched) -> tuple[int, int]:
    """How many jobs are left out (more than without the outage), and how many run otherwise.

    By the tables that kinds with jobs have: who starts where and when, and what each job does.
    """
    left = moved = 0
    for kind, units in found.case.units.items():
        if "job" not in units.coords:
            continue
        before, after = (_work(each, kind) for each in (reference, found))
        done = [each.sum(axis=(1, 2)) for each in (before, after)]
        least = NOTHING + 1e-6 * done[0]
        gone = done[0] - done[1] > least
        left += int(gone.sum())
        moved += int(((np.abs(before - after).max(axis=(1, 2)) > NOTHING) & ~gone).sum())
    return left, moved


def _work(found: Dispatched, kind: str) -> Floats:
    """Energy [kWh] that every job begins or does (job × site × step)."""
    units = found.case.units[kind]
    flows = found.plan.flows(units)
    shape = (len(units["job_power"]), len(units["site_center"]), len(found.case.time))
    work = np.zeros(shape)
    for table, flow in (("start", "start"), ("slot", "run")):
        if not len(units[f"{table}_job"]):
            continue
        job = units[f"{table}_job"]
        each = (units["job_power"] * units["job_duration"])[job] if flow == "start" else (
            np.full(len(job), found.case.step))  # fmt: skip
        at = (job, units[f"{table}_site"], units[f"{table}_step"])
        np.add.at(work, at, flows[flow] * each)
    return work
