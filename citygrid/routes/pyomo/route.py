"""The route ``pyomo:SOLVER``: the form solved by any solver that Pyomo drives."""

from __future__ import annotations

import logging
import math
import subprocess
from contextlib import suppress
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.common.errors import ApplicationError
from pyomo.opt import SolverResults, TerminationCondition
from pyomo.opt.solver import shellcmd

from citygrid.errors import Fault, InputError
from citygrid.model.form import Floats, Form
from citygrid.routes import highs, milp
from citygrid.routes.bounds import dual_bound
from citygrid.routes.contract import Journal, Options, Outcome, Status, proven, relative_gap
from citygrid.routes.pyomo.model import build, finite, load

#: How solvers call the relative gap, the seed and the number of threads; others get none.
_OPTION_NAMES: dict[str, dict[str, str]] = {
    "highs": {"gap": "mip_rel_gap", "seed": "random_seed"},
    "appsi_highs": {"gap": "mip_rel_gap", "seed": "random_seed"},
    "glpk": {"gap": "mipgap"},
    "cbc": {"gap": "ratio", "seed": "randomCbcSeed", "threads": "threads"},
    "scip": {"gap": "limits/gap"},
    "scip_direct": {"gap": "limits/gap"},
    "gurobi": {"gap": "MIPGap", "seed": "Seed", "threads": "Threads"},
    "cplex": {"gap": "mip_tolerances_mipgap", "seed": "randomseed", "threads": "threads"},
}
_HIGHS = ("highs", "appsi_highs")
#: Solvers whose own bound of a search Pyomo hands on unchanged. Others state the objective in its
#: place (GLPK, and CBC within a gap), or nothing: their word is not taken.
_PROVING = frozenset({
    *_HIGHS, "gurobi", "gurobi_direct", "gurobi_persistent", "appsi_gurobi",
    "cplex_direct", "cplex_persistent", "xpress_direct", "xpress_persistent",
})  # fmt: skip
#: Solvers whose limit of time is a whole number of seconds; it is raised to one.
_WHOLE_SECONDS = ("glpk",)
#: A program that has not ended so many seconds after its time limit is killed. Pyomo gives it one,
#: in which none ends that has to write its plan on a busy machine.
shellcmd.SUBPROCESS_TIMEOUT_ABS_ADJUST = 10
_LIKELY = ("highs", "appsi_highs", "glpk", "cbc", "scip", "gurobi", "cplex", "xpress", "mosek")

_STATUS: dict[TerminationCondition, Status] = {
    TerminationCondition.optimal: "optimal",
    TerminationCondition.globallyOptimal: "optimal",
    TerminationCondition.locallyOptimal: "feasible",
    TerminationCondition.feasible: "feasible",
    TerminationCondition.infeasible: "infeasible",
    TerminationCondition.unbounded: "unbounded",
    TerminationCondition.maxTimeLimit: "time_limit",
}


def solve(form: Form, options: Options, solver: str) -> Outcome:
    """Solve the form by a solver that Pyomo drives, then clean the plan as ``milp`` does.

    ``options.extras`` go to the solver under the names it knows. The bound is the solver's where
    Pyomo is known to hand it on, and otherwise what the duals of the relaxation prove; the
    telemetry's ``bound_by`` says which. Raises :class:`InputError` for a solver that is unknown or
    not installed.
    """
    journal = Journal(options.progress)
    driver = check(solver, options)
    if _contradicts(form):
        return Outcome("infeasible", telemetry=journal.telemetry())
    with journal.stage("build"):
        model = build(form)
    with journal.call(f"pyomo:{solver}", "milp" if form.integer.any() else "lp") as record:
        results = _run(driver, model, solver, options)
        condition = results.solver.termination_condition
        record.notes["termination"] = str(condition)
        if condition == TerminationCondition.error:
            journal.figures["message"] = str(results.solver.message)
    if solver in _HIGHS and form.integer.any():
        journal.count("milps")
    status: Status = _STATUS.get(condition, "error")
    if condition == TerminationCondition.infeasibleOrUnbounded:
        status = highs.settle(form)
    if status in ("infeasible", "unbounded") or not len(results.solution):
        bound = _bound(results) if solver in _PROVING else None
        journal.trace(bound=bound)
        return Outcome(status, bound=bound, telemetry=journal.telemetry())
    model.solutions.load_from(results)
    x = load(model, form)
    # Pyomo tells nothing while a solver works: the trace begins with its answer.
    journal.trace(form.objective(x))
    clean, duals = milp.complete(form, x, journal, options, options.time_limit)
    if clean is None:
        journal.figures["completion"] = "no completion; the solver's own point is kept"
        journal.figures["residual"] = form.residual(x)
        journal.figures["residual_at"] = form.worst(x)
    else:
        x = clean
    objective = form.objective(x)
    bound = proven(objective, _proof(form, duals, solver, results, journal, options))
    journal.trace(objective, bound)
    gap = relative_gap(objective, bound)
    if status == "optimal" and gap is not None and gap > 1.001 * options.gap + 1e-6:
        status = "feasible"
    if status == "error":
        status = "feasible"
    return Outcome(status, x, objective, bound, [(objective, x)], journal.telemetry())


