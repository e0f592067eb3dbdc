"""A file of jobs: each has a window that it fits into."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from citygrid.inputs.jobs import read_jobs

SEEDS = [
    b"job,power [kW],duration [h],release,deadline,preemptible,sites,home,data [GB],latency [ms]\n"
    b"a,10,2,2023-01-16T00:00Z,2023-01-16T04:00Z,true,east|west,east,3,20\n"
    b"b,5.5,0.5,2023-01-16T01:00+01:00,2023-01-16T04:00Z,false,,,,\n",
    b"job;power [W];duration [min];release;deadline\n"
    b"x;500,5;30;2023-01-16 00:00Z;2023-01-17 00:00Z\n",
]  # fmt: skip


def read(data: bytes, folder: Path) -> None:
    path = folder / "jobs.csv"
    path.write_bytes(data)
    jobs = read_jobs(path)
    assert len(set(jobs.name)) == len(jobs) and np.isfinite(jobs.energy).all()
    assert (jobs.release < jobs.deadline).all() and (jobs.energy > 0).all()
