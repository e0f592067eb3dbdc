"""citygrid: energy plans for city districts in which data centres are load and heat source at once.

>>> import citygrid as cg                              # doctest: +SKIP
>>> district = cg.load("models/frankfurt.yaml")        # doctest: +SKIP
>>> case = cg.prepare(district)                        # doctest: +SKIP
>>> form = cg.formulate(case)                          # doctest: +SKIP
>>> plan = cg.solve(form, route="hybrid")              # doctest: +SKIP
>>> verdict = cg.verify(case, plan)                    # doctest: +SKIP
"""

__version__ = "0.1.0"

from citygrid.verbs import (
    compare_routes,
    formulate,
    impose,
    load,
    plan_model,
    prepare,
    solve,
    verify,
)

__all__ = [
    "compare_routes", "formulate", "impose", "load", "plan_model", "prepare", "solve", "verify",
]  # fmt: skip
