"""Noise: units that may give only a part of their capacity in the district's quiet hours.

Fans, engines and compressors that stand in the open are limited at night, in Germany from 22 to 6
(TA Lärm, 6.4). What a unit may give then is a matter of its site and is stated as a share.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from citygrid.arrays import Floats
from citygrid.components.contract import Component, Units
from citygrid.components.fields import QuietShare
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Known


class Noisy(Component):
    """Fields of a unit that can be heard: ``output_t ≤ quiet_share_t · capacity``."""

    quiet_share: QuietShare = Field(
        1.0, description="largest share of its capacity in the district's `quiet_hours`"
    )


def quiet_limit(c: Fleet, capacity: Known) -> Known:
    """The capacity of every hour [kW], less in quiet ones."""
    return capacity * c.quiet_share


def replay_quiet(c: Units, log: Log, output: Floats, capacity: Floats) -> None:
    """No more than the share in quiet hours; in all others the unit's own rules limit it."""
    share = c["quiet_share"]
    limit = np.where(share < 1.0, capacity * share, np.inf)
    log.within("output within the limit of the quiet hours", output, high=limit)
