"""Routes: ways to solve a form, behind one contract.

``milp`` (HiGHS), ``pyomo:SOLVER`` (any solver that Pyomo drives), ``hybrid`` (prices from the
relaxation, choices from an annealer, the rest exact) and its controls ``hybrid:random``,
``hybrid:greedy`` and ``hybrid:rounding``, which differ from it in the chooser alone.
"""

from __future__ import annotations

from citygrid.errors import Fault, InputError
from citygrid.model.form import Form
from citygrid.routes.contract import Options, Outcome

__all__ = ["Options", "Outcome", "names", "solve"]

#: What may take the annealer's place in ``hybrid``.
CONTROLS = ("random", "greedy", "rounding")


def names() -> list[str]:
    """The routes that can be asked for; ``pyomo:highs`` stands for ``pyomo:`` and any solver."""
    return ["milp", "pyomo:highs", "hybrid", *(f"hybrid:{control}" for control in CONTROLS)]


def solve(form: Form, route: str = "milp", options: Options | None = None) -> Outcome:
    """Solve the form by a route.

    Raises :class:`InputError` for a route, solver or sampler that does not exist.
    """
    options = options or Options()
    kind, _, rest = route.partition(":")
    if route == "milp":
        from citygrid.routes import milp

        return milp.solve(form, options)
    if kind == "pyomo" and rest:
        from citygrid.routes import pyomo

        return pyomo.solve(form, options, rest)
    if route == "hybrid" or (kind == "hybrid" and rest in CONTROLS):
        from citygrid.routes import hybrid

        return hybrid.solve(form, options, rest or "anneal")
    raise InputError(Fault("route", "no such route", route, f"choose one of {', '.join(names())}"))
