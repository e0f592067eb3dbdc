"""What remains of a unit that is out of service: parameters with other values in those steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.components.contract import Parameter, Units


def while_out(
    units: Units, out: Flags, values: Mapping[str, float | Floats]
) -> dict[str, Parameter]:
    """Parameters made hourly, with the given values (a number, or (n, T)) in the steps ``out``.

    What no unit of the kind has is left as it is.
    """
    found = {}
    for name, value in values.items():
        given = units.parameters.get(name)
        if given is None:
            continue
        each = given.values if given.values.ndim == 2 else given.values[:, None]
        kept = np.where(out, np.broadcast_to(value, out.shape), each)
        found[name] = Parameter((units.kind, "time"), kept.astype(given.values.dtype), given.unit)
    return found


def full_swing(units: Units, out: Flags) -> Floats:
    """The whole output of every unit (n, T) [kW]: what one that fails loses within a step."""
    return np.asarray(np.broadcast_to(units["full_output"], out.shape), dtype=float)
