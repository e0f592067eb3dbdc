"""Operators on what is chosen: states of units, places and hours of jobs."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from citygrid.plan.plan import Plan
from tests.plan.mutations.laws import Site
from tests.plan.mutations.tools import (
    Mutant,
    amount,
    any_place,
    breaks,
    hourly,
    is_choice,
    of_a_flow,
    with_flow,
)

# states -------------------------------------------------------------------------------------------


@breaks("what runs is on, what starts was off, times are kept")
@of_a_flow(is_choice)
def a_state_turned_over(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    values[place] = 1.0 - np.round(values[place])
    return with_flow(site, rng, name, values, f"turned over at {place}")


@breaks("states are 0 or 1")
@of_a_flow(is_choice)
def half_a_state(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = min(amount(rng, 1.0), 0.5)
    values[place] += by if values[place] < 0.5 else -by
    return with_flow(site, rng, name, values, f"{values[place]:.6g} at {place}")


@breaks("times on and off, or what runs is on")
@of_a_flow(lambda a: is_choice(a) and hourly(a))
def a_state_held_for_long(
    site: Site, rng: Generator, name: str, values: NDArray[np.float64]
) -> Mutant | None:
    row = int(rng.integers(len(values)))
    begin = int(rng.integers(values.shape[1]))
    end = begin + int(rng.integers(1, values.shape[1] + 1))
    values[row, begin:end] = float(rng.integers(2))
    return with_flow(site, rng, name, values, f"row {row} from step {begin} to {end}")


# jobs ---------------------------------------------------------------------------------------------


@breaks("every job is done once, within its window, where its data may go")
def a_job_elsewhere(site: Site, rng: Generator) -> Mutant | None:
    """A job is started at another candidate, twice, not at all, or its work is moved."""
    names = [name for name in ("job_pool.start", "job_pool.run") if name in site.flows]
    if not names:
        return None
    name = names[rng.integers(len(names))]
    values = site.flows[name].values.copy()
    here = np.flatnonzero(values > 1e-3)
    if not len(here):
        return None
    job = int(here[rng.integers(len(here))])
    other = int(rng.integers(len(values)))
    way = ("moved", "done twice", "left out")[rng.integers(3)]
    if way != "left out":
        values[other] += values[job]
    if way != "done twice":
        values[job] = 0.0
    dataset = site.plan.dataset.copy()
    dataset[name] = dataset[name].copy(data=values)
    with_load = rng.random() < 0.5
    if with_load:  # the load follows, so that the job's own rules are left
        units = site.case.units["job_pool"]
        row = site.form.rows["job_pool.load"]
        x = site.point(dataset)
        load = site.form.columns["job_pool.load"]
        x[load.span] = 0.0
        parts = site.form.matrix[row.span] @ x
        sign = site.form.matrix[row.span][:, load.span].diagonal()
        dataset["job_pool.load"] = dataset["job_pool.load"].copy(
            data=(-parts / sign).reshape(load.shape)
        )
        assert len(units.parameters["job_site"].values) == load.shape[0]
    dataset = site.cooked(dataset)
    labels = site.plan.dataset[name].coords[site.plan.dataset[name].dims[0]].values
    return Mutant(Plan(site.case, dataset), f"{labels[job]} {way} ({labels[other]})"
                  + ", load follows" * with_load, "job_pool", False)  # fmt: skip
