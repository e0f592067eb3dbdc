"""Sensitivity of cost in words: which limits are worth most, and the price of heat and power.

All figures are those that a plan brings with it (``worth.*`` and ``price.*``, the duals with every
start, stop and job as planned); a plan without them, such as an older one, has no such section.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from citygrid.district.case import Case
from citygrid.export.palette import look
from citygrid.export.report.courses import Courses, courses
from citygrid.export.windows import Window, local
from citygrid.plan.plan import Plan

#: Limits that are said in a sentence, one of each kind and quantity; the table has all.
SAID = 6
#: Worth over the horizon below which a limit is not named [EUR].
NOTHING = 0.005
#: Quantities that need no word: what a kind is there for.
PLAIN = {"heat", "power", "cooling", "flow", "supplied", "produced", "level", "it_power"}
WORDS = {"import": "import", "export": "export", "back": "against its direction",
         "compute": "IT power", "charge": "charging", "discharge": "discharging",
         "recovered": "recoverable heat"}  # fmt: skip
#: Carriers whose prices are drawn.
PRICED = {"heat": "Price of heat", "power": "Price of power"}


@dataclass(frozen=True)
class Worth:
    """What one more kW (or kWh) of one limit would have saved; ``most`` in its dearest step."""

    name: str
    label: str
    quantity: str
    unit: str
    total: float
    hours: float
    most: float
    when: str
    others: int = 0


@dataclass(frozen=True)
class Worths:
    """Limits by what they were worth, and why there are none where there are none."""

    about: str
    limits: list[Worth]

    @property
    def held(self) -> bool:
        """Whether the plan brings these figures with it."""
        return self.about == "held"

    @property
    def said(self) -> list[Worth]:
        """Those worth a sentence: the first of each kind, and how many others of it there are."""
        groups: dict[tuple[str, str], list[Worth]] = {}
        for limit in self.limits:
            groups.setdefault((limit.label, limit.quantity), []).append(limit)
        return [replace(group[0], others=len(group) - 1) for group in groups.values()][:SAID]


def worths(case: Case, plan: Plan) -> Worths | None:
    """Limits of a plan, those worth most first; ``None`` for a plan that does not speak of it."""
    about = plan.attributes.get("sensitivity")
    if about is None:
        return None
    known = tuple(case.units)
    found = []
    for name, array in plan.worths.items():
        kind, _, quantity = name.partition(".")
        shape = (len(case.units.get(kind, ())), len(case.time))
        if not _is_hourly(array) or array.shape[0] > shape[0] or array.shape[1] != shape[1]:
            continue  # no figures of this case
        values = np.nan_to_num(array.values)
        unit = str(array.attrs.get("units", "")).rpartition("/")[2]
        word = "" if quantity in PLAIN else WORDS.get(quantity, quantity.replace("_", " "))
        for row, label in enumerate(array[array.dims[0]].values):
            total = float(values[row].sum())
            if total < NOTHING:
                continue
            step = int(values[row].argmax())
            when = local(case, case.time[[step]])[0].strftime("%-d %B at %H:%M")
            found.append(Worth(str(label), look(kind, known).label, word, unit, total,
                               float((values[row] > 0).sum()) * case.step,
                               float(values[row, step]), when))  # fmt: skip
    return Worths(str(about), sorted(found, key=lambda worth: (-worth.total, worth.name)))


def _is_hourly(array: xr.DataArray) -> bool:
    """Whether a block is numbers over something and time, as those of a route are."""
    return array.ndim == 2 and array.dims[1] == "time" and array.dtype.kind == "f"


def prices(plan: Plan, window: Window) -> list[Courses]:
    """Prices of heat and power over time: at the dearest place, their mean, at the cheapest."""
    found = []
    for carrier, title in PRICED.items():
        array = plan.prices.get(carrier)
        if array is None or not _is_hourly(array) or array.shape[1] != len(window.case.time):
            continue
        values = array.values
        series = [("mean of all places", values.mean(axis=0))]
        if np.ptp(values, axis=0).max() > 1e-6:
            series = [("dearest place", values.max(axis=0)), *series,
                      ("cheapest place", values.min(axis=0))]  # fmt: skip
        drawn = courses(title, "EUR/kWh", window, series)
        if drawn is not None:
            found.append(drawn)
    return found
