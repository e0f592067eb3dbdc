"""Bounds: what is proven about the cost of a form.

- :mod:`.duals`: the lower bound of the cost that any vector of duals proves.
- :mod:`.probing`, :mod:`.rounding`, :mod:`.cuts`: rows that every integer point keeps and the
  relaxation does not, found from the form alone, and the relaxation with them.
- :mod:`.lagrangian`: the dual in which units fall apart, each solved exactly.
- :mod:`.front`, :mod:`.prover`: the best bound that a given time allows, here or in a child beside
  a search. They stand on the solver, which stands on this package: import them by module.
"""

from citygrid.routes.bounds.duals import dual_bound

__all__ = ["dual_bound"]
