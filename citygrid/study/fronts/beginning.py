"""How fronts, alternatives and sensitivities begin: what is refused, the form, the least cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from citygrid.arrays import Floats
from citygrid.errors import Fault, InfeasibleError, InputError
from citygrid.model.form import Form
from citygrid.routes import check_all
from citygrid.routes.contract import Options, proven
from citygrid.study.fronts.bounds import better
from citygrid.study.fronts.relaxing import Relaxation
from citygrid.study.fronts.solving import Found, Solver
from citygrid.verbs import explain, formulate_under

if TYPE_CHECKING:
    from citygrid.district.case import Case


#: Kinds of routes that find no plan of a form that is like another one, and why.
UNFIT = {
    "lp": "plans by parts of starts and jobs, and every plan here is verified",
    "answer": "answers one problem, and here are many",
}


def refuse(route: str, options: Options) -> None:
    """Raise what is wrong with a route, its options or its sampler, before any work."""
    if why := UNFIT.get(route.partition(":")[0]):
        raise InputError(Fault("route", why, route, "choose milp, hybrid, qubo or pyomo:SOLVER"))
    check_all([route], options)


def written(
    case: Case, route: str, options: Options, say: Callable[[str], None],
    policies: Sequence[str | Path] = (),
) -> Form:  # fmt: skip
    """The form of a case under policies, once nothing is wrong with how it shall be solved."""
    refuse(route, options)
    say("writing the form")
    return formulate_under(case, policies)


def least(
    case: Case, form: Form, relaxation: Relaxation, solver: Solver, starts: Sequence[Floats] = ()
) -> Found:
    """The least cost of a form to the gap, with the best bound that relaxation or search proved.

    relaxation
        One that may take the form's costs and sides.
    starts
        Plans (n) of like forms.

    Raises :class:`InfeasibleError`, which says what the district lacks, and :class:`NoPlanError`.
    """
    free = relaxation.under(form)
    bound = None if free is None else free.bound
    try:
        found = solver.plan(form, bound, free, starts)
    except InfeasibleError:
        raise explain(case, form) from None
    return replace(found, bound=proven(found.cost, better(bound, found.bound)))
