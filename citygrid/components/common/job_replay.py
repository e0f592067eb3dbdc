"""Jobs run against the clock: what was started, what runs in parts, and what is left out.

Each function adds what jobs draw, by site and step, and says which of them are late. Nothing here
knows what the formulation took for candidates: windows, sites and powers are the case's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.components.common.job_network import links_to
from citygrid.components.common.job_tables import INSTANT
from citygrid.components.contract import Flows, Units
from citygrid.components.log import Log


def replay_starts(
    c: Units, flows: Flows, log: Log, found: Floats, astray: Floats, carried: Floats
) -> NDArray[np.bool_]:
    """Run every job that was started; which uninterruptible jobs are late."""
    names, whole = c.parameters["job"].values, ~c["job_preemptible"]
    power, duration = c["job_power"], c["job_duration"]
    release, deadline = c["job_release"], c["job_deadline"]
    owner, site, begin = c["start_job"], c["start_site"], c["start_step"] * c.step
    # Asked of the case: a plan that leaves its jobs out has not run them.
    chosen = flows.read("start", "1") if len(owner) else np.zeros(0)
    log.whole("start is 0 or 1", chosen, c.parameters["job_start"].values)
    starts, overrun = np.zeros(len(names)), np.zeros(len(names))
    np.add.at(starts, owner, chosen)
    links = links_to(c)
    for i in np.flatnonzero(chosen):
        job, end = owner[i], begin[i] + duration[owner[i]]
        if chosen[i] > 0.5:
            overrun[job] = max(overrun[job], release[job] - begin[i], end - deadline[job])
        _run(found[site[i]], chosen[i] * power[job], begin[i], end, c.step)
        for link in links.get((job, site[i]), ()):
            rate = c["job_data"][job] / duration[job]
            _run(carried[link], chosen[i] * rate, begin[i], end, c.step)
    energy = np.abs(chosen) * (power * duration)[owner]
    np.add.at(astray, owner, np.where(c["job_allowed"][owner, site], 0.0, energy))
    left = _spread_jobs(c, flows, "left_out", "1")
    log.equal("every job starts once", (starts + left)[whole], 1.0, "1", labels=names[whole])
    log.within("job keeps its window", overrun, high=0.0, unit="h", labels=names)
    return whole & ((overrun > INSTANT) | (starts + left < 0.5))


def replay_slots(
    c: Units, flows: Flows, log: Log, found: Floats, astray: Floats, carried: Floats
) -> NDArray[np.bool_]:
    """Add up what preemptible jobs do in every step; which of them are late."""
    names, split = c.parameters["job"].values, c["job_preemptible"]
    power, work = c["job_power"], c["job_power"] * c["job_duration"]
    owner, site, at = c["slot_job"], c["slot_site"], c["slot_step"]
    run = flows["run"] if len(owner) else np.zeros(0)
    # Beyond the last step of a part of a horizon they are done later, and counted all the same.
    count = found.shape[1]
    rate = np.zeros((len(names), max(count, int(at.max(initial=-1)) + 1)))
    np.add.at(rate, (owner, at), run)
    here = at < count
    np.add.at(found, (site[here], at[here]), run[here])
    for (job, place), ways in links_to(c).items():
        away = (owner == job) & (site == place) & here
        for way in ways:
            # All of a job's data have come when all of its work is done.
            np.add.at(carried[way], at[away], run[away] * c["job_data"][job] / work[job])
    done = rate.sum(axis=1) * c.step
    energy = np.abs(run) * c.step
    np.add.at(astray, owner, np.where(c["job_allowed"][owner, site], 0.0, energy))
    clock = np.arange(rate.shape[1]) * c.step
    open_hours = np.maximum(
        np.minimum(c["job_deadline"][:, None], clock + c.step)
        - np.maximum(c["job_release"][:, None], clock),
        0.0,
    )
    most = power[:, None] * open_hours / c.step
    log.within("run is not negative", run, low=0.0, labels=c.parameters["job_slot"].values)
    undone = _spread_jobs(c, flows, "undone", "kWh")
    log.equal("job is finished", (done + undone)[split], work[split], "kWh", labels=names[split])
    log.within("job within its power and window", rate[split], 0.0, most[split],
               labels=names[split])  # fmt: skip
    # In a step that the window covers, more than the job's power is too fast, but not too late.
    beyond = np.where(open_hours < c.step - INSTANT, rate - most, 0.0).max(axis=1, initial=0.0)
    unfinished = work - done - undone > INSTANT * np.maximum(work, 1.0)
    return split & (unfinished | (beyond > INSTANT * np.maximum(power, 1.0)))


def _spread_jobs(c: Units, flows: Flows, name: str, unit: str) -> Floats:
    """A flow over some jobs, over all of them."""
    position = {label: i for i, label in enumerate(c.parameters["job"].values)}
    full = np.zeros(len(position))
    if name in flows:
        chosen, values = flows.some(name, unit)
        full[[position[label] for label in chosen]] = values
    return full


def replay_left(c: Units, flows: Flows, log: Log, steps: int) -> None:
    """Jobs that are left out, or done in part, at their price; told from when they could begin."""
    power, duration, price = c["job_power"], c["job_duration"], c["job_unserved_price"]
    names, priced = c.parameters["job"].values, np.isfinite(price)
    work = power * duration
    left = _spread_jobs(c, flows, "left_out", "1")
    undone = _spread_jobs(c, flows, "undone", "kWh")
    log.whole("a job is left out as a whole, or not", left, names)
    log.within("a job is left out where that has a price", left, 0.0,
               np.where(priced & ~c["job_preemptible"], 1.0, 0.0), "1", names)  # fmt: skip
    log.within("work is left where that has a price", undone, 0.0,
               np.where(priced & c["job_preemptible"], work, 0.0), "kWh", names)  # fmt: skip
    lost, pools = left * work + undone, c["pool_of_job"]
    for item, of, some in (("unserved", left * work, ~c["job_preemptible"]),
                           ("unserved_part", undone, c["job_preemptible"])):  # fmt: skip
        if (priced & some).any():
            paid = np.zeros(len(c.names))
            np.add.at(paid, pools, of * np.where(priced, price, 0.0))
            log.pays(item, paid)
    missing = np.zeros((len(names), steps))
    for job in np.flatnonzero(lost > 0.0):
        begin = max(c["job_release"][job], 0.0)
        end = min(begin + duration[job], steps * c.step)
        _run(missing[job], lost[job] / max(end - begin, INSTANT), begin, end, c.step)
    owners = np.array(c.names, dtype=object)[pools] if len(names) else np.zeros(0, dtype=object)
    log.sheds(str(c["site_resource"][0]) if len(c["site_resource"]) else "compute",
              c["job_priority"], missing, owners)  # fmt: skip
    if (lost > 0.0).any():
        log.measure("jobs_left_out", (lost > INSTANT).astype(float)[:, None])


def _run(site: Floats, power: float, begin: float, end: float, step: float) -> None:
    """Add a job's power to a site's steps, each by the part of it in which the job runs."""
    first = int(np.floor(begin / step + INSTANT))
    last = min(int(np.ceil(end / step - INSTANT)), len(site))
    clock = np.arange(first, last) * step
    part = np.minimum(end, clock + step) - np.maximum(begin, clock)
    site[first:last] += power * np.clip(part, 0.0, step) / step
