"""With all choices made, the dispatch of the whole horizon: one linear programme, or some."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.curves import exact
from citygrid.model.form import Form
from citygrid.model.windows import Calendar, window
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.milp import complete
from citygrid.study.rolling.parts import WHOLE, cuts_of

#: Residual of a row, in its unit, up to which a plan keeps it.
KEPT = 1e-6


def finished(
    form: Form, when: Calendar, x: Floats, options: Options, clock: Clock,
    say: Callable[[str], None],
) -> Floats:  # fmt: skip
    """The best plan (n) with the integers of the point ``x`` (n) that the windows decided.

    It gives levels, peaks and caps what windows could not see, and is kept where it is cheaper or
    where the windows' own rounding adds up. A form too large for one programme is dispatched part
    by part, with all that belongs to other parts as it is. Without time for it, the windows' own
    dispatch stays.
    """
    own = exact(form, x)
    if form.matrix.nnz > WHOLE:
        say("the dispatch part by part, with their choices held")
        found: Floats | None = _by_parts(form, when, own, options, clock)
    else:
        say("the dispatch of all windows at once, with their choices held")
        found, _ = complete(form, own, Journal(), options.quiet, clock.last)
    if found is None:
        return own
    best = exact(form, found)
    better = form.objective(best) <= form.objective(own) or form.residual(own) > KEPT
    return best if better else own


def _by_parts(form: Form, when: Calendar, x: Floats, options: Options, clock: Clock) -> Floats:
    """One part after the other: what is before, behind and shared is held as it is by now."""
    x, cuts = x.copy(), cuts_of(form, when)
    for first, last in pairwise(cuts):
        if clock.over:
            break
        free = (when.begin >= first) & (when.column < last)
        lower, upper = np.where(free, form.lower, x), np.where(free, form.upper, x)
        part = window(form, when, first, last, x, lower, upper)
        found, _ = complete(part.form, x[part.columns], Journal(), options.quiet, clock.last)
        if found is not None:
            x[part.columns] = found
    return x
