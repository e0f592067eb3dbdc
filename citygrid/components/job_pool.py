"""Pool of compute jobs that may be shifted in time and, where their data may go, between sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import hours
from citygrid.components.common.job_carry import carry_jobs, open_jobs
from citygrid.components.common.job_formulate import formulate_slots, formulate_starts
from citygrid.components.common.job_network import (
    JobNetwork,
    Needs,
    formulate_job_data,
    link_count,
    replay_job_data,
)
from citygrid.components.common.job_replay import replay_left, replay_slots, replay_starts
from citygrid.components.common.job_tables import INSTANT, Chance, PoolJob, Site, job_tables
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    DataVolume,
    Duration,
    Latency,
    Power,
    Priority,
    ShortfallPrice,
)
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World


class Job(BaseModel):
    """One job written in the district file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    job: str
    power: Power = Field(description="IT power while it runs")
    duration: Duration = Field(gt=0)
    release: str = Field(description="earliest start, with its offset from UTC")
    deadline: str = Field(description="latest end, with its offset from UTC")
    preemptible: bool = Field(False, description="whether it may be interrupted and split")
    sites: tuple[str, ...] = Field((), description="centres allowed; left out, all of the pool")
    home: str | None = Field(None, description="node or centre where its data lie")
    data: DataVolume = Field(0.0, description="data it needs, carried from home where it runs")
    latency: Latency | None = Field(None, description="largest delay between home and site")
    priority: Priority | None = Field(None, description="that of the pool if left out")


class JobPool(Component):
    """Jobs that the pool's sites share.

    A job that cannot be interrupted has one start (site, step) and draws its power for its duration
    from there; a preemptible one draws up to its power in any step of its window until its energy
    ``power · duration`` is done. Jobs draw ``compute`` (or ``quantum``) at the centres themselves.
    A last step that is used in part counts with that part, so energy is exact.

    A job with a ``home`` may run at the sites of that node, and elsewhere only where data links
    lead, within its ``latency``; see ``common/job_network.py``. Its data draw ``data`` at every
    link on the way.
    """

    group = "compute"
    sites: tuple[str, ...] = Field(min_length=1, description="centres that serve the pool")
    resource: Literal["compute", "quantum"] = Field("compute", description="carrier that jobs draw")
    file: str | None = Field(None, description="CSV or Parquet file of jobs")
    jobs: tuple[Job, ...] = Field((), description="jobs written here")
    priority: Priority = Field("deferrable", description="of its jobs, when there is not enough")
    unserved_price: ShortfallPrice | None = Field(
        None, description="what a kWh of a job that is left out costs; without it, all are done"
    )

    @model_validator(mode="after")
    def _has_jobs(self) -> JobPool:
        if self.file is None and not self.jobs:
            raise ValueError("a job pool needs a `file` of jobs or a list of `jobs`")
        if len(set(self.sites)) < len(self.sites):
            raise ValueError("names a site twice; name every site once")
        return self

    @classmethod
    def soften(cls, units: Units, prices: Mapping[str, float]) -> dict[str, Parameter]:
        """Every job may be left out, at the price of its priority."""
        stated = units.parameters["job_unserved_price"].values
        least = np.array([prices[priority] for priority in units["job_priority"]], dtype=float)
        price = np.where(np.isfinite(stated), np.maximum(stated, least), least)
        return {"job_unserved_price": Parameter(("job",), price, "EUR/kWh")}

    def ports(self, name: str) -> list[Port]:
        return [Port(self.resource, "draw", site) for site in self.sites]


