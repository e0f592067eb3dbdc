"""Prices and capacities of a district by their paths, and how to raise one by an amount."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel

from citygrid.components.fields import Measure, Reference, Timetable, marks
from citygrid.district.case import Case
from citygrid.district.changed import changed
from citygrid.district.load import District
from citygrid.district.paths import write_path
from citygrid.units import parse

#: Units of what is paid, and of what limits.
PRICES = ("EUR/kWh", "EUR/kW", "EUR/kg", "EUR/GB", "EUR/h", "EUR")
CAPACITIES = ("kW", "kWh")
#: Unit → the one in which sensitivities are told, and how many of the first it is.
TOLD = {"EUR/kWh": ("EUR/MWh", 1e-3), "EUR/kg": ("EUR/t", 1e-3)}
#: Group of components whose amounts are what others ask for: no capacity of theirs.
SERVED = "demand"
#: Sections of the file itself that are prices.
OWN = {"carbon_price": "EUR/kg", "nox_price": "EUR/kg"}


@dataclass(frozen=True)
class Parameter:
    """One number of a district file: its path, canonical ``unit`` and ``value`` there.

    Of an hourly price by a series, ``path`` is what is added to all hours, and ``value`` the mean
    price that results. ``price`` tells prices from capacities.
    """

    path: str
    unit: str
    value: float
    price: bool
    base: float

    @property
    def told(self) -> tuple[str, float]:
        """The unit in which it is told, and how many canonical ones that is."""
        return TOLD.get(self.unit, (self.unit, 1.0))

    def raised(self, district: District, amount: float) -> District:
        """The district with so much more of it [canonical unit]."""
        return changed(district, {self.path: f"{self.base + amount!r} {self.unit}"})


def parameters(
    district: District, case: Case, match: str = "*"
) -> tuple[list[Parameter], list[str]]:
    """All prices and capacities whose path fits ``match``, and the paths that cannot be raised.

    What is left out has hours of its own (a tariff by the calendar, a capacity by a series).
    """
    found: list[Parameter] = []
    left: list[str] = []
    for name, unit in OWN.items():
        value = float(getattr(district.spec, name))
        if fnmatchcase(name, match) and (value or name in district.tree.value):
            found.append(Parameter(name, unit, value, True, value))
    for name, spec in district.components.items():
        for path, flat, field, value in _fields(spec):
            whole = f"{write_path(('components', name))}.{path}"
            measure = next((m for m in marks(field) if isinstance(m, Measure)), None)
            if measure is None or value is None or not fnmatchcase(whole, match):
                continue
            price = measure.unit in PRICES
            if not price and (measure.unit not in CAPACITIES or spec.group == SERVED):
                continue
            if isinstance(value, float):
                if value or (price and _stated(district, name, path)):
                    found.append(Parameter(whole, measure.unit, value, price, value))
            elif price and isinstance(value, Reference):
                base = 0.0 if value.plus is None else parse(value.plus, measure.unit)
                units = case.units[district.kind_of[name]]
                row = units.parameters[flat].values[units.names.index(name)]
                found.append(
                    Parameter(f"{whole}.plus", measure.unit, float(row.mean()), price, base)
                )
            else:
                left.append(whole)
    return found, left


def _stated(district: District, name: str, path: str) -> bool:
    inner: Any = district.tree.value["components"][name]
    for key in path.split("."):
        if not isinstance(inner, dict) or key not in inner:
            return False
        inner = inner[key]
    return True


def _fields(
    spec: BaseModel, path: str = "", flat: str = ""
) -> Iterator[tuple[str, str, Any, Any]]:  # fmt: skip
    """Path in the file, name in the case, field and value of everything that a spec states."""
    for name, field in type(spec).model_fields.items():
        key, value = field.alias or name, getattr(spec, name)
        if isinstance(value, BaseModel) and not isinstance(value, Reference | Timetable):
            yield from _fields(value, f"{path}{key}.", f"{flat}{name.rstrip('_')}_")
        else:
            yield f"{path}{key}", f"{flat}{name}", field, value
