"""Mutation operators: each makes a right plan wrong in one way, and names the law that it breaks.

An operator gets an honest plan and a random generator and gives a mutant, or ``None`` where the
plan has nothing for it. ``certain`` mutants are wrong by what they are (another unit, another
hour). Of the others, whose numbers alone are changed, the formulation says whether they break
anything: see ``laws.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.random import Generator
from numpy.typing import NDArray

from citygrid.district.case import Case
from citygrid.errors import CitygridError
from citygrid.ledger import COLUMNS
from citygrid.plan.plan import Plan
from tests.plan.mutations.laws import Site, formulated

#: Amounts are drawn evenly over orders of magnitude, as parts of the largest number of a flow.
LEAST, MOST = 3e-6, 2.0
#: Columns of a form up to which it is made anew for a changed case.
RESTATED_AT_MOST = 400


class Mutant(NamedTuple):
    """A changed plan, what was done to it, and of which kind of component."""

    plan: Plan
    what: str
    kind: str
    certain: bool
    site: Site | None = None  # another programme that says whether it breaks anything


Operator = Callable[[Site, Generator], Mutant | None]
OPERATORS: dict[str, tuple[str, Operator]] = {}


def breaks(law: str) -> Callable[[Operator], Operator]:
    """Register an operator with the law that it breaks."""

    def register(operator: Operator) -> Operator:
        OPERATORS[operator.__name__] = (law, operator)
        return operator

    return register


# tools --------------------------------------------------------------------------------------------


def amount(rng: Generator, largest: float) -> float:
    """A part of what flows, from just above the tolerance to gross."""
    part = 10.0 ** rng.uniform(np.log10(LEAST), np.log10(MOST))
    return float(part * max(largest, 1.0))


def any_flow(site: Site, rng: Generator, wanted: Callable[[xr.DataArray], bool]) -> str | None:
    """A flow by kind first, so that large kinds do not take all mutants."""
    names = [name for name, array in site.flows.items() if wanted(array)]
    kinds = sorted({name.split(".")[0] for name in names})
    if not kinds:
        return None
    kind = kinds[rng.integers(len(kinds))]
    own = [name for name in names if name.startswith(f"{kind}.")]
    return own[rng.integers(len(own))]


def any_place(rng: Generator, where: NDArray[np.bool_]) -> tuple[int, ...]:
    places = np.argwhere(where)
    return tuple(int(i) for i in places[rng.integers(len(places))])


def is_choice(array: xr.DataArray) -> bool:
    return array.attrs["units"] == "1"


def is_amount(array: xr.DataArray) -> bool:
    return not is_choice(array)


def hourly(array: xr.DataArray) -> bool:
    return array.ndim == 2 and array.shape[1] > 1


def with_flow(site: Site, rng: Generator, name: str, values: NDArray[np.float64], what: str
              ) -> Mutant | None:  # fmt: skip
    """The plan with another flow; the books are restated for it half of the time."""
    before = site.plan.dataset[name]
    if np.array_equal(values, before.values):
        return None
    dataset = site.plan.dataset.copy()
    dataset[name] = before.copy(data=values)
    cooked = rng.random() < 0.5
    if cooked:
        dataset = site.cooked(dataset)
    return Mutant(Plan(site.case, dataset), f"{name}: {what}{', books restated' * cooked}",
                  name.split(".")[0], False)  # fmt: skip


def with_dataset(site: Site, dataset: xr.Dataset, what: str, kind: str, certain: bool = True
                 ) -> Mutant:  # fmt: skip
    return Mutant(Plan(site.case, dataset), what, kind, certain)


# flows and levels ---------------------------------------------------------------------------------


@breaks("balance of a carrier, or the unit's own equation")
def more_in_an_hour(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_amount)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values).max()))
    values[place] += by
    return with_flow(site, rng, name, values, f"{by:+.3g} at {place}")


@breaks("balance of a carrier, or flows are not negative")
def less_in_an_hour(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_amount)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values).max()))
    values[place] -= by
    return with_flow(site, rng, name, values, f"{-by:+.3g} at {place}")


@breaks("balance of a carrier in every hour")
def a_part_more_all_day(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: is_amount(a) and bool(np.abs(a.values).max() > 0))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    row = any_place(rng, np.abs(values) > 0)[0]
    part = amount(rng, 1.0) * rng.choice([-1.0, 1.0])
    values[row] *= 1.0 + part
    return with_flow(site, rng, name, values, f"row {row} × {1 + part:.6g}")


@breaks("capacity of a unit")
def beyond_its_capacity(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_amount)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    span = site.form.columns[name].span
    upper = site.form.upper[span].reshape(values.shape)
    if not np.isfinite(upper).any():
        return None
    place = any_place(rng, np.isfinite(upper))
    by = amount(rng, float(upper[place]))
    values[place] = upper[place] + by
    return with_flow(site, rng, name, values, f"{by:.3g} above its limit at {place}")


@breaks("balance of a carrier: a unit stands still that was needed")
def silenced_for_an_hour(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: is_amount(a) and bool((np.abs(a.values) > 1e-3).any()))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.abs(values) > 1e-3)
    values[place] = 0.0
    return with_flow(site, rng, name, values, f"0 at {place}")


@breaks("what is done at one hour is done at another")
def two_hours_swapped(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: hourly(a) and bool((np.ptp(a.values, axis=1) > 1e-3).any()))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    row = any_place(rng, np.ptp(values, axis=1) > 1e-3)[0]
    first, second = int(values[row].argmax()), int(values[row].argmin())
    if rng.random() < 0.5:
        first, second = (int(i) for i in rng.choice(values.shape[1], 2, replace=False))
    values[row, [first, second]] = values[row, [second, first]]
    return with_flow(site, rng, name, values, f"hours {first} and {second} of row {row} swapped")


@breaks("what is done at one hour is done at another")
def a_step_late(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: hourly(a) and bool((np.ptp(a.values, axis=1) > 1e-3).any()))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    row = any_place(rng, np.ptp(values, axis=1) > 1e-3)[0]
    by = int(rng.choice([-1, 1]))
    values[row] = np.roll(values[row], by)
    return with_flow(site, rng, name, values, f"row {row} by {by:+d} steps")


@breaks("what one unit does another is said to do")
def two_units_swapped(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: a.shape[0] > 1)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    first, second = (int(i) for i in rng.choice(len(values), 2, replace=False))
    values[[first, second]] = values[[second, first]]
    return with_flow(site, rng, name, values, f"rows {first} and {second} swapped")


@breaks("levels follow what goes in and out")
def level_from_nowhere(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: a.attrs["units"] == "kWh" and hourly(a))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    row, step = any_place(rng, np.ones(values.shape, dtype=bool))
    by = amount(rng, float(np.abs(values[row]).max())) * rng.choice([-1.0, 1.0])
    values[row, step:] += by
    return with_flow(site, rng, name, values, f"{by:+.3g} from step {step} of row {row} on")


@breaks("levels follow what goes in and out: a loss is left out or borne twice")
def a_store_that_does_not_leak(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: a.attrs["units"] == "kWh" and hourly(a))
    if name is None:
        return None
    values = site.flows[name].values.copy()
    row = int(rng.integers(len(values)))
    rate = amount(rng, 1.0) * rng.choice([-1.0, 1.0])
    values[row] *= (1.0 + rate) ** np.arange(values.shape[1])
    return with_flow(site, rng, name, values, f"row {row} grows by {rate:+.3g} a step")


@breaks("an equation that a change elsewhere was to hide")
def balanced_elsewhere(site: Site, rng: Generator) -> Mutant | None:
    """A flow is changed, and what its rows then lack is made up by others of the same rows.

    A liar who knows some of the laws: up to three equations are closed again, one after the other.
    """
    form, x = site.form, site.point(site.plan.dataset)
    name = any_flow(site, rng, is_amount)
    if name is None or not np.isfinite(x).all():
        return None
    block = form.columns[name]
    column = int(block.start + rng.integers(block.size))
    by = amount(rng, float(np.abs(x[block.span]).max())) * rng.choice([-1.0, 1.0])
    x[column] += by
    touched, columns = {column}, form.matrix.tocsc()
    for _ in range(int(rng.integers(1, 4))):
        rows = columns.indices[columns.indptr[column] : columns.indptr[column + 1]]
        equal = [int(row) for row in rows if form.row_lower[row] == form.row_upper[row]]
        if not equal:
            break
        row = equal[rng.integers(len(equal))]
        part = slice(form.matrix.indptr[row], form.matrix.indptr[row + 1])
        entries = form.matrix.indices[part], form.matrix.data[part]
        others = [(int(j), float(a)) for j, a in zip(*entries, strict=True)
                  if j not in touched and not form.integer[j] and not site.hidden[j]]  # fmt: skip
        if not others:
            break
        other, weight = others[rng.integers(len(others))]
        x[other] += (form.row_lower[row] - float(entries[1] @ x[entries[0]])) / weight
        touched.add(other)
        column = other
    dataset = site.plan.dataset.copy()
    for each in sorted({c.split("[")[0] for c in map(form.column_label, touched)}):
        span = form.columns[each]
        dataset[each] = dataset[each].copy(data=x[span.span].reshape(span.shape))
    cooked = site.cooked(dataset)
    names = " and ".join(map(form.column_label, sorted(touched)))
    return Mutant(Plan(site.case, cooked), f"{by:+.3g} in {names}", name.split(".")[0], False)


# states -------------------------------------------------------------------------------------------


@breaks("what runs is on, what starts was off, times are kept")
def a_state_turned_over(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_choice)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    values[place] = 1.0 - np.round(values[place])
    return with_flow(site, rng, name, values, f"turned over at {place}")


@breaks("states are 0 or 1")
def half_a_state(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_choice)
    if name is None:
        return None
    values = site.flows[name].values.copy()
    place = any_place(rng, np.ones(values.shape, dtype=bool))
    by = min(amount(rng, 1.0), 0.5)
    values[place] += by if values[place] < 0.5 else -by
    return with_flow(site, rng, name, values, f"{values[place]:.6g} at {place}")


@breaks("times on and off, or what runs is on")
def a_state_held_for_long(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: is_choice(a) and hourly(a))
    if name is None:
        return None
    values = site.flows[name].values.copy()
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


# costs --------------------------------------------------------------------------------------------


@breaks("the ledger states what was spent")
def an_amount_in_the_ledger(site: Site, rng: Generator) -> Mutant | None:
    column = f"ledger.{list(COLUMNS)[rng.integers(len(COLUMNS))]}"
    values = site.plan.dataset[column].values.copy()
    if not len(values):
        return None
    line = int(rng.integers(len(values)))
    by = amount(rng, abs(values[line])) * rng.choice([-1.0, 1.0])
    values[line] += by
    return _books(site, {column: values}, f"line {line} of {column} {by:+.3g}", line)


@breaks("the ledger states who spent it")
def a_bill_to_another(site: Site, rng: Generator) -> Mutant | None:
    """Money is moved from line to line, so that the sum remains."""
    values = site.plan.dataset["ledger.money"].values.copy()
    if len(values) < 2:
        return None
    first, second = (int(i) for i in rng.choice(len(values), 2, replace=False))
    by = amount(rng, float(np.abs(values[[first, second]]).max()))
    values[first] += by
    values[second] -= by
    return _books(site, {"ledger.money": values}, f"{by:.3g} EUR from {second} to {first}", first)


@breaks("the ledger states who spent it")
def a_line_renamed(site: Site, rng: Generator) -> Mutant | None:
    column = ("ledger.component", "ledger.item")[rng.integers(2)]
    values = site.plan.dataset[column].values.copy()
    if not len(values):
        return None
    line = int(rng.integers(len(values)))
    values[line] = f"{values[line]} of old"
    return _books(site, {column: values}, f"line {line} renamed in {column}", line, certain=True)


@breaks("every line stands once")
def a_line_dropped_or_doubled(site: Site, rng: Generator) -> Mutant | None:
    dataset = site.plan.dataset
    lines = np.arange(dataset.sizes["ledger_line"])
    amounts = np.max([np.abs(dataset[f"ledger.{c}"].values) for c in COLUMNS], axis=0)
    if not (amounts > 1e-3).any():
        return None
    (line,) = any_place(rng, amounts > 1e-3)
    doubled = rng.random() < 0.5
    kept = np.append(lines, line) if doubled else np.delete(lines, line)
    kind = str(dataset["ledger.item"].values[line]).split(".")[0]
    return with_dataset(site, dataset.isel(ledger_line=kept),
                        f"line {line} {'doubled' if doubled else 'dropped'}", kind)  # fmt: skip


@breaks("the objective is the sum of the ledger")
def another_objective(site: Site, rng: Generator) -> Mutant | None:
    turnover = float(np.abs(site.plan.dataset["ledger.money"].values).sum())
    by = amount(rng, turnover) * rng.choice([-1.0, 1.0])
    dataset = site.plan.dataset.assign_attrs(objective=site.plan.objective + by)
    dataset.attrs.pop("bound", None)
    return with_dataset(site, dataset, f"objective {by:+.3g} EUR", "plan")


@breaks("no bound lies above the cost of a plan")
def a_bound_above_the_cost(site: Site, rng: Generator) -> Mutant | None:
    by = amount(rng, abs(site.plan.objective))
    dataset = site.plan.dataset.assign_attrs(bound=site.plan.objective + by)
    return with_dataset(site, dataset, f"bound {by:.3g} EUR above the cost", "plan")


def _books(site: Site, changed: dict[str, NDArray[np.generic]], what: str, line: int,
           certain: bool = False) -> Mutant:  # fmt: skip
    dataset = site.plan.dataset.copy()
    for name, values in changed.items():
        dataset[name] = dataset[name].copy(data=values)
    kind = str(site.plan.dataset["ledger.item"].values[line]).split(".")[0]
    return with_dataset(site, dataset, what, kind, certain)


# units --------------------------------------------------------------------------------------------


@breaks("numbers are in the unit that they are read in")
def another_unit(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, lambda a: bool(np.abs(a.values).max() > 1e-3))
    if name is None:
        return None
    own = site.flows[name].attrs["units"]
    others = [u for u in ("kW", "MW", "W", "kWh", "MWh", "1", "%", "EUR", "K", "GB/h", "MB/h", "h",
                          "bananas", "EUR/h", "kg/s") if u != own]  # fmt: skip
    unit = others[rng.integers(len(others))]
    dataset = site.plan.dataset.copy()
    dataset[name] = dataset[name].assign_attrs(units=unit)
    return with_dataset(site, dataset, f"{name} in {unit}", name.split(".")[0])


@breaks("numbers say their unit")
def no_unit(site: Site, rng: Generator) -> Mutant | None:
    name = any_flow(site, rng, is_amount)
    if name is None:
        return None
    dataset = site.plan.dataset.copy()
    bare = dataset[name].copy()
    bare.attrs = {key: value for key, value in bare.attrs.items() if key != "units"}
    dataset[name] = bare
    return with_dataset(site, dataset, f"{name} without a unit", name.split(".")[0])


@breaks("the ledger is in EUR, kg and l")
def another_unit_in_the_ledger(site: Site, rng: Generator) -> Mutant | None:
    column = f"ledger.{list(COLUMNS)[rng.integers(len(COLUMNS))]}"
    unit = ("kEUR", "t", "m^3", "kW", "")[rng.integers(5)]
    dataset = site.plan.dataset.copy()
    dataset[column] = dataset[column].assign_attrs(units=unit)
    return with_dataset(site, dataset, f"{column} in {unit or 'nothing'}", "ledger")


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
    names = [name for name, a in site.flows.items()
             if a.ndim == 2 and a.dims[1] != "time" and a.shape[1] > 1]  # fmt: skip
    if not names:
        return None
    name = names[rng.integers(len(names))]
    dim = str(site.flows[name].dims[1])
    stamps = site.flows[name][dim].values.copy()
    if rng.random() < 0.5:
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
    def shapes(one: Site) -> dict[str, tuple[int, ...]]:
        return {name: block.shape for name, block in one.form.columns.items()}
    if shapes(other) != shapes(site) or other.form.accounts.keys() != site.form.accounts.keys():
        return None  # a unit that has further flows now is another unit
    if rng.random() < 0.5:
        plan, what = Plan(case, other.cooked(plan.dataset)), f"{what}, books restated"
    return Mutant(plan, what, what.split(".")[0], False, other)
