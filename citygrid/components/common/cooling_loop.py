"""The cooling loop of a computing centre: its heat is recovered or rejected, every hour.

``recovered + rejected = heat to remove`` and ``recovered ≤ recoverable``. Recovered heat is offered
to heat pumps at the centre itself (carrier ``waste_heat``); rejected heat is left to the chillers
of its node (carrier ``cooling``).
"""

from __future__ import annotations

from citygrid.arrays import Floats
from citygrid.components.contract import Port, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Known, Speaker


def loop_ports(name: str, node: str, loop: tuple[float, float]) -> list[Port]:
    """The ports of a cooling loop with supply and return temperature [degC]."""
    return [Port("waste_heat", "feed", name, loop), Port("cooling", "draw", node)]


def check_loop(supply: float, back: float) -> None:
    """A loop whose return is as warm as its supply carries no heat."""
    if supply <= back:
        raise ValueError(
            f"the loop's supply of {supply:g} degC is not warmer than its return of {back:g} degC; "
            "give both `loop_supply` and `loop_return`"
        )


def formulate_cooling_loop(m: Speaker, c: Fleet, heat: Amount, recoverable: Amount | Known) -> None:
    """Split the heat to remove [kW] into recovered and rejected heat."""
    recovered = m.variable("recovered", c.axis, m.time, about="heat given to heat pumps")
    rejected = m.variable("rejected", c.axis, m.time, about="heat left to chillers")
    m.constrain("heat", recovered + rejected == heat, "all heat leaves the centre")
    m.constrain("recoverable", recovered <= recoverable, "only the loop's share can be recovered")
    m.feed("waste_heat", list(c.axis.labels), recovered)
    m.draw("cooling", c.text("node"), rejected)


def replay_cooling_loop(
    c: Units, log: Log, recovered: Floats, rejected: Floats, heat: Floats, recoverable: Floats
) -> None:
    """All heat leaves, and no more is recovered than the loop can give."""
    log.equal("all heat is recovered or rejected", recovered + rejected, heat)
    log.within("recovered heat is recoverable", recovered, 0.0, recoverable)
    log.feeds("waste_heat", c.names, recovered)
    log.draws("cooling", c.places("node"), rejected)
    log.measure("waste_heat_recovered", recovered)
    log.measure("center_cooling", rejected)
