"""The sentence: load, prepare, formulate, solve, verify, compare.

These are the only functions that see both sides of a wall: they hand the case and the kinds to the
formulation, and turn a route's answer into a plan that knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.errors import Fault, InfeasibleError, InputError, NoPlanError
from citygrid.plan.compare import CONTROL, HYBRID, try_of

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.district.load import District
    from citygrid.model.form import Form
    from citygrid.plan.compare import Try
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.conflict import Conflict
    from citygrid.routes.contract import Options


def load(path: str | Path) -> District:
    """Read and check a district file; see :func:`citygrid.district.load.load`."""
    from citygrid.district.load import load as read

    return read(path)


def prepare(district: District) -> Case:
    """Turn a district into hourly numbers; see :func:`citygrid.district.prepare.prepare`."""
    from citygrid.district.prepare import prepare as derive

    return derive(district)


def formulate(case: Case) -> Form:
    """Write the case as a sparse standard form, without a solver in sight."""
    from citygrid.components.contract import kinds
    from citygrid.model.formulate import formulate as build

    form = build(case, {name: kind.formulate for name, kind in kinds().items()})
    return replace(form, source=case)


def impose(form: Form, policy: str | Path | Callable[[Any], object]) -> Form:
    """The form with a policy's constraints behind its own rows, for every route to obey.

    ``policy`` is a function of the Pyomo model, or text ``FILE:FUNCTION``; see
    :func:`citygrid.routes.pyomo.policy.impose`.
    """
    from citygrid.routes.pyomo.policy import impose as add

    return add(form, policy)


def formulate_under(
    case: Case, policies: Sequence[str | Path | Callable[[Any], object]],
    say: Callable[[str], None] = lambda text: None,
) -> Form:  # fmt: skip
    """The form of a case with policies imposed one after the other; ``say`` hears of each."""
    form = formulate(case)
    for policy in policies:
        say(f"imposing {policy}")
        form = impose(form, policy)
    return form


def solve(form: Form, route: str = "milp", options: Options | None = None) -> Plan:
    """Solve a form by a route and give the plan of the case it was made from.

    Raises :class:`InfeasibleError` naming which balance at which hour lacks how many kW, and
    :class:`NoPlanError` when no plan was found within the limits.
    """
    from citygrid.routes import solve as run
    from citygrid.routes.contract import Options
    from citygrid.verbs.handover import plan_of

    case: Case | None = form.source
    if case is None:
        raise InputError(Fault("form", "was not made from a case, so its solution is no plan",
                               repair="make it with `formulate(case)`"))  # fmt: skip
    options = options or Options()
    outcome = run(form, route, options)
    if outcome.status == "infeasible":
        raise explain(case, form)
    if outcome.x is None or outcome.status == "relaxed":
        why = "" if outcome.status == "no_plan" else f" ({outcome.status.replace('_', ' ')})"
        failure = NoPlanError(Fault(
            f"route {route}", f"found no plan{why}",
            outcome.telemetry.get("message"),
            "its bound stands; choose a route that keeps whole numbers" if outcome.x is not None
            else "allow more time, a larger gap, or another route",
        ))  # fmt: skip
        failure.status, failure.bound = outcome.status, outcome.bound
        failure.telemetry = outcome.telemetry
        raise failure
    return plan_of(case, form, route, options, outcome)


def _perhaps_policies(form: Form, conflict: Conflict | None) -> list[Fault]:
    """An explanation may name a balance that only a policy left short."""
    imposed = [form.rows[row] for policy in form.policies for row in policy.rows]
    if conflict is not None and conflict.irreducible and not any(
        (conflict.sides.row_lower | conflict.sides.row_upper)[block.span].any() for block in imposed
    ):  # fmt: skip
        return []  # it conflicts without them
    named = ", ".join(f"{policy.file}:{policy.function}" for policy in form.policies)
    reason = "the limits that policies impose may be what leaves no plan"
    return [Fault("policies", reason, named, "plan without them to see")] if named else []


def explain(case: Case, form: Form) -> InfeasibleError | NoPlanError:
    """Why no plan exists: what is missing where and when, and which limits stand against it.

    The error's ``details`` are the same as one document; see :mod:`citygrid.routes.explain` for
    what of it is proved. Where the district has a plan after all, a route's word was wrong by
    rounding, and that is what the error says.
    """
    from citygrid.routes.explain import explain as search
    from citygrid.routes.words import tell

    said = search(form)
    if said.feasible:
        return NoPlanError(Fault(
            case.name, "the route calls the district infeasible, but flows within rounding of "
            "every limit exist", None, "choose another route, or widen limits that just touch",
        ))  # fmt: skip
    faults, document = tell(form, said, case.name, case.step)
    error = InfeasibleError([*faults, *_perhaps_policies(form, said.conflict)])
    error.details = document
    return error


def verify(case: Case, plan: Plan) -> Verdict:
    """Replay a plan by physics; see :func:`citygrid.plan.verify.verify`."""
    from citygrid.plan.verify import verify as check

    return check(case, plan)


@dataclass
class Run:
    """One model solved by one route: the plan, its verdict, and where the time went.

    ``seed`` and the time ``given`` [s] are what the route was asked with; ``None`` is no limit.
    """

    route: str
    case: Case
    form: Form
    plan: Plan | None
    verdict: Verdict | None
    seconds: dict[str, float] = field(default_factory=dict)
    error: NoPlanError | None = None
    seed: int = 0
    given: float | None = None

    @property
    def tried(self) -> Try:
        """What a comparison of routes needs to know; a plan that breaks rules is none."""
        sound = self.plan is not None and self.verdict is not None and self.verdict.ok
        objective = self.plan.objective if sound and self.plan is not None else None
        return try_of(self.route, self.seed, objective, self.bound, self.telemetry, self.given,
                      self.seconds.get("solve"))  # fmt: skip

    @property
    def size(self) -> dict[str, int]:
        """Columns, rows, nonzeros and binaries of the form."""
        return self.form.size

    @property
    def status(self) -> str:
        """The route's own word; the verdict stands beside it."""
        if self.plan is not None:
            return str(self.plan.attributes["status"])
        return "error" if self.error is None else self.error.status

    @property
    def bound(self) -> float | None:
        """What was proven [EUR], also by a route that found no plan."""
        if self.plan is not None:
            return self.plan.bound
        return None if self.error is None else self.error.bound

    @property
    def telemetry(self) -> dict[str, Any]:
        """What the route reported, also without a plan."""
        if self.plan is not None:
            return self.plan.telemetry
        return {} if self.error is None else dict(self.error.telemetry)


