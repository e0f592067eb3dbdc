"""Jobs of pools as tables: sites, jobs with their windows, and where and when each may run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.contract import Parameter

#: Hours below which two instants are the same.
INSTANT = 1e-6


class Site(NamedTuple):
    """A centre as one pool uses it."""

    label: str
    pool: int
    center: str
    resource: str


class PoolJob(NamedTuple):
    """A job with its window in hours from the start of the horizon."""

    label: str
    pool: int
    power: float
    duration: float
    release: float
    deadline: float
    preemptible: bool
    data: float
    latency: float
    priority: str
    price: float

    def begins(self, step: float, steps: int) -> range:
        """The steps [of ``step`` h] in which it may start and still end within window and horizon.

        Of a job that is not interrupted.
        """
        first = max(int(np.ceil(self.release / step - INSTANT)), 0)
        last = min(int(np.floor((self.deadline - self.duration) / step + INSTANT)),
                   steps - int(np.ceil(self.duration / step - INSTANT)))  # fmt: skip
        return range(first, last + 1)

    def shares(self, step: float, steps: int) -> Floats:
        """The share of every step (T) that lies in its window."""
        begin = np.arange(steps) * step
        inside = np.minimum(self.deadline, begin + step) - np.maximum(self.release, begin)
        return np.clip(inside, 0.0, None) / step


class Chance(NamedTuple):
    """A job may start, or run for ``share`` of the step, at a site in a step."""

    job: int
    site: int
    step: int
    share: float = 1.0


def job_tables(
    jobs: list[PoolJob], sites: list[Site], starts: list[Chance], slots: list[Chance],
    permitted: list[tuple[int, int]], step: float,
) -> dict[str, Parameter]:  # fmt: skip
    """Every table of the pools' jobs, by parameter; ``permitted`` are (job, site), ``step`` [h]."""
    may = np.zeros((len(jobs), len(sites)), dtype=bool)
    for pair in permitted:
        may[pair] = True

    def column(
        dim: str, rows: Sequence[Any], name: str, kind: type = np.int64, unit: str = "1"
    ) -> Parameter:
        return Parameter((dim,), np.array([getattr(row, name) for row in rows], kind), unit)

    def texts(dim: str, values: Iterable[str]) -> Parameter:
        return Parameter((dim,), np.array(list(values), dtype=object))

    def labels(dim: str, rows: list[Chance]) -> Parameter:
        return texts(dim, (f"{jobs[row.job].label} @ {sites[row.site].label} + "
                           f"{row.step * step:g} h" for row in rows))  # fmt: skip

    job, site, start, slot = "job", "job_site", "job_start", "job_slot"
    return {
        job: texts(job, (each.label for each in jobs)),
        site: texts(site, (each.label for each in sites)),
        start: labels(start, starts),
        slot: labels(slot, slots),
        "site_center": texts(site, (each.center for each in sites)),
        "site_resource": texts(site, (each.resource for each in sites)),
        "site_pool": column(site, sites, "pool"),
        "job_power": column(job, jobs, "power", float, "kW"),
        "job_duration": column(job, jobs, "duration", float, "h"),
        "job_release": column(job, jobs, "release", float, "h"),
        "job_deadline": column(job, jobs, "deadline", float, "h"),
        "job_preemptible": column(job, jobs, "preemptible", bool),
        "job_data": column(job, jobs, "data", float, "GB"),
        "job_latency": column(job, jobs, "latency", float, "ms"),
        "job_priority": texts(job, (each.priority for each in jobs)),
        "job_unserved_price": column(job, jobs, "price", float, "EUR/kWh"),
        "pool_of_job": column(job, jobs, "pool"),
        "job_allowed": Parameter((job, site), may),
        "start_job": column(start, starts, "job"),
        "start_site": column(start, starts, "site"),
        "start_step": column(start, starts, "step"),
        "slot_job": column(slot, slots, "job"),
        "slot_site": column(slot, slots, "site"),
        "slot_step": column(slot, slots, "step"),
        "slot_share": column(slot, slots, "share", float),
    }
