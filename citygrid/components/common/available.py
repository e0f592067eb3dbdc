"""What nature gives at most: sun and wind, used as far as somebody takes it, else curtailed."""

from __future__ import annotations

from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


def formulate_available(m: Speaker, c: Fleet, carrier: str) -> None:
    """``0 ≤ produced ≤ available`` [kW] in every step, fed at each one's node."""
    produced = m.variable("produced", c.axis, m.time, upper=c.available, about=f"{carrier} used")
    m.feed(carrier, c.text("node"), produced)


def replay_available(
    c: Units, flows: Flows, log: Log, carrier: str, source: str, measured: str
) -> None:
    """No more than the ``source`` gives; measures what it gave and what was used of it."""
    produced = flows["produced"]
    log.within(f"production within what the {source} gives", produced, 0.0, c["available"])
    log.feeds(carrier, c.places("node"), produced)
    log.measure(f"{measured}_produced", produced)
    log.measure(f"{measured}_available", c["available"])
