"""What moves cost: the likely ones valued exactly, and pairs of which neither is possible alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from citygrid.routes.hybrid.moves.model import Valued
from citygrid.routes.hybrid.moves.proposals import compatible, make, propose
from citygrid.routes.hybrid.moves.redispatch import Redispatch
from citygrid.routes.hybrid.moves.structure import Schedule, Unit

#: Steps from the first to before the last, or all of them.
Window = tuple[int, int] | None


@dataclass(frozen=True)
class Effort:
    """How much is searched.

    ``moves`` in a model, ``tried`` moves of a kind valued for it, ``needy`` ones that are given
    ``partners``, ``pairs`` linear programmes for its couplings; ``reads``, ``sweeps`` of the
    sampler and ``confirmed`` samples worked out exactly;
    ``kicks`` in a row without a gain after which HiGHS is asked, and ``neighbourhoods`` in a row
    without a gain after which the search ends (where a time limit is set, it ends with it), of
    ``free`` decisions each.
    """

    moves: int = 300
    tried: int = 300
    needy: int = 100
    partners: int = 40
    pairs: int = 2000
    reads: int = 24
    sweeps: int = 400
    confirmed: int = 12
    kicks: int = 3
    neighbourhoods: int = 6
    free: int = 200


def schedules_of(dispatch: Redispatch, units: Sequence[Unit]) -> list[Schedule]:
    """When every unit is on in the present plan."""
    return [dispatch.decisions[unit.columns].astype(np.int8) for unit in units]


def value(
    dispatch: Redispatch, units: list[Unit], window: Window, effort: Effort, missing: float,
    over: Callable[[], bool],
) -> list[Valued]:  # fmt: skip
    """Moves with their exact costs: those that cost least, and such as need a partner.

    missing
        Cost [EUR] at which a step without a dispatch is looked at: dear, but a partner may mend it.
    over
        Whether time is; what is valued by then is what there is.
    """
    price = dispatch.prices(missing)
    longest = max(len(unit) for unit in units) if window is None else window[1] - window[0]
    schedules = schedules_of(dispatch, units)
    proposals = propose(units, schedules, price, longest, window, effort.tried, dispatch.followed)
    found: list[Valued] = []
    for place in np.argsort(proposals.estimate, kind="stable"):
        if over():
            break
        move = make(units, proposals.moves[place], dispatch.decisions)
        change = dispatch.change(move.columns, move.values)
        if change is not None:
            found.append(Valued(move, change))
    pairs = _partnered(found, dispatch, units, schedules, effort, missing, over)
    possible = [each for each in found if each.change.possible] + pairs
    return _mixed(sorted(possible, key=lambda each: each.change.total), len(units), effort.moves)


def _mixed(found: list[Valued], units: int, places: int) -> list[Valued]:
    """The cheapest, half of the places shared evenly by the units."""
    share = max(places // (2 * units), 1)
    count = [0] * units
    first: list[Valued] = []
    rest: list[Valued] = []
    for each in found:
        unit = each.move.stretches[0].unit
        count[unit] += 1
        (first if count[unit] <= share else rest).append(each)
    chosen = [*first[:places], *rest[: max(places - len(first), 0)]]
    return sorted(chosen, key=lambda each: each.change.total)


def _partnered(
    found: list[Valued], dispatch: Redispatch, units: list[Unit], schedules: list[Schedule],
    effort: Effort, missing: float, over: Callable[[], bool],
) -> list[Valued]:  # fmt: skip
    """Moves that no plan allows by themselves, each with one that makes up for it.

    Such as a unit switched off and another one in its place, in hours of its own.
    """
    needy = sorted((v for v in found if not v.change.possible), key=lambda v: v.cost(missing))
    helpers = sorted(
        (v for v in found if v.change.possible
         and len({stretch.unit for stretch in v.move.stretches}) == 1),
        key=lambda v: v.change.total,
    )  # fmt: skip
    pairs: list[Valued] = []
    for one in needy[: effort.needy]:
        lacking = {p for p, amount in one.change.parts.items() if amount is None}
        fit = [other for other in helpers if lacking <= other.change.parts.keys()]
        for other in fit[: effort.partners]:
            if over():
                return pairs
            both = (*one.move.stretches, *other.move.stretches)
            if not compatible(both, units, schedules):
                continue
            move = make(units, both, dispatch.decisions)
            change = dispatch.change(move.columns, move.values)
            if change is not None and change.possible:
                pairs.append(Valued(move, change))
    return pairs
