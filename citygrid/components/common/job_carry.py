"""Jobs in a part of a horizon: which are done, which run, and which can be left for later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Flags, Floats, Indices
from citygrid.components.common.job_tables import INSTANT
from citygrid.components.contract import Flows, Parameter, Units

#: Share of its work below which a job is done.
DONE = 1e-9


def carry_jobs(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The tables of the jobs that ``step`` finds undone, told from there.

    A job in one piece that was started has one start left, its own, which runs for what remains of
    its duration from the first step on; its name is still that of the start that was chosen. Of a
    preemptible job remains the work that was not done. Windows are told from ``step``, so that
    releases may lie before it.
    """
    now = step * c.step
    duration, work = c["job_duration"].astype(float), c["job_power"] * c["job_duration"]
    left = duration.copy()
    owner, begin = c["start_job"], c["start_step"]
    begun = np.flatnonzero((flows["start"] > 0.5) & (begin < step)) if len(owner) else owner
    running = np.zeros(len(owner), dtype=bool)
    running[begun] = True
    left[owner[begun]] = begin[begun] * c.step + duration[owner[begun]] - now
    started = np.zeros(len(duration), dtype=bool)
    started[owner[begun]] = True
    left -= _worked(c, flows, step)
    kept = left > np.where(started, INSTANT, DONE * duration)
    starts = kept[owner] & np.where(started[owner], running, begin >= step)
    slots = kept[c["slot_job"]] & (c["slot_step"] >= step)
    share = np.divide(left, duration, out=np.ones_like(left), where=work > 0)
    return _tables(c, kept, starts, slots) | {
        "job_duration": Parameter(("job",), left[kept], "h"),
        "job_data": Parameter(("job",), (c["job_data"] * share)[kept], "GB"),
        "job_release": Parameter(("job",), c["job_release"][kept] - now, "h"),
        "job_deadline": Parameter(("job",), c["job_deadline"][kept] - now, "h"),
        "start_step": Parameter(("job_start",), np.maximum(begin - step, 0)[starts]),
        "slot_step": Parameter(("job_slot",), (c["slot_step"] - step)[slots]),
    }


def _worked(c: Units, flows: Flows, step: int) -> Floats:
    """Hours at full power (job) that preemptible jobs have done before ``step``."""
    done = np.zeros(len(c["job_power"]))
    if len(c["slot_job"]):
        before = c["slot_step"] < step
        np.add.at(done, c["slot_job"][before], flows["run"][before] * c.step)
    return np.divide(done, c["job_power"], out=np.zeros_like(done), where=c["job_power"] > 0)


def open_jobs(c: Units, steps: int) -> dict[str, Parameter]:
    """Without the jobs that cannot begin in the first ``steps``.

    What others may do later stays, as starts and slots beyond the last step.
    """
    kept = np.zeros(len(c["job_power"]), dtype=bool)
    for table in ("start", "slot"):
        kept[c[f"{table}_job"][c[f"{table}_step"] < steps]] = True
    return _tables(c, kept, kept[c["start_job"]], kept[c["slot_job"]])


def _tables(c: Units, jobs: Flags, starts: Flags, slots: Flags) -> dict[str, Parameter]:
    """Every table of the pools with some of the jobs, starts and slots, numbered anew."""
    number = np.cumsum(jobs) - 1
    hops = jobs[c["hop_job"]] if "hop_job" in c.parameters else np.zeros(0, dtype=bool)
    kept = {"job": jobs, "job_start": starts, "job_slot": slots, "job_hop": hops}
    found = {}
    for name, parameter in c.parameters.items():
        if not parameter.dims or parameter.dims[0] not in kept:
            continue
        values: NDArray[Any] = parameter.values[kept[parameter.dims[0]]]
        if name in ("start_job", "slot_job", "hop_job"):
            values = _renumbered(values, number)
        found[name] = parameter._replace(values=values)
    return found


def _renumbered(jobs: Indices, number: Indices) -> Indices:
    return np.asarray(number[jobs], dtype=np.int64)
