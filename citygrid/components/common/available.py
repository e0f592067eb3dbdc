"""What nature gives at most: sun and wind, used as far as somebody takes it, else curtailed."""

from __future__ import annotations

from citygrid.arrays import Floats
from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Known, Speaker


def formulate_available(m: Speaker, c: Fleet, carrier: str, least: Known | float = 0.0) -> None:
    """``least ≤ produced ≤ available`` [kW] in every step, fed at each one's node."""
    produced = m.variable("produced", c.axis, m.time, lower=least, upper=c.available,
                          about=f"{carrier} used")  # fmt: skip
    m.feed(carrier, c.text("node"), produced)


def replay_available(
    c: Units,
    flows: Flows,
    log: Log,
    carrier: str,
    source: str,
    measured: str,
    least: Floats | float = 0.0,
) -> None:
    """No more than the ``source`` gives; measures what it gave and what was used of it."""
    produced = flows["produced"]
    log.within(f"production within what the {source} gives", produced, 0.0, c["available"])
    log.within("what cannot be curtailed is taken", produced, low=least)
    log.feeds(carrier, c.places("node"), produced)
    log.measure(f"{measured}_produced", produced)
    log.measure(f"{measured}_available", c["available"])
