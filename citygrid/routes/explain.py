"""What an infeasible form lacks: the smallest amounts by which its rows would have to give way."""

from __future__ import annotations

import numpy as np

from citygrid.model.form import Form
from citygrid.model.reductions import elastic, relax
from citygrid.routes import milp
from citygrid.routes.contract import Clock, Journal, Options

#: Violation below which a row counts as kept.
LACK = 1e-6


def explain(
    form: Form, options: Options | None = None, time_limit: float = 30.0
) -> list[tuple[int, float]]:
    """What an infeasible form lacks: rows with the amounts that would make it feasible.

    First only balances may be missed, then every row; the sum of all amounts is as small as can
    be. A positive amount is what a row lacks (a balance: power or heat that nobody feeds), a
    negative one what it has too much, in the row's unit, largest first. Empty where the form is
    feasible, or where bounds of single columns contradict each other.
    """
    options = options or Options()
    balances = [block.index.ravel() for name, block in form.rows.items()
                if name.endswith(".balance")]  # fmt: skip
    choices = [np.concatenate(balances)] if balances else []
    choices.append(np.arange(len(form.row_lower)))
    clock, journal = Clock(time_limit), Journal()
    # The relaxation answers most cases at once; integers only where it finds nothing amiss.
    for source in (relax(form).form, form) if form.integer.any() else (form,):
        for rows in choices:
            missed = elastic(source, rows)
            task = milp.Task("explanation", 0.01, clock.left, options.seed, options.threads)
            found = milp.call(missed.form, task, journal, options)
            if found.x is None:
                continue
            amounts = missed.amounts(found.x)
            lacking = np.flatnonzero(np.abs(amounts) > LACK)
            if len(lacking):
                order = lacking[np.argsort(-np.abs(amounts[lacking]), kind="stable")]
                return [(int(rows[i]), float(amounts[i])) for i in order]
            break
    return []
