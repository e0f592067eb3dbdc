"""One central site, many small ones, or both: the same demand and the same jobs, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import citygrid as cg
from citygrid.errors import Fault, InfeasibleError, InputError, NoPlanError
from citygrid.study.layouts.figures import Spread, interactive, jobs
from citygrid.study.layouts.moving import Centre, centralise, centres_of

if TYPE_CHECKING:
    from citygrid.components.log import Log
    from citygrid.district.case import Case
    from citygrid.inputs.world import DataWay
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.contract import Options

#: Shares of the small centres that a hybrid may move, besides none and all.
SHARES = (0.25, 0.5, 0.75)


@dataclass(eq=False)
class Layout:
    """A layout with its plan; without one, ``why`` says what came in the way."""

    name: str
    central: str
    share: float
    case: Case
    plan: Plan | None = None
    verdict: Verdict | None = None
    why: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def objective(self) -> float:
        return float("inf") if self.plan is None else self.plan.objective


@dataclass
class Layouts:
    """The layouts of a district, with all splits that were tried for the hybrid one."""

    case: Case
    route: str
    options: Options
    distributed: Layout
    central: Layout
    hybrid: Layout
    tried: list[Layout]
    seconds: float = 0.0

    @property
    def shown(self) -> list[Layout]:
        return [self.distributed, self.central, self.hybrid]

    @property
    def ties(self) -> list[str]:
        """Names of layouts that the gap cannot tell from the cheapest."""
        best = min(layout.objective for layout in self.shown)
        slack = self.options.gap * abs(best)
        return [layout.name for layout in self.shown if layout.objective <= best + slack]

    def as_dict(self) -> dict[str, Any]:
        """The comparison as one document."""
        return {
            "model": self.case.name, "case_hash": self.case.hash, "route": self.route,
            "gap": self.options.gap, "seed": self.options.seed, "ties": self.ties,
            "layouts": [_described(layout) for layout in self.shown],
            "tried": [{"central": layout.central, "share": layout.share,
                       "objective": None if layout.plan is None else layout.plan.objective,
                       "why": layout.why or None} for layout in self.tried],
            "seconds": self.seconds,
        }  # fmt: skip


def _described(layout: Layout) -> dict[str, Any]:
    plan, verdict = layout.plan, layout.verdict
    return {
        "layout": layout.name, "central": layout.central or None, "share_moved": layout.share,
        "verified": None if verdict is None else verdict.ok,
        "objective": None if plan is None else plan.objective,
        "bound": None if plan is None else plan.bound, "gap": None if plan is None else plan.gap,
        "figures": layout.figures, "notes": layout.notes, "why": layout.why or None,
    }  # fmt: skip


def compare_layouts(
    model: str | Path, central: str | None = None, shares: Sequence[float] = SHARES,
    survival: str | None = None, route: str = "milp", options: Options | None = None,
    say: Callable[[str], None] = lambda text: None,
    prepared: Callable[[Case], None] = lambda case: None,
) -> Layouts:  # fmt: skip
    """Plan a district as its file has it, with one central site, and with both.

    ``central`` is a node with a data centre; left out, each is tried and the cheapest kept. The
    hybrid moves one of ``shares`` of every other centre, none or all, whichever is cheapest: so no
    layout beside it is cheaper. ``survival`` is how long outages last, for which every single one
    of every layout is planned; without it that figure is ``None``. ``prepared`` is shown the case
    before anything is solved.

    Raises :class:`InputError` for a node without a centre and for shares that are none, and what
    planning the distributed layout raises.
    """
    from citygrid.routes import check_all
    from citygrid.routes.contract import Options
    from citygrid.study.resilience.emergency import replays

    options = options or Options()
    check_all([route], options)
    if wrong := [share for share in shares if not 0.0 <= share <= 1.0]:
        raise InputError(Fault("--shares", "a share of a centre lies between 0 and 1", wrong[0],
                               "write such as 0.25,0.5,0.75"))  # fmt: skip
    began = time.perf_counter()
    say("reading the district")
    district = cg.load(model)
    case = cg.prepare(district)
    centres = centres_of(case)
    if survival is not None:
        from citygrid.study.resilience.outages import steps_of

        steps_of(survival, case.step, len(case.time), "--survival")
    hosts = _hosts(centres, central)
    ways = _ways(district)
    prepared(case)
    say("planning the distributed layout")
    distributed = _planned(Layout("distributed", "", 0.0, case), route, options, keep_going=False)
    assert distributed.plan is not None
    logs = replays(case, distributed.plan)
    tried = [distributed]
    for host in hosts:
        say(f"planning one central site, {host.name}")
        moved = centralise(case, host.name, 1.0, logs)
        tried.append(_planned(Layout("central", host.name, 1.0, moved), route, options))
    best = min(tried[1:], key=lambda layout: layout.objective)
    for share in sorted({share for share in shares if 0.0 < share < 1.0}):
        say(f"planning with {share:.0%} moved to {best.central}")
        moved = centralise(case, best.central, share, logs)
        tried.append(_planned(Layout("hybrid", best.central, share, moved), route, options))
    choices = [distributed, best, *(layout for layout in tried if layout.name == "hybrid")]
    chosen = min(choices, key=lambda layout: layout.objective)
    hybrid = Layout("hybrid", best.central, chosen.share, chosen.case, chosen.plan,
                    chosen.verdict, chosen.why)  # fmt: skip
    found = Layouts(case, route, options, distributed, best, hybrid, tried)
    for layout in found.shown:
        say(f"figures of the {layout.name} layout")
        _measure(layout, case, centres, best.central, ways)
        if survival is not None and layout.plan is not None:
            _survive(layout, survival, route, options, say)
    found.seconds = time.perf_counter() - began
    return found


def _hosts(centres: Sequence[Centre], central: str | None) -> list[Centre]:
    """Where the central site may be: centres with a size, from which everything beside it grows."""
    able = [each for each in centres if each.capacity > 0.0]
    hosts = [each for each in able if central in (None, each.node, each.name)]
    if not hosts:
        nodes = ", ".join(sorted({each.node for each in able}))
        there = any(central in (None, each.node, each.name) for each in centres)
        raise InputError(Fault(
            "--central", "a centre of 0 kW cannot grow" if there else "no data centre stands there",
            central, f"name one of {nodes}" if able else "give a data centre a capacity",
        ))  # fmt: skip
    return hosts


def _ways(district: Any) -> list[DataWay]:
    from citygrid.inputs.world import DataWay

    return [DataWay(port.place, *port.way) for _, port in district.ports() if port.way is not None]


def _planned(layout: Layout, route: str, options: Options, keep_going: bool = True) -> Layout:
    """Plan and verify a layout; what has no plan says why."""
    try:
        layout.plan = cg.solve(cg.formulate(layout.case), route, options)
    except (InfeasibleError, NoPlanError) as error:
        if not keep_going:
            raise
        layout.why = str(error.faults[0])
        return layout
    layout.verdict = cg.verify(layout.case, layout.plan)
    layout.verdict.require()
    return layout


def _measure(
    layout: Layout, case: Case, centres: Sequence[Centre], central: str, ways: Sequence[DataWay]
) -> None:
    """Fill in the figures of a layout; what does not apply is ``None``, with a note."""
    names = ("cost_eur", "co2_kg", "energy_reuse_factor", "waste_heat_used_mwh", "pue")
    if layout.plan is None or layout.verdict is None:
        layout.figures = dict.fromkeys([*names, *FURTHER])
        return
    kpis = layout.verdict.kpis
    work = interactive(case, centres, central, layout.share, ways)
    done = jobs(layout.case, layout.plan)
    all_work, local = work.total + done.origin, work.local + done.local
    distances: Spread = done.latency
    layout.figures = {
        **{name: kpis.get(name) for name in names},
        "latency_interactive_p50_ms": work.latency.p50,
        "latency_interactive_p95_ms": work.latency.p95,
        "latency_jobs_p50_ms": distances.p50, "latency_jobs_p95_ms": distances.p95,
        "wait_jobs_p50_h": done.wait.p50, "wait_jobs_p95_h": done.wait.p95,
        "queue_share": done.queue_share,
        "kept_local": local / all_work if all_work > 0.0 else None,
        "survival": None,
    }  # fmt: skip
    if work.why:
        layout.notes.append(f"latency of interactive work is unknown: {work.why}")
    if distances.p50 is None:
        layout.notes.append("latency of jobs is unknown: none has a home and data links from it")


#: Figures beside those of the plan, in the order of the table.
FURTHER = (
    "latency_interactive_p50_ms", "latency_interactive_p95_ms", "latency_jobs_p50_ms",
    "latency_jobs_p95_ms", "wait_jobs_p50_h", "wait_jobs_p95_h", "queue_share", "kept_local",
    "survival",
)  # fmt: skip


def _survive(
    layout: Layout, length: str, route: str, options: Options, say: Callable[[str], None]
) -> None:
    """The share of single outages in which no critical load goes without."""
    from citygrid.study.resilience import Wish, study_case
    from citygrid.study.resilience.emergency import assets_that_matter, replays

    assert layout.plan is not None
    logs: list[Log] = replays(layout.case, layout.plan)
    able = [name for name in assets_that_matter(logs) if not _is_empty(layout.case, name)]
    study = study_case(layout.case, Wish(length=length, only=able), route, options, say)
    judged = [result for result in study.results if result.survives is not None]
    if len(judged) == len(study.results):
        layout.figures["survival"] = len(study.survived) / len(judged)
    else:
        layout.notes.append(f"{len(study.unknown)} outages have no verified plan")


def _is_empty(case: Case, name: str) -> bool:
    """Whether a component has no size left: all of it was moved."""
    for units in case.units.values():
        if name in units.names:
            row = units.names.index(name)
            sizes = [units.parameters[each].values[row] for each in
                     ("capacity", "full_output") if each in units.parameters]  # fmt: skip
            return bool(sizes) and all((size == 0.0).all() for size in sizes)
    return False
