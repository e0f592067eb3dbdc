"""What each price and capacity changes about the cost: from duals, and, asked for, solved again.

With the integers of a plan held the dispatch is a linear programme, and the cost of its optimum
changes with any number ``p`` of the programme as its Lagrangian does with the plan and the prices
as they are (the envelope theorem):

``dv/dp = x·dc/dp + dk/dp + Σ_i y_i (db_i/dp − (dA/dp x)_i) + Σ_j r_j dl_j/dp``.

So each parameter takes one form more and no solve. It is a local derivative: starts, stops and jobs
stay as planned, and what is said holds until the next limit is met. ``exact`` solves the district
again with the parameter lower and higher, and propagates the gap: what it says is an interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import CitygridError, Fault, InputError, NoPlanError
from citygrid.model.form import Form
from citygrid.routes import milp
from citygrid.routes.contract import Journal, Options
from citygrid.study.fronts.beginning import least, refuse
from citygrid.study.fronts.parameters import Parameter, parameters
from citygrid.study.fronts.relaxing import Relaxation
from citygrid.study.fronts.solving import Solver
from citygrid.verbs import formulate, prepare
from citygrid.verbs.sensitivity import raised

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.district.load import District

#: Relative step of a derivative; the programme is linear in most parameters, so it may be small.
STEP = 1e-5
#: Below this a parameter changes nothing [EUR per 1 % of it].
NOTHING = 1e-9


@dataclass(frozen=True)
class Solved:
    """A district solved: its form, plan (n), cost and proven bound [EUR]."""

    form: Form
    x: Floats
    cost: float
    bound: float | None

    @property
    def low(self) -> float:
        """The least that the true optimum can cost."""
        return self.cost if self.bound is None else self.bound


def solved(district: District, solver: Solver, near: Floats | None = None) -> Solved:
    """A district's plan to the gap; ``near`` is a plan of a like one.

    Raises :class:`InfeasibleError` and :class:`NoPlanError`.
    """
    case = prepare(district)
    form = formulate(case)
    starts = () if near is None or len(near) != len(form.cost) or form.curves else (near,)
    found = least(case, form, Relaxation(form), solver, starts)
    return Solved(form, found.x, found.cost, found.bound)


@dataclass(frozen=True)
class Sensitivity:
    """One parameter: ``local`` [EUR per canonical unit], from duals, for a little more of it.

    ``low`` and ``high`` are what it was solved again with [canonical unit], each with the interval
    (least, most) of how the optimal cost differs from the base [EUR]; ``None`` where not asked.
    """

    parameter: Parameter
    local: float
    low: tuple[float, float, float] | None = None
    high: tuple[float, float, float] | None = None

    @property
    def per_percent(self) -> float:
        """EUR per 1 % more of it."""
        return self.local * abs(self.parameter.value) / 100.0

    def said(self) -> str:
        """What it means, in words."""
        unit, size = self.parameter.told
        each = self.local * size
        verb = "saves" if each < 0.0 else "costs"
        return f"one {unit} more of {self.parameter.path} {verb} {abs(each):,.4g} EUR"

    def as_dict(self) -> dict[str, Any]:
        """The parameter as it stands in tables and in the JSON document."""
        unit, size = self.parameter.told
        again = {
            name: None if side is None else {
                "value": side[0] / size, "change_eur_least": side[1], "change_eur_most": side[2],
            } for name, side in (("low", self.low), ("high", self.high))
        }  # fmt: skip
        return {
            "path": self.parameter.path, "kind": "price" if self.parameter.price else "capacity",
            "unit": unit, "value": self.parameter.value / size, "eur_per_unit": self.local * size,
            "eur_per_percent": self.per_percent, "said": self.said(), "local": True, **again,
        }  # fmt: skip


@dataclass(frozen=True)
class Sensitivities:
    """All parameters, those that matter most first; ``left_out`` names the others and why."""

    model: str
    cost: float
    bound: float | None
    found: tuple[Sensitivity, ...]
    left_out: tuple[str, ...]
    share: float | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """All of it as one document."""
        return {
            "model": self.model, "cost_eur": self.cost, "bound_eur": self.bound,
            "exact": self.share, "parameters": [each.as_dict() for each in self.found],
            "left_out": list(self.left_out), "seconds": self.seconds,
        }  # fmt: skip

    def table(self) -> pd.DataFrame:
        """A row per parameter."""
        import pandas as pd

        rows = []
        for each in self.found:
            row = each.as_dict()
            for side in ("low", "high"):
                inner = row.pop(side)
                if self.share is not None:
                    row |= {f"{side}_{k}": v for k, v in (inner or {}).items()}
            rows.append(row)
        return pd.DataFrame(rows)


def sensitivities(
    district: District, match: str = "*", exact: float | None = None, most: int = 10,
    route: str = "milp", options: Options | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Sensitivities:  # fmt: skip
    """What every price and capacity of a district changes about its cost.

    match
        Paths that count, with ``*`` for anything: ``components.pump*``.
    exact
        Share by which the ``most`` that matter are lowered and raised and solved again, ``0.1``.

    Raises :class:`InputError` for a share out of range, a pattern that fits nothing, and costs
    along a curve.
    """
    options = options or Options()
    if exact is not None and not 0.0 < exact < 1.0:
        raise InputError(Fault("--exact", "is no share of a value", exact,
                               "choose more than 0 % and less than 100 %"))  # fmt: skip
    if exact is not None and most < 1:
        raise InputError(Fault("--most", "leaves nothing to solve again", most,
                               "choose 1 or more, or leave --exact out"))  # fmt: skip
    refuse(route, options)
    begun = time.perf_counter()
    solver = Solver(route, options, say)
    say("planning the district as it is")
    wanted, left = parameters(district, prepare(district), match)
    if not wanted:
        raise InputError(Fault("--match", "no price and no capacity has such a path", match,
                               "write * for anything, such as components.pump*"))  # fmt: skip
    base = solved(district, solver)
    if base.form.curves:
        raise InputError(Fault("district", "has costs along a curve, which have no one linear "
                               "programme", None, "leave out quadratic costs"))  # fmt: skip
    held, duals = milp.complete(raised(base.form), base.x, Journal(), options.quiet)
    if held is None or duals is None:
        raise NoPlanError(Fault("district", "its integers held allow no linear programme", None,
                                "report this: the plan itself keeps them"))  # fmt: skip
    found = []
    for number, parameter in enumerate(wanted, 1):
        say(f"parameter {number} of {len(wanted)}: {parameter.path}")
        local = derivative(district, parameter, base.form, held, duals)
        if local is None:
            left.append(f"{parameter.path}: raising it changes which rows there are")
            continue
        found.append(Sensitivity(parameter, local))
    found.sort(key=lambda each: -abs(each.per_percent))
    if exact is not None:
        for number, each in enumerate(found[:most]):
            if abs(each.per_percent) <= NOTHING:
                break
            say(f"solving again: {each.parameter.path}")
            found[number], without = _again(district, each, exact, base, solver)
            left += without
    return Sensitivities(district.name, base.cost, base.bound, tuple(found), tuple(left), exact,
                         time.perf_counter() - begun)  # fmt: skip


def derivative(
    district: District, parameter: Parameter, form: Form, x: Floats, duals: Floats
) -> float | None:
    """How the cost of the held programme changes with a parameter [EUR per canonical unit].

    ``None`` where raising it gives a form of another shape.
    """
    step = STEP * max(abs(parameter.base), abs(parameter.value), 1e-3)
    other = formulate(prepare(parameter.raised(district, step)))
    if other.columns.keys() != form.columns.keys() or other.matrix.shape != form.matrix.shape:
        return None
    reduced = form.cost - form.matrix.T @ duals
    side = np.where(duals > 0.0, _moved(form.row_lower, other.row_lower),
                    _moved(form.row_upper, other.row_upper))  # fmt: skip
    change = (other.cost - form.cost) @ x + other.constant - form.constant
    change += duals @ (side - (other.matrix @ x - form.matrix @ x))
    bound = np.where(reduced > 0.0, _moved(form.lower, other.lower),
                     _moved(form.upper, other.upper))  # fmt: skip
    # Integers are held where the plan has them, whatever their bounds; basic flows are on none.
    at = ~form.integer & (np.abs(reduced) > 1e-9)
    return float(change + reduced[at] @ bound[at]) / step


def _moved(before: Floats, after: Floats) -> Floats:
    """How far limits moved; none where there are none."""
    finite = np.isfinite(before) & np.isfinite(after)
    return np.where(finite, np.where(finite, after, 0.0) - np.where(finite, before, 0.0), 0.0)


def _again(
    district: District, each: Sensitivity, share: float, base: Solved, solver: Solver
) -> tuple[Sensitivity, list[str]]:
    """The parameter lowered and raised by a share of its value, each solved to the gap.

    Beside it, at which of both there is no cost to compare, and why.
    """
    parameter = each.parameter
    amount = share * abs(parameter.value)
    unit, size = parameter.told
    sides: list[tuple[float, float, float] | None] = []
    without = []
    for sign in (-1.0, 1.0):
        try:
            found = solved(parameter.raised(district, sign * amount), solver, base.x)
        except CitygridError as error:
            sides.append(None)
            value = (parameter.value + sign * amount) / size
            without.append(f"{parameter.path} solved again at {value:,.5g} {unit}: "
                           f"{error.faults[0]}")  # fmt: skip
            continue
        sides.append((parameter.value + sign * amount, found.low - base.cost,
                      found.cost - base.low))  # fmt: skip
    return replace(each, low=sides[0], high=sides[1]), without