def prepare(specs: Mapping[str, JobPool], world: World) -> dict[str, Parameter]:
    """Every job of every pool, and every (job, site, first step) at which it could start.

    Jobs keep their window in hours from the start of the horizon; ``start_*`` list the candidates
    of uninterruptible jobs and ``slot_*`` the steps of preemptible ones. ``job_allowed`` (job ×
    site) says where a job's data may go, so that a replay need not believe the candidates.
    ``hop_*`` list the links that data take to sites away from home.
    """
    step, steps = world.horizon.step, len(world.horizon.time)
    origin = world.horizon.time[0]
    jobs: list[PoolJob] = []
    sites: list[Site] = []
    starts: list[Chance] = []
    slots: list[Chance] = []
    permitted: list[tuple[int, int]] = []
    network = JobNetwork(world)
    for pool, (name, spec) in enumerate(specs.items()):
        places = {site: len(sites) + i for i, site in enumerate(spec.sites)}
        sites += [Site(_label(site, name, specs), pool, site, spec.resource)
                  for site in spec.sites]  # fmt: skip
        listed = world.jobs(spec.file, spec.jobs, name)
        ranks = {job.job: job.priority for job in spec.jobs if job.priority is not None}
        price = np.inf if spec.unserved_price is None else spec.unserved_price
        for i, job in enumerate(listed.name):
            release = float(hours(listed.release[i] - origin))
            deadline = float(hours(listed.deadline[i] - origin))
            power, duration = float(listed.power[i]), float(listed.duration[i])
            allowed = [site for site in listed.sites[i] or spec.sites if site in places]
            unknown = sorted(set(listed.sites[i]) - set(places))
            if unknown:
                world.refuse(name, str(job), "names a site that is not one of the pool",
                             ", ".join(unknown), f"use {', '.join(spec.sites)}")  # fmt: skip
                continue
            preemptible = bool(listed.preemptible[i])
            number, data = len(jobs), float(listed.data[i])
            needs = Needs(listed.home[i], float(listed.latency[i]),
                          0.0 if preemptible else data / duration)  # fmt: skip
            allowed = network.admit((pool, name), (number, str(job)), needs,
                                    {site: places[site] for site in allowed})  # fmt: skip
            permitted += [(number, places[site]) for site in allowed]
            made = PoolJob(_label(str(job), name, specs), pool, power, duration, release, deadline,
                           preemptible, data, needs.latency, ranks.get(str(job), spec.priority),
                           price)  # fmt: skip
            jobs.append(made)
            if release < -INSTANT or deadline > steps * step + INSTANT:
                world.refuse(name, str(job), "its window leaves the horizon",
                             f"{release:g} h to {deadline:g} h from the start",
                             "lengthen the horizon or move the job's window")  # fmt: skip
            elif preemptible:
                shares = made.shares(step, steps)
                within = np.flatnonzero(shares > INSTANT)
                slots += [Chance(number, places[site], int(t), float(shares[t]))
                          for site in allowed for t in within]  # fmt: skip
            elif begins := made.begins(step, steps):
                starts += [Chance(number, places[site], t) for site in allowed for t in begins]
            else:
                world.refuse(name, str(job), "no whole step of the horizon fits its window",
                             f"{duration:g} h between {release:g} h and {deadline:g} h",
                             "widen the window or use a shorter step")  # fmt: skip
    labels = [each.label for each in jobs], [each.label for each in sites]
    tables = job_tables(jobs, sites, starts, slots, permitted, step)
    return tables | network.tables(list(specs), *labels)


def _label(name: str, pool: str, specs: Mapping[str, JobPool]) -> str:
    """Names stay as users write them while there is one pool; several pools prefix theirs."""
    return name if len(specs) == 1 else f"{pool}: {name}"


def formulate(m: Speaker, c: Fleet) -> None:
    """One start per job, or its energy over its window; loads add up at the sites.

    A start or slot beyond the last step, in a part of a horizon, is a promise to do it later.
    """
    sites = c.axis_of("job_site")
    dims = (sites, m.time)
    starts, slots = c.axis_of("job_start"), c.axis_of("job_slot")
    # In a part of a horizon all jobs may be done.
    most = np.inf if len(starts) or len(slots) else 0.0
    load = m.variable("load", *dims, upper=most, about="power of the pool's jobs at a site")
    parts = []
    if len(starts):
        parts.append(formulate_starts(m, c, starts))
    if len(slots):
        parts.append(formulate_slots(m, c, slots))
    loads = [part.amount.mapped(dims, part.rows, part.cells, part.weights, part.unit)
             for part in parts]  # fmt: skip
    if loads:
        total = loads[0] if len(loads) == 1 else loads[0] + loads[1]
        m.constrain("load", load == total, "load of a site is that of its jobs")
    formulate_job_data(m, c, parts)
    resources = c.text("site_resource")
    for resource in sorted(set(resources)):
        serving = sites.only(np.array([r == resource for r in resources]), resource)
        m.draw(resource, c.text("site_center", serving), load.only(serving))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Run the chosen jobs against the clock: window, site, energy, and the load they make.

    A job is late when it is not finished within its window, whether it starts too late, ends too
    late, runs outside, or never gets done.
    """
    load = flows["load"]
    found = np.zeros_like(load)
    # Energy [kWh] of every job where its data may not go: asked of the jobs, not the candidates.
    astray = np.zeros(len(c["job_power"]))
    # Data [GB/h] on every link that jobs away from home use.
    carried = np.zeros((link_count(c), load.shape[1]))
    late = replay_starts(c, flows, log, found, astray, carried) | replay_slots(
        c, flows, log, found, astray, carried
    )
    replay_left(c, flows, log, load.shape[1])
    replay_job_data(c, flows, log, carried)
    names, sites = c.parameters["job"].values, c.parameters["job_site"].values
    log.within("job runs where its data may go", astray, high=0.0, unit="kWh", labels=names)
    log.equal("load is that of the jobs", load, found, labels=sites)
    log.measure("jobs_late", late.astype(float)[:, None])
    pools = np.array(c.names, dtype=object)[c["site_pool"]]
    for resource in sorted(set(c["site_resource"])):
        here = c["site_resource"] == resource
        log.draws(resource, c["site_center"][here], load[here], pools[here])


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """Jobs that are done are gone, those that run go on where they run, and the rest is to do."""
    return carry_jobs(c, flows, step) if step else {}


def open_end(c: Units, steps: int) -> dict[str, Parameter]:
    """Jobs that cannot begin before the end are left out; the others may also be done later."""
    return open_jobs(c, steps)
