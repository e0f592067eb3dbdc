"""Jobs as choices: where and when each starts, or how much of it is done in which step.

Each function says what must be done of its jobs, what is paid for what is left out, and hands on
the power that they draw.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats, Indices
from citygrid.components.common.job_network import LoadPart
from citygrid.components.common.job_tables import INSTANT
from citygrid.components.words import Amount, Axis, Fleet, Speaker


def formulate_starts(m: Speaker, c: Fleet, starts: Axis) -> LoadPart:
    """Jobs that are not interrupted: one start each, or none at a price."""
    start = m.binary("start", starts, about="the job starts here and now")
    whole = c.axis_of("job").only(~c.flags("job_preemptible"), "whole")
    owner = c.integers("start_job")
    every = np.arange(len(starts))
    row = np.searchsorted(whole.positions, owner)
    starting = start.mapped((whole,), row, every, np.ones(len(starts)))
    spare = _spare(c, whole)
    if len(spare):
        left = m.binary("left_out", spare, about="the job is not done")
        starting = starting + _over(left, spare, whole)
        energy = (c.job_power * c.job_duration).only(whole).only(spare)
        price = c.job_unserved_price.only(whole).only(spare)
        m.cost("unserved", _to_pools(c, left * energy * price, spare))
    m.constrain("once", starting == 1.0, "each job starts once")
    rows, cells, weights = _profile(c, float(m.step.values), len(m.time))
    return LoadPart(start, rows, cells, weights, owner[cells], "kW")


def formulate_slots(m: Speaker, c: Fleet, slots: Axis) -> LoadPart:
    """Jobs that may be split: their work over the steps of their window, or less at a price."""
    owner, step = c.integers("slot_job"), c.integers("slot_step")
    most = c.job_power.values[owner] * c.slot_share.values
    run = m.variable("run", slots, upper=c.known(most, slots),
                     about="power of a preemptible job in a step")  # fmt: skip
    split = c.axis_of("job").only(c.flags("job_preemptible"), "split")
    every = np.arange(len(slots))
    row = np.searchsorted(split.positions, owner)
    done = run.mapped((split,), row, every, np.ones(len(slots))) * m.step
    work = (c.job_power * c.job_duration).only(split)
    spare = _spare(c, split)
    if len(spare):
        undone = m.variable("undone", spare, upper=work.only(spare), unit="kWh",
                            about="work of the job that is not done")  # fmt: skip
        done = done + _over(undone, spare, split)
        price = c.job_unserved_price.only(split).only(spare)
        m.cost("unserved_part", _to_pools(c, undone * price, spare))
    m.constrain("work", done == work, "each job is finished")
    # All sites together: a job that may run for half a step does not do so at two sites. One
    # row for every step of a job's window, named after its first slot there.
    hours = len(m.time)
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
    return LoadPart(run, at, inside, np.ones(len(inside)), owner[inside], "1")


def _spare(c: Fleet, jobs: Axis) -> Axis:
    """Those of the jobs that may be left out, for they have a price."""
    return jobs.only(np.isfinite(c.job_unserved_price.only(jobs).values), "spare")


def _to_pools(c: Fleet, money: Amount, jobs: Axis) -> Amount:
    """What jobs (a selection of a selection) cost [EUR], to the pools that they are of."""
    assert jobs.parent is not None
    of_jobs = c.integers("pool_of_job")[jobs.parent.positions][jobs.positions]
    every = np.arange(len(jobs))
    return money.mapped((c.axis,), of_jobs, every, np.ones(len(jobs)))


def _over(amount: Amount, jobs: Axis, everyone: Axis) -> Amount:
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