def _proof(
    form: Form, duals: Floats | None, solver: str, results: SolverResults, journal: Journal,
    options: Options,
) -> float | None:  # fmt: skip
    """A bound that is proven, and in the journal who proved it."""
    if not form.integer.any():
        journal.figures["bound_by"] = "duals of the completion"
        return None if duals is None else dual_bound(form, duals)
    if solver in _PROVING:
        journal.figures["bound_by"] = solver
        return _bound(results)
    journal.figures["bound_by"] = "duals of the relaxation"
    return milp.relaxation(form, options, journal, time_limit=options.time_limit)[0].bound


def check(solver: str, options: Options) -> Any:
    """The driver of a solver. Raises :class:`InputError` where it is unknown or not installed.

    Only HiGHS's options are known here; those of others are refused, if at all, by themselves.
    """
    if solver in _HIGHS:
        highs.settings(options.extras)
    return _driver(solver)


def strange(solver: str, options: Options) -> list[str]:
    """What of a solver and its options nobody but a user may ask for; see `routes.strange`.

    A name that Pyomo does not know is a program on the path, or anywhere, which it runs; and other
    solvers than HiGHS have options that make them write files.
    """
    if solver in _HIGHS:
        return []
    found = [] if solver in pyo.SolverFactory else [f"program {solver}"]
    return found + [f"option {name} of {solver}" for name in options.extras]


def solvers() -> list[str]:
    """The usual solvers that Pyomo finds on this machine."""
    found = []
    for name in _LIKELY:
        with suppress(InputError):
            _driver(name)
            found.append(name)
    return found


def _driver(solver: str) -> Any:
    logger = logging.getLogger("pyomo.opt")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # Pyomo prints a traceback for a name it does not know
    try:
        driver = pyo.SolverFactory(solver)
        available = bool(driver.available(exception_flag=False))
    except Exception:  # whatever Pyomo makes of a program that is no solver
        available = False
    finally:
        logger.setLevel(level)
    if not available:
        raise InputError(Fault(
            "route", "Pyomo has no such solver here", f"pyomo:{solver}",
            f"install it so that its program is on the path, or choose one that Pyomo knows, "
            f"such as {', '.join(f'pyomo:{name}' for name in _LIKELY)}",
        ))  # fmt: skip
    return driver


def _run(driver: Any, model: Any, solver: str, options: Options) -> SolverResults:
    names = _OPTION_NAMES.get(solver, {})
    asked = {"gap": options.gap, "seed": options.seed, "threads": options.threads}
    settings = {names[key]: value for key, value in asked.items()
                if key in names and value is not None}  # fmt: skip
    settings.update({name: _literal(text) for name, text in options.extras.items()})
    limits: dict[str, Any] = {}
    if options.time_limit is not None:
        limit = options.time_limit
        limits["timelimit"] = math.ceil(limit) if solver in _WHOLE_SECONDS else limit
    for name, value in settings.items():
        driver.options[name] = value
    _in_order(driver, model)
    try:
        return driver.solve(model, load_solutions=False, tee=options.verbose, **limits)
    except (ApplicationError, ValueError, RuntimeError) as failure:
        return _without_plan(TerminationCondition.error, str(failure))
    except subprocess.TimeoutExpired:
        return _without_plan(TerminationCondition.maxTimeLimit, "its program had to be killed")


def _without_plan(why: TerminationCondition, message: str) -> SolverResults:
    results = SolverResults()
    results.solver.termination_condition, results.solver.message = why, message
    return results


def _in_order(driver: Any, model: Any) -> None:
    """Let a solver that keeps the model in memory number the columns as the form does.

    Left alone it numbers them as the rows mention them, and a search for integers then takes
    another path than HiGHS on the form itself. Drivers that write files sort by themselves.
    """
    if not hasattr(driver, "add_variables"):
        return
    rows = list(model.component_objects((pyo.Constraint, pyo.Objective), active=True))
    for component in rows:
        component.deactivate()
    driver.set_instance(model)
    driver.add_variables(list(model.component_data_objects(pyo.Var)))
    for component in rows:
        component.activate()


def _bound(results: SolverResults) -> float | None:
    try:
        bound = float(results.problem.lower_bound)
    except (TypeError, ValueError):
        return None
    return finite(bound)


def _contradicts(form: Form) -> bool:
    """Whether a row without entries, or bounds that cross, can never be kept."""
    empty = np.diff(sp.csr_array(form.matrix).indptr) == 0
    return bool(
        (form.row_lower[empty] > 0).any() or (form.row_upper[empty] < 0).any()
        or (form.lower > form.upper).any() or (form.row_lower > form.row_upper).any()
    )  # fmt: skip


def _literal(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
