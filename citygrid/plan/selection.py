"""Parts of a plan for analysts: a smaller dataset, and tables for pandas.

Times are told on the district's clock unless they say their offset: ``"2023-01-16"`` is the local
day, ``"2023-01-16T05:00Z"`` an instant. Whoever names what is not there is told near names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from citygrid.arrays import Flags, Floats, Positions
from citygrid.components.contract import kinds
from citygrid.components.log import Log
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError, VerificationError, unknown
from citygrid.units import carrier_unit

if TYPE_CHECKING:
    from citygrid.plan.plan import Plan

Names = str | Sequence[str] | None


def select(
    plan: Plan, component: Names = None, kind: Names = None, quantity: Names = None,
    time: Any = None,
) -> xr.Dataset:  # fmt: skip
    """See :meth:`citygrid.plan.plan.Plan.sel`."""
    case, dataset = plan.case, plan.dataset
    flows = _flows(case, dataset)
    home = {name: kind for kind, units in case.units.items() for name in units.names}
    components = _known("component", component, home)
    wanted = _known("kind", kind, case.units)
    shorts = [name.partition(".")[2] for name in flows]
    quantities = _known("quantity", quantity, [*dict.fromkeys(shorts), *flows])
    if components is not None:
        homes = {home[name] for name in components}
        wanted = [k for k in homes if wanted is None or k in wanted]
    names = [
        name for name, short in zip(flows, shorts, strict=True)
        if (wanted is None or name.partition(".")[0] in wanted)
        and (quantities is None or short in quantities or name in quantities)
    ]  # fmt: skip
    if not names:
        raise InputError(Fault("selection", "nothing of the plan is all of this at once",
                               _asked(component, kind, quantity),
                               "leave out one of component, kind and quantity"))  # fmt: skip
    part = dataset[names]
    if components is not None:
        for dim in set(part.dims) & set(case.units):
            held = [str(label) for label in part[dim].values]
            part = part.isel({dim: [i for i, label in enumerate(held) if label in components]})
    if time is not None:
        steps = positions(case, time)
        stamps = case.time[steps]
        for dim in part.dims:
            # Some flows stand at a part of the steps alone, on a time axis of their own.
            if dim in part.coords and part[dim].dtype.kind == "M":
                part = part.isel({dim: np.flatnonzero(np.isin(part[dim].values, stamps))})
    return part


def _flows(case: Case, dataset: xr.Dataset) -> list[str]:
    """Names of all flows: what a kind of the case does, and no ledger and no rule."""
    return [str(name) for name in dataset.data_vars if str(name).partition(".")[0] in case.units]


def _known(what: str, asked: Names, known: Iterable[str]) -> list[str] | None:
    """The names asked for, all of which must be known."""
    if asked is None:
        return None
    names = [asked] if isinstance(asked, str) else list(asked)
    there = list(known)
    faults = [unknown(what, name, there) for name in names if name not in there]
    if faults or not names:
        raise InputError(faults or Fault(what, "names nothing", None, f"name a {what}, or leave "
                                         "it out for all"))  # fmt: skip
    return names


def _asked(component: Names, kind: Names, quantity: Names) -> str:
    asked = {"component": component, "kind": kind, "quantity": quantity}
    return ", ".join(f"{what} {name}" for what, name in asked.items() if name is not None)


def positions(case: Case, time: Any) -> Positions:
    """Which steps a stamp, a slice of stamps or a list of them means; see the module's text.

    An hour that the clock shows twice is both, unless the stamp says its offset. Raises
    :class:`InputError` for what is no time and for what holds no step of the horizon.
    """
    clock = case.local(case.time)
    try:
        if isinstance(time, slice):
            if time.step is not None:
                raise ValueError("a slice of times has no step")
            inside = _beyond(clock, time.start, False) & _beyond(clock, time.stop, True)
        else:
            several = isinstance(time, (list, tuple, np.ndarray, pd.DatetimeIndex))
            inside = np.zeros(len(clock), dtype=bool)
            for each in time if several else [time]:
                here = _beyond(clock, each, False) & _beyond(clock, each, True)
                if not here.any():
                    raise InputError(_outside(each, clock))
                inside |= here
    except (ValueError, TypeError) as error:
        raise InputError(Fault("time", f"is no time ({error})", str(time),
                               "write 2023-01-16, 2023-01-16T05:00, one with its offset, or a "
                               "slice of two")) from error  # fmt: skip
    if not inside.any():
        raise InputError(_outside(time, clock))
    return np.flatnonzero(inside)


def _outside(time: Any, clock: pd.DatetimeIndex) -> Fault:
    held = f"the plan holds {clock[0].isoformat()} to {clock[-1].isoformat()}"
    return Fault("time", "is no step of this plan", str(time), held)


def _beyond(clock: pd.DatetimeIndex, time: Any, last: bool) -> Flags:
    """Which steps begin no earlier (``last``: no later) than a time does (ends)."""
    if time is None:
        return np.ones(len(clock), dtype=bool)
    if not isinstance(time, (str, datetime, np.datetime64)):
        raise TypeError("neither text nor stamp nor slice")
    stamp = pd.Timestamp(time)
    if pd.isna(stamp):
        raise ValueError("nothing")
    if stamp.tz is None:
        clock = clock.tz_localize(None)  # what people read on it
        if isinstance(time, str):
            # A text is as long as it is exact: a day, a month, a minute.
            period = pd.Period(time)
            stamp = period.end_time if last else period.start_time
    return np.asarray(clock <= stamp if last else clock >= stamp)


# tables -----------------------------------------------------------------------------------------


def table(plan: Plan, names: Sequence[str], tidy: bool, utc: bool) -> pd.DataFrame:
    """See :meth:`citygrid.plan.plan.Plan.to_pandas`."""
    case, dataset = plan.case, plan.dataset
    if not names:
        repair = 'name a carrier ("heat") or a quantity ("battery.level")'
        raise InputError(Fault("to_pandas", "names nothing", None, repair))
    flows = [name for name in _flows(case, dataset) if "time" in dataset[name].dims]
    # Flows that are named whole are read as they are, also from a plan that cannot be replayed.
    carriers = {} if set(names) <= set(flows) else moved(plan)
    shorts = list(dict.fromkeys(name.partition(".")[2] for name in flows))
    parts: dict[str, tuple[dict[str, Floats], str]] = {}
    faults = []
    for asked in names:
        if asked in carriers:
            parts[asked] = carriers[asked], carrier_unit(asked)
            continue
        found = [name for name in flows if asked in (name, name.partition(".")[2])]
        for name in found:
            array = dataset[name].transpose(..., "time")
            labels = array[array.dims[0]].values if array.ndim > 1 else [name]
            rows = array.values.reshape(-1, array.sizes["time"])
            parts[name] = (
                {str(label): row for label, row in zip(labels, rows, strict=True)},
                str(array.attrs.get("units", "1")),
            )
        if not found:
            faults.append(unknown("carrier or quantity", asked, [*carriers, *shorts, *flows]))
    if faults:
        raise InputError(faults)
    clock = case.local(case.time).rename("time")
    if utc:
        clock = clock.tz_convert("UTC")
    frame = _tidy(case, parts, clock) if tidy else _wide(parts, clock)
    frame.attrs["units"] = {what: unit for what, (_, unit) in parts.items()}
    return frame


def _wide(parts: dict[str, tuple[dict[str, Floats], str]], clock: pd.DatetimeIndex) -> pd.DataFrame:
    columns = {(what, label): row for what, (rows, _) in parts.items()
               for label, row in rows.items()}  # fmt: skip
    frame = pd.DataFrame(columns, index=clock)
    frame.columns = pd.MultiIndex.from_tuples(columns, names=["what", "component"])
    return frame.droplevel("what", axis="columns") if len(parts) == 1 else frame


def _tidy(
    case: Case, parts: dict[str, tuple[dict[str, Floats], str]], clock: pd.DatetimeIndex
) -> pd.DataFrame:
    home = {name: kind for kind, units in case.units.items() for name in units.names}
    pieces = [
        pd.DataFrame({
            "time": clock, "what": what,
            "kind": what.partition(".")[0] if "." in what else home.get(label, ""),
            "component": label, "value": row, "unit": unit,
        })
        for what, (rows, unit) in parts.items() for label, row in rows.items()
    ]  # fmt: skip
    return pd.concat(pieces, ignore_index=True)


def moved(plan: Plan) -> dict[str, dict[str, Floats]]:
    """Carrier → component → what it fed less what it drew in every step (T), by replay.

    Raises :class:`VerificationError` where the plan lacks what a replay needs.
    """
    found: dict[str, dict[str, Floats]] = {}
    for kind, units in plan.case.units.items():
        log = Log(kind, units.names)
        try:
            kinds()[kind].replay(units, plan.flows(units), log)
        except (KeyError, IndexError, ValueError) as error:
            raise VerificationError(Fault(kind, f"the plan lacks or misshapes {error}", None,
                                          "plan the district anew")) from error  # fmt: skip
        for movement in log.movements:
            here = found.setdefault(movement.carrier, {})
            for owner, row in zip(movement.owners, movement.sign * movement.flow, strict=True):
                here[str(owner)] = here.get(str(owner), 0.0) + row
    return found
