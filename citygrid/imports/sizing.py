"""How wide the pipes of a network must be: peaks that do not coincide, and what a bore carries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from citygrid.arrays import Floats
from citygrid.components.common.piping import WATER_DENSITY, WATER_HEAT
from citygrid.inputs.pipes import Catalogue


def simultaneity(consumers: ArrayLike) -> Floats:
    """Share of the sum of their peaks that so many consumers draw at once.

    ``g(n) = a + b / (1 + (n/c)^d)`` with a 0.4497, b 0.5512, c 53.84, d 1.763; 1 for one consumer.

    Source: W. Winter, T. Haslauer, I. Obernberger, "Untersuchungen der Gleichzeitigkeit in kleinen
    und mittleren Nahwärmenetzen", Euroheat & Power 09/2001.
    """
    count = np.maximum(np.asarray(consumers, dtype=float), 1.0)
    share = 0.449677646267461 + 0.551234688 / (1.0 + (count / 53.84382392) ** 1.762743268)
    return np.minimum(share, 1.0)


def carried(inner: ArrayLike, spread: ArrayLike, velocity: ArrayLike) -> Floats:
    """Heat [kW] that a bore [m] carries at a spread of temperatures [K] and a velocity [m/s]."""
    area = np.pi / 4.0 * np.asarray(inner, dtype=float) ** 2
    return np.asarray(WATER_DENSITY * WATER_HEAT * area * np.asarray(velocity) * spread)


def smallest_size(
    heat: float, spread: float, velocity: float, catalogue: Catalogue, least: int = 0
) -> int | None:
    """The smallest diameter of at least ``least`` that carries ``heat`` [kW], or ``None``."""
    for dn, size in catalogue.sizes.items():
        if dn >= least and carried(size.inner, spread, velocity) >= heat:
            return dn
    return None
