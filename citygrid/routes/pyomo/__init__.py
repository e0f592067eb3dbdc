"""The open door: the form as a named Pyomo model, for any solver and for a user's own rules.

The only folder that knows Pyomo. :mod:`.model` writes the form as a model, :mod:`.route` has it
solved by any solver that Pyomo drives, and :mod:`.policy` lets a function add constraints to it and
brings these back into the form, for every route to obey.
"""

from __future__ import annotations

from citygrid.routes.pyomo.model import build, load
from citygrid.routes.pyomo.route import check, solve, solvers, strange

__all__ = ["build", "check", "load", "solve", "solvers", "strange"]
