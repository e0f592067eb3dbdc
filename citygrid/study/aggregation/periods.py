"""Periods that are alike: clustered by tsam, each represented by the one nearest to its mean.

Source: Hoffmann et al., *A review on time series aggregation methods for energy system models*
(Energies 13, 2020); tsam's hierarchical clustering and its segmentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.cards import lasting
from citygrid.components.contract import Parameter, Units
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError

#: Kinds whose steps are not those of the clock: what is due once cannot be typical.
ONCE = ("job_pool",)
#: Group of components that are served, whose energy over the horizon is kept; and prices.
SERVED, PRICE = "demand", "EUR/kWh"


@dataclass(frozen=True)
class Periods:
    """Which period of a horizon is like which.

    ``length`` steps make a period; ``cluster`` (periods) names each one's cluster, ``chosen``
    (clusters) the period whose data all of it get. ``source`` (T) is the step whose data each step
    gets and ``cell`` (T) numbers steps that are one: equal for the same step of like periods, and
    for all steps of a segment. Steps after the last whole period stand for themselves.
    """

    length: int
    cluster: NDArray[np.int64]
    chosen: NDArray[np.int64]
    source: NDArray[np.int64]
    cell: NDArray[np.int64]

    @property
    def ends(self) -> NDArray[np.int64]:
        """The last step of every whole period."""
        return np.arange(len(self.cluster)) * self.length + self.length - 1


def cluster(case: Case, periods: int, hours: float = 24.0, segments: int | None = None) -> Periods:
    """Cluster a case's periods of so many hours by all that varies over time.

    segments
        Steps of a period are joined to so many, each with the mean of what it joins.

    Raises :class:`InputError` for numbers that do not fit the horizon, and for a district with
    jobs, which are due once.
    """
    length = round(hours / case.step)
    whole = len(case.time) // length if length else 0
    faults = []
    if length < 1 or abs(length * case.step - hours) > 1e-9 or whole < 2:
        faults.append(Fault("--hours-per-period", "does not cut the horizon into periods", hours,
                            f"choose a multiple of {lasting(case.step)} that fits twice or more "
                            f"into {lasting(len(case.time) * case.step)}"))  # fmt: skip
    elif not 1 <= periods <= whole:
        faults.append(Fault("--periods", "is no number of typical periods", periods,
                            f"choose 1 to {whole}, the periods there are"))  # fmt: skip
    if segments is not None and not faults and not 1 <= segments <= length:
        faults.append(Fault("--segments", "is no number of segments of a period", segments,
                            f"choose 1 to {length}"))  # fmt: skip
    faults += [
        Fault(f"components › {name}", f"is a {kind}, whose work is due once and not typical", None,
              "give the centres a load instead, or plan the horizon as it is")
        for kind in ONCE if kind in case.units for name in case.units[kind].names
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    rows = _rows(case)[:, : whole * length]
    named, durations = _by_tsam(case, rows, periods, length, segments)
    days = rows.reshape(len(rows), whole, length).transpose(1, 0, 2).reshape(whole, -1)
    chosen = np.array([_nearest(days, np.flatnonzero(named == c)) for c in range(named.max() + 1)])
    step = np.arange(len(case.time))
    inside = step < whole * length
    day, hour = np.divmod(step[inside], length)
    source, cell = step.copy(), step.copy()
    source[inside] = chosen[named[day]] * length + hour
    if durations is None:
        cell[inside] = source[inside]
    else:
        first = np.array([
            np.repeat(np.concatenate([[0], np.cumsum(parts)[:-1]]), parts) for parts in durations
        ])  # fmt: skip
        cell[inside] = chosen[named[day]] * length + first[named[day], hour]
    return Periods(length, named, chosen, source, cell)


def _rows(case: Case) -> Floats:
    """All that varies over time, a row each, from 0 to 1."""
    found = []
    for units in case.units.values():
        for parameter in units.parameters.values():
            if parameter.dims[-1:] == ("time",) and parameter.values.dtype.kind in "fiub":
                found.append(np.atleast_2d(parameter.values.astype(float)))
    rows = np.vstack(found) if found else np.zeros((0, len(case.time)))
    rows = np.unique(rows[np.isfinite(rows).all(axis=1)], axis=0)
    span = np.ptp(rows, axis=1, keepdims=True) if len(rows) else np.zeros((0, 1))
    varying = span[:, 0] > 1e-12 * np.maximum(1.0, np.abs(rows).max(axis=1, initial=0.0))
    rows, span = rows[varying], span[varying]
    if not len(rows):
        return np.zeros((1, len(case.time)))
    return np.asarray((rows - rows.min(axis=1, keepdims=True)) / span)


def _by_tsam(
    case: Case, rows: Floats, periods: int, length: int, segments: int | None
) -> tuple[NDArray[np.int64], list[tuple[int, ...]] | None]:
    """Every period's cluster, and the steps of every cluster's segments."""
    try:
        import tsam
    except ImportError as error:
        raise InputError(Fault("--periods", "needs tsam, which is not installed", None,
                               "pip install 'citygrid[periods]'")) from error  # fmt: skip
    import pandas as pd

    whole = rows.shape[1] // length
    if not rows.any():  # nothing varies: all periods are one
        one = (length,) if segments is None else _even(length, segments)
        return np.zeros(whole, dtype=np.int64), None if segments is None else [one]
    index = pd.DatetimeIndex(case.time[: rows.shape[1]])
    frame = pd.DataFrame(rows.T, index=index, columns=[f"row {i}" for i in range(len(rows))])
    found = tsam.aggregate(
        frame, periods, period_duration=length * case.step, temporal_resolution=case.step,
        segments=None if segments is None else tsam.SegmentConfig(n_segments=segments),
        preserve_column_means=False,
    )  # fmt: skip
    named = np.asarray(found.cluster_assignments, dtype=np.int64)
    # Clusters that turned out empty leave no gap in the numbers.
    kept, named = np.unique(named, return_inverse=True)
    if segments is None or found.segment_durations is None:
        return named, None
    return named, [tuple(int(n) for n in found.segment_durations[c]) for c in kept]


def _even(length: int, parts: int) -> tuple[int, ...]:
    return tuple(len(each) for each in np.array_split(np.arange(length), parts))


def _nearest(days: Floats, members: NDArray[np.int64]) -> int:
    """The member nearest to the mean of all of them."""
    apart = ((days[members] - days[members].mean(axis=0)) ** 2).sum(axis=1)
    return int(members[int(apart.argmin())])


def repeated(case: Case, periods: Periods) -> Case:
    """The case whose like periods have one and the same data, over the same time.

    What is served keeps its energy over the horizon, and prices their mean, by a factor on each.
    """
    served = {asset.name for asset in case.assets if asset.group == SERVED}
    units = {
        kind: replace(each, parameters=_repeated(each, periods, served))
        for kind, each in case.units.items()
    }
    return replace(case, name=f"{case.name}, typical periods", units=units)


def _repeated(units: Units, periods: Periods, served: set[str]) -> Mapping[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name, parameter in units.parameters.items():
        if "time" not in parameter.dims:
            found[name] = parameter
            continue
        axis = parameter.dims.index("time")
        values = np.take(parameter.values, periods.source, axis=axis)
        if values.dtype.kind == "f" and np.isfinite(values).all():
            values = _joined(values, periods, axis)
            of_demand = all(each in served for each in units.names) and parameter.unit == "kW"
            if of_demand or parameter.unit == PRICE:
                values = _kept(values, parameter.values, axis)
        found[name] = parameter._replace(values=values)
    return found


def _joined(values: NDArray[Any], periods: Periods, axis: int) -> NDArray[Any]:
    """The mean of every segment in each of its steps."""
    _, at, count = np.unique(periods.cell, return_inverse=True, return_counts=True)
    moved = np.moveaxis(values, axis, -1)
    flat = moved.reshape(-1, moved.shape[-1])
    sums = np.array([np.bincount(at, row, len(count)) for row in flat])
    mean = (sums / count)[:, at].reshape(moved.shape)
    # What the mean does not change stays as it is, bit by bit.
    same = np.isclose(mean, moved, rtol=1e-12, atol=0.0)
    return np.moveaxis(np.where(same, moved, mean), -1, axis)


def _kept(values: NDArray[Any], before: NDArray[Any], axis: int) -> NDArray[Any]:
    """Values with the mean of those before, by a factor where that has a meaning."""
    now, then = values.mean(axis=axis, keepdims=True), before.mean(axis=axis, keepdims=True)
    fits = (now * then > 0.0) & (np.abs(then) < 3.0 * np.abs(now))
    fits &= np.abs(now) < 3.0 * np.abs(then)
    factor = np.where(fits, then / np.where(now == 0.0, 1.0, now), 1.0)
    return np.asarray(values * factor)
