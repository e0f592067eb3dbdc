"""A part of a horizon as a case of its own, with all that the past decides.

The past acts on later steps through a state: levels, how long units have run, jobs in flight, what
was charged for, what is left under a cap. Each kind says in its own file what that is (``carry``),
and what it no longer asks of an end that is not the end (``open_end``); nothing here knows a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.components.contract import Flows, Parameter, Units, kinds
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.ledger import Line

NOTHING = Line()


@dataclass(frozen=True)
class State:
    """What the steps before ``step`` leave of a case: parameters by kind, and what they spent.

    Parameters over time have one number for every step from ``step`` to the end of the case.
    """

    step: int
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    spent: Line = NOTHING


def state_of(
    case: Case, step: int, flows: Callable[[Units], Flows] | None = None, spent: Line | None = None
) -> State:
    """The state of a case before ``step``, 0 to T − 1.

    flows
        Gives the flows of a kind, over the whole case; only steps before ``step`` count, and of a
        circle (a cyclic store, heat on its way) its end, with which it began. At step 0 a case
        without circles needs none.
    spent
        What the steps before have spent in every column of the ledger; caps need it.

    Raises :class:`InputError` for a step outside of the horizon, for flows that are missing, and
    for caps of which nobody says what is left.
    """
    if not 0 <= step < len(case.time):
        raise InputError(Fault("step", "is not one of the horizon", step,
                               f"name one of 0 to {len(case.time) - 1}"))  # fmt: skip
    if step and case.caps and spent is None:
        raise InputError(Fault(f"cap of {next(iter(case.caps))}", "nobody says what of it is spent",
                               None, "hand over `spent`"))  # fmt: skip
    carried = {}
    for kind, units in case.units.items():
        carry = kinds()[kind].carry
        if carry is None:
            continue
        own = Flows(units.names, {}, {}) if flows is None else flows(units)
        try:
            carried[kind] = carry(units, own, step)
        except KeyError as error:
            raise InputError(Fault(
                kind, f"its state before step {step} follows from its flow {error}", None,
                "hand over the flows of a plan",
            )) from error  # fmt: skip
    return State(step, carried, NOTHING if spent is None else spent)


def cut(case: Case, first: int, last: int, state: State | None = None) -> Case:
    """Steps ``first`` to ``last − 1`` of a case, beginning with ``state``.

    Hourly numbers are views of the case's. Where ``last`` is not the end, conditions on the end are
    taken away: stores may end empty, contracts and shares of energy may be met later, and a job
    that can still be done later may be left. Caps hold what is left of them for all that follows.
    The whole case, without a state, is the case itself.

    Raises :class:`InputError` where the steps are none of the case, or the state is another's.
    """
    count = len(case.time)
    if not 0 <= first < last <= count:
        raise InputError(Fault("cut", f"is no part of a horizon of {count} steps",
                               f"{first} to {last}", "name 0 ≤ first < last ≤ T"))  # fmt: skip
    if (first, last) == (0, count) and state is None:
        return case
    state = state_of(case, first) if state is None and first == 0 else state
    if state is None or state.step != first:
        raise InputError(Fault("cut", f"begins at step {first} and needs the state there",
                               None if state is None else f"one at {state.step}",
                               "make it with `state_of`"))  # fmt: skip
    units = {kind: _cut(each, first, last, state.parameters.get(kind, {}), count)
             for kind, each in case.units.items()}  # fmt: skip
    caps = {column: cap - getattr(state.spent, column) for column, cap in case.caps.items()}
    return replace(case, time=case.time[first:last], units=units, caps=caps)


def _cut(
    units: Units, first: int, last: int, carried: Mapping[str, Parameter], count: int
) -> Units:  # fmt: skip
    def steps(parameter: Parameter, begin: int, end: int) -> Parameter:
        if "time" not in parameter.dims:
            return parameter
        at: list[slice] = [slice(None)] * len(parameter.dims)
        at[parameter.dims.index("time")] = slice(begin, end)
        return parameter._replace(values=parameter.values[tuple(at)])

    parameters = {name: steps(p, first, count) for name, p in units.parameters.items()}
    rest = _with(units, parameters | dict(carried))
    if last == count:
        return rest
    open_end = kinds()[units.kind].open_end
    if open_end is not None:
        rest = _with(rest, {**rest.parameters, **open_end(rest, last - first)})
    return _with(rest, {name: steps(p, 0, last - first) for name, p in rest.parameters.items()})


def _with(units: Units, parameters: dict[str, Parameter]) -> Units:
    """The units with other parameters; labels that are parameters follow them."""
    coords: dict[str, NDArray[Any]] = {
        dim: np.asarray(parameters[dim].values) if dim in parameters else labels
        for dim, labels in units.coords.items()
    }
    return Units(units.kind, units.names, parameters, coords, units.step)
