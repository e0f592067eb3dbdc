"""Operators on the books and on units: ledger, objective, bound."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from citygrid.ledger import COLUMNS
from tests.plan.mutations.laws import Site
from tests.plan.mutations.tools import (
    Mutant,
    amount,
    any_flow,
    any_place,
    breaks,
    is_amount,
    with_dataset,
)

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
