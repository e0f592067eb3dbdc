"""Figures of a layout that stand in no ledger: distance, waiting, and what stays where it arose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.common.job_network import links_to
from citygrid.components.common.routing import fastest_routes
from citygrid.study.layouts.moving import CENTRE, Centre

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.inputs.world import DataWay
    from citygrid.plan.plan import Plan

#: Energy [kWh] below which a job does not run somewhere.
NOTHING = 1e-6


class Spread(NamedTuple):
    """Median and 95 % quantile; ``None`` where the district does not say it."""

    p50: float | None
    p95: float | None


def quantiles(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> Spread:
    """The least value up to which half (95 %) of the weight lies; nothing without weight."""
    values, weights = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if not weights.sum() > 0.0:
        return Spread(None, None)
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / weights.sum()
    p50, p95 = (float(values[order][np.searchsorted(below, q - 1e-12)]) for q in (0.5, 0.95))
    return Spread(p50, p95)


class Interactive(NamedTuple):
    """Interactive work: latency [ms], work in all and at its origin [kWh]; why there is none."""

    latency: Spread
    total: float
    local: float
    why: str


def interactive(
    case: Case, centres: Sequence[Centre], central: str, share: float, ways: Sequence[DataWay]
) -> Interactive:  # fmt: skip
    """Where interactive work is done: what is moved travels by data links to the central site.

    ``case`` is the district as its file says it; work arises where its centre stands there.
    """
    units = case.units[CENTRE]
    work = units["load"].sum(axis=1) * case.step
    node = next(each.node for each in centres if each.name == central)
    delays, weights, lost = [], [], ""
    for each, energy in zip(centres, work, strict=True):
        gone = 0.0 if each.name == central else share * float(energy)
        delays.append(0.0)
        weights.append(float(energy) - gone)
        if gone <= 0.0:
            continue
        route = fastest_routes(ways, each.node).get(node)
        if route is None:
            lost = f"no data link leads from {each.node} to {node}"
            continue
        delays.append(route.latency)
        weights.append(gone)
    total = float(work.sum())
    local = float(sum(w for d, w in zip(delays, weights, strict=True) if d == 0.0))
    if not ways:
        lost = "the district has no data links"
    local = total - share * float(sum(
        e for each, e in zip(centres, work, strict=True) if each.name != central
    ))  # fmt: skip
    return Interactive(Spread(None, None) if lost else quantiles(delays, weights), total, local,
                       lost)  # fmt: skip


class Jobs(NamedTuple):
    """Jobs: distance from home [ms], waiting [h], its share of the time to completion.

    ``origin`` [kWh] is work of jobs whose data have a home, ``local`` what of it is done there.
    """

    latency: Spread
    wait: Spread
    queue_share: float | None
    origin: float
    local: float


def jobs(case: Case, plan: Plan) -> Jobs:
    """How far from home and how late the jobs of a plan run.

    A job waits for as long as it ends later than it could have at the earliest: from its release
    to its end, less its duration. The share is the sum of waiting over the sum of both.
    """
    delays, delay_weights, waits, durations, energies = [], [], [], [], []
    origin = local = 0.0
    for units in case.units.values():
        if "job" not in units.coords:
            continue
        flows, step = plan.flows(units), case.step
        count = len(units["job_power"])
        work, end = np.zeros((count, len(units["site_center"]))), np.full(count, -np.inf)
        power, duration = units["job_power"], units["job_duration"]
        if len(units["start_job"]):
            job, chosen = units["start_job"], flows["start"]
            np.add.at(work, (job, units["start_site"]), chosen * (power * duration)[job])
            on = chosen > 0.5
            last = units["start_step"] * step + duration[job]
            np.maximum.at(end, job[on], last[on])
        if len(units["slot_job"]):
            job, run = units["slot_job"], flows["run"]
            np.add.at(work, (job, units["slot_site"]), run * step)
            on = run > NOTHING
            np.maximum.at(end, job[on], ((units["slot_step"] + 1) * step)[on])
        links = links_to(units)
        with_home = {j for j, _ in links}
        for (j, site), energy in np.ndenumerate(work):
            if energy > NOTHING and j in with_home:
                way = links.get((j, site), [])
                delays.append(float(units["way_latency"][way].sum()) if way else 0.0)
                delay_weights.append(float(energy))
                origin += float(energy)
                local += 0.0 if way else float(energy)
        done = np.isfinite(end)
        late = np.maximum(end - units["job_release"] - duration, 0.0)[done]
        waits += list(late)
        durations += list(duration[done])
        energies += list((power * duration)[done])
    spent = float(np.sum(waits) + np.sum(durations))
    return Jobs(quantiles(delays, delay_weights), quantiles(waits, np.ones(len(waits))),
                float(np.sum(waits)) / spent if spent > 0.0 else None, origin, local)  # fmt: skip
