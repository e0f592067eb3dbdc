"""HiGHS on one form in this process; the only module that knows it.

:mod:`citygrid.routes.milp` is the route, and :mod:`citygrid.routes.watch` runs this in a child
where a limit must hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError, near
from citygrid.model.form import Form
from citygrid.model.reductions import relax
from citygrid.model.scaling import Scaling, is_badly_scaled, scaled
from citygrid.routes.bounds import dual_bound
from citygrid.routes.contract import Options, Status

#: Tolerance on rows and bounds of the plan that is handed out, in each row's own unit.
CLEAN = 1e-9

Report = Callable[[str, dict[str, Any], Floats | None], None]

_STATUS: dict[highspy.HighsModelStatus, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kTimeLimit: "time_limit",
    highspy.HighsModelStatus.kInterrupt: "feasible",
    highspy.HighsModelStatus.kIterationLimit: "feasible",
    highspy.HighsModelStatus.kSolutionLimit: "feasible",
    highspy.HighsModelStatus.kObjectiveTarget: "feasible",
}

#: Options of HiGHS that the command line names by itself.
_NAMED = {
    "mip_rel_gap": "--gap", "time_limit": "--time-limit", "random_seed": "--seed",
    "threads": "--threads", "output_flag": "--verbose", "log_to_console": "--verbose",
}  # fmt: skip
_KINDS = {
    highspy.HighsOptionType.kBool: "true or false",
    highspy.HighsOptionType.kInt: "a whole number within its limits",
    highspy.HighsOptionType.kDouble: "a number within its limits",
    highspy.HighsOptionType.kString: "one of its words",
}

# HiGHS starts its threads once per process; another number needs another process.
_threads_of_process: int | None = None


@dataclass(frozen=True)
class Task:
    """How HiGHS shall work on one form: limits and tolerances; ``method`` for LPs.

    ``prove`` has the duals of an LP prove a bound, which takes a while on large ones; ``accuracy``
    lets an interior point end at so large a relative difference of its two objectives;
    ``settings`` are further options of HiGHS (:func:`settings`).
    """

    purpose: str = "milp"
    gap: float = 0.0
    time_limit: float | None = None
    seed: int = 0
    threads: int | None = None
    verbose: bool = False
    method: str = "choose"
    crossover: bool = True
    tolerance: float = 1e-7
    nodes: int | None = None
    prove: bool = True
    accuracy: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, options: Options, purpose: str, gap: float = 0.0, time_limit: float | None = None,
        **more: Any,
    ) -> Task:  # fmt: skip
        """A task with the seed, threads and talk that a user asked for."""
        return cls(purpose, gap, time_limit, options.seed, options.threads, options.verbose, **more)


#: Options of HiGHS that are amounts of money [EUR], and so are scaled with it.
PAID = frozenset(("objective_bound", "objective_target", "mip_abs_gap"))


@dataclass
class Result:
    """What HiGHS said: a point, a proven bound, and for LPs the duals of rows and columns."""

    status: Status
    x: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    duals: Floats | None = None
    reduced: Floats | None = None
    notes: dict[str, Any] = field(default_factory=dict)


def settings(extras: Mapping[str, str]) -> dict[str, str]:
    """Options of HiGHS as a user names them (``presolve``, ``mip_heuristic_effort``), checked.

    Raises :class:`InputError` for those that HiGHS does not have, values that it does not take,
    options that have a name of their own here, and those that make it read or write files.
    """
    trial = highspy.Highs()
    trial.setOptionValue("output_flag", False)
    known = [name for name in dir(trial.getOptions()) if not name.startswith("_")]
    faults = []
    for name, value in extras.items():
        place = f"--set {name}"
        if name in _NAMED:
            faults.append(Fault(place, "has an option of its own here", value,
                                f"use {_NAMED[name]}"))  # fmt: skip
        elif name not in known or "file" in name:
            repair = near(name, (n for n in known if "file" not in n)) or "see the options of HiGHS"
            faults.append(Fault(place, "milp passes on no such option of HiGHS", value, repair))
        elif trial.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            kind = _KINDS[trial.getOptionType(name)[1]]
            faults.append(Fault(place, "HiGHS does not take this value", value,
                                f"give it {kind}, as its options say"))  # fmt: skip
    if faults:
        raise InputError(faults)
    return dict(extras)


def other_threads(task: Task) -> bool:
    """Whether a task wants another number of threads than this process has started."""
    started = _threads_of_process
    return started is not None and task.threads is not None and task.threads != started


def run(form: Form, task: Task, report: Report, start: Floats | None = None) -> Result:
    """HiGHS on one form in this process; ``report`` hears of incumbents and bounds.

    A form whose numbers its tolerances do not fit is solved in numbers of like size; everything
    said is in the form's own. ``notes`` hold the tolerances, and whether it was scaled.
    """
    scaling = scaled(form) if is_badly_scaled(form) else None
    if scaling is None:
        found = _run(form, task, report, start)
    else:
        way = scaling

        def tell(kind: str, news: dict[str, Any], x: Floats | None) -> None:
            own = {name: None if value is None else way.cost(value) for name, value in news.items()}
            report(kind, own, None if x is None else way.restore(x))

        begin = None if start is None else way.reduce(start)
        found = _restored(form, way, _run(way.form, task, tell, begin, way.money))
    found.notes["tolerance"] = task.tolerance
    found.notes["scaled"] = scaling is not None
    return found


def _restored(form: Form, scaling: Scaling, found: Result) -> Result:
    """What was said of the scaled form, said of the form."""
    if found.x is not None:
        found.x = scaling.restore(found.x)
        found.objective = form.objective(found.x)
    if found.bound is not None:
        found.bound = scaling.cost(found.bound)
    if found.duals is not None:
        found.duals = scaling.duals(found.duals)
    if found.reduced is not None:
        found.reduced = scaling.reduced(found.reduced)
    return found


def _run(
    form: Form, task: Task, report: Report, start: Floats | None, money: float = 1.0
) -> Result:
    global _threads_of_process
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", task.verbose)
    if task.threads is not None and _threads_of_process is None:
        _threads_of_process = task.threads
    chosen: dict[str, Any] = {
        "random_seed": task.seed, "mip_rel_gap": task.gap, "solver": task.method,
        "mip_abs_gap": 1e-6 * min(money, 1.0),  # never more than 1e-6 EUR
        "primal_feasibility_tolerance": task.tolerance,
        "dual_feasibility_tolerance": max(task.tolerance, 1e-9),
        "run_crossover": "on" if task.crossover else "off",
    }  # fmt: skip
    if _threads_of_process is not None:
        chosen["threads"] = _threads_of_process
    if task.nodes is not None:
        chosen["mip_max_nodes"] = task.nodes
    if task.time_limit is not None:
        chosen["time_limit"] = float(task.time_limit)
    if task.accuracy is not None:
        chosen["ipm_optimality_tolerance"] = task.accuracy
    paid = {name: float(task.settings[name]) * money for name in PAID & task.settings.keys()}
    for name, value in {**chosen, **task.settings, **paid}.items():
        solver.setOptionValue(name, value)
    if (form.lower > form.upper).any() or (form.row_lower > form.row_upper).any():
        return Result("infeasible")
    _pass(solver, form)
    integers = bool(form.integer.any())
    if integers:
        _listen(solver, report)
        if start is not None:
            point = highspy.HighsSolution()
            point.col_value = start.tolist()
            solver.setSolution(point)
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        return Result(settle(form, task))
    known = "optimal" if _near(solver, task) else _STATUS.get(status, "error")
    return _result(solver, form, known, task.prove)


def _near(solver: highspy.Highs, task: Task) -> bool:
    """Whether a linear programme that HiGHS does not call optimal came as near as was asked."""
    # The package's own types leave out how far the two objectives are apart.
    information: Any = solver.getInfo()
    solution = solver.getSolution()
    return (
        task.accuracy is not None
        and solver.getModelStatus() == highspy.HighsModelStatus.kUnknown
        and solution.value_valid and solution.dual_valid
        and bool(information.primal_dual_objective_error <= task.accuracy)
    )  # fmt: skip


class Repeated:
    """One linear programme that is solved again and again, each time from the last basis.

    What may differ from time to time are costs, bounds of rows and of columns; entries stay.
    """

    def __init__(self, form: Form) -> None:
        # The package's own types leave out that bounds can be changed in bulk.
        self._solver: Any = highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        _pass(self._solver, form)
        self._rows = np.arange(len(form.row_lower), dtype=np.int32)
        self._columns = np.arange(len(form.cost), dtype=np.int32)

    def columns(self, lower: Floats, upper: Floats) -> None:
        """Other bounds (n, n) of the columns."""
        self._solver.changeColsBounds(len(self._columns), self._columns, lower, upper)

    def costs(self, cost: Floats) -> None:
        """Other costs (n) of the columns."""
        self._solver.changeColsCost(len(self._columns), self._columns, cost)

    def rows(self, lower: Floats, upper: Floats) -> None:
        """Other bounds (m, m) of the rows."""
        self._solver.changeRowsBounds(len(self._rows), self._rows, lower, upper)

    def solve(self) -> tuple[Floats, Floats] | None:
        """The best point (n) and the duals of the rows (m); ``None`` where there is none.

        Where the last basis leads nowhere, it is solved from none.
        """
        for again in (False, True):
            if again:
                self._solver.clearSolver()
            self._solver.run()
            if self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                break
        else:
            return None
        solution = self._solver.getSolution()
        return np.array(solution.col_value, dtype=float), np.array(solution.row_dual, dtype=float)


class Dispatcher:
    """One linear programme for many bounds of its columns, each solved from the last one's basis.

    The form's integers count as plain columns: who holds them (``lower = upper``) asks for the best
    dispatch of everything else. A change of bounds leaves the basis dual feasible, so that the dual
    simplex goes on from it, in few steps where few bounds changed.
    """

    def __init__(self, form: Form) -> None:
        # The package's own types leave out that bounds can be changed in bulk.
        self._solver: Any = highspy.Highs()
        for name, value in (("output_flag", False), ("presolve", "off"), ("solver", "simplex"),
                            ("primal_feasibility_tolerance", CLEAN)):  # fmt: skip
            self._solver.setOptionValue(name, value)
        _pass(self._solver, relax(form).form)
        self._lower, self._upper = form.lower.copy(), form.upper.copy()

    def at(self, lower: Floats, upper: Floats) -> float | None:
        """Least cost [EUR] with these column bounds (n, n); ``None`` if there is no plan."""
        changed = np.flatnonzero((lower != self._lower) | (upper != self._upper))
        if len(changed):
            self._solver.changeColsBounds(
                len(changed), changed.astype(np.int32), lower[changed], upper[changed]
            )
            self._lower[changed], self._upper[changed] = lower[changed], upper[changed]
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return float(self._solver.getInfo().objective_function_value)

    def solution(self) -> tuple[Floats, Floats]:
        """The point (n) and the duals of the rows (m) of the last bounds that allowed a plan."""
        found = self._solver.getSolution()
        return np.array(found.col_value, dtype=float), np.array(found.row_dual, dtype=float)


def _pass(solver: highspy.Highs, form: Form) -> None:
    """Hand the form over as arrays."""
    matrix = sp.csr_array(form.matrix)
    height, width = matrix.shape
    answer = solver.passModel(
        width, height, int(matrix.nnz), int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize), float(form.constant), form.cost, form.lower, form.upper,
        form.row_lower, form.row_upper, matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32), matrix.data, form.integer.astype(np.int32),
    )  # fmt: skip
    if answer == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refused the form; a bound, cost or coefficient is not a number")


def _listen(solver: highspy.Highs, report: Report) -> None:
    def improved(event: Any) -> None:
        out = event.data_out
        x = np.array(out.mip_solution, dtype=float)
        news = {"objective": _finite(out.objective_function_value),
                "bound": _finite(out.mip_dual_bound)}  # fmt: skip
        report("incumbent", news, x)

    def logged(event: Any) -> None:
        out = event.data_out
        news = {"objective": _finite(out.mip_primal_bound), "bound": _finite(out.mip_dual_bound)}
        report("bound", news, None)

    solver.cbMipImprovingSolution += improved
    solver.cbMipLogging += logged


def _result(solver: highspy.Highs, form: Form, status: Status, prove: bool) -> Result:
    information, solution = solver.getInfo(), solver.getSolution()
    feasible = information.primal_solution_status == int(
        highspy.SolutionStatus.kSolutionStatusFeasible
    )
    result = Result(status)
    if status == "optimal" or (feasible and status in ("time_limit", "feasible")):
        result.x = np.array(solution.col_value, dtype=float)
        result.objective = form.objective(result.x)
    elif status == "feasible":
        result.status = "error"
    if form.integer.any():
        result.bound = _finite(information.mip_dual_bound)
        result.notes["nodes"] = int(information.mip_node_count)
    elif status == "optimal":
        result.duals = np.array(solution.row_dual, dtype=float)
        result.reduced = np.array(solution.col_dual, dtype=float)
        result.bound = dual_bound(form, result.duals) if prove else None
        result.notes["iterations"] = int(
            max(information.simplex_iteration_count, 0) + max(information.ipm_iteration_count, 0)
        )
    elif solution.dual_valid and prove:
        result.bound = dual_bound(form, np.array(solution.row_dual, dtype=float))
    return result


def settle(form: Form, task: Task = Task()) -> Status:
    """Tell unbounded from infeasible: without a cost only feasibility remains."""
    plain = replace(form, cost=np.zeros_like(form.cost))
    found = run(plain, replace(task, verbose=False), lambda kind, news, x: None)
    return "unbounded" if found.x is not None else found.status


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) and abs(value) < 1e30 else None


# infeasible programmes ---------------------------------------------------------------------------


def contradicts(form: Form) -> bool:
    """Whether a linear form has no point at all."""
    found = run(relax(form).form, Task(tolerance=CLEAN), lambda kind, news, x: None)
    return found.status == "infeasible"


def irreducible(form: Form, time_limit: float) -> tuple[Any, Any, Any, Any] | None:
    """Limits of an infeasible linear form of which none can be left out, by HiGHS.

    Flags of lower and upper limits of rows (m) and of columns (n); ``None`` where HiGHS finds none.
    """
    solver: Any = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue(
        "iis_strategy",
        int(highspy.IisStrategy.kIisStrategyFromLp)
        | int(highspy.IisStrategy.kIisStrategyIrreducible),
    )
    solver.setOptionValue("iis_time_limit", time_limit)
    _pass(solver, form)
    status, found = solver.getIis()
    if status != highspy.HighsStatus.kOk or not found.valid_ or not len(found.row_index_):
        return None
    flags = []
    for size, positions, bounds in (
        (len(form.row_lower), found.row_index_, found.row_bound_),
        (len(form.cost), found.col_index_, found.col_bound_),
    ):
        low, high = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        for position, bound in zip(positions, bounds, strict=True):
            both = bound == int(highspy.IisBoundStatus.kIisBoundStatusBoxed)
            low[position] = both or bound == int(highspy.IisBoundStatus.kIisBoundStatusLower)
            high[position] = both or bound == int(highspy.IisBoundStatus.kIisBoundStatusUpper)
        flags += [low, high]
    return flags[0], flags[1], flags[2], flags[3]
