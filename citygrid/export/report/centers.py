"""Computing centres one by one: load, jobs, PUE, energy reuse and waste heat, as sums and courses.

Figures are those of the district's key figures, centre by centre: E_IT is the power of the IT, E_DC
what the centre draws and what cools it. Cooling plants serve several centres, so that in each hour
their power is shared among the centres by the cold that each draws. What does not apply is None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from citygrid.arrays import Floats
from citygrid.district.case import Case
from citygrid.export.flows import WORK, Dispatch
from citygrid.export.palette import look
from citygrid.export.report.courses import Courses, courses
from citygrid.export.windows import Window
from citygrid.plan.kpis import OTHER_COLD


@dataclass(frozen=True)
class Center:
    """One centre over the horizon; energies in MWh, powers in kW."""

    name: str
    kind: str
    label: str
    capacity: float | None
    peak: float
    it: float
    jobs: float
    job_count: int
    energy: float
    cooling: float
    waste_heat: float | None
    pue: float | None
    reuse: float | None
    effectiveness: float | None
    power: Courses | None
    ratios: Courses | None


@dataclass(frozen=True)
class _Hours:
    """A centre's powers in every step [kW]."""

    it: Floats
    jobs: Floats
    energy: Floats
    cooling: Floats
    recovered: Floats


def centers(case: Case, moved: Dispatch, jobs: pd.DataFrame, window: Window) -> list[Center]:
    """Every centre whose replay tells its IT power; ``jobs`` as ``job_table`` gives them."""
    known = tuple(case.units)
    found = []
    for at, hours in _hours(moved).items():
        asset = moved.assets[at]
        it, energy, recovered, cooling = (
            float(part.sum()) * case.step / 1000.0
            for part in (hours.it, hours.energy, hours.recovered, hours.cooling)
        )
        gives = bool(hours.recovered.any())
        capacity = float(moved.rated[at])
        pue, reuse = _ratio(energy, it), _ratio(recovered, energy)
        found.append(Center(
            asset.name, asset.kind, look(asset.kind, known).label,
            capacity if np.isfinite(capacity) else None, float(hours.it.max()), it,
            float(hours.jobs.sum()) * case.step / 1000.0,
            int(jobs.loc[jobs["site"] == asset.name, "job"].nunique()) if len(jobs) else 0,
            energy, cooling, recovered if gives else 0.0, pue, reuse,
            None if pue is None or reuse is None else (1.0 - reuse) * pue,
            courses(f"{asset.name}: power", "kW", window, [
                ("IT power", hours.it), ("of it without jobs", hours.it - hours.jobs),
                ("waste heat used", hours.recovered),
            ]),
            courses(f"{asset.name}: ratios", "1", window, [
                ("PUE", _ratios(hours.energy, hours.it)),
                ("energy reuse factor", _ratios(hours.recovered, hours.energy)),
            ], height=110.0),
        ))  # fmt: skip
    return found


def _hours(moved: Dispatch) -> dict[int, _Hours]:
    """Powers of every centre, by its place among the components."""
    measured = moved.measures
    if "it_power" not in measured or "center_power" not in measured:
        return {}
    at = np.flatnonzero(np.isfinite(measured["it_power"]).all(axis=1))
    nothing = np.zeros_like(measured["it_power"])
    cold = np.nan_to_num(measured.get("center_cooling", nothing))
    served = sum(np.nan_to_num(measured.get(name, nothing)).sum(axis=0) for name in OTHER_COLD)
    plants = np.nan_to_num(measured.get("cooling_power", nothing)).sum(axis=0)
    all_cold = cold.sum(axis=0) + served
    per_cold = np.divide(plants, all_cold, out=np.zeros_like(plants), where=all_cold > 0)
    work = sum(
        (np.nan_to_num(moved.carriers[c]).clip(min=0.0) for c in WORK if c in moved.carriers),
        nothing,
    )
    recovered = np.nan_to_num(measured.get("waste_heat_recovered", nothing))
    return {
        int(i): _Hours(measured["it_power"][i], work[i],
                       measured["center_power"][i] + per_cold * cold[i], per_cold * cold[i],
                       recovered[i])
        for i in at
    }  # fmt: skip


def _ratio(above: float, below: float) -> float | None:
    return above / below if below > 0 else None


def _ratios(above: Floats, below: Floats) -> Floats:
    """A ratio in every step, NaN where it does not apply."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
