"""Operators on the frame of a plan: hours, labels, what is there, and the case behind it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from citygrid.district.case import Case
from citygrid.errors import CitygridError
from citygrid.plan.plan import Plan
from tests.plan.mutations.laws import Site, formulated
from tests.plan.mutations.tools import (
    RESTATED_AT_MOST,
    Mutant,
    any_flow,
    any_place,
    breaks,
    with_dataset,
)

# times and labels ---------------------------------------------------------------------------------


@breaks("a plan is for the hours of its case")
def other_hours(site: Site, rng: Generator) -> Mutant | None:
    time = site.plan.dataset["time"].values
    step = np.timedelta64(round(site.case.step * 3600), "s")
    way = int(rng.integers(4))
    moved = time.copy()
    if way == 0:
        what, moved = "all later", time + step * int(rng.integers(1, 25))
    elif way == 1:
        at = int(rng.integers(len(time)))
        what = f"stamp {at} off by a minute"
        moved[at] += np.timedelta64(int(rng.choice([-60, 60])), "s")
    elif way == 2 and len(time) > 1:
        first, second = rng.choice(len(time), 2, replace=False)
        what = f"stamps {first} and {second} swapped"
        moved[[first, second]] = moved[[second, first]]
    else:
        what, moved = "all a year earlier", time - np.timedelta64(365, "D")
    return with_dataset(site, site.plan.dataset.assign_coords(time=moved), f"time: {what}", "plan")


@breaks("a plan is for all hours of its case")
def cut_short(site: Site, rng: Generator) -> Mutant | None:
    count = site.plan.dataset.sizes["time"]
    if count < 2:
        return None
    lost = int(rng.integers(1, count))
    kept = slice(None, -lost) if rng.random() < 0.5 else slice(lost, None)
    return with_dataset(site, site.plan.dataset.isel(time=kept), f"{lost} hours cut off", "plan")


@breaks("a choice stands at the hours at which it is made")
def other_hours_of_a_choice(site: Site, rng: Generator) -> Mutant | None:
    """Flows of some hours alone carry their own clock."""
    names = [name for name, a in site.flows.items() if a.ndim == 2 and a.dims[1] != "time"]
    if not names:
        return None
    name = names[rng.integers(len(names))]
    dim = str(site.flows[name].dims[1])
    stamps = site.flows[name][dim].values.copy()
    way = rng.integers(3) if len(stamps) > 1 else 0
    if way == 0:
        what, stamps = "a minute late", stamps + np.timedelta64(1, "m")
    elif way == 1:
        what, stamps = "in turned order", stamps[::-1].copy()
    else:
        at = int(rng.integers(len(stamps) - 1))
        what = f"stamp {at + 1} twice"
        stamps[at] = stamps[at + 1]
    return with_dataset(site, site.plan.dataset.assign_coords({dim: stamps}), f"{dim} {what}",
                        name.split(".")[0])  # fmt: skip


@breaks("numbers stand at the units that they are of")
def other_labels(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: True)
    if name is None:
        return None
    dim = str(site.flows[name].dims[0])
    labels = site.flows[name][dim].values.astype(object).copy()
    way = int(rng.integers(3))
    at = int(rng.integers(len(labels)))
    if way == 0 or len(labels) == 1:
        what = f"{labels[at]} renamed"
        labels[at] = f"{labels[at]} the second"
    elif way == 1:
        other = (at + 1) % len(labels)
        what = f"{labels[other]} stands twice"
        labels[at] = labels[other]
    elif dim in site.case.units[name.split(".")[0]].coords:
        what, labels = "turned", np.roll(labels, 1)
    else:
        return None
    return with_dataset(site, site.plan.dataset.assign_coords({dim: labels}), f"{dim}: {what}",
                        name.split(".")[0])  # fmt: skip


@breaks("numbers stand over units first and hours last")
def hours_first(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: a.ndim == 2)
    if name is None:
        return None
    turned = site.plan.dataset[name].transpose()
    dataset = site.plan.dataset.copy()
    dataset[name] = turned
    return with_dataset(site, dataset, f"{name} transposed", name.split(".")[0])


# the plan as a whole ------------------------------------------------------------------------------


@breaks("every flow is there")
def a_flow_left_out(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: bool(np.abs(a.values).max() > 1e-3))
    if name is None:
        return None
    return with_dataset(site, site.plan.dataset.drop_vars(name), f"without {name}",
                        name.split(".")[0])  # fmt: skip


@breaks("there is no flow that nobody has")
def a_flow_of_nobody(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: True)
    if name is None:
        return None
    kind = name.split(".")[0]
    new = (f"{kind}.gift", "windmill.power")[rng.integers(2)]
    return with_dataset(site, site.plan.dataset.assign({new: site.plan.dataset[name]}),
                        f"with {new}", kind)  # fmt: skip


@breaks("numbers are numbers")
def no_number(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: True)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    values[place] = (np.nan, np.inf, -np.inf)[rng.integers(3)]
    dataset = site.plan.dataset.copy()
    dataset[name] = dataset[name].copy(data=values)
    return with_dataset(site, dataset, f"{name}: {values[place]} at {place}", name.split(".")[0])


@breaks("a plan is for the case and the files that it names")
def another_origin(site: Site, rng: Generator) -> Mutant | None:
    attributes = site.plan.dataset.attrs
    names = [n for n in ("case_hash", "model", "model_hash", "file_hashes", "step_h")
             if n in attributes]  # fmt: skip
    name = names[rng.integers(len(names))]
    told = str(attributes[name])
    new: object = told[::-1] + "0"
    if name == "step_h":
        new = float(told) * 2.0
    elif name == "file_hashes":
        new = json.dumps({**json.loads(told), "other.csv": "0" * 64})
    return with_dataset(site, site.plan.dataset.assign_attrs({name: new}), f"{name}: {new}", "plan")


# the case behind the plan -------------------------------------------------------------------------


def parameter(site: Site, rng: Generator) -> tuple[Case, str] | None:
    """The case with one number of one component changed: capacity, price, efficiency, demand, …."""
    kinds = sorted(site.case.units)
    kind = kinds[rng.integers(len(kinds))]
    units = site.case.units[kind]
    names = [name for name, p in units.parameters.items()
             if p.values.dtype.kind == "f" and p.values.size
             and np.isfinite(p.values).any()]  # fmt: skip
    if not names:
        return None
    name = names[rng.integers(len(names))]
    values = units.parameters[name].values.copy()
    place = any_place(rng, np.isfinite(values))
    before = values[place]
    by = (0.5, 0.9, 0.999, 1.001, 1.1, 2.0)[rng.integers(6)]
    values[place] = before * by if before else rng.choice([0.01, 1.0])
    if np.array_equal(values, units.parameters[name].values):
        return None
    changed = units.parameters[name]._replace(values=values)
    other = replace(units, parameters={**units.parameters, name: changed})
    what = f"{kind}.{name} at {place}: {before:.6g} → {values[place]:.6g}"
    return replace(site.case, units={**site.case.units, kind: other}), what


@breaks("a plan is for the case that it names")
def another_capacity(site: Site, rng: Generator) -> Mutant | None:
    found = parameter(site, rng)
    if found is None:
        return None
    case, what = found
    return Mutant(Plan(case, site.plan.dataset), what, what.split(".")[0], True)


@breaks("the laws hold with the numbers of the case: capacity, efficiency, demand, price, window")
def another_capacity_restated(site: Site, rng: Generator) -> Mutant | None:
    """The case is changed and its hash restated; half of the time the books are, too.

    Only what the number means in physics is left to betray it, so a parameter that a replay forgot
    shows here. The programme is made anew, so this is for small districts.
    """
    if len(site.form.cost) > RESTATED_AT_MOST:
        return None
    found = parameter(site, rng)
    if found is None:
        return None
    case, what = found
    plan = Plan(case, site.plan.dataset.assign_attrs(case_hash=case.hash))
    try:
        other = formulated(site.name, case, plan)
    except (CitygridError, ValueError, IndexError):
        return None  # a case that nobody could have made

    if _structure(other) != _structure(site):
        return None  # a unit that has further flows now is another unit
    if rng.random() < 0.5:
        plan, what = Plan(case, other.cooked(plan.dataset)), f"{what}, books restated"
    return Mutant(plan, what, what.split(".")[0], False, other)


def _structure(site: Site) -> tuple[object, object]:
    """Flows with their shapes, and who has lines in the ledger."""
    form = site.form
    return ({name: block.shape for name, block in form.columns.items()},
            {name: list(account.labels) for name, account in form.accounts.items()})  # fmt: skip
