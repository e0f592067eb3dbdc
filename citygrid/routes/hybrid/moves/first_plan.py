"""A first plan for commitment by moves: decisions rounded, kept legal, and mended.

A step is on where the relaxation has it on to more than a part; minimum times are kept by dynamic
programming, and what a dispatch then misses is mended by switching what its elastic rows ask for.
"""

from __future__ import annotations

import math

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.routes import highs, milp
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.moves.proposals import make, propose
from citygrid.routes.hybrid.moves.redispatch import Redispatch
from citygrid.routes.hybrid.moves.structure import Unit, find_units

#: Entries of a part up to which many changes can be looked at while a first plan is mended.
SMALL = 4000
#: Parts of the relaxation above which a step is rounded to on, in turn.
ROUNDED = (0.5, 0.25, 0.1, 0.02)


def start(
    form: Form, relaxed: Floats | None, duals: Floats | None, options: Options, journal: Journal,
    clock: Clock, incumbent: Floats | None = None,
) -> Floats | None:  # fmt: skip
    """A first plan: the incumbent's decisions or the relaxation's, rounded, kept legal and mended.

    ``None`` where none was found.
    """
    if incumbent is not None:
        found = _rounded(form, incumbent, (0.5,), options, journal, clock)
        if found is not None:
            return found
    if relaxed is None:
        outcome, _, _ = milp.relaxation(form, options, journal, time_limit=clock.share(0.5, 1.0))
        relaxed = outcome.x
    if relaxed is None:
        return None
    found = _rounded(form, relaxed, ROUNDED, options, journal, clock)
    return _searched(form, options, journal, clock) if found is None else found


def _rounded(
    form: Form, point: Floats, parts: tuple[float, ...], options: Options, journal: Journal,
    clock: Clock,
) -> Floats | None:  # fmt: skip
    """The best plan whose units are on where the point (n) has them on to more than a part."""
    units = find_units(form)
    with journal.stage("start"):
        base = np.where(form.integer, np.clip(np.round(point), form.lower, form.upper), point)
        dispatch = Redispatch(form, base, valued=False)
        small = dispatch.largest <= SMALL
        best: tuple[float, Floats] | None = None
        least: tuple[float, Floats] | None = None
        for part in parts:
            if (best or least) is not None and clock.over:
                break
            schedules = [unit.cheapest(part - point[unit.columns]) for unit in units]
            tried = dispatch.decisions.copy()
            for unit, schedule in zip(units, schedules, strict=True):
                if schedule is None:
                    return None
                tried[unit.columns] = schedule
            dispatch.restart(tried)
            total = _mend(dispatch, units, clock) if small else dispatch.total
            if total is not None and (best is None or total < best[0]):
                best = total, dispatch.decisions.copy()
            elif best is None and not small:
                missed = dispatch.lack()[0]
                least = (missed, tried) if least is None or missed < least[0] else least
        if best is None and least is not None:
            # Where parts are large, a look at each move would take too long: prices must do.
            dispatch.restart(least[1])
            total = _mend(dispatch, units, clock, looks=1)
            best = None if total is None else (total, dispatch.decisions.copy())
    if best is None:
        return None
    x, _ = milp.complete(form, best[1], journal, options, clock.last)
    return x


def _mend(dispatch: Redispatch, units: list[Unit], clock: Clock, looks: int = 12) -> float | None:
    """Switch what the rows that are missed ask for, until none is; the cost, or ``None``."""
    if not units:
        return dispatch.total
    for _ in range(4 * len(units) + 50):
        total = dispatch.total
        if total is not None or clock.over:
            return total
        missed, slope = dispatch.lack()
        if not missed > 0.0 or not math.isfinite(missed):
            return None
        schedules = [dispatch.decisions[unit.columns].astype(np.int8) for unit in units]
        steps = max(len(unit) for unit in units)
        proposals = propose(units, schedules, slope, steps, None, looks)
        best, chosen = 1e-9 * missed, None
        for place in np.argsort(proposals.estimate, kind="stable")[: 2 * looks]:
            move = make(units, proposals.moves[place], dispatch.decisions)
            relief = dispatch.relief(move.columns, move.values)
            # A little less relief by far fewer steps is the smaller step on the way.
            worth = relief / math.sqrt(len(move.columns))
            if worth > best:
                best, chosen = worth, move
        if chosen is None:
            return None
        dispatch.apply(chosen.columns, chosen.values)
    return dispatch.total


def _searched(form: Form, options: Options, journal: Journal, clock: Clock) -> Floats | None:
    """Any plan, by HiGHS: where rounding and mending found none."""
    journal.count("sub_milps")
    journal.figures["first_plan"] = "rounding found none; the first one is HiGHS's"
    task = highs.Task.of(options, "first plan", 1.0, clock.share(0.5, 1.0), nodes=500)
    found = milp.call(form, task, journal, options.quiet)
    if found.x is None:
        return None
    x, _ = milp.complete(form, found.x, journal, options, clock.last)
    return x
