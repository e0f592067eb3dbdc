"""The heat network over time: how much of its pipes is used, what it loses, how warm its water is.

Heat, losses and use are the plan's, as the replay counts them; temperatures are those of the
heating curve that the plan was made with. What the case does not tell is None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citygrid.arrays import Floats
from citygrid.district.case import Case
from citygrid.export.flows import Dispatch
from citygrid.export.report.courses import Courses, courses
from citygrid.export.windows import Window, local

KIND = "heat_pipe"
#: Parameter of a pipe → what its temperature is called.
WARMTH = {"supply": "supply", "back_temperature": "return", "ground": "ground, mean of the pipes"}


@dataclass(frozen=True)
class HeatNetwork:
    """What the page says of the heat network: figures over the horizon and lines over time."""

    pipes: int
    length: float | None
    fed: float
    lost: float
    loss_share: float | None
    mean_use: float | None
    most_use: float | None
    most_pipe: str
    most_time: str
    supply: tuple[float, float] | None
    back: tuple[float, float] | None
    use: Courses | None
    losses: Courses | None
    warmth: Courses | None


def heat_network(case: Case, moved: Dispatch, window: Window) -> HeatNetwork | None:
    """The network of a case; ``None`` where there are no heat pipes or the plan lacks their heat.

    ``fed`` is all heat that anybody feeds into the nodes at the pipes' ends [MWh], ``lost`` what
    the pipes lose; ``loss_share`` is lost / fed. ``mean_use`` is the mean share of capacity in use,
    over pipes and steps, each pipe by its capacity.
    """
    at = [i for i, asset in enumerate(moved.assets) if asset.kind == KIND]
    if not at or not np.isfinite(moved.flow[at]).all():
        return None
    units = case.units[KIND]
    carried, capacity, use = np.abs(moved.flow[at]), moved.capacity[at], moved.use[at]
    lost = moved.loss[at].sum(axis=0)
    nodes = {node for i in at for node in (moved.assets[i].node, moved.assets[i].to)}
    fed = sum(
        (np.nan_to_num(moved.carriers["heat"][i]).clip(min=0.0)
         for i, asset in enumerate(moved.assets) if asset.node in nodes and not asset.to),
        np.zeros(len(case.time)),
    )  # fmt: skip
    energy, loss = (float(part.sum()) * case.step / 1000.0 for part in (fed, lost))
    pipe: int | None = None
    if np.isfinite(use).any():
        pipe, step = (int(i) for i in np.unravel_index(int(np.nanargmax(use)), use.shape))
        when = local(case, case.time[[step]])[0].strftime("%-d %B, %H:%M")
    known = {
        name: np.broadcast_to(np.asarray(units[name], dtype=float), use.shape).mean(axis=0)
        for name in WARMTH if name in units.parameters
    }  # fmt: skip
    length = units.parameters.get("length")
    return HeatNetwork(
        len(at), None if length is None else float(np.sum(units["length"])), energy, loss,
        loss / energy if energy > 0 else None,
        None if pipe is None else float(carried.sum() / np.nansum(capacity)),
        None if pipe is None else float(use[pipe, step]),
        "" if pipe is None else moved.assets[at[pipe]].name,
        "" if pipe is None else when,
        _span(known.get("supply")), _span(known.get("back_temperature")),
        courses("Use of the pipes", "%", window, [
            ("fullest pipe", 100.0 * np.nanmax(use, axis=0)),
            ("all pipes by capacity", 100.0 * carried.sum(axis=0) / np.nansum(capacity, axis=0)),
        ]) if pipe is not None else None,
        courses("Losses of the pipes", "kW", window, [("lost to the ground", lost)]),
        courses("Temperatures", "°C", window, [(WARMTH[n], v) for n, v in known.items()]),
    )  # fmt: skip


def _span(values: Floats | None) -> tuple[float, float] | None:
    return None if values is None else (float(values.min()), float(values.max()))
