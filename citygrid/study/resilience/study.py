"""A study of outages: a base plan, what may fail, when, and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import citygrid as cg
from citygrid.arrays import Floats
from citygrid.study.resilience import outages as which
from citygrid.study.resilience.dispatch import Dispatched, Result, dispatch, suffer
from citygrid.study.resilience.emergency import (
    SHED_PRICES,
    assets_that_matter,
    replays,
    soften,
)
from citygrid.study.resilience.state import from_step

if TYPE_CHECKING:
    from citygrid.components.log import Log
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.contract import Options

#: What is asked of a district that is said to survive.
CRITERION = "no critical load goes without"


@dataclass(frozen=True)
class Wish:
    """What is studied: when outages begin, how long they last, and which beside all single ones."""

    at: str = "0h"
    length: str = "8h"
    pairs: str | None = None
    island: bool = False
    only: Sequence[str] = ()


@dataclass
class Study:
    """Outages of a district and what each does; ``assets`` are name → kind of what may fail."""

    case: Case
    base: Plan
    verdict: Verdict
    assets: dict[str, str]
    wish: Wish
    route: str
    options: Options
    results: list[Result] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def survived(self) -> list[Result]:
        return [result for result in self.results if result.survives]

    @property
    def lost(self) -> list[Result]:
        """Outages that a critical load does not survive, the worst first."""
        found = [result for result in self.results if result.survives is False]
        return sorted(found, key=lambda result: -result.of("critical"))

    @property
    def unknown(self) -> list[Result]:
        """Outages without a verified plan."""
        return [result for result in self.results if result.survives is None]

    def as_dict(self) -> dict[str, Any]:
        """The study as one document."""
        return {
            "model": self.case.name, "case_hash": self.case.hash, "route": self.route,
            "gap": self.options.gap, "seed": self.options.seed, "at": self.wish.at,
            "hours": self.wish.length, "criterion": CRITERION, "shed_prices": dict(SHED_PRICES),
            "base": {"objective": self.base.objective, "bound": self.base.bound,
                     "verified": self.verdict.ok},
            "outages": len(self.results), "survived": len(self.survived),
            "lost": len(self.lost), "unknown": len(self.unknown),
            "results": [as_row(result, self.assets) for result in self.results],
            "seconds": self.seconds,
        }  # fmt: skip


def as_row(result: Result, assets: dict[str, str]) -> dict[str, Any]:
    """An outage as a flat record, with who goes without as a list."""
    return {
        "outage": result.outage.name, "components": list(result.outage.components),
        "kinds": [assets[name] for name in result.outage.components],
        "begin": result.begin, "hours": result.hours, "survives": result.survives,
        "status": result.status, "verified": result.verified,
        **{f"unserved_{rank}_kwh": result.of(rank) for rank in SHED_PRICES},
        "unserved": [{"carrier": carrier, "priority": rank, "kwh": energy}
                     for (carrier, rank), energy in sorted(result.unserved.items())],
        "who": [lack.__dict__ for lack in result.lacks],
        "jobs_left_out": result.jobs_left_out, "jobs_moved": result.jobs_moved,
        "extra_cost_eur": result.extra_cost, "extra_co2_kg": result.extra_co2,
        "objective": result.objective, "bound": result.bound, "gap": result.gap,
        "largest_violation": result.largest_violation, "saved_by": result.saved_by,
        "message": result.message, "seconds": result.seconds,
    }  # fmt: skip


def study_outages(
    model: str | Path, wish: Wish | None = None, route: str = "milp",
    options: Options | None = None, say: Callable[[str], None] = lambda text: None,
) -> Study:  # fmt: skip
    """Plan a district, let its components fail one by one, and plan each time what can be done.

    Raises :class:`InputError` for a wish that cannot be, before anything is solved where the case
    tells, and what planning the district itself raises.
    """
    from citygrid.routes import check_all
    from citygrid.routes.contract import Options

    wish, options = wish or Wish(), options or Options()
    check_all([route], options)
    say("reading the district")
    case = cg.prepare(cg.load(model))
    return study_case(case, wish, route, options, say)


def study_case(
    case: Case, wish: Wish, route: str, options: Options,
    say: Callable[[str], None] = lambda text: None,
) -> Study:  # fmt: skip
    """The study of a case that is prepared already; see :func:`study_outages`."""
    count = len(case.time)
    steps = which.steps_of(wish.length, case.step, count)
    begins = which.hours_of(wish.at, case.step, count)
    which.refuse_strangers(case, wish.only, wish.pairs)
    began = time.perf_counter()
    say("planning without any outage")
    base = cg.solve(cg.formulate(case), route, options)
    verdict = cg.verify(case, base)
    verdict.require()
    logs = replays(case, base)
    assets = assets_that_matter(logs)
    chosen = which.named(assets, wish.only) if wish.only else which.single(assets)
    if wish.pairs is not None:
        chosen += which.pairs(assets, wish.pairs)
    if wish.island:
        chosen.append(which.island(assets))
    study = Study(case, base, verdict, assets, wish, route, options)
    study.seconds["base"] = time.perf_counter() - began
    work = [(begin, outage) for outage in chosen
            for begin in (begins if begins is not None
                          else [_busiest(logs, outage.components, steps, count)])]  # fmt: skip
    work.sort(key=lambda each: each[0])  # outages of one hour share what they are held against
    reference: tuple[int, Dispatched] | None = None
    for number, (begin, outage) in enumerate(work, 1):
        if reference is None or reference[0] != begin:
            say(f"planning on from hour {begin * case.step:g} without an outage")
            softened = soften(from_step(case, base, begin), logs)
            reference = (begin, dispatch(softened, route, options))
            reference[1].verdict.require()
        say(f"outage {number} of {len(work)}: {outage.name}")
        result, _ = suffer(reference[1], outage, min(steps, count - begin), route, options)
        study.results.append(result)
    order = {outage: place for place, outage in enumerate(chosen)}
    study.results.sort(key=lambda result: (order[result.outage], result.begin))
    study.seconds["outages"] = time.perf_counter() - began - study.seconds["base"]
    return study


def _busiest(logs: Sequence[Log], components: Sequence[str], steps: int, count: int) -> int:
    """The first step of the span in which components feed the most in the base plan.

    That is when they are missed first; it is a guess at the worst hour, not a proof of it.
    """
    total: Floats = np.zeros(count)
    for log in logs:
        for movement in log.movements:
            if movement.sign > 0:
                total += movement.flow[np.isin(movement.owners, list(components))].sum(axis=0)
    within = np.convolve(total, np.ones(min(steps, count)), mode="valid")
    return int(np.argmax(within))
