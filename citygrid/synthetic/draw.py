"""Draw the numbers of a random district: weather, prices, demands, centres and their jobs.

One heat network and one feeder join everything. Jobs may run on three of the centres within a
window of a few spare hours; together with the interactive load they use half to seven tenths of all
computing. The centres' heat covers about what the houses need on average, so boilers and the
engine serve the peaks, and whether a pump's minimum load is reached depends on where the jobs run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citygrid.arrays import Floats
from citygrid.synthetic.size import LONGEST, SLACK, Size

#: Sites a job may run on.
CHOICES = 3
#: Share of the centres' capacity that interactive work takes on average.
INTERACTIVE = 0.25
#: Heat that a pump gives per IT power of its centre: 0.85 recovered, COP about 4.
HEAT_PER_LOAD = 1.13


@dataclass(frozen=True)
class Jobs:
    """Jobs (j): power [kW], duration [h], release and deadline [h], sites allowed (j × choices)."""

    power: Floats
    duration: Floats
    release: Floats
    deadline: Floats
    sites: np.ndarray


@dataclass(frozen=True)
class Draw:
    """A random district: hourly series (T), centres (k), load (k × T) and pumps [kW], jobs."""

    air: Floats
    price: Floats
    carbon: Floats
    heat: Floats
    power: Floats
    sun: Floats
    capacity: Floats
    load: Floats
    pump: Floats
    jobs: Jobs


def draw(size: Size, seed: int) -> Draw:
    """All random numbers of a district of ``size``; the same seed gives the same district.

    No job is impossible: all jobs together fit into the centres at once, in at least one way.
    """
    generator = np.random.default_rng(seed)
    hour = np.arange(size.hours, dtype=float)
    jobs = _jobs(size, generator)
    utilisation = generator.uniform(0.5, 0.7)
    work = float((jobs.power * jobs.duration).sum())
    mean = work / (size.sites * size.hours * (utilisation - INTERACTIVE))
    share = generator.uniform(0.7, 1.3, size.sites)
    capacity = mean * share / share.mean()
    phase = generator.uniform(-2.0, 2.0, (size.sites, 1))
    shape = 1.0 + 0.35 * np.sin(2 * np.pi * (hour - 9.0 + phase) / 24.0)
    load = INTERACTIVE * capacity[:, None] * shape * _noise(generator, (size.sites, size.hours))
    capacity = np.maximum(capacity, 1.02 * (load + _planted(jobs, load, capacity)).max(axis=1))
    heat_mean = generator.uniform(0.9, 1.2) * HEAT_PER_LOAD * utilisation * capacity.sum()
    air = 3.0 - 4.0 * np.cos(2 * np.pi * (hour - 4.0) / 24.0) + 2.0 * _walk(generator, size.hours)
    cold = (16.0 - air) / 13.0
    morning = 1.0 + 0.25 * np.exp(-(((hour % 24) - 7.0) ** 2) / 6.0)
    heat = heat_mean * np.maximum(cold, 0.2) * morning * _noise(generator, size.hours) / 1.05
    peaks = np.exp(-(((hour % 24) - 8.0) ** 2) / 8.0) + np.exp(-(((hour % 24) - 18.5) ** 2) / 8.0)
    price = 80.0 + 70.0 * peaks - 30.0 * _sun(hour) + 12.0 * _walk(generator, size.hours)
    carbon = 0.25 + 0.15 * peaks + 0.03 * _walk(generator, size.hours)
    power = 0.3 * heat_mean * (0.6 + 0.6 * peaks) * _noise(generator, size.hours)
    sun = np.clip(_sun(hour) * generator.uniform(0.3, 0.9) * _noise(generator, size.hours), 0, 1)
    pump = capacity * HEAT_PER_LOAD * generator.uniform(0.7, 1.0, size.sites)
    return Draw(air, price, np.maximum(carbon, 0.05), heat, power, sun, capacity, load, pump, jobs)


def _jobs(size: Size, generator: np.random.Generator) -> Jobs:
    longest = max(min(LONGEST, size.hours - SLACK[0]), 1)
    duration = generator.integers(1, longest + 1, size.jobs).astype(float)
    slack = generator.integers(SLACK[0], SLACK[1] + 1, size.jobs)
    window = np.minimum(duration + slack, size.hours)
    release = np.floor(generator.uniform(0.0, 1.0, size.jobs) * (size.hours - window + 1))
    power = np.round(generator.uniform(10.0, 60.0, size.jobs), 1)
    choices = min(CHOICES, size.sites)
    sites = np.argsort(generator.random((size.jobs, size.sites)), axis=1)[:, :choices]
    return Jobs(power, duration, release, release + window, np.sort(sites, axis=1))


def _planted(jobs: Jobs, load: Floats, capacity: Floats) -> Floats:
    """Load (k × T) of one way to run all jobs: the longest first, each where there is most room."""
    placed = np.zeros_like(load)
    for job in np.argsort(-jobs.power * jobs.duration, kind="stable"):
        steps = int(jobs.duration[job])
        best: tuple[float, int, int] | None = None
        for site in jobs.sites[job]:
            used = (load[site] + placed[site]) / capacity[site]
            first, last = int(jobs.release[job]), int(jobs.deadline[job]) - steps
            for begin in range(first, last + 1):
                fullest = float(used[begin : begin + steps].max())
                if best is None or fullest < best[0]:
                    best = (fullest, int(site), begin)
        assert best is not None, "every window is longer than its job"
        placed[best[1], best[2] : best[2] + steps] += jobs.power[job]
    return placed


def _sun(hour: Floats) -> Floats:
    """Daylight from eight to four, 1 at noon."""
    return np.maximum(np.cos(2 * np.pi * ((hour % 24) - 12.0) / 17.0), 0.0) ** 2 * (
        np.abs((hour % 24) - 12.0) < 4.25
    )


def _noise(generator: np.random.Generator, shape: int | tuple[int, ...]) -> Floats:
    """Factors around 1."""
    return np.clip(1.0 + 0.05 * generator.standard_normal(shape), 0.8, 1.2)


def _walk(generator: np.random.Generator, hours: int) -> Floats:
    """Slowly varying noise of unit size."""
    found = np.empty(hours)
    now = generator.standard_normal()
    for t, step in enumerate(generator.standard_normal(hours)):
        found[t] = now
        now = 0.9 * now + np.sqrt(1.0 - 0.81) * step
    return found
