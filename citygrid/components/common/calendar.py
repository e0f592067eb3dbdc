"""Windows of a calendar: when a unit must run, is out, or is serviced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from citygrid.components.fields import Duration
from citygrid.inputs.world import World


class Window(BaseModel):
    """A span of time, counted from the start of the horizon."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Duration = Field(description="from the start of the horizon")
    length: Duration


def touched(
    windows: Sequence[Window], world: World, component: str, field: str
) -> NDArray[np.bool_]:
    """The steps (T) that a window touches: a step that is touched belongs to it as a whole.

    A window that the horizon does not reach, or without a length, is refused; one that reaches
    beyond the end is cut there.
    """
    hours, step = len(world.horizon.time), world.horizon.step
    begin = np.arange(hours) * step
    found = np.zeros(hours, dtype=bool)
    for number, window in enumerate(windows, start=1):
        if window.length <= 0.0:
            world.refuse(component, field, f"window {number} has no length", "0 h",
                         "give its length, such as 4 h")  # fmt: skip
        elif window.after >= hours * step - 1e-9:
            span = f"window {number} lies outside the horizon of {hours * step:g} h"
            world.refuse(component, field, span, f"after {window.after:g} h",
                         "count `after` from its start, or leave the window out")  # fmt: skip
        end = window.after + window.length
        found |= (begin < end - 1e-9) & (begin + step > window.after + 1e-9)
    return found
