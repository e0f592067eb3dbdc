"""The cooling loop of a computing centre: its heat is recovered or rejected, every hour.

``recovered + rejected = heat to remove`` and ``recovered ≤ recoverable``. Recovered heat is offered
to heat pumps at the centre itself (carrier ``waste_heat``); rejected heat is left to the chillers
of its node (carrier ``cooling``). A loop that knows several temperatures offers its heat at a place
of its own for each, so that pumps can tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from citygrid.arrays import Floats, Labels
from citygrid.components.contract import Port
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Known, Speaker


def loop_ports(place: str, node: str, loop: tuple[float, float]) -> list[Port]:
    """The ports of a cooling loop with supply and return temperature [degC]."""
    return [Port("waste_heat", "feed", place, loop), Port("cooling", "draw", node)]


def check_loop(supply: float, back: float) -> None:
    """A loop whose return is as warm as its supply carries no heat."""
    if supply <= back:
        raise ValueError(
            f"the loop's supply of {supply:g} degC is not warmer than its return of {back:g} degC; "
            "give both `loop_supply` and `loop_return`"
        )


class Loop(NamedTuple):
    """What leaves by a loop, over (component × time) or (mode × time) [kW]."""

    recovered: Amount
    rejected: Amount


def formulate_cooling_loop(
    m: Speaker, units: Axis, heat: Amount, recoverable: Amount | Known, places: Sequence[str],
    nodes: Sequence[str], prefix: str = "",
) -> Loop:  # fmt: skip
    """Split the heat to remove [kW] (unit × time) into recovered and rejected heat.

    ``places`` are where the recovered heat is offered, ``nodes`` where the rest is rejected, one
    for each unit; ``prefix`` goes before the names of the blocks.
    """
    recovered = m.variable(f"{prefix}recovered", units, m.time, about="heat given to heat pumps")
    rejected = m.variable(f"{prefix}rejected", units, m.time, about="heat left to chillers")
    m.constrain(f"{prefix}heat", recovered + rejected == heat, "all heat leaves the centre")
    m.constrain(f"{prefix}recoverable", recovered <= recoverable,
                "only the loop's share can be recovered")  # fmt: skip
    m.feed("waste_heat", places, recovered)
    m.draw("cooling", nodes, rejected)
    return Loop(recovered, rejected)


def replay_cooling_loop(
    log: Log, recovered: Floats, rejected: Floats, heat: Floats, recoverable: Floats,
    places: Labels, nodes: Labels, owners: Labels, labels: Labels, computing: bool = True,
) -> None:  # fmt: skip
    """All heat leaves, and no more is recovered than the loop can give.

    Only that of ``computing`` centres counts for their key figures (energy reuse factor); what
    others draw of the cold is part of all cold that plants make.
    """
    log.equal("all heat is recovered or rejected", recovered + rejected, heat, labels=labels)
    log.within("recovered heat is recoverable", recovered, 0.0, recoverable, labels=labels)
    log.feeds("waste_heat", places, recovered, owners)
    log.draws("cooling", nodes, rejected, owners)
    if computing:
        log.measure("waste_heat_recovered", recovered)
        log.measure("center_cooling", rejected)
    else:
        log.measure("plant_cooling", rejected)
