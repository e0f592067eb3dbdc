"""The verb: a case, a window and an overlap give one plan of the whole horizon."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.gap import relative_gap
from citygrid.model.form import Form
from citygrid.model.windows import Calendar, calendar
from citygrid.plan.plan import Plan
from citygrid.routes import check_all
from citygrid.routes.contract import Clock, Journal, Options, Outcome, proven
from citygrid.study.rolling.bound import Proved, bound_by_windows
from citygrid.study.rolling.checkpoint import OUTLOOK, PROVED, Checkpoint
from citygrid.study.rolling.dispatch import finished
from citygrid.study.rolling.engine import Roller
from citygrid.study.rolling.outlook import Outlook, look_ahead, says
from citygrid.study.rolling.parts import WHOLE, look_ahead_by_parts
from citygrid.study.rolling.spans import Spans, spans
from citygrid.verbs import Run, formulate, plan_model
from citygrid.verbs.handover import plan_of

Say = Callable[[str], None]

#: Of what is kept of windows: raised whenever a later version could not go on from it.
FORMAT = 2
#: Share of the time for the look ahead.
LOOK = 0.25
#: Windows of the bound are so many times as long as those of the plan, for fewer rows cross.
LONGER = 4


def quiet(text: str) -> None:
    """Nobody listens."""


def roll(
    case: Case, window: str = "48h", overlap: str | None = None, route: str = "milp",
    options: Options | None = None, say: Say = quiet, folder: Path | None = None,
    resume: bool = False, prove: bool = True, form: Form | None = None,
) -> Plan:  # fmt: skip
    """Plan a case window by window: one plan of the whole horizon, with a proven bound of it.

    window, overlap
        Lengths as people write them. Each window sees ``window`` and decides ``window − overlap``.
    route, options
        How every window is solved. ``time_limit`` is for all of it: the relaxation, the windows,
        the last dispatch and the bound.
    folder, resume
        Where decided windows are kept, also when the plan is whole, until
        :func:`~citygrid.study.rolling.forget` takes them away, and whether to go on from there.
    prove
        Whether to look for a bound better than the relaxation's, where that one does not prove the
        gap that was asked for.
    form
        Of the case, where it is written already or holds policies.

    Raises :class:`InputError` for windows that cannot be, :class:`InfeasibleError` and
    :class:`NoPlanError` as :func:`citygrid.verbs.solve` does, naming the window.
    """
    asked = options or Options()
    check_all([route], asked)
    if route.startswith("answer:"):
        raise InputError(Fault("route", "answers one problem and cannot roll", route,
                               "choose milp, hybrid, qubo or pyomo:SOLVER"))  # fmt: skip
    parts = spans(case, window, overlap)
    warned = warnings(case, parts)
    for text in warned:
        say(text)
    journal, clock = Journal(asked.progress), Clock(asked.time_limit)
    if form is None:
        with journal.stage("formulate"):
            form = formulate(case)
    with journal.stage("calendar"):
        when = calendar(form, case.time)
    with Checkpoint(folder, _about(form, parts, route, asked)) as checkpoint:
        decided = checkpoint.begin(resume)
        with journal.stage("outlook"):
            outlook = _outlook(form, when, checkpoint, asked, clock.share(LOOK), say)
        roller = Roller(form, when, case.time, case.step, case.name, parts, route, asked, outlook,
                        clock, say)  # fmt: skip
        with journal.stage("windows"):
            course = roller.run(checkpoint, decided)
        with journal.stage("dispatch"):
            x = finished(form, when, course.x, asked, clock, say)
        objective = form.objective(x)
        bound, how = None if outlook is None else outlook.bound, "relaxation"
        if prove and outlook is not None and not _proves(objective, bound, asked.gap):
            with journal.stage("bound"):
                better = _better(form, when, outlook, parts, checkpoint, asked, clock, say,
                                 objective)  # fmt: skip
            if better is not None and (bound is None or better > bound):
                bound, how = better, "windows"
        bound = proven(objective, bound)
        journal.trace(objective, bound)
        searched: list[Any] = [each.get("milps") for each in course.notes]
        journal.figures |= {
            "milps": None if None in searched else sum(searched),
            "rolling": {
                "window_h": parts.window * case.step, "overlap_h": parts.overlap * case.step,
                "windows": len(parts.begins),
                "bound_by": how if bound is not None else None, "warnings": warned, **says(outlook),
                "each": course.notes,
            },
        }  # fmt: skip
        within = _proves(objective, bound, asked.gap)
        outcome = Outcome("optimal" if within else "feasible", x, objective, bound,
                          [(objective, x)],
                          {**journal.telemetry(), "gap_asked": asked.gap})  # fmt: skip
        return plan_of(case, form, route, asked, outcome)


def _proves(objective: float, bound: float | None, asked: float) -> bool:
    """Whether a bound is as near as was asked."""
    gap = relative_gap(objective, bound)
    return gap is not None and gap <= asked


def _outlook(
    form: Form, when: Calendar, checkpoint: Checkpoint, options: Options, limit: float | None,
    say: Say,
) -> Outlook | None:  # fmt: skip
    """Prices and a course of the whole: kept, from its relaxation, or from parts of that."""
    kept = checkpoint.recall(OUTLOOK, "x", "duals", "bound", "seconds", "parts")
    if kept is not None:
        x, duals, bound, seconds, count = kept
        return Outlook(x, duals, float(bound) if np.isfinite(bound) else None,
                       float(seconds), int(count))  # fmt: skip
    found = (look_ahead(form, options, limit, say) if form.matrix.nnz <= WHOLE
             else look_ahead_by_parts(form, when, options, limit, say))  # fmt: skip
    if found is not None:
        checkpoint.remember(OUTLOOK, x=found.x, duals=found.duals, seconds=found.seconds,
                            bound=np.nan if found.bound is None else found.bound,
                            parts=found.parts)  # fmt: skip
    return found


def _better(
    form: Form, when: Calendar, outlook: Outlook, parts: Spans, checkpoint: Checkpoint,
    options: Options, clock: Clock, say: Say, objective: float,
) -> float | None:  # fmt: skip
    """What windows prove, longer ones than those of the plan, without overlap."""
    length = max(parts.window, min(LONGER * parts.window, parts.steps // 4))
    cuts = [*range(0, parts.steps - length // 2, length), parts.steps]
    count = len(cuts) - 1
    # What windows proved counts at the prices and between the cuts at which they proved it.
    terms = hashlib.sha256(outlook.duals.tobytes() + np.array(cuts).tobytes()).hexdigest()
    kept, proved = checkpoint.recall(PROVED, "terms", "relaxed", "sharpened"), Proved()
    if kept is not None and str(kept[0]) == terms:
        proved = Proved(*(values.tolist() for values in kept[1:]))

    def told(proved: Proved) -> None:
        checkpoint.remember(PROVED, terms=np.array(terms), relaxed=np.array(proved.relaxed),
                            sharpened=np.array(proved.sharpened))  # fmt: skip
        done, what = ((proved.sharpened, "with their integers") if proved.sharpened
                      else (proved.relaxed, "relaxed"))  # fmt: skip
        say(f"proving a bound by windows, {len(done)} of {count} {what}")

    say(f"proving a bound by {count} windows")
    return bound_by_windows(
        form, when, outlook.duals, cuts, options, clock, outlook.x, proved, told,
        enough=lambda bound: _proves(objective, bound, options.gap), cost=objective,
    )  # fmt: skip


def warnings(case: Case, parts: Spans) -> list[str]:
    """What a window is too short to see: minimum times and jobs longer than it."""
    seen, found = parts.window * case.step, []
    for kind, units in case.units.items():
        for name, what in (("minimum_up_time", "minimum up time"),
                           ("minimum_down_time", "minimum down time"),
                           ("job_duration", "duration of a job")):  # fmt: skip
            if name in units.parameters:
                longest = float(units.parameters[name].values.max(initial=0.0))
                if longest > seen:
                    found.append(f"warning: the window of {seen:g} h is shorter than a {what} of "
                                 f"{longest:g} h ({kind}); use a longer one")  # fmt: skip
    return found


def _about(form: Form, parts: Spans, route: str, options: Options) -> dict[str, Any]:
    """What decided windows depend on; how long a run may take is not part of it."""
    kept = ("gap", "seed", "sampler")
    return {
        "format": FORMAT, "form": form.hash, **asdict(parts), "route": route,
        **{name: getattr(options, name) for name in kept}, "extras": dict(options.extras),
    }  # fmt: skip


def roll_model(
    path: str | Path, window: str, overlap: str | None = None, route: str = "milp",
    options: Options | None = None, say: Say = quiet, policies: Sequence[str | Path] = (),
    folder: Path | None = None, resume: bool = False,
    prepared: Callable[[Case], None] = lambda case: None,
) -> Run:  # fmt: skip
    """The whole sentence for one model, by windows: read, prepare, write, roll, verify.

    ``prepared`` is shown the case before anything is solved.
    """

    def fits(case: Case) -> None:
        spans(case, window, overlap)
        prepared(case)

    def by_windows(form: Form, route: str, options: Options) -> Plan:
        case: Case = form.source
        return roll(case, window, overlap, route, options, say, folder, resume, form=form)

    return plan_model(path, route, options, say, policies, fits, by_windows)
