"""What mutation operators share: mutants, their register, draws of flows, places and amounts.

An operator gets an honest plan and a random generator and gives a mutant, or ``None`` where the
plan has nothing for it. ``certain`` mutants are wrong by what they are (another unit, another
hour). Of the others, whose numbers alone are changed, the formulation says whether they break
anything: see ``laws.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.random import Generator
from numpy.typing import NDArray

from citygrid.plan.plan import Plan
from tests.plan.mutations.laws import Site

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


Change = Callable[[Site, Generator, str, NDArray[np.float64]], Mutant | None]


def of_a_flow(wanted: Callable[[xr.DataArray], bool]) -> Callable[[Change], Operator]:
    """An operator that changes the values of one flow: it gets the flow's name and a copy."""

    def drawn(change: Change) -> Operator:
        @wraps(change)
        def operator(site: Site, rng: Generator) -> Mutant | None:
            name = any_flow(site, rng, wanted)
            if name is None:
                return None
            return change(site, rng, name, site.flows[name].values.copy())

        return operator

    return drawn


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
