"""Pool of compute jobs that may be shifted in time and, where their data may go, between sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Floats, Indices, hours
from citygrid.components.common.job_carry import carry_jobs, open_jobs
from citygrid.components.common.job_network import (
    JobNetwork,
    LoadPart,
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
from citygrid.components.words import Amount, Axis, Fleet, Speaker
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
            jobs.append(PoolJob(_label(str(job), name, specs), pool, power, duration, release,
                                deadline, preemptible, data, needs.latency,
                                ranks.get(str(job), spec.priority), price))  # fmt: skip
            first = max(int(np.ceil(release / step - INSTANT)), 0)
            last = min(int(np.floor((deadline - duration) / step + INSTANT)),
                       steps - int(np.ceil(duration / step - INSTANT)))  # fmt: skip
            if release < -INSTANT or deadline > steps * step + INSTANT:
                world.refuse(name, str(job), "its window leaves the horizon",
                             f"{release:g} h to {deadline:g} h from the start",
                             "lengthen the horizon or move the job's window")  # fmt: skip
            elif preemptible:
                begin = np.arange(steps) * step
                share = np.clip(np.minimum(deadline, begin + step) - np.maximum(release, begin),
                                0.0, None) / step  # fmt: skip
                open_steps = np.flatnonzero(share > INSTANT)
                slots += [Chance(number, places[site], int(t), float(share[t]))
                          for site in allowed for t in open_steps]  # fmt: skip
            elif last < first:
                world.refuse(name, str(job), "no whole step of the horizon fits its window",
                             f"{duration:g} h between {release:g} h and {deadline:g} h",
                             "widen the window or use a shorter step")  # fmt: skip
            else:
                starts += [Chance(number, places[site], t)
                           for site in allowed for t in range(first, last + 1)]  # fmt: skip
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
    jobs, sites = c.axis_of("job"), c.axis_of("job_site")
    hours = len(m.time)
    dims = (sites, m.time)
    starts, slots = c.axis_of("job_start"), c.axis_of("job_slot")
    # In a part of a horizon all jobs may be done.
    most = np.inf if len(starts) or len(slots) else 0.0
    load = m.variable("load", *dims, upper=most, about="power of the pool's jobs at a site")
    parts = []
    if len(starts):
        start = m.binary("start", starts, about="the job starts here and now")
        whole = jobs.only(~c.flags("job_preemptible"), "whole")
        row = np.searchsorted(whole.positions, c.integers("start_job"))
        every = np.arange(len(starts))
        starting = start.mapped((whole,), row, every, np.ones(len(starts)))
        spare = whole.only(np.isfinite(c.job_unserved_price.only(whole).values), "spare")
        if len(spare):
            left = m.binary("left_out", spare, about="the job is not done")
            starting = starting + over(left, spare, whole)
            energy = (c.job_power * c.job_duration).only(whole).only(spare)
            price = c.job_unserved_price.only(whole).only(spare)
            m.cost("unserved", _to_pools(c, left * energy * price, spare))
        m.constrain("once", starting == 1.0, "each job starts once")
        rows, cells, weights = _profile(c, float(m.step.values), hours)
        owner = c.integers("start_job")[cells]
        parts.append(LoadPart(start, rows, cells, weights, owner, "kW"))
    if len(slots):
        owner, step = c.integers("slot_job"), c.integers("slot_step")
        most = c.job_power.values[owner] * c.slot_share.values
        run = m.variable("run", slots, upper=c.known(most, slots),
                         about="power of a preemptible job in a step")  # fmt: skip
        split = jobs.only(c.flags("job_preemptible"), "split")
        every = np.arange(len(slots))
        row = np.searchsorted(split.positions, owner)
        done = run.mapped((split,), row, every, np.ones(len(slots))) * m.step
        work = (c.job_power * c.job_duration).only(split)
        spare = split.only(np.isfinite(c.job_unserved_price.only(split).values), "spare")
        if len(spare):
            undone = m.variable("undone", spare, upper=work.only(spare), unit="kWh",
                                about="work of the job that is not done")  # fmt: skip
            done = done + over(undone, spare, split)
            price = c.job_unserved_price.only(split).only(spare)
            m.cost("unserved_part", _to_pools(c, undone * price, spare))
        m.constrain("work", done == work, "each job is finished")
        # All sites together: a job that may run for half a step does not do so at two sites. One
        # row for every step of a job's window, named after its first slot there.
        width = max(hours, int(step.max()) + 1)
        _, first, opening = np.unique(row * width + step, return_index=True, return_inverse=True)
        opened = slots.only(np.isin(every, first), "open")
        window = np.empty(len(first), dtype=np.int64)
        window[np.argsort(first)] = np.arange(len(first))
        window = window[opening]
        rate = run.mapped((opened,), window, every, np.ones(len(slots)))
        limit = c.known(most, slots).only(opened)
        m.constrain("rate", rate <= limit, "at all sites together within the job's power")
        inside = np.flatnonzero(step < hours)
        at = c.integers("slot_site")[inside] * hours + step[inside]
        parts.append(LoadPart(run, at, inside, np.ones(len(inside)), owner[inside], "1"))
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


def _to_pools(c: Fleet, money: Amount, jobs: Axis) -> Amount:
    """What jobs (a selection of a selection) cost [EUR], to the pools that they are of."""
    assert jobs.parent is not None
    of_jobs = c.integers("pool_of_job")[jobs.parent.positions][jobs.positions]
    every = np.arange(len(jobs))
    return money.mapped((c.axis,), of_jobs, every, np.ones(len(jobs)))


def over(amount: Amount, jobs: Axis, everyone: Axis) -> Amount:
    """An amount of some jobs over all that they were selected from, nothing for the others."""
    every = np.arange(len(jobs))
    return amount.mapped((everyone,), jobs.positions, every, np.ones(len(jobs)))


def _profile(c: Fleet, step: float, hours: int) -> tuple[Indices, Indices, Floats]:
    """Entries (site · time, candidate, kW) of the power that a start draws while the job runs."""
    owner = c.integers("start_job")
    duration, power = c.job_duration.values[owner], c.job_power.values[owner]
    steps = np.ceil(duration / step - INSTANT).astype(np.int64)
    cells = np.repeat(np.arange(len(owner)), steps)
    after = np.arange(len(cells)) - np.repeat(np.cumsum(steps) - steps, steps)
    share = np.clip(duration[cells] / step - after, 0.0, 1.0)
    when = c.integers("start_step")[cells] + after
    inside = when < hours
    at = c.integers("start_site")[cells] * hours + when
    return at[inside], cells[inside], (power[cells] * share)[inside]


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
