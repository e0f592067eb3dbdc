"""One district, its computing moved: a share of every small centre goes to a central one.

What is moved, and what grows with it, is said in ``docs/how/layouts.md``; everything else stays as
the district file has it, so that the layouts serve the same demand and the same jobs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from citygrid.arrays import Indices
from citygrid.components.contract import Parameter, Units, kinds
from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.components.log import Log
    from citygrid.district.case import Case

#: The kind whose load is moved.
CENTRE = "data_center"
#: Supply [kW] of a kW of IT capacity that is moved: IT, losses, cooling and the pump's power.
SUPPLY = 1.5
#: Units of parameters that grow with the size of a machine.
SIZED = ("kW", "kW/h", "EUR", "EUR/h")


class Centre(NamedTuple):
    """A data centre: its name, node and IT capacity [kW]."""

    name: str
    node: str
    capacity: float


def centres_of(case: Case) -> list[Centre]:
    """The data centres of a case. Raises :class:`InputError` where there are fewer than two."""
    units = case.units.get(CENTRE)
    if units is None or len(units) < 2:
        raise InputError(Fault(case.name, "a layout needs two data centres or more", 0 if units is
                               None else len(units), "add centres whose load could be "
                               "moved"))  # fmt: skip
    capacity = np.broadcast_to(units["capacity"], (len(units), 1)).max(axis=1)
    return [Centre(name, str(node), float(size)) for name, node, size
            in zip(units.names, units.places("node"), capacity, strict=True)]  # fmt: skip


def centralise(case: Case, central: str, share: float, logs: Collection[Log]) -> Case:
    """The case with ``share`` (0…1) of every other centre moved to the ``central`` one.

    Idle power, interactive load, capacity and the permission to run jobs move. The central site's
    heat pumps and coolers grow with its capacity, those pumps that are left shrink with theirs, and
    the cables from the central node to the public grid are widened. With a share of 0 the case is
    given back as it is. ``logs`` are the replays of a plan of the case, which know who cools where.
    """
    if share == 0.0:
        return case
    centres = {each.name: each for each in centres_of(case)}
    moved = {name: share for name in centres if name != central}
    host, gained = centres[central], sum(share * centres[name].capacity for name in moved)
    growth = (host.capacity + gained) / host.capacity
    units = dict(case.units)
    units[CENTRE] = _centres(units[CENTRE], central, moved)
    factors = dict.fromkeys(_served_by(units, central), growth)
    factors |= dict.fromkeys(_coolers(logs, host.node), growth)
    factors |= {pump: 1.0 - share for name in moved for pump in _served_by(units, name)}
    for kind, given in units.items():
        if kind != CENTRE and set(given.names) & set(factors):
            units[kind] = _resized(given, factors)
    for kind, given in units.items():
        if "job_site" in given.coords:
            units[kind] = _jobs_follow(given, central, set(moved))
    widened = dict.fromkeys(cables_to_outside(case, host.node, logs), SUPPLY * gained)
    for kind, given in units.items():
        if "capacity" in given.parameters and set(given.names) & set(widened):
            units[kind] = _widened(given, widened)
    return replace(case, units=units)


def _centres(units: Units, central: str, moved: Mapping[str, float]) -> Units:
    """Centres after the move: what leaves the others arrives at the central one."""
    leaving = np.array([moved.get(name, 0.0) for name in units.names])
    host = units.names.index(central)
    changed = {}
    for name in ("capacity", "idle", "load"):
        given = units.parameters[name]
        part = given.values * (leaving if given.values.ndim == 1 else leaving[:, None])
        values = given.values - part
        values[host] = values[host] + part.sum(axis=0)
        changed[name] = given._replace(values=values)
    return replace(units, parameters={**units.parameters, **changed})


def _served_by(units: Mapping[str, Units], centre: str) -> list[str]:
    """Machines that take their heat from a centre: those with it as their ``source``."""
    return [name for given in units.values() if "source" in given.parameters
            for name, source in zip(given.names, given.places("source"), strict=True)
            if source == centre]  # fmt: skip


def _coolers(logs: Collection[Log], node: str) -> list[str]:
    """Components that make cold at a node, lines left out."""
    lines = {str(owner) for log in logs for each in log.carried for owner in each.owners}
    return [str(owner) for log in logs for movement in log.movements
            if movement.sign > 0 and movement.carrier == "cooling"
            for owner, place in zip(movement.owners, movement.places, strict=True)
            if place == node and owner not in lines]  # fmt: skip


def _resized(units: Units, factors: Mapping[str, float]) -> Units:
    """Machines larger or smaller: every power, ramp and cost of a start by their factor."""
    by = np.array([factors.get(name, 1.0) for name in units.names])
    changed = {}
    for name, given in units.parameters.items():
        if given.unit in SIZED and given.dims[:1] == (units.kind,):
            scaled = by if given.values.ndim == 1 else by[:, None]
            finite = np.isfinite(given.values)
            values = np.where(finite, np.where(finite, given.values, 0.0) * scaled, given.values)
            changed[name] = given._replace(values=values)
    return replace(units, parameters={**units.parameters, **changed})


def _widened(units: Units, by: Mapping[str, float]) -> Units:
    given = units.parameters["capacity"]
    more = np.array([by.get(name, 0.0) for name in units.names])
    values = given.values + (more if given.values.ndim == 1 else more[:, None])
    return replace(units, parameters={**units.parameters,
                                      "capacity": given._replace(values=values)})  # fmt: skip


# cables -------------------------------------------------------------------------------------------


def cables_to_outside(case: Case, node: str, logs: Collection[Log]) -> list[str]:
    """Lines of power on the way from a node to the nearest connection to the public grid.

    The way with the fewest lines; on an island, the way to the node that feeds the most power.
    """
    lines = [
        (str(owner), str(start), str(end))
        for log in logs for each in log.carried if each.carrier == "power"
        for owner, start, end in zip(each.owners, each.start, each.end, strict=True)
    ]  # fmt: skip
    goals = {asset.node for asset in case.assets if kinds()[asset.kind].spec.to_outside}
    goals = goals or {_strongest(logs, {name for name, _, _ in lines})}
    reached: dict[str, tuple[str, str] | None] = {node: None}
    queue = deque([node])
    while queue:
        here = queue.popleft()
        if here in goals:
            way = []
            while (step := reached[here]) is not None:
                way.append(step[0])
                here = step[1]
            return way
        for name, start, end in lines:
            for a, b in ((start, end), (end, start)):
                if a == here and b not in reached:
                    reached[b] = (name, here)
                    queue.append(b)
    return []


def _strongest(logs: Collection[Log], lines: Collection[str]) -> str:
    """The node at which most power is fed, lines left out."""
    fed: dict[str, float] = {}
    for log in logs:
        for movement in log.movements:
            if movement.carrier == "power" and movement.sign > 0:
                for place, owner, flow in zip(movement.places, movement.owners, movement.flow,
                                              strict=True):  # fmt: skip
                    if owner not in lines:
                        fed[str(place)] = fed.get(str(place), 0.0) + float(flow.sum())
    return max(fed, key=lambda place: fed[place], default="")


# jobs ---------------------------------------------------------------------------------------------


def _jobs_follow(units: Units, central: str, moved: Collection[str]) -> Units:
    """Jobs that may run at a centre of which a part is moved may run where that part is now.

    Jobs whose data or latency tie them to their home stay tied: data links do not move.
    """
    tables = dict(units.parameters)
    center, pool = tables["site_center"].values, tables["site_pool"].values
    sites, allowed = tables["job_site"].values, tables["job_allowed"].values
    rows: list[tuple[Any, ...]] = []
    host = {int(p): int(i) for i, p in enumerate(pool) if center[i] == central}
    for p in sorted({int(p) for i, p in enumerate(pool) if center[i] in moved} - set(host)):
        first = int(np.flatnonzero(pool == p)[0])
        label = central if len(units) == 1 else f"{units.names[p]}: {central}"
        host[p] = len(sites) + len(rows)
        rows.append((label, central, tables["site_resource"].values[first], p))
    for name, values in zip(("job_site", "site_center", "site_resource", "site_pool"),
                            zip(*rows, strict=True), strict=bool(rows)):  # fmt: skip
        given = tables[name]
        added = np.array(values, dtype=given.values.dtype)
        tables[name] = given._replace(values=np.concatenate([given.values, added]))
    sites, pool = tables["job_site"].values, tables["site_pool"].values
    wide = np.zeros((len(allowed), len(sites)), dtype=bool)
    wide[:, : allowed.shape[1]] = allowed
    leaving = np.isin(tables["site_center"].values, list(moved))
    free = ~np.isfinite(units["job_latency"]) & (units["job_data"] == 0.0)
    following = {}
    for job in np.flatnonzero(free):
        at = np.flatnonzero(wide[job] & leaving)
        if len(at) and not wide[job, host[int(pool[at[0]])]]:
            following[int(job)] = host[int(pool[at[0]])]
    for follower, site in following.items():
        wide[follower, site] = True
    tables["job_allowed"] = tables["job_allowed"]._replace(values=wide)
    for table, columns in (("start", ("job", "site", "step")),
                           ("slot", ("job", "site", "step", "share"))):  # fmt: skip
        tables |= _further_chances(tables, table, columns, following, units.step)
    coords = {dim: tables[dim].values if dim in tables else labels
              for dim, labels in units.coords.items()}  # fmt: skip
    return replace(units, parameters=tables, coords=coords)


def _further_chances(
    tables: Mapping[str, Parameter], table: str, columns: Collection[str],
    following: Mapping[int, int], step: float,
) -> dict[str, Parameter]:  # fmt: skip
    """The rows of a table of chances, and for jobs that follow their rows at the central site."""
    given = {name: tables[f"{table}_{name}"] for name in columns}
    job, at = given["job"].values, given["step"].values
    pairs = np.array([job, at]).T.reshape(-1, 2)
    _, first = np.unique(pairs, axis=0, return_index=True) if len(pairs) else (None, np.zeros(0))
    rows: Indices = np.array([i for i in first if int(job[int(i)]) in following], dtype=np.int64)
    found = {
        f"{table}_{name}": each._replace(values=np.concatenate([
            each.values, np.array([following[int(j)] for j in job[rows]], dtype=each.values.dtype)
            if name == "site" else each.values[rows]
        ]))
        for name, each in given.items()
    }  # fmt: skip
    names, sites = tables["job"].values, tables["job_site"].values
    added = [f"{names[job[i]]} @ {sites[following[int(job[i])]]} + {at[i] * step:g} h"
             for i in rows]  # fmt: skip
    labels = tables[f"job_{table}"]
    found[f"job_{table}"] = labels._replace(
        values=np.concatenate([labels.values, np.array(added, dtype=object)])
    )
    return found