#: How a route makes a plan of a form.
Solver = Callable[["Form", str, "Options"], "Plan"]


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the time of a stage to ``seconds``."""
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - began


def plan_model(
    path: str | Path, route: str = "milp", options: Options | None = None,
    progress: Callable[[str], None] | None = None, policies: Sequence[str | Path] = (),
    prepared: Callable[[Case], None] | None = None, by: Solver | None = None,
) -> Run:  # fmt: skip
    """The whole sentence for one model and one route."""
    return compare_routes(path, [route], options, progress, False, policies, prepared=prepared,
                          by=by)[0]  # fmt: skip


def compare_routes(
    path: str | Path, routes: Sequence[str], options: Options | None = None,
    progress: Callable[[str], None] | None = None, keep_going: bool = True,
    policies: Sequence[str | Path] = (), seeds: Sequence[int] = (), controls: bool = False,
    prepared: Callable[[Case], None] | None = None, by: Solver | None = None,
) -> list[Run]:  # fmt: skip
    """Solve one form by several routes, verify each plan, and time every stage.

    With ``keep_going`` a route that finds no plan is reported in its :class:`Run` and does not stop
    the others; an infeasible district stops them all, because no route can help it. ``policies``
    are imposed on the form one after the other (:func:`impose`). Every route is run with every one
    of ``seeds``, one seed after the other. With ``controls`` the routes named ``hybrid:…`` are
    controls of ``hybrid``, which must be among the routes: they run after it, and each gets as
    its limit the time that ``hybrid`` took with the same seed. ``prepared`` hears of the case
    before anything is solved. ``by`` is how a route makes a plan of the form: at once
    (:func:`solve`, if left out), or window by window.
    """
    from citygrid.routes import check_all
    from citygrid.routes.contract import Options

    if not routes:
        raise InputError(Fault("routes", "no route is named", None, "name one, such as milp"))
    if controls and HYBRID not in routes:
        raise InputError(Fault("routes", "controls need the route that they control",
                               ", ".join(routes), f"name {HYBRID}, too"))  # fmt: skip
    check_all(routes, options)
    say = progress or (lambda text: None)
    seconds: dict[str, float] = {}
    say("reading the district")
    with timed(seconds, "load"):
        district = load(path)
    say("preparing weather, series and jobs")
    with timed(seconds, "prepare"):
        case = prepare(district)
    if prepared is not None:
        prepared(case)
    say("writing the form")
    with timed(seconds, "formulate"):
        form = formulate_under(case, policies, say)
    size = form.size
    options = options or Options()
    if controls:
        from citygrid.verbs.warm import warm

        routes = sorted(routes, key=lambda route: route.startswith(CONTROL))
        say("warming up, so that the first route does not pay for all")
        warm(HYBRID, options.threads)
    runs = []
    for seed in seeds or [options.seed]:
        taken: float | None = None
        for route in routes:
            limited = controls and route.startswith(CONTROL) and taken is not None
            given = taken if limited else options.time_limit
            run = Run(route, case, form, None, None, dict(seconds), None, seed, given)
            runs.append(run)
            say(f"solving {size['columns']:,} columns, {size['binaries']:,} binaries by {route}"
                + (f", seed {seed}" if len(seeds) > 1 else ""))  # fmt: skip
            _fill(run, replace(options, seed=seed, time_limit=given), keep_going, say, by)
            if route == HYBRID:
                taken = run.tried.used
    return runs


def _fill(
    run: Run, options: Options, keep_going: bool, say: Callable[[str], None], by: Solver | None
) -> None:
    """Solve and verify; a route without a plan leaves its error."""
    try:
        with timed(run.seconds, "solve"):
            run.plan = (by or solve)(run.form, run.route, options)
    except NoPlanError as error:
        if not keep_going:
            raise
        run.error = error
    else:
        queue = run.plan.telemetry.get("queue")
        if queue is not None:
            run.seconds["queue"] = float(queue)
        say(f"verifying the plan by {run.route}")
        with timed(run.seconds, "verify"):
            run.verdict = verify(run.case, run.plan)
    # Queue time is part of the solve; it is shown apart and not counted twice.
    run.seconds["total"] = sum(v for stage, v in run.seconds.items() if stage != "queue")
